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
    m, dtype = start.shape[1], start.dtype
    basis, images = start, matrix @ start
    for step in range(steps + 1):
        values, mix = _ritz(basis, images, m)
        if step:
            mix = np.hstack([mix, np.where(np.arange(len(mix))[:, None] < m, 0, mix)])
        basis, images = basis @ mix.astype(dtype), images @ mix.astype(dtype)  # X, and then P
        x = basis[:, :m]
        r = images[:, :m] - x * values.astype(dtype)
        lengths = np.sqrt(np.einsum("ij,ij->j", r, r))
        active = lengths > tolerance
        if step == steps or not active[:k].any():
            break
        w = precondition(np.ascontiguousarray(r[:, active]))
        w -= x @ (x.T @ w)
        basis, images = np.hstack([basis, w]), np.hstack([images, matrix @ w])
    return values, x


def _ritz(basis: Floats, images: Floats, m: int) -> tuple[Floats, Floats]:
    """The `m` least Ritz values and the coefficients of their vectors; directions that depend on
    the others but for rounding are left out."""
    gram = (basis.T @ basis).astype(np.float64)
    scale = 1 / np.sqrt(np.maximum(np.diagonal(gram), np.finfo(np.float64).tiny))
    sizes, directions = np.linalg.eigh(gram * scale * scale[:, None])
    kept = sizes > sizes[-1] * len(sizes) * np.finfo(basis.dtype).eps
    change = scale[:, None] * directions[:, kept] / np.sqrt(sizes[kept])
    product = (basis.T @ images).astype(np.float64)
    values, mix = np.linalg.eigh(change.T @ ((product + product.T) / 2) @ change)
    return values[:m], change @ mix[:, :m]
