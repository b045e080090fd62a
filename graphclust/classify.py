"""Classes of whole graphs, by layers and pools in turn: supervised, unlike all methods.

J. B. Hansen, F. M. Bianchi, "Total variation graph neural networks", ICML (2023),
https://arxiv.org/abs/2211.06218, section 5.2. With N_max the nodes of the largest graph,

    layer → pool to ⌊N_max/2⌋ → layer → pool to ⌊N_max/4⌋ → layer → mean of the rows → linear,

each layer with ReLU, trained by the cross-entropy of the classes and the losses of both pools
(`nn.pooling`). `tvgnn` has GTVConv and TVPool; `mincut` and `dmon` the layer and the pool of their
papers; `none` the layers of `tvgnn` without pools. Training stops on the cross-entropy of graphs
held out of those given, as the authors' TensorFlow code does, and keeps the weights of its least;
their PyTorch code takes the accuracy, which is the same for many weights where few are held out.
Departures: one softmax and not two, before the cross-entropy; unequal graphs have their own losses.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.errors import GraphError
from graphclust.graph.sets import GraphSet, graph_set
from graphclust.kernels.determinism import one_thread, seeded
from graphclust.kernels.edges import Rows
from graphclust.kernels.scatter import segment_mean
from graphclust.kernels.segments import Segments
from graphclust.nn.graphs import Graphs, SparseGraphs
from graphclust.nn.layers import GTVConv, SkipConv
from graphclust.nn.pooling import DMoNPool, MinCutPool, Pool, TVPool
from graphclust.nn.train import Terms, fingerprint, torch_device, train
from graphclust.params import check, param

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class GraphClassifier:
    """Parameters of the network; the defaults are those published for graph classification.

    `fit` gives a `GraphModel`, which predicts. Same seed, same classes, whatever the number of
    threads, as long as `deterministic` is left on. An epoch takes O(N K + G K² H) time for G graphs
    and N nodes, K = N_max / 2.
    """

    pool: Literal["tvgnn", "mincut", "dmon", "none"] = param("tvgnn", "layers and pools")
    hidden: int = param(32, "H: width of the layers and of the pools' perceptrons", low=1)
    delta: float = param(2.0, "δ of GTVConv", low=0.0)
    variation: float = param(0.5, "α₁ of TVPool", low=0.0)
    balance: float = param(0.5, "α₂ of TVPool", low=0.0)
    rate: float = param(5e-4, "learning rate of Adam", low=1e-8)
    batch: int = param(16, "graphs a step", low=1)
    epochs: int = param(100, "epochs at most", low=1)
    patience: int = param(10, "epochs that no lower loss of held-out graphs is waited for", low=1)
    held_out: float = param(0.1, "share of the graphs held out", low=0.01, high=0.9)
    device: str = param("cpu", "torch device", valid=torch_device)
    deterministic: bool = param(
        True, "train on one thread; off: on all, and sums round differently"
    )
    seed: int = param(0, "seed of every random choice", low=0, high=2**32 - 1)

    name: ClassVar = "graph_classifier"
    randomised: ClassVar = True

    @classmethod
    def obstacle(cls, graph: Data) -> str | None:
        """Why it cannot take what `load` gave, or None when it can."""
        if graph.get("graph_id") is None or graph.get("graph_y") is None:
            return "graph_classifier needs many graphs with classes; this is one graph"
        return None

    def fit(
        self, graphs: Any, y: ArrayLike | None = None, *, trace: Callable[..., Any] | None = None
    ) -> "GraphModel":
        """Learn the classes of graphs.

        Args:
            graphs: what `graph.sets.graph_set` takes: a list of graphs, or a stored set.
            y: (G,) classes as whole numbers; None: the graphs hold them.
            trace: called as `trace(epoch, **numbers)`; returning True stops.

        Raises:
            GraphError: as `graph_set`; no classes, a single one, or one of a single graph.
        """
        check(self)
        given = graph_set(graphs, y)
        if given.y is None:
            raise GraphError("classes y are needed, one a graph")
        classes, own = np.unique(given.y, return_inverse=True)
        if len(classes) < 2:
            raise GraphError(f"y must hold at least 2 classes, found {classes.tolist()} alone")
        if np.bincount(own).min() < 2:
            rare = classes[np.bincount(own).argmin()]
            raise GraphError(f"a class must have at least 2 graphs; class {rare} has one")
        recorder, begun = Trace(trace), time.perf_counter()
        with seeded(self.seed), one_thread() if self.deterministic else nullcontext():
            network = self._train(GraphSet(given.union, given.start, own), own, recorder)
        seconds = time.perf_counter() - begun
        return GraphModel(self, network, classes, recorder.history, seconds)

    def _train(self, graphs: GraphSet, own: Ints, trace: Trace) -> "Network":
        """The network, for classes `own` of 0..C−1."""
        classes = int(own.max()) + 1
        share = max(round(self.held_out * len(graphs)), classes)
        learnt, held = (
            graphs.take(part)
            for part in train_test_split(
                np.arange(len(graphs)), test_size=share, stratify=own, random_state=self.seed
            )
        )
        network = Network(self, graphs.union.x.shape[1], classes, int(graphs.sizes.max()))
        network.to(self.device)

        def losses(epoch: int) -> Iterator[Terms]:
            for batch in self._batches(learnt, torch.randperm(len(learnt)).numpy()):
                logits, pooled = network(*inputs(batch, self.device))
                entropy = F.cross_entropy(logits, torch.from_numpy(batch.y).to(self.device))
                yield {"loss": entropy + pooled, "entropy": entropy, "pooled": pooled}

        def score(epoch: int) -> float:
            logits = self._logits(network, held)
            return -float(F.cross_entropy(logits, torch.from_numpy(held.y)))

        train(
            network,
            losses,
            epochs=self.epochs,
            rate=self.rate,
            trace=trace,
            score=score,
            patience=self.patience,
            run=f"{fingerprint(self, graphs.union)} {zlib.crc32(own.tobytes()):08x}",
        )
        return network

    def _logits(self, network: "Network", graphs: GraphSet) -> Tensor:
        with torch.no_grad():
            batches = self._batches(graphs, np.arange(len(graphs)))
            return torch.cat([network(*inputs(batch, self.device))[0].cpu() for batch in batches])

    def _batches(self, graphs: GraphSet, order: Ints) -> Iterator[GraphSet]:
        for first in range(0, len(order), self.batch):
            yield graphs.take(order[first : first + self.batch])


@dataclass(frozen=True)
class GraphModel:
    """A trained network: `history` holds the numbers of every epoch, `seconds` what it took."""

    method: GraphClassifier
    network: "Network"
    classes: Ints
    history: list[dict[str, float]]
    seconds: float

    def __repr__(self) -> str:
        return f"GraphModel({len(self.classes)} classes, {len(self.history)} epochs, {self.method})"

    def scores(self, graphs: Any) -> NDArray[np.float32]:
        """(G, C) how likely each class is; rows sum to 1."""
        given = graph_set(graphs)
        width, found = self.network.width, given.union.x.shape[1]
        if found != width:
            raise GraphError(f"the network was trained on {width} features; found {found}")
        with one_thread() if self.method.deterministic else nullcontext():
            return self.method._logits(self.network, given).softmax(dim=1).numpy()

    def predict(self, graphs: Any) -> Ints:
        """(G,) the likeliest classes."""
        return self.classes[self.scores(graphs).argmax(axis=1)]


class Network(nn.Module):
    """Three layers with a pool after each of the first two, mean, linear."""

    def __init__(self, method: GraphClassifier, width: int, classes: int, largest: int) -> None:
        super().__init__()
        self.width, hidden = width, method.hidden
        sizes = [] if method.pool == "none" else [max(largest // 2, 2), max(largest // 4, 2)]
        self.layers = nn.ModuleList(_layer(method, a) for a in (width, hidden, hidden))
        self.pools = nn.ModuleList(_pool(method, k) for k in sizes)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
        """(B, C) logits, and the sum of the pools' losses."""
        loss = x.new_zeros(())
        for i, layer in enumerate(self.layers):
            x = layer(x, graphs).relu()
            if i < len(self.pools):
                x, graphs, terms, _ = self.pools[i](x, graphs)
                loss = loss + terms["loss"]
        return self.head(segment_mean(x, graphs.segments)), loss


def _layer(method: GraphClassifier, width: int) -> nn.Module:
    if method.pool in ("tvgnn", "none"):
        return GTVConv(width, method.hidden, method.delta)
    return SkipConv(width, method.hidden)


def _pool(method: GraphClassifier, k: int) -> Pool:
    if method.pool == "tvgnn":
        return TVPool(method.hidden, method.hidden, k, method.variation, method.balance)
    pool = MinCutPool if method.pool == "mincut" else DMoNPool
    return pool(method.hidden, method.hidden, k)


def inputs(graphs: GraphSet, device: str) -> tuple[Tensor, SparseGraphs]:
    """(N, F) rows and the graphs, as a `Network` takes them."""
    union = graphs.union
    weight = None if union.edge_weight is None else union.edge_weight.float().to(device)
    rows = Rows.of_arcs(union.edge_index.to(device), weight, union.num_nodes)
    segments = Segments(torch.from_numpy(graphs.start).to(device))
    return union.x.to(device), SparseGraphs(rows, segments)
