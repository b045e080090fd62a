"""Who runs cells: threads here, each of which waits for processes, or a Dask cluster."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from graphclust.evaluate import server
from graphclust.evaluate.cells import Cell
from graphclust.evaluate.run import end_running
from graphclust.graph.errors import GraphError

AHEAD = 2  # cells a thread of a cluster that are sent ahead of time
Pool = tuple[Callable[[Cell], Future[dict[str, Any]]], Callable[[], int]]


@contextmanager
def local(workers: int) -> Iterator[Pool]:
    """What takes a cell, to run so many at once, which share the cores; and how many that is.

    Ended early, it ends the cells that run.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = max(1, (cores or 1) // workers) if workers > 1 else None
    server.start()
    executor = ThreadPoolExecutor(workers)
    try:
        yield lambda cell: executor.submit(work, cell, threads), lambda: workers
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        rest = threading.Thread(target=executor.shutdown)
        rest.start()
        while rest.is_alive():  # a cell may be about to start
            end_running()
            rest.join(0.05)


@contextmanager
def dask(address: str) -> Iterator[Pool]:
    """As `local`, on the workers of a cluster, which load data sets by the names they have there.

    Raises:
        GraphError: `distributed` is not installed. OSError: nobody answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise GraphError("a cluster needs: pip install 'graphclust[distributed]'") from None
    with Client(address, timeout=30) as client, client.get_executor(pure=False) as executor:
        yield (
            lambda cell: executor.submit(work, cell),
            lambda: max(1, AHEAD * sum(client.nthreads().values())),
        )


def work(cell: Cell, threads: int | None = None) -> dict[str, Any]:
    """The cell's row; a worker of a cluster may be a process that Python lets have no children."""
    # whoever ends such a worker ends its cells too: they leave with their parent (`run`)
    multiprocessing.current_process()._config.pop("daemon", None)  # type: ignore[attr-defined]
    return cell.run(threads)
