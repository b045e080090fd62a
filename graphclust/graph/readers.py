"""One reader for each kind of object that holds a graph in memory. They read; `convert` cleans."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data, HeteroData, TemporalData

from graphclust.graph.errors import GraphError

Array = NDArray[Any]


@dataclass
class Raw:
    """A graph as found: edges by node number, in the order and number in which they came."""

    source: Array
    target: Array
    num_nodes: int
    directed: bool | None  # None: directed unless every edge has its mirror image
    weight: Any = None
    t: Any = None
    node_ids: Array | None = None  # None: the ids are 0..N−1
    x: Any = None
    y: Any = None
    multi: bool = False  # repeated edges are meant: each counts


def read(graph: Any, *, weight: str, time: str | None, x: Any, y: Any, n: int | None) -> Raw:
    """Read any supported object; `x` and `y` given as names are node attributes to collect."""
    nx, ig = sys.modules.get("networkx"), sys.modules.get("igraph")
    if isinstance(graph, Data):
        return _from_data(graph, n)
    if isinstance(graph, TemporalData):
        return _from_temporal(graph, n)
    if nx and isinstance(graph, nx.Graph):
        return _from_networkx(graph, weight, time, x, y)
    if ig and isinstance(graph, ig.Graph):
        return _from_igraph(graph, weight, time, x, y)
    if isinstance(graph, pd.DataFrame):
        return _from_frame(graph, weight, time)
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


def _from_data(data: Data, n: int | None) -> Raw:
    if data.edge_index is None:
        raise GraphError("graph is a Data without edge_index")
    source, target = _edge_rows(data.edge_index)
    known = n if n is not None else data.get("num_nodes")
    if known is None:
        known = next((len(v) for v in (data.x, data.y) if v is not None), None)
    times = data.get("t") if data.get("t") is not None else data.get("time")
    return Raw(
        source,
        target,
        num_nodes=_count(source, target, known),
        directed=data.get("directed"),
        weight=data.edge_weight,
        t=times if times is not None and len(times) == len(source) else None,
        node_ids=data.get("node_ids"),
        x=data.x,
        y=data.y,
    )


def _from_temporal(events: TemporalData, n: int | None) -> Raw:
    source, target = _edge_rows(torch.stack([events.src, events.dst]))
    return Raw(
        source,
        target,
        num_nodes=_count(source, target, n),
        directed=True,
        weight=getattr(events, "edge_weight", None),
        t=events.t,
    )


def _from_networkx(graph: Any, weight: str, time: str | None, x: Any, y: Any) -> Raw:
    ids = list(graph.nodes)
    number = dict(zip(ids, range(len(ids)), strict=True))
    edges = list(graph.edges(data=True))
    attributes = [data for _, _, data in edges]
    return Raw(
        np.fromiter((number[u] for u, _, _ in edges), np.int64, len(edges)),
        np.fromiter((number[v] for _, v, _ in edges), np.int64, len(edges)),
        num_nodes=len(ids),
        directed=graph.is_directed(),
        weight=_edge_attribute(attributes, weight, fill=1.0),
        t=_edge_attribute(attributes, time) if time else None,
        node_ids=_ids(ids),
        x=_node_attribute(x, lambda name: [graph.nodes[v].get(name) for v in ids]),
        y=_node_attribute(y, lambda name: [graph.nodes[v].get(name) for v in ids]),
        multi=graph.is_multigraph(),
    )


def _from_igraph(graph: Any, weight: str, time: str | None, x: Any, y: Any) -> Raw:
    edges = np.asarray(graph.get_edgelist(), dtype=np.int64).reshape(-1, 2)

    def column(table: Any, name: str) -> Any:
        return table[name] if name in table.attributes() else None

    if time and time not in graph.es.attributes():
        raise GraphError(f"time={time!r} is no edge attribute; found {graph.es.attributes()}")
    names = column(graph.vs, "name")
    return Raw(
        edges[:, 0],
        edges[:, 1],
        num_nodes=graph.vcount(),
        directed=graph.is_directed(),
        weight=column(graph.es, weight),
        t=column(graph.es, time) if time else None,
        node_ids=None if names is None else _ids(names),
        x=_node_attribute(x, lambda name: column(graph.vs, name)),
        y=_node_attribute(y, lambda name: column(graph.vs, name)),
        multi=graph.has_multiple(),
    )


COLUMNS = {
    "source": ("source", "src", "from", "u"),
    "target": ("target", "dst", "to", "v"),
    "time": ("time", "t", "timestamp"),
}


def _from_frame(frame: pd.DataFrame, weight: str, time: str | None) -> Raw:
    if missing := [w for w in ("source", "target") if column_named(frame, w) is None]:
        raise GraphError(
            f"an edge table needs the columns source and target (or src/dst, from/to, u/v); "
            f"{' and '.join(missing)} not found among {list(frame.columns)}"
        )
    if time and time not in frame.columns:
        raise GraphError(f"time={time!r} is no column; found {list(frame.columns)}")
    ends = [frame[column_named(frame, which)] for which in ("source", "target")]
    for series in ends:
        if series.isna().any():
            at = int(np.flatnonzero(series.isna())[0])
            raise GraphError(f"column {series.name!r} has no node id in row {at} (counted from 0)")
    codes, ids = _number_ids(pd.concat(ends, ignore_index=True))
    time = time or column_named(frame, "time")
    return Raw(
        codes[: len(frame)],
        codes[len(frame) :],
        num_nodes=len(ids),
        directed=False,
        weight=frame[weight].to_numpy() if weight in frame.columns else None,
        t=frame[time].to_numpy() if time else None,
        node_ids=_ids(ids),
    )


def column_named(frame: pd.DataFrame, which: str) -> Any:
    """The column that holds `which` of source, target, time under any usual name, or None."""
    lower = {str(column).lower(): column for column in reversed(frame.columns)}
    return next((lower[name] for name in COLUMNS[which] if name in lower), None)


def _number_ids(ends: "pd.Series[Any]") -> tuple[Array, Any]:
    """Number the ids in sorted order, or in order of appearance where they do not compare."""
    try:
        codes, ids = pd.factorize(ends, sort=True)
    except TypeError:
        codes, ids = pd.factorize(ends)
    return codes.astype(np.int64, copy=False), ids


def _from_matrix(matrix: Any) -> Raw:
    if matrix.shape[0] != matrix.shape[1]:
        raise GraphError(f"an adjacency matrix must be square, found shape {matrix.shape}")
    coo = sp.coo_array(matrix)
    source, target = (axis.astype(np.int64) for axis in coo.coords)
    plain = coo.dtype == bool or bool((coo.data == 1).all())
    return Raw(source, target, matrix.shape[0], None, weight=None if plain else coo.data)


def _from_tensor(tensor: Tensor, n: int | None) -> Raw:
    if tensor.layout != torch.strided:
        coo = tensor.detach().cpu().to_sparse_coo().coalesce()
        return _from_matrix(
            sp.coo_array((coo.values().numpy(), coo.indices().numpy()), shape=tuple(coo.shape))
        )
    if tensor.dim() == 2 and tensor.shape[0] == 2 and not tensor.is_floating_point():
        source, target = _edge_rows(tensor)
        return Raw(source, target, _count(source, target, n), directed=None)
    return _from_array(tensor.detach().cpu().numpy(), n)


def _from_array(array: Array, n: int | None) -> Raw:
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
        return _from_frame(pd.DataFrame({"source": pairs[0], "target": pairs[1]}), "weight", None)
    source, target = _edge_rows(torch.from_numpy(np.ascontiguousarray(pairs)))
    directed = None if array.shape[0] == 2 else False
    return Raw(source, target, _count(source, target, n), directed)


def _from_pairs(pairs: Iterable[Any]) -> Raw:
    rows = list(pairs)
    widths = {len(row) if isinstance(row, (list, tuple)) else 0 for row in rows}
    if not rows or len(widths) != 1 or not widths <= {2, 3}:
        raise GraphError(
            "a list of edges must hold (source, target) or (source, target, weight) tuples"
        )
    names = ["source", "target", "weight"][: widths.pop()]
    return _from_frame(pd.DataFrame(rows, columns=names), "weight", None)


def _edge_rows(edge_index: Tensor) -> tuple[Array, Array]:
    if edge_index.dim() != 2 or edge_index.shape[0] != 2:
        raise GraphError(f"edge_index must have shape (2, E), found {tuple(edge_index.shape)}")
    if edge_index.is_floating_point() or edge_index.is_complex():
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
    n = int(high) + 1 if n is None else n
    if low < 0 or high >= n:
        found = low if low < 0 else high
        raise GraphError(f"edges must join nodes 0..{n - 1} (num_nodes={n}), found node {found}")
    return n


def _edge_attribute(attributes: list[dict[str, Any]], name: str, fill: Any = None) -> Any:
    held = sum(name in each for each in attributes)
    if fill is not None:
        return [each.get(name, fill) for each in attributes] if held else None
    if held < len(attributes):
        raise GraphError(f"{len(attributes) - held} edges lack the attribute {name!r}")
    return [each[name] for each in attributes]


def _node_attribute(wanted: Any, collect: Any) -> Any:
    if not isinstance(wanted, str):
        return None
    values = collect(wanted)
    if values is None or all(value is None for value in values):
        raise GraphError(f"no node has the attribute {wanted!r}")
    return values


def _ids(ids: Any) -> Array | None:
    """Node ids as an array: integers, text or objects; None where they are just 0..N−1."""
    if isinstance(ids, (pd.Index, np.ndarray)) and ids.dtype.kind in "iu":
        array = np.asarray(ids, dtype=np.int64)
        return None if np.array_equal(array, np.arange(len(array))) else array
    listed = list(ids)
    if all(type(value) is int for value in listed):
        return _ids(np.asarray(listed, dtype=np.int64))
    if all(isinstance(value, str) for value in listed):
        return np.asarray(listed, dtype=np.str_)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
