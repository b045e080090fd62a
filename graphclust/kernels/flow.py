"""Matrices of the arcs of a digraph: their skew part, and walks along them.

Letters: N nodes, A (N, N) with A_ij the weight of the arc i → j, S = A − Aᵀ, D_ii = Σ_j |S_ij|.
"""

import numpy as np
import scipy.sparse as sp

from graphclust.kernels.sparse import rescaled


def skew(adjacency: sp.csr_array, scaling: str = "rw") -> sp.csr_array:
    """D⁻¹ S (`rw`), D^-½ S D^-½ (`sym`) or S (`none`); rows without net flow stay zero."""
    s = sp.csr_array(adjacency - adjacency.T)
    s.eliminate_zeros()
    if scaling == "none":
        return s
    degree = np.asarray(abs(s).sum(axis=1)).ravel()
    return rescaled(s, degree, -1.0) if scaling == "rw" else rescaled(s, degree, -0.5, degree, -0.5)


def walks(adjacency: sp.csr_array, loop: float) -> sp.csr_array:
    """(A + τ I) with rows scaled to sum 1, τ = `loop` > 0."""
    a = sp.csr_array(adjacency + loop * sp.eye_array(adjacency.shape[0]))
    rows = sp.diags_array(1 / np.asarray(a.sum(axis=1)).ravel())
    return sp.csr_array(rows @ a).astype(adjacency.dtype)
