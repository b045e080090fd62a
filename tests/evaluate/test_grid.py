"""Grids: several at once, killed at any moment, tried again; the table is the same."""

import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from graphclust.evaluate import grid
from graphclust.evaluate.cells import Cell, fingerprint, plan
from graphclust.evaluate.costs import Expected
from graphclust.evaluate.experiment import read_experiment, restrict
from graphclust.evaluate.grid import Progress, run_cells, run_experiment, state
from graphclust.evaluate.matrix import matrix, render_matrix
from graphclust.evaluate.rows import frame
from graphclust.evaluate.store import SqliteStore, rows_of

sys.path.insert(0, os.path.dirname(__file__))
from broken import Broken

TINY = """
title = "Tiny"
datasets = ["karate", "les_miserables", "wine"]
seeds = 4
[[run]]
method = "louvain"
[[run]]
method = "spectral"
params = { n_clusters = "classes" }
[[run]]
method = "kmeans"
params = { n_clusters = "classes" }
"""


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    return read_experiment(tmp_path / "tiny.toml")


def final_table(experiment, store):
    rows = frame(rows_of(plan(experiment), store))
    return "\n".join(
        render_matrix(matrix(rows, m), form)
        for m in ("nmi", "modularity")
        for form in ("markdown", "csv")
    )


def broken(how, seed=0, limit=60.0):
    method = Broken(how=how, seed=seed)
    return Cell(
        dataset="karate",
        label=how,
        method=method,
        task="clustering",
        size=(34, 156, 0),
        time_limit=limit,
        memory_limit=None,
    )


def test_a_grid_that_was_killed_ends_with_the_table_of_one_that_was_not(tiny, tmp_path):
    script = (
        "from graphclust.evaluate.experiment import read_experiment\n"
        "from graphclust.evaluate.grid import run_experiment\n"
        "from graphclust.evaluate.store import SqliteStore\n"
        f"run_experiment(read_experiment({str(tmp_path / 'tiny.toml')!r}), "
        f"SqliteStore({str(tmp_path / 'killed.sqlite')!r}), workers=2)"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    store, kept = SqliteStore(tmp_path / "killed.sqlite"), []
    for least in (1, 9):  # killed twice, the second time later
        program = subprocess.Popen(command)
        deadline = time.monotonic() + 400  # on a machine that is busy
        while len(store.rows("clustering")) < least and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        kept.append(len(store.rows("clustering")))
        assert kept[-1] >= least
    assert kept[-1] < len(plan(tiny)) == 24
    assert run_experiment(tiny, store, workers=2) == 24 - kept[-1]
    whole = SqliteStore(tmp_path / "whole.sqlite")
    assert run_experiment(tiny, whole) == 24
    assert final_table(tiny, store) == final_table(tiny, whole)
    assert run_experiment(tiny, store) == 0


def test_what_a_lower_limit_ended_is_run_again(tiny, tmp_path):
    store = SqliteStore(tmp_path / "a.sqlite")
    short = replace(restrict(tiny, seeds=1, datasets=["karate"]), memory_limit=1.0)
    assert run_experiment(short, store) == 2
    assert [cell.label for cell in state(short, store).failed] == [
        "louvain",
        "spectral(n_clusters=classes)",
    ]
    assert run_experiment(short, store) == 0, "under the same limit they would end as badly"
    assert len(state(replace(short, memory_limit=0.5), store).failed) == 2
    long = replace(short, memory_limit=8000.0)
    assert len(state(long, store).missing) == 2
    assert run_experiment(long, store) == 2
    assert not state(short, store).failed, "what ended well stands, whatever the limit"


def test_a_time_limit_that_was_raised_runs_its_cell_again(tiny, tmp_path):
    store = SqliteStore(tmp_path / "a.sqlite")
    short = replace(restrict(tiny, seeds=1, datasets=["karate"]), time_limit=2.5)
    for cell in plan(short):
        ended = {"status": "time limit", "reason": "not done after 2.5 s"}
        store.append(cell.row | ended, cell.task)
    assert len(state(short, store).failed) == 2
    assert len(state(replace(short, time_limit=2.6), store).missing) == 2


def test_what_has_no_cells_is_told_with_its_reason(tiny, tmp_path):
    found = state(tiny, SqliteStore(tmp_path / "a.sqlite")).left_out
    assert [(dataset, label[:6]) for dataset, label, _ in found] == [
        ("karate", "kmeans"),
        ("les_miserables", "spectr"),
        ("les_miserables", "kmeans"),
    ]
    assert [reason[:28] for _, _, reason in found] == [
        "kmeans needs node features x",
        *["the number of classes is ask"] * 2,
    ]


def test_rows_of_data_that_have_changed_are_told_of(tmp_path):
    (tmp_path / "own.csv").write_text("a,b\nb,c\nc,a\n")
    text = f'title = "T"\ndatasets = ["{tmp_path / "own.csv"}", "karate"]\nseeds = 1\n'
    (tmp_path / "t.toml").write_text(text + '[[run]]\nmethod = "louvain"\n')
    experiment, store = read_experiment(tmp_path / "t.toml"), SqliteStore(tmp_path / "a.sqlite")
    assert run_experiment(experiment, store) == 2
    assert state(experiment, store).changed == []
    (tmp_path / "own.csv").write_text("a,b\nb,c\nc,a\nc,d\n")
    fingerprint.cache_clear()
    now = state(experiment, store)
    assert now.changed == [str(tmp_path / "own.csv")]
    assert len(now.missing) == 1


def test_cells_run_side_by_side_and_each_row_is_its_own(tmp_path):
    cells = [
        broken("hang", limit=4.0),
        broken("raise"),
        *(broken("even", seed=i) for i in range(4)),
    ]
    store, seen = SqliteStore(tmp_path / "a.sqlite"), []
    start = time.monotonic()
    assert run_cells(cells, store, workers=2, progress=seen.append) == 4
    rows = rows_of(cells, store)
    assert [row["status"] for row in rows] == ["time limit", "failed", *["ok"] * 4]
    assert [row["seed"] for row in rows] == [0, 0, 0, 1, 2, 3]
    assert [row["n_clusters"] for row in rows[2:]] == [2, 1, 2, 1]
    ends = [row["at"] for row in rows]
    assert max(ends[1:]) <= ends[0] or time.monotonic() - start > 60, "one waits, others go on"
    assert [at.done for at in seen] == sorted(at.done for at in seen)
    assert seen[0] == Progress(done=0, total=6, share=0.0, label="karate: hang")
    assert seen[-1] == Progress(done=6, total=6, share=1.0, label="")
    assert all(a.share <= b.share for a, b in itertools.pairwise(seen))


def test_the_share_of_time_follows_what_was_expected(tmp_path, monkeypatch):
    cells, seen = [broken("even", seed=i) for i in range(3)], []
    told = [Expected(6.0, False), None, Expected(2.0, True)]
    monkeypatch.setattr(grid, "expected_seconds", lambda cells, rows: told)
    run_cells(cells, SqliteStore(tmp_path / "a.sqlite"), progress=seen.append)
    assert [at.share for at in seen] == pytest.approx([0, 0.5, 5 / 6, 1.0])


def test_failures_are_told_and_tried_again_by_wish_only(tiny, tmp_path):
    store = SqliteStore(tmp_path / "a.sqlite")
    run_experiment(tiny, store, workers=2)
    first = next(cell for cell in plan(tiny) if cell.label == "louvain")
    store.append(first.row | {"status": "crashed", "reason": "by chance"}, "clustering")
    now = state(tiny, store)
    assert (now.missing, now.failed) == ([], [first])
    assert now.failures == {("karate", "louvain", "crashed", "by chance"): 1}
    assert run_experiment(tiny, store) == 0
    assert run_cells(now.failed, store) == 1
    assert state(tiny, store).failed == []


def test_an_interrupted_grid_ends_its_cells(tmp_path):
    def stop(at):
        deadline = time.monotonic() + 60
        while not _cells_of_this_process() and time.monotonic() < deadline:
            time.sleep(0.05)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_cells(
            [broken("hang"), broken("hang", 1)],
            SqliteStore(tmp_path / "a.sqlite"),
            workers=2,
            progress=stop,
        )
    assert not _cells_of_this_process()
    assert SqliteStore(tmp_path / "a.sqlite").rows("clustering") == {}


def _cells_of_this_process():
    from graphclust.evaluate.run import _RUNNING

    return [p for p in _RUNNING if psutil.pid_exists(p.pid)]


def test_a_cluster_gives_the_rows_that_this_machine_gives(tiny, tmp_path):
    distributed = pytest.importorskip("distributed")
    here, there = (SqliteStore(tmp_path / f"{name}.sqlite") for name in ("here", "there"))
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as c:
        assert run_experiment(tiny, there, cluster=c.scheduler_address) == 24
    run_experiment(tiny, here, workers=2)
    assert final_table(tiny, there) == final_table(tiny, here)
    assert {row["status"] for row in there.rows("clustering").values()} == {"ok"}


def test_a_cluster_that_does_not_answer_is_named(tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        run_cells([broken("even")], SqliteStore(tmp_path / "a.sqlite"), cluster="tcp://127.0.0.1:9")
