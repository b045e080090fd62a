"""Matrices of the direction of arcs: the skew part of A, and singular vectors.

Letters: N nodes, A (N, N) with A_ij the weight of the arc i → j, S = A − Aᵀ, D_ii = Σ_j |S_ij|.
"""

from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphclust.kernels.determinism import fixed_signs, one_thread

Floats = NDArray[np.floating]
Scaling = Literal["rw", "sym", "none"]
DENSE_BELOW = 400  # rows; a dense solver is then faster, and finds every vector


def skew(adjacency: sp.csr_array, scaling: str = "rw") -> sp.csr_array:
    """D⁻¹ S (`rw`), D^-½ S D^-½ (`sym`) or S (`none`); rows without net flow stay zero."""
    s = sp.csr_array(adjacency - adjacency.T)
    s.eliminate_zeros()
    if scaling == "none":
        return s
    degree = np.asarray(abs(s).sum(axis=1)).ravel()
    scale = np.zeros_like(degree)
    np.power(degree, -1.0 if scaling == "rw" else -0.5, out=scale, where=degree > 0)
    s = sp.diags_array(scale) @ s
    return sp.csr_array(s if scaling == "rw" else s @ sp.diags_array(scale))


def walks(adjacency: sp.csr_array, loop: float) -> sp.csr_array:
    """(A + τ I) with rows scaled to sum 1, τ = `loop` > 0."""
    a = sp.csr_array(adjacency + loop * sp.eye_array(adjacency.shape[0]))
    rows = sp.diags_array(1 / np.asarray(a.sum(axis=1)).ravel())
    return sp.csr_array(rows @ a).astype(adjacency.dtype)


def singular_vectors(
    matrix: sp.csr_array | sp.linalg.LinearOperator, k: int
) -> tuple[Floats, Floats, Floats]:
    """The `k` leading left vectors (N, k), values (k,) descending, and right vectors (M, k).

    From a fixed start, on one thread; signs are fixed, rotations between equal values are not.
    """
    with one_thread():
        if min(matrix.shape) <= max(DENSE_BELOW, 2 * k):
            dense = matrix @ np.eye(matrix.shape[1])
            u, values, v = np.linalg.svd(dense, full_matrices=False)
        else:
            start = np.random.default_rng(0).standard_normal(min(matrix.shape))
            u, values, v = sp.linalg.svds(matrix, k=k, v0=start)
            order = np.argsort(-values, kind="stable")
            u, values, v = u[:, order], values[order], v[order]
    left = fixed_signs(u[:, :k])
    turned = np.sign((left * u[:, :k]).sum(axis=0))
    return left, values[:k], (v[:k] * turned[:, None]).T
