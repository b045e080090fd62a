"""Rows of runs as text: a CSV of one task, appended line by line, whole whatever happens."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from graphclust.evaluate import tasks
from graphclust.evaluate.estimate import SIZES
from graphclust.graph.errors import GraphError
from graphclust.graph.files import atomic, named_errors

TEXTS = ("dataset", "label", "method", "params")
BEFORE = (*TEXTS, "seed", "protocol", "data", "status", "reason", *SIZES)
NEEDED = ("dataset", "label", "method", "params", "seed", "status")  # in every results file
BEGIN = "dataset,label,"
COSTS = ("seconds", "cpu_seconds", "peak_mb", "extra_mb")
ORIGIN = ("warnings", "versions", "commit", "cpu", "at")
AFTER = (*COSTS, *ORIGIN)


def columns(task: str) -> list[str]:
    """The columns of a new results file: what was run, how it ended, scores, costs, origin."""
    return [*BEFORE, *tasks.COLUMNS[task], *AFTER]


def read_rows(results: str | Path) -> list[dict[str, str]]:
    """The whole rows of a results file; none where there is no file yet.

    Raises:
        GraphError: a file that holds something else.
    """
    results = Path(results)
    if not results.is_file():
        return []
    try:
        text = results.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise GraphError(f"{results} holds no results: it is no text ({error})") from None
    whole = text[: text.rfind("\n") + 1]  # a killed writer may leave half a line
    reader = csv.DictReader(whole.splitlines())
    if whole or not _is_begun(text):
        _check_columns(results, reader.fieldnames or text.split(","))
    return list(reader)


def append_row(results: Path, row: dict[str, Any], columns: list[str]) -> None:
    """Append one row in a single write, after cutting off what a killed writer left.

    A file keeps the columns that it has.

    Raises:
        GraphError: the file holds something else.
        OSError: the row could not be written, on a full disk say; the rows before it are as they
            were.
    """
    with named_errors(results):
        there = results.exists()
        columns = _columns(results, columns) if there else columns
        start = _cut_to_whole_rows(results) if there else 0
        rest = _text([row], columns, header=start == 0).encode()
        with open(results, "ab", buffering=0) as file:
            try:
                while rest:  # a disk that fills takes a part and refuses the next
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(start)
                if not there:
                    results.unlink()
                raise


def write_rows(results: Path, rows: Iterable[dict[str, Any]], columns: list[str]) -> None:
    """Write a results file anew, whole or not at all."""
    with atomic(results) as temporary:
        temporary.write_text(_text(rows, columns, header=True), encoding="utf-8")


def _text(rows: Iterable[dict[str, Any]], columns: list[str], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    if header:
        writer.writeheader()
    for row in rows:
        known = {key: value for key, value in row.items() if value is not None and value == value}
        writer.writerow({key: str(value).replace("\n", " ") for key, value in known.items()})
    return text.getvalue()


def _columns(results: Path, new: list[str]) -> list[str]:
    """Names of the columns that a results file has; `new` where not even those were written."""
    with open(results, encoding="utf-8", errors="replace", newline="") as file:
        head = file.readline()
    if not head.endswith("\n") and _is_begun(head):
        return new
    found = next(csv.reader([head]), [])
    _check_columns(results, found)
    return found


def _is_begun(head: str) -> bool:
    """May it be what a killed writer left of the columns' names?"""
    return head.startswith(BEGIN) or BEGIN.startswith(head)


def _check_columns(results: Path, found: Sequence[str]) -> None:
    if lacking := [name for name in NEEDED if name not in found]:
        raise GraphError(
            f"{results} holds no results: it begins with {','.join(found)[:80]!r}, without "
            f"{', '.join(lacking)}"
        )


def _cut_to_whole_rows(results: Path) -> int:
    content = results.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(results, whole)
    return whole


def frame(rows: list[dict[str, Any]], task: str = "clustering") -> pd.DataFrame:
    """Rows of a results file as a frame with numbers where numbers are meant."""
    table = pd.DataFrame(rows, columns=columns(task))
    texts = {*TEXTS, "protocol", "data", "status", "reason", *ORIGIN}
    for column in set(table) - texts:
        try:
            table[column] = pd.to_numeric(table[column])
        except ValueError as error:
            raise GraphError(f"the column {column} of a results file holds text: {error}") from None
    return table
