"""What do the dense products of networks cost by `kernels.gemm`, beside torch's own?

    python experiments/speed/gemm.py

A layer of (N, F) rows and (H, F) weights, forward and with the gradients of both, in one process
and turn by turn. Processor milliseconds on one thread, each the least of several, of shapes met
before. Where torch's own products are used the ratios are about 1.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from fresh import milliseconds
from torch import Tensor

from graphclust.kernels import gemm

SHAPES = [  # N, F, H: layers of TVGNN and SCGC on the sizes of data sets
    (2708, 512, 512),
    (9298, 256, 512),
    (17716, 512, 512),
    (4057, 500, 2000),
]


def times(layer: Callable[..., Tensor], n: int, f: int, h: int) -> tuple[float, float]:
    """Milliseconds forward, and forward and back."""
    x, weight = torch.randn(n, f, requires_grad=True), torch.randn(h, f, requires_grad=True)
    c = torch.randn(n, h)
    with torch.no_grad():
        forward = milliseconds(lambda: layer(x, weight))
    both = milliseconds(lambda: torch.autograd.grad(layer(x, weight), (x, weight), c))
    return forward, both


def main() -> None:
    torch.set_num_threads(1)
    print("oneDNN" if gemm.ONEDNN else "torch's own products are used on this processor")
    print(
        "     N     F     H  torch ms  ours ms  ratio   with gradients:  torch ms  ours ms  ratio"
    )
    for n, f, h in SHAPES:
        theirs, ours = times(F.linear, n, f, h), times(gemm.linear, n, f, h)
        row = [f"{a:9.2f} {b:8.2f}  {a / b:5.2f}" for a, b in zip(theirs, ours, strict=True)]
        print(f"{n:6}{f:6}{h:6} {row[0]}{'':18}{row[1]}")


if __name__ == "__main__":
    main()
