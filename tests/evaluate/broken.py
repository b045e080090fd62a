"""Methods that go wrong in every way; importable, so that a cell's process can find them."""

import os
import signal
import time
from dataclasses import dataclass
from typing import ClassVar

import numba
import numpy as np
import torch

from graphclust import Method
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Broken(Method):
    """Does what `how` says."""

    name: ClassVar = "broken"
    how: str = param("raise", "way to fail")

    def _fit(self, graph, trace):
        if self.how == "raise":
            raise RuntimeError("on\npurpose")
        if self.how == "memory":
            raise MemoryError("none left")
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "exit":
            os._exit(7)
        if self.how == "hang":
            time.sleep(600)
        if self.how == "eat":
            hoard = [np.ones(2_000_000) for _ in range(2000)]
            return {"labels": [len(hoard)] * graph.num_nodes}
        if self.how == "grow":  # 80 MB for a moment
            peak = np.ones(10_000_000).sum()
            return {"labels": [int(peak)] * graph.num_nodes}
        if self.how == "even":
            return {"labels": [self.seed % 2] * graph.num_nodes if self.seed % 2 else [0, 1] * 17}
        if self.how == "threads":  # as many clusters as torch and numba would use threads
            return {"labels": np.arange(graph.num_nodes) % self._threads()}
        raise AssertionError(self.how)

    def _threads(self):
        assert numba.get_num_threads() == torch.get_num_threads()
        return numba.get_num_threads()
