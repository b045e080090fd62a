"""Sums, maxima and differences over edges, each in several ways: ours, torch's and PyG's."""

import importlib.util
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.utils import scatter, segment

from graphclust.kernels.edges import Rows, total_variation
from graphclust.kernels.products import Constant, csr_tensor, dots, flow_sums, product
from graphclust.kernels.scatter import segment_max
from graphclust.kernels.segments import Segments

OURS, PLAIN = "ours", "ours, plain"
GATHERING = (PLAIN, "PyG scatter", "PyG segment", "torch-scatter")
Way = Callable[[], Tensor]


class Family(NamedTuple):
    """One result in several ways; `leaves` have gradients. `gathers` names the ways that hold E × F
    numbers."""

    name: str
    leaves: tuple[Tensor, ...]
    ways: dict[str, Way]
    gathers: set[str]


class Problem:
    """A graph, its weights and the rows of its nodes on a device, in the forms that all ask for."""

    def __init__(self, entries: int, width: int, device: str) -> None:
        matrix = skewed(entries // 10, entries // 2)
        self.n = matrix.shape[0]
        self.graph = Rows.of(matrix, torch.device(device), torch.float32)
        self.pattern = self.graph.pattern
        self.weight = self.graph.weight.clone().requires_grad_()
        self.x = torch.randn(self.n, width, generator=torch.Generator().manual_seed(0)).to(device)
        self.x.requires_grad_()
        self.one = Segments.alike(1, self.n, torch.device(device))
        self.index = torch.stack([self.pattern.row, self.pattern.member])
        self.edges = EdgeIndex(
            self.index, sparse_size=(self.n, self.n), sort_order="row"
        ).fill_cache_()
        parts = self.pattern.start, self.pattern.member, self.graph.weight, (self.n, self.n)
        self.csr = csr_tensor(*parts)
        self.pattern.order  # noqa: B018 - the transpose is made here, once
        self.constant = Constant(matrix, torch.device(device))


def skewed(n: int, edges: int) -> sp.csr_array:
    """Symmetric, with at most 2 · `edges` entries; the ends of edges crowd at low numbers."""
    rng = np.random.default_rng(0)
    u, v = (n * rng.random((2, edges)) ** 2).astype(np.int64)
    half = sp.coo_array((np.ones(edges, np.float32), (u, v)), shape=(n, n)).tocsr()
    half.data[:] = rng.random(len(half.data)) + 0.5
    half.setdiag(0)
    half.eliminate_zeros()
    return sp.csr_array(half + half.T).astype(np.float32)


def families(p: Problem) -> Iterator[Family]:
    row, col, pattern, weight, x = *p.index, p.pattern, p.weight.detach(), p.x
    start, full = pattern.start, (p.n, x.shape[1])

    def messages(w: Tensor = weight) -> Tensor:
        return w[:, None] * x[col]

    def gathered(reduce: str) -> dict[str, Way]:
        """PyG's ways of a sum or a maximum of gathered rows, and torch-scatter's."""
        rows = messages if reduce == "sum" else lambda: x[col]
        found: dict[str, Way] = {
            "PyG scatter": lambda: scatter(rows(), row, 0, p.n, reduce),
            "PyG segment": lambda: segment(rows(), start, reduce),
        }
        if importlib.util.find_spec("torch_scatter"):
            from torch_scatter import segment_csr

            found["torch-scatter"] = lambda: segment_csr(rows(), start, reduce=reduce)
        return found

    wide = row[:, None].expand(-1, x.shape[1])
    sums: dict[str, Way] = {
        OURS: lambda: p.constant @ x,
        "ours, any weights": lambda: product(pattern, weight, x),
        "PyG EdgeIndex.matmul": lambda: p.edges.matmul(x, weight),
        "torch CSR @": lambda: p.csr @ x,
        "gather + scatter_add": lambda: x.new_zeros(full).scatter_add(0, wide, messages()),
        "gather + index_add": lambda: x.new_zeros(full).index_add(0, row, messages()),
        PLAIN: lambda: product(pattern, weight, x),
    } | gathered("sum")
    yield Family(
        "sum", (x,), sums, {name for name in sums if "gather" in name or name in GATHERING}
    )

    both: dict[str, Way] = {
        OURS: lambda: product(pattern, p.weight, x),
        "gather + scatter_add": lambda: x.new_zeros(full).scatter_add(0, wide, messages(p.weight)),
    }
    yield Family("sum, weights too", (x, p.weight), both, {"gather + scatter_add"})

    largest: dict[str, Way] = {
        OURS: lambda: segment_max(x, pattern),
        "scatter_reduce amax": lambda: x.new_full(full, -torch.inf).scatter_reduce(
            0, wide, x[col], "amax"
        ),
        PLAIN: lambda: segment_max(x, pattern),
    } | gathered("max")
    yield Family("max", (x,), largest, set(largest) - {OURS})

    varied: dict[str, Way] = {
        OURS: lambda: total_variation(x, p.graph, p.one),
        "gather": lambda: ((weight * (x[row] - x[col]).abs().sum(1)).sum() / 2)[None],
    }
    yield Family("total variation", (x,), varied, {"gather"})

    pairs: dict[str, Way] = {
        OURS: lambda: dots(pattern, x, x),
        "gather": lambda: (x[row] * x[col]).sum(1),
    }
    yield Family("dots", (x,), pairs, {"gather"})

    flows: dict[str, Way] = {
        OURS: lambda: flow_sums(pattern, weight, x),
        "torch Pᵀ (CSR @ P)": lambda: x.T @ (p.csr @ x),
    }
    yield Family("flow", (x,), flows, set())
