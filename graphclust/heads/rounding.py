"""Spectral rounding: clusters from K eigenvectors by a pivoted QR factorisation, no k-means.

A. Damle, V. Minden, L. Ying, "Simple, direct and efficient multi-way spectral clustering", Inf.
Inference 8 (2019), https://doi.org/10.1093/imaiai/iay008

The rows of the eigenvectors V (N, K) of K clear clusters point in K orthogonal directions. The
first K pivots of Vᵀ name one row of each; U Wᵀ of the singular value decomposition of those rows,
transposed, is the rotation nearest to them, and each row belongs to the column of
|V U Wᵀ| that is largest (algorithm 1).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import qr, svd
from torch_geometric.data import Data

from graphclust.heads.head import Head, Labels, Vectors, squeeze
from graphclust.kernels.determinism import one_thread


@dataclass(frozen=True, kw_only=True)
class RoundingHead(Head):
    """Rounding of eigenvectors (Damle et al. 2019): no starts, no random choice.

    The first K columns are read; with fewer columns, or clusters that none is nearest to, fewer
    clusters come out, and a `GraphWarning` says so. `predict`: the same rotation. `extras`:
    `rotation` (D, K).
    """

    raw: ClassVar = True

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        assert k is not None
        columns = min(k, z.shape[1])
        rotation = np.zeros((z.shape[1], columns))
        with one_thread():
            rotation[:columns] = rotation_of(z[:, :columns].astype(np.float64))
            nearest = np.abs(z @ rotation).argmax(axis=1)
        labels, used = squeeze(nearest, k, "too few directions differ")
        return {"labels": labels, "extras": {"rotation": rotation[:, used]}}

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        return np.abs(z @ extras["rotation"]).argmax(axis=1).astype(np.int64)


def rotation_of(v: Vectors) -> Vectors:
    """(K, K) the rotation that brings the rows of `v` (N, K) nearest to the axes."""
    pivots = qr(v.T, mode="economic", pivoting=True)[2][: v.shape[1]]
    left, _, right = svd(v[pivots].T, full_matrices=False)
    return np.asarray(left @ right)
