"""Every file format: read, compared with a second reader, and refused where it is broken."""

import gzip

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from graphs import same
from scipy.io import mmwrite

from graphclust import GraphError, GraphWarning, as_graph, load, to_networkx, to_scipy
from graphclust.graph.edgelists import BLOCK, _has_padded_number, read_edges

KARATE = nx.karate_club_graph()


def named(g):
    return nx.relabel_nodes(g, lambda v: f"n{v}")


@pytest.mark.parametrize(
    ("file", "write"),
    [
        ("g.graphml", nx.write_graphml),
        ("g.gml", nx.write_gml),
        ("g.net", nx.write_pajek),
    ],
)
@pytest.mark.parametrize("directed", [False, True])
def test_formats_that_networkx_reads(tmp_path, file, write, directed):
    g = named(nx.DiGraph(KARATE) if directed else KARATE)
    write(nx.Graph(g.edges(data=True)) if not directed else g, tmp_path / file)
    back = to_networkx(load(tmp_path / file))
    assert back.is_directed() == directed
    assert {frozenset(e) for e in back.edges} == {frozenset(e) for e in g.edges}
    assert all(back.edges[e]["weight"] == g.edges[e]["weight"] for e in back.edges)


def test_gml_without_labels_takes_ids(tmp_path):
    (tmp_path / "g.gml").write_text(
        "graph [ node [ id 7 ] node [ id 9 ] edge [ source 7 target 9 ] ]"
    )
    assert load(tmp_path / "g.gml").node_ids.tolist() == [7, 9]


def test_matrix_market(tmp_path):
    matrix = sp.random_array((12, 12), density=0.2, rng=np.random.default_rng(0))
    mmwrite(tmp_path / "g.mtx", matrix)
    with pytest.warns(GraphWarning, match="self-loops dropped"):
        graph = load(tmp_path / "g.mtx")
    off = matrix.toarray() * (1 - np.eye(12))
    assert np.allclose(to_scipy(graph).toarray(), off)


@pytest.mark.parametrize(("kind", "weighted"), [("", False), (" 001", True), (" 111 2", True)])
def test_metis(tmp_path, kind, weighted):
    g = nx.gnp_random_graph(9, 0.4, seed=2)
    for i, edge in enumerate(g.edges):
        g.edges[edge]["weight"] = float(i + 1) if weighted else 1.0
    lines = [f"% made here\n{9} {g.number_of_edges()}{kind}"]
    for v in g:
        cells = ["5", "1", "1"] if kind == " 111 2" else []
        for u in g[v]:
            cells += [str(u + 1), *([str(int(g.edges[u, v]["weight"]))] if weighted else [])]
        lines.append(" ".join(cells))
    (tmp_path / "g.graph").write_text("\n".join(lines) + "\n")
    graph = load(tmp_path / "g.graph")
    assert np.array_equal(to_scipy(graph).toarray(), nx.to_numpy_array(g))
    assert (graph.edge_weight is not None) == weighted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 2\n2\n1 3\n", "promises 3 nodes, found 2 lines"),
        ("3 5\n2\n1 3\n2\n", "promises 5 edges, found 2"),
        ("2 1\n2\n9\n", "neighbours must be 1..2"),
        ("two one\n", "no readable .graph file"),
        ("", "the file is empty"),
        ("2 1\n1.5\n1\n", "neighbours must be 1..2, found 1.5"),
        ("3 1\n2 2\n\n\n", "each edge must be listed by both its nodes"),
        ("3 2 1\n2 1 3 2\n1 1\n1 4\n", "by both its nodes, with the same weight"),
    ],
)
def test_broken_metis(tmp_path, text, message):
    (tmp_path / "g.graph").write_text(text)
    with pytest.raises(GraphError, match=message):
        load(tmp_path / "g.graph")


PAJEK = """*Network friends
% of whom nothing is known
*Vertices 4
1 "ann" 0.1 0.2 ellipse ic Red
2 "bo b"
4 cy
*Arcs :1 "likes"
1 2 2.5
1 2 1.5 c Blue
*Edgeslist
4 3 2
"""


def test_pajek_as_pajek_writes_it(tmp_path):
    """A vertex without a line, sections of both kinds, colours; repeated arcs add up."""
    (tmp_path / "g.net").write_text(PAJEK, newline="\r\n")
    back = to_networkx(load(tmp_path / "g.net"))
    assert list(back) == ["ann", "bo b", "3", "cy"]
    assert dict(back.adj["ann"]) == {"bo b": {"weight": 4.0}}
    both = {("cy", "3"), ("3", "cy"), ("cy", "bo b"), ("bo b", "cy")}
    assert set(back.edges) == {("ann", "bo b")} | both
    (tmp_path / "g.net").write_text("*vertices 3\n*arcs\n*edges\n1 2\n3 2\n")
    graph = load(tmp_path / "g.net")
    assert not graph.directed
    assert graph.node_ids.tolist() == [1, 2, 3]
    assert graph.edge_weight is None


@pytest.mark.parametrize(
    ("rows", "directed"), [("0 2 0\n2 0 1\n0 1 0", False), ("0 2 0\n" * 3, True)]
)
@pytest.mark.filterwarnings("ignore:1 self-loop dropped")
def test_pajek_matrices(tmp_path, rows, directed):
    (tmp_path / "g.net").write_text(f"*vertices 3\n*matrix\n{rows}\n")
    graph = load(tmp_path / "g.net")
    assert graph.directed == directed
    assert to_scipy(graph).toarray()[0].tolist() == [0, 2, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*vertices 2\n*edges\n1 9\n", "line 3: vertices are numbered 1..2, found '9'"),
        ("*vertices 2\n*edges\n1\n", "line 3: found one vertex where two are expected"),
        ("*vertices 2\n*edges\n1 2 heavy\n", "line 3: a weight must be a number, found 'heavy'"),
        ("*vertices 2\n*edges\n1 2 nan\n", "weight must be finite"),
        ("*vertices 2\n1 a\n1 b\n", "line 3: vertex 1 is listed twice"),
        ('*vertices 2\n1 "say "hi" you"\n', "line 2: a quote within a quoted label"),
        ("*vertices two\n", "line 1: .Vertices must be followed by their number"),
        ("*vertices 2\n*triangles\n1 2\n", r"line 2: section \*triangles cannot be read"),
        ("*vertices 2\n*matrix\n0 1\n", "must hold 2 rows of 2 numbers"),
        ("1 2\n", "line 1: expected .Vertices, found '1 2'"),
        ("", "must begin with .Vertices"),
    ],
)
def test_broken_pajek(tmp_path, text, message):
    (tmp_path / "g.net").write_text(text)
    with pytest.raises(GraphError, match=message):
        load(tmp_path / "g.net")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("g.net", "*vertices 3\n1 a\n2 a\n3 b\n*edges\n1 2\n2 3\n"),
        (
            "g.gml",
            'graph [ node [ id 1 label "a" ] node [ id 2 label "a" ] node [ id 3 label "b" ] '
            "edge [ source 1 target 2 ] edge [ source 2 target 3 ] ]",
        ),
    ],
)
def test_labels_that_are_not_unique_make_way_for_numbers(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    with pytest.warns(GraphWarning, match="two nodes have the same label, so ids are the numbers"):
        graph = load(tmp_path / file)
    assert graph.node_ids.tolist() == [1, 2, 3]
    assert set(to_networkx(graph).edges) == {(1, 2), (2, 3)}


def graphml(nodes, target="b", weight="1"):
    return (
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        '<key id="w" for="edge" attr.name="weight" attr.type="double"/>'
        f'<graph edgedefault="undirected">{"".join(nodes)}<edge source="a" target="{target}">'
        f'<data key="w">{weight}</data></edge></graph></graphml>'
    )


A, B = '<node id="a"/>', '<node id="b"/>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (graphml([A, B, B]), "two nodes have the id 'b'"),
        (graphml([A, B], target="c"), "an edge joins the node 'c', which is not listed"),
        (graphml([A, '<node id="b"><graph><node id="c"/></graph></node>']), "graphs within nodes"),
        (graphml([A, B], weight="nan"), "weight must be finite, found 1 NaN"),
        (graphml([A, B], weight="heavy"), "could not convert string to float: 'heavy'"),
        (graphml([A, B])[:200], "no readable .graphml file"),
    ],
)
def test_graphml_that_says_more_or_less_than_one_graph_is_refused(tmp_path, text, message):
    (tmp_path / "g.graphml").write_text(text)
    with pytest.raises(GraphError, match=message):
        load(tmp_path / "g.graphml")


def test_what_is_changed_in_a_graphml_file_is_said(tmp_path):
    g = nx.Graph([("a", "b"), ("b", "b")])
    nx.write_graphml(g, tmp_path / "g.graphml")
    with pytest.warns(GraphWarning, match="1 self-loop dropped"):
        load(tmp_path / "g.graphml")


def test_a_dense_matrix_market_file_is_an_adjacency_matrix(tmp_path):
    mmwrite(tmp_path / "g.mtx", np.array([[0, 1], [1, 0]]))
    assert load(tmp_path / "g.mtx").num_nodes == 2
    mmwrite(tmp_path / "g.mtx", np.array([[0, 1, 3], [1, 0, 2]]))
    with pytest.raises(GraphError, match=r"must be square, found shape \(2, 3\)"):
        load(tmp_path / "g.mtx")


@pytest.mark.parametrize("file", ["g.graphml", "g.gml", "g.net", "g.mtx", "g.npz", "g.parquet"])
def test_broken_files_are_refused_by_name(tmp_path, file):
    (tmp_path / file).write_bytes(b"\x00\x01 nothing of the kind")
    with pytest.raises(GraphError, match=file.replace(".", r"\.")):
        load(tmp_path / file)


# --- packed files ------------------------------------------------------------------------------

TEXT = "source,target\n" + "\n".join(f"v{u},v{v}" for u, v in KARATE.edges) + "\n"


def test_gzip_and_zstandard(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    (tmp_path / "plain.csv").write_text(TEXT)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "a.csv.zst").write_bytes(
        pyarrow.compress(TEXT.encode(), codec="zstd", asbytes=True)
    )
    for packed in ("a.csv.gz", "a.csv.zst"):
        assert same(load(tmp_path / packed), load(tmp_path / "plain.csv"))


def test_a_truncated_archive_is_refused(tmp_path):
    whole = gzip.compress(np.random.default_rng(0).integers(0, 9, 5000).astype("U1").tobytes())
    for content in (gzip.compress(TEXT.encode())[:-20], whole[:200], b"no gzip at all"):
        (tmp_path / "a.csv.gz").write_bytes(content)
        with pytest.raises(GraphError, match=r"a\.csv\.gz is cut off or no \.gz file"):
            load(tmp_path / "a.csv.gz")


def test_a_damaged_archive_is_refused(tmp_path):
    packed = bytearray(gzip.compress(TEXT.encode()))
    packed[len(packed) // 2] ^= 255
    (tmp_path / "a.csv.gz").write_bytes(packed)
    with pytest.raises(GraphError, match=r"a\.csv\.gz is cut off or no \.gz file"):
        load(tmp_path / "a.csv.gz")
    pyarrow = pytest.importorskip("pyarrow")
    packed = pyarrow.compress(TEXT.encode(), codec="zstd", asbytes=True)
    for content in (packed[:-9], b"no zstd at all"):
        (tmp_path / "a.csv.zst").write_bytes(content)
        with pytest.raises(GraphError, match=r"a\.csv\.zst is cut off or no \.zst file"):
            load(tmp_path / "a.csv.zst")


def test_a_missing_pyarrow_is_named(tmp_path, monkeypatch):
    from graphclust.graph import tables

    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    for file in ("a.csv.zst", "a.parquet"):
        (tmp_path / file).write_bytes(b"x")
        with pytest.raises(GraphError, match=r"needs pyarrow: pip install 'graphclust\[parquet\]'"):
            load(tmp_path / file)


# --- text read fast and read slowly ------------------------------------------------------------


def test_padded_numbers_are_found_wherever_they_stand():
    for text in (b"\n007,1", b"\n1,007\n", b'\n"01",2', b"\n1;+5\n", b"\n1 00 ", b"\n-0,1"):
        assert _has_padded_number(text)
    for text in (b"\n0,10", b"\n100,200\n0,1\n", b"\n1,0.5", b"\n-3,-0.5"):
        assert not _has_padded_number(text)


def test_padded_numbers_behind_the_first_block_are_text(tmp_path):
    rows = BLOCK // 8 + 10
    (tmp_path / "a.csv").write_text("100,200\n" * rows + "007,7\n")
    with pytest.warns(GraphWarning, match=f"{rows - 1:,} repeated edges dropped"):
        assert read_edges(tmp_path / "a.csv").node_ids.tolist() == ["007", "100", "200", "7"]


# --- node tables -------------------------------------------------------------------------------


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def test_a_node_table_gives_features_and_classes(tmp_path):
    write(
        tmp_path,
        edges="a,b\nb,c\nc,d\n",
        nodes="id,label,age,colour\nb,red,2,x\na,blue,1.5,y\nz,red,3,x\nc,,4,z\n",
    )
    with pytest.warns(GraphWarning) as said:
        graph = load(tmp_path / "edges.csv", nodes=tmp_path / "nodes.csv")
    assert {str(w.message) for w in said} == {
        "in the edges but not in the node table, so of unknown class, with features 0: 1 node",
        "in the node table but not in the edges, so isolated: 1 node",
    }
    assert graph.node_ids.tolist() == ["a", "b", "c", "d", "z"]
    assert graph.y.tolist() == [0, 1, -1, -1, 1]
    assert graph.x.tolist() == [[1.5, 0, 1, 0], [2, 1, 0, 0], [4, 0, 0, 1], [0] * 4, [3, 1, 0, 0]]


def test_numbers_and_texts_of_one_id_meet(tmp_path):
    write(tmp_path, edges="1,2\n2,30\n", nodes="name,class\n30,2\n1,0\n2,1\nx,0\n")
    with pytest.warns(GraphWarning, match="so isolated: 1 node"):
        graph = load(tmp_path / "edges.csv", nodes=tmp_path / "nodes.csv")
    assert dict(zip(graph.node_ids, graph.y.tolist(), strict=True)) == {
        "1": 0,
        "2": 1,
        "30": 2,
        "x": 0,
    }


def test_ids_of_the_node_table_are_spelled_as_those_of_the_edges(tmp_path):
    write(tmp_path, edges="1e5,nan\nnan,007\n", nodes="id, label\n1e5,x\nnan, y\n 007,x\n")
    graph = load(tmp_path / "edges.csv", nodes=tmp_path / "nodes.csv")
    classes = dict(zip(graph.node_ids.tolist(), graph.y.tolist(), strict=True))
    assert classes == {"1e5": 0, "nan": 1, "007": 0}


def test_a_packed_node_table_that_is_cut_off_is_refused(tmp_path):
    write(tmp_path, edges="a,b\n")
    packed = gzip.compress(b"id,label\na,x\nb,y\n")
    (tmp_path / "n.csv.gz").write_bytes(packed)
    assert load(tmp_path / "edges.csv", nodes=tmp_path / "n.csv.gz").y.tolist() == [0, 1]
    (tmp_path / "n.csv.gz").write_bytes(packed[:-9])
    with pytest.raises(GraphError, match=r"n\.csv\.gz is cut off or no \.gz file"):
        load(tmp_path / "edges.csv", nodes=tmp_path / "n.csv.gz")


def test_graphframes_layout(tmp_path):
    pytest.importorskip("pyarrow")
    edges = pd.DataFrame({"src": ["a", "b"], "dst": ["b", "c"], "relationship": ["x", "y"]})
    vertices = pd.DataFrame({"id": ["a", "b", "c"], "age": [1, 2, 3]})
    (tmp_path / "g" / "edges").mkdir(parents=True)
    edges.to_parquet(tmp_path / "g" / "edges" / "part-0.parquet")
    vertices.to_parquet(tmp_path / "g" / "vertices.parquet")
    with pytest.warns(GraphWarning, match="columns that were not read: relationship"):
        graph = load(tmp_path / "g")
    assert graph.directed
    assert graph.x.tolist() == [[1], [2], [3]]
    edges[["src", "dst"]].to_parquet(tmp_path / "e.parquet")
    assert not load(tmp_path / "e.parquet").directed
    vertices.to_parquet(tmp_path / "v.parquet")
    assert load(tmp_path / "e.parquet", nodes=tmp_path / "v.parquet").x is not None
    with pytest.raises(GraphError, match="needs the columns source and target"):
        load(tmp_path / "v.parquet")
    with pytest.raises(GraphError, match="a folder without edges"):
        load(str(tmp_path) + "/")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("id,age\na,1\na,2\n", "two rows for node 'a'"),
        ("id,age\na,1\n,2\n", "no id in row 1"),
        ("age,size\n1,2\n", r"needs a column id \(or node, name\); found \['age', 'size'\]"),
        ("id,age\na,1\nb,\n", "column 'age' of the node table has 1 missing values"),
        ("id,age\na,NaN\nb,2\n", "column 'age' of the node table has 1 missing values"),
        ("id,age\na,inf\nb,2\n", "x must be finite, found 1 NaN or infinite"),
        ("id|age\na|1\n", r"needs a column id .*; found \['id|age'\]"),
        ("id,age\na,1,9\n", "nodes.csv has rows with more cells than its first line has names"),
        ("id,age\na,1\nb,1,9\n", "nodes.csv cannot be read as a node table"),
        ("", "nodes.csv is empty; a node table begins with a line of column names"),
        (
            "id,bio\n" + "".join(f"v{i},text {i}\n" for i in range(1001)),
            "column 'bio' of the node table has 1001 different texts",
        ),
    ],
)
def test_wrong_node_tables_are_refused(tmp_path, nodes, message):
    write(tmp_path, edges="a,b\n", nodes=nodes)
    with pytest.raises(GraphError, match=message):
        load(tmp_path / "edges.csv", nodes=tmp_path / "nodes.csv")


def test_a_node_table_goes_with_edges_only(tmp_path):
    write(tmp_path, nodes="id\n1\n")
    with pytest.raises(
        ValueError, match="nodes goes with a file of edges, found the name 'karate'"
    ):
        load("karate", nodes=tmp_path / "nodes.csv")
    with pytest.raises(TypeError, match="nodes goes with a frame of edges, found Graph"):
        as_graph(KARATE, nodes=pd.DataFrame({"id": [1]}))
    write(tmp_path, edges="a,b\n")
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.csv"):
        load(tmp_path / "edges.csv", nodes=tmp_path / "gone.csv")
