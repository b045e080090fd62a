"""Pictures of comparisons: how far methods agree, and how stable clusters are over a parameter."""

from pathlib import Path

import numpy as np
import pandas as pd

from graphclust.evaluate.choice import Tuning
from graphclust.pictures import FIRST, SECOND, picture_path, write_picture

INK = "Blues"
DARK = 0.6  # above, figures on the heat map are white


def draw_agreement(agreement: pd.DataFrame, path: str | Path) -> None:
    """Write the heat map of `Comparison.agreement`, AMI from 0 to 1, to .png, .svg or .pdf.

    Raises:
        TypeError: no frame.
        ValueError: another ending.
    """
    if not isinstance(agreement, pd.DataFrame):
        raise TypeError(
            f"agreement must be the frame of compare(agreement=True), found {agreement!r}"
        )
    path = picture_path(path)
    from matplotlib.figure import Figure

    names, values = [str(name) for name in agreement.index], agreement.to_numpy(float)
    size = 2.5 + 0.55 * len(names)
    figure = Figure(figsize=(size + 1.5, size), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap=INK, vmin=0, vmax=1)
    for i, j in np.ndindex(values.shape):
        text = "–" if np.isnan(values[i, j]) else f"{values[i, j]:.2f}"
        colour = "white" if values[i, j] > DARK else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_title("agreement between methods; on the diagonal, between seeds", fontsize=10)
    figure.colorbar(image, ax=axes, label="adjusted mutual information", shrink=0.8)
    write_picture(figure, path)


def draw_profile(tuning: Tuning, path: str | Path) -> None:
    """Write the profile of `tune` to .png, .svg or .pdf: over the values, how stable clusters are
    on the graph and on rewired graphs, the one adjusted by the other, and the choice.

    Raises:
        ValueError: another ending.
    """
    path = picture_path(path)
    from matplotlib.figure import Figure

    table = tuning.profile
    x = table["value"].to_numpy(float)
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    if x[0] > 0 and x[-1] > 5 * x[0]:
        axes.set_xscale("log")
    axes.plot(x, table["stability"], "o-", color=FIRST, label="graph")
    axes.plot(x, table["rewired"], "s--", color="0.55", label="rewired graphs")
    axes.plot(x, table["adjusted"], "D-", color=SECOND, label="beyond rewired graphs, adjusted")
    error = table["error"]
    low, high = table["adjusted"] - error, table["adjusted"] + error
    axes.fill_between(x, low, high, color=SECOND, alpha=0.2, lw=0, label="its standard error")
    out = table["trivial"].to_numpy()
    if out.any():
        said = "left out: one cluster, or far too many"
        axes.plot(x[out], table["adjusted"][out], "D", color="white", mec=SECOND, label=said)
    if tuning.value is not None:
        axes.axvline(tuning.value, color="black", lw=0.8, label=f"chosen: {tuning.value:.4g}")
    pairs = zip(x, table["n_clusters"], strict=True)
    axes.set_xticks(x, [f"{value:.3g}\n({k})" for value, k in pairs], fontsize=8)
    axes.set_xticks([], minor=True)
    axes.set_xlabel(f"{tuning.over} (clusters)")
    axes.set_ylabel("AMI between samples of the edges")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    write_picture(figure, path)
