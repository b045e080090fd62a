"""Louvain: greedy modularity in levels.

V. Blondel, J.-L. Guillaume, R. Lambiotte, E. Lefebvre, "Fast unfolding of communities in large
networks", J. Stat. Mech. (2008) P10008, https://doi.org/10.1088/1742-5468/2008/10/P10008

Maximises Q = 1/2m Σ_ij [A_ij − γ k_i k_j / 2m] δ(c_i, c_j); the work is igraph's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import igraph
import numpy as np
from torch_geometric.data import Data

from graphclust.base import Method, Trace
from graphclust.graph.export import to_igraph
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Louvain(Method):
    """Louvain (Blondel et al. 2008): modularity in levels, Leiden's forerunner.

    Same seed, same labels, whatever the number of threads.
    """

    resolution: float = param(1.0, "γ: higher gives more, smaller communities", low=0)

    kinds: ClassVar = ("undirected", "weighted")

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        if graph.edge_index.shape[1] == 0:
            return {"labels": np.arange(graph.num_nodes)}
        g: igraph.Graph = to_igraph(graph)
        weights = "weight" if g.is_weighted() else None
        levels = g.community_multilevel(
            weights=weights, return_levels=True, resolution=self.resolution
        )
        for level, found in enumerate(levels):
            trace(level, n_clusters=len(found))
        return {"labels": np.asarray(levels[-1].membership)}
