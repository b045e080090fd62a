"""graphclust: cluster any graph with one API, and compare honestly.

import graphclust as gc
graph = gc.load("cora")
result = gc.METHODS["leiden"]().fit(graph)
gc.compare("karate", seeds=3)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphclust.auto import cluster
    from graphclust.base import Method
    from graphclust.charts import draw_agreement, draw_profile
    from graphclust.classify import GraphClassifier
    from graphclust.evaluate.compare import compare
    from graphclust.evaluate.disagreements import disagreements
    from graphclust.evaluate.flow import flow_imbalance, flow_matrix, top_pairs
    from graphclust.evaluate.links import score_edges
    from graphclust.evaluate.tune import tune
    from graphclust.graph.convert import as_graph
    from graphclust.graph.errors import GraphError, GraphWarning
    from graphclust.graph.export import to_igraph, to_networkx, to_scipy
    from graphclust.graph.writers import save
    from graphclust.heads import HEADS
    from graphclust.loaders import load
    from graphclust.methods import METHODS
    from graphclust.methods.features import cluster_embedding
    from graphclust.methods.minmax import improve
    from graphclust.pictures import draw_clusters, draw_timeline
    from graphclust.results import Clustering, Embedding

__version__ = "0.1.0"

_HOMES = {
    "METHODS": "methods",
    "HEADS": "heads",
    "cluster": "auto",
    "cluster_embedding": "methods.features",
    "GraphClassifier": "classify",
    "Method": "base",
    "Clustering": "results",
    "Embedding": "results",
    "GraphError": "graph.errors",
    "GraphWarning": "graph.errors",
    "as_graph": "graph.convert",
    "to_igraph": "graph.export",
    "to_networkx": "graph.export",
    "to_scipy": "graph.export",
    "load": "loaders",
    "save": "graph.writers",
    "compare": "evaluate.compare",
    "disagreements": "evaluate.disagreements",
    "improve": "methods.minmax",
    "tune": "evaluate.tune",
    "score_edges": "evaluate.links",
    "flow_imbalance": "evaluate.flow",
    "flow_matrix": "evaluate.flow",
    "top_pairs": "evaluate.flow",
    "draw_clusters": "pictures",
    "draw_timeline": "pictures",
    "draw_agreement": "charts",
    "draw_profile": "charts",
}
__all__ = [
    "HEADS",
    "METHODS",
    "Clustering",
    "Embedding",
    "GraphClassifier",
    "GraphError",
    "GraphWarning",
    "Method",
    "as_graph",
    "cluster",
    "cluster_embedding",
    "compare",
    "disagreements",
    "draw_agreement",
    "draw_clusters",
    "draw_profile",
    "draw_timeline",
    "flow_imbalance",
    "flow_matrix",
    "improve",
    "load",
    "save",
    "score_edges",
    "to_igraph",
    "to_networkx",
    "to_scipy",
    "top_pairs",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Import public names on first use: `import graphclust` itself stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graphclust' has no attribute {name!r}")
    import_module("graphclust.methods")  # fills Result.methods, which Clustering.load reads
    value = getattr(import_module(f"graphclust.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
