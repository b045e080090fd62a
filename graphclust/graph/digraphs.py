"""Digraphs whose clusters show in the direction of arcs alone: directed stochastic block models.

Y. He, G. Reinert, M. Cucuringu, "DIGRAC: digraph clustering based on flow imbalance", LoG (2022),
https://arxiv.org/abs/2106.05194, section 4.1. Letters: N nodes, K clusters, p density, η noise,
F (K, K) the meta-graph: an arc i → j is there with probability p F[c_i, c_j]. Where the meta-graph
has an arc k → l, F_kl = 1 − η and F_lk = η; elsewhere, and within clusters, F is ½. So every pair
of nodes has the same expected number of arcs, and density tells nothing.
"""

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.convert import finish
from graphclust.graph.errors import GraphError
from graphclust.graph.raw import Raw

Ints = NDArray[np.int64]
Floats = NDArray[np.floating]
Shape = Literal["cycle", "path", "complete", "star", "multipartite"]
LEAST = {"cycle": 3, "path": 2, "complete": 2, "star": 2, "multipartite": 3}  # clusters


def dsbm(
    n: int = 1000,
    k: int = 3,
    p: float = 0.1,
    eta: float = 0.1,
    shape: str = "cycle",
    ratio: float = 1.0,
    ambient: bool = False,
    legacy: bool = False,
    seed: int = 0,
) -> Data:
    """Directed stochastic block model of a meta-graph; blocks in `y`. O(N + E + K²).

    `cycle`: k → k + 1, the last to the first; `path`: the same without that; `complete`: every pair
    of clusters, its direction drawn with the seed; `star`: even leaves → centre → odd leaves;
    `multipartite`: three groups of ⌈K/9⌉, ⌈3K/9⌉ and the other clusters, arcs from the last group
    to the second to the first. The clusters of one side of a star, and those of one group, have the
    same arcs in expectation: no method can tell them apart.

    Args:
        ratio: ρ: the largest cluster is that many times the smallest; sizes grow geometrically.
        ambient: the last cluster takes no part in the meta-graph.
        legacy: the published star, whose centre, where its number is even, is denser within.
    """
    f = meta_graph(shape, k, eta, ambient=ambient, legacy=legacy, seed=seed)
    if not 0 <= p <= 1:
        raise GraphError(f"p must lie in [0, 1], found {p}")
    sizes = geometric_sizes(n, k, ratio)
    rng = np.random.default_rng(seed)
    start = np.r_[0, np.cumsum(sizes)]
    arcs = [
        np.stack(_block(rng, p * f[a, b], int(sizes[a]), int(sizes[b]), a == b))
        + start[[a, b]][:, None]
        for a in range(k)
        for b in range(k)
    ]
    source, target = np.concatenate(arcs, axis=1)
    return finish(Raw(source, target, n, directed=True, y=np.repeat(np.arange(k), sizes)))


def meta_graph(
    shape: str, k: int, eta: float, *, ambient: bool = False, legacy: bool = False, seed: int = 0
) -> Floats:
    """(K, K) F."""
    if shape not in get_args(Shape):
        raise GraphError(f"shape must be one of {', '.join(get_args(Shape))}, found {shape!r}")
    if not 0 <= eta <= 0.5:
        raise GraphError(f"eta must lie in [0, 0.5], found {eta}")
    inner = k - ambient
    if inner < LEAST[shape]:
        beside = " beside the ambient one" if ambient else ""
        raise GraphError(f"a {shape} has at least {LEAST[shape]} clusters{beside}, found k={k}")
    f = np.full((k, k), 0.5)
    for a, b in _meta_arcs(shape, inner, np.random.default_rng([seed, 1])):
        f[a, b], f[b, a] = 1 - eta, eta
    centre = (inner - 1) // 2
    if legacy and shape == "star" and centre % 2 == 0:
        f[centre, centre] = 1 - eta
    return f


def _meta_arcs(shape: str, k: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    if shape in ("cycle", "path"):
        return [(a, (a + 1) % k) for a in range(k if shape == "cycle" else k - 1)]
    if shape == "complete":
        pairs = [(a, b) for a in range(k) for b in range(a)]
        turned = rng.random(len(pairs)) < 0.5
        return [(b, a) if t else (a, b) for (a, b), t in zip(pairs, turned, strict=True)]
    if shape == "star":
        centre = (k - 1) // 2
        leaves = [a for a in range(k) if a != centre]
        return [(centre, a) if a % 2 else (a, centre) for a in leaves]
    first = math.ceil(k / 9)
    second = first + math.ceil(3 * k / 9)
    groups = range(first), range(first, second), range(second, k)
    return [(a, b) for i in (1, 2) for a in groups[i] for b in groups[i - 1]]


def geometric_sizes(n: int, k: int, ratio: float) -> Ints:
    """(K,) sizes that sum to N, in geometric progression; the last is `ratio` times the first."""
    if not 1 <= k <= n:
        raise GraphError(f"k must lie between 1 and n={n}, found {k}")
    if not 1 <= ratio < math.inf:
        raise GraphError(f"ratio must be at least 1, found {ratio}")
    share = np.geomspace(1, ratio, k)
    bounds = np.rint(n * np.r_[0, np.cumsum(share / share.sum())]).astype(np.int64)
    sizes = np.diff(bounds)
    if sizes.min() < 1:
        raise GraphError(f"{n} nodes are too few for {k} clusters at a ratio of {ratio:g}")
    return sizes


def _block(rng: np.random.Generator, p: float, rows: int, columns: int, own: bool) -> tuple:
    """Ends of the arcs of one block, each cell drawn with probability p; the diagonal left out."""
    width = columns - own
    row, column = np.divmod(_bernoulli(rng, p, rows * width), max(width, 1))
    return row, column + (own & (column >= row))


def _bernoulli(rng: np.random.Generator, p: float, cells: int) -> Ints:
    """The successes among so many trials, by leaps from one to the next: O(successes).

    V. Batagelj, U. Brandes, "Efficient generation of large random networks", Phys. Rev. E 71
    (2005).
    """
    found, last = [np.empty(0, np.int64)], -1
    while p > 0 and cells and last < cells:
        ahead = p * (cells - last)
        leaps = rng.geometric(p, int(ahead + 4 * math.sqrt(ahead) + 8))
        found.append(last + np.cumsum(leaps))
        last = int(found[-1][-1])
    success = np.concatenate(found)
    return success[success < cells]
