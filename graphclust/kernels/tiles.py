"""One step of logistic regression between a few rows of two matrices, as small matrix products.

Rows are padded with zeros to multiples of TILE, so that no product has a remainder. As in `rows`,
nothing here is cached by numba; delete `__pycache__` after a change.
"""

import math

import numpy as np
from numba import njit

TILE = 4  # rows of the small matrix products are padded to a multiple of this
_FAST = {"reassoc", "contract", "nsz", "arcp"}
_ONE, _LOG2E, _LN2 = np.float32(1), np.float32(1 / np.log(2)), np.float32(np.log(2))
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / math.factorial(k)) for k in range(2, 7))


@njit
def padded(rows):  # type: ignore[no-untyped-def]
    return (rows + TILE - 1) // TILE * TILE


@njit(inline="always")
def gather(matrix, rows, first, count, part):  # type: ignore[no-untyped-def]
    """part = the rows' vectors, and zeros up to a multiple of TILE."""
    for j in range(count):
        row = rows[first + j]
        for d in range(matrix.shape[1]):
            part[j, d] = matrix[row, d]
    for j in range(count, padded(count)):
        part[j] = 0


@njit(inline="always")
def scatter(matrix, rows, first, count, part, fixed):  # type: ignore[no-untyped-def]
    """Add the vectors to their rows but for fixed ones; a row that comes twice gets both."""
    for j in range(count):
        row = rows[first + j]
        if len(fixed) and fixed[row]:
            continue
        for d in range(matrix.shape[1]):
            matrix[row, d] += part[j, d]


@njit(inline="always")
def all_fixed(fixed, rows, first, count):  # type: ignore[no-untyped-def]
    """Whether none of the rows may move; never where `fixed` is empty."""
    for j in range(count):
        if not (len(fixed) and fixed[rows[first + j]]):
            return False
    return len(fixed) > 0


@njit(fastmath=_FAST)
def scores(v, count, u, g):  # type: ignore[no-untyped-def]
    """g = v uᵀ, TILE columns in one sweep over D."""
    for c in range(count):
        for k in range(0, len(u), TILE):
            s0 = s1 = s2 = s3 = np.float32(0)
            for d in range(v.shape[1]):
                x = v[c, d]
                s0 += x * u[k, d]
                s1 += x * u[k + 1, d]
                s2 += x * u[k + 2, d]
                s3 += x * u[k + 3, d]
            g[c, k], g[c, k + 1], g[c, k + 2], g[c, k + 3] = s0, s1, s2, s3


@njit
def loss_of(g, count, targets):  # type: ignore[no-untyped-def]
    """Σ −log σ(±score) over the pairs and their negatives."""
    loss = 0.0
    for c in range(count):
        for k in range(len(targets)):
            if k == 0 or targets[k] != targets[0]:
                x = np.float64(g[c, k]) if k == 0 else -np.float64(g[c, k])
                loss += max(-x, 0.0) + np.log1p(np.exp(-abs(x)))
    return loss


@njit(fastmath=_FAST)
def errors(g, count, targets, rate):  # type: ignore[no-untyped-def]
    """Scores to rate · (label − σ(score)); 0 for negatives that hit the word, and for padding."""
    columns = g.shape[1]
    for c in range(count):
        for k in range(columns):
            g[c, k] = -rate * sigmoid(g[c, k])
        g[c, 0] += rate
    for k in range(1, columns):
        if k >= len(targets) or targets[k] == targets[0]:
            for c in range(count):
                g[c, k] = 0
    for c in range(count, padded(count)):
        for k in range(columns):
            g[c, k] = 0


@njit(fastmath=_FAST)
def sigmoid(x):  # type: ignore[no-untyped-def]
    """1 / (1 + e^−x) to 2·10⁻⁷ by 2^n · 2^f, |f| ≤ ½, 2^f by its series; branchless."""
    t = min(max(x * -_LOG2E, np.float32(-126)), np.float32(126))
    n = np.floor(t + np.float32(0.5))
    f = (t - n) * _LN2
    e = _ONE + f * (_ONE + f * (_C2 + f * (_C3 + f * (_C4 + f * (_C5 + f * _C6)))))
    scale = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return _ONE / (_ONE + e * scale)


@njit(fastmath=_FAST)
def updates(v, count, u, g, dv, du):  # type: ignore[no-untyped-def]
    """dv = g u and du = gᵀ v, TILE rows of the other in one sweep over D."""
    dv[:count] = 0
    du[:] = 0
    for c in range(count):
        for k in range(0, len(u), TILE):
            g0, g1, g2, g3 = g[c, k], g[c, k + 1], g[c, k + 2], g[c, k + 3]
            for d in range(v.shape[1]):
                dv[c, d] += (g0 * u[k, d] + g1 * u[k + 1, d]) + (
                    g2 * u[k + 2, d] + g3 * u[k + 3, d]
                )
    for k in range(len(u)):
        for c in range(0, count, TILE):
            g0, g1, g2, g3 = g[c, k], g[c + 1, k], g[c + 2, k], g[c + 3, k]
            for d in range(v.shape[1]):
                du[k, d] += (g0 * v[c, d] + g1 * v[c + 1, d]) + (
                    g2 * v[c + 2, d] + g3 * v[c + 3, d]
                )
