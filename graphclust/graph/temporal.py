"""Event streams: histories before an event, parts of the time line, and static projections.

A temporal graph (`as_graph` with times) holds its events in time order: `edge_index` (2, E), `t`
(E,) and perhaps `edge_weight` (E,), each event once.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.build import static
from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_temporal
from graphclust.graph.moments import is_dated, length_of_time, moments_of, number_of

Times = NDArray[np.number[Any]]
LAST = 2**63 - 1  # nanoseconds since 1970: in the year 2262


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """What every node has met, in time order: both ends of an event have a sample of it.

    Attributes:
        indptr: (N + 1,) the samples of node v are indptr[v] to indptr[v + 1] − 1.
        node, partner: (2E,) int32, who met whom.
        event: (2E,) int32, the event of a sample.
        before: (2E,) the first sample of the node that is not earlier than this one.
    """

    indptr: NDArray[np.int64]
    node: NDArray[np.int32]
    partner: NDArray[np.int32]
    event: NDArray[np.int32]
    before: NDArray[np.int32]

    @classmethod
    def of(cls, graph: Data, *, strict: bool = True) -> "Stream":
        """The samples of a temporal graph. O(E log E) time, 20 bytes a sample.

        Args:
            strict: events at the same moment are no history of each other; else those that stand
                earlier in the list are.

        Raises:
            GraphError: no event times, or more than 2³⁰ events.
        """
        source, target = _events(graph)
        if len(source) >= 2**30:
            raise GraphError(f"at most 2³⁰ − 1 events are accepted, found {len(source):,}")
        node = np.stack([source, target], axis=1).ravel().astype(np.int32)
        order = np.argsort(node, kind="stable").astype(np.int32)
        partner = node[order ^ 1]
        node, event = node[order], order >> 1
        place = np.arange(len(node), dtype=np.int32)
        if strict:
            moment = graph.t.numpy()[event]
            new = np.ones(len(node), np.bool_)
            new[1:] = (node[1:] != node[:-1]) | (moment[1:] != moment[:-1])
            place = np.maximum.accumulate(np.where(new, place, 0))
        indptr = np.zeros(graph.num_nodes + 1, np.int64)
        np.cumsum(np.bincount(node, minlength=graph.num_nodes), out=indptr[1:])
        return cls(indptr=indptr, node=node, partner=partner, event=event, before=place)

    def history(
        self, samples: NDArray[np.integer[Any]], length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(B, length) the samples just before these, the latest first, and which of them exist.

        Those that do not are 0.
        """
        at = self.before[samples].astype(np.int64)[:, None] - 1 - np.arange(length)
        there = at >= self.indptr[self.node[samples]][:, None]
        return np.where(there, at, 0), there

    def latest(
        self, moment: float, times: Times, length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(N, length) every node's last samples up to a moment, the latest first; as `history`."""
        seen = np.searchsorted(times, moment, side="right")  # events
        past = np.bincount(self.node[self.event < seen], minlength=len(self.indptr) - 1)
        at = (self.indptr[:-1] + past)[:, None] - 1 - np.arange(length)
        there = at >= self.indptr[:-1, None]
        return np.where(there, at, 0), there


def unit_times(graph: Data) -> NDArray[np.float64]:
    """(E,) event times scaled to [0, 1]; all 0 where there is a single moment."""
    return scaled(graph.t.numpy(), graph.t.numpy())


def scaled(moments: Any, times: Times) -> NDArray[np.float64]:
    """Moments on the scale on which `times` (sorted) run from 0 to 1."""
    if not len(times):
        return np.zeros(np.shape(moments))
    first, length = times[0], float(times[-1] - times[0])
    return np.asarray((moments - first) / (length or 1.0), np.float64)


def between(graph: Data, start: Any = None, end: Any = None) -> Data:
    """The events with start ≤ t < end among all nodes; None leaves a side open.

    Raises:
        GraphError: no event times.
        TypeError: a date where times are numbers.
        ValueError: text that is no date.
    """
    _events(graph)
    times = graph.t.numpy()
    start, end = number_of(graph, start), number_of(graph, end)
    low = 0 if start is None else int(np.searchsorted(times, start, side="left"))
    high = len(times) if end is None else int(np.searchsorted(times, end, side="left"))
    return _part(graph, slice(low, max(low, high)))


def slices(graph: Data, wanted: int) -> Iterator[tuple[Any, Data]]:
    """The last moment of each of `wanted` stretches with about as many events, and those events.

    A moment is a number, or datetime64 where times were given as dates.

    Events of one moment stay together, so that there may be fewer stretches.

    Raises:
        GraphError: no event times, or fewer events than stretches.
    """
    events = len(_events(graph)[0])
    if not 1 <= wanted <= events:
        raise GraphError(f"slices must lie between 1 and the {events} events, found {wanted}")
    times = graph.t.numpy()
    cuts = np.searchsorted(times, times[np.arange(wanted) * events // wanted], side="left")
    for low, high in pairwise(np.unique(np.r_[cuts, events])):
        yield _moment(graph, graph.t[high - 1].item()), _part(graph, slice(low, high))


def windows(graph: Data, width: Any, step: Any = None) -> Iterator[tuple[Any, Data]]:
    """The end of each window [end − width, end) and its events; ends are `step` apart.

    The first window begins at the first event, the last is the first to end after the last event.
    `step` is `width` if not given; then every event is in one window. Where times were given as
    dates, an end is a datetime64, and lengths are a timedelta, text such as "7 days", or a number
    of nanoseconds.

    Raises:
        GraphError: no event times, or a width or step that is not above 0 and finite.
        TypeError: such a length where times are numbers. ValueError: text that is none.
    """
    _events(graph)
    width = length_of_time(graph, width)
    step = width if step is None else length_of_time(graph, step)
    if not (0 < width < np.inf and 0 < step < np.inf):
        raise GraphError(f"width and step must be above 0 and finite, found {width} and {step}")
    if not len(graph.t):
        return
    first, last = graph.t[0].item(), graph.t[-1].item()
    for number in count():
        start = first + number * step
        end = first + (number + 1) * step if step == width else start + width
        yield _moment(graph, end), between(graph, start, end)
        if end > last:
            return


def decayed(graph: Data, half_life: Any, at: Any = None) -> Data:
    """Forget the times, but let an event weigh ½ for each `half_life` that it is past.

    Args:
        half_life: in the unit of the times; for dates a timedelta, text such as "7 days", or a
            number of nanoseconds.
        at: the moment looked back from; later events are left out. None: the last event.

    Raises:
        GraphError: no event times, or a half-life that is not above 0.
    """
    _events(graph)
    at, half_life = number_of(graph, at), length_of_time(graph, half_life)
    if not half_life > 0:
        raise GraphError(f"half_life must be above 0, found {half_life}")
    if at is not None:
        graph = _part(graph, slice(0, int(np.searchsorted(graph.t.numpy(), at, side="right"))))
    graph = copy.copy(graph)
    if len(graph.t):
        now = graph.t[-1].item() if at is None else at
        age = (now - graph.t.double()) / half_life
        weight = torch.exp2(-age.clamp(max=1000.0))  # above 0 for ever
        known = graph.edge_weight
        graph.edge_weight = weight if known is None else weight * known
    return static(graph)


def _events(graph: Data) -> NDArray[np.int64]:
    """(2, E) the ends of the events."""
    if not is_temporal(graph):
        raise GraphError("the graph has no event times; time=… of as_graph names them")
    ends: NDArray[np.int64] = graph.edge_index.cpu().numpy()
    return ends


def _moment(graph: Data, moment: float) -> Any:
    """A moment as the times of the graph were given; the last date that there is for later ones."""
    return moments_of(graph, min(int(moment), LAST))[()] if is_dated(graph) else moment


def _part(graph: Data, part: slice) -> Data:
    graph = copy.copy(graph)
    graph.edge_index, graph.t = graph.edge_index[:, part], graph.t[part]
    if graph.edge_weight is not None:
        graph.edge_weight = graph.edge_weight[part]
    return graph
