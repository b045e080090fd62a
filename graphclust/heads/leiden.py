"""Leiden by igraph or leidenalg, and the search for exactly k communities.

V. Traag, L. Waltman, N. J. van Eck, "From Louvain to Leiden", Sci. Rep. 9 (2019).
https://doi.org/10.1038/s41598-019-41695-z

Letters: N nodes, m total edge weight, γ resolution, s_c summed degree of community c, e_cd weight
between communities c and d. Merging c and d changes modularity by (e_cd − s_c s_d / 2m) / m.
"""

import heapq
import math
from collections.abc import Callable
from typing import Any

import igraph
import leidenalg
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, to_igraph, to_scipy

Labels = NDArray[np.int64]
PROBES = 16  # resolutions tried at most


def leiden(
    graph: Data,
    *,
    objective: str,
    resolution: float,
    n_iterations: int,
    engine: str,
    seed: int,
    initial: Labels | None = None,
    trace: Callable[..., bool] = lambda *_, **__: False,
) -> tuple[Labels, float]:
    """Labels (N,) and the objective's value as the engine states it.

    igraph draws from Python's global generator (`seeded` makes that repeatable), leidenalg from
    `seed`. A graph without edges stays in singletons.
    """
    if graph.edge_index.shape[1] == 0:
        return np.arange(graph.num_nodes), 0.0
    start = None if initial is None else initial.tolist()
    run = _igraph if engine == "igraph" else _leidenalg
    return run(to_igraph(graph), objective, resolution, n_iterations, seed, start, trace)


def _igraph(
    g: igraph.Graph,
    objective: str,
    resolution: float,
    rounds: int,
    _seed: int,
    start: Any,
    trace: Any,
) -> tuple[Labels, float]:
    found = g.community_leiden(
        objective_function="CPM" if objective == "cpm" else "modularity",
        weights="weight" if g.is_weighted() else None,
        resolution=resolution,
        n_iterations=rounds,
        initial_membership=start,
    )
    trace(0, quality=found.quality)
    return np.asarray(found.membership, dtype=np.int64), float(found.quality)


def _leidenalg(
    g: igraph.Graph,
    objective: str,
    resolution: float,
    rounds: int,
    seed: int,
    start: Any,
    trace: Any,
) -> tuple[Labels, float]:
    """One layer, or for signed graphs the positive layer minus the negative one."""
    optimiser = leidenalg.Optimiser()
    optimiser.set_rng_seed(seed % 2**31)
    layers = _layers(g, objective, resolution, start)
    weights = [1, -1][: len(layers)]
    done = 0
    while done != rounds:
        gain = optimiser.optimise_partition_multiplex(layers, weights, n_iterations=1)
        quality = sum(w * layer.quality() for w, layer in zip(weights, layers, strict=True))
        if trace(done, quality=quality) or (rounds < 0 and gain <= 0):
            break
        done += 1
    return np.asarray(layers[0].membership, dtype=np.int64), float(quality)


def _layers(g: igraph.Graph, objective: str, resolution: float, start: Any) -> list[Any]:
    kinds = {
        "modularity": leidenalg.RBConfigurationVertexPartition,
        "cpm": leidenalg.CPMVertexPartition,
    }

    def layer(part: igraph.Graph, gamma: float) -> Any:
        weights = "weight" if part.is_weighted() else None
        return kinds[objective](
            part, weights=weights, resolution_parameter=gamma, initial_membership=start
        )

    if not g.is_weighted() or min(g.es["weight"]) >= 0:
        return [layer(g, resolution)]
    positive = g.subgraph_edges(g.es.select(weight_gt=0), delete_vertices=False)
    negative = g.subgraph_edges(g.es.select(weight_lt=0), delete_vertices=False)
    negative.es["weight"] = [-w for w in negative.es["weight"]]
    if objective == "cpm":  # the size penalty counts once
        return [layer(positive, resolution), layer(negative, 0.0)]
    if positive.ecount() == 0:  # modularity without positive weight is 0/0: nothing attracts
        return [layer(positive, 0.0), layer(negative, 0.0)]
    return [layer(positive, resolution), layer(negative, resolution)]


def leiden_exact(graph: Data, k: int, **options: Any) -> tuple[Labels, dict[str, float]]:
    """Exactly `k` communities of highest modularity among the partitions that a search meets.

    The resolution is bracketed and bisected on a geometric scale, at most `PROBES` times, towards
    k communities (towards k in the largest component where the graph has more components than
    that). Each partition with k or more communities is brought to k by `merge`; the one with the
    highest modularity is returned. Where all have fewer, singletons are merged.

    Raises:
        GraphError: no edges to tell which nodes belong together, or negative weights.
    """
    n = graph.num_nodes
    if k == n:
        return np.arange(n), {"resolution": math.inf, "probes": 0, "merges": 0}
    if is_signed(graph):
        raise GraphError("n_clusters cannot be fixed where weights are negative; leave it out")
    if graph.edge_index.shape[1] == 0 and k > 1:
        raise GraphError(
            f"n_clusters={k} cannot be reached: the graph has no edges, so nothing tells which "
            f"of its {n} nodes belong together"
        )
    adjacency = to_scipy(graph)
    adjacency = adjacency + adjacency.T if graph.directed else adjacency
    parts = sp.csgraph.connected_components(adjacency, directed=False)[0]
    target = k if parts <= k else k + parts - 1
    low, high = 0.0, math.inf
    gamma = adjacency.sum() / n / (n - 1) if options["objective"] == "cpm" else 1.0
    best, value, report = None, -math.inf, {}
    for probe in range(1, PROBES + 1):
        labels, _ = leiden(graph, resolution=gamma, **options)
        count = int(labels.max()) + 1
        if count >= k:
            merged = merge(labels, k, adjacency)
            if (quality := _modularity(merged, adjacency)) > value:
                best, value = merged, quality
                report = {"resolution": gamma, "merges": count - k}
        report["probes"] = probe
        if count == target:
            break
        low, high = (low, gamma) if count > target else (gamma, high)
        gamma = (
            math.sqrt(low * high) if low > 0 and high < math.inf else (low * 4 if low else high / 4)
        )
    if best is None:
        best = merge(np.arange(n), k, adjacency)
        report |= {"resolution": math.inf, "merges": n - k}
    return best, report


def _modularity(labels: Labels, adjacency: sp.csr_array) -> float:
    between = _between(labels, adjacency)
    total = between.sum()
    return float(between.diagonal().sum() / total - ((between.sum(axis=1) / total) ** 2).sum())


def _between(labels: Labels, adjacency: sp.csr_array) -> sp.csr_array:
    """(K, K) weight between communities; the diagonal holds twice the weight inside."""
    k = int(labels.max()) + 1
    member = sp.csr_array(
        (np.ones(len(labels)), (np.arange(len(labels)), labels)), (len(labels), k)
    )
    return sp.csr_array(member.T @ adjacency @ member)


def merge(labels: Labels, k: int, adjacency: sp.csr_array) -> Labels:
    """Merge communities until `k` are left, each time the pair that costs least modularity.

    Deterministic (ties go to the lowest labels). O(E log E) for E pairs of joined communities.
    Unjoined pairs need no table: the best of them is the two of smallest degree.
    """
    between = _between(labels, adjacency)
    size, count = np.asarray(between.sum(axis=1)).ravel().tolist(), between.shape[0]
    total = sum(size)
    rows, columns = (axis.tolist() for axis in between.tocoo().coords)
    joined: list[dict[int, float]] = [{} for _ in range(count)]
    for c, d, w in zip(rows, columns, between.tocoo().data.tolist(), strict=True):
        if c != d:
            joined[c][d] = w
    parent, version = list(range(count)), [0] * count

    def entry(c: int, d: int) -> tuple[float, int, int, int, int]:
        c, d = min(c, d), max(c, d)
        loss = size[c] * size[d] / total - joined[c].get(d, 0.0)
        return loss, c, d, version[c], version[d]

    pairs = [entry(c, d) for c in range(count) for d in joined[c] if c < d]
    heapq.heapify(pairs)
    smallest = [(size[c], c, 0) for c in range(count)]
    heapq.heapify(smallest)

    def alive(c: int, stamp: int) -> bool:
        return parent[c] == c and version[c] == stamp

    for _ in range(count - k):
        while pairs and not (alive(*pairs[0][1::2]) and alive(*pairs[0][2::2])):
            heapq.heappop(pairs)
        two: list[tuple[float, int, int]] = []
        while len(two) < 2:
            item = heapq.heappop(smallest)
            if alive(*item[1:]):
                two.append(item)
        unjoined = entry(two[0][1], two[1][1])
        _, c, d, *_ = min(unjoined, pairs[0]) if pairs else unjoined
        for item in two:
            heapq.heappush(smallest, item)
        parent[d] = c
        version[c] += 1
        size[c] += size[d]
        for other, w in joined[d].items():
            del joined[other][d]
            if other != c:
                joined[c][other] = joined[other][c] = joined[c].get(other, 0.0) + w
        joined[d].clear()
        heapq.heappush(smallest, (size[c], c, version[c]))
        for other in joined[c]:
            heapq.heappush(pairs, entry(c, other))
    for c in range(count):  # a parent has a smaller label, so it is final already
        parent[c] = parent[parent[c]]
    return np.unique(np.asarray(parent)[labels], return_inverse=True)[1].astype(np.int64)
