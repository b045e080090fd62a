"""Sums over edges and their gradients in one pass over CSR rows: no buffer of E × F numbers.

Letters: N nodes, F columns, E entries (an undirected edge is two), w_ij the weight of an edge; the
graph is symmetric; it may be a batch of graphs, the `Segments` of the rows. `total_variation` is
Σ_{i<j} w_ij ‖s_i − s_j‖₁ of each graph, with ∂/∂s_i = Σ_j w_ij sign(s_i − s_j), 0 where the two are
equal. `variation_message` (J. Hansen, F. M. Bianchi, "Total variation graph neural networks", ICML
2023, https://arxiv.org/abs/2211.06218, section 3) is

    out_i = y_i − δ Σ_j γ_ij (y_i − y_j),   γ_ij = w_ij / max(d_ij, ε),   d_ij = ‖y_i − y_j‖₁,

in differences, which stay exact where those of the matrix form I − δL cancel; with G the gradient
of `out`, that of y is, by the symmetry of γ,

    G_i − δ Σ_j γ_ij (G_i − G_j) + δ Σ_j γ_ij/d_ij ⟨G_i − G_j, y_i − y_j⟩ sign(y_i − y_j),

the last sum over the j with d_ij > ε.

Which code adds up is the choice of `backends`; results do not depend on the number of threads.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels import backends
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.products import Constant
from graphclust.kernels.scatter import segment_sum


@dataclass(frozen=True, eq=False)
class Rows:
    """A symmetric graph in CSR form: the `pattern` (N, N) of its E entries and (E,) `weight`.

    Raises:
        ValueError: a pattern that is not square, or another number of weights.
    """

    pattern: Pattern
    weight: Tensor

    def __post_init__(self) -> None:
        n, e = len(self.pattern), len(self.pattern.member)
        if self.pattern.n != n:
            raise ValueError(f"the pattern must be square, found {n} × {self.pattern.n}")
        if self.weight.shape != (e,):
            raise ValueError(f"weight must have shape ({e},), found {tuple(self.weight.shape)}")

    @property
    def n(self) -> int:
        return len(self.pattern)

    @cached_property
    def matrix(self) -> Constant:
        return Constant.symmetric(self.pattern, self.weight)

    @classmethod
    def of(cls, adjacency: sp.csr_array, device: torch.device, dtype: torch.dtype) -> "Rows":
        """From a symmetric matrix, whose symmetry is not checked."""
        weight = torch.from_numpy(np.ascontiguousarray(adjacency.data)).to(device, dtype)
        return cls(Pattern.of(adjacency, device), weight)

    @classmethod
    def of_arcs(cls, edge_index: Tensor, weight: Tensor | None, n: int) -> "Rows":
        """From (2, E) arcs in the order of their sources, both directions of each edge.

        Raises:
            ValueError: another order, nodes that are not there.
        """
        source, target = edge_index.contiguous()
        start = torch.searchsorted(source, torch.arange(n + 1, device=source.device))
        pattern = Pattern(start, target, n)
        if not torch.equal(pattern.row, source):
            raise ValueError("arcs must be in the order of their sources, which lie in 0..n−1")
        ones = torch.ones(len(source), device=source.device)
        return cls(pattern, ones if weight is None else weight)


def total_variation(s: Tensor, graph: Rows, segments: Pattern) -> Tensor:
    """(B,) Σ_{i<j} w_ij ‖s_i − s_j‖₁ of the (N, F) rows of each graph; 0 without edges. O(E F).

    Raises:
        TypeError, ValueError: another number of rows, kinds of numbers or devices that differ.
    """
    _check("s", s, graph)
    value: Tensor = _TotalVariation.apply(s, graph, segments)
    return value


def variation_message(y: Tensor, graph: Rows, delta: float, eps: float) -> Tensor:
    """(N, F) the rows y_i − δ Σ_j γ_ij (y_i − y_j); a row without edges stays. O(E F).

    Raises:
        TypeError, ValueError: as `total_variation`.
    """
    _check("y", y, graph)
    out: Tensor = _VariationMessage.apply(y, graph, delta, eps)
    return out


def _check(name: str, rows: Tensor, graph: Rows) -> None:
    if rows.dim() != 2 or len(rows) != graph.n:
        raise ValueError(f"{name} must have shape ({graph.n}, F), found {tuple(rows.shape)}")
    if rows.device != graph.weight.device:
        raise ValueError(f"{name} is on {rows.device}, the graph on {graph.weight.device}")
    if not rows.is_floating_point() or rows.dtype != graph.weight.dtype:
        raise TypeError(f"{name} must be {graph.weight.dtype} as the weights, found {rows.dtype}")


class _TotalVariation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, s: Tensor, graph: Rows, segments: Pattern) -> Tensor:
        value, slope = backends.of(s).variation(graph.pattern, graph.weight, s)
        ctx.save_for_backward(slope)
        ctx.segments = segments
        return segment_sum(value, segments).to(s.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        scale = gradient if len(gradient) == 1 else gradient[ctx.segments.row]
        return scale[:, None] * slope, None, None


class _VariationMessage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, graph: Rows, delta: float, eps: float) -> Tensor:
        ctx.given, ctx.numbers = (graph.pattern, graph.weight), (delta, eps)
        out, distance = backends.of(y).message(*ctx.given, y, delta, eps)
        ctx.save_for_backward(y, distance)
        found: Tensor = out
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None]:
        y, distance = ctx.saved_tensors
        found = backends.of(y).message_back(*ctx.given, y, *ctx.numbers, distance, g)
        return found, None, None, None
