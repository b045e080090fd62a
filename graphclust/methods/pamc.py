"""PamC."""

from dataclasses import dataclass
from typing import Literal

from graphclust.nn.contrastive import ContrastiveMethod
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class PamC(ContrastiveMethod):
    """Contrast with meta-nodes (Kulatilleke et al.)."""

    negatives: Literal["moments", "exact", "block", "meta"] = param("meta", "sum over all nodes")
