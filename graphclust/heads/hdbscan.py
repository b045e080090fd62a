"""HDBSCAN: clusters as the most persistent parts of a density hierarchy, the rest noise.

R. Campello, D. Moulavi, J. Sander, "Density-based clustering based on hierarchical density
estimates", PAKDD (2013), https://doi.org/10.1007/978-3-642-37456-2_14; scikit-learn's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.cluster import HDBSCAN
from torch_geometric.data import Data

from graphclust.graph.errors import warn
from graphclust.heads.head import Head, Vectors, nearest_row
from graphclust.kernels.determinism import one_thread
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class HDBSCANHead(Head):
    """HDBSCAN (Campello et al. 2013): finds the number of clusters; for noise, not for coverage.

    Rows that are noise join the cluster of the nearest row that is none; `extras`: `noise` (N,)
    tells which they were, `strength` (N,) how firmly each row belongs. `predict`: the nearest row.
    """

    min_cluster_size: int = param(15, "rows that make a cluster", low=2)
    min_samples: int | None = param(None, "rows that make a neighbourhood dense", low=1)

    needs_k: ClassVar = False
    takes_k: ClassVar = False
    max_rows: ClassVar = 100_000  # its time grows with N²

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        size = min(self.min_cluster_size, len(z))
        samples = None if self.min_samples is None else min(self.min_samples, len(z))
        with one_thread():
            model = HDBSCAN(min_cluster_size=size, min_samples=samples, copy=True).fit(z)
        labels, noise = model.labels_.astype(np.int64), model.labels_ < 0
        if noise.all():
            warn("the head hdbscan found nothing but noise: all rows are one cluster")
            labels = np.zeros(len(z), np.int64)
        elif noise.any():
            labels[noise] = nearest_row(z[noise], z[~noise], labels[~noise])
        return {"labels": labels, "extras": {"noise": noise, "strength": model.probabilities_}}
