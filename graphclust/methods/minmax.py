"""Min-max correlation clustering, with a certificate.

S. Davies, B. Moseley, H. Newman, "Fast Combinatorial Algorithms for Min Max Correlation
Clustering", ICML 2023, https://proceedings.mlr.press/v202/davies23a.html

Edges are positive pairs, all other pairs negative. With N_u the closed neighbourhood of u and C(u)
its cluster, u has D(u) = |N_u △ C(u)| disagreements: edges that are cut, and non-neighbours inside.
Found is a clustering of low max_u D(u); the number of clusters is not asked for.

- `dmn`, the paper's: the correlation metric d(u, v) = 1 − |N_u ∩ N_v| / |N_u ∪ N_v|, rounded by
  balls (`kernels.correlation.round_metric`), r = r2 = 0.7 as in the authors' experiments.
- `three_approx`: at most 3 times the least possible, with its proof in `kernels.correlation`.
- `greedy`: joining clusters (Heidrich, Irmai, Andres, AISTATS 2024), the best of its 24 settings.
- `local`: moving single nodes, from `initial` or from nodes alone.
- `best`: all of these as starts of the local search, and then shakes of the best: a worst node's
  surroundings are mixed up and searched anew.

Departures: the authors count the metric densely, here pairs are counted sparsely and exactly; ties
go to the lowest node. On many real graphs their clustering has the same max D as every node alone
has. So nodes alone and one cluster of all are candidates of every algorithm, and a warning says
when nothing better was found. Lower bounds come with every answer (`kernels.certificate`).
"""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.errors import GraphError, warn
from graphclust.graph.signs import positive_pairs
from graphclust.kernels.certificate import component_bound, core_bound
from graphclust.kernels.correlation import disagreements, round_metric, three_approximation
from graphclust.kernels.minmax import descend, join_greedily
from graphclust.kernels.neighbours import Near, closed, near_pairs
from graphclust.params import param
from graphclust.results import Clustering

RADII = (0.7, 0.9, 0.5, 0.8, 0.6, 0.75, 0.85, 0.55, 0.65)  # of `dmn` as a start, far ones first
SETTINGS = tuple(itertools.product((1.0, 1e4, 0.0), (True, False), (True, False), (True, False)))
SHARPNESS = (0.3, 1.0)  # β of the local search
SHAKEN = (0.1, 0.3, 0.6)  # shares of a worst node's surroundings
MILLION = 1_000_000


class Sets(NamedTuple):
    """The graph as matrix, and as closed neighbourhoods."""

    open: sp.csr_array
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]

    def wrong(self, labels: Labels) -> Labels:
        """(N,) D(u)."""
        return disagreements(self.indptr, self.indices, labels)


@dataclass(frozen=True, kw_only=True)
class MinMaxCorrelation(Method):
    """Clusters in which no node disagrees with many of its pairs (Davies et al. 2023).

    Same seed, same labels, whatever the number of threads, unless `time_limit` cuts a search short.
    `extras`: `disagreements` (N,) D(u); `max_disagreements`, `sum_disagreements` (pairs, each
    once), `l2_disagreements` (the length of D); `worst`, the places of the nodes with most;
    `lower_bound` (no clustering has a lower maximum), the largest of `core_bound`,
    `component_bound` and `approximation_bound`; `ratio` of maximum and bound, 1 when proved to be
    optimal; `found_by`, the start that led to it.

    Raises:
        GraphError: too many pairs of nodes are nearer than r or r2.
    """

    algorithm: Literal["best", "dmn", "three_approx", "greedy", "local"] = param(
        "best", "best: all as starts, and shakes of the best one found"
    )
    r: float = param(0.7, "radius of the pull in dmn", low=0, high=0.99)
    r2: float = param(0.7, "radius of the clusters in dmn", low=0, high=0.99)
    threshold: float = param(0.0, "edges that weigh more are positive, all other pairs negative")
    shakes: int = param(200, "times that best shakes and searches anew", low=0)
    looks: int = param(3000, "entries that the search may look at, in millions", low=1)
    time_limit: float | None = param(
        None, "seconds after which best tries nothing new; none: never", low=0
    )

    kinds: ClassVar[tuple[str, ...]] = ("undirected", "weighted", "signed")
    warm_start: ClassVar = True
    variant_of: ClassVar = "correlation"

    def _fit(self, graph: Data, trace: Trace, initial: Labels | None = None) -> dict[str, Any]:
        matrix = positive_pairs(graph, self.threshold)
        sets = Sets(matrix, *closed(matrix))
        cautious, bounds = _bounds(sets)
        search = Search(sets, self, trace, max(bounds.values()))
        if self.algorithm == "best":
            search.best(initial, cautious)
        elif self.algorithm == "dmn":
            near = _near(sets, max(self.r, self.r2))
            search.keep("dmn", round_metric(near, self.r, self.r2))
        elif self.algorithm == "three_approx":
            search.keep("three_approx", cautious)
        elif self.algorithm == "greedy":
            for name, labels in search.greedy():
                search.keep(name, labels)
        else:
            alone = np.arange(graph.num_nodes)
            search.descend("local", alone if initial is None else initial)
        return {"labels": search.labels, "extras": self._certificate(sets, search, bounds)}

    def _certificate(self, sets: Sets, search: "Search", bounds: dict[str, int]) -> dict[str, Any]:
        """What is known of the labels found: the D(u) and their norms, and bounds."""
        wrong = sets.wrong(search.labels)
        most, bound = int(wrong.max()), search.bound
        if search.found_by in TRIVIAL and most > bound:
            warn(
                f"{self.name} found nothing better than {search.found_by} (max_u D(u) = {most}, "
                f"proved to be at least {bound})"
            )
        return {
            "disagreements": wrong,
            "max_disagreements": most,
            "sum_disagreements": int(wrong.sum()) // 2,
            "l2_disagreements": math.sqrt(float((wrong.astype(np.float64) ** 2).sum())),
            "worst": np.flatnonzero(wrong == most),
            "lower_bound": bound,
            **bounds,
            "ratio": most / bound if bound else 1.0,
            "found_by": search.found_by,
        }


TRIVIAL = ("nodes alone", "one cluster")


class Search:
    """The best labels so far, and what is left of the looks and seconds allowed."""

    def __init__(self, sets: Sets, method: MinMaxCorrelation, trace: Trace, bound: int) -> None:
        self.sets, self.method, self.trace, self.bound = sets, method, trace, bound
        self.indptr = sets.open.indptr.astype(np.int64)
        self.indices = sets.open.indices.astype(np.int32)
        self.left, self.step = method.looks * MILLION, 0
        self.end = time.monotonic() + (math.inf if method.time_limit is None else method.time_limit)
        self.stopped = False
        n = len(self.indptr) - 1
        self.labels, self.found_by = np.arange(n), TRIVIAL[0]
        self.key = _key(sets.wrong(self.labels))
        together = np.zeros(n, np.int64)
        if (key := _key(sets.wrong(together))) < self.key:
            self.labels, self.found_by, self.key = together, TRIVIAL[1], key

    def keep(self, name: str, labels: Labels, *, equal: bool = False) -> None:
        """Keep labels if their worst nodes are better off (or, if `equal`, no worse)."""
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        key = _key(self.sets.wrong(labels))
        if key < self.key or (equal and key == self.key):
            self.labels, self.key = labels, key
            self.found_by = name
        found, best = float(key[0]), float(self.key[0])
        self.stopped |= self.trace(self.step, max_disagreements=found, best=best)
        self.step += 1

    def descend(self, name: str, labels: Labels, *, equal: bool = False) -> None:
        """Keep what the local search makes of labels."""
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        for sharpness in SHARPNESS:
            allowed = max(min(self.left, self.method.looks * MILLION // 4), 1)
            found, rest = descend(
                self.indptr, self.indices, labels, sharpness=sharpness, looks=allowed
            )
            self.left -= allowed - rest + len(self.indices)  # setting up is work as well
            self.keep(name, found, equal=equal)

    @property
    def over(self) -> bool:
        """Is the best proved to be, or is nothing left?"""
        proved = self.key[0] <= self.bound
        return proved or self.stopped or self.left <= 0 or time.monotonic() > self.end

    def best(self, initial: Labels | None, cautious: Labels) -> None:
        """Every start, and then shakes of what is best."""
        for name, labels in self._starts(initial, cautious):
            self.descend(name, labels)
            if self.over:
                return
        rng = np.random.default_rng(self.method.seed)
        for _ in range(self.method.shakes):
            if self.over:
                return
            self.descend(self.found_by, self._shaken(rng), equal=True)

    def _starts(self, initial: Labels | None, cautious: Labels) -> Iterator[tuple[str, Labels]]:
        if initial is not None:
            yield "initial", initial
        near = _nearest(self.sets)
        greedy = self.greedy()
        for radius in RADII:
            if near is not None:
                yield f"dmn, r = {radius:g}", round_metric(near, radius, radius)
            yield next(greedy)
        yield from greedy
        yield "three_approx", cautious
        yield TRIVIAL[0], np.arange(len(self.labels))

    def greedy(self) -> Iterator[tuple[str, Labels]]:
        """What joining gives, setting by setting."""
        for weight, touching, large_worst, small_first in SETTINGS:
            allowed = max(self.left // 4, 1)
            labels, rest = join_greedily(
                self.indptr,
                self.indices,
                weight=weight,
                touching=touching,
                large_worst=large_worst,
                small_first=small_first,
                looks=allowed,
            )
            self.left -= allowed - rest
            yield f"greedy, weight {weight:g}", labels

    def _shaken(self, rng: np.random.Generator) -> Labels:
        """A share of a worst node's cluster and neighbours put alone, or into others' clusters."""
        labels = self.labels.copy()
        wrong = self.sets.wrong(labels)
        worst = rng.choice(np.flatnonzero(wrong >= wrong.max() - 1))
        zone = np.union1d(self._neighbours(worst), np.flatnonzero(labels == labels[worst]))
        for v in zone[rng.random(len(zone)) < rng.choice(SHAKEN)]:
            others = self._neighbours(v)
            joins = len(others) > 0 and rng.random() < 0.5
            labels[v] = labels[rng.choice(others)] if joins else labels.max() + 1
        return labels

    def _neighbours(self, v: int) -> NDArray[np.int32]:
        return self.indices[self.indptr[v] : self.indptr[v + 1]]


def improve(graph: Any, labels: Any, **params: Any) -> Clustering:
    """`labels` after the local search of `MinMaxCorrelation`: max_u D(u) not higher than before.

    Args:
        graph: anything `as_graph` takes.
        labels: a `Clustering` (Leiden's, say), (N,) labels, or a dict from node id to label.
        params: parameters of `MinMaxCorrelation`; `algorithm="best"` searches on from other starts.
    """
    return MinMaxCorrelation(**({"algorithm": "local"} | params)).fit(graph, initial=labels)


def _bounds(sets: Sets) -> tuple[Labels, dict[str, int]]:
    """The labels of the 3-approximation, and all lower bounds, each at least the one before."""
    labels, phi = three_approximation(sets.indptr, sets.indices)
    core = core_bound(sets.indptr, sets.indices, phi)
    components = component_bound(sets.indptr, sets.indices, core)
    return labels, {
        "approximation_bound": phi,
        "core_bound": core,
        "component_bound": components,
    }


def _key(wrong: Labels) -> tuple[int, ...]:
    """Smaller is better: the maximum, then how many nodes are there, one below, two …"""
    counts = np.bincount(wrong)
    return (len(counts) - 1, *counts[:-17:-1].tolist())


def _near(sets: Sets, radius: float) -> Near:
    try:
        return near_pairs(sets.indptr, sets.indices, radius)
    except ValueError as error:
        raise GraphError(f"r and r2: {error}") from None


def _nearest(sets: Sets) -> Near | None:
    """Pairs for all RADII, for some, or none, where there are too many."""
    for radius in (max(RADII), 0.7):
        try:
            return near_pairs(sets.indptr, sets.indices, radius, at_most=20 * MILLION)
        except ValueError:
            continue
    return None
