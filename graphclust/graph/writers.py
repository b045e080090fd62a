"""Graphs and labels written to files, by the user's ids; every file is whole or not there."""

import csv
import re
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from torch_geometric.data import Data

from graphclust.graph.arrays import write_arrays
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError, count, warn
from graphclust.graph.export import edges_once, is_temporal, node_ids, to_networkx
from graphclust.graph.files import atomic, write_npz
from graphclust.graph.formats import ending
from graphclust.graph.moments import moments_of
from graphclust.graph.raw import Array
from graphclust.graph.tables import need_pyarrow

LABEL_FORMATS = (".csv", ".tsv", ".json", ".parquet", ".graphml")
WHOLE_GRAPH = {".safetensors": write_arrays, ".npz": write_npz}
EDGES_ONLY = (".csv", ".tsv", ".parquet")
GRAPH_FORMATS = (*WHOLE_GRAPH, *EDGES_ONLY, ".graphml")
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def save(graph: Any, path: str | Path) -> None:
    """Write a graph (anything `as_graph` takes) so that `load` reads it.

    `.safetensors` and `.npz` keep everything, and the first opens at once however large it is;
    `.csv`, `.tsv` (also with .gz) and `.parquet` keep edges, weights and times by the user's ids,
    `.graphml` also single-label classes, as a node attribute `y` that `load` does not read, and
    times as `t`, which `load(path, time="t")` reads; ids in GraphML are text, whatever they were.
    What is left out is named in a `GraphWarning`.

    Raises:
        GraphError: an ending that is none of GRAPH_FORMATS, .parquet without pyarrow, ids that
            the format cannot hold, or a table of no edges.
    """
    path, data = Path(path), as_graph(graph)
    form = ending(path)
    if form not in GRAPH_FORMATS or path.suffix == ".zst":
        raise GraphError(f"{path.name}: the ending must be one of {', '.join(GRAPH_FORMATS)}")
    if form in WHOLE_GRAPH:
        WHOLE_GRAPH[form](data, path)
        return
    ids = writable_ids(node_ids(data), path, form)
    if form in EDGES_ONLY:
        _refuse_what_no_table_holds(data, ids, path, form)
    if lost := _left_out(data, form):
        warn(f"{form} cannot hold {' and '.join(lost)}; .safetensors and .npz can")
    with atomic(path) as temporary:
        if form == ".graphml":
            nx.write_graphml(to_networkx(data), temporary)
        else:
            write_table(edge_table(data, ids), temporary, form)


def _left_out(graph: Data, form: str) -> list[str]:
    table = form in EDGES_ONLY
    parts = [] if graph.x is None else ["features"]
    if graph.y is not None and (table or graph.y.dim() > 1):
        parts.append("classes")
    if table and (alone := graph.num_nodes - len(np.unique(graph.edge_index.numpy()))):
        parts.append(count(alone, "isolated node"))
    if table and graph.directed:
        parts.append("that edges are directed")
    return parts


def _refuse_what_no_table_holds(graph: Data, ids: Array, path: Path, form: str) -> None:
    if graph.edge_index.shape[1] == 0:
        raise GraphError(f"{path.name}: a table of edges cannot hold a graph without edges")
    if form == ".parquet" or ids.dtype.kind != "U":
        return
    for node in ids.tolist():
        if node != node.strip(" \t") or not node:
            raise GraphError(
                f"{path.name}: {form} cannot hold the id {node!r}: it is empty or has a space at "
                "an end, which readers take off; .parquet can"
            )


def edge_table(graph: Data, ids: Array) -> pd.DataFrame:
    """`source`, `target` and where there are any `weight`, `time`; node i is called `ids[i]`."""
    source, target, weight = edges_once(graph)
    table = pd.DataFrame({"source": ids[source], "target": ids[target]})
    if weight is not None:
        table["weight"] = weight
    if is_temporal(graph):
        table["time"] = moments_of(graph, graph.t)
    return table


def write_labels(graph: Data, labels: Array, path: str | Path) -> None:
    """Write `node,cluster` by the user's ids: a table, or (.graphml) the graph with `cluster`.

    JSON and parquet keep whole numbers apart from text; the others hold text alone, and parquet
    does where there are ids of several types.

    Raises:
        GraphError: an ending that is none of LABEL_FORMATS, .parquet without pyarrow, or ids that
            the format cannot hold.
    """
    path = Path(path)
    if path.suffix not in LABEL_FORMATS:
        raise GraphError(f"{path.name}: the ending must be one of {', '.join(LABEL_FORMATS)}")
    ids = writable_ids(node_ids(graph), path, path.suffix)
    with atomic(path) as temporary:
        if path.suffix == ".graphml":
            g = to_networkx(graph)
            clusters = dict(zip(node_ids(graph).tolist(), labels.tolist(), strict=True))
            nx.set_node_attributes(g, clusters, "cluster")
            nx.write_graphml(g, temporary)
        else:
            write_table(pd.DataFrame({"node": ids, "cluster": labels}), temporary, path.suffix)


def write_table(table: pd.DataFrame, path: Path, form: str) -> None:
    if form == ".parquet":
        need_pyarrow(path)
        table.to_parquet(path, index=False)
    elif form == ".json":
        table.to_json(path, orient="records", force_ascii=False)
    else:
        # a lone carriage return ends a line for most readers, a line that begins with # or % is a
        # comment, and csv would not quote them
        texts = table.select_dtypes(exclude=["number", "datetime"])
        risky = any(texts[name].str.contains(r"\r|^[#%]").any() for name in texts)
        quoting = csv.QUOTE_NONNUMERIC if risky else csv.QUOTE_MINIMAL
        table.to_csv(path, index=False, sep="\t" if form == ".tsv" else ",", quoting=quoting)


def writable_ids(ids: Array, path: Path, form: str) -> Array:
    if ids.dtype == object and form != ".json":
        texts = np.array([str(node) for node in ids])
        if (twice := pd.Index(texts).duplicated()).any():
            raise GraphError(
                f"{path.name}: two nodes are called {texts[twice][0]} when ids are written as "
                "text; rename one of them"
            )
        ids = texts
    if form == ".graphml" and ids.dtype.kind == "U":
        for node in ids.tolist():
            if bad := NOT_XML.search(node):
                raise GraphError(f"{path.name}: GraphML cannot hold {bad[0]!r}, found in {node!r}")
    return ids
