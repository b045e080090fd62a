"""Nearest neighbours of many rows, each sought in the cells about its own.

Rows are divided into cells by k-means of their directions, as in the inverted files of
J. Sivic, A. Zisserman, "Video Google", ICCV (2003), https://doi.org/10.1109/ICCV.2003.1238663.
The rows of a cell are then compared with all rows of the cells whose means are nearest to its own,
as many as hold CANDIDATES rows: one matrix product a cell. What is missed lies in farther cells.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphclust.kernels.determinism import one_thread
from graphclust.kernels.knn import Floats, nearest_by_cosine

Numbers = NDArray[np.int32]

CELL = 2_000  # rows a cell, about; twice as many at most
CANDIDATES = 24_000  # rows that a row is compared with, at least
SAMPLE = 40  # rows a cell from which the centres are learnt
ROUNDS = 5
BLOCK = 1 << 20  # products held at one time


def nearly_nearest_by_cosine(rows: Floats, k: int, seed: int) -> tuple[Floats, Numbers]:
    """As `nearest_by_cosine` of the rows themselves, but approximate; same seed, same neighbours.

    O(N (CANDIDATES + N / CELL) D) time, O(N (k + D)) memory.
    """
    n = len(rows)
    products, nearest = np.empty((n, k), rows.dtype), np.empty((n, k), np.int32)
    with one_thread():
        parts = cells(rows, seed)
        means = np.stack([rows[part].mean(axis=0) for part in parts])
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(rows.dtype).tiny)
        sizes = np.array([len(part) for part in parts])
        for own, (part, mean) in enumerate(zip(parts, means, strict=True)):
            likeness = means @ mean
            likeness[own] = np.inf  # a cell of zero rows, too, looks at itself first
            order = np.argsort(-likeness, kind="stable")
            enough = np.searchsorted(np.cumsum(sizes[order]), max(CANDIDATES, k + 1)) + 1
            near = np.sort(np.concatenate([parts[cell] for cell in order[:enough]]))
            found, place = nearest_by_cosine(rows[near], k + 1, rows[part])
            itself = near[place] == part[:, None]
            itself[~itself.any(axis=1), -1] = True  # behind others like it: the last goes instead
            products[part] = found[~itself].reshape(-1, k)
            nearest[part] = near[place[~itself].reshape(-1, k)]
    return products, nearest


def cells(rows: Floats, seed: int) -> list[Numbers]:
    """Numbers of the rows of each cell, in order; at most 2 · CELL a cell, and none empty."""
    rng = np.random.default_rng(seed)
    waiting, done = [np.arange(len(rows), dtype=np.int32)], []
    while waiting:
        part = waiting.pop()
        if len(part) <= 2 * CELL:
            done.append(part)
            continue
        labels = _nearest_centre(rows, part, _centres(rows, part, rng))
        if np.bincount(labels).max() > 0.9 * len(part):  # all but alike: any division will do
            labels = np.arange(len(part)) // CELL
        order = np.argsort(labels, kind="stable")
        waiting += np.split(part[order], np.flatnonzero(np.diff(labels[order])) + 1)
    return done


def _centres(rows: Floats, part: Numbers, rng: np.random.Generator) -> Floats:
    """(C, D) unit centres of a few rounds of spherical k-means of a sample of `part`."""
    count = -(-len(part) // CELL)
    sample = rng.choice(part, min(len(part), SAMPLE * count), replace=False)
    centres = rows[sample[:count]]
    for _ in range(ROUNDS):
        labels = _nearest_centre(rows, sample, centres)
        ones = np.ones(len(sample), rows.dtype)
        member = csr_array((ones, (labels, np.arange(len(sample)))), shape=(count, len(sample)))
        sums = member @ rows[sample]
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.divide(sums, length, out=centres, where=length > 0)
    return centres


def _nearest_centre(rows: Floats, part: Numbers, centres: Floats) -> NDArray[np.int64]:
    step = max(1, BLOCK // len(centres))
    blocks = [part[i : i + step] for i in range(0, len(part), step)]
    return np.concatenate([(rows[block] @ centres.T).argmax(axis=1) for block in blocks])
