"""Nearest neighbours: exact in blocks, or approximate above a number of rows."""

import numpy as np
from numpy.typing import NDArray

from graphclust.kernels.determinism import one_thread

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]

TIES = 16  # neighbours looked at beyond k, among which equal distances are put in order
GROUP = 32  # columns of which the largest is looked at first
BLOCK = 1 << 20  # products held at one time, so that they stay in the cache


def nearest_neighbours(x: Floats, k: int) -> tuple[Floats, Ints]:
    """(N, k) Euclidean distances and numbers of the `k` nearest other rows of each row; exact.

    O(N²D) time in blocks, O(Nk) memory. Rows that coincide are neighbours at distance 0, and of
    rows equally far the lower number is nearer, so that the result does not depend on threads.
    """
    from sklearn.neighbors import NearestNeighbors

    with one_thread():
        search = NearestNeighbors(n_neighbors=min(len(x) - 1, k + TIES)).fit(x)
        distance, nearest = search.kneighbors()
    order = np.lexsort((nearest, distance), axis=1)[:, :k]
    distance, nearest = (np.take_along_axis(part, order, axis=1) for part in (distance, nearest))
    return distance, nearest.astype(np.int64)


def nearest_by_cosine(rows: Floats, k: int, queries: Floats | None = None) -> tuple[Floats, Ints]:
    """(M, k) inner products and numbers of the `k` rows with the largest, for each query; exact.

    Without queries, for each row itself, which is left out. For rows of length one or zero the
    products are cosines; ties go to the lower number.

    O(M N D) time, of which next to all is a matrix product: the k-th largest of the maxima of
    groups of columns is a lower bound for the k-th largest product, and few pass it. O(M k) memory
    and one block.
    """
    n = len(rows)
    asked = rows if queries is None else queries
    groups = max(-(-n // GROUP), min(k, n))  # at least k of them
    width = -(-n // groups)
    block = max(1, min(len(asked), BLOCK // (groups * width)))
    buffer = np.full((block, groups * width), -np.inf, rows.dtype)
    products = np.empty((len(asked), k), rows.dtype)
    nearest = np.empty((len(asked), k), np.int64)
    with one_thread():
        for b in range(0, len(asked), block):
            part = asked[b : b + block]
            s = buffer[: len(part)]
            s[:, :n] = part @ rows.T
            if queries is None:
                s[np.arange(len(part)), np.arange(b, b + len(part))] = -np.inf
            highest = s.reshape(len(part), width, groups).max(axis=1)
            bound = np.partition(highest, groups - k, axis=1)[:, groups - k]
            i, j = _first_ties(s, bound, k)
            order = np.lexsort((j, -s[i, j], i))
            i, j = i[order], j[order]
            place = np.searchsorted(i, np.arange(len(part)))[:, None] + np.arange(k)
            nearest[b : b + block] = j[place]
            products[b : b + block] = np.take_along_axis(s, j[place], axis=1)
    return products, nearest


def _first_ties(s: Floats, bound: Floats, k: int) -> tuple[Ints, Ints]:
    """Rows and columns above the bound of their row, and the first `k` of each row upon it."""
    above, upon = s > bound[:, None], s == bound[:, None]
    if int(upon.sum()) > 4 * k * len(s):  # many are alike: do not sort them all
        upon &= np.cumsum(upon, axis=1) <= k
    i, j = np.nonzero(above | upon)
    return i, j


def nearly_nearest_by_cosine(rows: Floats, k: int, seed: int) -> tuple[Floats, NDArray[np.int32]]:
    """As `nearest_by_cosine` of the rows themselves, but approximate, about O(N log N).

    Nearest-neighbour descent (W. Dong et al., WWW (2011)) by pynndescent, on one thread, so that
    the same seed gives the same neighbours.
    """
    from pynndescent import NNDescent

    with one_thread():
        index = NNDescent(rows, n_neighbors=k + 1, random_state=seed, n_jobs=1, compressed=False)
        nearest, distance = index.neighbor_graph
    itself = nearest == np.arange(len(rows))[:, None]
    itself[~itself.any(axis=1), -1] = True  # not found: the farthest goes instead
    nearest = nearest[~itself].reshape(-1, k)
    product = 1 - distance[~itself].reshape(-1, k) ** 2 / 2
    empty = ~np.any(rows, axis=1)
    product[empty[:, None] | empty[nearest]] = 0
    return product.astype(rows.dtype), nearest
