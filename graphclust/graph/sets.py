"""Many graphs as one: their disjoint union, whose parts are found again by where they start."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch_geometric.data import Data

from graphclust.graph.build import symmetrise
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError, warn
from graphclust.graph.export import is_signed, is_temporal

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class GraphSet:
    """G undirected graphs with features as one: graph g has the nodes `start[g]` …
    `start[g + 1]` − 1 of the `union`, and the class `y[g]` where classes are known."""

    union: Data
    start: Ints
    y: Ints | None = None

    def __len__(self) -> int:
        return len(self.start) - 1

    @cached_property
    def sizes(self) -> Ints:
        """(G,) numbers of nodes."""
        return np.diff(self.start)

    @cached_property
    def first_arc(self) -> Ints:
        """(G + 1,) where the arcs of each graph begin in the union's edges."""
        source = self.union.edge_index[0].contiguous()
        return torch.searchsorted(source, torch.from_numpy(self.start)).numpy()

    def take(self, which: ArrayLike) -> "GraphSet":
        """The graphs of these numbers, in this order. O of what they hold."""
        which = np.asarray(which, np.int64)
        arcs = np.diff(self.first_arc)[which]
        nodes = torch.from_numpy(_ranges(self.start[which], self.sizes[which]))
        edges = torch.from_numpy(_ranges(self.first_arc[which], arcs))
        start = np.r_[0, np.cumsum(self.sizes[which])]
        shift = torch.from_numpy(np.repeat(start[:-1] - self.start[which], arcs))
        whole = self.union
        union = Data(
            x=whole.x[nodes], edge_index=whole.edge_index[:, edges] + shift, num_nodes=len(nodes)
        )
        if whole.edge_weight is not None:
            union.edge_weight = whole.edge_weight[edges]
        return GraphSet(union, start, None if self.y is None else self.y[which])


def graph_set(graphs: Any, y: ArrayLike | None = None) -> GraphSet:
    """Graphs as a `GraphSet`; a GraphSet passes through.

    Args:
        graphs: a list of what `as_graph` takes, each with as many features `x`; or one graph that
            holds them all, as `load` gives the stored sets: `graph_id` (N,) says which graph a node
            belongs to, rising from 0; `graph_y` (G,) the classes; without `x`, `node_label` (N,)
            becomes features, one column a label.
        y: (G,) classes as whole numbers, in place of those that the graphs hold.

    Directed graphs are read as undirected, with a warning.

    Raises:
        TypeError: a name or path.
        GraphError: no graphs, no features or unequal ones, negative weights, event times, wrong
            shapes; the sentence says which graph.
    """
    if isinstance(graphs, str) or hasattr(graphs, "__fspath__"):
        raise TypeError(f"graphs must be in memory, found {graphs!r}; use graphclust.load")
    if not isinstance(graphs, GraphSet):
        graphs = _from_union(graphs) if isinstance(graphs, Data) else _from_list(graphs)
    if y is None:
        return graphs
    classes = np.asarray(y)
    if classes.shape != (len(graphs),) or classes.dtype.kind not in "iu":
        raise GraphError(
            f"y must be whole numbers of shape ({len(graphs)},), one a graph; found "
            f"{classes.dtype} of shape {classes.shape}"
        )
    return GraphSet(graphs.union, graphs.start, classes.astype(np.int64))


def _from_union(graph: Data) -> GraphSet:
    if graph.get("graph_id") is None:
        raise GraphError("one graph was given; give a list of graphs, or one with graph_id")
    belongs = graph.graph_id.numpy()
    rises = np.diff(belongs, prepend=-1)
    if len(belongs) != graph.num_nodes or rises[0] != 1 or not np.isin(rises, (0, 1)).all():
        raise GraphError("graph_id must name the graph of each node, rising from 0 without gaps")
    source, target = graph.edge_index.numpy()
    if (belongs[source] != belongs[target]).any():
        raise GraphError("an edge joins two graphs of graph_id")
    if graph.x is None and graph.get("node_label") is None:
        raise GraphError("the graphs need features: x or node_label")
    x = F.one_hot(graph.node_label).float() if graph.x is None else graph.x
    union = Data(x=x, edge_index=graph.edge_index, num_nodes=graph.num_nodes)
    union.edge_weight, union.directed = graph.edge_weight, graph.directed
    start = np.r_[0, np.cumsum(np.bincount(belongs))]
    classes = graph.get("graph_y")
    found = GraphSet(_checked(union, "graph_id's graphs"), start)
    return found if classes is None else graph_set(found, classes.numpy())


def _from_list(graphs: Sequence[Any]) -> GraphSet:
    parts = [_checked(as_graph(graph), f"graph {i}") for i, graph in enumerate(graphs)]
    if not parts:
        raise GraphError("there are no graphs")
    widths = {part.x.shape[1] for part in parts}
    if len(widths) > 1:
        raise GraphError(f"all graphs must have as many features, found {sorted(widths)}")
    start = np.r_[0, np.cumsum([part.num_nodes for part in parts])]
    shifted = [part.edge_index + int(first) for part, first in zip(parts, start, strict=False)]
    x = torch.cat([part.x.to_dense() for part in parts])
    union = Data(x=x, edge_index=torch.cat(shifted, dim=1), num_nodes=len(x))
    if any(part.edge_weight is not None for part in parts):
        union.edge_weight = torch.cat([_weights(part) for part in parts])
    return GraphSet(union, start)


def _weights(graph: Data) -> Tensor:
    ones = torch.ones(graph.num_edges, dtype=torch.float64)
    return ones if graph.edge_weight is None else graph.edge_weight.double()


def _checked(graph: Data, which: str) -> Data:
    if graph.x is None:
        raise GraphError(f"{which}: node features x are needed")
    if is_temporal(graph) or is_signed(graph):
        raise GraphError(f"{which}: neither event times nor negative weights are taken")
    if graph.directed:
        warn(f"{which}: arcs are read as undirected edges")
    return symmetrise(graph)


def _ranges(first: Ints, count: Ints) -> Ints:
    """first[0], first[0] + 1 … (count[0] numbers), first[1] …"""
    before = np.cumsum(count) - count
    return np.repeat(first - before, count) + np.arange(count.sum())
