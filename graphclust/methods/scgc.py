"""SCGC and SCGC*: an encoder trained by contrast between nodes that influence each other and all.

G. Kulatilleke, M. Portmann, S. Chandra, "SCGC: self-supervised contrastive graph clustering",
https://arxiv.org/abs/2204.12656 (Neurocomputing, 2025); after the authors' public code where that
says more than the paper. Not the namesake "Simple contrastive graph clustering" by Y. Liu et al.

Letters: N nodes, F features, D dimensions, K clusters, A adjacency, r order, τ inverse temperature,
P = D̃⁻¹(A + I), u_i = z_i / ‖z_i‖, μ_a the centre of cluster a.

    z_i   = MLP(x_i)                                      the encoder sees features alone
    R     = P^r (SCGC), or P + P² + … + P^r (SCGC*: influence-augmented contrast, IAC)
    L_con = −(1/N) Σ_i log[ Σ_j R_ij e^{τ u_i·u_j} / Σ_j e^{τ u_i·u_j} ],   u_i·u_i read as 0
    L_KL  = (1/N) Σ_ia p_ia log(p_ia / q_ia),   q Student-t to the μ_a, p its target (nn.assign)
    L     = α L_con + β L_KL + ‖X̂ − X‖² / NF            the last for SCGC alone (`decoder`)

Adam on everything, μ included; μ begins as the k-means centres of z.

`SCGC.preset("dblp")` and `SCGC.preset("dblp_star")` are SCGC and SCGC* as published: raw features,
encoder 500-500-2000-10 warmed up in an autoencoder, 200 epochs, labels argmax_a q_ia. From the same
weights and centres the loss of the authors' code is met to 10⁻⁵ over twenty epochs. Departures:

- `negatives="moments"` expands the sum in the denominator, in time linear in N (`nn.contrast`);
  `exact` is the published sum, in chunks. No sum is made from an N×N matrix.
- Logarithms without an added constant; zero rows have u = 0; one forward pass an epoch, not two.
- Printed figures are maxima over epochs, chosen by labels, each score for itself (`oracle epoch` in
  experiments); a fit ends where its own parameters say.

The defaults are not the paper's. Left to itself the contrast keeps falling while clusters decay, as
small components have no positives but themselves; and bags of words need unit rows. So the encoder
is small and reads unit rows beside low-pass features, each node gets its nearest neighbours by
these as positives besides its own, and training ends at the sharpest partition (`patience`):
k-means on unit vectors every five epochs from the thirtieth on, scored by `nn.assign.sharpness`.
Unless an autoencoder comes first, the encoder begins from He's weights (`nn.mlp.spread`): from
PyTorch's all vectors begin along one direction, from where some runs never leave a plane.
Clusters come from a head. Pictures want an autoencoder first (`pretrain=30`).

Where it is not the best choice: on citeseer and dblp_sdcn the training-free `filter` is better, on
cora as good, in a twentieth of the time; where classes follow degree (bat, eat) no contrast over
edges is worth much; PamC from scratch is far behind SCGC. Rows: `experiments/README.md`.
"""

from dataclasses import dataclass

from graphclust.nn.contrastive import ContrastiveMethod
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class SCGC(ContrastiveMethod):
    """Self-supervised contrastive graph clustering (Kulatilleke et al.), with label-free defaults.

    `SCGC(influence=True, decoder=False)` is SCGC*. Same seed, same labels, whatever the number of
    threads, as long as `deterministic` is left on. Inductive: the encoder needs the features of
    new nodes, and their edges only where it reads filtered ones (`features`). `extras`:
    `encoder.0` … (weights and biases in turn), `trained_centres` where there are any, what low-pass
    filtering fitted, and those of the head. `soft`: Student-t memberships.
    O(nnz(R) D + N D³) time an epoch beside the encoder, O(nnz(R) + N D²) memory.

    Raises:
        GraphError: the influence matrix would have more than 50 million entries.
    """

    decoder: bool = param(False, "reconstruct the features as well")  # type: ignore[misc]
