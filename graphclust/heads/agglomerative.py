"""Agglomerative clustering of vectors.

J. H. Ward, "Hierarchical grouping to optimize an objective function", J. Am. Stat. Assoc. 58
(1963), https://doi.org/10.1080/01621459.1963.10500845; scikit-learn's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from torch_geometric.data import Data

from graphclust.heads.head import Head, Vectors
from graphclust.kernels.determinism import one_thread
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class AgglomerativeHead(Head):
    """Agglomerative clustering (Ward 1963); no random choice. `predict`: the nearest row's."""

    linkage: Literal["ward", "average", "complete"] = param("ward", "distance between clusters")

    max_rows: ClassVar = 20_000  # all pairwise distances: 1.6 GB

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        with one_thread():
            labels = AgglomerativeClustering(k, linkage=self.linkage).fit_predict(z)
        return {"labels": np.asarray(labels, np.int64)}
