"""Matching, aggregation, cycles and bootstrap against dense linear algebra."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

from graphclust.kernels.bootstrap import bootstrap, composite, rayleigh_ritz
from graphclust.kernels.matching import compatible_weights, galerkin, heavy_matching, pairwise
from graphclust.kernels.multigrid import Hierarchy, energy


def symmetric(n=8, p=0.5, seed=0):
    """Whole weights, so that ties are many."""
    rng = np.random.default_rng(seed)
    a = np.triu(rng.integers(1, 4, (n, n)) * (rng.random((n, n)) < p), 1).astype(float)
    return a + a.T


def definite(a, ridge=0.01):
    matrix = sp.csr_array(np.diag(a.sum(axis=1) + ridge) - a)
    matrix.sort_indices()
    return matrix


def grid(rows=40, columns=30, ridge=1e-6):
    return definite(nx.to_numpy_array(nx.grid_2d_graph(rows, columns)), ridge)


def greedy(a):
    """The heaviest edge first, of equal ones that with the lower ends."""
    mate = np.full(len(a), -1)
    edges = sorted((-a[i, j], i, j) for i in range(len(a)) for j in range(i) if a[i, j] > 0)
    for _, i, j in edges:
        if mate[i] < 0 and mate[j] < 0:
            mate[i], mate[j] = j, i
    return mate


@pytest.mark.parametrize("seed", range(20))
def test_a_matching_has_half_of_the_largest_weight_and_no_pair_that_would_rather(seed):
    a = symmetric(seed=seed)
    m = sp.csr_array(a)
    mate = heavy_matching(m.indptr, m.indices, m.data)
    inside = np.flatnonzero(mate >= 0)
    assert np.array_equal(mate[mate[inside]], inside)
    weight = a[inside, mate[inside]].sum() / 2
    best = nx.max_weight_matching(nx.from_numpy_array(a))
    assert weight >= sum(a[u, v] for u, v in best) / 2
    offer = np.where(mate >= 0, a[np.arange(8), mate], 0.0)
    for u, v in zip(*np.nonzero(a), strict=True):
        assert a[u, v] <= max(offer[u], offer[v])


def test_without_ties_the_matching_is_the_greedy_one():
    rng = np.random.default_rng(0)
    a = np.triu(rng.random((40, 40)) * (rng.random((40, 40)) < 0.2), 1)
    a = a + a.T
    m = sp.csr_array(a)
    assert np.array_equal(heavy_matching(m.indptr, m.indices, m.data), greedy(a))


def test_compatible_weights_are_their_formula():
    m = definite(symmetric(seed=3))
    w, a = np.random.default_rng(0).standard_normal(8), m.toarray()
    size = np.diag(a) * w**2
    row = np.repeat(np.arange(8), np.diff(m.indptr))
    expected = [
        0.0 if i == j else 1 - 2 * a[i, j] * w[i] * w[j] / (size[i] + size[j])
        for i, j in zip(row, m.indices, strict=True)
    ]
    assert compatible_weights(m, w) == pytest.approx(np.array(expected))
    assert not compatible_weights(m, np.zeros(8)).any()


@pytest.mark.parametrize("seed", range(5))
def test_the_prolongator_is_orthonormal_and_keeps_the_smooth_vector(seed):
    m = definite(symmetric(n=20, p=0.2, seed=seed))
    w = np.random.default_rng(seed).standard_normal(20)
    w[:3] = 0.0  # rows on which the vector says nothing
    place, value = pairwise(m, w)
    p = np.zeros((20, place.max() + 1))
    p[np.arange(20), place] = value
    assert p.T @ p == pytest.approx(np.eye(p.shape[1]))
    assert p @ (p.T @ w) == pytest.approx(w)
    assert galerkin(m, place, value).toarray() == pytest.approx(p.T @ m.toarray() @ p)
    assert np.bincount(place).max() == 2


@pytest.mark.parametrize("cycles", [1, 2])
def test_a_cycle_is_symmetric_definite_and_converges(cycles):
    m = grid(20, 15)
    hierarchy = Hierarchy(m, np.ones(300), cycles)
    assert hierarchy.sizes[0] == 300
    assert len(hierarchy.sizes) > 1
    b = hierarchy.cycle(np.eye(300))
    assert b == pytest.approx(b.T)
    values = np.linalg.eigvals(b @ m.toarray()).real
    assert 0 < values.min() < values.max() < 2  # of I − BA: inside (−1, 1)
    assert all(0 < rate < 1 for rate in hierarchy.rates())
    assert len(hierarchy.rates()) == len(hierarchy.sizes) - 1


def test_two_levels_are_the_formula():
    """Forward Gauss–Seidel, exact coarse correction, backward Gauss–Seidel."""
    m = grid(15, 10)
    hierarchy = Hierarchy(m, np.ones(150))
    a, (*_, place, value) = m.toarray(), hierarchy.levels[0]
    p = np.zeros((150, hierarchy.sizes[1]))
    p[np.arange(150), place] = value
    b = np.random.default_rng(0).standard_normal(150)
    x = np.linalg.solve(np.tril(a), b)
    x += p @ np.linalg.solve(p.T @ a @ p, p.T @ (b - a @ x))
    x += np.linalg.solve(np.triu(a), b - a @ x)
    assert hierarchy.cycle(b[:, None])[:, 0] == pytest.approx(x)


def test_a_laplacian_system_is_solved_and_the_multigrid_step_is_worth_it():
    m = grid()
    b = np.random.default_rng(0).standard_normal(1200)
    hierarchy = Hierarchy(m, np.ones(1200), 2)
    x, steps = hierarchy.solve(b, 1e-10)
    assert m @ x == pytest.approx(b, abs=1e-7)
    assert steps < 40
    assert hierarchy.complexity < 1.6
    with pytest.raises(ValueError, match="did not converge in 3 steps"):
        hierarchy.solve(b, 1e-10, steps=3)
    assert hierarchy.solve(np.zeros(1200))[1] == 0


def test_a_matrix_that_is_not_definite_is_refused():
    with pytest.raises(ValueError, match="must be positive definite"):
        Hierarchy(sp.csr_array(-np.eye(5)), np.ones(5))


def test_stars_on_which_matching_stalls_are_solved_all_the_same():
    """A pair a step is all that a star gives: its leaves stay alone."""
    a = nx.to_numpy_array(nx.star_graph(3000))
    m = definite(a, 0.1)
    hierarchy = Hierarchy(m, np.ones(3001))
    assert hierarchy.sizes == [3001]
    b = np.random.default_rng(0).standard_normal(3001)
    assert m @ hierarchy.solve(b)[0] == pytest.approx(b, abs=1e-6)


def test_weights_decide_what_is_joined():
    a = np.zeros((4, 4))
    a[0, 1] = a[2, 3] = 1.0
    a[1, 2] = a[0, 3] = 9.0
    place, _ = pairwise(definite(a + a.T), np.ones(4))
    assert place[1] == place[2]
    assert place[0] == place[3]


def test_bootstrap_goes_on_until_the_rate_is_reached():
    m = grid(25, 20, 1e-4)
    found = bootstrap(m, np.ones(500))
    assert energy(m, found.vectors) == pytest.approx(np.ones(found.vectors.shape[1]))
    assert len(found.rates) == len(found.hierarchies) == found.vectors.shape[1] - 1
    assert found.rate <= 1e-6
    assert found.rates[0] > 0.1 > found.rates[-1]
    again = bootstrap(m, np.ones(500))
    assert np.array_equal(found.vectors, again.vectors)
    few = bootstrap(m, np.ones(500), at_most=3)
    assert few.vectors.shape[1] == 4
    assert few.rate > 1e-6
    start = np.random.default_rng(5).standard_normal((500, 1))
    assert few.rate == pytest.approx(composite(m, few.hierarchies, start, 15)[1], rel=0.5)


def test_ritz_values_lie_below_the_eigenvalues_and_meet_them_on_the_whole_space():
    s = symmetric(n=12, seed=1)
    values, vectors = np.linalg.eigh(s)
    w = np.random.default_rng(0).standard_normal((12, 5))
    ritz, _ = rayleigh_ritz(s, w, 4)
    assert (ritz <= values[::-1][:4] + 1e-12).all()
    full, basis = rayleigh_ritz(s, np.column_stack([vectors[:, -3:], w]), 3)
    assert full == pytest.approx(values[::-1][:3])
    assert s @ basis == pytest.approx(basis * full)
    repeated, _ = rayleigh_ritz(s, np.column_stack([w, w]), 9)
    assert len(repeated) == 5  # what W spans


def test_places_that_are_not_there_are_refused():
    m = sp.csr_array(np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]))
    beyond, short = m.indices.copy(), m.indptr.copy()
    beyond[1], short[-1] = 3, 9
    with pytest.raises(ValueError, match=r"indices must lie in 0\.\.2, found 0 to 3"):
        heavy_matching(m.indptr, beyond, m.data)
    with pytest.raises(ValueError, match="indptr ends at 9, but there are 7 indices"):
        heavy_matching(short, m.indices, m.data)
    with pytest.raises(ValueError, match=r"weight must have shape \(7,\), found \(6,\)"):
        heavy_matching(m.indptr, m.indices, m.data[1:])
    with pytest.raises(ValueError, match=r"w must have shape"):
        compatible_weights(m, np.ones(4))
    with pytest.raises(ValueError, match="place must not be negative, found -1"):
        galerkin(m, np.array([0, -1, 1]), np.ones(3))
    with pytest.raises(ValueError, match=r"value must have shape \(3,\), found \(2,\)"):
        galerkin(m, np.array([0, 0, 1]), np.ones(2))
