"""Scores of a clustering, against known classes (external) and against the edges (internal).

`labels` and `y` are (N,) whole numbers. Truth of −1 is unknown: such nodes are left out of external
scores. Internal scores use every node. Nothing alters its input.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn import metrics as sk
from torch import Tensor
from torch_geometric.data import Data

from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, to_scipy
from graphclust.kernels import sparse

Labels = NDArray[np.int64]

EXTERNAL = ("acc", "nmi", "ari", "macro_f1", "ami", "homogeneity", "completeness")
INTERNAL = (
    "modularity",
    "conductance_mean",
    "conductance_max",
    "coverage",
    "cut",
    "disconnected",
    "largest",
    "smallest",
)


def external(labels: ArrayLike, y: ArrayLike) -> dict[str, float]:
    """Agreement with the classes `y`: EXTERNAL, plus `unlabelled`, the number of nodes left out.

    `acc` and `macro_f1` match clusters with classes one to one (Hungarian, maximal agreement);
    nodes in clusters left without a class count as wrong, classes left without a cluster have F1 0.
    `nmi` and `ami` use the arithmetic mean of the entropies; both see all clusters, unmatched.

    Raises:
        ValueError: multi-label truth, shapes that differ, or no labelled node.
    """
    labels, truth, left_out = _labelled(labels, y)
    matched = match(labels, truth)
    homogeneity, completeness, _ = sk.homogeneity_completeness_v_measure(truth, labels)
    return {
        "acc": float((matched == truth).mean()),
        "nmi": float(sk.normalized_mutual_info_score(truth, labels)),
        "ari": float(sk.adjusted_rand_score(truth, labels)),
        "macro_f1": float(
            sk.f1_score(truth, matched, labels=np.unique(truth), average="macro", zero_division=0)
        ),
        "ami": float(sk.adjusted_mutual_info_score(truth, labels)),
        "homogeneity": float(homogeneity),
        "completeness": float(completeness),
        "unlabelled": left_out,
    }


def match(labels: ArrayLike, y: ArrayLike) -> Labels:
    """Rename clusters to classes, one to one, so that most nodes agree; −1 for clusters left over.

    A new array: (N,) classes of `y` or −1. Rectangular: there may be more clusters than classes or
    fewer.
    """
    labels, truth, _ = _labelled(labels, y)
    clusters, cluster_of = np.unique(labels, return_inverse=True)
    known, class_of = np.unique(truth, return_inverse=True)
    together = np.zeros((len(clusters), len(known)), dtype=np.int64)
    np.add.at(together, (cluster_of, class_of), 1)
    rows, columns = linear_sum_assignment(together, maximize=True)
    name = np.full(len(clusters), -1, dtype=np.int64)
    name[rows] = known[columns]
    return name[cluster_of]


def _labelled(labels: ArrayLike, y: ArrayLike) -> tuple[Labels, Labels, int]:
    """Labels and truth of the nodes whose class is known, and how many are not."""
    labels, truth = _whole("labels", labels), _whole("y", y)
    if truth.ndim != 1:
        raise ValueError(
            f"y is multi-label (shape {truth.shape}): these scores need one class a node"
        )
    if labels.shape != truth.shape:
        raise ValueError(f"labels and y must have one shape, found {labels.shape}, {truth.shape}")
    known = truth >= 0
    if not known.any():
        raise ValueError("y has no labelled node: all are −1")
    return labels[known], truth[known], int((~known).sum())


def _whole(what: str, values: Any) -> Labels:
    array = np.asarray(values.cpu() if isinstance(values, Tensor) else values)
    if array.dtype.kind not in "biu":
        raise ValueError(f"{what} must hold whole numbers, found {array.dtype}")
    return array.astype(np.int64)


def n_classes(y: Any) -> int:
    """Number of known classes; 0 without truth, with multi-label truth or where none is known."""
    if y is None or y.ndim != 1:
        return 0
    return len(np.unique(y[y >= 0]))


def homophily(graph: Data) -> float:
    """Share of the edges between nodes of known class with ends of one class; NaN without any."""
    y, (source, target) = graph.y.numpy(), graph.edge_index.numpy()
    known = (y[source] >= 0) & (y[target] >= 0)
    return float((y[source] == y[target])[known].mean()) if known.any() else float("nan")


def internal(graph: Any, labels: ArrayLike) -> dict[str, float]:
    """How well the clusters follow the edges: INTERNAL, for any unsigned graph; O(E).

    Directed graphs use the directed modularity; the others read arcs as undirected edges.
    """
    adjacency, labels, directed = clusters_of(graph, labels)
    between = sparse.between_groups(adjacency, labels)
    both = between + between.T if directed else between
    phi = sparse.conductance(both)
    total = both.sum()
    sizes = np.bincount(labels)
    return {
        "modularity": sparse.modularity(between),
        "conductance_mean": float(phi.mean()),
        "conductance_max": float(phi.max()),
        "coverage": float(both.diagonal().sum() / total) if total else float("nan"),
        "cut": float((total - both.diagonal().sum()) / 2),
        "disconnected": _disconnected(adjacency, labels),
        "largest": int(sizes.max()),
        "smallest": int(sizes.min()),
    }


def modularity(graph: Any, labels: ArrayLike, resolution: float = 1.0) -> float:
    """Q = Σ_c [ w_cc / W − γ s_c^out s_c^in / W² ], weighted, directed or not; O(E).

    w_cc is the weight inside c (both directions of undirected edges), s_c the degrees of c, W their
    sum. NaN for a graph without edges. M. Newman, Phys. Rev. E 69 (2004); directed: E. Leicht,
    M. Newman, Phys. Rev. Lett. 100 (2008).

    Raises:
        GraphError: negative weights.
    """
    adjacency, labels, _ = clusters_of(graph, labels)
    return sparse.modularity(sparse.between_groups(adjacency, labels), resolution)


def conductance(graph: Any, labels: ArrayLike) -> NDArray[np.float64]:
    """(K,) φ_c = cut(c) / min(vol(c), vol(rest)); 0 where that volume is 0. Arcs read as edges."""
    adjacency, labels, directed = clusters_of(graph, labels)
    between = sparse.between_groups(adjacency, labels)
    return sparse.conductance(between + between.T if directed else between)


def coverage(graph: Any, labels: ArrayLike) -> float:
    """Share of the edge weight that lies inside clusters; NaN for a graph without edges."""
    return internal(graph, labels)["coverage"]


def cut_size(graph: Any, labels: ArrayLike) -> float:
    """Weight of the edges between clusters, each edge once."""
    return internal(graph, labels)["cut"]


def disconnected_clusters(graph: Any, labels: ArrayLike) -> int:
    """Number of clusters whose nodes do not hang together by edges inside the cluster."""
    adjacency, labels, _ = clusters_of(graph, labels)
    return _disconnected(adjacency, labels)


def clusters_of(graph: Any, labels: ArrayLike) -> tuple[sp.csr_array, Labels, bool]:
    """(N, N) adjacency, (N,) labels from 0 without gaps, and whether the graph is directed."""
    data: Data = as_graph(graph)
    if is_signed(data):
        raise GraphError("internal scores take no negative edge weights")
    return to_scipy(data), labels_for(data, labels), bool(data.directed)


def labels_for(graph: Data, labels: ArrayLike) -> Labels:
    """(N,) the labels from 0 without gaps, after a check that there is one for each node."""
    labels = _whole("labels", labels)
    if labels.shape != (graph.num_nodes,):
        raise ValueError(
            f"labels must hold one cluster for each of the {graph.num_nodes} nodes, "
            f"found shape {labels.shape}"
        )
    return np.unique(labels, return_inverse=True)[1]


def _disconnected(adjacency: sp.csr_array, labels: Labels) -> int:
    coo = adjacency.tocoo()
    source, target = coo.coords
    inside = labels[source] == labels[target]
    n = len(labels)
    kept = sp.csr_array((coo.data[inside], (source[inside], target[inside])), shape=(n, n))
    part = sp.csgraph.connected_components(kept, directed=False)[1]
    parts = np.unique(np.stack([labels, part]), axis=1)[0]
    return int((np.bincount(parts) > 1).sum())
