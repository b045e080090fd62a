"""Leiden on the slices of a stream of events, joined over time.

P. Mucha, T. Richardson, K. Macon, M. Porter, J.-P. Onnela, "Community structure in time-dependent,
multiscale, and multiplex networks", Science 328 (2010), https://doi.org/10.1126/science.1184819;
V. Traag, L. Waltman, N. J. van Eck, "From Louvain to Leiden: guaranteeing well-connected
communities", Sci. Rep. 9 (2019), https://doi.org/10.1038/s41598-019-41695-z

The stream is cut into S slices with as many events each. Node i in slice s is a vertex of its own,
from the slice of its first event to that of its last, and joined to itself in the next one. With
A_s the adjacency of a slice (events add up), k_s its degrees, m_s its weight and ω the coupling,

    Q = Σ_s Σ_ij [A_sij − γ k_si k_sj / 2 m_s] δ(c_si, c_sj) + 2 ω Σ_s Σ_i δ(c_si, c_s+1,i)

is maximised (equation 1, but for its factor), with leidenalg. ω is in units of the mean degree in a
slice, so that it means the same however many events there are.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.build import static
from graphclust.graph.export import edges_once
from graphclust.graph.temporal import slices
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class LeidenSlices(Method):
    """Communities that last over slices of time (Mucha et al. 2010), by Leiden.

    A node's label is the one in its last slice; without events it is alone. Same seed, same labels,
    whatever the number of threads. `extras`: `moments` (S,), the ends of the slices, and
    `labels_over_time` (S, N), −1 before a node's first slice and after its last, which
    `Clustering.labels_at` reads. O(S² N + E) time, in Python objects: for up to some 10⁵ nodes.
    """

    slices: int = param(10, "S: stretches of the stream, with as many events each", low=1)
    coupling: float = param(1.0, "ω: tie of a node to itself in the next slice, in degrees", low=0)
    resolution: float = param(1.0, "γ: higher gives more, smaller communities", low=0)

    needs: ClassVar = ("t",)
    kinds: ClassVar = ("undirected", "weighted", "temporal")

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        n = graph.num_nodes
        if not len(graph.t):
            return {"labels": np.arange(n)}
        pieces = list(slices(graph, min(self.slices, len(graph.t))))
        parts = [static(part) for _, part in pieces]
        present = _present(parts, n)
        found = self._communities(parts, present)
        last = len(parts) - 1 - present[::-1].argmax(axis=0)
        labels = found[last, np.arange(n)]
        alone = labels < 0
        labels[alone] = found.max() + 1 + np.arange(alone.sum())
        found = _renamed(found, labels)
        moments = np.array([end for end, _ in pieces])
        return {
            "labels": np.unique(labels, return_inverse=True)[1],
            "extras": {"moments": moments, "labels_over_time": found},
        }

    def _communities(self, parts: list[Data], present: NDArray[np.bool_]) -> Labels:
        """(S, N) communities of the vertices that there are, −1 elsewhere."""
        import igraph
        import leidenalg

        # leidenalg moves a node for any gain above 2e-15: rounding, where weights add up to 1, is
        # less; else nodes may move back and forth for ever
        total = sum(float(part.edge_weight.sum()) for part in parts)  # both directions: 2m
        graphs = []
        for part, there in zip(parts, present, strict=True):
            place = np.cumsum(there) - 1
            source, target, weight = edges_once(part)
            assert weight is not None  # events have become weights
            g = igraph.Graph(int(there.sum()), np.stack([place[source], place[target]], 1).tolist())
            g.vs["id"] = np.flatnonzero(there).tolist()
            g.es["weight"] = (weight / total).tolist()
            graphs.append(g)
        found = np.full(present.shape, -1)
        memberships, _ = leidenalg.find_partition_temporal(
            graphs,
            leidenalg.RBConfigurationVertexPartition,
            interslice_weight=self.coupling / present.sum(),
            n_iterations=-1,
            seed=self.seed % 2**31,
            resolution_parameter=self.resolution,
        )
        for row, there, membership in zip(found, present, memberships, strict=True):
            row[there] = membership
        return found


def _present(parts: list[Data], n: int) -> NDArray[np.bool_]:
    """(S, N) is the node between its first and its last slice with events?"""
    active = np.zeros((len(parts), n), np.bool_)
    for row, part in zip(active, parts, strict=True):
        row[part.edge_index.unique().numpy()] = True
    come = np.logical_or.accumulate(active)
    return come & np.logical_or.accumulate(active[::-1])[::-1]


def _renamed(found: Labels, labels: Labels) -> Labels:
    """Communities by the numbers that the last labels get; those that have ended come after."""
    names = np.unique(labels)
    names = np.r_[names, np.setdiff1d(found[found >= 0], names)]
    place = np.empty(names.max() + 1, np.int64)
    place[names] = np.arange(len(names))
    return np.where(found >= 0, place[found], -1)
