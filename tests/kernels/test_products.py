"""Products, dots and flows along sparse patterns: against loops and dense matrices, to the second
gradient, on every back-end."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.autograd import gradcheck, gradgradcheck

from graphclust.kernels import compiled
from graphclust.kernels import pattern as patterns
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.products import Constant, dots, flow_sums, product


def entries(shape=(6, 5), seed=0):
    """Unequal rows, the second empty, an entry that is there twice, a row longer than a tile."""
    rng = np.random.default_rng(seed)
    groups = [rng.integers(shape[1], size=k) for k in (3, 0, 20, 1, 4, 2)[: shape[0]]]
    groups[2][1] = groups[2][0]
    return groups


def pattern(device, shape=(6, 5), dtype=torch.int64):
    groups = entries(shape)
    start = torch.from_numpy(np.cumsum([0, *map(len, groups)]))
    member = torch.from_numpy(np.concatenate(groups))
    return Pattern(start.to(device, dtype), member.to(device, dtype), shape[1])


def rows(device, *shape, seed=0, dtype=torch.float64):
    source = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, dtype=torch.float64, generator=source)
    return values.to(device, dtype).requires_grad_()


def agree(ours, expected, *given):
    weight = torch.linspace(1, 2, ours.numel(), dtype=ours.dtype, device=ours.device).view_as(ours)
    slopes = [torch.autograd.grad((part * weight).sum(), given) for part in (ours, expected)]
    for a, b in zip((ours, *slopes[0]), (expected, *slopes[1]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4 if a.dtype == torch.float32 else 1e-8)


def loops_product(p, values, x):
    out = []
    for g in range(len(p)):
        total = torch.zeros_like(x[0])
        for e in range(int(p.start[g]), int(p.start[g + 1])):
            total = total + values[e] * x[p.member[e]]
        out.append(total)
    return torch.stack(out)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("width", [1, 3, 140])
def test_a_product_is_its_sum(device, width, dtype):
    p = pattern(device)
    values = rows(device, len(p.member), dtype=dtype)
    x = rows(device, p.n, width, seed=1, dtype=dtype)
    agree(product(p, values, x), loops_product(p, values, x), values, x)
    ones = torch.ones_like(values)
    agree(product(p, None, x), loops_product(p, ones, x), x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("width", [1, 3, 140])
def test_dots_are_those_of_the_two_rows(device, width, dtype):
    p = pattern(device)
    a = rows(device, len(p), width, dtype=dtype)
    b = rows(device, p.n, width, seed=1, dtype=dtype)
    loops = [(a[g] * b[i]).sum() for g, i in zip(p.row.tolist(), p.member.tolist(), strict=True)]
    agree(dots(p, a, b), torch.stack(loops), a, b)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_a_flow_goes_from_group_to_group(device, weighted, k):
    q = pattern(device, (6, 6))
    values, p = rows(device, len(q.member)), rows(device, 6, k, seed=1)
    used = values if weighted else torch.ones_like(values)
    loops = torch.zeros(k, k, dtype=p.dtype, device=device)
    for e, (g, i) in enumerate(zip(q.row.tolist(), q.member.tolist(), strict=True)):
        loops = loops + used[e] * p[g, :, None] * p[i]
    agree(flow_sums(q, values if weighted else None, p), loops, p, *[values][:weighted])


def test_first_and_second_gradients_are_differences(device):
    p, square = pattern(device), pattern(device, (6, 6))
    values, x = rows(device, len(p.member)), rows(device, p.n, 2, seed=1)
    a = rows(device, len(p), 2, seed=2)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda values, x: product(p, values, x), (values, x))
        assert check(lambda a, x: dots(p, a, x), (a, x))
        assert check(lambda values, a: flow_sums(square, values, a), (values, a))


def test_the_gradient_of_values_has_their_number(device):
    p = pattern(device)
    values, x = rows(device, len(p.member)), rows(device, p.n, 3)
    product(p, values, x).sum().backward()
    assert values.grad.shape == values.shape


def test_indices_of_both_kinds_and_rows_that_lie_anyhow(device):
    p, narrow = pattern(device, (6, 6)), pattern(device, (6, 6), torch.int32)
    values, x = rows(device, len(p.member)), rows(device, 6, 3, seed=1)
    turned = x.detach().T.contiguous().T
    spread = torch.stack([values.detach()] * 2, dim=1)[:, 0]
    assert not turned.is_contiguous()
    assert not spread.is_contiguous()
    assert torch.equal(product(narrow, spread, turned), product(p, values, x))
    assert torch.equal(dots(narrow, turned, turned), dots(p, x, x))
    assert torch.equal(flow_sums(narrow, spread, turned), flow_sums(p, values, x))


@pytest.mark.parametrize(("groups", "n", "width"), [(0, 0, 3), (2, 0, 3), (2, 2, 0), (2, 2, 3)])
def test_no_entries_give_zeros(device, groups, n, width):
    p = Pattern(*(torch.zeros(k, dtype=torch.int64, device=device) for k in (groups + 1, 0)), n)
    x, values = rows(device, n, width), rows(device, 0)
    found = product(p, values, x)
    assert torch.equal(found, torch.zeros(groups, width, dtype=x.dtype, device=device))
    assert dots(p, rows(device, groups, width), x).shape == (0,)
    found.sum().backward()
    assert not x.grad.any()
    if groups == n:
        assert torch.equal(flow_sums(p, values, x), x.new_zeros(width, width))


def test_what_does_not_fit_is_named(device):
    p = pattern(device)
    values, x = rows(device, len(p.member)), rows(device, 5, 3)
    with pytest.raises(ValueError, match=r"x must have shape \(5, F\), found \(6, 3\)"):
        product(p, values, rows(device, 6, 3))
    with pytest.raises(ValueError, match=r"values must have shape \(30\), found \(29,\)"):
        product(p, values[1:], x)
    with pytest.raises(TypeError, match=r"values must be real numbers of one kind.*float32"):
        product(p, values.float(), x)
    with pytest.raises(TypeError, match=r"x must be real numbers of one kind, found .*int64"):
        product(p, None, x.long())
    with pytest.raises(ValueError, match=r"a must have shape \(6, 3\), found \(5, 3\)"):
        dots(p, x, x)
    with pytest.raises(ValueError, match=r"a flow needs a square pattern, found 6 × 5"):
        flow_sums(p, values, x)
    with pytest.raises(ValueError, match=r"y must have shape \(5, F\), found \(6, 3\)"):
        Constant(sp.csr_array((6, 5))) @ rows("cpu", 6, 3)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (0, 3)])
def test_a_constant_matrix_gives_the_products_of_the_dense_one(device, shape):
    rng = np.random.default_rng(0)
    matrix = sp.random_array(shape, density=0.5, rng=rng, format="csr")
    constant, y = Constant(matrix, device), rows(device, shape[1], 3)
    whole = torch.from_numpy(matrix.toarray()).to(device)
    agree(constant @ y, whole @ y, y)
    assert torch.equal(constant.tensor().to_dense(), whole)
    if shape[0] == shape[1]:
        agree(constant.flow(y), y.T @ whole @ y, y)


def test_a_symmetric_constant_is_kept_once(device):
    half = sp.random_array((6, 6), density=0.4, rng=np.random.default_rng(0), format="csr")
    matrix = sp.csr_array(half + half.T)
    values, y = torch.from_numpy(matrix.data).to(device), rows(device, 6, 3)
    whole = torch.from_numpy(matrix.toarray()).to(device)
    agree(Constant.symmetric(Pattern.of(matrix, device), values) @ y, whole @ y, y)


@pytest.mark.parametrize("width", [1, 40])
def test_threads_change_nothing(width, monkeypatch):
    monkeypatch.setattr(compiled, "PIECE", 512)
    monkeypatch.setattr(compiled, "BLOCK", 64)
    monkeypatch.setattr(patterns, "LONG", 100)
    rng = np.random.default_rng(0)
    source = np.sort((500 * rng.random(6000) ** 3).astype(np.int64))
    start = torch.from_numpy(np.searchsorted(source, np.arange(501)))
    p = Pattern(start, torch.from_numpy(rng.integers(500, size=6000)), 500)
    values = rows("cpu", 6000, dtype=torch.float32)
    x = rows("cpu", 500, width, seed=1, dtype=torch.float32)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            made = product(p, values, x), dots(p, x, x), flow_sums(p, values, x)
            slopes = [  # that of the flow has dense products, which are torch's own
                torch.autograd.grad(part.square().sum(), (values, x)[-k:])
                for part, k in zip(made[:2], (2, 1), strict=True)
            ]
            found.append([*made, *(part for pair in slopes for part in pair)])
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], others, strict=True))


def test_a_bad_index_raises_and_reads_nothing():
    with pytest.raises(ValueError, match=r"member must lie in 0\.\.4, found 0 to 5"):
        product(Pattern(torch.tensor([0, 2]), torch.tensor([0, 5]), 5), None, rows("cpu", 5, 2))
