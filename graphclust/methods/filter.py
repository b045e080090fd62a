"""Training-free filter for attributed graphs: features smoothed over the edges, then k-means.

The low-pass filter is that of X. Zhang, H. Liu, Q. Li, X.-M. Wu, "Attributed graph clustering via
adaptive graph convolution", IJCAI (2019), https://arxiv.org/abs/1906.01210,
on features reduced by a truncated SVD.

Letters: N nodes, F features, D dimensions, K clusters. With x_i scaled to length one and
X ≈ U Σ Vᵀ, the embedding is Z = (½(I + S))^t X V, S = D̃^-½ (A + I) D̃^-½, rows scaled to length one.

Departures: the paper adapts t to the graph and ends in spectral clustering of the filtered
features' linear kernel; here t and D are fixed and k-means ends it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from torch_geometric.data import Data

from graphclust.base import Clustering, Labels, Method, Trace
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads.kmeans import kmeans, nearest, same_width
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.sparse import normalised_adjacency
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Filter(Method):
    """Low-pass filtered features (after Zhang et al. 2019) and k-means: no training, no labels.

    Same seed, same labels, whatever the number of threads. Inductive. `extras`: `components` (D, F)
    and `centres` (K, D).
    """

    n_clusters: int = param(help="number of clusters K", low=1)
    dimensions: int = param(64, "D: singular vectors kept; all features where F ≤ D", low=1)
    steps: int = param(3, "t: times that ½(I + S) is applied", low=0)
    n_init: int = param(10, "k-means starts", low=1)

    needs: ClassVar = ("x",)
    kinds: ClassVar = ("undirected", "weighted")

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        with one_thread():
            components = right_singular_vectors(
                normalize(feature_matrix(graph.x)), self.dimensions, self.seed
            )
            z = self._embed(graph, components)
        labels, centres, _ = kmeans(z, self.n_clusters, seed=self.seed, n_init=self.n_init)
        extras = {"components": components, "centres": centres}
        return {"labels": labels, "embedding": z, "extras": extras}

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        components = clustering.extras["components"]
        same_width(graph.x, components)
        with one_thread():
            z = self._embed(graph, components)
        return nearest(z, clustering.extras["centres"])

    def _embed(self, graph: Data, components: NDArray[np.floating]) -> NDArray[np.floating]:
        z = np.asarray(normalize(feature_matrix(graph.x)) @ components.T)
        return normalize(smooth(z, to_scipy(graph), self.steps))


def right_singular_vectors(x: Any, d: int, seed: int) -> NDArray[np.floating]:
    """(D, F): the `d` leading right singular vectors; the identity where F ≤ d."""
    d = min(d, *x.shape)
    if d == x.shape[1]:
        return np.eye(d, dtype=x.dtype)
    vectors: NDArray[np.floating] = randomized_svd(x, d, random_state=seed)[2]
    return vectors


def smooth(z: NDArray[np.floating], adjacency: sp.csr_array, steps: int) -> NDArray[np.floating]:
    """(½(I + S))^steps Z with S the normalised adjacency with self-loops."""
    operator = normalised_adjacency(sp.csr_array(adjacency + sp.eye_array(len(z))))
    operator = operator.astype(z.dtype)
    for _ in range(steps):
        z = 0.5 * (z + operator @ z)
    return z
