"""What a contrastive objective is called with: all nodes, or batches with positives drawn."""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphclust.kernels.pattern import Pattern
from graphclust.nn.contrast import Influence
from graphclust.nn.mlp import Rows, Whole

Step = tuple[Tensor | Whole, Influence, Tensor | None]


def whole_graph(x: Rows, r: sp.csr_array, target: bool) -> Callable[[], Iterator[Step]]:
    """One step an epoch, on everything."""
    weight = torch.from_numpy(r.data.astype(np.float32)).to(x.device)
    anchors = torch.arange(r.shape[0], device=x.device)
    influence = Influence(anchors, Pattern.of(r, x.device), weight)
    wanted = x.dense() if target else None
    return lambda: iter([(x.all, influence, wanted)])


def batches(x: Rows, r: sp.csr_array, size: int, positives: int, target: bool) -> Iterator[Step]:
    """An epoch of shuffled batches of about `size` anchors.

    For each anchor `positives` entries of its row of R are drawn, with chances as their weights and
    with the row's sum shared out among them: the expectation of pos_i is exact.
    """
    n = r.shape[0]
    mass = np.r_[0.0, np.cumsum(r.data, dtype=np.float64)]
    for anchors in torch.randperm(n).tensor_split(-(-n // size)):
        node = anchors.numpy()
        low, high = mass[r.indptr[node]], mass[r.indptr[node + 1]]
        chance = torch.rand(len(node), positives, dtype=torch.float64).numpy()
        place = np.searchsorted(mass, low[:, None] + chance * (high - low)[:, None], side="right")
        place = np.clip(place - 1, r.indptr[node][:, None], r.indptr[node + 1][:, None] - 1)
        col = r.indices[place].ravel().astype(np.int64)
        nodes, local = np.unique(np.r_[node, col], return_inverse=True)
        share = np.repeat((high - low) / positives, positives).astype(np.float32)
        parts = (local[: len(node)], local[len(node) :], share)
        own, drawn, weight = (torch.from_numpy(part).to(x.device) for part in parts)
        start = positives * torch.arange(len(node) + 1, device=x.device)
        influence = Influence(own, Pattern(start, drawn, len(nodes)), weight)
        rows = x.take(torch.from_numpy(nodes))
        yield rows, influence, rows if target else None
