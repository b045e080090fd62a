"""graphclust.load: a name, a generator or a path becomes a graph.

Names are looked up in this order: a generator with its parameters, a file, the embedded sets
(always the same, with no network), the folders of `GRAPHCLUST_DATA`, PyG's downloaders.
"""

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch_geometric.data import Data

from graphclust.cards import verify
from graphclust.graph.build import flow_shares, knn_graph
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError
from graphclust.graph.features import classes
from graphclust.graph.files import read_npz
from graphclust.graph.formats import is_graph_file, read_graph
from graphclust.graph.synth import GENERATORS
from graphclust.params import parse_values, unknown

_HASHED = ("y", "edge_index", "edge_weight")
NEIGHBOURS = 10  # of the kNN graphs over scikit-learn's tables


def load(
    name_or_path: str | os.PathLike[str],
    *,
    directed: bool | None = None,
    nodes: str | os.PathLike[str] | None = None,
    time: str | None = None,
) -> Data:
    """Load a graph by name or path.

    Args:
        name_or_path: `"karate"`, `"cora"`, `"sbm:n=1000,k=5,p_in=0.1,seed=0"`, `"edges.csv"`;
            `"migration:weight=share"` is a named digraph whose arcs weigh w_ij / (w_ij + w_ji).
        directed: how to read an edge list that does not say; undirected by default.
        nodes: a node table (.csv, .tsv, .parquet: id, label, attributes) beside an edge list.
        time: the column of event times in an edge list, where not named time, t or timestamp; its
            number, counted from 1, where there is no header; or an edge attribute of GraphML, GML.

    Raises:
        ValueError: unknown name (near ones are suggested) or generator parameter.
        FileNotFoundError: no such file.
        GraphError: the file is broken, or the set must be downloaded and cannot be.
    """
    name = os.fspath(name_or_path)
    key, _, parameters = name.partition(":")
    if key not in GENERATORS and (Path(name).is_file() or is_graph_file(name) or os.sep in name):
        table = None if nodes is None else Path(nodes)
        return read_graph(name, directed=directed, nodes=table, time=time)
    for option, value in (("nodes", nodes), ("directed", directed), ("time", time)):
        if value is not None:
            raise ValueError(f"{option} goes with a file of edges, found the name {name!r}")
    if key in GENERATORS:
        return _generate(key, parameters)
    if name in EMBEDDED:
        graph = EMBEDDED[name]()
        verify(name, {key: value.numpy() for key, value in graph.items() if key in _HASHED})
        return graph
    if (path := _folder(name)) is not None:
        return read_npz(path, verify=partial(verify, name))
    if name in DOWNLOADS:
        return _download(name)
    if parameters and key in available():
        return _reweighted(load(key), key, parameters)
    raise ValueError(unknown("graph", name, available()))


def opened(graph: Any) -> Data:
    """A graph from a name or path, as `load` takes it, or from anything that `as_graph` takes."""
    return load(graph) if isinstance(graph, (str, os.PathLike)) else as_graph(graph)


def available() -> list[str]:
    """Every name that `load` knows here: generators, embedded, stored and downloadable sets."""
    return list(dict.fromkeys([*GENERATORS, *EMBEDDED, *stored(), *DOWNLOADS]))


def stored() -> list[str]:
    """Names of the sets in the folder of GRAPHCLUST_DATA."""
    folder = data_folder()
    return [path.parent.name for path in sorted(folder.glob("*/graph.npz"))] if folder else []


def _generate(name: str, parameters: str) -> Data:
    generator = GENERATORS[name]
    known = inspect.signature(generator).parameters
    settings = [part for part in parameters.split(",") if part.strip()]
    values = parse_values(settings, known)
    for key, value in values.items():
        wanted = known[key].annotation
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise ValueError(f"{name}: {key} must be {wanted.__name__}, found {value!r}")
    return generator(**values)


def _reweighted(graph: Data, name: str, parameters: str) -> Data:
    if parameters != "weight=share":
        raise ValueError(f"{name} takes weight=share and nothing else, found {parameters!r}")
    return flow_shares(graph)


def data_folder() -> Path | None:
    """The folder that GRAPHCLUST_DATA names, or None where it is not set."""
    setting = os.environ.get("GRAPHCLUST_DATA")
    if not setting:
        return None
    if not Path(setting).is_dir():
        raise FileNotFoundError(f"GRAPHCLUST_DATA={setting} is no folder")
    return Path(setting)


def _folder(name: str) -> Path | None:
    folder = data_folder()
    path = folder / name / "graph.npz" if folder else None
    return path if path and path.is_file() else None


def _table(loader: str, standardise: bool) -> Data:
    """A scikit-learn table as a kNN graph over its (standardised) features."""
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    table = getattr(datasets, loader)()
    x = StandardScaler().fit_transform(table.data) if standardise else table.data / 16.0
    graph = knn_graph(x, NEIGHBOURS)
    graph.y = classes(table.target, len(x))
    return graph


def _networkx(maker: str, weighted: bool = True, y: str | None = None) -> Data:
    import networkx as nx

    graph = as_graph(getattr(nx, maker)(), y=y)
    if not weighted:
        graph.edge_weight = None
    return graph


EMBEDDED: dict[str, Callable[[], Data]] = {
    # without Zachary's weights, as mostly used
    "karate": lambda: _networkx("karate_club_graph", weighted=False, y="club"),
    "les_miserables": lambda: _networkx("les_miserables_graph"),
    "florentine": lambda: _networkx("florentine_families_graph"),
    "digits": lambda: _table("load_digits", standardise=False),
    "wine": lambda: _table("load_wine", standardise=True),
    "breast_cancer": lambda: _table("load_breast_cancer", standardise=True),
}

DOWNLOADS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "cora": ("Planetoid", ("Cora",)),
    "citeseer": ("Planetoid", ("CiteSeer",)),
    "pubmed": ("Planetoid", ("PubMed",)),
    "amazon_photo": ("Amazon", ("Photo",)),
    "amazon_computers": ("Amazon", ("Computers",)),
    "coauthor_cs": ("Coauthor", ("CS",)),
    "coauthor_physics": ("Coauthor", ("Physics",)),
    "dblp_full": ("CitationFull", ("DBLP",)),
}


def _download(name: str) -> Data:
    from torch_geometric import datasets

    root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "graphclust" / name
    maker, arguments = DOWNLOADS[name]
    try:
        return as_graph(getattr(datasets, maker)(str(root), *arguments)[0])
    except (OSError, EOFError) as error:  # no network is a URLError, which is an OSError
        raise GraphError(
            f"{name} is not stored here and could not be downloaded ({error}); connect to the "
            "internet, or set GRAPHCLUST_DATA to a folder that holds "
            f"{name}/graph.npz"
        ) from None
