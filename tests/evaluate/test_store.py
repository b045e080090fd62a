"""Stores: rows that are only appended, in one file that any version can tell from others."""

import sqlite3

import numpy as np
import pytest

from graphclust import METHODS, GraphError
from graphclust.evaluate.cells import Cell, cell_key
from graphclust.evaluate.experiment import read_experiment, restrict
from graphclust.evaluate.rows import columns, frame, read_rows, write_rows
from graphclust.evaluate.store import (
    CsvStore,
    SqliteStore,
    export_rows,
    import_rows,
    open_store,
    rows_of,
    stored_rows,
)

TEXT = """
title = "Small"
datasets = ["karate"]
seeds = 2
[[run]]
method = "louvain"
"""


def cell(seed=0, label="louvain", task="clustering"):
    method = METHODS["louvain"](seed=seed)
    limits = {"time_limit": 9.0, "memory_limit": None}
    return Cell(
        dataset="karate", label=label, method=method, task=task, size=(34, 156, 0), **limits
    )


def row(seed=0, **changes):
    figures = {"status": "ok", "reason": "", "nodes": 34, "n_clusters": 4, "nmi": 0.1 + 0.2}
    costs = {"seconds": 0.25, "cpu_seconds": np.float64(1 / 3), "warnings": "a; b", "commit": "c+"}
    return cell(seed).row | figures | costs | changes


@pytest.fixture(params=["rows.sqlite", "rows.csv"])
def store(request, tmp_path):
    return open_store(tmp_path / request.param)


def test_what_is_appended_is_read_back_exactly(store):
    assert store.rows("clustering") == {}
    store.append(row(0, reason='two "words",\nlines'), "clustering")
    store.append(row(1, nmi=float("nan"), modularity=None), "clustering")
    found = frame(list(store.rows("clustering").values()))
    assert found["nmi"].tolist()[0] == 0.1 + 0.2
    assert found["cpu_seconds"].tolist() == [1 / 3] * 2
    assert np.isnan(found["nmi"][1])
    assert np.isnan(found["modularity"]).all()
    assert found["params"].tolist() == [row()["params"]] * 2
    assert found["commit"].tolist() == ["c+", "c+"]


def test_the_last_row_of_a_cell_counts_and_the_others_stay(store):
    for changes in ({"status": "crashed"}, {"seed": 1}, {"nmi": 0.7}):
        store.append(row(**changes), "clustering")
    found = store.rows("clustering")
    assert list(found) == [cell(0).key, cell(1).key]
    assert float(found[cell(0).key]["nmi"]) == 0.7
    assert found[cell(0).key]["status"] == "ok"
    again = open_store(store.path)
    assert [r["seed"] for r in again.rows("clustering").values()] == [
        r["seed"] for r in found.values()
    ]


def test_labels_are_those_of_the_plan(store):
    store.append(row(1, label="as it was called"), "clustering")
    cells = [cell(2), cell(1, "as it is called"), cell(0)]
    assert [r["label"] for r in rows_of(cells, store)] == ["as it is called"]


def test_one_sqlite_file_holds_every_task(tmp_path):
    store = SqliteStore(tmp_path / "a.sqlite")
    store.append(row(), "clustering")
    store.append(row(nmi=0.9), "oracle epoch")
    store.append(row(auc_dot=0.8), "links")
    assert [r["nmi"] for r in store.rows("oracle epoch").values()] == [0.9]
    (links,) = store.rows("links").values()
    assert links["auc_dot"] == 0.8
    assert "nmi" not in links
    assert [path.name for path in tmp_path.iterdir()] == ["a.sqlite"], "one file to carry around"


def test_rows_cannot_be_changed_or_deleted(tmp_path):
    SqliteStore(tmp_path / "a.sqlite").append(row(), "clustering")
    with sqlite3.connect(tmp_path / "a.sqlite") as file:
        for command in ("UPDATE rows SET seed = 5", "DELETE FROM rows"):
            with pytest.raises(sqlite3.IntegrityError, match="rows are only appended"):
                file.execute(command)
    file.close()


def test_files_that_are_no_stores_are_refused(tmp_path):
    (tmp_path / "text.sqlite").write_text("these are no rows, but words and words and words" * 30)
    with pytest.raises(GraphError, match=r"text\.sqlite is no store of rows: file is not a data"):
        open_store(tmp_path / "text.sqlite")
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.executescript("CREATE TABLE songs (name TEXT); CREATE TABLE rows (name TEXT);")
    other.close()
    with pytest.raises(GraphError, match="another program's SQLite file"):
        open_store(tmp_path / "other.sqlite")
    store = SqliteStore(tmp_path / "later.sqlite")
    store.append(row(), "clustering")
    later = sqlite3.connect(tmp_path / "later.sqlite")
    later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(GraphError, match=r"later graphclust \(schema 99, this one knows 1\)"):
        open_store(tmp_path / "later.sqlite")
    with pytest.raises(ValueError, match=r"the ending must be one of \.sqlite, \.csv"):
        open_store(tmp_path / "a.parquet")
    with pytest.raises(OSError, match="unable to open database file"):
        open_store(tmp_path / "no folder" / "a.sqlite").append(row(), "clustering")


def test_rows_go_to_text_and_come_back(tmp_path):
    (tmp_path / "small.toml").write_text(TEXT)
    experiment = read_experiment(tmp_path / "small.toml")
    first, second = (SqliteStore(tmp_path / f"{name}.sqlite") for name in ("a", "b"))
    for seed in (1, 0, 7):
        first.append(row(seed, protocol=""), "clustering")
    assert export_rows(experiment, first, tmp_path / "small.csv") == 2, "seed 7 is none of it"
    assert [r["seed"] for r in read_rows(tmp_path / "small.csv")] == ["0", "1"], "in its order"
    assert import_rows(tmp_path / "small.csv", "clustering", second) == 2
    assert import_rows(tmp_path / "small.csv", "clustering", second) == 0
    same = {"id": 0, "protocol": "one result"}
    ours = {key: r | same for key, r in first.rows("clustering").items() if r["seed"] != 7}
    theirs = {key: r | {"id": 0} for key, r in second.rows("clustering").items()}
    assert ours == theirs
    assert {r["protocol"] for r in read_rows(tmp_path / "small.csv")} == {"one result"}, (
        "that of the cell, which rows of old have not"
    )
    text = (tmp_path / "small.csv").read_text()
    assert export_rows(experiment, second, tmp_path / "small.csv") == 2
    assert (tmp_path / "small.csv").read_text() == text


def test_rows_of_older_files_stand_for_the_data_as_they_are(tmp_path):
    old = [name for name in columns("clustering") if name not in ("data", "protocol", "at")]
    write_rows(tmp_path / "old.csv", [row()], old)
    assert list(CsvStore(tmp_path / "old.csv").rows("clustering")) == [cell().key]
    changed = row(data="0123456789ab")
    assert cell_key(changed, "clustering") != cell().key


def test_of_a_csv_the_rows_of_the_experiment_are_taken(tmp_path):
    text = """title = "t"
datasets = ["karate"]
seeds = 3
[[run]]
method = "louvain"
[[run]]
method = "leiden"
label = "slow"
seeds = 1
"""
    (tmp_path / "t.toml").write_text(text)
    experiment = read_experiment(tmp_path / "t.toml")
    store = CsvStore(tmp_path / "t.csv")
    for label, method in [("louvain", "louvain"), ("slow", "leiden"), ("gone", "infomap")]:
        for seed in range(4):
            store.append(row(seed, label=label, method=method), "clustering")
    found = [(r["label"], int(r["seed"])) for r in stored_rows(experiment, store)]
    gone = [("gone", seed) for seed in range(3)]  # under the label that it had: none is lost
    assert found == [("louvain", 0), ("louvain", 1), ("louvain", 2), ("slow", 0), *gone]
    found = stored_rows(restrict(experiment, seeds=1), store)
    assert [(r["label"], int(r["seed"])) for r in found] == [
        ("louvain", 0),
        ("slow", 0),
        ("gone", 0),
    ]
