"""Tables in files: opened through gzip or zstandard, read from parquet; and the table of nodes."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from graphclust.graph.errors import GraphError
from graphclust.graph.nodes import id_column

WHOLE = r"0|-?[1-9][0-9]{0,17}"  # plain whole numbers, the only ids that are not text
MISSING = ("nan", "na", "n/a", "null", "none")  # among numbers; among texts they are texts
Series = Any


@contextmanager
def open_file(path: Path) -> Iterator[Any]:
    """A file's bytes, through gzip or zstandard where its name ends so.

    Raises:
        GraphError: the archive is cut off, damaged or none.
    """
    with _stream(path) as file:
        try:
            yield file
        except (EOFError, zlib.error, OSError) as error:
            if getattr(error, "errno", None):  # the disk's fault, not the archive's
                raise
            raise GraphError(f"{path.name} is cut off or no {path.suffix} file: {error}") from None


def _stream(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path)
    if path.suffix == ".zst":
        need_pyarrow(path)
        import pyarrow

        stream = pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd")
        return io.BufferedReader(stream)
    return open(path, "rb")


def need_pyarrow(path: Path) -> None:
    """Say how to install pyarrow where a file needs it and it is not there."""
    if find_spec("pyarrow") is None:
        raise GraphError(f"{path.name} needs pyarrow: pip install 'graphclust[parquet]'")


def find_separator(path: Path, number: int, line: str) -> str | None:
    """What separates the cells of a line: tab, comma or semicolon, else None for spaces."""
    bare = re.sub(r'"[^"]*"', "", line)
    if "\t" not in bare and "," in bare and ";" in bare:
        raise GraphError(
            f"{path.name}, line {number}: both , and ; could separate columns; quote the cells "
            "that hold one of them, and write decimals with a point"
        )
    return next((s for s in "\t,;" if s in bare), None)


def read_parquet(path: Path) -> pd.DataFrame:
    """A parquet file, or a folder of parts, as a frame."""
    need_pyarrow(path)
    import pyarrow

    try:
        return pd.read_parquet(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise GraphError(f"{path.name} is no readable parquet file: {error}") from None


def read_node_table(path: str | Path) -> pd.DataFrame:
    """A node table from .csv, .tsv or parquet, for `as_graph(…, nodes=…)`.

    Separators and ids are those of an edge list: ids stay text unless all are whole numbers.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    if path.suffix == ".parquet":
        return read_parquet(path)
    try:
        table = _read_texts(path)
    except GraphError:
        raise
    except ValueError as error:
        raise GraphError(f"{path.name} cannot be read as a node table: {error}") from None
    ids = id_column(table)
    return table.apply(lambda column: _typed(column, whole_only=column.name == ids))


def _read_texts(path: Path) -> pd.DataFrame:
    with open_file(path) as file:
        header = next((line for line in file if line.strip()), b"").decode("utf-8-sig")
    if not header:
        raise GraphError(f"{path.name} is empty; a node table begins with a line of column names")
    spaces = r"\s+" if len(header.split()) > 1 else ","  # one column may hold spaces
    with open_file(path) as file:
        table = pd.read_csv(
            file,
            sep=find_separator(path, 1, header) or spaces,
            dtype=str,
            encoding="utf-8-sig",
            keep_default_na=False,
            skipinitialspace=True,
        )
    if not isinstance(table.index, pd.RangeIndex):  # what pandas makes of it
        raise GraphError(f"{path.name} has rows with more cells than its first line has names")
    return table


def _typed(column: Series, *, whole_only: bool) -> Series:
    text = column.str.strip(" \t").replace("", None)
    if whole_only:
        return text.astype("int64") if text.str.fullmatch(WHOLE).all() else text
    try:
        numbers = pd.to_numeric(text.mask(text.str.lower().isin(MISSING)))
    except (ValueError, TypeError):
        return text
    if numbers.isna().all():
        return text
    return text if text.str.fullmatch(r"[+-]?0\d+").any() else numbers
