"""Contrast of nodes: positives along the entries of an influence matrix, negatives from all nodes.

G. Kulatilleke, M. Portmann, S. Chandra, "SCGC: self-supervised contrastive graph clustering",
https://arxiv.org/abs/2204.12656; the negatives of meta-nodes from their "Efficient block
contrastive learning via parameter-free meta-node approximation", https://arxiv.org/abs/2209.14067.

Letters: N nodes, D dimensions, K clusters, u_i = z_i / ‖z_i‖, s_ij = u_i·u_j, R the (N, N)
influence matrix, τ an inverse temperature. As published s_ii counts as 0, so that the self pair
adds R_ii to the positives and 1 to the negatives:

    pos_i = Σ_j R_ij e^{τ s_ij}        neg_i = 1 + Σ_{k≠i} e^{τ s_ik}
    loss  = −(1/N) Σ_i log(pos_i / neg_i)

No sum here is made from an N×N matrix. Negatives come in four kinds:

- `exact_negatives`: chunks of rows, made again in the backward pass; O(N² D) time, O(N·chunk).
- `moment_negatives`: e^x ≈ Σ_{p≤P} x^p/p!, and Σ_k (u_i·u_k)^p = ⟨u_i^{⊗p}, Σ_k u_k^{⊗p}⟩, the self
  pair taken out exactly; O(N D^P) time. Relative error at most τ^{P+1} e^{2τ} / (P+1)!, as |s| ≤ 1.
- `block_negatives`: Σ_b n_b e^{τ u_i·ū_b} with ū_b the mean of cluster b: by Jensen never above the
  exact sum, short of it by τ²/2 times the variance inside the clusters; O(N K D).
- `meta_negatives`: see `methods.pamc`.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels.gemm import matmul
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.products import dots
from graphclust.kernels.scatter import segment_sum

CHUNK = 512  # rows of e^{τ s} held at a time


class Influence(NamedTuple):
    """Entries of R for some nodes: `anchors` (B,) are these nodes, `pattern` (B, N) where their
    rows have entries, each at least one, `weight` (E,) > 0."""

    anchors: Tensor
    pattern: Pattern
    weight: Tensor


def influence_contrast(
    z: Tensor, influence: Influence, log_negatives: Tensor, tau: float
) -> Tensor:
    """−(1/B) Σ_i log(pos_i / neg_i) over the anchors, from (N, D) vectors and (B,) log neg_i."""
    return (log_negatives - log_positives(unit(z), influence, tau)).mean()


def unit(z: Tensor) -> Tensor:
    """Rows of length one; a zero row stays zero, and so does its gradient."""
    return F.normalize(z, eps=1e-12)


def log_positives(u: Tensor, influence: Influence, tau: float) -> Tensor:
    """(B,) log Σ_j R_ij e^{τ s_ij} of the anchors, with s_ii = 0. O(E D)."""
    anchors, pattern, weight = influence
    itself = anchors[pattern.row] == pattern.member
    own = u if len(anchors) == len(u) else u[anchors]
    similarity = torch.where(itself, 0.0, dots(pattern, own, u))
    return segment_sum(weight * torch.exp(tau * similarity), pattern.entries).log()


def exact_negatives(u: Tensor, tau: float) -> Tensor:
    """(N,) log neg_i from unit rows (or zero rows), in chunks of rows."""
    sums: Tensor = _KernelSums.apply(u, tau)
    return (sums - torch.exp(tau * (u * u).sum(dim=1)) + 1).log()


class _KernelSums(torch.autograd.Function):
    """(N,) Σ_k e^{τ u_i·u_k}, k = i included. The kernel is symmetric: one product serves both."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, tau: float) -> Tensor:
        ctx.save_for_backward(u)
        ctx.tau = tau
        return torch.cat([matmul(tau * rows, u.T).exp_().sum(dim=1) for rows in u.split(CHUNK)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (u,), tau = ctx.saved_tensors, ctx.tau
        grad = torch.empty_like(u)
        for start in range(0, len(u), CHUNK):
            rows = slice(start, start + CHUNK)
            kernel = matmul(tau * u[rows], u.T).exp_().mul_(g[rows, None] + g[None, :])
            torch.mul(matmul(kernel, u), tau, out=grad[rows])
        return grad, None


def moments(u: Tensor, order: int) -> list[Tensor]:
    """The sums Σ_k u_k^{⊗p} for p = 1..order ≤ 4, symmetric parts stored once: shapes (D,), (Q,),
    (Q, D), (Q, Q) with Q = D(D+1)/2."""
    pairs = squares(u) if order >= 2 else u
    sums = [u.sum(dim=0), pairs.sum(dim=0), matmul(pairs.T, u), matmul(pairs.T, pairs)]
    return sums[:order]


def squares(u: Tensor) -> Tensor:
    """(N, Q) rows with ⟨squares(u), squares(v)⟩ = (u·v)²: u_a u_b, a ≤ b, √2 off the diagonal."""
    a, b = torch.triu_indices(u.shape[1], u.shape[1], device=u.device)
    scale = (2 - (a == b).to(u.dtype)).sqrt()
    return u[:, a] * u[:, b] * scale


def moment_negatives(u: Tensor, tau: float, order: int, n: int | None = None) -> Tensor:
    """(B,) log neg_i from unit rows, expanded to an `order` of at most 4.

    Where the rows are a sample of `n`, the sum over the others is scaled by (N − 1) / (B − 1): its
    expectation is that over all others.
    """
    pairs = squares(u) if order >= 2 else u
    powers = [
        lambda s: u @ s,
        lambda s: pairs @ s,
        lambda s: (matmul(pairs, s) * u).sum(dim=1),
        lambda s: (matmul(pairs, s) * pairs).sum(dim=1),
    ]
    own = (u * u).sum(dim=1)
    total = torch.full_like(own, len(u) - 1)
    for p, (power, s) in enumerate(zip(powers, moments(u, order), strict=False), start=1):
        total = total + tau**p / math.factorial(p) * (power(s) - own**p)
    return (1 + _scale(len(u), n) * total).log()


def _scale(present: int, n: int | None) -> float:
    return 1.0 if n is None or present < 2 else (n - 1) / (present - 1)


def block_negatives(
    u: Tensor, tau: float, assignment: Tensor, k: int, n: int | None = None
) -> Tensor:
    """(B,) log neg_i from unit rows and their clusters; a node's own is taken without the node.

    `n` as in `moment_negatives`.
    """
    groups = Pattern.by_label(assignment, k)
    sums, count = segment_sum(u, groups), groups.sizes.to(u.dtype)
    mean = sums / count.clamp(min=1)[:, None]
    others = (count[assignment] - 1).clamp(min=0)
    near = ((sums[assignment] - u) * u).sum(dim=1) / others.clamp(min=1)
    elsewhere = ~F.one_hot(assignment, k).bool()
    rest = torch.where(elsewhere, count * torch.exp(tau * u @ mean.T), 0.0).sum(dim=1)
    return (1 + _scale(len(u), n) * (others * torch.exp(tau * near) + rest)).log()


def meta_negatives(z: Tensor, tau: float, assignment: Tensor, k: int) -> Tensor:
    """(K′,) log Σ_b e^{τ cos(M_a, M_b) [a ≠ b]} of the K′ clusters that hold a node, with M_a the
    sum of the *unscaled* vectors of a cluster."""
    groups = Pattern.by_label(assignment, k)
    m = unit(segment_sum(z, groups)[groups.sizes > 0])
    others = ~torch.eye(len(m), dtype=torch.bool, device=m.device)
    return torch.logsumexp(tau * torch.where(others, m @ m.T, 0.0), dim=1)
