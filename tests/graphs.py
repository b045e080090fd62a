"""Small graphs and helpers that several test files share."""

import warnings
from functools import cache

import numpy as np
import scipy.sparse as sp
import torch
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.graph.convert import as_graph
from graphclust.graph.digraphs import dsbm
from graphclust.graph.errors import GraphWarning
from graphclust.graph.export import node_ids
from graphclust.graph.features import feature_matrix
from graphclust.graph.synth import attributed_sbm
from graphclust.methods import METHODS
from graphclust.params import required

TRIANGLES = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)]  # two, joined by one edge


OWN = {
    "dense_correlation": {"threshold": 0.5},  # how alike two nodes must be
    "tvgnn": {"hidden": 64},
}
QUICK = {"starts": 2, "warm": 40, "epochs": 60, "rate": 1e-2}  # trained in several phases


def method(name: str, k: int = 4, **params) -> Method:
    """The method with `k` clusters where it must be told, else with its defaults."""
    cls = METHODS[name]
    needed = {"n_clusters": k} if cls.told_k or "n_clusters" in required(cls) else {}
    quick = QUICK if set(QUICK) <= set(cls.__dataclass_fields__) else {}
    return cls(**(quick | OWN.get(name, {}) | needed | params))


def planted(seed: int = 0, n: int = 120, k: int = 4) -> Data:
    """Clear blocks in edges and features alike."""
    return attributed_sbm(n, k, p_in=0.35, p_out=0.01, features=16, signal=2.0, seed=seed)


def suited(name: str, graph: Data) -> Data:
    """The graph itself, or, for a method that reads arcs alone, each edge from its lower end; for
    one that reads events, each edge at a moment of its own."""
    if "t" in METHODS[name].needs:
        return eventful(graph)
    if not METHODS[name].kinds or "undirected" in METHODS[name].kinds:
        return graph
    source, target = graph.edge_index
    up = source < target
    arcs = Data(edge_index=graph.edge_index[:, up], num_nodes=graph.num_nodes)
    weight = None if graph.edge_weight is None else graph.edge_weight[up]
    arcs.update({"edge_weight": weight, "node_ids": graph.get("node_ids")})
    x = None if graph.x is None else feature_matrix(graph.x)
    return as_graph(arcs, directed=True, x=x, y=graph.y)


def eventful(graph: Data) -> Data:
    """Each edge as one event, in an order by chance."""
    source, target = graph.edge_index
    once = torch.ones_like(source, dtype=bool) if graph.directed else source < target
    events = Data(edge_index=graph.edge_index[:, once], num_nodes=graph.num_nodes)
    weight = None if graph.edge_weight is None else graph.edge_weight[once]
    t = torch.from_numpy(np.random.default_rng(0).permutation(int(once.sum())))
    events.update({"edge_weight": weight, "node_ids": graph.get("node_ids"), "t": t})
    x = None if graph.x is None else feature_matrix(graph.x)
    return as_graph(events, directed=graph.directed, x=x, y=graph.y)


def planted_for(name: str) -> Data:
    """Clusters that the method can find: by density, or by the flow round a cycle of four, or by
    what most pairs inside and between are."""
    if suited(name, planted()).directed:
        graph = dsbm(120, 4, p=0.6, eta=0.0)
        return as_graph(graph, x=feature_matrix(planted().x))
    if name in ("minmax", "correlation"):  # where most pairs inside must be edges
        return attributed_sbm(120, 4, p_in=0.9, p_out=0.02, features=16, signal=2.0)
    return suited(name, planted())


def matrix(n: int, edges) -> sp.csr_array:
    """(n, n) of ones where a pair of the edges is, both ways."""
    a = sp.lil_array((n, n), dtype=np.int8)
    for u, v in edges:
        a[u, v] = a[v, u] = 1
    a = a.tocsr()
    a.sort_indices()
    return a


@cache
def partitions(n: int) -> np.ndarray:
    """(B, n) labels, each way to divide n nodes once."""

    def grow(labels, used):
        if len(labels) == n:
            yield labels
            return
        for label in range(used + 1):
            yield from grow([*labels, label], max(used, label + 1))

    return np.array(list(grow([], 0)))


def noise(n: int = 150, seed: int = 0) -> Data:
    """No planted clusters in edges or features; sparse, so that chance makes many small ones."""
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, n, (2, 3 * n // 2))
    return quiet(edges, x=rng.standard_normal((n, 8)), directed=False, num_nodes=n)


def quiet(graph, **options) -> Data:
    """as_graph without the warnings about repeats and loops."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)
        return as_graph(graph, **options)


def pairs(*edges, n: int, x=None, **options) -> Data:
    """A graph of n nodes from a few pairs; features tell each node apart unless given."""
    index = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T
    x = np.eye(n, 8) + np.arange(n)[:, None] if x is None else x
    return as_graph(Data(edge_index=index, num_nodes=n), x=x, **({"directed": False} | options))


def bare(x) -> Data:
    """Rows and no edges."""
    return pairs(n=len(x), x=x)


def permuted(graph: Data, order: np.ndarray) -> Data:
    """The same graph with node order[i] in place i."""
    place = np.argsort(order)
    return as_graph(
        Data(
            edge_index=torch.from_numpy(place[graph.edge_index.numpy()]),
            edge_weight=graph.edge_weight,
            num_nodes=graph.num_nodes,
            directed=graph.directed,
            node_ids=node_ids(graph)[order],
            t=graph.get("t"),
        ),
        x=None if graph.x is None else feature_matrix(graph.x)[order],
        y=None if graph.y is None else graph.y[order],
    )


def same(a: Data, b: Data) -> bool:
    """Do two graphs hold the same, key by key?"""
    keys = {key for key in a.keys() if a[key] is not None}  # noqa: SIM118 - a PyG method
    if keys != {key for key in b.keys() if b[key] is not None}:  # noqa: SIM118
        return False
    return all(_equal(a[key], b[key]) for key in keys)


def _equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a.to_dense(), b.to_dense())
    return np.array_equal(a, b)
