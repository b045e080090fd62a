"""Every file format: read, compared with a second reader, and refused where it is broken."""

import gzip

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from graphs import same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    ],
)
def test_broken_metis(tmp_path, text, message):
    (tmp_path / "g.graph").write_text(text)
    with pytest.raises(GraphError, match=message):
        load(tmp_path / "g.graph")


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


def test_a_missing_pyarrow_is_named(tmp_path, monkeypatch):
    from graphclust.graph import edgelists

    monkeypatch.setattr(edgelists, "find_spec", lambda name: None)
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


cells = st.one_of(
    st.integers(-20, 10**12).map(str),
    st.sampled_from(["007", "+7", "NA", "null", "1.0", "a b", "ä", "x,y", 'say "hi"', "0", "-0"]),
)


@given(
    st.lists(st.tuples(cells, cells, st.integers(1, 9)), min_size=1, max_size=12),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.filterwarnings("ignore::graphclust.GraphWarning")
def test_what_csv_writes_is_what_is_read(tmp_path, rows, header, newline):
    """Ids survive as spelled (as numbers only where all of them are plain whole numbers)."""
    frame = pd.DataFrame(rows, columns=["source", "target", "weight"])
    header = header or all(end[0].isalpha() for end in rows[0][:2])  # else taken for a header
    frame.to_csv(tmp_path / "a.csv", index=False, header=header, lineterminator=newline)
    ends = {end for row in rows for end in row[:2]}
    whole = all(end == str(int(end)) if end.lstrip("-").isdigit() else False for end in ends)
    expected = as_graph(frame.astype({"source": int, "target": int}) if whole else frame)
    assert same(read_edges(tmp_path / "a.csv"), expected)


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
