"""Feature columns: their kind, scales, idf and spatial autocorrelation, for dense and sparse alike.

`x` is an (N, F) float array or scipy CSR matrix; nothing here makes a sparse one dense.
"""

from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Kind = Literal["words", "rows", "table"]
Vector = NDArray[np.float64]

ROUNDING = 1e-9  # a variance below this share of the mean square is rounding, not variance
BLOCK = 1 << 24  # entries of P X held at a time


def kind_of(x: Any) -> Kind:
    """What do the columns measure? Decided by the values alone, O(nnz).

    `table`: some value is negative or fewer than a tenth are zero: quantities of unlike units.
    `words`: whole numbers from 0, mostly 0: counts or presence of words, one-hot categories.
    `rows`: what is left, such as tf-idf weights or pixels: only the direction of a row matters.
    """
    values = x.data if sp.issparse(x) else x.ravel()
    if (values < 0).any() or np.count_nonzero(values) > 0.9 * x.shape[0] * x.shape[1]:
        return "table"
    return "words" if (values == np.rint(values)).all() else "rows"


def idf(x: Any) -> Vector:
    """(F,) smooth inverse document frequency ln((1 + N) / (1 + n_f)) + 1; n_f rows have f ≠ 0."""
    if sp.issparse(x):
        rows_with = np.bincount(x.indices[x.data != 0], minlength=x.shape[1])
    else:
        rows_with = np.count_nonzero(x, axis=0)
    return np.log((1 + x.shape[0]) / (1 + rows_with)) + 1


def mean_and_square(x: Any) -> tuple[Vector, Vector]:
    """(F,) means and mean squares of the columns, in float64."""
    mean = np.asarray(x.sum(axis=0, dtype=np.float64)).ravel() / x.shape[0]
    return mean, _column_products(x, x) / x.shape[0]


def scaled(x: Any, scale: Vector, shift: Vector | None = None) -> Any:
    """(x − shift) · scale, column by column, as a new matrix of x's type; sparse is not shifted."""
    factor = scale.astype(x.dtype)
    if sp.issparse(x):
        return sp.csr_array((x.data * factor[x.indices], x.indices, x.indptr), shape=x.shape)
    return x * factor if shift is None else (x - shift.astype(x.dtype)) * factor


def moran(x: Any, adjacency: sp.csr_array) -> Vector:
    """(F,) Moran autocorrelation of each column over the edges; 0 for a constant column.

    I_f = Σ_ij P_ij x̃_i x̃_j / Σ_i x̃_i² with P = D⁻¹A and x̃ = x − mean: 1 where neighbours are
    equal, near 0 where the edges say nothing. P. Moran, "Notes on continuous stochastic phenomena",
    Biometrika 37 (1950), without its factor N / Σ P_ij.

    x is never centred: with m the mean, r the row sums and c the column sums of P,
    Σ_ij P_ij x̃_i x̃_j = Σ_i x_i (Px)_i − m (r + c)ᵀx + m² Σ r. O(E·F) time for dense x, the sum of
    the nnz of the neighbours' rows for sparse; P X is made in blocks of rows.
    """
    n = x.shape[0]
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
    walk = sp.csr_array(sp.diags_array(inverse) @ adjacency).astype(x.dtype)
    ends = (degree > 0) + np.asarray(walk.sum(axis=0)).ravel()
    mean, square = mean_and_square(x)
    product = np.zeros(x.shape[1])
    step = max(1, BLOCK // x.shape[1])
    for start in range(0, n, step):
        rows = slice(start, start + step)
        product += _column_products(x[rows], walk[rows] @ x)
    product += mean * (mean * np.count_nonzero(degree) - x.T @ ends)
    variance = n * (square - mean**2)
    varies = variance > ROUNDING * n * square
    return np.divide(product, variance, out=np.zeros_like(product), where=varies)


def _column_products(x: Any, y: Any) -> Vector:
    """(F,) Σ_i x_if y_if in float64."""
    if sp.issparse(x):
        return np.asarray(x.multiply(y).sum(axis=0, dtype=np.float64)).ravel()
    return np.einsum("nf,nf->f", x, y, dtype=np.float64)
