"""One graph or a batch of them, as layers and losses see them: what A does to the rows of a matrix.

Letters: N nodes of B graphs side by side, the `segments` of the rows; A their adjacency, block by
block, d its degrees, Ã = D^{−1/2} A D^{−1/2}. `SparseGraphs` are given; `DenseGraphs` are what a
pooling layer makes, whose adjacency Sᵀ A S has no zero, so that K² numbers a graph are the least
that hold it, and a gradient.
"""

from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels.edges import Rows, total_variation, variation_message
from graphclust.kernels.pairs import pair_message, pair_variation
from graphclust.kernels.products import csr_tensor
from graphclust.kernels.segments import Segments, segment_sum


class Graphs(Protocol):
    """What layers, losses and pools ask of graphs."""

    @property
    def segments(self) -> Segments: ...

    @property
    def degree(self) -> Tensor:
        """(N,) weighted."""

    @property
    def smoothing(self) -> "Graphs":
        """The graphs of Ã; pooled graphs are smoothed over as their pool made them."""

    def spread(self, y: Tensor) -> Tensor:
        """A Y of (N, F)."""

    def variation(self, s: Tensor) -> Tensor:
        """(B,) Σ_{i<j} a_ij ‖s_i − s_j‖₁ of (N, K)."""

    def message(self, y: Tensor, delta: float, eps: float) -> Tensor:
        """(N, F) the rows y_i − δ Σ_j γ_ij (y_i − y_j) of `kernels.edges`."""


def totals(graphs: Graphs) -> Tensor:
    """(B,) Σ_ij a_ij = 2m of each graph, or 1 without edges."""
    total = segment_sum(graphs.degree, graphs.segments)
    return torch.where(total > 0, total, 1.0)


def inverse_root(degree: Tensor) -> Tensor:
    """d^{−1/2}, and 0 where d = 0."""
    return torch.where(degree > 0, degree, torch.inf) ** -0.5


class SparseGraphs:
    """Symmetric graphs in CSR form."""

    def __init__(self, rows: Rows, segments: Segments) -> None:
        self.rows, self.segments = rows, segments

    @cached_property
    def degree(self) -> Tensor:
        empty = self.rows.weight.new_zeros(self.rows.n)
        return empty.index_add(0, self.rows.source, self.rows.weight)

    @cached_property
    def smoothing(self) -> "SparseGraphs":
        scale = inverse_root(self.degree)
        weight = scale[self.rows.source] * self.rows.weight * scale[self.rows.target]
        return SparseGraphs(self.rows._replace(weight=weight), self.segments)

    @cached_property
    def matrix(self) -> Tensor:
        """A (N, N), sparse."""
        start, target, weight, _ = self.rows
        return csr_tensor(start, target, weight, (self.rows.n, self.rows.n))

    def spread(self, y: Tensor) -> Tensor:
        product: Tensor = _Spread.apply(self.matrix, y)
        return product

    def variation(self, s: Tensor) -> Tensor:
        return total_variation(s, self.rows, self.segments)

    def message(self, y: Tensor, delta: float, eps: float) -> Tensor:
        return variation_message(y, self.rows, delta, eps)


class DenseGraphs:
    """Symmetric graphs of K nodes each, (B, K, K)."""

    def __init__(self, adjacency: Tensor) -> None:
        self.adjacency = adjacency
        self.segments = Segments.alike(len(adjacency), adjacency.shape[1], adjacency.device)

    @cached_property
    def degree(self) -> Tensor:
        return self.adjacency.sum(dim=2).flatten()

    @property
    def smoothing(self) -> "DenseGraphs":
        return self

    def spread(self, y: Tensor) -> Tensor:
        return (self.adjacency @ self._apart(y)).flatten(0, 1)

    def variation(self, s: Tensor) -> Tensor:
        return pair_variation(self._apart(s), self.adjacency)

    def message(self, y: Tensor, delta: float, eps: float) -> Tensor:
        return pair_message(self._apart(y), self.adjacency, delta, eps).flatten(0, 1)

    def _apart(self, y: Tensor) -> Tensor:
        """(B, K, F) of (B K, F)."""
        return y.unflatten(0, self.adjacency.shape[:2])


class _Spread(torch.autograd.Function):
    """A Y of a sparse symmetric A, whose gradient A G needs no transposed copy of A."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, y: Tensor) -> Tensor:
        ctx.matrix = matrix
        return torch.sparse.mm(matrix, y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, torch.sparse.mm(ctx.matrix, gradient)
