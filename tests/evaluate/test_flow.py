"""Scores of the flow between clusters."""

import numpy as np
import pytest

from graphclust import GraphError, as_graph, flow_imbalance, flow_matrix, load, top_pairs
from graphclust.evaluate.flow import FLOW, flow_scores

ARCS = np.array([[0, 0, 1, 2, 3, 4], [2, 3, 3, 4, 1, 5]])  # clusters 01, 23, 45
LABELS = [0, 0, 1, 1, 2, 2]


def graph():
    return as_graph(ARCS, directed=True, num_nodes=6)


def test_flow_from_cluster_to_cluster():
    assert flow_matrix(graph(), LABELS).tolist() == [[0, 3, 0], [1, 0, 1], [0, 0, 1]]


def test_imbalance_by_hand():
    # volumes 4, 6, 3 - 1 = 2 … degrees: 0: 2, 1: 2, 2: 2, 3: 3, 4: 2, 5: 1
    assert flow_imbalance(graph(), LABELS, pairs=1) == pytest.approx(2 * 2 / (4 + 5))
    naive = (2 * 2 / 9 + 0 + 2 * 1 / (5 + 3)) / 3
    assert flow_imbalance(graph(), LABELS, selection="naive") == pytest.approx(naive)
    assert flow_imbalance(graph(), LABELS, "plain", pairs=1) == 1.0
    assert flow_imbalance(graph(), LABELS, "plain", pairs=2) == pytest.approx((1 + 0.5) / 2)


def test_the_most_unequal_pairs_come_first():
    found = top_pairs(graph(), LABELS)
    assert [(pair.source, pair.target, pair.net) for pair in found] == [(0, 1, 2.0), (1, 2, 1.0)]
    assert found[0].imbalance > found[1].imbalance


def test_one_cluster_has_no_flow():
    assert flow_imbalance(graph(), [0] * 6) == 0.0
    assert top_pairs(graph(), [0] * 6) == []
    with pytest.raises(ValueError, match="unknown normalisation 'vol-sum'; did you mean vol_sum"):
        top_pairs(graph(), LABELS, "vol-sum")
    assert flow_scores(graph(), [0] * 6) == {"imbalance_all": 0, "imbalance_significant": 0}
    assert set(flow_scores(graph(), LABELS)) == {*FLOW} - {"imbalance_5", "imbalance_9"}


def test_planted_flow_scores_higher_than_chance():
    digraph = load("dsbm:n=300,k=3,p=0.1,eta=0.05")
    shuffled = np.random.default_rng(0).permutation(digraph.y.numpy())
    assert flow_imbalance(digraph, digraph.y) > 5 * flow_imbalance(digraph, shuffled)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalisation": "sum"}, "unknown normalisation 'sum'"),
        ({"selection": "best"}, "unknown selection 'best'"),
        ({"pairs": 4}, "pairs must lie between 1 and 3, found 4"),
        ({"pairs": 0}, "pairs must lie between 1 and 3, found 0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        flow_imbalance(graph(), LABELS, **options)


def test_undirected_graphs_are_refused():
    with pytest.raises(GraphError, match="this one is undirected"):
        flow_matrix(load("karate"), np.zeros(34, int))
