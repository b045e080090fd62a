"""Graphs as similar and dissimilar pairs: which pairs attract, and how much."""

import numpy as np
import scipy.sparse as sp
from torch_geometric.data import Data

from graphclust.graph.errors import count, warn
from graphclust.graph.export import to_scipy


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
