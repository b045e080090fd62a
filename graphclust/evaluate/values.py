"""Which values of a parameter to try, and the method with each."""

import dataclasses
import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphclust.base import Method
from graphclust.methods import METHODS
from graphclust.params import Numeric, check, numeric, required


def with_values(
    method: str | type[Method] | Method,
    over: str,
    values: Iterable[float] | None,
    n: int,
    seed: int,
) -> list[Method]:
    """The method once for each value, the smallest first.

    Args:
        values: None: those of `grid`. n: nodes of the graph.

    Raises:
        ValueError, TypeError: no such method, parameter or value, or a method that reads no edges.
    """
    if isinstance(method, str):
        method = METHODS[method]
    cls = method if isinstance(method, type) else type(method)
    if not issubclass(cls, Method):
        raise TypeError(f"method must be a name, class or method, found {method!r}")
    if not cls.kinds:
        raise ValueError(f"{cls.name} reads no edges, so that samples of them tell nothing of it")
    if over == "seed":
        raise ValueError("over must not be seed: no seed is better than another")
    if values is not None:
        values = list(values) if isinstance(values, Iterable) else [values]
        if strange := [v for v in values if not isinstance(v, numbers.Real)]:
            raise TypeError(f"values must be numbers, found {strange[0]!r}")
    field = numeric(cls, over)
    tried = grid(over, field, n) if values is None else sorted(set(values))
    if not tried:
        raise ValueError("values must hold at least one number")
    if missing := [name for name in required(cls) if name != over and isinstance(method, type)]:
        raise ValueError(f"{cls.name} needs {', '.join(missing)}; give the method with parameters")
    given: dict[str, Any] = {over: tried[0]}
    first = method(**given) if isinstance(method, type) else method
    models = [dataclasses.replace(first, **{over: value}, seed=seed) for value in tried]
    for model in models:
        check(model)
    return models


def grid(over: str, field: Numeric, n: int) -> list[float]:
    """Values to try: of `n_clusters` up to 50 (and N/5), else a range that is closed on both sides,
    or from a tenth of the default to ten times it (a quarter to four times a whole number).

    Raises:
        ValueError: nothing to start from.
    """
    if over == "n_clusters":
        return _rounded(np.geomspace(2, max(2, min(50, n // 5)), 16))
    low = -math.inf if field.low is None else field.low
    high = math.inf if field.high is None else field.high
    if not field.whole and math.isfinite(low) and math.isfinite(high):
        return [round(float(value), 4) for value in np.linspace(low, high, 11)]
    if field.default is None or field.default <= 0:
        raise ValueError(f"{over} has no default above 0 to start from; give values")
    if field.whole:
        around = np.geomspace(field.default / 4, field.default * 4, 9)
        return _rounded(np.clip(around, max(low, 1), high))
    around = np.geomspace(field.default / 10, field.default * 10, 13)
    return sorted({float(f"{value:.3g}") for value in np.clip(around, low, high)})


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return sorted({int(value) for value in np.round(values)})
