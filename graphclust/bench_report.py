"""What a person reads of a benchmark in the terminal, and the pictures of it."""

from pathlib import Path

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from graphclust.bench_pictures import draw_costs, draw_ranks
from graphclust.evaluate.costs import expected_seconds
from graphclust.evaluate.documents import in_order
from graphclust.evaluate.experiment import Experiment
from graphclust.evaluate.grid import State
from graphclust.evaluate.matrix import Matrix, matrix
from graphclust.evaluate.rows import frame
from graphclust.evaluate.store import Row
from graphclust.evaluate.tables import SCORES
from graphclust.graph.errors import count

SHOWN = 30  # failures listed, the most frequent first, and reasons why runs are left out


def show_plan(out: Console, experiment: Experiment, now: State, workers: int) -> None:
    """Print how many cells of each method would be run, and how long they are expected to take."""
    todo = now.missing
    told = expected_seconds(todo, list(now.rows.values()))
    known = pd.DataFrame(
        {
            "label": [cell.label for cell in todo],
            "seconds": [np.nan if e is None else e.seconds for e in told],
            "rough": [e is not None and e.rough for e in told],
        }
    )
    table = Table("method", "cells", "unknown", "rough", "expected", box=SIMPLE_HEAD)
    for label, part in known.groupby("label", sort=False):
        blank, rough = int(part["seconds"].isna().sum()), int(part["rough"].sum())
        expected = "?" if blank == len(part) else duration(part["seconds"].sum())
        table.add_row(str(label), f"{len(part)}", f"{blank or ''}", f"{rough or ''}", expected)
    out.print(f"{_heading(experiment, now)}, {len(todo)} to be run", soft_wrap=True, markup=False)
    if todo:
        out.print(table)
        total, blank = known["seconds"].sum(), int(known["seconds"].isna().sum())
        least = f", and what {count(blank, 'cell')} without earlier rows will take" if blank else ""
        shared = f"; {duration(total / workers)} with {workers} workers" if workers > 1 else ""
        out.print(f"expected: {duration(total)} of a processor{shared}{least}", soft_wrap=True)
    _show_uncounted(out, now)


def show_state(out: Console, experiment: Experiment, now: State, path: Path) -> None:
    """Print what was run and how long it took, what ended badly and why, and what is left."""
    took = sum(float(row.get("cpu_seconds") or 0) for row in now.rows.values())
    told = f", which took {duration(took)} of a processor" if took else ""
    out.print(
        f"{_heading(experiment, now)}, {len(now.failed)} failed, {len(now.missing)} left{told}; "
        f"{path}",
        soft_wrap=True,
        markup=False,
    )
    failures = now.failures.most_common()
    for (dataset, label, status, reason), runs in failures[:SHOWN]:
        text = f"  {dataset}: {label}: {status}: {reason} ({count(runs, 'run')})"
        out.print(text, soft_wrap=True, markup=False)
    if len(failures) > SHOWN:
        out.print(f"  and {len(failures) - SHOWN} more")
    _show_uncounted(out, now)


def _show_uncounted(out: Console, now: State) -> None:
    """Print which rows are of other data, which runs have no cells on which data sets, and why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for dataset, label, reason in now.left_out:
        reasons.setdefault((label, reason), []).append(dataset)
    if now.changed:
        text = f"  not counted: rows of other data under the names {', '.join(now.changed)}"
        out.print(text, soft_wrap=True, markup=False)
    for (label, reason), names in list(reasons.items())[:SHOWN]:
        text = f"  left out: {label} on {', '.join(names)}: {reason}"
        out.print(text, soft_wrap=True, markup=False)
    if len(reasons) > SHOWN:
        out.print(f"  and {len(reasons) - SHOWN} more")


def _heading(experiment: Experiment, now: State) -> str:
    return f"{experiment.name}: {count(len(now.cells), 'cell')}, {len(now.rows)} done"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def tables(
    found: list[tuple[Experiment, list[Row]]], metrics: list[str]
) -> list[tuple[Matrix, pd.DataFrame]]:
    """A matrix of each score and task, with its rows."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for experiment, rows in found:
        ordered = in_order(experiment, frame(rows, experiment.task))
        parts.setdefault(experiment.task, []).append(ordered)
    # a cell that two files have is one run
    once = ["dataset", "label", "params", "seed"]
    whole = {
        task: pd.concat(frames, ignore_index=True).drop_duplicates(once, keep="last")
        for task, frames in parts.items()
    }
    tuned = {
        task: [name for e, _ in found if e.task == task for name in e.tuned_on] for task in whole
    }
    return [
        (matrix(rows, m, task, tuned[task]), rows) for task, rows in whole.items() for m in metrics
    ]


def draw_all(found: list[tuple[Matrix, pd.DataFrame]], folder: Path, test: str) -> list[Path]:
    """Write the pictures of each matrix; those that can be drawn."""
    folder.mkdir(exist_ok=True)
    written = []
    for drawn, rows in found:
        stem = f"{drawn.metric}_{drawn.task.replace(' ', '_')}"
        title = SCORES.get(drawn.metric, (drawn.metric,))[0]
        title += "" if drawn.task == "clustering" else f", {drawn.task}"
        if drawn.ranks:
            written.append(folder / f"{stem}_ranks.png")
            draw_ranks(drawn.ranks, title, written[-1], test)
        written.append(folder / f"{stem}_costs.png")
        draw_costs(rows, drawn.metric, title, written[-1])
    return written
