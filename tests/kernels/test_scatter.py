"""Sums, means, extremes and softmaxes of groups: against loops, on every back-end."""

import itertools
import math

import pytest
import torch
from torch.autograd import gradcheck

from graphclust.kernels import pattern as patterns
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.scatter import (
    segment_logsumexp,
    segment_max,
    segment_mean,
    segment_min,
    segment_softmax,
    segment_sum,
)

# unequal groups; the second and the last are empty, the fifth has a row twice; 20 members are more
# than a tile of the programs of Triton holds; no group has row 7
GROUPS = [[0, 2, 5], [], [1], [4, 3, 6, 0, 1, 2] * 3 + [3, 0], [6, 6, 2], []]
N = 8


def loops_sum(rows):
    return sum(rows[1:], rows[0])


def loops_max(rows):
    best = rows[0]
    for row in rows[1:]:
        best = torch.where(row > best, row, best)
    return best


REDUCTIONS = {  # ours, of the rows of a group in loops, of none
    "sum": (segment_sum, loops_sum, 0.0),
    "mean": (segment_mean, lambda rows: loops_sum(rows) / len(rows), 0.0),
    "max": (segment_max, loops_max, -math.inf),
    "min": (segment_min, lambda rows: -loops_max([-row for row in rows]), math.inf),
    "logsumexp": (
        segment_logsumexp,
        lambda rows: loops_sum([row.exp() for row in rows]).log(),
        -math.inf,
    ),
}
EACH = pytest.mark.parametrize("name", REDUCTIONS)


def pattern(device, groups=GROUPS, n=N, dtype=torch.int64):
    start = torch.tensor([0, *(len(group) for group in groups)]).cumsum(0)
    member = torch.tensor([i for group in groups for i in group], dtype=torch.int64)
    return Pattern(start.to(device, dtype), member.to(device, dtype), n)


def rows(device, shape=(N, 3), dtype=torch.float64, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=source).to(device).requires_grad_()


def loops(name, x, groups=GROUPS):
    _, reduce, of_none = REDUCTIONS[name]
    empty = torch.full_like(x[0], of_none)
    return torch.stack([reduce([x[i] for i in group]) if group else empty for group in groups])


def slope(value, x):
    finite = torch.where(value.isfinite(), value, 0)
    weight = torch.linspace(1, 2, value.numel(), dtype=value.dtype, device=value.device)
    return torch.autograd.grad((finite * weight.view_as(value)).sum(), x)[0]


@EACH
@pytest.mark.parametrize("shape", [(N, 3), (N,), (N, 2, 3), (N, 1), (N, 37)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_reductions_are_those_of_loops(device, name, shape, dtype):
    x = rows(device, shape, dtype)
    ours, expected = REDUCTIONS[name][0](x, pattern(device)), loops(name, x)
    assert ours.dtype == dtype
    assert torch.allclose(ours, expected)
    assert torch.allclose(slope(ours, x), slope(expected, x))


@EACH
def test_gradients_are_differences(device, name):
    """Of groups that are not empty; those of sums and means have gradients themselves."""
    full = pattern(device, [group for group in GROUPS if group])
    x, reduce = rows(device), REDUCTIONS[name][0]
    assert gradcheck(lambda x: reduce(x, full), x)
    if name in ("sum", "mean"):
        assert torch.autograd.gradgradcheck(lambda x: reduce(x.square(), full), x)


@EACH
def test_indices_of_both_kinds_and_rows_that_lie_anyhow(device, name):
    reduce, groups = REDUCTIONS[name][0], pattern(device, dtype=torch.int32)
    x = rows(device)
    apart = torch.stack([x.detach(), x.detach()], dim=2)[..., 0].requires_grad_()
    turned = x.detach().T.contiguous().T.requires_grad_()
    expected = reduce(x, pattern(device))
    of_x = slope(expected, x)
    for other in (apart, turned):
        assert not other.is_contiguous()
        ours = reduce(other, groups)
        assert torch.equal(ours, expected)
        assert torch.equal(slope(ours, other), of_x)


@EACH
@pytest.mark.parametrize("shape", [(0, 3), (0,), (3, 0)], ids=str)
def test_nothing_gives_what_it_should(device, name, shape):
    x = torch.zeros(shape, device=device, requires_grad=True)
    found = REDUCTIONS[name][0](x, pattern(device, [[], []], shape[0]))
    assert torch.equal(found, torch.full((2, *shape[1:]), REDUCTIONS[name][2], device=device))
    found.sum().backward()
    assert not x.grad.any()
    assert REDUCTIONS[name][0](x, pattern(device, [], shape[0])).shape == (0, *shape[1:])


def test_of_equal_numbers_the_first_member_takes_the_gradient(device):
    x = torch.zeros(N, 2, device=device, requires_grad=True)
    for reduce in (segment_max, segment_min):
        (got,) = torch.autograd.grad(reduce(x, pattern(device, [[5, 1, 0], [1], [4, 4]])).sum(), x)
        assert got[:, 0].tolist() == [0, 1, 0, 0, 1, 1, 0, 0]


@EACH
def test_a_nan_is_the_result_of_its_groups_alone(device, name):
    x = rows(device).detach()
    x[5, 1] = torch.nan
    found = REDUCTIONS[name][0](x, pattern(device))
    assert torch.isnan(found[0, 1])
    assert torch.isnan(found).sum() == 1


def test_logsumexp_of_large_and_infinite_numbers(device):
    x = torch.tensor([[1000.0, 1e4, -torch.inf], [1001.0, -1e4, -torch.inf]]).double().to(device)
    x.requires_grad_()
    found = segment_logsumexp(x, pattern(device, [[0, 1]], 2))[0]
    assert found.tolist() == pytest.approx([1001 + math.log1p(math.exp(-1)), 1e4, -math.inf])
    (got,) = torch.autograd.grad(found.sum(), x)
    assert torch.allclose(got[:, 0], torch.tensor([-1.0, 0.0]).double().softmax(0).to(device))
    assert got[:, 1:].tolist() == [[1, 0], [0, 0]]
    infinite = torch.tensor([[torch.inf], [0.0]], device=device)
    assert segment_logsumexp(infinite, pattern(device, [[0, 1]], 2)).item() == math.inf


@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
def test_softmax_is_that_of_the_members_of_each_group(device, shape):
    groups = pattern(device)
    x = rows(device, (len(groups.member), *shape))
    ours = segment_softmax(x, groups)
    bounds = groups.start.tolist()
    parts = [x[a:b].softmax(dim=0) for a, b in itertools.pairwise(bounds)]
    assert torch.allclose(ours, torch.cat(parts))
    assert torch.allclose(slope(ours, x), slope(torch.cat(parts), x))
    assert gradcheck(lambda x: segment_softmax(x, groups), x)


def test_long_groups_are_summed_in_pieces(device, monkeypatch):
    monkeypatch.setattr(patterns, "LONG", 4)
    x = rows(device)
    cut = pattern(device)
    assert len(cut.long[0]) == 1 + 1 + 5 + 1
    ours, expected = segment_sum(x, cut), loops("sum", x)
    assert torch.allclose(ours, expected)
    assert torch.allclose(slope(ours, x), slope(expected, x))


@EACH
@pytest.mark.parametrize("width", [1, 48])
def test_threads_change_nothing(name, width, monkeypatch):
    from graphclust.kernels import compiled

    monkeypatch.setattr(compiled, "PIECE", 512)
    monkeypatch.setattr(patterns, "LONG", 100)
    source = torch.Generator().manual_seed(1)
    labels = (40 * torch.rand(5000, generator=source) ** 3).long()
    x, groups = rows("cpu", (5000, width), torch.float32), Pattern.by_label(labels, 41)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            value = REDUCTIONS[name][0](x, groups)
            found.append((value, slope(value, x)))
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))


@pytest.mark.gpu
@EACH
def test_every_run_on_a_gpu_gives_the_same_bits(name):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    labels = (40 * torch.rand(100_000, device="cuda") ** 3).long()
    x, groups = rows("cuda", (100_000, 48), torch.float32), Pattern.by_label(labels, 41)
    values = [REDUCTIONS[name][0](x, groups) for _ in range(3)]
    slopes = [slope(value, x) for value in values]
    for runs in (values, slopes):
        assert all(torch.equal(runs[0], other) for other in runs[1:])


def test_bad_values_are_named(device):
    groups = pattern(device)
    for reduce, _, _ in REDUCTIONS.values():
        with pytest.raises(ValueError, match=r"8.* found .*7"):
            reduce(rows(device, (7, 3)), groups)
        with pytest.raises(TypeError, match=r"must be real numbers.*int64"):
            reduce(torch.zeros(N, 3, dtype=torch.int64, device=device), groups)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_torch_scatter_agrees_where_it_is_installed(device, name):
    torch_scatter = pytest.importorskip("torch_scatter")
    p, x = pattern(device, [group for group in GROUPS if group]), rows(device)
    y = x.detach().clone().requires_grad_()
    theirs = torch_scatter.segment_csr(y[p.member.long()], p.start.long(), reduce=name)
    ours = REDUCTIONS[name][0](x, p)
    c = rows(device, ours.shape, seed=1).detach()
    (ours * c).sum().backward()
    (theirs * c).sum().backward()
    assert torch.allclose(ours, theirs)
    assert torch.allclose(x.grad, y.grad)
