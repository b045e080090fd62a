"""Soft assignment of vectors to centres, and the target that sharpens it.

J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for clustering analysis", ICML (2016),
https://arxiv.org/abs/1511.06335; the frequency prior is that of K. G. Dizaji et al. (DEPICT),
ICCV (2017), https://arxiv.org/abs/1704.06327.
"""

import torch
from torch import Tensor

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


def target_distribution(
    q: Tensor, balance: float = 1.0, power: float = 2.0, mass: Tensor | None = None
) -> Tensor:
    """P (N, K): p_ij ∝ q_ij^power / f_j^balance, f_j = Σ_i q_ij, rows summing to 1 (equation 3).

    `power` 2 and `balance` 1 are DEC's; `power` 1 and `balance` ½ DEPICT's prior. A column without
    mass gets none. `mass` (K,) stands for the f_j where `q` holds only some of the rows. No
    gradient flows through a target.
    """
    q = q.detach()
    mass = q.sum(dim=0) if mass is None else mass.detach()
    return torch.softmax(power * q.log() - balance * mass.log().clamp(min=FLOOR), dim=1)


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Σ_ij p_ij log(p_ij / q_ij) / N: what draws Q to its target (equation 2); 0 log 0 is 0."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1).mean()
