"""The process from which cells are forked, with slow imports already done.

This module imports nothing slow itself, so a program can start the server first and do its own
imports while the server does the same.
"""

import multiprocessing as mp
from functools import cache
from multiprocessing import forkserver
from typing import Any

PRELOADED = ("graphclust.evaluate.run", "leidenalg", "networkx", "sklearn.cluster")


@cache
def context() -> Any:
    """Fork from a prepared server, or start afresh where the system cannot fork."""
    if "forkserver" not in mp.get_all_start_methods():
        return mp.get_context("spawn")
    result = mp.get_context("forkserver")
    result.set_forkserver_preload(list(PRELOADED))
    return result


def start() -> None:
    """Start the server, where there is one; it gets ready in the background."""
    if context().get_start_method() == "forkserver":
        forkserver.ensure_running()
