"""The command line as a user meets it: what is printed, written, refused."""

import io
import json
import os
import subprocess
import sys

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from shell import refused, run
from typer.testing import CliRunner

from graphclust import METHODS, Clustering, load
from graphclust.cli import app


def test_cluster_says_what_came_out():
    text = run("cluster", "karate").stdout
    assert "karate: undirected, 34 nodes, 78 edges" in text
    assert "Leiden(seed=0" in text
    assert "4, of 12, 11, 6, 5 nodes" in text
    assert "modularity 0.420" in text
    assert "NMI 0.588" in text


def test_cluster_with_parameters():
    text = run(
        "cluster", "karate", "-m", "leiden", "-k", "3", "--set", "engine=leidenalg", "--seed", "4"
    ).stdout
    assert "n_clusters=3" in text
    assert "engine='leidenalg'" in text
    assert "seed=4" in text
    assert "clusters  3, of" in text


def test_cluster_a_csv_of_ones_own(tmp_path):
    source = tmp_path / "friends.csv"
    source.write_text("source,target\nann,bob\nbob,cy\nann,cy\ndan,eve\neve,flo\ndan,flo\ncy,dan\n")
    for suffix, separator in (("csv", ","), ("tsv", "\t")):
        target = tmp_path / f"labels.{suffix}"
        assert f"written: {target}" in run("cluster", str(source), "-o", str(target)).stdout
        frame = pd.read_csv(target, sep=separator).set_index("node")["cluster"]
        assert sorted(frame.index) == ["ann", "bob", "cy", "dan", "eve", "flo"]
        assert frame["ann"] == frame["bob"] == frame["cy"] != frame["dan"]
        assert frame["dan"] == frame["eve"] == frame["flo"]
    run("cluster", str(source), "-o", str(tmp_path / "all.npz"))
    assert Clustering.load(tmp_path / "all.npz").n_clusters == 2
    assert sorted(os.listdir(tmp_path)) == ["all.npz", "friends.csv", "labels.csv", "labels.tsv"]


def test_labels_in_every_format_carry_ones_own_ids(tmp_path):
    source = tmp_path / "friends.csv"
    source.write_text("ann,bob\nbob,cy\nann,cy\ncy,dän\ndän,eve\neve,flo\ndän,flo\n")
    readers = {
        "csv": pd.read_csv,
        "json": pd.read_json,
        "parquet": pd.read_parquet,
        "graphml": lambda path: pd.DataFrame(
            [{"node": v, **data} for v, data in nx.read_graphml(path).nodes(data=True)]
        ),
    }
    for suffix, reader in readers.items():
        if suffix == "parquet":
            pytest.importorskip("pyarrow")
        run("cluster", str(source), "-o", str(tmp_path / f"labels.{suffix}"))
        clusters = reader(tmp_path / f"labels.{suffix}").set_index("node")["cluster"]
        assert clusters["ann"] == clusters["bob"] == clusters["cy"] != clusters["dän"]
        assert clusters["dän"] == clusters["eve"] == clusters["flo"]


def test_a_node_table_gives_features(tmp_path):
    (tmp_path / "e.csv").write_text("a,b\nb,c\nd,e\ne,f\n")
    (tmp_path / "n.csv").write_text("id,label,age\na,x,1\nb,x,1\nc,x,2\nd,y,9\ne,y,9\nf,y,8\n")
    text = run(
        "cluster",
        str(tmp_path / "e.csv"),
        "--nodes",
        str(tmp_path / "n.csv"),
        "-m",
        "kmeans",
        "-k",
        "2",
    ).stdout
    assert "1 features" in text
    assert "ACC 1.000" in text


def test_what_was_changed_in_the_input_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\nb,a\nb,c\nc,c\n")
    result = run("cluster", str(tmp_path / "a.csv"))
    assert result.stderr.splitlines() == [
        "note: 1 self-loop dropped",
        "note: 1 repeated edge dropped",
    ]
    assert "directed" in run("cluster", str(tmp_path / "a.csv"), "--directed").stdout


def test_the_head_that_was_chosen_is_said():
    text = run("cluster", "wine", "-m", "filter", "-k", "3", "--set", "head=auto").stdout
    found = METHODS["filter"](n_clusters=3, head="auto").fit(load("wine")).extras
    means = (f"{name} {phi:.3f}" for name, phi in found["conductance"].items())
    assert f"{found['chosen']}, by mean conductance: {', '.join(means)}" in text


def test_compare_prints_and_writes_the_table(tmp_path):
    for suffix in ("md", "html", "csv"):
        path, rows = tmp_path / f"t.{suffix}", tmp_path / "rows.csv"
        text = run(
            "compare",
            "karate",
            "--methods",
            "louvain, spectral",
            "--seeds",
            "2",
            "-o",
            str(path),
            "--rows",
            str(rows),
        ).stdout
        for words in (
            "leiden(n_clusters=2)",
            "louvain",
            "spectral",
            "± ",
            "modularity",
            "over 2 seeds (0 to 1)",
            "k = 2 is the number of classes",
        ):
            assert words in text
        written = path.read_text()
        assert "leiden(n_clusters=2)" in written
        assert "spectral" in written
    frame = pd.read_csv(rows)
    assert len(frame) == 8
    assert set(frame["status"]) == {"ok"}
    assert json.loads(frame["params"][0])["resolution"] == 1.0
    assert sorted(os.listdir(tmp_path)) == ["rows.csv", "t.csv", "t.html", "t.md"]


def test_a_time_limit_becomes_a_row():
    text = run(
        "compare",
        "dcsbm:n=30000,k=4,degree=20",
        "--methods",
        "spectral",
        "--seeds",
        "1",
        "--time-limit",
        "0.1",
        "-k",
        "60",
        code=2,
    ).stdout
    assert "1 (1 failed)" in text
    assert "not done after 0.1 s (1 run)" in text


def test_methods_are_listed():
    text = run("methods").stdout
    for words in ("leiden", "found, or given", "kmeans", "given", "infomap"):
        assert words in text
    text = run("methods", "leiden").stdout
    for words in ("resolution", "'igraph'", "[0, ∞]", "n_iterations"):
        assert words in text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("cluster", "karat"), "unknown graph 'karat'; did you mean karate"),
        (("cluster", "karate", "-m", "leidn"), "unknown method 'leidn'; did you mean leiden"),
        (("cluster", "karate", "-m", "kmeans"), "kmeans needs n_clusters; give it with -k"),
        (("cluster", "karate", "-m", "kmeans", "-k", "2"), "kmeans needs node features x"),
        (("cluster", "karate", "-m", "louvain", "-k", "2"), "louvain finds the number of clusters"),
        (("cluster", "karate", "-k", "99"), "n_clusters=99 is more than the 34 nodes"),
        (("cluster", "karate", "-k", "0"), r"n_clusters must lie in [1, ∞], found 0"),
        (("cluster", "karate", "--set", "resolutio=1"), "did you mean resolution?"),
        (
            ("cluster", "karate", "--set", "resolution=-1"),
            "resolution must lie in [0, ∞], found -1",
        ),
        (("cluster", "karate", "--set", "resolution=low"), "resolution must be float, found 'low'"),
        (("cluster", "karate", "--set", "engine=fast"), "engine must be 'auto' or 'igraph' or"),
        (("cluster", "karate", "--seed", "-1"), "seed must lie in [0, 4294967295], found -1"),
        (
            ("cluster", "karate", "-o", "labels.pdf"),
            "the ending must be one of .csv, .tsv, .json, .parquet, .graphml, .npz",
        ),
        (("cluster", "karate", "-o", "/no/such/labels.csv"), "the folder /no/such does not exist"),
        (("cluster", "gone.csv"), "no file gone.csv"),
        (("cluster", "sbm:n=5,k=9"), "k must lie between 1 and n=5, found 9"),
        (
            ("compare", "karate", "--methods", "kmean"),
            "unknown method 'kmean'; did you mean kmeans",
        ),
        (("compare", "karate", "-o", "t.pdf"), "the ending must be one of .csv, .md, .html"),
        (("methods", "leidn"), "unknown method 'leidn'"),
    ],
)
def test_user_errors_are_one_line(words, text):
    assert text in refused(*words)


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("source,target,weight\na,b,1\nb,c,heavy\n")
    assert "a.csv, line 3: column 'weight'" in refused("cluster", str(path))


def test_debug_shows_the_traceback():
    result = CliRunner().invoke(app, ["cluster", "karat", "--debug"])
    assert isinstance(result.exception, ValueError)


def test_nothing_is_written_when_clustering_fails(tmp_path):
    refused("cluster", "karate", "-m", "kmeans", "-k", "2", "-o", str(tmp_path / "labels.csv"))
    assert not os.listdir(tmp_path)


def test_the_console_script_and_the_interrupt_key():
    help_text = subprocess.check_output(
        [sys.executable, "-c", "from graphclust.cli import main; main()", "--help"], text=True
    )
    assert "compare" in help_text
    assert np.all([word in help_text for word in ("cluster", "methods")])


def test_info_describes_a_graph():
    text = run("info", "karate").stdout
    for words in (
        "undirected, 34 nodes, 78 edges",
        "mean 4.59",
        "largest 17",
        "1 component, the largest of 34 nodes",
        "clustering coefficient 0.256",
        "2, without a class 0 nodes",
        "spectral",
    ):
        assert words in text
    assert "kmeans" not in text


def test_datasets_are_listed_and_shown():
    text = run("datasets").stdout
    for words in ("karate", "digits", "cora", "1433"):
        assert words in text
    assert "UCI Machine Learning Repository" in run("datasets", "digits").stdout
    assert "unknown data set 'digit'; did you mean digits" in refused("datasets", "digit")


def test_a_set_seed_is_used():
    assert "seed=5" in run("cluster", "karate", "--set", "seed=5").stdout


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_narrow_terminal_gets_a_table_it_can_show(columns, monkeypatch):
    from rich.console import Console

    from graphclust import compare, load
    from graphclust.report import show_comparison

    screen = Console(width=columns, force_terminal=True, color_system=None, file=io.StringIO())
    graph = load("karate")
    show_comparison(screen, "a[b]", graph, compare(graph, ["louvain"], seeds=2))
    text = screen.file.getvalue()
    table = [line for line in text.splitlines() if "±" in line or "leiden" in line]
    assert "…" not in text
    assert "leiden(n_clusters=2)" in text
    assert "a[b]: undirected" in text
    assert all(len(line) <= columns for line in table if not line.startswith("·"))
    assert ("a wider terminal" in text) == (columns < 120)


def test_results_are_written_even_when_nobody_reads_the_screen(tmp_path):
    script = (
        "from graphclust.cli import main; import sys; "
        f"sys.argv = ['graphclust', 'compare', 'karate', '--methods', 'louvain', '--seeds', '1', "
        f"'-o', {str(tmp_path / 't.md')!r}]; main()"
    )
    program = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    program.stdout.close()
    program.wait(timeout=120)
    assert "| louvain |" in (tmp_path / "t.md").read_text()


def test_when_every_run_fails_the_exit_code_says_so():
    result = run(
        "compare", "karate", "--methods", "louvain", "--seeds", "1", "--memory-limit", "50", code=2
    )
    assert "error: no run ended well" in result.stderr
    assert "took more than 50 MB" in result.stdout


def test_estimate_says_what_a_run_takes_and_runs_nothing(tmp_path):
    target = tmp_path / "labels.csv"
    text = run("cluster", "karate", "--estimate", "-o", str(target)).stdout
    assert "expected" in text
    assert "runs on" in text
    assert not target.exists()
    text = run("cluster", "karate", "--estimate", "--set", "objective=cpm", "-k", "2").stdout
    assert "n_clusters=2" in text


def test_what_cannot_fit_runs_only_by_force(monkeypatch):
    monkeypatch.setattr("graphclust.evaluate.estimate.available_mb", lambda: 0.1)
    assert "leiden is expected to take" in refused("cluster", "karate")
    assert "would be refused" in run("cluster", "karate", "--estimate").stdout
    assert "4, of 12" in run("cluster", "karate", "--force").stdout


def test_convert_writes_what_load_reads(tmp_path):
    mapped, table = str(tmp_path / "g.safetensors"), str(tmp_path / "g.csv.gz")
    assert f"written: {mapped}" in run("convert", "les_miserables", mapped).stdout
    run("convert", mapped, table)
    for path in (mapped, table):
        assert "undirected, 77 nodes, 254 edges, weighted" in run("info", path).stdout
    assert "ending must be one of" in refused("convert", "karate", str(tmp_path / "g.xlsx"))


def test_cluster_draws_a_picture(tmp_path):
    text = run("cluster", "karate", "--plot", str(tmp_path / "a.svg")).stdout
    assert f"written: {tmp_path / 'a.svg'}" in text
    assert "edges between clusters" in (tmp_path / "a.svg").read_text()


def test_flow_is_told_and_drawn_for_digraphs(tmp_path):
    words = ["dsbm:n=150,k=3,p=0.3,eta=0", "-m", "herm", "-k", "3"]
    text = run("cluster", *words, "--plot", str(tmp_path / "flow.png")).stdout
    assert "imbalance 0." in text
    assert (tmp_path / "flow.png").stat().st_size > 10_000


def test_a_picture_of_another_kind_is_refused_before_anything_runs(tmp_path):
    said = refused("cluster", "karate", "--plot", str(tmp_path / "a.gif"))
    assert ".png" in said
    assert not list(tmp_path.iterdir())


def test_what_is_read_is_never_written_over(tmp_path):
    path, text = tmp_path / "e.csv", "source,target\na,b\nb,c\n"
    path.write_text(text)
    for words in (
        ["cluster", str(path), "-o"],
        ["convert", str(path)],
        ["compare", str(path), "-o"],
    ):
        assert "e.csv is in use already; name another file" in refused(*words, str(path))
    assert path.read_text() == text


def test_clusters_between_which_nothing_flows(tmp_path):
    (tmp_path / "e.csv").write_text("source,target\na,b\nb,c\nc,a\nx,y\ny,z\nz,x\n")
    text = run("cluster", str(tmp_path / "e.csv"), "--directed", "--plot", str(tmp_path / "e.svg"))
    assert "clusters  2" in text.stdout
    assert "flow" not in text.stdout


def test_cluster_shows_a_certificate_and_the_price_of_signs():
    text = run("cluster", "karate", "-m", "minmax").output
    assert "a node disagrees with at most 8 pairs, proved to be the least; 83 in all" in text
    text = run("cluster", "signed_sbm:n=60,k=3,p=0.5,eta=0", "-m", "correlation").output
    assert "disagreements by weight: 0, of a node at most 0" in text
