"""What methods give: a `Clustering`, or an `Embedding` where no clusters are asked for."""

import dataclasses
import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphclust.graph.errors import GraphError
from graphclust.graph.files import atomic
from graphclust.graph.moments import DATES, as_number
from graphclust.graph.vectors import write_vectors

if TYPE_CHECKING:
    from graphclust.base import Method

Labels = NDArray[np.int64]
TABLES = (".csv", ".tsv", ".txt", ".json", ".parquet", ".xlsx")  # endings of what `save` is not


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What every result has, and how it is kept in a file.

    Attributes:
        node_ids: (N,) the user's node ids, in the order of all arrays.
        method: the method with its parameters.
        seconds: wall-clock seconds inside the method, conversion of the input left out.
        history: the numbers traced, one dict an epoch.
        extras: what only this method has (eigenvalues, quality, centres, bounds).
    """

    node_ids: NDArray[Any]
    method: "Method"
    seconds: float
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    extras: dict[str, Any] = dataclasses.field(default_factory=dict)

    methods: ClassVar[Mapping[str, type["Method"]]] = {}  # METHODS; graphclust.methods sets it

    def rows(self, ids: Iterable[Any]) -> Labels:
        """(M,) the places of nodes in the arrays, by their ids; −1 for ids that are unknown."""
        place = {node: i for i, node in enumerate(self.node_ids.tolist())}
        ids = ids.tolist() if isinstance(ids, np.ndarray) else ids
        return np.array([place.get(node, -1) for node in ids], np.int64)

    def save(self, path: str | Path) -> None:
        """Write everything to one `.npz` file (arrays and JSON, no pickle), atomically.

        Raises:
            GraphError: a name that ends like another kind of file; ids that cannot be kept.
        """
        if (ending := Path(path).suffix.lower()) in TABLES:
            raise GraphError(
                f"a whole result is kept as .npz, not as {ending}; found {str(path)!r}. Its labels "
                "alone are a table: `to_frame()`"
            )
        own = self._own()
        arrays = {k: v for k in own if (v := getattr(self, k)) is not None}
        arrays["node_ids"] = self.node_ids
        arrays |= {f"extras.{k}": v for k, v in self.extras.items() if isinstance(v, np.ndarray)}
        meta: dict[str, Any] = {
            "method": self.method.name,
            "params": dataclasses.asdict(self.method),
            "seconds": self.seconds,
            "history": self.history,
            "extras": {k: v for k, v in self.extras.items() if not isinstance(v, np.ndarray)},
        }
        if self.node_ids.dtype == object:
            del arrays["node_ids"]
            meta["node_ids"] = self.node_ids.tolist()
            if not all(isinstance(node, (int, str)) for node in meta["node_ids"]):
                raise GraphError("only whole numbers and text can be saved as node ids")
        arrays["meta"] = np.array(json.dumps(meta, default=lambda number: number.item()))
        with atomic(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            GraphError: the file was not written by `save`, holds another kind of result, or its
                method is not installed.
        """
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            meta = json.loads(str(arrays.pop("meta")))
            extras = {k.removeprefix("extras."): arrays.pop(k) for k in list(arrays) if "." in k}
            ids = arrays.pop("node_ids", None)
            if ids is None:
                ids = np.empty(len(meta["node_ids"]), dtype=object)
                ids[:] = meta["node_ids"]
            return cls(
                **arrays,
                node_ids=ids,
                method=cls.methods[meta["method"]](**meta["params"]),
                seconds=meta["seconds"],
                history=meta["history"],
                extras=meta["extras"] | extras,
            )
        except KeyError as error:
            raise GraphError(f"{path} holds no saved {cls.__name__}: it lacks {error}") from None
        except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            why = "it is another kind of file" if "pickle" in str(error) else error
            raise GraphError(f"{path} holds no saved {cls.__name__}: {why}") from None

    @classmethod
    def _own(cls) -> list[str]:
        """Names of the arrays that a subclass adds."""
        shared = {field.name for field in dataclasses.fields(Result)}
        return [field.name for field in dataclasses.fields(cls) if field.name not in shared]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Clustering(Result):
    """The result of `Method.fit`.

    Attributes, besides those of `Result`:
        labels: (N,) int64, clusters 0..n_clusters−1, none empty.
        embedding: (N, D) vectors, where the method makes them.
        soft: (N, K′ ≥ n_clusters) memberships; column j belongs to label j, rows sum to 1.
    """

    labels: Labels
    embedding: NDArray[np.floating] | None = None
    soft: NDArray[np.floating] | None = None

    @property
    def n_clusters(self) -> int:
        """Number of clusters found."""
        return int(self.labels.max()) + 1

    @property
    def sizes(self) -> Labels:
        """(n_clusters,) number of nodes in each cluster."""
        return np.bincount(self.labels)

    def __repr__(self) -> str:
        sizes = np.sort(self.sizes)[::-1]
        span = " to ".join(str(size) for size in dict.fromkeys((sizes[0], sizes[-1])))
        return (
            f"<Clustering: {len(self.labels)} nodes in {self.n_clusters} clusters of {span} nodes, "
            f"by {self.method!r} in {self.seconds:.3g} s>"
        )

    def to_frame(self) -> pd.DataFrame:
        """A table with one row a node: `node`, `cluster`."""
        return pd.DataFrame({"node": self.node_ids, "cluster": self.labels})

    def labels_at(self, moment: float | str | date | np.datetime64) -> Labels:
        """(N,) labels in the stretch of time that ends with or after `moment`, by methods that
        follow events; after the last stretch, those of its end. −1 for nodes that are not there:
        not yet, or where the method says so (`leiden_slices`) not any more. `labels` are of the
        whole stream, so that those of the last stretch may differ.

        A date may be text of ISO 8601; one without a zone is in UTC.

        Raises:
            TypeError: the method gives no labels over time; a date where the times of the events
                are numbers, or a number where they are dates.
            ValueError: text that is no date, NaT or NaN.
        """
        ends = self.extras.get("moments")
        if ends is None:
            raise TypeError(f"{self.method.name} gives no labels over time here")
        dated = ends.dtype.kind == "M"
        if dated and not isinstance(moment, (str, *DATES)):
            raise TypeError(f"the times of these events are dates, found {moment!r}")
        number = as_number(moment, dated=dated)
        if number != number:
            raise ValueError(f"a moment must be a number, found {moment!r}")
        at = int(np.searchsorted(ends.astype(np.int64) if dated else ends, number, side="left"))
        labels: Labels = self.extras["labels_over_time"][min(at, len(ends) - 1)]
        return labels

    def predict(self, graph: Any) -> Labels:
        """Labels for the nodes of another graph, where the method is inductive.

        Raises:
            TypeError: the method only labels the graph that it was fitted on.
        """
        return self.method._predict(self, self.method.prepare(graph))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Embedding(Result):
    """The result of `embed`.

    Attributes, besides those of `Result`:
        embedding: (N, D) vectors.
    """

    embedding: NDArray[np.floating]

    def save(self, path: str | Path) -> None:
        """Write everything (`.npz`, which `load` reads), or ids and vectors for other tools: `.txt`
        (the text form of word2vec), `.npy` with `.ids.txt` beside it, `.csv`, `.tsv`, `.parquet`.

        Raises:
            GraphError: another ending, or ids that the form cannot hold.
        """
        if Path(path).suffix == ".npz":
            super().save(path)
        else:
            write_vectors(self.node_ids, self.embedding, path)

    def __repr__(self) -> str:
        n, d = self.embedding.shape
        return (
            f"<Embedding: {n} nodes in {d} dimensions, by {self.method!r} in {self.seconds:.3g} s>"
        )

    def to_frame(self) -> pd.DataFrame:
        """A table with one row a node: `node`, then the dimensions 0..D−1."""
        table = pd.DataFrame(np.asarray(self.embedding))
        table.insert(0, "node", self.node_ids)
        return table
