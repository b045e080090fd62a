"""The ledger of claims: what was printed, what others measured, what we measure.

A TOML holds what was printed, and names the experiments whose rows are ours:

    about = "a paragraph above the tables"

    [[group]]
    title = "Clusters, %"
    scores = ["acc", "nmi"]               # columns of our rows, in the order of all figures
    scale = 100                           # what our figures are multiplied with; 1 if not given
    ours = "ours, held-out edges"         # of the column; if not given, "ours, label-free"

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
    note = "another head"                 # what sets our figures apart, where something does;
                                          # oracle_note: those of the oracle

    [anchors]                             # what must be matched: title, about, scores, scale and

    [anchors.ours]                        # our methods, in this order, where they have rows
    filter = ["grid/x.toml", "filter"]

    [[anchors.anchor]]
    dataset = "cora"
    claimed = [78.6, 64.6]                # the highest claim of each score, and whose it is
    claimed_by = ["X", "Y"]
    rerun = [74.9, nan]                   # optional, the highest re-run of each score likewise
    rerun_by = ["Z", ""]
    ours = { filter = ["heads/large.toml", "filter"] }  # instead, where these are others
"""

import math
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from graphclust.evaluate.experiment import check_keys, read_experiment, read_toml, results_path
from graphclust.evaluate.rows import frame, read_rows
from graphclust.graph.errors import GraphError

ORACLE = "oracle epoch"
GROUP, SCALE = ("title", "scores", "claim"), ("scale",)
CLAIM = ("method", "dataset", "claimed", "source", "protocol")
ANCHORS = ("title", "about", "scores", "ours", "anchor")
ANCHOR = ("dataset", "claimed", "claimed_by")
RERUN, OURS = ("rerun", "rerun_by"), ("label_free", "note", "oracle", "oracle_note")
HEADINGS = {"acc": "ACC", "nmi": "NMI", "ari": "ARI", "macro_f1": "F1"}
NONE = "–"
MEASURED = (5, 6, 7)  # columns of a group's table that are left out where they are empty
Source = Callable[[str], tuple[str, pd.DataFrame]]  # by an experiment's file: task and rows


def read_ledger(path: Path) -> dict[str, Any]:
    """Read and check a file of claims.

    Raises:
        GraphError: a key that is missing or unknown, or figures of another number than the scores.
    """
    content = read_toml(path)
    check_keys(path.name, content, ("about", "group", "anchors"))
    check_keys(f"{path.name}: anchors", content["anchors"], ANCHORS, SCALE)
    for group in content["group"]:
        check_keys(f"{path.name}: {group.get('title', 'a group')}", group, GROUP, (*SCALE, "ours"))
        for claim in group["claim"]:
            _check(path.name, claim, CLAIM, (*RERUN, *OURS), len(group["scores"]))
    for anchor in content["anchors"]["anchor"]:
        n = len(content["anchors"]["scores"])
        _check(path.name, anchor, ANCHOR, (*RERUN, "ours"), n)
        for key in ("claimed_by", "rerun_by"):
            names = anchor.get(key, [""] * n)
            if not isinstance(names, list) or len(names) != n:
                who = f"{path.name}: {anchor['dataset']}"
                raise GraphError(f"{who}: {key} must list {n} names, found {names!r}")
    return content


def _check(
    file: str, entry: dict[str, Any], needed: Collection[str], more: Collection[str], n: int
) -> None:
    who = f"{file}: {entry.get('method', '')} {entry.get('dataset', '')}".rstrip()
    check_keys(who, entry, needed, more)
    for key in ("claimed", "rerun"):
        if key in entry and len(entry[key]) != n:
            raise GraphError(f"{who}: {key} must hold {n} figures, found {len(entry[key])}")
    if ("rerun" in entry) != ("rerun_by" in entry):
        raise GraphError(f"{who}: rerun and rerun_by go together")


def render_ledger(ledger: dict[str, Any], folder: Path) -> str:
    """The ledger as Markdown; `folder` is where the experiments' files are."""
    source = cache(lambda name: _source(folder / name))
    parts = [ledger["about"].strip()]
    parts += [_group(group, source) for group in ledger["group"]]
    parts.append(_anchors(ledger["anchors"], source))
    return "\n\n".join(parts)


def _source(path: Path) -> tuple[str, pd.DataFrame]:
    """The task of an experiment, and its rows."""
    task = read_experiment(path).task
    return task, frame(read_rows(results_path(path)), task)


def _group(group: dict[str, Any], source: Source) -> str:
    """Its table; columns of re-runs and of oracles where there are any."""
    scores, scale = group["scores"], group.get("scale", 1)
    heads = ["method", "data set", "claimed", "source", "protocol of the claim", "re-run, by whom"]
    heads += [group.get("ours", "ours, label-free"), "ours, oracle epoch", "difference"]
    lines = []
    for claim in group["claim"]:
        free = _ours(claim.get("label_free"), claim["dataset"], scores, scale, source, oracle=False)
        best = _ours(claim.get("oracle"), claim["dataset"], scores, scale, source, oracle=True)
        lines.append(
            [
                claim["method"],
                claim["dataset"],
                _figures(claim["claimed"], scale),
                claim["source"],
                claim["protocol"],
                _rerun(claim, scale),
                _spread(free, scale, claim.get("label_free"), claim.get("note")),
                _spread(best, scale, claim.get("oracle"), claim.get("oracle_note")),
                _difference(claim, free, best, scale),
            ]
        )
    kept = [i for i in range(len(heads)) if i not in MEASURED or any(x[i] != NONE for x in lines)]
    heads, *lines = ([line[i] for i in kept] for line in (heads, *lines))
    return f"## {group['title']}\n\nFigures: {_headings(scores)}.\n\n{_table(heads, lines)}"


def _anchors(anchors: dict[str, Any], source: Source) -> str:
    """A table for each data set: the highest claim and re-run of each score, then our methods."""
    scores, scale = anchors["scores"], anchors.get("scale", 1)
    parts = [f"## {anchors['title']}", anchors["about"].strip()]
    for anchor in anchors["anchor"]:
        name = anchor["dataset"]
        lines = [_highest("highest claim", anchor, "claimed", scale)]
        if "rerun" in anchor:
            lines.append(_highest("highest re-run", anchor, "rerun", scale))
        for method, reference in anchor.get("ours", anchors["ours"]).items():
            if _rows(reference, name, source).empty and "ours" not in anchor:
                continue
            found = _ours(reference, name, scores, scale, source, oracle=False)
            lines.append([method, *_means(found, scale), _seeds(found)])
        heads = [f"`{name}`", *map(_heading, scores), "seeds"]
        parts.append(_table(heads, lines))
    return "\n\n".join(parts)


def _highest(title: str, anchor: dict[str, Any], key: str, scale: float) -> list[str]:
    pairs = zip(anchor[key], anchor[f"{key}_by"], strict=True)
    return [title, *(f"{_figures([v], scale)} {who}".rstrip() for v, who in pairs), ""]


def _ours(
    reference: list[str] | None,
    dataset: str,
    scores: list[str],
    scale: float,
    source: Source,
    *,
    oracle: bool,
) -> pd.DataFrame | None:
    """(2, S) mean and standard deviation over the good rows that a reference names."""
    if reference is None:
        return None
    task, _ = source(reference[0])
    if (task == ORACLE) != oracle:
        raise GraphError(f"{reference[0]} has the task {task}, not that of its column")
    rows = _rows(reference, dataset, source)
    if rows["label"].nunique() != 1:
        names = sorted(rows["label"].unique())
        raise GraphError(f"{reference} must name one label on {dataset}, found {names}")
    found: pd.DataFrame = rows[scores].agg(["mean", "std", "count"])
    found.loc[["mean", "std"]] *= scale
    return found


def _rows(reference: list[str], dataset: str, source: Source) -> pd.DataFrame:
    """The good rows that a reference names."""
    _, rows = source(reference[0])
    rows = rows[(rows["dataset"] == dataset) & (rows["status"] == "ok")]
    return rows[rows["label"] == reference[1]] if len(reference) > 1 else rows


def _difference(claim: dict[str, Any], free: Any, best: Any, scale: float) -> str:
    """Ours minus the claim, label-free and by oracle epoch; the re-run's where there is neither."""
    ours = {"ours": free, "ours, oracle": best}
    known = {who: found.loc["mean"] for who, found in ours.items() if found is not None}
    if not known and "rerun" in claim:
        known = {"re-run": claim["rerun"]}
    told = []
    for who, values in known.items():
        gaps = [value - claimed for value, claimed in zip(values, claim["claimed"], strict=True)]
        if not all(map(math.isnan, gaps)):
            told.append(f"{who}: {' / '.join(_signed(gap, scale) for gap in gaps)}")
    return "; ".join(told) or NONE


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
    about = [f"{_seeds(found)} seeds", *source, *([note] if note else [])]
    return f"{' / '.join(_means(found, scale))} ({'; '.join(about)})"


def _means(found: pd.DataFrame, scale: float) -> list[str]:
    """Of each score; the mean alone of a method without chance, of which there is one run."""
    digits = _digits(scale)
    pairs = zip(found.loc["mean"], found.loc["std"], strict=True)
    return [
        f"{mean:.{digits}f}" + ("" if math.isnan(sd) else f" ± {sd:.{digits}f}")
        for mean, sd in pairs
    ]


def _seeds(found: pd.DataFrame) -> str:
    return f"{found.loc['count'].min():.0f}"


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
    return " / ".join(map(_heading, scores))


def _heading(score: str) -> str:
    return HEADINGS.get(score, f"`{score}`")


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] * len(heads)
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *lines))
