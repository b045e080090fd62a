"""Products of dense matrices with the library that is fastest on this processor; first gradients.

Letters: X (N, F), W (H, F), b (H,); A (N, F), B (F, H). torch's own products are MKL's, which does
not use the AVX-512 units of an AMD processor; oneDNN, which torch has on board too, does. There,
large products of float32 matrices are oneDNN's, twice as fast (`experiments/speed/gemm.py`); all
others are torch's. The numbers agree to rounding, and are the same for the same processor and
number of threads. What oneDNN multiplied has no gradients of gradients, and no `torch.func`.
"""

import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# Multiplications from which on oneDNN gains more than it costs to make ready for shapes not met
# before, a millisecond or two for a layer and its gradients: batches differ from step to step.
LARGE = 2**27


def matmul(a: Any, b: Tensor) -> Tensor:
    """(N, H) A B, of (N, F) and (F, H); A may be anything that knows its product `A @ B`."""
    if not isinstance(a, Tensor):
        return a @ b
    return linear(a, b.mT)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(N, H) X Wᵀ + b, as `torch.nn.functional.linear` of matrices; gradients of first order."""
    if not _suits(x, weight, bias):
        return F.linear(x, weight, bias)
    out: Tensor = _Linear.apply(x, weight, bias)
    return out


class Linear(torch.nn.Linear):
    """`torch.nn.Linear` by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        to_x, to_weight = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if to_weight else None, weight if to_x else None)
        return _onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        to_x = None if weight is None else linear(c, weight.mT)
        to_weight = None
        if x is not None:
            # the narrower one first: oneDNN is up to six times slower the other way round
            narrow = c.shape[1] <= x.shape[1]
            to_weight = linear(c.mT, x.mT) if narrow else linear(x.mT, c.mT).mT
        return to_x, to_weight, c.sum(dim=0) if ctx.needs_input_grad[2] else None


def _suits(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    return (
        ONEDNN
        and all(part is None or _plain(part) for part in (x, weight, bias))
        and x.dim() == weight.dim() == 2
        and x.shape[1] == weight.shape[1]
        and (bias is None or bias.shape == weight.shape[:1])
        and x.numel() * len(weight) >= LARGE
        and not torch.is_autocast_enabled("cpu")
    )


def _plain(x: Tensor) -> bool:
    return x.dtype == torch.float32 and x.device.type == "cpu" and x.layout == torch.strided


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What torch's compiler calls for the same, without names for it that are public."""
    if bias is not None:
        bias = bias.contiguous()  # oneDNN reads past a bias with gaps
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
