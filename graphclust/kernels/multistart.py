"""Min-max correlation clustering from many starts, and from shakes of the best.

Letters as in `kernels.correlation`. Each start goes through the local search of `kernels.minmax`;
then what lies round a worst node of the best clustering is mixed up and searched anew, as in H.
Lourenço, O. Martin, T. Stützle, "Iterated local search" (2003),
https://arxiv.org/abs/math/0102188. Work is counted in looks at an entry, so that the same seed
gives the same labels on a slow machine as on a fast one.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphclust.kernels.correlation import disagreements, round_metric
from graphclust.kernels.minmax import descend, join_greedily
from graphclust.kernels.neighbours import Near, closed, near_pairs

Labels = NDArray[np.int64]
RADII = (0.7, 0.9, 0.5, 0.8, 0.6, 0.75, 0.85, 0.55, 0.65)  # of roundings, far ones first
SETTINGS = tuple(itertools.product((1.0, 1e4, 0.0), (True, False), (True, False), (True, False)))
SHARPNESS = (0.3, 1.0)  # β of the local search
SHAKEN = (0.1, 0.3, 0.6)  # shares of a worst node's surroundings
SHARE = 4  # a search may take one part in so many of all looks
TRIVIAL = ("nodes alone", "one cluster")


class Sets(NamedTuple):
    """The graph as closed neighbourhoods, and as rows without a diagonal."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    rows: NDArray[np.int64]
    others: NDArray[np.int32]

    def wrong(self, labels: Labels) -> Labels:
        """(N,) D(u)."""
        return disagreements(self.indptr, self.indices, labels)

    def neighbours(self, u: int) -> NDArray[np.int32]:
        return self.others[self.rows[u] : self.rows[u + 1]]


def sets_of(adjacency: sp.csr_array) -> Sets:
    """Of a symmetric matrix with sorted columns and no diagonal."""
    rows, others = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int32)
    return Sets(*closed(adjacency), rows, others)


class Search:
    """The best labels so far, and what is left of the looks and seconds allowed."""

    def __init__(
        self,
        sets: Sets,
        *,
        bound: int,
        looks: int,
        seconds: float | None = None,
        said: Callable[..., bool] = lambda *_, **__: False,
    ) -> None:
        """`bound` is proved, `said(step, …)` is told of every search and stops all by True."""
        self.sets, self.bound, self.said = sets, bound, said
        self.left, self.share, self.step = looks, looks // SHARE, 0
        self.end = time.monotonic() + (math.inf if seconds is None else seconds)
        self.stopped = False
        n = len(sets.rows) - 1
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
        self.stopped |= self.said(self.step, max_disagreements=found, best=best)
        self.step += 1

    def descend(self, name: str, labels: Labels, *, equal: bool = False) -> None:
        """Keep what the local search makes of labels."""
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        for sharpness in SHARPNESS:
            allowed = max(min(self.left, self.share), 1)
            rows, others = self.sets.rows, self.sets.others
            found, rest = descend(rows, others, labels, sharpness=sharpness, looks=allowed)
            self.left -= allowed - rest + len(others)  # setting up is work as well
            self.keep(name, found, equal=equal)

    @property
    def over(self) -> bool:
        """Is the best proved to be, or is nothing left?"""
        proved = self.key[0] <= self.bound
        return proved or self.stopped or self.left <= 0 or time.monotonic() > self.end

    def best(
        self, first: dict[str, Labels], last: dict[str, Labels], *, shakes: int, seed: int
    ) -> None:
        """Every start, some given before and after all others, and then shakes of what is best."""
        for name, labels in itertools.chain(first.items(), self._starts(), last.items()):
            self.descend(name, labels)
            if self.over:
                return
        rng = np.random.default_rng(seed)
        for _ in range(shakes):
            if self.over:
                return
            self.descend(self.found_by, self._shaken(rng), equal=True)

    def _starts(self) -> Iterator[tuple[str, Labels]]:
        near, reach = _nearest(self.sets)
        greedy = self.greedy()
        for radius in RADII:
            if near is not None and radius <= reach:
                yield f"dmn, r = {radius:g}", round_metric(near, radius, radius)
            yield next(greedy)
        yield from greedy

    def greedy(self) -> Iterator[tuple[str, Labels]]:
        """What joining gives, setting by setting."""
        for weight, touching, large_worst, small_first in SETTINGS:
            allowed = max(self.left // 4, 1)
            labels, rest = join_greedily(
                self.sets.rows,
                self.sets.others,
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
        zone = np.union1d(self.sets.neighbours(worst), np.flatnonzero(labels == labels[worst]))
        for v in zone[rng.random(len(zone)) < rng.choice(SHAKEN)]:
            others = self.sets.neighbours(v)
            joins = len(others) > 0 and rng.random() < 0.5
            labels[v] = labels[rng.choice(others)] if joins else labels.max() + 1
        return labels


def _key(wrong: Labels) -> tuple[int, ...]:
    """Smaller is better: the maximum, then how many nodes are there, one below, two …"""
    counts = np.bincount(wrong)
    return (len(counts) - 1, *counts[:-17:-1].tolist())


def _nearest(sets: Sets) -> tuple[Near | None, float]:
    """Pairs up to the largest of RADII, or to a middle one, and up to which; none if too many."""
    for reach in (max(RADII), RADII[0]):
        try:
            return near_pairs(sets.indptr, sets.indices, reach, at_most=20_000_000), reach
        except ValueError:
            continue
    return None, 0.0
