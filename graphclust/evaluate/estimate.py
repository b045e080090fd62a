"""What will a run take? Time and memory of a method on a graph, from the rows of earlier runs.

Over the rows of a method, seconds and extra megabytes are fitted by positive weights of 1, N
(nodes), and of what the method reads: A (arcs), X (feature values), N² where its memory grows so.
The squared logarithm of estimate / truth is what is made small, and every graph counts once. How
far off an estimate may be is found by leaving out each graph in turn, as the graph at hand is left
out. Seconds are the processor's: the clock on the wall also tells how busy the machine was.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from numpy.typing import NDArray
from scipy.optimize import least_squares
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.graph.errors import GraphError
from graphclust.graph.features import n_values
from graphclust.graph.files import shared_folder
from graphclust.heads import as_head

Array = NDArray[np.float64]
SIZES = ("nodes", "arcs", "x_values")
MIN_GRAPHS = 3  # sizes that a fit needs


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Expected cost of `fit`, beside what the libraries and the graph take.

    Attributes:
        seconds: processor seconds, so those on the clock where one core works undisturbed.
        megabytes: as expected.
        factor: for 19 of 20 earlier runs, estimate and truth were within this ratio when their
            graph was left out.
        runs, graphs: how many earlier runs on how many graphs it rests on.
        beyond: how many times larger than the largest of those the graph is.
        available: megabytes that are free now.
    """

    seconds: float
    megabytes: float
    factor: float
    runs: int
    graphs: int
    beyond: float
    available: float

    @property
    def fits(self) -> bool:
        """Is the expected memory free?"""
        return self.megabytes <= self.available

    def __str__(self) -> str:
        low, high = self.seconds / self.factor, self.seconds * self.factor
        text = (
            f"{low:.2g} to {high:.2g} s of a processor, and {self.megabytes:,.0f} MB beside "
            f"libraries and graph ({self.available:,.0f} MB are free); from {self.runs} runs on "
            f"{self.graphs} graphs"
        )
        if self.beyond > 1:
            text += f", of which the largest is {self.beyond:.2g} times smaller than this one"
        return text


def estimate(method: Method, graph: Data) -> Estimate | None:
    """Expected cost of `method.fit(graph)`; None where there are too few rows of earlier runs.

    Rows count whose method has the same head, and the same parameters left None (a fixed number of
    clusters costs more than a free one).
    """
    rows = earlier_rows()
    rows = rows[rows["method"] == method.name]
    alike = [kin(json.loads(text)) == kin(vars(method)) for text in rows["params"]]
    rows = rows[np.array(alike, bool)]
    if len(rows[list(SIZES)].drop_duplicates()) < MIN_GRAPHS:
        return None
    known, which = np.unique(rows[list(SIZES)].to_numpy(float), axis=0, return_inverse=True)
    which = which.ravel()  # graph of each row
    new = np.array(sizes(graph), float)
    terms, term = cost_terms(method, known)[which], cost_terms(method, new[None])
    cost = {column: rows[column].to_numpy(float) for column in ("seconds", "mb")}
    seconds, megabytes = (float((term @ fitted(terms, c, which))[0]) for c in cost.values())
    off = _errors_left_out(terms, cost["seconds"], which)
    return Estimate(
        seconds=seconds,
        megabytes=megabytes,
        factor=float(np.exp(np.quantile(np.abs(off), 0.95))),
        runs=len(rows),
        graphs=len(known),
        beyond=float((term[0, 1:] / np.maximum(terms[:, 1:].max(axis=0), 1)).max()),
        available=available_mb(),
    )


def refuse_what_cannot_fit(method: Method, graph: Data) -> None:
    """Refuse a run that is expected to take more memory than there is.

    Raises:
        GraphError: with the expected and the free amount.
    """
    expected = estimate(method, graph)
    if expected is not None and not expected.fits:
        raise GraphError(
            f"{method.name} is expected to take {expected.megabytes:,.0f} MB here, and "
            f"{expected.available:,.0f} MB are free; force it, or take a smaller graph"
        )


def sizes(graph: Data) -> tuple[int, int, int]:
    """(N, A, X): nodes, arcs (an undirected edge counts twice) and stored feature values."""
    return int(graph.num_nodes), int(graph.edge_index.shape[1]), n_values(graph.x)


def available_mb() -> float:
    """Megabytes of memory that a process can still take, in a container those of the container."""
    free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no limit is told as "max"
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{x}").read_text()) for x in ("max", "current"))
        free = min(free, limit - used)
    return free / 1e6


def kin(params: dict[str, object]) -> tuple[frozenset[str], str]:
    """What parameters must have in common for their costs to be: those left None, and the head."""
    head = str(params.get("head", "")).partition(":")[0]
    return frozenset(name for name, value in params.items() if value is None), head


@cache
def earlier_rows() -> pd.DataFrame:
    """The good rows of every results file at hand that say how large their graph was."""
    folder = shared_folder("results", "*.csv")
    files = sorted(folder.glob("*.csv")) if folder else []
    columns = ["dataset", "method", "params", "status", *SIZES, "cpu_seconds", "extra_mb"]
    tables = [pd.read_csv(path, usecols=lambda name: name in columns) for path in files]
    whole = [table for table in tables if set(columns) <= set(table.columns)]
    if not whole:
        return pd.DataFrame(columns=[*columns, "seconds", "mb"])
    rows = pd.concat(whole, ignore_index=True)
    rows = rows[rows["status"] == "ok"]
    # a page more or less is noise: what a run takes is told in whole megabytes
    mb, seconds = np.maximum(rows["extra_mb"], 1.0), np.maximum(rows["cpu_seconds"], 1e-4)
    return rows.assign(mb=mb, seconds=seconds)


def cost_terms(method: Method, known: Array) -> Array:
    """(R, T): for each row of sizes what its cost may grow with."""
    n, arcs, values = known.T
    columns = [np.ones(len(known)), n]
    columns += [arcs] * bool(method.kinds) + [values] * ("x" in method.needs)
    squared = method.max_nodes or (as_head(method.head).max_rows if hasattr(method, "head") else 0)
    return np.stack([*columns, *[n**2] * bool(squared)], axis=1)


def fitted(terms: Array, cost: Array, which: NDArray[np.integer]) -> Array:
    """(T,) positive weights w with log(terms · w) near log(cost); row i is of graph `which[i]`."""
    scale = np.maximum(terms.max(axis=0), 1e-300)  # a term may be 0 throughout
    terms, once = terms / scale, 1 / np.sqrt(np.bincount(which)[which])

    def residuals(logs: Array) -> Array:
        return once * np.log(terms @ np.exp(logs) / cost)

    def slopes(logs: Array) -> Array:
        parts = terms * np.exp(logs)
        return once[:, None] * parts / parts.sum(axis=1, keepdims=True)

    start = np.full(terms.shape[1], np.log(np.median(cost) / terms.shape[1]))
    bounds = np.log(cost.min()) - 20, np.log(cost.max()) + 5  # below, a term no longer matters
    return np.exp(least_squares(residuals, start, jac=slopes, bounds=bounds).x) / scale


def _errors_left_out(terms: Array, cost: Array, which: NDArray[np.integer]) -> Array:
    """(R,) log(estimate / truth) of each row, estimated from the rows of the other graphs."""
    off = np.empty(len(cost))
    for graph in range(which.max() + 1):
        out = which == graph
        others = np.unique(which[~out], return_inverse=True)[1]
        off[out] = np.log(terms[out] @ fitted(terms[~out], cost[~out], others) / cost[out])
    return off
