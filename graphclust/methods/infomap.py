"""Infomap: the partition that describes a random walk in the fewest bits.

M. Rosvall, C. T. Bergstrom, "Maps of random walks on complex networks reveal community structure",
PNAS 105 (2008), https://doi.org/10.1073/pnas.0706851105

Minimises the map equation L = q H(Q) + Σ_i p_i H(P_i): the code length of moves between modules
plus that of moves within. The work is that of the authors' package (extra `baselines`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_geometric.data import Data

from graphclust.base import Method, Trace
from graphclust.graph.export import edges_once
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Infomap(Method):
    """Infomap (Rosvall and Bergstrom 2008): shortest code for a random walk, two levels.

    An isolated node is a cluster of its own.

    Same seed, same labels, whatever the number of threads. `extras`: `codelength` in bits.

    Raises:
        GraphError: the package infomap is not installed.
    """

    n_trials: int = param(1, "starts, of which the shortest code is kept", low=1)

    requires: ClassVar = ("infomap",)
    kinds: ClassVar = ("undirected", "directed", "weighted")

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        import infomap

        source, target, weight = edges_once(graph)
        labels = np.arange(graph.num_nodes)
        if len(source) == 0:
            return {"labels": labels, "extras": {"codelength": 0.0}}
        weight = np.ones(len(source)) if weight is None else weight.astype(float)
        network = infomap.Network().add_links(np.stack([source, target, weight], axis=1))
        found = network.run(
            seed=self.seed % 2**31 + 1,  # it takes no 0
            num_trials=self.n_trials,
            two_level=True,
            directed=bool(graph.directed),
        )
        for node, module in found.modules().items():
            labels[node] = graph.num_nodes + module
        return {"labels": labels, "extras": {"codelength": found.codelength}}
