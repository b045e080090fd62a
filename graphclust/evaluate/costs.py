"""What cells will cost, from the rows of earlier runs: for plans, and for the time that is left."""

import json
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphclust.base import Method
from graphclust.evaluate.cells import Cell
from graphclust.evaluate.estimate import (
    MIN_GRAPHS,
    SIZES,
    cost_terms,
    earlier_rows,
    fitted,
    kin,
)
from graphclust.evaluate.run import params_text

OVERHEAD = 0.5  # seconds that starting a process, loading the graph and scoring take
KEYS = ["dataset", "method", "params"]


class Expected(NamedTuple):
    """Seconds of a processor; `rough`: from too few graphs to tell how they grow."""

    seconds: float
    rough: bool


def expected_seconds(cells: list[Cell], rows: list[dict[str, Any]]) -> list[Expected | None]:
    """What each cell will take, by `rows` and those that are published.

    The median of the same method on the same set, where that was run with any seed; else a fit
    over the sizes of other graphs (`estimate`), of the method with its head, then of the method
    however set, then roughly; None where nothing is known. No more than the cell's limit.
    """
    known = _known(rows)
    same = known.groupby(KEYS)["seconds"].median().to_dict()
    of_method = dict(list(known.groupby("method")))
    fits: dict[Any, tuple[NDArray[np.float64], bool] | None] = {}

    def fitted_seconds(cell: Cell) -> Expected | None:
        key = (cell.method.name, kin(vars(cell.method)))
        if key not in fits:
            fits[key] = _weights(cell.method, of_method.get(cell.method.name, known[:0]))
        if (found := fits[key]) is None:
            return None
        weights, rough = found
        terms = cost_terms(cell.method, np.array([cell.size], float))
        return Expected(float((terms @ weights)[0]), rough)

    def expected(cell: Cell) -> Expected | None:
        seconds = same.get((cell.dataset, cell.method.name, params_text(cell.method)))
        found = None if seconds is None else Expected(seconds, rough=False)
        # a classifier of graphs says nothing of what its cost grows with
        if found is None and isinstance(cell.method, Method):
            found = fitted_seconds(cell)
        if found is None:
            return None
        return found._replace(seconds=min(found.seconds, cell.time_limit) + OVERHEAD)

    return [expected(cell) for cell in cells]


def _known(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Sizes and seconds of every good row."""
    numbers = [*SIZES, "cpu_seconds"]
    ours = pd.DataFrame([row for row in rows if row["status"] == "ok"], columns=[*KEYS, *numbers])
    ours = ours.assign(**{name: pd.to_numeric(ours[name]) for name in numbers})
    ours["seconds"] = np.maximum(ours["cpu_seconds"], 1e-4)
    parts = [part for part in (earlier_rows(), ours) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else ours


def _weights(method: Method, rows: pd.DataFrame) -> tuple[NDArray[np.float64], bool] | None:
    """Weights of `cost_terms`, and whether they are rough: the same for each node and arc."""
    if rows.empty:
        return None
    alike = np.array([kin(json.loads(text)) == kin(vars(method)) for text in rows["params"]], bool)
    for part in (rows[alike], rows):
        sizes, of_row = np.unique(part[list(SIZES)].to_numpy(float), axis=0, return_inverse=True)
        if len(sizes) >= MIN_GRAPHS:
            terms = cost_terms(method, sizes)[of_row.ravel()]
            return fitted(terms, part["seconds"].to_numpy(float), of_row.ravel()), False
    rate = (rows["seconds"] / (rows["nodes"] + rows["arcs"])).median()
    grows = np.arange(cost_terms(method, np.ones((1, 3))).shape[1])
    return np.where((grows == 1) | (grows == 2) & bool(method.kinds), rate, 0.0), True
