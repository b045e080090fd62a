"""Clusters of nodes that point to the same nodes and are pointed to by the same.

V. Satuluri, S. Parthasarathy, "Symmetrizations for clustering directed graphs", EDBT (2011),
https://doi.org/10.1145/1951365.1951407. Letters: N nodes, K clusters, A with A_ij the weight of the
arc i → j, D_o and D_i its sums of rows and of columns. `bi_sym` clusters the graph of

    A Aᵀ + Aᵀ A                                                                  (bibliometric)

and `dd_sym`, which lets hubs count for less, that of

    D_o^-½ A D_i^-½ Aᵀ D_o^-½ + D_i^-½ Aᵀ D_o^-½ A D_i^-½                (degree-discounted)

by its K leading eigenvectors and k-means, as DIGRAC's authors do (the paper leaves the clustering
of the graph to others). Both are B Bᵀ + Cᵀ C, with B = C = A, or B = D_o^-½ A D_i^-¼ and
C = D_o^-¼ A D_i^-½: products that are applied one after the other, so that no matrix of shared
neighbours is formed.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.export import to_scipy
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.kernels.sparse import rescaled
from graphclust.kernels.spectra import leading_eigenvectors
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class BiSym(EmbeddingMethod):
    """Spectral clustering of the bibliometric graph (Satuluri and Parthasarathy 2011).

    Same seed, same labels, whatever the number of threads. `extras`: `eigenvalues`, descending.
    O(K E) time a Lanczos step, O(K N + E) memory.

    Raises:
        ValueError: the eigensolver does not converge, or K > N/2 on a graph too large to be dense.
    """

    dimensions: int | None = param(None, "eigenvectors; none: as many as clusters", low=1)

    kinds: ClassVar = ("directed", "weighted")

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        d = self._wanted(self.dimensions)
        b, c = self._factors(to_scipy(graph))
        n = graph.num_nodes

        def shared(v: Vectors) -> Vectors:
            return b @ (b.T @ v) + c.T @ (c @ v)

        operator = sp.linalg.LinearOperator((n, n), matvec=shared, matmat=shared, dtype=b.dtype)
        values, vectors = leading_eigenvectors(operator, min(d, n))
        return np.ascontiguousarray(vectors), {"eigenvalues": values}

    def _factors(self, a: sp.csr_array) -> tuple[sp.csr_array, sp.csr_array]:
        """B and C."""
        return a, a


@dataclass(frozen=True, kw_only=True)
class DDSym(BiSym):
    """Spectral clustering of the degree-discounted graph (Satuluri and Parthasarathy 2011).

    As `bi_sym`; what two nodes share counts for less where many share it.
    """

    name: ClassVar = "dd_sym"

    def _factors(self, a: sp.csr_array) -> tuple[sp.csr_array, sp.csr_array]:
        out, in_ = (np.asarray(a.sum(axis=axis)).ravel() for axis in (1, 0))
        return rescaled(a, out, -0.5, in_, -0.25), rescaled(a, out, -0.25, in_, -0.5)
