"""graphclust.cluster: from a graph to clusters in one call, by a method chosen for the graph."""

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.graph.export import is_signed
from graphclust.loaders import opened
from graphclust.methods import METHODS
from graphclust.params import check, required
from graphclust.results import Clustering

AUTO = "auto"


def cluster(
    graph: Any, n_clusters: int | None = None, *, method: str = AUTO, seed: int = 0, **params: Any
) -> Clustering:
    """Cluster a graph.

    Args:
        graph: anything `as_graph` takes, or a name or path for `load`.
        n_clusters: number of clusters, where it is known.
        method: a name in METHODS; `"auto"`: `filter` for a graph with features and a known number
            of clusters, else `leiden`.
        params: the method's other parameters.

    Raises:
        ValueError, TypeError: no such method or parameter, or a value out of range.
        GraphError: the graph cannot be used as it is.
    """
    data = opened(graph)
    name = choose(data, n_clusters) if method == AUTO else method
    return build(name, n_clusters, {"seed": seed} | params).fit(data)


def choose(graph: Data, n_clusters: int | None) -> str:
    """The method for a graph: no label is looked at."""
    attributed = graph.x is not None and n_clusters is not None and not is_signed(graph)
    return "filter" if attributed else "leiden"


def build(name: str, n_clusters: int | None, params: dict[str, Any]) -> Method:
    """The method of that name with `n_clusters` where it takes one, checked.

    Raises:
        ValueError, TypeError: a parameter that is missing, unknown or out of range.
    """
    cls = METHODS[name]
    fields = [field.name for field in dataclasses.fields(cls)]
    if n_clusters is not None:
        if not hasattr(cls, "n_clusters") and "n_clusters" not in required(cls):
            raise ValueError(f"{name} finds the number of clusters itself and takes no n_clusters")
        params = params | {"n_clusters": n_clusters}
    if strange := [key for key in params if key not in fields]:
        raise TypeError(f"{name} has no parameter {strange[0]!r}; it has {', '.join(fields)}")
    if lacking := missing(cls, params):
        raise ValueError(f"{name} needs {lacking[0]}")
    given: dict[str, Any] = dict.fromkeys(required(cls)) | params
    model = cls(**given)
    check(model)
    return model


def missing(cls: type[Method], params: Mapping[str, Any]) -> list[str]:
    """The parameters that must be given and are not; one that may be None is None if not given."""
    hints = get_type_hints(cls)
    return [
        key for key in required(cls) if key not in params and type(None) not in get_args(hints[key])
    ]
