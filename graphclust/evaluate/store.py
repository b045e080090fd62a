"""Where rows are kept: one SQLite file for any number of experiments, or a CSV for one.

Rows are only ever appended. A cell may have several, of which the last counts: a failed run that
was tried again keeps its trace. The SQLite file has one table, `rows`; scores are JSON, as tasks
differ in them. Its `user_version` is SCHEMA.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from graphclust.evaluate import tasks
from graphclust.evaluate.cells import SCHEMA, Cell, cell_key, plan
from graphclust.evaluate.estimate import SIZES
from graphclust.evaluate.experiment import Experiment, results_path
from graphclust.evaluate.rows import (
    BEFORE,
    COSTS,
    ORIGIN,
    append_row,
    columns,
    read_rows,
    write_rows,
)
from graphclust.graph.errors import GraphError, count

Row = dict[str, Any]
ENDINGS = (".sqlite", ".csv")
APPLICATION = 0x67636C75  # "gclu", in the file's head
NUMBERS = {"seed": "INTEGER"} | dict.fromkeys(SIZES, "INTEGER") | dict.fromkeys(COSTS, "REAL")
KNOWN = (*BEFORE, *COSTS, *ORIGIN)  # columns of their own; what a task adds is in `scores`
TABLE = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS rows (
        id INTEGER PRIMARY KEY, cell TEXT NOT NULL, task TEXT NOT NULL,
        {", ".join(f'"{name}" {NUMBERS.get(name, "TEXT")}' for name in KNOWN)},
        scores TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS rows_of_cells ON rows (cell);
    CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON rows BEGIN
        SELECT RAISE(ABORT, 'rows are only appended');
    END;
    CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON rows BEGIN
        SELECT RAISE(ABORT, 'rows are only appended');
    END;
    PRAGMA application_id = {APPLICATION};
    PRAGMA user_version = {SCHEMA};
    COMMIT;
"""


class Store(Protocol):
    """Rows of cells, to be read and appended to."""

    path: Path

    def rows(self, task: str) -> dict[str, Row]:
        """The last row of each cell of a task, by the cell's key, in the order of first rows."""

    def append(self, row: Row, task: str) -> None:
        """Keep one more row."""


def open_store(path: str | Path) -> Store:
    """The store in a `.sqlite` or `.csv` file, which need not exist yet.

    Raises:
        ValueError: another ending. GraphError: a file that holds no rows, or those of a later
            graphclust.
    """
    path = Path(path)
    if path.suffix == ".csv":
        return CsvStore(path)
    if path.suffix == ".sqlite":
        return SqliteStore(path)
    raise ValueError(f"{path}: the ending must be one of {', '.join(ENDINGS)}")


class CsvStore:
    """The rows of one task as text."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def rows(self, task: str) -> dict[str, Row]:
        found = {}
        for number, row in enumerate(read_rows(self.path), start=1):
            try:
                found[cell_key(row, task)] = row
            except (ValueError, TypeError) as error:
                raise GraphError(f"{self.path}, row {number}, tells no run: {error}") from None
        return found

    def append(self, row: Row, task: str) -> None:
        append_row(self.path, row, columns(task))


class SqliteStore:
    """Rows of any tasks in one file; safe beside other processes that append to it."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists():
            with _connection(self.path) as file:
                _check(self.path, file)

    def rows(self, task: str) -> dict[str, Row]:
        if not self.path.exists():
            return {}
        with _connection(self.path) as file:
            if _is_empty(file):
                return {}
            found = file.execute("SELECT * FROM rows WHERE task = ? ORDER BY id", [task])
            names = [column[0] for column in found.description]
            return {row["cell"]: row for row in (_row(names, values) for values in found)}

    def append(self, row: Row, task: str) -> None:
        self.extend([row], task)

    def extend(self, rows: Iterable[Row], task: str) -> int:
        """Keep these rows, all or none; how many there were."""
        names = [f'"{name}"' for name in ("cell", "task", *KNOWN, "scores")]
        marks = ", ".join("?" * len(names))
        lines = [_line(row, task) for row in rows]
        with _connection(self.path) as file, file:
            if _is_empty(file):
                file.execute("PRAGMA journal_mode = WAL")  # readers do not wait for who appends
                file.executescript(TABLE)
            file.executemany(f"INSERT INTO rows ({', '.join(names)}) VALUES ({marks})", lines)
        return len(lines)


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection; what SQLite says against the file becomes a sentence that names it."""
    try:
        with closing(sqlite3.connect(path, timeout=60)) as file:
            yield file
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.OperationalError:
            raise OSError(f"{path}: {error}") from None
        raise GraphError(f"{path} is no store of rows: {error}") from None


def _check(path: Path, file: sqlite3.Connection) -> None:
    (application,) = file.execute("PRAGMA application_id").fetchone()
    (version,) = file.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION and not _is_empty(file):
        raise GraphError(f"{path} is no store of rows, but another program's SQLite file")
    if version > SCHEMA:
        raise GraphError(
            f"{path} was written by a later graphclust (schema {version}, this one knows {SCHEMA})"
        )


def _is_empty(file: sqlite3.Connection) -> bool:
    return file.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _line(row: Row, task: str) -> list[Any]:
    """A row's values in the order of the table; numbers that came as text are numbers again."""
    scores = {k: n for k in tasks.COLUMNS[task] if (n := _number(row.get(k))) is not None}
    known = [_number(row.get(k)) if k in NUMBERS else row.get(k, "") for k in KNOWN]
    return [cell_key(row, task), task, *known, json.dumps(scores)]


def _number(value: Any) -> int | float | None:
    """A number for SQLite and JSON; None where there is none."""
    number = float("nan") if value in (None, "") else float(value)
    return None if number != number else int(number) if number.is_integer() else number


def _row(names: list[str], values: tuple[Any, ...]) -> Row:
    row = dict(zip(names, values, strict=True))
    row = {key: "" if value is None else value for key, value in row.items()}
    return row | json.loads(row.pop("scores"))


def rows_of(cells: list[Cell], store: Store) -> list[Row]:
    """The rows that cells have, in their order, under their labels and protocols, of which rows
    from old files have none."""
    found = {task: store.rows(task) for task in {cell.task for cell in cells}}
    kept = [(cell, found[cell.task].get(cell.key)) for cell in cells]
    return [
        row | {"label": cell.label, "protocol": tasks.protocol(cell.task, cell.method)}
        for cell, row in kept
        if row is not None
    ]


def stored_rows(experiment: Experiment, store: Store) -> list[Row]:
    """The rows of an experiment: of a CSV those of its data sets and seeds, under whatever label.

    Old files do not tell the protocol; that of the run stands in each row."""
    if not isinstance(store, CsvStore):
        return rows_of(plan(experiment), store)
    rows = store.rows(experiment.task).values()
    names = set(experiment.datasets)
    protocols = {run.label: run.protocol(experiment.task) for run in experiment.runs}
    seeds = {
        (name, run.label): experiment.seeds_of(run, name)
        for name in names
        for run in experiment.runs
    }
    return [
        row | {"protocol": protocols.get(row["label"], row.get("protocol", ""))}
        for row in rows
        if row["dataset"] in names
        and int(row["seed"]) < seeds.get((row["dataset"], row["label"]), experiment.seeds)
    ]


def exported_rows(experiment: Experiment, path: Path) -> list[Row]:
    """The rows of an experiment file's own CSV."""
    return stored_rows(experiment, CsvStore(results_path(path)))


def export_rows(experiment: Experiment, store: Store, target: Path) -> int:
    """Write the rows of an experiment to a CSV, whole or not at all; how many there were.

    Raises:
        GraphError: the CSV is the store, or has rows that the store lacks.
    """
    if store.path.resolve() == target.resolve():
        raise GraphError(f"{target} is the store itself; there is nothing to export")
    if alone := rows_outside(store, target, experiment.task):
        raise GraphError(
            f"{target} has {count(len(alone), 'row')} that {store.path} lacks, and export would "
            "write it anew; graphclust bench import takes them up, or move the file away"
        )
    rows = stored_rows(experiment, store)
    if rows:
        write_rows(target, rows, columns(experiment.task))
    return len(rows)


def rows_outside(store: Store, results: Path, task: str) -> list[Row]:
    """Rows of a CSV whose cells have none in the store, or an earlier one."""
    there = store.rows(task)
    return [
        row
        for key, row in CsvStore(results).rows(task).items()
        if key not in there or (row.get("at") or "") > there[key]["at"]
    ]


def import_rows(source: Path, task: str, store: SqliteStore) -> int:
    """Take those rows of a CSV that the store lacks; how many they were."""
    return store.extend(rows_outside(store, source, task), task)
