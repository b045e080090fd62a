"""TVGNN: clusters by total variation, the loss of the asymmetric Cheeger cut.

J. B. Hansen, F. M. Bianchi, "Total variation graph neural networks", ICML (2023),
https://arxiv.org/abs/2211.06218. Letters: N nodes, F features, K clusters, a_ij the weights of the
edges, S (N, K) the soft partition with rows s_i. The network is a stack of layers

    X′ = act( (I − δ L_Γ) X Θ + b ),   γ_ij = a_ij / max(‖y_i − y_j‖₁, ε),   Y = XΘ,       (GTVConv)

and a perceptron whose softmax is S. Its loss is α₁ L_GTV + α₂ L_AN,

    L_GTV = Σ_{i<j} a_ij ‖s_i − s_j‖₁ / Σ_ij a_ij,
    L_AN = 1 − Σ_k Σ_i |s_ik − q_k|_ρ / β,   β = N ρ min(1, K / (ρ + 1)),   ρ = K − 1,

with q_k the element of rank ⌊N/K⌋ from the top of column k and |x|_ρ = ρx for x ≥ 0, else −x: L_GTV
counts the edges cut, L_AN is 0 where clusters are equally large. Both are functions of `nn.cuts`,
GTVConv is in `nn.layers`: pooling (`nn.pooling`) has the same.

As the authors' code, and not as the paper: Γ comes from XΘ, not from X, and δ is twice the paper's.
Departures from both: the message is summed in differences (`kernels.edges`), which keep the digits
that the matrix form loses; L_GTV is divided by the weights' sum and not by the edges' number, which
keeps it in [0, 1]; weights are in units of their mean, without which δ means another smoothing
for each unit; several starts, the best of which goes on, and columns that lose all nodes are begun
anew (`nn.partition`); Adam's own 10⁻⁸ in place of 10⁻⁷; and δ, which counts for each edge, goes by
the degree of the graph. Too large, all rows become alike, too small, edges tell nothing, and either
way the loss stays at α₂, that of no partition at all; so each start has another δ.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from graphclust.nn.cuts import asymmetric_norm, graph_variation
from graphclust.nn.layers import GTVConv, perceptron
from graphclust.nn.partition import Inputs, PartitionMethod
from graphclust.nn.train import Terms
from graphclust.params import param

DELTA, DEGREE = 0.311, 10556 / 2708  # δ as published for Cora, and what its nodes have of edges


@dataclass(frozen=True, kw_only=True)
class TVGNN(PartitionMethod):
    """Total-variation graph network (Hansen and Bianchi 2023).

    The defaults are the published parameters of Cora, but for δ: the first start smooths as far as
    published, δ = 1.21 / mean degree of the nodes that have edges, .311 on Cora; each later one
    twice as far as that before it. The start of the lowest loss, `extras["start"]`, goes on. Same
    seed, same labels, whatever the number of threads, as long as `deterministic` is left on. `soft`
    is S, `embedding` what the last layer gives; `predict` runs the network on another graph, whose
    degree counts. O(E H + N F H) time an epoch.
    """

    hidden: int = param(512, "H: width of the layers", low=1)
    layers: int = param(2, "number of layers", low=1)
    delta: float | None = param(
        None,
        "δ: how far a layer smooths over an edge; none: 1.21 / mean degree, doubled at each start",
        low=0.0,
    )
    eps: float = param(1e-3, "ε: least distance of two rows", low=1e-12)
    variation: float = param(0.785, "α₁: weight of L_GTV", low=0.0)
    balance: float = param(0.514, "α₂: weight of L_AN", low=0.0)

    emptied: ClassVar = "revived"

    def _network(self, inputs: Inputs, start: int) -> nn.Module:
        delta = self.delta
        if delta is None:
            entries, joined = len(inputs.graphs.rows.weight), int((inputs.graphs.degree > 0).sum())
            delta = DELTA * 2**start * (DEGREE / (entries / joined)) if joined else 0.0
        sizes = [inputs.x.shape[1]] + [self.hidden] * self.layers
        return Network(sizes, self.n_clusters, delta, self.eps)

    def _objective(self, s: Tensor, inputs: Inputs) -> Terms:
        cut = graph_variation(s, inputs.graphs).mean()
        uneven = asymmetric_norm(s).mean()
        loss = self.variation * cut + self.balance * uneven
        return {"loss": loss, "variation": cut, "balance": uneven}


class Network(nn.Module):
    """GTVConv layers and a perceptron."""

    def __init__(self, sizes: list[int], k: int, delta: float, eps: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(GTVConv(a, b, delta, eps) for a, b in pairwise(sizes))
        self.head = perceptron(sizes[-1], sizes[-1] // 2, k)

    def vectors(self, inputs: Inputs) -> Tensor:
        z: Tensor = inputs.x
        for layer in self.layers:
            z = F.elu(layer(z, inputs.graphs), inplace=True)
        return z

    def forward(self, inputs: Inputs) -> Tensor:
        logits: Tensor = self.head(self.vectors(inputs))
        return logits
