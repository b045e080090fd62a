"""Experiments as files: a TOML says what is run; its rows are kept apart (`rows`, `store`).

title = "Citation graphs"
task = "clustering"                     # the default; others: `evaluate.tasks`
datasets = ["cora", "citeseer"]         # "sbm:n=100,seed={seed}": another graph a seed
seeds = 10
time_limit = 600                        # seconds of a run; memory_limit: its megabytes
tuned_on = ["cora"]                     # sets whose classes were looked at when settings were found

[[run]]
method = "leiden"
[run.grid]
resolution = [0.5, 1.0]                 # a run for each combination of these

[[run]]
method = "spectral"
label = "spectral, k told"              # in tables; made of method and params if not given
seeds = 5                               # no more than this
seeds_on = { citeseer = 3 }             # nor than this, on a set where a run takes long
params = { n_clusters = "classes" }     # the number of classes, where the data have any

[published]                             # figures of a paper, to be set beside ours
source = "paper, table"
protocol = "best of 10"
cora = { acc = 0.7316 }
"""

import itertools
import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graphclust.base import Method
from graphclust.evaluate import tasks
from graphclust.graph.errors import GraphError
from graphclust.params import check, describe, param, unknown, widened

SEED = "{seed}"  # in the name of a generated data set: another graph for every seed
CLASSES = "classes"  # stands for the number of classes in a parameter
NEEDED = ("title", "datasets", "seeds", "run")
OPTIONS = ("task", "published", "time_limit", "memory_limit", "tuned_on")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A method with parameters. `seeds`, `seeds_on`: fewer, where it is slow, or slow on a set."""

    method: str
    params: dict[str, Any]
    label: str
    seeds: int | None = param(None, "at most", low=1)
    seeds_on: dict[str, int] = field(default_factory=dict)

    def build(self, task: str, classes: int, seed: int) -> Method:
        """The method itself."""
        given = {k: classes if value == CLASSES else value for k, value in self.params.items()}
        cls: type[Method] = tasks.methods(task)[self.method]
        return cls(**widened(cls, given), seed=seed)

    def protocol(self, task: str) -> str:
        """Which state of its runs is judged (`tasks.protocol`)."""
        return tasks.protocol(task, self.build(task, classes=2, seed=0))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment file."""

    name: str
    title: str
    datasets: list[str]
    seeds: int = param(help="how many", low=1)
    runs: list[Run]
    task: str = "clustering"
    published: dict[str, Any] = field(default_factory=dict)
    time_limit: float = param(600.0, "seconds", low=1e-3)
    memory_limit: float | None = param(None, "megabytes", low=1)
    tuned_on: list[str] = field(default_factory=list)

    def seeds_of(self, run: Run, dataset: str) -> int:
        """How many seeds a run is asked for on a data set."""
        return min(run.seeds or self.seeds, run.seeds_on.get(dataset, self.seeds), self.seeds)


def read_experiment(path: str | Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        GraphError: a key, method or parameter that does not exist, a value out of range, or two
            runs of one label.
    """
    path = Path(path)
    content = read_toml(path)
    try:
        return _experiment(path.stem, content)
    except (ValueError, TypeError) as error:
        raise GraphError(f"{path.name}: {error}") from None


def _experiment(name: str, content: dict[str, Any]) -> Experiment:
    check_keys("the file", content, NEEDED, OPTIONS)
    entries = content.pop("run")
    if not _is_list(entries, dict):
        raise TypeError(f"run must be one or more tables, each under [[run]], found {entries!r}")
    runs = [run for entry in entries for run in _runs(entry)]
    experiment = Experiment(name=name, runs=runs, **content)
    check(experiment)
    for key in ("datasets", "tuned_on"):
        names = getattr(experiment, key)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"{key} must list names, found {names!r}")
        if len(set(names)) < len(names):
            raise ValueError(f"{key} must list each name once, found {names}")
    for dataset in experiment.tuned_on:
        if dataset not in experiment.datasets:
            raise ValueError(unknown("data set in tuned_on", dataset, experiment.datasets))
    for run in runs:
        _check(experiment.task, run, experiment.datasets)
        if (run.seeds or 0) > experiment.seeds:
            raise ValueError(f"{run.label}: seeds must be at most the file's, {experiment.seeds}")
    labels = [run.label for run in runs]
    if twice := {label for label in labels if labels.count(label) > 1}:
        raise ValueError(f"two runs are called {', '.join(sorted(twice))}")
    return experiment


def check_keys(
    where: str, given: dict[str, Any], needed: Collection[str], more: Iterable[str] = ()
) -> None:
    """Refuse a table of a TOML that lacks a key, or has one that is neither needed nor known.

    Raises:
        GraphError: the sentence begins with `where`.
    """
    for key in given:
        if key not in {*needed, *more}:
            raise GraphError(f"{where}: {unknown('key', key, [*needed, *more])}")
    if missing := [key for key in needed if key not in given]:
        raise GraphError(f"{where} lacks {', '.join(missing)}")


def _is_list(found: Any, kind: type) -> bool:
    """Is it a list of at least one, and all of that kind?"""
    return isinstance(found, list) and bool(found) and all(isinstance(x, kind) for x in found)


def restrict(
    experiment: Experiment, seeds: int | None = None, datasets: list[str] | None = None
) -> Experiment:
    """A part of the experiment: no more than so many seeds, and only some of its data sets.

    Raises:
        ValueError: a data set that is none of the experiment's.
    """
    for name in datasets or []:
        if name not in experiment.datasets:
            raise ValueError(unknown(f"data set of {experiment.name}", name, experiment.datasets))
    kept = [name for name in experiment.datasets if datasets is None or name in datasets]
    return replace(
        experiment, seeds=min(seeds or experiment.seeds, experiment.seeds), datasets=kept
    )


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        FileNotFoundError, GraphError: there is none, or it is no TOML.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GraphError(f"{path.name} is no TOML: {error}") from None


def _runs(entry: dict[str, Any]) -> Iterator[Run]:
    """The runs of one [[run]]: one for each combination of what its `grid` lists."""
    check_keys("[[run]]", entry, ("method",), ("params", "label", "seeds", "seeds_on", "grid"))
    name, fixed, grid = entry["method"], entry.get("params", {}), entry.get("grid", {})
    if not isinstance(name, str):
        raise TypeError(f"method must be a name, found {name!r}")
    if not isinstance(fixed, dict):
        raise TypeError(f"{name}: params must be a table, found {fixed!r}")
    if not isinstance(grid, dict) or not all(_is_list(values, object) for values in grid.values()):
        raise TypeError(f"{name}: grid must list the values of each parameter, found {grid!r}")
    if both := fixed.keys() & grid.keys():
        raise ValueError(f"{name}: {', '.join(sorted(both))} stands in params and in grid")
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        params = fixed | chosen
        label = _label(entry["label"], chosen) if "label" in entry else _label(name, params)
        few = {key: entry[key] for key in ("seeds", "seeds_on") if key in entry}
        yield Run(method=name, params=params, label=label, **few)


def _label(name: str, params: dict[str, Any]) -> str:
    shown = ", ".join(f"{key}={value}" for key, value in params.items())
    return f"{name}({shown})" if shown else name


def _check(task: str, run: Run, datasets: list[str]) -> None:
    cls = tasks.methods(task)[run.method]
    try:
        check(run)
        _check_seeds(run.seeds_on, datasets)
        if "seed" in run.params:
            raise ValueError("seed is no parameter here: seeds says how many there are")
        names = [p["name"] for p in describe(cls)]
        for name, value in run.params.items():
            if name not in names:
                raise ValueError(unknown("parameter", name, names))
            if isinstance(value, list):
                raise TypeError(f"{name}: several values go under [run.grid], found {value!r}")
        method = run.build(task, classes=2, seed=0)
        check(method)
        if obstacle := tasks.obstacle(task, method):
            raise ValueError(obstacle)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{run.method}: {error}") from None


def _check_seeds(seeds_on: dict[str, Any], datasets: list[str]) -> None:
    for name, seeds in seeds_on.items():
        if name not in datasets:
            raise ValueError(unknown("data set in seeds_on", name, datasets))
        if type(seeds) is not int or seeds < 1:
            raise ValueError(f"seeds_on must give {name} one seed or more, found {seeds!r}")


def results_path(path: str | Path) -> Path:
    """`experiments/results/<name>.csv` for a file below `experiments`, else a CSV beside it."""
    path = Path(path).resolve()
    root = next((p for p in path.parents if p.name == "experiments"), None)
    folder = path.parent if root is None else root / "results"
    return folder / f"{path.stem}.csv"
