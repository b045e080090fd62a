"""A head chosen without labels: of a few, the one whose clusters hang together best in the graph.

The measure is the mean conductance of the clusters in the graph whose nodes the rows are
(R. Kannan, S. Vempala, A. Vetta, "On clusterings: good, bad and spectral", J. ACM 51 (2004),
https://doi.org/10.1145/990308.990313). Vectors alone are judged in the graph of their nearest
neighbours by cosine. Fewer clusters are cut less, so only those heads are compared that found the
most; a cluster that holds no edge weight, or all of it, counts as cut off entirely: φ = 1.

The rule was found on twelve attributed graphs, with the vectors of `filter`, and tried on eighteen
others; what it is worth is in `experiments/README.md`.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import scipy.sparse as sp
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, to_scipy
from graphclust.heads.head import Head, Labels, Vectors
from graphclust.heads.kmeans import KMeansHead
from graphclust.heads.knn import LeidenHead, knn_graph
from graphclust.heads.lda import LDAHead
from graphclust.kernels.sparse import between_groups, conductance

NEIGHBOURS = 30
EQUAL = 1e-9  # means this near to the least are as good
CANDIDATES: dict[str, Head] = {  # of equals the first is taken
    "leiden": LeidenHead(neighbours=NEIGHBOURS),
    "lda": LDAHead(),
    "kmeans": KMeansHead(),
}


@dataclass(frozen=True, kw_only=True)
class AutoHead(Head):
    """Leiden on 30 neighbours, LDA or k-means: the one whose clusters have the least mean
    conductance (Kannan et al. 2004) in the graph. Where the number of clusters is free, Leiden.

    For clusters that hang together, not for those between which arcs run. `predict`: as the head
    that was chosen. `extras`: those of that head, its name `chosen`, and `conductance`, the mean of
    each head that was compared; neither for a single cluster or row.

    Raises:
        GraphError: the graph has negative weights.
    """

    needs_k: ClassVar = False

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        if k is None:
            return _named("leiden", CANDIDATES["leiden"].fit(z, seed=seed))
        edges = _edges(z, graph, seed)
        found, said = {}, {}
        for name, head in CANDIDATES.items():
            with warnings.catch_warnings(record=True) as said[name]:
                warnings.simplefilter("always")
                found[name] = head.fit(z, k, seed=seed)
        most = max(result["labels"].max() for result in found.values())
        phi = {
            name: float(conductance(between_groups(edges, result["labels"]), without=1.0).mean())
            for name, result in found.items()
            if result["labels"].max() == most
        }
        chosen = next(name for name in phi if phi[name] <= min(phi.values()) + EQUAL)
        for warning in said[chosen]:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        return _named(chosen, found[chosen], conductance=phi)

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        return CANDIDATES[extras["chosen"]].predict(z, fitted, labels, extras)


def _named(chosen: str, found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return found | {"extras": found["extras"] | {"chosen": chosen} | more}


def _edges(z: Vectors, graph: Data | None, seed: int) -> sp.csr_array:
    """(N, N) symmetric weights of the graph, or of nearest neighbours where there are no edges."""
    if graph is None or graph.num_edges == 0:
        return knn_graph(z, NEIGHBOURS, mutual=False, weights="cosine", seed=seed)
    if is_signed(graph):
        raise GraphError("the head auto judges clusters by edges, and takes no negative weights")
    edges = to_scipy(graph)
    return sp.csr_array(edges + edges.T) if graph.directed else edges
