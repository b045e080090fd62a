"""How much any clustering disagrees with the edges: what correlation clustering makes small."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphclust.evaluate.metrics import labels_for
from graphclust.graph.build import static, symmetrise
from graphclust.graph.convert import as_graph
from graphclust.graph.export import is_signed
from graphclust.graph.signs import pair_costs, positive_pairs
from graphclust.kernels import correlation
from graphclust.kernels.neighbours import closed

NORMS = ("max_disagreements", "sum_disagreements", "l2_disagreements")


def disagreements(
    graph: Any, labels: ArrayLike, *, negative: str = "complement", threshold: float = 0.0
) -> NDArray[Any]:
    """(N,) D(u), what each node disagrees with; O(N + E). Arcs are read as edges.

    Args:
        graph: anything `as_graph` takes.
        labels: (N,) whole numbers, from any method.
        negative: `complement`: D(u) counts the edges of u that weigh more than `threshold` and are
            cut, and the other pairs inside its cluster. `explicit`: D(u) sums |w − threshold| over
            the edges of u that are cut though above the threshold, or inside though below it; other
            pairs are neutral.

    Raises:
        ValueError: `negative` is neither, `threshold` is not finite, or labels do not fit.
    """
    if negative not in ("complement", "explicit"):
        raise ValueError(f"negative must be complement or explicit, found {negative!r}")
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be finite, found {threshold}")
    data = symmetrise(static(as_graph(graph)))
    compact = labels_for(data, labels)
    if negative == "complement":
        return correlation.disagreements(*closed(positive_pairs(data, threshold)), compact)
    matrix = pair_costs(data, "explicit", threshold).matrix
    row = np.repeat(np.arange(data.num_nodes), np.diff(matrix.indptr))
    together = compact[row] == compact[matrix.indices]
    wrong = np.where(together, np.maximum(-matrix.data, 0), np.maximum(matrix.data, 0))
    return np.bincount(row, wrong, minlength=data.num_nodes)


def norms(graph: Any, labels: ArrayLike) -> dict[str, float]:
    """NORMS of D: its maximum, half its sum (each pair once), and its length; signed graphs by
    their weights, others with every missing pair negative."""
    kind = "explicit" if is_signed(as_graph(graph)) else "complement"
    wrong = disagreements(graph, labels, negative=kind).astype(np.float64)
    values = wrong.max(), wrong.sum() / 2, np.sqrt((wrong**2).sum())
    return dict(zip(NORMS, map(float, values), strict=True))
