"""Sparse matrices and edge arrays: coalescing, symmetry, normalised adjacency."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.floating]
Edges = tuple[Ints, Ints, Floats | None]
BLOCK = 1 << 16
PRODUCTS = 1 << 24  # multiplications of sparse rows at a time


def coalesce(
    row: Ints, col: Ints, weight: Floats | None, n: int, *, undirected: bool = False
) -> Edges:
    """Sort edges by (row, col) and merge repeats; O(E log E) time, O(E) memory.

    Args:
        row, col: (E,) node numbers in 0..n-1.
        weight: (E,) or None. Weights of repeats are summed; without weights a repeat is dropped.
        undirected: the lower number of each edge becomes its row.
    """
    key = np.empty(len(row), np.int64)
    for i in range(0, len(row), BLOCK):  # what is computed on the way stays in the cache
        ends = row[i : i + BLOCK], col[i : i + BLOCK]
        low, high = (np.minimum(*ends), np.maximum(*ends)) if undirected else ends
        np.add(low * n, high, out=key[i : i + BLOCK])
    if weight is None:
        key.sort()  # np.unique hashes, which is twenty times as slow here
        return *_ends(key[_starts(key)], n), None
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(_starts(key))
    summed = np.add.reduceat(weight[order], first) if len(first) else weight
    return *_ends(key[first], n), summed.astype(weight.dtype, copy=False)


def _ends(key: Ints, n: int) -> tuple[Ints, Ints]:
    """Row and column of row · n + column; a product is faster than a remainder."""
    row, col = np.empty((2, len(key)), np.int64)
    np.floor_divide(key, n, out=row)
    np.multiply(row, n, out=col)
    np.subtract(key, col, out=col)
    return row, col


def _starts(key: Ints) -> NDArray[np.bool_]:
    """Where does a sorted array change?"""
    starts = np.ones(len(key), dtype=bool)
    starts[1:] = key[1:] != key[:-1]
    return starts


def mirror(low: Ints, high: Ints, weight: Floats | None, n: int) -> Edges:
    """Both directions of coalesced edges low < high, sorted by (row, col); O(N + E)."""
    index = index_type(n, 2 * len(low))
    if weight is None:
        number = np.ones(len(low), np.int8)
    else:
        number = np.arange(1, len(low) + 1, dtype=index)  # of the edge; scipy would drop a zero
    upper = sp.csr_array((number, (low.astype(index), high.astype(index))), shape=(n, n))
    both = upper + upper.T.tocsr()  # disjoint, so that nothing is added up
    del upper
    row, col = np.empty((2, both.nnz), np.int64)
    row[:] = np.repeat(np.arange(n, dtype=index), np.diff(both.indptr))
    col[:] = both.indices
    return row, col, None if weight is None else weight[both.data - 1]


def is_coalesced(row: Ints, col: Ints, n: int) -> bool:
    """Are the edges in strictly increasing (row, col) order, so without repeats?"""
    for i in range(0, len(row), BLOCK):  # what is compared stays in the cache
        key = row[i : i + BLOCK + 1] * n + col[i : i + BLOCK + 1]
        if not (key[1:] > key[:-1]).all():
            return False
    return True


def mirror_weights(row: Ints, col: Ints, weight: Floats, n: int) -> Floats | None:
    """Of each edge of a coalesced list, the weight of its mirror image; None if one is missing.

    O(N + E), by a transposition.
    """
    index = index_type(n, len(row))
    start = np.zeros(n + 1, index)
    np.cumsum(np.bincount(row, minlength=n), out=start[1:])
    return mirror_values(start, col.astype(index), weight)


def mirror_values(start: NDArray[Any], target: NDArray[Any], values: Any) -> NDArray[Any] | None:
    """As `mirror_weights`, of the rows of a CSR matrix with sorted columns."""
    n = len(start) - 1
    turned = sp.csr_array((values, target, start), shape=(n, n)).tocsc()
    same = np.array_equal(turned.indptr, start) and np.array_equal(turned.indices, target)
    return turned.data if same else None


def is_symmetric(row: Ints, col: Ints, weight: Floats | None, n: int) -> bool:
    """Has every edge of a coalesced list its mirror image, with the same weight? O(N + E)."""
    if weight is None:
        return mirror_weights(row, col, np.ones(len(row), np.int8), n) is not None
    mirrored = mirror_weights(row, col, weight, n)
    return mirrored is not None and bool(np.array_equal(mirrored, weight))


def index_type(n: int, entries: int) -> type[np.signedinteger]:
    """The narrowest index type of scipy that numbers `n` nodes and `entries` entries."""
    return np.int32 if max(n, entries) < 2**31 else np.int64


def normalised_adjacency(adjacency: sp.csr_array, regularisation: float = 0.0) -> sp.csr_array:
    """D_τ^-½ A D_τ^-½ with D_τ = D + τI, where D holds the row sums and τ = regularisation.

    A row whose D_τ is zero (an isolated node) stays zero.
    """
    degree = np.asarray(adjacency.sum(axis=1)).ravel() + regularisation
    return rescaled(adjacency, degree, -0.5, degree, -0.5)


def rescaled(
    matrix: sp.csr_array,
    rows: Floats,
    row_power: float,
    columns: Floats | None = None,
    column_power: float = 0.0,
) -> sp.csr_array:
    """diag(rows)^row_power · M · diag(columns)^column_power, with 0 to any power 0."""
    scale = _power(rows, row_power)
    result = sp.csr_array(matrix, dtype=np.result_type(matrix.dtype, scale), copy=True)
    result.data *= np.repeat(scale, np.diff(result.indptr))
    if columns is not None:
        result.data *= _power(columns, column_power)[result.indices]
    return result


def _power(degree: Floats, exponent: float) -> Floats:
    return np.power(degree, exponent, out=np.zeros_like(degree), where=degree > 0)


def propagator(adjacency: sp.csr_array, dtype: DTypeLike) -> sp.csr_array:
    """S = D̃^-½ (A + I) D̃^-½; an isolated node keeps what it has."""
    with_loops = sp.csr_array(adjacency + sp.eye_array(adjacency.shape[0]))
    return normalised_adjacency(with_loops).astype(dtype)


def decayed_hops(z: Floats, s: sp.csr_array, steps: int, decay: float) -> Floats:
    """Σ_{t=0..steps} decay^t S^t Z."""
    total, hop = z.copy(), z
    for _ in range(steps):
        hop = s @ hop
        hop *= decay
        total += hop
    return total


def lazy_walk(z: Floats, s: sp.csr_array, steps: int) -> Floats:
    """(½(I + S))^steps Z."""
    z = z.copy()
    for _ in range(steps):
        z += s @ z
        z *= 0.5
    return z


def between_groups(adjacency: sp.csr_array, labels: Ints) -> sp.csr_array:
    """(K, K) weight from group to group; undirected edges inside a group count twice. O(E).

    Args:
        adjacency: (N, N), both directions of undirected edges.
        labels: (N,) groups 0..K−1.
    """
    n, k = len(labels), int(labels.max()) + 1
    member = sp.csr_array((np.ones(n), (np.arange(n), labels)), shape=(n, k))
    return sp.csr_array(member.T @ adjacency @ member)


def modularity(between: sp.csr_array, resolution: float = 1.0) -> float:
    """Q = Σ_c [ w_cc / W − γ s_c^out s_c^in / W² ] from `between_groups`; NaN without weight."""
    total = between.sum()
    if total == 0:
        return float("nan")
    null = between.sum(axis=1) / total * (between.sum(axis=0) / total)
    return float(between.diagonal().sum() / total - resolution * null.sum())


def conductance(between: sp.csr_array, without: float = 0.0) -> NDArray[np.float64]:
    """(K,) φ_c = cut(c) / min(vol(c), vol(rest)) of symmetric `between_groups`.

    `without`: what stands where that volume is 0.
    """
    volume = np.asarray(between.sum(axis=1)).ravel()
    cut = volume - between.diagonal()
    smaller = np.minimum(volume, volume.sum() - volume)
    return np.divide(cut, smaller, out=np.full_like(cut, without), where=smaller > 0)


def influence(
    adjacency: sp.csr_array,
    order: int,
    *,
    cumulative: bool = False,
    top_k: int | None = None,
    limit: int = 100_000_000,
) -> sp.csr_array:
    """P^order with P = D̃⁻¹(A + I), or P + P² + … + P^order where `cumulative`; rows sum to 1, or to
    `order`.

    Made in blocks of rows, so that no more is held than the result. With `top_k` every power is cut
    to the largest entries of each row, which are scaled to sum to 1; of equals the first columns.

    Raises:
        ValueError: more than `limit` entries.
    """
    with_loops = sp.csr_array(adjacency + sp.eye_array(adjacency.shape[0]))
    step = sp.csr_array(sp.diags_array(1 / with_loops.sum(axis=1)) @ with_loops)
    step = _largest_in_rows(step, top_k)
    total = power = step
    for hop in range(2, order + 1):
        power = _product(power, step, top_k, limit, hop)
        total = sp.csr_array(total + power) if cumulative else power
    if total.nnz > limit:
        raise ValueError(_too_many(order, limit))
    total.sort_indices()
    return total


def _product(
    a: sp.csr_array, b: sp.csr_array, top_k: int | None, limit: int, hop: int
) -> sp.csr_array:
    """A B in blocks of rows that take about PRODUCTS multiplications each."""
    work = np.r_[0, np.cumsum(np.diff(b.indptr)[a.indices], dtype=np.int64)][a.indptr]
    blocks, start, found = [], 0, 0
    while start < a.shape[0]:
        stop = int(np.searchsorted(work, work[start] + PRODUCTS, side="right")) - 1
        stop = max(stop, start + 1)
        blocks.append(_largest_in_rows(sp.csr_array(a[start:stop] @ b), top_k))
        found += blocks[-1].nnz
        if found > limit:
            raise ValueError(_too_many(hop, limit))
        start = stop
    return sp.csr_array(sp.vstack(blocks, format="csr"))


def _too_many(hop: int, limit: int) -> str:
    return (
        f"the influence matrix of order {hop} has more than {limit:,} entries; take a lower order, "
        "or top_k to keep the largest of each row"
    )


def _largest_in_rows(matrix: sp.csr_array, k: int | None) -> sp.csr_array:
    """The `k` largest entries of every row, scaled to sum to 1; all of them for None."""
    sizes = np.diff(matrix.indptr)
    if k is None or sizes.max(initial=0) <= k:
        return matrix
    matrix.sort_indices()
    row = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((-matrix.data, row))  # stable: of equals the first columns
    kept = order[np.arange(len(order)) - matrix.indptr[row] < k]
    data, col, row = matrix.data[kept], matrix.indices[kept], row[kept]
    total = np.bincount(row, weights=data, minlength=len(sizes))
    return sp.csr_array((data / total[row], (row, col)), shape=matrix.shape)
