"""graphclust.compare: several methods on one graph, each over several seeds, beside Leiden."""

import dataclasses
import numbers
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.evaluate.metrics import n_classes
from graphclust.evaluate.run import check_importable, run_cell, stored
from graphclust.evaluate.tables import render, summary
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import count
from graphclust.graph.export import is_signed
from graphclust.loaders import load
from graphclust.methods import METHODS
from graphclust.params import check, required


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` found.

    Attributes:
        rows: one row a run, failed ones included (`evaluate.run` names the columns).
        notes: protocol and everything a reader of the table must know, a sentence each.
    """

    rows: pd.DataFrame
    notes: list[str]

    def summary(self) -> pd.DataFrame:
        """One row a method: mean and standard deviation over the seeds as numbers."""
        return summary(self.rows)

    def render(self, form: str) -> str:
        """The table with its notes as text: `markdown`, `html` or `csv` (numbers, no notes)."""
        return render(self.rows, self.notes, form)

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
            no variant of another.
        seeds: runs of each method, with seeds 0, 1, …, whatever seed a method given has; methods
            without random choices run once.
        time_limit: seconds for one run. memory_limit: megabytes for one run.
        progress: called as `progress(done, total, label)` before each run and at the end.

    Raises:
        ValueError, TypeError: an argument is wrong; nothing has run then.
    """
    chosen_methods = _checked(methods, seeds, n_clusters)
    data = _open(graph)
    k, notes = _choose_k(data, n_clusters)
    slow = [] if methods is not None else [name for name in METHODS if METHODS[name].slow]
    if slow := [name for name in slow if METHODS[name].obstacle(data) is None]:
        notes.append(f"Trained for minutes, and run only where named: {', '.join(slow)}.")
    if k > data.num_nodes:
        raise ValueError(f"n_clusters={k} is more than the {data.num_nodes} nodes there are")
    chosen, left_out = _leiden_rows(data, k), defaultdict[str, list[str]](list)
    for method in chosen_methods:
        cls = method if isinstance(method, type) else type(method)
        if obstacle := cls.obstacle(data):
            left_out[obstacle.removeprefix(cls.name)].append(cls.name)
        else:
            chosen.append(_with_k(method, k) if isinstance(method, type) else method)
    for reason, names in left_out.items():
        who = names[0] if len(names) == 1 else f"each of {', '.join(names)}"
        notes.append(f"left out: {who}{reason}")
    chosen = list(dict.fromkeys(dataclasses.replace(method, seed=0) for method in chosen))
    plan = [
        (label(method), dataclasses.replace(method, seed=seed))
        for method in chosen
        for seed in range(seeds if method.randomised else 1)
    ]
    rows = []
    with stored(data) as source:
        for done, (name, cell) in enumerate(plan):
            if progress:
                progress(done, len(plan), name)
            found = run_cell(cell, source, time_limit=time_limit, memory_limit=memory_limit)
            rows.append({"label": name, **found})
    if progress:
        progress(len(plan), len(plan), "")
    frame = pd.DataFrame(rows)
    return Comparison(rows=frame, notes=[*_protocol(data, seeds), *notes, *_remarks(frame)])


def _checked(methods: Any, seeds: Any, n_clusters: Any) -> list[type[Method] | Method]:
    """The methods asked for, as classes or with parameters; everything wrong is said at once."""
    for name, value in (("seeds", seeds), ("n_clusters", 1 if n_clusters is None else n_clusters)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError(f"{name} must be a whole number, found {value!r}")
        if value < 1:
            raise ValueError(f"{name} must be at least 1, found {value}")
    if isinstance(methods, (str, Method)):
        methods = [methods]
    chosen: list[type[Method] | Method] = []
    if methods is None:
        methods = [n for n in METHODS if not (METHODS[n].slow or METHODS[n].variant_of)]
    for method in methods:
        found = METHODS[method] if isinstance(method, str) else method
        if isinstance(found, Method):
            check(found)
        elif not (isinstance(found, type) and issubclass(found, Method)):
            raise TypeError(f"methods must be names, classes or methods, found {method!r}")
        check_importable(found if isinstance(found, type) else type(found))
        chosen.append(found)
    return chosen


def label(method: Method) -> str:
    """The method's name with the parameters that differ from their defaults."""
    left_out = {"seed", "n_clusters"} if method.told_k else {"seed"}
    given = [
        f"{field.name}={getattr(method, field.name)}"
        for field in dataclasses.fields(method)
        if field.name not in left_out
        and field.default is not dataclasses.MISSING
        and getattr(method, field.name) != field.default
    ]
    return f"{method.name}({', '.join(given)})" if given else method.name


def _open(graph: Any) -> Data:
    return load(graph) if isinstance(graph, (str, os.PathLike)) else as_graph(graph)


def _choose_k(data: Data, given: int | None) -> tuple[int, list[str]]:
    if given is not None:
        return given, [f"k = {given}, as asked for."]
    if k := n_classes(data.y):
        return k, [f"k = {k} is the number of classes; nothing else of the labels was used."]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        k = METHODS["leiden"]().fit(data).n_clusters
    return k, [f"k = {k} is the number of clusters that Leiden finds with seed 0."]


def _leiden_rows(data: Data, k: int) -> list[Method]:
    leiden: Callable[..., Method] = METHODS["leiden"]
    return [leiden()] if is_signed(data) else [leiden(), leiden(n_clusters=k)]


def _with_k(cls: type[Method], k: int) -> Method:
    """The method with its default parameters, and with `k` where it must be told."""
    told = cls.told_k or "n_clusters" in required(cls)
    return cls(**({"n_clusters": k} if told else {}))


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
        notes.append("Edges have negative weights: internal scores need positive ones.")
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
