"""What every method does with graphs at the edge, and what it refuses."""

import networkx as nx
import numpy as np
import pytest
import torch
from graphs import TRIANGLES, method, pairs, planted, planted_for, suited
from lists import edge_methods, every_method, feature_methods, flow_methods, k_methods, reads
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, GraphWarning, as_graph

# networks are trained briefly here, and asked for more clusters than there are
pytestmark = pytest.mark.filterwarnings("ignore:.* clusters held no node")

# --- graphs at the edge ------------------------------------------------------------------------


@every_method
def test_isolated_nodes_get_labels(name):
    graph = suited(name, pairs(*TRIANGLES, n=9))
    result = method(name, k=2).fit(graph)
    assert len(result.labels) == 9


@pytest.mark.parametrize("name", [n for n in METHODS if n not in flow_methods])
def test_two_components_stay_apart(name):
    x = np.repeat([[0.0, 1.0], [1.0, 0.0]], 3, axis=0) + 0.01 * np.eye(6, 2)
    graph = suited(name, pairs(*TRIANGLES[:-1], n=6, x=x))
    labels = method(name, k=2).fit(graph).labels
    assert ari([0, 0, 0, 1, 1, 1], labels) == 1.0


@every_method
def test_one_edge(name):
    assert len(method(name, k=1).fit(suited(name, pairs((0, 1), n=2))).labels) == 2


@every_method
def test_no_edge(name):
    assert len(method(name, k=2).fit(suited(name, pairs(n=4))).labels) == 4


@every_method
def test_one_node(name):
    assert method(name, k=1).fit(suited(name, pairs(n=1))).labels.tolist() == [0]


@pytest.mark.parametrize("name", k_methods)
@pytest.mark.parametrize("k", [1, 2, 6])
def test_exactly_k_clusters(name, k):
    graph = suited(name, pairs(*TRIANGLES, n=6))
    assert method(name, n_clusters=k).fit(graph).n_clusters == k


@every_method
def test_repeats_and_loops_are_named_and_change_nothing(name):
    clean, seeds = pairs(*TRIANGLES, n=6), range(3)
    dirty = torch.tensor([*TRIANGLES, (0, 1), (1, 0), (4, 4)]).T
    with pytest.warns(GraphWarning) as said:
        graph = as_graph(dirty, directed=False, x=clean.x)
    assert {"1 self-loop dropped", "2 repeated edges dropped"} == {
        str(warning.message) for warning in said
    }
    for seed in seeds:
        model = method(name, k=2, seed=seed)
        a, b = (model.fit(suited(name, part)).labels for part in (graph, clean))
        assert np.array_equal(a, b)


@every_method
def test_text_ids_come_back(name):
    g = nx.relabel_nodes(nx.Graph(TRIANGLES), dict(enumerate("abcdef")))
    graph = as_graph(g, x=np.eye(6) + np.repeat([0, 3], 3)[:, None])
    frame = method(name, k=2).fit(suited(name, graph)).to_frame()
    assert frame["node"].tolist() == list("abcdef")
    clusters = frame.set_index("node")["cluster"]
    assert clusters["a"] == clusters["b"] or name in flow_methods


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", k_methods)
def test_more_clusters_than_nodes_are_refused(name):
    with pytest.raises(GraphError, match=r"n_clusters=7 is more than the 6 nodes"):
        METHODS[name](n_clusters=7).fit(suited(name, pairs(*TRIANGLES, n=6)))


@pytest.mark.parametrize("name", k_methods)
@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (2.5, TypeError), ("2", TypeError)])
def test_a_wrong_number_of_clusters_is_refused(name, bad, error):
    with pytest.raises(error, match="n_clusters must"):
        METHODS[name](n_clusters=bad).fit(suited(name, pairs(*TRIANGLES, n=6)))


@every_method
@pytest.mark.parametrize("bad", [-1, 2**32, 0.5, None])
def test_a_wrong_seed_is_refused(name, bad):
    with pytest.raises((ValueError, TypeError), match="seed must"):
        method(name, seed=bad).fit(planted_for(name))


@pytest.mark.parametrize("name", feature_methods)
def test_missing_features_are_refused(name):
    with pytest.raises(GraphError, match=f"{name} needs node features x"):
        method(name).fit(nx.karate_club_graph())


@every_method
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(name, bad):
    graph = planted_for(name)
    graph.x[3, 2] = bad
    with pytest.raises(GraphError, match="x must be finite, found 1 NaN or infinite values"):
        method(name).fit(graph)


@every_method
def test_features_that_are_no_numbers_are_refused(name):
    with pytest.raises(GraphError, match="x must hold real numbers"):
        method(name).fit(as_graph(planted_for(name), x=np.full((120, 2), "red")))


@pytest.mark.parametrize("name", sorted(set(edge_methods) - set(reads("signed"))))
def test_negative_weights_are_refused(name):
    graph = planted_for(name)
    graph.edge_weight = torch.ones(graph.edge_index.shape[1])
    graph.edge_weight[:] = -1.0
    edges = graph.edge_index.shape[1] // (1 if graph.directed else 2)
    text = f"{name} takes no negative edge weights; found {edges} of them"
    with pytest.raises(GraphError, match=text):
        method(name).fit(graph)


@pytest.mark.parametrize("name", sorted(set(edge_methods) - set(reads("directed"))))
def test_arcs_are_read_as_edges_with_a_warning(name):
    graph = planted()
    arcs = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    directed = as_graph(arcs, directed=True, num_nodes=120, x=graph.x)
    with pytest.warns(GraphWarning, match=f"{name} reads arcs as undirected edges"):
        result = method(name).fit(suited(name, directed))
    assert np.array_equal(result.labels, method(name).fit(suited(name, graph)).labels)


@every_method
def test_a_name_is_no_graph(name):
    with pytest.raises(TypeError, match=r"use graphclust\.load"):
        method(name).fit("karate")


@every_method
def test_an_empty_graph_is_refused(name):
    with pytest.raises(GraphError, match="no nodes"):
        method(name).fit(nx.Graph())


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name].warm_start])
def test_initial_labels_are_refused_where_they_do_nothing(name):
    with pytest.raises(TypeError, match="takes no initial labels"):
        method(name).fit(planted_for(name), initial=np.zeros(120, int))


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name].linked])
def test_links_are_refused_where_they_do_nothing(name):
    with pytest.raises(TypeError, match="takes neither must_link nor cannot_link"):
        method(name).fit(planted_for(name), cannot_link=[(0, 1)])


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].max_nodes])
def test_a_graph_too_large_for_quadratic_memory_is_refused(name):
    n = METHODS[name].max_nodes + 1
    graph = as_graph(torch.tensor([[0, 1], [1, 2]]), num_nodes=n, x=np.ones((n, 1)))
    with pytest.raises(GraphError, match="needs memory for N² numbers"):
        method(name).fit(graph)
