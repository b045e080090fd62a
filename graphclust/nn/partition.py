"""What TVGNN, MinCut and DMoN share: networks whose softmax is the partition, and their training.

Such losses have bad local minima, in which columns of S hold no node; they show in the loss. So
`starts` networks are trained for a `warm` while, and the one with the fewest empty columns, and of
these the latest loss, is trained to the end. While all have an empty column, as many starts again
are made. No label is looked at.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import normalize
from torch import Tensor, nn
from torch_geometric.data import Data

from graphclust.base import Clustering, Labels, Method, Trace
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads.head import same_width
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.edges import Rows
from graphclust.kernels.segments import Segments
from graphclust.nn.graphs import SparseGraphs
from graphclust.nn.layers import numbers_of, put_back
from graphclust.nn.mlp import Rows as Features
from graphclust.nn.train import Terms, fingerprint, torch_device, train
from graphclust.params import param


class Inputs:
    """What a network reads, on its device: `x` (N, F) unit-sum rows, and the graph."""

    def __init__(self, graph: Data, device: torch.device) -> None:
        self.device = device
        features = Features(normalize(feature_matrix(graph.x), norm="l1"), device=device)
        self.x: Tensor = next(part for part in features.all if part is not None)
        rows = Rows.of(to_scipy(graph), device, torch.float32)
        self.graphs = SparseGraphs(rows, Segments.alike(1, rows.n, device))


@dataclass(frozen=True, kw_only=True)
class PartitionMethod(Method):
    """Parameters and training; subclasses write `_network` and `_objective`."""

    n_clusters: int = param(help="number of clusters K", low=1)
    starts: int = param(5, "networks that are begun, of which the best goes on", low=1)
    warm: int = param(100, "epochs of a start", low=1)
    epochs: int = param(400, "epochs at most of the best", low=1)
    patience: int = param(
        50, "epochs that no lower loss is waited for; 0: train to the last", low=0
    )
    rate: float = param(1e-3, "learning rate of Adam", low=1e-8)
    device: str = param("cpu", "torch device", valid=torch_device)
    deterministic: bool = param(
        True, "train on one thread; off: on all, and sums round differently"
    )

    slow: ClassVar = True
    needs: ClassVar = ("x",)
    kinds: ClassVar = ("undirected", "weighted")

    @abstractmethod
    def _network(self, width: int) -> nn.Module:
        """A new network from features of that width: called with `Inputs`, it gives (N, D) vectors
        and (N, K) logits."""

    @abstractmethod
    def _objective(self, s: Tensor, inputs: Inputs) -> Terms:
        """The terms of the loss of a soft partition (N, K), `loss` their sum."""

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        n, k = graph.num_nodes, self.n_clusters
        if k == 1:
            return {"labels": np.zeros(n, np.int64), "soft": np.ones((n, 1), np.float32)}
        with one_thread() if self.deterministic else nullcontext():
            inputs = Inputs(graph, torch.device(self.device))
            model = self._train(inputs, trace, fingerprint(self, graph))
            z, soft = _outcome(model, inputs)
        labels, filled = fill(soft)
        return {
            "labels": labels,
            "soft": soft,
            "embedding": z,
            "extras": numbers_of(model, "weights") | {"filled": filled},
        }

    def _train(self, inputs: Inputs, trace: Trace, run: str) -> nn.Module:
        found: list[tuple[int, float, int, nn.Module]] = []
        options: dict[str, Any] = {"rate": self.rate, "run": run}
        latest, stopped = math.inf, False

        def follow(epoch: int, **numbers: float) -> bool:
            nonlocal stopped, latest
            latest = numbers["loss"]  # also of a start that a checkpoint had finished
            stopped = trace(epoch, **numbers)
            return stopped

        def losses(model: nn.Module, epoch: int) -> Iterator[Terms]:
            nonlocal latest
            terms = self._objective(model(inputs)[1].softmax(dim=1), inputs)
            latest = terms["loss"].item()
            yield terms

        while len(found) < self.starts or (len(found) < 2 * self.starts and min(found)[0]):
            i, model = len(found), self._network(inputs.x.shape[1]).to(inputs.device)
            begun = partial(follow, start=i)
            train(
                model,
                partial(losses, model),
                trace=begun,
                epochs=self.warm,
                phase=f"start{i}",
                **options,
            )
            empty = self.n_clusters - len(np.unique(_outcome(model, inputs)[1].argmax(axis=1)))
            found.append((empty, latest, i, model))
            if stopped:
                break
        _, _, i, model = min(found, key=lambda start: start[:3])

        def rest(epoch: int) -> Iterator[Terms]:
            trace.labels(epoch, lambda: _outcome(model, inputs)[1].argmax(axis=1))
            yield from losses(model, epoch)

        if not stopped:
            train(
                model,
                rest,
                epochs=self.epochs,
                trace=lambda epoch, **n: trace(self.warm + epoch, **n, start=i),
                score=lambda _: -latest,
                patience=self.patience or self.epochs,
                **options,
            )
        return model

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        if self.n_clusters == 1:
            return np.zeros(graph.num_nodes, np.int64)
        x = feature_matrix(graph.x)
        same_width(x, clustering.extras["weights.0"].T)
        model = self._network(x.shape[1])
        put_back(model, "weights", clustering.extras)
        with one_thread():
            return _outcome(model, Inputs(graph, torch.device("cpu")))[1].argmax(axis=1)


def fill(soft: NDArray[np.floating]) -> tuple[Labels, NDArray[np.int64]]:
    """(N,) labels with none of the K ≤ N columns empty, and the columns that had to be filled."""
    labels = soft.argmax(axis=1)
    empty = np.setdiff1d(np.arange(soft.shape[1]), labels)
    for column in empty:
        spare = np.bincount(labels, minlength=soft.shape[1])[labels] > 1
        labels[np.where(spare, soft[:, column], -1).argmax()] = column
    return labels, empty


def _outcome(model: nn.Module, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) vectors and (N, K) memberships, without gradients and dropout."""
    model.eval()
    with torch.no_grad():
        z, logits = model(inputs)
        model.train()
        return z.cpu().numpy(), logits.softmax(dim=1).cpu().numpy()
