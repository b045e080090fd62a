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
from graphclust.pictures import FIRST, SECOND, picture_path, write_picture

PALE = "#9aa5b1"
STEP, LETTER, RULER = 0.32, 0.068, 5.0  # inches: a line of text, a letter, the line of ranks


def draw_ranks(ranks: Ranks, title: str, path: str | Path, test: str = "nemenyi") -> None:
    """Write the critical-difference diagram: mean ranks on a line, the best at the left; bars join
    methods that the test (`evaluate.ranks.TESTS`) does not tell apart.

    Raises:
        ValueError: another ending, or another test.
    """
    path = picture_path(path)
    bars = groups(ranks.alike(test))
    from matplotlib.figure import Figure

    methods = len(ranks.mean)
    half, top = (methods + 1) // 2, 1.6 + 0.5 * len(bars)
    words = 0.8 + LETTER * max(len(str(name)) for name in ranks.mean.index)  # inches at each side
    height, margin = top + half, words * (methods - 1) / RULER
    figure = Figure(figsize=(RULER + 2 * words, STEP * (height + 3)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(1 - margin, methods + margin)
    axes.set_ylim(height, -2.2)
    axes.set_axis_off()
    _ruler(axes, methods)
    arm = 0.3 * (methods - 1) / RULER
    for place, (name, rank) in enumerate(ranks.mean.items()):
        left = place < half
        y = top + (place if left else methods - 1 - place)
        edge = 1 - arm if left else methods + arm
        axes.plot([rank, rank, edge], [0, y, y], color="black", linewidth=0.8)
        text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        align = "right" if left else "left"
        axes.text(edge, y, f" {text} ", ha=align, va="center", fontsize=8)
    for line, (start, end) in enumerate(bars):
        ends = ranks.mean.iloc[[start, end]].to_numpy() + np.array([-arm, arm]) / 8
        axes.plot(ends, [0.7 + 0.5 * line] * 2, color=SECOND, linewidth=3.5)
    if test == "nemenyi":
        axes.plot([1, 1 + ranks.critical], [-1.3, -1.3], color=FIRST, linewidth=2, marker="|")
        axes.text(1, -1.55, f"critical difference {ranks.critical:.2f}", fontsize=8, va="bottom")
    axes.set_title(f"{title}\n{_told(ranks, test)}", fontsize=10)
    write_picture(figure, path)


def _ruler(axes: Any, methods: int) -> None:
    axes.plot([1, methods], [0, 0], color="black", linewidth=1)
    for rank in range(1, methods + 1):
        axes.plot([rank, rank], [0, -0.18], color="black", linewidth=1)
        if (rank - 1) % (1 + (methods - 1) // 12):
            continue
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
    path = picture_path(path)
    points, sets = cost_points(rows, metric)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    front = points[points["front"]].sort_values("seconds")
    axes.plot(front["seconds"], front[metric], color=PALE, linewidth=1, zorder=1)
    colours = np.where(points["front"], SECOND, FIRST)
    axes.scatter(points["seconds"], points[metric], c=colours, s=28, zorder=2)
    axes.set_xscale("log")
    axes.margins(0.1)
    _names(axes, points, metric)
    axes.set_xlabel("seconds of a processor, geometric mean")
    axes.set_ylabel(f"{SCORES.get(metric, (metric, 3))[0]}, mean")
    missing = [name for name in rows["label"].unique() if name not in points.index]
    less = f"\nnot run on all of these: {', '.join(missing)}" if missing else ""
    told = f"{count(sets, 'data set')}; red: beaten by none in both{less}"
    axes.set_title(f"{title}\n{told}", fontsize=10, wrap=True)
    axes.grid(alpha=0.25)
    write_picture(figure, path)


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
    """Names in a column beside the axes, in the order of the points, with a line to each."""
    low, high = axes.get_ylim()
    arrow = {"arrowstyle": "-", "color": PALE, "linewidth": 0.6, "shrinkB": 3, "relpos": (0, 0.5)}
    ordered = points.sort_values(metric)
    heights = _apart(((ordered[metric] - low) / (high - low)).to_numpy(), 1 / max(24, len(points)))
    for (name, point), height in zip(ordered.iterrows(), heights, strict=True):
        axes.annotate(
            str(name),
            (point["seconds"], point[metric]),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8,
            arrowprops=arrow,
        )


def _apart(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Rising heights moved so that neighbours are at least `gap` apart, between 0 and 1."""
    upward = np.maximum.accumulate(heights - gap * np.arange(len(heights)))
    moved = upward + gap * np.arange(len(heights))
    downward = np.minimum(moved, 1 - gap * np.arange(len(heights))[::-1])
    return np.asarray(downward)
