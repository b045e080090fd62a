"""Cells of an experiment: data set × method × parameters × seed, each known by its content."""

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.cards import cards
from graphclust.evaluate import tasks
from graphclust.evaluate.estimate import sizes
from graphclust.evaluate.experiment import CLASSES, SEED, Experiment, Run
from graphclust.evaluate.metrics import n_classes
from graphclust.evaluate.run import params_text, run_cell
from graphclust.loaders import load

SCHEMA = 1  # of the key below: another meaning of a row's columns is another schema
LeftOut = tuple[str, str, str]  # a data set, the label of a run that has no cells there, and why


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run to be made. `size`: nodes, arcs and feature values of its graph."""

    dataset: str
    label: str
    method: Method
    task: str
    size: tuple[int, int, int]
    time_limit: float
    memory_limit: float | None

    @property
    def row(self) -> dict[str, Any]:
        """The columns that are known before it runs."""
        return {
            "dataset": self.dataset,
            "label": self.label,
            "method": self.method.name,
            "params": params_text(self.method),
            "seed": self.method.seed,
            "protocol": tasks.protocol(self.task, self.method),
            "data": fingerprint(self.dataset),
        }

    @property
    def key(self) -> str:
        """What it is known by."""
        return cell_key(self.row, self.task)

    def run(self, threads: int | None = None) -> dict[str, Any]:
        """Its row, whatever happens to it; libraries may use so many threads."""
        limits = {"time_limit": self.time_limit, "memory_limit": self.memory_limit}
        graph = of_seed(self.dataset, self.method.seed)
        row = self.row | run_cell(self.method, graph, task=self.task, threads=threads, **limits)
        return row | {"at": datetime.now(UTC).isoformat(timespec="seconds")}


def cell_key(row: dict[str, Any], task: str) -> str:
    """Sixteen hex digits of a row's content: task, data, method, parameters, seed.

    A row without a fingerprint of its data, as older files have, stands for the data as they are.
    """
    data = row.get("data") or fingerprint(row["dataset"])
    params = json.dumps(json.loads(row["params"]), sort_keys=True)
    content = [SCHEMA, task, row["dataset"], data, row["method"], params, int(row["seed"])]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@cache
def fingerprint(dataset: str) -> str:
    """Twelve hex digits of a set's checksums, by its card, or of a file's bytes; else nothing."""
    if Path(dataset).is_file():
        return hashlib.sha256(Path(dataset).read_bytes()).hexdigest()[:12]
    card = cards().get(dataset.partition(":")[0])
    if card is None or not card.sha256:
        return ""
    return hashlib.sha256(json.dumps(card.sha256, sort_keys=True).encode()).hexdigest()[:12]


def plan(experiment: Experiment) -> list[Cell]:
    """Every cell of the experiment, in order, each once."""
    return planned(experiment)[0]


def planned(experiment: Experiment) -> tuple[list[Cell], list[LeftOut]]:
    """The cells of `plan`, and what has none: methods that cannot take a data set (no features,
    say), or need a number of classes where there are none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a cell's row keeps what is said on loading
        found = [part for name in experiment.datasets for part in _of_dataset(experiment, name)]
    cells = [part for part in found if isinstance(part, Cell)]
    left_out = [part for part in found if not isinstance(part, Cell)]
    return list({cell.key: cell for cell in reversed(cells)}.values())[::-1], left_out


def _of_dataset(experiment: Experiment, dataset: str) -> Iterator[Cell | LeftOut]:
    graph = load(of_seed(dataset, 0))
    classes, size = n_classes(graph.y), sizes(graph)
    for run in experiment.runs:
        if reason := _obstacle(experiment.task, run, graph, classes):
            yield dataset, run.label, reason
            continue
        drawn = tasks.methods(experiment.task)[run.method].randomised or SEED in dataset
        for seed in range(experiment.seeds_of(run, dataset) if drawn else 1):
            yield Cell(
                dataset=dataset,
                label=run.label,
                method=run.build(experiment.task, classes, seed),
                task=experiment.task,
                size=size,
                time_limit=experiment.time_limit,
                memory_limit=experiment.memory_limit,
            )


def _obstacle(task: str, run: Run, graph: Data, classes: int) -> str | None:
    cls = tasks.methods(task)[run.method]
    if CLASSES in run.params.values() and not classes:
        return "the number of classes is asked for, and there are none"
    reason: str | None = cls.obstacle(graph) or tasks.obstacle(task, cls, graph)
    return reason


def of_seed(dataset: str, seed: int) -> str:
    """The name of the graph that a seed is given: generated sets may be drawn anew for each."""
    return dataset.replace(SEED, str(seed))
