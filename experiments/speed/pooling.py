"""One pool forward and backward, beside the padded dense forms.

    python experiments/speed/pooling.py [SET …]

Batches of sixteen graphs, K = ⌊N_max / 2⌋, one thread, both forms in turn on the same partition,
processor milliseconds a batch (the least of five rounds), batches made ready included. The dense
forms: PyG's `dense_mincut_pool`; of TVGNN's loss the B × N × N × K differences of the authors'
code, left out where they would take more than 4 GB.
"""

import sys
import time

import numpy as np
import torch
from torch import Tensor
from torch_geometric.nn import dense_mincut_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

import graphclust as gc
from graphclust.classify import inputs
from graphclust.graph.sets import GraphSet, graph_set
from graphclust.nn.pooling import MinCutPool, TVPool

SETS = ("bench_easy_small", "tu_enzymes", "tu_proteins")
ROUNDS, WIDTH = 5, 32


def tv_dense(s: Tensor, x: Tensor, a: Tensor, mask: Tensor) -> Tensor:
    """As published: S of padded rows is 0, and they are ranked with the others."""
    s = s * mask[:, :, None]
    n, k = s.shape[1:]
    cut = (a[..., None] * (s[:, :, None] - s[:, None]).abs()).sum(dim=(1, 2, 3))
    cut = cut / (2 * a.sum(dim=(1, 2)))
    apart = s - s.sort(dim=1, descending=True).values[:, n // k][:, None]
    size = torch.where(apart >= 0, (k - 1) * apart, -apart).sum(dim=(1, 2))
    uneven = 1 - size / (n * (k - 1))
    return (s.mT @ x).sum() + (s.mT @ a @ s).sum() + (cut + uneven).mean() / 2


def mincut_dense(s: Tensor, x: Tensor, a: Tensor, mask: Tensor) -> Tensor:
    rows, adjacency, cut, apart = dense_mincut_pool(x, a, s.clamp(min=1e-30).log(), mask)
    return rows.sum() + adjacency.sum() + cut + apart


def ours(pool: TVPool | MinCutPool, batch: GraphSet, logits: Tensor, x: Tensor) -> None:
    _, graphs = inputs(batch, "cpu")
    found = pool.pool(logits.softmax(dim=1), x, graphs)
    (found.x.sum() + found.graphs.adjacency.sum() + found.terms["loss"]).backward()


def dense(form, batch: GraphSet, logits: Tensor, x: Tensor) -> None:
    belongs = torch.arange(len(batch)).repeat_interleave(torch.from_numpy(batch.sizes))
    s, mask = to_dense_batch(logits.softmax(dim=1), belongs)
    rows, _ = to_dense_batch(x, belongs)
    form(s, rows, to_dense_adj(batch.union.edge_index, belongs), mask).backward()


def least(step, *given) -> float:
    taken = []
    for _ in range(ROUNDS):
        before = time.process_time()
        step(*given)
        taken.append(time.process_time() - before)
    return min(taken) * 1e3


def main(*names: str) -> None:
    torch.set_num_threads(1)
    for name in names or SETS:
        graphs = graph_set(gc.load(name))
        k = int(graphs.sizes.max()) // 2
        torch.manual_seed(0)
        batch = graphs.take(np.random.default_rng(0).permutation(len(graphs))[:16])
        n, largest = batch.union.num_nodes, int(batch.sizes.max())
        logits = torch.randn(n, k, requires_grad=True)
        x = torch.randn(n, WIDTH, requires_grad=True)
        print(f"{name}: {n} nodes, the largest graph {largest}, K = {k}")
        for title, pool, form in (("tv", TVPool, tv_dense), ("mincut", MinCutPool, mincut_dense)):
            new = pool(WIDTH, WIDTH, k)
            ours(new, batch, logits, x)  # compiles
            a = least(ours, new, batch, logits, x)
            if title == "tv" and 4 * 16 * largest**2 * k > 4e9 / 3:
                print(f"  {title}: {a:.1f} ms; the dense form would take too much memory")
                continue
            b = least(dense, form, batch, logits, x)
            print(f"  {title}: {a:.1f} ms, dense {b:.1f} ms: {b / a:.1f} times")


if __name__ == "__main__":
    main(*sys.argv[1:])
