"""What makes runs alike: random states and thread counts, set for a while; signs."""

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

_GLOBAL_STATES = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's global generators, and restore the caller's states after.

    Libraries draw from these (igraph from Python's, many torch layers from torch's), so this is
    what makes them repeatable without disturbing the caller. The states are the process's, so
    threads take turns.
    """
    with _GLOBAL_STATES:
        yield from _seeded(seed)


def _seeded(seed: int) -> Iterator[None]:
    python, cpu = random.getstate(), torch.get_rng_state()
    numpy = np.random.get_state()  # noqa: NPY002
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - third-party code draws from it
        torch.manual_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run BLAS, OpenMP and torch on one thread: sums then round alike on any number of cores."""
    with _LIMITS.hold():
        yield


def fixed_signs(vectors: NDArray[Any]) -> NDArray[Any]:
    """(N, K) columns whose entry of largest size is positive; eigenvectors come with either."""
    peak = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[peak, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


class _Limits:
    """One limit for all who ask at the same time: the first sets it, the last puts it back."""

    def __init__(self) -> None:
        self._lock, self._holders, self._stack = threading.Lock(), 0, ExitStack()

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._stack.callback(torch.set_num_threads, torch.get_num_threads())
                torch.set_num_threads(1)
                self._stack.enter_context(threadpool_limits(limits=1))
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._stack.close()


_LIMITS = _Limits()
