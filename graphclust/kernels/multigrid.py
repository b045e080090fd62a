"""A multigrid hierarchy by compatible weighted matching: it solves A x = b and preconditions.

P. D'Ambra, P. Vassilevski, "Adaptive AMG with coarsening based on compatible weighted matching",
Comput. Vis. Sci. 16 (2013), https://doi.org/10.1007/s00791-014-0224-9.

Letters: N rows, C columns of right-hand sides, A (N, N) symmetric positive definite, w (N,) a
smooth vector. Each level composes two pairwise aggregations (`matching`), so that at most four rows
become one; A_c = PᵀAP, w_c = Pᵀw. A cycle is one forward Gauss–Seidel sweep, the correction of the
coarser level, one backward sweep; the coarsest level is solved exactly. It starts from zero, so it
is a symmetric operator B ≈ A⁻¹. Everything runs on one thread in a fixed order.
"""

import copy
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.matching import galerkin, pairwise
from graphclust.kernels.relaxation import Relaxation, padded

Floats = NDArray[np.floating]
COARSEST = 100  # rows at which coarsening stops
LARGEST_DENSE = 2000  # rows up to which the coarsest level is solved exactly
STALLED = 0.9  # a level with more than this share of the rows above is not worth making
RELAXATIONS = 10  # symmetric Gauss–Seidel sweeps instead, where coarsening stalled earlier


class Level(NamedTuple):
    """The sweeps over a matrix, and the entries of the prolongator from the level below: column and
    value a row."""

    relaxation: Relaxation
    place: Any
    value: Any

    @property
    def matrix(self) -> sp.csr_array:
        return self.relaxation.matrix


class Hierarchy:
    """The levels made for a matrix and one smooth vector.

    `cycles=2` visits coarser levels twice (W-cycle) instead of once (V-cycle).

    Raises:
        ValueError: the matrix is not symmetric positive definite on the coarsest level.
    """

    def __init__(self, matrix: sp.csr_array, smooth: Floats, cycles: int = 1) -> None:
        self.shape = matrix.shape
        self.cycles = cycles
        self.levels: list[Level] = []
        w = smooth
        while matrix.shape[0] > COARSEST:
            place, value, coarse, w_coarse = _twice(matrix, w)
            if coarse.shape[0] > STALLED * matrix.shape[0]:
                break
            self.levels.append(Level(Relaxation(matrix), place, value))
            matrix, w = coarse, w_coarse
        self.coarsest = matrix
        self._factor = None
        if matrix.shape[0] <= LARGEST_DENSE:
            try:
                self._factor = sl.cho_factor(matrix.toarray())
            except sl.LinAlgError:
                raise ValueError("the matrix must be positive definite; it is not") from None

    def single(self) -> "Hierarchy":
        """The same in single precision: half the memory, cycles of `float32` columns. The coarsest
        level is still solved in double, where a nearly singular matrix stays positive definite."""
        halved = copy.copy(self)
        halved.levels = [
            Level(
                Relaxation(level.matrix.astype(np.float32)),
                level.place,
                level.value.astype(np.float32),
            )
            for level in self.levels
        ]
        return halved

    @property
    def sizes(self) -> list[int]:
        """Rows of each level."""
        return [level.matrix.shape[0] for level in self.levels] + [self.coarsest.shape[0]]

    def matrix(self, level: int) -> sp.csr_array:
        return self.levels[level].matrix if level < len(self.levels) else self.coarsest

    @property
    def complexity(self) -> float:
        """Entries of all levels over those of the first."""
        entries = [level.matrix.nnz for level in self.levels] + [self.coarsest.nnz]
        return float(sum(entries) / max(entries[0], 1))

    def cycle(self, b: Floats, start: int = 0) -> Floats:
        """(N, C) B b, from level `start` down."""
        return self._cycle(padded(b), start)[:, : b.shape[1]]

    def _cycle(self, b: Floats, start: int) -> Floats:
        if start == len(self.levels):
            return self._coarse(b)
        relaxation, place, value = self.levels[start]
        x, r = relaxation.forward_from_zero(b)
        coarse = np.zeros((self.sizes[start + 1], b.shape[1]), b.dtype)
        _restrict(place, value, r, coarse)
        y = self._cycle(coarse, start + 1)
        if self.cycles == 2 and start + 1 < len(self.levels):
            y += self._cycle(self.levels[start + 1].relaxation.residual(coarse, y), start + 1)
        _prolong(place, value, y, x)
        relaxation.sweep(b, x, forward=False)
        return x

    def _coarse(self, b: Floats) -> Floats:
        if self._factor is not None:
            return np.asarray(sl.cho_solve(self._factor, b), b.dtype)
        relaxation, x = Relaxation(self.coarsest.astype(b.dtype, copy=False)), np.zeros_like(b)
        for _ in range(RELAXATIONS):
            relaxation.sweep(b, x, forward=True)
            relaxation.sweep(b, x, forward=False)
        return x

    def rates(self, sweeps: int = 10) -> list[float]:
        """ρ of the cycle on each level but the coarsest: ‖e_new‖_A / ‖e‖_A of the last of `sweeps`
        cycles on A x = 0 from a fixed random start."""
        found = []
        for start, level in enumerate(self.levels):
            x = np.random.default_rng(start).standard_normal((level.matrix.shape[0], 1))
            rate, size = 0.0, energy(level.matrix, x)
            for _ in range(sweeps):
                x -= self.cycle(level.matrix @ x, start)
                before, size = size, energy(level.matrix, x)
                rate = float(size[0] / before[0]) if before[0] > 0 else 0.0
            found.append(rate)
        return found

    def solve(self, b: Floats, tolerance: float = 1e-8, steps: int = 500) -> tuple[Floats, int]:
        """x with ‖b − A x‖ ≤ `tolerance` · ‖b‖ by conjugate gradients, and the steps they took.

        M. Hestenes, E. Stiefel, J. Res. Natl. Bur. Stand. 49 (1952).

        Raises:
            ValueError: not there after `steps`.
        """
        matrix = self.matrix(0)
        x, r = np.zeros(len(b)), b.astype(np.float64)
        goal, p, before = tolerance * np.linalg.norm(r), np.zeros(len(b)), float("inf")
        for step in range(steps + 1):
            if np.linalg.norm(r) <= goal:
                return x, step
            z = self.cycle(r[:, None])[:, 0]
            now = float(r @ z)
            p = z + (now / before) * p
            q = matrix @ p
            length = now / float(p @ q)
            x += length * p
            r -= length * q
            before = now
        raise ValueError(f"conjugate gradients did not converge in {steps} steps")


def energy(matrix: sp.csr_array, x: Floats) -> Floats:
    """(C,) ‖x‖_A of each column."""
    return np.sqrt(np.maximum((x * (matrix @ x)).sum(axis=0), 0.0))


def _twice(matrix: sp.csr_array, w: Floats) -> Any:
    """Two pairwise aggregations as one: place, value, A_c and w_c."""
    place, value = pairwise(matrix, w)
    coarse = galerkin(matrix, place, value)
    w_coarse = _restricted(place, value, w)
    if coarse.shape[0] > COARSEST:
        again, factor = pairwise(coarse, w_coarse)
        coarse = galerkin(coarse, again, factor)
        w_coarse = _restricted(again, factor, w_coarse)
        place, value = again[place], value * factor[place]
    return place, value, coarse, w_coarse


def _restricted(place: Any, value: Floats, w: Floats) -> Floats:
    """Pᵀw."""
    return np.asarray(np.bincount(place, weights=value * w), np.float64)


@njit(nogil=True, cache=True)
def _restrict(place, value, r, coarse):  # type: ignore[no-untyped-def]
    for i in range(len(place)):
        for k in range(r.shape[1]):
            coarse[place[i], k] += value[i] * r[i, k]


@njit(nogil=True, cache=True)
def _prolong(place, value, y, x):  # type: ignore[no-untyped-def]
    for i in range(len(place)):
        for k in range(x.shape[1]):
            x[i, k] += value[i] * y[place[i], k]
