"""Choosing k or a resolution: planted numbers are found, chance is called chance, and why."""

import random

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from graphs import planted
from matplotlib.image import imread
from typer.testing import CliRunner

from graphclust import METHODS, as_graph, draw_profile, load, tune
from graphclust.cli import app
from graphclust.evaluate.choice import choose, jackknife
from graphclust.evaluate.values import grid
from graphclust.graph.synth import sbm
from graphclust.params import numeric

LEIDEN = METHODS["leiden"]
QUICK = {"samples": 4}


def test_the_planted_number_of_blocks_is_chosen():
    graph = sbm(200, 4, 0.3, 0.02)
    found = tune(graph, over="n_clusters", values=[2, 3, 4, 6, 9], **QUICK)
    assert (found.value, found.method) == (4, LEIDEN(n_clusters=4))
    assert found.p == 1 / 20
    assert found.reason == str(found)
    assert found.reason.startswith("n_clusters = 4 (4 clusters): of 5 values its clusters are the")
    text = "of which none of 19 gets as far by its best value, all with 3 samples (p = 0.05)"
    assert text in found.reason
    free = tune(graph, "leiden", values=[0.01, 0.3, 1.0, 3.0, 30.0], **QUICK)
    assert free.profile.set_index("value").loc[free.value, "n_clusters"] == 4


def test_in_a_random_graph_nothing_is_chosen():
    graph = as_graph(nx.gnm_random_graph(150, 600, seed=1))
    found = tune(graph, values=[0.5, 1.0, 2.0], samples=4)
    assert found.value is found.method is None
    assert "No resolution is chosen, as no structure beyond chance is found" in found.reason
    assert abs(found.profile["adjusted"]).max() < 0.1


def test_what_says_nothing_never_wins_however_stable():
    """One cluster, and each node alone, are found again on every sample."""
    graph = load("karate")
    found = tune(graph, values=[1e-6, 1e3], **QUICK)
    assert found.value is None
    assert found.profile["n_clusters"].tolist() == [1, 34]
    assert found.profile["trivial"].all()
    assert (found.profile["stability"] == 0).all()
    assert "all 2 from 1e-06 to 1000 put 90% of the nodes into one cluster" in found.reason
    assert tune(planted(), values=[1e-6, 0.5, 1e3], **QUICK).value == 0.5


def test_the_same_seed_gives_the_same_choice_and_nothing_is_touched():
    graph, blind = planted(), planted()
    del blind.y
    random.seed(4)
    state = random.getstate()
    first, again, other = (
        tune(g, values=[0.3, 1.0], seed=seed, **QUICK)
        for g, seed in ((graph, 0), (blind, 0), (blind, 1))
    )
    pd.testing.assert_frame_equal(first.profile, again.profile)
    assert first.reason == again.reason
    assert not first.profile.equals(other.profile)
    assert random.getstate() == state
    assert "y" in graph


def test_progress_counts_every_fit():
    calls = []
    tune("karate", values=[1.0], progress=lambda *call: calls.append(call), **QUICK)
    total = 1 + 4 + 3 * 19
    assert calls == [(i, total, "resolution") for i in range(total)] + [(total, total, "")]


def test_other_methods_and_parameters():
    found = tune(planted(), METHODS["filter"](n_clusters=4), over="n_clusters", values=[4], **QUICK)
    assert found.profile["n_clusters"].tolist() == [4]
    arcs = load("dsbm:n=60,k=3,p=0.5,eta=0.05")
    found = tune(arcs, METHODS["herm"], over="n_clusters", values=[2, 3, 6], **QUICK)
    assert found.value == 3


def test_wrong_calls_are_refused():
    for options, error, text in [
        ({"over": "resolutoin"}, ValueError, "unknown parameter 'resolutoin'; did you mean resol"),
        ({"over": "engine"}, ValueError, "engine is no number; these are: seed, n_clusters, resol"),
        ({"over": "seed"}, ValueError, "over must not be seed"),
        ({"values": []}, ValueError, "values must hold at least one number"),
        ({"values": [-1.0]}, ValueError, "resolution must lie in"),
        ({"values": ["a"]}, TypeError, "values must be numbers, found 'a'"),
        ({"samples": 2}, ValueError, "samples must be at least 3, found 2"),
        ({"nulls": 18}, ValueError, "nulls must be at least 19, found 18"),
        ({"nulls": 19.5}, TypeError, "nulls must be a whole number, found 19.5"),
        ({"share": 0}, ValueError, "share must lie between 0 and 1, found 0"),
        ({"method": "kmeans", "over": "n_clusters"}, ValueError, "kmeans reads no edges"),
        ({"method": "filter"}, ValueError, "unknown parameter 'resolution'"),
        ({"method": "tvgnn", "over": "rate"}, ValueError, "tvgnn needs n_clusters; give the meth"),
        ({"method": 3}, TypeError, "method must be a name, class or method, found 3"),
    ]:
        with pytest.raises(error, match=text):
            tune("karate", **options)


def test_grids_come_from_the_fields():
    leiden = grid("resolution", numeric(LEIDEN, "resolution"), 100)
    assert (leiden[0], leiden[6], leiden[-1], len(leiden)) == (0.1, 1.0, 10.0, 13)
    k = numeric(LEIDEN, "n_clusters")
    assert grid("n_clusters", k, 34) == [2, 3, 4, 5, 6]
    assert grid("n_clusters", k, 10**6)[-1] == 50
    assert grid("n_clusters", k, 4) == [2]
    hops = numeric(METHODS["node2vec"], "dimensions")
    assert grid("dimensions", hops, 100)[0] == hops.default // 4
    with pytest.raises(ValueError, match="n_iterations has no default above 0 to start from"):
        grid("n_iterations", numeric(LEIDEN, "n_iterations"), 100)


# --- the rule ------------------------------------------------------------------------------------


def labels(k, n=40):
    return np.arange(n) % k


def pick(own, null, ks):
    """The choice where every pair of samples agrees by `own`, and by `null` on rewired graphs."""
    own = np.repeat(np.array(own, float)[:, None], 3, axis=1)
    null = np.array(null, float)[:, :, None].repeat(3, axis=2)
    models = [LEIDEN(resolution=float(i + 1)) for i in range(len(ks))]
    return choose("resolution", models, [labels(k) for k in ks], own, null)


def test_the_rank_of_the_graph_among_rewired_ones():
    chance = [[0.1, 0.2], [0.2, 0.1], [0.1, 0.1]]
    assert pick([0.9, 0.3], chance, [4, 5]).p == 1 / 4
    assert pick([0.1, 0.1], chance, [4, 5]).value is None
    assert pick([0.1, 0.1], chance, [4, 5]).p == 1.0


def test_a_value_is_worth_its_share_of_what_chance_leaves():
    """Few clusters are a little less stable here, and far less so on rewired graphs."""
    found = pick([0.97, 0.99, 0.6], [[0.02, 0.2, 0.3]] * 19, [2, 4, 8])
    assert found.profile["adjusted"].tolist() == pytest.approx([0.95 / 0.98, 0.79 / 0.8, 0.3 / 0.7])
    assert found.value == 2.0
    assert "resolution = 2 (4 clusters): of 3 values" in found.reason


def test_of_equals_the_finest_and_of_the_weak_none():
    assert pick([1.0, 1.0, 1.0], [[0.0] * 3] * 19, [2, 5, 3]).value == 2.0
    assert pick([1.0, 1.0], [[0.0] * 2] * 19, [1, 30]).value is None, "trivial: 30 clusters of 40"
    weak = pick([0.14, 0.1], [[0.11, 0.1], [0.1, 0.11], [0.12, 0.1]], [4, 5])
    assert weak.p == 1 / 4
    assert weak.value is None
    assert "that is 0.03 of what chance leaves, and 0.05 the least to count" in weak.reason
    assert "and yet weak" in pick([0.4, 0.1], [[0.1, 0.1]] * 19, [4, 5]).reason


def test_jackknife_against_its_definition():
    rng = np.random.default_rng(0)
    square = rng.random((5, 5))
    pairs = np.array([[square[i, j] for j in range(5) for i in range(j)]])
    means = []
    for out in range(5):
        kept = [square[i, j] for j in range(5) for i in range(j) if out not in (i, j)]
        means.append(np.mean(kept))
    expected = np.sqrt(4 / 5 * sum((m - np.mean(means)) ** 2 for m in means))
    assert jackknife(pairs) == pytest.approx([expected])


# --- pictures and the command line ---------------------------------------------------------------


def test_the_profile_is_shown_written_and_drawn(tmp_path):
    csv, png = tmp_path / "p.csv", tmp_path / "p.png"
    words = ["tune", "karate", "--values", "0.5,1,1e3", "--samples", "3"]
    result = CliRunner().invoke(app, [*words, "-o", str(csv), "--plot", str(png)])
    assert result.exit_code == 0, result.output + result.stderr
    assert "karate: undirected, 34 nodes, 78 edges" in result.stdout
    assert "chosen" in result.stdout
    assert "says nothing" in result.stdout
    assert "resolution = " in result.stdout.splitlines()[-3]
    assert pd.read_csv(csv)["value"].tolist() == [0.5, 1.0, 1000.0]
    assert imread(png).shape[0] > 500
    k = CliRunner().invoke(
        app,
        [*words[:2], "--over", "n_clusters", "--values", "2,4", "--samples", "3"],
    )
    assert "n_clusters = " in k.stdout
    for more, text in [
        (["--values", "a,b"], "error: --values takes numbers between commas, found 'a,b'"),
        (["--share", "half"], "error: --share takes a number or bootstrap, found 'half'"),
        (
            ["--over", "n_clusters", "-k", "3"],
            "error: n_clusters is what is chosen; --values",
        ),
        (["--set", "resolution=2"], "error: resolution is what is chosen; --values, not --set"),
        (["--plot", "p.gif"], "error: p.gif: the ending must be one of .png, .svg, .pdf"),
    ]:
        refused = CliRunner().invoke(app, [*words, *more])
        assert refused.exit_code == 2
        assert text in refused.stderr
    with pytest.raises(ValueError, match="a picture ends in"):
        draw_profile(tune("karate", values=[1.0], **QUICK), tmp_path / "p.gif")
