"""Layers that two or more networks share."""

from itertools import pairwise

import torch
from torch import Tensor, nn


def perceptron(*widths: int) -> nn.Sequential:
    """Linear layers of these widths with ReLU between; Glorot's weights, biases of 0 at first."""
    parts: list[nn.Module] = []
    for a, b in pairwise(widths):
        layer = nn.Linear(a, b)
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

    def forward(self, x: Tensor, smoothing: Tensor) -> Tensor:
        """x (N, F) dense or sparse, Ã (N, N) sparse."""
        return torch.sparse.mm(smoothing, x @ self.weight) + x @ self.skip + self.bias
