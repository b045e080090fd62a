"""The generators plant what they say."""

import numpy as np
import pytest
from graphs import same

from graphclust import GraphError
from graphclust.graph.synth import (
    GENERATORS,
    attributed_lfr,
    attributed_sbm,
    categorical_sbm,
    dcsbm,
    lfr,
    sbm,
    signed_sbm,
)

SMALL = {
    "sbm": {"n": 300, "k": 3},
    "signed_sbm": {"n": 300, "k": 3},
    "dcsbm": {"n": 300, "k": 3},
    "lfr": {"n": 250, "mu": 0.1, "degree": 8, "max_degree": 30, "min_community": 30},
    "attributed_sbm": {"n": 300, "k": 3},
    "categorical_sbm": {"n": 300, "k": 3},
    "attributed_lfr": {"n": 300, "mu": 0.1},
    "dsbm": {"n": 300, "k": 3},
    "temporal_sbm": {"n": 300, "k": 3},
}


@pytest.mark.parametrize("name", GENERATORS)
def test_same_seed_same_graph(name):
    first, second, third = (GENERATORS[name](**SMALL[name], seed=s) for s in (1, 1, 2))
    assert same(first, second)
    assert not same(first, third)
    assert first.directed == (name == "dsbm")
    assert len(first.y) == first.num_nodes == SMALL[name]["n"]


def share_inside(graph):
    source, target = graph.edge_index
    return float((graph.y[source] == graph.y[target]).float().mean())


def test_sbm_has_the_densities_it_is_given():
    graph = sbm(n=2000, k=4, p_in=0.05, p_out=0.005, seed=0)
    source, target = graph.edge_index
    inside = int((graph.y[source] == graph.y[target]).sum()) / 2
    pairs_inside, pairs = 4 * 500 * 499 / 2, 2000 * 1999 / 2
    assert inside / pairs_inside == pytest.approx(0.05, rel=0.05)
    across = len(source) / 2 - inside
    assert across / (pairs - pairs_inside) == pytest.approx(0.005, rel=0.05)
    assert np.array_equal(np.bincount(graph.y), [500] * 4)


def test_dcsbm_mixes_as_told_and_has_hubs():
    graph = dcsbm(n=3000, k=5, degree=12, mixing=0.3, seed=0)
    assert share_inside(graph) == pytest.approx(0.7, abs=0.03)
    degree = np.bincount(graph.edge_index[0], minlength=3000)
    assert degree.mean() == pytest.approx(12, rel=0.15)
    assert degree.max() > 8 * degree.mean()


def test_lfr_mixes_as_told():
    graph = lfr(**SMALL["lfr"], seed=3)
    assert 0.9 - 0.08 < share_inside(graph) < 0.9
    assert np.bincount(graph.y).min() >= 30


def test_attributed_sbm_has_features_around_block_centres():
    graph = attributed_sbm(n=400, k=4, features=50, signal=3.0, seed=0)
    x, y = graph.x.numpy(), graph.y.numpy()
    centres = np.stack([x[y == b].mean(axis=0) for b in range(4)])
    assert np.std(x - centres[y]) == pytest.approx(1, abs=0.05)
    assert np.std(centres) == pytest.approx(3, rel=0.3)


def test_categorical_sbm_has_the_degree_and_the_attributes_it_is_given():
    graph = categorical_sbm(n=4000, k=4, degree=12, contrast=0.25, fidelity=0.6, attributes=2)
    assert graph.num_edges / 4000 == pytest.approx(12, rel=0.05)
    assert share_inside(graph) == pytest.approx(1 / (1 + 3 * 0.25), abs=0.02)
    x, y = graph.x.numpy(), graph.y.numpy()
    assert np.array_equal(x.reshape(4000, 2, 4).sum(axis=2), np.ones((4000, 2)))
    right = x.reshape(4000, 2, 4)[np.arange(4000), :, y].mean(axis=0)
    assert right == pytest.approx([0.7, 0.7], abs=0.03)  # .6, and a quarter of the rest


def test_attributed_lfr_is_lfr_with_attributes():
    graph, plain = attributed_lfr(n=300, mu=0.1, fidelity=1.0, attributes=1), lfr(n=300, mu=0.1)
    assert np.array_equal(graph.edge_index, plain.edge_index)
    assert np.array_equal(graph.x.numpy().argmax(axis=1), graph.y)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: sbm(n=5, k=9), "k must lie between 1 and n=5, found 9"),
        (lambda: sbm(p_in=1.5), r"p_in must lie in \[0, 1\], found 1.5"),
        (lambda: dcsbm(exponent=0.5), "exponent > 1"),
        (lambda: attributed_sbm(features=0), "features must be ≥ 1"),
        (lambda: categorical_sbm(fidelity=2), r"fidelity must lie in \[0, 1\], found 2"),
        (lambda: categorical_sbm(degree=0), "degree must be > 0, found 0"),
        (lambda: categorical_sbm(attributes=0), "attributes must be ≥ 1, found 0"),
        (lambda: lfr(n=20, degree=4, max_degree=9), "no LFR graph with n=20"),
        (lambda: lfr(n=90), r"max_degree ≤ n/2 = 45, found 15.0, 50"),
    ],
)
def test_wrong_parameters_are_refused(make, text):
    with pytest.raises(GraphError, match=text):
        make()


def test_signs_of_a_signed_sbm_tell_blocks_but_for_those_turned_round():
    for eta in (0.0, 0.3):
        graph = signed_sbm(400, 4, p=0.2, eta=eta, seed=1)
        source, target = graph.edge_index.numpy()
        y, weight = graph.y.numpy(), graph.edge_weight.numpy()
        assert set(weight.tolist()) == {-1.0, 1.0}
        assert np.mean((weight > 0) != (y[source] == y[target])) == pytest.approx(eta, abs=0.02)
        assert len(weight) / (400 * 399) == pytest.approx(0.2, abs=0.02)
