"""Layers that two or more networks share."""

from itertools import pairwise
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphclust.kernels.gemm import Linear, matmul
from graphclust.nn.graphs import Graphs


def numbers_of(model: nn.Module, name: str) -> dict[str, NDArray[Any]]:
    """A model's parameters in order, as the `extras` of a result: `name.0`, `name.1` …"""
    parts = enumerate(model.parameters())
    return {f"{name}.{i}": part.detach().cpu().numpy().copy() for i, part in parts}


def put_back(model: nn.Module, name: str, extras: dict[str, Any]) -> None:
    """Give a model the parameters that `numbers_of` took from one like it."""
    for i, part in enumerate(model.parameters()):
        part.data = torch.from_numpy(extras[f"{name}.{i}"])


def perceptron(*widths: int) -> nn.Sequential:
    """Linear layers of these widths with ReLU between; Glorot's weights, biases of 0 at first."""
    parts: list[nn.Module] = []
    for a, b in pairwise(widths):
        layer = Linear(a, b)
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
        parts += [layer, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class SkipConv(nn.Module):
    """Ã X W + X V + b: a graph convolution without self-loops, and the node itself beside it."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, out)))
        self.skip = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, out)))
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, x: Tensor, graphs: Graphs) -> Tensor:
        """x (N, F) dense or sparse."""
        return graphs.smoothing.spread(matmul(x, self.weight)) + matmul(x, self.skip) + self.bias


class GTVConv(nn.Module):
    """(I − δ L_Γ) X Θ + b of `methods.tvgnn`."""

    def __init__(self, width: int, out: int, delta: float, eps: float = 1e-3) -> None:
        super().__init__()
        # as published: the deviation is that of the number of outputs, √(2 / out)
        self.weight = nn.Parameter(nn.init.kaiming_normal_(torch.empty(width, out)))
        self.bias = nn.Parameter(torch.zeros(out))
        self.delta, self.eps = delta, eps

    def forward(self, x: Tensor, graphs: Graphs) -> Tensor:
        """x (N, F) dense or sparse."""
        return graphs.message(matmul(x, self.weight), self.delta, self.eps).add_(self.bias)
