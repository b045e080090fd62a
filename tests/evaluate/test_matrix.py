"""Methods × data sets: what is bold, what is as good, what is not run, what failed."""

import io

import numpy as np
import pandas as pd
import pytest

from graphclust.evaluate.matrix import FORMS, matrix, notes, render_matrix
from graphclust.evaluate.rows import frame


def rows(**values):
    """Rows of NMI: `method__set` is a list of figures, or a status."""
    table = []
    for key, figures in values.items():
        label, dataset = key.split("__")
        for seed, nmi in enumerate([figures] if isinstance(figures, str) else figures):
            row = {"dataset": dataset, "label": label, "seed": seed, "protocol": "last epoch"}
            ended = {"status": nmi} if isinstance(nmi, str) else {"status": "ok", "nmi": nmi}
            table.append(row | ended | {"cpu_seconds": 1.0})
    return frame(table)


NOISY = [0.50, 0.52, 0.48, 0.51, 0.49]
EXAMPLE = rows(
    a__one=NOISY,
    a__two=[0.3],
    b__one=[x - 0.005 for x in NOISY],
    b__two=[0.3],
    c_1__one=[x - 0.2 for x in NOISY],
    c_1__two=[0.1, "time limit"],
    d__two="crashed",
)


def test_best_and_as_good():
    found = matrix(EXAMPLE, "nmi")
    assert found.mean.loc["a", "one"] == pytest.approx(0.5)
    assert found.sd.loc["a", "one"] == pytest.approx(np.std(NOISY, ddof=1))
    assert found.best.to_numpy().tolist() == [[True, True], [False, True], [False] * 2, [False] * 2]
    assert found.near.to_numpy().tolist() == [[True, True], [True, True], [False] * 2, [False] * 2]
    assert found.runs.loc["c_1"].tolist() == [5, 2]
    assert found.failed.loc["c_1"].tolist() == [0, 1]
    assert found.failed.loc["d"].tolist() == [0, 1]


def test_as_good_is_welchs_test():
    """Just above and just below five in a hundred."""
    best = [1.0, 1.1, 0.9, 1.05, 0.95]
    for gap, near in ((0.10, True), (0.14, False)):
        found = matrix(rows(a__one=best, b__one=[x - gap for x in best]), "nmi")
        assert found.near.loc["b", "one"] == near
    for single, near in ((0.91, True), (0.89, False)):  # a number that never varies
        found = matrix(rows(a__one=best, b__one=[single]), "nmi")
        assert found.near.loc["b", "one"] == near


def test_low_is_good_where_it_is():
    table = rows(a__one=[0.1], b__one=[0.2]).assign(conductance_mean=[0.1, 0.2])
    assert matrix(table, "conductance_mean").best.loc["a", "one"]
    assert matrix(table, "nmi").best.loc["b", "one"]
    assert "the lowest mean" in notes(matrix(table, "conductance_mean"))[0]


def test_failures_rank_last_and_what_was_not_run_is_not_ranked():
    found = matrix(rows(a__x=[0.1], a__y=[0.2], b__x=[0.2], b__y="crashed", c__x=[0.9]), "nmi")
    assert found.ranks.mean.to_dict() == {"a": 1.5, "b": 1.5}
    assert found.ranks.left_out == ["c"]


def test_ranks_on_sets_that_nobody_looked_at():
    """Of the same methods: c, which is not ranked, is not ranked there either."""
    table = rows(a__x=[0.3], a__y=[0.1], a__z=[0.1], b__x=[0.2], b__y=[0.2], b__z=[0.3], c__y=[1.0])
    found = matrix(table, "nmi", tuned_on=["x"])
    assert found.ranks.mean.round(2).to_dict() == {"b": 1.33, "a": 1.67}
    assert found.fresh.mean.to_dict() == {"b": 1.0, "a": 2.0}
    assert notes(found)[-1] == (
        "The classes of 1 of the 3 were looked at when settings were found. Mean ranks on the 2 "
        "others: b 1.00; a 2.00."
    )
    for sets in (["x", "y"], ["x", "y", "z"]):
        found = matrix(table, "nmi", tuned_on=sets)
        assert found.fresh is None
        assert notes(found)[-1].startswith(f"The classes of {len(sets)} of the 3 were looked at")
    assert "looked at" not in notes(matrix(table, "nmi", tuned_on=["elsewhere"]))[-1]


def test_a_set_that_is_not_ranked_is_not_among_those_that_nobody_looked_at():
    """b was not run on w, so that all are ranked on the other three."""
    whole = {f"{m}__{s}": [0.1 * i] for i, m in enumerate("abcd") for s in "xyz"}
    table = rows(**whole, a__w=[0.9], c__w=[0.1], d__w=[0.1])
    found = matrix(table, "nmi", tuned_on=["x"])
    assert found.ranks.left_out == ["w"]
    assert found.fresh.datasets == ["y", "z"]
    assert "4 methods" in notes(found)[1]


def test_the_markdown_says_everything():
    text = render_matrix(matrix(EXAMPLE, "nmi"), "markdown")
    lines = text.splitlines()
    assert lines[0] == "| method | protocol | one | two | rank |"
    assert lines[2] == "| a | last epoch | **0.500 ± 0.016** | **0.300** | 1.25 |"
    assert lines[3] == "| b | last epoch | _0.495 ± 0.016_ | **0.300** | 1.75 |"
    assert lines[4] == "| c_1 | last epoch | 0.300 ± 0.016 | 0.100 (1 of 2 failed) | 3.00 |"
    assert lines[5] == "| d | last epoch |  | failed | – |"
    assert "none chosen by labels" in lines[7]
    assert "Not ranked: d." in lines[8]


def test_a_line_a_set_where_there_are_more_sets_than_methods():
    found = matrix(rows(a__x=[0.1], a__y=[0.2], a__z=[0.4], b__x=[0.2], b__y=[0.1]), "nmi")
    lines = render_matrix(found, "markdown").splitlines()
    assert lines[0] == "| data set | a | b |"
    assert lines[2] == "| protocol | last epoch | last epoch |"
    assert lines[3] == "| x | 0.100 | **0.200** |"
    assert lines[5] == "| z | **0.400** |  |"
    assert lines[6] == "| rank | 1.50 | 1.50 |"


def test_the_other_forms_hold_the_same():
    found = matrix(EXAMPLE, "nmi")
    html, latex = (render_matrix(found, form) for form in ("html", "latex"))
    assert "<b>0.500 ± 0.016</b>" in html
    assert "<i>0.495 ± 0.016</i>" in html
    assert r"c\_1 & last epoch & 0.300 $\pm$ 0.016" in latex
    assert r"\textbf{0.500 $\pm$ 0.016}" in latex
    assert r"\toprule" in latex
    table = pd.read_csv(io.StringIO(render_matrix(found, "csv")))
    assert len(table) == 7
    line = table.set_index(["method", "dataset"]).loc[("b", "one")]
    assert (line["runs"], line["best"], line["near"]) == (5, False, True)
    assert line["mean"] == pytest.approx(0.495)
    with pytest.raises(ValueError, match="form must be one of markdown, csv, html, latex"):
        render_matrix(found, "pdf")
    assert len(FORMS) == 4


def test_what_cannot_be_tabled_is_refused():
    with pytest.raises(ValueError, match=r"metric must be one of n_clusters, acc, .*, found 'nim'"):
        matrix(EXAMPLE, "nim")
    with pytest.raises(ValueError, match="no rows yet"):
        matrix(EXAMPLE[:0], "nmi")


def test_the_oracle_is_named():
    found = matrix(EXAMPLE.assign(protocol="oracle epoch"), "nmi", "oracle epoch")
    assert "chosen by the classes" in notes(found)[0]
    assert "| a | oracle epoch |" in render_matrix(found, "markdown")
