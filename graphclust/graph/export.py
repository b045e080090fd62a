"""A graph as networkx, igraph or scipy knows it."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.moments import plain_times

Array = NDArray[Any]
BLOCK = 1 << 12  # edges that are Python objects at one time


def edges_once(graph: Data) -> tuple[Array, Array, Array | None]:
    """(source, target, weight) with every undirected edge once; arcs and events as they are."""
    source, target = graph.edge_index.cpu().numpy()
    weight = None if graph.edge_weight is None else graph.edge_weight.cpu().numpy()
    if graph.directed or is_temporal(graph):
        return source, target, weight
    upper = source < target
    return source[upper], target[upper], None if weight is None else weight[upper]


def node_ids(graph: Data) -> Array:
    """The user's ids in node order."""
    ids = graph.get("node_ids")
    return np.arange(graph.num_nodes) if ids is None else ids


def is_temporal(graph: Data) -> bool:
    """Do the edges carry event times?"""
    return graph.get("t") is not None


def is_signed(graph: Data) -> bool:
    """Has any edge a negative weight?"""
    return graph.edge_weight is not None and bool((graph.edge_weight < 0).any())


def to_scipy(graph: Data) -> sp.csr_array:
    """(N, N) float64 adjacency; undirected graphs give a symmetric matrix, events add up."""
    source, target = graph.edge_index.cpu().numpy()
    weight = np.ones(len(source)) if graph.edge_weight is None else graph.edge_weight.cpu().numpy()
    n = graph.num_nodes
    if is_temporal(graph) and not graph.directed:
        source, target = np.r_[source, target], np.r_[target, source]
        weight = np.r_[weight, weight]
    return sp.csr_array((weight.astype(np.float64), (source, target)), shape=(n, n))


def to_igraph(graph: Data) -> Any:
    """An igraph graph: edges in our order, `weight` and `t` on edges, `name` for own node ids.

    Times that are dates are text (ISO 8601).
    """
    import igraph

    source, target, weight = edges_once(graph)
    result = igraph.Graph(graph.num_nodes, _pairs(source, target), directed=bool(graph.directed))
    if weight is not None:
        result.es["weight"] = weight.tolist()
    if is_temporal(graph):
        result.es["t"] = plain_times(graph)
    if graph.get("node_ids") is not None:
        result.vs["name"] = graph.node_ids.tolist()
    return result


def matrix_to_igraph(adjacency: sp.csr_array) -> tuple[Any, Array]:
    """An igraph graph of a symmetric (N, N) matrix, and the weight of each of its edges.

    The weights stay outside, as igraph would keep a Python object for each. The diagonal is left
    out.
    """
    import igraph

    n = adjacency.shape[0]
    source = np.repeat(np.arange(n, dtype=adjacency.indices.dtype), np.diff(adjacency.indptr))
    upper = source < adjacency.indices
    pairs = _pairs(source[upper], adjacency.indices[upper])
    return igraph.Graph(n, pairs), adjacency.data[upper]


def to_networkit(graph: Data) -> Any:
    """A networkit graph by node number, with weights where there are any."""
    import networkit

    source, target, weight = edges_once(graph)
    data = (source, target) if weight is None else (weight.astype(np.float64), (source, target))
    return networkit.GraphFromCoo(
        data, graph.num_nodes, weighted=weight is not None, directed=bool(graph.directed)
    )


def _pairs(source: Array, target: Array) -> Iterator[tuple[int, int]]:
    """The edges one by one: igraph reads these faster than an array, and nothing piles up."""
    return chain.from_iterable(
        zip(source[i : i + BLOCK].tolist(), target[i : i + BLOCK].tolist(), strict=True)
        for i in range(0, len(source), BLOCK)
    )


def to_networkx(graph: Data) -> Any:
    """A networkx Graph or DiGraph (Multi… for events) with the user's ids, `weight`, `t` and `y`.

    Times that are dates are text (ISO 8601). Features stay behind: networkx has no place for a
    matrix.
    """
    import networkx as nx

    kinds = {
        (False, False): nx.Graph,
        (True, False): nx.DiGraph,
        (False, True): nx.MultiGraph,
        (True, True): nx.MultiDiGraph,
    }
    result = kinds[bool(graph.directed), is_temporal(graph)]()
    ids = node_ids(graph).tolist()
    result.add_nodes_from(ids)
    if graph.y is not None and graph.y.dim() == 1:
        nx.set_node_attributes(result, dict(zip(ids, graph.y.tolist(), strict=True)), "y")
    source, target, weight = edges_once(graph)
    columns = {} if weight is None else {"weight": weight.tolist()}
    if is_temporal(graph):
        columns["t"] = plain_times(graph)
    for i, (u, v) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        result.add_edge(ids[u], ids[v], **{name: values[i] for name, values in columns.items()})
    return result
