"""Draw how methods fare as noise grows, from the rows of `dsbm.toml`.

    python experiments/directed/curves.py [--output experiments/directed/dsbm.png]

One panel a kind of graph; adjusted Rand index against η, mean and standard deviation over graphs,
and what the authors of DIGRAC print of theirs.
"""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from graphclust.evaluate.experiment import read_experiment, results_path
from graphclust.evaluate.rows import frame, read_rows

HERE = Path(__file__).resolve().parent
TITLES = {
    "cycle": "a cycle of 3 clusters, p = 0.02",
    "complete": "4 clusters, arcs between all, and an ambient one, p = 0.1",
}


def points() -> pd.DataFrame:
    """Mean and deviation of the ARI for every shape, method and η."""
    rows = frame(read_rows(results_path(HERE / "dsbm.toml")), "flow")
    told = rows["dataset"].map(lambda name: dict(p.split("=") for p in name[5:].split(",")))
    rows["shape"] = told.map(lambda params: params.get("shape", "cycle"))
    rows["eta"] = told.map(lambda params: float(params["eta"]))
    rows["label"] = rows["label"].str.replace("n_clusters=classes, ", "")
    rows["label"] = rows["label"].str.replace("(n_clusters=classes)", "")
    return rows.groupby(["shape", "label", "eta"])["ari"].agg(["mean", "std"]).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "dsbm.png")
    options = parser.parse_args()
    table = points()
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    for axes, (shape, title) in zip(
        figure.subplots(1, 2, sharey=True), TITLES.items(), strict=True
    ):
        for label, of_method in table[table["shape"] == shape].groupby("label"):
            width = 2.4 if label == "digrac" else 1.2
            axes.errorbar(
                *(of_method[column] for column in ("eta", "mean", "std")),
                label=label,
                linewidth=width,
                capsize=2,
            )
        printed = read_experiment(HERE / "dsbm.toml").published["digrac"].get(shape, {})
        if printed:
            etas = [float(eta) for eta in printed]
            axes.plot(etas, printed.values(), "k:", label="digrac, as published")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("noise η")
    figure.axes[0].set_ylabel("adjusted Rand index")
    handles, labels = figure.axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False)
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
