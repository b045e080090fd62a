"""Experiments as files: a TOML says what is run, a CSV beside it keeps every row.

    title = "Citation graphs"
    task = "clustering"                     # the default; others: `evaluate.tasks`
    datasets = ["cora", "citeseer"]         # "sbm:n=100,seed={seed}": another graph a seed
    seeds = 10

    [[run]]
    method = "leiden"

    [[run]]
    method = "spectral"
    params = { n_clusters = "classes" }     # the number of classes, where the data have any

    [published]                             # figures of a paper, to be set beside ours
    source = "paper, table"
    protocol = "best of 10"
    cora = { acc = 0.7316 }

A row is appended whole; a run that was killed goes on where it stopped, and a finished cell (same
data set, method, parameters and seed) is not run again.
"""

import csv
import io
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from graphclust.base import Method
from graphclust.evaluate import tasks
from graphclust.evaluate.estimate import SIZES
from graphclust.evaluate.metrics import n_classes
from graphclust.evaluate.run import params_text, run_cell
from graphclust.evaluate.tables import markdown
from graphclust.graph.errors import GraphError
from graphclust.graph.files import named_errors
from graphclust.loaders import load
from graphclust.params import check

SEED = "{seed}"  # in the name of a generated data set: another graph for every seed
CLASSES = "classes"  # stands for the number of classes in a parameter
BEFORE = ("dataset", "label", "method", "params", "seed", "status", "reason", *SIZES)
AFTER = ("seconds", "cpu_seconds", "peak_mb", "extra_mb", "warnings", "versions", "commit", "cpu")


def columns(task: str) -> list[str]:
    """The columns of a results file."""
    return [*BEFORE, *tasks.COLUMNS[task], *AFTER]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment file. `runs` holds (method, parameters) in order."""

    name: str
    title: str
    datasets: list[str]
    seeds: int
    runs: list[tuple[str, dict[str, Any]]]
    task: str = "clustering"
    published: dict[str, Any] = field(default_factory=dict)
    time_limit: float = 600.0


def read_experiment(path: str | Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        GraphError: a key, method or parameter that does not exist, or a value out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise GraphError(f"{path.name} is no TOML: {error}") from None
    known = {"title", "datasets", "seeds", "run", "task", "published", "time_limit"}
    if unknown := content.keys() - known:
        raise GraphError(f"{path.name}: unknown keys {', '.join(sorted(unknown))}")
    if missing := {"title", "datasets", "seeds", "run"} - content.keys():
        raise GraphError(f"{path.name} lacks {', '.join(sorted(missing))}")
    runs = []
    for run in content["run"]:
        if unknown := run.keys() - {"method", "params"}:
            raise GraphError(f"{path.name}: unknown keys {', '.join(sorted(unknown))} in [[run]]")
        name, params = run.get("method", ""), run.get("params", {})
        task = content.get("task", "clustering")
        try:
            method = _build(task, name, params, classes=2, seed=0)
            check(method)
            if obstacle := tasks.obstacle(task, method):
                raise ValueError(obstacle)
        except (ValueError, TypeError) as error:
            raise GraphError(f"{path.name}: {name}: {error}") from None
        runs.append((name, params))
    options = {key: content[key] for key in ("task", "published", "time_limit") if key in content}
    return Experiment(
        name=path.stem,
        title=content["title"],
        datasets=content["datasets"],
        seeds=content["seeds"],
        runs=runs,
        **options,
    )


def _build(task: str, name: str, params: dict[str, Any], classes: int, seed: int) -> Method:
    given = {key: classes if value == CLASSES else value for key, value in params.items()}
    cls: Callable[..., Method] = tasks.methods(task)[name]
    return cls(**given, seed=seed)


def run_experiment(
    experiment: Experiment,
    results: str | Path,
    progress: Callable[[int, int, str], None] | None = None,
) -> int:
    """Run the cells that `results` (a CSV) lacks, appending each row at once; how many were run.

    Methods that cannot take a data set (no features, say) are passed over.
    """
    results = Path(results)
    done = {_key(row) for row in read_rows(results)}
    cells = list(_cells(experiment))
    ran = 0
    for number, (dataset, label, method) in enumerate(cells):
        row = {
            "dataset": dataset,
            "label": label,
            "method": method.name,
            "params": params_text(method),
            "seed": str(method.seed),
        }
        if _key(row) in done:
            continue
        if progress:
            progress(number, len(cells), f"{dataset}: {label}")
        task, limit = experiment.task, experiment.time_limit
        row |= run_cell(method, _of_seed(dataset, method.seed), task=task, time_limit=limit)
        append_row(results, row, columns(task))
        ran += 1
    if progress:
        progress(len(cells), len(cells), "")
    return ran


def _cells(experiment: Experiment) -> Iterator[tuple[str, str, Method]]:
    """(data set, label, method with seed) of every cell, in order."""
    for dataset in experiment.datasets:
        data = load(_of_seed(dataset, 0))
        classes = n_classes(data.y)
        for name, params in experiment.runs:
            needs_classes = CLASSES in params.values()
            cls = tasks.methods(experiment.task)[name]
            if cls.obstacle(data) or (needs_classes and not classes):
                continue
            if tasks.obstacle(experiment.task, cls, data):
                continue
            label = name if not params else f"{name}({', '.join(map('='.join, _texts(params)))})"
            drawn = cls.randomised or SEED in dataset
            for seed in range(experiment.seeds if drawn else 1):
                yield dataset, label, _build(experiment.task, name, params, classes, seed)


def _of_seed(dataset: str, seed: int) -> str:
    return dataset.replace(SEED, str(seed))


def _texts(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return ((key, str(value)) for key, value in params.items())


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("dataset", "method", "params", "seed"))


def read_rows(results: str | Path) -> list[dict[str, str]]:
    """The whole rows of a results file; none where there is no file yet."""
    results = Path(results)
    if not results.is_file():
        return []
    text = results.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]  # a killed writer may leave half a line
    return list(csv.DictReader(whole.splitlines()))


def append_row(results: Path, row: dict[str, Any], columns: list[str]) -> None:
    """Append one row in a single write, after cutting off what a killed writer left.

    A file keeps the columns that it has.

    Raises:
        OSError: the row could not be written, on a full disk say; the rows before it are as they
            were.
    """
    with named_errors(results):
        there = results.exists()
        start = _cut_to_whole_rows(results) if there else 0
        text = io.StringIO()
        columns = columns if start == 0 else _columns(results)
        writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
        if start == 0:
            writer.writeheader()
        writer.writerow({key: str(value).replace("\n", " ") for key, value in row.items()})
        rest = text.getvalue().encode()
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


def _columns(results: Path) -> list[str]:
    """Names of the columns that a results file has."""
    with open(results, encoding="utf-8", newline="") as file:
        found = next(csv.reader(file))
    if "dataset" not in found:
        raise GraphError(f"{results} holds no results: it begins with {','.join(found)[:80]!r}")
    return found


def _cut_to_whole_rows(results: Path) -> int:
    content = results.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(results, whole)
    return whole


def frame(rows: list[dict[str, str]], task: str = "clustering") -> pd.DataFrame:
    """Rows of a results file as a frame with numbers where numbers are meant."""
    table = pd.DataFrame(rows, columns=columns(task))
    texts = {*BEFORE[:4], "status", "reason", *AFTER[4:]}
    for column in set(table) - texts:
        table[column] = pd.to_numeric(table[column])
    return table


def table(experiment: Experiment, rows: list[dict[str, str]]) -> str:
    """The experiment's Markdown: one table a data set, under its title, published figures below.

    Seconds are the processor's: the clock on the wall also tells what else the machine did.
    """
    everything = frame(rows, experiment.task)
    everything["seconds"] = everything["cpu_seconds"]
    parts = [
        f"**{experiment.title}** ({experiment.seeds} seeds, mean ± standard deviation; "
        f"{tasks.PROTOCOLS[experiment.task]}; seconds of a processor)"
    ]
    for dataset in experiment.datasets:
        of_set = everything[everything["dataset"] == dataset]
        if len(of_set):
            parts.append(f"`{dataset}`\n\n{markdown(of_set)}")
    if experiment.published:
        parts.append(f"Published: `{json.dumps(experiment.published, ensure_ascii=False)}`")
    return "\n\n".join(parts)


def results_path(path: str | Path) -> Path:
    """`experiments/results/<name>.csv` for a file below `experiments`, else a CSV beside it."""
    path = Path(path).resolve()
    root = next((p for p in path.parents if p.name == "experiments"), None)
    folder = path.parent if root is None else root / "results"
    return folder / f"{path.stem}.csv"


MARKED = re.compile(r"(<!-- table: (?P<path>\S+) -->\n).*?(<!-- /table -->)", flags=re.S)


def fill_tables(document: Path) -> str:
    """The document's text with each `<!-- table: FILE -->` … `<!-- /table -->` made anew.

    FILE is an experiment, relative to the document; its rows are those of `results_path`.
    """

    def replace(found: re.Match[str]) -> str:
        path = document.parent / found["path"]
        rows = read_rows(results_path(path))
        return f"{found[1]}{table(read_experiment(path), rows)}\n{found[3]}"

    return MARKED.sub(replace, document.read_text(encoding="utf-8"))
