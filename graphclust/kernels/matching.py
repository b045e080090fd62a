"""Heavy matchings of a sparse symmetric matrix, and the pairwise aggregation that they give.

P. D'Ambra, P. Vassilevski, "Adaptive AMG with coarsening based on compatible weighted matching",
Comput. Vis. Sci. 16 (2013), https://doi.org/10.1007/s00791-014-0224-9; F. Manne, M. Halappanavar,
"New effective multithreaded matching algorithms", IPDPS (2014),
https://doi.org/10.1109/IPDPS.2014.61.

Letters: N rows, A the matrix, w a smooth vector, P (N, M) with one entry a row. P is kept as two
(N,) arrays: `place`, the column of each row's entry, and `value`, the entry.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.arguments import csr_places, of_length

Ints = NDArray[np.integer]
Floats = NDArray[np.floating]
TINY = 1e-300


def heavy_matching(indptr: Ints, indices: Ints, weight: Floats) -> Ints:
    """(N,) the partner of each row in a matching of at least half the largest weight, or −1.

    The suitor algorithm. Each row prefers heavier edges, of equal ones that to the lower number:
    there is one matching in which no two rows would rather have each other, whatever the order
    in which rows propose. O(E) in practice.

    Args:
        indptr, indices, weight: a symmetric CSR matrix; the diagonal and weights ≤ 0 are not
            matched.

    Raises:
        ValueError: pointers or columns that are not there, another number of weights.
    """
    csr_places(indptr, indices, len(indptr) - 1)
    of_length("weight", weight, len(indices))
    return np.asarray(_suitor(indptr, indices, weight))


def compatible_weights(matrix: sp.csr_array, w: Floats) -> Floats:
    """(nnz,) 1 − 2 a_ij w_i w_j / (a_ii w_i² + a_jj w_j²); 0 on the diagonal.

    Large where the pair (w_i, w_j) has little energy in A: where w varies smoothly.
    """
    csr_places(matrix.indptr, matrix.indices, len(w))
    of_length("w", w, matrix.shape[0])
    diagonal = matrix.diagonal()
    return np.asarray(_compatible(matrix.indptr, matrix.indices, matrix.data, diagonal, w))


def pairwise(matrix: sp.csr_array, w: Floats) -> tuple[Ints, Floats]:
    """`place` and `value` of the prolongator whose columns are (w_i, w_j) / ‖·‖ of matched rows.

    A row left alone has ±1 by the sign of its w. P has orthonormal columns and w in its range.
    """
    mate = heavy_matching(matrix.indptr, matrix.indices, compatible_weights(matrix, w))
    rows = np.arange(len(w))
    first = (mate < 0) | (rows < mate)
    place = np.cumsum(first) - 1
    place[~first] = place[mate[~first]]
    square = np.bincount(place, weights=w * w)[place]
    sign = np.where(w < 0, -1.0, 1.0)
    share = np.where(mate < 0, 1.0, np.sqrt(0.5))  # of pairs without any w
    long = square > TINY
    value = np.divide(w, np.sqrt(square), out=sign * share, where=long & (mate >= 0))
    return place, value


def galerkin(matrix: sp.csr_array, place: Ints, value: Floats) -> sp.csr_array:
    """PᵀAP, with sorted columns. O(nnz).

    Raises:
        ValueError: places below 0, another number of places or values than of rows.
    """
    csr_places(matrix.indptr, matrix.indices, len(place))
    of_length("value", value, len(place))
    of_length("place", place, matrix.shape[0])
    if len(place) and place.min() < 0:
        raise ValueError(f"place must not be negative, found {place.min()}")
    m = int(place.max(initial=-1)) + 1
    order = np.argsort(place, kind="stable").astype(matrix.indices.dtype)
    start = np.zeros(m + 1, matrix.indptr.dtype)
    np.cumsum(np.bincount(place, minlength=m), out=start[1:])
    place = place.astype(matrix.indices.dtype)
    parts: Any = _product(matrix.indptr, matrix.indices, matrix.data, place, value, order, start)
    coarse = sp.csr_array(parts, shape=(m, m))
    coarse.sort_indices()
    return coarse


@njit(nogil=True, cache=True)
def _suitor(indptr, indices, weight):  # type: ignore[no-untyped-def]
    n = len(indptr) - 1
    suitor = np.full(n, -1, np.int64)
    offer = np.zeros(n)
    for first in range(n):
        u = first
        while u >= 0:
            best, at = 0.0, -1
            for e in range(indptr[u], indptr[u + 1]):
                v, w = indices[e], weight[e]
                if v == u or w < best or (w == best and (at < 0 or v > at)):
                    continue
                if w > offer[v] or (w == offer[v] and w > 0 and u < suitor[v]):
                    best, at = w, v
            if at < 0:
                break
            refused = suitor[at]
            suitor[at], offer[at] = u, best
            u = refused
    return suitor  # of those that are left each is the suitor of its suitor


@njit(nogil=True, cache=True)
def _compatible(indptr, indices, data, diagonal, w):  # type: ignore[no-untyped-def]
    weight = np.zeros(len(data))
    for i in range(len(indptr) - 1):
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if j != i:
                energy = diagonal[i] * w[i] ** 2 + diagonal[j] * w[j] ** 2
                if energy > TINY:
                    weight[e] = 1.0 - 2.0 * data[e] * w[i] * w[j] / energy
    return weight


@njit(nogil=True, cache=True)
def _product(indptr, indices, data, place, value, order, start):  # type: ignore[no-untyped-def]
    m = len(start) - 1
    where = np.full(m, -1, np.int64)  # of a column in the row that is made
    pointer = np.zeros(m + 1, indptr.dtype)
    columns = np.empty(len(data), indices.dtype)
    sums = np.empty(len(data))
    filled = 0
    for c in range(m):
        begin = filled
        for at in range(start[c], start[c + 1]):
            i = order[at]
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                d = place[j]
                if where[d] < begin:
                    where[d] = filled
                    columns[filled] = d
                    sums[filled] = 0.0
                    filled += 1
                sums[where[d]] += value[i] * data[e] * value[j]
        pointer[c + 1] = filled
    return sums[:filled].copy(), columns[:filled].copy(), pointer
