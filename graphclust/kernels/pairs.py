"""The sums of `edges` where every pair is an edge: B dense graphs of K nodes each.

Graphs that a pooling layer makes are such: Sᵀ A S has no zero where S is a softmax. Letters: F
columns, a_ij the symmetric weights (B, K, K), which may have a gradient; their diagonals add
nothing. `pair_variation` is Σ_{i<j} a_ij ‖s_i − s_j‖₁ for each graph, with ∂/∂a_ij =
‖s_i − s_j‖₁ / 2 (half, as a_ji stands for the same pair); `pair_message` is the message of `edges`,
with ∂/∂a_ij = −δ/2 ⟨G_i − G_j, y_i − y_j⟩ / max(d_ij, ε).

Compiled code on the processor, each pair visited once, each graph the work of one thread, so that
results do not depend on their number; B K² numbers beside the B K F given. Plain torch, with
B K² F numbers, on other devices.
"""

import math
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels.compiled import FAST, in_pieces


def pair_variation(s: Tensor, a: Tensor) -> Tensor:
    """(B,) Σ_{i<j} a_ij ‖s_i − s_j‖₁ of (B, K, F) rows; 0 of fewer than two. O(B K² F).

    Raises:
        ValueError: rows of no (B, K, F), weights of another shape than (B, K, K).
    """
    _check("s", s, a)
    if s.device.type == "cpu":
        value: Tensor = _Variation.apply(s, a)
        return value
    return _plain_variation(s, a)


def pair_message(y: Tensor, a: Tensor, delta: float, eps: float) -> Tensor:
    """(B, K, F) the rows y_i − δ Σ_j γ_ij (y_i − y_j), γ_ij = a_ij / max(d_ij, ε). O(B K² F).

    Raises:
        ValueError: as `pair_variation`.
    """
    _check("y", y, a)
    if y.device.type == "cpu":
        out: Tensor = _Message.apply(y, a, delta, eps)
        return out
    return _plain_message(y, a, delta, eps)


def _check(name: str, rows: Tensor, a: Tensor) -> None:
    if rows.dim() != 3:
        raise ValueError(f"{name} must have shape (B, K, F), found {tuple(rows.shape)}")
    b, k, _ = rows.shape
    if a.shape != (b, k, k):
        raise ValueError(f"a must have shape ({b}, {k}, {k}), found {tuple(a.shape)}")


def _plain_variation(s: Tensor, a: Tensor) -> Tensor:
    return (a * (s[:, :, None] - s[:, None]).abs().sum(dim=3)).sum(dim=(1, 2)) / 2


def _plain_message(y: Tensor, a: Tensor, delta: float, eps: float) -> Tensor:
    apart = y[:, :, None] - y[:, None]
    gamma = a / apart.abs().sum(dim=3).clamp(min=eps)
    return y - delta * (gamma[..., None] * apart).sum(dim=2)


class _Variation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, s: Tensor, a: Tensor) -> Tensor:
        value = torch.zeros(len(s), dtype=torch.float64)
        slope = torch.zeros_like(s, memory_format=torch.contiguous_format)
        distance = torch.zeros_like(a, memory_format=torch.contiguous_format)
        in_pieces(_variation, np.arange(len(s) + 1), len(s), s, a, value, slope, distance)
        ctx.save_for_backward(slope, distance)
        return value.to(s.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        slope, distance = ctx.saved_tensors
        scale = gradient[:, None, None]
        return scale * slope, scale / 2 * distance


class _Message(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, a: Tensor, delta: float, eps: float) -> Tensor:
        out = y.clone(memory_format=torch.contiguous_format)
        distance = torch.zeros_like(a, memory_format=torch.contiguous_format)
        ctx.delta, ctx.eps = delta, eps
        in_pieces(_message, np.arange(len(y) + 1), len(y), y, a, delta, eps, distance, out)
        ctx.save_for_backward(y, a, distance)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        y, a, distance = ctx.saved_tensors
        to_y = gradient.clone(memory_format=torch.contiguous_format)
        to_a = torch.zeros_like(distance)
        rest = gradient, y, a, ctx.delta, ctx.eps, distance, to_y, to_a
        in_pieces(_message_back, np.arange(len(y) + 1), len(y), *rest)
        return to_y, to_a, None, None


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _variation(first, last, s, a, value, slope, distance):  # type: ignore[no-untyped-def]
    real = s.dtype.type
    for g in range(first, last):
        total = 0.0
        for i in range(s.shape[1]):
            own, up = s[g, i], slope[g, i]
            for j in range(i):
                other, down, w = s[g, j], slope[g, j], a[g, i, j]
                d = real(0)
                for f in range(s.shape[2]):
                    apart = own[f] - other[f]
                    turn = math.copysign(w, apart) if apart != 0 else real(0)
                    d += abs(apart)
                    up[f] += turn
                    down[f] -= turn
                distance[g, i, j] = d
                distance[g, j, i] = d
                total += w * d
        value[g] = total


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _message(first, last, y, a, delta, eps, distance, out):  # type: ignore[no-untyped-def]
    real = y.dtype.type
    for g in range(first, last):
        for i in range(y.shape[1]):
            own, up = y[g, i], out[g, i]
            for j in range(i):
                other, down = y[g, j], out[g, j]
                d = real(0)
                for f in range(y.shape[2]):
                    d += abs(own[f] - other[f])
                distance[g, i, j] = d
                gamma = real(delta * a[g, i, j] / max(d, eps))
                for f in range(y.shape[2]):
                    step = gamma * (own[f] - other[f])
                    up[f] -= step
                    down[f] += step


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _message_back(  # type: ignore[no-untyped-def]
    first, last, gradient, y, a, delta, eps, distance, to_y, to_a
):
    real = y.dtype.type
    for g in range(first, last):
        for i in range(y.shape[1]):
            own, own_g, up = y[g, i], gradient[g, i], to_y[g, i]
            for j in range(i):
                other, other_g, down = y[g, j], gradient[g, j], to_y[g, j]
                d = distance[g, i, j]
                inner = real(0)
                for f in range(y.shape[2]):
                    inner += (own_g[f] - other_g[f]) * (own[f] - other[f])
                share = real(delta / max(d, eps))
                gamma = share * a[g, i, j]
                turn = gamma * inner / d if d > eps else real(0)
                for f in range(y.shape[2]):
                    sign = np.sign(own[f] - other[f])
                    step = turn * sign - gamma * (own_g[f] - other_g[f])
                    up[f] += step
                    down[f] -= step
                to_a[g, i, j] = -share * inner / 2
                to_a[g, j, i] = to_a[g, i, j]
