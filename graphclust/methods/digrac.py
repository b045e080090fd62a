"""DIGRAC: clusters of a digraph between which the flow has a direction.

Y. He, G. Reinert, M. Cucuringu, "DIGRAC: digraph clustering based on flow imbalance", LoG (2022),
https://arxiv.org/abs/2106.05194. Letters: N nodes, D features, h hidden, K clusters, H hops, A_ij
the weight of the arc i → j, Ā_s and Ā_t the matrices A + τI and Aᵀ + τI with rows scaled to sum 1,
σ ReLU and dropout. A node has a source side and a target side (DIMPA, section 3.2),

    Z_s = Σ_{t=0..H} ω_t Ā_s^t Q_s,   Q_s = σ(X W_s0) W_s1,   Z_t likewise,   Z = [Z_s ‖ Z_t],

and P = softmax(Z W + b). The loss is 1 − O, O the imbalance of the flow PᵀAP (`nn.imbalance`). As W
commutes with Ā, K columns are propagated in training, not 2h: the same numbers, save for rounding.

X are the node features, or, where there are none, the leading left singular vectors of
D⁻¹ (A − Aᵀ), D_ii = Σ_j |A_ij − A_ji|, standardised: K of them, or K + 1 to keep pairs whole. The
published features are the real and imaginary parts of those of i D⁻¹ (A − Aᵀ), which say the same
twice.

Departures: `std` and `naive` train (in the published code no gradient flows through them); β is not
read off the true meta-graph but K (1 for two clusters); loss and choice of the best epoch are those
of the whole graph, without held-out nodes; several starts, the best of which goes on
(`nn.partition`): local optima are common, and show in the loss. Only β pairs give a gradient, so
columns in none of them lose their nodes, though more clusters would raise O. So the partition is
refined at the end (`kernels.moves`): single nodes move while O of the hard clusters rises, where
nobody told β, of as many pairs as are significant (D² > 9 T) in the partition that the network
found. Where the caller knows clusters of some nodes, `fit(graph, seeds={node: cluster})` adds their
mean cross-entropy, `supervision` times, and these nodes stay where the network put them. The
triplet loss that the authors' code names is left out: their training never calls it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphclust.base import Clustering, Labels, Trace
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.kernels.flow import skew, walks
from graphclust.kernels.gemm import matmul
from graphclust.kernels.moves import raise_imbalance
from graphclust.kernels.products import Constant
from graphclust.kernels.sparse import between_groups
from graphclust.kernels.spectra import singular_vectors
from graphclust.nn.imbalance import default_pairs, pair_imbalances, select
from graphclust.nn.partition import PartitionMethod
from graphclust.nn.train import Terms
from graphclust.params import param

GAIN = 1.414  # of Glorot's weights, as published
FLOOR = 1e-30  # of a membership whose logarithm is taken


@dataclass(frozen=True, kw_only=True)
class DIGRAC(PartitionMethod):
    """Digraph clustering by flow imbalance (He et al. 2022); K ≥ 2 is told, labels never are.

    Same seed, same labels, whatever the number of threads, as long as `deterministic` is left on.
    `soft` is P, of whose largest entries `refine` makes the labels; `extras["moved"]` counts the
    nodes that it moved. `embedding` is Z (N, 2h). `predict` needs node features.
    O(E K H + N (D + h) h) time an epoch, O(E + N K³) a sweep, O(E + N (D + h)) memory.
    """

    starts: int = param(10, "networks that are begun, of which the best goes on", low=1)
    epochs: int = param(1000, "epochs at most of the best start", low=1)
    patience: int = param(
        200, "epochs that no lower loss is waited for; 0: train to the last", low=0
    )
    rate: float = param(1e-2, "learning rate of Adam", low=1e-8)
    normalisation: Literal["vol_sum", "vol_max", "vol_min", "plain"] = param(
        "vol_sum", "what the flow between two is divided by"
    )
    selection: Literal["sort", "std", "naive"] = param(
        "sort", "pairs that count: the largest, the significant, all"
    )
    pairs: int | None = param(
        None,
        "β: how many pairs, for sort; none: K, or 1 of two, and to refine the significant",
        low=1,
    )
    features: Literal["auto", "x", "flow"] = param(
        "auto", "x of the graph, or singular vectors of its flow; auto: x where there is one"
    )
    hidden: int = param(32, "h: width of each side", low=1)
    hops: int = param(2, "H: steps along the arcs and against them", low=0)
    loop: float = param(0.5, "τ: weight of a node in its own mean", low=1e-6)
    dropout: float = param(0.5, "share of hidden units dropped in training", low=0.0, high=0.99)
    refine: int = param(50, "sweeps at most in which single nodes move; 0: none", low=0)
    supervision: float = param(1.0, "weight of the cross-entropy of seeds, if any", low=0.0)

    weight_decay: ClassVar = 5e-4
    guided: ClassVar = True
    needs: ClassVar = ()
    kinds: ClassVar = ("directed", "weighted")

    def _fit(self, graph: Data, trace: Trace, seeds: Labels | None = None) -> dict[str, Any]:
        graph.seeds = None if seeds is None else torch.from_numpy(seeds)
        found = super()._fit(graph, trace)
        labels = self._refined(graph, found["labels"], seeds)
        moved = int((labels != found["labels"]).sum())
        extras = found.get("extras", {}) | {"moved": moved}
        return found | {"labels": labels, "extras": extras}

    def _refined(self, graph: Data, labels: Labels, seeds: Labels | None = None) -> Labels:
        """Labels after single nodes, but no seeds, have moved."""
        if self.n_clusters == 1 or not self.refine:
            return labels
        free = np.random.default_rng(self.seed).permutation(len(labels))
        return raise_imbalance(
            to_scipy(graph),
            labels,
            self.n_clusters,
            normalisation=self.normalisation,
            pairs=self._counted(to_scipy(graph), labels),
            sweeps=self.refine,
            free=free if seeds is None else free[seeds[free] < 0],
        )

    def _counted(self, adjacency: sp.csr_array, labels: Labels) -> int:
        """How many pairs of hard clusters count."""
        if self.selection == "sort" and self.pairs is not None:
            return self.pairs
        if self.selection == "naive":
            return self.n_clusters * (self.n_clusters - 1) // 2
        flow = torch.from_numpy(between_groups(adjacency, labels).toarray())
        _, significant = pair_imbalances(flow, flow.sum(dim=0) + flow.sum(dim=1))
        return int(significant.sum()) or default_pairs(self.n_clusters)

    def _inputs(self, graph: Data, device: torch.device) -> "Flow":
        adjacency, given = to_scipy(graph).astype(np.float32), self._given(graph)
        x = feature_matrix(graph.x) if given else flow_features(adjacency, self.n_clusters)
        return Flow(adjacency, x, self.loop, device, graph.get("seeds"))

    def _given(self, graph: Data) -> bool:
        if self.features == "x" and graph.x is None:
            raise ValueError('features="x" needs node features x; this graph has none')
        return self.features != "flow" and graph.x is not None

    def _network(self, inputs: "Flow", start: int) -> nn.Module:
        width = inputs.x.shape[1]
        return Network(width, self.hidden, self.hops, self.n_clusters, self.dropout)

    def _objective(self, s: Tensor, inputs: "Flow") -> Terms:
        most = self.n_clusters * (self.n_clusters - 1) // 2
        pairs = default_pairs(self.n_clusters) if self.pairs is None else self.pairs
        if pairs > most:
            raise ValueError(f"{self.n_clusters} clusters have {most} pairs, found pairs={pairs}")
        values = pair_imbalances(inputs.arcs.flow(s), inputs.degree @ s, self.normalisation)
        imbalance = select(*values, self.selection, pairs)
        if inputs.seeds is None:
            return {"loss": 1 - imbalance, "imbalance": imbalance}
        told = inputs.seeds >= 0
        surprise = F.nll_loss(s[told].clamp(min=FLOOR).log(), inputs.seeds[told])
        loss = 1 - imbalance + self.supervision * surprise
        return {"loss": loss, "imbalance": imbalance, "surprise": surprise}

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        if not self._given(graph):
            raise TypeError(f"{self.name} labels only the graph it is fitted on; fit the new graph")
        return self._refined(graph, super()._predict(clustering, graph))


class Flow:
    """What the network and the loss read: X, Ā_s, Ā_t, A, the degrees in + out, (N,) seeds."""

    def __init__(
        self,
        adjacency: sp.csr_array,
        x: Any,
        loop: float,
        device: torch.device,
        seeds: Tensor | None = None,
    ) -> None:
        self.device = device
        self.seeds = None if seeds is None else seeds.to(device)
        self.x: Any = Constant(x, device) if sp.issparse(x) else torch.from_numpy(x).to(device)
        self.source = Constant(walks(adjacency, loop), device)
        self.target = Constant(walks(sp.csr_array(adjacency.T), loop), device)
        self.arcs = Constant(adjacency, device)
        degree = adjacency.sum(axis=0) + adjacency.sum(axis=1)
        self.degree = torch.from_numpy(np.asarray(degree, np.float32)).to(device)


class Side(nn.Module):
    """Z_s or Z_t, times a part of W where it is given."""

    def __init__(self, width: int, hidden: int, hops: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, hidden), gain=GAIN))
        self.second = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, hidden), gain=GAIN))
        self.hops = nn.Parameter(torch.ones(hops + 1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Any, walk: Constant, weight: Tensor | None = None) -> Tensor:
        hidden: Tensor = self.dropout(F.relu(matmul(x, self.first)))
        hop = matmul(hidden, self.second if weight is None else self.second @ weight)
        total = self.hops[0] * hop
        for omega in self.hops[1:]:
            hop = walk @ hop
            total = total + omega * hop
        return total


class Network(nn.Module):
    """DIMPA and the logits of P."""

    def __init__(self, width: int, hidden: int, hops: int, k: int, dropout: float) -> None:
        super().__init__()
        self.source, self.target = (Side(width, hidden, hops, dropout) for _ in range(2))
        self.head = nn.Linear(2 * hidden, k)

    def vectors(self, flow: Flow) -> Tensor:
        """Z (N, 2h)."""
        sides = self.source(flow.x, flow.source), self.target(flow.x, flow.target)
        return torch.cat(sides, dim=1)

    def forward(self, flow: Flow) -> Tensor:
        """Z W + b, W split between the sides."""
        of_source, of_target = self.head.weight.T.chunk(2)
        source: Tensor = self.source(flow.x, flow.source, of_source)
        return source + self.target(flow.x, flow.target, of_target) + self.head.bias


def flow_features(adjacency: sp.csr_array, k: int) -> np.ndarray:
    """(N, K or K + 1) standardised left singular vectors of D⁻¹ (A − Aᵀ); at most N columns."""
    vectors, _, _ = singular_vectors(skew(adjacency), min(k + k % 2, adjacency.shape[0]))
    spread = vectors.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    return ((vectors - vectors.mean(axis=0)) / scale).astype(np.float32)
