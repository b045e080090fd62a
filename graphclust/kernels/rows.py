"""Tables over the rows of a CSR matrix: which entry by weight, and is there an entry at all?

What kernels call is not cached itself: numba inlines only what it compiles afresh. Nor do the
caches of kernels elsewhere notice a change in this file: delete `__pycache__` after one.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.sparse import mirror_values
from graphclust.kernels.splitmix import mix

NOWHERE = -1
_LOW = np.uint64(0xFFFFFFFF)
_1, _6, _32, _63 = np.uint64(1), np.uint64(6), np.uint64(32), np.uint64(63)


@njit(nogil=True, cache=True)
def alias_rows(indptr, indices, weight):  # type: ignore[no-untyped-def]
    """Walker's alias tables, a row each, and the rows' sums; O(E).

    A. Walker, ACM TOMS 3 (1977); set up as M. Vose, IEEE TSE 17 (1991). A number of the table packs
    the chance to stay at an entry, in 2⁻³², above the node taken otherwise. Both are empty without
    weights.
    """
    if len(weight) == 0:
        return np.empty(0, np.uint64), np.empty(0, np.float64)
    alias = np.empty(len(weight), np.uint64)
    total = np.zeros(len(indptr) - 1)
    chance = np.empty(len(weight))
    stack = np.empty(len(weight), np.int64)  # small ones from the left, large ones from the right
    for v in range(len(total)):
        first, end = indptr[v], indptr[v + 1]
        total[v] = weight[first:end].sum()
        small, large = first, end
        for e in range(first, end):
            chance[e] = weight[e] / total[v] * (end - first)
            alias[e] = _LOW << _32 | np.uint64(indices[e])
            if chance[e] < 1:
                stack[small] = e
                small += 1
            else:
                large -= 1
                stack[large] = e
        while small > first and large < end:
            small -= 1
            s, e = stack[small], stack[large]
            alias[s] = np.uint64(chance[s] * 4294967296.0) << _32 | np.uint64(indices[e])
            chance[e] -= 1 - chance[s]
            if chance[e] < 1:
                large += 1
                stack[small] = e
                small += 1
    return alias, total


@njit(inline="always")
def neighbour(indices, alias, entry, share):  # type: ignore[no-untyped-def]
    """The node at an entry drawn evenly or, by the share in [0, 1) that is left over, its alias."""
    if len(alias) and leaves(alias, entry, share):
        return other(alias, entry)
    return indices[entry]


@njit(inline="always")
def leaves(alias, entry, share):  # type: ignore[no-untyped-def]
    """Is the entry's alias taken?"""
    return np.uint64(share * 4294967296.0) >= alias[entry] >> _32


@njit(inline="always")
def other(alias, entry):  # type: ignore[no-untyped-def]
    """The alias of an entry, a node."""
    return np.int32(alias[entry] & _LOW)


@njit
def is_edge(indptr, indices, symmetric, x, t):  # type: ignore[no-untyped-def]
    """Is x → t an edge? Searched for in the shorter row, where either will do."""
    if symmetric and indptr[t + 1] - indptr[t] < indptr[x + 1] - indptr[x]:
        x, t = t, x
    return search(indices, indptr[x], indptr[x + 1] - indptr[x], t) != NOWHERE


@njit
def search(indices, low, count, value):  # type: ignore[no-untyped-def]
    """Where is value among `count` sorted indices from `low`, −1: nowhere; no guessed branches."""
    while count > 1:
        half = count >> 1
        low += half * np.int64(indices[low + half - 1] < value)
        count -= half
    return low if count == 1 and indices[low] == value else np.int64(NOWHERE)


@njit(inline="always")
def _bits(edges, x, t):  # type: ignore[no-untyped-def]
    """The word of the edge x → t in the table and its two bits there."""
    key = mix(np.uint64(x) << _32 | np.uint64(t))
    bits = _1 << (key & _63) | _1 << ((key >> _6) & _63)
    return (key >> _32) & np.uint64(len(edges) - 1), bits


@njit(inline="always")
def may_be_edge(edges, x, t):  # type: ignore[no-untyped-def]
    word, bits = _bits(edges, x, t)
    return edges[word] & bits == bits


@njit(nogil=True, cache=True)
def edge_table(indptr, indices):  # type: ignore[no-untyped-def]
    """A Bloom filter of the edges, 1 to 2 bytes an entry: bits that are not set mean no edge."""
    size = 1
    while 8 * size < len(indices):
        size *= 2
    edges = np.zeros(size, np.uint64)
    for x in range(len(indptr) - 1):
        for t in indices[indptr[x] : indptr[x + 1]]:
            word, bits = _bits(edges, x, t)
            edges[word] |= bits
    return edges


def is_symmetric(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> bool:
    """Has every edge its mirror image? O(N + E)."""
    return mirror_values(indptr, indices, np.ones(len(indices), np.bool_)) is not None
