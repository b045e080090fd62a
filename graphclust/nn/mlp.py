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
from torch import Tensor, nn

from graphclust.kernels.gemm import Linear, linear
from graphclust.kernels.products import sparse_tensor
from graphclust.nn.train import Terms, train

Whole = tuple[Tensor | None, Tensor | None]  # sparse CSR columns, dense columns
SPARSE = 0.1  # share of values that are not zero, below which a matrix product runs on these alone


class Rows:
    """What an encoder reads: (N, F) features, whole (`all`) or by rows.

    Args:
        x: (N, F₁) features, which stay sparse where they are mostly zero.
        beside: (N, F₂) dense columns after those of x.
    """

    def __init__(self, x: Any, beside: Any = None, *, device: torch.device) -> None:
        filled = x.nnz if sp.issparse(x) else np.count_nonzero(x)
        self.device = device
        self.shape = (x.shape[0], x.shape[1] + (0 if beside is None else beside.shape[1]))
        self.sparse = sp.csr_array(x) if filled < SPARSE * x.shape[0] * x.shape[1] else None
        thick = [] if self.sparse is not None else [x.toarray() if sp.issparse(x) else x]
        thick += [] if beside is None else [beside]
        self.thick = torch.from_numpy(np.hstack(thick)).to(device) if thick else None
        thin = None if self.sparse is None else sparse_tensor(self.sparse).to(device)
        self.all: Whole = (thin, self.thick)

    def take(self, index: Tensor) -> Tensor:
        """(B, F) dense rows."""
        parts = []
        if self.sparse is not None:
            rows = self.sparse[index.cpu().numpy()].toarray()
            parts.append(torch.from_numpy(rows).to(self.device))
        if self.thick is not None:
            parts.append(self.thick[index.to(self.device)])
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def dense(self) -> Tensor:
        """(N, F) everything."""
        return self.take(torch.arange(self.shape[0]))


class MLP(nn.Module):
    """Linear layers with ReLU between them, the last one without; `widths` from input to output.

    The input is dense, or the sparse and the dense columns of `Rows.all`; `low` runs the products
    of dense matrices in bfloat16.
    """

    def __init__(self, widths: Sequence[int], low: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(widths))
        self.low = low

    def forward(self, x: Tensor | Whole) -> Tensor:
        first, *rest = (cast(nn.Linear, layer) for layer in self.layers)
        thin, thick = (None, x) if isinstance(x, Tensor) else x
        with torch.autocast(first.weight.device.type, torch.bfloat16, enabled=self.low):
            split = 0 if thin is None else thin.shape[1]
            h: Tensor = first.bias
            if thick is not None:
                h = linear(thick, first.weight[:, split:], h).float()
            if thin is not None:
                with torch.autocast(first.weight.device.type, enabled=False):
                    h = torch.addmm(h, thin, first.weight[:, :split].T)
            for layer in rest:
                h = layer(F.relu(h))
        return h.float()


def spread(model: MLP) -> MLP:
    """The model with He's weights (equation 10) and biases of 0, so that it scales as its input.

    K. He et al., "Delving deep into rectifiers", ICCV (2015), https://arxiv.org/abs/1502.01852.
    From PyTorch's weights the biases outweigh unit rows: outputs all begin along one direction.
    """
    for layer in model.layers:
        assert isinstance(layer, nn.Linear)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return model


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
