"""Methods that make vectors and leave the clusters to a head."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_geometric.data import Data

from graphclust.base import Method, Trace
from graphclust.graph.export import node_ids
from graphclust.heads import as_head
from graphclust.heads.head import Vectors, same_width
from graphclust.params import check, param
from graphclust.results import Clustering, Embedding, Labels, Result


def head_param(default: str) -> Any:
    """The field `head` with the head that suits a method's vectors."""
    meaning = "from vectors to clusters, with parameters as in leiden:neighbours=15"
    return param(default, meaning, valid=as_head)


@dataclass(frozen=True, kw_only=True)
class EmbeddingMethod(Method):
    """An encoder and a head: subclasses write `_embed`, and `_embed_new` where they are inductive.

    The `extras` of the encoder and of the head are those of the result.
    """

    n_clusters: int | None = param(
        None, "number of clusters K; none: found by the head, where it can", low=1
    )
    head: str = head_param("kmeans")

    told_k: ClassVar = True

    def embed(
        self,
        graph: Any,
        *,
        trace: Callable[..., Any] | None = None,
        continue_from: Result | None = None,
    ) -> Embedding:
        """The vectors of `graph` alone, with no head; arguments and errors are those of `fit`."""
        check(self)
        graph = self.prepare(graph)
        ids = node_ids(graph)
        found = self._timed(self._embedded, graph, trace, self._earlier(continue_from, ids))
        return Embedding(node_ids=ids, method=self, **found)

    def _embedded(self, graph: Data, trace: Trace, **warm: Any) -> dict[str, Any]:
        z, extras = self._embed(graph, trace, **warm)
        return {"embedding": z, "extras": extras}

    def _fit(self, graph: Data, trace: Trace, **warm: Any) -> dict[str, Any]:
        head = as_head(self.head)
        head.refuse(self.n_clusters, graph.num_nodes)
        z, extras = self._embed(graph, trace, **warm)
        found = head.fit(z, self.n_clusters, graph=graph, seed=self.seed)
        return {"embedding": z} | found | {"extras": extras | found.get("extras", {})}

    def _wanted(self, dimensions: int | None) -> int:
        """How many vectors to look for: `dimensions`, or as many as clusters.

        Raises:
            ValueError: neither is told.
        """
        if (d := dimensions or self.n_clusters) is None:
            raise ValueError(
                f"{self.name} needs dimensions where n_clusters is left open, as in dimensions=16"
            )
        return d

    @abstractmethod
    def _embed(self, graph: Data, trace: Trace) -> tuple[Vectors, dict[str, Any]]:
        """(N, D) vectors and the encoder's `extras`; takes `earlier` where `continues` is set."""

    def _embed_new(self, graph: Data, extras: dict[str, Any]) -> Vectors:
        """Vectors for the nodes of another graph, from the `extras` of the fit."""
        raise TypeError(f"{self.name} labels only the graph it is fitted on; fit the new graph")

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        z = self._embed_new(graph, clustering.extras)
        fitted = clustering.embedding
        assert fitted is not None
        same_width(z, fitted)
        return as_head(self.head).predict(z, fitted, clustering.labels, clustering.extras)
