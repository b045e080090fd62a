"""Variation and message over all pairs: against the formulas in loops, value and gradients."""

import pytest
import torch
from torch.autograd import gradcheck

from graphclust.kernels import pairs
from graphclust.kernels.pairs import pair_message, pair_variation


def given(groups=3, k=5, width=4, dtype=torch.float64, seed=0):
    """Rows, two of them equal; weights with a diagonal, which adds nothing; the last graph is 0."""
    source = torch.Generator().manual_seed(seed)
    s = torch.randn(groups, k, width, dtype=dtype, generator=source)
    s[0, 1] = s[0, 2]
    half = torch.rand(groups, k, k, dtype=dtype, generator=source)
    half[-1] = 0
    return s.requires_grad_(), half.requires_grad_()


def loops_variation(s, a):
    groups, k, _ = s.shape
    each = [(g, i, j) for g in range(groups) for i in range(k) for j in range(i + 1, k)]
    totals = [torch.zeros((), dtype=s.dtype) for _ in range(groups)]
    for g, i, j in each:
        totals[g] = totals[g] + a[g, i, j] * (s[g, i] - s[g, j]).abs().sum()
    return torch.stack(totals)


def loops_message(y, a, delta, eps):
    out = []
    for rows, weights in zip(y, a, strict=True):
        for i, row in enumerate(rows):
            for j, other in enumerate(rows):
                apart = rows[i] - other
                row = row - delta * weights[i, j] / apart.abs().sum().clamp(min=eps) * apart
            out.append(row)
    return torch.stack(out).view_as(y)


def slopes(value, s, half):
    weights = torch.linspace(1, 2, value.numel(), dtype=value.dtype).view_as(value)
    return torch.autograd.grad((value * weights).sum(), (s, half))


def agree(ours, loops, s, half):
    assert torch.allclose(ours, loops)
    for a, b in zip(slopes(ours, s, half), slopes(loops, s, half), strict=True):
        assert torch.allclose(a, b)


@pytest.mark.parametrize("way", [pair_variation, pairs._plain_variation])
def test_variation_is_its_sum_with_the_gradients_of_rows_and_weights(way):
    s, half = given()
    agree(way(s, half + half.mT), loops_variation(s, half + half.mT), s, half)


@pytest.mark.parametrize("eps", [1e-3, 4.0], ids=["distances", "some too near"])
@pytest.mark.parametrize("way", [pair_message, pairs._plain_message])
def test_the_message_is_its_sum_with_the_gradients_of_rows_and_weights(way, eps):
    y, half = given()
    ours = way(y, half + half.mT, 0.7, eps)
    agree(ours, loops_message(y, half + half.mT, 0.7, eps), y, half)
    assert torch.equal(ours[-1], y[-1]), "a graph without edges keeps its rows"


@pytest.mark.parametrize(
    "call", [pair_variation, lambda y, a: pair_message(y, a, 0.3, 1e-3)], ids=["sum", "message"]
)
def test_gradients_rows_that_lie_anyhow_and_none(call):
    source = torch.Generator().manual_seed(0)  # no equal rows, whose slope jumps
    s, half = (
        torch.rand(2, 4, width, dtype=torch.float64, generator=source, requires_grad=True)
        for width in (3, 4)
    )
    assert gradcheck(lambda s, half: call(s, half + half.mT), (s, half))
    turned = s.detach().mT.contiguous().mT
    assert not turned.is_contiguous()
    assert torch.equal(call(turned, half + half.mT), call(s, half + half.mT))
    for b, k, width in ((0, 4, 3), (2, 0, 3), (2, 1, 3), (2, 4, 0)):
        rows = torch.rand(b, k, width, requires_grad=True)
        found = call(rows, torch.rand(b, k, k))
        assert torch.equal(found, rows if found.dim() == 3 else torch.zeros(b))
        found.sum().backward()


def test_shapes_that_do_not_fit_are_refused():
    s, half = given()
    for call in (pair_variation, lambda y, a: pair_message(y, a, 0.3, 1e-3)):
        with pytest.raises(ValueError, match=r"a must have shape \(3, 5, 5\), found \(3, 5, 4\)"):
            call(s, half[:, :, 1:])
        with pytest.raises(ValueError, match=r"must have shape \(B, K, F\), found \(5, 4\)"):
            call(s[0], half)


def test_threads_change_nothing():
    before, found = torch.get_num_threads(), []
    s, half = given(7, 6, dtype=torch.float32)
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            value, out = (
                pair_variation(s, half + half.mT),
                pair_message(s, half + half.mT, 0.3, 1e-3),
            )
            found.append((value, out, *slopes(value, s, half), *slopes(out, s, half)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
