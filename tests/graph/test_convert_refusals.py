"""as_graph: what is refused, and by what name."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from graphs import quiet
from torch_geometric.data import Data, HeteroData, TemporalData

from graphclust import GraphError, as_graph

PAIR = pd.DataFrame({"source": [0], "target": [1]})


@pytest.mark.parametrize(
    ("graph", "options", "text"),
    [
        (nx.path_graph(3), {"num_nodes": 3}, "num_nodes goes with edge arrays, found Graph"),
        (torch.tensor([[0], [1]]), {"num_nodes": 4.5}, "whole number of at least 1, found 4.5"),
        (np.eye(3), {"x": "age"}, "x='age' names a node attribute; ndarray has none"),
        (np.eye(3), {"time": "t"}, "time='t' names an edge attribute or column"),
        (np.eye(3), {"directed": "no"}, "directed must be True, False or None, found 'no'"),
        (PAIR, {"nodes": {"id": [0, 1]}}, "nodes must be a pandas frame, found dict"),
        (PAIR, {"weight": [1]}, r"weight must be the name of an attribute or column, found \[1\]"),
    ],
)
def test_options_that_would_do_nothing_are_refused(graph, options, text):
    with pytest.raises(TypeError, match=text):
        as_graph(graph, **options)


@pytest.mark.parametrize(
    ("graph", "options", "text"),
    [
        (np.ma.masked_array(np.eye(3), mask=np.eye(3)), {}, "a masked array"),
        (np.eye(3), {"x": np.ma.masked_array(np.eye(3), mask=np.eye(3))}, "x is a masked array"),
        (np.eye(3), {"x": np.array([["1"], ["2"], ["3"]])}, "x must hold real numbers"),
        (np.eye(3), {"x": np.eye(3) * 1j}, "x must hold real numbers"),
        (torch.tensor([[True], [False]]), {}, "whole numbers"),
        ([[0, 1], [1, 2]], {}, "make other lists an array first"),
        (torch.tensor([[0], [4 * 10**9]]), {}, "at most 3,000,000,000 nodes"),
        (pd.DataFrame({"u": [0], "v": [1], "t": [pd.NaT]}), {}, "found 'NaT' at edge 0"),
        (pd.DataFrame([[0, 1, 2]], columns=["u", "v", "v"]), {}, "two columns 'v'"),
        (Data(edge_index=torch.tensor([[0], [1]]), node_ids=["a"]), {}, "found 1"),
        (Data(edge_index=torch.tensor([[0], [1]]), node_ids=["a", "a"]), {}, "the id 'a'"),
        (TemporalData(src=torch.tensor([0]), dst=torch.tensor([1])), {}, "without src, dst or t"),
    ],
)
def test_more_that_cannot_be_a_graph(graph, options, text):
    with pytest.raises(GraphError, match=text):
        quiet(graph, **options)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.zeros((2, 3, 1)), "found an array of shape"),
        (np.zeros((0, 2)), r"shape \(0, 2\)"),
        (
            np.zeros((3, 4)),
            r"must be square \(adjacency\), \(2, E\) or \(E, 2\), found shape \(3, 4\)",
        ),
        (np.array([[0, 1], [1, 0]]), "a 2×2 array may mean two edges or an adjacency matrix"),
        (np.array([[0, np.nan, 0], [0, 0, 1], [0, 0, 0]]), "weight must be finite, found 1 NaN"),
        (np.array([["", "a", ""]] * 3), "an adjacency matrix must hold numbers, found <U1"),
        (sp.csr_array((2, 3)), "must be square"),
        (torch.tensor([[0.5, 1.0, 2.0], [1.0, 2.0, 0.0]]), "must hold whole numbers"),
        (torch.tensor([[0, -1, 2], [1, 2, 0]]), r"edges must join nodes 0\.\.2 .* found node -1"),
        ([], "a list of edges must hold"),
        ([("a", "b"), ("a", "b", 1)], "a list of edges must hold"),
        ([("a", None)], "column 'target' has no node id in row 0"),
        ([("a", "b", "heavy")], "weight must be a number for every edge, found 'heavy'"),
        ([("a", "b", "1"), ("b", "c", "x")], "weight must be a number for every edge, found 'x'"),
        ([(1, "2"), (2, "3")], "the id 2 stands in the table as int and as text"),
        ([([1], "2")], "node ids must be numbers or text, found an unhashable type: 'list'"),
        (
            [("a", "b", np.inf)],
            "weight must be finite, found 1 NaN or infinite values, the first at edge 0",
        ),
        (
            pd.DataFrame({"a": [1], "b": [2]}),
            r"needs the columns source and target .* \['a', 'b'\]",
        ),
        (pd.DataFrame({"source": [1, None], "target": [2, 3]}), "has no node id in row 1"),
        (Data(x=torch.ones(3, 1)), "a Data without edge_index"),
        (Data(edge_index=torch.tensor([[0], [5]]), num_nodes=3), r"\(num_nodes=3\), found node 5"),
        (Data(edge_index=torch.zeros(3, 2, dtype=torch.long)), r"must have shape \(2, E\)"),
        (
            Data(edge_index=torch.tensor([[0], [1]]), edge_weight=torch.ones(3)),
            "weight must have one value",
        ),
        (nx.Graph(), "the graph has no nodes"),
        (sp.csr_array((0, 0)), "the graph has no nodes"),
    ],
)
def test_what_cannot_be_a_graph_is_refused_by_name(bad, text):
    with pytest.raises(GraphError, match=text):
        quiet(bad)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (HeteroData(), r"to_homogeneous\(\)"),
        ("cora", r"use graphclust\.load"),
        (3, "found int"),
        (None, "found NoneType"),
        ({"a": 1}, "found dict"),
    ],
)
def test_what_is_no_graph_at_all_is_a_type_error(bad, text):
    with pytest.raises(TypeError, match=text):
        as_graph(bad)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.ones((3, 2)), r"one row for each of the 4 nodes, found shape \(3, 2\)"),
        (np.ones((4, 0)), "at least one column"),
        (np.array([[1.0], [np.nan], [1], [1]]), "the first in row 1"),
        (sp.csr_array(np.diag([1, 1, 1, np.inf])), "the first in row 3"),
        ([["a"]] * 4, "x must hold real numbers"),
    ],
)
def test_wrong_features_are_refused(x, text):
    with pytest.raises(GraphError, match=text):
        as_graph(nx.path_graph(4), x=x)


def test_networkx_times_must_be_there():
    with pytest.raises(GraphError, match="1 edges lack the attribute 'when'"):
        as_graph(nx.path_graph(2), time="when")
