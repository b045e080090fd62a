"""Edge lists and archives: what is read, what is refused by line, what is left behind."""

import os
import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from graphs import planted, same

from graphclust import GraphError, GraphWarning, as_graph, load
from graphclust.graph.edgelists import read_edges
from graphclust.graph.files import atomic, read_npz, write_npz


def edge_set(graph):
    ids = graph.node_ids if "node_ids" in graph else np.arange(graph.num_nodes)
    return {frozenset((ids[u], ids[v])) for u, v in graph.edge_index.T.tolist()}


def names(*pairs):
    return {frozenset(pair) for pair in pairs}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.csv", "source,target\nann,bob\nbob,cy\n"),
        ("a.csv", "ann,bob\nbob,cy\n"),
        ("a.csv", "# people\nFROM,TO\nann,bob\n\n# more, with, commas\nbob,cy"),
        ("a.csv", "\ufeffsource,target\r\nann,bob\r\nbob,cy\r\n"),
        ("a.csv", 'source;target\n"ann";bob\nbob;cy\n'),
        ("a.tsv", "ann\tbob\nbob\tcy\n"),
        ("a.txt", "% people\nann bob\n  bob   cy  \n"),
        ("a.edges", "ann bob 1\nbob cy 1\n"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* between the edges:graphclust.GraphWarning")
def test_edge_lists_of_every_dialect(tmp_path, file, text):
    path = tmp_path / file
    path.write_text(text, encoding="utf-8", newline="")
    assert edge_set(read_edges(path)) == names(("ann", "bob"), ("bob", "cy"))


def test_ids_stay_what_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("source,target\n007,NA\nNA,null\n")
    assert edge_set(read_edges(path)) == names(("007", "NA"), ("NA", "null"))
    path.write_text("5,7\n7,100\n")
    assert read_edges(path).node_ids.tolist() == [5, 7, 100]
    path.write_text('"Smith, J",b\nb,"Smith, J"\n')
    assert edge_set(read_edges(path)) == names(("Smith, J", "b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id_1,id_2\n0,1\n1,2\n", "line 1: 'id_1' and 'id_2' look like a header"),
        ("a,b,weight\nx,y,1\ny,z,2\n", "finite number, found 'weight'; a header must name"),
        ("source,foo\na,b\n", "line 1: a header must name source and target .* found source, foo"),
        ("source,target,src\na,b,c\n", "once each, found source, target, src"),
        ("a;b;0,5\n", "line 1: both , and ; could separate columns"),
        ("source,target\ra,b\r", "line ends of old Macs"),
        ("%%MatrixMarket matrix\n3 3 1\n1 2 1\n", "is a Matrix Market file; name it .mtx"),
    ],
)
def test_what_is_easily_misread_is_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text, newline="")
    with pytest.raises(GraphError, match=message):
        read_edges(tmp_path / "a.csv")


def test_a_first_edge_that_stands_alone_is_pointed_out(tmp_path):
    """Above names a header and an edge look alike."""
    path = tmp_path / "a.csv"
    path.write_text("name,friend\nann,bob\nbob,cy\n")
    with pytest.warns(GraphWarning, match="line 1: 'name' and 'friend' are in no other line, and"):
        assert read_edges(path).num_nodes == 5
    path.write_text("ann,bob\nbob,cy\n")
    assert read_edges(path).num_nodes == 3


def test_spaces_and_hashes_do_not_make_nodes_or_lose_edges_unsaid(tmp_path):
    (tmp_path / "a.csv").write_text("a ,b\nc, a\n")
    assert edge_set(read_edges(tmp_path / "a.csv")) == names(("a", "b"), ("a", "c"))
    (tmp_path / "a.csv").write_text("\xa0a,b\n")  # a space that belongs to the name
    assert edge_set(read_edges(tmp_path / "a.csv")) == names(("\xa0a", "b"))
    (tmp_path / "a.csv").write_text("# head\nx,y\n#ai,#ml\ny,z\n")
    with pytest.warns(GraphWarning, match="1 line between the edges begin with # or %"):
        assert read_edges(tmp_path / "a.csv").num_nodes == 3


def test_columns_in_any_order_and_more_than_needed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("colour,weight,dst,src,t\nred,2,b,a,30\nblue,0.5,c,b,10\n")
    with pytest.warns(GraphWarning, match="columns that were not read: colour"):
        graph = read_edges(path, directed=True)
    assert graph.directed
    assert graph.t.tolist() == [10, 30]
    assert graph.edge_weight.tolist() == [0.5, 2.0]


def test_times_of_a_list_without_a_header_are_told_by_their_column(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("3 4 1082040961\n4 5 1082155839\n")
    graph = read_edges(path, time="3")
    assert graph.t.tolist() == [1082040961, 1082155839]
    assert graph.edge_weight is None
    path.write_text("3 4 20 7\n4 5 10 8\n")
    graph = read_edges(path, time="3")
    assert graph.t.tolist() == [10, 20]
    assert graph.edge_weight.tolist() == [8, 7]
    for time in ("2", "5"):
        with pytest.raises(GraphError, match=f"time={time} must be a column after source and tar"):
            read_edges(path, time=time)


def test_times_may_be_dates(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("source,target,time\n1,2,2020-01-01 01:00\n2,3,1970-01-01T01:00:01+01:00\n")
    graph = read_edges(path)
    assert graph.dated
    assert graph.t.tolist() == [10**9, 1577840400 * 10**9]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "source,target,weight\na,b,1\n# note\n\nb,c,heavy\n",
            "a.csv, line 5: column 'weight' has a weight that is no finite number, found 'heavy'",
        ),
        ("source,target,weight\na,b,1\nb,c\n", "line 3: column 'weight' .* found nothing"),
        (
            "source,target,weight\na,b,nan\n",
            "line 2: column 'weight' has a weight that is no finite",
        ),
        ("source,target,weight\na,b,inf\n", "line 2: column 'weight' .* found 'inf'"),
        ("# note\nsource,target\na,b\n\nb,c,d\n", "line 5: found 3 columns where 2 are expected"),
        ("source,target\na,b\n,c\n", "line 3: column 'source' has no node id"),
        ("source,target\na,b\nc\n", "line 3: column 'target' has no node id, found nothing"),
        ("source,target,time\na,b,soon\n", "line 2: column 'time' has a time that is no finite"),
        ("source,target,t\na,b,2020-01-01\nb,c,soon\n", "line 3: .*a time that is no date.*'soon'"),
        ("source,target,t\na,b,2020-01-01\nb,c,\n", "line 3: .*a time that is no date.*nothing"),
        ("a\nb\n", "line 1: found 1 column where 2 are expected"),
        ("a|b\nb|c\n", "expected; tabs, commas, semicolons or spaces separate columns"),
        ('source,target\n"a\n#b",c\nc,d\n', "comments cannot be told from cells"),
        ("source,target\nc,d\na\rb,c\n", "column 'target' has no node id"),
        ("a,b,1,5\n", "has 4 columns and no header"),
        ("", "holds no edges"),
        ("# only a comment\n\n", "holds no edges"),
        ("source,target\n", "holds no edges"),
        ("source,target,weight\na,b\nc,d\n", "line 1: found 2 columns where 3 are expected"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* between the edges:graphclust.GraphWarning")
def test_a_broken_line_is_named(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(GraphError, match=message):
        read_edges(path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n\xff\xfe,c\n")
    with pytest.raises(GraphError, match="is not UTF-8 text"):
        read_edges(tmp_path / "a.csv")


# --- archives --------------------------------------------------------------------------------


def graphs():
    weighted = nx.les_miserables_graph()
    events = as_graph([("a", "b"), ("b", "a"), ("b", "c")], directed=True)
    events.t = torch.tensor([3, 1, 2])
    return {
        "attributed": planted(),
        "named and weighted": as_graph(weighted),
        "signed arcs": as_graph(np.array([[0, -1, 0], [2, 0, 0], [0, 0, 0]])),
        "events": as_graph(events),
        "dated events": as_graph(
            pd.DataFrame(
                {"source": ["a", "b"], "target": ["b", "c"], "t": ["2020-01-02", "1999-12-31"]}
            )
        ),
        "sparse features": as_graph(nx.path_graph(3), x=sp.csr_array(np.eye(3))),
        "multi-label": as_graph(nx.path_graph(3), y=np.eye(3)),
        "no edges": as_graph(nx.empty_graph(3)),
    }


@pytest.mark.parametrize("name", list(graphs()))
def test_archives_give_back_what_they_took(tmp_path, name):
    graph = graphs()[name]
    write_npz(graph, tmp_path / "g.npz")
    assert same(read_npz(tmp_path / "g.npz"), graph)
    assert same(load(tmp_path / "g.npz"), graph)


def test_broken_archives_are_refused(tmp_path):
    path = tmp_path / "g.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(GraphError, match=r"g\.npz is no readable \.npz archive"):
        read_npz(path)
    np.savez(path, edge_index=np.zeros((2, 1), int))
    with pytest.raises(GraphError, match=r"g\.npz lacks directed, num_nodes"):
        read_npz(path)
    np.savez(path, edge_index=np.array([[0], [9]]), num_nodes=3, directed=False)
    with pytest.raises(GraphError, match=r"edge_index must hold nodes 0\.\.2"):
        read_npz(path)
    np.savez(
        path, edge_index=np.array([[object()], [1]]), num_nodes=3, directed=False, allow_pickle=True
    )
    with pytest.raises(GraphError, match="is no readable"):
        read_npz(path)


def test_ids_that_are_objects_cannot_be_written(tmp_path):
    with pytest.raises(GraphError, match="node ids must be whole numbers or text"):
        write_npz(as_graph(nx.grid_2d_graph(2, 2)), tmp_path / "g.npz")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def half(target):
        target.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError), atomic(path) as temporary:
        half(temporary)
    assert path.read_text() == "old"
    with atomic(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["out.csv"]
    with pytest.raises(FileNotFoundError, match="does not exist"), atomic(tmp_path / "no" / "x"):
        pass


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        load(tmp_path / "no.csv")
    (tmp_path / "a.xyz").write_text("a b")
    with pytest.raises(GraphError, match=r"unknown ending '.xyz'; accepted: .csv"):
        load(tmp_path / "a.xyz")


def test_every_stored_set_loads(stored_data):
    """Counts as each set's own key says; nothing is lost but loops and repeats."""
    for path in sorted(stored_data.glob("*/graph.npz")):
        with np.load(path) as archive:
            if not np.isfinite(archive.get("edge_weight", 0)).all():
                with pytest.raises(GraphError, match=r"graph.npz: weight must be finite"):
                    quiet_npz(path)
                continue
            graph = quiet_npz(path)
            assert graph.num_nodes == int(archive["num_nodes"])
            assert graph.directed == bool(archive["directed"])
            columns = archive["edge_index"].shape[1]
            found = graph.edge_index.shape[1] // (1 if graph.directed or "t" in graph else 2)
            assert found <= columns
            if "edge_time" in archive.files:
                assert bool((graph.t[1:] >= graph.t[:-1]).all())


def quiet_npz(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)
        return read_npz(path)
