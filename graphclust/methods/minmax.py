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
- `best`: all of these as starts of the local search, and then shakes of the best
  (`kernels.multistart`).

Departures: the authors count the metric densely, here pairs are counted sparsely and exactly; ties
go to the lowest node. On many real graphs their clustering has the same max D as every node alone
has. So nodes alone and one cluster of all are candidates of every algorithm, and a warning says
when nothing better was found. Lower bounds come with every answer (`kernels.certificate`).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.errors import GraphError, warn
from graphclust.graph.signs import positive_pairs
from graphclust.kernels.certificate import component_bound, core_bound
from graphclust.kernels.correlation import round_metric, three_approximation
from graphclust.kernels.multistart import TRIVIAL, Search, Sets, sets_of
from graphclust.kernels.neighbours import Near, near_pairs
from graphclust.params import param
from graphclust.results import Clustering

MILLION = 1_000_000


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
        sets = sets_of(positive_pairs(graph, self.threshold))
        cautious, bounds = _bounds(sets)
        search = Search(
            sets,
            bound=max(bounds.values()),
            looks=self.looks * MILLION,
            seconds=self.time_limit,
            said=trace,
        )
        if self.algorithm == "best":
            first = {} if initial is None else {"initial": initial}
            last = {"three_approx": cautious, TRIVIAL[0]: np.arange(graph.num_nodes)}
            search.best(first, last, shakes=self.shakes, seed=self.seed)
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

    def _certificate(self, sets: Sets, search: Search, bounds: dict[str, int]) -> dict[str, Any]:
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


def _near(sets: Sets, radius: float) -> Near:
    try:
        return near_pairs(sets.indptr, sets.indices, radius)
    except ValueError as error:
        raise GraphError(f"r and r2: {error}") from None
