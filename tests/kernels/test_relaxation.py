"""Gauss–Seidel sweeps against loops over rows."""

import numpy as np
import pytest
import scipy.sparse as sp

from graphclust.kernels.relaxation import WIDE, Relaxation, padded


def symmetric(n=30, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    a = np.triu(rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.2), 1)
    a = a + a.T + np.diag(rng.uniform(3, 5, n))
    return sp.csr_array(a.astype(dtype))


def slow_sweep(a, b, x, order):
    x = x.copy()
    for i in order:
        x[i] += (b[i] - a[i] @ x) / a[i, i]
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 2, WIDE, WIDE + 1, 2 * WIDE])
def test_sweeps_and_residuals_equal_loops_over_rows(columns, dtype):
    matrix = symmetric(dtype=dtype)
    a, rng = matrix.toarray(), np.random.default_rng(1)
    given, b = rng.standard_normal((2, 30, columns)).astype(dtype)
    near = {"rtol": 1e-4, "atol": 1e-5} if dtype is np.float32 else {}
    sweeps, wide, width = Relaxation(matrix), padded(b), slice(columns)
    x, r = sweeps.forward_from_zero(wide)
    assert x.dtype == r.dtype == dtype
    expected = slow_sweep(a, b, np.zeros_like(b), range(30))
    np.testing.assert_allclose(x[:, width], expected, **near)
    np.testing.assert_allclose(r[:, width], b - a @ expected, **(near or {"atol": 1e-12}))
    assert not x[:, columns:].any()
    for forward, order in ((True, range(30)), (False, range(29, -1, -1))):
        x = padded(given).copy()
        sweeps.sweep(wide, x, forward=forward)
        expected = slow_sweep(a, b, given, order)
        np.testing.assert_allclose(x[:, width], expected, **near)
        left = sweeps.residual(wide, x)[:, width]
        np.testing.assert_allclose(left, b - a @ expected, **(near or {"atol": 1e-12}))


def test_padding_is_zeros_behind_the_columns():
    columns = np.arange(6.0).reshape(2, 3)
    wide = padded(columns)
    assert wide.shape == (2, WIDE)
    assert np.array_equal(wide[:, :3], columns)
    assert not wide[:, 3:].any()
    for count in (1, WIDE, 3 * WIDE):
        assert padded(np.ones((4, count))).shape == (4, count)


@pytest.mark.parametrize("broken", ["no diagonal", "unsorted"])
def test_a_matrix_without_a_diagonal_is_refused(broken):
    matrix = symmetric()
    if broken == "no diagonal":
        matrix = sp.csr_array(matrix - sp.diags_array(matrix.diagonal()))
        matrix.eliminate_zeros()
    else:
        for low, high in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
            matrix.indices[low:high] = matrix.indices[low:high][::-1]
        assert matrix.indptr[1] - matrix.indptr[0] > 2
    with pytest.raises(ValueError, match="a diagonal and sorted columns"):
        Relaxation(matrix)
