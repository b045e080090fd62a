"""as_graph: anything that holds a graph in memory becomes one checked PyG `Data`."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError, count, warn
from graphclust.graph.features import classes, features
from graphclust.graph.moments import are_dates, nanoseconds
from graphclust.graph.raw import Raw, id_array
from graphclust.graph.readers import read
from graphclust.kernels.sparse import (
    Edges,
    coalesce,
    is_coalesced,
    is_symmetric,
    mirror,
    mirror_weights,
)

Array = NDArray[Any]
MAX_NODES = 3_000_000_000  # beyond, the number of a pair of nodes outgrows 64 bits


def as_graph(
    graph: Any,
    *,
    x: Any = None,
    y: Any = None,
    weight: str | None = None,
    time: str | None = None,
    directed: bool | None = None,
    num_nodes: int | None = None,
    nodes: Any = None,
) -> Data:
    """Turn `graph` into a PyG `Data` that every method understands; the input is left alone.

    Args:
        graph: PyG `Data` or `TemporalData`; networkx graph of any of the four kinds; igraph graph;
            square scipy sparse, NumPy or torch adjacency; (2, E) edge index or (E, 2) edge list
            (whole numbers are node positions, text is ids); list of (source, target[, weight])
            tuples; pandas frame with columns source, target[, weight][, time].
        x: (N, F) features in node order, dense or sparse, or the name of a node attribute.
        y: (N,) classes (−1: unknown) or (N, C) multi-label truth, or the name of a node attribute.
        weight: name of the edge attribute or column that holds weights; by default `weight` (in a
            Data `edge_weight`), where there is one.
        time: name of the edge attribute or column that holds event times: numbers, or dates
            (datetimes, or text of ISO 8601; those without a zone are in UTC); in a Data `t`, or
            `time` with one value an arc, by default.
        directed: None lets the input decide: networkx and igraph say so themselves; matrices and
            edge indices are directed unless symmetric; frames and lists of pairs are undirected.
            True makes two arcs of each edge of an undirected networkx or igraph graph, and of each
            undirected event.
        num_nodes: number of nodes of an edge array, where trailing nodes are isolated.
        nodes: with a frame of edges, a frame that describes the nodes: a column id (or node, name),
            optionally label (or class, y), all others attributes that become `x` (numbers as they
            are, texts as one column a category). Ids on one side only are counted in a warning.

    Returns:
        `Data` with int64 `edge_index` sorted by (source, target), without repeats and self-loops,
        holding both directions of every edge iff `directed` is False; `num_nodes`; `directed`;
        and where they apply `edge_weight` (float32 stays, all else becomes float64), `x`
        (float32, dense or CSR), `y` (int64), `node_ids` (array; absent when they are 0..N−1).
        With event times: `t` (E,) and the events in time order, each once, repeats kept; of dates
        `t` are nanoseconds since 1970, and `dated` is True.
        Storage is shared with the input where nothing had to change.

    Repeated edges: weights are summed; without weights an edge counts once, except that in a
    multigraph its multiplicity becomes its weight. A list that holds every undirected edge in both
    directions with one weight is read as holding it once. Repeats (of a simple graph), self-loops
    and zero weights are named in one `GraphWarning` each.

    Raises:
        GraphError: no nodes; nodes out of bounds; NaN or infinite weights, times or features;
            wrong shapes or dtypes; each with what was found.
        TypeError: not a graph (a name or path goes through `graphclust.load`).
    """
    if directed is not None and not isinstance(directed, (bool, np.bool_)):
        raise TypeError(f"directed must be True, False or None, found {directed!r}")
    raw = read(graph, weight=weight, time=time, x=x, y=y, n=num_nodes, nodes=nodes)
    raw.directed = raw.directed if directed is None else bool(directed)
    raw.x = raw.x if x is None or isinstance(x, str) else x
    raw.y = raw.y if y is None or isinstance(y, str) else y
    return finish(raw)


def finish(raw: Raw) -> Data:
    """Check and clean what a reader found."""
    if raw.num_nodes < 1:
        raise GraphError("the graph has no nodes")
    if raw.num_nodes > MAX_NODES:
        raise GraphError(f"at most {MAX_NODES:,} nodes can be numbered, found {raw.num_nodes:,}")
    if raw.node_ids is not None:
        raw.node_ids = _checked_ids(raw.node_ids, raw.num_nodes)
    raw.weight = None if raw.weight is None else _numbers(raw.weight, "weight", raw)
    dated = raw.t is not None and not torch.is_tensor(raw.t) and are_dates(np.asarray(raw.t))
    if dated:
        raw.t = nanoseconds(np.asarray(raw.t))
    raw.t = None if raw.t is None else _numbers(raw.t, "time", raw)
    _drop_loops(raw)
    if raw.once and raw.directed:
        raw.add_mirrored()
    data = Data(num_nodes=raw.num_nodes)
    if dated:
        data.dated = True
    source, target, weight = _events(raw, data) if raw.t is not None else _static(raw, data)
    if weight is not None and not weight.all():
        kept = weight != 0
        gone = int((~kept).sum()) // (1 if data.directed or raw.t is not None else 2)
        warn(f"{count(gone, 'edge')} of weight 0 dropped")
        source, target, weight = source[kept], target[kept], weight[kept]
        if raw.t is not None:
            data.t = data.t[torch.from_numpy(kept)]
    data.edge_index = torch.from_numpy(_two_rows(source, target))
    if weight is not None:
        data.edge_weight = torch.from_numpy(weight if weight.flags.writeable else weight.copy())
    if raw.x is not None:
        data.x = features(raw.x, raw.num_nodes)
    if raw.y is not None:
        data.y = classes(raw.y, raw.num_nodes)
    if raw.node_ids is not None:
        data.node_ids = raw.node_ids
    return data


def _two_rows(source: Array, target: Array) -> Array:
    """(2, A) int64; where the two are the rows of one such array already, that array."""
    rows = source.base
    if (
        isinstance(rows, np.ndarray)
        and rows is target.base
        and rows.flags.c_contiguous
        and rows.shape == (2, len(source))
        and all(
            a.__array_interface__ == b.__array_interface__
            for a, b in zip(rows, (source, target), strict=True)
        )
    ):
        return rows if rows.flags.writeable else rows.copy()
    return np.stack([source, target])


def _events(raw: Raw, data: Data) -> Edges:
    """Events in time order; equal times keep the order in which they came."""
    order = np.argsort(raw.t, kind="stable")
    data.directed = raw.directed is not False
    data.t = torch.from_numpy(raw.t[order])
    weight = None if raw.weight is None else raw.weight[order]
    return raw.source[order], raw.target[order], weight


def _static(raw: Raw, data: Data) -> Edges:
    """Coalesced edges, both directions of each where the graph is undirected."""
    n, given = raw.num_nodes, len(raw.source)
    weight = np.ones(given) if raw.weight is None and raw.multi else raw.weight
    listed = (raw.source, raw.target, weight)
    if raw.directed is False:
        edges, repeats = _undirected(*listed, n, raw.multi)
    else:
        edges = listed if is_coalesced(raw.source, raw.target, n) else coalesce(*listed, n)
        repeats = given - len(edges[0])
    if raw.directed is None:
        edges = _rounded(*edges, n)
    data.directed = not is_symmetric(*edges, n) if raw.directed is None else bool(raw.directed)
    if repeats and not raw.multi:
        warn(f"{count(repeats, 'repeated edge')} {'dropped' if weight is None else 'added up'}")
    return edges


def _rounded(source: Array, target: Array, weight: Array | None, n: int) -> Edges:
    """Weights that are symmetric but for rounding, made symmetric."""
    mirrored = None if weight is None else mirror_weights(source, target, weight, n)
    if weight is None or mirrored is None or np.array_equal(weight, mirrored):
        return source, target, weight
    if not np.allclose(weight, mirrored, rtol=1e-6, atol=0):
        return source, target, weight
    warn("weights symmetric but for rounding were read as undirected, each the mean of both")
    return source, target, (weight + mirrored) / 2


def _undirected(
    source: Array, target: Array, weight: Array | None, n: int, multi: bool
) -> tuple[Edges, int]:
    """Both directions of every edge, and how many entries of the list were repeats."""
    if is_coalesced(source, target, n) and is_symmetric(source, target, weight, n) and not multi:
        return (source, target, weight), 0
    once = coalesce(source, target, weight, n, undirected=True)
    repeats = len(source) - len(once[0])
    if 2 * len(once[0]) <= len(source) and not multi:  # is every edge listed in both directions?
        arcs = coalesce(source, target, weight, n)
        if is_symmetric(*arcs, n):
            return arcs, len(source) - len(arcs[0])
    return mirror(*once, n), repeats


def _drop_loops(raw: Raw) -> None:
    keep = raw.source != raw.target
    if not keep.all():
        warn(f"{count(int((~keep).sum()), 'self-loop')} dropped")
        raw.source, raw.target = raw.source[keep], raw.target[keep]
        raw.weight = None if raw.weight is None else raw.weight[keep]
        raw.t = None if raw.t is None else raw.t[keep]


def _checked_ids(ids: Any, n: int) -> Array | None:
    ids = id_array(ids)
    if ids is None:
        return None
    if len(ids) != n:
        raise GraphError(f"node_ids must hold one id for each of the {n} nodes, found {len(ids)}")
    if (twice := pd.Index(ids).duplicated()).any():
        raise GraphError(f"two nodes have the id {ids[twice].tolist()[0]!r}")
    return ids


def _numbers(values: Any, what: str, raw: Raw) -> Array:
    """Weights or times as numbers: float32 stays, weights else float64, whole times int64."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    array = np.asarray(values)
    kind = "a number or a date (ISO 8601)" if what == "time" else "a number"
    if array.dtype.kind in "OU":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            bad = next(v for v in array.tolist() if not _is_number(v))
            raise GraphError(f"{what} must be {kind} for every edge, found {bad!r}") from None
    if array.dtype.kind not in "biuf":
        raise GraphError(f"{what} must be {kind} for every edge, found {array.dtype}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != raw.source.shape:
        raise GraphError(
            f"{what} must have one value for each of the {len(raw.source)} edges, "
            f"found shape {array.shape}"
        )
    if array.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(array))
        if len(bad):
            raise GraphError(
                f"{what} must be finite, found {len(bad)} NaN or infinite values, "
                f"the first at edge {bad[0]}; drop or replace them first"
            )
        return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
    return array.astype(np.int64 if what == "time" else np.float64)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
