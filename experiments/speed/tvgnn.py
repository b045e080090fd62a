"""What do the loss and the layer of TVGNN cost, beside the published forms of them?

    python experiments/speed/tvgnn.py [--data cora] [--edges 1000000] [--large]

1. The loss alone, forward and backward, on random memberships and the graph of `--data`: total
   variation by an N×N×K tensor and sorted columns, as published; by rows gathered for each entry of
   the edge index; ours.
2. The latter two with `--edges` undirected edges and seven columns.
3. The layer's message at width 512 on the same graph: the matrix I − δ L_Γ, as published; ours.
4. A training epoch with the published widths on the graph and features of `--data`: dense features,
   the matrix form and the gathered loss (the published modules, had their loss been sparse); ours.
5. With `--large`: peak memory and seconds of our loss and message as edges double.

Processor seconds on one thread, each the least of several; peak memory in processes of their own.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from fresh import HEAD, measure, milliseconds
from torch import Tensor, nn
from torch_geometric.data import Data

from graphclust import load, to_scipy
from graphclust.graph.synth import sbm
from graphclust.kernels.edges import Rows, variation_message
from graphclust.kernels.segments import Segments
from graphclust.methods.tvgnn import TVGNN
from graphclust.nn.cuts import asymmetric_norm, graph_variation
from graphclust.nn.graphs import SparseGraphs
from graphclust.nn.partition import Inputs

DELTA, EPS, WIDTH = 0.311, 1e-3, 512
CPU = torch.device("cpu")


def cubic_variation(s: Tensor, dense: Tensor) -> Tensor:
    """Σ_ij a_ij |s_i − s_j| over all pairs of nodes."""
    return (dense[:, :, None] * (s[None] - s[:, None]).abs()).sum() / 2


def gathered_variation(s: Tensor, graph: Rows) -> Tensor:
    """The same over entries of the edge index, whose rows are gathered."""
    return (
        graph.weight * (s[graph.pattern.row] - s[graph.pattern.member]).abs().sum(dim=1)
    ).sum() / 2


def sorted_norm(s: Tensor) -> Tensor:
    """L_AN with the quantile from sorted columns."""
    n, k = s.shape
    apart = s - s.sort(dim=0, descending=True).values[n // k]
    return 1 - torch.where(apart >= 0, (k - 1) * apart, -apart).sum() / (n * (k - 1))


def matrix_message(y: Tensor, graph: Rows) -> Tensor:
    """(I − δ L_Γ) Y, with L_Γ formed as a sparse matrix."""
    apart = (y[graph.pattern.row] - y[graph.pattern.member]).abs().sum(dim=1)
    gamma = graph.weight / apart.clamp(min=EPS)
    degree = torch.zeros(graph.n).index_add(0, graph.pattern.row, gamma)
    gathered = gamma[:, None] * y[graph.pattern.member]
    return (1 - DELTA * degree)[:, None] * y + DELTA * torch.zeros_like(y).index_add(
        0, graph.pattern.row, gathered
    )


def loss_table(graph: Data, k: int, cubic: bool) -> None:
    adjacency = to_scipy(graph).astype(np.float32)
    rows, total = Rows.of(adjacency, CPU, torch.float32), float(adjacency.sum())
    forms: dict[str, Callable[[Tensor], Tensor]] = {}
    if cubic:
        dense = torch.from_numpy(adjacency.toarray())
        forms["N×N×K, as published"] = lambda s: cubic_variation(s, dense) / total + sorted_norm(s)
    forms["gathered"] = lambda s: gathered_variation(s, rows) / total + sorted_norm(s)
    graphs = SparseGraphs(rows, Segments.alike(1, rows.n))
    forms["ours"] = lambda s: (graph_variation(s, graphs) + asymmetric_norm(s)).sum()
    s = torch.randn(graph.num_nodes, k, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    s.requires_grad_()
    print(f"\nloss, {graph.num_nodes:,} nodes, {len(rows.weight) // 2:,} edges, K = {k}")
    compare({name: lambda form=form: form(s).backward() for name, form in forms.items()})


def message_table(graph: Data) -> None:
    rows = Rows.of(to_scipy(graph).astype(np.float32), CPU, torch.float32)
    y = torch.randn(graph.num_nodes, WIDTH, generator=torch.Generator().manual_seed(0))
    y.requires_grad_()
    print(f"\nmessage, {graph.num_nodes:,} nodes, {len(rows.weight) // 2:,} edges, width {WIDTH}")
    compare(
        {
            "matrix, as published": lambda: matrix_message(y, rows).sum().backward(),
            "ours": lambda: variation_message(y, rows, DELTA, EPS).sum().backward(),
        }
    )


class Published(nn.Module):
    """Two layers and a perceptron on dense features, messages by the matrix form."""

    def __init__(self, width: int, k: int) -> None:
        super().__init__()
        self.first = nn.Parameter(nn.init.kaiming_normal_(torch.empty(width, WIDTH)))
        self.second = nn.Parameter(nn.init.kaiming_normal_(torch.empty(WIDTH, WIDTH)))
        self.biases = nn.Parameter(torch.zeros(2, WIDTH))
        self.head = nn.Sequential(nn.Linear(WIDTH, WIDTH // 2), nn.ReLU(), nn.Linear(WIDTH // 2, k))

    def forward(self, x: Tensor, graph: Rows) -> Tensor:
        z = F.elu(matrix_message(x @ self.first, graph) + self.biases[0])
        z = F.elu(matrix_message(z @ self.second, graph) + self.biases[1])
        return self.head(z).softmax(dim=1)


def epoch_table(graph: Data, k: int) -> None:
    inputs, method = Inputs(graph, CPU), TVGNN(n_clusters=k)
    x, rows = inputs.x.tensor().to_dense(), inputs.graphs.rows
    total = float(rows.weight.sum())
    torch.manual_seed(0)
    theirs, ours = Published(x.shape[1], k), method._network(inputs, 0)

    def published() -> Tensor:
        s = theirs(x, rows)
        cut = gathered_variation(s, rows) / total
        return method.variation * cut + method.balance * sorted_norm(s)

    def present() -> Tensor:
        return method._objective(ours(inputs).softmax(dim=1), inputs)["loss"]

    print(f"\ntraining epoch, {graph.num_nodes:,} nodes, {x.shape[1]:,} features")
    compare(
        {
            "published modules, gathered loss": stepped(theirs, published, fused=False),
            "ours": stepped(ours, present, fused=True),
        }
    )


def stepped(model: nn.Module, loss: Callable[[], Tensor], fused: bool) -> Callable[[], None]:
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)

    def step() -> None:
        adam.zero_grad()
        loss().backward()
        adam.step()

    return step


def compare(runs: dict[str, Callable[[], object]]) -> None:
    print(f"{'':42}        ms    ours is faster")
    took = {name: milliseconds(run) for name, run in runs.items()}
    for name, time in took.items():
        print(f"{name:42}{time:10.2f}{time / took['ours']:15.1f} times", flush=True)


SETUP = """
import sys
import numpy as np
import torch
from graphclust import to_scipy
from graphclust.graph.synth import sbm
from graphclust.kernels.edges import Rows, variation_message
from graphclust.kernels.segments import Segments
from graphclust.nn.cuts import asymmetric_norm, graph_variation
from graphclust.nn.graphs import SparseGraphs
n = {edges} // 10
adjacency = to_scipy(sbm(n, 10, 100 / n, 100 / 9 / n, seed=0)).astype(np.float32)
rows = Rows.of(adjacency, torch.device("cpu"), torch.float32)
graphs = SparseGraphs(rows, Segments.alike(1, n))
y = torch.randn(n, 64, requires_grad=True)
"""
CODE = """
s = variation_message(y, rows, .311, 1e-3)[:, :10].softmax(dim=1)
(graph_variation(s, graphs) + asymmetric_norm(s)).sum().backward()
"""


def large_table(edges: int) -> None:
    print(f"\nmessage of width 64 and loss of K = 10, forward and backward; edges {HEAD}")
    for size in (edges, 2 * edges, 4 * edges):
        line = measure(CODE, SETUP.format(edges=size), "len(rows.weight) // 2", threads=1)
        print(f"{size:12,}{line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="cora")
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.large:
        large_table(options.edges)
        return
    graph = load(options.data)
    k = int(graph.y.max()) + 1
    loss_table(graph, k, cubic=True)
    n = options.edges // 10
    loss_table(sbm(n, 10, 100 / n, 100 / 9 / n, seed=0), 7, cubic=False)
    message_table(graph)
    epoch_table(graph, k)


if __name__ == "__main__":
    main()
