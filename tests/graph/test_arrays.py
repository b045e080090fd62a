"""Graphs saved and opened again: mapped arrays, and the other formats that `save` writes."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from graphs import same
from safetensors.torch import load_file, save_file

from graphclust import GraphError, GraphWarning, as_graph, load, save
from graphclust.graph.arrays import FORMAT, read_arrays
from graphclust.graph.synth import attributed_sbm, sbm

META = {"format": FORMAT, "num_nodes": "3", "directed": "True", "features": "0"}


def graphs():
    plain = sbm(n=60, k=3, p_in=0.3, p_out=0.02, seed=1)
    arcs = pd.DataFrame({"source": ["ü 1", "b", "007"], "target": ["b", "007", "ü 1"]})
    weighted = arcs.assign(weight=[0.1, -2.0, 3.0])
    timed = arcs.assign(time=[3, 1, 2])
    loose = sp.random_array((60, 40), density=0.1, rng=np.random.default_rng(0))
    return {
        "plain": plain,
        "attributed": attributed_sbm(60, 3, features=4),
        "sparse": as_graph(plain, x=loose),
        "multi-label": as_graph(plain, y=np.eye(60, 5, dtype=int)),
        "directed": as_graph(arcs, directed=True),
        "weighted": as_graph(weighted),
        "events": as_graph(timed, directed=True),
        "own numbers": as_graph(pd.DataFrame({"source": [7, 9], "target": [9, 5]})),
        "no edges": as_graph(torch.zeros((2, 0), dtype=torch.int64), num_nodes=4),
    }


@pytest.mark.parametrize("name", graphs())
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_whole_graphs_come_back(name, suffix, tmp_path):
    graph = graphs()[name]
    save(graph, tmp_path / f"g{suffix}")
    assert same(load(tmp_path / f"g{suffix}"), graph)


@pytest.mark.parametrize("name", ["directed", "weighted", "events", "own numbers"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_edge_tables_come_back(name, suffix, tmp_path):
    graph = graphs()[name]
    path = tmp_path / f"g{suffix}"
    if graph.directed:
        with pytest.warns(GraphWarning, match="that edges are directed"):
            save(graph, path)
    else:
        save(graph, path)
    assert same(load(path, directed=bool(graph.directed)), graph)


def test_what_a_table_cannot_hold_is_named(tmp_path):
    ring = torch.stack([torch.arange(5), (torch.arange(5) + 1) % 5])
    graph = as_graph(ring, directed=False, num_nodes=6, x=np.ones((6, 1)), y=np.zeros(6, int))
    with pytest.warns(GraphWarning, match="features and classes and 1 isolated node;"):
        save(graph, tmp_path / "g.csv")
    with pytest.raises(GraphError, match="ending must be one of"):
        save(graph, tmp_path / "g.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["g.csv"]


def test_changes_to_an_opened_graph_stay_in_memory(tmp_path):
    graph, path = graphs()["plain"], tmp_path / "g.safetensors"
    save(graph, path)
    load(path).edge_index[:] = 0
    assert same(load(path), graph)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_no_table_holds_a_graph_without_edges(suffix, tmp_path):
    with pytest.raises(GraphError, match=f"g\\{suffix}: a table of edges cannot hold a graph with"):
        save(graphs()["no edges"], tmp_path / f"g{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("node", ["", " a", "a\t"])
def test_ids_that_text_would_change_are_refused(node, tmp_path):
    graph = as_graph(pd.DataFrame({"source": [node], "target": ["b"]}))
    for suffix in (".csv", ".tsv"):
        message = f"{suffix} cannot hold the id {node!r}"
        with pytest.raises(GraphError, match=re.escape(message)):
            save(graph, tmp_path / f"g{suffix}")
    assert not list(tmp_path.iterdir())
    save(graph, tmp_path / "g.parquet")
    assert same(load(tmp_path / "g.parquet"), graph)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_ids_that_begin_as_comments_do_come_back(suffix, tmp_path):
    graph = as_graph(pd.DataFrame({"source": ["#c", "%d", "a"], "target": ["a", "b", "b"]}))
    save(graph, tmp_path / f"g{suffix}")
    assert same(load(tmp_path / f"g{suffix}"), graph)


def test_fit_does_not_copy_the_edges_of_a_graph(tmp_path):
    graph = graphs()["weighted"]
    again = as_graph(graph)
    assert again.edge_index.data_ptr() == graph.edge_index.data_ptr()
    strided = graph.clone()
    strided.edge_index = graph.edge_index.T.contiguous().T  # pairs below each other
    assert as_graph(strided).edge_index.is_contiguous()
    assert same(as_graph(strided), graph)
    turned = graph.clone()
    turned.edge_index = graph.edge_index.flip(0).contiguous()  # the rows change places
    assert same(as_graph(turned), graph)


def arrays_of(graph, tmp_path):
    save(graph, tmp_path / "good.safetensors")
    return load_file(tmp_path / "good.safetensors")


@pytest.mark.parametrize(
    ("edges", "directed", "sentence"),
    [
        ([[0, 1], [1, 3]], True, "must hold nodes 0..2"),
        ([[0, -1], [1, 2]], True, "must hold nodes 0..2"),
        ([[1, 0], [0, 1]], True, "sorted by"),
        ([[0, 0], [1, 1]], True, "without repeats"),
        ([[0, 1], [1, 2]], False, "both directions"),
    ],
)
def test_arrays_that_are_no_graph_are_refused(edges, directed, sentence, tmp_path):
    path = tmp_path / "bad.safetensors"
    save_file({"edge_index": torch.tensor(edges)}, path, META | {"directed": str(directed)})
    with pytest.raises(GraphError, match=rf"bad\.safetensors: .*{sentence}"):
        read_arrays(path)


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"edge_weight": torch.ones(3)}, "edge_weight must have length 2, found 3"),
        ({"edge_weight": torch.tensor([1.0, torch.nan])}, "edge_weight must be finite"),
        ({"y": torch.zeros(2, dtype=torch.int64)}, "y must have length 3, found 2"),
        ({"x": torch.full((3, 2), torch.inf)}, "x must be finite"),
        ({"node_ids_text": torch.zeros(3, dtype=torch.int32)}, "must have 2 axes, found 1"),
        ({"t": torch.tensor([2, 1])}, "order of their times"),
        (
            {
                "x_indptr": torch.tensor([0, 1, 1, 2]),
                "x_indices": torch.tensor([0, 9]),
                "x_data": torch.ones(2),
            },
            "col",
        ),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(extra, sentence, tmp_path):
    path = tmp_path / "bad.safetensors"
    edges = {"edge_index": torch.tensor([[0, 1], [1, 2]])}
    save_file(edges | extra, path, META | {"features": "2"})
    with pytest.raises(GraphError, match=sentence):
        read_arrays(path)


def test_mirrored_weights_must_be_equal(tmp_path):
    arrays = arrays_of(graphs()["weighted"], tmp_path)
    n = int(arrays["edge_index"].max()) + 1
    meta = META | {"directed": "False", "num_nodes": str(n)}
    save_file(arrays, tmp_path / "g.safetensors", meta)
    read_arrays(tmp_path / "g.safetensors")
    arrays["edge_weight"] = arrays["edge_weight"].clone()
    arrays["edge_weight"][0] *= 1 + 1e-6
    save_file(arrays, tmp_path / "g.safetensors", meta)
    with pytest.raises(
        GraphError, match="both directions of an undirected edge must have the same"
    ):
        read_arrays(tmp_path / "g.safetensors")


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"w": torch.ones(2)}, path)
    with pytest.raises(GraphError, match="its metadata must say"):
        load(path)
    save_file({"w": torch.ones(2)}, path, META)
    with pytest.raises(GraphError, match="edge_index"):
        load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(GraphError, match=r"no readable \.safetensors file"):
        load(path)
    arrays = arrays_of(graphs()["plain"], tmp_path)
    assert set(arrays) == {"edge_index", "y"}
    whole = (tmp_path / "good.safetensors").read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(GraphError, match=r"no readable \.safetensors file"):
        load(path)
