"""Leiden on the graph of nearest neighbours of the rows, and labels for new rows by their vote.

V. Traag, L. Waltman, N. J. van Eck, Sci. Rep. 9 (2019),
https://doi.org/10.1038/s41598-019-41695-z, on the kNN graph of cosines, as is usual for single
cells (J. Levine et al., Cell 162 (2015)).

Letters: N rows z_i, K clusters. Rows are scaled to length one; i and j are joined if one is among
the k nearest of the other (union), or each among those of the other (mutual). An edge weighs
max(10⁻⁶, cos(z_i, z_j)), or the share of neighbours that both have, |N(i) ∩ N(j)| / |N(i) ∪ N(j)|
over closed neighbourhoods (shared), or 1 (equal).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError
from graphclust.graph.export import matrix_to_igraph
from graphclust.heads.exact import leiden_bisected
from graphclust.heads.head import Head, Labels, Vectors, unit
from graphclust.heads.leiden import leiden
from graphclust.kernels.determinism import seeded
from graphclust.kernels.knn import nearest_by_cosine, nearly_nearest_by_cosine
from graphclust.kernels.sparse import index_type
from graphclust.params import param

EXACT = 50_000  # rows up to which the search is exact
THREAD = 1e-6  # the least that an edge weighs by cosine
VOTERS = 15
SAME = 1e-6  # cosines this near to 1 are of one direction


@dataclass(frozen=True, kw_only=True)
class LeidenHead(Head):
    """Leiden (Traag et al. 2019) on the kNN graph; exactly K clusters, or a free number.

    `predict`: the vote of the nearest rows. `extras`: `quality`, of the search also `resolution`,
    `probes` and `merges`; with `runs` > 1 also `stability`, their mean adjusted Rand index; with
    `around` that of every number of clusters near K, `stability_around` of the numbers
    `stability_k`: a K less stable than those about it is a poor guess.
    Up to 50,000 rows neighbours are exact, O(N²D); above, approximate (package pynndescent).
    """

    neighbours: int = param(15, "k: nearest rows that a row is joined to", low=1)
    mutual: bool = param(False, "join only rows that are each among the other's nearest")
    weights: Literal["cosine", "shared", "equal"] = param("cosine", "what an edge weighs")
    resolution: float = param(1.0, "γ where the number of clusters is free", low=0)
    runs: int = param(1, "seeds, of which the partition most like the others is kept", low=1)
    around: int = param(0, "clusters more and fewer than K whose stability is measured too", low=0)

    name: ClassVar = "leiden"
    needs_k: ClassVar = False

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        if self.around and (k is None or self.runs == 1):
            raise ValueError(
                "the head leiden measures around=… with a given n_clusters and runs ≥ 2"
            )
        knn = knn_graph(z, self.neighbours, self.mutual, self.weights, seed)
        labels, extras = self._runs(knn, k, seed)
        if self.around:
            assert k is not None
            near = np.arange(max(2, k - self.around), min(len(z), k + self.around) + 1)
            found = [self._runs(knn, int(other), seed)[1]["stability"] for other in near]
            extras |= {"stability_k": near, "stability_around": np.array(found)}
        return {"labels": labels, "extras": extras}

    def _runs(self, knn: sp.csr_array, k: int | None, seed: int) -> tuple[Labels, dict[str, Any]]:
        """The partition most like those of the other seeds, and how alike they are."""
        found = [self._run(knn, k, (seed + run) % 2**32) for run in range(self.runs)]
        likeness = [[adjusted_rand_score(a, b) for a, _ in found] for b, _ in found]
        labels, extras = found[int(np.sum(likeness, axis=0).argmax())]
        if self.runs > 1:
            pairs = np.triu_indices(self.runs, k=1)
            extras["stability"] = float(np.mean(np.array(likeness)[pairs]))
        return labels, extras

    def _run(self, knn: sp.csr_array, k: int | None, seed: int) -> tuple[Labels, dict[str, Any]]:
        options: dict[str, Any] = {
            "objective": "modularity",
            "n_iterations": -1,
            "seed": seed,
            "engine": "igraph",
        }
        with seeded(seed):
            if k is not None:
                return leiden_bisected(knn, k, **options)
            g, weight = matrix_to_igraph(knn)
            labels, quality = leiden(g, resolution=self.resolution, weights=weight, **options)
            return labels, {"quality": quality}

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        return vote(z, fitted, labels)


def knn_graph(z: Vectors, k: int, mutual: bool, weights: str, seed: int) -> sp.csr_array:
    """(N, N) symmetric weights between nearest rows by cosine; O(Nk) memory.

    Neighbours at right angles or more hang together by a thread: groups of rows that have nothing
    in common with others would else each be a component, and there may be more than K of them.

    Raises:
        GraphError: more than 50,000 rows without pynndescent.
    """
    n = len(z)
    k = min(k, n - 1)
    search = partial(nearly_nearest_by_cosine, seed=seed) if _approximate(n) else nearest_by_cosine
    cosine, nearest = search(unit(z), k)
    index = index_type(n, n * k)
    start = np.arange(0, n * k + 1, k, dtype=index)
    weight = np.maximum(cosine.ravel(), THREAD, dtype=cosine.dtype)
    arcs = nearest.ravel().astype(index, copy=False)
    found = sp.csr_array((weight, arcs, start), shape=(n, n))
    found.sort_indices()
    turned = found.T.tocsr()
    both = found.minimum(turned) if mutual else found.maximum(turned)
    if weights == "shared":
        both = _shared(found, both)
    elif weights == "equal":
        both.data[:] = 1.0
    return both


def _approximate(n: int) -> bool:
    if n <= EXACT:
        return False
    from importlib.util import find_spec

    if find_spec("pynndescent") is None:
        raise GraphError(
            f"nearest neighbours among more than {EXACT:,} rows, here {n:,}, need pynndescent: "
            "pip install 'graphclust[neighbours]'"
        )
    return True


def _shared(found: sp.csr_array, pattern: sp.csr_array) -> sp.csr_array:
    """Jaccard overlap of the closed neighbourhoods N(i) ∪ {i}, where `pattern` has an entry."""
    member = (found + sp.eye_array(found.shape[0])).tocsr()
    member.data[:] = 1.0
    size = np.asarray(member.sum(axis=1))
    both = (pattern > 0).multiply(member @ member.T).tocsr()
    i, j = both.tocoo().coords
    both.data = both.data / (size[i] + size[j] - both.data)
    return both


def vote(z: Vectors, fitted: Vectors, labels: Labels, voters: int = VOTERS) -> Labels:
    """(N′,) the label with most weight, by cosine, among the nearest fitted rows of each new row.

    A row of the same direction as fitted ones takes the label of the first of those. Ties go to
    the lowest label.
    """
    cosine, nearest = nearest_by_cosine(
        unit(fitted), min(voters, len(fitted)), unit(z).astype(fitted.dtype)
    )
    rows = np.repeat(np.arange(len(z)), nearest.shape[1])
    weight = np.maximum(cosine.ravel(), 0).astype(np.float64)
    shape = len(z), int(labels.max()) + 1
    ballots = sp.csr_array((weight, (rows, labels[nearest.ravel()])), shape=shape)
    same = cosine >= 1 - SAME
    first = np.where(same, nearest, len(fitted)).min(axis=1)
    chosen = np.asarray(ballots.argmax(axis=1)).ravel()
    chosen[same.any(axis=1)] = labels[first[same.any(axis=1)]]
    return chosen.astype(np.int64)
