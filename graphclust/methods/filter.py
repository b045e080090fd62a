"""Training-free clustering of attributed graphs: weighted features, smoothed and deflated.

The low-pass filter is that of X. Zhang, H. Liu, Q. Li, X.-M. Wu, "Attributed graph clustering via
adaptive graph convolution", IJCAI (2019), https://arxiv.org/abs/1906.01210; the column weights are
the autocorrelations of P. Moran, Biometrika 37 (1950), https://doi.org/10.1093/biomet/37.1-2.17;
the null model is that of M. Newman, "Modularity and community structure in networks", PNAS 103
(2006), https://doi.org/10.1073/pnas.0601602103, here of the graph of cosines between nodes.

Letters: N nodes, F features, D dimensions, K clusters, T steps, β decay, r directions a cluster;
A adjacency, S = D̃^-½ (A + I) D̃^-½, P = D⁻¹A; ‖·‖ scales rows to length one.

    1. X ← ‖X idf‖ for counts of words, ‖(X − mean) / sd‖ for a table, ‖X‖ for the rest
    2. X ← ‖X diag(I_f + .1)^½‖        I_f = Σ_ij P_ij x̃_if x̃_jf / Σ_i x̃_if², at least 0
    3. Z = X V                         V the D leading right singular vectors of X
    4. Z ← ‖Σ_{t=0..T} β^t S^t Z‖
    5. Z ← Z (I − s sᵀ / sᵀs)          s = Zᵀ1: then ZZᵀ is B = W − d dᵀ/2m with W = ZZᵀ, d = W1
    6. U = ‖Z R‖                       R the rK leading eigenvectors of ZᵀZ

and a head on U. A table has cosines of both signs, of which 5 is no null model: it is left out
there. O(nnz(X) D + E D T + N D²) time, O(nnz(X) + E + N D) memory; no N×N.

`scales` > 1 lays the results of step 4 for T, T/3, T/9 … side by side: W is then the sum of their
cosine graphs. `use="x"` leaves out step 2 and the hops, for graphs whose edges join unlike nodes;
`use="edges"` takes X = A + I. Where classes follow degree (air traffic), `degree` > 0 adds the
column degree · standardised log(1 + d_i) to U; elsewhere it does harm.

Departures: Zhang et al. apply ½(I + S) a number of times fitted to the graph (here
`smoothing="lazy"` with T fixed) and end in spectral clustering of a linear kernel. With
`features="rows", moran=False, smoothing="lazy", steps=3, dimensions=64, deflate=False,
directions=0` what is left is a truncated SVD, smoothed.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.base import Trace, without_labels
from graphclust.graph.convert import as_graph
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads.embedding import EmbeddingMethod, head_param
from graphclust.heads.head import same_width
from graphclust.kernels.lowpass import low_pass
from graphclust.params import param

Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Filter(EmbeddingMethod):
    """Weighted, filtered and deflated features, and a head: no training, no labels.

    Same seed, same labels, whatever the number of threads. Inductive: another graph brings its
    features and edges; column scales, Moran weights, singular vectors, s and directions
    (`extras`) stay those of the graph that was fitted.
    """

    head: str = head_param("leiden:neighbours=30")
    use: Literal["both", "x", "edges"] = param("both", "what to look at: features, edges or both")
    features: Literal["auto", "words", "rows", "table"] = param(
        "auto", "counts to weigh by idf, rows of which only the direction counts, or a table"
    )
    moran: bool = param(True, "weigh columns by their autocorrelation over the edges")
    dimensions: int = param(128, "D: singular vectors kept; all features where F ≤ D", low=1)
    smoothing: Literal["decayed", "lazy"] = param("decayed", "Σ β^t S^t, or (½(I + S))^T")
    steps: int = param(10, "T: hops that features travel", low=0)
    scales: int = param(1, "horizons T, T/3, T/9, … looked at side by side", low=1)
    decay: float = param(0.9, "β: what a hop leaves", low=0, high=1)
    deflate: bool = param(True, "take out the null model of the cosine graph, except in a table")
    directions: int = param(
        2, "r: directions kept a cluster; 0, or a free number of clusters, keeps all", low=0
    )
    degree: float = param(0.0, "weight of a column of standardised log-degrees", low=0)

    needs: ClassVar = ("x",)
    kinds: ClassVar = ("undirected", "weighted")

    def prepare(self, graph: Any) -> Data:
        """`graph` without labels; where only edges are looked at, with X = A + I."""
        if self.use != "edges":
            return super().prepare(graph)
        graph = as_graph(without_labels(graph))
        a = to_scipy(graph)
        a = a + a.T if graph.directed else a
        return super().prepare(as_graph(graph, x=a + sp.eye_array(a.shape[0], format="csr")))

    def _embed(self, graph: Data, trace: Trace) -> tuple[Floats, dict[str, Any]]:
        parts: dict[str, Any] = {}
        return self._steps(graph, parts), parts

    def _embed_new(self, graph: Data, extras: dict[str, Any]) -> Floats:
        if self.use == "edges":  # whose columns are the nodes
            return super()._embed_new(graph, extras)
        same_width(graph.x, extras["columns"])
        return self._steps(graph, extras)

    def _steps(self, graph: Data, parts: dict[str, Any]) -> Floats:
        """(N, rK) U. What `parts` holds is applied, what it lacks is fitted and put there."""
        edges = self.use != "x"
        return low_pass(
            feature_matrix(graph.x),
            to_scipy(graph),
            parts,
            seed=self.seed,
            features=self.features,
            weigh=self.moran and edges,
            dimensions=self.dimensions,
            smoothing=self.smoothing,
            steps=self.steps if edges else 0,
            scales=self.scales,
            decay=self.decay,
            deflate=self.deflate,
            directions=self.directions * (self.n_clusters or 0),
            degree=self.degree,
        )
