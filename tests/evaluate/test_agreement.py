"""Partitions side by side: what agrees, what says nothing, and which differences seeds explain."""

import numpy as np
import pandas as pd
import pytest
from graphs import pairs
from scipy.stats import mannwhitneyu
from sklearn.metrics import adjusted_mutual_info_score

from graphclust import as_graph, load
from graphclust.evaluate.agreement import agreements, ami, between, linked, over_seeds, trivial
from graphclust.evaluate.differences import differences, verdict
from graphclust.evaluate.null import (
    against,
    quality,
    score_of,
    shared,
    signed_modularity,
)
from graphclust.evaluate.null import verdict as null_verdict
from graphclust.evaluate.ranks import holm
from graphclust.methods import METHODS

A, B = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 1, 1, 1])
ONE, ALONE = np.zeros(6, int), np.arange(6)


def test_ami_is_that_of_the_library_unless_a_partition_says_nothing():
    assert ami(A, B) == pytest.approx(adjusted_mutual_info_score(A, B))
    assert ami(A, A) == pytest.approx(1.0)
    assert ami(ONE, ONE) == ami(ALONE, ALONE) == ami(ONE, A) == ami(A, ALONE) == 0.0
    where = np.array([True, True, False, True, True, True])
    assert ami(A, B, where) == pytest.approx(adjusted_mutual_info_score(A[where], B[where]))
    assert trivial(np.r_[np.zeros(9, int), 1])
    assert not trivial(np.r_[np.zeros(8, int), 1, 1])


def test_nodes_with_edges_are_told_from_those_without():
    assert linked(pairs((0, 1), (1, 3), n=5)).tolist() == [True, True, False, True, False]


def test_seeds_are_compared_in_a_ring_and_methods_seed_by_seed():
    runs = [A, B, None, A]
    assert over_seeds(runs) == pytest.approx([ami(A, B), ami(A, A), ami(B, A)])
    assert over_seeds([A, B]) == pytest.approx([ami(A, B)])
    assert over_seeds([A]) == []
    assert between(runs, [B, B, B, B]) == pytest.approx(np.mean([ami(A, B), 1.0, ami(A, B)]))
    assert between([B], runs) == pytest.approx(between(runs, [B] * 4))
    assert np.isnan(between([None, None], runs[:2]))
    table = agreements({"a": runs, "b": [B]})
    assert table.loc["a", "b"] == table.loc["b", "a"] == between(runs, [B])
    assert table.loc["a", "a"] == pytest.approx(np.mean(over_seeds(runs)))
    assert table.loc["b", "b"] == 1.0


# --- differences ---------------------------------------------------------------------------------


def rows(**scores):
    parts = [
        pd.DataFrame({"label": name, "status": "ok", "ari": values, "commit": "c"})
        for name, values in scores.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_differences_are_tested_over_the_seeds():
    rng = np.random.default_rng(0)
    low, near, high = rng.normal(0.5, 0.1, (3, 10)) + np.array([[0.0], [0.02], [0.5]])
    runs = rows(low=low, near=near, high=high, fixed=[0.9])
    table = differences(runs, "ari")
    assert len(table) == 6
    pair = table.set_index(["better", "worse"])
    assert pair.loc[("high", "low"), "p"] == pytest.approx(mannwhitneyu(high, low).pvalue)
    assert pair.loc[("high", "low"), "difference"] == pytest.approx(high.mean() - low.mean())
    assert pair.loc[("fixed", "low"), "p"] == pytest.approx(
        mannwhitneyu(np.repeat(0.9, 10), low).pvalue
    )
    names = {"low", "near"}
    (close,) = [p for (a, b), p in pair["p_holm"].items() if {a, b} == names]
    assert close > 0.05 > pair.loc[("high", "low"), "p_holm"]
    (said,) = verdict(runs, "ari", "ARI", 10)
    assert said.startswith(
        "ARI: high leads; beyond the spread of the seeds over all others (Mann–Whitney over 10 "
        "seeds, Holm, p ≤ 0.05)."
    )
    assert "another graph or other parameters may" in said
    (few,) = verdict(runs, "ari", "ARI", 3)
    assert few.endswith("is chance of seeds, 3 seeds cannot tell; 4 or more can.")


def test_what_the_seeds_cannot_tell_apart_is_said():
    runs = rows(a=[1.0] * 5, b=[1.0] * 5, c=[0.0] * 5)
    table = differences(runs, "ari")
    assert table["p"].tolist() == [1.0, 2 / 252, 2 / 252], "ways to choose 5 runs of 10"
    (said,) = verdict(runs, "ari", "ARI", 5)
    assert "over the rest; over b it may be the chance of seeds" in said
    clear = verdict(rows(a=[1.0] * 5, c=[0.0] * 5), "ari", "ARI", 5)[0]
    assert clear.startswith("ARI: a leads; beyond the spread of the seeds over c (Mann")
    with pytest.raises(ValueError, match="no score 'commit' in these rows"):
        differences(rows(a=[1.0, 2.0]), "commit")


def test_holm_against_its_rule():
    p = np.array([0.01, 0.04, 0.03, 0.005, 0.5])
    # 5 × .005, 4 × .01, 3 × .03, then never less than before
    assert holm(p) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.5])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    assert holm(np.empty(0)).size == 0


# --- against rewired graphs ----------------------------------------------------------------------


def test_signed_modularity_against_its_formula():
    edges = [("a", "b", 2.0), ("b", "c", 1.0), ("c", "d", 3.0), ("a", "d", -1.0), ("b", "d", -2.0)]
    graph, labels = as_graph(edges), np.array([0, 0, 1, 1])
    w = np.zeros((4, 4))
    for u, v, weight in edges:
        i, j = "abcd".index(u), "abcd".index(v)
        w[i, j] = w[j, i] = weight
    plus, minus = np.maximum(w, 0), np.maximum(-w, 0)
    value = 0.0
    for i in range(4):
        for j in range(4):
            if labels[i] == labels[j]:
                value += plus[i, j] - plus[i].sum() * plus[j].sum() / plus.sum()
                value -= minus[i, j] - minus[i].sum() * minus[j].sum() / minus.sum()
    assert signed_modularity(graph, labels) == pytest.approx(value / abs(w).sum())
    assert quality("signed modularity", graph, labels) == signed_modularity(graph, labels)
    with pytest.raises(ValueError, match=r"labels must be \(4,\), found \(3,\)"):
        signed_modularity(graph, labels[:3])


def test_the_score_is_that_of_the_kind_of_graph_and_method():
    karate, arcs = load("karate"), load("dsbm:n=30,k=3")
    signed = as_graph([("a", "b", 1.0), ("b", "c", -1.0)])
    leiden, herm = METHODS["leiden"](), METHODS["herm"](n_clusters=3)
    assert score_of(leiden, karate) == score_of(leiden, arcs) == "modularity"
    assert score_of(leiden, signed) == "signed modularity"
    assert score_of(herm, arcs) == "flow imbalance"
    assert shared(karate, karate) == 1.0
    assert shared(pairs((0, 1), (1, 2), n=4), pairs((0, 1), (2, 3), n=4)) == 0.5


def test_against_the_null_by_hand():
    found = against([0.5, 0.7], [0.1, 0.2, 0.3])
    assert found["graph"] == pytest.approx(0.6)
    assert found["z"] == pytest.approx((0.6 - 0.2) / 0.1)
    assert found["p"] == 1 / 4
    assert against([0.2], [0.1, 0.2, 0.3])["p"] == 3 / 4
    assert np.isnan(against([0.2], [0.1, 0.1])["z"])
    table = pd.DataFrame({"a": found, "b": against([0.2], [0.1, 0.2, 0.3])}).T
    better, worse = null_verdict(table)
    assert "(p = 0.25, the least that 3 can show): a." in better
    assert worse.endswith("degrees alone may explain the score: b (p = 0.75).")
    nearly = pd.DataFrame({"c": against([0.5], [0.1] * 48 + [0.6])}).T
    assert null_verdict(nearly) == [
        "Better on the graph than on nearly all rewired ones: c (p = 0.04)."
    ]
