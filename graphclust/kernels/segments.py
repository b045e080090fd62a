"""Rows of a matrix in groups, one after another: products and order statistics of each group. Their
sums, means and extremes are those of `scatter`.

Letters: N rows in B groups of n_g rows, K and F columns. Nothing is padded and no N × B matrix is
made: a batch of graphs of unequal size is such, and so is one graph, its own only group.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels.pattern import Pattern

SHALLOW = 8  # ranks below are found by insertion, others by partition of a copy


class Segments(Pattern):
    """B groups of rows in turn: group g has the rows `start[g]` … `start[g + 1]` − 1, at least one.

    Raises:
        ValueError: a group is empty, or `start` does not begin at 0.
    """

    def __init__(self, start: Tensor) -> None:
        sizes = start.diff()
        if len(start) < 2 or start[0] != 0 or (sizes < 1).any():
            raise ValueError(f"start must begin at 0 and rise, found {start.tolist()}")
        n, size = int(start[-1]), int(sizes[0])
        super().__init__(start, torch.arange(n, device=start.device), n)
        self.equal = size if bool((sizes == size).all()) else None  # n_g where all are alike

    @classmethod
    def alike(cls, groups: int, size: int, device: torch.device | None = None) -> "Segments":
        """`groups` groups of `size` rows."""
        return cls(torch.arange(groups + 1, device=device) * size)


def segment_product(a: Tensor, b: Tensor, segments: Segments) -> Tensor:
    """(B, K, F) the products a_gᵀ b_g of (N, K) and (N, F). O(N K F).

    Raises:
        ValueError: other rows than the groups'.
    """
    for name, part in (("a", a), ("b", b)):
        _rows_of(name, part, segments)
    if segments.equal is not None:
        a, b = (part.unflatten(0, (len(segments), segments.equal)) for part in (a, b))
        return a.mT @ b
    if a.device.type == "cpu":
        product: Tensor = _Product.apply(a, b, segments.start)
        return product
    return _padded(a, segments).mT @ _padded(b, segments)


def segment_largest(s: Tensor, rank: Tensor, segments: Segments) -> Tensor:
    """(B, K) the number of rank `rank[g]` from the top, 0 ≤ rank < n_g, of each column and group.

    By selection, O(N K). The gradient goes to the one element selected; of equal ones, to any.

    Raises:
        ValueError: other rows than the groups', a rank that a group does not have.
    """
    _rows_of("s", s, segments)
    if rank.shape != segments.sizes.shape or ((rank < 0) | (rank >= segments.sizes)).any():
        raise ValueError("rank must be, for each group, from 0 to one less than its rows")
    with torch.no_grad():
        place = _places(s, rank, segments) if s.device.type == "cpu" else _sorted(s, rank, segments)
    return s.gather(0, place)


def _rows_of(name: str, rows: Tensor, segments: Segments) -> None:
    if rows.dim() != 2 or len(rows) != segments.n:
        raise ValueError(f"{name} must have shape ({segments.n}, F), found {tuple(rows.shape)}")


def _padded(values: Tensor, segments: Segments) -> Tensor:
    """(B, max n_g, F), with zeros behind the rows of a group."""
    room = values.new_zeros(len(segments), int(segments.sizes.max()), values.shape[1])
    within = torch.arange(len(values), device=values.device) - segments.start[segments.row]
    return room.index_put((segments.row, within), values)


def _places(s: Tensor, rank: Tensor, segments: Segments) -> Tensor:
    """(B, K) the rows in which they stand."""
    place = torch.empty(len(segments), s.shape[1], dtype=torch.int64)
    columns = s.detach().contiguous().numpy()
    _select(segments.start.numpy(), rank.numpy(), columns, place.numpy())
    return place


def _sorted(s: Tensor, rank: Tensor, segments: Segments) -> Tensor:
    """As `_places`, by one stable sort of the values and one of the groups."""
    order = s.argsort(dim=0, descending=True)
    order = order.gather(0, segments.row[order].argsort(dim=0, stable=True))
    return order[segments.start[:-1] + rank]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, start: Tensor) -> Tensor:
        a, b = a.contiguous(), b.contiguous()
        out = a.new_empty(len(start) - 1, a.shape[1], b.shape[1])
        _products(*(part.detach().numpy() for part in (start, a, b, out)))
        ctx.save_for_backward(a, b, start)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        a, b, start = ctx.saved_tensors
        to_a, to_b = torch.empty_like(a), torch.empty_like(b)
        parts = start, a, b, gradient.contiguous(), to_a, to_b
        _products_back(*(part.detach().numpy() for part in parts))
        return to_a, to_b, None


@njit(nogil=True, cache=True)
def _products(start, a, b, out):  # type: ignore[no-untyped-def]
    for g in range(len(start) - 1):
        rows = slice(start[g], start[g + 1])
        np.dot(a[rows].T, b[rows], out[g])


@njit(nogil=True, cache=True)
def _products_back(start, a, b, gradient, to_a, to_b):  # type: ignore[no-untyped-def]
    for g in range(len(start) - 1):
        rows = slice(start[g], start[g + 1])
        np.dot(b[rows], gradient[g].T, to_a[rows])
        np.dot(a[rows], gradient[g], to_b[rows])


@njit(nogil=True, cache=True)
def _select(start, rank, s, place):  # type: ignore[no-untyped-def]
    for g in range(len(start) - 1):
        rows = s[start[g] : start[g + 1]]
        if rank[g] < SHALLOW:
            _insert(rows, rank[g], place[g])
        else:
            _partition(rows, rank[g], place[g])
        place[g] += start[g]


@njit(nogil=True, cache=True)
def _insert(rows, rank, place):  # type: ignore[no-untyped-def]
    """The best `rank + 1` of each column so far are kept in order while rows pass by."""
    width = rows.shape[1]
    best = np.full((rank + 1, width), -np.inf, rows.dtype)
    where = np.zeros((rank + 1, width), np.int64)
    for i in range(len(rows)):
        for k in range(width):
            value = rows[i, k]
            if value > best[rank, k]:
                at = rank
                while at > 0 and value > best[at - 1, k]:
                    best[at, k], where[at, k] = best[at - 1, k], where[at - 1, k]
                    at -= 1
                best[at, k], where[at, k] = value, i
    place[:] = where[rank]


@njit(nogil=True, cache=True)
def _partition(rows, rank, place):  # type: ignore[no-untyped-def]
    place[:] = 0
    for k in range(rows.shape[1]):
        column = rows[:, k].copy()
        value = np.partition(column, len(rows) - 1 - rank)[len(rows) - 1 - rank]
        for i in range(len(rows)):
            if column[i] == value:
                place[k] = i
                break
