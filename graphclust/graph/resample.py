"""Graphs like another one: its edges drawn anew, or rewired so that nothing but degrees is left.

Letters: N nodes, E edges (arcs of a digraph, events of a stream).
"""

import copy
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.build import static, with_edges
from graphclust.graph.export import edges_once, is_signed, is_temporal, to_igraph
from graphclust.graph.raw import Raw
from graphclust.kernels.determinism import seeded

TRIALS = 10  # swaps tried for each edge
ROUNDS = 10  # in which weights are dealt out

Array = NDArray[Any]
Ends = NDArray[np.int64]


def edge_sample(graph: Data, seed: int, share: float | None = 0.8) -> Data:
    """A share of the edges, or, without `share`, E edges drawn from them with replacement.

    The latter is the bootstrap (B. Efron, Ann. Statist. 7 (1979)): an edge that is drawn r times
    weighs r times as much, an event happens r times, and about a share 1/e is left out. Nodes and
    features stay, and so do classes.

    Raises:
        ValueError: a share that is not above 0, or not below 1.
    """
    check_share(share)
    source, target, weight = edges_once(graph)
    rng, edges = np.random.default_rng(seed), len(source)
    if share is None:
        drawn = np.sort(rng.integers(max(edges, 1), size=edges))
    else:
        drawn = np.sort(rng.permutation(edges)[: round(share * edges)])
    if is_temporal(graph):
        return _of_events(graph, source[drawn], target[drawn], drawn)
    kept, times = np.unique(drawn, return_counts=True)
    if weight is not None:
        weight = weight[kept] * times.astype(weight.dtype)
    elif share is None:
        weight = times.astype(np.float32)
    ends = source[kept], target[kept]
    return with_edges(graph, Raw(*ends, graph.num_nodes, bool(graph.directed), weight))


def check_share(share: float | None) -> None:
    """Refuse a share of the edges that is none, with ValueError or TypeError."""
    if share is None:
        return
    if isinstance(share, bool) or not isinstance(share, numbers.Real):
        raise TypeError(f"share must be a number or None, found {share!r}")
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, found {share!r}")


def rewired(graph: Data, seed: int) -> Data:
    """`graph` with its edges swapped until chance alone joins them; every node keeps its degree.

    Two edges a–b and c–d become a–d and c–b where neither is there yet, TRIALS · E times (igraph);
    of a digraph nodes keep both degrees. S. Maslov, K. Sneppen, Science 296 (2002). What else there
    is:

    - Weights are dealt out anew such that the nodes nearly keep their strengths (`dealt`); where
      some are negative, that of their negative edges, and positive weights go by chance.
    - Of a stream the pairs of nodes are rewired, and each pair's events go, with their times and
      weights, to a pair of the new graph: the randomized edges of P. Holme, J. Saramäki, Phys. Rep.
      519 (2012).
    - Features and classes stay with their nodes: what a method reads off features survives.

    A graph in which (nearly) all nodes are joined can hardly be rewired.
    """
    flat = _pairs_of_events(graph) if is_temporal(graph) else graph
    source, target, weight = edges_once(flat)
    n, directed, rng = flat.num_nodes, bool(flat.directed), np.random.default_rng(seed)
    new = _swapped(flat, seed)
    if weight is None:
        return with_edges(graph, Raw(*new, n, directed))
    kept = np.maximum(-weight, 0) if is_signed(flat) else weight
    deal = dealt((source, target, kept), new, n, directed, rng)
    if not is_temporal(graph):
        return with_edges(graph, Raw(*new, n, directed, weight[deal]))
    place = np.argsort(deal)  # of an old pair among the new ones
    moved = place[_pair_of_events(graph)]
    return _of_events(graph, new[0][moved], new[1][moved], np.arange(len(moved)))


def dealt(
    old: tuple[Ends, Ends, Array],
    new: tuple[Ends, Ends],
    n: int,
    directed: bool,
    rng: np.random.Generator,
) -> Ends:
    """(E,) which old edge's weight each new edge gets, such that nodes nearly keep strengths.

    M. Rubinov, O. Sporns, NeuroImage 56 (2011): a new edge i → j is expected to weigh in proportion
    to s_i s_j, the strengths that its ends still lack. In each of ROUNDS rounds the open edges are
    ranked so, and a part of them, drawn by chance, gets the weights of the same ranks. O(E log E).
    """
    source, target, weight = old
    out, into = np.bincount(source, weight, n), np.bincount(target, weight, n)
    if not directed:
        out = into = out + into  # one array, from which both ends' weights are taken
    result = np.empty(len(weight), np.int64)
    open_, left = rng.permutation(len(weight)), rng.permutation(len(weight))  # equals, by chance
    left = left[np.argsort(weight[left], kind="stable")]
    for rounds in range(ROUNDS, 0, -1):
        expected = np.maximum(out[new[0][open_]], 0) * np.maximum(into[new[1][open_]], 0)
        ranked = open_[np.argsort(expected, kind="stable")]
        chosen = np.sort(rng.permutation(len(ranked))[: -(-len(ranked) // rounds)])
        edges, given = ranked[chosen], left[chosen]
        result[edges] = given
        out -= np.bincount(new[0][edges], weight[given], n)
        into -= np.bincount(new[1][edges], weight[given], n)
        open_, left = np.delete(ranked, chosen), np.delete(left, chosen)
    return result


def _swapped(graph: Data, seed: int) -> tuple[Ends, Ends]:
    """Sources and targets of the edges, each once, after the swaps."""
    g = to_igraph(graph)
    with seeded(seed):
        g.rewire(TRIALS * g.ecount())
    ends = np.array(g.get_edgelist(), np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def _pairs_of_events(graph: Data) -> Data:
    """The edges that have events; they weigh as many, whatever the events weigh."""
    graph = copy.copy(graph)
    graph.edge_weight = None
    return static(graph)


def _pair_of_events(graph: Data) -> Ends:
    """(E,) the edge of `_pairs_of_events`, each once, to which an event belongs."""
    source, target, _ = edges_once(graph)
    if not graph.directed:
        source, target = np.minimum(source, target), np.maximum(source, target)
    return np.unique(source * graph.num_nodes + target, return_inverse=True)[1]


def _of_events(graph: Data, source: Ends, target: Ends, event: Ends) -> Data:
    """A stream whose events have the times and weights of those numbered `event`."""
    weight = None if graph.edge_weight is None else graph.edge_weight.numpy()[event]
    t = graph.t.numpy()[event]
    return with_edges(graph, Raw(source, target, graph.num_nodes, bool(graph.directed), weight, t))
