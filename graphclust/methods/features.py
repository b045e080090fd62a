"""The node features handed to a head as they stand, blind to the edges: vectors from anywhere.

No encoder at all: Z = X. What it is worth is the head's (`graphclust.heads`, each with its source;
by default k-means, https://doi.org/10.1109/TIT.1982.1056489). With an embedding of one's own as
features it is the way from vectors to clusters; with the features of an attributed graph, the
baseline that shows what the edges add. Heads with a graph term do see the edges.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch_geometric.data import Data

from graphclust.base import Trace
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError
from graphclust.graph.features import feature_matrix
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.results import Clustering

MAX_VALUES = 500_000_000  # of features made dense: 2 GB


@dataclass(frozen=True, kw_only=True)
class Features(EmbeddingMethod):
    """The features `x` and a head, no encoder between them.

    Same seed, same labels, whatever the number of threads. Inductive as the head is.

    Raises:
        GraphError: sparse features that would take more than 2 GB when dense.
    """

    needs: ClassVar = ("x",)
    kinds: ClassVar = ()
    variant_of: ClassVar = "kmeans"

    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        x = feature_matrix(graph.x)
        if not isinstance(x, np.ndarray):
            if x.shape[0] * x.shape[1] > MAX_VALUES:
                raise GraphError(f"x is too large to be made dense, found shape {x.shape}")
            x = x.toarray()
        return x, {}

    def _embed_new(self, graph: Data, extras: dict[str, Any]) -> Vectors:
        return self._embed(graph, Trace())[0]


def cluster_embedding(
    z: Any,
    n_clusters: int | None = None,
    *,
    head: str = "kmeans",
    graph: Any = None,
    seed: int = 0,
) -> Clustering:
    """Cluster vectors from anywhere with a head.

    Args:
        z: (N, D) real numbers: array, tensor or sparse matrix, a row each; read as float32, like
            all features.
        n_clusters: number of clusters; None where the head finds it (leiden, auto, hdbscan).
        head: a name in HEADS with its parameters, as in `"leiden:neighbours=30"`.
        graph: the graph whose N nodes the rows are, for heads with a graph term, and for node ids.

    Raises:
        ValueError, TypeError: no such head or parameter, or a value out of range.
        GraphError: `z` is not (N, D), finite and as long as the graph.
    """
    if not hasattr(z, "shape"):
        z = np.asarray(z)
    if len(z.shape) != 2:
        raise GraphError(f"z must be an (N, D) array, found shape {tuple(z.shape)}")
    if graph is None:
        graph = Data(edge_index=torch.zeros((2, 0), dtype=torch.int64), num_nodes=z.shape[0])
    return Features(n_clusters=n_clusters, head=head, seed=seed).fit(as_graph(graph, x=z))
