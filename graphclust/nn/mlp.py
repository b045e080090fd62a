"""Multi-layer perceptrons over dense or sparse rows, and the autoencoder that warms one up.

The autoencoder is that of D. Bo et al., "Structural deep clustering network", WWW (2020),
https://arxiv.org/abs/2002.01633: encoder F–hidden–D, mirrored decoder, squared error, Adam.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from graphclust.graph.features import sparse_tensor
from graphclust.nn.train import Terms, train

SPARSE = 0.2  # share of values that are not zero, below which a matrix product runs on these alone


class Rows:
    """What an encoder reads: (N, F) features, whole (`all`, sparse where that pays) or by rows."""

    def __init__(self, x: NDArray[np.float32] | sp.csr_array, device: torch.device) -> None:
        if not sp.issparse(x) and np.count_nonzero(x) < SPARSE * x.size:
            x = sp.csr_array(x)
        self.device = device
        self.sparse = x if sp.issparse(x) else None
        self.shape = x.shape
        whole = sparse_tensor(x) if sp.issparse(x) else torch.from_numpy(np.ascontiguousarray(x))
        self.all: Tensor = whole.to(device)

    def take(self, index: Tensor) -> Tensor:
        """(B, F) dense rows."""
        if self.sparse is None:
            return self.all[index.to(self.device)]
        return torch.from_numpy(self.sparse[index.cpu().numpy()].toarray()).to(self.device)


class MLP(nn.Module):
    """Linear layers with ReLU between them, the last one without; `widths` from input to output.

    The first layer takes sparse CSR input; `low` runs the products of the later ones in bfloat16.
    """

    def __init__(self, widths: Sequence[int], low: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.low, self.width = low, widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        first, *rest = (cast(nn.Linear, layer) for layer in self.layers)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.low):
            if x.layout == torch.sparse_csr:
                with torch.autocast(x.device.type, enabled=False):
                    h = torch.addmm(first.bias, x, first.weight.T)
            else:
                h = first(x)
            for layer in rest:
                h = layer(F.relu(h))
        return h.float()


def pretrain(
    encoder: MLP,
    decoder: MLP,
    x: Rows,
    *,
    epochs: int,
    batch_size: int = 256,
    rate: float = 1e-3,
    trace: Callable[..., bool],
    run: str,
) -> None:
    """Train both to give back the rows of `x`: mean squared error, shuffled batches, Adam."""
    model = nn.ModuleList([encoder, decoder])

    def losses(epoch: int) -> Iterator[Terms]:
        for index in torch.randperm(x.shape[0]).split(batch_size):
            rows = x.take(index)
            yield {"loss": F.mse_loss(decoder(encoder(rows)), rows)}

    train(model, losses, epochs=epochs, rate=rate, trace=trace, phase="pretrain", run=run)


def encode(encoder: MLP, x: Rows, batch_size: int | None = None) -> Tensor:
    """(N, D) vectors of all rows, without gradients; in batches where they are asked for."""
    with torch.no_grad():
        if batch_size is None:
            z: Tensor = encoder(x.all)
            return z
        parts: list[Any] = list(torch.arange(x.shape[0]).split(batch_size))
        return torch.cat([encoder(x.take(part)) for part in parts])


def widths(text: str) -> list[int]:
    """The numbers in `256-128`.

    Raises:
        ValueError: something else.
    """
    try:
        found = [int(width) for width in text.split("-")]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise ValueError(f"hidden must be widths such as '256-128', found {text!r}")
    return found
