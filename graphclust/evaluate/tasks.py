"""What a cell asks of a method: clusters (of a digraph also the flow between; or how much they
disagree with the edges), classes read off its vectors, held-out edges, or, of a graph classifier
(which is no `Method`: it learns from classes), the classes of whole graphs.

`oracle epoch` asks for clusters as papers do that choose by the classes: to be set beside their
figures, never beside other rows.

A task takes the method, the graph and `measured(step, graph)`, which runs the step that is timed;
it gives the scores of one row.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold
from torch_geometric.data import Data

from graphclust.evaluate.classification import classification
from graphclust.evaluate.disagreements import NORMS, norms
from graphclust.evaluate.flow import FLOW, flow_scores
from graphclust.evaluate.links import link_prediction
from graphclust.evaluate.metrics import EXTERNAL, INTERNAL, external, internal, n_classes
from graphclust.graph.export import is_signed
from graphclust.graph.sets import graph_set
from graphclust.methods import METHODS
from graphclust.params import unknown
from graphclust.registry import Registry

PERCENT = (10, 30, 50, 70, 90)  # of the nodes with classes, from which classification learns
SPLITS = 3  # a run; the seeds bring more
FOLDS = 5  # of graphs; seed s judges fold s mod 5 of the (s div 5)-th division
BOUNDS = ("lower_bound", "ratio")  # certificates of methods that give any
READINGS = ("micro_known", "macro_known", "micro_free", "macro_free")
Measured = Callable[[Callable[[Data], Any], Data], Any]
Task = Callable[[Any, Data, Measured], dict[str, Any]]


def _clustering(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    return _scored(graph, measured(method.fit, graph), [])


def _labels(method: Any, graph: Data, measured: Measured) -> dict[str, Any]:
    """As `_clustering`, and the labels themselves, for whoever sets partitions side by side."""
    result = measured(method.fit, graph)
    return _scored(graph, result, []) | {"labels": result.labels}


def _oracle(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    """As `_clustering`, but every external score is its best over the labels of all epochs."""
    epochs: list[Any] = []
    result = measured(
        lambda given: method.fit(given, watch=lambda _, labels: epochs.append(labels)), graph
    )
    return _scored(graph, result, epochs)


def _scored(graph: Data, result: Any, epochs: list[Any]) -> dict[str, float]:
    """Scores of a clustering, the external ones at their best over its labels and `epochs`.

    Where edges have signs, how much it disagrees with them stands for the internal ones.
    """
    row = {"n_clusters": result.n_clusters}
    if n_classes(graph.y):
        scores = [external(labels, graph.y) for labels in (*epochs, result.labels)]
        row |= {name: max(score[name] for score in scores) for name in scores[0]}
    return row | (norms if is_signed(graph) else internal)(graph, result.labels)


def _flow(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    result = measured(method.fit, graph)
    return _scored(graph, result, []) | flow_scores(graph, result.labels)


def _correlation(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    result = measured(method.fit, graph)
    bounds = {key: result.extras[key] for key in BOUNDS if key in result.extras}
    scores = _scored(graph, result, []) | bounds
    return scores if is_signed(graph) else scores | norms(graph, result.labels)


def _classification(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    z = measured(method.embed, graph).embedding
    return {
        f"{name}_{percent}": value
        for percent in PERCENT
        for name, value in classification(
            z, graph.y, percent / 100, splits=SPLITS, seed=method.seed
        ).items()
    }


def _links(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    return link_prediction(
        lambda rest: measured(method.embed, rest).embedding, graph, seed=method.seed
    )


def _graph_classification(method: Any, graph: Data, measured: Measured) -> dict[str, float]:
    """Accuracy on one fold of graphs, after learning from the others."""
    graphs = graph_set(graph)
    division, fold = divmod(method.seed, FOLDS)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=division).split(graphs.y, graphs.y)
    learnt, judged = (graphs.take(part) for part in list(folds)[fold])
    model = measured(method.fit, learnt)
    right = model.predict(judged) == judged.y
    return {"accuracy": float(np.mean(right)), "epochs": len(model.history)}


CLASSIFIERS: Registry[Any] = Registry(
    "graph classifier",
    "graphclust.graph_classifiers",
    graph_classifier="graphclust.classify:GraphClassifier",
)
TASKS: dict[str, Task] = {
    "clustering": _clustering,
    "labels": _labels,
    "oracle epoch": _oracle,
    "flow": _flow,
    "correlation": _correlation,
    "classification": _classification,
    "links": _links,
    "graph classification": _graph_classification,
}
CLUSTERING = ("n_clusters", *EXTERNAL, "unlabelled", *INTERNAL)
COLUMNS = {
    "clustering": CLUSTERING,
    "labels": CLUSTERING,  # no column: rows are numbers
    "oracle epoch": CLUSTERING,
    "flow": (*CLUSTERING, *FLOW),
    "correlation": (*CLUSTERING, *NORMS, *BOUNDS),
    "classification": tuple(f"{name}_{percent}" for percent in PERCENT for name in READINGS),
    "links": ("auc_dot", "auc_cosine", "auc_hadamard"),
    "graph classification": ("accuracy", "epochs"),
}

FINAL = "the final result of every run, none chosen by labels"
PROTOCOLS = {
    "clustering": FINAL,
    "labels": FINAL,
    "oracle epoch": "oracle epoch: every score at its own best epoch, chosen by the classes",
    "flow": f"{FINAL}; flow: mean imbalance, by volume sums, of the most unequal pairs of clusters",
    "correlation": f"{FINAL}; max D: most disagreements of a node, Σ D: all "
    "pairs, with every missing pair negative, or by weight where edges have signs; bound: no "
    "clustering has a lower max D",
    "classification": "a logistic regression for each class learns from the given share of the "
    f"nodes, {SPLITS} splits a run; how many classes a judged node has is known, as published, "
    "except where it says free",
    "links": "half of the edges held out, beside as many pairs that are none; area under the ROC "
    "curve",
    "graph classification": f"one of {FOLDS} stratified folds of the graphs judged by each seed, "
    f"{FOLDS} seeds a division; a tenth of the others held out to stop by",
}


def protocol(task: str, method: Any) -> str:
    """Which of a run's states is judged: never to be left unsaid, and oracles never beside others.

    `oracle epoch`: the best by the classes. `label-free stop`: that of the lowest loss, or of
    another score that sees no class. `stop by held-out classes`: that of a classifier, told the
    classes that it learns from. `last epoch`. `one result`: there are no epochs.
    """
    if task == "oracle epoch":
        return task
    if task == "graph classification":
        return "stop by held-out classes"
    if not getattr(method, "epochs", 0):
        return "one result"
    return "label-free stop" if getattr(method, "patience", 0) else "last epoch"


def methods(task: str) -> Registry[Any]:
    """The methods that a task may ask, by name."""
    return CLASSIFIERS if task == "graph classification" else METHODS


def obstacle(task: str, method: Any, graph: Data | None = None) -> str | None:
    """Why a method (or its class), or a graph, is not for this task; None where both are.

    Raises:
        ValueError: no such task.
    """
    if task not in TASKS:
        raise ValueError(unknown("task", task, TASKS))
    if task in ("classification", "links") and not hasattr(method, "embed"):
        return f"{method.name} makes no vectors, which {task} needs"
    if task == "flow" and graph is not None and not graph.directed:
        return "flow needs a directed graph; this one is undirected"
    if task in ("classification", "oracle epoch") and graph is not None and graph.y is None:
        return f"{task} needs classes y; this graph has none"
    return None
