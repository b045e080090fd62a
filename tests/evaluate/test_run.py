"""Cells: figures of a good run, and a row with its reason for every way to go wrong."""

import json
import os
import subprocess
import sys
import textwrap
import time

import networkx as nx
import numpy as np
import psutil
import pytest
from graphs import method

from graphclust import METHODS, load
from graphclust.evaluate.metrics import EXTERNAL, INTERNAL, external, internal
from graphclust.evaluate.run import run_cell
from graphclust.graph.synth import attributed_sbm

sys.path.insert(0, os.path.dirname(__file__))
from broken import Broken


def test_a_row_holds_what_fit_gives_here():
    karate, model = load("karate"), METHODS["leiden"](seed=5)
    row = run_cell(model, karate)
    labels = model.fit(karate).labels
    for name, value in {**external(labels, karate.y), **internal(karate, labels)}.items():
        assert row[name] == pytest.approx(value)
    assert row["status"] == "ok"
    assert row["reason"] == row["warnings"] == ""
    assert row["n_clusters"] == 4
    assert row["seed"] == 5
    assert json.loads(row["params"]) == {
        "n_clusters": None,
        "objective": "modularity",
        "resolution": 1.0,
        "n_iterations": -1,
        "engine": "auto",
    }
    assert {"python", "graphclust", "torch", "igraph"} <= json.loads(row["versions"]).keys()
    assert 0 < row["seconds"] < 5
    assert row["peak_mb"] > 50
    assert set(EXTERNAL) | set(INTERNAL) <= row.keys()


def test_names_and_graphs_give_the_same_row():
    by_name, by_graph = (run_cell(method("louvain"), g) for g in ("karate", load("karate")))
    for row in (by_name, by_graph):
        for noisy in ("seconds", "cpu_seconds", "peak_mb", "extra_mb"):
            row.pop(noisy)
    assert by_name == by_graph


def test_ids_of_any_sort_do_not_stop_a_cell():
    assert run_cell(method("louvain"), nx.grid_2d_graph(4, 4))["status"] == "ok"


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ("raise", "failed", "RuntimeError: on purpose"),
        ("memory", "failed", "out of memory: none left"),
        ("kill", "crashed", "the process was ended by signal 9, most likely for want of memory"),
        ("exit", "crashed", "the process ended with exit code 7"),
    ],
)
def test_every_end_has_its_reason(how, status, reason):
    row = run_cell(Broken(how=how), "karate")
    assert (row["status"], row["reason"]) == (status, reason)
    assert row["method"] == "broken"
    assert "seconds" not in row


def test_limits_end_a_cell():
    row = run_cell(Broken(how="hang"), "karate", time_limit=0.3)
    assert (row["status"], row["reason"]) == ("time limit", "not done after 0.3 s")
    row = run_cell(Broken(how="eat"), "karate", memory_limit=1500)
    assert (row["status"], row["reason"]) == ("memory limit", "took more than 1500 MB")
    row = run_cell(method("louvain"), "karate", memory_limit=50)  # gone before anybody looks
    assert row["status"] == "memory limit"


def test_threads_are_those_that_are_granted():
    for threads in (1, 2):
        row = run_cell(Broken(how="threads"), "karate", threads=threads)
        assert (row["status"], row.get("n_clusters")) == ("ok", threads), row["reason"]


def test_a_cell_does_not_outlive_its_program(tmp_path):
    """Killed outright, the program takes its cells with it."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from broken import Broken
        from graphclust.evaluate.run import run_cell
        print("started", flush=True)
        run_cell(Broken(how="hang"), "karate")
    """)
    )
    program = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    with program:
        assert program.stdout.readline() == "started\n"
        family = psutil.Process(program.pid)
        deadline = time.monotonic() + 60
        while len(family.children(recursive=True)) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)  # server, its tracker, and the cell
        children = family.children(recursive=True)
        assert len(children) >= 3
        time.sleep(1)
        program.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_peak_memory_is_that_of_the_method():
    grown, still = run_cell(Broken(how="grow"), "karate"), run_cell(method("louvain"), "karate")
    assert 75 < grown["extra_mb"] - still["extra_mb"] < 95


def test_what_a_method_refuses_becomes_a_row():
    row = run_cell(METHODS["kmeans"](n_clusters=2), "karate")
    assert row["status"] == "failed"
    assert "needs node features x" in row["reason"]
    row = run_cell(METHODS["leiden"](), "no_such_graph")
    assert "unknown graph" in row["reason"]


def test_warnings_are_part_of_the_row():
    row = run_cell(METHODS["louvain"](), nx.DiGraph([(0, 1), (1, 2)]))
    assert row["warnings"] == "louvain reads arcs as undirected edges"
    assert "acc" not in row


def test_unknown_and_multi_label_truth():
    graph = load("karate")
    graph.y[:4] = -1
    assert run_cell(METHODS["leiden"](), graph)["unlabelled"] == 4
    graph.y[:] = -1
    assert "acc" not in run_cell(METHODS["leiden"](), graph)


def test_a_script_without_a_main_guard_runs_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import graphclust as gc
        print("here")
        print(gc.compare("karate", ["louvain"], seeds=1).rows["status"].tolist())
    """)
    )
    printed = subprocess.check_output([sys.executable, str(script)], text=True, cwd=tmp_path)
    assert printed.split("\n")[:2] == ["here", "['ok', 'ok', 'ok']"]


def test_a_class_of_the_running_script_is_refused():
    Local = type("Local", (Broken,), {"__module__": "__main__"})
    with pytest.raises(TypeError, match="Local is defined in the running script"):
        run_cell(Local(), "karate")


def test_the_callers_labels_are_not_needed():
    graph = load("karate")
    del graph.y
    row = run_cell(METHODS["spectral"](n_clusters=2), graph)
    assert row["status"] == "ok"
    assert np.isfinite(row["modularity"])


def test_warnings_on_loading_are_in_the_row_and_not_on_the_screen(tmp_path, capfd):
    (tmp_path / "a.csv").write_text("a,b\nb,c\nc,c\n")
    assert run_cell(method("louvain"), tmp_path / "a.csv")["warnings"] == "1 self-loop dropped"
    assert capfd.readouterr().err == ""


def test_the_oracle_takes_each_score_at_its_own_best_epoch():
    """What papers print that choose by the classes: never below the last epoch, and so named."""
    graph = attributed_sbm(120, 4, p_in=0.1, p_out=0.05, features=8, signal=0.4)
    model, seen = METHODS["scgc"](n_clusters=4, epochs=12, patience=0, head="kmeans"), []
    result = model.fit(graph, watch=lambda _, labels: seen.append(labels))
    scores = [external(labels, graph.y) for labels in (*seen, result.labels)]
    last, oracle = (run_cell(model, graph, task=t) for t in ("clustering", "oracle epoch"))
    for name in ("acc", "nmi", "ari", "macro_f1"):
        assert last[name] == pytest.approx(scores[-1][name])
        assert oracle[name] == pytest.approx(max(score[name] for score in scores))
    assert oracle["nmi"] > last["nmi"]
