"""Label propagation: every node takes the label that most of its neighbours have.

U. N. Raghavan, R. Albert, S. Kumara, "Near linear time algorithm to detect community structures in
large-scale networks", Phys. Rev. E 76 (2007), https://doi.org/10.1103/PhysRevE.76.036106

Nodes in random order, ties broken at random, until every label is a majority label; igraph's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import igraph
import numpy as np
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.export import to_igraph


@dataclass(frozen=True, kw_only=True)
class LabelPropagation(Method):
    """Label propagation (Raghavan et al. 2007): fastest, and the least stable from seed to seed.

    Same seed, same labels, whatever the number of threads.
    """

    kinds: ClassVar = ("undirected", "weighted")
    warm_start: ClassVar = True

    def _fit(self, graph: Data, trace: Trace, initial: Labels | None = None) -> dict[str, Any]:
        g: igraph.Graph = to_igraph(graph)
        start = None if initial is None else initial.tolist()
        weights = "weight" if g.is_weighted() else None
        found = g.community_label_propagation(weights=weights, initial=start)
        return {"labels": np.asarray(found.membership)}
