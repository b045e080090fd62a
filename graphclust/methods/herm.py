"""Spectral clustering of a digraph by the direction of its arcs.

M. Cucuringu, H. Li, H. Sun, L. Zanetti, "Hermitian matrices for clustering directed graphs:
insights and applications", AISTATS (2020), https://arxiv.org/abs/1908.02096. Letters: N nodes, K
clusters, A with A_ij the weight of the arc i → j, H = i (A − Aᵀ), D_jj = Σ_l |H_jl|.

The leading eigenvectors of H (or of D⁻¹H, or D^-½ H D^-½), and k-means. i (A − Aᵀ) has eigenvalues
±σ, where σ are the singular values of A − Aᵀ, so the space of its leading eigenvectors is that of
leading singular vectors of the real matrix, which are taken instead: K of them, or K + 1 to keep
the pairs whole in which the singular values of a skew matrix come.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.export import to_scipy
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.kernels.flow import skew
from graphclust.kernels.spectra import singular_vectors
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Herm(EmbeddingMethod):
    """Hermitian spectral clustering of a digraph (Cucuringu et al. 2020).

    Same seed, same labels, whatever the number of threads. `extras`: `singular_values`, descending.
    O(K E) time a Lanczos step, O(K N + E) memory.
    """

    scaling: Literal["rw", "sym", "none"] = param("rw", "D⁻¹H, D^-½ H D^-½ or H")
    dimensions: int | None = param(None, "vectors; none: as many as clusters, made even", low=1)

    kinds: ClassVar = ("directed", "weighted")

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        d = self._wanted(self.dimensions)
        d = d if self.dimensions else d + d % 2
        matrix = skew(to_scipy(graph), self.scaling)
        vectors, values, _ = singular_vectors(matrix, min(d, graph.num_nodes))
        return np.ascontiguousarray(vectors), {"singular_values": values}
