"""The sums of `products`, `scatter` and `edges` on CUDA, as programs of Triton.

Nothing is added up by atomics, whose order is chance: every run gives the same bits. Functions as
in `compiled`. With TRITON_INTERPRET=1 in the environment before this is imported, programs run on
the processor, slowly, to be tested.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import triton
from torch import Tensor

from graphclust.kernels import programs
from graphclust.kernels.pattern import Pattern

ENTRIES, COLUMNS = 16, 128  # of a tile, at most
NARROW = 32  # columns of a tile of a flow, at most
BLOCK = 128  # rows whose flow is added up at a time


def spmm(pattern: Pattern, weight: Tensor | None, x: Tensor) -> Tensor:
    out = x.new_empty(len(pattern), x.shape[1])
    weighted = weight is not None
    _over_rows(programs.spmm, pattern, x, weight if weighted else x, x, out, WEIGHTED=weighted)
    return out


def dots(pattern: Pattern, a: Tensor, b: Tensor) -> Tensor:
    return _pairs(pattern, a, b, programs.DOT)


def largest(pattern: Pattern, x: Tensor, sign: int) -> tuple[Tensor, Tensor]:
    out = x.new_empty(len(pattern), x.shape[1])
    place = torch.empty_like(out, dtype=torch.int32)
    _over_rows(programs.largest, pattern, x, x, out, place, SIGN=sign)
    return out, place


def largest_back(pattern: Pattern, place: Tensor, gradient: Tensor) -> Tensor:
    out = gradient.new_empty(pattern.n, gradient.shape[1])
    _over_rows(programs.largest_back, pattern.transposed, gradient, place, gradient, out)
    return out


def logsumexp(pattern: Pattern, x: Tensor) -> Tensor:
    out = x.new_empty(len(pattern), x.shape[1])
    _over_rows(programs.logsumexp, pattern, x, x, out)
    return out


def logsumexp_back(pattern: Pattern, x: Tensor, total: Tensor, gradient: Tensor) -> Tensor:
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    _over_rows(programs.logsumexp_back, pattern.transposed, x, x, total, gradient, out)
    return out


def variation(pattern: Pattern, weight: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    columns = triton.cdiv(s.shape[1], COLUMNS)
    value = s.new_empty(len(s), columns, dtype=torch.float64)
    slope = torch.empty_like(s, memory_format=torch.contiguous_format)
    _over_rows(programs.variation, pattern, s, weight, s, value, slope)
    return value.sum(dim=1) / 2, slope


def message(
    pattern: Pattern, weight: Tensor, y: Tensor, delta: float, eps: float
) -> tuple[Tensor, Tensor]:
    distance = _pairs(pattern, y, y, programs.DISTANCE)
    gamma = delta * weight / distance.clamp(min=eps)
    out = torch.empty_like(y, memory_format=torch.contiguous_format)
    _over_rows(programs.message, pattern, y, gamma, y, out)
    return out, distance


def message_back(
    pattern: Pattern,
    weight: Tensor,
    y: Tensor,
    delta: float,
    eps: float,
    distance: Tensor,
    g: Tensor,
) -> Tensor:
    gamma = delta * weight / distance.clamp(min=eps)
    turn = torch.where(distance > eps, gamma / distance * _pairs(pattern, g, y, programs.TURN), 0)
    out = torch.empty_like(y, memory_format=torch.contiguous_format)
    _over_rows(programs.message_back, pattern, y, gamma, turn, g, y, out)
    return out


def flow(pattern: Pattern, weight: Tensor | None, p: Tensor) -> Tensor:
    n, k = p.shape
    if n == 0 or k == 0:
        return p.new_zeros(k, k)
    size = min(NARROW, triton.next_power_of_2(k))
    grid = triton.cdiv(n, BLOCK), triton.cdiv(k, size), triton.cdiv(k, size)
    parts = p.new_empty(grid[0], k, k)
    weighted = weight is not None
    given = _flat(pattern.start, pattern.member, weight if weighted else p, p, parts)
    with _on(p):
        programs.flow[grid](
            *given, n, k, WEIGHTED=weighted, ROWS=BLOCK, ENTRIES=ENTRIES, COLUMNS=size
        )
    return parts.sum(dim=0, dtype=torch.float64).to(p.dtype)


def _over_rows(kernel: Any, pattern: Pattern, like: Tensor, *rest: Any, **constants: Any) -> None:
    """A program for each row of the pattern and COLUMNS columns."""
    width = like.shape[1]
    if len(pattern) and width:
        columns = min(COLUMNS, triton.next_power_of_2(width))
        grid = len(pattern), triton.cdiv(width, columns)
        given = _flat(pattern.start, pattern.member, *rest)
        with _on(like):
            kernel[grid](*given, width, ENTRIES=ENTRIES, COLUMNS=columns, **constants)


def _pairs(pattern: Pattern, a: Tensor, b: Tensor, kind: Any) -> Tensor:
    """(E,) by kind, a number of the two rows of each entry."""
    entries, width = len(pattern.member), a.shape[1]
    out = a.new_zeros(entries)
    if entries and width:
        columns = min(COLUMNS, triton.next_power_of_2(width))
        given = _flat(pattern.row, pattern.member, a, b, out)
        with _on(a):
            programs.pair_numbers[(triton.cdiv(entries, ENTRIES),)](
                *given, entries, width, KIND=kind.value, ENTRIES=ENTRIES, COLUMNS=columns
            )
    return out


def _flat(*parts: Any) -> list[Any]:
    return [part.detach().contiguous() for part in parts]


def _on(x: Tensor) -> AbstractContextManager[Any]:
    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()
