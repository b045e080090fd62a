"""Methods × data sets: one score, mean ± standard deviation over seeds, the best marked, ranked.

A matrix is of one task, so that figures of the best epoch by the classes never stand beside others.
"""

import html
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from graphclust.evaluate import tasks
from graphclust.evaluate.ranks import LEVEL, Ranks, ranks
from graphclust.evaluate.tables import SCORES, spread
from graphclust.graph.errors import count

LOW_IS_GOOD = {"conductance_mean", "conductance_max", "cut", "seconds", "cpu_seconds", "extra_mb"}
FORMS = ("markdown", "csv", "html", "latex")
NAMES = SCORES | {"ami": ("AMI", 3)}  # heading and decimals of a score
MARKS = {  # around the best, and what is as good as it
    "markdown": ("**{}**", "_{}_"),
    "html": ("<b>{}</b>", "<i>{}</i>"),
    "latex": (r"\textbf{{{}}}", r"\textit{{{}}}"),
}


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One score of every method (rows) on every data set (columns), in the order of the rows.

    Attributes:
        mean, sd: over the runs that ended well; NaN where there is none, or one.
        runs, failed: how many were made, and how many of them ended badly.
        best: the best mean of each set. near: not told apart from it (Welch's test at 5 %).
        protocols: which state of each method's runs is judged (`tasks.protocol`).
        tuned_on: those of the ranked sets whose classes were looked at when settings were found.
        fresh: the ranks of the same methods on the others of these; None where they are fewer
            than two, or all.
    """

    metric: str
    task: str
    mean: pd.DataFrame
    sd: pd.DataFrame
    runs: pd.DataFrame
    failed: pd.DataFrame
    best: pd.DataFrame
    near: pd.DataFrame
    protocols: dict[str, str]
    ranks: Ranks | None
    tuned_on: list[str]
    fresh: Ranks | None


def matrix(
    rows: pd.DataFrame, metric: str, task: str = "clustering", tuned_on: Sequence[str] = ()
) -> Matrix:
    """The matrix of a score from rows of one task.

    Args:
        tuned_on: data sets whose classes were looked at when settings were found.

    Raises:
        ValueError: no such score, or no row.
    """
    if metric not in rows or metric not in (*tasks.COLUMNS[task], "seconds", "cpu_seconds"):
        raise ValueError(
            f"metric must be one of {', '.join(tasks.COLUMNS[task])}, found {metric!r}"
        )
    if rows.empty:
        raise ValueError("there are no rows yet")
    labels, names = list(dict.fromkeys(rows["label"])), list(dict.fromkeys(rows["dataset"]))
    good = rows[(rows["status"] == "ok") & rows[metric].notna()]
    groups = {key: part[metric].to_numpy(float) for key, part in good.groupby(["dataset", "label"])}

    def table(value: Callable[[str, str], float]) -> pd.DataFrame:
        return pd.DataFrame([[value(d, m) for d in names] for m in labels], labels, names)

    none = np.empty(0)
    tried = rows.groupby(["dataset", "label"]).size().to_dict()
    ended = rows[rows["status"] != "ok"].groupby(["dataset", "label"]).size().to_dict()
    mean = table(lambda d, m: _mean(groups.get((d, m), none)))
    failed = table(lambda d, m: ended.get((d, m), 0))
    upward = -mean if metric in LOW_IS_GOOD else mean
    winner = {d: upward[d].idxmax() for d in names if upward[d].notna().any()}
    near = table(
        lambda d, m: d in winner and _alike(groups[d, winner[d]], groups.get((d, m), none))
    )
    judged = upward.mask(mean.isna() & (failed > 0), -np.inf)
    ranked = ranks(judged)
    of = ranked.datasets if ranked else []
    tuned = [name for name in of if name in tuned_on]
    others = [name for name in of if name not in tuned_on]
    return Matrix(
        metric=metric,
        task=task,
        mean=mean,
        sd=table(lambda d, m: _sd(groups.get((d, m), none))),
        runs=table(lambda d, m: tried.get((d, m), 0)),
        failed=failed,
        best=upward.eq(upward.max()),
        near=near.astype(bool),
        protocols=dict(zip(rows["label"], rows["protocol"].fillna(""), strict=True)),
        ranks=ranked,
        tuned_on=tuned,
        fresh=ranks(judged.loc[ranked.mean.index, others]) if ranked and tuned else None,
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _alike(best: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    """Is the mean not told apart from the best one? What never varies is a number, not a sample."""
    if not len(values):
        return False
    fixed = [v for v in (best, values) if np.ptp(v) == 0]
    if len(fixed) == 2:
        return bool(best[0] == values[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nearly equal values: p is 0 then
        if fixed:
            sample = best if fixed[0] is values else values
            return bool(stats.ttest_1samp(sample, fixed[0][0]).pvalue >= LEVEL)
        return bool(stats.ttest_ind(best, values, equal_var=False).pvalue >= LEVEL)


def render_matrix(found: Matrix, form: str) -> str:
    """The matrix with its notes as text in one of FORMS; csv: numbers, a line a cell."""
    if form == "csv":
        return _long(found).to_csv(index=False)
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, found {form!r}")
    heads, *lines = _cells(found, form)
    if form == "markdown":
        rule = ["---", *("---:" for _ in heads[1:])]
        table = "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *lines))
        return table + "\n\n" + "\n".join(f"- {note}" for note in notes(found)) + "\n"
    frame = pd.DataFrame(lines, columns=heads)
    if form == "latex":
        table = frame.to_latex(index=False, escape=False, column_format="l" + "r" * len(heads[1:]))
        return table + "".join(f"% {note}\n" for note in notes(found))
    table = frame.to_html(index=False, border=0, justify="left", escape=False)
    items = "".join(f"<li>{html.escape(note)}</li>" for note in notes(found))
    return f'<meta charset="utf-8">\n{table}\n<ul>{items}</ul>\n'


def _cells(found: Matrix, form: str) -> list[list[str]]:
    """Headings and lines, marked and escaped for a form; a line a set where those are more."""
    escapes: dict[str, Callable[[str], str]] = {"html": html.escape, "latex": _latex}
    escape = escapes.get(form, str)
    heads = ["method", "protocol", *found.mean.columns, *(["rank"] if found.ranks else [])]
    lines = []
    for label in found.mean.index:
        line = [escape(label), found.protocols[label]]
        line += [_cell(found, label, name, form) for name in found.mean.columns]
        if found.ranks:
            rank = found.ranks.mean.get(label)
            line.append("–" if rank is None else f"{rank:.2f}")
        lines.append(line)
    cells = [[escape(head) for head in heads], *lines]
    if len(found.mean.columns) > len(found.mean):
        cells = [list(column) for column in zip(*cells, strict=True)]
        cells[0][0] = "data set"
    return cells


def _cell(found: Matrix, label: str, dataset: str, form: str) -> str:
    mean, failed, runs = (t.loc[label, dataset] for t in (found.mean, found.failed, found.runs))
    if np.isnan(mean):
        return "failed" if failed else "–" if runs else ""
    text = spread(mean, found.sd.loc[label, dataset], NAMES.get(found.metric, ("", 3))[1])
    text = text.replace("±", r"$\pm$") if form == "latex" else text
    best, near = MARKS[form]
    if found.best.loc[label, dataset]:
        text = best.format(text)
    elif found.near.loc[label, dataset]:
        text = near.format(text)
    return text + (f" ({failed} of {runs} failed)" if failed else "")


def notes(found: Matrix) -> list[str]:
    """What a reader of the table must know, a sentence each."""
    heading = NAMES.get(found.metric, (found.metric, 3))[0]
    good = "lowest" if found.metric in LOW_IS_GOOD else "highest"
    lines = [
        f"{heading}; {tasks.PROTOCOLS[found.task]}. Mean ± standard deviation over "
        f"{_seeds(found)}. Bold: the {good} mean of a data set; italic: not told apart from it "
        "(Welch's t-test at 5 %, each pair by itself). –: no score, or no rank; empty: not run, or "
        "not for that data set."
    ]
    ranked = found.ranks
    if ranked is None:
        return lines
    methods, sets = count(len(ranked.mean), "method"), count(len(ranked.datasets), "data set")
    text = f"Rank: mean over the {sets} on which all {methods} were run; failed runs rank last."
    if ranked.left_out:
        text += f" Not ranked: {'; '.join(ranked.left_out)}."
    lines.append(text)
    if not np.isnan(ranked.friedman):
        first, apart = ranked.mean.index[0], ranked.holm.iloc[0] < LEVEL
        pairs = len(ranked.mean) * (len(ranked.mean) - 1) // 2
        few = pairs * 0.5 ** (len(ranked.datasets) - 1) >= LEVEL
        none = "none, nor could it be on so few sets" if few else "none"
        worse = "; ".join(map(str, ranked.holm.index[apart])) or none
        lines.append(
            f"Friedman: p = {ranked.friedman:.2g}; mean ranks differ (Nemenyi, 5 %) from "
            f"{ranked.critical:.2f} on. Told apart from {first} by Wilcoxon's test with Holm's "
            f"correction over all {pairs} pairs: {worse}."
        )
    if found.tuned_on:
        lines.append(_fresh(found, ranked))
    return lines


def _fresh(found: Matrix, ranked: Ranks) -> str:
    """What ranks are worth where settings were found with the classes in view."""
    seen, sets, fresh = len(found.tuned_on), len(ranked.datasets), found.fresh
    text = f"The classes of {seen} of the {sets} were looked at when settings were found"
    if fresh is None:
        return f"{text}."
    of = "; ".join(f"{label} {rank:.2f}" for label, rank in fresh.mean.items())
    p = "" if np.isnan(fresh.friedman) else f" (Friedman: p = {fresh.friedman:.2g})"
    return f"{text}. Mean ranks on the {len(fresh.datasets)} others{p}: {of}."


def _seeds(found: Matrix) -> str:
    """How many runs the cells have; methods without random choices have one."""
    runs = found.runs.to_numpy()
    several = np.unique(runs[runs > 1])
    if not len(several):
        return "seeds"
    least, most = several[0], several[-1]
    return f"{least} to {most} seeds" if least < most else f"{most} seeds"


def _long(found: Matrix) -> pd.DataFrame:
    """A line a cell that was run, with numbers."""
    tables = {
        name: getattr(found, name) for name in ("mean", "sd", "runs", "failed", "best", "near")
    }
    table = pd.concat({name: t.stack() for name, t in tables.items()}, axis=1)
    table.index.names = ["method", "dataset"]
    table = table.reset_index()
    table.insert(0, "metric", found.metric)
    table.insert(1, "task", found.task)
    table.insert(3, "protocol", table["method"].map(found.protocols))
    ranked = found.ranks.mean if found.ranks else {}
    return table[table["runs"] > 0].assign(rank=lambda t: t["method"].map(dict(ranked)))


def _latex(text: str) -> str:
    return "".join(f"\\{c}" if c in "_%&#${}" else c for c in text)
