"""Total variation and its message: against the formulas in loops, value and gradient."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.autograd import gradcheck

from graphclust.kernels import compiled
from graphclust.kernels.edges import Rows, total_variation, variation_message
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.segments import Segments

CPU = torch.device("cpu")


def graph(n=8, m=12, seed=0, dtype=torch.float64, isolated=True, device=CPU):
    """A weighted graph whose last node has no edge."""
    rng = np.random.default_rng(seed)
    u, v = rng.integers(n - isolated, size=(2, m))
    u, v = u[u != v], v[u != v]
    a = sp.coo_array((rng.random(len(u)) + 0.5, (u, v)), shape=(n, n)).tocsr()
    return Rows.of(sp.csr_array(a + a.T), device, dtype)


def rows(n=8, width=3, seed=1, dtype=torch.float64, device=CPU):
    values = np.random.default_rng(seed).standard_normal((n, width))
    values[2] = values[3]  # two equal rows
    return torch.tensor(values, dtype=dtype, device=device, requires_grad=True)


def loops_variation(s, g):
    total = torch.zeros((), dtype=s.dtype, device=s.device)
    for i in range(g.n):
        for e in range(int(g.pattern.start[i]), int(g.pattern.start[i + 1])):
            j = int(g.pattern.member[e])
            if i < j:
                total = total + g.weight[e] * (s[i] - s[j]).abs().sum()
    return total


def scipy_of(g):
    parts = (g.weight, g.pattern.member, g.pattern.start)
    return sp.csr_array(tuple(part.cpu().numpy() for part in parts), shape=(g.n, g.n))


def one(g):
    return Segments.alike(1, g.n, g.weight.device)


def loops_message(y, g, delta, eps):
    out = []
    for i in range(g.n):
        row = y[i]
        for e in range(int(g.pattern.start[i]), int(g.pattern.start[i + 1])):
            apart = y[i] - y[int(g.pattern.member[e])]
            row = row - delta * g.weight[e] / apart.abs().sum().clamp(min=eps) * apart
        out.append(row)
    return torch.stack(out)


def slope(value, s):
    weight = torch.linspace(1, 2, value.numel(), device=s.device).view_as(value)
    return torch.autograd.grad((value * weight).sum(), s)[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("width", [1, 3, 140])
def test_total_variation_is_its_sum_and_its_gradient(device, seed, width):
    g, s = graph(seed=seed, device=device), rows(width=width, seed=seed, device=device)
    ours, loops = total_variation(s, g, one(g)), loops_variation(s, g)
    assert torch.allclose(ours, loops)
    assert torch.allclose(slope(ours, s), slope(loops, s))


def test_each_graph_of_a_batch_has_its_own_total_variation(device):
    g, s = graph(8, device=device), rows(11, device=device)
    other = graph(3, 4, isolated=False, device=device)
    whole = sp.block_diag([scipy_of(g), scipy_of(other)], format="csr")
    batch = Rows.of(sp.csr_array(whole), device, torch.float64)
    ours = total_variation(s, batch, Segments(torch.tensor([0, 8, 11], device=device)))
    loops = torch.stack([loops_variation(s[:8], g), loops_variation(s[8:], other)])
    assert torch.allclose(ours, loops)
    assert torch.allclose(slope(ours, s), slope(loops, s))


@pytest.mark.parametrize("eps", [1e-3, 2.5], ids=["distances", "some too near"])
@pytest.mark.parametrize("seed", range(3))
def test_the_message_is_its_sum_and_its_gradient(device, seed, eps):
    g, y = graph(seed=seed, device=device), rows(seed=seed, device=device)
    ours, loops = (f(y, g, 0.7, eps) for f in (variation_message, loops_message))
    assert torch.allclose(ours, loops)
    assert torch.allclose(slope(ours, y), slope(loops, y))
    assert torch.equal(ours[-1], y[-1]), "a node without edges keeps its row"


def test_gradients_are_differences(device):
    g = graph(device=device)
    s = torch.randn(8, 3, dtype=torch.float64, device=device, requires_grad=True)  # no equal rows
    assert gradcheck(lambda s: total_variation(s, g, one(g)), s)
    assert gradcheck(lambda s: variation_message(s, g, 0.3, 1e-3), s)


def test_differences_keep_the_digits_of_rows_nearly_equal():
    g = graph(dtype=torch.float32)
    y = 1 + 1e-7 * torch.randn(8, 3)
    exact = loops_message(y.double(), graph(), 0.3, 1e-3)
    assert (variation_message(y, g, 0.3, 1e-3) - exact).abs().max() < 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_threads_change_nothing(dtype, monkeypatch):
    monkeypatch.setattr(compiled, "PIECE", 64)
    g, before, found = graph(300, 2000, dtype=dtype), torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            s = rows(300, 5, dtype=dtype)
            value = total_variation(s, g, one(g))
            out = variation_message(s, g, 0.3, 1e-3)
            found.append((value, out, slope(value, s), slope(out, s)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_rows_may_lie_in_memory_as_they_like(device):
    g, s = graph(device=device), rows(device=device)
    turned = s.detach().T.contiguous().T.requires_grad_()
    assert not turned.is_contiguous()
    assert torch.equal(total_variation(s, g, one(g)), total_variation(turned, g, one(g)))
    ours, theirs = (variation_message(y, g, 0.3, 1e-3) for y in (s, turned))
    assert torch.equal(ours, theirs)
    assert torch.equal(slope(ours, s), slope(theirs, turned))


def test_a_graph_without_edges(device):
    g = Rows.of(sp.csr_array((4, 4)), device, torch.float64)
    s = rows(4, device=device)
    value = total_variation(s, g, one(g))
    assert value == 0
    assert torch.equal(variation_message(s, g, 0.3, 1e-3), s)
    assert not slope(value, s).any()


def test_arcs_give_the_rows_of_their_matrix():
    g = graph()
    arcs = torch.stack([g.pattern.row, g.pattern.member])
    for weight in (g.weight, None):
        ours = Rows.of_arcs(arcs, weight, 8)
        assert torch.equal(ours.pattern.start, g.pattern.start)
        assert torch.equal(ours.pattern.member, g.pattern.member)
        assert torch.equal(
            ours.weight, g.weight if weight is not None else torch.ones(len(g.weight))
        )


def test_what_does_not_fit_is_named(device):
    g = graph(device=device)
    for call in (lambda s: total_variation(s, g, one(g)), lambda s: variation_message(s, g, 1, 1)):
        with pytest.raises(ValueError, match=r"must have shape \(8, F\), found \(7, 3\)"):
            call(rows(7, device=device))
        with pytest.raises(TypeError, match=r"must be torch.float64 as the weights.*float32"):
            call(rows(dtype=torch.float32, device=device))
    with pytest.raises(ValueError, match=r"the pattern must be square, found 8 × 9"):
        Rows(Pattern(g.pattern.start, g.pattern.member, 9), g.weight)
    with pytest.raises(ValueError, match=r"weight must have shape"):
        Rows(g.pattern, g.weight[1:])
