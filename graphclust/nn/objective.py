"""The objective of SCGC and PamC on all nodes or some: α contrast + β KL(P‖Q) + reconstruction.

Equations in `nn.contrast` and `nn.assign`. On some of the nodes the sums over all are estimated
from those present. Moving means of earlier batches would vary less, but they are late: vectors then
run from where the others were, all together, and the loss rises.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from graphclust.nn import contrast
from graphclust.nn.assign import kl_divergence, student_t, target_distribution
from graphclust.nn.mlp import MLP, Whole
from graphclust.nn.train import Terms


class Objective(nn.Module):
    """Encoder, decoder and centres μ (K, D), with the loss that trains them.

    Args:
        encoder, decoder: the decoder None where nothing is reconstructed.
        centres: None where no Q is needed.
        n: number of nodes of the graph.
        moments: order of the expansion, for `moments`.
    """

    def __init__(
        self,
        encoder: MLP,
        decoder: MLP | None,
        centres: Tensor | None,
        *,
        n: int,
        negatives: str,
        moments: int,
        tau: float,
        alpha: float,
        beta: float,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.centres = None if centres is None else nn.Parameter(centres)
        self.n, self.negatives, self.moments = n, negatives, moments
        self.tau, self.alpha, self.beta = tau, alpha, beta

    def forward(
        self, rows: Tensor | Whole, influence: contrast.Influence, target: Tensor | None = None
    ) -> Terms:
        """The terms of the objective, `loss` their sum.

        Args:
            rows: (M, F) features of the anchors and of all nodes that their entries name.
            influence: entries of R; its anchors are the nodes that the sums are over.
            target: (M, F) what the decoder should give; dense.
        """
        whole = len(influence.anchors) == self.n
        z = self.encoder(rows)
        own = z if whole else z[influence.anchors]
        q = None if self.centres is None else student_t(own, self.centres)
        negative = self._negatives(contrast.unit(own), own, q)
        positive = contrast.log_positives(contrast.unit(z), influence, self.tau)
        terms = {"contrast": negative.mean() - positive.mean()}
        loss = self.alpha * terms["contrast"]
        if q is not None and self.beta:
            terms["kl"] = kl_divergence(target_distribution(q), q)
            loss = loss + self.beta * terms["kl"]
        if self.decoder is not None and target is not None:
            wanted = target if whole else target[influence.anchors]
            terms["reconstruction"] = F.mse_loss(self.decoder(own), wanted)
            loss = loss + terms["reconstruction"]
        return {"loss": loss} | terms

    def _negatives(self, u: Tensor, z: Tensor, q: Tensor | None) -> Tensor:
        """(B,) log neg_i; for `meta` (K′,) log neg_a."""
        if self.negatives == "exact":
            return contrast.exact_negatives(u, self.tau)
        if self.negatives == "moments":
            return contrast.moment_negatives(u, self.tau, self.moments, self.n)
        assert q is not None
        nearest, k = q.detach().argmax(dim=1), q.shape[1]
        if self.negatives == "block":
            return contrast.block_negatives(u, self.tau, nearest, k, self.n)
        return contrast.meta_negatives(z, self.tau, nearest, k)
