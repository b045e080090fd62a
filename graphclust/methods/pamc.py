"""PamC: contrast with meta-nodes instead of all nodes.

G. Kulatilleke, M. Portmann, S. Chandra, "Efficient block contrastive learning via parameter-free
meta-node approximation", https://arxiv.org/abs/2209.14067; after the authors' public code.

Letters as in `methods.scgc`; a(i) = argmax_a q_ia the cluster of node i, M_a = Σ_{a(i)=a} z_i its
meta-node, K′ the number of clusters that hold a node.

    pos_i  = Σ_j R_ij e^{τ u_i·u_j},  u_i·u_i read as 0
    neg_a  = Σ_b e^{τ cos(M_a, M_b) [a≠b]}
    L_PamC = −(1/N) Σ_i log pos_i + (1/K′) Σ_a log neg_a
    L      = α L_PamC + β L_KL

What it stands for. The negatives of all nodes are S = Σ_ik e^{τ u_i·u_k}. Split by clusters, with
U_a = Σ_{i∈a} u_i and n_a nodes, the block of a and b is n_a n_b + τ U_a·U_b + O(τ²); a pair of
meta-nodes, e^{τ U_a·U_b} = 1 + τ U_a·U_b + O(τ² (U_a·U_b)²), has the same term of first order. Its
gradient is that of the block only where |τ U_a·U_b| is far below 1, though, and U_a·U_b grows as
n_a n_b. What is computed takes the cosine of the meta-nodes instead, which is bounded, and another
quantity: sizes of clusters are lost, nodes weigh as their length ‖z_i‖, and no node of a cluster is
pushed away from another of it. So it is a repulsion between the directions of clusters, with a
gradient that has a cosine of about .7 to that of the exact negatives (SCGC's moments: above .99),
and it needs clusters to begin with. `negatives="block"` (cluster means, sizes kept) or "moments"
are the approximations in value, at nearly the same cost.

Closed traps: an empty cluster is left out of the sums (in the authors' code M_a = 0 makes the whole
loss NaN); a zero row has u = 0 (NaN there); one-hot columns do not shrink when the last cluster is
empty. `PamC.preset("dblp")` has the published parameters; from the same weights and centres the
loss of the authors' code is met to 10⁻⁴ over twenty epochs, to 10⁻⁸ in double precision: rounding
grows as nodes change clusters. Otherwise see `methods.scgc`, whose label-free defaults and
departures hold here as well.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from graphclust.nn.contrastive import ContrastiveMethod
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class PamC(ContrastiveMethod):
    """Contrast with meta-nodes (Kulatilleke et al.), without a decoder.

    Determinism, `extras`, `soft` and errors as `SCGC`. O(nnz(R) D + N D + K² D) an epoch beside the
    encoder.
    """

    negatives: Literal["moments", "exact", "block", "meta"] = param(
        "meta", "sum over all nodes: meta-nodes as published, or one of SCGC's"
    )

    variant_of: ClassVar = "scgc"
