"""Documents whose tables are made from rows, between marks that stay:

<!-- table: FILE -->              every score of an experiment, a table a data set
<!-- matrix: FILE nmi -->         one score, methods × data sets, with ranks
<!-- ledger: FILE -->             claims, re-runs and our own figures (`ledger`)
… <!-- /table -->                 and so on
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from graphclust.evaluate import tasks
from graphclust.evaluate.experiment import Experiment, read_experiment
from graphclust.evaluate.ledger import read_ledger, render_ledger
from graphclust.evaluate.matrix import matrix, render_matrix
from graphclust.evaluate.rows import frame
from graphclust.evaluate.store import exported_rows
from graphclust.evaluate.tables import markdown

MARKED = re.compile(
    r"(?P<head><!-- (?P<kind>table|matrix|ledger): (?P<path>\S+)(?: (?P<metric>\S+))? -->\n).*?"
    r"(?P<foot><!-- /(?P=kind) -->)",
    flags=re.S,
)


def fill_tables(document: Path) -> str:
    """The document's text with everything between marks made anew.

    FILE is relative to the document; an experiment's rows are those of `results_path`.
    """

    def replace(found: re.Match[str]) -> str:
        path = document.parent / found["path"]
        return f"{found['head']}{MAKERS[found['kind']](path, found['metric'])}\n{found['foot']}"

    return MARKED.sub(replace, document.read_text(encoding="utf-8"))


def table(experiment: Experiment, rows: list[dict[str, str]]) -> str:
    """The experiment's Markdown: one table a data set, under its title, published figures below.

    Seconds are the processor's: the clock on the wall also tells what else the machine did.
    """
    everything = in_order(experiment, frame(rows, experiment.task))
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


def in_order(experiment: Experiment, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as the experiment lists sets, methods and seeds, in whatever order they came in."""
    sets = {name: place for place, name in enumerate(experiment.datasets)}
    labels = {run.label: place for place, run in enumerate(experiment.runs)}
    placed = rows.assign(_set=rows["dataset"].map(sets), _label=rows["label"].map(labels))
    placed = placed.sort_values(["_set", "_label", "seed"], kind="stable", ignore_index=True)
    return placed.drop(columns=["_set", "_label"])


def _table(path: Path, _: str | None) -> str:
    experiment = read_experiment(path)
    return table(experiment, exported_rows(experiment, path))


def _matrix(path: Path, metric: str | None) -> str:
    experiment = read_experiment(path)
    rows = in_order(experiment, frame(exported_rows(experiment, path), experiment.task))
    found = matrix(rows, metric or "nmi", experiment.task, experiment.tuned_on)
    text = render_matrix(found, "markdown").rstrip()
    return f"**{experiment.title}**\n\n{text}"


def _ledger(path: Path, _: str | None) -> str:
    return render_ledger(read_ledger(path), path.parent)


MAKERS: dict[str, Callable[[Path, str | None], str]] = {
    "table": _table,
    "matrix": _matrix,
    "ledger": _ledger,
}
