"""SCGC and SCGC*: an encoder of features, trained by contrast over the influence of nodes.

G. Kulatilleke, M. Portmann, S. Chandra, "SCGC: self-supervised contrastive graph clustering",
https://arxiv.org/abs/2204.12656 (Neurocomputing, 2025).
"""

from dataclasses import dataclass

from graphclust.nn.contrastive import ContrastiveMethod
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class SCGC(ContrastiveMethod):
    """Self-supervised contrastive graph clustering (Kulatilleke et al.)."""

    decoder: bool = param(False, "reconstruct the features as well")  # type: ignore[misc]
