"""Correlation clustering of all pairs when their costs are products of vectors, without N × N.

A. Abbas, P. Swoboda, "ClusterFuG: clustering fully connected graphs by multicut", ICML 2023,
https://arxiv.org/abs/2301.12159. With costs c_ij = ⟨f_i, f_j⟩ − θ, a cluster is the sum of its
vectors and the number of its nodes: c_AB = ⟨f_A, f_B⟩ − θ s_A s_B sums over all pairs between.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from graphclust.kernels.determinism import one_thread

Floats = NDArray[np.floating]
Labels = NDArray[np.int64]
BLOCK = 1 << 24  # products held at one time
ROUNDS = 10
GAIN = 1e-9


def mean_product(vectors: Floats) -> float:
    """Mean of ⟨f_i, f_j⟩ over the pairs i ≠ j; 0 for a single row. O(N D)."""
    n, total = len(vectors), vectors.sum(axis=0)
    return float(total @ total - (vectors**2).sum()) / max(n * (n - 1), 1)


def contract_products(vectors: Floats, theta: float) -> Labels:
    """(N,) labels: the two clusters of largest c_AB are joined while that is positive.

    Exact: each cluster knows its best partner, or a bound on it where the partner was joined to
    another, and is asked anew only when that bound comes first. O(N² D) time, O(N D) memory.
    """
    with one_thread():
        return _Contraction(np.array(vectors, np.float64), theta).run()


def move_products(vectors: Floats, theta: float, start: Labels) -> Labels:
    """(N,) labels: each node in turn goes to the cluster it costs most to be cut from, or alone.

    Until none moves, at most `ROUNDS` times; Σ c_ij inside clusters only rises. O(N K D) a round.
    """
    f = np.asarray(vectors, np.float64)
    labels = np.unique(start, return_inverse=True)[1].astype(np.int64)
    sums, sizes = np.zeros((len(f) + 1, f.shape[1])), np.zeros(len(f) + 1)
    np.add.at(sums, labels, f)
    np.add.at(sizes, labels, 1)
    used = int(labels.max(initial=-1)) + 1
    with one_thread():
        for _ in range(ROUNDS):
            moved = 0
            for i in range(len(f)):
                own = labels[i]
                sums[own] -= f[i]
                sizes[own] -= 1
                cost = sums[: used + 1] @ f[i] - theta * sizes[: used + 1]  # the last one is empty
                best = int(np.argmax(cost))
                if cost[best] <= cost[own] + GAIN:
                    best = own
                moved += best != own
                labels[i] = best
                sums[best] += f[i]
                sizes[best] += 1
                used = min(max(used, best + 1), len(f))
            if not moved:
                break
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def inside_products(vectors: Floats, theta: float, labels: Labels) -> float:
    """Σ c_ij over the pairs inside clusters; O(N D)."""
    sums = np.zeros((int(labels.max(initial=0)) + 1, vectors.shape[1]))
    np.add.at(sums, labels, vectors)
    sizes = np.bincount(labels)
    pairs = (sizes * (sizes - 1.0)).sum()
    return float((sums**2).sum() - (np.asarray(vectors, np.float64) ** 2).sum() - theta * pairs) / 2


class _Contraction:
    """Clusters that are left, their best partners, and a heap with stale entries."""

    def __init__(self, f: Floats, theta: float) -> None:
        self.f, self.theta, n = f, theta, len(f)
        self.size = np.ones(n)
        self.parent = np.arange(n)
        self.alive = np.ones(n, np.bool_)
        self.value, self.partner = np.full(n, -np.inf), np.zeros(n, np.int64)
        for first in range(0, n, max(BLOCK // max(n, 1), 1)):
            rows = np.arange(first, min(first + max(BLOCK // n, 1), n))
            cost = f[rows] @ f.T - theta
            cost[np.arange(len(rows)), rows] = -np.inf
            self.partner[rows] = cost.argmax(axis=1)
            self.value[rows] = cost[np.arange(len(rows)), self.partner[rows]]
        self.stale = np.zeros(n, np.bool_)
        self.queue = [(-value, i) for i, value in enumerate(self.value.tolist())]
        heapq.heapify(self.queue)

    def run(self) -> Labels:
        while self.queue:
            value, i = heapq.heappop(self.queue)
            if not self.alive[i] or -value != self.value[i]:
                continue
            if -value <= GAIN:
                break
            if self.stale[i] or not self.alive[self.partner[i]]:
                self._ask(i, self._costs(i))
            else:
                self._join(i, int(self.partner[i]))
        for i in range(len(self.parent) - 1, -1, -1):  # a parent has the lower number
            while self.parent[i] != self.parent[self.parent[i]]:
                self.parent[i] = self.parent[self.parent[i]]
        return np.unique(self.parent, return_inverse=True)[1].astype(np.int64)

    def _costs(self, i: int) -> Floats:
        cost = self.f @ self.f[i] - self.theta * self.size * self.size[i]
        cost[~self.alive] = -np.inf
        cost[i] = -np.inf
        return np.asarray(cost)

    def _ask(self, i: int, cost: Floats) -> None:
        self.partner[i] = int(cost.argmax())
        self.value[i], self.stale[i] = cost[self.partner[i]], False
        heapq.heappush(self.queue, (-float(self.value[i]), i))

    def _join(self, i: int, j: int) -> None:
        i, j = min(i, j), max(i, j)
        self.f[i] += self.f[j]
        self.size[i] += self.size[j]
        self.parent[j], self.alive[j] = i, False
        cost = self._costs(i)
        self._ask(i, cost)
        self.stale |= (self.partner == i) | (self.partner == j)  # theirs are bounds from now on
        self.stale[i] = False
        better = np.flatnonzero(self.alive & (cost >= self.value))
        self.value[better], self.partner[better] = cost[better], i
        self.stale[better] = False
        for k in better.tolist():
            heapq.heappush(self.queue, (-float(self.value[k]), k))
