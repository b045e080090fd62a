"""node2vec and DeepWalk: vectors from random walks, and a head.

A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks", KDD (2016),
https://arxiv.org/abs/1607.00653; B. Perozzi, R. Al-Rfou, S. Skiena, "DeepWalk: online learning of
social representations", KDD (2014), https://arxiv.org/abs/1403.6652.

Letters: N nodes, D dimensions, p return and q in-out parameter, f(v) the vector of v, g(v) its
output vector, N_S(v) the nodes within the window of v in the walks. The vectors fall along

    Σ_v Σ_{u ∈ N_S(v)} [ −log σ(g(u)·f(v)) − Σ_{n} log σ(−g(n)·f(v)) ]

(node2vec, equation 2, with negative sampling in place of its partition function), where a walk that
came from t to v goes on to x with probability ∝ w_vx α(t, x), α = 1/p if x = t, 1 if x is joined to
t, 1/q otherwise (section 3.2). DeepWalk is p = q = 1 (its own walks are uniform, its softmax
hierarchical; here it takes negative samples as well). Walks and training are the kernels `walks`
and `sgns`, with the departures that they state: negatives are shared by the pairs of a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.base import Earlier, Method, Trace
from graphclust.graph.build import symmetrise
from graphclust.graph.errors import GraphError, count, warn
from graphclust.graph.export import node_ids, to_scipy
from graphclust.heads.embedding import EmbeddingMethod
from graphclust.heads.head import Vectors
from graphclust.kernels.arguments import thread_count
from graphclust.kernels.corpus import count_words
from graphclust.kernels.sgns import SkipGram
from graphclust.kernels.walks import Walks
from graphclust.params import param
from graphclust.results import Clustering, Embedding, Labels


@dataclass(frozen=True, kw_only=True)
class Node2Vec(EmbeddingMethod):
    """Vectors from biased random walks (Grover and Leskovec 2016) and a head.

    Same seed, same labels, whatever the number of threads, as long as `deterministic` is left on:
    walks never depend on threads, training then runs on one. With the arcs alone, walks end where
    no arc goes on. A node without edges keeps the vector it began with. `extras`: `trained` (N,)
    tells which nodes a walk has joined to others, `outputs` (N, D) are their g.
    O(walks · length · window · negatives · D) time a node, O(N D + E) memory.

    When the graph has grown, `fit(graph, continue_from=earlier)` learns the new nodes beside the
    old ones, which are known by their ids and keep f and g to the bit; what is left of the time is
    that of the walks and of the pairs with a new node. `predict` gives the labels of nodes that the
    fit has seen.
    """

    p: float = param(1.0, "return parameter: higher goes back less often", low=1e-6)
    q: float = param(1.0, "in-out parameter: higher stays nearer to where it came from", low=1e-6)
    dimensions: int = param(128, "D", low=1)
    walks: int = param(10, "walks from every node", low=1)
    length: int = param(80, "nodes a walk", low=1)
    window: int = param(10, "farthest distance of a pair in a walk", low=1)
    negatives: int = param(10, "negative samples, shared by the pairs of a word", low=1)
    epochs: int = param(1, "times that the walks are read", low=1)
    rate: float = param(0.025, "learning rate of the first pair, falling to 10⁻⁴", low=1e-4)
    directed: bool = param(False, "walk with the arcs alone; off: both ways, as published")
    deterministic: bool = param(True, "train on one thread; off: on all, and no run like another")

    kinds: ClassVar = ("undirected", "directed", "weighted")
    continues: ClassVar = True

    def _embed(
        self, graph: Data, trace: Trace, earlier: Earlier | None = None
    ) -> tuple[Vectors, dict[str, Any]]:
        if earlier is not None:
            self._refuse(earlier.result.method, graph.directed)
        if graph.directed and not self.directed:
            warn(f"{self.name} reads arcs as undirected edges; directed=True follows them")
            graph = symmetrise(graph)
        adjacency = to_scipy(graph)
        adjacency.sort_indices()
        corpus = Walks(
            indptr=adjacency.indptr,
            indices=adjacency.indices,
            weight=None if graph.edge_weight is None else adjacency.data,
            length=self.length,
            per_node=self.walks,
            p=self.p,
            q=self.q,
            seed=self.seed,
        )
        return self._train(corpus, trace, earlier)

    def _refuse(self, earlier: Method, directed: bool) -> None:
        """Raise a GraphError if its vectors are none that these walks could go on from."""
        if not isinstance(earlier, Node2Vec):
            raise GraphError(f"continue_from must be by node2vec or deepwalk, found {earlier!r}")
        if getattr(earlier, "softmax", "sampled") != "sampled":
            raise GraphError('continue_from must not be by softmax="hierarchical"')
        for name in ("dimensions", "directed") if directed else ("dimensions",):
            if (was := getattr(earlier, name)) != (now := getattr(self, name)):
                raise GraphError(f"{name} must be that of the earlier result, {was}, found {now}")

    def _train(
        self, corpus: Walks, trace: Trace, earlier: Earlier | None
    ) -> tuple[Vectors, dict[str, Any]]:
        n = corpus.n_nodes
        model = SkipGram(
            dimensions=self.dimensions,
            window=self.window,
            negatives=self.negatives,
            epochs=self.epochs,
            rate=self.rate,
            deterministic=self.deterministic,
            seed=self.seed,
        )
        start = fixed = None
        if earlier is not None:
            start = model.first_vectors(n)
            fixed = _kept(earlier, *start)
        found = model.train(corpus, n, start, fixed)
        for epoch, loss in enumerate(found.loss):
            if np.isfinite(loss):  # no pair was measured where there is no edge
                trace(epoch, loss=loss)
        trained = found.trained if fixed is None else found.trained | fixed
        return found.vectors, {"trained": trained, "outputs": found.outputs}

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        ids = node_ids(graph)
        rows = clustering.rows(ids)
        if (new := rows < 0).any():
            first = ids[new].tolist()[0]
            raise GraphError(
                f"{self.name} knows nothing of {count(int(new.sum()), 'node')} ({first!r} first); "
                "fit(graph, continue_from=…) learns them"
            )
        return clustering.labels[rows]


def _kept(earlier: Earlier, vectors: Vectors, outputs: Vectors) -> NDArray[np.bool_]:
    """Write earlier f and g into the first vectors; (N,) the nodes that have them.

    Nodes that no walk had joined to others are new again: their f was left to chance.
    """
    result, rows = earlier
    kept = (rows >= 0) & result.extras["trained"][rows]
    if not kept.any():
        raise GraphError("continue_from knows none of the graph's node ids")
    assert isinstance(result, Clustering | Embedding)
    assert result.embedding is not None
    vectors[kept] = result.embedding[rows[kept]]
    outputs[kept] = result.extras["outputs"][rows[kept]]
    return kept


@dataclass(frozen=True, kw_only=True)
class DeepWalk(Node2Vec):
    """Vectors from uniform random walks (Perozzi et al. 2014), with that paper's defaults.

    As `Node2Vec` with p = q = 1, which it does not take. `softmax="hierarchical"` is the paper's
    (section 4.3), trained by gensim, slower; its result cannot be gone on from.
    """

    p: ClassVar[float] = 1.0  # type: ignore[misc]
    q: ClassVar[float] = 1.0  # type: ignore[misc]
    walks: int = param(80, "γ: walks from every node", low=1)
    length: int = param(40, "t: nodes a walk", low=1)
    softmax: Literal["sampled", "hierarchical"] = param(
        "sampled", "negative samples, or the paper's tree of all nodes (needs gensim)"
    )

    name: ClassVar = "deepwalk"
    variant_of: ClassVar = "node2vec"

    def _train(
        self, corpus: Walks, trace: Trace, earlier: Earlier | None
    ) -> tuple[Vectors, dict[str, Any]]:
        if self.softmax == "sampled":
            return super()._train(corpus, trace, earlier)
        if earlier is not None:
            raise GraphError('softmax="hierarchical" cannot go on from an earlier result')
        return _hierarchical(corpus, self)


def _hierarchical(corpus: Walks, method: DeepWalk) -> tuple[Vectors, dict[str, Any]]:
    """Skip-gram with a Huffman tree for its softmax, no negative samples beside it."""
    try:
        from gensim.models import Word2Vec
    except ImportError:
        raise GraphError(
            "softmax=\"hierarchical\" needs gensim: pip install 'graphclust[deepwalk]'"
        ) from None
    model = Word2Vec(
        Sentences(corpus),
        sg=1,
        hs=1,
        negative=0,  # else gensim trains both losses
        sample=0,
        min_count=0,
        vector_size=method.dimensions,
        window=method.window,
        epochs=method.epochs,
        alpha=method.rate,
        min_alpha=1e-4,
        workers=1 if method.deterministic else thread_count(None),
        seed=method.seed,
    )
    order = [model.wv.key_to_index[str(node)] for node in range(corpus.n_nodes)]
    _, trained = count_words(corpus, corpus.n_nodes)
    return model.wv.vectors[order], {"trained": trained}


class Sentences:
    """Walks as gensim reads them, one at a time, as often as it likes."""

    def __init__(self, corpus: Walks) -> None:
        self._corpus = corpus

    def __iter__(self) -> Iterator[list[str]]:
        for block in self._corpus:
            for walk in block.tolist():
                yield [str(node) for node in walk if node >= 0]
