"""Link prediction: how well do vectors tell edges that were held out from pairs that are none?

A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks", KDD (2016),
https://arxiv.org/abs/1607.00653, section 4.4: half of the edges are removed so that no part of the
graph falls apart, as many pairs without an edge are drawn, and a score of pairs is judged by the
area under the ROC curve. Letters: N nodes, D dimensions, M pairs.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch_geometric.data import Data

from graphclust.graph.build import with_edges
from graphclust.graph.errors import GraphError
from graphclust.graph.export import edges_once, is_temporal
from graphclust.graph.raw import Raw

Pairs = NDArray[np.int64]
Score = Literal["dot", "cosine", "hadamard"]
BLOCK = 1 << 16  # pairs whose vectors are held at a time
HELD_OUT = 0.5  # share of the edges, as published
MAX_SHARE = 0.5  # of all pairs may be edges, or too few others are left to draw


class Split(NamedTuple):
    """A graph without some of its edges, (M, 2) those edges, and as many pairs that are none."""

    rest: Data
    edges: Pairs
    others: Pairs


def score_edges(
    vectors: ArrayLike,
    pairs: ArrayLike,
    how: Score = "dot",
    known: tuple[ArrayLike, ArrayLike] | None = None,
) -> NDArray[np.float64]:
    """(M,) how likely each pair of nodes is an edge; higher is likelier.

    Args:
        vectors: (N, D), such as the `embedding` of a result; its `rows(ids)` finds nodes by id.
        pairs: (M, 2) places of nodes.
        how: `dot` z_u·z_v; `cosine` of the two; `hadamard`: the chance by a logistic regression on
            z_u ∘ z_v that is trained on `known`.
        known: ((L, 2) pairs, (L,) whether each is an edge), for `hadamard`.

    Raises:
        ValueError: pairs out of bounds or of another shape, `how` is none of these, or `known` is
            missing or has one class alone.
    """
    z = np.asarray(vectors, np.float64)
    u, v = _ends(z, pairs)
    if how in ("dot", "cosine"):
        blocks = (slice(at, at + BLOCK) for at in range(0, max(len(u), 1), BLOCK))
        dots = np.concatenate([np.einsum("md,md->m", z[u[b]], z[v[b]]) for b in blocks])
        if how == "dot":
            return dots
        length = np.linalg.norm(z, axis=1)
        both = length[u] * length[v]
        return np.divide(dots, both, out=np.zeros(len(u)), where=both > 0)
    if how != "hadamard":
        raise ValueError(f"how must be dot, cosine or hadamard, found {how!r}")
    if known is None:
        raise ValueError("how='hadamard' needs known pairs to learn from")
    a, b = _ends(z, known[0])
    model = LogisticRegression(max_iter=1000).fit(z[a] * z[b], np.asarray(known[1], bool))
    return model.predict_proba(z[u] * z[v])[:, 1]


def _ends(z: NDArray[np.float64], pairs: ArrayLike) -> tuple[Pairs, Pairs]:
    """(M,) places of the first and of the second node of each pair."""
    places = np.asarray(pairs)
    if places.ndim != 2 or places.shape[1] != 2 or places.dtype.kind not in "iu":
        raise ValueError(
            f"pairs must be whole numbers of shape (M, 2), found {places.dtype} of {places.shape}"
        )
    if places.size and not (places.min() >= 0 and places.max() < len(z)):
        raise ValueError(f"pairs must hold places 0..{len(z) - 1}")
    return places[:, 0], places[:, 1]


def hold_out(graph: Data, share: float = HELD_OUT, *, seed: int = 0) -> Split:
    """Take a share of the edges away at random, but none without which a part would fall apart.

    Raises:
        ValueError: share is not between 0 and 1.
        GraphError: so many edges cannot be spared, more than half of all pairs are edges, or the
            graph is temporal.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, found {share!r}")
    if is_temporal(graph):
        raise GraphError("edges are held out of static graphs; this one has event times")
    rng = np.random.default_rng(seed)
    source, target, weight = edges_once(graph)
    m, n = round(share * len(source)), graph.num_nodes
    spare = np.flatnonzero(~_forest(source, target, n, rng))
    if m > len(spare):
        raise GraphError(
            f"share={share:g} of {len(source)} edges cannot be held out: without "
            f"{len(source) - len(spare)} of them parts would fall apart"
        )
    away = np.zeros(len(source), bool)
    away[rng.choice(spare, m, replace=False)] = True
    left = None if weight is None else weight[~away]
    rest = Raw(source[~away], target[~away], n, bool(graph.directed), weight=left)
    edges = np.stack([source, target], axis=1)
    return Split(with_edges(graph, rest), edges[away], _others(edges, m, n, graph.directed, rng))


def _forest(source: Pairs, target: Pairs, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(E,) the edges of a random spanning forest."""
    low, high = np.minimum(source, target), np.maximum(source, target)
    rank = 1.0 + rng.permutation(len(source))  # one of two opposite arcs will do: the first
    key, first = np.unique(low * n + high, return_index=True)
    tree = sp.csgraph.minimum_spanning_tree(
        sp.csr_array((rank[first], (key // n, key % n)), shape=(n, n))
    )
    chosen = np.zeros(len(source) + 2, bool)
    chosen[tree.data.astype(np.int64)] = True
    return chosen[rank.astype(np.int64)]


def _others(edges: Pairs, m: int, n: int, directed: bool, rng: np.random.Generator) -> Pairs:
    """(m, 2) different pairs of different nodes without an edge, even among all such."""
    pairs = n * (n - 1) // (1 if directed else 2)
    if len(edges) > MAX_SHARE * pairs:
        raise GraphError(f"{len(edges)} of {pairs} pairs are edges: too few others to draw from")
    taken = np.sort(edges, axis=1) if not directed else edges
    found = np.unique(taken[:, 0] * n + taken[:, 1])
    drawn = np.empty(0, np.int64)
    while len(drawn) < m:
        pair = rng.integers(n, size=(2 * m, 2))
        pair = pair[pair[:, 0] != pair[:, 1]]
        pair = pair if directed else np.sort(pair, axis=1)
        key = pair[:, 0] * n + pair[:, 1]
        drawn = np.concatenate([drawn, key[~np.isin(key, found)]])
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]  # in the order drawn
    return np.stack(np.divmod(drawn[:m], n), axis=1)


def link_prediction(
    embed: Callable[[Data], ArrayLike], graph: Data, *, share: float = HELD_OUT, seed: int = 0
) -> dict[str, float]:
    """Areas under the ROC curve of `dot`, `cosine` and `hadamard` on held-out edges.

    `embed` makes (N, D) vectors from the rest of the graph. The regression of `hadamard` learns
    from the edges of the rest and as many other pairs, none of them judged.

    Raises:
        ValueError, GraphError: as `hold_out`.
    """
    split = hold_out(graph, share, seed=seed)
    rng = np.random.default_rng([seed, 1])
    seen = np.stack(edges_once(split.rest)[:2], axis=1)
    judged = np.concatenate([split.edges, split.others])
    apart = np.concatenate([seen, judged])
    others = _others(apart, len(seen), graph.num_nodes, graph.directed, rng)
    learnt = np.concatenate([seen, others]), np.arange(len(seen) + len(others)) < len(seen)
    truth = np.arange(len(judged)) < len(split.edges)
    z = embed(split.rest)
    return {
        f"auc_{how}": float(roc_auc_score(truth, score_edges(z, judged, how, learnt)))
        for how in ("dot", "cosine", "hadamard")
    }
