"""The objective of SCGC and PamC on all nodes or some: α contrast + β KL(P‖Q) + reconstruction.

Equations in `nn.contrast` and `nn.assign`. On some of the nodes every sum over all of them is N
times a moving mean, whose value is kept in a buffer, with the gradient of the nodes present.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphclust.nn import contrast
from graphclust.nn.assign import kl_divergence, student_t, target_distribution
from graphclust.nn.mlp import MLP, Whole
from graphclust.nn.train import Terms

MOVING = 0.1  # weight of the newest nodes in a moving mean


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
        d = encoder.width
        empty = contrast.moments(torch.zeros(1, d), moments)
        if centres is not None:
            k = len(centres)
            self.register_buffer("moving_mass", torch.zeros(k))
            empty = [torch.zeros(k, d), torch.zeros(k)] if negatives != "moments" else empty
        for i, zeros in enumerate(empty):
            self.register_buffer(f"moving_{i}", zeros)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

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
            mass = self._all("mass", q.detach().sum(dim=0), len(own))
            terms["kl"] = kl_divergence(target_distribution(q, mass=mass), q)
            loss = loss + self.beta * terms["kl"]
        if self.decoder is not None and target is not None:
            wanted = target if whole else target[influence.anchors]
            terms["reconstruction"] = F.mse_loss(self.decoder(own), wanted)
            loss = loss + terms["reconstruction"]
        self.get_buffer("seen").add_(1)
        return {"loss": loss} | terms

    def _negatives(self, u: Tensor, z: Tensor, q: Tensor | None) -> Tensor:
        """(B,) log neg_i; for `meta` (K′,) log neg_a."""
        if self.negatives == "exact":
            return contrast.exact_negatives(u, self.tau)
        if self.negatives == "moments":
            powers = contrast.moments(u, self.moments)
            powers = [self._all(str(i), part, len(u)) for i, part in enumerate(powers)]
            return contrast.moment_negatives(u, self.tau, powers, self.n)
        assert q is not None
        nearest = q.detach().argmax(dim=1)
        block = self.negatives == "block"
        parts = contrast.cluster_sums(u if block else z, nearest, q.shape[1])
        sums, count = (self._all(str(i), part, len(u)) for i, part in enumerate(parts))
        if block:
            return contrast.block_negatives(u, self.tau, nearest, sums, count)
        return contrast.meta_negatives(sums, count, self.tau)

    def _all(self, name: str, value: Tensor, present: int) -> Tensor:
        """A sum over all nodes, from the sum over those that are present."""
        if present == self.n:
            return value
        buffer = self.get_buffer(f"moving_{name}")
        seen = int(self.get_buffer("seen"))
        weight = max(MOVING, 1 / (1 + seen))  # at first the mean of what was seen
        buffer.lerp_(value.detach() / present, weight)
        return self.n * (buffer + (value - value.detach()) / present)
