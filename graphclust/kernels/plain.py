"""The sums of `products`, `scatter` and `edges` in plain torch, for devices and kinds of numbers
that nothing better is there for. E × F numbers are held; functions as in `compiled`.
"""

import torch
from torch import Tensor

from graphclust.kernels.pattern import Pattern


def spmm(pattern: Pattern, weight: Tensor | None, x: Tensor) -> Tensor:
    rows = x[pattern.member]
    return _sums(pattern, rows if weight is None else weight[:, None] * rows)


def dots(pattern: Pattern, a: Tensor, b: Tensor) -> Tensor:
    return (a[pattern.row] * b[pattern.member]).sum(dim=1)


def largest(pattern: Pattern, x: Tensor, sign: int) -> tuple[Tensor, Tensor]:
    values = x[pattern.member] * sign
    index = pattern.row[:, None].expand_as(values)
    out = x.new_full((len(pattern), x.shape[1]), -torch.inf)
    out = out.scatter_reduce(0, index, values, "amax")
    held = (values == out[pattern.row]) & (values > -torch.inf) | values.isnan()
    none = len(pattern.member)
    number = torch.arange(none, device=x.device)[:, None]
    first = torch.full_like(out, none, dtype=torch.int64)
    first = first.scatter_reduce(0, index, torch.where(held, number, none), "amin")
    rows = torch.cat([pattern.member, pattern.member.new_full((1,), -1)])
    return out * sign, rows[first].int()


def largest_back(pattern: Pattern, place: Tensor, gradient: Tensor) -> Tensor:
    turned = pattern.transposed
    group, row = turned.member, turned.row
    again = torch.zeros_like(row, dtype=torch.bool)  # a row that is twice in a group
    again[1:] = (row[1:] == row[:-1]) & (group[1:] == group[:-1])
    held = (place[group] == row[:, None]) & ~again[:, None]
    return _sums(turned, torch.where(held, gradient[group], 0))


def logsumexp(pattern: Pattern, x: Tensor) -> Tensor:
    top = largest(pattern, x, 1)[0]
    finite = top.isfinite()
    shift = torch.where(finite, top, 0)
    total = _sums(pattern, (x[pattern.member] - shift[pattern.row]).exp())
    return torch.where(finite, total.log() + shift, top)


def logsumexp_back(pattern: Pattern, x: Tensor, total: Tensor, gradient: Tensor) -> Tensor:
    turned = pattern.transposed
    of = total[turned.member]
    share = gradient[turned.member] * (x[turned.row] - of).exp()
    return _sums(turned, torch.where(of == -torch.inf, 0, share))


def variation(pattern: Pattern, weight: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    apart = s[pattern.row] - s[pattern.member]
    value = _sums(pattern, (weight * apart.abs().sum(dim=1))[:, None])
    return value[:, 0] / 2, _sums(pattern, weight[:, None] * apart.sign())


def message(
    pattern: Pattern, weight: Tensor, y: Tensor, delta: float, eps: float
) -> tuple[Tensor, Tensor]:
    apart = y[pattern.row] - y[pattern.member]
    distance = apart.abs().sum(dim=1)
    gamma = weight / distance.clamp(min=eps)
    return y - delta * _sums(pattern, gamma[:, None] * apart), distance


def message_back(
    pattern: Pattern, weight: Tensor, y: Tensor, delta: float, eps: float, distance: Tensor,
    g: Tensor,
) -> Tensor:  # fmt: skip
    apart, turn = (rows[pattern.row] - rows[pattern.member] for rows in (y, g))
    near = distance.clamp(min=eps)
    pull = torch.where(distance > eps, (turn * apart).sum(dim=1) / near, 0)
    step = (weight / near)[:, None] * (turn - pull[:, None] * apart.sign())
    return g - delta * _sums(pattern, step)


def flow(pattern: Pattern, weight: Tensor | None, p: Tensor) -> Tensor:
    return p.T @ spmm(pattern, weight, p)


def _sums(pattern: Pattern, values: Tensor) -> Tensor:
    """(G, F) sums of the (E, F) values of each group."""
    return (_in_turn if values.device.type == "cuda" else _added)(pattern, values)


def _added(pattern: Pattern, values: Tensor) -> Tensor:
    """In order on the processor; on CUDA by atomics, whose order is chance."""
    empty = values.new_zeros(len(pattern), values.shape[1])
    return empty.index_add(0, pattern.row, values)


def _in_turn(pattern: Pattern, values: Tensor) -> Tensor:
    """In order on CUDA too; not for every device and kind of numbers."""
    return torch.segment_reduce(values, "sum", offsets=pattern.start, axis=0, initial=0)
