"""The wheel alone: built, installed beside the dependencies, used away from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from graphclust.cards import card_folder, cards

ROOT = Path(__file__).parents[1]


def backend_is_here():
    """Is the setuptools that pyproject.toml asks for installed?"""
    try:
        return int(version("setuptools").split(".")[0]) >= 77
    except PackageNotFoundError:
        return False


def ended(*command, **options):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: a build leaves folders in its source, and finds those of earlier ones."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("graphclust", "datasets"):
        shutil.copytree(ROOT / name, folder / "source" / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    here = ["--no-build-isolation"] if backend_is_here() else []
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", *here, "-w", folder)
    built = ended(*pip, folder / "source")
    if not here and "No matching distribution found for setuptools" in built.stderr:
        pytest.skip("no build back-end within reach")
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def program(wheel):
    """A function that runs `graphclust` or `python` where only the wheel and the dependencies are.

    A .pth file makes this environment's packages importable, but not an editable graphclust: that
    hangs on a .pth file of its own, which is read in the environment's own folder only.
    """
    home = wheel.parent / "environment"
    assert ended(sys.executable, "-m", "venv", "--without-pip", home).returncode == 0
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "GRAPHCLUST_DATA")}
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "-q")
    installed = ended(*pip, "--no-deps", "--no-index", wheel, env=clean)
    assert installed.returncode == 0, installed.stderr
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(ended(scripts / "python", "-c", where, env=clean).stdout.strip())
    there = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "dependencies.pth").write_text("\n".join(there) + "\n")

    def run(name, *words):
        result = ended(scripts / name, *words, cwd=wheel.parent, env=clean | {"COLUMNS": "150"})
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


def test_it_carries_the_cards_and_the_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    inside = {Path(name).stem for name in names if "share/graphclust/datasets/" in name}
    assert inside == set(cards())
    assert card_folder() == ROOT / "datasets"
    assert "graphclust/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "experiments", "datasets"))]


def test_it_works_away_from_the_checkout(program, wheel):
    where = "import graphclust.cards as c; print(c.__file__); print(c.card_folder())"
    for path in program("python", "-c", where).splitlines():
        assert Path(path).is_relative_to(wheel.parent / "environment")
    listed = program("graphclust", "datasets")
    assert all(name in listed for name in ("karate", "digits", "cora"))
    table = program(
        *("graphclust", "compare", "wine", "--seeds", "1", "--methods", "leiden,kmeans", "-k", "3")
    )
    assert all(words in table for words in ("wine: undirected", "leiden(n_clusters=3)", "kmeans"))


@pytest.mark.parametrize("kind", ["--user", "--target"])
def test_cards_are_found_wherever_pip_puts_them(wheel, tmp_path, kind):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "code")
    (data,) = (tmp_path / "code").glob("*.data/data/share")
    share = (tmp_path if kind == "--user" else tmp_path / "code") / "share"
    shutil.move(data, share)
    paths = {"PYTHONPATH": str(tmp_path / "code"), "PYTHONUSERBASE": str(tmp_path)}
    code = "import graphclust.cards as c; print(c.card_folder())"
    found = ended(sys.executable, "-c", code, cwd=tmp_path, env=os.environ | paths)
    assert found.stdout.strip() == str(share / "graphclust" / "datasets"), found.stderr
