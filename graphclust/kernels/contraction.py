"""Correlation clustering by its sum of costs: contracting edges, and moving nodes between clusters.

Between two nodes i, j lies the cost c_ij = w_ij − γ s_i s_j, where w is a sparse symmetric matrix
(0 where it has no entry) and s the sizes of the nodes: positive costs are paid when cut, negative
ones when inside a cluster. To lower what is paid is to raise Σ c_ij over the pairs inside clusters.
With γ = 0 missing pairs are neutral (a signed graph, *multicut*); with γ > 0 they repel.
"""

import heapq

import numpy as np
import scipy.sparse as sp
from numba import njit, types
from numba.typed import Dict
from numpy.typing import NDArray

from graphclust.kernels.clusters import NONE, link, root, unlink

Ints = NDArray[np.integer]
Labels = NDArray[np.int64]
Floats = NDArray[np.floating]
GAIN = 1e-9  # less is rounding
PATIENCE = 32  # moves without a new best after which a sequence ends
ROUNDS = 50


def contract(matrix: sp.csr_array, sizes: Floats, gamma: float) -> Labels:
    """(N,) labels: the two clusters of largest mutual cost are joined while that is positive.

    Greedy additive edge contraction: M. Keuper et al., "Efficient decomposition of image and mesh
    graphs by lifted multicuts", ICCV 2015, https://arxiv.org/abs/1505.06973. O(m log² N). Of equal
    costs those between the lower nodes come first.
    """
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
    return np.asarray(_contracted(indptr, indices, matrix.data.astype(float), sizes, gamma))


def exchange(matrix: sp.csr_array, sizes: Floats, gamma: float, start: Ints) -> Labels:
    """(N,) labels whose cost is not above that of `start`: Kernighan–Lin with joins (same paper).

    Each pair of clusters with an edge between them, and each cluster with an empty one, exchanges
    nodes one by one, the best first and even at a loss, up to `PATIENCE` beyond the best so far;
    what is kept is the best beginning, or the union of both where that is better. Of the larger
    cluster only neighbours of the smaller one take part. Pairs are visited again until none gains,
    at most `ROUNDS` times.
    """
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
    labels: Labels = np.unique(start, return_inverse=True)[1].astype(np.int64)
    changed = np.ones(len(labels) + 1, np.bool_)
    for _ in range(ROUNDS):
        pairs = _adjacent(indptr, indices, labels)
        changed, again = np.zeros_like(changed), changed
        data = matrix.data.astype(float)
        if not _exchanged(indptr, indices, data, sizes, gamma, labels, pairs, again, changed):
            break
    return labels


def inside(matrix: sp.csr_array, sizes: Floats, gamma: float, labels: Ints) -> float:
    """Σ c_ij over the pairs inside clusters; O(N + m)."""
    row = np.repeat(np.arange(len(labels)), np.diff(matrix.indptr))
    together = labels[row] == labels[matrix.indices]
    volume, square = np.bincount(labels, sizes), np.bincount(labels, sizes * sizes)
    return float(matrix.data[together].sum() - gamma * (volume**2 - square).sum()) / 2


def _adjacent(indptr: Ints, indices: Ints, labels: Ints) -> Ints:
    """(P, 2) pairs of clusters with an edge between, and each cluster with itself, in order."""
    k = int(labels.max(initial=-1)) + 1
    source = np.repeat(labels, np.diff(indptr))
    target = labels[indices]
    keys = np.unique(np.r_[np.arange(k) * (k + 1), (source * k + target)[source < target]])
    return np.stack(np.divmod(keys, k), axis=1) if k else np.empty((0, 2), np.int64)


@njit(nogil=True, cache=True)
def _contracted(indptr, indices, weight, sizes, gamma):  # type: ignore[no-untyped-def]
    """Clusters are trees with a list of all their entries; lists of joined clusters are chained, so
    an entry is looked at only where its cluster is the one with fewer of them."""
    n = len(indptr) - 1
    parent, size = np.arange(n), sizes.copy()
    held = np.diff(indptr)
    after = np.arange(1, len(indices) + 1)
    head, tail = indptr[:-1].copy(), indptr[1:] - 1
    between = Dict.empty(types.int64, types.float64)
    queue = [(0.0, 0, 0) for _ in range(0)]
    for u in range(n):
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            if u < v:
                between[u * n + v] = weight[e]
                cost = weight[e] - gamma * size[u] * size[v]
                if cost > GAIN:
                    queue.append((-cost, u, v))
    heapq.heapify(queue)
    while len(queue) > 0:
        value, a, b = heapq.heappop(queue)
        if parent[a] != a or parent[b] != b:
            continue
        cost = between[a * n + b] - gamma * size[a] * size[b]
        if cost <= GAIN:
            continue
        if cost < -value - GAIN:  # sizes have grown
            heapq.heappush(queue, (-cost, a, b))
            continue
        large, small = (a, b) if held[a] >= held[b] else (b, a)
        parent[small] = large
        size[large] += size[small]
        e = head[small]
        for _ in range(held[small]):
            c = root(parent, indices[e])
            low, high = min(small, c), max(small, c)
            if c != large and low * n + high in between:
                w = between.pop(low * n + high)
                low, high = min(large, c), max(large, c)
                w += between.get(low * n + high, 0.0)
                between[low * n + high] = w
                cost = w - gamma * size[low] * size[high]
                if cost > GAIN:
                    heapq.heappush(queue, (-cost, low, high))
            e = after[e]
        if held[small] > 0:
            after[tail[large]] = head[small]
            tail[large] = tail[small]
            held[large] += held[small]
    return np.array([root(parent, u) for u in range(n)])


@njit(nogil=True, cache=True)
def _exchanged(indptr, indices, weight, sizes, gamma, labels, pairs, again, changed):  # type: ignore[no-untyped-def]
    """Did any pair gain? Pairs of which neither is in `again` rest; `labels` and `changed` follow.

    A pair (a, a) is a with a new cluster. Of two clusters, all nodes of the one with fewer take
    part, and of the other its neighbours.
    """
    n = len(labels)
    volume, members = np.zeros(n + 1), np.zeros(n + 1, np.int64)
    head, after = np.full(n + 1, NONE, np.int64), np.full(n, NONE, np.int64)
    before = np.full(n, NONE, np.int64)
    for u in range(n - 1, -1, -1):
        volume[labels[u]] += sizes[u]
        members[labels[u]] += 1
        link(head, after, before, labels[u], u)
    pull, part = np.zeros(n), np.zeros(n, np.bool_)
    nodes, order = np.empty(n, np.int64), np.empty(n, np.int64)
    empty = [c for c in range(n + 1) if members[c] == 0]
    gained = False
    for p in range(len(pairs)):
        a, b = pairs[p]
        if members[a] == 0 or members[b] == 0 or not (again[a] or again[b]):
            continue
        if a == b:
            if members[a] == 1:
                continue
            b = empty[-1]
        elif members[a] < members[b]:
            a, b = b, a
        count, u = 0, head[b if members[b] > 0 else a]
        while u != NONE:
            nodes[count], part[u] = u, True
            count += 1
            u = after[u]
        for u in nodes[:count]:  # grows no further: the view is of the smaller cluster
            for v in indices[indptr[u] : indptr[u + 1]]:
                if labels[v] == a and not part[v]:
                    nodes[count], part[v] = v, True
                    count += 1
        union = _pulls(indptr, indices, weight, labels, a, b, nodes[:count], pull)
        union -= gamma * volume[a] * volume[b]
        steps, kept, best = _sequence(
            indptr, indices, weight, sizes, gamma, labels, volume, a, b, nodes[:count], part, pull,
            order,
        )  # fmt: skip
        for i in range(kept, steps):  # taken back
            labels[order[i]] = a + b - labels[order[i]]
        part[nodes[:count]] = False
        if union > best:
            for i in range(kept):
                labels[order[i]] = a + b - labels[order[i]]
            kept, u = 0, head[b]
            while u != NONE:
                labels[u], order[kept] = a, u
                kept += 1
                u = after[u]
        for u in order[:kept]:
            new = labels[u]
            old = a + b - new
            unlink(head, after, before, old, u)
            link(head, after, before, new, u)
            members[old] -= 1
            members[new] += 1
            volume[old] -= sizes[u]
            volume[new] += sizes[u]
        if kept > 0:
            gained, changed[a], changed[b] = True, True, True
            if members[empty[-1]] > 0:
                empty.pop()
            for c in (a, b):
                if members[c] == 0:
                    empty.append(c)
    return gained


@njit(nogil=True, cache=True)
def _pulls(indptr, indices, weight, labels, a, b, nodes, pull):  # type: ignore[no-untyped-def]
    """w from each node to the other side less that to its own; returns w between the sides."""
    between = 0.0
    for u in nodes:
        pull[u] = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            c = labels[indices[e]]
            if c == labels[u]:
                pull[u] -= weight[e]
            elif c in (a, b):
                pull[u] += weight[e]
                between += weight[e] if labels[u] == b else 0.0
    return between


@njit(nogil=True, cache=True)
def _sequence(  # type: ignore[no-untyped-def]
    indptr, indices, weight, sizes, gamma, labels, volume, a, b, nodes, part, pull, order
):
    """Move the nodes one by one, the best first: how many have moved, after how many the sum of
    gains was highest, and that sum, GAIN where none was worth it."""
    total, best, kept, steps = 0.0, GAIN, 0, 0
    in_a, in_b = volume[a], volume[b]
    while steps < len(nodes) and steps - kept < PATIENCE:
        chosen, most = NONE, -np.inf
        for u in nodes:
            if part[u]:
                more = in_b - in_a if labels[u] == a else in_a - in_b
                gain = pull[u] - gamma * sizes[u] * (more + sizes[u])
                if gain > most:
                    chosen, most = u, gain
        step = sizes[chosen] if labels[chosen] == a else -sizes[chosen]
        in_a, in_b = in_a - step, in_b + step
        labels[chosen] = a + b - labels[chosen]
        for e in range(indptr[chosen], indptr[chosen + 1]):
            v = indices[e]
            pull[v] += -2 * weight[e] if labels[v] == labels[chosen] else 2 * weight[e]
        part[chosen] = False
        order[steps] = chosen
        steps += 1
        total += most
        if total > best:
            best, kept = total, steps
    return steps, kept, best
