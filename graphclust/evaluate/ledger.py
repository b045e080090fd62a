"""The ledger of claims: what was printed, what others measured, what we measure.

A TOML holds what was printed, and names the experiments whose rows are ours:

    about = "a paragraph above the tables"

    [[group]]
    title = "Clusters, %"
    scores = ["acc", "nmi"]               # columns of our rows, in the order of all figures
    scale = 100                           # what our figures are multiplied with; 1 if not given

    [[group.claim]]
    method = "X"
    dataset = "cora"                      # the name of our set where we have it
    claimed = [78.1, nan]                 # nan: not printed
    source = "paper, table"
    protocol = "best epoch by labels"
    rerun = [72.5, 55.6]                  # optional, by whom in `rerun_by`
    rerun_by = "Y, 5 seeds"
    label_free = ["contrast/x.toml", "x(n_clusters=classes)"]  # the label where there are several
    oracle = ["published/x_cora.toml"]
    note = "another head"                 # what sets our figures apart, where something does

    [anchors]                             # then what must be matched: title, scores, scale and

    [[anchors.anchor]]
    dataset = "cora"
    claimed = [78.6, 64.6]                # the highest claims, `claimed_by` whom; a re-run as above
    claimed_by = "X; Y"
    ours = { filter = ["heads/filter.toml", "filter(n_clusters=classes)"] }
"""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from graphclust.evaluate.experiment import read_experiment, read_toml, results_path
from graphclust.evaluate.rows import frame, read_rows
from graphclust.graph.errors import GraphError

ORACLE = "oracle epoch"
CLAIM = {"method", "dataset", "claimed", "source", "protocol"}
ANCHOR = {"dataset", "claimed", "claimed_by", "ours"}
RERUN, OURS = {"rerun", "rerun_by"}, {"label_free", "oracle", "note"}
HEADINGS = {"acc": "ACC", "nmi": "NMI", "ari": "ARI", "macro_f1": "F1"}
NONE = "–"


def read_ledger(path: Path) -> dict[str, Any]:
    """Read and check a file of claims.

    Raises:
        GraphError: a key that is missing or unknown, or figures of another number than the scores.
    """
    content = read_toml(path)
    if content.keys() != {"about", "group", "anchors"}:
        raise GraphError(f"{path.name} must hold about, group and anchors, found {[*content]}")
    for group in content["group"]:
        for claim in group["claim"]:
            _check(path.name, claim, CLAIM, RERUN | OURS, len(group["scores"]))
    for anchor in content["anchors"]["anchor"]:
        _check(path.name, anchor, ANCHOR, RERUN, len(content["anchors"]["scores"]))
    return content


def _check(file: str, entry: dict[str, Any], needed: set[str], more: set[str], n: int) -> None:
    who = f"{file}: {entry.get('method', '')} {entry.get('dataset', '')}".rstrip()
    if missing := needed - entry.keys():
        raise GraphError(f"{who} lacks {', '.join(sorted(missing))}")
    if unknown := entry.keys() - needed - more:
        raise GraphError(f"{who}: unknown keys {', '.join(sorted(unknown))}")
    for key in ("claimed", "rerun"):
        if key in entry and len(entry[key]) != n:
            raise GraphError(f"{who}: {key} must hold {n} figures, found {len(entry[key])}")
    if ("rerun" in entry) != ("rerun_by" in entry):
        raise GraphError(f"{who}: rerun and rerun_by go together")


def render_ledger(ledger: dict[str, Any], folder: Path) -> str:
    """The ledger as Markdown; `folder` is where the experiments' files are."""
    parts = [ledger["about"].strip()]
    parts += [_group(group, folder) for group in ledger["group"]]
    parts.append(_anchors(ledger["anchors"], folder))
    return "\n\n".join(parts)


def _group(group: dict[str, Any], folder: Path) -> str:
    scores, scale = group["scores"], group.get("scale", 1)
    heads = ["method", "data set", "claimed", "source", "protocol", "re-run, by whom"]
    heads += ["ours, label-free", "ours, oracle epoch", "difference"]
    lines = []
    for claim in group["claim"]:
        free = _ours(claim.get("label_free"), claim["dataset"], scores, scale, folder, oracle=False)
        best = _ours(claim.get("oracle"), claim["dataset"], scores, scale, folder, oracle=True)
        lines.append(
            [
                claim["method"],
                claim["dataset"],
                _figures(claim["claimed"], scale),
                claim["source"],
                claim["protocol"],
                _rerun(claim, scale),
                _spread(free, scale, claim.get("label_free"), claim.get("note")),
                _spread(best, scale, claim.get("oracle")),
                _difference(claim, free, best, scale),
            ]
        )
    return f"## {group['title']}\n\nFigures: {_headings(scores)}.\n\n{_table(heads, lines)}"


def _anchors(anchors: dict[str, Any], folder: Path) -> str:
    scores, scale = anchors["scores"], anchors.get("scale", 1)
    columns = list(dict.fromkeys(name for anchor in anchors["anchor"] for name in anchor["ours"]))
    heads = ["data set", "highest claims", "by", "best re-run", *columns]
    lines = []
    for anchor in anchors["anchor"]:
        name, given = anchor["dataset"], anchor["ours"]
        ours = [_ours(given.get(c), name, scores, scale, folder, oracle=False) for c in columns]
        claimed = _figures(anchor["claimed"], scale)
        line = [name, claimed, anchor["claimed_by"], _rerun(anchor, scale)]
        lines.append([*line, *(_spread(found, scale) for found in ours)])
    return f"## {anchors['title']}\n\nFigures: {_headings(scores)}.\n\n{_table(heads, lines)}"


def _ours(
    reference: list[str] | None,
    dataset: str,
    scores: list[str],
    scale: float,
    folder: Path,
    *,
    oracle: bool,
) -> pd.DataFrame | None:
    """(2, S) mean and standard deviation over the good rows that a reference names."""
    if reference is None:
        return None
    experiment = read_experiment(folder / reference[0])
    if (experiment.task == ORACLE) != oracle:
        raise GraphError(f"{reference[0]} has the task {experiment.task}, not that of its column")
    rows = frame(read_rows(results_path(folder / reference[0])), experiment.task)
    rows = rows[(rows["dataset"] == dataset) & (rows["status"] == "ok")]
    rows = rows[rows["label"] == reference[1]] if len(reference) > 1 else rows
    if rows["label"].nunique() != 1:
        names = sorted(rows["label"].unique())
        raise GraphError(f"{reference} must name one label on {dataset}, found {names}")
    found: pd.DataFrame = rows[scores].agg(["mean", "std", "count"])
    found.loc[["mean", "std"]] *= scale
    return found


def _difference(claim: dict[str, Any], free: Any, best: Any, scale: float) -> str:
    """What follows a claim minus the claim: ours, like with like where it was an oracle's."""
    if all(map(math.isnan, claim["claimed"])):
        return NONE
    for who, found in (("ours", free), ("ours, oracle", best), ("re-run", claim.get("rerun"))):
        if found is not None:
            values = found.loc["mean"] if isinstance(found, pd.DataFrame) else found
            gaps = [
                value - claimed for value, claimed in zip(values, claim["claimed"], strict=True)
            ]
            return f"{who}: {' / '.join(_signed(gap, scale) for gap in gaps)}"
    return NONE


def _rerun(entry: dict[str, Any], scale: float) -> str:
    if "rerun" not in entry:
        return NONE
    return f"{_figures(entry['rerun'], scale)}; {entry['rerun_by']}"


def _spread(
    found: pd.DataFrame | None,
    scale: float,
    reference: list[str] | None = None,
    note: str | None = None,
) -> str:
    """Mean ± standard deviation of each score, how many seeds, and the experiment to look into."""
    if found is None:
        return NONE
    source = [f"[{Path(reference[0]).stem}]({reference[0]})"] if reference else []
    digits = _digits(scale)
    pairs = zip(found.loc["mean"], found.loc["std"], strict=True)
    texts = [f"{mean:.{digits}f} ± {sd:.{digits}f}" for mean, sd in pairs]
    about = [f"{found.loc['count'].min():.0f} seeds", *source, *([note] if note else [])]
    return f"{' / '.join(texts)} ({'; '.join(about)})"


def _figures(values: list[float], scale: float) -> str:
    """Figures as they were printed: per cent to two places, others as typed."""
    if all(map(math.isnan, values)):
        return NONE
    form = ".2f" if scale == 100 else "g"
    return " / ".join(NONE if math.isnan(v) else f"{v:{form}}" for v in values)


def _signed(value: float, scale: float) -> str:
    return NONE if math.isnan(value) else f"{value:+.{_digits(scale)}f}".replace("-", "−")


def _digits(scale: float) -> int:
    return 1 if scale == 100 else 3


def _headings(scores: list[str]) -> str:
    return " / ".join(HEADINGS.get(score, f"`{score}`") for score in scores)


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] * len(heads)
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *lines))
