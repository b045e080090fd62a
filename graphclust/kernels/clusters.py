"""Clusters of a ± graph that change: each node's disagreements kept up to date, worst ones found.

What `kernels.minmax` stands on, and partly `kernels.contraction` and `kernels.certificate`. Letters
as in `kernels.correlation`; graphs are open neighbourhoods, as in `kernels.minmax`.

What kernels call is not cached itself: numba inlines only what it compiles afresh. Nor do the
caches of kernels elsewhere notice a change in this file: delete `__pycache__` after one.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

NONE = -1


class State(NamedTuple):
    """Arrays over nodes, clusters or values of D; what is changed is changed in them.

    Attributes:
        labels, wrong: (N,) the cluster of each node and its D.
        size, head: (N + 1,) number of members of each cluster, and the first of their list.
        after, before: (N,) the next and the last member.
        level: the first node with each value of D.
        higher, lower: (N,) the next and the last node with the same D.
        top: (1,) no D is above it, and one equals it after `settle`.
    """

    labels: Any
    wrong: Any
    size: Any
    head: Any
    after: Any
    before: Any
    level: Any
    higher: Any
    lower: Any
    top: Any


@njit
def started(indptr, indices, labels):  # type: ignore[no-untyped-def]
    """D, and linked lists: members of each cluster, nodes of each value of D."""
    n = len(labels)
    size, wrong = np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
    head, after = np.full(n + 1, NONE, np.int64), np.full(n, NONE, np.int64)
    before = np.full(n, NONE, np.int64)
    for u in range(n):
        size[labels[u]] += 1
        link(head, after, before, labels[u], u)
    degree = 0
    for u in range(n):
        inside = 0
        for v in indices[indptr[u] : indptr[u + 1]]:
            inside += labels[v] == labels[u]
        degree = max(degree, indptr[u + 1] - indptr[u])
        wrong[u] = indptr[u + 1] - indptr[u] + size[labels[u]] - 1 - 2 * inside
    level = np.full(n + degree + 2, NONE, np.int64)
    higher, lower = np.full(n, NONE, np.int64), np.full(n, NONE, np.int64)
    for u in range(n - 1, -1, -1):
        link(level, higher, lower, wrong[u], u)
    top = np.array([wrong.max() if n else 0])
    return State(labels, wrong, size, head, after, before, level, higher, lower, top)


@njit(inline="always")
def link(head, after, before, at, u):  # type: ignore[no-untyped-def]
    after[u], before[u] = head[at], NONE
    if head[at] != NONE:
        before[head[at]] = u
    head[at] = u


@njit(inline="always")
def unlink(head, after, before, at, u):  # type: ignore[no-untyped-def]
    if before[u] == NONE:
        head[at] = after[u]
    else:
        after[before[u]] = after[u]
    if after[u] != NONE:
        before[after[u]] = before[u]


@njit
def root(parent, u):  # type: ignore[no-untyped-def]
    """Whose cluster u is in, of clusters that are trees of parents; paths are halved on the way."""
    while parent[u] != u:
        parent[u] = parent[parent[u]]
        u = parent[u]
    return u


@njit(inline="always")
def lift(state, u, step):  # type: ignore[no-untyped-def]
    """D(u) += step; the top is only ever too high, see `settle`."""
    unlink(state.level, state.higher, state.lower, state.wrong[u], u)
    state.wrong[u] += step
    link(state.level, state.higher, state.lower, state.wrong[u], u)
    state.top[0] = max(state.top[0], state.wrong[u])


@njit(inline="always")
def settle(state):  # type: ignore[no-untyped-def]
    level, top = state.level, state.top
    while top[0] > 0 and level[top[0]] == NONE:
        top[0] -= 1
    return top[0]


@njit
def move(indptr, indices, state, beside, v, target):  # type: ignore[no-untyped-def]
    """Put v into the cluster `target`, which may be empty; `beside` is all false, then and now."""
    labels, size, wrong = state.labels, state.size, state.wrong
    head, after, before = state.head, state.after, state.before
    own, neighbours = labels[v], indices[indptr[v] : indptr[v + 1]]
    beside[neighbours] = True
    unlink(head, after, before, own, v)
    size[own] -= 1
    x = head[own]
    while x != NONE:
        lift(state, x, 1 if beside[x] else -1)
        x = after[x]
    inside, x = 0, head[target]
    while x != NONE:
        inside += beside[x]
        lift(state, x, -1 if beside[x] else 1)
        x = after[x]
    lift(state, v, len(neighbours) + size[target] - 2 * inside - wrong[v])
    link(head, after, before, target, v)
    size[target] += 1
    labels[v] = target
    beside[neighbours] = False


@njit
def count_shared(indptr, indices, state, a, b, shared):  # type: ignore[no-untyped-def]
    """Edges of each member of a and b to the other, put into `shared`, zero before; the looks."""
    labels, size = state.labels, state.size
    head, after = state.head, state.after
    small, large = (a, b) if size[a] < size[b] else (b, a)
    looks, x = size[a] + size[b], head[small]
    while x != NONE:
        for y in indices[indptr[x] : indptr[x + 1]]:
            if labels[y] == large:
                shared[x] += 1
                shared[y] += 1
        looks += indptr[x + 1] - indptr[x]
        x = after[x]
    return looks


@njit
def unite(state, a, b, shared):  # type: ignore[no-untyped-def]
    """Put the smaller of two clusters into the larger; `shared` as it is with them."""
    labels, size = state.labels, state.size
    head, after, before = state.head, state.after, state.before
    small, large = (a, b) if size[a] < size[b] else (b, a)
    for c, more in ((a, size[b]), (b, size[a])):
        x = head[c]
        while x != NONE:
            lift(state, x, more - 2 * shared[x])
            x = after[x]
    x = head[small]
    while x != NONE:
        following = after[x]
        labels[x] = large
        link(head, after, before, large, x)
        x = following
    head[small] = NONE
    size[large] += size[small]
    size[small] = 0


@njit
def clear_shared(state, a, b, shared):  # type: ignore[no-untyped-def]
    head, after = state.head, state.after
    for c in (a, b):
        x = head[c]
        while x != NONE:
            shared[x] = 0
            x = after[x]
