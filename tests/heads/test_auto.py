"""The head that is chosen by how few edges leave its clusters."""

import warnings
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
from graphs import bare, pairs, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import (
    METHODS,
    Clustering,
    GraphError,
    GraphWarning,
    as_graph,
    cluster_embedding,
)
from graphclust.evaluate.metrics import conductance
from graphclust.heads import auto
from graphclust.heads.kmeans import KMeansHead

CANDIDATES = {"leiden": "leiden:neighbours=30", "lda": "lda", "kmeans": "kmeans"}


def fixed_head(labels):
    """A head that finds these labels."""
    return SimpleNamespace(fit=lambda z, k, seed: {"labels": labels, "extras": {}})


def noisy(graph, seed):
    """Rows that hint at the blocks of a planted graph, so that heads differ."""
    noise = np.random.default_rng(seed).standard_normal((graph.num_nodes, 5))
    return np.eye(4, 5)[graph.y.numpy()] + 0.8 * noise


@pytest.mark.parametrize("seed", range(4))
def test_the_head_whose_clusters_the_fewest_edges_leave_is_chosen(seed):
    graph = planted(seed)
    z = noisy(graph, seed)
    found = cluster_embedding(z, 4, head="auto", graph=graph, seed=seed)
    labels = {
        name: cluster_embedding(z, 4, head=head, seed=seed).labels
        for name, head in CANDIDATES.items()
    }
    mean = {name: conductance(graph, labels[name]).mean() for name in labels}
    assert len(set(mean.values())) > 1
    assert found.extras["conductance"] == pytest.approx(mean)
    assert found.extras["chosen"] == min(mean, key=mean.get)
    assert np.array_equal(found.labels, labels[found.extras["chosen"]])


@pytest.mark.parametrize("name", CANDIDATES)
def test_new_rows_are_labelled_as_the_chosen_head_would(monkeypatch, tmp_path, name):
    monkeypatch.setattr(auto, "conductance", lambda between, without: next(values))
    values = iter([np.array([float(name != each)]) for each in CANDIDATES])
    z = noisy(planted(), 0)
    cluster_embedding(z, 4, head="auto").save(tmp_path / "r.npz")
    found = Clustering.load(tmp_path / "r.npz")
    alone = cluster_embedding(z, 4, head=CANDIDATES[name])
    new = bare(noisy(planted(1), 1))
    assert found.extras["chosen"] == name
    assert np.array_equal(found.predict(new), alone.predict(new))


def test_a_head_that_finds_fewer_clusters_is_no_better_for_that():
    z = np.repeat(np.eye(2), 10, axis=0)  # k-means and LDA find two clusters at most
    graph = as_graph(nx.barbell_graph(10, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that others found fewer concerns nobody
        found = cluster_embedding(z, 4, head="auto", graph=graph)
    assert found.n_clusters == 4
    assert found.extras["chosen"] == "leiden"
    assert list(found.extras["conductance"]) == ["leiden"]


def test_what_the_chosen_head_warns_of_is_said(monkeypatch):
    monkeypatch.setattr(auto, "CANDIDATES", {"kmeans": KMeansHead()})
    with pytest.warns(GraphWarning, match="only 2 of the 4 clusters hold a node"):
        cluster_embedding(np.repeat(np.eye(2), 10, axis=0), 4, head="auto")


def test_to_set_apart_the_nodes_without_edges_is_no_merit(monkeypatch):
    halves, alone = np.repeat([0, 1], 10), np.zeros(5, int)
    fixed = {"leiden": np.r_[halves, alone], "kmeans": np.r_[0 * halves, alone + 1]}
    heads = {name: fixed_head(labels) for name, labels in fixed.items()}
    monkeypatch.setattr(auto, "CANDIDATES", heads)
    g = nx.barbell_graph(10, 0)
    g.add_nodes_from(range(20, 25))
    graph = as_graph(g)
    found = cluster_embedding(np.ones((25, 2)), 2, head="auto", graph=graph)
    assert found.extras["chosen"] == "leiden"
    assert found.extras["conductance"]["kmeans"] == 1


@pytest.mark.parametrize("seed", range(10))
def test_of_equal_partitions_the_first_is_taken(monkeypatch, seed):
    graph = planted(seed)
    labels = graph.y.numpy()
    turned = np.random.default_rng(seed).permutation(4)[labels]
    monkeypatch.setattr(
        auto, "CANDIDATES", {"one": fixed_head(labels), "other": fixed_head(turned)}
    )
    found = cluster_embedding(noisy(graph, seed), 4, head="auto", graph=graph)
    assert found.extras["chosen"] == "one"


def test_arcs_count_as_edges():
    graph = planted()
    z = noisy(graph, 0)
    once = [(u, v) for u, v in graph.edge_index.T.tolist() if u < v]
    arcs = pairs(*once, n=graph.num_nodes, directed=True)
    expected = cluster_embedding(z, 4, head="auto", graph=graph).extras["conductance"]
    found = cluster_embedding(z, 4, head="auto", graph=arcs).extras["conductance"]
    assert found == pytest.approx(expected)


def test_without_edges_neighbours_judge():
    z = noisy(planted(), 0)
    alone = cluster_embedding(z, 4, head="auto")
    without = cluster_embedding(z, 4, head="auto", graph=bare(z))
    assert len(set(alone.extras["conductance"].values())) > 1
    assert np.array_equal(alone.labels, without.labels)


def test_a_free_number_of_clusters_is_left_to_leiden():
    graph = planted()
    found = METHODS["filter"](head="auto").fit(graph)
    assert found.extras["chosen"] == "leiden"
    assert "conductance" not in found.extras  # nothing was compared
    assert ari(found.labels, METHODS["filter"]().fit(graph).labels) == 1


def test_negative_weights_judge_nothing():
    graph = as_graph([(0, 1, 1.0), (1, 2, -1.0), (2, 3, 1.0)])
    with pytest.raises(GraphError, match="the head auto judges clusters by edges"):
        cluster_embedding(np.eye(4), 2, head="auto", graph=graph)
