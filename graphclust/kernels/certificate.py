"""Lower bounds for min-max correlation clustering: how low max_u D(u) can be at best.

Letters as in `kernels.correlation`. In a clustering of max D ≤ δ, two nodes of one cluster have
|N_u △ N_v| ≤ 2δ and two nodes of different ones |N_u ∩ N_v| ≤ 2δ, as each node that counts is a
disagreement of u or of v. (J. Heidrich, J. Irmai, B. Andres, "A 4-approximation algorithm for min
max correlation clustering", AISTATS 2024, https://arxiv.org/abs/2310.09196.) A δ that leads to a
contradiction is *refuted*: the least max D is at least δ + 1.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.clusters import root
from graphclust.kernels.neighbours import count_common

Ints = NDArray[np.integer]
AFFORDABLE = 4_000_000_000  # looks at an entry


def core_bound(indptr: Ints, indices: Ints, least: int = 0) -> int:
    """A bound by the nodes that could share a cluster with one of high degree; at least `least`.

    For δ and a node u of d_u − 1 > δ, S holds the nodes v at most two edges from u that have
    |N_u △ N_v| ≤ 2δ. A node v leaves S when too few of its neighbours could be in the cluster
    (|N_v ∩ S⁺| < d_v − δ, where S⁺ adds the nodes further from u with d_u + d_x ≤ 2δ) or too few of
    u's (|N_v ∩ N_u ∩ S| < d_u − 2δ), until nothing changes. δ is refuted when u itself leaves, when
    fewer than d_u − δ of its neighbours stay, non-neighbours that must join (|N_u ∩ N_v| > 2δ)
    coming on top, or when one that must join has left.

    Nodes are taken by falling degree and each raises the bound as far as it can; those of
    d_u ≤ bound + 1 have nothing to say, nor have those whose neighbours' degrees tell that enough
    of them stay. O(Σ_u Σ_{w ∈ N_u} d_w) over the others, which stops after `AFFORDABLE` looks: the
    bound is then that of the nodes so far.
    """
    sizes = np.diff(indptr)
    order = np.argsort(-sizes, kind="stable")
    return int(_core(indptr, indices, order, least, AFFORDABLE))


def component_bound(indptr: Ints, indices: Ints, least: int = 0) -> int:
    """A bound by chains of nodes that must be together; at least `least`.

    Pairs of |N_u ∩ N_v| > 2δ join into components. Two components hold apart when one pair between
    them has |N_u △ N_v| > 2δ. δ is refuted when such a pair is inside a component, or when a node
    has more than δ disagreements by these: non-neighbours in its component, and neighbours in
    components held apart from it. Starts at δ = `least` and doubles its steps while δ is refuted;
    where that would need more than `AFFORDABLE` looks, `least` is all there is.
    """
    sizes = np.diff(indptr)
    low, step = least, 1
    high = max(int(sizes.max(initial=1)) - 1, least)
    while low < high:
        guess = min(low + step - 1, high - 1)
        verdict = _refuted_by_components(indptr, indices, sizes, guess, AFFORDABLE)
        if verdict < 0:
            break
        if verdict:
            low, step = guess + 1, 2 * step
        elif guess == low:
            break
        else:
            high, step = guess, 1
    return low


@njit(nogil=True, cache=True)
def _core(indptr, indices, order, bound, affordable):  # type: ignore[no-untyped-def]
    n = len(indptr) - 1
    sizes = indptr[1:] - indptr[:-1]
    count, met = np.zeros(n, np.int32), np.empty(n, np.int32)
    beside, alive = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    looks = 0
    for u in order:
        if sizes[u] - 1 <= bound or looks > affordable:
            break
        if _surely_not(indptr, indices, sizes, u, bound):
            continue
        for w in indices[indptr[u] : indptr[u + 1]]:
            beside[w] = True
            looks += sizes[w]
        seen = count_common(indptr, indices, u, count, met)
        high, guess = sizes[u] - 1, bound
        while bound < high:
            refuted, cost = _by_core(
                indptr, indices, sizes, u, met[:seen], count, beside, alive, guess
            )
            looks += cost
            if refuted:
                bound = guess + 1
            elif guess == bound:
                break
            else:
                high = guess
            guess = (bound + high) // 2
        for v in met[:seen]:
            count[v] = 0
        beside[indices[indptr[u] : indptr[u + 1]]] = False
    return bound


@njit(nogil=True, cache=True)
def _surely_not(indptr, indices, sizes, u, guess):  # type: ignore[no-untyped-def]
    """Is it plain from degrees that u does not refute the guess?

    With d_u ≤ 2δ nobody must join, and u with its neighbours of d_u + d_v − 4 ≤ 2δ, d_v ≤ δ + 2
    stays in S: each shares u and itself with N_u, and has both as neighbours in S.
    """
    if sizes[u] > 2 * guess:
        return False
    stay = 1
    for v in indices[indptr[u] : indptr[u + 1]]:
        stay += v != u and sizes[v] <= min(guess + 2, 2 * guess + 4 - sizes[u])
    return stay >= sizes[u] - guess


@njit(nogil=True, cache=True)
def _by_core(indptr, indices, sizes, u, met, count, beside, alive, guess):  # type: ignore[no-untyped-def]
    """Is the guess refuted by u? And how many entries were looked at. `alive` is false at the end,
    as before."""
    needed = sizes[u] - guess
    for v in met:
        joins = v != u and count[v] > 2 * guess
        apart = sizes[u] + sizes[v] - 2 * count[v] > 2 * guess
        if joins and apart:
            alive[met] = False
            return True, len(met)
        needed += joins and not beside[v]
        alive[v] = not apart
    mine = 0
    for v in indices[indptr[u] : indptr[u + 1]]:
        mine += alive[v]
    refuted, changed, looks = mine < needed, True, 2 * len(met)
    while changed and not refuted:
        changed = False
        for v in met:
            if not alive[v]:
                continue
            inside, shared = 0, 0
            for x in indices[indptr[v] : indptr[v + 1]]:
                inside += alive[x] or (count[x] == 0 and sizes[u] + sizes[x] <= 2 * guess)
                shared += beside[x] and alive[x]
            looks += sizes[v]
            if inside < sizes[v] - guess or shared < sizes[u] - 2 * guess:
                alive[v], changed = False, True
                mine -= beside[v]
                if v == u or mine < needed or count[v] > 2 * guess:
                    refuted = True
                    break
    alive[met] = False
    return refuted, looks


@njit(nogil=True, cache=True)
def _refuted_by_components(indptr, indices, sizes, guess, affordable):  # type: ignore[no-untyped-def]
    """1: refuted; 0: not; −1: too dear to say."""
    n = len(sizes)
    count, met = np.zeros(n, np.int32), np.empty(n, np.int32)
    parent, looks = np.arange(n), 0
    for u in range(n):
        if sizes[u] <= 2 * guess:
            continue
        for w in indices[indptr[u] : indptr[u + 1]]:
            looks += sizes[w]
        if looks > affordable:
            return -1
        seen = count_common(indptr, indices, u, count, met)
        for v in met[:seen]:
            if count[v] > 2 * guess:
                a, b = root(parent, u), root(parent, v)
                parent[max(a, b)] = min(a, b)
            count[v] = 0
    for u in range(n):
        parent[u] = root(parent, u)
    members = np.argsort(parent, kind="mergesort")
    starts = np.zeros(n + 1, np.int64)
    for u in range(n):
        starts[parent[u] + 1] += 1
    for u in range(n):
        starts[u + 1] += starts[u]
    beside, apart = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    near = np.empty(n, np.int64)
    for c in range(n):
        inside = members[starts[c] : starts[c + 1]]
        if len(inside) == 0 or len(inside) + sizes[inside].max() - 2 <= guess:
            continue
        number = 0  # of components with a neighbour of ours, this one included
        for u in inside:
            for v in indices[indptr[u] : indptr[u + 1]]:
                if beside[parent[v]] != c:
                    beside[parent[v]] = c
                    near[number] = parent[v]
                    number += 1
        for u in inside:
            for w in indices[indptr[u] : indptr[u + 1]]:
                looks += sizes[w]
            seen = count_common(indptr, indices, u, count, met)
            for other in near[:number]:
                looks += starts[other + 1] - starts[other]
                for v in members[starts[other] : starts[other + 1]]:
                    if sizes[u] + sizes[v] - 2 * count[v] > 2 * guess:
                        apart[other] = c
                        break
            count[met[:seen]] = 0
            if looks > affordable:
                return -1
        if apart[c] == c:
            return 1
        for u in inside:
            wrong = len(inside)
            for v in indices[indptr[u] : indptr[u + 1]]:
                wrong += (apart[parent[v]] == c) - (parent[v] == c)
            if wrong > guess:
                return 1
    return 0
