"""First- and second-order random walks on a graph in CSR form, exact for every p, q > 0.

B. Perozzi, R. Al-Rfou, S. Skiena, "DeepWalk: online learning of social representations", KDD
(2014), https://arxiv.org/abs/1403.6652, Algorithm 1 (the corpus) and section 4.2 (first order);
A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks", KDD (2016),
https://arxiv.org/abs/1607.00653, section 3.2 (second order).

Letters: N nodes, E entries of `indices` (an undirected edge counts twice), L nodes a walk. Having
gone from t to v, the walk goes on to x with probability proportional to

    π(x) = w_vx · α(t, x),   α = 1/p if x = t,  1 if x → t is an edge,  1/q otherwise,

and to w_vx alone from its start. (The paper writes α by the distance of t and x; on directed
graphs the authors' code asks for the edge x → t, and so does this.)

Sampling is by rejection: x is drawn by w, and kept with chance α / max(1, 1/q), for less than
min(1, 1/q) without asking whether x and t are neighbours. The one return edge, which may stand out
of this envelope by far, is laid beside it (K. Yang et al., "KnightKing", SOSP 2019, section 4.2).
A bit table of hashed edges answers most questions for a neighbour with one read; binary search
decides the rest. Each thread moves LANES walks in turn, so that their reads from memory overlap
(S. Sun et al., "ThunderRW", VLDB 2021).

Walk number i draws from a stream of its own: the walks do not depend on the number of threads, on
the size of the blocks, or on which other walks are made.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.arguments import (
    csr_rows,
    edge_weights,
    node_numbers,
    real_number,
    thread_count,
    whole_number,
)
from graphclust.kernels.rows import (
    alias_rows,
    edge_table,
    is_edge,
    is_symmetric,
    may_be_edge,
    neighbour,
    search,
)
from graphclust.kernels.splitmix import GAMMA, stream, unit

LANES = 64  # walks that one thread moves in turn
PIECE = 32 * LANES  # walks a thread takes at a time
END = -1  # pads a walk that met a node without out-edges


@dataclass(frozen=True, kw_only=True, eq=False)
class Walks:
    """A corpus of random walks that is described, not held: iterating makes it, block by block.

    Each of the `per_node` passes starts one walk at every start, in shuffled order; walk number
    i = pass · S + s, of the start s in 0..S−1, is the same in every block size. Iterate again and
    the same blocks come again.

    A block is (B, length) int32, B ≤ `block`; a walk that meets a node without out-edges ends
    there and is padded with −1, so an isolated node gives the walk [v, −1, …]. A self-loop is an
    edge like any other; having taken it (t = v), to take it again is to return, α = 1/p.

    O(1) expected time a step where α's spread and the degrees' logarithms are bounded; besides the
    graph O(E) bytes if p or q is not 1, 16 bytes an entry if weighted, and one block.

    Args:
        indptr, indices: the CSR rows, each strictly increasing; (N + 1,) and (E,) integers.
        weight: (E,) finite and > 0, or None for all equal.
        length: L, nodes a walk; per_node: walks from every start.
        p, q: return and in-out parameters, finite and > 0; both 1 is first order (DeepWalk).
        starts: (S,) nodes to start from; None for every node once.
        threads: None for as many as the process may use.

    Raises:
        ValueError, TypeError: an argument is not as above, by name.
    """

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    weight: NDArray[np.floating] | None = None
    length: int = 80
    per_node: int = 10
    p: float = 1.0
    q: float = 1.0
    seed: int = 0
    starts: NDArray[np.integer] | None = None
    block: int = 65536
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("length", "per_node", "block"):
            whole_number(name, getattr(self, name), low=1)
        whole_number("seed", self.seed, low=0, high=2**64 - 1)
        real_number("p", self.p, low=0, above=True)
        real_number("q", self.q, low=0, above=True)
        thread_count(self.threads)
        self._graph()
        self._starts()

    @property
    def n_nodes(self) -> int:
        return len(self.indptr) - 1

    def __len__(self) -> int:
        """Number of walks."""
        return self.per_node * (self.n_nodes if self.starts is None else len(self.starts))

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        starts, walk = self._starts(), self._walker()
        rng = np.random.default_rng(self.seed)
        with ThreadPoolExecutor(thread_count(self.threads)) as pool:
            for k in range(self.per_node):
                order = rng.permutation(len(starts))
                for i in range(0, len(order), self.block):
                    chosen = order[i : i + self.block]
                    numbers = (chosen + k * len(starts)).astype(np.uint64)
                    yield _in_threads(pool, walk, starts[chosen], numbers, self.length)

    def _starts(self) -> NDArray[np.int64]:
        if self.starts is None:
            return np.arange(self.n_nodes)
        return node_numbers("starts", self.starts, self.n_nodes)

    def _graph(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        indptr, indices = csr_rows(self.indptr, self.indices)
        return indptr, indices, edge_weights(self.weight, len(indices))

    def _walker(self) -> Callable[..., None]:
        """The kernel with its tables: a function of (starts, numbers, out)."""
        indptr, indices, weight = self._graph()
        alias, total = alias_rows(indptr, indices, weight)
        graph, seed = (indptr, indices, alias), np.uint64(self.seed)
        if self.p == self.q == 1:
            return lambda *walks: first_order(graph, seed, *walks)
        edges, symmetric = edge_table(indptr, indices), is_symmetric(indptr, indices)
        rest = (weight, total), edges, symmetric, (1.0 / self.p, 1.0 / self.q), seed
        return lambda *walks: second_order(graph, *rest, *walks)


def _in_threads(
    pool: ThreadPoolExecutor,
    walk: Callable[..., None],
    starts: NDArray[np.int64],
    numbers: NDArray[np.uint64],
    length: int,
) -> NDArray[np.int32]:
    """One block, made in pieces by the threads."""
    out = np.empty((len(starts), length), np.int32)
    cuts = [slice(i, i + PIECE) for i in range(0, len(starts), PIECE)]
    list(pool.map(lambda cut: walk(starts[cut], numbers[cut], out[cut]), cuts))
    return out


@njit(nogil=True, cache=True)
def first_order(graph, seed, starts, numbers, out):  # type: ignore[no-untyped-def]
    """Fill out (B, L) with walks by w alone; LANES walks go a step, then all of them the next."""
    indptr, indices, alias = graph
    state = np.empty(LANES, np.uint64)
    node = np.empty(LANES, np.int32)
    entry = np.empty(LANES, np.int64)  # of `indices`; −1: no way on
    share = np.empty(LANES, np.float64)
    for low in range(0, len(starts), LANES):
        lanes = min(LANES, len(starts) - low)
        for i in range(lanes):
            state[i] = stream(seed, numbers[low + i])
            out[low + i, 0] = node[i] = starts[low + i]
        for step in range(1, out.shape[1]):
            for i in range(lanes):
                state[i] += GAMMA
                entry[i] = END
                if node[i] != END:
                    first, end = indptr[node[i]], indptr[node[i] + 1]
                    if first < end:
                        at = unit(state[i]) * (end - first)
                        entry[i] = first + np.int64(at)
                        share[i] = at - np.int64(at)
            for i in range(lanes):
                node[i] = END
                if entry[i] != END:
                    node[i] = neighbour(indices, alias, entry[i], share[i])
                out[low + i, step] = node[i]


@njit(nogil=True, cache=True)
def second_order(  # type: ignore[no-untyped-def]
    graph, weights, edges, symmetric, inverse, seed, starts, numbers, out
):
    """Fill out (B, L) with node2vec walks; each round proposes one node to every unfinished lane.

    Three sweeps a round, so that the lanes' reads from memory overlap: draw the nodes proposed,
    look them up in the edge table, keep or reject. A row's area is its degree, plus `aside`: what
    the return edge has above the envelope.
    """
    indptr, indices, alias = graph
    weight, total = weights
    inv_p, inv_q = inverse
    envelope, sure = max(1.0, inv_q), min(1.0, inv_q)
    excess = max(0.0, inv_p - envelope) / envelope
    state = np.empty(LANES, np.uint64)
    before = np.empty(LANES, np.int32)
    node = np.empty(LANES, np.int32)
    first = np.empty(LANES, np.int64)
    degree = np.empty(LANES, np.int64)
    aside = np.empty(LANES, np.float64)
    found = np.empty(LANES, np.int32)
    height = np.empty(LANES, np.float64)
    maybe = np.empty(LANES, np.bool_)  # is found → before an edge?
    step = np.empty(LANES, np.int64)
    lane = np.empty(LANES, np.int64)  # those unfinished
    for low in range(0, len(starts), LANES):
        left = min(LANES, len(starts) - low) if out.shape[1] > 1 else 0
        for i in range(min(LANES, len(starts) - low)):
            v = starts[low + i]
            state[i] = stream(seed, numbers[low + i])
            out[low + i, 0], node[i], before[i] = v, v, END
            first[i], degree[i], aside[i] = indptr[v], indptr[v + 1] - indptr[v], 0.0
            step[i], lane[i] = 1, i
        while left:
            for j in range(left):
                i = lane[j]
                found[i], height[i], state[i] = _propose(
                    indices, alias, first[i], degree[i], aside[i], before[i], state[i]
                )
                height[i] *= envelope
            for j in range(left):
                i = lane[j]
                maybe[i] = height[i] >= sure and may_be_edge(edges, found[i], before[i])
            going = 0
            for j in range(left):
                i = lane[j]
                x, t, bias = found[i], before[i], sure
                if x == t:
                    bias = inv_p
                elif height[i] >= sure:
                    near = maybe[i] and is_edge(indptr, indices, symmetric, x, t)
                    bias = 1.0 if near else inv_q
                if height[i] < bias:
                    out[low + i, step[i]] = x
                    step[i] += 1
                    if x == END:
                        out[low + i, step[i] :] = END
                    if x == END or step[i] == out.shape[1]:
                        continue
                    before[i], node[i] = node[i], x
                    first[i], degree[i] = indptr[x], indptr[x + 1] - indptr[x]
                    if excess > 0:
                        aside[i] = excess
                        if not symmetric or len(weight):
                            aside[i] *= _way_back(
                                indices, weight, total, first[i], degree[i], x, before[i]
                            )
                lane[going] = i
                going += 1
            left = going


@njit(inline="always")
def _propose(indices, alias, first, degree, aside, before, state):  # type: ignore[no-untyped-def]
    """A node by weight, the height in [0, 1) of the draw, the next state of randomness.

    Height −1 says that there is nothing to reject: a first step, the way back from aside, or the
    node −1 where the row is empty.
    """
    found, height = np.int32(END), -1.0
    if degree > 0:
        state += GAMMA
        at = unit(state) * (degree + aside)
        if at >= degree:
            found = before
        else:
            share = at - np.int64(at)
            found = neighbour(indices, alias, first + np.int64(at), share)
            if before != END:
                if len(alias):
                    state += GAMMA
                    share = unit(state)
                height = share
    return found, height, state


@njit
def _way_back(indices, weight, total, first, degree, v, t):  # type: ignore[no-untyped-def]
    """w_vt in mean weights of v's row; 0 where no edge leads back."""
    entry = search(indices, first, degree, t)
    if entry == END:
        return 0.0
    return weight[entry] * degree / total[v] if len(weight) else 1.0
