"""Correlation clustering of the complete ± graph: disagreements, and roundings with a guarantee.

The edges are the positive pairs, all other pairs are negative. Letters: N nodes, m edges, N_u the
closed neighbourhood of u, d_u = |N_u|, C(u) the cluster of u; the disagreements of u are

    D(u) = |N_u △ C(u)|        edges that leave its cluster, and non-neighbours inside it.

All graphs here are closed sets (`neighbours.closed`): `indptr` (N + 1,), `indices` sorted, each set
holding its own node.
"""

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.neighbours import Near, count_common
from graphclust.kernels.overlaps import ROUNDING

Ints = NDArray[np.integer]
Labels = NDArray[np.int64]
ONE = 2.0**40  # distances are summed as multiples of 1 / ONE: exactly, in whatever order


def disagreements(indptr: Ints, indices: Ints, labels: Ints) -> Labels:
    """(N,) D(u), for labels 0..K − 1; O(N + m)."""
    return np.asarray(_disagreements(indptr, indices, labels))


def round_metric(near: Near, radius: float, ball: float) -> Labels:
    """(N,) labels: balls around the nodes with most unclustered ones near them, one after another.

    S. Kalhan, K. Makarychev, T. Zhou, "Correlation clustering with local objectives", NeurIPS 2019,
    https://arxiv.org/abs/1902.10829: with L(u) = Σ_{v unclustered, d(u, v) ≤ r} (r − d(u, v)), the
    next centre is the unclustered node of largest L, the lowest of equal ones; its cluster are the
    unclustered nodes at d ≤ `ball`. O(P log N) for P near pairs, twins counted once.

    Args:
        near: the pairs at d ≤ max(radius, ball), at least.
        radius: r.
    """
    n = len(near.sizes)
    rows, other, common = _both_ways(n, near.first, near.second, near.common)
    members = np.argsort(near.twin, kind="stable").astype(np.int32)
    classes = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(near.twin, minlength=n), out=classes[1:])
    tables = rows, other, common, near.sizes, classes, members
    return np.asarray(_rounded(*tables, radius, ball))


def pivots(indptr: Ints, indices: Ints, order: Ints) -> Labels:
    """(N,) labels: each unclustered node, in that order, takes its unclustered neighbours.

    N. Ailon, M. Charikar, A. Newman, J. ACM 55 (2008), https://doi.org/10.1145/1411509.1411513: in
    random order, 3 times the least sum of disagreements in expectation. O(N + m).
    """
    return np.asarray(_pivots(indptr, indices, order))


def three_approximation(indptr: Ints, indices: Ints) -> tuple[Labels, int]:
    """(N,) labels and φ with max D ≤ 3φ, where no clustering has max D < φ; of the clusterings met
    in the search for φ, the one of least max D.

    For a guess φ the heavy nodes are those of d_u > 3φ. By falling d, each unassigned heavy u takes
    the unassigned v with |N_u △ N_v| ≤ 2φ that are heavy or its neighbours; all others stay alone.
    If the least possible max D is ≤ φ, this has max D ≤ 3φ:

    - Heavy nodes u, v of one optimal cluster have △ ≤ 2φ; those of two have |N_u ∩ N_v| ≤ 2φ, and
      so △ ≥ 2(3φ + 1) − 4φ. Heavy nodes are therefore put together just as the optimum does.
    - A light v of another optimal cluster C* than u's, itself with a heavy node, has
      |N_u △ N_v| ≥ d_u + |C*| − 3φ > 2φ, as |C*| > 2φ: nobody takes what another heavy node needs.
    - So the first of a cluster has D ≤ φ, its other heavy nodes ≤ 2φ, light ones ≤ 3φ; a light node
      alone has d_u − 1 < 3φ.

    A guess that fails is thus too low, and the least one that holds bounds the optimum from below.
    O(log N Σ_u Σ_{w ∈ N_u} d_w) over the first nodes u of the clusters.
    """
    low, high = 0, int(np.diff(indptr).max(initial=1)) - 1  # singletons have max D of that
    labels, least = np.arange(len(indptr) - 1), high
    while low < high:
        guess = (low + high) // 2
        found = _three(indptr, indices, guess)
        worst = _disagreements(indptr, indices, found).max()
        if worst < least:
            labels, least = found, worst
        if worst <= 3 * guess:
            high = guess
        else:
            low = guess + 1
    return np.asarray(labels), high


@njit(nogil=True, cache=True)
def _disagreements(indptr, indices, labels):  # type: ignore[no-untyped-def]
    n = len(indptr) - 1
    size, found = np.zeros(labels.max() + 1 if n else 0, np.int64), np.empty(n, np.int64)
    for u in range(n):
        size[labels[u]] += 1
    for u in range(n):
        inside = 0
        for v in indices[indptr[u] : indptr[u + 1]]:
            inside += labels[v] == labels[u]
        found[u] = indptr[u + 1] - indptr[u] + size[labels[u]] - 2 * inside
    return found


@njit(nogil=True, cache=True)
def _both_ways(n, first, second, common):  # type: ignore[no-untyped-def]
    """The pairs as the rows of a symmetric matrix."""
    rows = np.zeros(n + 1, np.int64)
    for p in range(len(first)):
        rows[first[p] + 1] += 1
        rows[second[p] + 1] += 1
    for u in range(n):
        rows[u + 1] += rows[u]
    other, both, at = np.empty(rows[n], np.int32), np.empty(rows[n], np.int32), rows[:n].copy()
    for p in range(len(first)):
        u, v = first[p], second[p]
        other[at[u]], both[at[u]] = v, common[p]
        other[at[v]], both[at[v]] = u, common[p]
        at[u] += 1
        at[v] += 1
    return rows, other, both


@njit(inline="always")
def _distance(a, b, common):  # type: ignore[no-untyped-def]
    return 1.0 - common / (a + b - common)


@njit(inline="always")
def _pull(radius, distance):  # type: ignore[no-untyped-def]
    """max(r − d, 0), as a whole number."""
    return np.int64(max(radius - distance, 0.0) * ONE + 0.5)


@njit(nogil=True, cache=True)
def _rounded(rows, other, common, sizes, classes, members, radius, ball):  # type: ignore[no-untyped-def]
    """Of a class of twins, which all others see alike, all go at once or the lowest goes alone."""
    n = len(sizes)
    left, pull = np.diff(classes), np.zeros(n, np.int64)
    inner = 2.0 / (sizes + 1.0)  # between false twins
    for u in range(n):
        if left[u] > 0:
            pull[u] = (left[u] - 1) * _pull(radius, inner[u])
            for e in range(rows[u], rows[u + 1]):
                v = other[e]
                pull[u] += left[v] * _pull(radius, _distance(sizes[u], sizes[v], common[e]))
    queue = [(-pull[u], members[classes[u]], u) for u in range(n) if left[u] > 0]
    heapq.heapify(queue)
    labels, k = np.full(n, -1, np.int64), 0
    gone, number = np.empty(n, np.int32), np.zeros(n, np.int64)
    while len(queue) > 0:
        value, lowest, u = heapq.heappop(queue)
        if left[u] == 0:
            continue
        current = members[classes[u + 1] - left[u]]
        if value != -pull[u] or lowest != current:
            heapq.heappush(queue, (-pull[u], current, u))
            continue
        gone[0], count = u, 1
        number[u] = left[u] if inner[u] <= ball + ROUNDING else 1
        for e in range(rows[u], rows[u + 1]):
            v = other[e]
            if left[v] > 0 and _distance(sizes[u], sizes[v], common[e]) <= ball + ROUNDING:
                gone[count], number[v] = v, left[v]
                count += 1
        for v in gone[:count]:
            last = classes[v + 1] - left[v] + number[v]
            labels[members[last - number[v] : last]] = k
            left[v] -= number[v]
            pull[v] -= number[v] * _pull(radius, inner[v])
            for e in range(rows[v], rows[v + 1]):
                w = other[e]
                pull[w] -= number[v] * _pull(radius, _distance(sizes[v], sizes[w], common[e]))
        if left[u] > 0:
            heapq.heappush(queue, (-pull[u], members[classes[u + 1] - left[u]], u))
        k += 1
    return labels


@njit(nogil=True, cache=True)
def _pivots(indptr, indices, order):  # type: ignore[no-untyped-def]
    labels, k = np.full(len(indptr) - 1, -1, np.int64), 0
    for u in order:
        if labels[u] < 0:
            for v in indices[indptr[u] : indptr[u + 1]]:
                if labels[v] < 0:
                    labels[v] = k
            k += 1
    return labels


@njit(nogil=True, cache=True)
def _three(indptr, indices, guess):  # type: ignore[no-untyped-def]
    n = len(indptr) - 1
    sizes = indptr[1:] - indptr[:-1]
    labels, k = np.full(n, -1, np.int64), 0
    count, met, beside = np.zeros(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.bool_)
    for u in np.argsort(-sizes, kind="mergesort"):
        if sizes[u] <= 3 * guess:
            break
        if labels[u] >= 0:
            continue
        beside[indices[indptr[u] : indptr[u + 1]]] = True
        for v in met[: count_common(indptr, indices, u, count, met)]:
            near = sizes[u] + sizes[v] - 2 * count[v] <= 2 * guess
            if labels[v] < 0 and near and (beside[v] or sizes[v] > 3 * guess):
                labels[v] = k
            count[v] = 0
        beside[indices[indptr[u] : indptr[u + 1]]] = False
        k += 1
    for u in range(n):
        if labels[u] < 0:
            labels[u] = k
            k += 1
    return labels
