"""Products and order statistics of groups of rows: against loops, value and gradient."""

from itertools import pairwise

import pytest
import torch
from torch.autograd import gradcheck

from graphclust.kernels import segments
from graphclust.kernels.scatter import segment_sum
from graphclust.kernels.segments import Segments, segment_largest, segment_product

UNEQUAL, ALIKE, ONE = (torch.tensor(start) for start in ([0, 11, 12, 30], [0, 10, 20, 30], [0, 30]))
GROUPS = pytest.mark.parametrize("start", [UNEQUAL, ALIKE, ONE], ids=["unequal", "alike", "one"])


def rows(width, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(30, width, dtype=torch.float64, generator=source, requires_grad=True)


def split(values, start):
    return [values[a:b] for a, b in pairwise(start)]


def agree(ours, loops, *given):
    assert torch.allclose(ours, loops)
    scale = torch.linspace(1, 2, ours.numel(), dtype=ours.dtype).view_as(ours)
    grads = [torch.autograd.grad((value * scale).sum(), given) for value in (ours, loops)]
    for a, b in zip(*grads, strict=True):
        assert torch.allclose(a, b)


@GROUPS
def test_products_are_those_of_each_group(start):
    a, b = rows(3), rows(2, seed=1)
    loops = [x.T @ y for x, y in zip(split(a, start), split(b, start), strict=True)]
    agree(segment_product(a, b, Segments(start)), torch.stack(loops), a, b)


def test_products_on_other_devices_agree():
    a, b, groups = rows(3), rows(2, seed=1), Segments(UNEQUAL)
    padded = segments._padded(a, groups).mT @ segments._padded(b, groups)
    agree(segment_product(a, b, groups), padded, a, b)


@GROUPS
@pytest.mark.parametrize("rank", [0, 3, 9, "last"])
def test_the_largest_are_those_of_each_group(start, rank):
    s, groups = rows(4), Segments(start)
    ranks = groups.sizes - 1 if rank == "last" else groups.sizes.clamp(max=rank + 1) - 1
    loops = [
        part.sort(dim=0, descending=True).values[r]
        for part, r in zip(split(s, start), ranks, strict=True)
    ]
    agree(segment_largest(s, ranks, groups), torch.stack(loops), s)
    with_sort = s.gather(0, segments._sorted(s, ranks, groups))
    assert torch.equal(with_sort, torch.stack(loops))


def test_of_equal_numbers_one_takes_the_gradient():
    s = torch.ones(30, 2, requires_grad=True)
    groups = Segments(UNEQUAL)
    segment_largest(s, torch.tensor([2, 0, 9]), groups).sum().backward()
    assert torch.equal(segment_sum(s.grad, groups), torch.ones(3, 2))
    assert set(s.grad.flatten().tolist()) == {0, 1}


@pytest.mark.parametrize("start", [[0, 3, 3, 5], [1, 3], [0]])
def test_empty_groups_are_refused(start):
    with pytest.raises(ValueError, match="start must begin at 0 and rise"):
        Segments(torch.tensor(start))


def test_products_and_ranks_have_gradients_that_are_differences():
    a, b, groups = rows(3), rows(2, seed=1), Segments(UNEQUAL)
    assert gradcheck(lambda a, b: segment_product(a, b, groups), (a, b))
    assert gradcheck(lambda a: segment_largest(a, torch.tensor([2, 0, 9]), groups), a)


def test_rows_and_ranks_that_are_not_there_are_refused():
    a, groups = rows(3), Segments(UNEQUAL)
    with pytest.raises(ValueError, match=r"b must have shape \(30, F\), found \(29, 3\)"):
        segment_product(a, a[1:], groups)
    with pytest.raises(ValueError, match=r"s must have shape \(30, F\), found \(29, 3\)"):
        segment_largest(a[1:], torch.tensor([0, 0, 0]), groups)
    for rank in ([0, 1, 0], [0, -1, 0], [0, 0]):
        with pytest.raises(ValueError, match="rank must be, for each group"):
            segment_largest(a, torch.tensor(rank), groups)
