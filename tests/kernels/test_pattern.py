"""Patterns: what is refused, and transposition against loops."""

import itertools

import pytest
import torch

from graphclust.kernels import pattern as patterns
from graphclust.kernels.pattern import Pattern

START, MEMBER = torch.tensor([0, 2, 2, 5]), torch.tensor([3, 0, 1, 1, 3])


def groups(pattern):
    bounds = pattern.start.tolist()
    return [pattern.member[a:b].tolist() for a, b in itertools.pairwise(bounds)]


def test_a_transposed_pattern_says_in_which_groups_a_row_is():
    pattern = Pattern(START, MEMBER, 4)
    assert groups(pattern.transposed) == [[0], [2, 2], [], [0, 2]]
    assert torch.equal(pattern.transposed.row, MEMBER[pattern.order])
    assert torch.equal(pattern.transposed.member, pattern.row[pattern.order])
    assert pattern.sizes.tolist() == [2, 0, 3]
    assert pattern.row.tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize("seed", range(3))
def test_devices_transpose_alike(seed):
    source = torch.Generator().manual_seed(seed)
    start = torch.randint(40, (9,), generator=source).sort().values
    start[0], start[-1] = 0, 40
    pattern = Pattern(start, torch.randint(7, (40,), generator=source), 7)
    ways = patterns._by_transposition(pattern), patterns._by_sorting(pattern)
    for ours, other in zip(*ways, strict=True):
        assert torch.equal(ours, other)


def test_labels_group_rows_and_come_back():
    pattern = Pattern.by_label(torch.tensor([2, 0, 2, 2, 0]), 4)
    assert groups(pattern) == [[1, 4], [], [0, 2, 3], []]
    back = pattern.transposed
    assert groups(back) == [[2], [0], [2], [2], [0]]
    assert torch.equal(back.member, pattern.row[pattern.order])


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64], ids=str)
@pytest.mark.parametrize(
    ("start", "member", "message"),
    [
        ([0, 2], [0, 4], r"member must lie in 0\.\.3, found 0 to 4"),
        ([0, 2], [-1, 0], r"member must lie in 0\.\.3, found -1 to 0"),
        ([1, 2], [0, 0], "start must begin at 0 and never fall"),
        ([0, 2, 1, 2], [0, 0], "start must begin at 0 and never fall"),
        ([], [], "start must begin at 0 and never fall"),
        ([0, 1], [0, 0], "start ends at 1, but there are 2 members"),
        ([0, 3], [0, 0], "start ends at 3, but there are 2 members"),
    ],
)
def test_bad_indices_are_refused(dtype, start, member, message):
    with pytest.raises(ValueError, match=message):
        Pattern(torch.tensor(start, dtype=dtype), torch.tensor(member, dtype=dtype), 4)


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match=r"member must be a vector of int32 or int64.*float32"):
        Pattern(START, MEMBER.float(), 4)
    with pytest.raises(TypeError, match=r"start must be a vector .*shape \(4, 1\)"):
        Pattern(START[:, None], MEMBER, 4)
    with pytest.raises(ValueError, match=r"n must lie in \[0, 2147483647\], found -1"):
        Pattern(START, MEMBER, -1)
