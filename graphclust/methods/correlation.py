"""Correlation clustering by the sum of disagreements, on signed graphs and on similarities.

N. Bansal, A. Blum, S. Chawla, "Correlation clustering", Mach. Learn. 56 (2004),
https://doi.org/10.1023/B:MACH.0000033116.57574.95

Between two nodes lies a cost c_ij. Paid are the positive costs of pairs that are cut and, in size,
the negative ones of pairs in one cluster; the number of clusters follows. `negative` says what a
missing edge is: neutral (`explicit`; c_ij = w_ij − θ on the edges) or repelling (`complement`;
c_ij = w_ij / θ on the edges, less 1 on every pair, so that each pair of an unweighted graph costs 1
or −1).

- `pivot`: nodes in random order take their positive neighbours, the best of `n_init` orders (N.
  Ailon, M. Charikar, A. Newman, J. ACM 55, 2008).
- `gaec`: greedy additive edge contraction (M. Keuper et al., ICCV 2015).
- `gaec_leiden`: its clusters after Leiden's moves for the constant Potts model, which is this sum:
  γ = 0 for explicit costs, γ = 1 on w / θ for the complement.
- `kernighan_lin`: exchanges and joins (the same paper) from `gaec`, or from `initial`.
- `best`: the cheapest of all these, of Leiden from nodes alone and of `initial`, each after
  exchanges. Nodes alone and one cluster of all are candidates as well.

Nodes that must be linked are one node from the start; nodes that cannot be are kept apart by a cost
above the sum of all others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.errors import warn
from graphclust.graph.export import matrix_to_igraph
from graphclust.graph.signs import Costs, Links, constrained, pair_costs
from graphclust.heads.leiden import leiden
from graphclust.kernels.contraction import contract, exchange
from graphclust.kernels.correlation import pivots
from graphclust.kernels.neighbours import closed
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class CorrelationClustering(Method):
    """Clusters that disagree least with what attracts and repels (Bansal et al. 2004).

    Same seed, same labels, whatever the number of threads. `fit(must_link=…, cannot_link=…)` takes
    pairs of node ids. `extras`: `cost`, what the labels pay; `alone` and `together`, what nodes
    alone and one cluster of all pay; `found_by`.

    Raises:
        GraphError: links that contradict each other, or threshold ≤ 0 for the complement.
    """

    algorithm: Literal["best", "pivot", "gaec", "gaec_leiden", "kernighan_lin"] = param(
        "best", "best: the cheapest of all, after exchanges"
    )
    negative: Literal["auto", "explicit", "complement"] = param(
        "auto",
        "a missing pair is neutral (explicit) or repels; auto: explicit if weights have signs",
    )
    threshold: float | None = param(
        None, "θ; none: 0 for explicit costs, half the mean weight for the complement"
    )
    n_init: int = param(50, "random orders of pivot", low=1)

    kinds: ClassVar[tuple[str, ...]] = ("undirected", "weighted", "signed")
    warm_start: ClassVar = True
    variant_of: ClassVar = "leiden"  # whose constant Potts model it is
    linked: ClassVar = True

    def _fit(
        self,
        graph: Data,
        trace: Trace,
        initial: Labels | None = None,
        links: Links | None = None,
    ) -> dict[str, Any]:
        costs = pair_costs(graph, self.negative, self.threshold)
        place, free = constrained(costs, links)
        if initial is not None:  # of linked nodes, the label of the first
            initial = initial[np.unique(place, return_index=True)[1]]
        alone, together = np.arange(len(free.sizes)), np.zeros(len(free.sizes), np.int64)
        best, found_by = alone, "nodes alone"
        least = free.paid(alone)
        if (paid := free.paid(together)) < least:
            best, found_by, least = together, "one cluster", paid
        for step, (name, labels) in enumerate(self._candidates(free, initial)):
            if (paid := free.paid(labels)) < least:
                best, found_by, least = labels, name, paid
            if trace(step, cost=paid, best=least):
                break
        cost = costs.paid(best[place])
        extras = {
            "cost": cost,
            "alone": costs.paid(np.arange(len(place))),
            "together": costs.paid(np.zeros(len(place), np.int64)),
            "found_by": found_by,
        }
        if found_by == "nodes alone" and cost > 0:
            warn(f"{self.name} found nothing cheaper than nodes alone, at a cost of {cost:g}")
        return {"labels": best[place], "extras": extras}

    def _candidates(self, costs: Costs, initial: Labels | None) -> Iterator[tuple[str, Labels]]:
        """The labels of the algorithm asked for; of `best`, all that there are."""
        every, asked = self.algorithm == "best", self.algorithm

        def exchanged(labels: Labels) -> Labels:
            return exchange(costs.matrix, costs.sizes, costs.gamma, labels)

        if every or asked == "pivot":
            pivot = self._pivot(costs)
            yield "pivot", pivot
        if asked != "pivot":
            joined = contract(costs.matrix, costs.sizes, costs.gamma)
            yield "gaec", joined
        if asked == "kernighan_lin":
            yield "kernighan_lin", exchanged(joined if initial is None else initial)
        if every or asked == "gaec_leiden":
            moved = self._moved(costs, joined)
            yield "gaec_leiden", moved
        if every:
            starts = {"pivot": pivot, "gaec": joined, "gaec_leiden": moved}
            starts["leiden"] = self._moved(costs, None)
            if initial is not None:
                yield "initial", initial
                starts["initial"] = self._moved(costs, initial)
            for name, labels in starts.items():
                yield f"{name} and exchanges", exchanged(labels)

    def _pivot(self, costs: Costs) -> Labels:
        rng = np.random.default_rng(self.seed)
        matrix = costs.matrix.copy()
        rows = np.repeat(costs.sizes, np.diff(matrix.indptr))
        matrix.data = np.float64(matrix.data > costs.gamma * rows * costs.sizes[matrix.indices])
        matrix.eliminate_zeros()
        sets = closed(matrix)
        found = [pivots(*sets, rng.permutation(len(costs.sizes))) for _ in range(self.n_init)]
        return min(found, key=costs.paid)

    def _moved(self, costs: Costs, initial: Labels | None) -> Labels:
        """Leiden's moves; igraph's, which are faster, where no weight is negative."""
        signed = len(costs.matrix.data) > 0 and costs.matrix.data.min() < 0
        g, weights = matrix_to_igraph(costs.matrix)
        g.es["weight"] = weights.tolist()
        compact = None if initial is None else np.unique(initial, return_inverse=True)[1]
        return leiden(
            g,
            objective="cpm",
            resolution=costs.gamma,
            n_iterations=-1,
            engine="leidenalg" if signed else "igraph",
            seed=self.seed,
            initial=compact,
            sizes=costs.sizes,
        )[0]
