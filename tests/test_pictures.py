"""Pictures of clusters."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from matplotlib.image import imread
from typer.testing import CliRunner

from graphclust import draw_agreement, draw_clusters, draw_timeline, load, options, pictures
from graphclust.cli import app
from graphclust.graph.synth import temporal_sbm


@pytest.mark.parametrize("name", ["karate", "dsbm:n=90,k=3"])
def test_a_picture_is_drawn(name, tmp_path):
    graph = load(name)
    draw_clusters(graph, graph.y, tmp_path / "a.png")
    pixels = imread(tmp_path / "a.png")
    assert pixels.shape[0] > 500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 10
    draw_clusters(graph, graph.y, tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_lines_are_dashed_where_clusters_repel(tmp_path):
    graph = load("signed_sbm:n=60,k=3,p=0.5,eta=0.1")
    draw_clusters(graph, graph.y, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "dashed where they repel" in text
    assert text.count("stroke-dasharray") == 3
    halves = np.arange(60) % 2  # blocks cut in two, so that these attract
    draw_clusters(graph, 2 * graph.y.numpy() + halves, tmp_path / "b.svg")
    assert (tmp_path / "b.svg").read_text().count("stroke-dasharray") == 12


def test_one_cluster_and_many(tmp_path):
    graph = load("karate")
    draw_clusters(graph, np.zeros(34, int), tmp_path / "one.svg")
    draw_clusters(graph, np.arange(34), tmp_path / "many.svg")
    assert "the 30 largest of 34 clusters" in (tmp_path / "many.svg").read_text()


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a picture ends in \.png, \.svg, \.pdf, found 'a.gif'"):
        draw_clusters(load("karate"), np.zeros(34, int), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_a_timeline_shows_sizes_and_moves(tmp_path):
    labels = np.array([[0, 0, 1, 1, -1], [0, 1, 1, 1, 2], [0, 1, 1, 2, 2]])
    draw_timeline([1, 2, 5], labels, tmp_path / "t.svg")
    text = (tmp_path / "t.svg").read_text()
    assert "clusters over time" in text
    bands = text.count("FillBetweenPolyCollection")
    assert bands == 3 + 4  # 0→0, 0→1, 1→1; then 0→0, 1→1, 1→2, 2→2
    draw_timeline(
        [0], np.full((1, 4), -1), tmp_path / "nobody.png"
    )  # nothing to see, but a picture
    with pytest.raises(ValueError, match=r"with S at least 1, found \(0,\)"):
        draw_timeline([], labels[:0], tmp_path / "u.svg")
    with pytest.raises(ValueError, match=r"whole numbers.*found \(3, 5\) of float64"):
        draw_timeline([1, 2, 5], labels / 2, tmp_path / "u.svg")
    with pytest.raises(ValueError, match=r"finite numbers or dates, found .*inf"):
        draw_timeline([1, 2, np.inf], labels, tmp_path / "u.svg")
    with pytest.raises(ValueError, match="a row for each moment"):
        draw_timeline([1, 2], labels, tmp_path / "u.svg")
    with pytest.raises(ValueError, match="a picture ends in"):
        draw_timeline([1, 2, 5], labels, tmp_path / "u.gif")


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("36h", ["2020-01-01 00:00", "2020-01-02 12:00", "2020-01-04 00:00"]),
        ("48h", ["2020-01-01", "2020-01-03", "2020-01-05"]),
        ("9s", ["2020-01-01 00:00:00", "2020-01-01 00:00:09", "2020-01-01 00:00:18"]),
    ],
)
def test_dates_are_named_as_briefly_as_they_differ(step, names, tmp_path):
    labels = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 1]])
    with rc_context({"svg.fonttype": "none"}):
        days = pd.date_range("2020-01-01", periods=3, freq=step)
        draw_timeline(days.to_pydatetime().tolist(), labels, tmp_path / "d.svg")
    text = (tmp_path / "d.svg").read_text()
    assert [name for name in names if f">{name}<" in text] == names


def test_the_command_line_draws_streams_over_time(tmp_path):
    graph = temporal_sbm(60, 3, events=600, seed=0)
    table = pd.DataFrame(graph.edge_index.T.numpy(), columns=["source", "target"])
    table.assign(when=graph.t.numpy()).to_csv(tmp_path / "e.csv", index=False)
    words = ["cluster", str(tmp_path / "e.csv"), "-m", "leiden_slices", "--time", "when"]
    result = CliRunner().invoke(app, [*words, "--plot", str(tmp_path / "p.svg")])
    assert result.exit_code == 0, result.output
    assert "clusters over time" in (tmp_path / "p.svg").read_text()
    result = CliRunner().invoke(app, [*words[:-1], "ever"])
    assert "time='ever' is no column; found source, target, when" in result.output
    result = CliRunner().invoke(app, words[:-2])
    assert "leiden_slices needs event times" in result.output


def test_agreement_is_drawn_as_a_heat_map(tmp_path):
    names = ["leiden", "leiden(n_clusters=2)", "louvain"]
    table = pd.DataFrame(np.eye(3) * 0.5 + 0.5, index=names, columns=names)
    table.iloc[0, 1] = np.nan
    draw_agreement(table, tmp_path / "h.png")
    pixels = imread(tmp_path / "h.png")
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 10
    draw_agreement(table, tmp_path / "h.svg")
    text = (tmp_path / "h.svg").read_text()
    assert text.count("<!-- leiden(n_clusters=2) -->") == 2, "both axes name the methods"
    assert text.count("<!-- 0.50 -->") == 5
    assert text.count("<!-- – -->") == 1
    with pytest.raises(ValueError, match="a picture ends in"):
        draw_agreement(table, tmp_path / "h.gif")


def test_the_command_line_compares_in_depth(tmp_path):
    words = ["compare", "karate", "--methods", "louvain", "--seeds", "2", "--stability", "--null"]
    files = {name: str(tmp_path / name) for name in ("a.svg", "t.html", "t.csv")}
    result = CliRunner().invoke(
        app, [*words, "--plot", files["a.svg"], "-o", files["t.html"], "--share", "bootstrap"]
    )
    assert result.exit_code == 0, result.output + result.stderr
    for title in ("Stability", "Against rewired graphs", "Agreement (AMI)"):
        assert title in result.stdout
        assert f"<h3>{title}</h3>" in (tmp_path / "t.html").read_text()
    assert "as many edges, drawn with replacement" in result.stdout
    assert "agreement between methods" in (tmp_path / "a.svg").read_text()
    result = CliRunner().invoke(app, [*words[:4], "--seeds", "1", "--null"])
    assert result.exit_code == 2
    assert "stability and null need seeds ≥ 2, found 1" in result.stderr


def test_commands_accept_the_endings_that_can_be_drawn():
    assert options.PICTURES == pictures.FORMS
