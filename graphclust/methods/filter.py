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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from torch_geometric.data import Data

from graphclust.base import Trace, without_labels
from graphclust.graph.convert import as_graph
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads.embedding import EmbeddingMethod, head_param
from graphclust.heads.head import same_width
from graphclust.kernels.columns import ROUNDING, idf, kind_of, mean_and_square, moran, scaled
from graphclust.kernels.determinism import fixed_signs, one_thread
from graphclust.kernels.sparse import decayed_hops, lazy_walk, propagator
from graphclust.params import param

Floats = NDArray[np.floating]
FLOOR = 0.1  # of the Moran weights: a column without autocorrelation still counts


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

        def part(name: str, fit: Callable[[], Any]) -> Any:
            if name not in parts:
                parts[name] = fit()
            return parts[name]

        with one_thread():
            a = to_scipy(graph)
            x = feature_matrix(graph.x)
            kind = kind_of(x) if self.features == "auto" else self.features
            z = self._smooth(self._reduced(x, kind, a, part), a)
            if self.deflate:
                z = deflated(z, part("null", lambda: null_direction(z, kind)))
            if self.directions and self.n_clusters is not None:
                k = self.directions * self.n_clusters
                z = z @ part("directions", lambda: leading_directions(z, k))
            u = normalize(z, copy=False)
            if not self.degree:
                return u
            d = np.log1p(a.sum(axis=1))
            mean, deviation = part("degrees", lambda: np.array([d.mean(), d.std() or 1.0]))
            column = self.degree * (d - mean) / deviation
            return np.column_stack([u, column.astype(u.dtype)])

    def _reduced(self, x: Any, kind: str, a: sp.csr_array, part: Callable[..., Any]) -> Floats:
        """(N, D) X V from weighted columns, whose memory is free again before the hops begin."""
        shift, scale = part("columns", lambda: column_scale(x, kind))
        x = normalize(scaled(x, scale, shift), copy=False)
        if self.moran and self.use != "x":
            x = normalize(scaled(x, part("moran", lambda: moran_weights(x, a))), copy=False)
        v = part("components", lambda: right_singular_vectors(x, self.dimensions, self.seed))
        return np.asarray(x @ v.T)

    def _smooth(self, z: Floats, a: sp.csr_array) -> Floats:
        """Unit rows of the smoothed Z, one block a horizon."""
        s, steps = propagator(a, z.dtype), 0 if self.use == "x" else self.steps
        horizons = [round(steps / 3**i) for i in range(self.scales)]
        if self.smoothing == "lazy":
            blocks = [lazy_walk(z, s, t) for t in horizons]
        else:
            blocks = [decayed_hops(z, s, t, self.decay) for t in horizons]
        blocks = [normalize(block, copy=False) for block in blocks]
        return blocks[0] if len(blocks) == 1 else np.hstack(blocks)


def column_scale(x: Any, kind: str) -> Floats:
    """(2, F) shift and scale of the columns: idf for words, mean and 1/sd for a table, else 0, 1.

    A column of a table that does not vary gets scale 0.
    """
    shift, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if kind == "words":
        scale = idf(x)
    elif kind == "table":
        shift, square = mean_and_square(x)
        variance = square - shift**2
        varies = variance > ROUNDING * square
        scale = np.power(variance, -0.5, out=np.zeros_like(variance), where=varies)
    return np.stack([shift, scale])


def moran_weights(x: Any, adjacency: sp.csr_array) -> Floats:
    """(F,) (I_f + .1)^½, with I_f the Moran autocorrelation, at least 0."""
    return np.sqrt(np.maximum(moran(x, adjacency), 0) + FLOOR)


def right_singular_vectors(x: Any, d: int, seed: int) -> Floats:
    """(D, F): the `d` leading right singular vectors; the identity where F ≤ d."""
    d = min(d, *x.shape)
    if d == x.shape[1]:
        return np.eye(d, dtype=x.dtype)
    vectors: Floats = randomized_svd(x, d, random_state=seed)[2]
    return vectors


def null_direction(z: Floats, kind: str) -> Floats:
    """(D,) s = Zᵀ1; 0 for a table."""
    return z.sum(axis=0, dtype=np.float64) * (kind != "table")


def deflated(z: Floats, s: Floats) -> Floats:
    """Z (I − s sᵀ / sᵀs), where s = Zᵀ1 on the graph that was fitted; Z where s is 0."""
    length = float(np.sqrt(s @ s))
    if length == 0:
        return z
    unit = (s / length).astype(z.dtype)
    return z - np.outer(z @ unit, unit)


def leading_directions(z: Floats, r: int) -> Floats:
    """(D, r) leading eigenvectors of ZᵀZ, so that Z R keeps Z's singular values; all if r > D."""
    gram = np.asarray(z.T @ z, dtype=np.float64)
    return fixed_signs(np.linalg.eigh(gram)[1][:, ::-1][:, :r]).astype(z.dtype)
