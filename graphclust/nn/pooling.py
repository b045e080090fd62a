"""Pooling: the graphs of a batch become K supernodes each, by a soft partition S of their nodes.

S is the softmax of a perceptron on the nodes' rows; X′ = SᵀX, A′ = Sᵀ A S, graph by graph; a loss
that needs no class is that of a method, the mean over the graphs of the batch, each with its own
number of nodes, weight and order statistics (`nn.cuts`): batched with others, a graph has the
loss and the outputs that it has alone.

    TVPool      J. B. Hansen, F. M. Bianchi, "Total variation graph neural networks", ICML (2023),
                https://arxiv.org/abs/2211.06218: A′ as it is.
    MinCutPool  F. M. Bianchi, D. Grattarola, C. Alippi, ICML (2020),
                https://arxiv.org/abs/1907.00481: of Ã; A′ without diagonal, then normalised.
    DMoNPool    A. Tsitsulin et al., JMLR 24 (2023), https://arxiv.org/abs/2006.16904: A′ likewise.

A graph with fewer nodes than K gets K supernodes all the same, several of them nearly alike; one
without edges gets A′ = 0. Neither makes a value or gradient NaN. Memory: N K + B K² numbers.
"""

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from graphclust.kernels.segments import segment_product
from graphclust.nn.cuts import (
    asymmetric_norm,
    graph_variation,
    normalised_cut,
    orthogonality,
    soft_modularity,
    unevenness,
)
from graphclust.nn.graphs import DenseGraphs, Graphs, inverse_root
from graphclust.nn.layers import perceptron
from graphclust.nn.train import Terms


class Pooled(NamedTuple):
    """(B K, F) rows of the supernodes, their graphs (whose `segments.row` says which is whose),
    the terms of the loss, `loss` their sum, and (N, K) the partition."""

    x: Tensor
    graphs: DenseGraphs
    terms: Terms
    s: Tensor


class Pool(nn.Module):
    """S = softmax(perceptron(X)), K ≥ 2 columns; subclasses write `_terms`.

    Raises:
        ValueError: K is below 2.
    """

    def __init__(self, width: int, hidden: int, k: int) -> None:
        super().__init__()
        if k < 2:
            raise ValueError(f"a pool needs k ≥ 2 supernodes, found {k}")
        self.head = perceptron(width, hidden, k)

    def forward(self, x: Tensor, graphs: Graphs) -> Pooled:
        return self.pool(self.head(x).softmax(dim=1), x, graphs)

    def pool(self, s: Tensor, x: Tensor, graphs: Graphs) -> Pooled:
        """What the partition S makes of the graphs."""
        segments, read = graphs.segments, self._read(graphs)
        spread = read.spread(s)
        pooled = DenseGraphs(self._next(segment_product(s, spread, segments)))
        terms = {name: term.mean() for name, term in self._terms(s, read, spread).items()}
        return Pooled(segment_product(s, x, segments).flatten(0, 1), pooled, terms, s)

    def _read(self, graphs: Graphs) -> Graphs:
        """The graphs whose A becomes A′ and is in the loss."""
        return graphs

    def _next(self, adjacency: Tensor) -> Tensor:
        """A′ (B, K, K) as it is handed on."""
        return without_diagonal(adjacency)

    @abstractmethod
    def _terms(self, s: Tensor, graphs: Graphs, spread: Tensor) -> Terms:
        """(B,) terms of the loss, `loss` their sum; `spread` is A S."""


class TVPool(Pool):
    """α₁ L_GTV + α₂ L_AN, the loss of `methods.tvgnn`."""

    def __init__(
        self, width: int, hidden: int, k: int, variation: float = 0.5, balance: float = 0.5
    ) -> None:
        super().__init__(width, hidden, k)
        self.variation, self.balance = variation, balance

    def _next(self, adjacency: Tensor) -> Tensor:
        return adjacency

    def _terms(self, s: Tensor, graphs: Graphs, spread: Tensor) -> Terms:
        cut, uneven = graph_variation(s, graphs), asymmetric_norm(s, graphs.segments)
        loss = self.variation * cut + self.balance * uneven
        return {"loss": loss, "variation": cut, "balance": uneven}


class MinCutPool(Pool):
    """The loss of `methods.mincut`, on Ã."""

    def _read(self, graphs: Graphs) -> Graphs:
        return graphs.smoothing

    def _terms(self, s: Tensor, graphs: Graphs, spread: Tensor) -> Terms:
        cut, apart = normalised_cut(s, graphs, spread), orthogonality(s, graphs.segments)
        return {"loss": cut + apart, "cut": cut, "orthogonality": apart}


class DMoNPool(Pool):
    """The loss of `methods.dmon`, without dropout."""

    def _terms(self, s: Tensor, graphs: Graphs, spread: Tensor) -> Terms:
        modularity = soft_modularity(s, graphs, spread)
        collapse = unevenness(s, graphs.segments)
        return {"loss": collapse - modularity, "modularity": modularity, "collapse": collapse}


def without_diagonal(adjacency: Tensor) -> Tensor:
    """D^{−1/2} A D^{−1/2} of (B, K, K) whose diagonals are set to 0; a row of zeros stays."""
    rest = adjacency * (1 - torch.eye(adjacency.shape[1], device=adjacency.device))
    scale = inverse_root(rest.sum(dim=2))
    return scale[:, :, None] * rest * scale[:, None]
