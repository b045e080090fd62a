"""What does SCGC cost, beside the published dense form of it?

    python experiments/speed/scgc.py [--nodes N ...] [--large]

1. The contrastive loss alone, forward and backward, on random unit rows with the influence matrix
   of a sparse graph: dense N×N as published, exact in chunks, moments, blocks, meta-nodes.
2. A training epoch of the published encoder (500-500-2000-10, dense features): as published, two
   forward passes and the N×N loss; ours with moments, in float32 and bfloat16. The label scores
   that the authors' code computes in every epoch are left out. The encoder alone, a pass forward
   and backward, is what no loss can go below. Where pages cost much, fresh memory for N×N matrices
   is a third of the published form's time; MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ of
   some gigabytes keep the memory, and the ratios fall.
3. Peak memory of the loss at a number of nodes, each in a process of its own. The dense form at
   20,000 nodes takes about 16 GB: `--dense-nodes` runs it at fewer and scales by N².
4. With `--large`: seconds an epoch in batches of 4096 from ten thousand to a million nodes of mean
   degree 20, and peak memory. Features are read as rows, without joined neighbours.

Processor seconds on one thread throughout.
"""

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from fresh import HEAD, measure, milliseconds
from torch import Tensor, nn

from graphclust import to_scipy
from graphclust.graph.synth import sbm
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.sparse import influence
from graphclust.nn import contrast
from graphclust.nn.assign import kl_divergence, student_t, target_distribution
from graphclust.nn.mlp import MLP

TAU, K = 1.0, 4


def dense_contrast(z: Tensor, r: Tensor, tau: float) -> Tensor:
    """The loss by N×N matrices."""
    norm = z.square().sum(dim=1, keepdim=True).sqrt()
    similarity = (z @ z.T) * (norm @ norm.T) ** -1 * (1 - torch.eye(len(z)))
    kernel = torch.exp(tau * similarity)
    share = (kernel * r).sum(dim=1) * kernel.sum(dim=1) ** -1
    return -torch.log(share + 1e-8).mean()


def problem(n: int, dense: bool = True) -> tuple[contrast.Influence, Tensor | None]:
    """The influence matrix of a graph of mean degree 5, sparse and (if asked) dense."""
    r = influence(to_scipy(sbm(n, K, 16 / n, 4 / 3 / n)), 1)
    whole = torch.from_numpy(r.toarray()).float() if dense else None
    weight = torch.from_numpy(r.data).float()
    return contrast.Influence(torch.arange(n), Pattern.of(r), weight), whole


def losses(
    sparse: contrast.Influence, dense: Tensor | None
) -> dict[str, Callable[[Tensor], Tensor]]:
    n = len(sparse.anchors)
    nearest = torch.arange(n) % K

    def moment(z: Tensor, order: int) -> Tensor:
        u = contrast.unit(z)
        log_negatives = contrast.moment_negatives(u, TAU, order)
        return contrast.influence_contrast(z, sparse, log_negatives, TAU)

    def block(z: Tensor) -> Tensor:
        u = contrast.unit(z)
        log_negatives = contrast.block_negatives(u, TAU, nearest, K)
        return contrast.influence_contrast(z, sparse, log_negatives, TAU)

    def meta(z: Tensor) -> Tensor:
        positive = contrast.log_positives(contrast.unit(z), sparse, TAU)
        return contrast.meta_negatives(z, TAU, nearest, K).mean() - positive.mean()

    return {
        "dense, as published": lambda z: dense_contrast(z, dense, TAU),
        "exact, in chunks": lambda z: contrast.influence_contrast(
            z, sparse, contrast.exact_negatives(contrast.unit(z), TAU), TAU
        ),
        "moments, order 2": lambda z: moment(z, 2),
        "moments, order 3": lambda z: moment(z, 3),
        "moments, order 4": lambda z: moment(z, 4),
        "block": block,
        "meta": meta,
    }


def loss_table(n: int) -> None:
    print(f"\nloss alone, {n:,} nodes, forward and backward     ms    times as fast    value")
    z = torch.randn(n, 10, generator=torch.Generator().manual_seed(0), requires_grad=True)
    slow = 0.0
    for name, loss in losses(*problem(n)).items():
        took = milliseconds(lambda loss=loss: loss(z).backward())
        slow = slow or took
        print(f"{name:42}{took:10.1f}{slow / took:15.1f}{loss(z).item():12.5f}", flush=True)


def plain(widths: list[int]) -> nn.Module:
    """The encoder with torch's own layers."""
    layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def epoch_table(n: int, width: int) -> None:
    print(f"\nepoch, {n:,} nodes, {width} features                 ms    times as fast")
    sparse, dense = problem(n)
    x = torch.randn(n, width, generator=torch.Generator().manual_seed(0))
    slow = 0.0
    for name in (
        "as published", "moments", "moments, bfloat16", "encoder alone", "encoder alone, bfloat16"
    ):  # fmt: skip
        torch.manual_seed(0)
        widths = [width, 500, 500, 2000, 10]
        encoder: nn.Module = plain(widths)
        if name != "as published":
            encoder = MLP(widths, low="bfloat16" in name)
        centres = nn.Parameter(torch.randn(K, 10))
        parameters = [*encoder.parameters(), centres]
        adam = torch.optim.Adam(parameters, lr=1e-3, fused=name != "as published")

        def published(encoder: nn.Module = encoder, centres: Tensor = centres) -> Tensor:
            with torch.no_grad():  # the targets, from a pass of their own
                target = target_distribution(student_t(encoder(x), centres))
            z = encoder(x)
            q = student_t(z, centres)
            return dense_contrast(z, dense, TAU) + 0.1 * F.kl_div(
                q.log(), target, reduction="batchmean"
            )

        def ours(encoder: nn.Module = encoder, centres: Tensor = centres) -> Tensor:
            z = encoder(x)
            q, u = student_t(z, centres), contrast.unit(z)
            log_negatives = contrast.moment_negatives(u, TAU, 3)
            return contrast.influence_contrast(z, sparse, log_negatives, TAU) + 0.1 * kl_divergence(
                target_distribution(q), q
            )

        def alone(encoder: nn.Module = encoder) -> Tensor:
            return encoder(x).square().mean()

        kinds = {"as published": published, "moments": ours, "encoder alone": alone}
        chosen = kinds[name.partition(", ")[0]]

        def epoch(
            loss: Callable[[], Tensor] = chosen,
            adam: torch.optim.Adam = adam,
        ) -> None:
            adam.zero_grad()
            loss().backward()
            adam.step()

        took = milliseconds(epoch, seconds=5.0)
        slow = slow or took
        print(f"{name:42}{took:10.1f}{slow / took:15.1f}", flush=True)


MEMORY = """
import sys
sys.path.insert(0, {folder!r})
import torch
from scgc import losses, problem
loss = losses(*problem({n}, dense={dense}))[{name!r}]
z = torch.randn({n}, 10, requires_grad=True)
"""


def memory_table(n: int, dense_n: int) -> None:
    print(f"\npeak memory at {n:,} nodes, libraries left out (dense: {dense_n:,}, scaled)     GB")
    folder = str(Path(__file__).resolve().parent)
    base = _peak("pass", f"import sys; sys.path.insert(0, {folder!r}); import scgc")
    for name in ("dense, as published", "exact, in chunks", "moments, order 3"):
        dense = name.startswith("dense")
        nodes = dense_n if dense else n
        setup = MEMORY.format(folder=folder, n=nodes, dense=dense, name=name)
        took = (_peak("loss(z).backward()", setup) - base) * (n / nodes) ** 2
        print(f"{name:70}{took:8.3f}", flush=True)


def _peak(code: str, setup: str) -> float:
    return float(measure(code, setup, threads=1).split()[2])


LARGE = """
import numpy as np
import torch
from graphclust import METHODS, as_graph
from graphclust.graph.synth import dcsbm
from graphclust.evaluate.metrics import external
graph = dcsbm(n={n}, k=20, degree=20.6, mixing=0.3, exponent=3.0, seed=0)
rng, labels = np.random.default_rng(0), graph.y
x = rng.standard_normal((20, 128), dtype=np.float32)[labels.numpy()] * np.float32(0.5)
x += rng.standard_normal(x.shape, dtype=np.float32)
graph.x = as_graph(graph, x=x).x
del x
stamps = []
model = METHODS["scgc"](n_clusters=20, head="kmeans", features="rows", neighbours=0, patience=0,
                        batch_size=4096, positives=3, epochs={epochs})
"""
FIT = "found = model.fit(graph, trace=lambda e, **k: stamps.append(time.process_time()))"
SCORE = "f'{np.diff(stamps).min():9.1f} {external(found.labels, graph.y)[\"nmi\"]:9.3f}'"


def large_table(sizes: list[int]) -> None:
    print(f"\nbatches of 4096, nodes {HEAD}  s/epoch       nmi")
    epochs = []
    for n in sizes:
        line = measure(FIT, LARGE.format(n=n, epochs=3 if n >= 10**6 else 5), SCORE, threads=1)
        epochs.append(float(line.split()[3]))
        print(f"{n:22,}{line}", flush=True)
    if len(sizes) > 1:
        slope = np.polyfit(np.log(sizes), np.log(epochs), 1)[0]
        print(f"time of an epoch grows as N^{slope:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=4057)
    parser.add_argument("--dense-nodes", type=int, default=8000)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.large:
        large_table(options.sizes)
        return
    loss_table(options.nodes)
    epoch_table(options.nodes, 334)
    memory_table(20_000, options.dense_nodes)


if __name__ == "__main__":
    main()
