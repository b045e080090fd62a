"""Kernels run on every back-end: `device` is where its tensors live while a test runs.

`interpreted` runs the programs of Triton on the processor and is skipped where Triton is not
installed or there is a GPU; `cuda`, on a real one, is marked `gpu`. TRITON_INTERPRET must be set
before the programs are imported, hence here.
"""

import importlib.util
import os

import pytest
import torch

from graphclust.kernels import backends

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

WAYS = ["compiled", "plain", "interpreted", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture(params=WAYS)
def device(request, monkeypatch):
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("there is no CUDA device")
        return torch.device("cuda")
    if request.param == "interpreted":
        if torch.cuda.is_available():
            pytest.skip("programs run on the GPU instead")
        if importlib.util.find_spec("triton") is None:
            pytest.skip("Triton is not installed: pip install 'graphclust[gpu]'")
    name = {"interpreted": "triton"}.get(request.param, request.param)
    module = importlib.import_module(f"graphclust.kernels.{name}")
    monkeypatch.setattr(backends, "of", lambda x: module)
    return torch.device("cpu")
