"""Contraction and exchange lower what a loop over all pairs says is paid; constraints hold."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from graphs import partitions

from graphclust.graph.errors import GraphError
from graphclust.graph.signs import Costs, constrained
from graphclust.kernels.contraction import contract, exchange
from graphclust.kernels.factorised import (
    contract_products,
    inside_products,
    mean_product,
    move_products,
)


def example(seed, n=12, gamma=0.0, sizes=False):
    rng = np.random.default_rng(seed)
    w = np.triu(rng.integers(-4, 5, (n, n)) * (rng.random((n, n)) < 0.5), 1).astype(float)
    s = rng.integers(1, 4, n).astype(float) if sizes else np.ones(n)
    return Costs(sp.csr_array(w + w.T), gamma, s)


def dense(costs):
    return costs.matrix.toarray() - costs.gamma * np.outer(costs.sizes, costs.sizes)


def slow_paid(costs, labels):
    c = dense(costs)
    pairs = itertools.combinations(range(len(labels)), 2)
    return sum(max(c[i, j] if labels[i] != labels[j] else -c[i, j], 0.0) for i, j in pairs)


def slow_contraction(c):
    """Greedy joining on the dense matrix of costs; lowest nodes first among equals."""
    c, members = c.copy(), {i: [i] for i in range(len(c))}
    while True:
        alive = sorted(members)
        best = max(((c[i, j], -i, -j) for i, j in itertools.combinations(alive, 2)), default=(0,))
        if best[0] <= 1e-9:
            break
        i, j = -best[1], -best[2]
        c[i] += c[j]
        c[:, i] += c[:, j]
        members[i] += members.pop(j)
    return [frozenset(m) for m in members.values()]


def parts(labels):
    return [frozenset(np.flatnonzero(labels == k).tolist()) for k in np.unique(labels)]


@pytest.mark.parametrize(("gamma", "sizes"), [(0.0, False), (0.5, False), (0.7, True)])
def test_what_is_paid_equals_a_loop_over_pairs(gamma, sizes):
    for seed in range(5):
        costs = example(seed, gamma=gamma, sizes=sizes)
        rng = np.random.default_rng(seed)
        for k in (1, 3, 12):
            labels = np.unique(rng.integers(0, k, 12), return_inverse=True)[1]
            assert costs.paid(labels) == pytest.approx(slow_paid(costs, labels))


@pytest.mark.parametrize(("gamma", "sizes"), [(0.0, False), (0.5, False), (0.7, True)])
def test_contraction_joins_as_the_dense_one_does(gamma, sizes):
    """Weights without ties, as ties go by the numbers that clusters happen to have."""
    for seed in range(20):
        costs = example(seed, n=16, gamma=gamma, sizes=sizes)
        rng = np.random.default_rng(seed)
        jitter = np.triu(rng.random((16, 16)) / 100, 1)
        matrix = costs.matrix.multiply(1 + jitter + jitter.T).tocsr()
        costs = Costs(sp.csr_array(matrix), gamma, costs.sizes)
        found = contract(costs.matrix, costs.sizes, costs.gamma)
        assert set(parts(found)) == set(slow_contraction(dense(costs)))


@pytest.mark.parametrize(("gamma", "sizes"), [(0.0, False), (0.5, False), (0.7, True)])
def test_exchanges_never_cost_and_often_reach_the_optimum(gamma, sizes):
    reached = 0
    for seed in range(60):
        costs = example(seed, n=8, gamma=gamma, sizes=sizes)
        start = contract(costs.matrix, costs.sizes, gamma)
        found = exchange(costs.matrix, costs.sizes, gamma, start)
        same = partitions(8)[:, :, None] == partitions(8)[:, None, :]
        best = np.maximum(np.where(same, -dense(costs), dense(costs)), 0)
        best = best[:, *np.triu_indices(8, 1)].sum(axis=1).min()
        paid = costs.paid(found)
        assert best - 1e-9 <= paid <= costs.paid(np.unique(start, return_inverse=True)[1]) + 1e-9
        reached += paid <= best + 1e-9
    assert reached > 48


def test_exchange_splits_joins_and_moves():
    halves = np.where(np.arange(8)[:, None] // 4 == np.arange(8) // 4, 1.0, -1.0) - np.eye(8)
    matrix, ones = sp.csr_array(halves), np.ones(8)
    for start in (np.zeros(8, int), np.arange(8), np.array([0, 0, 0, 1, 1, 1, 1, 0])):
        assert set(parts(exchange(matrix, ones, 0.0, start))) == {
            frozenset(range(4)),
            frozenset(range(4, 8)),
        }


def test_graphs_without_edges_or_nodes_stay_apart():
    for n in (0, 1, 4):
        none = sp.csr_array((n, n))
        assert contract(none, np.ones(n), 0.0).tolist() == list(range(n))
        assert exchange(none, np.ones(n), 0.0, np.arange(n)).tolist() == list(range(n))


def test_constraints_join_nodes_and_keep_others_apart_at_any_price():
    costs = example(0)
    links = np.array([[0, 1], [1, 2]]), np.array([[2, 5], [6, 7]])
    place, free = constrained(costs, links)
    assert place[0] == place[1] == place[2]
    labels = exchange(free.matrix, free.sizes, 0.0, contract(free.matrix, free.sizes, 0.0))[place]
    assert labels[2] != labels[5]
    assert labels[6] != labels[7]
    repelling = free.matrix.data[free.matrix.data < -50]
    assert len(repelling) == 4  # two pairs, both ways
    assert -repelling.max() > np.abs(costs.matrix.data).sum()
    with pytest.raises(GraphError, match="must_link joins the two nodes of pair 0 of cannot_link"):
        constrained(costs, (links[0], np.array([[0, 2]])))


# --- costs that are products ------------------------------------------------------------------


def vectors(seed, n=20, d=4):
    return np.random.default_rng(seed).standard_normal((n, d))


def test_products_are_contracted_as_their_matrix_would_be():
    for seed in range(10):
        f = vectors(seed)
        for theta in (0.0, 0.3, -0.1):
            found = contract_products(f, theta)
            assert set(parts(found)) == set(slow_contraction(f @ f.T - theta))


def test_moves_raise_what_is_inside_until_no_single_node_gains():
    for seed in range(10):
        f, theta = vectors(seed), 0.2
        start = contract_products(f, theta)
        found = move_products(f, theta, start)
        inside = inside_products(f, theta, found)
        assert inside >= inside_products(f, theta, start) - 1e-9
        cost = f @ f.T - theta
        same = found[:, None] == found[None, :]
        assert inside == pytest.approx(cost[np.triu(same, 1)].sum())
        for i, c in itertools.product(range(20), range(int(found.max()) + 2)):
            other = found.copy()
            other[i] = c
            assert inside_products(f, theta, other) <= inside + 1e-6


def test_the_mean_product_is_that_of_the_pairs():
    f = vectors(0)
    assert mean_product(f) == pytest.approx((f @ f.T)[np.triu_indices(20, 1)].mean())
    assert mean_product(f[:1]) == 0.0
