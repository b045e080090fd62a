"""k-means on the node features, blind to the edges.

S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982),
https://doi.org/10.1109/TIT.1982.1056489; starts by D. Arthur, S. Vassilvitskii, "k-means++",
SODA (2007).

Minimises Σ_i ‖x_i − μ_{c_i}‖²; scikit-learn's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_geometric.data import Data

from graphclust.base import Method, Trace
from graphclust.graph.features import feature_matrix
from graphclust.heads.kmeans import kmeans, nearest
from graphclust.params import param
from graphclust.results import Clustering, Labels


@dataclass(frozen=True, kw_only=True)
class KMeans(Method):
    """k-means on `x` as it stands: the baseline that shows what the edges add.

    Same seed, same labels, whatever the number of threads. Inductive. `extras`: `centres` (K, F),
    `inertia`.
    """

    n_clusters: int = param(help="number of clusters K", low=1)
    n_init: int = param(10, "starts, of which the lowest inertia is kept", low=1)

    needs: ClassVar = ("x",)
    kinds: ClassVar = ()

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        x = feature_matrix(graph.x)
        labels, centres, inertia = kmeans(x, self.n_clusters, seed=self.seed, n_init=self.n_init)
        trace(0, inertia=inertia)
        return {"labels": labels, "extras": {"centres": centres, "inertia": inertia}}

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        return nearest(feature_matrix(graph.x), clustering.extras["centres"])
