"""Leading eigenvectors of a normalised adjacency, by the solver that suits its gaps.

S = D^-½ A D^-½ has its eigenvalues in [−1, 1]; with L = I − S the largest of S are the least of L.
One thread, a fixed start and fixed signs: the same vectors on every run.

`lanczos`: ARPACK, best where clusters are clear. `lobpcg`: A. Knyazev, SIAM J. Sci. Comput. 23
(2001), https://doi.org/10.1137/S1064827500366124, on S itself. `shift_invert`: Lanczos on
(L + σI)⁻¹ by a sparse factorisation, for small graphs of low degree whose gaps are tiny. All
scipy's.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, eigsh, lobpcg

from graphclust.kernels.determinism import fixed_signs, one_thread
from graphclust.kernels.spectra import DENSE_BELOW, NoConvergenceError, leading_eigenvectors

Floats = NDArray[np.floating]
RESTARTS = 30  # of Lanczos, before `auto` gives up on it
STEPS = 200  # of LOBPCG
SHIFT = 1e-4  # of L, which is singular
SPARSE_FACTOR = 50_000, 10.0  # nodes and entries a row up to which a factorisation stays sparse


class Pairs(NamedTuple):
    """`values` (k,) from the largest down, `vectors` (N, k), `residuals` (k,) ‖S v − λ v‖₂ and the
    name of the solver."""

    values: Floats
    vectors: Floats
    residuals: Floats
    solver: str


def eigenpairs(
    operator: sp.csr_array, k: int, solver: str = "auto", tolerance: float = 1e-5
) -> Pairs:
    """The `k` leading eigenpairs of a symmetric `operator` S with eigenvalues in [−1, 1].

    Up to DENSE_BELOW rows every solver is the dense one. `auto` is Lanczos for at most RESTARTS
    restarts; where it has not converged by then, the gaps are tiny, and shift-invert takes over on
    graphs within SPARSE_FACTOR.

    Args:
        tolerance: residual at which an iteration stops.

    Raises:
        ValueError: k > N/2 of an operator too large to be dense.
        NoConvergenceError: the solver gave up.
    """
    n = operator.shape[0]
    with one_thread():
        if n <= DENSE_BELOW or k > n // 2:
            return _pairs(operator, *leading_eigenvectors(operator, k), "dense")
        if solver == "auto":
            return _automatic(operator, k, tolerance)
        values, vectors = SOLVERS[solver](operator, k, tolerance)
        return _pairs(operator, values, vectors, solver)


def _automatic(operator: sp.csr_array, k: int, tolerance: float) -> Pairs:
    try:
        return _pairs(operator, *_lanczos(operator, k, tolerance, RESTARTS), "lanczos")
    except NoConvergenceError:
        n = operator.shape[0]
        fits = n <= SPARSE_FACTOR[0] and operator.nnz <= SPARSE_FACTOR[1] * n
        slow = "shift_invert" if fits else "lobpcg"
        return _pairs(operator, *SOLVERS[slow](operator, k, tolerance), slow)


def _pairs(operator: Any, values: Floats, vectors: Floats, solver: str) -> Pairs:
    order = np.argsort(-values, kind="stable")
    values, vectors = values[order], fixed_signs(vectors[:, order])
    residuals = np.linalg.norm(operator @ vectors - vectors * values, axis=0)
    return Pairs(values, vectors, residuals, solver)


def _lanczos(
    operator: Any, k: int, tolerance: float, restarts: int | None = None
) -> tuple[Floats, Floats]:
    try:
        return eigsh(operator, k, which="LA", v0=_start(operator), tol=tolerance, maxiter=restarts)
    except ArpackError as error:
        raise NoConvergenceError(f"Lanczos did not converge: {error}") from None


def _shift_invert(operator: Any, k: int, tolerance: float) -> tuple[Floats, Floats]:
    """By a sparse factorisation of L + σI, whose fill-in may be large."""
    laplacian = sp.csc_array(sp.eye_array(operator.shape[0]) - operator)
    try:
        values, vectors = eigsh(
            laplacian, k, sigma=-SHIFT, which="LM", v0=_start(operator), tol=tolerance
        )
    except ArpackError as error:
        raise NoConvergenceError(f"shift-invert did not converge: {error}") from None
    return 1 - values, vectors


def _lobpcg(operator: Any, k: int, tolerance: float) -> tuple[Floats, Floats]:
    start = np.random.default_rng(0).standard_normal((operator.shape[0], k))
    values, vectors = lobpcg(operator, start, tol=tolerance, maxiter=STEPS, largest=True)[:2]
    return values, vectors


def _start(operator: Any) -> Floats:
    return np.random.default_rng(0).standard_normal(operator.shape[0])


SOLVERS = {"lanczos": _lanczos, "lobpcg": _lobpcg, "shift_invert": _shift_invert}
