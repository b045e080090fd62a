"""Leading eigenvectors and singular vectors of sparse matrices, the same on every run.

Dense solvers on small matrices, which find every vector; else ARPACK (scipy) from a fixed start.
One thread; signs are fixed, rotations between equal values are not.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphclust.kernels.determinism import fixed_signs, one_thread

Floats = NDArray[np.floating]
Matrix = Any  # sparse, or a scipy LinearOperator
DENSE_BELOW = 400  # rows; a dense solver is then faster


class NoConvergenceError(ValueError):
    """An eigensolver found too few vectors."""


def leading_eigenvectors(operator: Matrix, k: int) -> tuple[Floats, Floats]:
    """The `k` largest eigenvalues of a symmetric matrix, descending, and (N, k) eigenvectors.

    Raises:
        ValueError: k > N/2 of a matrix too large to be dense.
        NoConvergenceError: ARPACK gave up.
    """
    n = operator.shape[0]
    with one_thread():
        if n <= DENSE_BELOW:
            values, vectors = np.linalg.eigh(operator @ np.eye(n))
        elif k > n // 2:
            raise ValueError(f"at most N/2 = {n // 2} eigenvectors of this graph, found {k}")
        else:
            try:
                values, vectors = sp.linalg.eigsh(operator, k=k, which="LA", v0=_start(n))
            except sp.linalg.ArpackNoConvergence as error:
                raise NoConvergenceError(f"the eigensolver did not converge: {error}") from None
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    return values, fixed_signs(vectors)


def singular_vectors(matrix: Matrix, k: int) -> tuple[Floats, Floats, Floats]:
    """The `k` leading left vectors (N, k), values (k,) descending, and right vectors (M, k).

    Raises:
        NoConvergenceError: ARPACK gave up.
    """
    least = min(matrix.shape)
    with one_thread():
        if least <= max(DENSE_BELOW, 2 * k):
            u, values, v = np.linalg.svd(matrix @ np.eye(matrix.shape[1]), full_matrices=False)
        else:
            try:
                u, values, v = sp.linalg.svds(matrix, k=k, v0=_start(least))
            except sp.linalg.ArpackNoConvergence as error:
                raise NoConvergenceError(f"the SVD did not converge: {error}") from None
            order = np.argsort(-values, kind="stable")
            u, values, v = u[:, order], values[order], v[order]
    u, v = u[:, :k], v[:k].T
    left = fixed_signs(u)
    return left, values[:k], v * np.sign((left * u).sum(axis=0))


def _start(n: int) -> Floats:
    return np.random.default_rng(0).standard_normal(n)
