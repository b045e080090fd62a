"""One file a method. METHODS maps each name to its class, which is imported on first use."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points

from graphclust.base import Method
from graphclust.params import unknown


class MethodTable(Mapping[str, type[Method]]):
    """Names to method classes, imported on first use; plug-ins join by an entry-point group."""

    def __init__(self, group: str, **paths: str) -> None:
        plugins = {entry.name: entry.value for entry in entry_points(group=group)}
        self._paths = plugins | paths

    def __getitem__(self, name: str) -> type[Method]:
        if name not in self._paths:
            raise ValueError(unknown("method", name, self))
        module, _, attribute = self._paths[name].partition(":")
        cls: type[Method] = getattr(import_module(module), attribute)
        return cls

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


METHODS = MethodTable(
    "graphclust.methods",
    leiden="graphclust.methods.leiden:Leiden",
    louvain="graphclust.methods.louvain:Louvain",
    label_propagation="graphclust.methods.label_propagation:LabelPropagation",
    infomap="graphclust.methods.infomap:Infomap",
    spectral="graphclust.methods.spectral:Spectral",
    kmeans="graphclust.methods.kmeans:KMeans",
    agglomerative="graphclust.methods.agglomerative:Agglomerative",
    filter="graphclust.methods.filter:Filter",
)
Method.table = METHODS
