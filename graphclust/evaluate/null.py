"""Is the structure real? How good clusters are on a graph, and on the same graph rewired.

A rewired graph (`graph.resample.rewired`) has the degrees and nothing else of the graph: what a
method finds there is what it finds by chance.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.evaluate.flow import flow_imbalance
from graphclust.evaluate.metrics import modularity
from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, to_scipy
from graphclust.kernels import sparse

LEVEL = 0.05  # of p, above which degrees alone may explain a score


def score_of(method: Method, graph: Data) -> str:
    """What is to be compared: `flow imbalance` for methods that read nothing but directions."""
    if method.kinds and "undirected" not in method.kinds:
        return "flow imbalance"
    return "signed modularity" if is_signed(graph) else "modularity"


def quality(score: str, graph: Data, labels: ArrayLike) -> float:
    """The score of that name; NaN of a graph without edges."""
    if score == "flow imbalance":
        return flow_imbalance(graph, labels)
    return signed_modularity(graph, labels) if is_signed(graph) else modularity(graph, labels)


def signed_modularity(graph: Data, labels: ArrayLike) -> float:
    """(W⁺ Q⁺ − W⁻ Q⁻) / (W⁺ + W⁻): what positive edges have inside clusters above chance, less what
    negative edges have. S. Gómez, P. Jensen, A. Arenas, Phys. Rev. E 80 (2009)."""
    adjacency, labels = to_scipy(graph), np.asarray(labels)
    if labels.shape != (graph.num_nodes,):
        raise GraphError(f"labels must be ({graph.num_nodes},), found {labels.shape}")
    total, value = abs(adjacency).sum(), 0.0
    for sign in (1, -1):
        part = (sign * adjacency).maximum(0)
        if weight := part.sum():
            inside = sparse.modularity(sparse.between_groups(part.tocsr(), labels))
            value += sign * weight / total * inside
    return value if total else float("nan")


def shared(graph: Data, other: Data) -> float:
    """Share of the graph's arcs that the other graph has too."""
    here, there = (to_scipy(g).astype(bool) for g in (graph, other))
    return float(here.multiply(there).nnz / max(here.nnz, 1))


def against(values: Sequence[float], null: Sequence[float]) -> dict[str, float]:
    """The mean of `values` beside that of the null, `z` of the difference in deviations of the
    null, and the one-sided rank `p`: the share of null values that are as high, the graph's own
    counted among them."""
    value, chance = float(np.mean(values)), np.array(null)
    spread = float(chance.std(ddof=1)) if len(chance) > 1 else float("nan")
    return {
        "graph": value,
        "rewired_mean": float(chance.mean()),
        "rewired_sd": spread,
        "z": (value - float(chance.mean())) / spread if spread > 0 else float("nan"),
        "p": (1 + int((chance >= value).sum())) / (1 + len(chance)),
        "rewired_runs": len(chance),
    }


def verdict(table: pd.DataFrame) -> list[str]:
    """What a table of `against`, a row a method, says in sentences."""
    clear = table["rewired_runs"] + 1 == (1 / table["p"]).round()
    notes = [
        f"Better on the graph than on each of {runs:.0f} rewired ones, which keep its degrees and "
        f"leave the rest to chance (p = {1 / (runs + 1):.2g}, the least that {runs:.0f} can show): "
        f"{', '.join(rows.index)}."
        for runs, rows in table[clear].groupby("rewired_runs")
    ]
    for reached, said in (
        (~clear & (table["p"] <= LEVEL), "Better on the graph than on nearly all rewired ones"),
        (
            ~clear & (table["p"] > LEVEL),
            "No better on the graph than on some rewired ones, so that degrees alone may explain "
            "the score",
        ),
    ):
        names = [f"{name} (p = {p:.2g})" for name, p in table["p"][reached].items()]
        notes += [f"{said}: {', '.join(names)}."] if names else []
    return notes
