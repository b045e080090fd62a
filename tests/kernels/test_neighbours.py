"""Overlaps of neighbourhoods, twins and near pairs equal what all pairs of sets say."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from graphs import matrix

from graphclust.kernels.neighbours import closed, near_pairs, twins


def random_matrix(seed, n=24, p=0.2):
    rng = np.random.default_rng(seed)
    return matrix(n, [pair for pair in itertools.combinations(range(n), 2) if rng.random() < p])


def sets(adjacency):
    return [set(row.indices.tolist()) | {u} for u, row in enumerate(adjacency)]


def slow_pairs(adjacency, radius):
    """Every pair, counted as sets."""
    s = sets(adjacency)
    found = {}
    for u, v in itertools.combinations(range(len(s)), 2):
        common = len(s[u] & s[v])
        if 1 - common / len(s[u] | s[v]) <= radius + 1e-12:
            found[u, v] = common
    return found


def spread(near):
    """Pairs of all nodes, from those of the first of each class of twins."""
    members = {u: np.flatnonzero(near.twin == u).tolist() for u in set(near.twin.tolist())}
    found = {}
    for u, v, common in zip(near.first, near.second, near.common, strict=True):
        for a, b in itertools.product(members[int(u)], members[int(v)]):
            found[min(a, b), max(a, b)] = int(common)
    return found, members


@pytest.mark.parametrize("route", ["auto", "counting", "join"])
@pytest.mark.parametrize("radius", [0.0, 0.3, 0.5, 0.7, 0.9])
def test_near_pairs_are_those_of_all_pairs(route, radius):
    for seed, p in itertools.product(range(6), (0.05, 0.2, 0.6)):
        a = random_matrix(seed, p=p)
        near = near_pairs(*closed(a), radius, route=route)
        found, members = spread(near)
        for same in members.values():  # any two false twins share all their s neighbours
            s = int(near.sizes[same[0]]) - 1
            if 2 / (s + 2) <= radius:
                found |= dict.fromkeys(itertools.combinations(same, 2), s)
        assert found == slow_pairs(a, radius)
        assert np.allclose(near.distance(), 1 - near.common / (
            near.sizes[near.first] + near.sizes[near.second] - near.common))  # fmt: skip


def test_closed_sets_hold_their_own_node_in_its_place():
    a = random_matrix(3)
    indptr, indices = closed(a)
    rows = [indices[indptr[u] : indptr[u + 1]].tolist() for u in range(24)]
    assert rows == [sorted(s) for s in sets(a)]


def test_twins_have_the_same_open_neighbourhood():
    for seed in range(10):
        a = random_matrix(seed, n=14, p=0.15)
        open_sets = [frozenset(row.indices.tolist()) for row in a]
        expected = [open_sets.index(s) for s in open_sets]
        assert twins(*closed(a)).tolist() == expected


def test_the_leaves_of_a_star_make_one_class_and_no_pairs_of_their_own():
    t = 100_000
    leaves = np.arange(1, t + 1)
    ones = np.ones(2 * t, np.int8)
    edges = np.r_[leaves, np.zeros(t, int)], np.r_[np.zeros(t, int), leaves]
    near = near_pairs(*closed(sp.csr_array((ones, edges), shape=(t + 1, t + 1))), 0.7)
    assert near.twin.tolist() == [0] + [1] * t
    assert len(near.first) == 0  # a leaf is far from the hub


def test_too_many_pairs_are_refused():
    n = 40
    full = matrix(n, itertools.combinations(range(n), 2))
    for route in ("counting", "join"):
        assert len(near_pairs(*closed(full), 0.5, route=route).first) == n * (n - 1) // 2
        with pytest.raises(ValueError, match=r"more than 100 pairs are at most 0\.5 apart"):
            near_pairs(*closed(full), 0.5, route=route, at_most=100)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"radius": 1.0}, "radius must lie"), ({"route": "magic"}, "route must be one of auto")],
)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        near_pairs(*closed(random_matrix(0)), **({"radius": 0.5} | change))


def test_a_graph_without_nodes_or_edges_has_no_pairs():
    for n in (0, 1, 5):
        for route in ("counting", "join"):
            near = near_pairs(*closed(sp.csr_array((n, n), dtype=np.int8)), 0.7, route=route)
            assert len(near.first) == 0
            assert near.twin.tolist() == [0] * n  # isolated nodes are twins, 1 apart
