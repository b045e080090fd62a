"""Imports point one way, and `import graphclust` stays light. The table below is the rule."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import graphclust

PACKAGE = Path(graphclust.__file__).parent
ORDER = [  # a room may import from rooms on lines above its own, and from its own
    {"params", "kernels"},
    {"registry"},
    {"graph"},
    {"published"},
    {"base", "results"},
    {"heads"},
    {"nn"},
    {"methods"},
    {"loaders", "cards", "classify"},
    {"evaluate", "auto"},
    {"report", "pictures", "charts", "bench_pictures", "bench_report"},
    {"terminal"},
    {"options"},
    {"commands"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "graphclust"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide the direction"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "graphclust"}


modules = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", modules, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_never_point_up(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports(path):
        if name == "graphclust.__version__":
            continue
        assert LEVEL[room_of(name)] <= LEVEL[room], f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "methods").glob("[a-z]*.py")), ids=lambda p: p.stem
)
def test_methods_import_no_sibling(path):
    assert not [name for name in imports(path) if name.startswith("graphclust.methods")]


def test_no_module_grows_past_what_a_reader_holds():
    long = {p.name: n for p in modules if (n := len(p.read_text().splitlines())) > 320}
    assert not long


def test_import_is_light():
    code = "import sys, graphclust; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"torch", "numpy", "pandas", "sklearn", "igraph", "networkx"} & set(loaded)


def test_help_is_light():
    code = (
        "import sys\nfrom graphclust.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: print('MODULES', *sorted(sys.modules))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert not {"torch", "numpy", "pandas"} & set(loaded.split("MODULES")[1].split())


def test_public_names_are_all_there():
    for name in graphclust.__all__:
        assert getattr(graphclust, name) is not None
    assert set(graphclust.__all__) <= set(dir(graphclust))
    with pytest.raises(AttributeError, match="no attribute 'leidn'"):
        getattr(graphclust, "leidn")  # noqa: B009
