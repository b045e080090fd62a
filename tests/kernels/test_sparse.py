"""Edge arrays and normalised adjacency, against loops."""

import numpy as np
import pytest
import scipy.sparse as sp

from graphclust.kernels import sparse
from graphclust.kernels.sparse import (
    BLOCK,
    coalesce,
    decayed_hops,
    is_coalesced,
    is_symmetric,
    lazy_walk,
    mirror,
    mirror_weights,
    normalised_adjacency,
    propagator,
)


def random_edges(rng, n=7, edges=25):
    return rng.integers(0, n, edges), rng.integers(0, n, edges), rng.standard_normal(edges)


@pytest.mark.parametrize("seed", range(5))
def test_coalesce_sums_like_a_dictionary(seed):
    row, col, weight = random_edges(np.random.default_rng(seed))
    expected: dict = {}
    for r, c, w in zip(row, col, weight, strict=True):
        expected[r, c] = expected.get((r, c), 0.0) + w
    r, c, w = coalesce(row, col, weight, 7)
    assert list(zip(r, c, strict=True)) == sorted(expected)
    assert np.allclose(w, [expected[key] for key in sorted(expected)])
    r, c, none = coalesce(row, col, None, 7)
    assert list(zip(r, c, strict=True)) == sorted(expected)
    assert none is None


def test_coalesce_keeps_the_dtype_and_takes_nothing():
    none = np.zeros(0, np.int64)
    assert [len(part) for part in coalesce(none, none, np.zeros(0, np.float32), 3)] == [0, 0, 0]
    _, _, w = coalesce(np.array([0, 0]), np.array([1, 1]), np.ones(2, np.float32), 2)
    assert w.dtype == np.float32
    assert w.tolist() == [2.0]


@pytest.mark.parametrize("seed", range(5))
def test_is_symmetric_compares_with_the_transpose(seed):
    rng = np.random.default_rng(seed)
    dense = rng.integers(0, 2, (6, 6)) * rng.integers(1, 3, (6, 6)).astype(float)
    for matrix in (dense, dense + dense.T, dense * dense.T):
        row, col = np.nonzero(matrix)
        weight = matrix[row, col]
        assert is_symmetric(row, col, weight, 6) == np.array_equal(matrix, matrix.T)
        pattern = matrix != 0
        assert is_symmetric(row, col, None, 6) == np.array_equal(pattern, pattern.T)


@pytest.mark.parametrize("weighted", [False, True])
def test_mirror_is_the_matrix_plus_its_transpose(weighted):
    rng = np.random.default_rng(3)
    upper = np.triu(rng.random((8, 8)) * (rng.random((8, 8)) < 0.4), 1)
    low, high = np.nonzero(upper)
    weight = upper[low, high] if weighted else None
    row, col, both = mirror(low, high, weight, 8)
    expected = upper + upper.T
    assert list(zip(row, col, strict=True)) == list(zip(*np.nonzero(expected), strict=True))
    assert both is None if not weighted else np.array_equal(both, expected[row, col])


def test_is_coalesced():
    def check(*edges):
        row, col = np.array(edges).T
        return is_coalesced(row, col, 3)

    assert check((0, 1), (0, 2), (1, 0))
    assert not check((0, 1), (0, 1))
    assert not check((0, 2), (0, 1))


@pytest.mark.parametrize("tau", [0.0, 1.5])
def test_normalised_adjacency_is_its_formula(tau):
    rng = np.random.default_rng(0)
    a = np.triu(rng.random((5, 5)), 1)
    a[:, 3] = a[3] = 0  # an isolated node
    a = a + a.T
    got = normalised_adjacency(sp.csr_array(a), tau).toarray()
    d = a.sum(axis=1) + tau
    for i in range(5):
        for j in range(5):
            expected = 0.0 if a[i, j] == 0 else a[i, j] / np.sqrt(d[i] * d[j])
            assert got[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
def test_mirror_weights_match_a_dictionary(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    row, col, weight = coalesce(*rng.integers(0, n, (2, 12)), rng.integers(1, 3, 12) * 1.0, n)
    if seed % 2:  # make it symmetric
        row, col, weight = coalesce(np.r_[row, col], np.r_[col, row], np.r_[weight, weight], n)
    held = dict(zip(zip(row.tolist(), col.tolist(), strict=True), weight, strict=True))
    whole = all((v, u) in held for u, v in held)
    found = mirror_weights(row, col, weight, n)
    assert (found is not None) == whole == is_symmetric(row, col, None, n)
    if whole:
        assert found.tolist() == [held[v, u] for u, v in held]
        assert is_symmetric(row, col, weight, n) == all(held[e] == held[e[::-1]] for e in held)


def test_order_is_checked_across_blocks():
    row = np.arange(3 * BLOCK)
    assert is_coalesced(row, row, 4 * BLOCK)
    for seam in (BLOCK - 1, BLOCK, 2 * BLOCK):
        broken = row.copy()
        broken[seam] = broken[seam - 1]
        assert not is_coalesced(broken, np.zeros_like(row), 4 * BLOCK)


def propagator_by_loops(a):
    tilde = a + np.eye(len(a))
    degree = tilde.sum(axis=1)
    s = np.zeros_like(tilde)
    for i in range(len(a)):
        for j in range(len(a)):
            s[i, j] = tilde[i, j] / np.sqrt(degree[i] * degree[j])
    return s


@pytest.mark.parametrize("weight", [1.0, 2.5])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_hops_by_their_formulas(steps, weight):
    a = np.zeros((7, 7))  # node 6 is isolated
    for i, j in [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (2, 3)]:
        a[i, j] = a[j, i] = weight
    s = propagator_by_loops(a)
    z = np.random.default_rng(0).standard_normal((7, 3))
    lazy, hops, before = z.copy(), np.zeros_like(z), z.copy()
    for t in range(steps + 1):
        hops += 0.9**t * np.linalg.matrix_power(s, t) @ z
    for _ in range(steps):
        lazy = 0.5 * (lazy + s @ lazy)
    sparse = propagator(sp.csr_array(a), z.dtype)
    assert sparse.toarray() == pytest.approx(s)
    assert lazy_walk(z, sparse, steps) == pytest.approx(lazy)
    assert decayed_hops(z, sparse, steps, 0.9) == pytest.approx(hops)
    assert np.array_equal(z, before)
    assert propagator(sp.csr_array(a), np.float32).dtype == np.float32


def dense_walk(a):
    with_loops = a + np.eye(len(a))
    return with_loops / with_loops.sum(axis=1, keepdims=True)


def random_graph(n=14, weighted=True, seed=0):
    """Unequal degrees, weights, an isolated node."""
    rng = np.random.default_rng(seed)
    a = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.3), 1)
    a = a + a.T
    a[5], a[:, 5] = 0, 0
    return a if weighted else (a > 0).astype(float)


@pytest.mark.parametrize("cumulative", [True, False])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_influence_is_powers_of_the_walk(order, cumulative, monkeypatch):
    a = random_graph()
    powers = [np.linalg.matrix_power(dense_walk(a), r) for r in range(1, order + 1)]
    expected = sum(powers) if cumulative else powers[-1]
    for products in (1, 40, 1 << 24):  # multiplications in a block of rows
        monkeypatch.setattr(sparse, "PRODUCTS", products)
        found = sparse.influence(sp.csr_array(a), order, cumulative=cumulative)
        assert found.toarray() == pytest.approx(expected)
        assert found.sum(axis=1) == pytest.approx(order if cumulative else 1)
        assert found.has_sorted_indices


def test_influence_keeps_the_largest_entries_of_a_row():
    a = random_graph()
    step = dense_walk(a)

    def cut(matrix, k=3):
        kept = np.zeros_like(matrix)
        for i, row in enumerate(matrix):
            largest = np.argsort(-row, kind="stable")[:k]
            kept[i, largest] = row[largest] / row[largest].sum()
        return kept

    first = cut(step)
    second = cut(first @ first)
    found = sparse.influence(sp.csr_array(a), 2, cumulative=True, top_k=3)
    assert found.toarray() == pytest.approx(first + second)


def test_influence_that_grows_too_large_is_refused():
    a = sp.csr_array(random_graph(n=40))
    entries = sparse.influence(a, 2).nnz
    assert sparse.influence(a, 2, limit=entries).nnz == entries
    with pytest.raises(ValueError, match=r"order 2 has more than 50 entries; take a lower order"):
        sparse.influence(a, 2, limit=50)
    with pytest.raises(ValueError, match="order 1 has more than 50 entries"):
        sparse.influence(a, 1, limit=50)
