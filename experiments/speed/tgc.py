"""What does an epoch of TGC cost, beside the published way to run it?

    python experiments/speed/tgc.py [--data NAME:K ...] [--large]

1. An epoch of TGC as published (D = 128, batches of 1024) run as its authors do, re-created here:
   a PyTorch `DataLoader` over a data set that looks up one sample at a time, the loss from gathered
   vectors, autograd into a gradient for all nodes, SGD. The equations are ours, so that the
   difference is that of the machinery. Then the same epoch by ours, and one of the corrected mode;
   and what it takes to begin, beside a table of 10⁸ negatives filled in a loop (one of 10⁶, times
   100).
2. With `--large`: seconds an epoch and peak memory as events grow to ten millions, in processes of
   their own.

Processor seconds on one thread.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from fresh import HEAD, measure
from torch.utils.data import DataLoader, Dataset
from torch_geometric.data import Data

from graphclust import load
from graphclust.graph.temporal import unit_times
from graphclust.methods.tgc import TGC, published_batch, published_temporal
from graphclust.nn.assign import kl_divergence, student_t, target_distribution
from graphclust.nn.descent import EventModel
from graphclust.nn.events import EventBatch, EventBatches

REPEATS = 3


class Samples(Dataset):
    """One sample at a time, from lists by node, as the published loader has it."""

    def __init__(self, graph: Data, history: int, negatives: int, table: np.ndarray) -> None:
        self.met: dict[int, list[tuple[int, float]]] = {}
        self.where: list[tuple[int, int]] = []
        self.history, self.negatives, self.table = history, negatives, table
        times = unit_times(graph)
        for (u, v), t in zip(graph.edge_index.T.tolist(), times.tolist(), strict=True):
            for a, b in ((u, v), (v, u)):
                self.where.append((a, len(self.met.setdefault(a, []))))
                self.met[a].append((b, t))

    def __len__(self) -> int:
        return len(self.where)

    def __getitem__(self, index: int) -> dict[str, Any]:
        source, place = self.where[index]
        target, now = self.met[source][place]
        past = self.met[source][max(0, place - self.history) : place]
        partners = np.zeros(self.history, np.int64)
        times, mask = np.zeros(self.history, np.float32), np.zeros(self.history, np.float32)
        partners[: len(past)] = [node for node, _ in past]
        times[: len(past)] = [t for _, t in past]
        mask[: len(past)] = 1
        negative = self.table[np.random.randint(0, len(self.table), self.negatives)]  # noqa: NPY002
        return {
            "rows": np.concatenate([[source], partners, [target], negative]),
            "age": np.float32(now) - times,
            "met": mask,
        }


def table_of(graph: Data, size: int) -> np.ndarray:
    """Negatives by degree^¾, filled entry by entry."""
    chance = np.bincount(graph.edge_index.numpy().ravel(), minlength=graph.num_nodes) ** 0.75
    ends = np.cumsum(chance / chance.sum())
    table, node = np.zeros(size), 0
    for i in range(size):
        if (i + 1) / size > ends[node] and node < graph.num_nodes - 1:
            node += 1
        table[i] = node
    return table.astype(np.int64)


def published(graph: Data, method: TGC, x: np.ndarray, table: np.ndarray) -> float:
    """One epoch; its mean loss."""
    samples = Samples(graph, method.history, method.negatives, table)
    loader = DataLoader(samples, batch_size=method.batch_size, shuffle=True)
    first = torch.from_numpy(x)
    z, delta = (torch.nn.Parameter(part) for part in (first.clone(), torch.ones(len(x))))
    centres = torch.nn.Parameter(EventModel(method, x, x, np.ones(len(x), np.float32)).centres)
    sgd = torch.optim.SGD([z, delta, centres], lr=method.rate)
    total = 0.0
    for part in loader:
        rows = part["rows"]
        batch = EventBatch(rows.numpy(), rows[:, 0], part["age"], part["met"], part["met"], None)
        vectors = z[rows]
        gramian = vectors @ vectors.transpose(1, 2)
        p = target_distribution(student_t(first[rows[:, 0]], centres.detach()))
        loss = (
            published_temporal(gramian, batch, delta[rows[:, 0]])
            + published_batch(gramian, batch)
            + kl_divergence(p, student_t(z[rows[:, 0]], centres))
        )
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        total += loss.item()
    return total / len(samples)


def ours(graph: Data, method: TGC, x: np.ndarray) -> tuple[float, float, float]:
    """Seconds to begin, seconds an epoch, its mean loss."""
    start = time.process_time()
    strict = method.mode == "corrected"
    sizes = {"history": method.history, "negatives": method.negatives}
    batches = EventBatches.of(graph, strict=strict, batch_size=method.batch_size, **sizes)
    model = EventModel(method, x.copy(), x, np.ones(len(x), np.float32))
    begun = time.process_time()
    model.new_target()
    total = sum(model.step(b)["loss"] for b in batches.epoch(np.random.default_rng(0)))
    return begun - start, time.process_time() - begun, total / len(batches)


def epochs(name: str, k: int) -> None:
    from graphclust.graph.build import symmetrise

    graph = symmetrise(load(name))
    shape = {"n_clusters": k, "walks": 2, "length": 20}
    method = TGC(mode="published", batch_weight=1.0, **shape)
    x = method._first_vectors(graph)
    print(f"\n{name}: {graph.num_nodes:,} nodes, {2 * len(graph.t):,} samples, K = {k}")
    begun = time.process_time()
    table = table_of(graph, 10**6)
    filled = time.process_time() - begun
    took = []
    for _ in range(REPEATS):
        begun = time.process_time()
        loss = published(graph, method, x, table)
        took.append(time.process_time() - begun)
    theirs = np.median(took)
    print(f"{'published loader':24}{theirs:8.2f} s an epoch, loss {loss:.4f}", flush=True)
    for mode in ("published", "corrected"):
        runs = np.array(
            [ours(graph, TGC(mode=mode, batch_weight=1.0, **shape), x) for _ in range(REPEATS)]
        )
        begin, epoch, loss = np.median(runs, axis=0)
        print(
            f"{'ours, ' + mode:24}{epoch:8.2f} s an epoch, loss {loss:.4f}, "
            f"{theirs / epoch:.1f} times; {begin:.2f} s to begin",
            flush=True,
        )
    print(f"a table of 10⁸ negatives: {100 * filled:.0f} s")


SETUP = """
import numpy as np
from graphclust.graph.synth import temporal_sbm
from graphclust.methods.tgc import TGC
from graphclust.nn.descent import EventModel
from graphclust.nn.events import EventBatches
events = {events}
graph = temporal_sbm(n=max(events // 20, 100), k=10, events=events)
n = graph.num_nodes
x = np.random.default_rng(0).standard_normal((n, 128), dtype=np.float32) / 8
method = TGC(n_clusters=10)
batches = EventBatches.of(graph, strict=True, history=1, negatives=2, batch_size=1024)
del graph
model = EventModel(method, x.copy(), x, np.ones(n, np.float32))
"""
EPOCH = """
model.new_target()
for batch in batches.epoch(np.random.default_rng(0)):
    model.step(batch)
"""


def growth() -> None:
    print(f"\none epoch, K = 10, N = E / 20; events {HEAD}")
    for events in (100_000, 1_000_000, 10_000_000):
        line = measure(EPOCH, SETUP.format(events=events), threads=1)
        print(f"{events:12,}{line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = ["temporal_sbm:n=12000,k=6,events=42000:6"]
    parser.add_argument("--data", nargs="*", default=default, help="NAME:K")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.large:
        growth()
        return
    for name in options.data:
        data, _, k = name.rpartition(":")
        epochs(data, int(k))


if __name__ == "__main__":
    main()
