"""Gaussian mixture by expectation maximisation.

A. Dempster, N. Laird, D. Rubin, "Maximum likelihood from incomplete data via the EM algorithm",
J. R. Stat. Soc. B 39 (1977), https://doi.org/10.1111/j.2517-6161.1977.tb01600.x

Maximises Σ_i log Σ_k π_k N(z_i; μ_k, Σ_k), from a k-means start; scikit-learn's.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from torch_geometric.data import Data

from graphclust.heads.head import Head, Labels, Vectors, squeeze
from graphclust.kernels.determinism import one_thread
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class GMMHead(Head):
    """Gaussian mixture (Dempster et al. 1977) with memberships. `predict`: the likeliest one.

    `extras`: `weights` (K,), `means` (K, D), `precisions` (K, D) or (K, D, D) (Cholesky factors),
    `log_likelihood` a row.
    """

    covariance: Literal["diag", "full"] = param("diag", "shape of each Gaussian")
    n_init: int = param(1, "starts, of which the likeliest is kept", low=1)
    floor: float = param(1e-6, "variance added in every direction", low=0)

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        assert k is not None
        model = self._model(k, seed)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(z.astype(np.float64))
            soft = model.predict_proba(z.astype(np.float64))
        labels, used = squeeze(soft.argmax(axis=1), k, "too few rows differ")
        empty = np.setdiff1d(np.arange(k), used)
        order = np.r_[used, empty]
        extras = {
            "weights": model.weights_[order],
            "means": model.means_[order],
            "precisions": model.precisions_cholesky_[order],
            "log_likelihood": float(model.lower_bound_),
        }
        return {"labels": labels, "soft": soft[:, order], "extras": extras}

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        model = self._model(len(extras["weights"]), 0)
        model.weights_, model.means_ = extras["weights"], extras["means"]
        model.precisions_cholesky_ = extras["precisions"]
        with one_thread():
            found = model.predict(z.astype(np.float64))
        return np.asarray(found, np.int64)

    def _model(self, k: int, seed: int) -> GaussianMixture:
        return GaussianMixture(
            k,
            covariance_type=self.covariance,
            n_init=self.n_init,
            reg_covar=self.floor,
            random_state=seed,
        )
