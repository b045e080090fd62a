"""Soft assignment of vectors to centres, and the target that sharpens it.

J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for clustering analysis", ICML (2016),
https://arxiv.org/abs/1511.06335; the frequency prior is that of K. G. Dizaji et al. (DEPICT),
ICCV (2017), https://arxiv.org/abs/1704.06327.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import pairwise_distances
from torch import Tensor

from graphclust.heads.head import Vectors, squeeze
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.scatter import segment_mean

FLOOR = -700.0  # of the log of a column's mass, which may be 0


def student_t(z: Tensor, centres: Tensor, alpha: float = 1.0) -> Tensor:
    """Q (N, K): q_ij ∝ (1 + ‖z_i − μ_j‖² / α)^{−(α + 1)/2}, rows summing to 1 (equation 1).

    Differentiable in `z` (N, D) and `centres` (K, D). O(NKD) time, O(NK) memory; computed in logs,
    so that rows far from every centre stay finite.
    """
    middle = centres.detach().mean(dim=0)  # the square of a difference, expanded, loses digits
    z, centres = z - middle, centres - middle
    squared = (
        (z * z).sum(dim=1)[:, None] - 2 * z @ centres.T + (centres * centres).sum(dim=1)
    ).clamp(min=0)  # (N, K); rounding may leave a little below 0
    return torch.softmax(-(alpha + 1) / 2 * torch.log1p(squared / alpha), dim=1)


def target_distribution(q: Tensor, balance: float = 1.0, power: float = 2.0) -> Tensor:
    """P (N, K): p_ij ∝ q_ij^power / f_j^balance, f_j = Σ_i q_ij, rows summing to 1 (equation 3).

    `power` 2 and `balance` 1 are DEC's; `power` 1 and `balance` ½ DEPICT's prior. A column without
    mass gets none. No gradient flows through a target.
    """
    q = q.detach()
    return torch.softmax(power * q.log() - balance * q.sum(dim=0).log().clamp(min=FLOOR), dim=1)


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Σ_ij p_ij log(p_ij / q_ij) / N: what draws Q to its target (equation 2); 0 log 0 is 0."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1).mean()


def assignment(z: Vectors, centres: Vectors) -> Vectors:
    """(N, K) Student-t memberships."""
    with one_thread():
        return student_t(torch.from_numpy(z), torch.from_numpy(centres)).numpy()


def memberships(z: Vectors, labels: NDArray[np.int64]) -> Vectors:
    """(N, K) Student-t memberships to the means of the clusters that a head found."""
    return assignment(z, means(z, labels))


def means(z: Vectors, labels: NDArray[np.int64]) -> Vectors:
    """(K, D) the mean row of each cluster."""
    groups = Pattern.by_label(torch.from_numpy(labels), int(labels.max()) + 1)
    return segment_mean(torch.from_numpy(z), groups).numpy()


def sharpness(z: Vectors, centres: Vectors) -> float:
    """(1/N) Σ_i 1 − a_i / b_i, with a_i, b_i the squared distances to the two nearest centres.

    The simplified silhouette of squared distances (E. Hruschka, R. Campello, L. de Castro,
    "Evolutionary algorithms for clustering gene-expression data", ICDM (2004),
    https://doi.org/10.1109/ICDM.2004.10073): 1 where clusters are points, 0 where nodes lie midway.
    0 for a single centre. O(N K D).
    """
    if len(centres) < 2:
        return 0.0
    with one_thread():
        distance = pairwise_distances(z, centres, metric="sqeuclidean")
        near, next_ = np.partition(distance, 1, axis=1)[:, :2].T
    return float(1 - np.divide(near, next_, out=np.ones_like(near), where=next_ > 0).mean())


def aligned(
    labels: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels renamed, one to one, so that most nodes keep the ones they had; and which old name
    each new one has.

    Args:
        labels: (N,) from 0 to K − 1.
        before: (N,) earlier labels, −1 for nodes that had none. Those of K and more are forgotten.
    """
    k = int(labels.max()) + 1
    known = (before >= 0) & (before < k)
    together = np.zeros((k, k), np.int64)
    np.add.at(together, (before[known], labels[known]), 1)
    order: NDArray[np.int64] = linear_sum_assignment(together, maximize=True)[1]
    return np.argsort(order)[labels], order


def by_centres(z: Vectors, extras: dict[str, Any]) -> dict[str, Any]:
    """What `_fit` gives where clusters are argmax_a q_ia, of Student-t memberships in
    `trained_centres`; centres that no node is nearest to come last."""
    q = assignment(z, extras["trained_centres"])
    labels, used = squeeze(q.argmax(axis=1), q.shape[1], "no node is nearest to the others")
    order = np.r_[used, np.setdiff1d(np.arange(q.shape[1]), used)]
    centres = {"trained_centres": extras["trained_centres"][order]}
    return {"embedding": z, "labels": labels, "soft": q[:, order], "extras": extras | centres}
