"""Normalised spectral clustering with regularised degrees.

A. Ng, M. Jordan, Y. Weiss, "On spectral clustering", NIPS (2001); T. Qin, K. Rohe, "Regularized
spectral clustering under the degree-corrected stochastic blockmodel", NIPS (2013),
https://arxiv.org/abs/1309.4111

Letters: N nodes, K clusters, D degrees, τ regularisation. The K leading eigenvectors of
L_τ = D_τ^-½ A D_τ^-½, D_τ = D + τI (Qin and Rohe, section 2), rows scaled to length one, k-means.

τ is the mean degree, as Qin and Rohe recommend, times `regularisation`. With τ = 0 (Ng et al.)
every small component has an eigenvector of its own, and on a disconnected graph nothing else is
seen. Any other head may take the place of k-means; `rounding` gets the rows unscaled.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.preprocessing import normalize
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.export import to_scipy
from graphclust.heads import as_head
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.sparse import normalised_adjacency
from graphclust.kernels.spectra import leading_eigenvectors
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Spectral(EmbeddingMethod):
    """Spectral clustering with regularised degrees (Ng et al. 2001, Qin and Rohe 2013).

    Same seed, same labels, whatever the number of threads. `extras`: `eigenvalues` (K,) from the
    largest down and `residuals` (K,) = ‖L v − λ v‖₂. O(K E) time a Lanczos step, O(K N) memory.

    Raises:
        ValueError: the eigensolver does not converge, or K > N/2 on a graph too large to be dense.
    """

    regularisation: float = param(1.0, "τ in units of the mean degree", low=0)
    dimensions: int | None = param(None, "eigenvectors; none: as many as clusters", low=1)

    kinds: ClassVar = ("undirected", "weighted")

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        d = self._wanted(self.dimensions)
        adjacency = to_scipy(graph)
        tau = self.regularisation * adjacency.sum() / graph.num_nodes
        operator = normalised_adjacency(adjacency, tau)
        with one_thread():
            values, vectors = leading_eigenvectors(operator, min(d, graph.num_nodes))
            residuals = np.linalg.norm(operator @ vectors - vectors * values, axis=0)
        # zero rows stay zero
        rows = vectors if as_head(self.head).raw else normalize(vectors)
        return rows, {"eigenvalues": values, "residuals": residuals}
