"""How one-sided the flow between clusters is: scores of a partition of a digraph.

Y. He, G. Reinert, M. Cucuringu, "DIGRAC: digraph clustering based on flow imbalance", LoG (2022),
https://arxiv.org/abs/2106.05194; the formulas are in `nn.imbalance`.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from graphclust.evaluate.metrics import clusters_of
from graphclust.graph.errors import GraphError
from graphclust.kernels.sparse import between_groups
from graphclust.nn.imbalance import default_pairs, pair_imbalances, select
from graphclust.params import unknown

NORMALISATIONS = ("vol_sum", "vol_max", "vol_min", "plain")
SELECTIONS = ("sort", "std", "naive")
BETAS = (1, 3, 5, 9)  # of the columns that experiments keep
FLOW = tuple(f"imbalance_{part}" for part in (*map(str, BETAS), "all", "significant"))


class Pair(NamedTuple):
    """More flows from `source` to `target` than back, by `net`; `imbalance` in [0, 1]."""

    source: int
    target: int
    imbalance: float
    net: float


def flow_matrix(graph: Any, labels: ArrayLike) -> NDArray[np.float64]:
    """(K, K) weight of the arcs from cluster to cluster; within clusters on the diagonal. O(E).

    Raises:
        GraphError: the graph is undirected or has negative weights.
        ValueError: labels of another shape, or no whole numbers.
    """
    adjacency, labels, directed = clusters_of(graph, labels)
    if not directed:
        raise GraphError("flow has a direction in a directed graph alone; this one is undirected")
    return np.asarray(between_groups(adjacency, labels).toarray())


def flow_imbalance(
    graph: Any,
    labels: ArrayLike,
    normalisation: str = "vol_sum",
    selection: str = "sort",
    pairs: int | None = None,
) -> float:
    """O in [0, 1]: 1 where all weight flows one way between the pairs of clusters that count.

    Args:
        normalisation: `vol_sum`, `vol_max`, `vol_min` or `plain`.
        selection: the `pairs` most unequal pairs (`sort`), those beyond chance (`std`), or all
            (`naive`).
        pairs: β; by default K, or 1 of two clusters.

    Raises:
        GraphError, ValueError: as `flow_matrix`; no such option; fewer pairs than asked for.
    """
    if selection not in SELECTIONS:
        raise ValueError(unknown("selection", selection, SELECTIONS))
    flow = flow_matrix(graph, labels)
    values, significant = _imbalances(flow, normalisation)
    if not len(values):
        return 0.0
    beta = default_pairs(len(flow)) if pairs is None else pairs
    if not 1 <= beta <= len(values):
        raise ValueError(f"pairs must lie between 1 and {len(values)}, found {beta}")
    return float(select(values, significant, selection, beta))


def top_pairs(graph: Any, labels: ArrayLike, normalisation: str = "vol_sum") -> list[Pair]:
    """All pairs of clusters between which something flows, the most unequal first.

    Raises:
        GraphError, ValueError: as `flow_matrix`; no such normalisation.
    """
    flow = flow_matrix(graph, labels)
    values, _ = _imbalances(flow, normalisation)
    found = []
    for k, other, value in zip(*np.triu_indices(len(flow), 1), values.tolist(), strict=True):
        if (net := flow[k, other] - flow[other, k]) != 0:
            ends = (int(k), int(other)) if net > 0 else (int(other), int(k))
            found.append(Pair(*ends, value, float(abs(net))))
    return sorted(found, key=lambda pair: (-pair.imbalance, pair.source, pair.target))


def flow_scores(graph: Any, labels: ArrayLike) -> dict[str, float]:
    """FLOW: the mean imbalance by volume sums of the 1, 3, 5 and 9 most unequal pairs, of all, and
    of the significant ones; what there are too few pairs for is left out."""
    values, significant = _imbalances(flow_matrix(graph, labels), "vol_sum")
    best = values.sort(descending=True).values
    found = {f"imbalance_{beta}": float(best[:beta].mean()) for beta in BETAS if beta <= len(best)}
    if not len(values):
        return found | {"imbalance_all": 0.0, "imbalance_significant": 0.0}
    return found | {
        "imbalance_all": float(values.mean()),
        "imbalance_significant": float(select(values, significant, "std", 1)),
    }


def _imbalances(flow: NDArray[np.float64], normalisation: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the pairs of clusters; no clusters, or one, have none."""
    if normalisation not in NORMALISATIONS:
        raise ValueError(unknown("normalisation", str(normalisation), NORMALISATIONS))
    if len(flow) < 2:
        return torch.zeros(0), torch.zeros(0, dtype=torch.bool)
    volume = torch.from_numpy(flow.sum(axis=0) + flow.sum(axis=1))
    return pair_imbalances(torch.from_numpy(flow), volume, normalisation)
