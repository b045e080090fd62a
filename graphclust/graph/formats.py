"""Graphs from files, by their ending. Where networkx, pandas or scipy read a format, they do it.

| ending | what |
| --- | --- |
| .csv .tsv .txt .edges .edgelist, also with .gz or .zst | edge list (`edgelists`) |
| .parquet, or a folder with edges and vertices | edge table; GraphFrames (extra `parquet`) |
| .graphml .gml .net | networkx; ids are its node names, weights its `weight` |
| .graph .metis | METIS |
| .mtx | Matrix Market: a square matrix |
| .npz | graphclust's own (`files`) |
| .safetensors | graphclust's own, mapped and not read, for large graphs (`arrays`) |
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch_geometric.data import Data

from graphclust.graph.arrays import read_arrays, write_arrays
from graphclust.graph.convert import as_graph, finish
from graphclust.graph.edgelists import (
    need_pyarrow,
    open_file,
    read_edges,
    read_node_table,
    read_parquet,
)
from graphclust.graph.errors import GraphError, GraphWarning, count, warn
from graphclust.graph.export import edges_once, is_temporal, node_ids, to_networkx
from graphclust.graph.files import atomic, read_npz, write_npz
from graphclust.graph.raw import Array, Raw

EDGE_LISTS = (".csv", ".tsv", ".txt", ".edges", ".edgelist")
PACKED = (".gz", ".zst")


def read_graph(
    path: str | Path, *, directed: bool | None = None, nodes: str | Path | None = None
) -> Data:
    """Read a graph from a file by its ending.

    Args:
        path: the file; or a folder that holds `edges` and `vertices` (GraphFrames).
        directed: for formats that do not say (edge lists, parquet): undirected by default.
        nodes: a node table beside an edge list or parquet file.

    Raises:
        FileNotFoundError: no such file.
        GraphError: unknown ending, or a file that is broken.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    try:
        return _read(path, directed, nodes)
    except GraphError as error:
        known = path.name in str(error)
        raise error if known else GraphError(f"{path.name}: {error}") from None


def _read(path: Path, directed: bool | None, nodes: str | Path | None) -> Data:
    if path.is_dir() and path.suffix != ".parquet":
        return _read_graphframe(path, directed)
    suffix = ending(path)
    if suffix in EDGE_LISTS or suffix == ".parquet":
        table = None if nodes is None else read_node_table(nodes)
        if suffix == ".parquet":
            return as_graph(read_parquet(path), directed=directed, nodes=table)
        return read_edges(path, directed=directed, nodes=table)
    if nodes is not None:
        raise GraphError("a node table goes with an edge list or parquet file")
    if suffix not in READERS:
        known = ", ".join((*EDGE_LISTS, ".parquet", *READERS))
        raise GraphError(f"unknown ending {suffix!r}; accepted: {known}")
    try:
        return READERS[suffix](path)
    except (GraphError, GraphWarning):
        raise
    except Exception as error:  # each library fails in its own ways on a broken file
        raise GraphError(f"no readable {suffix} file: {error}") from None


def ending(path: Path) -> str:
    """The ending that tells the format: `.csv` for both a.csv and a.csv.gz."""
    packed = path.suffix in PACKED and Path(path.stem).suffix in EDGE_LISTS
    return (Path(path.stem) if packed else path).suffix.lower()


def is_graph_file(name: str) -> bool:
    """Does the name look like a file rather than like a data set?"""
    return ending(Path(name)) in (*EDGE_LISTS, ".parquet", *READERS)


def _read_graphframe(folder: Path, directed: bool | None) -> Data:
    found = {}
    for part in ("edges", "vertices"):
        names = [folder / part, folder / f"{part}.parquet"]
        found[part] = next((name for name in names if name.exists()), None)
    if found["edges"] is None:
        raise GraphError(f"{folder} is a folder without edges or edges.parquet")
    table = None if found["vertices"] is None else read_parquet(found["vertices"])
    return as_graph(
        read_parquet(found["edges"]), directed=True if directed is None else directed, nodes=table
    )


def _networkx(reader: str, **options: Any) -> Callable[[Path], Data]:
    def read(path: Path) -> Data:
        import networkx as nx

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return as_graph(getattr(nx, reader)(path, **options))

    return read


def _read_gml(path: Path) -> Data:
    """By label, or by id where nodes have no label."""
    import networkx as nx

    try:
        return as_graph(nx.read_gml(path))
    except nx.NetworkXError as error:
        if "no 'label' attribute" not in str(error) and "duplicated" not in str(error):
            raise
        return as_graph(nx.read_gml(path, label="id"))


def _read_matrix_market(path: Path) -> Data:
    from scipy.io import mmread

    return as_graph(mmread(path))


def _read_metis(path: Path) -> Data:
    """METIS: a line `n m [fmt [ncon]]`, then for each node its neighbours, counted from 1.

    fmt is three digits: node sizes, node weights (`ncon` of them), edge weights. Sizes and node
    weights are read over.
    """
    with open_file(path) as file:
        lines = [line.split() for line in file if not line.lstrip().startswith(b"%")]
    n, m, *more = (int(value) for value in lines[0])
    kind = f"{more[0] if more else 0:03d}"
    skip = (kind[0] == "1") + (more[1] if len(more) > 1 else 1) * (kind[1] == "1")
    step = 2 if kind[2] == "1" else 1
    rows = lines[1 : n + 1]
    if len(rows) < n or any(lines[n + 1 :]):
        raise GraphError(f"the first line promises {n} nodes, found {len(lines) - 1} lines")
    cells = [np.array(row[skip:], dtype=float) for row in rows]
    source = np.repeat(np.arange(n), [len(row[::step]) for row in cells])
    target = np.concatenate([row[::step] for row in cells]).astype(np.int64) - 1
    weight = np.concatenate([row[1::2] for row in cells]) if step == 2 else None
    if len(target) != 2 * m:
        raise GraphError(f"the first line promises {m} edges, found {len(target) / 2:g}")
    if len(target) and (target.min() < 0 or target.max() >= n):
        raise GraphError(f"neighbours must be 1..{n}")
    return finish(Raw(source, target, n, directed=False, weight=weight))


LABEL_FORMATS = (".csv", ".tsv", ".json", ".parquet", ".graphml")


def write_labels(graph: Data, labels: Array, path: str | Path) -> None:
    """Write `node,cluster` by the user's ids: a table, or (.graphml) the graph with `cluster`.

    Atomic: the file is whole or not there.

    Raises:
        GraphError: an ending that is none of LABEL_FORMATS, or .parquet without pyarrow.
    """
    path = Path(path)
    if path.suffix not in LABEL_FORMATS:
        raise GraphError(f"{path.name}: the ending must be one of {', '.join(LABEL_FORMATS)}")
    table = pd.DataFrame({"node": node_ids(graph), "cluster": labels})
    with atomic(path) as temporary:
        if path.suffix == ".graphml":
            import networkx as nx

            g = to_networkx(graph)
            clusters = dict(zip(node_ids(graph).tolist(), labels.tolist(), strict=True))
            nx.set_node_attributes(g, clusters, "cluster")
            nx.write_graphml(g, temporary)
        else:
            _write_table(table, temporary, path.suffix)


def _write_table(table: pd.DataFrame, path: Path, form: str) -> None:
    if form == ".parquet":
        need_pyarrow(path)
        table.to_parquet(path, index=False)
    elif form == ".json":
        table.to_json(path, orient="records", force_ascii=False)
    else:
        table.to_csv(path, index=False, sep="\t" if form == ".tsv" else ",")


WHOLE_GRAPH = (".safetensors", ".npz")
EDGES_ONLY = (".csv", ".tsv", ".parquet")
GRAPH_FORMATS = (*WHOLE_GRAPH, *EDGES_ONLY, ".graphml")


def save(graph: Any, path: str | Path) -> None:
    """Write a graph (anything `as_graph` takes) so that `load` reads it; atomic.

    `.safetensors` and `.npz` keep everything, and the first opens at once however large it is;
    `.csv`, `.tsv` (also with .gz) and `.parquet` keep edges, weights and times by the user's ids,
    `.graphml` also single-label classes as `y`. What is left out is named in a `GraphWarning`.

    Raises:
        GraphError: an ending that is none of GRAPH_FORMATS; ids that are neither whole numbers nor
            text; .parquet without pyarrow.
    """
    path, data = Path(path), as_graph(graph)
    form = ending(path)
    if form not in GRAPH_FORMATS:
        raise GraphError(f"{path.name}: the ending must be one of {', '.join(GRAPH_FORMATS)}")
    if form in WHOLE_GRAPH:
        (write_arrays if form == ".safetensors" else write_npz)(data, path)
        return
    if lost := _left_out(data, form):
        warn(f"{path.suffix} cannot hold {' and '.join(lost)}; .safetensors and .npz can")
    with atomic(path) as temporary:
        if form == ".graphml":
            import networkx as nx

            nx.write_graphml(to_networkx(data), temporary)
        else:
            _write_table(edge_table(data), temporary, form)


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


def edge_table(graph: Data) -> pd.DataFrame:
    """`source`, `target` and where there are any `weight`, `time`, by the user's ids."""
    source, target, weight = edges_once(graph)
    ids = node_ids(graph)
    table = pd.DataFrame({"source": ids[source], "target": ids[target]})
    if weight is not None:
        table["weight"] = weight
    if is_temporal(graph):
        table["time"] = graph.t.numpy()
    return table


READERS: dict[str, Callable[[Path], Data]] = {
    ".graphml": _networkx("read_graphml"),
    ".gml": _read_gml,
    ".net": _networkx("read_pajek"),
    ".graph": _read_metis,
    ".metis": _read_metis,
    ".mtx": _read_matrix_market,
    ".npz": read_npz,
    ".safetensors": read_arrays,
}
