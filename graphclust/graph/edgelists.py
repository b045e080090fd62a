"""Edge lists: CSV, TSV or space-separated text (plain, .gz, .zst).

Text is read twice at most: once straight into numbers, which is fast and holds for most files; and
once as text where ids are names or a line is broken, so that an error can name the line.
"""

import csv
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch_geometric.data import Data

from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError, count, warn
from graphclust.graph.frames import COLUMNS
from graphclust.graph.moments import are_dates, parsed
from graphclust.graph.tables import WHOLE, find_separator, open_file

STANDARD = set(COLUMNS)
HEADER = "a header must name source and target (or src/dst, from/to, u/v)"
BLOCK = 1 << 24  # bytes looked at in one go


def read_edges(
    path: str | Path,
    *,
    directed: bool | None = None,
    nodes: pd.DataFrame | None = None,
    time: str | None = None,
) -> Data:
    """Read an edge list: two to four columns source, target[, weight][, time].

    The separator is found from the first line (tab, comma, semicolon, else spaces). A first line
    that names source and target (or src/dst, from/to, u/v) is a header; without one, columns are
    source, target, weight. Lines that start with # or % are comments. Ids stay text unless all of
    them are plain whole numbers (007 is text); spaces around an id do not belong to it. Cells in
    double quotes may hold separators and, but for the first line, line breaks. Undirected unless
    `directed` is True. `nodes` is a node table as for `as_graph`; `time` names the column of event
    times, numbers or dates of ISO 8601, where it is not time, t or timestamp; without a header it
    is the number of the column, counted from 1.

    Raises:
        GraphError: a broken line, named by its number; a truncated archive; no edges.
    """
    return as_graph(read_edge_table(Path(path), time), directed=directed, nodes=nodes)


def read_edge_table(path: Path, time: str | None = None) -> pd.DataFrame:
    """The edge list as a frame with standard column names and typed columns."""
    number, first, comments, numeric = _scan(path)
    if between := sum(index >= number for index in comments):
        warn(f"{count(between, 'line')} between the edges begin with # or % and were skipped")
    if "\r" in first.rstrip("\r\n"):
        raise GraphError(f"{path.name} has line ends of old Macs (CR alone); convert them first")
    separator = find_separator(path, number, first)
    cells = _split(first, separator)
    place = time is not None and time.isdecimal() and _header(path, number, cells, None) is None
    names = None if place else _header(path, number, cells, time)
    skip = comments | {number - 1} if names else comments
    if names is None:
        names = _without_header(path, len(cells), int(time) if place and time else None)
    if len(names) < 2:
        raise GraphError(
            f"{path.name}, line {number}: found 1 column where 2 are expected; tabs, commas, "
            "semicolons or spaces separate columns"
        )
    table = _read_numbers(path, separator, skip, names) if numeric else None
    if table is None:
        table = _read_text(path, separator, skip, names, number)
    if between and len(table) != _count_lines(path, skip):
        raise GraphError(
            f"{path.name} has lines that begin with # or % as well as line breaks within quotes, "
            "so that comments cannot be told from cells; take out one or the other"
        )
    return table


def _count_lines(path: Path, skip: set[int]) -> int:
    with open_file(path) as file:
        return sum(i not in skip and not line.isspace() for i, line in enumerate(file))


def _scan(path: Path) -> tuple[int, str, set[int], bool]:
    """Number (from 1) and text of the first line with content, indices (from 0) of comment lines,
    and whether plain whole numbers could be all there is for ids (no leading zero or plus sign).
    """
    number, first, comments = 0, b"", set()
    with open_file(path) as file:
        for index, line in enumerate(file):
            if line.startswith(b"%%MatrixMarket"):
                raise GraphError(f"{path.name} is a Matrix Market file; name it .mtx")
            if line.lstrip(b" \t\xef\xbb\xbf")[:1] in (b"#", b"%"):
                comments.add(index)
            elif line.strip():
                number, first = index + 1, line
                break
    if not first:
        raise GraphError(f"{path.name} holds no edges")
    numeric, more_comments = True, False
    for block in _blocks(path):
        more_comments |= b"\n#" in block or b"\n%" in block
        numeric = numeric and not _has_padded_number(block)
    if more_comments:
        with open_file(path) as file:
            comments |= {i for i, line in enumerate(file) if line[:1] in (b"#", b"%")}
    try:
        return number, first.decode("utf-8-sig"), comments, numeric
    except UnicodeDecodeError as error:
        raise GraphError(f"{path.name} is not UTF-8 text ({error.reason})") from None


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes in blocks that overlap by a few, so that nothing hides on a seam."""
    with open_file(path) as file:
        tail = b"\n"
        while block := file.read(BLOCK):
            yield tail + block
            tail = block[-3:]
        yield tail + b"\n\n"


def _has_padded_number(block: bytes) -> bool:
    """Is there a cell such as 007, +7 or -0, which would lose its spelling as a number?"""
    byte = np.frombuffer(block, np.uint8)
    before, first, second, third = byte[:-3], byte[1:-2], byte[2:-1], byte[3:]
    starts = np.isin(before, np.frombuffer(b'\n\t ,;"', np.uint8))
    digit = (second >= ord("0")) & (second <= ord("9"))
    padded = ((first == ord("0")) | (first == ord("+"))) & digit
    minus_zero = (first == ord("-")) & (second == ord("0")) & (third != ord("."))
    return bool((starts & (padded | minus_zero)).any())


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    return next(csv.reader([line.strip("\r\n")], delimiter=separator, skipinitialspace=True))


def _header(path: Path, number: int, cells: list[str], time: str | None) -> list[str] | None:
    """The column names if this line is a header, brought to the standard ones, else None."""
    standard = {name: which for which, names in COLUMNS.items() for name in names}
    if time is not None:
        if time not in cells:
            raise GraphError(f"time={time!r} is no column; found {', '.join(cells)}")
        standard |= {name: f"not the {name}" for name in COLUMNS["time"]} | {time.lower(): "time"}
    names = [standard.get(cell.lower(), cell.lower()) for cell in cells]
    found = {"source", "target"} & set(names)
    if len(found) == 1 or len(set(names) & STANDARD) < sum(name in STANDARD for name in names):
        raise GraphError(
            f"{path.name}, line {number}: a header must name source and target (or src/dst, "
            f"from/to, u/v) once each, found {', '.join(cells)}"
        )
    return names if found else None


def _without_header(path: Path, columns: int, time: int | None) -> list[str]:
    """Source, target, weight, but for the column of times, counted from 1, where it is told."""
    if columns > (3 if time is None else 4):
        raise GraphError(
            f"{path.name} has {columns} columns and no header; name them in a first line "
            "such as source,target,weight,time"
        )
    if time is not None and not 3 <= time <= columns:
        raise GraphError(
            f"{path.name}: time={time} must be a column after source and target, counted from 1, "
            f"found {columns} columns"
        )
    others = iter(("source", "target", "weight"))
    return ["time" if at == time else next(others) for at in range(1, columns + 1)]


def _read_csv(
    path: Path, separator: str | None, skip: set[int], names: list[str], dtype: Any
) -> pd.DataFrame:
    with open_file(path) as file:
        table = pd.read_csv(
            file,
            sep=separator or r"\s+",
            header=None,
            skiprows=sorted(skip),
            dtype=dtype,
            na_filter=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
        )
    if table.shape[1] == len(names):
        table.columns = pd.Index(names)
    return table


def _read_numbers(
    path: Path, separator: str | None, skip: set[int], names: list[str]
) -> pd.DataFrame | None:
    """The table with ids as whole numbers, or None where that does not work out."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # a column of several kinds
            table = _read_csv(path, separator, skip, names, None)
    except (ValueError, OverflowError):
        return None
    if table.shape[1] != len(names):
        return None
    if any(table[end].dtype != np.int64 for end in ("source", "target")):
        return None
    for name in {"weight", "time"} & set(names):
        if table[name].dtype.kind not in "iuf" or not np.isfinite(table[name]).all():
            return None
    return table


def _read_text(
    path: Path, separator: str | None, skip: set[int], names: list[str], number: int
) -> pd.DataFrame:
    """The table read as text and then typed; every fault is named by its line."""
    try:
        table = _read_csv(path, separator, skip, names, str)
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
    if table.shape[1] != len(names):
        raise GraphError(
            f"{path.name}, line {number}: found {table.shape[1]} columns where {len(names)} are "
            "expected"
        )
    for end in ("source", "target"):
        table[end] = table[end].str.strip(" \t")
    bare = number - 1 not in skip  # there was no header
    _check_cells(path, table, skip, HEADER if bare else "")
    if bare:
        _check_first_row(path, table, number)
    ends = table[["source", "target"]]
    if ends.apply(lambda end: end.str.fullmatch(WHOLE).all()).all():
        table[["source", "target"]] = ends.astype(np.int64)
    for name in {"weight", "time"} & set(names):
        values = table[name].to_numpy(object)
        dates = name == "time" and are_dates(values)
        table[name] = parsed(values).tz_localize(None) if dates else pd.to_numeric(table[name])
    return table


def _check_first_row(path: Path, table: pd.DataFrame, number: int) -> None:
    """Refuse a header that was taken for an edge: names above nothing but whole numbers; point out
    a first edge whose ends are in no other, where no number beside it shows that it is one."""
    ends = table[["source", "target"]]
    if len(ends) < 2 or not ends.iloc[0].str.match(r"[^\W\d]").all():
        return
    first, second = ends.iloc[0]
    where = f"{path.name}, line {number}: {first!r} and {second!r}"
    if ends.iloc[1:].apply(lambda end: end.str.fullmatch(WHOLE).all()).all():
        raise GraphError(f"{where} look like a header above whole numbers; {HEADER}")
    if len(table.columns) > 2 or first == second:
        return
    if not ends.iloc[1:].isin([first, second]).any(axis=None):
        warn(f"{where} are in no other line, and were read as an edge; {HEADER}")


def _check_cells(path: Path, table: pd.DataFrame, skip: set[int], hint: str) -> None:
    """Refuse empty ids and weights or times that are no numbers, by line number; with a hint where
    it is the first, which may be a header."""
    for name in table.columns:
        if name in ("source", "target"):
            bad, what = (table[name].isna() | (table[name] == "")).to_numpy(), "no node id"
        elif name == "time" and are_dates(table[name].to_numpy(object)):
            bad, what = parsed(table[name].to_numpy(object)).isna(), "a time that is no date"
        elif name in ("weight", "time"):
            numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
            bad, what = ~np.isfinite(numbers), f"a {name} that is no finite number"
        else:
            continue
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            cell, line = table[name].iloc[at], _line_of(path, at, skip)
            found = repr(cell) if isinstance(cell, str) and cell else "nothing"
            more = f"; {hint}" if hint and at == 0 else ""
            raise GraphError(
                f"{path.name}, line {line}: column {name!r} has {what}, found {found}{more}"
            )


def _line_of(path: Path, row: int, skip: set[int]) -> int:
    """The line number (from 1) of the row-th data line; reads again, only to word an error."""
    with open_file(path) as lines:
        numbers = (i + 1 for i, line in enumerate(lines) if i not in skip and line.strip())
        return next((number for seen, number in enumerate(numbers) if seen == row), row + 1)
