"""Sums over edges and their gradients in one pass over CSR rows: no buffer of E × F numbers.

Letters: N nodes, F columns, E entries (an undirected edge is two), w_ij the weight of an edge; the
graph is symmetric; it may be a batch of graphs, the `Segments` of the rows. `total_variation` is
Σ_{i<j} w_ij ‖s_i − s_j‖₁ of each graph, with ∂/∂s_i = Σ_j w_ij sign(s_i −
s_j), 0 where the two are equal. `variation_message` (J. Hansen, F. M. Bianchi, "Total variation
graph neural networks", ICML 2023, https://arxiv.org/abs/2211.06218, section 3) is

    out_i = y_i − δ Σ_j γ_ij (y_i − y_j),   γ_ij = w_ij / max(d_ij, ε),   d_ij = ‖y_i − y_j‖₁,

in differences, which stay exact where those of the matrix form I − δL cancel; with G the gradient
of `out`, that of y is, by the symmetry of γ,

    G_i − δ Σ_j γ_ij (G_i − G_j) + δ Σ_j γ_ij/d_ij ⟨G_i − G_j, y_i − y_j⟩ sign(y_i − y_j),

the last sum over the j with d_ij > ε.

Compiled code on the processor, where each row is the work of one thread, so that results do not
depend on their number; plain torch, with E × F numbers, on other devices.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels.segments import Segments, segment_sum

PIECE = 1 << 22  # numbers read in the rows that a thread takes at a time
FAST = {"reassoc", "contract", "nsz", "arcp"}


class Rows(NamedTuple):
    """A symmetric graph in CSR form: `start` (N + 1,), `target` (E,), `weight` (E,), and `source`
    (E,), the row of each entry."""

    start: Tensor
    target: Tensor
    weight: Tensor
    source: Tensor

    @property
    def n(self) -> int:
        return len(self.start) - 1

    @classmethod
    def of(cls, adjacency: sp.csr_array, device: torch.device, dtype: torch.dtype) -> "Rows":
        """From a symmetric matrix, whose symmetry is not checked."""
        degree = np.diff(adjacency.indptr)
        parts = (adjacency.indptr, adjacency.indices, np.repeat(np.arange(len(degree)), degree))
        start, target, source = (
            torch.from_numpy(part.astype(np.int64)).to(device) for part in parts
        )
        weight = torch.from_numpy(np.ascontiguousarray(adjacency.data)).to(device, dtype)
        return cls(start, target, weight, source)

    @classmethod
    def of_arcs(cls, edge_index: Tensor, weight: Tensor | None, n: int) -> "Rows":
        """From (2, E) arcs in the order of their sources, both directions of each edge."""
        source, target = edge_index
        start = torch.zeros(n + 1, dtype=torch.int64, device=source.device)
        start[1:] = source.bincount(minlength=n).cumsum(0)
        return cls(start, target, torch.ones(len(source)) if weight is None else weight, source)


def total_variation(s: Tensor, graph: Rows, segments: Segments) -> Tensor:
    """(B,) Σ_{i<j} w_ij ‖s_i − s_j‖₁ of the (N, F) rows of each graph; 0 without edges. O(E F)."""
    if s.device.type == "cpu":
        value: Tensor = _TotalVariation.apply(s, graph, segments)
        return value
    return _plain_variation(s, graph, segments)


def variation_message(y: Tensor, graph: Rows, delta: float, eps: float) -> Tensor:
    """(N, F) the rows y_i − δ Σ_j γ_ij (y_i − y_j); a row without edges stays. O(E F)."""
    if y.device.type == "cpu":
        out: Tensor = _VariationMessage.apply(y, graph, delta, eps)
        return out
    return _plain_message(y, graph, delta, eps)


def _plain_variation(s: Tensor, graph: Rows, segments: Segments) -> Tensor:
    size = (s[graph.source] - s[graph.target]).abs().sum(dim=1)
    own = torch.zeros_like(s[:, 0]).index_add(0, graph.source, graph.weight * size)
    return segment_sum(own, segments) / 2


def _plain_message(y: Tensor, graph: Rows, delta: float, eps: float) -> Tensor:
    apart = y[graph.source] - y[graph.target]
    gamma = graph.weight / apart.abs().sum(dim=1).clamp(min=eps)
    return y - delta * torch.zeros_like(y).index_add(0, graph.source, gamma[:, None] * apart)


class _TotalVariation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, s: Tensor, graph: Rows, segments: Segments) -> Tensor:
        value = torch.zeros(graph.n, dtype=torch.float64)
        slope = torch.zeros_like(s, memory_format=torch.contiguous_format)
        _over_rows(_variation, graph, s.shape[1], s, value, slope)
        ctx.save_for_backward(slope)
        ctx.segments = segments
        return segment_sum(value, segments).to(s.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        scale = gradient if len(gradient) == 1 else gradient[ctx.segments.batch]
        return scale[:, None] * slope, None, None


class _VariationMessage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, graph: Rows, delta: float, eps: float) -> Tensor:
        out = torch.empty_like(y, memory_format=torch.contiguous_format)
        distance = torch.empty(len(graph.target), dtype=y.dtype)
        ctx.graph, ctx.delta, ctx.eps = graph, delta, eps
        _over_rows(_message, graph, y.shape[1], y, delta, eps, distance, out)
        ctx.save_for_backward(y, distance)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        y, distance = ctx.saved_tensors
        result = torch.empty_like(y, memory_format=torch.contiguous_format)
        rest = gradient, y, ctx.delta, ctx.eps, distance, result
        _over_rows(_message_back, ctx.graph, y.shape[1], *rest)
        return result, None, None, None


def _over_rows(kernel: Callable[..., None], graph: Rows, width: int, *rest: Any) -> None:
    """Run a kernel on all rows, in pieces on as many threads as torch uses."""
    pieces = min(graph.n, len(graph.target) * width // PIECE)
    in_pieces(kernel, graph.n, pieces, *graph[:3], *rest)


def in_pieces(kernel: Callable[..., None], n: int, pieces: int, *arguments: Any) -> None:
    """`kernel(first, last, …)` over 0..n in pieces, on as many threads as torch uses.

    Tensors are handed over as arrays, which the kernel may fill where they are contiguous.
    """
    arrays = [
        part.detach().contiguous().numpy() if isinstance(part, Tensor) else part
        for part in arguments
    ]
    if pieces <= 1 or torch.get_num_threads() == 1:
        kernel(0, n, *arrays)
        return
    bounds = np.linspace(0, n, pieces + 1).astype(np.int64)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(lambda i: kernel(bounds[i], bounds[i + 1], *arrays), range(pieces)))


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
    for i in range(first, last):
        for f in range(width):
            out[i, f] = y[i, f]
        for e in range(start[i], start[i + 1]):
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
    for i in range(first, last):
        for f in range(width):
            result[i, f] = g[i, f]
        for e in range(start[i], start[i + 1]):
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
