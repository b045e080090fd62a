"""Dense products: oneDNN's and torch's agree with float64, whichever this processor gets."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from graphclust.kernels import gemm
from graphclust.kernels.gemm import Linear, linear, matmul

SHAPES = [
    (2048, 60, 40),
    (2048, 40, 60),
    (4096, 300, 2),
    (4096, 2, 300),
    (7, 5, 3),
    (1, 2000, 2000),
]


@pytest.fixture(params=["torch", "onednn"])
def library(request, monkeypatch):
    if request.param == "onednn":
        try:
            gemm._onednn(torch.ones(2, 2), torch.ones(2, 2), None)
        except (AttributeError, RuntimeError):
            pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(gemm, "ONEDNN", request.param == "onednn")
    monkeypatch.setattr(gemm, "LARGE", 2**20)
    return request.param


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def agree(ours, given, expected, wide):
    c = random(*ours.shape, seed=9).detach()
    slopes = torch.autograd.grad((ours * c).sum(), given)
    right = torch.autograd.grad((expected * c.double()).sum(), wide)
    for a, b in zip((ours, *slopes), (expected, *right), strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a.double(), b, rtol=0, atol=1e-5 * float(b.detach().abs().max()))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "f", "h"), SHAPES)
def test_a_layer_and_its_gradients(library, n, f, h, bias):
    given = [random(n, f), random(h, f, seed=1), *([random(h, seed=2)] if bias else [])]
    wide = [part.detach().double().requires_grad_() for part in given]
    ours = linear(*given)
    large = n * f * h >= gemm.LARGE
    assert (ours.grad_fn.name() == "_LinearBackward") == (library == "onednn" and large)
    agree(ours, given, F.linear(*wide), wide)


def test_rows_that_lie_apart_and_turned_factors(library):
    a, b = random(70, 3000), random(3000, 90, seed=1)
    wide = [part.detach().double().requires_grad_() for part in (a, b)]
    agree(matmul(a.T[::2].T, b[::2]), [a, b], wide[0][:, ::2] @ wide[1][::2], wide)
    agree(matmul(b.T, a.T), [a, b], wide[1].T @ wide[0].T, wide)


@pytest.mark.parametrize("shape", [(), (1,), (40,), (1, 40), (2048, 1), (2048, 40)])
def test_a_bias_of_any_shape_that_torch_takes(library, shape):
    given = [random(2048, 60), random(40, 60, seed=1), random(*shape, seed=2)]
    wide = [part.detach().double().requires_grad_() for part in given]
    agree(linear(*given), given, F.linear(*wide), wide)


def test_a_bias_with_gaps(library):
    x, weight, many = torch.zeros(2048, 60), torch.zeros(40, 60), torch.arange(80.0)
    assert torch.equal(linear(x, weight, many[::2])[5], many[::2])
    assert torch.equal(linear(x, weight, many[7].expand(40)), torch.full((2048, 40), 7.0))


def test_weights_and_rows_that_need_no_gradient_may_change(library):
    x, weight = random(2048, 60), torch.ones(40, 60)
    out = linear(x, weight)
    with torch.no_grad():
        x.zero_()
    (to_x,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(to_x, torch.full((2048, 60), 40.0))


def test_only_weights_with_gaps_are_copied():
    whole = torch.arange(12.0).view(3, 4)
    assert gemm.packed(whole) is whole
    assert gemm.packed(whole.T).data_ptr() == whole.data_ptr()
    for gaps in (whole[:, 1:], whole[:, 1:].T, whole[:, ::2], torch.ones(3, 1).expand(3, 4)):
        found = gemm.packed(gaps)
        assert torch.equal(found, gaps)
        assert found.is_contiguous()


def test_sizes_that_do_not_fit_are_torchs_error(library):
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        linear(torch.ones(2048, 60), torch.ones(40, 61))
    with pytest.raises(RuntimeError, match="size"):
        linear(torch.ones(2048, 60), torch.ones(40, 60), torch.ones(39))


def test_only_what_asks_for_a_gradient_gets_one(library):
    x, weight = random(2048, 60).detach(), random(40, 60, seed=1)
    linear(x, weight).sum().backward()
    assert x.grad is None
    assert weight.grad.shape == weight.shape
    assert not linear(x, weight.detach()).requires_grad


def test_other_numbers_are_torchs(library):
    x, weight = random(6, 4).double(), random(3, 4, seed=1).double()
    assert gradcheck(linear, (x, weight))
    low = linear(torch.ones(2048, 60).bfloat16(), torch.ones(40, 60).bfloat16())
    assert low.dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(torch.ones(2048, 60), torch.ones(40, 60)).dtype == torch.bfloat16


def test_no_rows_give_none(library):
    assert linear(torch.ones(0, 60), torch.ones(40, 60)).shape == (0, 40)
    assert torch.equal(linear(torch.ones(3, 0), torch.ones(2, 0)), torch.zeros(3, 2))


def test_an_unknown_matrix_multiplies_itself(library):
    class Twice:
        def __matmul__(self, y):
            return 2 * y

    assert torch.equal(matmul(Twice(), torch.ones(2, 2)), torch.full((2, 2), 2.0))


def test_the_layer_is_torchs_with_the_same_weights(library):
    torch.manual_seed(0)
    ours, theirs = Linear(300, 20), torch.nn.Linear(300, 20)
    theirs.load_state_dict(ours.state_dict())
    x = random(1000, 300).detach()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
