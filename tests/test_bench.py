"""`graphclust bench` as a user meets it."""

import os
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from typer.testing import CliRunner

from graphclust.cli import app
from graphclust.evaluate.store import SqliteStore

TINY = """
title = "Tiny"
datasets = ["karate", "les_miserables", "wine"]
seeds = 3
[[run]]
method = "louvain"
[[run]]
label = "k told"
method = "spectral"
params = { n_clusters = "classes" }
"""


def run(*words, code=0):
    result = CliRunner().invoke(app, ["bench", *map(str, words)])
    assert result.exit_code == code, result.output + result.stderr
    return result.stdout if code == 0 else result.stderr


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path / "tiny.toml"


def test_a_grid_from_plan_to_table(tiny, tmp_path):
    plan = run("run", tiny, "--dry-run", "--workers", "2")
    assert "tiny: 15 cells, 0 done, 15 to be run" in plan
    assert "of a processor; " in plan
    assert not (tmp_path / "bench.sqlite").exists(), "nothing was run"
    part = ("--seeds", "1", "--datasets", "karate,wine")
    assert "tiny: 4 runs, in" in run("run", tiny, *part)
    assert "tiny: 15 cells, 4 done, 0 failed, 11 left" in run("status", tiny)
    assert "tiny: 11 runs, in" in run("run", tiny, "--workers", "2")
    assert "tiny: 0 runs, in" in run("run", tiny)
    assert "left out: k told on les_miserables: the number of classes" in run("status", tiny)
    (tmp_path / "same.toml").write_text(TINY)
    once = run("table", tiny, "--form", "csv")
    assert run("table", tiny, tmp_path / "same.toml", "--form", "csv") == once, (
        "each run counts once"
    )
    text = run("table", tiny, "--metric", "nmi,modularity")
    assert "| data set | louvain | k told |" in text
    assert "| protocol | one result | one result |" in text
    assert "| rank |" in text
    assert "** |" in text, "the best of a set"
    assert "| les_miserables | – |  |" in text, "no classes to be judged by, or to count"
    assert text.count("Friedman") == 0, "two methods: no test of all"
    shown = run("table", tiny, "-o", tmp_path / "t.tex", "--plots", tmp_path / "plots")
    assert f"written: {tmp_path / 't.tex'}" in shown
    assert r"\toprule" in (tmp_path / "t.tex").read_text()
    names = ["nmi_clustering_costs.png", "nmi_clustering_ranks.png"]
    assert sorted(os.listdir(tmp_path / "plots")) == names


def test_rows_go_to_a_csv_and_back(tiny, tmp_path):
    run("run", tiny, "--seeds", "1")
    assert "tiny: 5 rows, in" in run("export", tiny)
    assert len(pd.read_csv(tmp_path / "tiny.csv")) == 5
    assert "tiny: 5 rows, in" in run("import", tiny, "--store", tmp_path / "other.sqlite")
    assert "5 done" in run("status", tiny, "--store", tmp_path / "other.sqlite")
    store = ("--store", tmp_path / "tiny.csv")
    assert run("table", tiny, "--seeds", "1") == run("table", tiny, *store)
    assert "tiny: 10 runs, in" in run("run", tiny, *store)
    assert "15 done" in run("status", tiny, *store)
    (tmp_path / "bench.sqlite").unlink()
    assert run("table", tiny) == run("table", tiny, *store), "what the store lacks"


def test_rows_of_the_csv_alone_are_told_of_and_never_lost(tiny, tmp_path):
    """As in a fresh clone: rows in `results`, and a store that is new."""
    run("run", tiny, "--seeds", "1")
    run("export", tiny)
    before = (tmp_path / "tiny.csv").read_bytes()
    (tmp_path / "bench.sqlite").unlink()
    store = ("--store", tmp_path / "bench.sqlite")
    told = CliRunner().invoke(app, ["bench", "status", str(tiny)])
    advice = f"graphclust bench import {tiny} --store {store[1]}"
    assert f"tiny.csv has 5 rows that {store[1]} lacks; take them up by: {advice}" in told.stderr
    assert "15 cells, 0 done" in told.stdout
    run("run", tiny, "--seeds", "1", "--datasets", "wine")
    refused = run("export", tiny, code=2)
    assert "has 3 rows that" in refused
    assert "graphclust bench import takes them up" in refused
    assert (tmp_path / "tiny.csv").read_bytes() == before
    run("import", tiny, *store)
    assert "lacks" not in CliRunner().invoke(app, ["bench", "status", str(tiny)]).stderr
    assert "tiny: 5 rows" in run("export", tiny)
    csv = tmp_path / "tiny.csv"
    newer = re.sub(r"\d{4}(-\d\d-\d\dT\S*)\n$", r"2999\1\n", csv.read_text())
    csv.write_text(newer)
    assert "has 1 row that" in run("export", tiny, code=2), "made again since"
    assert "tiny: 1 rows" in run("import", tiny)
    run("export", tiny)
    assert csv.read_text() == newer
    for output in ("table", tiny, "-o", csv), ("export", tiny, "--store", csv):
        run(*output, code=2)
    assert csv.read_text() == newer
    (tmp_path / "tiny.csv").write_text("a,b,c\n1,2,3\n")
    assert "tiny.csv holds no results: it begins with 'a,b,c'" in run("export", tiny, code=2)
    assert (tmp_path / "tiny.csv").read_text() == "a,b,c\n1,2,3\n"


def test_failures_are_told_and_tried_again(tiny, tmp_path):
    tiny.write_text(TINY + '[[run]]\nmethod = "leiden"\nparams = { n_clusters = 40 }\n')
    text = run("run", tiny, "--datasets", "karate", "--seeds", "1")
    assert "tiny: 3 runs, of which 1 failed" in text
    told = run("status", tiny, "--datasets", "karate", "--seeds", "1")
    assert "3 cells, 3 done, 1 failed, 0 left" in told
    assert "karate: leiden(n_clusters=40): failed: GraphError: n_clusters=40 is more than" in told
    again = run("retry-failed", tiny, "--datasets", "karate", "--seeds", "1", code=2)
    assert "error: tiny: no run ended well; `bench status` says why" in again
    assert len(SqliteStore(tmp_path / "bench.sqlite").rows("clustering")) == 3


def test_oracles_have_a_table_of_their_own(tiny, tmp_path):
    (tmp_path / "oracle.toml").write_text(
        TINY.replace("datasets", 'task = "oracle epoch"\ndatasets')
    )
    files = (tiny, tmp_path / "oracle.toml")
    run("run", *files, "--datasets", "karate", "--seeds", "1")
    first, second = run("table", *files, "--datasets", "karate").split("| method |")[1:]
    assert "none chosen by labels" in first
    assert "oracle" not in first
    assert "| louvain | oracle epoch |" in second


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("run", "no.toml"), "no file no.toml"),
        (("run", "{tiny}", "--store", "a.parquet"), "the ending must be one of .sqlite, .csv"),
        (("run", "{tiny}", "{tiny}", "--store", "a.csv"), "a .csv holds one experiment, found 2"),
        (
            ("run", "{tiny}", "--datasets", "karat"),
            "unknown data set of tiny 'karat'; did you mean",
        ),
        (("table", "{tiny}"), "there are no rows yet"),
        (("table", "{tiny}", "--test", "t"), "test must be one of nemenyi, wilcoxon, found 't'"),
        (("table", "{tiny}", "-o", "a.pdf"), "the ending must be one of .md, .csv, .html, .tex"),
        (("import", "{tiny}", "--store", "{tiny}.csv"), "name a .sqlite"),
    ],
)
def test_user_errors_are_one_line(tiny, words, text):
    said = run(*(word.format(tiny=tiny) for word in words), code=2)
    assert text in said
    assert len(said.strip().splitlines()) == 1


def test_being_told_to_stop_ends_cells_and_keeps_rows(tiny, tmp_path):
    tiny.write_text(TINY.replace("seeds = 3", "seeds = 300"))
    script = f"import sys; sys.argv = ['graphclust', 'bench', 'run', {str(tiny)!r}]; "
    script += "from graphclust.cli import main; main()"
    program = subprocess.Popen([sys.executable, "-W", "ignore", "-c", script])
    store, deadline = SqliteStore(tmp_path / "bench.sqlite"), time.monotonic() + 400
    while len(store.rows("clustering")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    program.send_signal(signal.SIGTERM)
    assert program.wait(60) == 143
    assert 2 <= len(store.rows("clustering")) < 1000
