"""load: names, generators, folders, and what it says when there is nothing."""

import numpy as np
import pytest
from graphs import planted, same

from graphclust import GraphError, as_graph, load
from graphclust.graph.files import write_npz
from graphclust.graph.synth import sbm
from graphclust.loaders import DOWNLOADS, EMBEDDED, available


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "features", "classes"),
    [
        ("karate", 34, 78, 0, 2),
        ("les_miserables", 77, 254, 0, 0),
        ("florentine", 15, 20, 0, 0),
        ("digits", 1797, 12339, 64, 10),
        ("wine", 178, 1231, 13, 3),
        ("breast_cancer", 569, 4277, 30, 2),
    ],
)
def test_embedded_sets(name, nodes, edges, features, classes, monkeypatch):
    monkeypatch.delenv("GRAPHCLUST_DATA", raising=False)
    graph = load(name)
    assert graph.num_nodes == nodes
    assert graph.edge_index.shape[1] == 2 * edges
    assert (0 if graph.x is None else graph.x.shape[1]) == features
    assert (0 if graph.y is None else len(np.unique(graph.y))) == classes
    assert name in EMBEDDED


def test_names_of_nodes_are_kept():
    assert "Valjean" in load("les_miserables").node_ids
    assert load("les_miserables").edge_weight is not None
    assert load("karate").edge_weight is None
    assert "Medici" in load("florentine").node_ids


def test_generators_take_parameters_in_the_name():
    assert same(load("sbm:n=60,k=3,p_in=0.5,seed=7"), sbm(60, 3, p_in=0.5, seed=7))
    assert load("sbm").num_nodes == 1000
    for name, text in [
        ("sbm:m=3", "unknown parameter 'm'"),
        ("sbm:n=ten", "sbm: n must be int, found 'ten'"),
        ("sbm:n=2.5", "sbm: n must be int"),
        ("sbm:p_in=2", "p_in must lie in"),
        ("sbm:n", "written name=value"),
    ]:
        with pytest.raises(ValueError, match=text):
            load(name)


def test_a_folder_of_sets_is_searched_by_name(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    write_npz(planted(), tmp_path / "mine" / "graph.npz")
    monkeypatch.setenv("GRAPHCLUST_DATA", str(tmp_path))
    assert same(load("mine"), planted())
    assert "mine" in available()
    monkeypatch.setenv("GRAPHCLUST_DATA", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="is no folder"):
        load("mine")


def test_a_digraph_with_shares_for_weights(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    a = np.array([[0, 3.0, 2.0], [1.0, 0, 0], [0, 0, 0]])
    write_npz(as_graph(a, directed=True), tmp_path / "mine" / "graph.npz")
    monkeypatch.setenv("GRAPHCLUST_DATA", str(tmp_path))
    assert load("mine:weight=share").edge_weight.tolist() == [0.75, 1.0, 0.25]
    with pytest.raises(ValueError, match="takes weight=share and nothing else, found 'k=3'"):
        load("mine:k=3")
    with pytest.raises(GraphError, match="need a directed graph"):
        load("karate:weight=share")


def test_embedded_sets_win_over_a_folder(tmp_path, monkeypatch):
    (tmp_path / "karate").mkdir()
    write_npz(planted(), tmp_path / "karate" / "graph.npz")
    monkeypatch.setenv("GRAPHCLUST_DATA", str(tmp_path))
    assert load("karate").num_nodes == 34


def test_unknown_names_suggest_near_ones():
    with pytest.raises(ValueError, match="unknown graph 'karat'; did you mean karate"):
        load("karat")


@pytest.mark.parametrize("name", list(DOWNLOADS))
def test_no_network_is_said_plainly(name, tmp_path, monkeypatch):
    """The downloader fails as it does without a network; the sentence tells what to do."""
    from urllib.error import URLError

    from torch_geometric import datasets

    def fails(*arguments, **options):
        raise URLError("no route to host")

    monkeypatch.delenv("GRAPHCLUST_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert hasattr(datasets, DOWNLOADS[name][0])
    monkeypatch.setattr(datasets, DOWNLOADS[name][0], fails)
    with pytest.raises(GraphError, match=f"{name} is not stored here and could not be downloaded"):
        load(name)


def test_cora_is_what_its_card_says(stored_data):
    cora = load("cora")
    assert (cora.num_nodes, cora.edge_index.shape[1], cora.x.shape[1]) == (2708, 10556, 1433)
    assert np.array_equal(np.bincount(cora.y), [351, 217, 418, 818, 426, 298, 180])
