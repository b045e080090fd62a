"""Parameters, the METHODS table, warm starts, labels made consecutive, saved files."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import networkx as nx
import numpy as np
import pytest
from graphs import method, planted

from graphclust import METHODS, Clustering, GraphError, Method, as_graph
from graphclust.params import check, describe, param, parse

# variants, in the file of another
SHARED = {
    "deepwalk": "node2vec",
    "leiden_undirected": "leiden",
    "dd_sym": "bi_sym",
    "htne": "tgc",
    "leiden_decay": "leiden",
}


@dataclass(frozen=True, kw_only=True)
class Blank(Method):
    """Gives what the test tells it to."""

    name: ClassVar = "blank"
    needs: ClassVar = ()
    n_clusters: int | None = param(None, "number", low=1)
    mode: Literal["a", "b"] = param("a", "letter")
    rate: float = param(0.5, "share", low=0, high=1)
    fast: bool = param(False, "speed")
    given: ClassVar[dict] = {}

    def _fit(self, graph, trace):
        stopped = trace(0, loss=2.0)
        return {"extras": {"stopped": stopped}, **self.given}


def blank(**given):
    Blank.given = given
    return Blank().fit(nx.path_graph(5))


def test_labels_become_consecutive_in_order():
    assert blank(labels=[7, 3, 3, 9, 7]).labels.tolist() == [1, 0, 0, 2, 1]


def test_soft_columns_follow_their_labels():
    soft = np.eye(4)[[3, 1, 1, 3, 3]]
    result = blank(labels=[3, 1, 1, 3, 3], soft=soft)
    assert result.labels.tolist() == [1, 0, 0, 1, 1]
    assert np.array_equal(result.soft.argmax(axis=1), result.labels)
    assert result.soft.shape == (5, 4)
    assert np.array_equal(result.soft.sum(axis=1), np.ones(5))


def test_trace_can_stop_a_method():
    Blank.given = {"labels": [0] * 5}
    result = Blank().fit(nx.path_graph(5), trace=lambda epoch, **numbers: numbers["loss"] > 1)
    assert result.extras == {"stopped": True}
    assert result.history == [{"epoch": 0, "loss": 2.0}]
    assert not Blank().fit(nx.path_graph(5)).extras["stopped"]


@pytest.mark.parametrize(
    ("setting", "error", "text"),
    [
        ({"rate": 2.0}, ValueError, r"rate must lie in \[0, 1\], found 2.0"),
        ({"rate": float("nan")}, ValueError, "rate must lie in"),
        ({"rate": "x"}, TypeError, "rate must be float, found 'x'"),
        ({"rate": True}, TypeError, "rate must be float, found True"),
        ({"mode": "c"}, ValueError, "mode must be 'a' or 'b', found 'c'"),
        ({"n_clusters": 0}, ValueError, r"n_clusters must lie in \[1, ∞\], found 0"),
        ({"n_clusters": 1.0}, TypeError, "n_clusters must be int or None, found 1.0"),
        ({"fast": 1}, TypeError, "fast must be bool, found 1"),
    ],
)
def test_wrong_parameters_are_refused_by_name(setting, error, text):
    with pytest.raises(error, match=text):
        check(Blank(**setting))


def test_numpy_numbers_are_numbers():
    check(Blank(n_clusters=np.int64(3), rate=np.float32(0.5), seed=np.int32(1)))
    check(Blank(rate=1))


def test_parameters_are_read_from_text():
    texts = ["n-clusters=3", "mode=b", "rate = 1e-2", "fast=true", "seed=4"]
    assert parse(Blank, texts) == {
        "n_clusters": 3,
        "mode": "b",
        "rate": 0.01,
        "fast": True,
        "seed": 4,
    }
    assert parse(Blank, ["n_clusters=none", "fast=False"]) == {"n_clusters": None, "fast": False}
    with pytest.raises(ValueError, match="unknown parameter 'rates'; did you mean rate"):
        parse(Blank, ["rates=1"])
    with pytest.raises(ValueError, match="written name=value, found 'rate'"):
        parse(Blank, ["rate"])


def test_parameters_are_described():
    rows = {row["name"]: row for row in describe(Blank)}
    assert rows["rate"] == {
        "name": "rate",
        "type": "float",
        "default": "0.5",
        "range": "[0, 1]",
        "help": "share",
    }
    assert rows["mode"]["type"] == "'a' or 'b'"
    assert describe(METHODS["kmeans"])[1]["default"] is None


def test_the_table_suggests_near_names():
    assert "leiden" in METHODS
    assert "leidn" not in METHODS
    with pytest.raises(ValueError, match="unknown method 'leidn'; did you mean leiden"):
        METHODS["leidn"]
    assert len(METHODS) == len(list(METHODS))


def test_every_key_is_the_name_of_its_file():
    for name in METHODS:
        assert METHODS[name].name == name
        file = SHARED.get(name, name)
        assert METHODS[name].__module__.endswith(f".{file}")


def test_plugins_join_by_entry_point(monkeypatch):
    from importlib.metadata import EntryPoint

    from graphclust import registry

    entry = EntryPoint("mine", "test_base:Blank", "graphclust.methods")
    monkeypatch.setattr(registry, "entry_points", lambda group: {entry.group: [entry]}[group])
    table = registry.Registry(
        "method", "graphclust.methods", leiden="graphclust.methods.leiden:Leiden"
    )
    assert set(table) == {"mine", "leiden"}
    assert table["mine"].__name__ == "Blank"


# --- warm starts -------------------------------------------------------------------------------


def test_a_warm_start_is_aligned_by_node_id():
    graph = nx.relabel_nodes(nx.path_graph(4), dict(enumerate("abcd")))
    first = method("leiden").fit(graph)
    larger = nx.relabel_nodes(nx.path_graph(6), dict(enumerate("fdcbae")))
    from graphclust.base import _initial_labels

    ids = as_graph(larger).node_ids
    start = _initial_labels(first, ids)
    known = dict(zip(first.node_ids, first.labels, strict=True))
    old = [i for i, node in enumerate(ids) if node in known]
    for i in old:
        for j in old:
            assert (start[i] == start[j]) == (known[ids[i]] == known[ids[j]])
    new = [start[i] for i, node in enumerate(ids) if node not in known]
    assert len(set(new)) == 2
    assert not set(new) & {start[i] for i in old}
    assert len(method("leiden").fit(larger, initial=first).labels) == 6


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (
            np.zeros(3, int),
            r"one whole number for each of the 4 nodes, found int64 of shape \(3,\)",
        ),
        (np.zeros(4), "found float64"),
        ({"zz": 1}, "knows none of the graph's node ids"),
    ],
)
def test_a_wrong_warm_start_is_refused(bad, text):
    with pytest.raises(GraphError, match=text):
        method("leiden").fit(nx.path_graph(4), initial=bad)


# --- saved files -------------------------------------------------------------------------------


def test_mixed_ids_survive_saving(tmp_path):
    result = method("leiden").fit(nx.Graph([("a", 1), (1, "b")]))
    result.save(tmp_path / "r.npz")
    assert Clustering.load(tmp_path / "r.npz").node_ids.tolist() == ["a", 1, "b"]


def test_ids_that_json_cannot_hold_are_refused_and_nothing_is_written(tmp_path):
    result = method("leiden").fit(nx.Graph([(frozenset("a"), frozenset("b"))]))
    with pytest.raises(GraphError, match="only whole numbers and text can be saved as node ids"):
        result.save(tmp_path / "r.npz")
    assert not list(tmp_path.iterdir())


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.npz").write_text("no archive")
    np.savez(tmp_path / "b.npz", labels=np.zeros(3))
    np.savez(tmp_path / "c.npz", meta=np.array([object()]), allow_pickle=True)
    meta = '{"method": "gone", "params": {}}'
    np.savez(tmp_path / "d.npz", meta=np.array(meta), labels=np.zeros(3, int))
    (tmp_path / "e.npz").write_bytes((tmp_path / "d.npz").read_bytes()[:80])
    for name in "abcde":
        with pytest.raises(GraphError, match="holds no saved Clustering"):
            Clustering.load(tmp_path / f"{name}.npz")


def test_the_repr_says_what_it_is():
    text = repr(method("leiden").fit(planted()))
    assert "120 nodes in 4 clusters of 30 nodes" in text
    assert "Leiden(seed=0" in text


def test_numpy_numbers_in_ids_and_parameters_can_be_saved(tmp_path):
    g = nx.Graph([(np.int64(7), np.int64(9)), (np.int64(9), np.int64(11))])
    METHODS["leiden"](n_clusters=np.int64(2)).fit(g).save(tmp_path / "r.npz")
    loaded = Clustering.load(tmp_path / "r.npz")
    assert loaded.node_ids.tolist() == [7, 9, 11]
    assert loaded.method.n_clusters == 2
    with pytest.raises(GraphError, match="only whole numbers and text"):
        method("leiden").fit(nx.grid_2d_graph(2, 2)).save(tmp_path / "t.npz")


def test_any_y_is_left_unread():
    import torch
    from torch_geometric.data import Data

    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), y=torch.tensor([0.5]))
    assert len(method("louvain").fit(as_graph(nx.path_graph(3))).labels) == 3
    with pytest.warns(UserWarning, match="reads arcs"):
        assert len(method("louvain").fit(data).labels) == 3
    assert data.y.tolist() == [0.5]


def test_fits_in_threads_are_those_in_turn():
    import random
    from concurrent.futures import ThreadPoolExecutor

    graph = planted(n=200)
    random.seed(5)
    before = random.getstate()
    alone = [method("leiden", seed=s).fit(graph).labels for s in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda s: method("leiden", seed=s).fit(graph).labels, range(8)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert random.getstate() == before
