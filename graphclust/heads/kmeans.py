"""k-means on the rows of a matrix, by scikit-learn, the same for every number of threads."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin

from graphclust.graph.errors import GraphError, warn
from graphclust.kernels.determinism import one_thread


def kmeans(
    x: Any, k: int, *, seed: int, n_init: int = 10
) -> tuple[NDArray[np.int64], NDArray[np.floating], float]:
    """Labels (N,), centres (K, D) and inertia of the best of `n_init` k-means++ starts.

    Args:
        x: (N, D) array or scipy CSR matrix.

    With fewer than `k` distinct rows there are fewer clusters, and a `GraphWarning` says so.
    """
    model = KMeans(k, n_init=n_init, random_state=seed)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x)
    used = np.unique(model.labels_)
    if len(used) < k:
        warn(f"only {len(used)} of the {k} clusters hold a node: too few rows differ")
    labels = np.searchsorted(used, model.labels_).astype(np.int64)
    return labels, model.cluster_centers_[used], float(model.inertia_)


def nearest(x: Any, centres: NDArray[np.floating]) -> NDArray[np.int64]:
    """(N,) the nearest centre of each row.

    Raises:
        GraphError: rows and centres have different numbers of columns.
    """
    same_width(x, centres)
    with one_thread():
        return pairwise_distances_argmin(x, centres).astype(np.int64)


def same_width(x: Any, fitted: NDArray[np.floating]) -> None:
    """Refuse features of another number than those that a method was fitted on."""
    if x.shape[1] != fitted.shape[1]:
        raise GraphError(
            f"x must have {fitted.shape[1]} columns, as the graph that was fitted; "
            f"found {x.shape[1]}"
        )
