"""Who adds up: chosen by the device and the kind of numbers, never by the caller.

- `compiled`, on the processor: numba.
- `triton`, on CUDA: programs of Triton, which torch brings along there.
- `plain`, elsewhere: torch, with E × F numbers.

torch-scatter is not among them: measured on the processor (`experiments/speed/kernels.py` shows it
where it is installed) it gains nothing on sums, and loses on maxima.
"""

import importlib.util
from types import ModuleType

import torch
from torch import Tensor

FLOATS = (torch.float32, torch.float64)


def of(x: Tensor) -> ModuleType:
    """The module whose functions add up what is like `x`."""
    if x.dtype in FLOATS and x.device.type == "cpu":
        from graphclust.kernels import compiled

        return compiled
    if x.dtype in FLOATS and x.device.type == "cuda" and importlib.util.find_spec("triton"):
        from graphclust.kernels import triton

        return triton
    from graphclust.kernels import plain

    return plain
