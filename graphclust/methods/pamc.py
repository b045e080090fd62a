"""PamC."""

from dataclasses import dataclass

from graphclust.nn.contrastive import ContrastiveMethod
from graphclust.nn.objective import Negatives
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class PamC(ContrastiveMethod):
    """Contrast with meta-nodes (Kulatilleke et al.)."""

    negatives: Negatives = param("meta", "sum over all nodes")
