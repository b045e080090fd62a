"""Leading eigenvectors of a normalised adjacency, by the solver that suits its gaps.

S = D_τ^-½ A D_τ^-½ has its eigenvalues in [−1, 1]; with L = I − S the largest of S are the least of
L, and D_τ^½ 1 is L's smoothest vector. One thread, fixed starts, fixed signs: the same vectors on
every run.

- `lanczos`: ARPACK, best where clusters are clear.
- `lobpcg`: `kernels.lobpcg` on S itself.
- `amg`: the same on L preconditioned by a W-cycle of `multigrid`, from eigenvectors of a coarse
  level: for meshes and nearest-neighbour graphs, whose gaps are tiny.
- `shift_invert`: Lanczos on (L + σI)⁻¹ by a sparse factorisation: the same, where it stays sparse.
- `bootstrap_amg`: Rayleigh–Ritz on the smooth vectors of `bootstrap`: no eigenvectors, so residuals
  stay large.

Components are solved one by one: a Krylov space holds one vector of an eigenvalue that several
share.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, eigsh

from graphclust.kernels.bootstrap import bootstrap, rayleigh_ritz
from graphclust.kernels.determinism import fixed_signs, one_thread
from graphclust.kernels.lobpcg import smallest_eigenpairs
from graphclust.kernels.multigrid import COARSEST, Hierarchy, Level
from graphclust.kernels.relaxation import padded
from graphclust.kernels.sparse import normalised_adjacency
from graphclust.kernels.spectra import DENSE_BELOW, NoConvergenceError, leading_eigenvectors

Floats = NDArray[np.floating]
Found = tuple[Floats, Floats]  # values, descending, and vectors
DEEP = 50  # hops from the first node beyond which Lanczos is not tried
SINGLE = 1e-6  # tolerance from which single precision will do
RESTARTS = 30  # of Lanczos, before `auto` gives up on it
STEPS, SINGLE_STEPS = 200, 20  # of LOBPCG, and of it in single precision
COARSE, COARSE_STEPS = 30.0, 10  # tolerances, and steps of LOBPCG on levels that only give a start
GUARDS = 2  # vectors of LOBPCG more than are asked for
SHIFT = 1e-4  # of L to be factorised
RIDGE = 1e-7  # of L for a hierarchy, which takes no singular matrix
SPARSE_FACTOR = 50_000, 10.0  # nodes and entries a row up to which a factorisation stays sparse
SLACK = 10.0  # tolerances that the residual of a solver may be off


class Pairs(NamedTuple):
    """`values` (k,) from the largest down, `vectors` (N, k), `residuals` (k,) ‖S v − λ v‖₂, the
    solver of the largest component, and ρ of bootstrap AMG for each component it solved."""

    values: Floats
    vectors: Floats
    residuals: Floats
    solver: str
    rates: list[float]


def eigenpairs(
    adjacency: sp.csr_array,
    k: int,
    solver: str = "auto",
    *,
    regularisation: float = 0.0,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> Pairs:
    """The `k` leading eigenpairs of S.

    Components of up to DENSE_BELOW rows get a dense solver (COARSEST for `bootstrap_amg`). `auto`
    is Lanczos for at most RESTARTS restarts, unless the component is more than DEEP hops deep, so
    that its gaps must be tiny; else `shift_invert` within SPARSE_FACTOR, and `amg` beyond.

    Args:
        adjacency: (N, N) A ≥ 0, symmetric.
        regularisation: τ.
        tolerance: residual at which an iteration stops.
        seed: of the random errors of bootstrap AMG; eigenvectors do not depend on it.

    Raises:
        ValueError: k > N/2 of a component too large to be dense.
        NoConvergenceError: the solver gave up.
    """
    operator = normalised_adjacency(adjacency, regularisation)
    operator.sort_indices()
    smooth = np.sqrt(np.asarray(adjacency.sum(axis=1)).ravel() + regularisation)
    used: dict[int, str] = {0: "dense"}  # by the size of the component
    rates: list[float] = []
    small = COARSEST if solver == "bootstrap_amg" else DENSE_BELOW

    def solve(part: sp.csr_array, nodes: Any, q: int, hops: int | None = None) -> Found:
        n = part.shape[0]
        if n <= small or (q > n // 2 and solver != "bootstrap_amg"):
            return leading_eigenvectors(part, q)
        if solver == "bootstrap_amg":
            used[n] = solver
            return _smooth_vectors(part, smooth[nodes], q, seed, rates)
        used[n], found = _by_name(solver, part, smooth[nodes], q, tolerance, hops)
        return found

    with one_thread():
        values, vectors = _by_component(operator, k, solve)
        vectors = fixed_signs(vectors)
        residuals = np.linalg.norm(operator @ vectors - vectors * values, axis=0)
    if solver != "bootstrap_amg" and not residuals.max(initial=0.0) <= SLACK * tolerance:
        raise NoConvergenceError(
            f"{used[max(used)]} did not converge: the largest residual is {residuals.max():.1e}, "
            f"the tolerance {tolerance:.1e}; take another solver or a larger tolerance"
        )
    return Pairs(values, vectors, residuals, used[max(used)], rates)


def _by_component(operator: sp.csr_array, k: int, solve: Any) -> Found:
    """The `k` leading pairs of all components from those that `solve` finds of each.

    The vectors of a node alone are unit vectors, its value that on the diagonal, 0.
    """
    n = operator.shape[0]
    reached, hops = depth(operator)  # cheaper than finding all components
    if reached == n:
        return solve(operator, slice(None), k, hops)
    labels = sp.csgraph.connected_components(operator, directed=False)[1]
    sizes = np.bincount(labels)
    parts = np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1])
    alone = np.flatnonzero(sizes[labels] == 1)[:k]
    values, where = [np.zeros(len(alone))], list(alone[:, None])
    pieces = [np.ones(1)] * len(alone)
    for nodes in (part for part in parts if len(part) > 1):
        own = sp.csr_array(operator[nodes][:, nodes])
        found, vectors = solve(own, nodes, min(k, len(nodes)))
        values.append(found)
        where += [nodes] * len(found)
        pieces += list(vectors.T)
    flat = np.concatenate(values)
    best = np.argsort(-flat, kind="stable")[:k]
    columns = np.zeros((n, len(best)))
    for column, i in enumerate(best):
        columns[where[i], column] = pieces[i]
    return flat[best], columns


def _by_name(
    solver: str,
    operator: sp.csr_array,
    smooth: Floats,
    k: int,
    tolerance: float,
    hops: int | None,
) -> tuple[str, Found]:
    """What the solver, or the one that `auto` comes to, finds, and its name; `hops` where the
    depth is known."""
    if solver != "auto":
        return solver, SOLVERS[solver](operator, smooth, k, tolerance)
    if (depth(operator)[1] if hops is None else hops) <= DEEP:
        try:
            return "lanczos", _lanczos(operator, smooth, k, tolerance, RESTARTS)
        except NoConvergenceError:
            pass
    n = operator.shape[0]
    fits = n <= SPARSE_FACTOR[0] and operator.nnz <= SPARSE_FACTOR[1] * n
    solver = "shift_invert" if fits else "amg"
    return solver, SOLVERS[solver](operator, smooth, k, tolerance)


def depth(adjacency: sp.csr_array) -> tuple[int, int]:
    """Nodes that the first node reaches, and hops to the last of them, at least half the diameter.

    m Lanczos steps look m hops far, so that a deep graph needs many of them. O(E).
    """
    order, before = sp.csgraph.breadth_first_order(adjacency, 0)
    node, hops = before[order[-1]], 0
    while node >= 0:
        node, hops = before[node], hops + 1
    return len(order), hops


def _lanczos(
    operator: Any, smooth: Floats, k: int, tolerance: float, restarts: int | None = None
) -> Found:
    """In single precision, half the memory traffic, where the tolerance allows; values and vectors
    are then made good by Rayleigh–Ritz in double."""
    single = tolerance >= SINGLE
    s = operator.astype(np.float32) if single else operator
    start = _start(operator).astype(s.dtype)
    try:
        found = eigsh(s, k, which="LA", v0=start, tol=tolerance, maxiter=restarts)
    except ArpackError as error:
        raise NoConvergenceError(f"lanczos did not converge: {error}") from None
    return _refined(operator, found[1].astype(np.float64)) if single else _descending(*found)


def _refined(operator: Any, u: Floats) -> Found:
    """The pairs of S on the span of columns that are orthonormal but for rounding."""
    values, mix = sl.eigh(u.T @ (operator @ u), u.T @ u)
    return values[::-1], (u @ mix)[:, ::-1]


def _shift_invert(operator: Any, smooth: Floats, k: int, tolerance: float) -> Found:
    """By a sparse factorisation of L + σI, whose fill-in may be large."""
    laplacian = sp.csc_array(sp.eye_array(operator.shape[0]) - operator)
    try:
        values, vectors = eigsh(
            laplacian, k, sigma=-SHIFT, which="LM", v0=_start(operator), tol=tolerance
        )
    except ArpackError as error:
        raise NoConvergenceError(f"shift_invert did not converge: {error}") from None
    return _descending(1 - values, vectors)


def _lobpcg(operator: Any, smooth: Floats, k: int, tolerance: float) -> Found:
    start = np.random.default_rng(0).standard_normal((operator.shape[0], k + GUARDS))
    low, u = smallest_eigenpairs(-operator, start, k, lambda residual: residual, tolerance, STEPS)
    return _descending(-low[:k], u[:, :k])


def _multigrid(operator: sp.csr_array, smooth: Floats, k: int, tolerance: float) -> Found:
    """LOBPCG from the eigenvectors of a coarse level, bettered on every level on the way up.

    In single precision where the tolerance allows; where that needs more than SINGLE_STEPS, its
    rounding holds it up, and double precision goes on.
    """
    order, laplacian = _laplacian(operator)
    hierarchy = Hierarchy(laplacian, smooth[order], cycles=2)
    if tolerance < SINGLE:
        low, vectors = _multilevel(hierarchy, k, tolerance, STEPS)
    else:
        found = _multilevel(hierarchy.single(), k, tolerance, SINGLE_STEPS)[1]
        high, vectors = _refined(laplacian, found.astype(np.float64))
        low, vectors = high[::-1], vectors[:, ::-1]
        left = np.linalg.norm(laplacian @ vectors - vectors * low, axis=0)
        if left[:k].max() > tolerance:
            low, vectors = _preconditioned(hierarchy, 0, vectors, k, tolerance, STEPS)
    return _descending(1 + RIDGE - low[:k], vectors[np.argsort(order), :k])


def _multilevel(hierarchy: Hierarchy, k: int, tolerance: float, steps: int) -> Found:
    """The least values of L, rising, and vectors, guards with them."""
    coarse = [i for i, size in enumerate(hierarchy.sizes) if size <= max(DENSE_BELOW, 8 * k)]
    if coarse:
        low, vectors = np.linalg.eigh(hierarchy.matrix(coarse[0]).toarray())
        low, vectors = low[: k + GUARDS], vectors[:, : k + GUARDS]
        for i in range(coarse[0] - 1, -1, -1):
            start = _prolonged(hierarchy.levels[i], low, vectors)
            goal = (tolerance, steps) if i == 0 else (COARSE * tolerance, COARSE_STEPS)
            low, vectors = _preconditioned(hierarchy, i, start, k, *goal)
    else:  # coarsening stalled
        start = np.random.default_rng(0).standard_normal((hierarchy.sizes[0], k + GUARDS))
        low, vectors = _preconditioned(hierarchy, 0, start, k, tolerance, steps)
    return low, vectors


def _prolonged(level: Level, low: Floats, coarse: Floats) -> Floats:
    """Eigenvectors of the coarser level on this one, smoothed by a symmetric sweep of A x = λ x."""
    start = level.value[:, None] * coarse[level.place].astype(level.value.dtype, copy=False)
    x, wanted = padded(start), padded(start * low.astype(start.dtype))
    level.relaxation.sweep(wanted, x, forward=True)
    level.relaxation.sweep(wanted, x, forward=False)
    return x[:, : start.shape[1]]


def _preconditioned(
    hierarchy: Hierarchy, level: int, start: Floats, k: int, tolerance: float, steps: int
) -> Found:
    """The least values of a level of L, and vectors, guards with them."""
    matrix = hierarchy.matrix(level)
    start = start.astype(matrix.dtype, copy=False)
    return smallest_eigenpairs(
        matrix, start, k, lambda residual: hierarchy.cycle(residual, level), tolerance, steps
    )


def _smooth_vectors(
    operator: sp.csr_array, smooth: Floats, k: int, seed: int, rates: list[float]
) -> Found:
    order, laplacian = _laplacian(operator)
    found = bootstrap(laplacian, smooth[order], at_least=k, seed=seed)
    rates.append(found.rate)
    return rayleigh_ritz(operator, found.vectors[np.argsort(order)], k)


def _laplacian(operator: sp.csr_array) -> tuple[Any, sp.csr_array]:
    """L with a ridge of nodes renumbered breadth first, so that neighbours are near each other in
    memory, and that order of the nodes; sorted columns."""
    order = sp.csgraph.breadth_first_order(operator, 0, return_predecessors=False)
    ridge = (1 + RIDGE) * sp.eye_array(operator.shape[0])
    laplacian = sp.csr_array(ridge - operator[order][:, order])
    laplacian.sort_indices()
    return order, laplacian


def _descending(values: Floats, vectors: Floats) -> Found:
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]


def _start(operator: Any) -> Floats:
    """Positive, as is the leading vector."""
    return np.random.default_rng(0).random(operator.shape[0])


SOLVERS: dict[str, Any] = {
    "lanczos": _lanczos,
    "lobpcg": _lobpcg,
    "shift_invert": _shift_invert,
    "amg": _multigrid,
}
