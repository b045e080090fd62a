"""DMoN: clusters by soft modularity.

A. Tsitsulin, J. Palowitch, B. Perozzi, E. Müller, "Graph clustering with graph neural networks",
JMLR 24 (2023), https://arxiv.org/abs/2006.16904. Letters: N nodes, F features, H hidden, K
clusters, A the adjacency, d its degrees, 2m their sum, B = A − d dᵀ / 2m, Ã = D^{−1/2} A D^{−1/2},
S (N, K) the soft partition: the softmax of a linear layer, with dropout, on X̄ = selu(Ã X W + X V +
b). Its loss is, equation 6,

    − Tr(Sᵀ B S) / 2m + (√K / N) ‖ Σ_i s_i ‖ − 1,

in which B is never formed: Tr(Sᵀ d dᵀ S) = ‖Sᵀ d‖². The second part keeps clusters from collapsing
into one; both are functions of `nn.cuts`. Departures: several starts, the best of which goes on
(`nn.partition`).
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from graphclust.nn.cuts import soft_modularity, unevenness
from graphclust.nn.layers import SkipConv, perceptron
from graphclust.nn.partition import Inputs, PartitionMethod
from graphclust.nn.train import Terms
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class DMoN(PartitionMethod):
    """Deep modularity network (Tsitsulin et al. 2023).

    Same seed, same labels, whatever the number of threads, as long as `deterministic` is left on.
    `soft` is S, `embedding` X̄; `predict` runs the network on another graph.
    O(E (H + K) + N F H) time an epoch.
    """

    epochs: int = param(1000, "epochs at most of the best start", low=1)
    hidden: int = param(64, "H: width of the layer", low=1)
    dropout: float = param(0.5, "share of X̄ that is dropped in training", low=0.0, high=0.99)
    collapse: float = param(1.0, "weight of the second part", low=0.0)

    def _network(self, inputs: Inputs, start: int) -> nn.Module:
        return Network(inputs.x.shape[1], self.hidden, self.n_clusters, self.dropout)

    def _objective(self, s: Tensor, inputs: Inputs) -> Terms:
        modularity = soft_modularity(s, inputs.graphs).mean()
        collapse = unevenness(s).mean()
        return {
            "loss": self.collapse * collapse - modularity,
            "modularity": modularity,
            "collapse": collapse,
        }


class Network(nn.Module):
    """X̄ and the logits of S."""

    def __init__(self, width: int, hidden: int, k: int, dropout: float) -> None:
        super().__init__()
        self.layer, self.head = SkipConv(width, hidden), perceptron(hidden, k)
        self.dropout = nn.Dropout(dropout)

    def vectors(self, inputs: Inputs) -> Tensor:
        return F.selu(self.layer(inputs.x, inputs.graphs))

    def forward(self, inputs: Inputs) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.vectors(inputs)))
        return logits
