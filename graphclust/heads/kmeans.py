"""k-means on the rows of a matrix, the same for every number of threads.

S. P. Lloyd, IEEE Trans. Inf. Theory 28 (1982), https://doi.org/10.1109/TIT.1982.1056489; above
LARGE rows in mini-batches (D. Sculley, WWW (2010)); both scikit-learn's. On request spherical:
Σ_i cos(z_i, μ_{c_i}) is maximised (I. Dhillon, D. Modha, Mach. Learn. 42 (2001)).
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.preprocessing import normalize
from torch_geometric.data import Data

from graphclust.graph.export import to_scipy
from graphclust.heads.head import Head, Labels, Vectors, same_width, squeeze, unit
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.sparse import between_groups, modularity
from graphclust.params import param

LARGE = 200_000  # rows above which mini-batches are drawn
BATCH = 4096
ROUNDS = 100  # of spherical k-means


@dataclass(frozen=True, kw_only=True)
class KMeansHead(Head):
    """k-means (Lloyd 1982). `predict`: nearest centre. `extras`: `centres` (K, D), `inertia`."""

    n_init: int = param(10, "k-means++ starts, of which the best is kept", low=1)
    spherical: bool = param(False, "compare directions alone")
    select: Literal["inertia", "modularity"] = param(
        "inertia", "which start is the best: by the least inertia, or the graph's modularity"
    )

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        assert k is not None
        run = spherical_kmeans if self.spherical else kmeans
        if self.select == "modularity":
            if graph is None:
                raise ValueError("select='modularity' needs the graph whose nodes the rows are")
            seed = _best_start(run, z, k, seed, self.n_init, to_scipy(graph))
            labels, centres, inertia = run(z, k, seed=seed, n_init=1)
            return {"labels": labels, "extras": {"centres": centres, "inertia": inertia}}
        labels, centres, inertia = run(z, k, seed=seed, n_init=self.n_init)
        return {"labels": labels, "extras": {"centres": centres, "inertia": inertia}}

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        return nearest(unit(z) if self.spherical else z, extras["centres"])


def _best_start(
    run: Any, z: Vectors, k: int, seed: int, n_init: int, adjacency: sp.csr_array
) -> int:
    """The seed whose single start has the highest modularity; of equals the first."""
    seeds = np.random.default_rng(seed).integers(2**31, size=n_init).tolist()
    labels = [run(z, k, seed=start, n_init=1)[0] for start in seeds]
    quality = [modularity(between_groups(adjacency, found)) for found in labels]
    return int(seeds[int(np.argmax(np.nan_to_num(quality, nan=-1.0)))])


def kmeans(
    x: Any, k: int, *, seed: int, n_init: int = 10
) -> tuple[Labels, NDArray[np.floating], float]:
    """Labels (N,), centres (K, D) and inertia of the best of `n_init` k-means++ starts.

    Args:
        x: (N, D) array or scipy CSR matrix.

    With fewer than `k` distinct rows there are fewer clusters, and a `GraphWarning` says so.
    """
    large = x.shape[0] > LARGE
    model = (
        MiniBatchKMeans(k, n_init=n_init, random_state=seed, batch_size=BATCH)
        if large
        else KMeans(k, n_init=n_init, random_state=seed)
    )
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x)
    labels, used = squeeze(model.labels_, k, "too few rows differ")
    return labels, model.cluster_centers_[used], float(model.inertia_)


def spherical_kmeans(
    x: Vectors, k: int, *, seed: int, n_init: int = 10
) -> tuple[Labels, NDArray[np.floating], float]:
    """Labels, unit centres (K, D) and Σ_i 1 − cos(x_i, μ_{c_i}) of the best of `n_init` starts.

    A centre that loses its rows keeps its place; a zero row has cosine 0 to all.
    """
    rows = unit(x)
    rng = np.random.RandomState(seed)
    best: tuple[float, Any, Any] = (np.inf, None, None)
    with one_thread():
        for _ in range(n_init):
            centres = normalize(kmeans_plusplus(rows, k, random_state=rng)[0])
            labels = np.full(len(rows), -1)
            for _ in range(ROUNDS):
                cosine = rows @ centres.T
                found = cosine.argmax(axis=1)
                if np.array_equal(found, labels):
                    break
                labels = found
                member = np.zeros((k, len(rows)), rows.dtype)
                member[labels, np.arange(len(rows))] = 1
                sums = member @ rows
                centres = np.where(np.any(sums, axis=1)[:, None], normalize(sums), centres)
            inertia = float((1 - cosine.max(axis=1)).sum())
            best = min(best, (inertia, labels, centres), key=lambda run: run[0])
    inertia, labels, centres = best
    labels, used = squeeze(labels, k, "too few directions differ")
    return labels, centres[used], inertia


def nearest(x: Any, centres: NDArray[np.floating]) -> Labels:
    """(N,) the nearest centre of each row.

    Raises:
        GraphError: rows and centres have different numbers of columns.
    """
    same_width(x, centres)
    with one_thread():
        return pairwise_distances_argmin(x, centres).astype(np.int64)
