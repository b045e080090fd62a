"""Comparisons: which rows there are, which k, what the notes say, how tables read."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from graphs import planted

from graphclust import METHODS, as_graph, compare, load
from graphclust.evaluate.compare import label
from graphclust.evaluate.tables import cells, render, summary

sys.path.insert(0, os.path.dirname(__file__))
from broken import Broken


def test_every_method_that_fits_is_there_and_leiden_twice():
    calls = []
    found = compare(planted(), seeds=2, progress=lambda *call: calls.append(call))
    table = found.summary().set_index("method")
    assert list(table.index) == [
        "leiden",
        "leiden(n_clusters=4)",
        "louvain",
        "label_propagation",
        "infomap",
        "spectral",
        "kmeans",
        "node2vec",
        "agglomerative",
        "filter",
        "amg",
    ]
    assert (table["failed"] == 0).all()
    assert table["runs"].to_dict() == {
        name: 1 if name == "agglomerative" else 2 for name in table.index
    }
    assert (table["acc_mean"] > 0.95).all()
    assert sorted(set(found.rows["seed"])) == [0, 1]
    assert calls[0] == (0, 21, "leiden")
    assert calls[-1] == (21, 21, "")
    text = str(found)
    assert "k = 4 is the number of classes; nothing else of the labels was used." in text
    assert "Mean ± standard deviation over 2 seeds (0 to 1)" in text
    assert "Trained for minutes, and run only where named: tvgnn, mincut, dmon, scgc, pamc." in text
    assert text.count("\n| ") == 12


def test_the_number_of_clusters_comes_from_the_user_then_classes_then_leiden():
    graph = planted()
    given = compare(graph, ["spectral"], n_clusters=3, seeds=1)
    assert given.summary().set_index("method").loc["spectral", "n_clusters_mean"] == 3
    assert "k = 3, as asked for." in given.notes
    del graph.y
    free = compare(graph, ["spectral"], seeds=1)
    assert "k = 4 is the number of clusters that Leiden finds with seed 0." in free.notes
    assert "No classes are known: only internal scores." in free.notes
    assert "acc" not in free.rows


def test_methods_with_parameters_and_failures_have_their_rows():
    broken = [Broken(how="raise"), Broken(how="even")]
    found = compare("karate", [METHODS["leiden"](resolution=0.5), *broken, "kmeans"], seeds=2)
    names = found.summary()["method"].tolist()
    assert names == [
        "leiden",
        "leiden(n_clusters=2)",
        "leiden(resolution=0.5)",
        "broken",
        "broken(how=even)",
    ]
    assert "left out: kmeans needs node features x; this graph has none" in found.notes
    assert "broken: RuntimeError: on purpose (2 runs)" in found.notes
    heads, lines = cells(found.rows)
    row = dict(zip(heads, lines[3], strict=True))
    assert row["ACC"] == "–"
    assert row["runs"] == "2 (2 failed)"
    assert dict(zip(heads, lines[4], strict=True))["k"] == "1.5 ± 0.7"


def test_signed_graphs_are_compared_by_what_disagrees_with_the_signs():
    signed = as_graph([("a", "b", 1.0), ("b", "c", -1.0), ("c", "d", 1.0), ("a", "d", -1.0)])
    found = compare(signed, seeds=1)
    assert found.summary()["method"].tolist() == ["leiden", "correlation"]
    assert found.rows["n_clusters"].tolist() == [2, 2]
    assert found.rows["sum_disagreements"].tolist() == [0, 0]
    assert "modularity" not in found.rows
    assert "| max D | Σ D |" in str(found)
    assert any("louvain" in note and "no negative edge weights" in note for note in found.notes)


def test_multi_label_truth_and_unknown_nodes_are_named():
    graph = load("karate")
    graph.y[:3] = -1
    notes = compare(graph, ["louvain"], seeds=1).notes
    assert "3 nodes without a class left out of the external scores." in notes
    graph.y = torch.eye(34)[:, :3].long()
    notes = compare(graph, ["louvain"], seeds=1).notes
    assert "The truth is multi-label: external scores need one class a node." in notes


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="seeds must be at least 1, found 0"):
        compare("karate", seeds=0)
    with pytest.raises(ValueError, match="unknown method 'leidn'; did you mean leiden"):
        compare("karate", ["leidn"])
    local = type("Local", (Broken,), {"__module__": "__main__"})
    for options, text in [
        ({"seeds": 2.5}, "seeds must be a whole number, found 2.5"),
        ({"n_clusters": 0}, "n_clusters must be at least 1, found 0"),
        ({"n_clusters": 99}, "n_clusters=99 is more than the 34 nodes"),
        ({"time_limit": -1}, "time_limit must be above 0, found -1"),
        ({"memory_limit": "5"}, "memory_limit must be a number or None, found '5'"),
        ({"methods": [3]}, "methods must be names, classes or methods, found 3"),
        ({"methods": [local()]}, "Local is defined in the running script"),
        ({"methods": [METHODS["leiden"](resolution=-1)]}, "resolution must lie in"),
    ]:
        with pytest.raises((ValueError, TypeError), match=text):
            compare("karate", **options)


def test_a_method_is_run_once_whatever_its_seed():
    louvain = METHODS["louvain"]
    found = compare("karate", [louvain(seed=1), louvain(seed=2), "louvain", louvain], seeds=2)
    assert found.summary()["runs"].tolist() == [2, 2, 2]
    assert compare("karate", "louvain", seeds=1, n_clusters=np.int64(2)).summary().shape[0] == 3


def test_labels_name_what_differs_from_the_defaults():
    assert label(METHODS["leiden"](seed=3)) == "leiden"
    assert label(METHODS["kmeans"](n_clusters=3)) == "kmeans"
    assert (
        label(METHODS["leiden"](engine="igraph", n_clusters=2))
        == "leiden(n_clusters=2, engine=igraph)"
    )


# --- tables --------------------------------------------------------------------------------------

ROWS = pd.DataFrame(
    {
        "label": ["a", "a", "b", "c"],
        "seed": [0, 1, 0, 0],
        "status": ["ok", "ok", "ok", "time limit"],
        "acc": [0.5, 0.7, 0.25, np.nan],
        "n_clusters": [3, 3, 4, np.nan],
    }
)


def test_summary_is_mean_and_sample_deviation():
    table = summary(ROWS).set_index("method")
    assert table.loc["a", "acc_mean"] == pytest.approx(0.6)
    assert table.loc["a", "acc_sd"] == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert np.isnan(table.loc["b", "acc_sd"])
    assert table["failed"].tolist() == [0, 0, 1]
    assert "seed_mean" not in table


def test_tables_in_every_form():
    markdown = render(ROWS, ["a note"], "markdown")
    assert "| a | 3 | 0.600 ± 0.141 | 2 |" in markdown
    assert "| b | 4 | 0.250 | 1 |" in markdown
    assert "| c | – | – | 1 (1 failed) |" in markdown
    assert markdown.endswith("- a note\n")
    html = render(ROWS, ["a < b"], "html")
    assert "<td>0.600 ± 0.141</td>" in html
    assert "<li>a &lt; b</li>" in html
    assert "utf-8" in html
    csv = pd.read_csv(pd.io.common.StringIO(render(ROWS, [], "csv")))
    assert csv["acc_mean"].tolist()[:2] == pytest.approx([0.6, 0.25])
    with pytest.raises(ValueError, match="form must be one of markdown, html, csv, found 'pdf'"):
        render(ROWS, [], "pdf")


def test_leiden_on_cora_is_where_it_is_known_to_be(stored_data):
    table = compare("cora", ["filter"], seeds=2).summary().set_index("method")
    assert table.loc["leiden", "modularity_mean"] == pytest.approx(0.823, abs=0.003)
    assert table.loc["leiden", "nmi_mean"] == pytest.approx(0.46, abs=0.02)
    assert table.loc["leiden(n_clusters=7)", "n_clusters_mean"] == 7


# --- stability, agreement, null ------------------------------------------------------------------


def test_stability_agreement_and_null_of_planted_clusters():
    calls = []
    graph = planted()
    found = compare(
        graph,
        ["spectral", "kmeans", "agglomerative", Broken(how="even")],
        seeds=3,
        stability=True,
        agreement=True,
        null=True,
        progress=lambda *call: calls.append(call),
    )
    assert list(found.labels) == list(found.agreement) == found.summary()["method"].tolist()
    assert [len(runs) for runs in found.labels.values()] == [3, 3, 3, 3, 1, 3]
    assert calls[-1] == (16 + 2 * 4 * 3, 16 + 2 * 4 * 3, "")
    assert [call[0] for call in calls] == list(range(calls[-1][0] + 1))
    for name in ("leiden", "leiden(n_clusters=4)", "spectral"):
        assert found.stability.loc[name, "ami_seeds_mean"] > 0.95
        assert found.stability.loc[name, "ami_edges_mean"] > 0.85
        assert found.null.loc[name, "z"] > 5
        assert found.null.loc[name, "p"] == 1 / 4
    assert found.stability.loc["agglomerative", "ami_seeds_mean"] == 1.0
    assert found.stability.loc[["kmeans", "agglomerative"], "ami_edges_mean"].isna().all()
    assert not {"kmeans", "agglomerative"} & set(found.null.index), "they look at no edges"
    assert found.agreement.loc["leiden", "spectral"] > 0.95
    text = str(found)
    for title in ("**Stability**", "**Against rewired graphs**", "**Agreement (AMI)**"):
        assert title in text
    assert "Rewiring leaves features with their nodes" in text
    assert text.index("| leiden |") < text.index("**Stability**") < text.index("- Mean ±")
    page = found.render("html")
    assert "<h3>Stability</h3>" in page
    assert "background: rgba(59, 110, 165, 1.00)" in page
    table = pd.read_csv(pd.io.common.StringIO(found.render("csv"))).set_index("method")
    assert table.loc["leiden", "null_z"] == pytest.approx(found.null.loc["leiden", "z"])
    assert table.loc["kmeans", "ami_seeds_mean"] > 0.9
    assert "labels" not in found.rows
    assert found.differences("modularity")["better"].iloc[0] != "broken(how=even)"


def test_no_class_has_a_say_in_them():
    graph, blind = planted(), planted()
    del blind.y
    options = {"n_clusters": 4, "seeds": 2, "stability": True, "agreement": True, "null": True}
    a, b = (compare(g, ["spectral"], **options) for g in (graph, blind))
    for table in ("stability", "agreement", "null"):
        pd.testing.assert_frame_equal(getattr(a, table), getattr(b, table))
    for name, runs in a.labels.items():
        assert np.array_equal(runs, b.labels[name])


def test_arcs_signs_and_events_have_a_null_of_their_own():
    arcs = load("dsbm:n=60,k=3,p=0.5,eta=0.05")
    found = compare(arcs, ["herm"], seeds=2, n_clusters=3, null=True)
    assert found.null["score"].to_dict() == {
        "leiden": "modularity",
        "leiden(n_clusters=3)": "modularity",
        "herm": "flow imbalance",
    }
    assert found.null.loc["herm", "graph"] > found.null.loc["herm", "rewired_mean"] + 0.2
    edges = [(i, j, 1.0 if (i < 8) == (j < 8) else -1.0) for i in range(16) for j in range(i)]
    signed = compare(as_graph(edges), seeds=2, null=True)
    assert signed.null.loc["leiden", "score"] == "signed modularity"
    assert signed.null.loc["leiden", "graph"] > signed.null.loc["leiden", "rewired_mean"] + 0.2
    assert any("100% of the edges are there after rewiring too" in note for note in signed.notes)
    events = load("temporal_sbm:n=60,k=3,events=900,mixing=0.1")
    stream = compare(events, ["leiden_slices"], seeds=2, stability=True, null=True)
    assert (stream.null["graph"] > stream.null["rewired_mean"]).all()
    assert (stream.stability["ami_edges_mean"] > 0.3).all()


def test_runs_that_fail_on_changed_graphs_are_told(monkeypatch):
    found = compare("karate", [Broken(how="raise")], seeds=2, stability=True, null=True)
    assert found.labels["broken"] == [None, None]
    assert np.isnan(found.stability.loc["broken", "ami_edges_mean"])
    assert "broken" not in found.null.index
    for where in ("samples of the edges", "rewired graphs"):
        text = f"broken: 2 runs on {where} did not end well: RuntimeError: on purpose"
        assert text in found.notes


def test_they_are_refused_where_they_cannot_be():
    for options, error, text in [
        ({"seeds": 1, "null": True}, ValueError, "stability and null need seeds ≥ 2, found 1"),
        ({"share": 1.5}, ValueError, r"share must lie between 0 and 1, found 1\.5"),
        ({"share": "all"}, TypeError, "share must be a number or None, found 'all'"),
    ]:
        with pytest.raises(error, match=text):
            compare("karate", **options)


def test_methods_that_differ_in_k_alone_have_rows_of_their_own():
    kmeans = METHODS["kmeans"]
    found = compare(planted(), [kmeans(n_clusters=3), kmeans(n_clusters=5)], seeds=1)
    table = found.summary().set_index("method")
    assert table.loc["kmeans(n_clusters=3)", "n_clusters_mean"] == 3
    assert table.loc["kmeans(n_clusters=5)", "n_clusters_mean"] == 5
