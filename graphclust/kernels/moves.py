"""Single nodes of a digraph move between clusters while the imbalance of the flow rises.

The formulas are those of `nn.imbalance`, of hard clusters; letters as there. Two matrices of size K
say all that the imbalance needs, so a node that is tried elsewhere costs its arcs and O(K²).
"""

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.arguments import node_numbers, of_length

KINDS = {"vol_sum": 0, "vol_max": 1, "vol_min": 2, "plain": 3}
LEAST = 1e-9  # by which the imbalance rises where a node moves
TINY = 1e-10  # of all weight: less is what rounding left of a sum that has gone back to 0


def raise_imbalance(
    adjacency: sp.csr_array,
    labels: NDArray[np.int64],
    k: int,
    *,
    normalisation: str = "vol_sum",
    pairs: int = 1,
    sweeps: int = 1,
    free: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(N,) labels after at most so many sweeps, the mean of the β = `pairs` largest not lower.

    In a sweep the nodes `free` are visited in that order; each moves where the imbalance is
    highest, the last of its cluster stays. Ends where a sweep moves none. O(E + N K³) a sweep.

    Raises:
        TypeError, ValueError: labels that are not 0..K−1 or not N, nodes that are not there.
    """
    labels = node_numbers("labels", labels, k).copy()
    of_length("labels", labels, adjacency.shape[0])
    free = node_numbers("free", free, len(labels))
    out, into = (sp.csr_array(a, dtype=np.float64) for a in (adjacency, adjacency.T))
    degree = np.asarray(out.sum(axis=1)).ravel() + np.asarray(into.sum(axis=1)).ravel()
    member = np.eye(k)[labels]
    flow, sizes = member.T @ (out @ member), np.bincount(labels, minlength=k)
    volume = member.T @ degree
    arcs = out.indptr, out.indices, out.data, into.indptr, into.indices, into.data
    state = labels, flow, volume, sizes
    for _ in range(sweeps):
        if not _sweep(*arcs, degree, *state, free, KINDS[normalisation], pairs):
            break
    return labels


@njit(nogil=True, cache=True)
def _sweep(  # type: ignore[no-untyped-def]
    starts, ends, weights, back_starts, back_ends, back_weights,
    degree, labels, flow, volume, sizes, free, kind, pairs,
):  # fmt: skip
    """How many nodes moved; `labels`, `flow`, `volume` and `sizes` follow them."""
    k = len(volume)
    out, into = np.empty(k), np.empty(k)
    moved, current = 0, _imbalance(flow, volume, kind, pairs)
    for i in free:
        own = labels[i]
        if sizes[own] == 1:
            continue
        _to_clusters(starts, ends, weights, labels, i, out)
        _to_clusters(back_starts, back_ends, back_weights, labels, i, into)
        _shift(flow, volume, own, out, into, degree[i], -1.0)
        best, highest = own, current + LEAST
        for other in range(k):
            if other != own:
                _shift(flow, volume, other, out, into, degree[i], 1.0)
                value = _imbalance(flow, volume, kind, pairs)
                _shift(flow, volume, other, out, into, degree[i], -1.0)
                if value > highest:
                    best, highest = other, value
        _shift(flow, volume, best, out, into, degree[i], 1.0)
        if best != own:
            labels[i], current = best, highest
            sizes[own] -= 1
            sizes[best] += 1
            moved += 1
    return moved


@njit(nogil=True, cache=True)
def _to_clusters(starts, ends, weights, labels, i, total):  # type: ignore[no-untyped-def]
    total[:] = 0
    for arc in range(starts[i], starts[i + 1]):
        total[labels[ends[arc]]] += weights[arc]


@njit(nogil=True, cache=True)
def _shift(flow, volume, cluster, out, into, degree, sign):  # type: ignore[no-untyped-def]
    """Put a node into a cluster, or take it out; it has no arc to itself."""
    flow[cluster] += sign * out
    flow[:, cluster] += sign * into
    volume[cluster] += sign * degree


@njit(nogil=True, cache=True)
def _imbalance(flow, volume, kind, pairs):  # type: ignore[no-untyped-def]
    k = len(volume)
    values, at = np.empty(k * (k - 1) // 2), 0
    tiny = TINY * volume.sum()
    second = np.partition(volume, k - 2)[k - 2]
    for a in range(k):
        for b in range(a + 1, k):
            apart, both = abs(flow[a, b] - flow[b, a]), flow[a, b] + flow[b, a]
            if kind == 0:
                value = _ratio(2 * apart, volume[a] + volume[b], tiny)
            elif kind == 1:
                value = _ratio(apart, max(volume[a], volume[b]), tiny)
            else:
                value = _ratio(apart, both, tiny)
                if kind == 2:
                    value *= _ratio(min(volume[a], volume[b]), second, tiny)
            values[at] = value
            at += 1
    if pairs == at:
        return values.mean()
    return np.partition(values, at - pairs)[at - pairs :].mean()


@njit(nogil=True, cache=True)
def _ratio(a, b, tiny):  # type: ignore[no-untyped-def]
    return a / b if b > tiny else 0.0
