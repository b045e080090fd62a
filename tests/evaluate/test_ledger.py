"""The ledger: figures as typed, ours from rows, like beside like; never stale."""

from pathlib import Path

import pytest

from graphclust import GraphError
from graphclust.evaluate.documents import fill_tables
from graphclust.evaluate.experiment import read_toml
from graphclust.evaluate.ledger import read_ledger, render_ledger

ROOT = Path(__file__).parents[2] / "experiments"

EXPERIMENT = """
title = "Ours"
task = "{task}"
datasets = ["karate"]
seeds = 2
[[run]]
method = "spectral"
params = {{ n_clusters = "classes" }}
[[run]]
method = "leiden"
"""
CLAIMS = """
about = "Read with care."
[[group]]
title = "Clusters"
scores = ["acc", "nmi"]
scale = 100
[[group.claim]]
method = "X"
dataset = "karate"
claimed = [97.1, nan]
source = "paper"
protocol = "best epoch"
rerun = [90.0, 80.0]
rerun_by = "Y"
label_free = ["free.toml", "leiden"]
note = "defaults"
[anchors]
title = "To be matched"
about = "Each score by itself."
scores = ["acc", "nmi"]
scale = 100
[anchors.ours]
Leiden = ["free.toml", "leiden"]
never = ["free.toml", "louvain"]
once = ["free.toml", "spectral(n_clusters=classes)"]
[[anchors.anchor]]
dataset = "karate"
claimed = [99.0, 98.0]
claimed_by = ["Z", "V"]
rerun = [96.5, nan]
rerun_by = ["U", ""]
"""
ORACLE = 'oracle = ["best.toml", "leiden"]\nlabel_free = '


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "claims.toml").write_text(CLAIMS)
    for name, task, figures in (
        ("free", "clustering", ["leiden,0,ok,.70,.6", "leiden,1,ok,.80,.6", "leiden,2,failed,,"]),
        ("best", "oracle epoch", ["leiden,0,ok,.95,.9", "leiden,1,ok,.95,.9"]),
    ):
        (tmp_path / f"{name}.toml").write_text(EXPERIMENT.format(task=task))
        heads = "dataset,method,params,label,seed,status,acc,nmi\n"
        lines = [f"karate,,,{x}\n" for x in [*figures, "spectral(n_clusters=classes),0,ok,1,1"]]
        (tmp_path / f"{name}.csv").write_text("".join([heads, *lines]))
    return tmp_path


def rendered(folder, **changes):
    text = CLAIMS
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    (folder / "claims.toml").write_text(text)
    return render_ledger(read_ledger(folder / "claims.toml"), folder)


def test_a_claim_its_rerun_and_our_rows(folder):
    text = rendered(folder)
    assert text.startswith("Read with care.\n\n## Clusters\n\nFigures: ACC / NMI.\n\n| method |")
    assert (
        "| X | karate | 97.10 / – | paper | best epoch | 90.00 / 80.00; Y | "
        "75.0 ± 7.1 / 60.0 ± 0.0 (2 seeds; [free](free.toml); defaults) | ours: −22.1 / – |"
    ) in text
    assert "| re-run, by whom | ours, label-free | difference |" in text, "no oracle, no column"
    title = 'title = "Clusters"'
    named = rendered(folder, a=(title, f'{title}\nours = "held out"'))
    assert "| held out | difference |" in named


def test_what_sets_an_oracle_apart_stands_beside_it(folder):
    noted = 'oracle = ["best.toml", "leiden"]\noracle_note = "lax"\nlabel_free = '
    text = rendered(folder, a=("label_free = ", noted))
    assert "[best](best.toml); lax) | ours: −22.1 / –; ours, oracle: −2.1 / – |" in text


def test_the_highest_of_each_score_and_our_rows_below(folder):
    assert rendered(folder).endswith(
        "## To be matched\n\nEach score by itself.\n\n"
        "| `karate` | ACC | NMI | seeds |\n| --- | --- | --- | --- |\n"
        "| highest claim | 99.00 Z | 98.00 V |  |\n| highest re-run | 96.50 U | – |  |\n"
        "| Leiden | 75.0 ± 7.1 | 60.0 ± 0.0 | 2 |\n| once | 100.0 | 100.0 | 1 |"
    )


def test_a_data_set_may_have_methods_of_its_own(folder):
    own = 'claimed_by = ["Z", "V"]\nours = { mine = ["free.toml", "leiden"] }'
    text = rendered(folder, a=('claimed_by = ["Z", "V"]', own))
    assert text.endswith("| mine | 75.0 ± 7.1 | 60.0 ± 0.0 | 2 |")
    with pytest.raises(GraphError, match="must name one label on karate"):
        rendered(folder, a=('claimed_by = ["Z", "V"]', own.replace("leiden", "louvain")))


def test_differences_are_ours_and_else_those_of_the_rerun(folder):
    free = 'label_free = ["free.toml", "leiden"]'
    oracle = 'oracle = ["best.toml", "leiden"]'
    assert "| ours, oracle: −2.1 / – |" in rendered(folder, a=(free, oracle))
    both = rendered(folder, a=(free, f"{free}\n{oracle}"))
    assert "| ours: −22.1 / –; ours, oracle: −2.1 / – |" in both
    assert "| re-run: −7.1 / – |" in rendered(folder, a=(free + '\nnote = "defaults"', ""))
    never = 'rerun = [nan, nan]\nrerun_by = "Y, who ran out of memory"\n'
    failed = rendered(
        folder,
        a=('rerun = [90.0, 80.0]\nrerun_by = "Y"\n', never),
        b=(free + '\nnote = "defaults"', ""),
    )
    assert "| –; Y, who ran out of memory | – |" in failed
    unknown = rendered(folder, a=("claimed = [97.1, nan]", "claimed = [nan, nan]"))
    assert "| X | karate | – | paper |" in unknown
    assert "defaults) | – |\n\n## To be" in unknown


def test_an_oracle_never_stands_among_the_others(folder):
    with pytest.raises(
        GraphError, match=r"best\.toml has the task oracle epoch, not that of its co"
    ):
        rendered(folder, a=('["free.toml", "leiden"]\nnote', '["best.toml", "leiden"]\nnote'))
    with pytest.raises(GraphError, match=r"free\.toml has the task clustering"):
        rendered(folder, a=('label_free = ["free.toml"', 'oracle = ["free.toml"'))


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('source = "paper"\n', "", "claims.toml: X karate lacks source"),
        ('protocol = "best epoch"', 'protocol = "b"\nyear = 2', "X karate: unknown key 'year'"),
        ("claimed = [97.1, nan]", "claimed = [97.1]", "claimed must hold 2 figures, found 1"),
        ('rerun_by = "Y"\n', "", "rerun and rerun_by go together"),
        ('["Z", "V"]', '"ZV"', "karate: claimed_by must list 2 names, found 'ZV'"),
        ('["Z", "V"]', '["Z"]', r"karate: claimed_by must list 2 names, found \['Z'\]"),
        ('about = "Read with care."', "", "claims.toml lacks about"),
        (
            'title = "Clusters"',
            'title = "C"\nscal = 100',
            "C: unknown key 'scal'; did you mean scale",
        ),
        (', "leiden"]\nnote', "]\nnote", r"one label on karate, found \['leiden', 'spectral"),
        ('"leiden"]\nnote', '"louvain"]\nnote', r"one label on karate, found \[\]"),
    ],
)
def test_wrong_claims_are_refused(folder, old, new, text):
    with pytest.raises(GraphError, match=text):
        rendered(folder, a=(old, new))


def test_the_ledger_is_that_of_the_claims_and_the_rows():
    document = ROOT / "LEDGER.md"
    text = document.read_text(encoding="utf-8")
    assert fill_tables(document) == text, "run: graphclust table experiments/LEDGER.md"
    claims = read_toml(ROOT / "claims.toml")
    listed = [claim for group in claims["group"] for claim in group["claim"]]
    assert len({(c["method"], c["dataset"]) for c in listed}) == len(listed), "each claim once"
    assert all(f"| {c['method']} | {c['dataset']} |" in text for c in listed)
