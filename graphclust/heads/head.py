"""What every head is: its parameters, and `fit` from vectors to labels."""

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError, warn
from graphclust.kernels.determinism import one_thread

Vectors = NDArray[np.floating]
Labels = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head(ABC):
    """The step from vectors to clusters: frozen parameters and `fit`. Subclasses write `_fit`."""

    name: ClassVar[str]  # key in HEADS; by default the name of the module
    needs_k: ClassVar[bool] = True  # must the number of clusters be given?
    takes_k: ClassVar[bool] = True  # may it be given?
    raw: ClassVar[bool] = False  # does it take eigenvectors as they are, not scaled to length one?
    max_rows: ClassVar[int | None] = None  # where memory grows with N²

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.name = cls.__dict__.get("name", cls.__module__.rpartition(".")[2])

    def fit(
        self, z: Vectors, k: int | None = None, *, graph: Data | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """Cluster the rows of `z`.

        Args:
            z: (N, D) finite vectors.
            k: number of clusters; None lets heads that can find it.
            graph: the graph whose nodes the rows are, for heads with a graph term.

        Returns:
            `labels` (N,) from 0, none empty; where there are any `soft` (N, K) and `extras`.

        Raises:
            ValueError: `k` is missing, or is none of this head's business.
            GraphError: too many rows, or fewer than `k`.
        """
        self.refuse(k, len(z))
        if len(z) == 1 or k == 1:
            return {"labels": np.zeros(len(z), np.int64)}
        return self._fit(np.ascontiguousarray(z), k, graph, seed)

    @classmethod
    def refuse(cls, k: int | None, n: int) -> None:
        """Say what would not work, before anything is computed."""
        if k is None and cls.needs_k:
            raise ValueError(f"the head {cls.name} needs n_clusters")
        if k is not None and not cls.takes_k:
            raise ValueError(f"the head {cls.name} finds the number of clusters: n_clusters=None")
        if k is not None and k > n:
            raise GraphError(f"n_clusters={k} is more than the {n} nodes there are")
        if cls.max_rows is not None and n > cls.max_rows:
            raise GraphError(
                f"the head {cls.name} needs memory for N² numbers and takes at most "
                f"{cls.max_rows} rows; found {n}"
            )

    @abstractmethod
    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        """As `fit`, with 2 ≤ k ≤ N where it is given."""

    def predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        """Labels for new rows `z` from what `fit` gave for the rows `fitted`."""
        if labels.max() == 0:  # `fit` may not even have asked `_fit`
            return np.zeros(len(z), np.int64)
        return self._predict(z, fitted, labels, extras)

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        """As `predict`, of two or more clusters; by default the label of the nearest fitted row."""
        return nearest_row(z, fitted, labels)


def nearest_row(z: Vectors, fitted: Vectors, labels: Labels) -> Labels:
    """(N′,) the label of the fitted row nearest to each new row; of equals, the first."""
    from sklearn.metrics import pairwise_distances_argmin  # a second and 60 MB, for few

    with one_thread():
        return np.asarray(labels[pairwise_distances_argmin(z, fitted)])


def unit(z: Vectors) -> Vectors:
    """Rows of length one, however short they were; zero rows stay."""
    largest = np.abs(z).max(axis=1, keepdims=True, initial=0)
    scaled = np.divide(z, largest, out=np.zeros_like(z), where=largest > 0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.divide(scaled, length, out=scaled, where=length > 0)


def squeeze(labels: Any, k: int, why: str) -> tuple[Labels, NDArray[np.int64]]:
    """Labels 0..K′−1 of the clusters that hold a row, and which of the `k` those are.

    Fewer than `k` are said in a `GraphWarning`, with the reason.
    """
    used = np.flatnonzero(np.bincount(labels, minlength=k))
    if len(used) < k:
        warn(f"only {len(used)} of the {k} clusters hold a node: {why}")
    return np.searchsorted(used, labels).astype(np.int64), used


def same_width(x: Any, fitted: NDArray[np.floating]) -> None:
    """Refuse features of another number than those that a method was fitted on."""
    if x.shape[1] != fitted.shape[1]:
        raise GraphError(
            f"x must have {fitted.shape[1]} columns, as the graph that was fitted; "
            f"found {x.shape[1]}"
        )
