"""Graphs from points and graphs from graphs: neighbours, projections, shares, components."""

import copy

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.convert import finish
from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, is_temporal, to_scipy
from graphclust.graph.raw import Raw
from graphclust.kernels.knn import nearest_neighbours


def knn_graph(x: NDArray[np.floating], k: int = 10) -> Data:
    """Undirected graph that joins each row of `x` to its `k` nearest others (Euclidean, union).

    O(N²F) time in blocks, O(Nk) memory. Rows that coincide are neighbours at distance 0; of rows
    equally far the lower number is nearer, so that the graph does not depend on threads.
    """
    n = len(x)
    if not 1 <= k < n:
        raise GraphError(f"k must lie between 1 and N − 1 = {n - 1}, found {k}")
    _, nearest = nearest_neighbours(x, k)
    source, target = np.repeat(np.arange(n), k), nearest.ravel()
    low, high = np.divmod(np.unique(np.minimum(source, target) * n + np.maximum(source, target)), n)
    return finish(Raw(low, high, n, directed=False, x=x))


def with_edges(graph: Data, raw: Raw) -> Data:
    """`graph`'s nodes with the edges of `raw`."""
    result = finish(raw)
    for name in ("x", "y", "node_ids"):
        if name in graph:
            result[name] = graph[name]
    return result


def static(graph: Data) -> Data:
    """Forget the times: repeated events become one edge that weighs as many (or as their sum)."""
    if not is_temporal(graph):
        return graph
    source, target = graph.edge_index.cpu().numpy()
    weight = graph.edge_weight
    raw = Raw(source, target, graph.num_nodes, graph.directed, weight=weight, multi=True)
    return with_edges(graph, raw)


def symmetrise(graph: Data) -> Data:
    """Read arcs as undirected edges; an edge weighs the sum of the arcs between its ends.

    Without weights an edge counts once, whichever way its arcs point. Events stay as they are, but
    have no direction.
    """
    if not graph.directed:
        return graph
    if is_temporal(graph):
        graph = copy.copy(graph)
        graph.directed = False
        return graph
    source, target = graph.edge_index.cpu().numpy()
    weighted = graph.edge_weight is not None
    low, high = np.minimum(source, target), np.maximum(source, target)
    if not weighted:
        low, high = np.divmod(np.unique(low * graph.num_nodes + high), graph.num_nodes)
    raw = Raw(low, high, graph.num_nodes, False, weight=graph.edge_weight, multi=weighted)
    return with_edges(graph, raw)


def flow_shares(graph: Data) -> Data:
    """Each arc weighs its share of what flows between its ends, w_ij / (w_ij + w_ji), in (0, 1].

    Raises:
        GraphError: the graph is undirected, or has negative weights.
    """
    if not graph.directed:
        raise GraphError("shares of the flow between two nodes need a directed graph")
    if is_signed(graph):
        raise GraphError("shares of the flow between two nodes need weights that are not negative")
    adjacency = to_scipy(graph).astype(np.float64)
    source, target = graph.edge_index.cpu().numpy()
    there, back = (
        np.asarray(adjacency[ends]).ravel() for ends in ((source, target), (target, source))
    )
    both = there + back
    share = np.where(both > 0, there / np.where(both > 0, both, 1.0), 0.0)
    return with_edges(graph, Raw(source, target, graph.num_nodes, True, weight=share))


def components(graph: Data) -> NDArray[np.int64]:
    """(N,) number of the (weakly) connected component of each node; sizes do not matter."""
    return sp.csgraph.connected_components(to_scipy(graph), directed=False)[1].astype(np.int64)
