"""Nearest-neighbour graphs, projections and components, against loops."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from graphs import planted, same

from graphclust import GraphError, as_graph, to_networkx, to_scipy
from graphclust.graph.build import components, flow_shares, knn_graph, static, symmetrise


def test_knn_graph_joins_the_nearest():
    x = np.random.default_rng(0).standard_normal((20, 3))
    graph = knn_graph(x, k=3)
    expected = np.zeros((20, 20))
    for i in range(20):
        distance = np.linalg.norm(x - x[i], axis=1)
        distance[i] = np.inf
        for j in np.argsort(distance)[:3]:
            expected[i, j] = expected[j, i] = 1
    assert np.array_equal(to_scipy(graph).toarray(), expected)
    assert np.allclose(graph.x, x)
    assert not graph.directed


def test_knn_graph_of_equal_rows_has_no_loops():
    graph = knn_graph(np.ones((6, 2)), k=2)
    assert bool((graph.edge_index[0] != graph.edge_index[1]).all())


@pytest.mark.parametrize("k", [0, 5, 9])
def test_knn_graph_refuses_a_wrong_k(k):
    with pytest.raises(GraphError, match="k must lie between 1 and N − 1 = 4"):
        knn_graph(np.eye(5), k)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_static_counts_events(directed, weighted):
    frame = pd.DataFrame({"u": [0, 1, 0, 2], "v": [1, 0, 1, 0], "t": [4, 2, 3, 1]})
    if weighted:
        frame["weight"] = [1.0, 2.0, 4.0, 8.0]
    events = as_graph(frame, directed=directed)
    expected = np.zeros((3, 3))
    for row in frame.itertuples():
        expected[row.u, row.v] += row.weight if weighted else 1
    if not directed:
        expected = expected + expected.T
    assert np.array_equal(to_scipy(static(events)).toarray(), expected)
    assert np.array_equal(to_scipy(events).toarray(), expected)
    assert same(static(planted()), planted())


@pytest.mark.parametrize("weighted", [False, True])
def test_symmetrise_joins_arcs(weighted):
    g = nx.DiGraph([(0, 1), (1, 0), (1, 2)])
    if weighted:
        for i, edge in enumerate(g.edges):
            g.edges[edge]["weight"] = float(i + 1)
    graph = symmetrise(as_graph(g, x=np.eye(3)))
    a = nx.to_numpy_array(g)
    expected = a + a.T if weighted else ((a + a.T) > 0).astype(float)
    assert np.array_equal(to_scipy(graph).toarray(), expected)
    assert graph.x.shape == (3, 3)
    assert same(symmetrise(planted()), planted())


@pytest.mark.parametrize("seed", range(4))
def test_components_are_networkxs(seed):
    g = nx.gnp_random_graph(25, 0.05, seed=seed, directed=True)
    found = components(as_graph(g))
    expected = list(nx.weakly_connected_components(g))
    assert len(set(found)) == len(expected)
    assert all(len(set(found[list(part)])) == 1 for part in expected)
    assert to_networkx(as_graph(g)).number_of_nodes() == 25


def test_shares_of_what_flows_both_ways():
    a = np.array([[0, 3.0, 2.0], [1.0, 0, 0], [0, 0, 0]])
    found = to_scipy(flow_shares(as_graph(a, directed=True))).toarray()
    assert np.allclose(found, [[0, 0.75, 1], [0.25, 0, 0], [0, 0, 0]])
    with pytest.raises(GraphError, match="need a directed graph"):
        flow_shares(planted())
    with pytest.raises(GraphError, match="not negative"):
        flow_shares(as_graph(-a, directed=True))
