"""Sums, means, extremes and softmaxes of groups of rows: of neighbours, of clusters, of graphs.

Letters: G groups of the N rows of a `Pattern`, E members; values (N, …) with F numbers a row. Rows
are read where they are: no E × F numbers are gathered, forward or backward, save in
`backends.plain`. All O(E F). Of an empty group, whose gradient goes nowhere:

    segment_sum, segment_mean        0
    segment_max, segment_logsumexp  −∞
    segment_min                     +∞

A NaN in a group is its result. The same bits for any number of threads, and on CUDA in every run:
no sum is made by atomics. Another number of rows or another device than the pattern's is a
ValueError, whole numbers are a TypeError.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphclust.kernels import backends
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.products import product


def segment_sum(values: Tensor, groups: Pattern) -> Tensor:
    """(G, …) Σ_{i ∈ g} x_i, with gradients of any order."""
    return _by_rows(values, lambda x: product(groups, None, x))


def segment_mean(values: Tensor, groups: Pattern) -> Tensor:
    """(G, …) Σ_{i ∈ g} x_i / n_g, with gradients of any order."""
    size = groups.sizes.clamp(min=1).to(values.dtype)
    return _by_rows(values, lambda x: product(groups, None, x) / size[:, None])


def segment_max(values: Tensor, groups: Pattern) -> Tensor:
    """(G, …) max_{i ∈ g} x_i. The gradient goes to the row that holds it, of equal ones to the
    first member: which it was is kept, G F numbers of four bytes."""
    return _by_rows(values, lambda x: _Largest.apply(x, groups, 1))


def segment_min(values: Tensor, groups: Pattern) -> Tensor:
    """(G, …) min_{i ∈ g} x_i, as `segment_max`."""
    return _by_rows(values, lambda x: _Largest.apply(x, groups, -1))


def segment_logsumexp(values: Tensor, groups: Pattern) -> Tensor:
    """(G, …) log Σ_{i ∈ g} exp x_i, from the largest, so that nothing overflows."""
    return _by_rows(values, lambda x: _LogSumExp.apply(x, groups))


def segment_softmax(values: Tensor, groups: Pattern) -> Tensor:
    """(E, …) exp(x_e − log Σ_{e′ ∈ g} exp x_e′) of values (E, …) of the members, as attention has
    them; sums of groups are 1. Where all of a group is −∞, NaN, as in torch."""
    own = groups.entries
    total = segment_logsumexp(values, own)
    return (values - segment_sum(total, own.transposed)).exp()


def _by_rows(values: Tensor, reduce: Any) -> Tensor:
    """`reduce` of values as a matrix of rows, in their shape again."""
    shape = values.shape[1:]
    found: Tensor = reduce(values.reshape(len(values), math.prod(shape)))
    return found.reshape(len(found), *shape)


def _checked(x: Tensor, groups: Pattern) -> None:
    if len(x) != groups.n or x.device != groups.start.device:
        raise ValueError(
            f"values must be {groups.n} rows on {groups.start.device}, found {len(x)} on {x.device}"
        )
    if not x.is_floating_point():
        raise TypeError(f"values must be real numbers, found {x.dtype}")


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, groups: Pattern, sign: int) -> Tensor:
        _checked(x, groups)
        out, place = backends.of(x).largest(groups, x, sign)
        ctx.groups = groups
        ctx.save_for_backward(place)
        value: Tensor = out
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (place,) = ctx.saved_tensors
        return backends.of(gradient).largest_back(ctx.groups, place, gradient), None, None


class _LogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, groups: Pattern) -> Tensor:
        _checked(x, groups)
        total: Tensor = backends.of(x).logsumexp(groups, x)
        ctx.groups = groups
        ctx.save_for_backward(x, total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, total = ctx.saved_tensors
        return backends.of(x).logsumexp_back(ctx.groups, x, total, gradient), None
