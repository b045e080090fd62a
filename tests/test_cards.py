"""Cards: complete, true to the graphs, checked on loading."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from graphclust import GraphError, load
from graphclust.cards import cards, checksum, read_card, verify
from graphclust.graph.files import write_npz
from graphclust.loaders import EMBEDDED, stored

ROOT = Path(__file__).parents[1]


def test_every_set_has_a_card(stored_data):
    assert set(EMBEDDED) | set(stored()) == set(cards())


@pytest.mark.parametrize("name", cards())
def test_cards_are_complete(name):
    card = cards()[name]
    assert card.name == name
    assert card.title
    assert card.source
    assert card.licence
    assert re.search(r"\(\d{4}\)$", card.citation), "a citation ends with its year"
    assert card.nodes > 0
    assert card.sha256
    assert f"| {name} |" in (ROOT / "datasets" / "README.md").read_text()


def test_citations_are_those_of_the_table():
    with open(ROOT / "datasets" / "citations.csv", encoding="utf-8", newline="") as file:
        table = [(row["name"], row["citation"]) for row in csv.DictReader(file)]
    assert table == sorted((name, card.citation) for name, card in cards().items())


@pytest.mark.parametrize("name", EMBEDDED)
def test_cards_of_embedded_sets_tell_the_truth(name):
    graph, card = load(name), cards()[name]
    assert graph.num_nodes == card.nodes
    assert graph.edge_index.shape[1] / 2 == pytest.approx(card.edges, rel=0.001)
    assert (0 if graph.x is None else graph.x.shape[1]) == card.features


def test_a_changed_array_is_refused_by_name(tmp_path, monkeypatch):
    (tmp_path / "football").mkdir()
    write_npz(load("karate"), tmp_path / "football" / "graph.npz")
    monkeypatch.setenv("GRAPHCLUST_DATA", str(tmp_path))
    with pytest.raises(
        GraphError, match="football: the array edge_index is not the one of its card"
    ):
        load("football")
    with pytest.raises(GraphError, match="football: the array edge_index of its card is missing"):
        verify("football", {})
    verify("no such set", {})


def test_checksums_see_type_and_shape():
    array = np.arange(6)
    different = [array, array.astype(np.int32), array.reshape(2, 3), array[::-1]]
    assert len({checksum(a) for a in different}) == 4
    assert checksum(array[::2]) == checksum(array[::2].copy())


def test_broken_cards_are_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "x"\nlicense = "y"\n')
    with pytest.raises(GraphError, match=r"mine\.toml: unknown keys license"):
        read_card(path)
    path.write_text('title = "x"\n')
    with pytest.raises(GraphError, match=r"mine\.toml: .*missing .*'source'"):
        read_card(path)
