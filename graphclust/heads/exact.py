"""The search for exactly k communities: over Leiden's resolution, and by merging.

Letters: N nodes, m total edge weight, γ resolution, s_c summed degree of community c, e_cd weight
between communities c and d. Merging c and d changes modularity by (e_cd − s_c s_d / 2m) / m.
"""

import heapq
import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, matrix_to_igraph, to_igraph, to_scipy
from graphclust.heads.leiden import Labels, leiden
from graphclust.kernels.sparse import between_groups, modularity

PROBES = 16  # resolutions tried at most in search of k
NEARBY = (0.35, 0.5, 0.7, 1.4)  # further ones, relative to the best
COARSE, FINE = 0.005, 4.0  # resolutions that a bisection starts between


def leiden_exact(graph: Data, k: int, **options: Any) -> tuple[Labels, dict[str, float]]:
    """Exactly `k` communities of highest modularity among the partitions that a search meets.

    The resolution is bracketed and bisected on a geometric scale, at most `PROBES` times, towards
    k communities (towards k in the largest component where the graph has more components than
    that), and then tried at a few points near the best. Each partition with k or more communities
    is brought to k by `merge`; the one with the highest modularity is returned, whatever the
    objective. Where all have fewer, singletons are merged.

    Raises:
        GraphError: no edges to tell which nodes belong together, or negative weights.
    """
    n = graph.num_nodes
    if k in (1, n):
        return _without_search(n, k)
    if is_signed(graph):
        raise GraphError("n_clusters cannot be fixed where weights are negative; leave it out")
    if graph.edge_index.shape[1] == 0:
        raise GraphError(
            f"n_clusters={k} cannot be reached: the graph has no edges, so nothing tells which "
            f"of its {n} nodes belong together"
        )
    adjacency = to_scipy(graph)
    adjacency = adjacency + adjacency.T if graph.directed else adjacency
    g = to_igraph(graph)
    target = _target(g, k)
    gamma = adjacency.sum() / n / (n - 1) if options["objective"] == "cpm" else 1.0
    best, value, report, probes = None, -math.inf, {}, 0

    def probe(gamma: float) -> int:
        nonlocal best, value, report, probes
        probes += 1
        labels, _ = leiden(g, resolution=gamma, **options)
        count = int(labels.max()) + 1
        if count >= k:
            merged = merge(labels, k, adjacency)
            if (quality := modularity(between_groups(adjacency, merged))) > value:
                best, value = merged, quality
                report = {"resolution": gamma, "merges": count - k, "quality": quality}
        return count

    low, high = 0.0, math.inf
    while probes < PROBES and (count := probe(gamma)) != target:
        low, high = (low, gamma) if count > target else (gamma, high)
        if low > 0 and high < math.inf:
            gamma = math.sqrt(low * high)
        else:
            gamma = low * 4 if low else high / 4
    if best is None:
        return merge(np.arange(n), k, adjacency), {"probes": probes, "merges": n - k}
    centre = report["resolution"]
    for factor in NEARBY:
        probe(centre * factor)
    return best, {"probes": probes, **report}


def leiden_bisected(
    adjacency: sp.csr_array, k: int, **options: Any
) -> tuple[Labels, dict[str, float]]:
    """Exactly `k` communities at the coarsest resolution that a bisection finds for them.

    Of an undirected graph, given as its symmetric matrix of weights.

    The resolution is bisected on a geometric scale between `COARSE` and `FINE` (and above, where
    that is not fine enough), at most `PROBES` times, and the first partition with k communities (k
    in the largest component where the graph has more components than that) is taken; where none
    has, the one with fewest above that. What is above k is brought there by `merge`. On a graph of
    nearest neighbours this is better than `leiden_exact`: few clusters have a modularity of their
    own there only at a resolution far below 1.
    """
    n = adjacency.shape[0]
    if k in (1, n):
        return _without_search(n, k)
    g, weights = matrix_to_igraph(adjacency)
    target = _target(g, k)
    low, high, probes = COARSE, FINE, 0
    best, count, at = np.arange(n), n, math.inf
    while probes < PROBES and count != target:
        probes += 1
        gamma = math.sqrt(low * high)
        labels, _ = leiden(g, resolution=gamma, weights=weights, **options)
        found = int(labels.max()) + 1
        if found >= target:
            high = gamma
            if found <= count:
                best, count, at = labels, found, gamma
        else:
            low = gamma
            if high / low < 1.1 and at == math.inf:  # not fine enough yet
                high *= FINE / COARSE
    if count > k:
        best = merge(best, k, adjacency)
    quality = modularity(between_groups(adjacency, best))
    return best, {"probes": probes, "resolution": at, "merges": count - k, "quality": quality}


def _without_search(n: int, k: int) -> tuple[Labels, dict[str, float]]:
    labels = np.arange(n) if k == n else np.zeros(n, np.int64)
    return labels, {"probes": 0, "merges": 0}


def _target(g: Any, k: int) -> int:
    """k communities, in the largest component alone where there are more than k components."""
    parts = len(g.connected_components(mode="weak"))
    return k if parts <= k else k + parts - 1


def merge(labels: Labels, k: int, adjacency: sp.csr_array) -> Labels:
    """Merge communities until `k` are left, each time the pair that costs least modularity.

    Pairs are communities joined by an edge, and any pair of which one has no edge to others (a
    whole component), so that nothing falls apart that need not. Deterministic: ties go to the
    lowest labels. O(E log E) for E joined pairs: of the unjoined ones, only the smallest whole
    component with the smallest other community comes into question.
    """
    between = between_groups(adjacency, labels).tocoo()
    clusters = _Clusters(between)
    for _ in range(between.shape[0] - k):
        clusters.join(*clusters.best_pair())
    return np.unique(clusters.final()[labels], return_inverse=True)[1].astype(np.int64)


class _Clusters:
    """Communities being merged: summed degrees, joined weights, and heaps with stale entries."""

    def __init__(self, between: sp.coo_array) -> None:
        k = between.shape[0]
        self.size = np.bincount(between.coords[0], between.data, k).tolist()
        self.total = sum(self.size)
        self.joined: list[dict[int, float]] = [{} for _ in range(k)]
        for c, d, w in zip(*between.coords, between.data, strict=True):
            if c != d:
                self.joined[c][int(d)] = float(w)
        self.parent, self.version = list(range(k)), [0] * k
        self.pairs: list[tuple[float, int, int, int, int]] = []
        self.pairs += [self._pair(c, d) for c in range(k) for d in self.joined[c] if c < d]
        self.smallest = [(self.size[c], c, 0) for c in range(k)]
        self.whole = [item for item in self.smallest if not self.joined[item[1]]]
        heapq.heapify(self.pairs)
        heapq.heapify(self.smallest)
        heapq.heapify(self.whole)

    def _pair(self, c: int, d: int) -> tuple[float, int, int, int, int]:
        c, d = min(c, d), max(c, d)
        loss = self.size[c] * self.size[d] / self.total - self.joined[c].get(d, 0.0)
        return loss, c, d, self.version[c], self.version[d]

    def _alive(self, c: int, version: int) -> bool:
        return self.parent[c] == c and self.version[c] == version

    def best_pair(self) -> tuple[int, int]:
        """The two communities whose union costs least."""
        while self.pairs:
            _, c, d, version_c, version_d = self.pairs[0]
            if self._alive(c, version_c) and self._alive(d, version_d):
                break
            heapq.heappop(self.pairs)
        candidates = self.pairs[:1]
        while self.whole and not self._alive(*self.whole[0][1:]):
            heapq.heappop(self.whole)
        if self.whole:
            component = self.whole[0][1]
            candidates.append(self._pair(component, self._smallest_but(component)))
        _, c, d, *_ = min(candidates)
        return c, d

    def _smallest_but(self, other: int) -> int:
        kept = []
        while True:
            item = heapq.heappop(self.smallest)
            if self._alive(*item[1:]):
                kept.append(item)
                if item[1] != other:
                    break
        for item in kept:
            heapq.heappush(self.smallest, item)
        return int(kept[-1][1])

    def join(self, c: int, d: int) -> None:
        """Make d part of c, where c < d."""
        self.parent[d] = c
        self.version[c] += 1
        self.size[c] += self.size[d]
        for other, w in self.joined[d].items():
            del self.joined[other][d]
            if other != c:
                both = self.joined[c].get(other, 0.0) + w
                self.joined[c][other] = self.joined[other][c] = both
        self.joined[d].clear()
        item = (self.size[c], c, self.version[c])
        heapq.heappush(self.smallest, item)
        if not self.joined[c]:
            heapq.heappush(self.whole, item)
        for other in self.joined[c]:
            heapq.heappush(self.pairs, self._pair(c, other))

    def final(self) -> Labels:
        """The community that each one ended in."""
        for c, parent in enumerate(self.parent):  # a parent's label is smaller, so final already
            self.parent[c] = self.parent[parent]
        return np.asarray(self.parent)
