"""What the owner of a format writes, `load` reads; what we write, its owner reads."""

import csv
import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from graphs import same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import mmwrite

from graphclust import Clustering, GraphError, as_graph, load, to_networkx
from graphclust.graph.edgelists import read_edges
from graphclust.graph.export import node_ids
from graphclust.graph.files import write_npz
from graphclust.graph.writers import write_labels
from graphclust.methods import METHODS

often = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
quietly = pytest.mark.filterwarnings("ignore::graphclust.GraphWarning")

AWKWARD = ["007", "7", "-0", "+7", "NA", "null", "nan", "1.0", "1e5", "a b", " a", "x,y", "a;b"]
AWKWARD += ['say "hi"', '"hi"', "O'Brien", "a\\b", "&amp;", "<b>", "[x]", "#c", "%d", "*edges"]
AWKWARD += ["ä", "日本", "😀", "\xa0z", "(1, 2)"]
visible = st.characters(exclude_categories=("C", "Z"))
words = st.one_of(st.sampled_from(AWKWARD), st.text(visible, min_size=1, max_size=4))
lines = st.one_of(words, st.sampled_from(["a\nb", "a\r\nb", "a\rb", "a\tb", '"\n"']))
whole = st.integers(-(2**63), 2**63 - 1)
numbers = st.one_of(st.integers(1, 9), st.floats(-1e300, 1e300)).filter(bool)


@st.composite
def graphs(draw, ids=words, directed=None, weights=numbers):
    """A networkx graph of one to six nodes, isolated ones among them, with weights or without."""
    names = draw(st.lists(ids, min_size=1, max_size=6, unique=True))
    directed = draw(st.booleans()) if directed is None else directed
    g = nx.DiGraph() if directed else nx.Graph()
    g.add_nodes_from(names)
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names))
    g.add_edges_from(draw(st.lists(pairs.filter(lambda pair: pair[0] != pair[1]), max_size=8)))
    if draw(st.booleans()):
        for edge in g.edges:
            g.edges[edge]["weight"] = draw(weights)
    return g


def adjacency(g):
    return {u: {v: data.get("weight", 1) for v, data in row.items()} for u, row in g.adj.items()}


def assert_read(path, g):
    graph = load(path)
    back = to_networkx(graph)
    assert list(back) == list(g)
    assert adjacency(back) == adjacency(g)
    assert back.is_directed() == g.is_directed()
    assert graph.edge_weight is None or nx.get_edge_attributes(g, "weight")


# --- graph files -------------------------------------------------------------------------------


@given(graphs(lines))
@often
def test_graphml(tmp_path, g):
    nx.write_graphml(g, tmp_path / "g.graphml")
    assert_read(tmp_path / "g.graphml", g)


@given(graphs(lines))
@often
def test_gml(tmp_path, g):
    nx.write_gml(g, tmp_path / "g.gml")
    assert_read(tmp_path / "g.gml", g)


def pajek_holds(label):
    return not label.startswith('"') and ('"' not in label or " " not in label)


@given(graphs(words.filter(pajek_holds)))
@often
def test_pajek(tmp_path, g):
    nx.write_pajek(g, tmp_path / "g.net")
    assert_read(tmp_path / "g.net", g)


@pytest.mark.parametrize(
    ("file", "write"),
    [("g.graphml", nx.write_graphml), ("g.gml", nx.write_gml), ("g.net", nx.write_pajek)],
)
@given(g=graphs(whole))
@often
def test_whole_numbers_come_back_as_text_where_a_format_knows_no_others(tmp_path, file, write, g):
    write(g, tmp_path / file)
    assert_read(tmp_path / file, nx.relabel_nodes(g, str))


def write_metis(g, path):
    """Neighbours counted from 1, each with its weight where there are weights."""
    weighted = bool(nx.get_edge_attributes(g, "weight"))
    rows = [
        " ".join(f"{u + 1} {d['weight']}" if weighted else str(u + 1) for u, d in g.adj[v].items())
        for v in range(len(g))
    ]
    head = f"{len(g)} {g.number_of_edges()}{' 001' if weighted else ''}"
    path.write_text("\n".join([head, *rows]) + "\n")


@given(graphs(whole, directed=False, weights=st.integers(1, 10**9)))
@often
def test_metis(tmp_path, g):
    g = nx.convert_node_labels_to_integers(g)
    write_metis(g, tmp_path / "g.graph")
    assert_read(tmp_path / "g.graph", g)


@given(graphs(whole), st.booleans())
@often
def test_matrix_market(tmp_path, g, dense):
    """A matrix cannot say whether it is meant to be symmetric: then the graph is undirected."""
    matrix = nx.to_scipy_sparse_array(g)
    mmwrite(tmp_path / "g.mtx", matrix.toarray() if dense else matrix)
    symmetric = (matrix != matrix.T).nnz == 0
    g = nx.convert_node_labels_to_integers(nx.Graph(g) if symmetric else g)
    assert_read(tmp_path / "g.mtx", g)


@given(graphs(lines) | graphs(whole))
@often
def test_npz(tmp_path, g):
    write_npz(as_graph(g), tmp_path / "g.npz")
    assert_read(tmp_path / "g.npz", g)
    assert same(load(tmp_path / "g.npz"), as_graph(g))


# --- tables ------------------------------------------------------------------------------------


def table(g):
    rows = [(u, v, data.get("weight", 1)) for u, v, data in g.edges(data=True)]
    columns = ["source", "target", "weight"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame if nx.get_edge_attributes(g, "weight") else frame[columns[:2]]


def edges_of(graph):
    """As `adjacency`, without isolated nodes, which no edge table can hold."""
    return {u: row for u, row in adjacency(to_networkx(graph)).items() if row}


some_edges = lambda g: g.number_of_edges() > 0  # noqa: E731


@given(graphs(lines).filter(some_edges) | graphs(whole).filter(some_edges))
@often
def test_parquet(tmp_path, g):
    pytest.importorskip("pyarrow")
    table(g).to_parquet(tmp_path / "g.parquet")
    back = to_networkx(load(tmp_path / "g.parquet", directed=g.is_directed()))
    g.remove_nodes_from(list(nx.isolates(g)))
    assert adjacency(back) == adjacency(g)


def text_holds(node):
    return node == node.strip(" \t") and node[0] not in "#%" and node != "a\rb"  # pandas' fault


small = st.integers(1 - 10**18, 10**18 - 1)  # longer numbers stay text
cells = lines.filter(text_holds).filter(lambda node: not node.isdecimal() or node[0] == "0")


@given(
    graphs(cells).filter(some_edges) | graphs(small).filter(some_edges),
    st.sampled_from([("g.csv", ","), ("g.csv", ";"), ("g.csv", "\t"), ("g.tsv", "\t")]),
)
@often
def test_csv(tmp_path, g, kind):
    table(g).to_csv(tmp_path / kind[0], sep=kind[1], index=False)
    back = to_networkx(load(tmp_path / kind[0], directed=g.is_directed()))
    g.remove_nodes_from(list(nx.isolates(g)))
    assert adjacency(back) == adjacency(g)


mixed = st.one_of(
    st.integers(-20, 10**12).map(str),
    st.sampled_from(["007", "+7", "NA", "null", "1.0", "a b", "ä", "x,y", 'say "hi"', "0", "-0"]),
)


@given(
    st.lists(st.tuples(mixed, mixed, st.integers(1, 9)), min_size=1, max_size=12),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
@often
@quietly
def test_csv_with_numbers_among_the_texts_and_without_header(tmp_path, rows, header, newline):
    """Ids survive as spelled (as numbers only where all of them are plain whole numbers)."""
    frame = pd.DataFrame(rows, columns=["source", "target", "weight"])
    header = header or all(end[0].isalpha() for end in rows[0][:2])  # else taken for a header
    frame.to_csv(tmp_path / "a.csv", index=False, header=header, lineterminator=newline)
    ends = {end for row in rows for end in row[:2]}
    plain = all(end == str(int(end)) if end.lstrip("-").isdigit() else False for end in ends)
    expected = as_graph(frame.astype({"source": int, "target": int}) if plain else frame)
    assert same(read_edges(tmp_path / "a.csv"), expected)


@given(graphs(cells).filter(some_edges) | graphs(small).filter(some_edges), st.data())
@often
@quietly
def test_node_tables(tmp_path, g, data):
    """Isolated nodes and classes come from the table of nodes, by ids spelled in the same way."""
    classes = {v: data.draw(st.sampled_from(["007", "red", "x,y", "NA"])) for v in g}
    table(g).to_csv(tmp_path / "g.csv", index=False)
    nodes = pd.DataFrame({"id": list(g), "label": list(classes.values())})
    nodes.to_csv(tmp_path / "n.csv", index=False)
    graph = load(tmp_path / "g.csv", nodes=tmp_path / "n.csv", directed=g.is_directed())
    assert adjacency(to_networkx(graph)) == adjacency(g)
    found = zip(node_ids(graph).tolist(), graph.y.tolist(), strict=True)
    assert {v: sorted(set(classes.values()))[c] for v, c in found} == classes


# --- labels and saved results ------------------------------------------------------------------

ids = st.one_of(
    st.lists(lines, min_size=2, max_size=6, unique=True),
    st.lists(whole, min_size=2, max_size=6, unique=True),
)


def isolated(ids):
    g = nx.Graph()
    g.add_nodes_from(ids)
    return as_graph(g)


def read_labels(path):
    """Pairs (id, label) as another program finds them."""
    if path.suffix == ".json":
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [(row["node"], row["cluster"]) for row in rows]
    if path.suffix == ".parquet":
        return list(pd.read_parquet(path).itertuples(index=False, name=None))
    if path.suffix == ".graphml":
        return list(nx.read_graphml(path).nodes(data="cluster"))
    with open(path, newline="", encoding="utf-8") as file:
        separator = "\t" if path.suffix == ".tsv" else ","
        return [(v, int(c)) for v, c in list(csv.reader(file, delimiter=separator))[1:]]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "parquet", "graphml"])
@given(ids=ids)
@often
def test_labels(tmp_path, suffix, ids):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    labels = np.arange(len(ids)) % 2
    write_labels(isolated(ids), labels, tmp_path / f"labels.{suffix}")
    typed = suffix in ("json", "parquet")
    expected = [(v if typed else str(v), c) for v, c in zip(ids, labels.tolist(), strict=True)]
    assert read_labels(tmp_path / f"labels.{suffix}") == expected


def test_ids_that_a_format_cannot_hold_are_refused_and_nothing_is_written(tmp_path):
    for suffix in ("csv", "tsv", "parquet", "graphml"):
        with pytest.raises(GraphError, match="two nodes are called 1 when ids are written as text"):
            write_labels(isolated([1, "1"]), np.zeros(2, int), tmp_path / f"a.{suffix}")
    with pytest.raises(GraphError, match=r"a\.graphml: GraphML cannot hold '\\x01', found in"):
        write_labels(isolated(["a\x01", "b"]), np.zeros(2, int), tmp_path / "a.graphml")
    assert not list(tmp_path.iterdir())


def test_ids_of_several_types_are_written_as_text_but_to_json(tmp_path):
    pytest.importorskip("pyarrow")
    for suffix in ("csv", "parquet", "graphml", "json"):
        write_labels(isolated([1, "a"]), np.zeros(2, int), tmp_path / f"a.{suffix}")
        expected = [(1 if suffix == "json" else "1", 0), ("a", 0)]
        assert read_labels(tmp_path / f"a.{suffix}") == expected


@given(st.lists(lines | whole, min_size=2, max_size=6, unique=True))
@often
def test_saved_results(tmp_path, ids):
    result = METHODS["label_propagation"]().fit(isolated(ids))
    result.save(tmp_path / "r.npz")
    back = Clustering.load(tmp_path / "r.npz")
    assert back.node_ids.tolist() == ids
    assert [type(v) for v in back.node_ids.tolist()] == [type(v) for v in ids]
    assert np.array_equal(back.labels, result.labels)
    assert back.method == result.method
    with pytest.raises(GraphError, match=r"a whole result is kept as \.npz, not as \.csv"):
        result.save(tmp_path / "r.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["r.npz"]
