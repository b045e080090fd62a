"""The methods of a comparison once more, on changed graphs: samples of the edges, rewired ones."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.evaluate.agreement import Labels, Runs, ami, between, linked, over_seeds
from graphclust.evaluate.null import against, quality, score_of, shared, verdict
from graphclust.evaluate.run import run_cell, stored
from graphclust.graph.errors import count
from graphclust.graph.resample import edge_sample, rewired

Methods = Mapping[str, Method]
FIXED = 0.5  # of the edges still there after rewiring: said, as chance then has little room


@dataclasses.dataclass
class Cells:
    """Runs one after the other, and says how far they have come."""

    total: int
    seeds: int
    limits: dict[str, Any]
    progress: Callable[[int, int, str], None] | None
    done: int = 0

    def run(self, name: str, method: Method, source: Any, keep: bool) -> dict[str, Any]:
        """The row of a run; with its `labels` where they are to be kept."""
        self._tell(name)
        self.done += 1
        task = "labels" if keep else "clustering"
        return run_cell(method, source, task=task, **self.limits)

    def end(self) -> None:
        """All have run."""
        self._tell("")

    def _tell(self, name: str) -> None:
        if self.progress:
            self.progress(self.done, self.total, name)


def over_seeds_and_samples(
    graph: Data,
    methods: Methods,
    labels: Mapping[str, Runs],
    share: float | None,
    cells: Cells,
) -> tuple[pd.DataFrame, list[str]]:
    """A row for each method in `labels`: mean and deviation of the AMI between the seeds' runs
    (`ami_seeds_…`) and, of `methods`, which read edges, between the runs on the graph and those of
    the same seeds on samples of its edges (`ami_edges_…`).

    Nodes that have no edge in a sample do not count there.
    """

    def likeness(name: str, seed: int, sample: Data, found: Labels) -> float:
        own = labels[name][seed % len(labels[name])]
        return float("nan") if own is None else ami(own, found, linked(sample))

    def sample(seed: int) -> Data:
        return edge_sample(graph, seed, share)

    edges, notes = _again("samples of the edges", sample, likeness, methods, cells)
    rows = {}
    for name, runs in labels.items():
        alone = len(runs) == 1  # no random choices: any seed would give the same
        seeds = [between(runs, runs)] if alone else over_seeds(runs)
        rows[name] = _spread("ami_seeds", seeds) | _spread("ami_edges", edges.get(name, []))
    how = "as many edges, drawn with replacement" if share is None else f"{share:.0%} of the edges"
    notes = [
        "Stability: mean AMI of each run beside that of the next seed, and beside a run on "
        f"{how} ({count(cells.seeds, 'sample')}; nodes left without edges do not count).",
        *notes,
    ]
    return pd.DataFrame.from_dict(rows, orient="index"), notes


def against_rewired(
    graph: Data, methods: Methods, labels: Mapping[str, Runs], cells: Cells
) -> tuple[pd.DataFrame, list[str]]:
    """A row for each of `methods`: the name of the `score`, and `null.against`."""
    scores = {name: score_of(method, graph) for name, method in methods.items()}
    kept: list[float] = []

    def make(seed: int) -> Data:
        other = rewired(graph, seed)
        kept.append(shared(graph, other))
        return other

    def measure(name: str, seed: int, other: Data, found: Labels) -> float:
        return quality(scores[name], other, found)

    null, notes = _again("rewired graphs", make, measure, methods, cells)
    rows = {}
    for name, chance in null.items():
        own = [quality(scores[name], graph, run) for run in labels[name] if run is not None]
        if own and chance and np.isfinite([*own, *chance]).all():
            rows[name] = {"score": scores[name], **against(own, chance)}
    table = pd.DataFrame.from_dict(rows, orient="index")
    if len(table):
        notes = verdict(table) + notes
    if graph.x is not None:
        notes.append("Rewiring leaves features with their nodes: what is read off them survives.")
    if kept and np.mean(kept) > FIXED:
        notes.append(
            f"{np.mean(kept):.0%} of the edges are there after rewiring too: degrees alone leave "
            "little to chance."
        )
    return table, notes


def _again(
    where: str,
    make: Callable[[int], Data],
    measure: Callable[[str, int, Data, Labels], float],
    methods: Methods,
    cells: Cells,
) -> tuple[dict[str, list[float]], list[str]]:
    """What is measured of each method's runs, one a seed on a graph of its own, and a sentence for
    each method of which some failed."""
    found: dict[str, list[float]] = {name: [] for name in methods}
    failed: dict[str, list[str]] = {}
    for seed in range(cells.seeds):
        graph = make(seed)
        with stored(graph) as source:
            for name, method in methods.items():
                cell = dataclasses.replace(method, seed=seed)
                row = cells.run(name, cell, source, keep=True)
                if "labels" in row:
                    found[name].append(measure(name, seed, graph, row["labels"]))
                else:
                    failed.setdefault(name, []).append(row["reason"])
    notes = [
        f"{name}: {count(len(reasons), 'run')} on {where} did not end well: {reasons[0]}"
        for name, reasons in failed.items()
    ]
    return found, notes


def _spread(name: str, values: list[float]) -> dict[str, float]:
    known = np.array(values)[~np.isnan(values)]
    return {
        f"{name}_mean": float(known.mean()) if len(known) else float("nan"),
        f"{name}_sd": float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
    }
