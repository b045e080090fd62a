"""Pictures of benchmarks."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from graphclust.bench_pictures import cost_points, draw_costs, draw_ranks
from graphclust.evaluate.ranks import ranks


def ranked(methods=6, sets=10):
    table = np.random.default_rng(1).normal(size=(methods, sets)) + np.arange(methods)[:, None]
    return ranks(pd.DataFrame(table, index=[f"method {i}" for i in range(methods)]))


def rows(**points):
    """One row of every method on two sets: seconds and NMI, None where it failed."""
    table = []
    for label, (seconds, nmi) in points.items():
        for dataset, factor in (("one", 1), ("two", 4)):
            good = {"status": "ok", "nmi": nmi, "cpu_seconds": seconds * factor}
            bad = {"status": "failed", "nmi": np.nan, "cpu_seconds": np.nan}
            row = {"label": label, "dataset": dataset}
            table.append(row | (bad if nmi is None and dataset == "two" else good))
    return pd.DataFrame(table)


@pytest.mark.parametrize("test", ["nemenyi", "wilcoxon"])
def test_ranks_are_drawn(tmp_path, test):
    found = ranked()
    draw_ranks(found, "NMI", tmp_path / "r.svg", test)
    text = (tmp_path / "r.svg").read_text()
    for name, rank in found.mean.items():
        assert f"{name}  {rank:.2f}" in text or f"{rank:.2f}  {name}" in text
    assert "mean ranks over 10 data sets" in text
    assert ("critical difference" in text) == (test == "nemenyi")
    draw_ranks(found, "NMI", tmp_path / "r.png", test)
    assert imread(tmp_path / "r.png").shape[1] > 1000


def test_points_are_means_and_the_front_is_beaten_by_none():
    table = rows(fast=(0.1, 0.5), slow=(10.0, 0.9), beaten=(20.0, 0.8), even=(0.1, 0.4))
    points, sets = cost_points(table, "nmi")
    assert sets == 2
    assert points["seconds"].to_dict() == pytest.approx(
        {"fast": 0.2, "slow": 20.0, "beaten": 40.0, "even": 0.2}
    )
    assert points["nmi"].to_dict() == {"fast": 0.5, "slow": 0.9, "beaten": 0.8, "even": 0.4}
    assert points["front"].to_dict() == {
        "fast": True, "slow": True, "beaten": False, "even": False
    }  # fmt: skip


def test_low_scores_are_good_where_they_are():
    table = rows(a=(1.0, 0.5), b=(1.0, 0.4)).rename(columns={"nmi": "conductance_mean"})
    points, _ = cost_points(table, "conductance_mean")
    assert points["front"].to_dict() == {"a": False, "b": True}


def test_what_failed_somewhere_is_left_out():
    points, sets = cost_points(rows(a=(1.0, 0.5), b=(1.0, 0.4), c=(1.0, None)), "nmi")
    assert (list(points.index), sets) == (["a", "b"], 2)
    with pytest.raises(ValueError, match="there is no data set on which"):
        cost_points(rows(a=(1.0, 0.5)).assign(status="failed"), "nmi")


def test_costs_are_drawn(tmp_path):
    table = rows(fast=(0.1, 0.5), slow=(10.0, 0.9), beaten=(20.0, 0.8), near=(20.0, 0.801))
    draw_costs(table, "nmi", "NMI", tmp_path / "c.svg")
    text = (tmp_path / "c.svg").read_text()
    for words in ("fast", "slow", "beaten", "seconds of a processor", "2 data sets"):
        assert words in text
    with pytest.raises(ValueError, match="a picture ends in"):
        draw_costs(table, "nmi", "NMI", tmp_path / "c.gif")
    with pytest.raises(ValueError, match="a picture ends in"):
        draw_ranks(ranked(), "NMI", tmp_path / "c.gif")
