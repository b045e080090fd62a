"""What does `tune` choose for Leiden, and is it better than what Leiden does untold?

    python experiments/leiden/tuned.py

Writes `tuned.csv` beside this file: for each graph, over the resolution and over K, the value that
`tune` chooses with its defaults, which looks at no class; and the AMI with the classes of Leiden
with that value, with its defaults, told the number of classes, and with that of the values tried
which agrees best, by the classes (an oracle). Means over three seeds. What is there is not run
again. Prints the table of `experiments/README.md`. Three graphs have no structure: one block, and
real degrees rewired.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon
from torch_geometric.data import Data

from graphclust import METHODS, load, tune
from graphclust.evaluate.metrics import external, n_classes
from graphclust.evaluate.tables import as_markdown
from graphclust.graph.resample import rewired

SEEDS = range(3)
NOISE = 0.005  # of AMI: less is no difference
RESULTS = Path(__file__).with_suffix(".csv")
REWIRED = ", rewired"
SMALL = [
    "karate", "football", "polbooks", "uk_faculty", "wine", "breast_cancer", f"football{REWIRED}",
]  # fmt: skip
LARGER = [
    "email_eu_core", "fb100_reed98", "polblogs", "lfr:n=1000,mu=0.3", "lfr:n=1000,mu=0.6",
    "sbm:n=1000,k=10,p_in=0.1,p_out=0.01", "sbm:n=1000,k=2,p_in=0.01,p_out=0.01",
    f"polblogs{REWIRED}", "citeseer", "cora", "cora_ml", "digits", "dblp_sdcn",
]  # fmt: skip
RUNS = [(name, over) for name in SMALL for over in ("resolution", "n_clusters")]
RUNS += [(name, "resolution") for name in LARGER]


def opened(name: str) -> Data:
    """The graph of that name; rewired, it has no classes."""
    graph = load(name.removesuffix(REWIRED))
    return rewired(graph, seed=1) if name.endswith(REWIRED) else graph


def measured(name: str, over: str) -> dict[str, Any]:
    """A line of the CSV."""
    graph, start = opened(name), time.process_time()
    found = tune(graph, over=over)
    line = {
        "dataset": name,
        "over": over,
        "chosen": np.nan if found.value is None else found.value,
        "p": found.p,
        "cpu_seconds": time.process_time() - start,
        "reason": found.reason,
    }
    if graph.y is None or name.endswith(REWIRED) or n_classes(graph.y) < 2:
        return line
    tried = {value: _ami(graph, **{over: value}) for value in found.profile["value"]}
    line["ami_chosen"] = tried.get(found.value, np.nan)
    line["ami_default"] = _ami(graph)
    line["ami_told"] = _ami(graph, n_clusters=n_classes(graph.y))
    line["oracle"], line["ami_oracle"] = max(tried.items(), key=lambda item: item[1])
    return line


def _ami(graph: Data, **params: Any) -> float:
    runs = [METHODS["leiden"](seed=seed, **params).fit(graph) for seed in SEEDS]
    return float(np.mean([external(run.labels, graph.y)["ami"] for run in runs]))


def main() -> None:
    table = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame({"dataset": [], "over": []})
    known = set(zip(table["dataset"], table["over"], strict=True))
    for name, over in RUNS:
        if (name, over) not in known:
            print(name, over, file=sys.stderr)
            table = pd.concat([table, pd.DataFrame([measured(name, over)])], ignore_index=True)
            table.to_csv(RESULTS, index=False)
    columns = ["ami_chosen", "ami_default", "ami_told", "ami_oracle"]
    lines = []
    for _, row in table.iterrows():
        numbers = [_cell(row[name], ".3f") for name in columns]
        chosen, oracle = (_cell(row[name], "g") for name in ("chosen", "oracle"))
        found = [row["dataset"], row["over"], chosen or "none", f"{row['p']:.2f}"]
        lines.append([*found, *numbers, oracle, f"{row['cpu_seconds']:.0f}"])
    head = ["graph", "over", "chosen", "p", "AMI", "defaults", "K told", "oracle", "its value", "s"]
    print(as_markdown(head, lines))
    gain = (table["ami_chosen"] - table["ami_default"])[table["over"] == "resolution"].dropna()
    p = wilcoxon(gain).pvalue
    print(
        f"\nresolution: better than the default on {(gain > NOISE).sum()} of {len(gain)} graphs, "
        f"worse on {(gain < -NOISE).sum()}; mean gain {gain.mean():.3f}, Wilcoxon p = {p:.2f}"
    )


def _cell(value: float, form: str) -> str:
    return "" if np.isnan(value) else f"{value:{form}}"


if __name__ == "__main__":
    main()
