"""What TVGNN, MinCut, DMoN and DIGRAC share: networks whose softmax is the partition, and training.

Such losses have bad local minima, in which columns of S hold no node; they show in the loss. So
`starts` networks are trained for a `warm` while, and the one of the lowest loss is trained to the
end, after columns with hardly a node have been revived: they begin anew as copies of that of the
largest cluster, which the two then divide. Methods say what to do about columns that are `emptied`
later: those without any node may be revived after each `warm` epochs more; and where they are
revived or waited for, training does not end for want of a lower loss while there is one. The
network ends with the weights of its lowest loss, taken without dropout. No label is looked at.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import normalize
from torch import Tensor, nn
from torch_geometric.data import Data

from graphclust.base import Clustering, Labels, Method, Trace
from graphclust.graph.errors import warn
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads.head import same_width
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.edges import Rows
from graphclust.kernels.products import Constant
from graphclust.kernels.segments import Segments
from graphclust.nn.graphs import SparseGraphs
from graphclust.nn.layers import numbers_of, put_back
from graphclust.nn.mlp import Rows as Features
from graphclust.nn.train import Terms, fingerprint, torch_device, train
from graphclust.params import param

DEAD = 0.1  # of N / K nodes: a column with fewer takes no part
NOISE = 0.1  # standard deviations by which a revived column differs


class Inputs:
    """What a network reads, on its device: `x` (N, F) unit-sum rows, and the graph, its weights in
    units of their mean."""

    def __init__(self, graph: Data, device: torch.device) -> None:
        self.device = device
        features = Features(normalize(feature_matrix(graph.x), norm="l1"), device=device)
        sparse = features.sparse
        self.x: Any = features.thick if sparse is None else Constant(sparse, device)
        adjacency = to_scipy(graph)
        if adjacency.nnz:
            adjacency = adjacency / adjacency.data.mean()
        rows = Rows.of(adjacency, device, torch.float32)
        self.graphs = SparseGraphs(rows, Segments.alike(1, rows.n, device))


@dataclass(frozen=True, kw_only=True)
class PartitionMethod(Method):
    """Parameters and training; subclasses write `_network` and `_objective`."""

    n_clusters: int = param(help="number of clusters K", low=1)
    starts: int = param(3, "networks that are begun, of which the best goes on", low=1)
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

    weight_decay: ClassVar[float] = 0.0
    emptied: ClassVar[Literal["left", "awaited", "revived"]] = "left"
    slow: ClassVar = True
    needs: ClassVar[tuple[str, ...]] = ("x",)
    kinds: ClassVar = ("undirected", "weighted")

    @abstractmethod
    def _network(self, inputs: Any, start: int) -> nn.Module:
        """The network of that start for such inputs, of which its `vectors` gives (N, D) vectors,
        and a call (N, K) logits."""

    @abstractmethod
    def _objective(self, s: Tensor, inputs: Any) -> Terms:
        """The terms of the loss of a soft partition (N, K), `loss` their sum."""

    def _inputs(self, graph: Data, device: torch.device) -> Any:
        """What the network and the objective read of a graph; `x` has the features."""
        return Inputs(graph, device)

    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        n, k = graph.num_nodes, self.n_clusters
        if k == 1:
            return {"labels": np.zeros(n, np.int64), "soft": np.ones((n, 1), np.float32)}
        with one_thread() if self.deterministic else nullcontext():
            inputs = self._inputs(graph, torch.device(self.device))
            model, start = self._train(inputs, trace, fingerprint(self, graph))
            with _at_rest(model):
                z = model.vectors(inputs).cpu().numpy()  # type: ignore[operator]
            soft = _soft(model, inputs)
        labels, filled = fill(soft)
        if len(filled):
            warn(
                f"{len(filled)} of the {k} clusters held no node when training ended; each was "
                "given the one that leans to it most"
            )
        return {
            "labels": labels,
            "soft": soft,
            "embedding": z,
            "extras": numbers_of(model, "weights") | {"filled": filled, "start": np.array(start)},
        }

    def _train(self, inputs: Any, trace: Trace, run: str) -> tuple[nn.Module, int]:
        """The network, and which of the starts it goes back to."""
        options: dict[str, Any] = {"rate": self.rate, "decay": self.weight_decay, "run": run}
        found: list[tuple[float, int, nn.Module]] = []
        stopped = False

        def follow(epoch: int, **numbers: float) -> bool:
            nonlocal stopped
            stopped = trace(epoch, **numbers)
            return stopped

        def losses(model: nn.Module, epoch: int) -> Iterator[Terms]:
            yield self._objective(model(inputs).softmax(dim=1), inputs)

        for i in range(self.starts):
            model = self._network(inputs, i).to(inputs.device)
            train(
                model,
                partial(losses, model),
                trace=partial(follow, start=i),
                epochs=self.warm,
                phase=f"start{i}",
                **options,
            )
            found.append((self._loss(model, inputs), i, model))
            if stopped:
                break
        _, i, model = min(found, key=lambda start: start[:2])
        soft = _soft(model, inputs)
        revive(model, soft, least=DEAD * soft.shape[0] / soft.shape[1])
        dropout = any(isinstance(part, nn.Dropout) for part in model.modules())
        latest = 0.0

        def rest(epoch: int) -> Iterator[Terms]:
            nonlocal latest
            if self.emptied == "revived" and epoch and epoch % self.warm == 0:
                revive(model, _soft(model, inputs), least=1)
            trace.labels(epoch, lambda: _soft(model, inputs).argmax(axis=1))
            for terms in losses(model, epoch):
                latest = terms["loss"].item()
                yield terms

        if not stopped:
            train(
                model,
                rest,
                epochs=self.epochs,
                trace=lambda epoch, **n: trace(self.warm + epoch, **n, start=i),
                score=lambda _: -(self._loss(model, inputs) if dropout else latest),
                patience=self.patience or self.epochs,
                waits=lambda: self.emptied != "left" and not _sizes(_soft(model, inputs)).all(),
                **options,
            )
        return model, i

    def _loss(self, model: nn.Module, inputs: Any) -> float:
        with _at_rest(model):
            return self._objective(model(inputs).softmax(dim=1), inputs)["loss"].item()

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        if self.n_clusters == 1:
            return np.zeros(graph.num_nodes, np.int64)
        x = feature_matrix(graph.x)
        same_width(x, clustering.extras["weights.0"].T)
        inputs = self._inputs(graph, torch.device("cpu"))
        model = self._network(inputs, int(clustering.extras["start"]))
        put_back(model, "weights", clustering.extras)
        with one_thread():
            return _soft(model, inputs).argmax(axis=1)


def revive(model: nn.Module, soft: NDArray[np.floating], least: float) -> None:
    """Let each column of S with fewer nodes than `least` share those of the largest cluster."""
    sizes = _sizes(soft)
    last = [part for part in model.modules() if isinstance(part, nn.Linear)][-1]
    with torch.no_grad():
        for column in np.flatnonzero(sizes < least).tolist():
            largest = int(sizes.argmax())
            row = last.weight[largest]
            last.weight[column] = row + NOISE * row.std() * torch.randn_like(row)
            last.bias[column] = last.bias[largest]
            sizes[[column, largest]] = sizes[largest] // 2


def fill(soft: NDArray[np.floating]) -> tuple[Labels, NDArray[np.int64]]:
    """(N,) labels with none of the K ≤ N columns empty, and the columns that had to be filled."""
    labels = soft.argmax(axis=1)
    empty = np.setdiff1d(np.arange(soft.shape[1]), labels)
    for column in empty:
        spare = np.bincount(labels, minlength=soft.shape[1])[labels] > 1
        labels[np.where(spare, soft[:, column], -1).argmax()] = column
    return labels, empty


def _sizes(soft: NDArray[np.floating]) -> NDArray[np.int64]:
    """(K,) nodes of each column."""
    return np.bincount(soft.argmax(axis=1), minlength=soft.shape[1])


@contextmanager
def _at_rest(model: nn.Module) -> Iterator[None]:
    """Without gradients and dropout."""
    model.eval()
    with torch.no_grad():
        yield
    model.train()


def _soft(model: nn.Module, inputs: Any) -> NDArray[np.floating]:
    """(N, K) memberships."""
    with _at_rest(model):
        soft: Tensor = model(inputs).softmax(dim=1)
    return soft.cpu().numpy()
