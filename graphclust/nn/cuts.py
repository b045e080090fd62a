"""The losses of TVGNN, MinCut and DMoN, of one graph or of each graph of a batch.

Letters: S (N, K) the soft partition with rows s_i, a_ij the weights of the edges, d the degrees, 2m
their sum; in a batch, those of each graph, of which every sum, norm and order statistic is its own.
All give (B,) values, for one graph (1,); `segments` None is one graph; `spread` is A S (or Ã S)
where it is known already. The formulas are those of
the methods' files. With a graph without edges, L_GTV, the cut and the modularity are 0; with fewer
nodes than clusters, q_k is the largest of column k, and L_AN still lies in [0, 1].
"""

import torch
from torch import Tensor

from graphclust.kernels.scatter import segment_sum
from graphclust.kernels.segments import Segments, segment_largest, segment_product
from graphclust.nn.graphs import Graphs, totals


def graph_variation(s: Tensor, graphs: Graphs) -> Tensor:
    """L_GTV = Σ_{i<j} a_ij ‖s_i − s_j‖₁ / 2m, in [0, 1]: the share of the weight that is cut."""
    return graphs.variation(s) / totals(graphs)


def asymmetric_norm(s: Tensor, segments: Segments | None = None) -> Tensor:
    """L_AN = 1 − Σ_k Σ_i |s_ik − q_k|_ρ / β, K ≥ 2; in [0, 1], 0 for equal hard parts."""
    segments = segments or Segments.alike(1, len(s), s.device)
    n, k = segments.sizes, s.shape[1]
    rho = k - 1
    q = segment_largest(s, (n // k).clamp(max=n - 1), segments)
    apart = s - (q if len(q) == 1 else q[segments.row])
    size = torch.where(apart >= 0, rho * apart, -apart).sum(dim=1)
    return 1 - segment_sum(size, segments) / (n * rho * min(1.0, k / (rho + 1)))


def normalised_cut(s: Tensor, smoothing: Graphs, spread: Tensor | None = None) -> Tensor:
    """− Tr(Sᵀ Ã S) / Tr(Sᵀ D̃ S), in [−1, 0]."""
    kept = _kept(s, smoothing, spread)
    volume = segment_sum(smoothing.degree * s.square().sum(dim=1), smoothing.segments)
    return -kept / torch.where(volume > 0, volume, 1.0)


def orthogonality(s: Tensor, segments: Segments | None = None) -> Tensor:
    """‖ SᵀS / ‖SᵀS‖_F − I_K / √K ‖_F, in [0, √2)."""
    together = segment_product(s, s, segments or Segments.alike(1, len(s), s.device))
    size = together.norm(dim=(1, 2), keepdim=True)
    k = s.shape[1]
    return (together / size - torch.eye(k, device=s.device, dtype=s.dtype) / k**0.5).norm(
        dim=(1, 2)
    )


def soft_modularity(s: Tensor, graphs: Graphs, spread: Tensor | None = None) -> Tensor:
    """Tr(Sᵀ B S) / 2m with B = A − d dᵀ / 2m, at most 1."""
    kept, total = _kept(s, graphs, spread), totals(graphs)
    volume = segment_product(s, graphs.degree[:, None], graphs.segments)
    return (kept - volume.square().sum(dim=(1, 2)) / total) / total


def unevenness(s: Tensor, segments: Segments | None = None) -> Tensor:
    """(√K / N) ‖ Σ_i s_i ‖ − 1, in [0, √K − 1]; 0 for clusters of equal size."""
    segments = segments or Segments.alike(1, len(s), s.device)
    return s.shape[1] ** 0.5 / segments.sizes * segment_sum(s, segments).norm(dim=1) - 1


def _kept(s: Tensor, graphs: Graphs, spread: Tensor | None) -> Tensor:
    """Tr(Sᵀ A S)."""
    spread = graphs.spread(s) if spread is None else spread
    return segment_sum((s * spread).sum(dim=1), graphs.segments)
