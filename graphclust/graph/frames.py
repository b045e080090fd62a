"""Edge tables (pandas frames), with or without a table of nodes beside them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from graphclust.graph.errors import GraphError, warn
from graphclust.graph.nodes import place, split_table
from graphclust.graph.numbering import number
from graphclust.graph.raw import Raw, id_array

COLUMNS = {
    "source": ("source", "src", "from", "u"),
    "target": ("target", "dst", "to", "v"),
    "weight": ("weight",),
    "time": ("time", "t", "timestamp"),
}


def from_frame(
    frame: pd.DataFrame, weight: str | None, time: str | None, nodes: pd.DataFrame | None = None
) -> Raw:
    if missing := [w for w in ("source", "target") if column_named(frame.columns, w) is None]:
        raise GraphError(
            f"an edge table needs the columns source and target (or src/dst, from/to, u/v); "
            f"{' and '.join(missing)} not found among {list(frame.columns)}"
        )
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise GraphError(f"an edge table has two columns {twice!r}")
    for option, name in (("weight", weight), ("time", time)):
        if name and name not in frame.columns:
            raise GraphError(f"{option}={name!r} is no column; found {list(frame.columns)}")
    weight, time = (
        weight or column_named(frame.columns, "weight"),
        time or column_named(frame.columns, "time"),
    )
    ends = [frame[column_named(frame.columns, which)] for which in ("source", "target")]
    for series in ends:
        if series.isna().any():
            at = int(np.flatnonzero(series.isna())[0])
            raise GraphError(f"column {series.name!r} has no node id in row {at} (counted from 0)")
    if nodes is not None:
        ends.append(split_table(nodes)[0])
    ends = _spelled_alike(ends)
    codes, ids = number(_one_column(ends))
    source, target, rows = np.split(codes, [len(frame), 2 * len(frame)])
    x = y = None
    if nodes is not None:
        in_edges = np.zeros(len(ids), bool)
        in_edges[source] = in_edges[target] = True
        x, y = place(nodes, rows, len(ids), in_edges)
    used = {*(column_named(frame.columns, end) for end in ("source", "target")), weight, time}
    if unused := [str(column) for column in frame.columns if column not in used]:
        warn(f"columns that were not read: {', '.join(unused)}")
    return Raw(
        source,
        target,
        num_nodes=len(ids),
        directed=False,
        weight=frame[weight].to_numpy() if weight else None,
        t=frame[time].to_numpy() if time else None,
        node_ids=id_array(ids),
        x=x,
        y=y,
    )


def _spelled_alike(ends: list[Any]) -> list[Any]:
    """Ids of edges and of a node table in one spelling: 7 and 7.0 are one node, 7 and "7" too.

    pandas makes a column with a missing value one of floats, and it stays so without that row.
    """
    is_float = pd.api.types.is_float_dtype
    whole = all(_whole(end) for end in ends if is_float(end))
    alike = [end.astype(np.int64) if whole and is_float(end) else end for end in ends]
    if all(pd.api.types.is_numeric_dtype(end) for end in ends):
        return alike
    texts = len(ends) > 2 and any(pd.api.types.is_integer_dtype(end) for end in ends)
    return [end.astype(str) for end in alike] if texts else ends


def _whole(column: Any) -> bool:
    values = column.to_numpy(np.float64)
    return bool((values == np.rint(values)).all() and (np.abs(values) < 2**53).all())


def _one_column(ends: list[Any]) -> Any:
    """All ids below each other; categories stay if they are the same, else what they stand for."""
    if any(end.dtype != ends[0].dtype for end in ends):
        kinds = [getattr(end.dtype, "categories", end).dtype for end in ends]
        ends = [end.astype(kind) for end, kind in zip(ends, kinds, strict=True)]
    return pd.concat(ends, ignore_index=True)


def column_named(columns: Sequence[Any], which: str) -> Any:
    """The column that holds `which` of source, target, time under any usual name, or None."""
    lower = {str(column).lower(): column for column in reversed(columns)}
    return next((lower[name] for name in COLUMNS[which] if name in lower), None)
