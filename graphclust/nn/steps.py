"""What a contrastive objective is called with: all nodes, or batches with positives drawn."""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphclust.nn.contrast import Influence
from graphclust.nn.mlp import Rows, Whole

Step = tuple[Tensor | Whole, Influence, Tensor | None]


def whole_graph(x: Rows, r: sp.csr_array, target: bool) -> Callable[[], Iterator[Step]]:
    """One step an epoch, on everything."""
    row = np.repeat(np.arange(r.shape[0]), np.diff(r.indptr))
    weight = torch.from_numpy(r.data.astype(np.float32))
    parts = [torch.from_numpy(part.astype(np.int64)) for part in (row, r.indices)]
    anchors = torch.arange(r.shape[0])
    influence = Influence(*(part.to(x.device) for part in (anchors, *parts, weight)))
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
        row = np.repeat(np.arange(len(node)), positives)
        parts = (local[: len(node)], row, local[len(node) :], share)
        influence = Influence(*(torch.from_numpy(part).to(x.device) for part in parts))
        rows = x.take(torch.from_numpy(nodes))
        yield rows, influence, rows if target else None
