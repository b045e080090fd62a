"""Products of dense matrices with the library that is fastest on this processor; any gradient.

Letters: X (N, F), W (H, F), b (H,); A (N, F), B (F, H). torch's own products are MKL's, which does
not use the AVX-512 units of an AMD processor; oneDNN, which torch has on board too, does. There,
large products of float32 matrices are oneDNN's, twice as fast (`experiments/speed/gemm.py`); all
others are torch's. The numbers agree to rounding, and are the same for the same processor.
"""

import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGE = 2**20  # multiplications, below which a call of oneDNN costs more than it gains


def matmul(a: Any, b: Tensor) -> Tensor:
    """(N, H) A B, of (N, F) and (F, H); A may be anything that knows its product `A @ B`."""
    if not isinstance(a, Tensor):
        return a @ b
    return linear(a, b.mT)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(N, H) X Wᵀ + b, as `torch.nn.functional.linear` of matrices; gradients of first order."""
    if not _suits(x, weight):
        return F.linear(x, weight, bias)
    out: Tensor = _Linear.apply(x, weight, bias)
    return out


class Linear(torch.nn.Linear):
    """`torch.nn.Linear` by `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            to_x = linear(c, weight.mT)
        if ctx.needs_input_grad[1]:
            # the narrower one first: oneDNN is up to six times slower the other way round
            narrow = c.shape[1] <= x.shape[1]
            to_weight = linear(c.mT, x.mT) if narrow else linear(x.mT, c.mT).mT
        return to_x, to_weight, c.sum(dim=0) if ctx.needs_input_grad[2] else None


def _suits(x: Tensor, weight: Tensor) -> bool:
    return (
        ONEDNN
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and x.layout == torch.strided
        and x.dim() == 2
        and x.numel() * len(weight) >= LARGE
        and not torch.is_autocast_enabled("cpu")
    )


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What torch's compiler calls for the same, without names for it that are public."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed(weight), bias, "none", [], "")
    return out


def packed(weight: Tensor) -> Tensor:
    """Without gaps between rows or columns, for which oneDNN has only code that is 2,000 times
    as slow."""
    gaps = not weight.is_contiguous() and not weight.mT.is_contiguous()
    return weight.contiguous() if gaps else weight


def _faster() -> bool:
    """Is this an AMD processor with AVX-512, and does torch have oneDNN?"""
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not _amd():
        return False
    with suppress(AttributeError, RuntimeError):
        ones = torch.ones(2, 2)
        return torch.equal(_onednn(ones, ones, None), 2 * ones)
    return False


def _amd() -> bool:
    with suppress(OSError):
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text()
    return "AuthenticAMD" in platform.processor()


ONEDNN = _faster()
