"""What SCGC and PamC share: their parameters, and the recipe from a graph to vectors.

The papers and the equations are those of `methods.scgc` and `methods.pamc`; the losses are in
`nn.contrast`. Besides what was published it offers:

- `features="both"`: the encoder reads unit rows of x beside the low-pass features of
  `methods.filter` (steps 1 to 5; alone as `filtered`);
- `neighbours`: to A come the edges to the nearest by cosine of these features, scaled so that both
  weigh the same in all. Small components have then positives outside them;
- `batch_size`: steps on some of the nodes. Their positives are drawn from their rows of R, and sums
  over all nodes are estimated from those of the batch.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import scipy.sparse as sp
import torch
from sklearn.preprocessing import normalize
from torch_geometric.data import Data

from graphclust.base import Clustering, Labels, Trace
from graphclust.graph.errors import GraphError
from graphclust.graph.export import to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.heads import as_head
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors, same_width, unit
from graphclust.heads.kmeans import kmeans
from graphclust.heads.knn import knn_graph
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.lowpass import leading_directions, low_pass
from graphclust.kernels.sparse import influence
from graphclust.nn.assign import assignment, by_centres, memberships, sharpness
from graphclust.nn.layers import numbers_of, put_back
from graphclust.nn.mlp import MLP, Rows, encode, pretrain, spread, widths
from graphclust.nn.objective import Objective
from graphclust.nn.steps import Step, batches, whole_graph
from graphclust.nn.train import Terms, fingerprint, torch_device, train
from graphclust.params import param

ENTRIES = 50_000_000  # of R at most: 20 bytes each, and in an epoch of all nodes 100 more
LOOK = 5  # epochs of all nodes from one look at the partition to the next
LOOKS = 5  # starts of k-means for a look
WARM = 30  # epochs of all nodes before the first look: vectors in few directions look sharp
STARTS = 20  # of k-means, for the first centres
DIRECTIONS = 2  # a cluster, in which neighbours are sought; as in `methods.filter`
ODD = 1.5  # 1 + x + x²/2 + x³/6 > 0 for x > −1.59


@dataclass(frozen=True, kw_only=True)
class ContrastiveMethod(EmbeddingMethod):
    """Parameters and recipe of SCGC and PamC."""

    features: Literal["both", "filtered", "rows", "raw"] = param(
        "both", "what the encoder reads: unit rows and low-pass features, one of them, x as it is"
    )
    neighbours: int = param(30, "nearest by filtered features, joined to each node; 0: none", low=0)
    hidden: str = param("256-128", "widths of the encoder's hidden layers", valid=widths)
    latent: int = param(10, "D", low=1)
    order: int = param(1, "r: hops of the influence matrix", low=1)
    top_k: int | None = param(None, "entries kept in a row of every power of the walk", low=1)
    tau: float = param(1.0, "τ: inverse temperature", low=0.0)
    alpha: float = param(1.0, "α: weight of the contrast", low=0.0)
    beta: float = param(0.0, "β: weight of KL(P‖Q)", low=0.0)
    moments: int = param(3, "order of the expansion of the negatives", low=2, high=4)
    epochs: int = param(100, "epochs at most", low=1)
    patience: int = param(
        40, "epochs that no sharper partition is waited for; 0: train to the last", low=0
    )
    rate: float = param(1e-3, "learning rate of Adam", low=1e-8)
    batch_size: int | None = param(None, "nodes a step; none: all", low=2)
    positives: int = param(5, "positives drawn for a node of a batch", low=1)
    pretrain: int = param(0, "epochs that the encoder first spends in an autoencoder", low=0)
    labels: Literal["head", "centres"] = param(
        "head", "clusters from the head, or argmax_a q_ia as published"
    )
    precision: Literal["float32", "bfloat16"] = param("float32", "of the products of hidden layers")
    device: str = param("cpu", "torch device", valid=torch_device)
    deterministic: bool = param(
        True, "train on one thread; off: on all, and no run quite like another"
    )

    influence: bool = param(True, "sum the powers up to r (IAC), or take the r-th alone")
    negatives: Literal["moments", "exact", "block", "meta"] = param(
        "moments", "sum over all nodes: expanded, exact in chunks, by cluster means, by meta-nodes"
    )
    decoder: ClassVar[bool] = False
    slow: ClassVar = True
    needs: ClassVar = ("x",)
    kinds: ClassVar = ("undirected", "weighted")

    def _fit(self, graph: Data, trace: Trace, **warm: Any) -> dict[str, Any]:
        self._refuse()
        if self.labels == "head":
            found = super()._fit(graph, trace, **warm)
            if "soft" not in found:
                found["soft"] = memberships(found["embedding"], found["labels"])
            return found
        return by_centres(*self._embed(graph, trace))

    def _refuse(self) -> None:
        """Say what would not work, before anything is computed."""
        if self._has_centres and self.n_clusters is None:
            raise ValueError(f"{self.name} needs n_clusters for its centres")
        if self.negatives == "exact" and self.batch_size is not None:
            raise ValueError(
                "exact negatives need all nodes at once: take moments, or no batch_size"
            )
        if self.negatives == "moments" and self.moments == 3 and self.tau > ODD:
            raise ValueError(
                f"an expansion of order 3 may fall below 0 for tau > {ODD}, found {self.tau}: take "
                "moments=2 or 4"
            )

    @property
    def _has_centres(self) -> bool:
        return bool(self.beta) or self.labels == "centres" or self.negatives in ("block", "meta")

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        run = fingerprint(self, graph)
        with one_thread() if self.deterministic else nullcontext():
            blocks, adjacency, extras = self._inputs(graph)
            x = Rows(*blocks, device=torch.device(self.device))
            model = self._objective(x, trace, run)
            steps = self._steps(x, adjacency)

            def losses(epoch: int) -> Iterator[Terms]:
                trace.labels(epoch, lambda: self._labels(model, x, graph))
                for step in steps():
                    yield model(*step)

            def score(epoch: int) -> float | None:
                """Sharpness of the partition by k-means, now and then."""
                early = epoch + 1 < min(WARM, self.epochs)
                if self.batch_size is None and (early or (epoch + 1) % LOOK):
                    return None
                z = unit(encode(model.encoder, x, self.batch_size).cpu().numpy())
                assert self.n_clusters is not None
                return sharpness(z, kmeans(z, self.n_clusters, seed=self.seed, n_init=LOOKS)[1])

            options: dict[str, Any] = {"epochs": self.epochs, "rate": self.rate, "run": run}
            if self.patience and (self.n_clusters or 1) > 1:
                options |= {"score": score, "patience": self.patience}
            train(model, losses, trace=trace, **options)
            z = self._vectors(model, x)
        return z, extras | state(model)

    def _inputs(self, graph: Data) -> tuple[list[Any], sp.csr_array, dict[str, Any]]:
        """What the encoder reads, the graph of the positives, and what filtering fitted."""
        x, a = feature_matrix(graph.x), to_scipy(graph)
        parts: dict[str, Any] = {}
        joined = min(self.neighbours, graph.num_nodes - 1)
        filtered = low_pass(x, a, parts, seed=self.seed) if self._filters or joined else None
        blocks = encoder_input(x, filtered if self._filters else None, self.features)
        return blocks, self._joined(filtered, a, joined), parts if self._filters else {}

    def _joined(self, z: Vectors | None, a: sp.csr_array, neighbours: int) -> sp.csr_array:
        """The graph and the nearest neighbours by filtered features; each weighs as much in all."""
        if not neighbours or z is None:
            return a
        if self.n_clusters is not None:
            z = normalize(z @ leading_directions(z, DIRECTIONS * self.n_clusters))
        near = knn_graph(z, neighbours, mutual=False, weights="equal", seed=self.seed)
        return sp.csr_array(a + near * (a.sum() / near.sum() if a.nnz else 1.0))

    def _objective(self, x: Rows, trace: Trace, run: str) -> Objective:
        """The model, its encoder warmed up and its centres found by k-means."""
        sizes = [x.shape[1], *widths(self.hidden), self.latent]
        low = self.precision == "bfloat16"
        encoder = MLP(sizes, low) if self.pretrain else spread(MLP(sizes, low))
        encoder.to(x.device)
        decoder = MLP(sizes[::-1], low).to(x.device) if self.pretrain or self.decoder else None
        if decoder is not None and self.pretrain:
            options: dict[str, Any] = {"epochs": self.pretrain, "trace": trace, "run": run}
            pretrain(encoder, decoder, x, **options)
        centres = None
        if self._has_centres:
            z = encode(encoder, x, self.batch_size).cpu().numpy()
            assert self.n_clusters is not None
            found = kmeans(z, self.n_clusters, seed=self.seed, n_init=STARTS)[1]
            centres = torch.from_numpy(found).to(x.device)
        return Objective(
            encoder,
            decoder if self.decoder else None,
            centres,
            n=x.shape[0],
            negatives=self.negatives,
            moments=self.moments,
            tau=self.tau,
            alpha=self.alpha,
            beta=self.beta,
        ).to(x.device)

    def _steps(self, x: Rows, adjacency: sp.csr_array) -> Callable[[], Iterator[Step]]:
        """What the objective is called with in an epoch, step by step."""
        try:
            r = influence(
                adjacency, self.order, cumulative=self.influence, top_k=self.top_k, limit=ENTRIES
            )
        except ValueError as error:
            raise GraphError(str(error)) from None
        if self.batch_size is None:
            return whole_graph(x, r, target=self.decoder)
        return partial(batches, x, r, self.batch_size, self.positives, target=self.decoder)

    def _vectors(self, model: Objective, x: Rows) -> Vectors:
        z = encode(model.encoder, x, self.batch_size).cpu().numpy()
        return unit(z) if self.labels == "head" else z

    def _labels(self, model: Objective, x: Rows, graph: Data) -> Labels:
        """The clusters as they are at this moment."""
        z = self._vectors(model, x)
        if self.labels == "centres":
            return assignment(z, state(model)["trained_centres"]).argmax(axis=1)
        head = as_head(self.head)
        found: Labels = head.fit(z, self.n_clusters, graph=graph, seed=self.seed)["labels"]
        return found

    def _embed_new(self, graph: Data, extras: dict[str, Any]) -> Vectors:
        fitted = extras["columns" if self._filters else "encoder.0"]  # both with a column for each
        x = feature_matrix(graph.x)
        same_width(x, fitted)
        with one_thread():
            z = low_pass(x, to_scipy(graph), dict(extras), seed=0) if self._filters else None
            rows = Rows(*encoder_input(x, z, self.features), device=torch.device("cpu"))
            encoder = MLP([rows.shape[1], *widths(self.hidden), self.latent])
            put_back(encoder, "encoder", extras)
            z = encode(encoder, rows).numpy()
        return unit(z) if self.labels == "head" else z

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        if self.labels == "head":
            return super()._predict(clustering, graph)
        z = self._embed_new(graph, clustering.extras)
        return assignment(z, clustering.extras["trained_centres"]).argmax(axis=1)

    @property
    def _filters(self) -> bool:
        return self.features in ("both", "filtered")


def encoder_input(x: Any, filtered: Vectors | None, features: str) -> list[Any]:
    """The blocks of columns that `features` names."""
    if features == "filtered":
        return [filtered]
    rows = x if features == "raw" else normalize(x)
    return [rows] if filtered is None else [rows, filtered]


def state(model: Objective) -> dict[str, Any]:
    """The trained numbers: `encoder.0`, `encoder.1` … (weights and biases), `trained_centres`."""
    parts: dict[str, Any] = numbers_of(model.encoder, "encoder")
    if model.centres is not None:
        parts["trained_centres"] = model.centres.detach().cpu().numpy().copy()
    return parts
