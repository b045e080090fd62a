"""The one contract: a `Method` is its hyper-parameters; its `fit` gives a `Clustering`."""

import copy
import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.build import static, symmetrise
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError, warn
from graphclust.graph.export import is_signed, is_temporal, node_ids
from graphclust.kernels.determinism import seeded
from graphclust.params import check, param
from graphclust.published import published_params
from graphclust.results import Clustering, Labels, Result


class Trace:
    """What a method tells while it runs: `trace(epoch, loss=…)`.

    Keeps the numbers as `history` and hands them to `callback` (a progress bar, a logger). The
    call returns True when the callback did: the method then stops with what it has.
    """

    def __init__(
        self,
        callback: Callable[..., Any] | None = None,
        watch: Callable[[int, Labels], Any] | None = None,
    ) -> None:
        self.history: list[dict[str, float]] = []
        self._callback, self._watch = callback, watch

    def labels(self, epoch: int, make: Callable[[], Labels]) -> None:
        """Hand the labels with which an epoch begins to whoever watches; else they are not made."""
        if self._watch is not None:
            self._watch(epoch, make())

    def __call__(self, epoch: int, **numbers: float) -> bool:
        self.history.append({"epoch": epoch, **numbers})
        return self._callback is not None and self._callback(epoch, **numbers) is True


class Earlier(NamedTuple):
    """A result to go on from, and (N,) the place of each node in it, −1 for new nodes."""

    result: Result
    rows: Labels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A clustering method: frozen hyper-parameters and `fit`. Subclasses write `_fit`."""

    seed: int = param(0, "seed of every random choice", low=0, high=2**32 - 1)

    name: ClassVar[str]  # key in METHODS; by default the name of the module
    needs: ClassVar[tuple[str, ...]] = ()  # data that must be there: "x" of nodes, "t" of events
    kinds: ClassVar[tuple[str, ...]] = ("undirected",)
    """Graphs it reads as they are: undirected, directed, weighted, signed, temporal.

    Other graphs are brought to these with a warning, or refused (signed). Empty: edges are not
    looked at."""
    requires: ClassVar[tuple[str, ...]] = ()  # optional packages, of the extra `baselines`
    max_nodes: ClassVar[int | None] = None  # where memory grows with N²
    randomised: ClassVar[bool] = True  # does the seed matter?
    variant_of: ClassVar[str | None] = None  # compared only where asked for: nearly another method
    slow: ClassVar[bool] = False  # minutes a run: compared only where asked for
    told_k: ClassVar[bool] = False  # is n_clusters given by comparisons though it may be None?
    warm_start: ClassVar[bool] = False  # does `_fit` take initial labels?
    continues: ClassVar[bool] = False  # does `_fit` take an earlier result?
    guided: ClassVar[bool] = False  # does `_fit` take known clusters of some nodes?
    linked: ClassVar[bool] = False  # does `_fit` take pairs that must or cannot be together?

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.name = cls.__dict__.get("name", cls.__module__.rpartition(".")[2])

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The method with its authors' parameters for a data set, as in `preset("dblp")`.

        Raises:
            ValueError: nothing was published for that name; the sentence says what was.
        """
        return cls(**(published_params(cls.name, name) | changes))

    def fit(
        self,
        graph: Any,
        *,
        trace: Callable[..., Any] | None = None,
        watch: Callable[[int, Labels], Any] | None = None,
        initial: Any = None,
        continue_from: Result | None = None,
        seeds: Mapping[Any, int] | None = None,
        must_link: Iterable[tuple[Any, Any]] | None = None,
        cannot_link: Iterable[tuple[Any, Any]] | None = None,
    ) -> Clustering:
        """Cluster `graph` (anything `as_graph` takes); labels in `y` are never looked at.

        Args:
            graph: the graph; it and all global random states stay untouched.
            trace: called as `trace(epoch, **numbers)` while the method runs; returning True stops
                it early.
            watch: called as `watch(epoch, labels)` by methods that can say what the labels were
                when an epoch began: to be scored afterwards.
            initial: where the method can start warm: a `Clustering`, (N,) labels, or a dict from
                node id to label. Nodes that an earlier Clustering or dict lacks start alone.
            continue_from: where the method can: its result on an earlier state of the graph, whose
                nodes are known by their ids.
            seeds: where the method can: from node id to the cluster, 0 to K − 1, that the caller
                knows it to be in.
            must_link, cannot_link: where the method can: pairs of node ids that are in one cluster,
                or are not.

        Raises:
            ValueError, TypeError: a parameter is out of range or of a wrong type.
            GraphError: the graph lacks what the method needs, or has what it cannot take.
        """
        check(self)
        graph = self.prepare(graph)
        ids = node_ids(graph)
        warm = self._earlier(continue_from, ids)
        if initial is not None and not self.warm_start:
            raise TypeError(f"{self.name} takes no initial labels")
        if initial is not None:
            warm["initial"] = _initial_labels(initial, ids)
        n_clusters = getattr(self, "n_clusters", None)
        if seeds is not None:
            if not self.guided:
                raise TypeError(f"{self.name} takes no seeds")
            if not hasattr(seeds, "items") or not len(seeds):
                raise TypeError(f"seeds must map one node or more to clusters, found {seeds!r}")
            warm["seeds"] = _known(seeds, ids, n_clusters)
        if must_link is not None or cannot_link is not None:
            if not self.linked:
                raise TypeError(f"{self.name} takes neither must_link nor cannot_link")
            pairs = {"must_link": must_link, "cannot_link": cannot_link}
            warm["links"] = tuple(
                _pairs(name, () if given is None else given, ids) for name, given in pairs.items()
            )
        if n_clusters is not None and n_clusters > len(ids):
            raise GraphError(f"n_clusters={n_clusters} is more than the {len(ids)} nodes there are")
        found = self._timed(self._fit, graph, trace, warm, watch)
        labels, soft = _compact(found.pop("labels"), found.pop("soft", None))
        return Clustering(labels=labels, soft=soft, node_ids=ids, method=self, **found)

    def _earlier(self, continue_from: Result | None, ids: NDArray[Any]) -> dict[str, Any]:
        if continue_from is None:
            return {}
        if not self.continues:
            raise TypeError(f"{self.name} cannot go on from an earlier result")
        if not isinstance(continue_from, Result):
            kind = type(continue_from).__name__
            raise TypeError(f"continue_from must be a Clustering or an Embedding, found {kind}")
        return {"earlier": Earlier(continue_from, continue_from.rows(ids))}

    def _timed(
        self,
        step: Callable[..., dict[str, Any]],
        graph: Data,
        trace: Callable[..., Any] | None,
        warm: dict[str, Any],
        watch: Callable[[int, Labels], Any] | None = None,
    ) -> dict[str, Any]:
        """What `step` gives, with `seconds` and `history`."""
        graph.node_ids = None  # what the nodes are called is no evidence
        recorder = Trace(trace, watch)
        start = time.perf_counter()
        with seeded(self.seed):
            found = step(graph, recorder, **warm)
        seconds = time.perf_counter() - start
        return found | {"seconds": seconds, "history": recorder.history}

    def fit_predict(self, graph: Any) -> Labels:
        """(N,) labels of `fit`."""
        return self.fit(graph).labels

    def prepare(self, graph: Any) -> Data:
        """`graph` without labels, of a kind that this method reads."""
        graph = as_graph(without_labels(graph))
        graph.y = None
        if obstacle := self.obstacle(graph):
            raise GraphError(obstacle)
        if not self.kinds:
            return graph
        if is_temporal(graph) and "temporal" not in self.kinds:
            warn(f"{self.name} ignores event times: repeated events became weights")
            graph = static(graph)
        if graph.directed and "directed" not in self.kinds:
            warn(f"{self.name} reads arcs as undirected edges")
            graph = symmetrise(graph)
        if graph.edge_weight is not None and "weighted" not in self.kinds:
            warn(f"{self.name} ignores edge weights")
            del graph.edge_weight
        return graph

    @classmethod
    def obstacle(cls, graph: Data) -> str | None:
        """Why this method cannot take a graph (from `as_graph`), or None when it can."""
        if missing := [package for package in cls.requires if find_spec(package) is None]:
            return f"{cls.name} needs the package {missing[0]}: pip install 'graphclust[baselines]'"
        if "x" in cls.needs and graph.x is None:
            return f"{cls.name} needs node features x; this graph has none"
        if "t" in cls.needs and not is_temporal(graph):
            return (
                f"{cls.name} needs event times; this graph has none: time=… of `load` and "
                "`as_graph`, or --time, names their column"
            )
        if cls.kinds and "signed" not in cls.kinds and is_signed(graph):
            negative = int((graph.edge_weight < 0).sum()) // (1 if graph.directed else 2)
            return f"{cls.name} takes no negative edge weights; found {negative} of them"
        if cls.kinds and "undirected" not in cls.kinds and not graph.directed:
            return f"{cls.name} reads the direction of arcs; this graph is undirected"
        if cls.max_nodes is not None and graph.num_nodes > cls.max_nodes:
            return (
                f"{cls.name} needs memory for N² numbers and takes at most {cls.max_nodes} nodes; "
                f"found {graph.num_nodes}"
            )
        return None

    @abstractmethod
    def _fit(self, graph: Data, trace: Trace) -> dict[str, Any]:
        """`labels` and, where there are any, `embedding`, `soft`, `extras`.

        Where `warm_start` is set, it also takes `initial: Labels | None = None`, and where
        `continues` is, `earlier: Earlier | None = None`; `guided`, `seeds`; `linked`, `links`.
        """

    def _predict(self, clustering: Clustering, graph: Data) -> Labels:
        raise TypeError(f"{self.name} labels only the graph it is fitted on; fit the new graph")


def without_labels(graph: Any) -> Any:
    """A `Data` without its `y`, which is not even read, as it may hold anything."""
    if isinstance(graph, Data) and graph.y is not None:
        graph = copy.copy(graph)
        graph.y = None
    return graph


def _compact(labels: Any, soft: Any) -> tuple[Labels, Any]:
    """Labels 0..K−1 in the same order; soft columns follow, those of empty clusters last."""
    used, compact = np.unique(np.asarray(labels), return_inverse=True)
    if soft is not None:
        empty = np.setdiff1d(np.arange(soft.shape[1]), used)
        soft = soft[:, np.r_[used, empty]]
    return compact.astype(np.int64), soft


def _known(seeds: Mapping[Any, int], ids: NDArray[Any], n_clusters: int | None) -> Labels:
    """(N,) clusters of the nodes that are known, −1 for others."""
    place = {node: i for i, node in enumerate(ids.tolist())}
    labels = np.full(len(ids), -1)
    for node, label in seeds.items():
        if node not in place:
            raise GraphError(f"seeds name the node {node!r}, which the graph lacks")
        whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
        if not whole or not 0 <= label < (n_clusters or np.inf):
            raise GraphError(
                f"seeds must map nodes to clusters from 0 to {(n_clusters or 0) - 1}, found "
                f"{label!r} for {node!r}"
            )
        labels[place[node]] = label
    return labels


def _pairs(what: str, pairs: Iterable[tuple[Any, Any]], ids: NDArray[Any]) -> Labels:
    """(L, 2) places of pairs of node ids."""
    place = {node: i for i, node in enumerate(ids.tolist())}
    found = []
    if isinstance(pairs, np.ndarray) or hasattr(pairs, "to_numpy"):
        pairs = np.asarray(pairs).tolist()  # an (L, 2) array or frame
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise GraphError(f"{what} must hold pairs of node ids, found {pair!r}")
        if unknown := [node for node in pair if node not in place]:
            raise GraphError(f"{what} names the node {unknown[0]!r}, which the graph lacks")
        found.append([place[pair[0]], place[pair[1]]])
    return np.array(found, np.int64).reshape(-1, 2)


def _initial_labels(initial: Any, ids: NDArray[Any]) -> Labels:
    if isinstance(initial, Clustering):
        initial = dict(zip(initial.node_ids.tolist(), initial.labels.tolist(), strict=True))
    if isinstance(initial, Mapping):
        if not all(isinstance(label, (int, np.integer)) for label in initial.values()):
            raise GraphError("initial must map node ids to whole numbers")
        if not any(node in initial for node in ids.tolist()):
            raise GraphError("initial knows none of the graph's node ids")
        alone = iter(range(max(initial.values()) + 1, max(initial.values()) + 1 + len(ids)))
        initial = [initial[node] if node in initial else next(alone) for node in ids.tolist()]
    labels = np.asarray(initial)
    if labels.shape != ids.shape or labels.dtype.kind not in "iu":
        raise GraphError(
            f"initial must hold one whole number for each of the {len(ids)} nodes, found "
            f"{labels.dtype} of shape {labels.shape}"
        )
    return _compact(labels, None)[0]
