"""Clusters of nodes alike in whom they point to and in who points to them: DI-SIM.

K. Rohe, T. Qin, B. Yu, "Co-clustering directed graphs to discover asymmetries and directional
communities", PNAS 113 (2016), https://doi.org/10.1073/pnas.1525793113. Letters: N nodes, E arcs, K
clusters, A with A_ij the weight of the arc i → j, D_o and D_i its sums of rows and of columns.

The K leading left singular vectors U and right ones V of (D_o + τI)^-½ A (D_i + τI)^-½, τ = E / N,
and k-means on [U ‖ V], as DIGRAC's authors do; the paper clusters U and V apart, with rows of
length one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.export import to_scipy
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.kernels.sparse import rescaled
from graphclust.kernels.spectra import singular_vectors
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class DisgLR(EmbeddingMethod):
    """DI-SIM with both sides of a node together (Rohe et al. 2016).

    Same seed, same labels, whatever the number of threads. `extras`: `singular_values`, descending.
    O(K E) time a Lanczos step, O(K N + E) memory.
    """

    regularisation: float = param(1.0, "τ in units of the mean number of arcs", low=0)
    dimensions: int | None = param(None, "singular vectors; none: as many as clusters", low=1)

    kinds: ClassVar = ("directed", "weighted")

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        d = self._wanted(self.dimensions)
        a = to_scipy(graph)
        tau = self.regularisation * a.nnz / graph.num_nodes
        out, in_ = (np.asarray(a.sum(axis=axis)).ravel() + tau for axis in (1, 0))
        matrix = rescaled(a, out, -0.5, in_, -0.5)
        u, values, v = singular_vectors(matrix, min(d, graph.num_nodes))
        return np.hstack([u, v]), {"singular_values": values}
