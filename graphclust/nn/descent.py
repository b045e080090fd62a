"""Gradient descent on the vectors of nodes, event by event; and vectors of a graph that has grown.

The method, `methods.tgc`, has the equations: `terms` of a batch.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus
from torch_geometric.data import Data

from graphclust.base import Earlier, Trace
from graphclust.graph.errors import GraphError
from graphclust.graph.export import to_scipy
from graphclust.graph.moments import is_dated
from graphclust.heads.head import Labels, Vectors
from graphclust.heads.kmeans import kmeans
from graphclust.kernels.gram import Descent, gram
from graphclust.nn.assign import kl_divergence, student_t, target_distribution
from graphclust.nn.events import EventBatch, EventBatches

STARTS = 20  # of k-means, for the first centres
MOST = 20  # places in a batch that a node moves for: 0.2 of the way at the rate 0.01
GAIN = 1e-3  # share of the loss that an epoch must gain not to try patience


class EventModel:
    """What is trained: z in place, the centres, which k-means finds where none are given, and δ;
    `forgetting` is that of δ's parameter whose softplus it is, or as published δ itself."""

    def __init__(
        self, method: Any, z: Vectors, x: Vectors, delta: Vectors, centres: Vectors | None = None
    ) -> None:
        self.method, self.first, self.z = method, torch.from_numpy(x), z
        self.table = torch.from_numpy(z)
        self.corrected = method.mode == "corrected"
        self.descend = Descent(z, MOST if self.corrected else None)
        forgetting = torch.from_numpy(delta)
        self.forgetting = torch.log(torch.expm1(forgetting)) if self.corrected else forgetting
        self.centres: Tensor | None = None
        self.target: Tensor | None = None
        self.certainty = torch.empty(0)  # (N,) Σ_k p_k log p_k
        k = method.n_clusters
        if k is not None and (method.node_weight or method.labels == "centres"):
            if centres is None or len(centres) != k:
                centres = kmeans(x, k, seed=method.seed, n_init=STARTS)[1]
            self.centres = torch.from_numpy(np.array(centres, np.float32)).requires_grad_(True)

    @property
    def delta(self) -> Vectors:
        """(N,) δ."""
        delta = softplus(self.forgetting) if self.corrected else self.forgetting
        values: Vectors = delta.numpy()
        return values

    def new_target(self) -> None:
        """p of all nodes, from where they began and where the centres are now."""
        if self.centres is not None and self.corrected:
            with torch.no_grad():
                self.target = target_distribution(student_t(self.first, self.centres))
                self.certainty = torch.xlogy(self.target, self.target).sum(dim=1)

    def step(self, batch: EventBatch) -> dict[str, float]:
        """One step of gradient descent; the sums of the terms."""
        method = self.method
        seen = [torch.from_numpy(gram(self.z, batch.rows)), self.forgetting[batch.sources]]
        if self.centres is not None:
            seen += [self.table[batch.sources], self.centres]
        for part in seen:
            part.requires_grad_(True)
        timed, near = method.terms(seen[0], batch, seen[1])
        node = self._node(batch, *seen[2:]) if self.centres is not None else torch.zeros(())
        loss = timed + method.node_weight * node + method.batch_weight * near
        slope, forget, *rest = torch.autograd.grad(loss, seen)
        self.descend(batch.rows, slope.numpy(), rest[0].numpy() if rest else None, method.rate)
        self.forgetting.index_add_(0, batch.sources, forget, alpha=-method.rate)
        if self.centres is not None:
            with torch.no_grad():
                self.centres -= method.rate * rest[1]
        return {
            "loss": loss.item(),
            "temporal": timed.item(),
            "node": node.item(),
            "batch": near.item(),
        }

    def _node(self, batch: EventBatch, z: Tensor, centres: Tensor) -> Tensor:
        q = student_t(z, centres)
        if self.target is None:
            first = student_t(self.first[batch.sources], centres.detach())
            return kl_divergence(target_distribution(first), q)
        # q has no zeros; p log p is a constant of the epoch
        cross = (self.target[batch.sources] * q.log()).sum(dim=1)
        weight = 1.0 if batch.weight is None else batch.weight
        return (weight * (self.certainty[batch.sources] - cross)).sum()


def train(
    model: EventModel, batches: EventBatches, trace: Trace, labels: Callable[[], Labels]
) -> None:
    """Epochs until they are over, gain nothing any more, or `trace` says True."""
    method = model.method
    best, waited = math.inf, 0
    for epoch in range(method.epochs if len(batches) else 0):
        trace.labels(epoch, labels)
        if epoch % method.refresh == 0:
            model.new_target()
        rng = np.random.default_rng([method.seed, epoch])
        sums = dict.fromkeys(("loss", "temporal", "node", "batch"), 0.0)
        for batch in batches.epoch(rng):
            for name, value in model.step(batch).items():
                sums[name] += value
        means = {name: value / len(batches) for name, value in sums.items()}
        if not (math.isfinite(means["loss"]) and np.isfinite(model.z).all()):
            raise FloatingPointError(
                f"the loss is {means['loss']} in epoch {epoch}, or vectors are not finite; try a "
                f"lower rate than {method.rate}"
            )
        waited = 0 if means["loss"] < (1 - GAIN) * best else waited + 1
        best = min(best, means["loss"])
        if trace(epoch, **means) or (method.patience and waited >= method.patience):
            return


class Start(NamedTuple):
    """x, z (N, D) and δ (N,) to begin with, the centres where there are any, and the moment after
    which events are new."""

    x: Vectors
    z: Vectors
    delta: Vectors
    centres: Vectors | None = None
    after: float | None = None


def go_on(earlier: Earlier, graph: Data, dimensions: int, seed: int) -> Start:
    """Where an earlier result has led to, new nodes among known ones.

    δ counts lengths of the stream, so it is scaled to the length that the stream has now.
    """
    result, rows = earlier
    extras, z = result.extras, getattr(result, "embedding", None)
    if z is None or "first_vectors" not in extras:
        raise GraphError(f"continue_from must be by tgc or htne, found {result.method!r}")
    if z.shape[1] != dimensions:
        raise GraphError(
            f"dimensions must be those of the earlier result, {z.shape[1]}, found {dimensions}"
        )
    moments = extras.get("moments")
    if moments is not None and (moments.dtype.kind == "M") != is_dated(graph):
        raise GraphError("continue_from and the events must both have dates, or both numbers")
    known = rows >= 0
    if not known.any():
        raise GraphError("continue_from knows none of the graph's node ids")
    parts = extras["first_vectors"], z, extras["forgetting"][:, None]
    both = np.concatenate(parts, axis=1)
    found = np.zeros((len(rows), both.shape[1]), np.float32)
    found[known] = both[rows[known]]
    _fill(found, known, to_scipy(graph))
    d = z.shape[1]
    rng = np.random.default_rng(seed)
    lost = ~found.any(axis=1)
    found[lost, : 2 * d] = np.tile((2 * rng.random((lost.sum(), d)) - 1) / d, 2)
    found[lost, 2 * d] = np.median(extras["forgetting"])
    x, z, forgetting = (np.ascontiguousarray(part) for part in np.split(found, [d, 2 * d], axis=1))
    now = length_of(graph)
    scale = now / extras["length"] if now and extras["length"] else 1.0
    delta = (forgetting[:, 0] * np.float32(scale)).copy()
    return Start(x, z, delta, extras.get("trained_centres"), extras["last_moment"])


def length_of(graph: Data) -> float:
    """From the first event to the last; 0 without events."""
    return float(graph.t[-1] - graph.t[0]) if len(graph.t) else 0.0


def _fill(rows: Vectors, known: NDArray[np.bool_], adjacency: sp.csr_array) -> None:
    """Nodes that are not known get the mean of their partners, nearest to known ones first."""
    known = known.copy()
    while True:
        mass = adjacency @ known.astype(np.float64)
        new = ~known & (mass > 0)
        if not new.any():
            return
        rows[new] = (adjacency[new] @ (rows * known[:, None])) / mass[new, None]
        known |= new
