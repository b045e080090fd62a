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

from graphclust.kernels.splitmix import mix

Ints = NDArray[np.integer]
ROUNDING = 1e-9  # by which a similarity may miss the least one asked for
MOST = 64_000_000  # pairs, about 2 GB where they are rounded
FEW = 16  # wedges an entry up to which counting is fast in any case
SAVED = 4  # times fewer look-ups than wedges from which on the join is the faster route
ROUTES = ("auto", "counting", "join")


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


def closed(adjacency: sp.csr_array) -> tuple[Ints, Ints]:
    """`indptr` (N + 1,) int64 and `indices` int32 of the sets N_u, sorted; O(N + m).

    `adjacency` is symmetric, its columns sorted; weights and the diagonal are not looked at.
    """
    indptr, indices = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int32)
    return _closed(indptr, indices)


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
    sizes, twin, least = np.diff(indptr), twins(indptr, indices), 1 - radius
    order = np.flatnonzero(twin == np.arange(len(twin)))
    order = order[np.argsort(sizes[order], kind="stable")].astype(np.int32)
    starts, holders = _holders(indptr, indices, order)
    wedges = (np.diff(starts).astype(np.float64) ** 2).sum() / 2
    if route == "join" or (route == "auto" and wedges > FEW * len(indices)):
        members = _by_rarity(indptr, indices)
        lists = _lists(indptr, members, order, sizes, least)
        probes = (np.diff(lists).astype(np.float64) ** 2).sum() / 2
        if route == "join" or wedges > SAVED * probes:
            found = _joined(indptr, members, order, lists, sizes, least, at_most)
            return _within(at_most, Near(*found, sizes, twin), radius)
    found = _counted(indptr, indices, order, starts, holders, sizes, least, at_most)
    return _within(at_most, Near(*found, sizes, twin), radius)


def _within(at_most: int, near: Near, radius: float) -> Near:
    """The kernels leave off after one pair too many."""
    if len(near.first) > at_most:
        raise ValueError(
            f"more than {at_most} pairs are at most {radius:g} apart; take a smaller radius"
        )
    return near


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


@njit(nogil=True, cache=True)
def _grown(array):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@njit(nogil=True, cache=True)
def _holders(indptr, indices, order):  # type: ignore[no-untyped-def]
    """For each node w, the places in `order` of the sets that hold w, rising."""
    starts = np.zeros(len(indptr), np.int64)
    for u in order:
        for w in indices[indptr[u] : indptr[u + 1]]:
            starts[w + 1] += 1
    for w in range(len(indptr) - 1):
        starts[w + 1] += starts[w]
    holders, at = np.empty(starts[-1], np.int32), starts[:-1].copy()
    for i in range(len(order)):
        for w in indices[indptr[order[i]] : indptr[order[i] + 1]]:
            holders[at[w]] = i
            at[w] += 1
    return starts, holders


@njit(nogil=True, cache=True)
def _counted(indptr, indices, order, starts, holders, sizes, least, at_most):  # type: ignore[no-untyped-def]
    """Sets come by rising size, and meet those after them that are not too large to be near."""
    n, found, last = len(order), 0, 0
    first, second = np.empty(1024, np.int32), np.empty(1024, np.int32)
    common = np.empty(1024, np.int32)
    count, met, at = np.zeros(n, np.int32), np.empty(n + 1, np.int32), starts[:-1].copy()
    for i in range(n):
        if found > at_most:
            break
        u, seen = order[i], 0
        size = sizes[u]
        while last < n and least * sizes[order[last]] <= size + ROUNDING:
            last += 1
        for w in indices[indptr[u] : indptr[u + 1]]:
            at[w] += 1  # past this set itself
            for e in range(at[w], starts[w + 1]):
                j = holders[e]
                if j >= last:
                    break
                met[seen] = j
                seen += count[j] == 0
                count[j] += 1
        for j in met[:seen]:
            both, count[j] = count[j], 0
            v = order[j]
            if both >= least * (size + sizes[v] - both) - ROUNDING and found <= at_most:
                if found == len(first):
                    first, second, common = _grown(first), _grown(second), _grown(common)
                first[found], second[found], common[found] = min(u, v), max(u, v), both
                found += 1
    return first[:found].copy(), second[:found].copy(), common[:found].copy()


def _by_rarity(indptr: Ints, indices: Ints) -> Ints:
    """Members of the sets, renamed so that rarer ones come first."""
    sizes = np.diff(indptr)
    rank = np.empty(len(sizes), np.int32)
    rank[np.argsort(sizes, kind="stable")] = np.arange(len(sizes), dtype=np.int32)
    entries = np.empty(len(indices), np.int8), rank[indices], indptr
    members = sp.csr_array(entries, shape=(len(sizes), len(sizes)))
    members.sort_indices()
    return members.indices.astype(np.int32)


@njit(nogil=True, cache=True)
def _lists(indptr, members, order, sizes, least):  # type: ignore[no-untyped-def]
    """(N + 1,) where the list of each member begins, of the sets entered under it."""
    n = len(indptr) - 1
    starts = np.zeros(n + 1, np.int64)
    for u in order:
        for w in members[indptr[u] : indptr[u] + _prefix(sizes[u], least)]:
            starts[w + 1] += 1
    for w in range(n):
        starts[w + 1] += starts[w]
    return starts


@njit(nogil=True, cache=True)
def _joined(indptr, members, order, starts, sizes, least, at_most):  # type: ignore[no-untyped-def]
    """Sets come by rising size; each is looked up in, and then entered under, its first members.

    Two sets of similarity ≥ t share one of their ⌊(1 − t) size⌋ + 1 rarest members, and
    t / (1 + t) of their summed sizes.
    """
    n = len(indptr) - 1
    entered, place = np.empty(starts[n], np.int32), np.empty(starts[n], np.int32)
    head, end = starts[:n].copy(), starts[:n].copy()
    count, met, found = np.zeros(n, np.int32), np.empty(n, np.int32), 0
    first, second = np.empty(1024, np.int32), np.empty(1024, np.int32)
    common = np.empty(1024, np.int32)
    for u in order:
        if found > at_most:
            break
        size, seen, prefix = sizes[u], 0, _prefix(sizes[u], least)
        for a in range(prefix):
            w = members[indptr[u] + a]
            while head[w] < end[w] and sizes[entered[head[w]]] < least * size - ROUNDING:
                head[w] += 1  # too small for this set and all that follow
            for at in range(head[w], end[w]):
                v = entered[at]
                if count[v] == 0:
                    met[seen] = v
                    seen += 1
                if count[v] >= 0:
                    rest = min(size - a, sizes[v] - place[at])
                    enough = count[v] + rest >= _shared(size, sizes[v], least)
                    count[v] = count[v] + 1 if enough else -1
        for v in met[:seen]:
            if count[v] > 0:
                both = _intersection(members, indptr, u, v, _shared(size, sizes[v], least))
                if both > 0 and found <= at_most:
                    if found == len(first):
                        first, second, common = _grown(first), _grown(second), _grown(common)
                    first[found], second[found], common[found] = min(u, v), max(u, v), both
                    found += 1
            count[v] = 0
        for a in range(prefix):
            w = members[indptr[u] + a]
            entered[end[w]], place[end[w]] = u, a
            end[w] += 1
    return first[:found].copy(), second[:found].copy(), common[:found].copy()


@njit(inline="always")
def _prefix(size, least):  # type: ignore[no-untyped-def]
    return size - int(np.ceil(least * size - ROUNDING)) + 1


@njit(inline="always")
def _shared(a, b, least):  # type: ignore[no-untyped-def]
    """The least number of members that sets of these sizes must share."""
    return int(np.ceil(least / (1 + least) * (a + b) - ROUNDING))


@njit(nogil=True, cache=True)
def _intersection(members, indptr, u, v, need):  # type: ignore[no-untyped-def]
    """Number of shared members, 0 where it is less than `need`."""
    a, b, both = indptr[u], indptr[v], 0
    while a < indptr[u + 1] and b < indptr[v + 1]:
        if both + min(indptr[u + 1] - a, indptr[v + 1] - b) < need:
            return 0
        if members[a] == members[b]:
            both += 1
            a += 1
            b += 1
        elif members[a] < members[b]:
            a += 1
        else:
            b += 1
    return both if both >= need else 0
