"""How far partitions agree: between the runs of a method, and between methods.

AMI is the adjusted mutual information, 0 as by chance, 1 where two partitions are the same: N.
Vinh, J. Epps, J. Bailey, JMLR 11 (2010). `runs` holds the labels of a method's runs by seed, None
of those that failed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.kernels.information import adjusted_mutual_information

Labels = NDArray[np.integer]
Runs = Sequence[Labels | None]
MOST = 0.9  # of the nodes in one cluster
AMI = (
    "AMI is 0 as by chance and 1 where two partitions are the same; one that says nothing (nine "
    "tenths of the nodes in one cluster, or every node in its own) counts as 0."
)


def trivial(labels: Labels) -> bool:
    """Does a partition say nothing: are MOST nodes in one cluster, or is each in its own?"""
    sizes = np.unique(labels, return_counts=True)[1]
    return len(sizes) == len(labels) or bool(sizes.max() >= MOST * len(labels))


def ami(a: Labels, b: Labels, where: NDArray[np.bool_] | None = None) -> float:
    """AMI of two partitions (of the nodes `where`); 0 if one of them is `trivial`."""
    if where is not None:
        a, b = a[where], b[where]
    if trivial(a) or trivial(b):
        return 0.0
    return adjusted_mutual_information(a, b)


def linked(graph: Data) -> NDArray[np.bool_]:
    """(N,) has a node an edge?"""
    found = np.zeros(graph.num_nodes, np.bool_)
    found[graph.edge_index.numpy().ravel()] = True
    return found


def over_seeds(runs: Runs) -> list[float]:
    """AMI of each run with the next one, and of the last with the first; none of a single run."""
    good = [labels for labels in runs if labels is not None]
    pairs = {tuple(sorted((i, (i + 1) % len(good)))) for i in range(len(good))}
    return [ami(good[i], good[j]) for i, j in sorted(pairs) if i != j]


def between(a: Runs, b: Runs) -> float:
    """Mean AMI of two methods over the seeds; a method that runs once has one result for all."""
    seeds = max(len(a), len(b))
    pairs = zip(*(list(runs) * (seeds if len(runs) == 1 else 1) for runs in (a, b)), strict=False)
    return _mean([ami(x, y) for x, y in pairs if x is not None and y is not None])


def agreements(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """(M, M) mean AMI between methods; on the diagonal that between seeds of a method."""
    names, values = list(runs), np.full((len(runs), len(runs)), np.nan)
    for i, name in enumerate(names):
        alone = runs[name]
        values[i, i] = between(alone, alone) if len(alone) == 1 else _mean(over_seeds(alone))
        for j in range(i):
            values[i, j] = values[j, i] = between(alone, runs[names[j]])
    return pd.DataFrame(values, index=names, columns=names)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
