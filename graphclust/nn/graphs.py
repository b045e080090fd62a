"""One graph or a batch of them, as layers and losses see them: what A does to the rows of a matrix.

Letters: N nodes of B graphs side by side, the `segments` of the rows; A their adjacency, block by
block, d its degrees, Ã = D^{−1/2} A D^{−1/2}. `SparseGraphs` are given; `DenseGraphs` are what a
pooling layer makes, whose adjacency Sᵀ A S has no zero, so that K² numbers a graph are the least
that hold it, and a gradient.
"""

from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from graphclust.kernels.edges import Rows, total_variation, variation_message
from graphclust.kernels.pairs import pair_message, pair_variation
from graphclust.kernels.scatter import segment_sum
from graphclust.kernels.segments import Segments


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
        return segment_sum(self.rows.weight, self.rows.pattern.entries)

    @cached_property
    def smoothing(self) -> "SparseGraphs":
        scale, pattern = inverse_root(self.degree), self.rows.pattern
        weight = scale[pattern.row] * self.rows.weight * scale[pattern.member]
        return SparseGraphs(Rows(pattern, weight), self.segments)

    def spread(self, y: Tensor) -> Tensor:
        return self.rows.matrix @ y

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
