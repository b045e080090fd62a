"""Directed stochastic block models have the densities of their meta-graph."""

import numpy as np
import pytest

from graphclust import GraphError, load
from graphclust.graph.digraphs import dsbm, geometric_sizes, meta_graph


def densities(graph, k: int) -> np.ndarray:
    """(K, K) arcs over ordered pairs of different nodes."""
    y, (source, target) = graph.y.numpy(), graph.edge_index.numpy()
    found = np.zeros((k, k))
    np.add.at(found, (y[source], y[target]), 1)
    size = np.bincount(y)
    return found / (np.outer(size, size) - np.diag(size))


@pytest.mark.parametrize("shape", ["cycle", "path", "complete", "star", "multipartite"])
@pytest.mark.parametrize("ambient", [False, True])
def test_densities_are_those_of_the_meta_graph(shape, ambient):
    f = meta_graph(shape, 5, 0.1, ambient=ambient, seed=2)
    graph = dsbm(2000, 5, p=0.2, eta=0.1, shape=shape, ambient=ambient, seed=2)
    found = densities(graph, 5)
    deviation = np.sqrt(0.2 * f / 400**2)
    assert (abs(found - 0.2 * f) < 5 * deviation).all()
    assert np.allclose(f + f.T, 1)
    assert not ambient or (f[4] == 0.5).all()


def test_meta_graphs():
    assert np.argwhere(meta_graph("cycle", 4, 0) == 1).tolist() == [[0, 1], [1, 2], [2, 3], [3, 0]]
    assert np.argwhere(meta_graph("path", 3, 0) == 1).tolist() == [[0, 1], [1, 2]]
    # the centre of five is 2: even leaves point to it, it points to odd ones
    star = np.argwhere(meta_graph("star", 5, 0) == 1).tolist()
    assert star == [[0, 2], [2, 1], [2, 3], [4, 2]]
    # of nine: one, three and five
    parts = np.argwhere(meta_graph("multipartite", 9, 0) == 1)
    assert len(parts) == 1 * 3 + 3 * 5
    complete = meta_graph("complete", 6, 0.1)
    assert ((complete == 0.9) | (complete == 0.1) | np.eye(6, dtype=bool)).all()


def test_only_the_published_star_is_denser_at_its_centre():
    assert meta_graph("star", 5, 0.1)[2, 2] == 0.5
    assert meta_graph("star", 5, 0.1, legacy=True)[2, 2] == 0.9
    assert meta_graph("star", 4, 0.1, legacy=True)[1, 1] == 0.5  # an odd centre


def test_sizes_grow_geometrically():
    assert geometric_sizes(1000, 3, 4).tolist() == [143, 286, 571]
    assert geometric_sizes(10, 3, 1).sum() == 10


def test_every_arc_and_none():
    assert dsbm(30, 3, p=1.0, eta=0.0).edge_index.shape[1] > 0
    assert dsbm(30, 3, p=0.0).edge_index.shape[1] == 0
    graph = dsbm(30, 3, p=1.0, eta=0.0)
    y, (source, target) = graph.y.numpy(), graph.edge_index.numpy()
    there = (y[target] - y[source]) % 3 == 1
    assert there.sum() == 3 * 100
    assert not ((y[source] - y[target]) % 3 == 1).any()


def test_same_seed_same_graph():
    name = "dsbm:n=60,k=4,shape=complete,seed=3"
    a, b, c = load(name), load(name), load(name.replace("seed=3", "seed=4"))
    assert a.edge_index.equal(b.edge_index)
    assert not a.edge_index.equal(c.edge_index)
    assert a.directed


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"shape": "ring"}, "shape must be one of cycle, path"),
        ({"eta": 0.6}, r"eta must lie in \[0, 0.5\]"),
        ({"p": 1.5}, r"p must lie in \[0, 1\]"),
        ({"k": 2}, "a cycle has at least 3 clusters"),
        ({"k": 3, "ambient": True}, "beside the ambient one"),
        ({"ratio": 0.5}, "ratio must be at least 1"),
        ({"n": 20, "k": 3, "ratio": 1e3}, "too few for 3 clusters"),
        ({"n": 2}, "k must lie between 1 and n=2"),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(GraphError, match=message):
        dsbm(**params)
