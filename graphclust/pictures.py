"""Pictures of a clustering: clusters as discs and what flows between them; clusters over time."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphclust.evaluate.metrics import clusters_of, labels_for
from graphclust.graph.build import static, symmetrise
from graphclust.graph.convert import as_graph
from graphclust.graph.export import is_signed, to_scipy
from graphclust.graph.files import atomic
from graphclust.graph.moments import are_dates, nanoseconds
from graphclust.kernels.sparse import between_groups
from graphclust.results import Clustering

FORMS = (".png", ".svg", ".pdf")
MOST = 30  # clusters drawn, the largest
LINES = 60  # between clusters, the widest
WIDEST = 9.0  # points
BAR = 0.06  # half the width of a column
FIRST, SECOND = "#3b6ea5", "#c8553d"


def draw(graph: Any, result: Clustering, path: str | Path) -> None:
    """`draw_timeline` where the method has followed clusters over time, else `draw_clusters`."""
    if "moments" in result.extras:
        draw_timeline(result.extras["moments"], result.extras["labels_over_time"], path)
    else:
        draw_clusters(graph, result.labels, path)


def draw_clusters(graph: Any, labels: ArrayLike, path: str | Path) -> None:
    """Write a picture of the clusters to .png, .svg or .pdf.

    A disc's area is the number of nodes; the number in it is the cluster's. Of an undirected graph
    lines are as wide as the weight between two clusters; of a directed one arrows point where more
    flows, as wide as the net flow, and darker the more one-sided it is. Of a graph with negative
    weights lines are as wide as what these add up to, and dashed where clusters repel each other.
    At most the 30 largest clusters and the 60 widest lines are drawn; the title says so.

    Raises:
        ValueError: another ending, or labels of another shape.
    """
    path = picture_path(path)
    data = as_graph(graph)
    signed = is_signed(data)
    if signed:
        data = symmetrise(static(data))
        adjacency, labels, directed = to_scipy(data), labels_for(data, labels), False
    else:
        adjacency, labels, directed = clusters_of(data, labels)
    sizes = np.bincount(labels)
    kept = np.sort(np.argsort(-sizes, kind="stable")[:MOST])
    flow = np.asarray(between_groups(adjacency, labels).toarray())[np.ix_(kept, kept)]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7), layout="constrained")
    axes = figure.add_subplot()
    places = _circle(len(kept))
    area = 4000 / max(4, len(kept)) * sizes[kept] / sizes.max()
    lines = _arrows(flow) if directed else _edges(flow)
    for start, end, width, shade in lines[:LINES]:
        _line(axes, places[start], places[end], width, shade, area[end], directed)
    axes.scatter(places[:, 0], places[:, 1], s=area, c=FIRST, zorder=2)
    for cluster, place in zip(kept, places, strict=True):
        axes.annotate(str(cluster), place * 1.16, ha="center", va="center", fontsize=9)
    axes.set_title(_title(len(sizes), len(kept), len(lines), directed, signed), fontsize=10)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.margins(0.12)
    write_picture(figure, path)


def draw_timeline(moments: ArrayLike, labels: ArrayLike, path: str | Path) -> None:
    """Write a picture of cluster sizes and of the moves between clusters over time, an alluvial
    diagram, to .png, .svg or .pdf.

    A column a moment, as high as nodes are there; bands join the nodes of a cluster to where they
    are at the next moment. At most the 30 clusters that are largest over time are drawn.

    Args:
        moments: (S,) times, numbers or dates.
        labels: (S, N) whole numbers, −1 for nodes that are not there.

    Raises:
        ValueError: another ending, labels of another shape, moments that are neither.
    """
    path = picture_path(path)
    moments, labels = np.asarray(moments), np.asarray(labels)
    if moments.ndim != 1 or not len(moments):
        raise ValueError(f"moments must be (S,) with S at least 1, found {moments.shape}")
    if are_dates(moments):
        moments = nanoseconds(moments).astype("datetime64[ns]")
    elif moments.dtype.kind not in "iuf" or not np.isfinite(moments).all():
        raise ValueError(f"moments must be finite numbers or dates, found {moments.tolist()}")
    if labels.ndim != 2 or len(moments) != len(labels) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be ({len(moments)}, N) whole numbers, a row for each moment, "
            f"found {labels.shape} of {labels.dtype}"
        )
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    order = np.argsort(-sizes, kind="stable")[: min(MOST, int((sizes > 0).sum()))]
    place = np.full(len(sizes) + 1, -1)  # the last is for −1
    place[np.sort(order)] = np.arange(len(order))
    rows = place[labels]
    k = len(order)
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    colours = colormaps["tab20"](np.arange(k) % 20)
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.add_subplot()
    counts = np.stack([np.bincount(row[row >= 0], minlength=k) for row in rows])  # (S, K)
    floor = np.cumsum(counts, axis=1) - counts
    for s in range(len(rows)):
        axes.bar(s, counts[s], 2 * BAR, floor[s], color=colours)
        if s + 1 < len(rows):
            _bands(axes, s, rows[s], rows[s + 1], floor[s], floor[s + 1], colours)
    for cluster, low, size in zip(np.sort(order), floor[-1], counts[-1], strict=True):
        if size > 0.02 * counts[-1].sum():
            axes.annotate(str(cluster), (len(rows) - 0.85, low + size / 2), va="center", fontsize=9)
    names = _dates(moments) if moments.dtype.kind == "M" else _numbers(moments)
    axes.set_xticks(range(len(rows)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_xlabel("time")
    axes.set_ylabel("nodes")
    drawn = f" (the {k} largest of {(sizes > 0).sum()})" if k < (sizes > 0).sum() else ""
    axes.set_title(f"clusters over time{drawn}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    write_picture(figure, path)


def _numbers(moments: NDArray[Any]) -> list[str]:
    return [f"{moment:.0f}" if moment == round(moment) else f"{moment:.4g}" for moment in moments]


def _dates(moments: NDArray[Any]) -> list[str]:
    """Days, with hours and minutes or seconds where these are not all 0."""
    given = pd.DatetimeIndex(moments)
    form = "%Y-%m-%d %H:%M:%S"
    if (given == given.floor("D")).all():
        form = "%Y-%m-%d"
    elif (given == given.floor("min")).all():
        form = "%Y-%m-%d %H:%M"
    names: list[str] = given.strftime(form).tolist()
    return names


def _bands(
    axes: Any, s: int, here: Any, there: Any, floor: Any, floor_there: Any, colours: Any
) -> None:
    """From column s to the next: nodes that stay or move, in the colour of where they were."""
    both = (here >= 0) & (there >= 0)
    k = len(floor)
    moves = np.zeros((k, k), np.int64)
    np.add.at(moves, (here[both], there[both]), 1)
    low = floor[:, None] + np.cumsum(moves, axis=1) - moves
    low_there = floor_there + np.cumsum(moves, axis=0) - moves
    x = np.linspace(0, 1, 20)
    rise = x * x * (3 - 2 * x)
    for a, b in np.argwhere(moves):
        line = low[a, b] + (low_there[a, b] - low[a, b]) * rise
        across = s + BAR + x * (1 - 2 * BAR)
        shade = 0.35 if a == b else 0.6
        axes.fill_between(across, line, line + moves[a, b], color=colours[a], alpha=shade, lw=0)


def picture_path(path: str | Path) -> Path:
    """The path of a picture, which must have one of FORMS."""
    path = Path(path)
    if path.suffix not in FORMS:
        raise ValueError(f"a picture ends in {', '.join(FORMS)}, found {path.name!r}")
    return path


def write_picture(figure: Any, path: Path) -> None:
    """Write a figure of matplotlib whole or not at all."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=150)


def _circle(k: int) -> NDArray[np.float64]:
    """(K, 2) places, clockwise from the top; one cluster stands in the middle."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(k) / k
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * (k > 1)


def _edges(flow: NDArray[np.float64]) -> list[tuple[int, int, float, float]]:
    """(start, end, width, shade) of the lines between clusters, the widest first.

    The shade is negative where they repel each other.
    """
    a, b = np.triu_indices(len(flow), 1)
    return _lines(a, b, abs(flow[a, b]), np.where(flow[a, b] < 0, -0.5, 0.5))


def _arrows(flow: NDArray[np.float64]) -> list[tuple[int, int, float, float]]:
    a, b = np.triu_indices(len(flow), 1)
    there, back = flow[a, b], flow[b, a]
    total = there + back
    share = np.divide(abs(there - back), total, out=np.zeros_like(total), where=total > 0)
    forward = there >= back
    return _lines(np.where(forward, a, b), np.where(forward, b, a), abs(there - back), share)


def _lines(a: Any, b: Any, size: Any, shade: Any) -> list[tuple[int, int, float, float]]:
    order = [i for i in np.argsort(-size, kind="stable") if size[i] > 0]
    return [(int(a[i]), int(b[i]), float(size[i] / size.max()), float(shade[i])) for i in order]


def _line(
    axes: Any, start: Any, end: Any, width: float, shade: float, area: float, arrow: bool
) -> None:
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        zorder=1,
        arrowprops={
            "arrowstyle": "-|>" if arrow else "-",
            "linewidth": 0.4 + WIDEST * width * (0.4 if arrow else 1),
            "mutation_scale": 10 + 18 * width,
            "color": SECOND if shade >= 0 else FIRST,
            "linestyle": "-" if shade >= 0 else "--",
            "alpha": 0.2 + 0.8 * abs(shade),
            "shrinkA": 0,
            "shrinkB": np.sqrt(area) / 2 if arrow else 0,
            "connectionstyle": "arc3,rad=0.08" if arrow else "arc3",
        },
    )


def _title(k: int, kept: int, lines: int, directed: bool, signed: bool) -> str:
    what = "net flow between clusters" if directed else "edges between clusters"
    if signed:
        what = "weight between clusters, dashed where they repel"
    left_out = [f"the {kept} largest of {k} clusters"] if kept < k else []
    left_out += [f"the {LINES} widest of {lines} lines"] if lines > LINES else []
    return what + (f" ({', '.join(left_out)})" if left_out else "")
