"""What neighbourhoods have in common: closed sets, twins, and all pairs of nodes that are near.

Letters: N nodes, m edges, N_u the closed neighbourhood of u (u and its neighbours), d_u = |N_u|,
and the correlation metric of S. Davies, B. Moseley, H. Newman, "Fast Combinatorial Algorithms for
Min Max Correlation Clustering", ICML 2023, https://proceedings.mlr.press/v202/davies23a.html

    d(u, v) = 1 − |N_u ∩ N_v| / |N_u ∪ N_v|                           (Jaccard's distance)

It is 1 for nodes without common neighbours, so only pairs at most two edges apart need counting.

Nodes with the same open neighbourhood are *false twins*: the leaves of a star, say. All others are
equally far from all of them, and any two of them are 2 / (s + 2) apart, for s neighbours. A class
of t twins would make t²/2 pairs and is counted once, by its first node.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.overlaps import ROUTES, overlapping
from graphclust.kernels.splitmix import mix

Ints = NDArray[np.integer]
MOST = 64_000_000  # pairs, about 2 GB where they are rounded


class Near(NamedTuple):
    """Pairs of nodes at most so far apart, each once, and the classes of twins.

    Attributes:
        first, second: (P,) the nodes, first < second, both the first of their class.
        common: (P,) |N_u ∩ N_v|, from which the distance follows.
        sizes: (N,) d_u.
        twin: (N,) the first node of each node's class of false twins.
    """

    first: Ints
    second: Ints
    common: Ints
    sizes: Ints
    twin: Ints

    def distance(self) -> NDArray[np.float64]:
        """(P,) d(u, v)."""
        union = self.sizes[self.first] + self.sizes[self.second] - self.common
        return np.asarray(1 - self.common / union)


def closed(adjacency: sp.csr_array) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """`indptr` (N + 1,) int64 and `indices` int32 of the sets N_u, sorted; O(N + m).

    `adjacency` is symmetric, its columns sorted; weights and the diagonal are not looked at.
    """
    indptr, indices = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int32)
    starts, sets = _closed(indptr, indices)
    return np.asarray(starts), np.asarray(sets)


def twins(indptr: Ints, indices: Ints) -> Ints:
    """(N,) the lowest node with the same open neighbourhood, of closed sets; O(N log N + m)."""
    keys = _hashes(indptr, indices)
    order = np.argsort(keys, kind="stable").astype(np.int32)
    return np.asarray(_confirmed(indptr, indices, keys, order))


def near_pairs(
    indptr: Ints, indices: Ints, radius: float, *, route: str = "auto", at_most: int = MOST
) -> Near:
    """All pairs at d(u, v) ≤ `radius` < 1 of the closed sets, exactly.

    `counting` adds up common neighbours row by row (F. Gustavson, ACM TOMS 4, 1978), leaving out
    sets too large to be near: O(Σ d_w²) time and O(N + m + P) memory, hubs w being dear. `join`
    looks a set up under its rarest members alone, as many as a partner must share one of (R.
    Bayardo, Y. Ma, R. Srikant, WWW 2007): no hub is walked through. `auto` joins where that is
    `SAVED` times less to look at. The pairs are the same, in an order of their own.

    Raises:
        ValueError: radius outside [0, 1), an unknown route, or more than `at_most` pairs.
    """
    if not 0 <= radius < 1:
        raise ValueError(f"radius must lie in [0, 1), found {radius}")
    if route not in ROUTES:
        raise ValueError(f"route must be one of {', '.join(ROUTES)}, found {route!r}")
    sizes, twin = np.diff(indptr), twins(indptr, indices)
    first = np.flatnonzero(twin == np.arange(len(twin)))
    pairs = overlapping(indptr, indices, first, 1 - radius, route, at_most)
    if pairs.shape[1] > at_most:
        raise ValueError(
            f"more than {at_most} pairs are at most {radius:g} apart; take a smaller radius"
        )
    return Near(pairs[0], pairs[1], pairs[2], sizes, twin)


@njit
def count_common(indptr, indices, u, count, met):  # type: ignore[no-untyped-def]
    """How many nodes share a neighbour with u: they are put into `met`, their |N_u ∩ N_v| into
    `count`, which is all zero before. Called from kernels elsewhere, and so not cached itself."""
    seen = 0
    for w in indices[indptr[u] : indptr[u + 1]]:
        for v in indices[indptr[w] : indptr[w + 1]]:
            if count[v] == 0:
                met[seen] = v
                seen += 1
            count[v] += 1
    return seen


@njit(nogil=True, cache=True)
def _closed(indptr, indices):  # type: ignore[no-untyped-def]
    n = len(indptr) - 1
    sets, starts, at = np.empty(len(indices) + n, np.int32), np.zeros(n + 1, np.int64), 0
    for u in range(n):
        placed = False
        for v in indices[indptr[u] : indptr[u + 1]]:
            if not placed and v >= u:
                sets[at], placed = u, True
                at += 1
            if v != u:
                sets[at] = v
                at += 1
        if not placed:
            sets[at] = u
            at += 1
        starts[u + 1] = at
    return starts, sets[:at]


@njit(nogil=True, cache=True)
def _hashes(indptr, indices):  # type: ignore[no-untyped-def]
    keys = np.zeros(len(indptr) - 1, np.uint64)
    for u in range(len(keys)):
        for v in indices[indptr[u] : indptr[u + 1]]:
            if v != u:
                keys[u] += mix(np.uint64(v) + np.uint64(1))
    return keys


@njit(nogil=True, cache=True)
def _confirmed(indptr, indices, keys, order):  # type: ignore[no-untyped-def]
    """Equal keys are twins when their sets agree; with the first of each run of keys only."""
    twin = np.arange(len(keys), dtype=np.int32)
    head = order[0] if len(order) else 0
    for i in range(1, len(order)):
        v = order[i]
        if keys[v] != keys[head]:
            head = v
        elif _same_open(indptr, indices, head, v):
            twin[v] = head
    return twin


@njit(nogil=True, cache=True)
def _same_open(indptr, indices, u, v):  # type: ignore[no-untyped-def]
    """Sorted, so nodes in step are enough; u and v, being no neighbours, are in one set each."""
    if indptr[u + 1] - indptr[u] != indptr[v + 1] - indptr[v]:
        return False
    a, b = indptr[u], indptr[v]
    while a < indptr[u + 1] or b < indptr[v + 1]:
        if a < indptr[u + 1] and indices[a] == u:
            a += 1
        elif b < indptr[v + 1] and indices[b] == v:
            b += 1
        elif a == indptr[u + 1] or b == indptr[v + 1] or indices[a] != indices[b]:
            return False
        else:
            a += 1
            b += 1
    return True
