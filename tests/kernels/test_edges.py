"""Total variation and its message: against the formulas in loops, value and gradient."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from graphclust.kernels import edges
from graphclust.kernels.edges import Rows, total_variation, variation_message
from graphclust.kernels.segments import Segments

CPU = torch.device("cpu")


def graph(n=8, m=12, seed=0, dtype=torch.float64, isolated=True):
    """A weighted graph whose last node has no edge."""
    rng = np.random.default_rng(seed)
    u, v = rng.integers(n - isolated, size=(2, m))
    u, v = u[u != v], v[u != v]
    a = sp.coo_array((rng.random(len(u)) + 0.5, (u, v)), shape=(n, n)).tocsr()
    return Rows.of(sp.csr_array(a + a.T), CPU, dtype)


def rows(n=8, width=3, seed=1, dtype=torch.float64):
    values = np.random.default_rng(seed).standard_normal((n, width))
    values[2] = values[3]  # two equal rows
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def loops_variation(s, g):
    total = torch.zeros((), dtype=s.dtype)
    for i in range(g.n):
        for e in range(int(g.start[i]), int(g.start[i + 1])):
            j = int(g.target[e])
            if i < j:
                total = total + g.weight[e] * (s[i] - s[j]).abs().sum()
    return total


def one(g):
    return Segments.alike(1, g.n)


def loops_message(y, g, delta, eps):
    out = []
    for i in range(g.n):
        row = y[i]
        for e in range(int(g.start[i]), int(g.start[i + 1])):
            apart = y[i] - y[int(g.target[e])]
            row = row - delta * g.weight[e] / apart.abs().sum().clamp(min=eps) * apart
        out.append(row)
    return torch.stack(out)


def slope(value, s):
    return torch.autograd.grad(
        (value * torch.linspace(1, 2, value.numel()).view_as(value)).sum(), s
    )[0]


@pytest.mark.parametrize("seed", range(3))
def test_total_variation_is_its_sum_and_its_gradient(seed):
    g, s = graph(seed=seed), rows(seed=seed)
    ours, loops = total_variation(s, g, one(g)), loops_variation(s, g)
    assert torch.allclose(ours, loops)
    assert torch.allclose(slope(ours, s), slope(loops, s))


@pytest.mark.parametrize("way", [total_variation, edges._plain_variation])
def test_each_graph_of_a_batch_has_its_own_total_variation(way):
    g, s = graph(8), rows(11)
    other = graph(3, 4, isolated=False)
    start = torch.cat([g.start, g.start[-1] + other.start[1:]])
    both = (torch.cat(pair) for pair in ((g.weight, other.weight), (g.source, other.source + 8)))
    batch = Rows(start, torch.cat([g.target, other.target + 8]), *both)
    ours = way(s, batch, Segments(torch.tensor([0, 8, 11])))
    loops = torch.stack([loops_variation(s[:8], g), loops_variation(s[8:], other)])
    assert torch.allclose(ours, loops)
    assert torch.allclose(slope(ours, s), slope(loops, s))


@pytest.mark.parametrize("eps", [1e-3, 2.5], ids=["distances", "some too near"])
@pytest.mark.parametrize("seed", range(3))
def test_the_message_is_its_sum_and_its_gradient(seed, eps):
    g, y = graph(seed=seed), rows(seed=seed)
    ours, loops = (f(y, g, 0.7, eps) for f in (variation_message, loops_message))
    assert torch.allclose(ours, loops)
    assert torch.allclose(slope(ours, y), slope(loops, y))
    assert torch.equal(ours[-1], y[-1]), "a node without edges keeps its row"


def test_the_way_for_other_devices_agrees(monkeypatch):
    g, y = graph(), rows()
    ours = total_variation(y, g, one(g)), variation_message(y, g, 0.3, 1e-3)
    ways = edges._plain_variation(y, g, one(g)), edges._plain_message(y, g, 0.3, 1e-3)
    for a, b in zip(ours, ways, strict=True):
        assert torch.allclose(a, b)
        assert torch.allclose(slope(a, y), slope(b, y))


def test_differences_keep_the_digits_of_rows_nearly_equal():
    g = graph(dtype=torch.float32)
    y = 1 + 1e-7 * torch.randn(8, 3)
    exact = loops_message(y.double(), graph(), 0.3, 1e-3)
    assert (variation_message(y, g, 0.3, 1e-3) - exact).abs().max() < 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_threads_change_nothing(dtype, monkeypatch):
    monkeypatch.setattr(edges, "PIECE", 64)
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


def test_rows_may_lie_in_memory_as_they_like():
    g, s = graph(), rows()
    turned = s.detach().T.contiguous().T.requires_grad_()
    assert not turned.is_contiguous()
    assert torch.equal(total_variation(s, g, one(g)), total_variation(turned, g, one(g)))
    ours, theirs = (variation_message(y, g, 0.3, 1e-3) for y in (s, turned))
    assert torch.equal(ours, theirs)
    assert torch.equal(slope(ours, s), slope(theirs, turned))


def test_a_graph_without_edges():
    g = Rows.of(sp.csr_array((4, 4)), CPU, torch.float64)
    s = rows(4)
    value = total_variation(s, g, one(g))
    assert value == 0
    assert torch.equal(variation_message(s, g, 0.3, 1e-3), s)
    assert not slope(value, s).any()
