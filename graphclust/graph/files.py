"""Writing files whole or not at all, and the `.npz` archive of a graph.

Every write goes to a temporary file beside the target and is renamed at the end, so an interrupted
run or a full disk leaves the old file or the new one, never half of one.
"""

import os
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch_geometric.data import Data

from graphclust.graph.convert import finish
from graphclust.graph.errors import GraphError
from graphclust.graph.export import edges_once, is_temporal
from graphclust.graph.features import feature_matrix
from graphclust.graph.moments import moments_of
from graphclust.graph.raw import Raw

OF_SETS = ("graph_id", "graph_y", "node_label")  # arrays of many graphs stored as one


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of `path` when the block ends well.

    Raises:
        OSError: the folder is missing or read-only, the disk is full, `path` is a folder: the
            sentence names `path` and the cause.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file")
    prefix = f".{path.name[:40]}."  # a name may be as long as the file system takes
    with named_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
        os.close(handle)
        try:
            yield Path(name)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Name `path` and the cause where the system refuses to write; most writers name neither."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        failure = type(error)(f"{path} was not written: {cause}")
        failure.errno = error.errno
        raise failure from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def shared_folder(name: str, pattern: str) -> Path | None:
    """A folder of files that come with the package: in a checkout, else where pip put them: in the
    environment, or with its --user or --target.
    """
    beside = Path(__file__).resolve().parents[2]
    user = sysconfig.get_path("data", sysconfig.get_preferred_scheme("user"))
    checkout = {
        "datasets": beside / "datasets",
        "results": beside / "experiments" / "results",
        "published": beside / "experiments" / "published",
    }
    roots = (Path(sysconfig.get_path("data")), Path(user), beside)
    folders = (checkout[name], *(root / "share" / "graphclust" / name for root in roots))
    return next((p for p in folders if any(p.glob(pattern))), None)


def read_npz(path: str | Path, verify: Callable[[Mapping[str, Any]], None] | None = None) -> Data:
    """Read an `.npz` archive (no pickle): `edge_index`, `num_nodes`, `directed` and optionally
    `edge_weight`, `edge_time`, `x` or CSR `x_*`, `y` or CSR `ym_*`, `node_ids` or `node_names`, and
    of many graphs stored as one, `graph_id`, `graph_y`, `node_label` (`graph.sets`).

    `raw_*` arrays are handed to `verify` with the others, and belong to no graph.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            wanted = [key for key in archive.files if verify or not key.startswith("raw_")]
            keys = {key: archive[key] for key in wanted}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise GraphError(f"{path.name} is no readable .npz archive: {error}") from None
    if verify:
        verify(keys)
    if missing := {"edge_index", "num_nodes", "directed"} - keys.keys():
        raise GraphError(f"{path.name} lacks {', '.join(sorted(missing))}")
    index = keys["edge_index"]
    if index.ndim != 2 or index.shape[0] != 2 or index.dtype.kind not in "iu":
        raise GraphError(
            f"{path.name}: edge_index must be whole numbers of shape (2, E), found {index.dtype} "
            f"of shape {index.shape}"
        )
    source, target = index.astype(np.int64)
    n = int(keys["num_nodes"])
    if len(source) and (
        min(source.min(), target.min()) < 0 or max(source.max(), target.max()) >= n
    ):
        raise GraphError(f"{path.name}: edge_index must hold nodes 0..{n - 1}")
    raw = Raw(
        source,
        target,
        n,
        bool(keys["directed"]),
        weight=keys.get("edge_weight"),
        t=keys.get("edge_time"),
        node_ids=keys.get("node_ids", keys.get("node_names")),
        x=_npz_matrix(keys, "x"),
        y=keys["y"] if "y" in keys else _npz_matrix(keys, "ym"),
    )
    try:
        graph = finish(raw)
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from None
    for name in keys.keys() & set(OF_SETS):
        graph[name] = torch.from_numpy(keys[name].astype(np.int64))
    return graph


def _npz_matrix(keys: dict[str, Any], name: str) -> Any:
    """`name` as stored: a dense array, a CSR matrix, or (without values) a CSR pattern, dense."""
    if f"{name}_indptr" not in keys:
        return keys.get(name)
    indices, indptr = keys[f"{name}_indices"], keys[f"{name}_indptr"]
    values = keys.get(f"{name}_data", np.ones(len(indices), np.int8))
    matrix = sp.csr_array((values, indices, indptr), shape=tuple(keys[f"{name}_shape"]))
    return matrix if f"{name}_data" in keys else matrix.toarray()


def write_npz(graph: Data, path: str | Path) -> None:
    """Write a graph so that `read_npz` gives it back; uncompressed, atomic, no pickle."""
    source, target, weight = edges_once(graph)
    keys: dict[str, Any] = {
        "edge_index": np.stack([source, target]),
        "num_nodes": np.int64(graph.num_nodes),
        "directed": np.bool_(graph.directed),
    }
    if weight is not None:
        keys["edge_weight"] = weight
    if is_temporal(graph):
        keys["edge_time"] = moments_of(graph, graph.t)
    keys |= {name: graph[name].numpy() for name in ("y", *OF_SETS) if graph.get(name) is not None}
    if graph.get("node_ids") is not None:
        if graph.node_ids.dtype == object:
            raise GraphError("node ids must be whole numbers or text to be written")
        keys["node_ids"] = graph.node_ids
    if graph.x is not None:
        keys |= _npz_features(graph.x)
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **keys)


def _npz_features(x: torch.Tensor) -> dict[str, Any]:
    matrix = feature_matrix(x)
    if isinstance(matrix, np.ndarray):
        return {"x": matrix}
    parts = {name: getattr(matrix, name) for name in ("indptr", "indices", "data")}
    return {f"x_{name}": part for name, part in parts.items()} | {"x_shape": np.array(matrix.shape)}
