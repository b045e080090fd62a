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

import numpy as np
import pandas as pd

from graphclust.graph.errors import GraphError
from graphclust.graph.frames import column_named
from graphclust.graph.nodes import id_column
from graphclust.graph.numbering import MANY, ArrowTexts

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
    with _parquet_errors(path):
        return pd.read_parquet(path)


def read_edge_parquet(path: Path) -> pd.DataFrame:
    """As `read_parquet`; but many ids that are text come as categories.

    They are numbered while they are read, a part at a time, so that never all are held as text.
    """
    with _parquet_errors(path):
        from pyarrow.dataset import dataset

        file = dataset(path, format="parquet", partitioning="hive" if path.is_dir() else None)
        names = file.schema.names
        ends = [column_named(names, which) for which in ("source", "target")]
        if not _are_texts(file.schema, ends) or file.count_rows() < MANY:
            return pd.read_parquet(path)
        frame = pd.read_parquet(path, columns=[name for name in names if name not in ends])
        frame = frame.assign(**_categories(file, ends))
        return frame[[name for name in names if name in frame]]


def _are_texts(schema: Any, names: list[Any]) -> bool:
    """Are both columns there, once each, text, and no index of a frame?"""
    from pyarrow.types import is_large_string, is_string

    index = (schema.pandas_metadata or {}).get("index_columns", ())
    return all(
        schema.names.count(name) == 1
        and name not in index
        and (is_string(kind := schema.field(name).type) or is_large_string(kind))
        for name in names
    )


def _categories(file: Any, names: list[str]) -> dict[str, pd.Categorical]:
    """Columns of text as categories that all have in common."""
    from pyarrow.dataset import ParquetFragmentScanOptions

    small = {"use_threads": False, "batch_readahead": 1, "fragment_readahead": 1}
    small["fragment_scan_options"] = ParquetFragmentScanOptions(pre_buffer=False)
    width = np.int32 if 2 * file.count_rows() < 2**31 else np.int64
    numbers, codes = ArrowTexts(), {name: [np.empty(0, width)] for name in names}
    for batch in file.to_batches(columns=names, **small):
        for name in names:
            codes[name].append(numbers.add(batch[name]).astype(width))
    kind = pd.CategoricalDtype(numbers.distinct().to_pandas())
    return {
        name: pd.Categorical.from_codes(np.concatenate(parts), dtype=kind)
        for name, parts in codes.items()
    }


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    """Name a file that is no parquet, and the package where it is not there."""
    need_pyarrow(path)
    import pyarrow

    try:
        yield
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
