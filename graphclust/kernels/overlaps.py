"""Which sets overlap: the two routes of `neighbours.near_pairs`, and what they look things up in.

Sets are rows `indptr`, `indices` of nodes: v is in the set of u where u is in that of v. `order`
holds those that take part. Found are the pairs of similarity |A ∩ B| / |A ∪ B| ≥ `least`, as
(3, P): the lower node, the higher one, |A ∩ B|. Where there are more than `at_most`, the search
leaves off after one node with too many.

Counting mostly waits for memory, and so asks for it ahead.
"""

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.prefetch import prefetch, prefetch_read

Ints = NDArray[np.integer]
ROUNDING = 1e-9  # by which a similarity may miss the least one asked for
FEW = 16  # wedges an entry up to which counting is fast in any case
SAVED = 8  # times fewer look-ups than wedges from which on the join is the faster route
ROUTES = ("auto", "counting", "join")


def overlapping(
    indptr: Ints, indices: Ints, order: Ints, least: float, route: str, at_most: int
) -> Ints:
    """(3, P) the pairs; `neighbours.near_pairs` says what the routes are."""
    sizes = np.diff(indptr)
    doublings = np.frexp(sizes)[1].astype(np.int32)
    roughly = order[np.argsort(doublings[order], kind="stable")].astype(np.int32)
    taking = np.zeros(len(sizes), np.bool_)
    taking[order] = True
    starts, holders = _holders(indptr, indices, roughly, taking)
    wedges = (np.diff(starts).astype(np.float64) ** 2).sum() / 2
    if route == "join" or (route == "auto" and wedges > FEW * len(indices)):
        members = _by_rarity(indptr, indices)
        exactly = order[np.argsort(sizes[order], kind="stable")].astype(np.int32)
        lists = _lists(indptr, members, exactly, sizes, least)
        probes = (np.diff(lists).astype(np.float64) ** 2).sum() / 2
        if route == "join" or wedges > SAVED * probes:
            return np.asarray(_joined(indptr, members, exactly, lists, sizes, least, at_most))
    count = np.zeros(len(order), np.min_scalar_type(sizes.max(initial=0)))  # small, to be near
    tables = starts, holders, sizes, doublings, count
    return np.asarray(_counted(indptr, indices, roughly, *tables, least, at_most))


@njit(nogil=True, cache=True)
def _room(pairs, wanted):  # type: ignore[no-untyped-def]
    """(3, R) pairs in an array of at least so many columns."""
    if wanted <= pairs.shape[1]:
        return pairs
    longer = np.empty((3, 2 * wanted), np.int32)
    longer[:, : pairs.shape[1]] = pairs
    return longer


@njit(nogil=True, cache=True)
def _holders(indptr, indices, order, taking):  # type: ignore[no-untyped-def]
    """For each node w, the places in `order` of the sets that hold w, rising."""
    starts = np.zeros(len(indptr), np.int64)
    for w in range(len(indptr) - 1):
        starts[w + 1] = starts[w]
        for u in indices[indptr[w] : indptr[w + 1]]:
            starts[w + 1] += taking[u]
    holders, at = np.empty(starts[-1], np.int32), starts[:-1].copy()
    ends, lists = at.ctypes.data, holders.ctypes.data
    for i in range(len(order)):
        if i + 4 < len(order):
            for w in indices[indptr[order[i + 4]] : indptr[order[i + 4] + 1]]:
                prefetch(ends + w * at.itemsize, at.itemsize)
            for w in indices[indptr[order[i + 2]] : indptr[order[i + 2] + 1]]:
                prefetch(lists + at[w] * holders.itemsize, holders.itemsize)
        for w in indices[indptr[order[i]] : indptr[order[i] + 1]]:
            holders[at[w]] = i
            at[w] += 1
    return starts, holders


@njit(nogil=True, cache=True)
def _counted(  # type: ignore[no-untyped-def]
    indptr, indices, order, starts, holders, sizes, doublings, count, least, at_most
):
    """Sets come by rising size, and meet those after them that are not too large to be near.

    Sizes are sorted by their doublings alone: neighbours mostly keep their numbers then, and what
    is counted lies together in memory.
    """
    n, found, last = len(order), 0, 0
    pairs = np.empty((3, 1024), np.int32)
    met, at = np.empty(n + 1, np.int32), starts[:-1].copy()
    for i in range(n):
        if found > at_most:
            break
        u = order[i]
        while last < n and least * 2.0 ** (doublings[order[last]] - 1) <= sizes[u] + ROUNDING:
            last += 1
        seen = _meet(indices[indptr[u] : indptr[u + 1]], at, starts, holders, last, count, met)
        pairs = _room(pairs, found + seen)
        smallest = 2.0 ** (doublings[u] - 1)  # of the sets that come after
        found = _keep(u, smallest, order, sizes, least, met[:seen], count, pairs, found)
    return pairs[:, :found].copy()


@njit(nogil=True, cache=True)
def _meet(members, at, starts, holders, last, count, met):  # type: ignore[no-untyped-def]
    """How many sets after this one, and before `last`, share a member with it; `met` has room for
    one more."""
    seen, ends, lists = 0, at.ctypes.data, holders.ctypes.data
    for a in range(len(members)):
        if a + 8 < len(members):
            prefetch(ends + members[a + 8] * at.itemsize, at.itemsize)
            prefetch_read(starts.ctypes.data + (members[a + 8] + 1) * starts.itemsize, 8)
        if a + 3 < len(members):
            prefetch_read(lists + at[members[a + 3]] * holders.itemsize, 128)
        w = members[a]
        at[w] += 1  # past this set itself
        for e in range(at[w], starts[w + 1]):
            j = holders[e]
            if j >= last:
                break
            met[seen] = j
            seen += count[j] == 0
            count[j] += 1
    return seen


@njit(nogil=True, cache=True)
def _keep(u, smallest, order, sizes, least, met, count, pairs, found):  # type: ignore[no-untyped-def]
    """Write down the near ones of the sets met, and forget the counts."""
    enough = least * (sizes[u] + smallest) / (1 + least) - ROUNDING
    for j in met:
        both, count[j] = np.int64(count[j]), 0
        if both >= enough:
            v = order[j]
            if both >= least * (sizes[u] + sizes[v] - both) - ROUNDING:
                pairs[0, found], pairs[1, found], pairs[2, found] = min(u, v), max(u, v), both
                found += 1
    return found


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
    pairs = np.empty((3, 1024), np.int32)
    for u in order:
        if found > at_most:
            break
        prefix = members[indptr[u] : indptr[u] + _prefix(sizes[u], least)]
        seen = _look_up(u, prefix, head, end, entered, place, sizes, least, count, met)
        pairs = _room(pairs, found + seen)
        found = _verify(u, indptr, members, sizes, least, met[:seen], count, pairs, found)
        for a in range(len(prefix)):
            w = prefix[a]
            entered[end[w]], place[end[w]] = u, a
            end[w] += 1
    return pairs[:, :found].copy()


@njit(nogil=True, cache=True)
def _look_up(u, prefix, head, end, entered, place, sizes, least, count, met):  # type: ignore[no-untyped-def]
    """How many sets are entered under the same members, those too far with a count of −1."""
    size, seen = sizes[u], 0
    for a in range(len(prefix)):
        w = prefix[a]
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
    return seen


@njit(nogil=True, cache=True)
def _verify(u, indptr, members, sizes, least, met, count, pairs, found):  # type: ignore[no-untyped-def]
    """Write down the near ones of the sets met, and forget the counts."""
    for v in met:
        if count[v] > 0:
            both = _intersection(members, indptr, u, v, _shared(sizes[u], sizes[v], least))
            if both > 0:
                pairs[0, found], pairs[1, found], pairs[2, found] = min(u, v), max(u, v), both
                found += 1
        count[v] = 0
    return found


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
