"""The sums of `products`, `scatter` and `edges` on the processor, compiled by numba.

Each row of a result is the work of one thread, or each column, or each block of rows of a fixed
number, and is added up in a fixed order: results are the same for any number of threads, to the
bit. Rows that will be read soon are fetched ahead, as they lie anywhere in memory. No buffer has
E × F numbers. `triton` and `plain` have the same functions; what is given has been checked.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from graphclust.kernels.pattern import Pattern
from graphclust.kernels.prefetch import prefetch_read

PIECE = 1 << 21  # numbers read in the rows that a thread takes at a time
COLUMNS = 16  # at least, that a thread takes at a time, a line of memory
BLOCK = 1 << 10  # rows whose flow is added up at a time
AHEAD = 8  # entries from the one that is fetched to the one in use
NEAR = 2  # the same, of the message's rows, which are hundreds of numbers and are read twice
EXACT = {"contract", "nsz"}  # each number is added up in its own order
FAST = EXACT | {"reassoc", "arcp"}


def spmm(pattern: Pattern, weight: Tensor | None, x: Tensor) -> Tensor:
    """(G, F) Σ_e w_e x_member[e] of each group; w = 1 for None."""
    out = _new(x, len(pattern), x.shape[1])
    _over_rows(_spmm, pattern, x.shape[1], _or_none(weight, x), x, out)
    return out


def dots(pattern: Pattern, a: Tensor, b: Tensor) -> Tensor:
    """(E,) ⟨a_g, b_member[e]⟩."""
    out = _new(a, len(pattern.member))
    _over_rows(_dots, pattern, a.shape[1], a, b, out)
    return out


def largest(pattern: Pattern, x: Tensor, sign: int) -> tuple[Tensor, Tensor]:
    """(G, F) the largest x · sign of each group, times sign, and (G, F) int32 the row it is in; of
    equal ones the first, −1 for none."""
    out = _new(x, len(pattern), x.shape[1]).fill_(-torch.inf)
    place = torch.full(out.shape, -1, dtype=torch.int32)
    _over_rows(_largest, pattern, x.shape[1], x, sign, out, place)
    return out, place


def largest_back(pattern: Pattern, place: Tensor, gradient: Tensor) -> Tensor:
    """(N, F) each number of `gradient` added to the row in its place."""
    width = gradient.shape[1]
    out = gradient.new_zeros(pattern.n, width)
    bounds = np.linspace(0, width, max(1, width // COLUMNS) + 1).astype(np.int64)
    in_pieces(_largest_back, bounds, gradient.numel() // PIECE, place, gradient, out)
    return out


def logsumexp(pattern: Pattern, x: Tensor) -> Tensor:
    """(G, F) log Σ exp x of each group."""
    out = _new(x, len(pattern), x.shape[1]).fill_(-torch.inf)
    _over_rows(_logsumexp, pattern, x.shape[1], x, out)
    return out


def logsumexp_back(pattern: Pattern, x: Tensor, total: Tensor, gradient: Tensor) -> Tensor:
    """(N, F) Σ_g gradient_g exp(x_i − total_g) over the groups g of row i."""
    out = torch.zeros_like(x, memory_format=torch.contiguous_format)
    _over_rows(_logsumexp_back, pattern.transposed, x.shape[1], x, total, gradient, out)
    return out


def variation(pattern: Pattern, weight: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) float64 half of Σ_j w_ij ‖s_i − s_j‖₁, and (N, F) Σ_j w_ij sign(s_i − s_j)."""
    value = torch.zeros(len(s), dtype=torch.float64)
    slope = torch.zeros_like(s, memory_format=torch.contiguous_format)
    _over_rows(_variation, pattern, s.shape[1], weight, s, value, slope)
    return value, slope


def message(
    pattern: Pattern, weight: Tensor, y: Tensor, delta: float, eps: float
) -> tuple[Tensor, Tensor]:
    """(N, F) y_i − δ Σ_j γ_ij (y_i − y_j), and (E,) ‖y_i − y_j‖₁."""
    out = _new(y, *y.shape)
    distance = _new(y, len(pattern.member))
    _over_rows(_message, pattern, y.shape[1], weight, y, delta, eps, distance, out)
    return out, distance


def message_back(
    pattern: Pattern, weight: Tensor, y: Tensor, delta: float, eps: float, distance: Tensor,
    g: Tensor,
) -> Tensor:  # fmt: skip
    """(N, F) the gradient of y, of the message's g; see `edges`."""
    out = _new(y, *y.shape)
    _over_rows(_message_back, pattern, y.shape[1], weight, g, y, delta, eps, distance, out)
    return out


def flow(pattern: Pattern, weight: Tensor | None, p: Tensor) -> Tensor:
    """(K, K) Σ_e w_e p_g ⊗ p_member[e], the rows in blocks of BLOCK."""
    n, k = p.shape
    blocks = -(-n // BLOCK)
    parts = p.new_zeros(blocks, k, k)
    worth = (len(pattern.member) + n * k) * k // PIECE
    given = pattern.start, pattern.member, _or_none(weight, p), p, parts
    in_pieces(_flow, np.arange(blocks + 1), worth, *given)
    return torch.from_numpy(parts.numpy().sum(axis=0, dtype=np.float64)).to(p.dtype)


def _new(like: Tensor, *shape: int) -> Tensor:
    """Numbers that are not set yet. numpy asks the system for large pages, of which fewer have to
    be found when they are written to: a tenth to a sixth of the time of a large sum."""
    return torch.from_numpy(np.empty(shape, np.float32 if like.dtype == torch.float32 else float))


def _or_none(weight: Tensor | None, x: Tensor) -> Tensor:
    """No weights are an empty vector, as numba wants one type."""
    return x.new_empty(0) if weight is None else weight


def _over_rows(kernel: Callable[..., None], pattern: Pattern, width: int, *rest: Any) -> None:
    """Run a kernel on all groups, cut where about PIECE numbers are read between."""
    entries = len(pattern.member)
    pieces = entries * width // PIECE
    bounds = np.array([0, len(pattern)])
    if pieces > 1:
        inner = np.linspace(0, entries, pieces + 1)[1:-1]
        bounds = np.unique(np.r_[bounds, np.searchsorted(pattern.start.numpy(), inner)])
    in_pieces(kernel, bounds, pieces, pattern.start, pattern.member, *rest)


def in_pieces(
    kernel: Callable[..., None], bounds: NDArray[np.int64], worth: int, *arguments: Any
) -> None:
    """`kernel(first, last, …)` between the bounds, on as many threads as torch uses, if `worth` > 1
    threads have something to do.

    Tensors are handed over as arrays, which the kernel may fill where they are contiguous.
    """
    arrays = [
        part.detach().contiguous().numpy() if isinstance(part, Tensor) else part
        for part in arguments
    ]
    if worth <= 1 or len(bounds) <= 2 or torch.get_num_threads() == 1:
        kernel(bounds[0], bounds[-1], *arrays)
        return
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(lambda ends: kernel(*ends, *arrays), pairwise(bounds)))


@njit(nogil=True, cache=True, error_model="numpy", fastmath=EXACT)
def _spmm(first, last, start, member, weight, x, out):  # type: ignore[no-untyped-def]
    size, address, end = x.shape[1] * x.itemsize, x.ctypes.data, len(member) - 1
    for g in range(first, last):
        up = out[g]
        up[:] = 0
        for e in range(start[g], start[g + 1]):
            prefetch_read(address + member[min(e + AHEAD, end)] * size, size)
            row, w = x[member[e]], weight[e] if len(weight) else x.dtype.type(1)
            for f in range(x.shape[1]):
                up[f] += w * row[f]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _dots(first, last, start, member, a, b, out):  # type: ignore[no-untyped-def]
    size, address, end = b.shape[1] * b.itemsize, b.ctypes.data, len(member) - 1
    for g in range(first, last):
        own = a[g]
        for e in range(start[g], start[g + 1]):
            prefetch_read(address + member[min(e + AHEAD, end)] * size, size)
            row, total = b[member[e]], b.dtype.type(0)
            for f in range(b.shape[1]):
                total += own[f] * row[f]
            out[e] = total


@njit(nogil=True, cache=True, error_model="numpy")
def _largest(first, last, start, member, x, sign, out, place):  # type: ignore[no-untyped-def]
    size, address, end = x.shape[1] * x.itemsize, x.ctypes.data, len(member) - 1
    flip = x.dtype.type(sign)
    for g in range(first, last):
        best, where = out[g], place[g]
        for e in range(start[g], start[g + 1]):
            prefetch_read(address + member[min(e + AHEAD, end)] * size, size)
            row, number = x[member[e]], np.int32(member[e])
            for f in range(x.shape[1]):
                value = row[f] * flip
                better = (value > best[f]) | (value != value)  # NaN is kept
                best[f] = value if better else best[f]
                where[f] = number if better else where[f]
        for f in range(x.shape[1]):
            best[f] *= flip


@njit(nogil=True, cache=True, error_model="numpy")
def _largest_back(first, last, place, gradient, out):  # type: ignore[no-untyped-def]
    for g in range(len(place)):
        for f in range(first, last):
            if place[g, f] >= 0:
                out[place[g, f], f] += gradient[g, f]


@njit(nogil=True, cache=True, error_model="numpy")
def _logsumexp(first, last, start, member, x, out):  # type: ignore[no-untyped-def]
    total = np.empty(x.shape[1], x.dtype)
    for g in range(first, last):
        top = out[g]
        for e in range(start[g], start[g + 1]):
            row = x[member[e]]
            for f in range(x.shape[1]):
                top[f] = row[f] if (row[f] > top[f]) | (row[f] != row[f]) else top[f]
        total[:] = 0
        for e in range(start[g], start[g + 1]):
            row = x[member[e]]
            for f in range(x.shape[1]):
                if np.isfinite(top[f]):
                    total[f] += np.exp(row[f] - top[f])
        for f in range(x.shape[1]):
            if np.isfinite(top[f]):
                top[f] += np.log(total[f])


@njit(nogil=True, cache=True, error_model="numpy")
def _logsumexp_back(  # type: ignore[no-untyped-def]
    first, last, start, member, x, total, gradient, out
):
    for i in range(first, last):
        for e in range(start[i], start[i + 1]):
            g = member[e]
            for f in range(x.shape[1]):
                if total[g, f] != -np.inf:
                    out[i, f] += gradient[g, f] * np.exp(x[i, f] - total[g, f])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=EXACT)
def _flow(first, last, start, member, weight, p, parts):  # type: ignore[no-untyped-def]
    spread = np.empty(p.shape[1], p.dtype)
    for block in range(first, last):
        part = parts[block]
        for i in range(block * BLOCK, min((block + 1) * BLOCK, len(p))):
            spread[:] = 0
            for e in range(start[i], start[i + 1]):
                row, w = p[member[e]], weight[e] if len(weight) else p.dtype.type(1)
                for f in range(p.shape[1]):
                    spread[f] += w * row[f]
            for k in range(p.shape[1]):
                for f in range(p.shape[1]):
                    part[k, f] += p[i, k] * spread[f]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _variation(first, last, start, target, weight, s, value, slope):  # type: ignore[no-untyped-def]
    """value[i] = half of row i's share of the sum; slope = its gradient."""
    real = s.dtype.type
    for i in range(first, last):
        total, own, up = 0.0, s[i], slope[i]
        for e in range(start[i], start[i + 1]):
            other, w = s[target[e]], weight[e]
            d = real(0)
            for f in range(s.shape[1]):
                apart = own[f] - other[f]
                d += abs(apart)
                up[f] += math.copysign(w, apart) if apart != 0 else real(0)
            total += w * d
        value[i] = total / 2


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _message(first, last, start, target, weight, y, delta, eps, distance, out):  # type: ignore[no-untyped-def]
    width = y.shape[1]
    size, address, end = width * y.itemsize, y.ctypes.data, len(target) - 1
    for i in range(first, last):
        for f in range(width):
            out[i, f] = y[i, f]
        for e in range(start[i], start[i + 1]):
            prefetch_read(address + target[min(e + NEAR, end)] * size, size)
            j = target[e]
            d = y.dtype.type(0)
            for f in range(width):
                d += abs(y[i, f] - y[j, f])
            distance[e] = d
            gamma = y.dtype.type(delta * weight[e] / max(d, eps))
            for f in range(width):
                out[i, f] -= gamma * (y[i, f] - y[j, f])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _message_back(  # type: ignore[no-untyped-def]
    first, last, start, target, weight, g, y, delta, eps, distance, result
):
    width = y.shape[1]
    size, end = width * y.itemsize, len(target) - 1
    for i in range(first, last):
        for f in range(width):
            result[i, f] = g[i, f]
        for e in range(start[i], start[i + 1]):
            soon = target[min(e + NEAR, end)] * size
            prefetch_read(y.ctypes.data + soon, size)
            prefetch_read(g.ctypes.data + soon, size)
            j, d = target[e], distance[e]
            gamma = y.dtype.type(delta * weight[e] / max(d, eps))
            if d > eps:
                inner = y.dtype.type(0)
                for f in range(width):
                    inner += (g[i, f] - g[j, f]) * (y[i, f] - y[j, f])
                turn = y.dtype.type(gamma * inner / d)
                for f in range(width):
                    result[i, f] += turn * np.sign(y[i, f] - y[j, f]) - gamma * (g[i, f] - g[j, f])
            else:
                for f in range(width):
                    result[i, f] -= gamma * (g[i, f] - g[j, f])
