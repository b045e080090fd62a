"""Correlation clustering of all pairs of nodes by the products of their features.

A. Abbas, P. Swoboda, "ClusterFuG: clustering fully connected graphs by multicut", ICML 2023,
https://arxiv.org/abs/2301.12159

Every two nodes have the cost c_ij = ⟨f_i, f_j⟩ − θ: to be together where it is positive, apart
where it is negative. Greedy additive edge contraction needs no N × N, as the cost between two
clusters is a product of summed vectors (`kernels.factorised`); single nodes move on from there.

Departures: the authors search partners approximately in neighbour graphs, here the search is exact;
θ, which they fold into the vectors as one more coordinate, is the mean product of all pairs unless
given, so that what counts is to be more alike than two nodes are on average.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.preprocessing import normalize
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.kernels.factorised import (
    contract_products,
    inside_products,
    mean_product,
    move_products,
)
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class DenseCorrelation(Method):
    """Nodes whose features are alike more than on average (Abbas and Swoboda 2023); edges unread.

    Same input, same labels, whatever the number of threads. O(N² D) time, O(N D) memory. `extras`:
    `threshold`, and `inside`, Σ c_ij over the pairs inside clusters, which is to be high.
    """

    threshold: float | None = param(None, "θ; none: the mean product of all pairs")
    cosine: bool = param(
        True, "centre features and scale rows to length 1, so that products are correlations"
    )

    needs: ClassVar = ("x",)
    kinds: ClassVar = ()
    randomised: ClassVar = False
    variant_of: ClassVar = "correlation"
    warm_start: ClassVar = True

    def _fit(self, graph: Data, trace: Trace, initial: Labels | None = None) -> dict[str, Any]:
        f = graph.x.to_dense().numpy().astype(np.float64)
        if self.cosine:
            f = normalize(f - f.mean(axis=0))
        theta = mean_product(f) if self.threshold is None else self.threshold
        joined = contract_products(f, theta) if initial is None else initial
        trace(0, inside=inside_products(f, theta, joined))
        labels = move_products(f, theta, joined)
        found = inside_products(f, theta, labels)
        trace(1, inside=found)
        return {"labels": labels, "extras": {"threshold": theta, "inside": found}}
