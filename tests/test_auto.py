"""One call from a graph to clusters."""

import networkx as nx
import numpy as np
import pytest
from graphs import planted
from sklearn.metrics import adjusted_rand_score as ari

import graphclust as gc
from graphclust.auto import choose


def test_a_graph_with_features_and_a_known_number_goes_to_the_filter():
    graph = planted()
    found = gc.cluster(graph, 4)
    assert found.method.name == "filter"
    assert ari(graph.y.numpy(), found.labels) == 1.0
    assert gc.cluster(graph).method == gc.METHODS["leiden"]()
    assert gc.cluster(nx.karate_club_graph(), 2).method == gc.METHODS["leiden"](n_clusters=2)


def test_labels_do_not_choose():
    graph = planted()
    with_labels = choose(graph, 4)
    graph.y = None
    assert choose(graph, 4) == with_labels


def test_names_methods_and_parameters():
    found = gc.cluster("karate", method="leiden", seed=3, resolution=0.5)
    assert found.method == gc.METHODS["leiden"](seed=3, resolution=0.5)
    kept = gc.cluster(planted(), 4, method="features", head="lda").method
    assert (kept.name, kept.head) == ("features", "lda")
    assert len(gc.cluster(np.eye(4)[[1, 0, 3, 2]], method="louvain").labels) == 4


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"method": "leidn"}, ValueError, "did you mean leiden"),
        ({"method": "leiden", "gamma": 2}, TypeError, "leiden has no parameter 'gamma'"),
        ({"method": "louvain", "n_clusters": 3}, ValueError, "louvain finds the number"),
        ({"method": "spectral"}, ValueError, "kmeans needs n_clusters"),
        ({"method": "leiden", "resolution": -1}, ValueError, "resolution must lie in"),
        ({"method": "filter", "n_clusters": 2}, gc.GraphError, "filter needs node features x"),
    ],
)
def test_what_does_not_fit_is_refused(options, error, sentence):
    with pytest.raises(error, match=sentence):
        gc.cluster("karate", **options)
