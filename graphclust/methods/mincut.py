"""MinCut: clusters by the relaxed normalised cut.

F. M. Bianchi, D. Grattarola, C. Alippi, "Spectral clustering with graph neural networks for graph
pooling", ICML (2020), https://arxiv.org/abs/1907.00481. Letters: N nodes, F features, H hidden, K
clusters, A the adjacency, D its degrees, Ã = D^{−1/2} A D^{−1/2}, S (N, K) the soft partition:
the softmax of a perceptron on X̄ = elu(Ã X W + X V + b). Its loss is, equation 4,

    − Tr(Sᵀ Ã S) / Tr(Sᵀ D̃ S) + ‖ SᵀS / ‖SᵀS‖_F − I_K / √K ‖_F,

D̃ the degrees of Ã: the first term counts the edges kept, the second is 0 for orthogonal clusters of
equal size; both are functions of `nn.cuts`. Departures: several starts, the best of which goes on
(`nn.partition`). Training begins near S = 1/K, a plateau that dense graphs leave late (after 400
epochs on `amazon_photo`) or not at all (`blogcatalog_attr`, in a thousand); to revive columns that
are empty there would throw it back.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from graphclust.nn.cuts import normalised_cut, orthogonality
from graphclust.nn.layers import SkipConv, perceptron
from graphclust.nn.partition import Inputs, PartitionMethod
from graphclust.nn.train import Terms
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class MinCut(PartitionMethod):
    """The MinCut network (Bianchi et al. 2020) on a whole graph.

    Same seed, same labels, whatever the number of threads, as long as `deterministic` is left on.
    `soft` is S, `embedding` X̄; `predict` runs the network on another graph.
    O(E (H + K) + N F H) time an epoch.
    """

    emptied: ClassVar = "awaited"

    epochs: int = param(1000, "epochs at most of the best start", low=1)
    hidden: int = param(64, "H: width of the layer", low=1)
    orthogonality: float = param(1.0, "weight of the second term", low=0.0)

    def _network(self, inputs: Inputs, start: int) -> nn.Module:
        return Network(inputs.x.shape[1], self.hidden, self.n_clusters)

    def _objective(self, s: Tensor, inputs: Inputs) -> Terms:
        cut = normalised_cut(s, inputs.graphs.smoothing).mean()
        apart = orthogonality(s).mean()
        return {"loss": cut + self.orthogonality * apart, "cut": cut, "orthogonality": apart}


class Network(nn.Module):
    """X̄ and the logits of S."""

    def __init__(self, width: int, hidden: int, k: int) -> None:
        super().__init__()
        self.layer, self.head = SkipConv(width, hidden), perceptron(hidden, hidden, k)

    def vectors(self, inputs: Inputs) -> Tensor:
        return F.elu(self.layer(inputs.x, inputs.graphs))

    def forward(self, inputs: Inputs) -> Tensor:
        logits: Tensor = self.head(self.vectors(inputs))
        return logits
