"""Tables of names and classes: the methods, and the heads."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from graphclust.params import unknown

T = TypeVar("T")


class Registry(Mapping[str, type[T]], Generic[T]):
    """Names to classes, imported on first use; plug-ins join by an entry-point group."""

    def __init__(self, what: str, group: str, **paths: str) -> None:
        plugins = {entry.name: entry.value for entry in entry_points(group=group)}
        self._what, self._paths = what, plugins | paths

    def __getitem__(self, name: str) -> type[T]:
        if not isinstance(name, str):
            raise TypeError(f"{self._what} must be the name of one, found {name!r}")
        if name not in self._paths:
            raise ValueError(unknown(self._what, name, self))
        module, _, attribute = self._paths[name].partition(":")
        cls: type[T] = getattr(import_module(module), attribute)
        return cls

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
