"""Which methods a test is about: all in METHODS, or those that promise the same."""

import pytest

from graphclust import METHODS


def reads(kind: str) -> list[str]:
    return [name for name in METHODS if kind in METHODS[name].kinds]


every_method = pytest.mark.parametrize("name", list(METHODS))
edge_methods = [name for name in METHODS if METHODS[name].kinds]
feature_methods = [name for name in METHODS if "x" in METHODS[name].needs]
k_methods = [name for name in METHODS if "n_clusters" in METHODS[name].__dataclass_fields__]
density_methods = reads("undirected")
flow_methods = sorted(set(edge_methods) - set(density_methods))
