"""Gauss–Seidel sweeps over a sparse symmetric matrix for many right-hand sides at once.

L. Hageman, D. Young, Applied Iterative Methods (1981). Letters: A (N, N), B and X (N, C), and
R = B − A X. Rows are taken in order on one thread: the same bits always.

Columns go WIDE at a time, as tuples of WIDE numbers: the compiler keeps those in registers, where
a row of an array would go through memory for each entry of A. Other numbers of columns are padded
(`padded`), but for a single one.
"""

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating]
WIDE = 12  # columns at a time: ten eigenvectors and two guards
_ZERO, _ONE, _TWO, _THREE, _FOUR, _EIGHT = (np.uint64(k) for k in (0, 1, 2, 3, 4, 8))
_FAST = {"contract", "nsz"}  # unsigned places above, as the sign of others is asked each time


class Relaxation:
    """Sweeps over a matrix with sorted columns and a diagonal that is not 0."""

    def __init__(self, matrix: sp.csr_array) -> None:
        self.matrix = matrix
        at = _diagonal(matrix.indptr, matrix.indices)
        self.parts = matrix.indptr, at, matrix.indices, matrix.data
        self.inverse = np.reciprocal(matrix.data[at])

    def forward_from_zero(self, b: Floats) -> tuple[Floats, Floats]:
        """X after a forward sweep from zero, and R."""
        x, r = np.empty_like(b), np.empty_like(b)
        if b.shape[1] == 1:
            _forward_one(*self.parts, self.inverse, b[:, 0], x[:, 0], r[:, 0])
        else:
            _forward(*self.parts, self.inverse, b, x, r)
        return x, r

    def sweep(self, b: Floats, x: Floats, *, forward: bool) -> None:
        """One sweep over X in place."""
        if b.shape[1] == 1:
            _sweep_one(*self.parts, self.inverse, b[:, 0], x[:, 0], forward)
        else:
            _sweep(*self.parts, self.inverse, b, x, forward)

    def residual(self, b: Floats, x: Floats) -> Floats:
        """R."""
        if b.shape[1] == 1:
            return np.asarray(b - self.matrix @ x)
        r = np.empty_like(b)
        _residual(*self.parts, b, x, r)
        return r


def padded(columns: Floats) -> Floats:
    """(N, C′) C-contiguous columns with zeros behind them up to a multiple of WIDE; one alone and
    multiples stay as they are."""
    count = columns.shape[1]
    if count == 1 or count % WIDE == 0:
        return np.ascontiguousarray(columns)
    wide = np.zeros((len(columns), -(-count // WIDE) * WIDE), columns.dtype)
    wide[:, :count] = columns
    return wide


@njit(nogil=True, cache=True)
def _diagonal(indptr, indices):  # type: ignore[no-untyped-def]
    """(N,) places of the entries of the diagonal."""
    at = np.empty(len(indptr) - 1, indptr.dtype)
    for i in range(len(at)):
        at[i] = indptr[i] + np.searchsorted(indices[indptr[i] : indptr[i + 1]], i)
        if at[i] == indptr[i + 1] or indices[at[i]] != i:
            raise ValueError("the matrix must have a diagonal and sorted columns")
    return at


@njit(inline="always")
def _four(x, i, f):  # type: ignore[no-untyped-def]
    return x[i, f], x[i, f + _ONE], x[i, f + _TWO], x[i, f + _THREE]


@njit(inline="always")
def _load(x, i, f):  # type: ignore[no-untyped-def]
    """WIDE numbers of row i from column f on."""
    return _four(x, i, f) + _four(x, i, f + _FOUR) + _four(x, i, f + _EIGHT)


@njit(inline="always", fastmath=_FAST)
def _less4(s, a, x, i, f):  # type: ignore[no-untyped-def]
    return (
        s[0] - a * x[i, f],
        s[1] - a * x[i, f + _ONE],
        s[2] - a * x[i, f + _TWO],
        s[3] - a * x[i, f + _THREE],
    )


@njit(inline="always", fastmath=_FAST)
def _less(s, a, x, i, f):  # type: ignore[no-untyped-def]
    """s − a x_i."""
    return (
        _less4(s[:4], a, x, i, f)
        + _less4(s[4:8], a, x, i, f + _FOUR)
        + _less4(s[8:], a, x, i, f + _EIGHT)
    )


@njit(inline="always")
def _store4(x, i, f, s, a):  # type: ignore[no-untyped-def]
    x[i, f], x[i, f + _ONE] = s[0] * a, s[1] * a
    x[i, f + _TWO], x[i, f + _THREE] = s[2] * a, s[3] * a


@njit(inline="always")
def _store(x, i, f, s, a):  # type: ignore[no-untyped-def]
    """x_i = a s."""
    _store4(x, i, f, s[:4], a)
    _store4(x, i, f + _FOUR, s[4:8], a)
    _store4(x, i, f + _EIGHT, s[8:], a)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _forward(indptr, at, indices, data, inverse, b, x, r):  # type: ignore[no-untyped-def]
    """Row i reads only x_j with j < i, and what is left to it once the sweep has passed is
    r_i = −Σ_{j>i} a_ij x_j."""
    one = inverse.dtype.type(1)
    zero = np.zeros((1, WIDE), b.dtype)
    for row in range(len(b)):
        i = np.uint64(row)
        for column in range(0, b.shape[1], WIDE):
            f = np.uint64(column)
            s = _load(b, i, f)
            for e in range(indptr[i], at[i]):
                s = _less(s, data[e], x, np.uint64(indices[e]), f)
            _store(x, i, f, s, inverse[i])
    for row in range(len(b)):
        i = np.uint64(row)
        for column in range(0, b.shape[1], WIDE):
            f = np.uint64(column)
            s = _load(zero, _ZERO, _ZERO)
            for e in range(at[i] + 1, indptr[i + 1]):
                s = _less(s, data[e], x, np.uint64(indices[e]), f)
            _store(r, i, f, s, one)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _sweep(indptr, at, indices, data, inverse, b, x, forward):  # type: ignore[no-untyped-def]
    n = len(b)
    for step in range(n):
        i = np.uint64(step if forward else n - 1 - step)
        for column in range(0, b.shape[1], WIDE):
            f = np.uint64(column)
            s = _load(b, i, f)
            for e in range(indptr[i], at[i]):
                s = _less(s, data[e], x, np.uint64(indices[e]), f)
            for e in range(at[i] + 1, indptr[i + 1]):
                s = _less(s, data[e], x, np.uint64(indices[e]), f)
            _store(x, i, f, s, inverse[i])


@njit(nogil=True, cache=True, fastmath=_FAST)
def _residual(indptr, at, indices, data, b, x, r):  # type: ignore[no-untyped-def]
    one = data.dtype.type(1)
    for row in range(len(b)):
        i = np.uint64(row)
        for column in range(0, b.shape[1], WIDE):
            f = np.uint64(column)
            s = _load(b, i, f)
            for e in range(indptr[i], indptr[i + np.uint64(1)]):
                s = _less(s, data[e], x, np.uint64(indices[e]), f)
            _store(r, i, f, s, one)


@njit(nogil=True, cache=True)
def _forward_one(indptr, at, indices, data, inverse, b, x, r):  # type: ignore[no-untyped-def]
    for i in range(len(b)):
        s = b[i]
        for e in range(indptr[i], at[i]):
            s -= data[e] * x[indices[e]]
        x[i] = s * inverse[i]
    for i in range(len(b)):
        s = b.dtype.type(0)
        for e in range(at[i] + 1, indptr[i + 1]):
            s -= data[e] * x[indices[e]]
        r[i] = s


@njit(nogil=True, cache=True)
def _sweep_one(indptr, at, indices, data, inverse, b, x, forward):  # type: ignore[no-untyped-def]
    n = len(b)
    for step in range(n):
        i = step if forward else n - 1 - step
        s = b[i]
        for e in range(indptr[i], at[i]):
            s -= data[e] * x[indices[e]]
        for e in range(at[i] + 1, indptr[i + 1]):
            s -= data[e] * x[indices[e]]
        x[i] = s * inverse[i]
