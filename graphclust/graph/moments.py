"""Event times that are dates: a graph holds them as nanoseconds since 1970, in UTC.

Its attribute `dated` says so, and `moments_of` makes dates of them for who looks at the outcome.
"""

import numbers
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError

DATES = (date, np.datetime64)  # a datetime and pandas' Timestamp are dates as well


def are_dates(values: NDArray[Any]) -> bool:
    """Is the first of these a date, or text that is one by ISO 8601 and is no number?"""
    first = values.flat[0] if values.size else None
    if isinstance(first, str):
        number = pd.notna(pd.to_numeric(first, errors="coerce"))
        return not number and bool(parsed(values.ravel()[:1]).notna()[0])
    return values.dtype.kind == "M" or isinstance(first, DATES)


def parsed(values: NDArray[Any]) -> pd.DatetimeIndex:
    """(E,) dates in UTC, which those without a zone are in already; NaT for what is no date."""
    if values.dtype.kind != "M":
        values = np.array([_date(value) for value in values.ravel().tolist()], object)
    return pd.to_datetime(values.ravel(), format="ISO8601", utc=True, errors="coerce")


def _date(value: Any) -> Any:
    """None for what is surely no date: pandas takes "now" for one, and numbers for nanoseconds."""
    if isinstance(value, str):
        return text if (text := value.strip())[:1].isdecimal() else None
    return value if isinstance(value, DATES) else None


def nanoseconds(values: NDArray[Any]) -> NDArray[np.int64]:
    """Dates as whole numbers.

    Raises:
        GraphError: a value that is no date, or one outside the years 1678 to 2261.
    """
    found = parsed(values)
    if found.isna().any():
        at = int(np.flatnonzero(found.isna())[0])
        raise GraphError(
            "time must be a date (ISO 8601) for every edge, "
            f"found {str(values.ravel()[at])!r} at edge {at}"
        )
    try:
        return np.asarray(found.as_unit("ns").asi8)
    except pd.errors.OutOfBoundsDatetime:
        span = f"{found.min():%Y-%m-%d} to {found.max():%Y-%m-%d}"
        raise GraphError(f"dates must lie in the years 1678 to 2261, found {span}") from None


def number_of(graph: Data, moment: Any) -> Any:
    """A moment on the scale of the graph's times: nanoseconds of a date where these are dates.

    Raises:
        TypeError: a date where times are numbers.
        ValueError: text that is no date.
    """
    return as_number(moment, dated=is_dated(graph))


def as_number(moment: Any, *, dated: bool) -> Any:
    """As `number_of`; whole numbers are nanoseconds already."""
    if not isinstance(moment, (str, *DATES)):
        return moment
    if not dated:
        raise TypeError(f"the times of these events are numbers, found {moment!r}")
    found = parsed(np.array([moment], object))
    if found.isna()[0]:
        raise ValueError(f"a moment must be a date (ISO 8601), found {moment!r}")
    return int(found.as_unit("ns").asi8[0])


def length_of_time(graph: Data, span: Any) -> Any:
    """A length of time on the scale of the graph's times; a number is on it already.

    Raises:
        TypeError: text such as "7 days", or a timedelta, where times are numbers.
        ValueError: what is no length of time, or one of more than 292 years.
    """
    if isinstance(span, numbers.Real) and not isinstance(span, np.timedelta64):
        return span.item() if isinstance(span, np.generic) else span
    if not is_dated(graph):
        raise TypeError(f"the times of these events are numbers, found {span!r}")
    try:
        found = pd.Timedelta(span)
        if found is pd.NaT or (isinstance(span, str) and not any(map(str.isalpha, span))):
            raise ValueError
        return found.as_unit("ns").value
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            'a length of time must be one such as "7 days" or "12h", of 292 years at most, '
            f"found {span!r}"
        ) from None


def is_dated(graph: Data) -> bool:
    """Were the event times given as dates?"""
    return bool(graph.get("dated"))


def moments_of(graph: Data, moments: Any) -> NDArray[Any]:
    """Moments of the graph as they were given: numbers, or datetime64 in UTC where it is dated."""
    found = np.asarray(moments)
    return found.astype("datetime64[ns]") if is_dated(graph) else found


def plain_times(graph: Data) -> list[Any]:
    """The event times as numbers, or as text (ISO 8601, UTC) where they are dates."""
    if not is_dated(graph):
        return graph.t.tolist()
    return [f"{text}Z" for text in np.datetime_as_string(moments_of(graph, graph.t)).tolist()]
