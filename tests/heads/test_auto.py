"""The head that is chosen by how few edges leave its clusters."""

import numpy as np
import pytest
from graphs import bare, pairs, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, as_graph, cluster_embedding
from graphclust.evaluate.metrics import conductance

CANDIDATES = {"leiden": "leiden:neighbours=30", "lda": "lda", "kmeans": "kmeans"}


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
def test_new_rows_are_labelled_as_the_chosen_head_would(monkeypatch, name):
    from graphclust.heads import auto

    monkeypatch.setattr(auto, "conductance", lambda between: next(values))
    values = iter([np.array([float(name != each)]) for each in CANDIDATES])
    z = noisy(planted(), 0)
    found = cluster_embedding(z, 4, head="auto")
    alone = cluster_embedding(z, 4, head=CANDIDATES[name])
    new = bare(noisy(planted(1), 1))
    assert found.extras["chosen"] == name
    assert np.array_equal(found.predict(new), alone.predict(new))


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
    assert ari(found.labels, METHODS["filter"]().fit(graph).labels) == 1


def test_negative_weights_judge_nothing():
    graph = as_graph([(0, 1, 1.0), (1, 2, -1.0), (2, 3, 1.0)])
    with pytest.raises(GraphError, match="the head auto judges clusters by edges"):
        cluster_embedding(np.eye(4), 2, head="auto", graph=graph)
