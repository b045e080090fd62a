"""Graphs from files and back: edge lists (CSV, TSV, spaces) and `.npz` archives.

Every write goes to a temporary file beside the target and is renamed at the end, so an
interrupted run leaves the old file or the new one, never half of one.
"""

import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from torch_geometric.data import Data

from graphclust.graph.convert import as_graph, finish
from graphclust.graph.errors import GraphError
from graphclust.graph.export import edges_once, is_temporal
from graphclust.graph.features import feature_matrix
from graphclust.graph.readers import COLUMNS, Raw

EDGE_SUFFIXES = (".csv", ".tsv", ".txt", ".edges", ".edgelist")
SUFFIXES = (*EDGE_SUFFIXES, ".npz")


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of `path` when the block ends well."""
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_graph(path: str | Path, *, directed: bool | None = None) -> Data:
    """Read a file by its ending: an edge list or an `.npz` archive."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix in EDGE_SUFFIXES:
        return read_edges(path, directed=directed)
    raise GraphError(
        f"{path.name}: unknown ending {path.suffix!r}; accepted: {', '.join(SUFFIXES)}"
    )


def read_edges(path: str | Path, *, directed: bool | None = None) -> Data:
    """Read an edge list: two to four columns source, target[, weight][, time].

    The separator is found from the first line (tab, comma, semicolon, else spaces). A first line
    that names source and target (or src/dst, from/to, u/v) is a header; without one, columns are
    source, target, weight. Lines that start with # or % are comments. Ids stay text unless all of
    them are whole numbers. Undirected unless `directed` is True.

    Raises:
        GraphError: a broken line, named by its number.
    """
    path = Path(path)
    number, first, comments = _scan(path)
    separator = next((s for s in "\t,;" if s in first), None)
    names = _header(_split(first, separator))
    skip = comments | {number - 1} if names else comments
    frame = _read_table(path, separator, skip)
    if names is None:
        if frame.shape[1] > 3:
            raise GraphError(
                f"{path.name} has {frame.shape[1]} columns and no header; name them in a first "
                "line such as source,target,weight,time"
            )
        names = ["source", "target", "weight"][: frame.shape[1]]
    if len(names) != frame.shape[1] or len(names) < 2:
        raise GraphError(
            f"{path.name}, line {number}: found {frame.shape[1]} columns where "
            f"{max(len(names), 2)} are expected"
        )
    frame.columns = pd.Index(names)
    _check_cells(path, frame, skip)
    for name in names:
        frame[name] = _typed(frame[name])
    return as_graph(frame, directed=directed)


def _scan(path: Path) -> tuple[int, str, set[int]]:
    """Number (from 1) and text of the first line with content; indices (from 0) of comments."""
    number, first, comments = 0, b"", set()
    with open(path, "rb") as lines:
        for index, line in enumerate(lines):
            start = line.lstrip(b" \t\xef\xbb\xbf")[:1]
            if start in b"#%" and start:
                comments.add(index)
            elif not first and line.strip():
                number, first = index + 1, line
    if not first:
        raise GraphError(f"{path.name} holds no edges")
    try:
        return number, first.decode("utf-8-sig"), comments
    except UnicodeDecodeError as error:
        raise GraphError(f"{path.name} is not UTF-8 text ({error.reason})") from None


def _split(line: str, separator: str | None) -> list[str]:
    return [cell.strip().strip('"') for cell in line.strip("\r\n").split(separator)]


def _header(cells: list[str]) -> list[str] | None:
    """The column names if this line is a header, brought to the standard ones, else None."""
    standard = {name: which for which, names in COLUMNS.items() for name in names}
    names = [standard.get(cell.lower(), cell.lower()) for cell in cells]
    return names if "source" in names and "target" in names else None


def _read_table(path: Path, separator: str | None, skip: set[int]) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path,
            sep=separator or r"\s+",
            header=None,
            skiprows=sorted(skip),
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError:
        raise GraphError(f"{path.name} holds no edges") from None
    except UnicodeDecodeError as error:
        raise GraphError(f"{path.name} is not UTF-8 text ({error.reason})") from None
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if not found:
            raise GraphError(f"{path.name} cannot be read: {error}") from None
        wanted, line, saw = found.groups()
        raise GraphError(
            f"{path.name}, line {line}: found {saw} columns where {wanted} are expected"
        ) from None


def _check_cells(path: Path, frame: pd.DataFrame, skip: set[int]) -> None:
    """Refuse empty ids and weights or times that are no numbers, by line number."""
    for name in frame.columns:
        column = frame[name].astype(object)
        if name in ("source", "target"):
            bad, what = (column.isna() | (column == "")).to_numpy(), "no node id"
        elif name in ("weight", "time"):
            numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
            bad, what = ~np.isfinite(numbers), f"a {name} that is no finite number"
        else:
            continue
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            line = _line_of(path, at, skip)
            found = repr(column.iloc[at]) if column.iloc[at] else "nothing"
            raise GraphError(f"{path.name}, line {line}: column {name!r} has {what}, found {found}")


def _line_of(path: Path, row: int, skip: set[int]) -> int:
    """The line number (from 1) of the row-th data line; reads again, only to word an error."""
    with open(path, "rb") as lines:
        numbers = (i + 1 for i, line in enumerate(lines) if i not in skip and line.strip())
        return next(number for seen, number in enumerate(numbers) if seen == row)


def _typed(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Whole numbers as int64, other numbers as float64, else text as it stands."""
    if column.name in ("source", "target"):
        whole = column.str.fullmatch(r"-?(0|[1-9][0-9]{0,17})")
        return column.astype(np.int64) if bool(whole.all()) else column
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column


def read_npz(path: str | Path) -> Data:
    """Read an `.npz` archive (no pickle): `edge_index`, `num_nodes`, `directed` and optionally
    `edge_weight`, `edge_time`, `x` or CSR `x_*`, `y` or CSR `ym_*`, `node_ids` or `node_names`.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            keys = {key: archive[key] for key in archive.files if not key.startswith("raw_")}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise GraphError(f"{path.name} is no readable .npz archive: {error}") from None
    if missing := {"edge_index", "num_nodes", "directed"} - keys.keys():
        raise GraphError(f"{path.name} lacks {', '.join(sorted(missing))}")
    source, target = keys["edge_index"].astype(np.int64)
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
        return finish(raw)
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from None


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
        keys["edge_time"] = graph.t.numpy()
    if graph.y is not None:
        keys["y"] = graph.y.numpy()
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
