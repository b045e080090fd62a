"""Disagreements, roundings, bounds and searches of min-max clustering, by brute force."""

import itertools

import networkx as nx
import numpy as np
import pytest
from graphs import matrix, partitions

from graphclust.kernels.certificate import component_bound, core_bound
from graphclust.kernels.correlation import (
    ONE,
    disagreements,
    pivots,
    round_metric,
    three_approximation,
)
from graphclust.kernels.minmax import descend, join_greedily
from graphclust.kernels.neighbours import closed, near_pairs


def slow_disagreements(a, labels):
    """D(u) pair by pair."""
    dense, n = a.toarray(), len(labels)
    return [
        sum((dense[u, v] > 0) != (labels[u] == labels[v]) for v in range(n) if v != u)
        for u in range(n)
    ]


def optimum(a):
    n = a.shape[0]
    same = partitions(n)[:, :, None] == partitions(n)[:, None, :]
    wrong = same != ((a.toarray() > 0) | np.eye(n, dtype=bool))
    return int(wrong.sum(axis=2).max(axis=1).min())


def worst(sets, labels):
    return int(disagreements(*sets, np.unique(labels, return_inverse=True)[1]).max())


def opened(a):
    return a.indptr.astype(np.int64), a.indices.astype(np.int32)


def slow_rounding(a, r, ball):
    """Kalhan, Makarychev and Zhou on all pairs, node by node."""
    n = a.shape[0]
    s = [set(row.indices.tolist()) | {u} for u, row in enumerate(a)]
    d = np.array([[1 - len(x & y) / len(x | y) for y in s] for x in s])
    pull = np.floor(np.maximum(r - d, 0) * ONE + 0.5)
    labels, k = np.full(n, -1), 0
    while (labels < 0).any():
        free = labels < 0
        total = np.where(free, (pull * free).sum(axis=1), -1)
        centre = int(np.argmax(total))
        labels[free & (d[centre] <= ball + 1e-9)] = k
        k += 1
    return labels


def check(a):
    """Everything that is promised of one graph."""
    sets, best = closed(a), optimum(a)
    labels, phi = three_approximation(*sets)
    bounds = core_bound(*sets), component_bound(*sets), phi
    assert max(bounds) <= best <= worst(sets, labels) <= max(3 * phi, 0)
    dmn = round_metric(near_pairs(*sets, 0.7), 0.7, 0.7)
    assert best <= worst(sets, dmn) <= 40 * best
    strict = round_metric(near_pairs(*sets, 0.4), 0.2, 0.4)
    assert best <= worst(sets, strict) <= 40 * best
    start, _ = join_greedily(*opened(a), looks=10**6)
    for begin in (dmn, start, labels):
        found, _ = descend(*opened(a), np.unique(begin, return_inverse=True)[1], looks=10**6)
        assert best <= worst(sets, found) <= worst(sets, begin)
    return best, max(bounds)


def test_bounds_and_factors_hold_on_every_graph_up_to_six_nodes():
    """One of each kind, its nodes named by chance."""
    rng, kinds = np.random.default_rng(0), [g for g in nx.graph_atlas_g() if 0 < len(g) < 7]
    assert len(kinds) == 208
    for g in kinds:
        name = rng.permutation(len(g))
        check(matrix(len(g), [(name[u], name[v]) for u, v in g.edges]))


def test_bounds_and_factors_hold_on_random_graphs_and_are_mostly_tight():
    rng, tight, total = np.random.default_rng(1), 0, 1000
    for _ in range(total):
        n, p = int(rng.integers(7, 10)), rng.uniform(0.1, 0.9)
        pairs = itertools.combinations(range(n), 2)
        best, bound = check(matrix(n, [pair for pair in pairs if rng.random() < p]))
        tight += best == bound
    assert tight > 0.85 * total


def test_disagreements_equal_a_loop_over_pairs():
    rng = np.random.default_rng(2)
    for _ in range(30):
        pairs = itertools.combinations(range(12), 2)
        a = matrix(12, [pair for pair in pairs if rng.random() < 0.4])
        labels = np.unique(rng.integers(0, 5, 12), return_inverse=True)[1]
        assert disagreements(*closed(a), labels).tolist() == slow_disagreements(a, labels)


@pytest.mark.parametrize(("r", "ball"), [(0.7, 0.7), (0.2, 0.4), (0.5, 0.9), (0.9, 0.5)])
def test_rounding_equals_a_loop_over_all_pairs_twins_and_all(r, ball):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pairs = list(itertools.combinations(range(10), 2))
        edges = [pair for pair in pairs if rng.random() < 0.25]
        edges += [(int(rng.integers(0, 3)), leaf) for leaf in range(10, 22)]  # twins
        a = matrix(24, edges)  # and two isolated nodes
        near = near_pairs(*closed(a), max(r, ball))
        assert round_metric(near, r, ball).tolist() == slow_rounding(a, r, ball).tolist()


def test_cliques_have_no_disagreement_and_a_bound_of_zero():
    size, count = 7, 5
    edges = [
        (c * size + u, c * size + v)
        for c in range(count)
        for u, v in itertools.combinations(range(size), 2)
    ]
    a = matrix(size * count + 1, edges)  # and a node alone
    sets = closed(a)
    truth = np.r_[np.repeat(np.arange(count), size), count]
    assert worst(sets, truth) == 0
    assert core_bound(*sets) == component_bound(*sets) == 0
    labels, phi = three_approximation(*sets)
    assert (worst(sets, labels), phi) == (0, 0)
    assert worst(sets, round_metric(near_pairs(*sets, 0.7), 0.7, 0.7)) == 0
    assert worst(sets, join_greedily(*opened(a), looks=10**6)[0]) == 0


def test_pivots_take_their_neighbours_in_the_order_given():
    a = matrix(5, [(0, 1), (1, 2), (2, 3)])
    assert pivots(*closed(a), np.array([1, 3, 0, 2, 4])).tolist() == [0, 0, 0, 1, 2]
    assert pivots(*closed(a), np.array([0, 1, 2, 3, 4])).tolist() == [0, 0, 1, 1, 2]


def test_the_search_stops_when_its_looks_are_used_up():
    rng = np.random.default_rng(0)
    a = matrix(60, [pair for pair in itertools.combinations(range(60), 2) if rng.random() < 0.3])
    alone = np.arange(60)
    assert descend(*opened(a), alone, looks=1)[1] <= 0
    found, left = descend(*opened(a), alone, looks=10**8)
    assert left > 0
    assert worst(closed(a), found) < worst(closed(a), alone)
    again, _ = descend(*opened(a), found, looks=10**8)
    assert worst(closed(a), again) <= worst(closed(a), found)


def test_greedy_settings_differ_only_in_their_ties_and_order():
    rng = np.random.default_rng(4)
    a = matrix(40, [pair for pair in itertools.combinations(range(40), 2) if rng.random() < 0.3])
    settings = itertools.product((0.0, 1.0, 1e4), (True, False), (True, False), (True, False))
    found = set()
    for weight, touching, large, small in settings:
        labels, _ = join_greedily(
            *opened(a),
            weight=weight,
            touching=touching,
            large_worst=large,
            small_first=small,
            looks=10**8,
        )
        assert worst(closed(a), labels) <= worst(closed(a), np.arange(40))
        found.add(labels.tobytes())
    assert len(found) > 3


def test_of_equal_pulls_the_lowest_node_is_the_centre():
    """Nodes of a cycle are alike: the first one takes its neighbours, then the first one left."""
    a = matrix(6, [(u, (u + 1) % 6) for u in range(6)])
    labels = round_metric(near_pairs(*closed(a), 0.5), 0.5, 0.5)
    assert labels.tolist() == slow_rounding(a, 0.5, 0.5).tolist() == [0, 0, 1, 1, 2, 0]
