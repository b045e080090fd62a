"""A disk that fills, a folder that is read-only, a folder where a file should be: one sentence that
names the file and the cause, the old file as it was, no temporary left.

The disk is full in earnest: the system refuses to let any file of this process grow past a limit.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import networkx as nx
import pytest
from typer.testing import CliRunner

from graphclust import as_graph
from graphclust.cli import app
from graphclust.evaluate.experiment import read_experiment
from graphclust.evaluate.grid import run_experiment
from graphclust.evaluate.rows import append_row, columns, read_rows
from graphclust.evaluate.store import CsvStore, SqliteStore
from graphclust.graph.files import atomic, write_npz
from graphclust.graph.writers import LABEL_FORMATS, write_labels
from graphclust.methods import METHODS

resource = pytest.importorskip("resource")  # not on Windows
GRAPH = as_graph(nx.les_miserables_graph())
RESULT = METHODS["louvain"]().fit(GRAPH)
ROW, COLUMNS = {"dataset": "karate", "seed": 0}, columns("clustering")
WRITERS = {
    f"labels{suffix}": lambda path: write_labels(GRAPH, RESULT.labels, path)
    for suffix in LABEL_FORMATS
} | {
    "graph.npz": lambda path: write_npz(GRAPH, path),
    "result.npz": RESULT.save,
    "rows.csv": lambda path: append_row(path, ROW | {"reason": "why " * 5000}, COLUMNS),
}


@contextmanager
def full_disk(limit=64):
    """No file grows past `limit` bytes: what is written beyond is refused by the system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only_folder():
    """A folder that this process may read and not write, even where root runs it."""
    folder = Path(tempfile.mkdtemp())
    (folder / "there.csv").write_text("old\n")
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def needs_pyarrow(file):
    if file.endswith(".parquet"):
        pytest.importorskip("pyarrow")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("file", list(WRITERS))
def test_a_full_disk(tmp_path, file, there):
    needs_pyarrow(file)
    path = tmp_path / file
    old = "dataset,label,method,params,seed,status,reason\n"  # as a file of results begins
    if there:
        path.write_text(old)
    with full_disk(), pytest.raises(OSError, match="was not written: File too large") as error:
        WRITERS[file](path)
    assert str(error.value) == f"{path} was not written: File too large"
    assert os.listdir(tmp_path) == ([file] if there else [])
    if there:
        assert path.read_text() == old
    WRITERS[file](path)
    assert path.stat().st_size > 64


def test_a_row_that_finds_room_for_a_part_is_taken_back(tmp_path):
    path = tmp_path / "rows.csv"
    append_row(path, ROW, COLUMNS)
    whole = path.read_bytes()
    with open(path, "ab") as file:
        file.write(b"half a ro")  # of a killed writer
    with full_disk(len(whole) + 50), pytest.raises(OSError, match=r"rows\.csv was not written"):
        append_row(path, ROW | {"seed": 1, "reason": "why " * 20}, COLUMNS)
    assert path.read_bytes() == whole
    append_row(path, ROW | {"seed": 1}, COLUMNS)
    assert [row["seed"] for row in read_rows(path)] == ["0", "1"]


def test_a_store_keeps_the_rows_it_has(tmp_path):
    store = SqliteStore(tmp_path / "rows.sqlite")
    row = ROW | {"method": "louvain", "params": "{}", "status": "ok"}
    store.append(row, "clustering")
    with full_disk(store.path.stat().st_size), pytest.raises(OSError, match=r"rows\.sqlite: d"):
        store.append(row | {"seed": 1, "reason": "why " * 20_000}, "clustering")
    assert [found["seed"] for found in store.rows("clustering").values()] == [0]
    store.append(row | {"seed": 1}, "clustering")
    assert len(store.rows("clustering")) == 2
    with read_only_folder() as folder, pytest.raises(OSError, match="unable to open"):
        SqliteStore(folder / "rows.sqlite").append(row, "clustering")


@pytest.mark.parametrize("file", list(WRITERS))
def test_a_folder_that_is_read_only(file):
    needs_pyarrow(file)
    with read_only_folder() as folder:
        with pytest.raises(PermissionError, match=f"{file} was not written: Permission denied"):
            WRITERS[file](folder / file)
        assert os.listdir(folder) == ["there.csv"]


@pytest.mark.parametrize("file", list(WRITERS))
def test_a_folder_where_the_file_should_be(tmp_path, file):
    needs_pyarrow(file)
    (tmp_path / file).mkdir()
    with pytest.raises(IsADirectoryError, match=f"{file} (is a folder; name a file|was not writt)"):
        WRITERS[file](tmp_path / file)
    assert os.listdir(tmp_path) == [file]
    assert not os.listdir(tmp_path / file)


def test_names_as_long_as_the_file_system_takes(tmp_path):
    path = tmp_path / ("ä" * 125 + ".csv")
    with atomic(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


# --- the command line --------------------------------------------------------------------------


def failing(*words):
    """(standard output, the one line of the error) of a command that ends with code 2."""
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 2, result.output + result.stderr
    (line,) = result.stderr.strip().splitlines()
    return result.stdout, line.removeprefix("error: ")


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_cluster_on_a_full_disk_shows_the_result_all_the_same(tmp_path, suffix):
    path = tmp_path / f"labels{suffix}"
    path.write_text("old\n")
    with full_disk():
        shown, error = failing("cluster", "karate", "-o", str(path))
    assert error == f"{path} was not written: File too large"
    assert "4, of 12, 11, 6, 5 nodes" in shown
    assert "written" not in shown
    assert path.read_text() == "old\n"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("option", ["-o", "--rows"])
def test_compare_on_a_full_disk_shows_the_table_all_the_same(tmp_path, option):
    path = tmp_path / "table.csv"
    methods = "louvain,label_propagation,spectral"
    words = ("compare", "karate", "--methods", methods, "--seeds", "2", option, str(path))
    with full_disk(2800):  # the graph, which every run reads from a file, finds room
        shown, error = failing(*words)
    assert error == f"{path} was not written: File too large"
    assert "louvain" in shown
    assert not os.listdir(tmp_path)


def test_experiments_on_a_full_disk_keep_the_rows_they_have(tmp_path):
    toml, results = tmp_path / "small.toml", tmp_path / "small.csv"
    text = 'title = "Small"\ndatasets = ["karate"]\nseeds = {}\n[[run]]\nmethod = "louvain"\n'
    toml.write_text(text.format(1))
    run_experiment(read_experiment(toml), CsvStore(results))
    whole = results.read_bytes()
    toml.write_text(text.format(2))
    with full_disk(len(whole) + 50):
        _, error = failing("run", str(toml))
    assert error == f"{results} was not written: File too large"
    assert results.read_bytes() == whole
    assert run_experiment(read_experiment(toml), CsvStore(results)) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("cluster", "karate", "-o"),
        ("compare", "karate", "--methods", "louvain", "--seeds", "1", "-o"),
        ("compare", "karate", "--methods", "louvain", "--seeds", "1", "--rows"),
    ],
)
def test_an_output_that_cannot_be_is_refused(tmp_path, words):
    (tmp_path / "t.csv").mkdir()
    shown, error = failing(*words, str(tmp_path / "t.csv"))
    assert (shown, error) == ("", f"{tmp_path / 't.csv'} is a folder; name a file")


def test_cluster_into_a_folder_that_is_read_only(tmp_path):
    CliRunner().invoke(app, ["cluster", "karate", "-o", str(tmp_path / "all is imported.csv")])
    with read_only_folder() as folder:
        _, error = failing("cluster", "karate", "-o", str(folder / "t.csv"))
        assert re.search(f"{folder}.*(cannot be written to|was not written: Perm)", error)
        assert os.listdir(folder) == ["there.csv"]


def test_a_screen_that_cannot_be_written_to():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    script = (
        "import sys; sys.argv = ['graphclust', 'methods']; from graphclust.cli import main; main()"
    )
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.stderr == "error: No space left on device\n"
    assert ended.returncode == 2


def test_experiments_whose_results_cannot_be_are_refused_before_any_runs(tmp_path):
    (tmp_path / "small.csv").mkdir()
    (tmp_path / "small.toml").write_text(
        'title = "Small"\ndatasets = ["karate"]\nseeds = 1\n[[run]]\nmethod = "louvain"\n'
    )
    shown, error = failing("run", str(tmp_path / "small.toml"))
    assert (shown, error) == ("", f"{tmp_path / 'small.csv'} is a folder; name a file")
