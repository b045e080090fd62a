"""Numbers of node ids: every way gives those of a sorted list."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphclust import GraphError, as_graph, load
from graphclust.graph import numbering, tables
from graphclust.graph.export import node_ids

often = settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
quietly = pytest.mark.filterwarnings("ignore::graphclust.GraphWarning")
words = st.one_of(
    st.sampled_from(
        ["", "a", "ä", "日本", "😀", "\uffff", "a\0", "\0", "7", "07", "abcdefgh", "abcdefghi"]
    ),
    st.text(st.characters(exclude_categories=("C",)), max_size=12),
)
pairs = st.lists(st.tuples(words, words), min_size=1, max_size=12)


@pytest.fixture
def few_are_many(monkeypatch):
    for module in (numbering, tables):
        monkeypatch.setattr(module, "MANY", 1)


def expected(texts):
    ids = sorted(set(texts))
    return [ids.index(text) for text in texts], ids


def sliced(texts, kind, before):
    """A pyarrow array that begins in the middle of another."""
    return pa.array([*before, *texts], kind)[len(before) :]


@often
@given(
    st.lists(st.lists(words, max_size=6), max_size=4),
    st.sampled_from([pa.string(), pa.large_string()]),
    st.lists(words, max_size=3),
)
def test_texts_of_a_frame(few_are_many, parts, kind, before):
    texts = [text for part in parts for text in part]
    array = pa.chunked_array([sliced(part, kind, before) for part in parts], kind)
    series = pd.Series(pd.array(array, dtype="string[pyarrow]"))
    codes, ids = numbering.number(series)
    assert (codes.tolist(), list(ids)) == expected(texts)


@often
@given(st.lists(words, min_size=1, max_size=8), st.lists(st.sampled_from("xyz"), max_size=2))
def test_categories_count_by_value_and_only_if_used(texts, unused):
    ids = list(dict.fromkeys([*reversed(texts), *unused]))
    codes, found = numbering.number(pd.Series(pd.Categorical(texts, categories=ids)))
    assert (codes.tolist(), list(found)) == expected(texts)


@quietly
@often
@given(
    pairs,
    st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]),
    st.integers(1, 5),
)
def test_a_parquet_file_is_as_its_table(few_are_many, tmp_path, pairs, kind, rows):
    source, target = zip(*pairs, strict=True)
    weight = np.arange(1.0, len(pairs) + 1)
    columns = {"to": pa.array(target, kind), "weight": weight, "from": pa.array(source, kind)}
    path = tmp_path / "g.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=rows)
    table = pd.DataFrame({"source": source, "target": target, "weight": weight}, dtype=object)
    table["weight"] = table["weight"].astype(float)
    graph, same = load(path), as_graph(table)
    assert node_ids(graph).tolist() == node_ids(same).tolist()
    assert graph.edge_index.equal(same.edge_index)
    assert graph.get("edge_weight").equal(same.edge_weight)


def test_the_parts_of_a_folder_are_one_table(few_are_many, tmp_path):
    path = tmp_path / "g.parquet"
    path.mkdir()
    for part, (a, b) in enumerate([("x", "y"), ("y", "z")]):
        pd.DataFrame({"src": [a], "dst": [b]}).to_parquet(path / f"part-{part}.parquet")
    graph = load(path)
    assert node_ids(graph).tolist() == ["x", "y", "z"]
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]


@pytest.mark.parametrize("many", [1, 1000])
def test_a_missing_id_is_named(monkeypatch, tmp_path, many):
    monkeypatch.setattr(tables, "MANY", many)
    frame = pd.DataFrame({"source": ["a", "b", "c"], "target": ["b", None, "a"]})
    frame.to_parquet(tmp_path / "g.parquet")
    with pytest.raises(GraphError, match="column 'target' has no node id in row 1"):
        load(tmp_path / "g.parquet")


def test_other_columns_stay(few_are_many, tmp_path):
    frame = pd.DataFrame(
        {"time": [3, 1], "source": ["b", "a"], "note": [0, 0], "target": ["c", "b"]}
    )
    frame.to_parquet(tmp_path / "g.parquet")
    with pytest.warns(match="not read: note"):
        graph = load(tmp_path / "g.parquet")
    assert graph.t.tolist() == [1, 3]
    assert graph.edge_index.tolist() == [[0, 1], [1, 2]]


def test_a_node_table_spells_ids_as_the_edges(few_are_many, tmp_path):
    pd.DataFrame({"source": ["1", "2"], "target": ["2", "3"]}).to_parquet(tmp_path / "g.parquet")
    pd.DataFrame({"id": [3, 2, 1], "f": [0.3, 0.2, 0.1]}).to_parquet(tmp_path / "n.parquet")
    graph = load(tmp_path / "g.parquet", nodes=tmp_path / "n.parquet")
    assert node_ids(graph).tolist() == ["1", "2", "3"]
    assert graph.x.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_an_index_is_no_column(few_are_many, tmp_path):
    frame = pd.DataFrame({"source": ["a"], "target": ["b"]}).set_index("source")
    frame.to_parquet(tmp_path / "g.parquet")
    with pytest.raises(GraphError, match="source not found"):
        load(tmp_path / "g.parquet")


def test_a_folder_named_as_a_partition_adds_no_column_to_a_file(few_are_many, tmp_path):
    (tmp_path / "year=2020").mkdir()
    path = tmp_path / "year=2020" / "g.parquet"
    pd.DataFrame({"source": ["a"], "target": ["b"]}).to_parquet(path)
    assert load(path).edge_index.tolist() == [[0, 1], [1, 0]]
