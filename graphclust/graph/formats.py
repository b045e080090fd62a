"""Graphs from files, by their ending. Where networkx, pandas or scipy read a format, they do it.

| ending | what |
| --- | --- |
| .csv .tsv .txt .edges .edgelist, also with .gz or .zst | edge list (`edgelists`) |
| .parquet, or a folder with edges and vertices | edge table; GraphFrames (extra `parquet`) |
| .graphml .gml | networkx; ids are its node names, text in these formats, and weights `weight` |
| .net | Pajek (`pajek`) |
| .graph .metis | METIS: undirected, nodes are 0..N−1 |
| .mtx | Matrix Market: a square matrix, undirected where it is symmetric; nodes are 0..N−1 |
| .npz | graphclust's own (`files`) |
| .safetensors | graphclust's own, mapped and not read, for large graphs (`arrays`) |
"""

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from torch_geometric.data import Data

from graphclust.graph.arrays import read_arrays
from graphclust.graph.convert import as_graph, finish
from graphclust.graph.edgelists import read_edges
from graphclust.graph.errors import GraphError, GraphWarning, warn
from graphclust.graph.files import read_npz
from graphclust.graph.pajek import read_pajek
from graphclust.graph.raw import Raw
from graphclust.graph.tables import open_file, read_edge_parquet, read_node_table, read_parquet
from graphclust.kernels.sparse import coalesce, is_symmetric

EDGE_LISTS = (".csv", ".tsv", ".txt", ".edges", ".edgelist")
PACKED = (".gz", ".zst")


def read_graph(
    path: str | Path,
    *,
    directed: bool | None = None,
    nodes: str | Path | None = None,
    time: str | None = None,
) -> Data:
    """Read a graph from a file by its ending.

    Args:
        path: the file; or a folder that holds `edges` and `vertices` (GraphFrames).
        directed: for formats that do not say (edge lists, parquet): undirected by default.
        nodes: a node table beside an edge list or parquet file.
        time: there, the column of event times, where it is not named time, t or timestamp; in
            .graphml and .gml the attribute of edges that holds them.

    Raises:
        FileNotFoundError: no such file.
        GraphError: unknown ending, or a file that is broken.
    """
    path = Path(path)
    if not path.exists():
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise FileNotFoundError(f"no file {path}{where}")
    try:
        return _read(path, directed, nodes, time)
    except GraphError as error:
        where = path.name if nodes is None else f"{path.name} with {Path(nodes).name}"
        known = path.name in str(error)
        raise error if known else GraphError(f"{where}: {error}") from None


def _read(path: Path, directed: bool | None, nodes: str | Path | None, time: str | None) -> Data:
    if path.is_dir() and path.suffix != ".parquet":
        return _read_graphframe(path, directed)
    suffix = ending(path)
    if suffix in EDGE_LISTS or suffix == ".parquet":
        table = None if nodes is None else read_node_table(nodes)
        if suffix == ".parquet":
            return as_graph(read_edge_parquet(path), directed=directed, nodes=table, time=time)
        return read_edges(path, directed=directed, nodes=table, time=time)
    if nodes is not None:
        raise GraphError("a node table goes with an edge list or parquet file")
    if time is not None and suffix not in TIMED:
        raise GraphError(f"time goes with an edge list, parquet, {' or '.join(TIMED)} file")
    if suffix not in READERS:
        known = ", ".join((*EDGE_LISTS, ".parquet", *READERS))
        raise GraphError(f"unknown ending {suffix!r}; accepted: {known}")
    try:
        return READERS[suffix](path) if time is None else TIMED[suffix](path, time)
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
        read_edge_parquet(found["edges"]),
        directed=True if directed is None else directed,
        nodes=table,
    )


def _read_graphml(path: Path, time: str | None = None) -> Data:
    """One graph of plain nodes; networkx would pass over what it does not know."""
    from xml.etree.ElementTree import iterparse

    import networkx as nx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of keys without a type
        g = nx.read_graphml(path)
    elements = (element for _, element in iterparse(path))
    listed = Counter(e.get("id") for e in elements if e.tag.rpartition("}")[2] == "node")
    if twice := [node for node, times in listed.items() if times > 1]:
        raise GraphError(f"two nodes have the id {twice[0]!r}")
    if strange := [node for node in g if node not in listed]:
        raise GraphError(f"an edge joins the node {strange[0]!r}, which is not listed")
    if len(listed) > len(g):
        raise GraphError("more than one graph, or graphs within nodes; only one graph can be read")
    return as_graph(g, time=time)


def _read_gml(path: Path, time: str | None = None) -> Data:
    """By label, or by id where nodes have no label or two have the same."""
    import networkx as nx

    try:
        return as_graph(nx.read_gml(path), time=time)
    except nx.NetworkXError as error:
        twice = "node label" in str(error) and "duplicated" in str(error)
        if "no 'label' attribute" not in str(error) and not twice:
            raise
        if twice:
            warn("two nodes have the same label, so ids are the numbers in the file")
        return as_graph(nx.read_gml(path, label="id"), time=time)


def _read_matrix_market(path: Path) -> Data:
    from scipy.io import mmread

    return as_graph(sp.coo_array(mmread(path)))  # a dense one is an adjacency matrix, too


def _read_metis(path: Path) -> Data:
    """METIS: a line `n m [fmt [ncon]]`, then for each node its neighbours, counted from 1.

    fmt is three digits: node sizes, node weights (`ncon` of them), edge weights. Sizes and node
    weights are read over.
    """
    with open_file(path) as file:
        lines = [line.split() for line in file if not line.lstrip().startswith(b"%")]
    if not lines:
        raise GraphError(
            "the file is empty; its first line must hold the numbers of nodes and edges"
        )
    n, m, *more = (int(value) for value in lines[0])
    kind = f"{more[0] if more else 0:03d}"
    skip = (kind[0] == "1") + (more[1] if len(more) > 1 else 1) * (kind[1] == "1")
    step = 2 if kind[2] == "1" else 1
    rows = lines[1 : n + 1]
    if len(rows) < n or any(lines[n + 1 :]):
        raise GraphError(f"the first line promises {n} nodes, found {len(lines) - 1} lines")
    cells = [np.array(row[skip:], dtype=float) for row in rows]
    source = np.repeat(np.arange(n), [len(row[::step]) for row in cells])
    neighbours = np.concatenate([row[::step] for row in cells])
    target = neighbours.astype(np.int64) - 1
    weight = np.concatenate([row[1::2] for row in cells]) if step == 2 else None
    if len(target) != 2 * m:
        raise GraphError(f"the first line promises {m} edges, found {len(target) / 2:g}")
    strange = neighbours[(neighbours < 1) | (neighbours > n) | (neighbours % 1 != 0)]
    if len(strange):
        raise GraphError(f"neighbours must be 1..{n}, found {strange[0]:g}")
    if not is_symmetric(*coalesce(source, target, weight, n), n):
        raise GraphError("each edge must be listed by both its nodes, with the same weight")
    return finish(Raw(source, target, n, directed=False, weight=weight))


READERS: dict[str, Callable[[Path], Data]] = {
    ".graphml": _read_graphml,
    ".gml": _read_gml,
    ".net": read_pajek,
    ".graph": _read_metis,
    ".metis": _read_metis,
    ".mtx": _read_matrix_market,
    ".npz": read_npz,
    ".safetensors": read_arrays,
}
TIMED: dict[str, Callable[[Path, str], Data]] = {".graphml": _read_graphml, ".gml": _read_gml}
