"""Search for clusterings of low max_u D(u): joining clusters, and moving single nodes.

Letters as in `kernels.correlation`, M = max_u D(u). Graphs are open neighbourhoods: CSR of a
symmetric matrix without diagonal, columns sorted. Nodes hang in one list for each value of D, so
that a worst one is found at once; clusters are lists too. Everything is deterministic, and stops
after a number of looks at an entry that the caller allows, not after some time.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.clusters import (
    NONE,
    clear_shared,
    count_shared,
    move,
    settle,
    started,
    unite,
)

Ints = NDArray[np.integer]
Labels = NDArray[np.int64]
GAIN = 1e-12  # of the potential, less is rounding
TINY = 1e-12  # terms of the potential that are left out, relative to a worst node's
STEPS = 64  # a batch of moves lowers a worst node's D by up to M / STEPS


def join_greedily(
    indptr: Ints,
    indices: Ints,
    *,
    weight: float = 1.0,
    touching: bool = True,
    large_worst: bool = True,
    small_first: bool = True,
    looks: int,
) -> tuple[Labels, int]:
    """(N,) labels and the looks that were left: from nodes alone, a worst one's cluster is joined
    with a neighbour's, again and again.

    J. Heidrich, J. Irmai, B. Andres, AISTATS 2024, https://arxiv.org/abs/2310.09196. The neighbours
    v of the worst node w are tried by falling |N_v ∩ N_w| − `weight` |N_v △ N_w|; the first whose
    cluster can be joined is. A join must lower D(w) and lift nobody above M. Ends where a worst
    node has no such neighbour.

    Args:
        touching: may nodes be lifted to M itself?
        large_worst: of worst nodes that of highest degree first, else of lowest.
        small_first: of equal neighbours that of lowest degree first, else of highest.
        looks: entries that may be looked at.
    """
    labels, left = _joined(indptr, indices, weight, touching, large_worst, small_first, looks)
    return np.array(labels, np.int64), int(left)


def descend(
    indptr: Ints, indices: Ints, start: Ints, *, sharpness: float = 1.0, looks: int
) -> tuple[Labels, int]:
    """(N,) labels of max D not above that of `start`, and the looks that were left.

    Lowers the potential Σ_u exp(β (D(u) − M)), β the `sharpness`: of the moves that touch a worst
    node w (w into a neighbour's cluster or out alone, a neighbour into w's cluster, another member
    out of it) those that lower it are made, best first, as long as w is nearly a worst one. Nobody
    moves to where its own D would be above M. Ends where no worst node has a move; of what was met,
    the clustering of lowest M is returned.
    """
    labels = np.array(start, np.int64)
    left = _descended(indptr, indices, labels, sharpness, looks)
    return labels, int(left)


@njit(nogil=True, cache=True)
def _joined(indptr, indices, weight, touching, large_worst, small_first, looks):  # type: ignore[no-untyped-def]
    n = len(indptr) - 1
    state = started(indptr, indices, np.arange(n))
    labels, size, wrong = state.labels, state.size, state.wrong
    head, after, level, higher = state.head, state.after, state.level, state.higher
    degree = indptr[1:] - indptr[:-1]
    ranked, known = np.empty(len(indices), np.int32), np.zeros(n, np.bool_)
    beside, shared = np.zeros(n, np.bool_), np.zeros(n, np.int32)
    sign = 1 if large_worst else -1
    while n and looks > 0:
        top = settle(state)
        w, x = level[top], level[top]
        while x != NONE:
            if sign * degree[x] > sign * degree[w] or (degree[x] == degree[w] and x < w):
                w = x
            x = higher[x]
        if not known[w]:
            looks -= _rank(indptr, indices, w, weight, small_first, beside, ranked)
            known[w] = True
        found = False
        for v in ranked[indptr[w] : indptr[w + 1]]:
            a, b = labels[w], labels[v]
            if a == b:
                continue
            looks -= count_shared(indptr, indices, state, a, b, shared)
            found = wrong[w] > 0 and size[b] < 2 * shared[w]
            for c, more in ((a, size[b]), (b, size[a])):
                x = head[c]
                while found and x != NONE:
                    new = wrong[x] + more - 2 * shared[x]
                    found = new < top or (new == top and (touching or wrong[x] == top))
                    x = after[x]
            if found:
                unite(state, a, b, shared)
            clear_shared(state, a, b, shared)
            if found:
                break
        if not found:
            break
    return labels, looks


@njit(nogil=True, cache=True)
def _rank(indptr, indices, w, weight, small_first, beside, ranked):  # type: ignore[no-untyped-def]
    """The neighbours of w in the order in which they are tried, into w's place in `ranked`."""
    neighbours = indices[indptr[w] : indptr[w + 1]]
    beside[neighbours] = True
    score, looks = np.empty(len(neighbours)), 0
    for i in range(len(neighbours)):
        v = neighbours[i]
        degree, common = indptr[v + 1] - indptr[v], 2
        for x in indices[indptr[v] : indptr[v + 1]]:
            common += beside[x]
        apart = len(neighbours) + degree + 2 - 2 * common
        tie = degree if small_first else -degree
        score[i] = -(common - weight * apart) + tie / (2.0 * len(indptr))
        looks += degree
    beside[neighbours] = False
    ranked[indptr[w] : indptr[w + 1]] = neighbours[np.argsort(score, kind="mergesort")]
    return looks


@njit(nogil=True, cache=True)
def _descended(indptr, indices, labels, sharpness, looks):  # type: ignore[no-untyped-def]
    n = len(labels)
    state = started(indptr, indices, labels)
    size, wrong, level, higher = state.size, state.wrong, state.level, state.higher
    reach = int(np.ceil(-np.log(TINY) / sharpness)) + 1
    term = np.exp(-sharpness * np.arange(-1, reach + 2))  # at k + 1: of a node k below the top
    beside = np.zeros(n, np.bool_)
    count, met = np.zeros(n + 1, np.int64), np.empty(n, np.int64)
    empty = [c for c in range(n) if size[c] == 0]
    moved, origin = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    stuck, best = np.full(n, NONE, np.int64), state.top[0]
    while n and looks > 0:
        top = settle(state)
        w = level[top]
        while w != NONE and stuck[w] == top:
            w = higher[w]
        if w == NONE or top == 0:
            break
        nodes, targets, gains, cost = _moves(indptr, indices, state, w, beside, count, met, term)
        looks -= cost
        least, progress = top - top // STEPS, False
        for i in np.argsort(gains, kind="mergesort"):
            v, c = nodes[i], targets[i]
            if wrong[w] < least or looks <= 0:
                break
            if progress:  # things have changed
                if c == NONE and size[labels[v]] == 1:
                    continue
                if c != NONE and (labels[v] == c or size[c] == 0):
                    continue
                top = settle(state)
                gain, cost = _gain(indptr, indices, state, v, c, beside, term)
                looks -= cost
                if gain >= -GAIN:
                    continue
            if c == NONE:
                c = empty.pop()
            old = labels[v]
            moved.append(v)
            origin.append(old)
            move(indptr, indices, state, beside, v, c)
            if size[old] == 0:
                empty.append(old)
            progress = True
            if settle(state) < best:
                best = state.top[0]
                moved.clear()
                origin.clear()
        if not progress:
            stuck[w] = top
    while len(moved) > 0:
        labels[moved.pop()] = origin.pop()
    return looks


@njit(nogil=True, cache=True)
def _moves(indptr, indices, state, w, beside, count, met, term):  # type: ignore[no-untyped-def]
    """Moves that touch w and lower the potential: nodes, clusters (−1: a new one), gains."""
    labels, size = state.labels, state.size
    head, after = state.head, state.after
    nodes = [np.int64(0) for _ in range(0)]
    targets, gains, looks = [np.int64(0) for _ in range(0)], [0.0 for _ in range(0)], 0
    own, neighbours = labels[w], indices[indptr[w] : indptr[w + 1]]
    tried = [(np.int64(w), np.int64(NONE)) for _ in range(0)]
    if size[own] > 1:
        tried.append((np.int64(w), np.int64(NONE)))
    seen = 0
    for v in neighbours:
        c = labels[v]
        if c != own:
            tried.append((np.int64(v), np.int64(own)))
            if count[c] == 0:
                met[seen] = c
                seen += 1
            count[c] += 1
    for c in met[:seen]:
        tried.append((np.int64(w), np.int64(c)))
        count[c] = 0
    beside[neighbours] = True
    x = head[own]
    while x != NONE:
        if x != w and not beside[x]:
            tried.append((np.int64(x), np.int64(NONE)))
        x = after[x]
    beside[neighbours] = False
    for v, c in tried:
        gain, cost = _gain(indptr, indices, state, v, c, beside, term)
        looks += cost
        if gain < -GAIN:
            nodes.append(v)
            targets.append(c)
            gains.append(gain)
    return nodes, targets, np.array(gains), looks


@njit(inline="always")
def _term(term, below):  # type: ignore[no-untyped-def]
    return term[below + 1] if below + 1 < len(term) else 0.0


@njit(nogil=True, cache=True)
def _gain(indptr, indices, state, v, target, beside, term):  # type: ignore[no-untyped-def]
    """Change of the potential when v moves (+∞ where v would rise above the top); the looks."""
    labels, size, wrong, top = state.labels, state.size, state.wrong, state.top[0]
    head, after = state.head, state.after
    neighbours = indices[indptr[v] : indptr[v + 1]]
    beside[neighbours] = True
    gain, inside, looks = 0.0, 0, len(neighbours) + size[labels[v]]
    if target != NONE:
        x = head[target]
        while x != NONE:
            inside += beside[x]
            below = top - wrong[x]
            if below + 1 < len(term):
                gain += _term(term, below + 1 if beside[x] else below - 1) - term[below + 1]
            x = after[x]
        looks += size[target]
        new = len(neighbours) + size[target] - 2 * inside
    else:
        new = len(neighbours)
    if new > top:
        gain = np.inf
    else:
        gain += _term(term, top - new) - _term(term, top - wrong[v])
        x = head[labels[v]]
        while x != NONE:
            below = top - wrong[x]
            if x != v and below + 1 < len(term):
                gain += _term(term, below - 1 if beside[x] else below + 1) - term[below + 1]
            x = after[x]
    beside[neighbours] = False
    return gain, looks
