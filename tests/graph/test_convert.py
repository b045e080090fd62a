"""as_graph: every kind of input, and what is cleaned, and said."""

import warnings

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from graphs import same
from torch_geometric.data import Data, TemporalData

from graphclust import GraphError, GraphWarning, as_graph
from graphclust.graph.export import node_ids


def edges(graph):
    """{(id, id): weight} of a graph, both directions of undirected edges."""
    ids = node_ids(graph).tolist()
    weight = [1.0] * graph.edge_index.shape[1] if graph.edge_weight is None else graph.edge_weight
    return {
        (ids[u], ids[v]): float(w)
        for (u, v), w in zip(graph.edge_index.T.tolist(), weight, strict=True)
    }


def both(**weights):
    """{("a", "b"): w, ("b", "a"): w} from ab=w."""
    return {pair: w for (a, b), w in weights.items() for pair in ((a, b), (b, a))}


# --- one test an input kind --------------------------------------------------------------------


def test_networkx_of_all_four_kinds():
    pairs = [("a", "b", 2.0), ("b", "c", 0.5)]
    undirected = nx.Graph()
    undirected.add_weighted_edges_from(pairs)
    assert edges(as_graph(undirected)) == both(ab=2.0, bc=0.5)
    directed = nx.DiGraph()
    directed.add_weighted_edges_from(pairs)
    graph = as_graph(directed)
    assert graph.directed
    assert edges(graph) == {("a", "b"): 2.0, ("b", "c"): 0.5}
    multi = nx.MultiGraph([("a", "b"), ("b", "a"), ("b", "c")])
    assert edges(as_graph(multi)) == both(ab=2.0, bc=1.0)
    multi = nx.MultiDiGraph([("a", "b"), ("a", "b"), ("b", "a")])
    assert edges(as_graph(multi)) == {("a", "b"): 2.0, ("b", "a"): 1.0}


def test_networkx_attributes():
    g = nx.Graph([("b", "a")])
    nx.set_node_attributes(g, {"a": [1, 2], "b": [3, 4]}, "vector")
    nx.set_node_attributes(g, {"a": "red", "b": "blue"}, "colour")
    graph = as_graph(g, x="vector", y="colour")
    assert graph.node_ids.tolist() == ["b", "a"]
    assert graph.x.tolist() == [[3, 4], [1, 2]]
    assert graph.y.tolist() == [0, 1]
    with pytest.raises(GraphError, match="no node has the attribute 'size'"):
        as_graph(g, y="size")


def test_igraph_with_names_weights_and_times():
    g = igraph.Graph([(0, 1), (1, 2)])
    g.vs["name"] = ["x", "y", "z"]
    g.es["weight"] = [3, 4]
    assert edges(as_graph(g)) == both(xy=3.0, yz=4.0)
    g.es["when"] = [9, 5]
    graph = as_graph(g, time="when")
    assert graph.t.tolist() == [5, 9]
    assert graph.edge_weight.tolist() == [4.0, 3.0]
    with pytest.raises(GraphError, match="time='then' is no edge attribute"):
        as_graph(g, time="then")


def test_matrices_are_directed_unless_symmetric():
    dense = np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]])
    for matrix in (
        dense,
        sp.csr_array(dense),
        sp.coo_matrix(dense),
        torch.tensor(dense),
        torch.tensor(dense).to_sparse(),
    ):
        graph = as_graph(matrix)
        assert not graph.directed
        assert edges(graph) == {(0, 1): 1, (1, 0): 1, (1, 2): 2, (2, 1): 2}
    arcs = as_graph(np.triu(dense))
    assert arcs.directed
    assert edges(arcs) == {(0, 1): 1, (1, 2): 2}
    assert as_graph(dense != 0).edge_weight is None


def test_edge_arrays():
    index = torch.tensor([[0, 1], [1, 3]])
    assert as_graph(index).directed
    assert as_graph(index).num_nodes == 4
    assert as_graph(index, num_nodes=9).num_nodes == 9
    assert not as_graph(torch.tensor([[0, 1], [1, 0]])).directed
    rows = np.array([[0, 1], [1, 3], [4, 0]])
    graph = as_graph(rows)
    assert not graph.directed
    assert graph.num_nodes == 5
    names = np.array([["a", "b"], ["b", "c"], ["c", "d"]])
    assert edges(as_graph(names)) == both(ab=1, bc=1, cd=1)
    assert edges(as_graph([("a", "b", 2), ("b", "c", 3)])) == both(ab=2, bc=3)


def test_frames():
    frame = pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "weight": [2, 3]})
    assert edges(as_graph(frame)) == both(ab=2, bc=3)
    assert edges(as_graph(frame, directed=True)) == {("a", "b"): 2, ("b", "c"): 3}
    frame = pd.DataFrame({"src": [7, 9], "dst": [9, 100]})
    assert as_graph(frame).node_ids.tolist() == [7, 9, 100]
    assert "node_ids" not in as_graph(pd.DataFrame({"From": [0, 1], "To": [1, 2]}))


def test_frames_with_times_are_events():
    frame = pd.DataFrame({"u": [0, 1, 0], "v": [1, 0, 1], "time": [5.5, 1.0, 3.0]})
    graph = as_graph(frame)
    assert graph.t.tolist() == [1.0, 3.0, 5.5]
    assert graph.edge_index.tolist() == [[1, 0, 0], [0, 1, 1]]
    when = pd.to_datetime(["2020-01-02", "2020-01-01", "2020-01-03"])
    assert as_graph(frame.assign(time=when)).t.dtype == torch.int64


def test_pyg_data_and_temporal_data():
    data = Data(edge_index=torch.tensor([[1, 0, 1], [0, 1, 2]]), x=torch.ones(5, 2).double())
    graph = as_graph(data)
    assert graph.directed
    assert graph.num_nodes == 5
    assert graph.x.dtype == torch.float32
    data.when = torch.tensor([3, 1, 2])
    timed = as_graph(data, time="when")
    assert (timed.t.tolist(), timed.edge_index.tolist()) == ([1, 2, 3], [[0, 1, 1], [1, 2, 0]])
    timed.dated = True
    timed.step = torch.tensor([1, 2, 3])
    assert "dated" not in as_graph(timed, time="step")
    assert as_graph(timed).dated
    events = TemporalData(
        src=torch.tensor([2, 0]), dst=torch.tensor([1, 1]), t=torch.tensor([8, 3])
    )
    graph = as_graph(events)
    assert graph.edge_index.tolist() == [[0, 2], [1, 1]]
    assert graph.t.tolist() == [3, 8]
    assert same(as_graph(graph), graph)


def test_sparse_features_stay_sparse():
    x = sp.random_array((4, 6), density=0.3, rng=np.random.default_rng(0))
    for given_x in (x.tocsr(), x.tocoo(), torch.tensor(x.toarray()).to_sparse()):
        graph = as_graph(nx.path_graph(4), x=given_x)
        assert graph.x.layout == torch.sparse_csr
        assert np.allclose(graph.x.to_dense(), x.toarray())


def test_classes_of_every_sort():
    g = nx.path_graph(4)
    assert as_graph(g, y=["b", None, "a", "b"]).y.tolist() == [1, -1, 0, 1]
    assert as_graph(g, y=[1.0, np.nan, 0, 2]).y.tolist() == [1, -1, 0, 2]
    assert as_graph(g, y=np.array([[1], [0], [2], [2]])).y.tolist() == [1, 0, 2, 2]
    assert as_graph(g, y=np.eye(4)).y.shape == (4, 4)
    for bad, text in [
        ([0.5, 1, 1, 1], "found real numbers"),
        ([0, 1], "one row for each of the 4"),
        ([-2, 0, 1, 1], "found −2|found -2"),
    ]:
        with pytest.raises(GraphError, match=text):
            as_graph(g, y=bad)


# --- what is cleaned, and said -----------------------------------------------------------------


def said(graph, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = as_graph(graph, **options)
    assert all(w.category is GraphWarning for w in caught)
    return result, [str(w.message) for w in caught]


def test_repeats_loops_and_zeros_are_named():
    pairs = [("a", "b"), ("b", "a"), ("a", "b"), ("b", "c"), ("c", "c")]
    graph, texts = said(pairs)
    assert texts == ["1 self-loop dropped", "2 repeated edges dropped"]
    assert edges(graph) == both(ab=1, bc=1)
    weighted = [("a", "b", 1), ("b", "a", 2), ("b", "c", 0)]
    graph, texts = said(weighted)
    assert texts == ["1 repeated edge added up", "1 edge of weight 0 dropped"]
    assert edges(graph) == both(ab=3)
    assert graph.num_nodes == 3
    graph, texts = said([("a", "b", 1), ("a", "b", -1), ("b", "c", 1)], directed=True)
    assert texts == ["1 repeated edge added up", "1 edge of weight 0 dropped"]
    assert edges(graph) == {("b", "c"): 1}


def test_a_list_with_both_directions_holds_each_edge_once():
    graph, texts = said([("a", "b", 2), ("b", "a", 2), ("b", "c", 5), ("c", "b", 5)])
    assert edges(graph) == both(ab=2, bc=5)
    assert texts == []


def test_directed_overrides_the_input():
    g = nx.DiGraph([(0, 1), (1, 0), (1, 2)])
    graph, texts = said(g, directed=False)
    assert not graph.directed
    assert texts == ["1 repeated edge dropped"]
    arcs = as_graph(nx.path_graph(3), directed=True)
    assert arcs.directed
    assert edges(arcs) == {(0, 1): 1, (1, 0): 1, (1, 2): 1, (2, 1): 1}
    assert same(as_graph(igraph.Graph([(0, 1), (1, 2)]), directed=True), arcs)
    looped, texts = said(nx.MultiGraph([(0, 0), (0, 1)]), directed=True)
    assert edges(looped) == {(0, 1): 1, (1, 0): 1}
    assert texts == ["1 self-loop dropped"]
    event = nx.Graph([(0, 1, {"t": 5})])
    for graph in (event, as_graph(event, time="t")):
        named = {"time": "t"} if graph is event else {}
        assert as_graph(graph, directed=True, **named).edge_index.tolist() == [[0, 1], [1, 0]]
    listed = pd.DataFrame({"source": [0, 1], "target": [1, 2], "is_directed": [1, 1]})
    with pytest.warns(GraphWarning, match="not read: is_directed"):
        assert edges(as_graph(listed, directed=True)) == {(0, 1): 1, (1, 2): 1}


def test_signed_weights_stay():
    assert edges(as_graph([("a", "b", -2.0), ("b", "c", 1.0)])) == both(ab=-2, bc=1)


def test_weights_keep_their_digits():
    assert edges(as_graph([("a", "b", 0.1)])) == both(ab=0.1)
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=torch.tensor([0.1, 0.1]))
    assert as_graph(data).edge_weight.dtype == torch.float32


def test_weights_are_never_passed_over_in_silence():
    index = torch.tensor([[0, 1], [1, 2]])
    data = Data(edge_index=index, edge_attr=torch.tensor([[2.0], [3.0]]))
    with pytest.warns(GraphWarning, match="edge_attr is not read"):
        assert as_graph(data).edge_weight is None
    assert as_graph(data, weight="edge_attr").edge_weight.tolist() == [2, 3]
    frame = pd.DataFrame({"source": [0, 1], "target": [1, 2], "Weight": [2, 3], "value": [7, 7]})
    with pytest.warns(GraphWarning, match="columns that were not read: value"):
        assert as_graph(frame).edge_weight.tolist() == [2, 2, 3, 3]
    half = nx.Graph([(0, 1, {"weight": 5}), (1, 2)])
    with pytest.warns(GraphWarning, match="1 edge without 'weight' weigh 1"):
        as_graph(half)
    for graph in (data, frame, half, igraph.Graph([(0, 1)])):
        with pytest.raises(GraphError, match="weight='csot' is no"):
            as_graph(graph, weight="csot")


def test_repeated_entries_of_a_matrix_add_up():
    matrix = sp.coo_array((np.ones(4), ([0, 0, 1, 1], [1, 1, 0, 0])), shape=(3, 3))
    assert edges(as_graph(matrix)) == {(0, 1): 2, (1, 0): 2}
    assert matrix.nnz == 4
    rows = sp.csr_array((np.ones(2), np.array([1, 1]), np.array([0, 2, 2])), shape=(2, 2))
    assert edges(as_graph(rows)) == {(0, 1): 2}
    assert rows.nnz == 2
    huge = sp.coo_array((np.array([2**63], np.uint64), ([0], [1])), shape=(2, 2))
    assert as_graph(huge).edge_weight.tolist() == [2.0**63]
    for many, whole in ((2, np.int8), (256, np.uint8)):
        ends, ones = (np.zeros(many, int), np.ones(many, int)), np.full(many, 100, whole)
        matrix = sp.coo_array((ones, ends), shape=(2, 2))
        assert as_graph(matrix).edge_weight.tolist() == [100 * many]
        tensor = torch.sparse_coo_tensor(
            np.stack(ends), torch.from_numpy(ones), (2, 2), check_invariants=True
        )
        assert as_graph(tensor).edge_weight.tolist() == [100 * many]


def test_whole_ids_that_pandas_made_floats_are_whole():
    table = pd.DataFrame({"source": [1, 2, None], "target": [2, 3, 4]}).dropna()
    nodes = pd.DataFrame({"id": [1, 2, 3], "age": [10, 20, 30]})
    graph, texts = said(table, nodes=nodes)
    assert (node_ids(graph).tolist(), texts) == ([1, 2, 3], [])
    assert node_ids(as_graph(table)).tolist() == [1, 2, 3]
    texts = nodes.assign(id=["1", "2", "3"])
    assert node_ids(as_graph(table, nodes=texts)).tolist() == ["1", "2", "3"]
    assert node_ids(as_graph(table / 2)).tolist() == [0.5, 1, 1.5]
    half = nodes.assign(id=[1.0, 2.0, 4.5])
    with pytest.warns(GraphWarning) as warned:
        graph = as_graph(table, nodes=half)
    assert node_ids(graph).tolist() == [1, 2, 3, 4.5]
    assert graph.x.flatten().tolist() == [10, 20, 0, 30]
    assert len(warned) == 2  # one node without a row, one without an edge


def test_rounding_does_not_make_a_matrix_directed():
    rng = np.random.default_rng(0)
    a = rng.random((6, 6))
    a = a + a.T - 2 * np.diag(np.diag(a))
    a[0, 1] *= 1 + 1e-12
    with pytest.warns(GraphWarning, match="symmetric but for rounding"):
        assert not as_graph(a).directed
    a[0, 1] *= 1.01
    assert as_graph(a).directed


def test_events_of_a_data_are_directed_as_its_arcs_are():
    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), t=torch.tensor([2, 1]))
    assert as_graph(data).directed
    data.directed = False
    assert not as_graph(data).directed
    data.t = torch.tensor([1])
    with pytest.raises(GraphError, match="time must have one value for each of the 2 edges"):
        as_graph(data)


def test_what_the_result_holds_is_not_the_callers_read_only_memory():
    index = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    index.flags.writeable = False
    weight = np.ones(4)
    weight.flags.writeable = False
    graph = as_graph(index)
    graph.edge_index[0, 0] = 0


def test_edge_arrays_may_be_empty_where_the_nodes_are_counted():
    for empty in (
        np.zeros((2, 0), int),
        np.zeros((0, 2), int),
        torch.zeros(2, 0, dtype=torch.long),
    ):
        assert as_graph(empty, num_nodes=5).num_nodes == 5


def test_huge_ids_keep_their_digits():
    frame = pd.DataFrame({"u": np.array([2**63 + 1], np.uint64), "v": np.array([5], np.uint64)})
    assert sorted(as_graph(frame).node_ids) == ["5", str(2**63 + 1)]


def test_a_warning_points_at_the_callers_line():
    with pytest.warns(GraphWarning) as said:
        as_graph([("a", "a"), ("a", "b")])
    assert said[0].filename == __file__


def test_a_clean_graph_is_not_copied():
    graph = as_graph(nx.path_graph(4))
    again = as_graph(graph)
    assert same(graph, again)
    assert as_graph(Data(edge_index=graph.edge_index, x=torch.ones(4, 1))).num_nodes == 4
