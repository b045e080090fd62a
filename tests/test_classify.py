"""Graph classifiers: planted classes are learnt; batches, seeds and errors."""

import networkx as nx
import numpy as np
import pytest
import torch

from graphclust import GraphClassifier, GraphError, as_graph
from graphclust.evaluate import tasks
from graphclust.graph.sets import graph_set

POOLS = ("tvgnn", "mincut", "dmon", "none")
QUICK = {"rate": 1e-2, "epochs": 30, "hidden": 16, "batch": 4}


def stars_and_rings(count=40):
    """Classes 7 (stars) and 3 (rings) of 5 to 12 nodes, told apart by degrees alone; one node."""
    rng = np.random.default_rng(0)
    graphs, y = [], []
    for i in range(count):
        n = int(rng.integers(5, 13))
        graph = nx.star_graph(n - 1) if i % 2 else nx.cycle_graph(n)
        degree = np.array([d for _, d in graph.degree()], float)
        graphs.append(as_graph(graph, x=np.stack([degree / 3, np.ones(n)], axis=1)))
        y.append(7 if i % 2 else 3)
    alone = as_graph(np.empty((2, 0), int), num_nodes=1, directed=False, x=np.ones((1, 2)))
    return [*graphs, alone], np.array([*y, 3])


@pytest.mark.parametrize("pool", POOLS)
def test_planted_classes_are_learnt(pool):
    graphs, y = stars_and_rings()
    model = GraphClassifier(pool=pool, **QUICK).fit(graphs[:30], y[:30])
    assert np.mean(model.predict(graphs[30:]) == y[30:]) >= 0.9
    assert set(model.predict(graphs)) == {3, 7}


@pytest.mark.parametrize("pool", POOLS)
def test_a_graph_has_the_scores_that_it_has_alone(pool):
    graphs, y = stars_and_rings(20)
    model = GraphClassifier(pool=pool, **QUICK | {"epochs": 2}).fit(graphs, y)
    alone = np.concatenate([model.scores([graph]) for graph in graphs])
    assert np.allclose(model.scores(graphs), alone, atol=1e-5)
    assert np.allclose(alone.sum(axis=1), 1)


def test_a_seed_decides_and_the_callers_random_state_stays():
    graphs, y = stars_and_rings(20)
    state = torch.get_rng_state()
    runs = [GraphClassifier(seed=s, **QUICK | {"epochs": 3}).fit(graphs, y) for s in (0, 0, 1)]
    assert torch.equal(state, torch.get_rng_state())
    a, b, c = (model.scores(graphs) for model in runs)
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_it_stops_on_graphs_held_out_and_keeps_the_best_weights():
    graphs, y = stars_and_rings()
    heard = []
    model = GraphClassifier(**QUICK | {"epochs": 60, "patience": 3}).fit(
        graphs, y, trace=lambda epoch, **numbers: heard.append(epoch)
    )
    assert heard == [h["epoch"] for h in model.history]
    assert len(heard) < 60
    scores = [h["score"] for h in model.history]
    assert len(scores) - 1 - int(np.argmax(scores)) == 3
    assert (
        GraphClassifier(**QUICK | {"epochs": 9})
        .fit(graphs, y, trace=lambda epoch, **numbers: epoch == 1)
        .history[-1]["epoch"]
        == 1
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g, y: (g, None), "classes y are needed"),
        (lambda g, y: (g, [*y[:-1], 99]), "class 99 has one"),
        (lambda g, y: (g, [7] * len(y)), r"at least 2 classes, found \[7\] alone"),
        (lambda g, y: (g, y[:-1]), "one a graph"),
    ],
)
def test_what_cannot_be_learnt_from_is_named(change, words):
    with pytest.raises(GraphError, match=words):
        GraphClassifier().fit(*change(*stars_and_rings(10)))


def test_bad_parameters_and_other_features_are_named():
    graphs, y = stars_and_rings(20)
    with pytest.raises(ValueError, match="pool must be 'tvgnn' or"):
        GraphClassifier(pool="max").fit(graphs, y)
    model = GraphClassifier(**QUICK | {"epochs": 1}).fit(graphs, y)
    wide = as_graph(nx.path_graph(3), x=np.ones((3, 5)))
    with pytest.raises(GraphError, match="trained on 2 features; found 5"):
        model.predict([wide])


def test_every_graph_is_judged_once_in_a_division_and_never_learnt_from():
    graphs, y = stars_and_rings(40)
    given = graph_set(graphs, y)
    union = given.union
    union.x = torch.cat([union.x, torch.zeros(union.num_nodes, 1)], dim=1)
    union.x[torch.from_numpy(given.start[:-1]), 2] = torch.arange(len(given)).float()  # its number
    union.graph_id = torch.arange(len(given)).repeat_interleave(torch.from_numpy(given.sizes))
    union.graph_y, union.directed = torch.from_numpy(given.y), False
    judged = []

    class Spy:
        def __init__(self, seed):
            self.seed = seed

        def fit(self, learnt):
            self.learnt = set(learnt.union.x[torch.from_numpy(learnt.start[:-1]), 2].tolist())
            self.history = [{}]
            return self

        def predict(self, graphs):
            own = set(graphs.union.x[torch.from_numpy(graphs.start[:-1]), 2].tolist())
            assert not own & self.learnt
            assert len(own | self.learnt) == 41
            judged.append(own)
            return np.full(len(graphs), 3)

    task = tasks.TASKS["graph classification"]
    rows = [task(Spy(seed), union, lambda step, graphs: step(graphs)) for seed in range(5)]
    assert sorted(number for part in judged for number in part) == list(range(41))
    assert all(0.4 < row["accuracy"] < 0.6 for row in rows), "folds are stratified"
