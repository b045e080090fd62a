"""Matrices of the arcs of a digraph: their skew part, and walks along them.

Letters: N nodes, A (N, N) with A_ij the weight of the arc i → j, S = A − Aᵀ, D_ii = Σ_j |S_ij|.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def skew(adjacency: sp.csr_array, scaling: str = "rw") -> sp.csr_array:
    """D⁻¹ S (`rw`), D^-½ S D^-½ (`sym`) or S (`none`); rows without net flow stay zero."""
    s = sp.csr_array(adjacency - adjacency.T)
    s.eliminate_zeros()
    if scaling == "none":
        return s
    degree = np.asarray(abs(s).sum(axis=1)).ravel()
    return scaled(s, degree, -1.0) if scaling == "rw" else scaled(s, degree, -0.5, degree, -0.5)


def scaled(
    matrix: sp.csr_array,
    rows: Floats,
    row_power: float,
    columns: Floats | None = None,
    column_power: float = 0.0,
) -> sp.csr_array:
    """diag(rows)^row_power · M · diag(columns)^column_power, with 0 to any power 0."""
    result = sp.diags_array(_power(rows, row_power)) @ matrix
    if columns is not None:
        result = result @ sp.diags_array(_power(columns, column_power))
    return sp.csr_array(result)


def _power(degree: Floats, exponent: float) -> Floats:
    return np.power(degree, exponent, out=np.zeros_like(degree), where=degree > 0)


def walks(adjacency: sp.csr_array, loop: float) -> sp.csr_array:
    """(A + τ I) with rows scaled to sum 1, τ = `loop` > 0."""
    a = sp.csr_array(adjacency + loop * sp.eye_array(adjacency.shape[0]))
    rows = sp.diags_array(1 / np.asarray(a.sum(axis=1)).ravel())
    return sp.csr_array(rows @ a).astype(adjacency.dtype)
