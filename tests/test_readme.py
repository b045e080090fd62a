"""The README keeps its word: its commands are those that are run, its Python runs."""

import re
from pathlib import Path

import pytest

from graphclust import METHODS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def test_continuous_integration_runs_the_test_command():
    command = next(block.strip() for block in blocks("sh") if "pytest" in block)
    assert (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1] == command


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    code = "\n".join(blocks("python"))
    monkeypatch.chdir(tmp_path)
    exec(code.replace('"cora"', '"karate"').replace("seeds=3", "seeds=1"), {})
    printed = capsys.readouterr().out
    assert "<Clustering: 77 nodes in" in printed
    assert "Napoleon" in printed
    assert "| leiden |" in printed
    assert printed.endswith("[1]\n"), "a wheel is told from a ring"


def test_every_method_is_named():
    for name in METHODS:
        assert f"`{name}`" in README


@pytest.mark.parametrize("path", re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", README))
def test_every_file_it_names_is_there(path):
    assert (ROOT / path).is_file()
