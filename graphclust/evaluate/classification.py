"""Node classification: how much of known classes can be read off vectors?

B. Perozzi, R. Al-Rfou, S. Skiena, "DeepWalk: online learning of social representations", KDD
(2014), https://arxiv.org/abs/1403.6652, section 5.1; A. Grover, J. Leskovec, "node2vec: scalable
feature learning for networks", KDD (2016), https://arxiv.org/abs/1607.00653, section 4.3: one
logistic regression a class learns from a random share of the nodes, and others are judged, classes
weighing alike (macro F1) or nodes (micro F1). Letters: N nodes, D dimensions, C classes.

Two protocols, always named. `known counts`, the published one, is told how many classes each judged
node has and takes as many of the likeliest: it has seen a part of the truth. `free` takes every
class of chance ½ or more.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

SPLITS = 10  # random shares, as published


def classification(
    vectors: ArrayLike, y: Any, share: float, *, splits: int = SPLITS, seed: int = 0
) -> dict[str, float]:
    """Mean F1 over random splits: `micro_known`, `macro_known`, `micro_free`, `macro_free`.

    Args:
        vectors: (N, D).
        y: (N, C) zeros and ones, or (N,) classes with −1 for unknown. Nodes without a class are
            left out.
        share: of the nodes to learn from, between 0 and 1.

    Raises:
        ValueError: a share outside (0, 1) or that leaves nothing to learn from or to judge,
            shapes that do not match, no node with a class.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, found {share!r}")
    z, truth = np.asarray(vectors, np.float64), members(y)
    if len(z) != len(truth):
        raise ValueError(f"vectors and y must be of as many nodes, found {len(z)} and {len(truth)}")
    known = truth.any(axis=1)
    z, truth = z[known], truth[known]
    learn = round(share * len(z))
    if not 0 < learn < len(z):
        raise ValueError(f"share={share:g} of {len(z)} nodes with a class leaves none on one side")
    rng, found = np.random.default_rng(seed), []
    for _ in range(splits):
        order = rng.permutation(len(z))
        chance = _chances(z[order[:learn]], truth[order[:learn]], z[order[learn:]])
        judged = truth[order[learn:]]
        found.append(
            [*_f1(judged, likeliest(chance, judged.sum(axis=1))), *_f1(judged, chance >= 0.5)]
        )
    names = ("micro_known", "macro_known", "micro_free", "macro_free")
    return dict(zip(names, np.mean(found, axis=0).tolist(), strict=True))


def members(y: Any) -> NDArray[np.bool_]:
    """(N, C) which classes each node has, from either form of truth."""
    y = np.asarray(y)
    if y.ndim == 2:
        return y > 0
    if not (y >= 0).any():
        raise ValueError("y has no node with a class")
    return y[:, None] == np.unique(y[y >= 0])


def likeliest(chance: NDArray[np.floating], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(M, C) the `counts[i]` likeliest classes of each node i; of equal ones the first."""
    order = np.argsort(-chance, axis=1, kind="stable")
    taken = np.arange(chance.shape[1]) < counts[:, None]
    result = np.empty(chance.shape, np.bool_)
    np.put_along_axis(result, order, taken, axis=1)
    return result


def _chances(z: NDArray, truth: NDArray[np.bool_], judged: NDArray) -> NDArray[np.floating]:
    """(M, C) by one regression a class; 0 or 1 where no node to learn from differs."""
    result = np.repeat(truth[:1].astype(np.float64), len(judged), axis=0)
    for c in np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)):
        model = LogisticRegression(max_iter=1000).fit(z, truth[:, c])
        result[:, c] = model.predict_proba(judged)[:, 1]
    return result


def _f1(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> list[float]:
    return [f1_score(truth, found, average=mean, zero_division=0) for mean in ("micro", "macro")]
