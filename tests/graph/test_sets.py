"""Sets of graphs: what is taken out is what was put in; what cannot be read is named."""

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphclust import GraphError, GraphWarning, as_graph, load
from graphclust.graph.files import read_npz, write_npz
from graphclust.graph.sets import graph_set


def ring(n, first=0.0, **kinds):
    return as_graph(nx.cycle_graph(n), x=first + np.arange(2.0 * n).reshape(n, 2), **kinds)


def lone(n=1):
    return as_graph(np.empty((2, 0), int), num_nodes=n, directed=False, x=np.ones((n, 2)))


def test_graphs_taken_out_are_those_put_in():
    parts = [ring(5), lone(), ring(3, first=100.0), lone(2)]
    graphs = graph_set(parts, y=[4, 7, 4, 1])
    taken = graphs.take([2, 3, 0])
    assert taken.y.tolist() == [4, 1, 4]
    for i, g in enumerate((2, 3, 0)):
        own = slice(*taken.start[i : i + 2])
        inside = (taken.union.edge_index[0] >= own.start) & (taken.union.edge_index[0] < own.stop)
        assert torch.equal(taken.union.x[own], parts[g].x)
        assert torch.equal(taken.union.edge_index[:, inside] - own.start, parts[g].edge_index)
    assert taken.union.num_edges == 10 + 6


def test_one_weighted_graph_among_others_keeps_its_weights():
    heavy = ring(3)
    heavy.edge_weight = torch.full((6,), 2.5)
    graphs = graph_set([ring(4), heavy])
    assert graphs.take([1, 0]).union.edge_weight.tolist() == [2.5] * 6 + [1.0] * 8


def test_a_union_is_its_list():
    parts = [ring(5), ring(3)]
    listed = graph_set(parts, y=[1, 0])
    union = as_graph(nx.disjoint_union(nx.cycle_graph(5), nx.cycle_graph(3)))
    union.x, union.graph_id = torch.cat([p.x for p in parts]), torch.tensor([0] * 5 + [1] * 3)
    union.graph_y = torch.tensor([1, 0])
    found = graph_set(union)
    assert torch.equal(found.union.edge_index, listed.union.edge_index)
    assert torch.equal(found.union.x, listed.union.x)
    assert (found.y.tolist(), found.start.tolist()) == ([1, 0], [0, 5, 8])


def test_stored_sets_are_read_and_written_whole(stored_data, tmp_path):
    graph = load("tu_mutag")
    graphs = graph_set(graph)
    assert len(graphs) == 188
    assert np.bincount(graphs.y).tolist() == [63, 125]
    assert graphs.union.x.shape == (3371, 7)
    assert (graphs.union.x.sum(dim=1) == 1).all()
    write_npz(graph, tmp_path / "again.npz")
    again = read_npz(tmp_path / "again.npz")
    for name in ("graph_id", "graph_y", "node_label", "edge_index"):
        assert torch.equal(again[name], graph[name])


def test_arcs_are_read_as_edges_with_a_warning():
    arcs = as_graph(np.array([[0, 1, 0], [1, 2, 2]]), directed=True, x=np.ones((3, 2)))
    with pytest.warns(GraphWarning, match="graph 1: arcs are read as undirected edges"):
        assert graph_set([ring(3), arcs]).union.num_edges == 6 + 6


def union_of(belongs, x=True):
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3)
    data.graph_id, data.directed = torch.tensor(belongs), False
    data.x = torch.ones(3, 1) if x else None
    return data


@pytest.mark.parametrize(
    ("graphs", "y", "words"),
    [
        (lambda: [], None, "no graphs"),
        (lambda: ring(3), None, "give a list of graphs"),
        (lambda: [ring(3), as_graph(nx.path_graph(3))], None, "graph 1: node features x"),
        (lambda: [ring(3), as_graph(nx.path_graph(2), x=np.ones((2, 3)))], None, r"\[2, 3\]"),
        (lambda: [ring(3)], [1.5], "y must be whole numbers"),
        (lambda: [ring(3)], [1, 2], r"shape \(1,\)"),
        (lambda: union_of([0, 0, 2]), None, "without gaps"),
        (lambda: union_of([0, 1, 1]), None, "joins two graphs"),
        (lambda: union_of([0, 0, 1], x=False), None, "x or node_label"),
    ],
)
def test_what_cannot_be_read_is_named(graphs, y, words):
    with pytest.raises(GraphError, match=words):
        graph_set(graphs(), y)


def test_negative_weights_are_refused():
    signed = ring(3)
    signed.edge_weight = torch.tensor([1.0, -1, 1, 1, -1, 1])
    with pytest.raises(GraphError, match="graph 0: neither event times nor negative weights"):
        graph_set([signed])
