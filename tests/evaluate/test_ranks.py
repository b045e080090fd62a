"""Ranks and their tests against tables in print, loops, and cases that can be told by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from graphclust.evaluate.ranks import critical_difference, groups, holm, ranks

NAN, NEVER = np.nan, -np.inf


def scores(table, sets=None):
    table = np.array(table, float)
    return pd.DataFrame(
        table,
        index=[f"m{i}" for i in range(len(table))],
        columns=sets or [f"d{i}" for i in range(table.shape[1])],
    )


def test_critical_differences_are_those_in_print():
    """Demšar's table 5: q at 5 % is 1.960, 2.343, 2.569 … 3.164 for 2, 3, 4 … 10 methods."""
    for methods, q in ((2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)):
        expected = q * np.sqrt(methods * (methods + 1) / (6 * 14))
        assert critical_difference(methods, 14) == pytest.approx(expected, rel=5e-4)


def test_holm_by_hand():
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


def test_ranks_are_means_over_sets_with_ties_shared():
    found = ranks(scores([[3, 1, 2], [2, 1, 3], [1, 0, 1]]))
    assert found.mean.to_dict() == pytest.approx({"m0": 4.5 / 3, "m1": 4.5 / 3, "m2": 3.0})
    assert found.datasets == ["d0", "d1", "d2"]
    assert found.left_out == []


def test_the_tests_are_those_of_scipy_on_the_same_numbers():
    table = np.random.default_rng(0).normal(size=(4, 12)) + np.array([[0.0], [0.3], [1.5], [1.6]])
    found = ranks(scores(table))
    assert found.friedman == pytest.approx(stats.friedmanchisquare(*table).pvalue)
    pairs = list(combinations(range(4), 2))
    raw = np.array([stats.wilcoxon(table[a], table[b]).pvalue for a, b in pairs])
    for (a, b), p in zip(pairs, holm(raw), strict=True):
        assert found.holm.loc[f"m{a}", f"m{b}"] == pytest.approx(p)
        assert found.holm.loc[f"m{b}", f"m{a}"] == pytest.approx(p)
    far = np.abs(found.mean.to_numpy()[:, None] - found.mean.to_numpy()) >= found.critical
    assert (found.alike("nemenyi") == ~far).all()
    assert (found.alike("wilcoxon") == (found.holm.to_numpy() >= 0.05)).all()
    assert found.holm.index.tolist() == found.mean.index.tolist()
    with pytest.raises(ValueError, match="test must be one of nemenyi, wilcoxon, found 't'"):
        found.alike("t")


def test_a_failed_run_ranks_last_and_a_missing_one_leaves_out():
    found = ranks(scores([[3, NEVER, 2], [2, 1, 3], [NAN, NAN, 4]]))
    assert found.mean.to_dict() == pytest.approx({"m1": 4 / 3, "m0": 5 / 3})
    assert found.left_out == ["m2"]
    found = ranks(scores([[3, 1, 2], [2, 1, NAN], [1, 1, NAN]]))
    assert found.left_out == ["d2"]
    assert found.datasets == ["d0", "d1"]


def test_a_failure_is_the_worst_score_of_the_set_for_wilcoxon():
    table = np.arange(20.0).reshape(2, 10)
    failed = table.copy()
    failed[0, 3] = NEVER
    differences = table[0] - table[1]
    differences[3] = 0  # failed against the worst that is left, which is the other's
    expected = stats.wilcoxon(differences[differences != 0]).pvalue
    assert ranks(scores(failed)).holm.iloc[0, 1] == pytest.approx(expected)


def test_where_nothing_can_be_compared():
    assert ranks(scores([[1, 2]])) is None
    assert ranks(scores([[1, NAN], [NAN, 1]])) is None
    alike = ranks(scores([[1, 1], [1, 1], [1, 1]]))
    assert np.isnan(alike.friedman)
    assert (alike.holm.to_numpy() == 1).all()


def test_bars_join_the_longest_runs_that_are_not_told_apart():
    near = np.abs(np.subtract.outer(np.arange(5), np.arange(5))) <= 2
    assert groups(near) == [(0, 2), (1, 3), (2, 4)]
    assert groups(np.eye(3, dtype=bool)) == []
    assert groups(np.ones((4, 4), bool)) == [(0, 3)]
