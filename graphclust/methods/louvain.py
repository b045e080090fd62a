"""Louvain: greedy modularity in levels.

V. Blondel, J.-L. Guillaume, R. Lambiotte, E. Lefebvre, "Fast unfolding of communities in large
networks", J. Stat. Mech. (2008) P10008, https://doi.org/10.1088/1742-5468/2008/10/P10008

Maximises Q = 1/2m Σ_ij [A_ij − γ k_i k_j / 2m] δ(c_i, c_j); the work is igraph's, or on large
graphs networkit's (C. Staudt, H. Meyerhenke, IEEE TPDS 27 (2016),
https://doi.org/10.1109/TPDS.2015.2390633, here on one thread), which takes less time and memory.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import igraph
import numpy as np
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.errors import GraphError
from graphclust.graph.export import to_igraph, to_networkit
from graphclust.params import param

LARGE = 1_000_000  # edges from which networkit pays


@dataclass(frozen=True, kw_only=True)
class Louvain(Method):
    """Louvain (Blondel et al. 2008): modularity in levels, Leiden's forerunner.

    Same seed, same labels, whatever the number of threads; but above a million edges they depend
    on whether networkit is installed, unless `engine` says which to take. `extras`: `engine`.

    networkit's own generator, whose state cannot be asked for, is left seeded with `seed`; all
    other global random states stay untouched.

    Raises:
        GraphError: `engine="networkit"` without that package.
    """

    resolution: float = param(1.0, "γ: higher gives more, smaller communities", low=0)
    engine: Literal["auto", "igraph", "networkit"] = param(
        "auto", "auto: igraph, but from a million edges on networkit where it is installed"
    )

    kinds: ClassVar = ("undirected", "weighted")

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        if graph.edge_index.shape[1] == 0:
            return {"labels": np.arange(graph.num_nodes)}
        engine = self._engine(graph)
        if engine == "networkit":
            return {"labels": self._networkit(graph), "extras": {"engine": engine}}
        g: igraph.Graph = to_igraph(graph)
        weights = "weight" if g.is_weighted() else None
        levels = g.community_multilevel(
            weights=weights, return_levels=True, resolution=self.resolution
        )
        for level, found in enumerate(levels):
            trace(level, n_clusters=len(found))
        return {"labels": np.asarray(levels[-1].membership), "extras": {"engine": engine}}

    def _engine(self, graph: Data) -> str:
        there = find_spec("networkit") is not None
        if self.engine == "networkit" and not there:
            raise GraphError("engine=\"networkit\" needs: pip install 'graphclust[baselines]'")
        large = there and graph.edge_index.shape[1] >= 2 * LARGE
        return ("networkit" if large else "igraph") if self.engine == "auto" else self.engine

    def _networkit(self, graph: Data) -> Labels:
        import networkit

        threads = networkit.getMaxNumberOfThreads()
        networkit.setNumberOfThreads(1)  # with more, the labels change from run to run
        networkit.setSeed(self.seed, False)
        try:
            run = networkit.community.PLM(
                to_networkit(graph), gamma=self.resolution, par="none randomized"
            )
            return np.asarray(run.run().getPartition().getVector(), dtype=np.int64)
        finally:
            networkit.setNumberOfThreads(threads)
