"""Locally optimal block preconditioned conjugate gradients, with guard vectors.

A. Knyazev, SIAM J. Sci. Comput. 23 (2001), https://doi.org/10.1137/S1064827500366124; the basis is
made orthonormal in each step as in A. Stathopoulos, K. Wu, SIAM J. Sci. Comput. 23 (2002),
https://doi.org/10.1137/S1064827500370883.

Letters: N rows, X (N, m) the block, λ its Ritz values, R = A X − X λ, W = M R, and P what the last
step added to X. The next X are the best vectors in the span of [X, W, P]. Of the m columns only the
first k need to converge; the others are guards: where λ_k and λ_{k+1} are close, a block of k takes
thousands of steps to tell them apart, and a larger one need not.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
ROWS = 2048  # combined at a time
DEPENDENT = 0.8  # power of the rounding below which directions are left out, lest it grow


def smallest_eigenpairs(
    matrix: Any,
    start: Floats,
    k: int,
    precondition: Callable[[Floats], Floats],
    tolerance: float,
    steps: int,
) -> tuple[Floats, Floats]:
    """All m Ritz values, rising, and vectors (N, m), in the precision of `start`.

    Ends once ‖R_i‖ ≤ `tolerance` for the first `k` columns, or after `steps`. O(N m²) time a step
    beside the products, O(N m) memory.

    Args:
        matrix: (N, N) symmetric A, of anything that has a product with (N, j) arrays.
        start: (N, m) columns, m ≥ k, linearly independent.
        precondition: M R, of contiguous columns.
    """
    (n, m), dtype = start.shape, start.dtype
    basis, images = (np.empty((n, 3 * m), dtype) for _ in range(2))  # X, P, W and A of them
    residual = np.empty((n, m), dtype)
    basis[:, :m], images[:, :m] = start, matrix @ start
    width = m
    for step in range(steps + 1):
        values, mix = _ritz(basis[:, :width], images[:, :width], m)
        _recombine(basis, images, mix.astype(dtype), values.astype(dtype), residual)
        lengths = np.sqrt(np.einsum("ij,ij->j", residual, residual))
        active = lengths > tolerance
        if step == steps or not active[:k].any():
            break
        known = m if step == 0 else 2 * m
        w = precondition(np.ascontiguousarray(residual[:, active]))
        w = w - basis[:, :m] @ (basis[:, :m].T @ w)
        width = known + w.shape[1]
        basis[:, known:width], images[:, known:width] = w, matrix @ w
    return values, basis[:, :m].copy()


def _recombine(
    basis: Floats, images: Floats, mix: Floats, values: Floats, residual: Floats
) -> None:
    """X becomes [X, P, W] `mix`, P what of that is not X's, and R, all in place; a few rows at a
    time, which stay in the cache meanwhile."""
    width, m = mix.shape
    for low in range(0, len(basis), ROWS):
        rows = slice(low, low + ROWS)
        for part in (basis[rows], images[rows]):
            added = part[:, m:width] @ mix[m:]
            part[:, :m] = part[:, :m] @ mix[:m] + added
            part[:, m : 2 * m] = added
        residual[rows] = images[rows, :m] - basis[rows, :m] * values


def _ritz(basis: Floats, images: Floats, m: int) -> tuple[Floats, Floats]:
    """The `m` least Ritz values and the coefficients of their vectors; directions that depend on
    the others but for rounding are left out."""
    gram, product = ((basis.T @ part).astype(np.float64) for part in (basis, images))
    scale = 1 / np.sqrt(np.maximum(np.diagonal(gram), np.finfo(np.float64).tiny))
    sizes, directions = np.linalg.eigh(gram * scale * scale[:, None])
    kept = sizes > sizes[-1] * np.finfo(basis.dtype).eps ** DEPENDENT
    change = scale[:, None] * directions[:, kept] / np.sqrt(sizes[kept])
    values, mix = np.linalg.eigh(change.T @ ((product + product.T) / 2) @ change)
    return values[:m], change @ mix[:, :m]
