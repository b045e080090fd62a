"""Smooth vectors of a symmetric positive definite matrix by bootstrap AMG.

P. D'Ambra, P. Vassilevski, L. Cutillo, "Extending bootstrap AMG for clustering of attributed
graphs", Appl. Math. Comput. 447 (2023), https://arxiv.org/abs/2109.09367.

Each step makes a hierarchy for the vector on which all hierarchies so far, applied one after the
other, do worst; what these composite cycles leave of an error is the next such vector. Letters: N
rows, H hierarchies, ν sweeps, ρ convergence rate ‖e_new‖_A / ‖e‖_A.

Departure: published, ν = 15 sweeps of all hierarchies start anew from a random error for each of
them, 7.5 H² cycles. Here the error that is left is kept, with a share of a random one, and KEPT
sweeps suffice: 1.5 H² cycles. ρ ≤ `target` ends the loop only where the published estimate, with
ν sweeps from a random error, confirms it; that estimate is the ρ that is given.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphclust.kernels.multigrid import Hierarchy, energy

Floats = NDArray[np.floating]
SWEEPS = 15  # ν
KEPT = 3
FRESH = 0.1  # share of a random error


class Bootstrap(NamedTuple):
    """`vectors` (N, H + 1), each of ‖·‖_A = 1, the given one first; `rates` (H,) ρ after each
    hierarchy by KEPT sweeps; `rate`, the published estimate for all H; the `hierarchies`."""

    vectors: Floats
    rates: list[float]
    rate: float
    hierarchies: list[Hierarchy]


def bootstrap(
    matrix: sp.csr_array,
    smooth: Floats,
    *,
    target: float = 1e-6,
    at_least: int = 1,
    at_most: int = 40,
    seed: int = 0,
) -> Bootstrap:
    """Hierarchies of `matrix` until ρ ≤ `target`, but `at_least` and `at_most` so many.

    Args:
        matrix: (N, N) symmetric positive definite with sorted columns.
        smooth: (N,) the first smooth vector: the constant of a Laplacian.

    O(nnz H²) time, O(nnz H) memory.
    """
    rng = np.random.default_rng(seed)
    hierarchies: list[Hierarchy] = []
    vectors, rates, rate = [_unit(matrix, smooth[:, None])], [], 1.0
    error = _random(matrix, rng)
    while len(hierarchies) < max(at_most, at_least):
        hierarchies.append(Hierarchy(matrix, vectors[-1][:, 0]))
        start = _unit(matrix, error + FRESH * _random(matrix, rng))
        error, rho = composite(matrix, hierarchies, start, KEPT)
        rates.append(rho)
        if not error.any():
            rate = 0.0
            break
        vectors.append(error)
        if rho <= target and len(hierarchies) >= at_least:
            rate = composite(matrix, hierarchies, _random(matrix, rng), SWEEPS)[1]
            if rate <= target:
                break
    else:
        rate = composite(matrix, hierarchies, _random(matrix, rng), SWEEPS)[1]
    return Bootstrap(np.hstack(vectors), rates, rate, hierarchies)


def composite(
    matrix: sp.csr_array, hierarchies: list[Hierarchy], error: Floats, sweeps: int
) -> tuple[Floats, float]:
    """What `sweeps` of all hierarchies, one after the other, leave of A e = 0, of ‖·‖_A = 1, and
    ρ of the last sweep. An error that vanishes stays zero, with ρ = 0."""
    rho = 0.0
    for _ in range(sweeps):
        left = error.copy()
        for hierarchy in hierarchies:
            left -= hierarchy.cycle(matrix @ left)
        before, after = energy(matrix, error)[0], energy(matrix, left)[0]
        rho = float(after / before) if before > 0 else 0.0
        error = _unit(matrix, left)
    return error, rho


def rayleigh_ritz(operator: sp.csr_array, vectors: Floats, k: int) -> tuple[Floats, Floats]:
    """The `k` largest Ritz values of a symmetric operator S on the span of `vectors`, descending,
    and (N, k) Ritz vectors: the best eigenpairs there."""
    left, sizes, _ = np.linalg.svd(vectors / np.linalg.norm(vectors, axis=0), full_matrices=False)
    basis = left[:, sizes > 1e-10 * sizes[0]]
    values, mix = np.linalg.eigh(basis.T @ (operator @ basis))
    return values[::-1][:k], (basis @ mix)[:, ::-1][:, :k]


def _unit(matrix: sp.csr_array, x: Floats) -> Floats:
    size = energy(matrix, x)
    return x / size if size[0] > 1e-150 else np.zeros_like(x)


def _random(matrix: sp.csr_array, rng: np.random.Generator) -> Floats:
    return _unit(matrix, rng.standard_normal((matrix.shape[0], 1)))
