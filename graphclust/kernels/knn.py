"""Nearest neighbours: exact in blocks, or approximate above a number of rows."""

import numpy as np
from numpy.typing import NDArray

from graphclust.kernels.determinism import one_thread

TIES = 16  # neighbours looked at beyond k, among which equal distances are put in order
EXACT = 50_000  # rows up to which the search is exact


def nearest_neighbours(
    x: NDArray[np.floating], k: int, *, approximate: bool = False, seed: int = 0
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """(N, k) Euclidean distances and numbers of the `k` nearest other rows of each row.

    Exact: O(N²D) time in blocks, O(Nk) memory; rows that coincide are neighbours at distance 0, and
    of rows equally far the lower number is nearer, so that the result does not depend on threads.
    Approximate: nearest-neighbour descent (W. Dong et al., WWW (2011)) by pynndescent, about
    O(N log N); one thread, so that the same seed gives the same neighbours.
    """
    if approximate:
        return _descent(x, k, seed)
    return nearest_rows(x, None, k)


def nearest_rows(
    x: NDArray[np.floating], queries: NDArray[np.floating] | None, k: int
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Distances and numbers of the `k` rows of `x` nearest to each query; exact, ties by number.

    Without queries, those nearest to each row itself, which is left out.
    """
    from sklearn.neighbors import NearestNeighbors

    there = len(x) - (queries is None)
    with one_thread():
        search = NearestNeighbors(n_neighbors=min(there, k + TIES)).fit(x)
        distance, nearest = search.kneighbors(queries)
    order = np.lexsort((nearest, distance), axis=1)[:, :k]
    taken = (np.take_along_axis(part, order, axis=1) for part in (distance, nearest))
    distance, nearest = taken
    return distance, nearest.astype(np.int64)


def _descent(
    x: NDArray[np.floating], k: int, seed: int
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    from pynndescent import NNDescent

    with one_thread():
        index = NNDescent(x, n_neighbors=k + 1, random_state=seed, n_jobs=1, compressed=False)
        nearest, distance = index.neighbor_graph
    itself = nearest == np.arange(len(x))[:, None]
    itself[~itself.any(axis=1), -1] = True  # not found: the farthest goes instead
    return distance[~itself].reshape(-1, k), nearest[~itself].reshape(-1, k).astype(np.int64)
