"""TGC: vectors from a stream of events that stand near those of their clusters; HTNE without these.

M. Liu, Y. Liu, K. Liang, W. Tu, S. Wang, S. Zhou, X. Liu, "Deep temporal graph clustering", ICLR
(2024), https://arxiv.org/abs/2305.10738; after the authors' public code where that says more. Its
temporal loss is that of Y. Zuo, G. Liu, H. Lin, J. Guo, X. Hu, J. Wu, "Embedding temporal network
via neighborhood formation" (HTNE), KDD (2018), https://doi.org/10.1145/3219819.3220054.

Letters: N nodes, D dimensions, K clusters, z_v the vector of v and x_v the one it began with, c_k
the centres, s(a, b) = −‖z_a − z_b‖², δ_v > 0 how fast v forgets. At time t the source x meets the
target y (each end is the source once); h are the H partners that x met just before, at times t_h;
n are Q nodes drawn by degree^¾.

    λ(x, w) = s(x, w) + Σ_h a_h s(h, w) e^{−δ_x (t − t_h)},    a = softmax_h s(x, h)
    L_tem   = −log σ(λ(x, y)) − Σ_n log σ(−λ(x, n))
    L_node  = Σ_k p_xk log(p_xk / q_xk)      q Student-t of z_x to the c_k, p the target of x_x's
    L_batch = (1 − cos(x, y))² + Σ_h (1 − cos(x, h))² + Σ_n cos(x, n)²
    L       = mean of L_tem + γ L_node + β L_batch

Vectors begin as those of walks on the static projection (DeepWalk with negative samples), centres
at their k-means; steps are of gradient descent, on all of a batch at once and as long as the sum of
its samples' steps. There is no encoder: nodes without events keep the vector they began with.

`mode="published"` is the code's own form. It differs: e^{+δ(t − t_h)}, so that old events count for
more; attention also to missing partners, as if they were node 0; logarithms with 10⁻⁶ inside;
L_batch of norms ‖1 − cos‖₂ over a batch, a missing partner adding 1, and L_node as a mean, so that
both hardly count beside the sum of L_tem; p from the frequencies of a batch; events of one moment
are each other's history; negatives may hit the pair; weights and repeats of an event are not seen
by walks. The default corrects these; p comes from all nodes every `refresh` epochs, from x as
published: from z it would drive clusters apart that are none. Walks there take a step by
log(1 + w / mean w), as contacts come in bursts.

Printed figures are those of the epoch with the best NMI by the classes; a fit ends where its own
parameters say. Where it is not the best choice: on patent, k-means on what walks gave is as good,
and Leiden on the projection better, in a hundredth of the time. Rows: `experiments/README.md`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch_geometric.data import Data

from graphclust.base import Earlier, Trace
from graphclust.graph.export import to_scipy
from graphclust.heads import as_head
from graphclust.heads.embedding import EmbeddingMethod, head_param
from graphclust.heads.head import Vectors
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.sgns import SkipGram
from graphclust.kernels.walks import Walks
from graphclust.nn.assign import aligned, assignment, by_centres, memberships
from graphclust.nn.descent import EventModel, Start, go_on, length_of, train
from graphclust.nn.events import EventBatch, EventBatches, labels_over_time
from graphclust.params import param
from graphclust.results import Labels

FAR = -1e30  # s of a partner that there is not
TINY = 1e-6  # in the published logarithms


@dataclass(frozen=True, kw_only=True)
class TGC(EmbeddingMethod):
    """Temporal graph clustering (Liu et al. 2024), corrected; or as published, by `mode`.

    Same seed, same labels, whatever the number of threads: all runs on one. `extras`:
    `trained_centres` (K, D), `forgetting` (N,) the δ for a `length` of the stream, `first_vectors`
    (N, D) the x, `last_moment`, `moments` (S,) and `labels_over_time` (S, N), which
    `Clustering.labels_at` reads: at a moment a node is in the cluster to whose mean its λ is
    highest, given its last partners. `soft`: Student-t memberships.
    O(E (H + Q) D) time an epoch, O(N D + E) memory.

    When events have come, `fit(events, continue_from=earlier)` learns from those that are later
    than the earlier result's last one. Nodes are known by their ids and go on from their vectors;
    new ones begin at the mean of their partners'. Clusters keep their numbers where most of their
    nodes stay together. `events` may hold all of the stream, or only what is new: the history of a
    node, and the nodes of the result, are those of `events`.

    Raises:
        GraphError: events without times.
        FloatingPointError: the loss is not finite; try a lower `rate`.
    """

    head: str = head_param("kmeans:spherical=true")
    mode: Literal["corrected", "published"] = param(
        "corrected", "the equations above, or the authors' code with its oddities"
    )
    dimensions: int = param(128, "D", low=1)
    history: int = param(1, "H: partners before an event", low=0)
    negatives: int = param(2, "Q: nodes drawn beside an event", low=1)
    node_weight: float = param(1.0, "γ: weight of L_node", low=0)
    batch_weight: float = param(0.1, "β: weight of L_batch", low=0)
    refresh: int = param(1, "epochs from one target p to the next", low=1)
    epochs: int = param(50, "epochs at most", low=0)
    patience: int = param(
        5, "epochs that the loss may gain less than a thousandth; 0: train to the last", low=0
    )
    rate: float = param(0.01, "learning rate of a sample", low=0)
    batch_size: int = param(1024, "samples a step; each event gives two", low=1)
    walks: int = param(10, "walks from every node, for the first vectors", low=1)
    length: int = param(80, "nodes a walk", low=1)
    window: int = param(10, "farthest distance of a pair in a walk", low=1)
    labels: Literal["head", "centres"] = param("head", "clusters from the head, or argmax_k q_vk")
    moments: int = param(10, "S: moments at which labels over time are kept", low=1)

    needs: ClassVar = ("t",)
    kinds: ClassVar = ("undirected", "weighted", "temporal")
    continues: ClassVar = True
    slow: ClassVar = True

    def _fit(self, graph: Data, trace: Trace, **warm: Any) -> dict[str, Any]:
        if self.labels == "head":
            found = super()._fit(graph, trace, **warm)
            found.setdefault("soft", memberships(found["embedding"], found["labels"]))
        else:
            if self.n_clusters is None:
                raise ValueError(f"{self.name} needs n_clusters for its centres")
            z, extras = self._embed(graph, trace, **warm)
            found = by_centres(z, extras)
        if (earlier := warm.get("earlier")) is not None and hasattr(earlier.result, "labels"):
            known = earlier.rows >= 0
            before = np.where(known, earlier.result.labels[earlier.rows], -1)
            found["labels"], order = aligned(found["labels"], before)
            columns = np.r_[order, len(order) : found["soft"].shape[1]]  # empty ones stay behind
            found["soft"] = found["soft"][:, columns]
            key = "centres" if self.labels == "head" else "trained_centres"
            if key in found["extras"]:
                found["extras"][key] = found["extras"][key][columns]
        found["extras"] |= labels_over_time(
            graph, found["embedding"], found["labels"], found["extras"]["forgetting"], self.moments
        )
        return found

    def _embed(
        self, graph: Data, trace: Trace, earlier: Earlier | None = None
    ) -> tuple[Vectors, dict[str, Any]]:
        with one_thread():
            if earlier is None:
                x = self._first_vectors(graph)
                start = Start(x, x.copy(), np.ones(len(x), np.float32))
            else:
                start = go_on(earlier, graph, self.dimensions, self.seed)
            batches = EventBatches.of(
                graph,
                strict=self.mode == "corrected",
                after=start.after,
                history=self.history,
                negatives=self.negatives,
                batch_size=self.batch_size,
            )
            model = EventModel(self, start.z, start.x, start.delta, start.centres)
            train(model, batches, trace, lambda: self._labels(model, graph))
        last = [graph.t[-1].item()] if len(graph.t) else []
        last += [] if start.after is None else [start.after]
        extras = {
            "first_vectors": start.x,
            "forgetting": model.delta,
            "length": length_of(graph),
            "last_moment": max(last, default=None),
        }
        if model.centres is not None:
            extras["trained_centres"] = model.centres.detach().numpy()
        return start.z, extras

    def _labels(self, model: EventModel, graph: Data) -> Labels:
        """The clusters as they are at this moment."""
        if self.labels == "centres" and model.centres is not None:
            return assignment(model.z, model.centres.detach().numpy()).argmax(axis=1)
        head = as_head(self.head)
        found: Labels = head.fit(model.z, self.n_clusters, graph=graph, seed=self.seed)["labels"]
        return found

    def _first_vectors(self, graph: Data) -> Vectors:
        """Skip-gram on walks over the projection, with uniform steps as published."""
        adjacency = to_scipy(graph)  # events add up
        adjacency.sort_indices()
        published = self.mode == "published"
        weight = np.log1p(adjacency.data / (adjacency.data.mean() if adjacency.nnz else 1))
        corpus = Walks(
            indptr=adjacency.indptr,
            indices=adjacency.indices,
            weight=None if published else weight,
            length=self.length,
            per_node=self.walks,
            p=1.0,
            q=1.0,
            seed=self.seed,
        )
        model = SkipGram(
            dimensions=self.dimensions,
            window=self.window,
            negatives=5,
            sample=1e-3 if published else 0,
            deterministic=True,
            seed=self.seed,
        )
        return model.train(corpus, graph.num_nodes).vectors

    def terms(
        self, gramian: Tensor, batch: EventBatch, forgetting: Tensor
    ) -> tuple[Tensor, Tensor]:
        """L_tem and L_batch summed over the batch."""
        if self.mode == "published":
            return published_temporal(gramian, batch, forgetting), published_batch(gramian, batch)
        weight = 1.0 if batch.weight is None else batch.weight
        return (
            (weight * temporal(gramian, batch, forgetting)).sum(),
            (weight * pull(gramian, batch)).sum(),
        )


@dataclass(frozen=True, kw_only=True)
class HTNE(TGC):
    """Temporal vectors alone (Zuo et al. 2018): TGC without what draws clusters together.

    As `TGC` with γ = β = 0, which it does not take.
    """

    node_weight: ClassVar[float] = 0.0  # type: ignore[misc]
    batch_weight: ClassVar[float] = 0.0  # type: ignore[misc]
    labels: ClassVar[str] = "head"  # type: ignore[misc]
    refresh: ClassVar[int] = 1  # type: ignore[misc]

    name: ClassVar = "htne"
    variant_of: ClassVar = "tgc"


def distances(gramian: Tensor, h: int) -> Tensor:
    """(B, 1 + H, S) ‖z_a − z_b‖² of the source and its partners with all, by inner products."""
    square = gramian.diagonal(dim1=1, dim2=2)
    return (square[:, : 1 + h, None] + square[:, None] - 2 * gramian[:, : 1 + h]).clamp(min=0)


def intensities(apart: Tensor, batch: EventBatch, decay: Tensor, missing: float) -> Tensor:
    """λ(x, ·) (B, S) for all members of the sets; `missing` is s of a partner that there is not."""
    weight = batch.met * decay
    if weight.shape[1] > 1:  # else it has all attention
        nearness = torch.where(batch.met > 0, -apart[:, 0, 1 : 1 + weight.shape[1]], missing)
        weight = weight * torch.softmax(nearness, dim=1)
    weight = torch.cat([weight.new_ones(len(weight), 1), weight], dim=1)
    return -(weight[:, None] @ apart)[:, 0]


def temporal(gramian: Tensor, batch: EventBatch, forgetting: Tensor) -> Tensor:
    """L_tem (B,)."""
    h, q = batch.met.shape[1], batch.drawn.shape[1]
    decay = torch.exp(-softplus(forgetting)[:, None] * batch.age)
    rate = intensities(distances(gramian, h), batch, decay, FAR)
    sides = torch.tensor([-1.0] + [1.0] * q, dtype=rate.dtype)  # σ of the target, of the negatives
    told = torch.cat([torch.ones_like(batch.drawn[:, :1]), batch.drawn], dim=1)
    return (told * softplus(sides * rate[:, 1 + h :])).sum(dim=1)


def pull(gramian: Tensor, batch: EventBatch) -> Tensor:
    """L_batch (B,)."""
    h, q = batch.met.shape[1], batch.drawn.shape[1]
    wanted = torch.tensor([1.0] * (h + 1) + [0.0] * q, dtype=gramian.dtype)
    told = torch.cat([batch.met, torch.ones_like(batch.drawn[:, :1]), batch.drawn], dim=1)
    return (told * (wanted - cosines(gramian)) ** 2).sum(dim=1)


def cosines(gramian: Tensor) -> Tensor:
    """(B, S − 1) of the source with the others; 0 for a zero vector."""
    length = gramian.diagonal(dim1=1, dim2=2).clamp(min=1e-16).sqrt()
    return gramian[:, 0, 1:] / (length[:, :1] * length[:, 1:])


def published_temporal(gramian: Tensor, batch: EventBatch, forgetting: Tensor) -> Tensor:
    """Σ L_tem of the authors' code, with δ as it is; missing partners are node 0 to attention."""
    h = batch.met.shape[1]
    apart = distances(gramian, h)
    everyone = batch._replace(met=torch.ones_like(batch.met))
    decay = batch.met * torch.exp(forgetting[:, None] * batch.age)
    rate = intensities(apart, everyone, decay, 0.0)
    positive, negative = torch.sigmoid(rate[:, 1 + h]), torch.sigmoid(-rate[:, 2 + h :])
    return -(positive + TINY).log().sum() - (negative + TINY).log().sum()


def published_batch(gramian: Tensor, batch: EventBatch) -> Tensor:
    """L_batch of the authors' code: norms over the batch."""
    h, cosine = batch.met.shape[1], cosines(gramian)
    past = 1 - batch.met * cosine[:, :h]
    return past.norm(dim=0).sum() + (1 - cosine[:, h]).norm() + cosine[:, h + 1 :].norm(dim=0).sum()
