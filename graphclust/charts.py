"""Pictures of a benchmark: critical differences of mean ranks; time against quality."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphclust.evaluate.matrix import LOW_IS_GOOD
from graphclust.evaluate.ranks import Ranks, complete, groups
from graphclust.evaluate.tables import SCORES
from graphclust.graph.errors import count
from graphclust.pictures import checked, write

FIRST, SECOND, PALE = "#3b6ea5", "#c8553d", "#9aa5b1"
STEP = 0.32  # inches of a line of text


def draw_ranks(ranks: Ranks, title: str, path: str | Path, test: str = "nemenyi") -> None:
    """Write the critical-difference diagram: mean ranks on a line, the best at the left; bars join
    methods that the test (`evaluate.ranks.TESTS`) does not tell apart.

    Raises:
        ValueError: another ending, or another test.
    """
    path = checked(path)
    bars = groups(ranks.alike(test))
    from matplotlib.figure import Figure

    methods = len(ranks.mean)
    half, top = (methods + 1) // 2, 1.6 + 0.5 * len(bars)
    height = top + half
    figure = Figure(figsize=(9, STEP * (height + 2.5)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(0.5 - 0.35 * methods, methods + 0.5 + 0.35 * methods)
    axes.set_ylim(height, -2.2)
    axes.set_axis_off()
    _ruler(axes, methods)
    for place, (name, rank) in enumerate(ranks.mean.items()):
        left = place < half
        y = top + (place if left else methods - 1 - place)
        edge = 0.5 if left else methods + 0.5
        axes.plot([rank, rank, edge], [0, y, y], color="black", linewidth=0.8)
        text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        align = "right" if left else "left"
        axes.text(edge - 0.08 if left else edge + 0.08, y, text, ha=align, va="center", fontsize=8)
    for line, (start, end) in enumerate(bars):
        ends = ranks.mean.iloc[[start, end]].to_numpy() + np.array([-0.04, 0.04])
        axes.plot(ends, [0.7 + 0.5 * line] * 2, color=SECOND, linewidth=3.5)
    if test == "nemenyi":
        axes.plot([1, 1 + ranks.critical], [-1.3, -1.3], color=FIRST, linewidth=2, marker="|")
        axes.text(1, -1.55, f"critical difference {ranks.critical:.2f}", fontsize=8, va="bottom")
    axes.set_title(f"{title}\n{_told(ranks, test)}", fontsize=10)
    write(figure, path)


def _ruler(axes: Any, methods: int) -> None:
    axes.plot([1, methods], [0, 0], color="black", linewidth=1)
    for rank in range(1, methods + 1):
        axes.plot([rank, rank], [0, -0.18], color="black", linewidth=1)
        axes.text(rank, -0.3, str(rank), ha="center", va="bottom", fontsize=8)


def _told(ranks: Ranks, test: str) -> str:
    name = {"nemenyi": "Nemenyi", "wilcoxon": "Wilcoxon and Holm"}[test]
    friedman = "" if np.isnan(ranks.friedman) else f"; Friedman p = {ranks.friedman:.2g}"
    sets = count(len(ranks.datasets), "data set")
    return f"mean ranks over {sets}{friedman}; joined: not told apart by {name}, 5 %"


def draw_costs(rows: pd.DataFrame, metric: str, title: str, path: str | Path) -> None:
    """Write time against quality: a point a method, the mean score over data sets against the
    geometric mean of processor seconds (`cost_points`). A line joins the methods that no other
    beats in both.

    Raises:
        ValueError: another ending, or nothing to be compared.
    """
    path = checked(path)
    points, sets = cost_points(rows, metric)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.add_subplot()
    front = points[points["front"]].sort_values("seconds")
    axes.plot(front["seconds"], front[metric], color=PALE, linewidth=1, zorder=1)
    colours = np.where(points["front"], SECOND, FIRST)
    axes.scatter(points["seconds"], points[metric], c=colours, s=28, zorder=2)
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.12)
    _names(axes, points, metric)
    axes.set_xlabel("seconds of a processor, geometric mean")
    axes.set_ylabel(f"{SCORES.get(metric, (metric, 3))[0]}, mean")
    axes.set_title(f"{title}\n{count(sets, 'data set')}; red: beaten by none in both", fontsize=10)
    axes.grid(alpha=0.25)
    write(figure, path)


def cost_points(rows: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, int]:
    """`seconds`, the score and `front` of each method, and on how many sets, of which none is
    missing: methods and sets that lack most are left out (`evaluate.ranks.complete`).

    Raises:
        ValueError: nothing is left.
    """
    good = rows[(rows["status"] == "ok") & rows[metric].notna()]
    means = good.groupby(["label", "dataset"], sort=False)[[metric, "cpu_seconds"]].mean()
    scores = complete(means[metric].unstack("dataset", sort=False))
    if scores.empty:
        raise ValueError("there is no data set on which two methods have ended well")
    seconds = means["cpu_seconds"].unstack("dataset").loc[scores.index, scores.columns]
    usual = np.exp(np.log(np.maximum(seconds, 1e-4)).mean(axis=1))
    points = pd.DataFrame({"seconds": usual, metric: scores.mean(axis=1)})
    quality = points[metric].to_numpy() * (-1 if metric in LOW_IS_GOOD else 1)
    points["front"] = _front(points["seconds"].to_numpy(), quality)
    return points, scores.shape[1]


def _front(seconds: NDArray[np.float64], quality: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Those that no other beats in one and equals in the other."""
    faster = (seconds <= seconds[:, None]) & (quality >= quality[:, None])
    strictly = (seconds < seconds[:, None]) | (quality > quality[:, None])
    front: NDArray[np.bool_] = np.logical_not(np.any(faster & strictly, axis=1))
    return front


def _names(axes: Any, points: pd.DataFrame, metric: str) -> None:
    """Names beside the points, each moved up until it covers no earlier one."""
    spots = axes.transData.transform(points[["seconds", metric]].to_numpy())
    taken: list[tuple[float, float, float]] = []
    for place in np.argsort(spots[:, 1]):
        x, y = spots[place]
        name = str(points.index[place])
        shift = 0.0
        while any(abs(y + shift - b) < 13 and a < x + 7 * len(name) and x < c for a, c, b in taken):
            shift += 3
        taken.append((x, x + 7 * len(name), y + shift))
        offset = (5, 72 / axes.figure.dpi * shift - 3)
        values = points.iloc[place][["seconds", metric]].to_numpy(float)
        axes.annotate(name, values, xytext=offset, textcoords="offset points", fontsize=8)
