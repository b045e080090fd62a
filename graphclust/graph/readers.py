"""One reader for each kind of object that holds a graph in memory. They read; `convert` cleans."""

import numbers
import sys
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData, TemporalData

from graphclust.graph.errors import GraphError, count, warn
from graphclust.graph.frames import COLUMNS, from_frame
from graphclust.graph.moments import is_dated, moments_of
from graphclust.graph.raw import Array, Raw, id_array


def read(
    graph: Any, *, weight: str | None, time: str | None, x: Any, y: Any, n: int | None, nodes: Any
) -> Raw:
    """Read any supported object; `x` and `y` given as names are node attributes to collect."""
    _check_options(graph, weight=weight, time=time, x=x, y=y, n=n, nodes=nodes)
    nx, ig = sys.modules.get("networkx"), sys.modules.get("igraph")
    if isinstance(graph, Data):
        return _from_data(graph, n, weight, time)
    if isinstance(graph, TemporalData):
        return _from_temporal(graph, n)
    if nx and isinstance(graph, nx.Graph):
        return _from_networkx(graph, weight, time, x, y)
    if ig and isinstance(graph, ig.Graph):
        return _from_igraph(graph, weight, time, x, y)
    if isinstance(graph, pd.DataFrame):
        return from_frame(graph, weight, time, nodes)
    if sp.issparse(graph):
        return _from_matrix(graph)
    if isinstance(graph, Tensor):
        return _from_tensor(graph, n)
    if isinstance(graph, np.ndarray):
        return _from_array(graph, n)
    if isinstance(graph, (list, tuple)):
        return _from_pairs(graph)
    raise TypeError(_cannot_read(graph))


def _cannot_read(graph: Any) -> str:
    if isinstance(graph, HeteroData):
        return "graph is a HeteroData; call its to_homogeneous() first"
    if isinstance(graph, str) or hasattr(graph, "__fspath__"):
        return f"graph must be in memory, found the name or path {graph!r}; use graphclust.load"
    return (
        f"graph must be a PyG Data or TemporalData, networkx or igraph graph, scipy sparse matrix, "
        f"dense adjacency matrix, edge array or pandas frame; found {type(graph).__name__}"
    )


def _check_options(
    graph: Any, *, weight: Any, time: Any, x: Any, y: Any, n: Any, nodes: Any
) -> None:
    """Refuse options that this kind of graph has no use for, rather than pass over them."""
    kind = type(graph).__name__
    attributed = hasattr(graph, "nodes") or hasattr(graph, "vs")  # networkx, igraph
    if nodes is not None and not isinstance(graph, pd.DataFrame):
        raise TypeError(f"nodes goes with a frame of edges, found {kind}")
    if nodes is not None and not isinstance(nodes, pd.DataFrame):
        raise TypeError(f"nodes must be a pandas frame, found {type(nodes).__name__}")
    for name, value in (("x", x), ("y", y)):
        if isinstance(value, str) and not attributed:
            raise TypeError(
                f"{name}={value!r} names a node attribute; {kind} has none: pass values"
            )
    for name, value in (("weight", weight), ("time", time)):
        if not isinstance(value, Hashable):
            raise TypeError(f"{name} must be the name of an attribute or column, found {value!r}")
    if time is not None and not (attributed or isinstance(graph, (pd.DataFrame, Data))):
        raise TypeError(f"time={time!r} names an edge attribute or column; {kind} has none")
    if n is not None:
        if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 1:
            raise TypeError(f"num_nodes must be a whole number of at least 1, found {n!r}")
        if not isinstance(graph, (Data, TemporalData, Tensor, np.ndarray)):
            raise TypeError(f"num_nodes goes with edge arrays, found {kind}")


def _from_data(data: Data, n: int | None, weight: str | None, time: str | None) -> Raw:
    if data.edge_index is None:
        raise GraphError("graph is a Data without edge_index")
    source, target = _edge_rows(data.edge_index)
    known = n if n is not None else data.get("num_nodes")
    if known is None and data.x is not None:
        known = len(data.x)
    if (
        known is None
        and data.y is not None
        and len(data.y) > int(max(source.max(initial=-1), target.max(initial=-1)))
    ):
        known = len(data.y)
    if time is not None and data.get(time) is None:
        raise GraphError(f"time={time!r} is no attribute; found {sorted(data.keys())}")
    times = data.get(time or "t")
    if times is None and data.get("time") is not None and len(data.time) == len(source):
        times = data.time
    if times is not None and time in (None, "t") and is_dated(data):
        times = moments_of(data, times)
    return Raw(
        source,
        target,
        num_nodes=_count(source, target, known),
        directed=data.get("directed"),
        weight=_data_weight(data, weight),
        t=times,
        node_ids=data.get("node_ids"),
        x=data.x,
        y=data.y,
        once=times is not None and data.get("directed") is False,
    )


def _data_weight(data: Data, weight: str | None) -> Any:
    if weight is not None and data.get(weight) is None:
        raise GraphError(f"weight={weight!r} is no attribute; found {sorted(data.keys())}")
    if weight is None and data.edge_weight is None and data.edge_attr is not None:
        warn("edge_attr is not read; if it holds the weights, pass weight='edge_attr'")
    return data.get(weight or "edge_weight")


def _from_temporal(events: TemporalData, n: int | None) -> Raw:
    if any(getattr(events, part, None) is None for part in ("src", "dst", "t")):
        raise GraphError("graph is a TemporalData without src, dst or t")
    source, target = _edge_rows(torch.stack([events.src, events.dst]))
    return Raw(
        source,
        target,
        num_nodes=_count(source, target, n),
        directed=True,
        weight=getattr(events, "edge_weight", None),
        t=events.t,
    )


def _from_networkx(graph: Any, weight: str | None, time: str | None, x: Any, y: Any) -> Raw:
    ids = list(graph.nodes)
    number = dict(zip(ids, range(len(ids)), strict=True))
    edges = list(graph.edges(data=True))
    attributes = [data for _, _, data in edges]
    _say_unread_times(attributes[0] if attributes and not time else ())
    return Raw(
        np.fromiter((number[u] for u, _, _ in edges), np.int64, len(edges)),
        np.fromiter((number[v] for _, v, _ in edges), np.int64, len(edges)),
        num_nodes=len(ids),
        directed=graph.is_directed(),
        weight=_edge_weights(attributes, weight),
        t=_edge_attribute(attributes, time) if time else None,
        node_ids=id_array(ids),
        x=_node_attribute(x, lambda name: [graph.nodes[v].get(name) for v in ids]),
        y=_node_attribute(y, lambda name: [graph.nodes[v].get(name) for v in ids]),
        multi=graph.is_multigraph(),
        once=not graph.is_directed(),
    )


def _from_igraph(graph: Any, weight: str | None, time: str | None, x: Any, y: Any) -> Raw:
    edges = np.asarray(graph.get_edgelist(), dtype=np.int64).reshape(-1, 2)

    def column(table: Any, name: str) -> Any:
        return table[name] if name in table.attributes() else None

    for option, name in (("weight", weight), ("time", time)):
        if name and name not in graph.es.attributes():
            raise GraphError(
                f"{option}={name!r} is no edge attribute; found {graph.es.attributes()}"
            )
    _say_unread_times(() if time else graph.es.attributes())
    names = column(graph.vs, "name")
    return Raw(
        edges[:, 0],
        edges[:, 1],
        num_nodes=graph.vcount(),
        directed=graph.is_directed(),
        weight=column(graph.es, weight or "weight"),
        t=column(graph.es, time) if time else None,
        node_ids=None if names is None else id_array(names),
        x=_node_attribute(x, lambda name: column(graph.vs, name)),
        y=_node_attribute(y, lambda name: column(graph.vs, name)),
        multi=graph.has_multiple(),
        once=not graph.is_directed(),
    )


def _say_unread_times(attributes: Iterable[str]) -> None:
    """Warn of edge attributes named as times are: no stream becomes a plain graph unseen."""
    for name in sorted(set(COLUMNS["time"]).intersection(attributes)):
        warn(f"the edge attribute {name!r} is not read; time={name!r} reads event times from it")


def _from_matrix(matrix: Any) -> Raw:
    if matrix.shape[0] != matrix.shape[1]:
        raise GraphError(f"an adjacency matrix must be square, found shape {matrix.shape}")
    if matrix.dtype.kind in "iu" and matrix.dtype.itemsize < 8:  # sums would outgrow them
        matrix = matrix.astype(np.int64)
    csr = sp.csr_array(matrix)
    if not csr.has_canonical_format:  # repeats add up, as scipy means them
        csr = csr.copy()
        csr.sum_duplicates()
    coo = csr.tocoo()
    source, target = (axis.astype(np.int64) for axis in coo.coords)
    plain = coo.dtype == bool or bool((coo.data == 1).all())
    return Raw(source, target, matrix.shape[0], None, weight=None if plain else coo.data)


def _from_tensor(tensor: Tensor, n: int | None) -> Raw:
    if tensor.layout != torch.strided:
        coo = tensor.detach().cpu().to_sparse_coo()
        ends, values = coo._indices().numpy(), coo._values().numpy()
        return _from_matrix(sp.coo_array((values, ends), shape=tuple(coo.shape)))
    if tensor.dim() == 2 and tensor.shape[0] == 2 and not tensor.is_floating_point():
        source, target = _edge_rows(tensor)
        return Raw(source, target, _count(source, target, n), directed=None)
    return _from_array(tensor.detach().cpu().numpy(), n)


def _from_array(array: Array, n: int | None) -> Raw:
    if isinstance(array, np.ma.MaskedArray):
        raise GraphError("graph is a masked array; fill it first")
    if array.ndim == 2 and 2 in array.shape and array.size == 0 and n is not None:
        none = np.zeros(0, np.int64)
        return Raw(none, none, n, directed=array.shape[0] == 2)
    if array.ndim != 2 or array.size == 0:
        raise GraphError(
            f"graph must be an (N, N) adjacency, (2, E) edge index or (E, 2) edge list, found an "
            f"array of shape {array.shape}"
        )
    if array.shape == (2, 2):
        raise GraphError(
            "a 2×2 array may mean two edges or an adjacency matrix; pass a scipy.sparse matrix, "
            "a torch edge_index or a list of pairs"
        )
    if array.shape[0] == array.shape[1]:
        if array.dtype.kind not in "biuf":
            raise GraphError(f"an adjacency matrix must hold numbers, found {array.dtype}")
        return _from_matrix(sp.coo_array(array))
    if 2 not in array.shape:
        raise GraphError(
            f"graph must be square (adjacency), (2, E) or (E, 2), found shape {array.shape}"
        )
    pairs = array.T if array.shape[0] != 2 else array
    if array.dtype.kind in "OUS":
        return from_frame(pd.DataFrame({"source": pairs[0], "target": pairs[1]}), None, None)
    source, target = _edge_rows(torch.from_numpy(np.array(pairs)))
    directed = None if array.shape[0] == 2 else False
    return Raw(source, target, _count(source, target, n), directed)


def _from_pairs(pairs: Iterable[Any]) -> Raw:
    rows = list(pairs)
    widths = {len(row) if isinstance(row, tuple) else 0 for row in rows}
    if not rows:
        raise GraphError("a list of edges must hold at least one, found an empty list")
    if len(widths) != 1 or not widths <= {2, 3}:
        raise GraphError(
            "a list of edges must hold (source, target) or (source, target, weight) tuples; "
            "make other lists an array first"
        )
    names = ["source", "target", "weight"][: widths.pop()]
    return from_frame(pd.DataFrame(rows, columns=names), None, None)


def _edge_rows(edge_index: Tensor) -> tuple[Array, Array]:
    if edge_index.dim() != 2 or edge_index.shape[0] != 2:
        raise GraphError(f"edge_index must have shape (2, E), found {tuple(edge_index.shape)}")
    if edge_index.is_floating_point() or edge_index.is_complex() or edge_index.dtype == torch.bool:
        raise GraphError(f"edge_index must hold whole numbers, found {edge_index.dtype}")
    rows = edge_index.detach().cpu().numpy().astype(np.int64, copy=False)
    return rows[0], rows[1]


def _count(source: Array, target: Array, n: int | None) -> int:
    """Number of nodes: as given, else the largest node number plus one; checks the bounds."""
    low, high = (
        (min(source.min(), target.min()), max(source.max(), target.max()))
        if len(source)
        else (0, -1)
    )
    n = int(high) + 1 if n is None else int(n)
    if low < 0 or high >= n:
        found = low if low < 0 else high
        raise GraphError(f"edges must join nodes 0..{n - 1} (num_nodes={n}), found node {found}")
    return n


def _edge_weights(attributes: list[dict[str, Any]], name: str | None) -> Any:
    """The attribute `weight` if any edge has it, or the one named; 1 where an edge lacks it."""
    held = sum((name or "weight") in each for each in attributes)
    if name and attributes and not held:
        raise GraphError(f"weight={name!r} is no edge attribute")
    if 0 < held < len(attributes):
        warn(f"{count(len(attributes) - held, 'edge')} without {name or 'weight'!r} weigh 1")
    return [each.get(name or "weight", 1.0) for each in attributes] if held else None


def _edge_attribute(attributes: list[dict[str, Any]], name: str) -> Any:
    held = sum(name in each for each in attributes)
    if held < len(attributes):
        raise GraphError(f"{len(attributes) - held} edges lack the attribute {name!r}")
    return [each[name] for each in attributes]


def _node_attribute(wanted: Any, collect: Any) -> Any:
    if not isinstance(wanted, str):
        return None
    values = collect(wanted)
    if values is None or all(value is None for value in values):
        raise GraphError(f"no node has the attribute {wanted!r}")
    lacking = sum(value is None for value in values)
    if lacking and any(np.ndim(value) for value in values):
        raise GraphError(f"{count(lacking, 'node')} without the attribute {wanted!r}")
    return values
