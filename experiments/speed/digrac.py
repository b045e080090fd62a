"""What does an epoch of DIGRAC cost, beside PyGSD's?

    python experiments/speed/digrac.py [--data NAME:K ...] [--large] [--sample]

1. A training epoch, with the published widths and the objective of volume sums and largest pairs,
   on the same features: PyGSD's modules (package torch-geometric-signed-directed, where it is
   installed) and ours, and the objectives of both at equal memberships.
2. With `--sample`: a directed block model of 5,000 nodes by networkx and by ours, and the flow
   features of a graph of 100,000 nodes and a million arcs.
3. With `--large`: seconds an epoch and peak memory as arcs grow to a million, in processes of their
   own.

Processor seconds on one thread, each the least of several.
"""

import argparse
import importlib.util
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from fresh import HEAD, measure, milliseconds
from torch import Tensor

from graphclust import load, to_scipy
from graphclust.graph.digraphs import dsbm, meta_graph
from graphclust.methods.digrac import DIGRAC, Flow, flow_features

PEER = "torch_geometric_signed_directed"
NAMES = [
    "dsbm:n=1000,k=3,p=0.02,ratio=1.5,eta=0.1:3",
    "telegram:4",
    "dsbm:n=1000,k=5,p=0.1,ratio=1.5,ambient=true,shape=complete,eta=0.1:5",
    "migration:10",
]


def epochs(name: str, k: int) -> None:
    graph = load(name)
    adjacency = to_scipy(graph).astype(np.float32)
    x = flow_features(adjacency, k)
    method = DIGRAC(n_clusters=k)
    flow = Flow(adjacency, x, method.loop, torch.device("cpu"))
    model = method._network(flow, 0)
    print(f"\n{name}: {graph.num_nodes:,} nodes, {adjacency.nnz:,} arcs, K = {k}")

    def ours() -> Tensor:
        return method._objective(model(flow).softmax(dim=1), flow)["loss"]

    mine = milliseconds(stepped(model, ours))
    print(f"{'ours':30}{mine:10.2f} ms an epoch", flush=True)
    if importlib.util.find_spec(PEER) is None:
        print(f"{PEER} is not installed")
        return
    theirs, loss = peer(adjacency, x, k, method)
    took = milliseconds(stepped(theirs.model, lambda: loss(theirs())))
    print(f"{'PyGSD':30}{took:10.2f} ms an epoch{took / mine:10.1f} times ours", flush=True)
    p = (10 * torch.from_numpy(x[:, :1]) * torch.randn(1, k)).softmax(dim=1)
    for form in ("vol_sum", "vol_max", "vol_min", "plain"):
        other = 1 - loss(p, form).item()
        value = replace(method, normalisation=form)._objective(p, flow)["imbalance"].item()
        print(f"imbalance by {form}: {value:.6f}, theirs {other:.6f}")


class peer:
    """PyGSD's network and loss on the same graph; iterating gives the two."""

    def __init__(self, adjacency: Any, x: np.ndarray, k: int, method: DIGRAC) -> None:
        from torch_geometric_signed_directed.nn import DIGRAC_node_clustering

        coo = adjacency.tocoo()
        self.index = torch.from_numpy(np.stack(coo.coords).astype(np.int64))
        self.weight, self.x = torch.from_numpy(coo.data), torch.from_numpy(x)
        self.arcs = torch.sparse_coo_tensor(self.index, self.weight, coo.shape).coalesce()
        self.k, self.pairs = k, min(k, k * (k - 1) // 2)
        self.model = DIGRAC_node_clustering(
            x.shape[1], method.hidden, k, method.loop, method.dropout, method.hops
        )

    def __call__(self) -> Tensor:
        return self.model(self.index, self.weight, self.x)[3]

    def __iter__(self) -> Any:
        from torch_geometric_signed_directed.utils import Prob_Imbalance_Loss

        loss = Prob_Imbalance_Loss(self.pairs)
        yield self
        yield lambda p, form="vol_sum": loss(p, self.arcs, self.k, form, "sort")


def stepped(model: torch.nn.Module, loss: Any) -> Any:
    adam = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=5e-4)

    def step() -> None:
        adam.zero_grad()
        loss().backward()
        adam.step()

    return step


def sampling() -> None:
    import networkx as nx

    f = meta_graph("cycle", 5, 0.1) * 0.01
    mine = milliseconds(lambda: dsbm(5000, 5, p=0.01))
    theirs = milliseconds(lambda: nx.stochastic_block_model([1000] * 5, f.tolist(), directed=True))
    print(f"\nblock model of 5,000 nodes: networkx {theirs:.0f} ms, ours {mine:.0f} ms, "
          f"{theirs / mine:.0f} times")  # fmt: skip
    graph = dsbm(100_000, 5, p=2e-4, eta=0.1)
    adjacency = to_scipy(graph)
    start = time.process_time()
    flow_features(adjacency, 5)
    print(f"flow features, 100,000 nodes, {adjacency.nnz:,} arcs: "
          f"{time.process_time() - start:.1f} s")  # fmt: skip


SETUP = """
import numpy as np, time, torch
from graphclust import to_scipy
from graphclust.graph.digraphs import dsbm
from graphclust.methods.digrac import DIGRAC, Flow
n = {arcs} // 10
adjacency = to_scipy(dsbm(n, 5, p=20 / n, eta=0.1)).astype(np.float32)
method = DIGRAC(n_clusters=5)
x = np.random.default_rng(0).standard_normal((n, 6)).astype(np.float32)
flow = Flow(adjacency, x, 0.5, torch.device("cpu"))
model = method._network(flow, 0)
adam = torch.optim.Adam(model.parameters(), lr=1e-2)
def step():
    adam.zero_grad()
    method._objective(model(flow).softmax(dim=1), flow)["loss"].backward()
    adam.step()
step()
"""


def growth() -> None:
    print(f"\nten epochs, K = 5; arcs {HEAD}")
    took = []
    sizes = (10_000, 100_000, 1_000_000)
    for arcs in sizes:
        line = measure("for _ in range(10): step()", SETUP.format(arcs=arcs), threads=1)
        took.append(float(line.split()[1]))
        print(f"{arcs:12,}{line}", flush=True)
    slope = np.polyfit(np.log(sizes[1:]), np.log(took[1:]), 1)[0]
    print(f"from 100,000 to a million, time grows as E^{slope:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="*", default=NAMES, help="NAME:K")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--sample", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.large:
        growth()
    elif options.sample:
        sampling()
    else:
        for name in options.data:
            data, _, k = name.rpartition(":")
            epochs(data, int(k))


if __name__ == "__main__":
    main()
