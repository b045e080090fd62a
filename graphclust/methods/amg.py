"""Spectral clustering of the attribute-augmented graph, with a choice of eigensolvers.

P. D'Ambra, P. Vassilevski, L. Cutillo, "Extending bootstrap AMG for clustering of attributed
graphs", Appl. Math. Comput. 447 (2023), https://arxiv.org/abs/2109.09367; attributes as vertices by
Y. Zhou, H. Cheng, J. X. Yu, VLDB (2009), https://doi.org/10.14778/1687627.1687709; the embedding by
A. Ng, M. Jordan, Y. Weiss, "On spectral clustering", NIPS (2001).

Letters: N nodes, M attribute vertices, K clusters, α attribute mass, τ regularisation; A adjacency,
S (N, M) edges from nodes to attribute vertices.

    1. Ā = [[A, S], [Sᵀ, 0]]        `graph.augment` says what the columns of x become
    2. L = D_τ^-½ Ā D_τ^-½          D_τ = D + τI, D the row sums of Ā
    3. U the K leading eigenvectors of L, rows of the N nodes alone, scaled to length one

and a head on U. Of categories S is α times the indicator, α = 1 being the paper's weight; of other
columns a node's attributes weigh α times its edges. Nothing says which α is right without labels,
so three are looked at side by side (`mass=None`: .3, 1 and 3). A graph without x has M = 0.

τ is 0 where the vertices with edges hang together, else half the mean degree, as every component
would have an eigenvector of its own (T. Qin, K. Rohe, NIPS (2013), https://arxiv.org/abs/1309.4111).

Departures: eigenvectors of the normalised operator instead of smooth vectors of D − Ā, and rows of
the nodes alone instead of blocks with those of their attributes: on planted attributes both find
more. The published method is `attributes="categories", mass=1.0, solver="bootstrap_amg",
blocks=True, head="kmeans:n_init=100,select=modularity"`; of its smooth vectors the K best mixtures
are taken (Rayleigh–Ritz), edges keep their weights, components are solved one by one, and the
coarsest level exactly. Its vector-valued distance is the Euclidean one of the blocks side by side;
these are of D_τ^-½ U, columns and not rows of length one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.augment import attribute_edges, augment
from graphclust.graph.errors import GraphError
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.kernels.eigensolvers import Pairs, eigenpairs
from graphclust.params import param

MASSES = (0.3, 1.0, 3.0)
TAU = 0.5  # mean degrees, where the augmented graph falls apart


@dataclass(frozen=True, kw_only=True)
class AMG(EmbeddingMethod):
    """Attributed spectral clustering (D'Ambra et al. 2023): attributes become vertices.

    Same seed, same labels, whatever the number of threads. `extras`, one row for each α:
    `eigenvalues` and `residuals` (·, D), from the largest eigenvalue down; `solvers`, the one that
    was used on the largest component; `attributes`, the kind of columns; `regularisation`; of
    bootstrap AMG `rates`, the largest ρ of a component. O(K (E + nnz(x))) time a step of
    the solver, O(K N + E + nnz(x)) memory.

    Raises:
        ValueError: the eigensolver does not converge, or K > N/2 on a graph too large to be dense.
        GraphError: x is not of the kind that `attributes` or `blocks` says.
    """

    attributes: Literal["auto", "words", "rows", "table", "categories"] = param(
        "auto", "what x holds: words, rows of weights, a table, categories; auto: by its values"
    )
    mass: float | None = param(
        None, "α: weight of the attributes; none: .3, 1 and 3 side by side", low=0
    )
    regularisation: float | None = param(
        None, "τ in mean degrees; none: 0, or ½ where the augmented graph falls apart", low=0
    )
    blocks: bool = param(
        False, "beside a node's vector, those of its categories' vertices, not scaled, as published"
    )
    dimensions: int | None = param(None, "D: vectors for each α; none: as many as clusters", low=1)
    solver: Literal["auto", "lanczos", "lobpcg", "amg", "shift_invert", "bootstrap_amg"] = param(
        "auto", "how eigenvectors, or with bootstrap_amg smooth vectors, are found"
    )
    tolerance: float = param(1e-5, "residual at which the solver stops", low=1e-14, high=0.1)

    kinds: ClassVar = ("undirected", "weighted")

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        d = min(self._wanted(self.dimensions), graph.num_nodes)
        a = to_scipy(graph).astype(np.float64)
        edges, kind = self._attributes(graph)
        graphs = [a] if kind == "none" else self._augmented(a, edges, kind)
        tau = regularisation(graphs[0]) if self.regularisation is None else self.regularisation
        found = [self._pairs(augmented, tau, d) for augmented in graphs]
        n, blocks = graph.num_nodes, self._blocks(edges, kind)
        if blocks:
            smooth = [
                _smooth(pairs.vectors, augmented.sum(axis=1) + tau * mean_degree(augmented))
                for pairs, augmented in zip(found, graphs, strict=True)
            ]
            rows = [vectors[at] for vectors in smooth for at in (np.arange(n), *blocks)]
        else:
            rows = [normalize(pairs.vectors[:n]) for pairs in found]
        extras: dict[str, Any] = {
            "eigenvalues": np.stack([pairs.values for pairs in found]),
            "residuals": np.stack([pairs.residuals for pairs in found]),
            "solvers": np.array([pairs.solver for pairs in found]),
            "attributes": kind,
            "regularisation": tau,
        }
        if self.solver == "bootstrap_amg":
            extras["rates"] = np.array([max(pairs.rates, default=0.0) for pairs in found])
        return np.hstack(rows), extras

    def _attributes(self, graph: Data) -> tuple[sp.csr_array, str]:
        """Edges to attribute vertices, and their kind; `none` where no column tells nodes apart."""
        if graph.x is None or self.mass == 0:
            return sp.csr_array((graph.num_nodes, 0)), "none"
        edges, kind = attribute_edges(feature_matrix(graph.x), self.attributes)
        return edges, kind if edges.nnz else "none"

    def _augmented(self, a: sp.csr_array, edges: sp.csr_array, kind: str) -> list[sp.csr_array]:
        """Ā for each α."""
        masses = MASSES if self.mass is None else (self.mass,)
        return [augment(a, edges, mass, by_degree=kind != "categories") for mass in masses]

    def _blocks(self, edges: sp.csr_array, kind: str) -> list[Any]:
        """Of each attribute, (N,) the vertex that each node has; none where they are not wanted."""
        if not self.blocks:
            return []
        if kind != "categories":
            raise GraphError(f"blocks=True needs attributes that are categories; x holds {kind}")
        return list(edges.shape[0] + edges.indices.reshape(edges.shape[0], -1).T)

    def _pairs(self, augmented: sp.csr_array, tau: float, d: int) -> Pairs:
        return eigenpairs(
            augmented,
            d,
            self.solver,
            regularisation=tau * mean_degree(augmented),
            tolerance=self.tolerance,
            seed=self.seed,
        )


def _smooth(vectors: Vectors, degree: Any) -> Vectors:
    """D_τ^-½ U, columns of length one: nearly constant where vertices hang together, whatever
    their degrees, so that blocks of nodes and of attributes are of one size."""
    smooth = vectors / np.sqrt(np.where(degree > 0, degree, 1.0))[:, None]
    return np.asarray(smooth / np.linalg.norm(smooth, axis=0))


def mean_degree(adjacency: sp.csr_array) -> float:
    return float(adjacency.sum() / adjacency.shape[0])


def regularisation(adjacency: sp.csr_array) -> float:
    """τ in mean degrees: 0 where all vertices with edges hang together, else ½."""
    labels = sp.csgraph.connected_components(adjacency, directed=False)[1]
    joined = labels[np.diff(adjacency.indptr) > 0]
    return 0.0 if np.all(joined == joined[:1]) else TAU
