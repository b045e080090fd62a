"""What cells will cost, from the rows of earlier runs: for plans, and for the time that is left."""

import json
from typing import Any

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


def expected_seconds(cells: list[Cell], rows: list[dict[str, Any]]) -> list[float | None]:
    """Seconds of a processor that each cell will take, by `rows` and those that are published.

    The median of the same method on the same set, where that was run with any seed; else a fit
    over the sizes of other graphs (`estimate`), of the method with its head, then of the method
    however set; None where there are too few. No more than the cell's limit.
    """
    known = _known(rows)
    same = known.groupby(KEYS)["seconds"].median().to_dict()
    of_method = dict(list(known.groupby("method")))
    fits: dict[Any, NDArray[np.float64] | None] = {}

    def fitted_seconds(method: Method, size: tuple[int, int, int], alike: Any) -> float | None:
        key = (method.name, alike)
        if key not in fits:
            fits[key] = _weights(method, of_method.get(method.name, known[:0]), alike)
        weights = fits[key]
        terms = cost_terms(method, np.array([size], float))
        return None if weights is None else float((terms @ weights)[0])

    def seconds(cell: Cell) -> float | None:
        found = same.get((cell.dataset, cell.method.name, params_text(cell.method)))
        # a classifier of graphs says nothing of what its cost grows with
        for alike in (kin(vars(cell.method)), None) if isinstance(cell.method, Method) else ():
            found = fitted_seconds(cell.method, cell.size, alike) if found is None else found
        return None if found is None else min(found, cell.time_limit) + OVERHEAD

    return [seconds(cell) for cell in cells]


def _known(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Sizes and seconds of every good row."""
    numbers = [*SIZES, "cpu_seconds"]
    ours = pd.DataFrame([row for row in rows if row["status"] == "ok"], columns=[*KEYS, *numbers])
    ours = ours.assign(**{name: pd.to_numeric(ours[name]) for name in numbers})
    ours["seconds"] = np.maximum(ours["cpu_seconds"], 1e-4)
    parts = [part for part in (earlier_rows(), ours) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else ours


def _weights(method: Method, rows: pd.DataFrame, alike: Any) -> NDArray[np.float64] | None:
    """The fit over the rows whose parameters are of this kin, or over all rows."""
    if alike is not None and len(rows):
        rows = rows[np.array([kin(json.loads(text)) == alike for text in rows["params"]], bool)]
    sizes, of_row = np.unique(rows[list(SIZES)].to_numpy(float), axis=0, return_inverse=True)
    if len(sizes) < MIN_GRAPHS:
        return None
    terms = cost_terms(method, sizes)[of_row.ravel()]
    return fitted(terms, rows["seconds"].to_numpy(float), of_row.ravel())
