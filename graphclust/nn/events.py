"""Events in batches: who met whom, whom it had met before, and nodes drawn by chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances
from torch import Tensor
from torch_geometric.data import Data

from graphclust.graph.moments import moments_of
from graphclust.graph.temporal import Stream, scaled, slices, unit_times
from graphclust.kernels.gram import gram
from graphclust.nn.assign import means

POWER = 0.75  # of the degrees, in the distribution of negatives
RECENT = 5  # partners that tell where a node is at a moment


class EventBatch(NamedTuple):
    """B samples. S = 2 + H + Q: the source, H partners before, the target, Q negatives.

    rows (B, S) int32 node numbers; sources (B,); age (B, H) time since the partner was met, on
    [0, 1]; met (B, H) 1 where there was one, else 0; drawn (B, Q) 1, or 0 where the negative is an
    end of the event; weight (B,) with mean 1 over all samples, or None.
    """

    rows: NDArray[np.int32]
    sources: Tensor
    age: Tensor
    met: Tensor
    drawn: Tensor
    weight: Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class EventBatches:
    """Every sample of a stream once an epoch, in random order, as `EventBatch`.

    Args:
        history: H. negatives: Q, drawn by degree^0.75, whoever the source is.
        chosen: the samples to go through; None: all.
    """

    stream: Stream
    times: NDArray[np.float64]
    weight: NDArray[np.floating] | None
    history: int
    negatives: int
    batch_size: int
    chosen: NDArray[np.integer] | None = None

    @classmethod
    def of(
        cls, graph: Data, *, strict: bool, after: float | None = None, **sizes: int
    ) -> "EventBatches":
        """The samples of a temporal graph, or those later than `after`; `strict` as in `Stream`."""
        stream = Stream.of(graph, strict=strict)
        weight = None if graph.edge_weight is None else graph.edge_weight.numpy()
        chosen = None
        if after is not None:
            chosen = np.flatnonzero(graph.t.numpy()[stream.event] > after)
        return cls(stream=stream, times=unit_times(graph), weight=weight, chosen=chosen, **sizes)

    def __len__(self) -> int:
        return len(self.stream.node if self.chosen is None else self.chosen)

    def epoch(self, rng: np.random.Generator) -> Iterator[EventBatch]:
        order = rng.permutation(len(self)).astype(np.int32)
        degree = np.diff(self.stream.indptr)
        chances = np.cumsum(degree**POWER)
        mean = 1.0 if self.weight is None else float(self.weight.mean())
        for first in range(0, len(order), self.batch_size):
            batch = order[first : first + self.batch_size]
            samples = batch if self.chosen is None else self.chosen[batch]
            yield self._batch(samples, chances, mean, rng)

    def _batch(
        self,
        samples: NDArray[np.integer],
        chances: NDArray[np.floating],
        mean: float,
        rng: np.random.Generator,
    ) -> EventBatch:
        stream = self.stream
        ends = np.stack([stream.node[samples], stream.partner[samples]], axis=1)
        at, met = stream.history(samples, self.history)
        event = stream.event[samples]
        draws = rng.random((len(samples), self.negatives)) * chances[-1]
        negative = np.searchsorted(chances, draws, side="right")
        partners = np.where(met, stream.partner[at], 0)
        age = np.where(met, self.times[event][:, None] - self.times[stream.event[at]], 0)
        hit = (negative[:, :, None] == ends[:, None]).any(axis=2)
        return EventBatch(
            rows=np.concatenate(
                [ends[:, :1], partners, ends[:, 1:], negative], axis=1, dtype=np.int32
            ),
            sources=torch.from_numpy(ends[:, 0].astype(np.int64)),
            age=torch.from_numpy(age.astype(np.float32)),
            met=torch.from_numpy(met.astype(np.float32)),
            drawn=torch.from_numpy((~hit).astype(np.float32)),
            weight=None
            if self.weight is None
            else torch.from_numpy((self.weight[event] / mean).astype(np.float32)),
        )


def labels_over_time(
    graph: Data,
    z: NDArray[np.floating],
    labels: NDArray[np.int64],
    forgetting: NDArray[np.floating],
    moments: int,
) -> dict[str, NDArray[np.number]]:
    """`moments` (S,), the ends of stretches with as many events, and `labels_over_time` (S, N).

    At a moment t a node v is in the cluster, of mean c_k, of the highest intensity (`methods.tgc`)

        λ_k = −‖z_v − c_k‖² − Σ_h a_h ‖z_h − c_k‖² e^{−δ_v (t − t_h)}

    over its last RECENT partners h until t, and in none, −1, before its first event.
    O(S N (RECENT K + RECENT² D)) time.
    """
    if not len(graph.t):
        return {}
    stream, times = Stream.of(graph), graph.t.numpy()
    apart = pairwise_distances(z, means(z, labels), metric="sqeuclidean")
    ends = [part.t[-1].item() for _, part in slices(graph, min(moments, len(times)))]
    found = np.empty((len(ends), len(z)), np.int64)
    nodes = np.arange(len(z))[:, None]
    for place, end in enumerate(ends):
        at, met = stream.latest(end, times, RECENT)
        partners = np.where(met, stream.partner[at], nodes)
        weight = _attention(z, np.concatenate([nodes, partners], axis=1), met)
        age = scaled(end, times) - scaled(times[stream.event[at]], times)
        weight *= np.exp(-forgetting[:, None] * np.where(met, age, 0))
        total = apart.copy()
        for h in range(RECENT):
            total += weight[:, h, None] * apart[partners[:, h]]
        found[place] = np.where(met[:, 0], total.argmin(axis=1), -1)
    return {"moments": moments_of(graph, ends), "labels_over_time": found}


def _attention(
    z: NDArray[np.floating], rows: NDArray[np.integer], met: NDArray[np.bool_]
) -> NDArray[np.floating]:
    """(N, H) softmax of −‖z_v − z_h‖² over the partners that there are."""
    inner = gram(z, rows.astype(np.int32))
    square = inner.diagonal(axis1=1, axis2=2)
    score = 2 * inner[:, 0, 1:] - square[:, 1:] - square[:, :1]
    score = np.where(
        met, score - score.max(axis=1, keepdims=True, where=met, initial=-1e30), -np.inf
    )
    weight = np.exp(score)
    total = weight.sum(axis=1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
