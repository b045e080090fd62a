"""graphclust.tune: which number of clusters, or which resolution? By stability, without labels.

A value v is worth as much as its clusters are more stable on the graph than on rewired graphs:
a_v = (AMI_v(graph) − AMI_v(rewired)) / (1 − AMI_v(rewired)), where AMI_v(G) is the mean agreement
of the clusters found on samples of the edges of G. Stability alone prefers few clusters, and finds
them in noise. Stability under resampling: A. Ben-Hur, A. Elisseeff, I. Guyon, PSB
(2002); T. Lange, V. Roth, M. Braun, J. Buhmann, Neural Comput. 16 (2004); of communities: B.
Karrer, E. Levina, M. Newman, Phys. Rev. E 77 (2008), who perturb edges beside a random graph.

Letters: R rewired graphs, V values, S samples of each graph.
"""

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.base import Method, without_labels
from graphclust.evaluate.agreement import Labels, ami, linked
from graphclust.evaluate.choice import NULLS, Tuning, choose
from graphclust.evaluate.values import with_values
from graphclust.graph.resample import check_share, edge_sample, rewired
from graphclust.loaders import opened

Array = NDArray[np.float64]
Progress = Callable[[int, int, str], None]
FEW = 3  # samples of a rewired graph
LEAST = {"samples": FEW, "nulls": NULLS}  # of which spread can be told


def tune(
    graph: Any,
    method: str | type[Method] | Method = "leiden",
    *,
    over: str = "resolution",
    values: Iterable[float] | None = None,
    samples: int = 10,
    nulls: int = NULLS,
    share: float | None = 0.8,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tuning:
    """Choose a numeric parameter of a method by null-adjusted stability; labels are not looked at.

    A value is tried on `samples` samples of the edges of the graph, and FEW of each of `nulls`
    rewired graphs, which have the same degrees: V (1 + S + FEW · R) fits. A partition that says
    nothing (`agreement.trivial`) agrees with none, so that it is never chosen for being stable.
    Where more than one in twenty rewired graphs gets as far with its own best value as the graph
    with its, on as few samples, none is chosen. Features are the same in all graphs: what a method
    reads off them alone is stable in all, and cancels.

    Args:
        graph: anything `as_graph` takes, or a name or path for `load`.
        method: a name in METHODS, a class, or a method whose other parameters are kept.
        over: the parameter, `n_clusters` or `resolution` say.
        values: to try; None: a grid about the default within the range of the parameter.
        share: of the edges in a sample; None: the bootstrap, which finds less.
        seed: of samples, rewiring and fits: same seed, same choice.
        progress: called as `progress(done, total, label)` before each fit and at the end.

    Raises:
        ValueError, TypeError: an argument is wrong, or the method reads no edges.
        GraphError: the graph lacks what the method needs.
    """
    _whole(samples=samples, nulls=nulls)
    check_share(share)
    data = without_labels(opened(graph))
    models = with_values(method, over, values, data.num_nodes, seed)
    ticks = _ticks(progress, len(models) * (1 + samples + FEW * nulls), over)
    whole = [_fit(model, data, ticks) for model in models]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the same kind as on the whole graph, which were shown
        own = _stability(data, models, _seeds(seed, 0, samples), share, ticks)
        null = []
        for number in range(1, nulls + 1):
            first, *seeds = _seeds(seed, number, FEW + 1)
            null.append(_stability(rewired(data, first), models, seeds, share, ticks))
    next(ticks)
    return choose(over, models, whole, own, np.array(null))


def _seeds(seed: int, number: int, wanted: int) -> list[int]:
    return np.random.default_rng([seed, number]).integers(2**31, size=wanted).tolist()


def _whole(**counts: Any) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} must be a whole number, found {value!r}")
        if value < LEAST[name]:
            raise ValueError(f"{name} must be at least {LEAST[name]}, found {value}")


def _ticks(progress: Progress | None, total: int, name: str) -> Iterator[int]:
    """One more fit at each step, and the end after the last; numbers from 1."""
    for done in range(total + 1):
        if progress:
            progress(done, total, name if done < total else "")
        yield done + 1


def _fit(model: Method, graph: Data, ticks: Iterator[int]) -> Labels:
    next(ticks)
    return model.fit(graph).labels


def _stability(
    graph: Data, models: list[Method], seeds: list[int], share: float | None, ticks: Iterator[int]
) -> Array:
    """(V, P) AMI between the clusters found on each pair of samples of the edges, of the nodes that
    have an edge in both; pairs of earlier samples come first."""
    found: list[list[Labels]] = []
    where = []
    for seed in seeds:
        sample = edge_sample(graph, seed, share)
        where.append(linked(sample))
        models = [dataclasses.replace(model, seed=seed) for model in models]
        found.append([_fit(model, sample, ticks) for model in models])
    pairs = [(i, j) for j in range(len(seeds)) for i in range(j)]
    return np.array(
        [
            [ami(found[i][v], found[j][v], where[i] & where[j]) for i, j in pairs]
            for v in range(len(models))
        ]
    )
