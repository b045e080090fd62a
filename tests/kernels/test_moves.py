"""Nodes move as a search that counts everything anew would move them."""

import numpy as np
import pytest
import scipy.sparse as sp

from graphclust import as_graph, to_scipy
from graphclust.evaluate.flow import flow_imbalance
from graphclust.kernels.moves import KINDS, raise_imbalance

K = 4


def example(seed: int, n: int = 30):
    rng = np.random.default_rng(seed)
    a = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    np.fill_diagonal(a, 0)
    a[:, 5] = a[5] = 0  # an isolated node
    return as_graph(a, directed=True), np.r_[np.arange(K), rng.integers(0, K, n - K)]


def slow_sweep(graph, labels, order, normalisation, pairs):
    def score(of):
        return flow_imbalance(graph, of, normalisation, "sort", pairs)

    labels = labels.copy()
    for i in order:
        if (labels == labels[i]).sum() == 1:
            continue
        tried = []
        for cluster in range(K):
            other = labels.copy()
            other[i] = cluster
            tried.append(score(other))
        if max(tried) > score(labels) + 1e-9:
            labels[i] = int(np.argmax(tried))
    return labels


@pytest.mark.parametrize("normalisation", KINDS)
@pytest.mark.parametrize("pairs", [1, 3, 6])
def test_a_sweep_equals_one_that_counts_everything_anew(normalisation, pairs):
    for seed in range(3):
        graph, labels = example(seed)
        order = np.random.default_rng(seed).permutation(len(labels))
        options = {"normalisation": normalisation, "pairs": pairs, "free": order}
        found = raise_imbalance(to_scipy(graph), labels, K, **options)
        assert (found != labels).any()
        assert np.array_equal(found, slow_sweep(graph, labels, order, normalisation, pairs))


def test_ends_where_no_node_can_move_and_empties_no_cluster():
    graph, labels = example(3)
    order = np.arange(len(labels))
    found = raise_imbalance(to_scipy(graph), labels, K, pairs=1, sweeps=100, free=order)
    again = raise_imbalance(to_scipy(graph), found, K, pairs=1, sweeps=1, free=order)
    assert np.array_equal(found, again)
    assert set(found) == set(range(K))


def test_only_free_nodes_move():
    graph, labels = example(4)
    free = np.arange(0, 30, 2)
    found = raise_imbalance(to_scipy(graph), labels, K, pairs=3, sweeps=10, free=free)
    assert (found[::2] != labels[::2]).any()
    assert np.array_equal(found[1::2], labels[1::2])


def test_labels_and_nodes_that_are_not_there_are_refused():
    a = sp.csr_array(np.eye(3)[[1, 2, 0]])
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.1, found 0 to 2"):
        raise_imbalance(a, np.array([0, 1, 2]), 2, free=np.arange(3))
    with pytest.raises(ValueError, match=r"labels must have shape \(3,\), found \(2,\)"):
        raise_imbalance(a, np.array([0, 1]), 2, free=np.arange(2))
    with pytest.raises(ValueError, match=r"free must lie in 0\.\.2, found 0 to 3"):
        raise_imbalance(a, np.array([0, 1, 1]), 2, free=np.array([0, 3]))
