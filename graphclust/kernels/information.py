"""Adjusted mutual information of two partitions, fast where many clusters are of one size.

N. Vinh, J. Epps, J. Bailey, JMLR 11 (2010), eq. 24 and 25, with the arithmetic mean of the
entropies. Letters: N nodes, A and B clusters, a and b their sizes, n nodes that two share.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

BLOCK = 1 << 20  # terms held at one time
Floats = NDArray[np.float64]


def adjusted_mutual_information(a: NDArray[np.integer], b: NDArray[np.integer]) -> float:
    """(MI − E[MI]) / (mean entropy − E[MI]) of two (N,) labellings: 0 as by chance, 1 where they
    are the same.

    E[MI] is a sum over pairs of sizes rather than of clusters: O(N log N + S² m) for S different
    sizes and m nodes in the smaller cluster of a pair. NaN where it is 0 / 0: for a single cluster
    each, or where all nodes are alone in both.
    """
    a, size_a = np.unique(a, return_inverse=True, return_counts=True)[1:]
    b, size_b = np.unique(b, return_inverse=True, return_counts=True)[1:]
    both = np.unique(a * len(size_b) + b, return_counts=True)[1]
    single = _entropy(size_a) + _entropy(size_b)
    expected = expected_information(size_a, size_b)
    above, most = single - _entropy(both) - expected, single / 2 - expected
    return above / most if abs(most) > 1e-12 else float("nan")


def _entropy(sizes: NDArray[np.integer]) -> float:
    n = sizes.sum()
    return float(np.log(n) - xlogy(sizes, sizes).sum() / n)


def expected_information(size_a: NDArray[np.integer], size_b: NDArray[np.integer]) -> float:
    """E[MI] of two random partitions with clusters of these sizes, in nats.

    Σ_a Σ_b Σ_n n/N log(N n / (a b)) P(n), where P is hypergeometric; n runs over 1, …, min(a, b).
    """
    total = int(size_a.sum())
    log = _log_factorials(total)
    ours, times = np.unique(size_a, return_counts=True)
    theirs, weight = np.unique(size_b, return_counts=True)
    value = 0.0
    for a, often in zip(ours.tolist(), times.tolist(), strict=True):
        step = max(1, BLOCK // a)
        for start in range(0, len(theirs), step):
            b = theirs[start : start + step, None]
            n = np.arange(1, min(a, int(b[-1, 0])) + 1)
            there = (n <= b) & (n >= a + b - total)
            rest, left = np.where(there, b - n, 0), np.where(there, total - a - b + n, 0)
            fixed = log[a] + log[total - a] - log[total] + log[b] + log[total - b]
            exponent = fixed - log[n] - log[a - n] - log[rest] - log[left]
            chance = np.exp(np.where(there, exponent, -np.inf))
            terms = (n * np.log(total * n / (a * b)) * chance).sum(axis=1)
            value += often * float(weight[start : start + step] @ terms)
    return value / total


@lru_cache(maxsize=4)
def _log_factorials(n: int) -> Floats:
    """(n + 1,) log 0! to log n!"""
    return gammaln(np.arange(n + 1) + 1.0)
