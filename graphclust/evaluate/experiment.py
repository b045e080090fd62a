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
params = { n_clusters = "classes" }     # the number of classes, where the data have any

[published]                             # figures of a paper, to be set beside ours
source = "paper, table"
protocol = "best of 10"
cora = { acc = 0.7316 }
"""

import itertools
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graphclust.base import Method
from graphclust.evaluate import tasks
from graphclust.graph.errors import GraphError
from graphclust.params import check, unknown

SEED = "{seed}"  # in the name of a generated data set: another graph for every seed
CLASSES = "classes"  # stands for the number of classes in a parameter
NEEDED = {"title", "datasets", "seeds", "run"}
OPTIONS = ("task", "published", "time_limit", "memory_limit", "tuned_on")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A method with parameters. `seeds`: fewer than the experiment's, where it is slow."""

    method: str
    params: dict[str, Any]
    label: str
    seeds: int | None = None

    def build(self, task: str, classes: int, seed: int) -> Method:
        """The method itself."""
        given = {k: classes if value == CLASSES else value for k, value in self.params.items()}
        cls: Callable[..., Method] = tasks.methods(task)[self.method]
        return cls(**given, seed=seed)

    def protocol(self, task: str) -> str:
        """Which state of its runs is judged (`tasks.protocol`)."""
        return tasks.protocol(task, self.build(task, classes=2, seed=0))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment file."""

    name: str
    title: str
    datasets: list[str]
    seeds: int
    runs: list[Run]
    task: str = "clustering"
    published: dict[str, Any] = field(default_factory=dict)
    time_limit: float = 600.0
    memory_limit: float | None = None
    tuned_on: list[str] = field(default_factory=list)

    def seeds_of(self, run: Run) -> int:
        """How many seeds a run is asked for."""
        return min(run.seeds or self.seeds, self.seeds)


def read_experiment(path: str | Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        GraphError: a key, method or parameter that does not exist, a value out of range, or two
            runs of one label.
    """
    path = Path(path)
    content = read_toml(path)
    if strange := content.keys() - NEEDED - set(OPTIONS):
        raise GraphError(f"{path.name}: unknown keys {', '.join(sorted(strange))}")
    if missing := NEEDED - content.keys():
        raise GraphError(f"{path.name} lacks {', '.join(sorted(missing))}")
    runs = [run for entry in content["run"] for run in _runs(path.name, entry)]
    for run in runs:
        _check(path.name, content.get("task", "clustering"), run)
    labels = [run.label for run in runs]
    if twice := {label for label in labels if labels.count(label) > 1}:
        raise GraphError(f"{path.name}: two runs are called {', '.join(sorted(twice))}")
    for name in content.get("tuned_on", []):
        if name not in content["datasets"]:
            wrong = unknown("data set in tuned_on", name, content["datasets"])
            raise GraphError(f"{path.name}: {wrong}")
    options = {key: content[key] for key in OPTIONS if key in content}
    kept = {key: content[key] for key in ("title", "datasets", "seeds")}
    return Experiment(name=path.stem, runs=runs, **kept, **options)


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
    except tomllib.TOMLDecodeError as error:
        raise GraphError(f"{path.name} is no TOML: {error}") from None


def _runs(file: str, entry: dict[str, Any]) -> Iterator[Run]:
    """The runs of one [[run]]: one for each combination of what its `grid` lists."""
    if strange := entry.keys() - {"method", "params", "label", "seeds", "grid"}:
        raise GraphError(f"{file}: unknown keys {', '.join(sorted(strange))} in [[run]]")
    grid = entry.get("grid", {})
    if not all(isinstance(values, list) for values in grid.values()):
        raise GraphError(f"{file}: grid must list the values of each parameter, found {grid}")
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        params = entry.get("params", {}) | chosen
        name = entry.get("method", "")
        label = _label(entry["label"], chosen) if "label" in entry else _label(name, params)
        yield Run(method=name, params=params, label=label, seeds=entry.get("seeds"))


def _label(name: str, params: dict[str, Any]) -> str:
    shown = ", ".join(f"{key}={value}" for key, value in params.items())
    return f"{name}({shown})" if shown else name


def _check(file: str, task: str, run: Run) -> None:
    try:
        method = run.build(task, classes=2, seed=0)
        check(method)
        if obstacle := tasks.obstacle(task, method):
            raise ValueError(obstacle)
    except (ValueError, TypeError) as error:
        raise GraphError(f"{file}: {run.method}: {error}") from None


def results_path(path: str | Path) -> Path:
    """`experiments/results/<name>.csv` for a file below `experiments`, else a CSV beside it."""
    path = Path(path).resolve()
    root = next((p for p in path.parents if p.name == "experiments"), None)
    folder = path.parent if root is None else root / "results"
    return folder / f"{path.stem}.csv"
