"""Graphs with planted clusters: stochastic block models and the LFR benchmark; GENERATORS has all.

Every generator returns a PyG `Data` with the planted blocks in `y`; same seed, same graph.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.convert import finish
from graphclust.graph.digraphs import dsbm
from graphclust.graph.errors import GraphError
from graphclust.graph.export import edges_once
from graphclust.graph.raw import Raw
from graphclust.kernels.determinism import seeded

LFR_TRIES = 10


def sbm(n: int = 1000, k: int = 5, p_in: float = 0.1, p_out: float = 0.01, seed: int = 0) -> Data:
    """Planted partition: k blocks of nearly equal size, edge probability p_in inside, p_out across.

    P. Holland, K. Laskey, S. Leinhardt, Soc. Networks 5 (1983). O(N + E).
    """
    import igraph

    _check(n, k, p_in=p_in, p_out=p_out)
    y = _blocks(n, k)
    chances = np.full((k, k), p_out) + np.eye(k) * (p_in - p_out)
    with seeded(seed):
        g = igraph.Graph.SBM(chances.tolist(), np.bincount(y, minlength=k).tolist())
    edges = np.asarray(g.get_edgelist(), dtype=np.int64).reshape(-1, 2)
    return finish(Raw(edges[:, 0], edges[:, 1], n, directed=False, y=y))


def signed_sbm(n: int = 1000, k: int = 5, p: float = 0.05, eta: float = 0.1, seed: int = 0) -> Data:
    """Signed SBM: any two nodes have an edge with chance p, +1 inside blocks and −1 across, but a
    share `eta` of the edges has the other sign.

    M. Cucuringu, P. Davies, A. Glielmo, H. Tyagi, "SPONGE", AISTATS 2019,
    https://arxiv.org/abs/1904.08575. O(N + E).
    """
    _check(n, k, p=p, eta=eta)
    graph = sbm(n, k, p, p, seed)
    y = graph.y.numpy()
    source, target = edges_once(graph)[:2]
    weight = np.where(y[source] == y[target], 1.0, -1.0)
    weight[np.random.default_rng(seed).random(len(weight)) < eta] *= -1
    return finish(Raw(source, target, n, directed=False, weight=weight, y=y))


def dcsbm(
    n: int = 1000,
    k: int = 5,
    degree: float = 15.0,
    mixing: float = 0.2,
    exponent: float = 2.5,
    seed: int = 0,
) -> Data:
    """Degree-corrected SBM: expected degrees follow a power law, a share `mixing` leaves the block.

    B. Karrer, M. Newman, Phys. Rev. E 83 (2011). Node weights θ ~ Pareto(exponent), at most √N
    times the smallest; N·degree/2 edges are drawn with ends by θ, one end's block being the other's
    with probability 1 − mixing, else any other. Loops and repeats are dropped, so the mean degree
    comes out a little lower. O(N + E).
    """
    _check(n, k, mixing=mixing)
    if degree <= 0 or exponent <= 1:
        raise GraphError(f"degree must be > 0, exponent > 1; found {degree}, {exponent}")
    rng = np.random.default_rng(seed)
    y = _blocks(n, k)
    theta = _pareto(n, exponent, rng)
    m = round(n * degree / 2)
    source = rng.choice(n, m, p=theta / theta.sum())
    target = _partners(source, y, k, theta, mixing, rng)
    low, high = np.minimum(source, target), np.maximum(source, target)
    low, high = np.divmod(np.unique((low * n + high)[low < high]), n)
    return finish(Raw(low, high, n, directed=False, y=y))


def lfr(
    n: int = 1000,
    mu: float = 0.2,
    degree: float = 15.0,
    max_degree: int = 50,
    tau1: float = 2.5,
    tau2: float = 1.5,
    min_community: int = 30,
    max_community: int = 100,
    seed: int = 0,
) -> Data:
    """LFR benchmark: power-law degrees (tau1) and community sizes (tau2), a share `mu` of each
    node's edges leaves its community. networkx's, tried up to LFR_TRIES times; the
    share that leaves comes out a few hundredths above `mu`.

    A. Lancichinetti, S. Fortunato, F. Radicchi, Phys. Rev. E 78 (2008).

    Raises:
        GraphError: no graph with these parameters was found.
    """
    import networkx as nx

    if not 0 < degree <= max_degree <= n // 2:  # a larger hub would find too few partners
        raise GraphError(
            f"degree and max_degree must satisfy 0 < degree ≤ max_degree ≤ n/2 = {n // 2}, "
            f"found {degree}, {max_degree}"
        )
    for attempt in range(LFR_TRIES):
        try:
            g = nx.LFR_benchmark_graph(
                n,
                tau1,
                tau2,
                mu,
                average_degree=degree,
                max_degree=max_degree,
                min_community=min_community,
                max_community=max_community,
                seed=seed + attempt * 2**20,
            )
            break
        except (nx.ExceededMaxIterations, nx.NetworkXError) as error:
            reason = str(error)
    else:
        raise GraphError(
            f"no LFR graph with n={n}, mu={mu}, degree={degree}, max_degree={max_degree}, "
            f"tau1={tau1}, tau2={tau2}, communities of {min_community} to {max_community}: {reason}"
        )
    communities = sorted({min(c): c for _, c in g.nodes(data="community")}.items())
    y = np.empty(n, np.int64)
    for label, (_, nodes) in enumerate(communities):
        y[list(nodes)] = label
    edges = np.array([(u, v) for u, v in g.edges if u != v], dtype=np.int64)
    return finish(Raw(edges[:, 0], edges[:, 1], n, directed=False, y=y))


def attributed_sbm(
    n: int = 1000,
    k: int = 5,
    p_in: float = 0.1,
    p_out: float = 0.01,
    features: int = 32,
    signal: float = 1.0,
    seed: int = 0,
) -> Data:
    """`sbm` with Gaussian features: unit noise around block centres ~ N(0, signal² I)."""
    if features < 1 or signal < 0:
        raise GraphError(f"features must be ≥ 1, signal ≥ 0; found {features}, {signal}")
    graph = sbm(n, k, p_in, p_out, seed)
    rng = np.random.default_rng(seed)
    centres = signal * rng.standard_normal((k, features))
    x = centres[graph.y.numpy()] + rng.standard_normal((n, features))
    source, target = graph.edge_index.numpy()
    return finish(Raw(source, target, n, directed=False, x=x, y=graph.y))


def temporal_sbm(
    n: int = 1000,
    k: int = 5,
    events: int = 10_000,
    mixing: float = 0.2,
    exponent: float = 2.5,
    moving: float = 0.0,
    seed: int = 0,
) -> Data:
    """Events between nodes of k blocks at even random times in [0, 1).

    The source of an event is drawn with chances θ ~ Pareto(exponent), at most √n times the
    smallest; the target, likewise, from the source's block with probability 1 − mixing, else from
    another one. From time ½ on a share `moving` of the nodes, drawn evenly, is in the next block,
    which is what `y` says of them. Loops are dropped. O(N + E k).
    """
    _check(n, k, mixing=mixing, moving=moving)
    if events < 0 or exponent <= 1:
        raise GraphError(f"events must be ≥ 0, exponent > 1; found {events}, {exponent}")
    rng = np.random.default_rng(seed)
    before = _blocks(n, k)
    after = (before + (rng.random(n) < moving)) % k
    theta = _pareto(n, exponent, rng)
    t = np.sort(rng.random(events))
    source = rng.choice(n, events, p=theta / theta.sum())
    target = np.empty(events, np.int64)
    for half, y in ((t < 0.5, before), (t >= 0.5, after)):
        target[half] = _partners(source[half], y, k, theta, mixing, rng)
    once = source != target
    return finish(Raw(source[once], target[once], n, directed=False, t=t[once], y=after))


def categorical_sbm(
    n: int = 1000,
    k: int = 5,
    degree: float = 10.0,
    contrast: float = 0.3,
    fidelity: float = 0.6,
    attributes: int = 2,
    seed: int = 0,
) -> Data:
    """`sbm` of mean degree `degree` with p_out = `contrast` · p_in, and categorical attributes:
    each has the node's block for its value with chance `fidelity`, else any of the k at random.
    Features are one-hot, attribute by attribute.
    """
    _check(n, k, contrast=contrast, fidelity=fidelity)
    if degree <= 0:
        raise GraphError(f"degree must be > 0, found {degree}")
    p_in = degree * k / (n * (1 + (k - 1) * contrast))
    return _with_categories(sbm(n, k, p_in, contrast * p_in, seed), fidelity, attributes, seed)


def attributed_lfr(
    n: int = 1000, mu: float = 0.3, fidelity: float = 0.5, attributes: int = 2, seed: int = 0
) -> Data:
    """`lfr` with the categorical attributes of `categorical_sbm`, a value for each community."""
    _check(n, 1, fidelity=fidelity)
    return _with_categories(lfr(n, mu, seed=seed), fidelity, attributes, seed)


def _with_categories(graph: Data, fidelity: float, attributes: int, seed: int) -> Data:
    if attributes < 1:
        raise GraphError(f"attributes must be ≥ 1, found {attributes}")
    rng, y = np.random.default_rng(seed), graph.y.numpy()
    n, k = len(y), int(y.max()) + 1
    faithful = rng.random((n, attributes)) < fidelity
    codes = np.where(faithful, y[:, None], rng.integers(0, k, (n, attributes)))
    x = np.eye(k)[codes].reshape(n, attributes * k)
    source, target = graph.edge_index.numpy()
    return finish(Raw(source, target, n, directed=False, x=x, y=graph.y))


GENERATORS: dict[str, Callable[..., Data]] = {
    "sbm": sbm,
    "signed_sbm": signed_sbm,
    "dcsbm": dcsbm,
    "lfr": lfr,
    "attributed_sbm": attributed_sbm,
    "categorical_sbm": categorical_sbm,
    "attributed_lfr": attributed_lfr,
    "dsbm": dsbm,
    "temporal_sbm": temporal_sbm,
}


def _pareto(n: int, exponent: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) node weights, at most √n times the smallest possible."""
    theta: NDArray[np.float64] = (1 - rng.random(n)) ** (-1 / (exponent - 1))
    return np.minimum(theta, np.sqrt(n))


def _partners(
    source: NDArray[np.int64],
    y: NDArray[np.int64],
    k: int,
    theta: NDArray[np.float64],
    mixing: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """For each source a node by θ, of its block or with probability `mixing` of another."""
    m = len(source)
    away = rng.integers(1, k, m) if k > 1 else np.zeros(m, np.int64)
    block = (y[source] + np.where(rng.random(m) < mixing, away, 0)) % k
    target = source.copy()  # an empty block has nobody to meet: a loop
    for b in range(k):
        inside, wanted = np.flatnonzero(y == b), np.flatnonzero(block == b)
        if len(inside):
            target[wanted] = rng.choice(inside, len(wanted), p=theta[inside] / theta[inside].sum())
    return target


def _blocks(n: int, k: int) -> NDArray[np.int64]:
    return np.arange(n) * k // n


def _check(n: int, k: int, **probabilities: float) -> None:
    if not 1 <= k <= n:
        raise GraphError(f"k must lie between 1 and n={n}, found {k}")
    for name, value in probabilities.items():
        if not 0 <= value <= 1:
            raise GraphError(f"{name} must lie in [0, 1], found {value}")
