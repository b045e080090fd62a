"""graphclust.compare: several methods on one graph, each over several seeds, beside Leiden."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from torch_geometric.data import Data

from graphclust.base import Method, without_labels
from graphclust.evaluate.agreement import AMI, Labels, agreements
from graphclust.evaluate.differences import differences, verdict
from graphclust.evaluate.lineup import check_limits, checked, label, lineup
from graphclust.evaluate.repeats import Cells, against_rewired, over_seeds_and_samples
from graphclust.evaluate.run import stored
from graphclust.evaluate.sections import Section, render, sections
from graphclust.evaluate.tables import SCORES, summary
from graphclust.graph.errors import count
from graphclust.graph.export import is_signed
from graphclust.graph.resample import check_share
from graphclust.loaders import opened

__all__ = ["Comparison", "compare", "label"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` found.

    Attributes:
        rows: one row a run, failed ones included (`evaluate.run` names the columns).
        notes: protocol and everything a reader of the table must know, a sentence each.
        labels: where `stability`, `agreement` or `null` was asked for, the (N,) labels of every run
            of each method, by seed; None for a run that failed.
        stability: where asked for, a row a method: mean and deviation of the AMI between its seeds,
            and between the graph and samples of its edges.
        agreement: where asked for, (M, M) mean AMI between methods.
        null: where asked for, a row a method: its score on the graph and on rewired graphs.
    """

    rows: pd.DataFrame
    notes: list[str]
    labels: dict[str, list[Labels | None]] = dataclasses.field(default_factory=dict)
    stability: pd.DataFrame | None = None
    agreement: pd.DataFrame | None = None
    null: pd.DataFrame | None = None

    def summary(self) -> pd.DataFrame:
        """One row a method: mean and standard deviation over the seeds as numbers, and what
        `stability` and `null` (`null_…`) hold."""
        table = summary(self.rows)
        for more, prefix in ((self.stability, ""), (self.null, "null_")):
            if more is not None:
                more = more.add_prefix(prefix)
                table = table.merge(more, "left", left_on="method", right_index=True)
        return table

    def differences(self, score: str) -> pd.DataFrame:
        """All pairs of methods, and whether their difference in a column of `rows` is larger than
        what seeds make (`evaluate.differences`)."""
        return differences(self.rows, score)

    def sections(self) -> list[Section]:
        """The tables below the main one."""
        return sections(self.stability, self.null, self.agreement)

    def render(self, form: str) -> str:
        """The tables with their notes as text: `markdown`, `html` or `csv` (numbers, no notes)."""
        if form == "csv":
            return self.summary().to_csv(index=False)
        return render(self.rows, self.sections(), self.notes, form)

    def __str__(self) -> str:
        return self.render("markdown")

    def _repr_html_(self) -> str:
        return self.render("html")


def compare(
    graph: Any,
    methods: Iterable[str | type[Method] | Method] | None = None,
    *,
    n_clusters: int | None = None,
    seeds: int = 10,
    stability: bool = False,
    agreement: bool = False,
    null: bool = False,
    share: float | None = 0.8,
    time_limit: float | None = 600.0,
    memory_limit: float | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Comparison:
    """Run methods on one graph, each run in its own process, and set them side by side.

    Leiden with a free number of clusters and Leiden with `n_clusters` are always among them.
    No label reaches a method; but where `n_clusters` is not given and the graph has classes, their
    number is used by the methods that need it (the notes say so). Without classes it is the number
    that Leiden finds.

    Args:
        graph: anything `as_graph` takes, or a name or path for `load`.
        methods: names in METHODS or methods with parameters; None: every method that fits and is
            no variant of another, and `correlation` where edges have signs.
        seeds: runs of each method, with seeds 0, 1, …, whatever seed a method given has; methods
            without random choices run once.
        stability: do the clusters stay with another seed, and with a sample of the edges? Each
            method runs on `seeds` samples too.
        agreement: how far do methods agree with each other?
        null: is the structure real? Each method runs on `seeds` rewired graphs too
            (`graph.resample.rewired`); with 19 of them p can be as small as 0.05.
        share: of the edges in a sample; None: as many as there are, drawn with replacement (the
            bootstrap, which blurs weak clusters: an edge drawn twice tells nothing new).
        time_limit: seconds for one run. memory_limit: megabytes for one run.
        progress: called as `progress(done, total, label)` before each run and at the end.

    Raises:
        ValueError, TypeError: an argument is wrong; nothing has run then.
    """
    asked = checked(methods, seeds=seeds, n_clusters=1 if n_clusters is None else n_clusters)
    if seeds < 2 and (stability or null):
        raise ValueError(f"stability and null need seeds ≥ 2, found {seeds}")
    check_share(share)
    check_limits(time_limit=time_limit, memory_limit=memory_limit)
    data = opened(graph)
    chosen, notes = lineup(data, asked, n_clusters, methods is None)
    readers = {name: method for name, method in chosen.items() if method.kinds}  # of edges
    plan = [
        (name, dataclasses.replace(method, seed=seed))
        for name, method in chosen.items()
        for seed in range(seeds if method.randomised else 1)
    ]
    cells = Cells(
        total=len(plan) + len(readers) * seeds * (stability + null),
        seeds=seeds,
        limits={"time_limit": time_limit, "memory_limit": memory_limit},
        progress=progress,
    )
    frame, labels = _runs(data, plan, cells, keep=stability or agreement or null)
    notes = [*_protocol(data, seeds), *notes, *_remarks(frame), *_order(frame, seeds)]
    found: dict[str, pd.DataFrame] = {}
    unlabelled = without_labels(data)
    if stability:
        found["stability"], more = over_seeds_and_samples(unlabelled, readers, labels, share, cells)
        notes += more
    if agreement:
        found["agreement"] = agreements(labels)
        notes.append("Agreement: mean AMI over the seeds, on the diagonal among a method's runs.")
    if stability or agreement:
        notes.append(AMI)
    if null:
        found["null"], more = against_rewired(unlabelled, readers, labels, cells)
        notes += more
    cells.end()
    return Comparison(rows=frame, notes=notes, labels=labels, **found)


def _runs(
    data: Data, plan: list[tuple[str, Method]], cells: Cells, keep: bool
) -> tuple[pd.DataFrame, dict[str, list[Labels | None]]]:
    """The rows of all runs and, where they are to be kept, their labels by method and seed."""
    with stored(data) as source:
        rows = [{"label": name, **cells.run(name, cell, source, keep)} for name, cell in plan]
    labels: dict[str, list[Labels | None]] = {}
    for row in rows if keep else []:
        labels.setdefault(row["label"], []).append(row.pop("labels", None))
    return pd.DataFrame(rows), labels


def _order(rows: pd.DataFrame, seeds: int) -> list[str]:
    """What the seeds say of the order of the methods, by one score: the table has the others."""
    score = next((name for name in ("ari", "modularity") if name in rows), None)
    if score is None:
        return []
    return verdict(rows, score, SCORES[score][0], seeds)


def _protocol(data: Data, seeds: int) -> list[str]:
    notes = [
        (
            f"Mean ± standard deviation over {seeds} seeds (0 to {seeds - 1})"
            if seeds > 1
            else "One run, seed 0: no spread"
        )
        + "; the final result of every run, none chosen by labels."
    ]
    if data.y is None:
        notes.append("No classes are known: only internal scores.")
    elif data.y.dim() > 1:
        notes.append("The truth is multi-label: external scores need one class a node.")
    else:
        if unknown := int((data.y < 0).sum()):
            notes.append(
                f"{count(unknown, 'node')} without a class left out of the external scores."
            )
        notes.append("NMI and ARI depend on the number of clusters: compare rows of equal k.")
    if is_signed(data):
        notes.append(
            "Edges have signs: Σ D is the weight of the positive ones between clusters and of the "
            "negative ones within, max D that at one node; modularity needs positive weights."
        )
    return notes


def _remarks(rows: pd.DataFrame) -> list[str]:
    """Warnings and failures, each once with the number of runs that it touched."""
    notes = []
    for column in ("warnings", "reason"):
        if column in rows:
            texts = rows[rows[column].fillna("") != ""]
            for (name, text), runs in texts.groupby(["label", column], sort=False):
                notes.append(f"{name}: {text} ({count(len(runs), 'run')})")
    return notes
