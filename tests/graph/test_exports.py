"""What goes to networkx, igraph or scipy comes back as it was."""

import networkx as nx
import numpy as np
import pandas as pd
import torch
from graphs import same
from hypothesis import given, settings
from hypothesis import strategies as st

from graphclust import as_graph, to_igraph, to_networkx, to_scipy

ids = st.one_of(
    st.integers(-5, 200), st.text(max_size=4), st.tuples(st.integers(0, 3), st.text(max_size=1))
)


@st.composite
def networks(draw):
    """Any simple networkx graph: ids of any sort, weights or none, directed or not."""
    nodes = draw(st.lists(ids, min_size=1, max_size=8, unique=True))
    pairs = [(u, v) for i, u in enumerate(nodes) for j, v in enumerate(nodes) if i != j]
    kind = nx.DiGraph if draw(st.booleans()) else nx.Graph
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=12)) if pairs else []
    g = kind()
    g.add_nodes_from(nodes)
    g.add_edges_from(chosen)
    if draw(st.booleans()):
        weight = st.floats(-10, 10, allow_nan=False).filter(lambda w: w != 0)
        for u, v in g.edges:
            g.edges[u, v]["weight"] = draw(weight)
    return g


def identical(a, b):
    return (
        type(a) is type(b)
        and list(a.nodes) == list(b.nodes)
        and {frozenset(e) if not a.is_directed() else e for e in a.edges}
        == {frozenset(e) if not a.is_directed() else e for e in b.edges}
        and all(a.edges[e] == b.edges[e] for e in a.edges)
    )


@given(networks())
@settings(max_examples=150, deadline=None)
def test_networkx_comes_back_as_it_went(g):
    assert identical(to_networkx(as_graph(g)), g)


@given(networks())
@settings(max_examples=100, deadline=None)
def test_igraph_comes_back_as_it_went(g):
    graph = as_graph(g)
    assert same(as_graph(to_igraph(graph)), graph)


@given(networks())
@settings(max_examples=100, deadline=None)
def test_scipy_comes_back_as_it_went(g):
    graph = as_graph(g)
    matrix = to_scipy(graph)
    expected = nx.to_numpy_array(g)
    assert np.array_equal(matrix.toarray(), expected)
    again = as_graph(matrix, directed=graph.directed)
    assert torch.equal(again.edge_index, graph.edge_index)


@given(networks())
@settings(max_examples=50, deadline=None)
def test_converting_twice_changes_nothing(g):
    graph = as_graph(g)
    assert same(as_graph(graph), graph)


def test_events_come_back_from_networkx():
    frame = pd.DataFrame({"u": [0, 1, 0], "v": [1, 2, 1], "time": [5, 1, 3]})
    graph = as_graph(frame)
    back = to_networkx(graph)
    assert isinstance(back, nx.MultiGraph)
    assert sorted(t for *_, t in back.edges(data="t")) == [1, 3, 5]
    again = as_graph(back, time="t")
    assert again.t.tolist() == graph.t.tolist()
