"""What will a run take? Time and memory of a method on a graph, from the rows of earlier runs.

Over the rows of a method, seconds and extra megabytes are fitted by non-negative weights of 1, N
(nodes), and of what the method reads: A (arcs), X (feature values), N² where its memory grows so.
The relative error is what is made small, so that small graphs count as much as large ones.
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
from scipy.optimize import nnls
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.graph.errors import GraphError
from graphclust.graph.features import n_values
from graphclust.graph.files import shared_folder
from graphclust.heads import as_head

SIZES = ("nodes", "arcs", "x_values")
MIN_GRAPHS = 3  # sizes that a fit needs


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Expected cost of `fit`, beside what the libraries and the graph take.

    Attributes:
        seconds, megabytes: as expected.
        factor: how far, as a ratio, the seconds of an earlier run were off the same formula.
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
            f"{low:.2g} to {high:.2g} s, and {self.megabytes:,.0f} MB beside libraries and graph "
            f"({self.available:,.0f} MB are free); from {self.runs} runs on {self.graphs} graphs"
        )
        if self.beyond > 1:
            text += f", of which the largest is {self.beyond:.2g} times smaller than this one"
        return text


def estimate(method: Method, graph: Data) -> Estimate | None:
    """Expected cost of `method.fit(graph)`; None where there are too few rows of earlier runs.

    Rows count whose method has the same head, and the same parameters left None (a fixed number of
    clusters costs more than a free one).
    """
    rows = _rows()
    rows = rows[rows["method"] == method.name]
    alike = [_kin(json.loads(text)) == _kin(vars(method)) for text in rows["params"]]
    rows = rows[np.array(alike, bool)]
    if len(rows[list(SIZES)].drop_duplicates()) < MIN_GRAPHS:
        return None
    known = rows[list(SIZES)].to_numpy(float)
    new = np.array(sizes(graph), float)
    terms, term = _terms(method, known), _terms(method, new[None])
    weights = [_fit(terms, rows[column].to_numpy(float)) for column in ("seconds", "mb")]
    seconds, megabytes = (float((term @ w)[0]) for w in weights)
    off = terms @ weights[0] / rows["seconds"].to_numpy(float)
    return Estimate(
        seconds=seconds,
        megabytes=megabytes,
        factor=float(np.exp(np.quantile(np.abs(np.log(off)), 0.95))),
        runs=len(rows),
        graphs=len(np.unique(known, axis=0)),
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


def _kin(params: dict[str, object]) -> tuple[set[str], str]:
    """What parameters must have in common for their costs to be: those left None, and the head."""
    head = str(params.get("head", "")).partition(":")[0]
    return {name for name, value in params.items() if value is None}, head


@cache
def _rows() -> pd.DataFrame:
    """The good rows of every results file at hand that say how large their graph was."""
    folder = shared_folder("results", "*.csv")
    files = sorted(folder.glob("*.csv")) if folder else []
    columns = ["method", "params", "status", *SIZES, "seconds", "extra_mb"]
    tables = [pd.read_csv(path, usecols=lambda name: name in columns) for path in files]
    whole = [table for table in tables if set(columns) <= set(table.columns)]
    if not whole:
        return pd.DataFrame(columns=[*columns, "mb"])
    rows = pd.concat(whole, ignore_index=True)
    rows = rows[rows["status"] == "ok"]
    # a page more or less is noise: what a run takes is told in whole megabytes
    return rows.assign(mb=np.maximum(rows["extra_mb"], 1.0))


def _terms(method: Method, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R, T): for each row of sizes what its cost may grow with."""
    n, arcs, values = known.T
    columns = [np.ones(len(known)), n]
    columns += [arcs] * bool(method.kinds) + [values] * ("x" in method.needs)
    squared = method.max_nodes or (as_head(method.head).max_rows if hasattr(method, "head") else 0)
    return np.stack([*columns, *[n**2] * bool(squared)], axis=1)


def _fit(terms: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative weights w with terms·w / cost near 1."""
    relative = terms / cost[:, None]
    scale = np.maximum(np.linalg.norm(relative, axis=0), 1e-300)  # a term may be 0 throughout
    return np.asarray(nnls(relative / scale, np.ones(len(cost)))[0] / scale)
