"""Scores against their formulas in loops, and against scikit-learn and networkx."""

from itertools import permutations
from math import log

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn import metrics as sk

from graphclust import GraphError, as_graph
from graphclust.evaluate import metrics

RNG = np.random.default_rng(0)
PARTITIONS = [
    (RNG.integers(0, a, 30), RNG.integers(0, b, 30)) for a in (1, 3, 5) for b in (1, 3, 6)
]
both = pytest.mark.parametrize(("labels", "y"), PARTITIONS)


def best_agreement(labels, y):
    """Largest share of nodes that any one-to-one renaming gets right, by trying all of them."""
    clusters, classes = list(np.unique(labels)), list(np.unique(y))
    names = classes + [-1] * max(0, len(clusters) - len(classes))
    return max(
        np.mean(
            [
                dict(zip(clusters, chosen, strict=False))[c] == t
                for c, t in zip(labels, y, strict=True)
            ]
        )
        for chosen in permutations(names, len(clusters))
    )


@both
def test_accuracy_is_the_best_one_to_one_renaming(labels, y):
    assert metrics.external(labels, y)["acc"] == pytest.approx(best_agreement(labels, y))


@both
def test_macro_f1_is_the_mean_over_classes(labels, y):
    matched = metrics.match(labels, y)
    total = 0.0
    for c in np.unique(y):
        hit = np.sum((matched == c) & (y == c))
        called, there = np.sum(matched == c), np.sum(y == c)
        total += 0.0 if hit == 0 else 2 * hit / (called + there)
    assert metrics.external(labels, y)["macro_f1"] == pytest.approx(total / len(np.unique(y)))


def entropy(*columns):
    counts: dict = {}
    for row in zip(*columns, strict=True):
        counts[row] = counts.get(row, 0) + 1
    return -sum(c / len(columns[0]) * log(c / len(columns[0])) for c in counts.values())


@both
def test_nmi_is_mutual_information_over_the_mean_entropy(labels, y):
    a, b = entropy(labels), entropy(y)
    expected = 1.0 if a == b == 0 else 2 * (a + b - entropy(labels, y)) / (a + b)
    scores = metrics.external(labels, y)
    assert scores["nmi"] == pytest.approx(expected, abs=1e-12)
    if b:
        assert scores["homogeneity"] == pytest.approx((a + b - entropy(labels, y)) / b, abs=1e-12)
    if a:
        assert scores["completeness"] == pytest.approx((a + b - entropy(labels, y)) / a, abs=1e-12)


@both
def test_ari_counts_pairs(labels, y):
    together = both_pairs = in_labels = in_y = 0
    for i in range(30):
        for j in range(i):
            together += 1
            in_labels += labels[i] == labels[j]
            in_y += y[i] == y[j]
            both_pairs += labels[i] == labels[j] and y[i] == y[j]
    expected = in_labels * in_y / together
    largest = (in_labels + in_y) / 2
    ari = 1.0 if largest == expected else (both_pairs - expected) / (largest - expected)
    assert metrics.external(labels, y)["ari"] == pytest.approx(ari)
    assert metrics.external(labels, y)["ami"] == pytest.approx(
        sk.adjusted_mutual_info_score(y, labels)
    )


def test_more_clusters_than_classes_count_as_wrong_not_as_merged():
    y = np.repeat([0, 1], 10)
    labels = np.repeat([0, 1, 2, 3], 5)
    scores = metrics.external(labels, y)
    assert scores["acc"] == 0.5
    assert scores["homogeneity"] == pytest.approx(1)
    assert scores["nmi"] < 1
    assert sorted(set(metrics.match(labels, y))) == [-1, 0, 1]


def test_an_unused_class_lowers_f1():
    y = np.repeat([0, 1, 2], 4)
    scores = metrics.external(np.repeat([0, 1, 1], 4), y)
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_inputs_are_never_altered():
    labels, y = np.array([5, 5, 9, 9, 7]), np.array([1, 1, 0, -1, 0])
    before = labels.copy(), y.copy()
    metrics.external(labels, y)
    metrics.match(labels, y)
    assert np.array_equal(labels, before[0])
    assert np.array_equal(y, before[1])


def test_unknown_nodes_are_left_out_and_counted():
    y, labels = np.array([0, 0, 1, 1, -1, -1]), np.array([0, 0, 1, 1, 0, 2])
    scores = metrics.external(labels, y)
    assert scores["unlabelled"] == 2
    assert scores["acc"] == scores["nmi"] == scores["ari"] == scores["macro_f1"] == 1


def test_renaming_clusters_or_classes_changes_nothing():
    labels, y = PARTITIONS[-1]
    renamed = metrics.external(10 - labels, 3 + 2 * y)
    assert renamed == pytest.approx(metrics.external(labels, y))
    assert metrics.external(torch.tensor(labels), torch.tensor(y)) == metrics.external(labels, y)


@pytest.mark.parametrize(
    ("labels", "y", "text"),
    [
        ([0, 1], [[1, 0], [1, 1]], r"multi-label \(shape \(2, 2\)\)"),
        ([0, 1], [0, 1, 1], r"one shape, found \(2,\), \(3,\)"),
        ([0, 1], [-1, -1], "no labelled node"),
        ([0.5, 1], [0, 1], "labels must hold whole numbers, found float64"),
        ([0, 1], ["a", "b"], "y must hold whole numbers, found <U1"),
    ],
)
def test_wrong_truth_is_refused(labels, y, text):
    with pytest.raises(ValueError, match=text):
        metrics.external(labels, y)


# --- internal ------------------------------------------------------------------------------------


def random_graph(directed, weighted, seed=0):
    g = nx.gnp_random_graph(14, 0.3, seed=seed, directed=directed)
    if weighted:
        rng = np.random.default_rng(seed)
        for edge in g.edges:
            g.edges[edge]["weight"] = float(rng.uniform(0.1, 3))
    return g, np.random.default_rng(seed).integers(0, 4, 14)


kinds = pytest.mark.parametrize(("directed", "weighted"), [(d, w) for d in (0, 1) for w in (0, 1)])


@kinds
@pytest.mark.parametrize("resolution", [1.0, 0.3])
def test_modularity_is_its_formula(directed, weighted, resolution):
    g, labels = random_graph(directed, weighted)
    a = nx.to_numpy_array(g)
    total = a.sum()
    expected = sum(
        a[i, j] / total - resolution * a[i].sum() * a[:, j].sum() / total**2
        for i in range(14)
        for j in range(14)
        if labels[i] == labels[j]
    )
    assert metrics.modularity(g, labels, resolution) == pytest.approx(expected)
    communities = [set(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    assert expected == pytest.approx(nx.community.modularity(g, communities, resolution=resolution))


@kinds
def test_cut_coverage_and_conductance_are_their_formulas(directed, weighted):
    g, labels = random_graph(directed, weighted)
    labels = np.where(
        np.arange(14) < 11, 0, labels
    )  # one cluster holds more than half of the volume
    a = nx.to_numpy_array(g)
    both = a + a.T if directed else a
    scores = metrics.internal(g, labels)
    cut = sum(w for u, v, w in g.edges(data="weight", default=1.0) if labels[u] != labels[v])
    everything = sum(w for *_, w in g.edges(data="weight", default=1.0))
    assert scores["cut"] == pytest.approx(cut)
    assert scores["coverage"] == pytest.approx(1 - cut / everything)
    phi, large = [], False
    for c in np.unique(labels):
        inside = labels == c
        volume, rest = both[inside].sum(), both[~inside].sum()
        large |= volume > rest
        phi.append(both[np.ix_(inside, ~inside)].sum() / min(volume, rest))
    assert large
    assert metrics.conductance(g, labels) == pytest.approx(np.array(phi))
    assert scores["conductance_mean"] == pytest.approx(np.mean(phi))
    assert scores["conductance_max"] == pytest.approx(max(phi))
    assert metrics.coverage(g, labels) == scores["coverage"]
    assert metrics.cut_size(g, labels) == scores["cut"]


@pytest.mark.parametrize("directed", [False, True])
def test_disconnected_clusters_are_counted(directed):
    g = (nx.DiGraph if directed else nx.Graph)([(0, 1), (1, 2), (3, 4), (5, 6), (6, 3)])
    g.add_node(7)
    assert metrics.disconnected_clusters(g, [0, 1, 0, 2, 2, 2, 2, 3]) == 1
    assert metrics.disconnected_clusters(g, [0, 0, 0, 2, 2, 2, 2, 2]) == 1
    assert metrics.disconnected_clusters(g, [0, 0, 0, 2, 2, 2, 2, 3]) == 0
    scores = metrics.internal(g, [0, 0, 0, 2, 2, 2, 2, 3])
    assert (scores["largest"], scores["smallest"]) == (4, 1)


def test_graphs_without_edges_have_no_modularity():
    scores = metrics.internal(nx.empty_graph(3), [0, 1, 1])
    assert np.isnan(scores["modularity"])
    assert np.isnan(scores["coverage"])
    assert scores["conductance_max"] == 0


def test_one_cluster_has_conductance_zero():
    assert metrics.conductance(nx.path_graph(3), [0, 0, 0]).tolist() == [0.0]
    assert metrics.modularity(nx.path_graph(3), [0, 0, 0]) == pytest.approx(0)


def test_memory_grows_with_edges():
    """A ring of 200 000 nodes in as many clusters: N² would need 300 GB."""
    n = 200_000
    ring = sp.coo_array((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    graph = as_graph(ring, directed=False)
    assert metrics.internal(graph, np.arange(n))["cut"] == n


def test_wrong_graphs_and_labels_are_refused():
    with pytest.raises(GraphError, match="no negative edge weights"):
        metrics.modularity([("a", "b", -1.0)], [0, 1])
    with pytest.raises(ValueError, match="one cluster for each of the 3 nodes"):
        metrics.internal(nx.path_graph(3), [0, 1])
