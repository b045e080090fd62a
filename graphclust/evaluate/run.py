"""One cell: method × graph × seed in a process of its own, so that its time and memory are its own
and nothing it does ends a comparison.

Cells are forked from a server that has the imports ready (where the system can fork), which keeps a
cell at milliseconds. Figures of a row:

- `seconds`: wall clock inside the method; `cpu_seconds`: processor time of all threads of `fit`
  (or `embed`, as the task asks);
- `peak_mb`: highest resident memory of the process during it; `extra_mb`: how far that is above
  what it held before, with libraries and graph loaded.
"""

import dataclasses
import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numba
import psutil
import torch
from threadpoolctl import threadpool_limits
from torch_geometric.data import Data

from graphclust import __version__
from graphclust.base import Method
from graphclust.evaluate.estimate import SIZES, sizes
from graphclust.evaluate.server import PRELOADED, context
from graphclust.evaluate.tasks import TASKS
from graphclust.graph.convert import as_graph
from graphclust.graph.files import write_npz
from graphclust.loaders import load

POLL = 0.05  # seconds between looks at a cell's memory
LEAVE = 1.0  # seconds that a cell has to put its locks away, once its row is there
MB = 1e6
_MAIN = threading.Lock()  # Python keeps one list of processes, whoever starts or joins them
_RUNNING: set[Any] = set()


def run_cell(
    method: Method,
    graph: Any,
    *,
    task: str = "clustering",
    time_limit: float | None = None,
    memory_limit: float | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Fit `method` to `graph` in a process of its own; always returns a row.

    Args:
        method: the method, its seed included.
        graph: anything `as_graph` takes, or a name or path for `graphclust.load`.
        task: what is asked of it and scored, a name in `evaluate.tasks`.
        time_limit: seconds until the process is ended.
        memory_limit: megabytes of resident memory above which the process is ended; libraries
            count, about 400 MB before anything is done.
        threads: that libraries may use; as many as they like if None.

    Returns:
        `method`, `params` (JSON), `seed`, `status` (ok, failed, crashed, time limit, memory limit),
        `reason`, `nodes`, `arcs`, `x_values`, the scores of the task (`evaluate.tasks.COLUMNS`),
        `seconds`, `cpu_seconds`, `peak_mb`, `extra_mb`, `warnings`, `versions` (JSON), `commit`,
        `cpu`.

    Raises:
        TypeError: the method's class lives in the running script.
    """
    check_importable(type(method))
    row = describe(method)
    with stored(graph) as source:
        return row | _in_process((method, source, task, threads), time_limit, memory_limit)


def check_importable(cls: type[Method]) -> None:
    """Refuse a class that another process could not find."""
    if cls.__module__ == "__main__":
        raise TypeError(
            f"{cls.__name__} is defined in the running script; put it in a module of its own, so "
            "that another process can import it"
        )


def describe(method: Method) -> dict[str, Any]:
    """The columns of a row that are known before it runs."""
    return {
        "method": method.name,
        "params": params_text(method),
        "seed": method.seed,
        "versions": _versions(),
        "commit": _commit(),
        "cpu": _cpu(),
    }


def params_text(method: Method) -> str:
    """The parameters without the seed, as JSON."""
    params = {k: v for k, v in dataclasses.asdict(method).items() if k != "seed"}
    return json.dumps(params, default=lambda number: number.item())


@contextmanager
def stored(graph: Any) -> Iterator[str]:
    """A name or path from which a cell can load the graph; graphs in memory go to a file."""
    if isinstance(graph, (str, os.PathLike)):
        yield os.path.abspath(graph) if os.path.exists(graph) else os.fspath(graph)
        return
    with tempfile.TemporaryDirectory(prefix="graphclust-") as folder:
        data = as_graph(graph)
        data.node_ids = None  # may be any Python object; scores do not need them
        path = Path(folder, "graph.npz")
        write_npz(data, path)
        yield str(path)


def _in_process(
    work: tuple[Method, str, str, int | None],
    time_limit: float | None,
    memory_limit: float | None,
) -> dict[str, Any]:
    server = context()
    ours, theirs = server.Pipe(duplex=False)
    process = server.Process(target=_work, args=(theirs, *work), daemon=True)
    with _MAIN, _no_main():
        process.start()
    _RUNNING.add(process)
    theirs.close()
    try:
        with suppress(EOFError, ConnectionResetError):
            for _ in ("libraries and graph are loaded", "the row is there"):
                start = time.monotonic()
                while not wait([ours, process.sentinel], timeout=POLL):
                    if time_limit is not None and time.monotonic() - start > time_limit:
                        return _ended("time limit", f"not done after {time_limit:g} s")
                    if memory_limit is not None and _resident(process.pid) > memory_limit:
                        return _ended("memory limit", f"took more than {memory_limit:g} MB")
                message = ours.recv()
                if message is not None:
                    row: dict[str, Any] = message
                    wait([process.sentinel], timeout=LEAVE)
                    if memory_limit is not None and row.get("peak_mb", 0.0) > memory_limit:
                        return _ended("memory limit", f"took more than {memory_limit:g} MB")
                    return row
        wait([process.sentinel])
        with _MAIN:
            process.join()
        return _ended("crashed", _exit_reason(process.exitcode))
    finally:
        process.kill()
        with _MAIN:
            process.join()
        _RUNNING.discard(process)
        ours.close()


def end_running() -> None:
    """End the cells that other threads of this program wait for, which then say `crashed`."""
    for process in tuple(_RUNNING):
        process.kill()


def _work(
    connection: Connection, method: Method, source: str, task: str, threads: int | None
) -> None:
    """What the cell's process does: one row of figures, or the reason why there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, with which it leaves
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    for module in PRELOADED:  # nothing to do where the server has done it
        import_module(module)
    if threads is not None:
        _limit_threads(threads)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            graph = load(source)
            connection.send(None)
            row = _measure(method, graph, task)
        row["warnings"] = "; ".join(dict.fromkeys(str(warning.message) for warning in caught))
    except MemoryError as error:
        row = _ended("failed", f"out of memory: {error}")
    except Exception as error:
        row = _ended("failed", f"{type(error).__name__}: {error}")
    connection.send(row)


def _limit_threads(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for libraries that are still to be loaded
    # first numba, which sets those of OpenMP, and so torch's, when it starts its own
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def _leave_with_parent() -> None:
    """A cell must not outlive the program that asked for it, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _measure(method: Method, graph: Data, task: str) -> dict[str, Any]:
    cost: dict[str, float] = {}

    def measured(step: Callable[[Data], Any], given: Data) -> Any:
        _reset_peak()
        before = _resident(os.getpid())
        cpu = time.process_time()
        result = step(given)
        cost["seconds"] = result.seconds
        cost["cpu_seconds"] = time.process_time() - cpu
        cost["peak_mb"] = _peak()
        cost["extra_mb"] = max(cost["peak_mb"] - before, 0.0)
        return result

    scores = TASKS[task](method, graph, measured)
    size = dict(zip(SIZES, sizes(graph), strict=True))
    return {"status": "ok", "reason": "", **size, **scores, **cost}


def _ended(status: str, reason: str) -> dict[str, Any]:
    return {"status": status, "reason": " ".join(reason.split())}


def _exit_reason(code: int | None) -> str:
    if code is not None and code < 0:
        cause = ", most likely for want of memory" if code == -9 else ""
        return f"the process was ended by signal {-code}{cause}"
    return f"the process ended with exit code {code}"


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide the caller's script: the new process would otherwise run it a second time."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _resident(pid: int | None) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / MB
    except psutil.NoSuchProcess:
        return 0.0


def _reset_peak() -> None:
    """Start the kernel's record of peak memory anew (Linux); elsewhere it covers the process."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / MB
    try:
        import resource
    except ImportError:  # Windows
        return float(psutil.Process().memory_info().peak_wset) / MB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB


@cache
def _versions() -> str:
    packages = ("numpy", "scipy", "scikit-learn", "torch", "torch-geometric", "igraph", "leidenalg")
    ours = {"python": platform.python_version(), "graphclust": __version__}
    return json.dumps(ours | {name: version(name) for name in packages})


@cache
def _cpu() -> str:
    """The processor's model, where the system tells it; else its architecture."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def _commit() -> str:
    """The commit of graphclust's own checkout, `+` if it has changes; "" when installed."""
    package = Path(__file__).resolve().parents[1]

    def git(*words: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(package), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != package.parent:
            return ""
        return git("rev-parse", "--short", "HEAD") + (
            "+" if git("status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
