"""node2vec and DeepWalk as methods: what their parameters do, and what the kernels hand back."""

import numpy as np
from graphs import TRIANGLES, pairs, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, as_graph

SMALL = {"dimensions": 16, "walks": 5, "length": 20, "window": 3}


def vectors(name="node2vec", graph=None, **params):
    graph = planted() if graph is None else graph
    return METHODS[name](n_clusters=4, **(SMALL | params)).fit(graph).embedding


def test_deepwalk_is_node2vec_without_bias():
    assert np.array_equal(vectors("deepwalk"), vectors("node2vec", p=1.0, q=1.0))
    default = METHODS["deepwalk"](n_clusters=4)
    assert (default.walks, default.length, default.p, default.q) == (80, 40, 1.0, 1.0)
    assert "p" not in METHODS["deepwalk"].__match_args__


def test_bias_weights_and_directions_are_used():
    plain, graph = vectors(), planted()
    assert not np.array_equal(plain, vectors(p=0.25, q=4.0))
    graph.edge_weight = graph.edge_index.sum(dim=0).double() + 1
    assert not np.array_equal(plain, vectors(graph=graph))
    arcs = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    directed = as_graph(arcs, directed=True, num_nodes=120)
    assert not np.array_equal(plain, vectors(graph=directed))


def test_nodes_without_edges_are_told_apart():
    found = METHODS["node2vec"](n_clusters=2, **SMALL).fit(pairs(*TRIANGLES, n=8))
    assert found.extras["trained"].tolist() == [True] * 6 + [False] * 2
    assert [len(found.history), found.history[0]["epoch"]] == [1, 0]


def test_any_head_reads_the_vectors():
    graph = planted()
    for head in ("leiden:neighbours=20", "kmeans:spherical=true"):
        found = METHODS["node2vec"](n_clusters=4, head=head, **SMALL).fit(graph)
        assert ari(graph.y.numpy(), found.labels) > 0.95
