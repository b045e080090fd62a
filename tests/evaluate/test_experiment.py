"""Experiments: checked files, rows kept whatever happens, tables that are never stale."""

from dataclasses import replace
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
import torch

from graphclust import METHODS, GraphError, as_graph
from graphclust.cards import cards
from graphclust.evaluate.cells import cell_key, plan
from graphclust.evaluate.documents import fill_tables, table
from graphclust.evaluate.experiment import read_experiment, restrict, results_path
from graphclust.evaluate.grid import run_experiment
from graphclust.evaluate.rows import append_row, columns, frame, read_rows
from graphclust.evaluate.store import CsvStore, exported_rows
from graphclust.graph.files import write_npz
from graphclust.loaders import available

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "experiments").glob("*/*.toml"))

SMALL = """
title = "Small"
datasets = ["karate", "les_miserables"]
seeds = 2
[[run]]
method = "louvain"
[[run]]
method = "spectral"
params = { n_clusters = "classes" }
[published]
source = "nobody"
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    return read_experiment(tmp_path / "small.toml")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_experiment_fits_the_methods_as_they_are(path, stored_data):
    experiment = read_experiment(path)
    printed = path.parent.name == "published"  # presets as well: not all were run, some cost hours
    assert {name.partition(":")[0] for name in experiment.datasets} <= set(available())
    # the first is run for its costs; the others take minutes a run
    least = {"ladder": 2, "deepwalk": 5}
    least |= {"graph_classifier_proteins": 5, "graph_classifier_bench_hard": 5, "tvgnn_delta": 5}
    least |= {"scgc_dblp": 5, "pamc_dblp": 5, "scgc_usps": 5, "tgc_patent": 3, "tgc_school": 3}
    assert experiment.seeds >= least.get(path.stem, 10)
    rows = frame(read_rows(results_path(path)), experiment.task)
    if path.parent.name == "grid":
        return  # may be run in part, and holds what fails
    if printed and rows.empty:
        return
    assert set(rows["dataset"]) == set(experiment.datasets)
    assert set(rows["status"]) == {"ok"}
    assert printed or experiment.task in ("clustering", "flow", "correlation")
    counts = rows.groupby(["dataset", "label"]).size()
    assert set(counts) <= {1, experiment.seeds}


def test_the_attributed_grid_is_whole():
    """Every attributed set of one class a node and fewer than 20 000 nodes, and every method."""
    experiment = read_experiment(ROOT / "experiments" / "grid" / "attributed.toml")
    small = {n: c for n, c in cards().items() if c.features and c.classes and c.nodes < 20_000}
    assert set(experiment.datasets) == {n for n in small if "multi-label" not in small[n].kind}
    others = {"tgc", "htne", "leiden_slices", "leiden_decay"}  # of streams of events
    others |= {"herm", "bi_sym", "dd_sym", "disg_lr", "leiden_undirected"}  # of directed graphs
    others |= {"correlation", "minmax", "dense_correlation"}  # in experiments of their own
    assert {run.method for run in experiment.runs} == set(METHODS) - others - {"deepwalk"}
    assert experiment.seeds >= 10


def test_no_two_experiments_share_their_rows():
    assert len({results_path(path) for path in FILES}) == len(FILES)


@pytest.mark.parametrize("name", ["README.md", "experiments/README.md"])
def test_tables_are_those_of_the_results(name):
    document = ROOT / name
    text = document.read_text(encoding="utf-8")
    assert fill_tables(document) == text, f"run: graphclust table {name}"


def test_the_table_names_the_oracle(tmp_path):
    (tmp_path / "oracle.toml").write_text('task = "oracle epoch"\n' + SMALL)
    experiment = read_experiment(tmp_path / "oracle.toml")
    assert experiment.task == "oracle epoch"
    assert "oracle epoch: every score at its own best epoch" in table(experiment, [])


def test_what_is_no_experiment_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    for runs in ("[run]\nmethod = 'leiden'", "run = ['leiden']", "run = []"):
        path.write_text(f"title = 'T'\ndatasets = ['karate']\nseeds = 1\n{runs}")
        with pytest.raises(GraphError, match=r"x\.toml: run must be one or more tables"):
            read_experiment(path)
    path.write_bytes(b"title = '\xff'")
    with pytest.raises(GraphError, match=r"x\.toml is no TOML"):
        read_experiment(path)


def test_another_file_is_no_results_file(tmp_path):
    path = tmp_path / "x.csv"
    for content in (b"a,b,c\n1,2,3\n", b"dataset,label\nkarate,leiden\n", b"\xff\xfe\n", b"notes"):
        path.write_bytes(content)
        with pytest.raises(GraphError, match=r"x\.csv holds no results"):
            read_rows(path)
        with pytest.raises(GraphError, match=r"x\.csv holds no results"):
            append_row(path, {"dataset": "b"}, columns("clustering"))
        assert path.read_bytes() == content
    with pytest.raises(GraphError, match="column nmi of a results file holds text"):
        frame([{"dataset": "a", "nmi": "zero.6"}])


def test_a_file_keeps_its_columns(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text("dataset,label,method,params,seed,status\na,b,c,{},0,ok\n")
    row = {"dataset": "b", "label": "b", "method": "c", "seed": 1, "status": "ok", "nmi": 0.5}
    append_row(path, row, columns("clustering"))
    assert (
        path.read_text() == "dataset,label,method,params,seed,status\na,b,c,{},0,ok\nb,b,c,,1,ok\n"
    )


def test_finished_cells_are_not_run_again(small, tmp_path):
    results = tmp_path / "small.csv"
    ran = run_experiment(small, CsvStore(results))
    assert ran == 6, "no classes in les_miserables: no spectral"
    first = results.read_text()
    assert run_experiment(small, CsvStore(results)) == 0
    assert results.read_text() == first
    rows = frame(read_rows(results))
    assert rows["status"].tolist() == ["ok"] * 6
    assert rows[rows["label"] == "spectral(n_clusters=classes)"]["n_clusters"].tolist() == [2, 2]
    lines = first.splitlines(keepends=True)
    results.write_text("".join(lines[:3]) + lines[3][:40])  # killed while writing
    assert len(read_rows(results)) == 2
    assert run_experiment(small, CsvStore(results)) == 4
    again = frame(read_rows(results))
    noisy = ["seconds", "cpu_seconds", "peak_mb", "extra_mb", "at"]
    pd.testing.assert_frame_equal(again.drop(columns=noisy), rows.drop(columns=noisy))


def test_rows_of_any_text_stay_one_line(tmp_path):
    path = tmp_path / "r.csv"
    append_row(
        path, {"dataset": "a", "reason": 'two\nlines, "quoted"', "seed": 1}, columns("links")
    )
    append_row(path, {"dataset": "b", "ignored": 3}, columns("links"))
    assert path.read_text().count("\n") == 3
    rows = read_rows(path)
    assert rows[0]["reason"] == 'two lines, "quoted"'
    assert [row["dataset"] for row in rows] == ["a", "b"]
    assert list(rows[0]) == columns("links")
    assert read_rows(tmp_path / "none.csv") == []


def test_the_table_shows_every_set_and_what_was_published(small, tmp_path):
    run_experiment(small, CsvStore(tmp_path / "small.csv"))
    text = table(small, read_rows(tmp_path / "small.csv"))
    for words in (
        "**Small** (2 seeds",
        "`karate`",
        "`les_miserables`",
        "| louvain |",
        "spectral(n_clusters=classes)",
        'Published: `{"source": "nobody"}`',
    ):
        assert words in text
    document = tmp_path / "doc.md"
    document.write_text("before\n<!-- table: small.toml -->\nold\n<!-- /table -->\nafter\n")
    filled = fill_tables(document)
    assert filled.startswith("before\n<!-- table: small.toml -->\n**Small**")
    assert filled.endswith("<!-- /table -->\nafter\n")
    assert "old" not in filled


def test_a_document_may_ask_for_one_score_over_all_sets(small, tmp_path):
    """In the experiment's order, whatever the order of the rows."""
    store = CsvStore(tmp_path / "small.csv")
    run_experiment(small, store)
    lines = (tmp_path / "small.csv").read_text().splitlines(keepends=True)
    document = tmp_path / "doc.md"
    document.write_text("<!-- matrix: small.toml modularity -->\nold\n<!-- /matrix -->\n")
    filled = fill_tables(document)
    assert "**Small**\n\n| method | protocol | karate | les_miserables |" in filled
    assert "modularity; the final result of every run" in filled
    (tmp_path / "small.csv").write_text("".join([lines[0], *reversed(lines[1:])]))
    assert fill_tables(document) == filled
    document.write_text("<!-- table: small.toml -->\n<!-- /table -->\n")
    first = fill_tables(document)
    (tmp_path / "small.csv").write_text("".join(lines))
    assert fill_tables(document) == first


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            'method = "louvain"',
            'method = "louvian"',
            "unknown method 'louvian'; did you mean louvain",
        ),
        ('n_clusters = "classes"', "clusters = 3", "spectral: unknown parameter 'clusters'"),
        ('n_clusters = "classes"', "n_clusters = 0", r"n_clusters must lie in \[1, ∞\], found 0"),
        ('title = "Small"', 'titel = "Small"', "unknown key 'titel'; did you mean title"),
        ("seeds = 2", "", "lacks seeds"),
        ("seeds = 2", 'seeds = 2\ntuned_on = ["kara"]', "data set in tuned_on 'kara'"),
        ("seeds = 2", 'seeds = 2\ntask = "best"', "unknown task 'best'; did you mean labels"),
        ("seeds = 2", "seeds = = 2", "is no TOML"),
        ("seeds = 2", "seeds = -2", r"seeds must lie in \[1, ∞\], found -2"),
        ("seeds = 2", "seeds = 2.5", "seeds must be int, found 2.5"),
        ("seeds = 2", "seeds = true", "seeds must be int, found True"),
        ("seeds = 2", "seeds = 2\ntime_limit = 0", "time_limit must lie in"),
        ('title = "Small"', "title = 3", "title must be str, found 3"),
        ('["karate", "les_miserables"]', '"karate"', "datasets must be list, found 'karate'"),
        ('["karate", "les_miserables"]', "[3]", r"datasets must list names, found \[3\]"),
        ('["karate", "les_miserables"]', '["karate", "karate"]', "each name once"),
        ('method = "louvain"', "method = 3", "method must be a name, found 3"),
        ('method = "louvain"', 'label = "x"', r"\[\[run\]\] lacks method"),
        ('method = "louvain"', 'method = "louvain"\nparams = 3', "params must be a table, found 3"),
        ('method = "louvain"', 'method = "louvain"\nseeds = 0', "louvain: seeds must lie in"),
        (
            'method = "louvain"',
            'method = "louvain"\nseeds_on = { karate = 0 }',
            "seeds_on must give karate",
        ),
        (
            'method = "louvain"',
            'method = "louvain"\nseeds_on = 3',
            "louvain: seeds_on must be dict",
        ),
        ('method = "louvain"', 'method = "louvain"\nseeds_on = { kara = 1 }', "set in seeds_on"),
        ('method = "louvain"', 'method = "louvain"\nseeds = 3', "louvain: seeds must be at most"),
        (
            'method = "louvain"',
            'method = "leiden"\nparams = { resolution = [1] }',
            r"several values go under \[run.grid\], found \[1\]",
        ),
        (
            'method = "louvain"',
            'method = "leiden"\nparams = { resolution = 1 }\ngrid = { resolution = [1] }',
            "leiden: resolution stands in params and in grid",
        ),
        ('method = "louvain"', 'method = "louvain"\nparams = { seed = 3 }', "seed is no parameter"),
        (
            'method = "louvain"',
            'method = "louvain"\ngrid = { k = [] }',
            "grid must list the values",
        ),
        (
            'method = "louvain"',
            'method = "louvain"\nseed = 3',
            "unknown key 'seed'; did you mean seeds",
        ),
        ('method = "louvain"', 'method = "louvain"\ngrid = { x = 3 }', "grid must list the values"),
        (
            'method = "louvain"',
            'method = "louvain"\n[[run]]\nmethod = "louvain"',
            "two runs are cal",
        ),
    ],
)
def test_wrong_files_are_refused(tmp_path, old, new, text):
    assert old in SMALL
    (tmp_path / "x.toml").write_text(SMALL.replace(old, new))
    with pytest.raises(GraphError, match=text):
        read_experiment(tmp_path / "x.toml")


def test_a_grid_is_a_run_for_each_combination(tmp_path):
    text = SMALL.replace(
        'method = "louvain"',
        'method = "leiden"\nseeds = 1\nparams = { n_iterations = 2 }\n'
        '[run.grid]\nresolution = [0.5, 1.0]\nobjective = ["modularity", "cpm"]',
    ).replace('method = "spectral"', 'method = "spectral"\nlabel = "k told"')
    (tmp_path / "x.toml").write_text(text)
    experiment = read_experiment(tmp_path / "x.toml")
    assert [run.label for run in experiment.runs] == [
        "leiden(n_iterations=2, resolution=0.5, objective=modularity)",
        "leiden(n_iterations=2, resolution=0.5, objective=cpm)",
        "leiden(n_iterations=2, resolution=1.0, objective=modularity)",
        "leiden(n_iterations=2, resolution=1.0, objective=cpm)",
        "k told",
    ]
    cells = plan(experiment)
    assert [cell.method.seed for cell in cells] == [0] * 4 + [0, 1] + [0] * 4
    part = restrict(experiment, seeds=1, datasets=["karate"])
    assert plan(part) == [cells[i] for i in (0, 1, 2, 3, 4)]
    with pytest.raises(ValueError, match="unknown data set of x 'karat'; did you mean karate"):
        restrict(experiment, datasets=["karat"])


def test_1_and_1_point_0_are_one_value(tmp_path):
    keys = []
    for value in ("1", "1.0"):
        text = SMALL.replace('"louvain"', f'"leiden"\nparams = {{ resolution = {value} }}')
        (tmp_path / "x.toml").write_text(text)
        keys.append([cell.key for cell in plan(read_experiment(tmp_path / "x.toml"))])
    assert keys[0] == keys[1]


def test_a_slow_set_may_have_fewer_seeds(tmp_path):
    few = 'method = "louvain"\nseeds_on = { les_miserables = 1 }'
    (tmp_path / "x.toml").write_text(SMALL.replace('method = "louvain"', few))
    experiment = read_experiment(tmp_path / "x.toml")
    cells = [(c.dataset, c.method.seed) for c in plan(experiment) if c.label == "louvain"]
    assert cells == [("karate", 0), ("karate", 1), ("les_miserables", 0)]
    assert run_experiment(experiment, CsvStore(tmp_path / "x.csv")) == 5
    assert len(exported_rows(experiment, tmp_path / "x.toml")) == 5
    more = replace(experiment, runs=[replace(run, seeds_on={}) for run in experiment.runs])
    assert run_experiment(more, CsvStore(tmp_path / "x.csv")) == 1
    assert len(exported_rows(experiment, tmp_path / "x.toml")) == 5, "of that set the first seed"


def test_a_cell_is_known_by_its_content_and_nothing_else(small, tmp_path):
    cells = plan(small)
    assert len({cell.key for cell in cells}) == len(cells)
    row, task = cells[0].row, "clustering"
    assert len(row["data"]) == 12, "karate's card has checksums"
    told = row | {"label": "another", "params": row["params"].replace(": ", ":"), "nmi": 0.5}
    assert cell_key(told, task) == cell_key({k: v for k, v in row.items() if k != "data"}, task)
    others = [{"dataset": "wine"}, {"data": "0" * 12}, {"method": "leiden"}, {"params": "{}"}]
    keys = [cell_key(row | other, task) for other in [{}, *others, {"seed": 1}]]
    assert len({*keys, cell_key(row, "oracle epoch")}) == 7
    (tmp_path / "e.csv").write_text("a,b\nb,c\n")
    before = cell_key({k: v for k, v in row.items() if k != "data"} | {"dataset": "e.csv"}, task)
    assert cell_key(row | {"dataset": str(tmp_path / "e.csv"), "data": ""}, task) != before


def test_one_cell_of_two_names_is_run_once(tmp_path):
    text = SMALL.replace('params = { n_clusters = "classes" }', "params = { n_clusters = 2 }")
    text += '[[run]]\nmethod = "spectral"\nlabel = "again"\nparams = { n_clusters = 2 }\n'
    (tmp_path / "x.toml").write_text(text.replace('[published]\nsource = "nobody"\n', ""))
    labels = [cell.label for cell in plan(read_experiment(tmp_path / "x.toml"))]
    assert labels == ["louvain"] * 2 + ["spectral(n_clusters=2)"] * 2 + labels[4:]
    assert "again" not in labels


def test_graph_classifiers_are_run_as_methods_are(tmp_path):
    rings = [nx.cycle_graph(n) for n in range(5, 15)]
    wheels = [nx.wheel_graph(n) for n in range(5, 15)]
    union = as_graph(nx.disjoint_union_all([*rings, *wheels]))
    degree = union.edge_index[0].bincount(minlength=union.num_nodes)
    union.node_label, union.graph_y = degree.clamp(max=3), torch.tensor([0] * 10 + [1] * 10)
    union.graph_id = torch.arange(20).repeat_interleave(torch.arange(5, 15).repeat(2))
    write_npz(union, tmp_path / "tiny.npz")
    text = f"""
        title = "Tiny"
        task = "graph classification"
        datasets = ["{(tmp_path / "tiny.npz").as_posix()}", "karate"]
        seeds = 2
        [[run]]
        method = "graph_classifier"
        params = {{ pool = "mincut", epochs = 30, rate = 0.01 }}
    """
    (tmp_path / "tiny.toml").write_text(text)
    experiment = read_experiment(tmp_path / "tiny.toml")
    assert run_experiment(experiment, CsvStore(tmp_path / "rows.csv")) == 2, "karate is one graph"
    rows = frame(read_rows(tmp_path / "rows.csv"), experiment.task)
    assert set(rows["status"]) == {"ok"}
    assert (rows["accuracy"] >= 0.75).all()
    assert "| method | accuracy | epochs |" in table(experiment, read_rows(tmp_path / "rows.csv"))
    (tmp_path / "tiny.toml").write_text(text.replace("graph_classifier", "leiden"))
    with pytest.raises(GraphError, match="unknown graph classifier 'leiden'"):
        read_experiment(tmp_path / "tiny.toml")
