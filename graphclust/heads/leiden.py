"""Leiden by igraph or leidenalg.

V. Traag, L. Waltman, N. J. van Eck, "From Louvain to Leiden", Sci. Rep. 9 (2019).
https://doi.org/10.1038/s41598-019-41695-z
"""

import math
from collections.abc import Callable
from typing import Any

import igraph
import leidenalg
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
ROUNDING = 1e-10  # less gain (objective over 2m) than any move of a node brings


def leiden(
    g: igraph.Graph,
    *,
    objective: str,
    resolution: float,
    n_iterations: int,
    engine: str,
    seed: int,
    initial: Labels | None = None,
    weights: NDArray[np.floating] | None = None,
    sizes: NDArray[np.floating] | None = None,
    trace: Callable[..., bool] = lambda *_, **__: False,
) -> tuple[Labels, float]:
    """Labels (N,) and the objective's value as the engine states it.

    igraph draws from Python's global generator (`seeded` makes that repeatable), leidenalg from
    `seed`. A graph without edges stays in singletons. `g` is that of `to_igraph`, so that a search
    which runs many times converts once, or with `weights` (igraph only) of `matrix_to_igraph`.
    `sizes` of the nodes count for the objective "cpm".
    """
    if g.ecount() == 0:
        return np.arange(g.vcount()), 0.0
    start = None if initial is None else initial.tolist()
    if engine == "igraph":
        return _igraph(g, objective, resolution, n_iterations, weights, sizes, start, trace)
    return _leidenalg(g, objective, resolution, n_iterations, seed, sizes, start, trace)


def _igraph(
    g: igraph.Graph,
    objective: str,
    resolution: float,
    rounds: int,
    given: NDArray[np.floating] | None,
    sizes: NDArray[np.floating] | None,
    start: Any,
    trace: Any,
) -> tuple[Labels, float]:
    weights: Any = "weight" if g.is_weighted() else None
    if given is not None:
        weights = given.astype(np.float64).data  # read at once, with no object a number
    null = {}
    if g.is_directed() and objective == "modularity":  # left alone, igraph takes out × out
        null = {
            "node_weights": g.strength(mode="out", weights=weights),
            "node_in_weights": g.strength(mode="in", weights=weights),
        }
    if objective == "cpm" and sizes is not None:
        null = {"node_weights": sizes.tolist()}
    membership, quality, done = start, -math.inf, 0
    while done != rounds:
        found = g.community_leiden(
            objective_function="CPM" if objective == "cpm" else "modularity",
            weights=weights,
            resolution=resolution,
            n_iterations=1,
            initial_membership=membership,
            **null,
        )
        gain = found.quality - quality
        membership, quality = found.membership, found.quality
        if trace(done, quality=quality) or (rounds < 0 and not gain > ROUNDING):
            break
        done += 1
    return np.asarray(membership, dtype=np.int64), float(quality)


def _leidenalg(
    g: igraph.Graph,
    objective: str,
    resolution: float,
    rounds: int,
    seed: int,
    sizes: NDArray[np.floating] | None,
    start: Any,
    trace: Any,
) -> tuple[Labels, float]:
    """One layer, or for signed graphs the positive layer minus the negative one."""
    optimiser = leidenalg.Optimiser()
    optimiser.set_rng_seed(seed % 2**31)
    layers = _layers(g, objective, resolution, sizes, start)
    weights = [1, -1][: len(layers)]
    done = 0
    while done != rounds:
        gain = optimiser.optimise_partition_multiplex(layers, weights, n_iterations=1)
        quality = sum(w * layer.quality() for w, layer in zip(weights, layers, strict=True))
        if trace(done, quality=quality) or (rounds < 0 and not gain > 0):
            break
        done += 1
    return np.asarray(layers[0].membership, dtype=np.int64), float(quality)


def _layers(
    g: igraph.Graph,
    objective: str,
    resolution: float,
    sizes: NDArray[np.floating] | None,
    start: Any,
) -> list[Any]:
    kinds = {
        "modularity": leidenalg.RBConfigurationVertexPartition,
        "cpm": leidenalg.CPMVertexPartition,
    }

    def layer(part: igraph.Graph, gamma: float) -> Any:
        options: dict[str, Any] = {"weights": "weight" if part.is_weighted() else None}
        if objective == "cpm" and sizes is not None:
            options["node_sizes"] = sizes.astype(int).tolist()
        return kinds[objective](
            part, resolution_parameter=gamma, initial_membership=start, **options
        )

    if not g.is_weighted() or min(g.es["weight"]) >= 0:
        return [layer(g, resolution)]
    positive = g.subgraph_edges(g.es.select(weight_gt=0), delete_vertices=False)
    negative = g.subgraph_edges(g.es.select(weight_lt=0), delete_vertices=False)
    negative.es["weight"] = [-w for w in negative.es["weight"]]
    if objective == "cpm":  # the size penalty counts once
        return [layer(positive, resolution), layer(negative, 0.0)]
    if positive.ecount() == 0:  # modularity without positive weight is 0/0: nothing attracts
        return [layer(positive, 0.0), layer(negative, 0.0)]
    return [layer(positive, resolution), layer(negative, resolution)]
