"""Graphs as similar and dissimilar pairs: which pairs attract, and how much."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError, count, warn
from graphclust.graph.export import is_signed, to_scipy
from graphclust.kernels.contraction import inside
from graphclust.kernels.sparse import between_groups

Links = tuple[NDArray[np.int64], NDArray[np.int64]]
"""(L, 2) places of nodes that must be linked, and of nodes that cannot be."""


def positive_pairs(graph: Data, threshold: float = 0.0) -> sp.csr_array:
    """(N, N) symmetric matrix of ones where an undirected edge weighs more than `threshold`.

    Columns are sorted and the diagonal is empty. Edges without weights weigh 1. Warns where edges
    weigh differently but all the same count as positive, as then the weights say nothing.
    """
    adjacency = to_scipy(graph)
    weights = adjacency.data
    kept = weights > threshold
    if kept.all() and len(weights) and weights.min() < weights.max():
        warn(
            f"weights count by their sign alone: all {count(len(weights) // 2, 'edge')} weigh more "
            f"than threshold={threshold:g}; a higher threshold makes the weak ones negative"
        )
    adjacency.data = kept.astype(np.int8)
    adjacency.eliminate_zeros()
    adjacency.sort_indices()
    return adjacency


@dataclass(frozen=True)
class Costs:
    """What lies between two nodes i and j: c_ij = w_ij − γ s_i s_j, paid when cut if positive and
    when together if negative.

    Attributes:
        matrix: (N, N) symmetric w, columns sorted, no diagonal.
        gamma: γ: 0 where pairs without an edge are neutral, 1 where they repel.
        sizes: (N,) s, how many of the user's nodes each one is.
    """

    matrix: sp.csr_array
    gamma: float
    sizes: NDArray[np.float64]

    def paid(self, labels: NDArray[np.int64]) -> float:
        """Σ of the positive costs that are cut and of the sizes of the negative ones inside."""
        return self._positive - inside(self.matrix, self.sizes, self.gamma, labels)

    @cached_property
    def _positive(self) -> float:
        """What nodes alone pay."""
        coo = self.matrix.tocoo()
        row, column = coo.coords
        costs = coo.data - self.gamma * self.sizes[row] * self.sizes[column]
        return float(np.maximum(costs, 0).sum()) / 2


def pair_costs(graph: Data, negative: str = "auto", threshold: float | None = None) -> Costs:
    """The costs of an undirected graph's pairs.

    `explicit`: an edge costs w − θ, other pairs nothing; θ is `threshold`, 0 unless given.
    `complement`: an edge costs w / θ − 1, other pairs −1; θ is half the mean weight unless given,
    so that every pair of an unweighted graph costs 1 or −1. `auto`: explicit where weights are
    negative, else complement.

    Raises:
        GraphError: a threshold ≤ 0 for complement.
    """
    matrix = to_scipy(graph)
    matrix.sort_indices()
    ones = np.ones(graph.num_nodes)
    if negative == "auto":
        negative = "explicit" if is_signed(graph) else "complement"
    if negative == "explicit":
        matrix.data = matrix.data - (threshold or 0.0)
        return Costs(matrix, 0.0, ones)
    if threshold is None:
        weights = matrix.data[matrix.data > 0]
        threshold = float(weights.mean()) / 2 if len(weights) else 1.0
    if threshold <= 0:
        raise GraphError(
            f'threshold must be > 0 where missing pairs are negative (negative="complement"), '
            f"found {threshold:g}"
        )
    matrix.data = matrix.data / threshold
    return Costs(matrix, 1.0, ones)


def constrained(costs: Costs, links: Links | None) -> tuple[NDArray[np.int64], Costs]:
    """(N,) the place of each node among M, nodes that must be linked being one; costs of those M.

    Pairs that cannot be linked repel by more than all costs together.

    Raises:
        GraphError: two nodes must be linked, by way of others perhaps, and cannot be.
    """
    n = len(costs.sizes)
    if links is None:
        return np.arange(n), costs
    must, cannot = links
    linked = sp.csr_array((np.ones(len(must)), (must[:, 0], must[:, 1])), shape=(n, n))
    place = sp.csgraph.connected_components(linked, directed=False)[1].astype(np.int64)
    ends = place[cannot]
    if len(clash := np.flatnonzero(ends[:, 0] == ends[:, 1])):
        raise GraphError(
            f"must_link joins the two nodes of pair {clash[0]} of cannot_link, which keeps them "
            "apart"
        )
    matrix = between_groups(costs.matrix, place).tolil()
    sizes = np.bincount(place, costs.sizes).astype(np.float64)
    apart = np.abs(costs.matrix.data).sum() + costs.gamma * len(place) ** 2 + 1.0
    matrix[ends[:, 0], ends[:, 1]] = matrix[ends[:, 1], ends[:, 0]] = -apart
    matrix.setdiag(0)
    matrix = matrix.tocsr()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return place, Costs(sp.csr_array(matrix), costs.gamma, sizes)
