"""Is the structure real? Modularity on each graph, and on graphs with its degrees and nothing else.

    python experiments/leiden/nulls.py

Writes `nulls.csv` beside this file: what `graphclust compare --null` says of Leiden, and of Infomap
(of correlation clustering where edges have signs), on each graph and on 19 rewired ones; p is .05
at least. Graphs that are there are not run again. Prints the table of `experiments/README.md`. Two
graphs have no structure: one block, and real degrees rewired once.
"""

import sys
from pathlib import Path

import pandas as pd
from tuned import REWIRED, opened

from graphclust import compare
from graphclust.evaluate.tables import as_markdown
from graphclust.graph.export import is_signed

GRAPHS = [
    "karate", "football", "polbooks", "polblogs", "email_eu_core", "uk_faculty", "fb100_reed98",
    "cora", "citeseer", "cora_ml", "dblp_sdcn", "power", "netscience", "yeast_ppi",
    "ppi_signed", "bitcoin_otc", "rainfall_signed",
    "sbm:n=1000,k=2,p_in=0.01,p_out=0.01", f"football{REWIRED}",
]  # fmt: skip
NULLS = 19
RESULTS = Path(__file__).with_suffix(".csv")


def measured(name: str) -> pd.DataFrame:
    """A line a method."""
    graph = opened(name)
    methods = ["leiden", "correlation" if is_signed(graph) else "infomap"]
    found = compare(graph, methods, seeds=NULLS, null=True)
    assert found.null is not None
    return found.null.rename_axis("method").reset_index().assign(dataset=name)


def main() -> None:
    table = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame({"dataset": []})
    for name in GRAPHS:
        if name not in set(table["dataset"]):
            print(name, file=sys.stderr)
            table = pd.concat([table, measured(name)], ignore_index=True)
            table.to_csv(RESULTS, index=False)
    lines = []
    for name, rows in table.groupby("dataset", sort=False):
        leiden, other = (row for _, row in rows.iterrows() if "n_clusters" not in row["method"])
        lines.append([name, *_cells(leiden), other["method"], *_cells(other)])
    head = ["graph", "leiden", "rewired", "p", "beside", "it", "rewired", "p"]
    print(as_markdown(head, lines))


def _cells(row: pd.Series) -> list[str]:
    """What a line says of a method."""
    null = f"{row['rewired_mean']:.3f} ± {row['rewired_sd']:.3f}"
    return [f"{row['graph']:.3f}", null, f"{row['p']:.2f}"]


if __name__ == "__main__":
    main()
