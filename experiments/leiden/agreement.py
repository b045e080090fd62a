"""Do methods agree with each other, and with themselves? Social and citation graphs, no classes.

    python experiments/leiden/agreement.py

Writes `agreement.csv` beside this file: the AMI of two methods on each graph, mean over ten
seeds, of a method with itself that over its seeds; and of its clusters with those that it finds on
four fifths of the edges. Graphs that are there are not run again. Prints the tables of
`experiments/README.md`: means over the graphs of a kind.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from graphclust import compare
from graphclust.evaluate.tables import as_markdown

KINDS = {
    "social": ["football", "polbooks", "polblogs", "email_eu_core", "uk_faculty", "fb100_reed98"],
    "citation": ["cora", "citeseer", "cora_ml", "dblp_sdcn"],
}
METHODS = ["leiden", "louvain", "label_propagation", "infomap", "spectral"]
WITH_X = ["kmeans", "filter"]
RESULTS = Path(__file__).with_suffix(".csv")
EDGES = "itself, fewer edges"


def measured(kind: str, name: str) -> pd.DataFrame:
    """A line a pair of methods: kind, dataset, method, with, ami."""
    methods = [*METHODS, *(WITH_X if kind == "citation" else [])]
    found = compare(name, methods, seeds=10, stability=True, agreement=True)
    assert found.agreement is not None
    assert found.stability is not None
    pairs = found.agreement.assign(**{EDGES: found.stability["ami_edges_mean"]})
    table = pairs.rename_axis("method").reset_index().melt("method", var_name="with")
    for column in ("method", "with"):
        table[column] = table[column].str.replace(r"\(.*\)", ", K told", regex=True)
    return table.dropna().assign(kind=kind, dataset=name)


def main() -> None:
    table = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame({"dataset": []})
    for kind, names in KINDS.items():
        for name in names:
            if name in set(table["dataset"]):
                continue
            print(name, file=sys.stderr)
            table = pd.concat([table, measured(kind, name)], ignore_index=True)
            table.to_csv(RESULTS, index=False)
    for kind in KINDS:
        of_kind = table[table["kind"] == kind]
        mean = of_kind.pivot_table("value", index="method", columns="with", sort=False)
        lines = [
            [name, *("–" if np.isnan(v) else f"{v:.2f}" for v in row)]
            for name, row in zip(mean.index, mean.to_numpy(), strict=True)
        ]
        print(f"\n**{kind}**, {of_kind['dataset'].nunique()} graphs\n")
        print(as_markdown(["AMI", *mean.columns], lines))


if __name__ == "__main__":
    main()
