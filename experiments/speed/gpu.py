"""Sums over edges on a GPU, beside those of torch and PyG: milliseconds, memory, bytes a second.

    python experiments/speed/gpu.py [--edges E …] [--widths F …] [--save]

The table of `kernels.py` on CUDA, where `ours` are the programs of Triton (the first round compiles
them, and is not counted). Needs a CUDA device and PyTorch built for it. `--save` writes `gpu.csv`
and `gpu.png` beside this file.
"""

import sys

import numpy as np
import torch
from kernels import Cpu, arguments, table


class Gpu(Cpu):
    """Seconds after all work that was asked for is done; memory as torch's allocator counts it."""

    def now(self) -> np.ndarray:
        torch.cuda.synchronize()
        return super().now()

    def reset(self) -> int:
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()

    def peak(self) -> int:
        return torch.cuda.max_memory_allocated()


def main() -> None:
    options = arguments(__doc__.splitlines()[0]).parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device")
    options.threads = [torch.get_num_threads()]
    table(options, "cuda", Gpu(), "gpu")


if __name__ == "__main__":
    main()
