"""Agglomerative clustering of the node features, blind to the edges.

J. H. Ward, "Hierarchical grouping to optimize an objective function", J. Am. Stat. Assoc. 58
(1963), https://doi.org/10.1080/01621459.1963.10500845

Joins the two clusters whose union raises Σ_i ‖x_i − μ_{c_i}‖² least (Ward), or that are nearest
by mean or by largest distance, until K are left; scikit-learn's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from torch_geometric.data import Data

from graphclust.base import Method, Trace
from graphclust.graph.features import feature_matrix
from graphclust.kernels.determinism import one_thread
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Agglomerative(Method):
    """Agglomerative clustering of `x` (Ward 1963), blind to the edges.

    No random choice: every seed gives the same.

    Raises:
        GraphError: more than 20 000 nodes, since it holds all pairwise distances.
    """

    n_clusters: int = param(help="number of clusters K", low=1)
    linkage: Literal["ward", "average", "complete"] = param("ward", "distance between clusters")

    needs: ClassVar = ("x",)
    kinds: ClassVar = ()
    max_nodes: ClassVar = 20_000  # all pairwise distances: 1.6 GB
    randomised: ClassVar = False

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        if graph.num_nodes == 1:
            return {"labels": np.zeros(1, np.int64)}
        x = feature_matrix(graph.x)
        dense = x if isinstance(x, np.ndarray) else x.toarray()
        with one_thread():
            model = AgglomerativeClustering(self.n_clusters, linkage=self.linkage).fit(dense)
        return {"labels": model.labels_}
