"""Which back-end adds up what, what it holds meanwhile, and whether programs compile."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from graphclust.kernels import backends, compiled, plain
from graphclust.kernels.edges import Rows, total_variation, variation_message
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.products import dots, flow_sums, product
from graphclust.kernels.scatter import (
    segment_logsumexp,
    segment_max,
    segment_mean,
    segment_sum,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_processor_runs_what_is_compiled(dtype):
    assert backends.of(torch.zeros(2, dtype=dtype)) is compiled


def test_other_numbers_and_devices_fall_back_to_torch():
    assert backends.of(torch.zeros(2, dtype=torch.bfloat16)) is plain
    assert backends.of(torch.zeros(2, device="meta")) is plain
    x = torch.ones(3, 2, dtype=torch.bfloat16)
    pattern = Pattern(torch.tensor([0, 2]), torch.tensor([0, 2]), 3)
    assert segment_sum(x, pattern).tolist() == [[2, 2]]


@pytest.mark.parametrize("width", [0, 1, 5])
def test_the_plain_sums_of_cuda_are_those_of_others(width):
    pattern = Pattern(torch.tensor([0, 3, 3, 7]), torch.zeros(7, dtype=torch.int64), 1)
    values = torch.rand(7, width, dtype=torch.float64)
    assert torch.allclose(plain._in_turn(pattern, values), plain._added(pattern, values))


def test_torch_scatter_agrees():
    """It is not among the back-ends, as it gains nothing; a second opinion where it is there."""
    found = pytest.importorskip("torch_scatter")
    source = torch.Generator().manual_seed(0)
    labels = torch.randint(9, (200,), generator=source).sort().values
    x, groups = torch.randn(200, 3, generator=source), Pattern.by_label(labels, 9)
    for reduce, ours in (("sum", segment_sum), ("mean", segment_mean), ("max", segment_max)):
        theirs = found.segment_csr(x, groups.start, reduce=reduce)
        assert torch.allclose(ours(x, groups), theirs, atol=1e-5)


@pytest.mark.gpu
def test_a_gpu_runs_programs():
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    assert backends.of(torch.zeros(2, device="cuda")).__name__ == "graphclust.kernels.triton"


E, N, F = 400_000, 2_000, 64  # gathered rows are 102 MB, rows 0.5 MB
CASES = {
    "product": lambda g, p, x: product(p, g.weight, x),
    "product, weights too": lambda g, p, x: product(p, g.weight.clone().requires_grad_(), x),
    "dots": lambda g, p, x: dots(p, x, x),
    "flow": lambda g, p, x: flow_sums(p, g.weight, x),
    "mean": lambda g, p, x: segment_mean(x, p),
    "max": lambda g, p, x: segment_max(x, p),
    "logsumexp": lambda g, p, x: segment_logsumexp(x, p),
    "variation": lambda g, p, x: total_variation(
        x, g, Pattern(torch.tensor([0, N]), torch.arange(N), N)
    ),
    "message": lambda g, p, x: variation_message(x, g, 0.3, 1e-3),
}


@pytest.mark.parametrize("name", CASES)
def test_memory_does_not_grow_with_entries_times_columns(name):
    """Forward and backward, peaks of the process as Linux counts them."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("peaks of memory cannot be reset here")
    pattern = Pattern(torch.arange(N + 1) * (E // N), torch.randint(N, (E,)), N)
    graph = Rows(pattern, torch.rand(E))
    x = torch.randn(N, F, requires_grad=True)

    def run():
        out = CASES[name](graph, pattern, x)
        out.backward(torch.ones_like(out))

    run()
    Path("/proc/self/clear_refs").write_text("5")
    before = _megabytes("VmRSS")
    run()
    assert _megabytes("VmHWM") - before < 4 * E * F / 1e6 / 4


def _megabytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024 / 1e6


COMPILE = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from graphclust.kernels import programs
kinds = dict.fromkeys(("start", "member", "source", "target"), "*i64") | dict.fromkeys(
    ("width", "entries", "n", "k"), "i32") | {"place": "*i32", "value": "*fp64"}
constants = {"WEIGHTED": True, "SIGN": -1, "KIND": 2, "ROWS": 128, "ENTRIES": 16, "COLUMNS": 32}
names = "spmm largest largest_back logsumexp logsumexp_back pair_numbers variation message"
for name in (*names.split(), "message_back", "flow"):
    program = getattr(programs, name)
    for number in ("*fp32", "*fp64"):
        signature = {
            part: "constexpr" if part in constants else kinds.get(part, number)
            for part in program.arg_names
        }
        given = {(i,): constants[p] for i, p in enumerate(program.arg_names) if p in constants}
        source = ASTSource(fn=program, signature=signature, constexprs=given)
        made = compile(source, target=GPUTarget("cuda", 80, 32))
        assert made.asm["ptx"], name
print("all compiled")
"""


def test_programs_compile_for_a_gpu_without_one(tmp_path):
    """To the code of an Ampere card; what they compute is tested under the interpreter."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed: pip install 'graphclust[gpu]'")
    from os import environ

    kept = {key: value for key, value in environ.items() if key != "TRITON_INTERPRET"}
    kept["TRITON_CACHE_DIR"] = str(tmp_path)
    found = subprocess.check_output([sys.executable, "-W", "ignore", "-c", COMPILE], env=kept)
    assert found.decode().strip() == "all compiled"
