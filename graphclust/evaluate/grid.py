"""Running the cells that a store lacks, here or elsewhere; what there is, what is left.

Only this program writes to the store, a row at a time: however it ends, at most the cells that were
being run are lost, and the next run takes them up.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphclust.evaluate.cells import Cell, LeftOut, fingerprint, planned
from graphclust.evaluate.costs import expected_seconds
from graphclust.evaluate.experiment import Experiment
from graphclust.evaluate.store import Row, Store
from graphclust.evaluate.workers import dask, local


@dataclass(frozen=True, kw_only=True)
class State:
    """Where an experiment stands: its cells, their rows by the cells' keys, what has no cells, and
    the data sets of which there are rows with another checksum."""

    cells: list[Cell]
    rows: dict[str, Row]
    left_out: list[LeftOut]
    changed: list[str]

    @property
    def missing(self) -> list[Cell]:
        """The cells that have no row."""
        return [cell for cell in self.cells if cell.key not in self.rows]

    @property
    def failed(self) -> list[Cell]:
        """The cells whose last run ended badly."""
        return [
            cell
            for cell in self.cells
            if cell.key in self.rows and self.rows[cell.key]["status"] != "ok"
        ]

    @property
    def failures(self) -> Counter[tuple[str, str, str, str]]:
        """How often each (data set, label, status, reason) was met among those."""
        told = ((cell, self.rows[cell.key]) for cell in self.failed)
        return Counter((c.dataset, c.label, row["status"], row["reason"]) for c, row in told)


def state(experiment: Experiment, store: Store) -> State:
    """What of an experiment is in the store."""
    cells, left_out = planned(experiment)
    found = store.rows(experiment.task)
    rows = {c.key: found[c.key] for c in cells if c.key in found and not _outgrown(c, found[c.key])}
    marks = {(row["dataset"], row["data"]) for row in found.values() if row.get("data")}
    asked = set(experiment.datasets)
    changed = {name for name, mark in marks if name in asked and mark != fingerprint(name)}
    return State(cells=cells, rows=rows, left_out=left_out, changed=sorted(changed))


def _outgrown(cell: Cell, row: Row) -> bool:
    """Was it ended by a limit that is lower than the cell's? Then it tells nothing of the cell."""
    limits = {"time limit": cell.time_limit, "memory limit": cell.memory_limit or math.inf}
    met = re.search(r"([\d.e+-]+) (?:s|MB)$", row.get("reason") or "")
    return met is not None and float(met[1]) < limits.get(row["status"], 0.0)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is. `share`: that part of the expected seconds which is over."""

    done: int
    total: int
    share: float
    label: str


def run_cells(
    cells: list[Cell],
    store: Store,
    *,
    workers: int = 1,
    cluster: str | None = None,
    earlier: list[Row] | None = None,
    progress: Callable[[Progress], Any] | None = None,
) -> int:
    """Run cells, appending each row at once; how many ended well.

    Args:
        workers: cells that are run at once on this machine.
        cluster: the address of a Dask scheduler, whose workers run them instead.
        earlier: rows by which to tell how much time each takes.
    """
    share = _shares(cells, earlier or [])
    waiting, running, done, over, good = list(reversed(cells)), dict[Future[Row], Cell](), 0, 0.0, 0
    with dask(cluster) if cluster else local(workers) as (submit, width):
        while waiting or running:
            while waiting and len(running) < width():
                cell = waiting.pop()
                running[submit(cell)] = cell
            if progress:
                label = next(iter(running.values()))
                progress(Progress(done=done, total=len(cells), share=over, label=_name(label)))
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                cell = running.pop(future)
                row = _row_of(future, cell)
                store.append(row, cell.task)
                done, over, good = done + 1, over + share[cell], good + (row["status"] == "ok")
    if progress:
        progress(Progress(done=done, total=len(cells), share=1.0, label=""))
    return good


def _row_of(future: Future[Row], cell: Cell) -> Row:
    """The row; where a cluster has lost the cell's worker again and again, one that says so."""
    error = future.exception()
    if error is None:
        return future.result()
    if type(error).__name__ != "KilledWorker":
        raise error
    return cell.row | {"status": "crashed", "reason": "its workers were lost, one after the other"}


def _shares(cells: list[Cell], earlier: list[Row]) -> dict[Cell, float]:
    """Of the expected seconds; what nothing is known of counts as the median of the others."""
    told = expected_seconds(cells, earlier)
    usual = float(np.median([e.seconds for e in told if e is not None] or [1.0]))
    seconds = [usual if e is None else e.seconds for e in told]
    return {cell: s / sum(seconds) for cell, s in zip(cells, seconds, strict=True)}


def _name(cell: Cell) -> str:
    return f"{cell.dataset}: {cell.label}"


def run_experiment(experiment: Experiment, store: Store, **options: Any) -> int:
    """Run the cells that the store lacks; how many were run."""
    now = state(experiment, store)
    run_cells(now.missing, store, earlier=list(now.rows.values()), **options)
    return len(now.missing)
