"""k-means and linear discriminant analysis in turn.

C. Ding, T. Li, "Adaptive dimension reduction using discriminant analysis and K-means clustering",
ICML (2007), https://doi.org/10.1145/1273496.1273562

k-means gives labels, LDA the K − 1 directions in which these labels lie farthest apart relative to
their spread, and k-means in those directions new labels; both scikit-learn's.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch_geometric.data import Data

from graphclust.heads.head import Head, Labels, Vectors
from graphclust.heads.kmeans import kmeans, nearest
from graphclust.kernels.determinism import one_thread
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class LDAHead(Head):
    """k-means and LDA in turn (Ding and Li 2007). `predict`: the nearest centre after projection.

    `extras`: `projection` (D, d), `origin` (D,), `centres` (K, d), `inertia` there.
    """

    rounds: int = param(5, "times that LDA and k-means are repeated", low=0)
    n_init: int = param(10, "k-means++ starts", low=1)

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        assert k is not None
        projection, origin = np.eye(z.shape[1], dtype=z.dtype), np.zeros(z.shape[1], z.dtype)
        labels, centres, inertia = kmeans(z, k, seed=seed, n_init=self.n_init)
        for _ in range(self.rounds):
            found = labels.max() + 1
            means = np.stack([z[labels == c].mean(axis=0) for c in range(found)])
            if found < 2 or np.allclose(z, means[labels]):  # no spread within to compare with
                break
            projection, origin = discriminants(z, labels)
            flat = (z - origin) @ projection
            before = labels
            labels, centres, inertia = kmeans(flat, k, seed=seed, n_init=self.n_init)
            if np.array_equal(labels, before):
                break
        extras = {"projection": projection, "origin": origin, "centres": centres}
        return {"labels": labels, "extras": extras | {"inertia": inertia}}

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        return nearest((z - extras["origin"]) @ extras["projection"], extras["centres"])


def discriminants(z: Vectors, labels: Labels) -> tuple[Vectors, Vectors]:
    """(D, d) directions, d ≤ K − 1, and the (D,) mean of all rows that they start from."""
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # collinear columns: it drops them
        model = LinearDiscriminantAnalysis().fit(z, labels)
    width = min(labels.max(), model.scalings_.shape[1])
    return model.scalings_[:, :width].astype(z.dtype), model.xbar_.astype(z.dtype)
