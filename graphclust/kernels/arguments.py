"""Arguments of kernels, refused by name before compiled code runs on them."""

import math
import numbers
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray


def whole_number(name: str, value: Any, low: int, high: int = 2**31 - 1) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, found {value!r}")
    if not low <= int(value) <= high:
        raise ValueError(f"{name} must lie in [{low}, {high}], found {value}")


def real_number(name: str, value: Any, low: float, *, above: bool = False) -> None:
    """Finite and ≥ low, or > low if `above`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, found {value!r}")
    if not math.isfinite(value) or value < low or (above and value == low):
        raise ValueError(f"{name} must be finite and {'>' if above else '≥'} {low}, found {value}")


def thread_count(threads: int | None) -> int:
    """The number asked for; for None, that of the processors this process may use."""
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    whole_number("threads", threads, low=1, high=1024)
    return threads


def integers(name: str, values: Any) -> NDArray[np.int64]:
    """A vector of integers as int64."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(
            f"{name} must be a vector of integers, found {array.dtype} of shape {array.shape}"
        )
    return np.ascontiguousarray(array, np.int64)


def node_numbers(name: str, values: Any, n: int) -> NDArray[np.int64]:
    """A vector of node numbers 0..n−1."""
    array = integers(name, values)
    if len(array) and not (array.min() >= 0 and array.max() < n):
        raise ValueError(f"{name} must lie in 0..{n - 1}, found {array.min()} to {array.max()}")
    return array


def csr_places(indptr: Any, indices: Any, columns: int) -> None:
    """Refuse row pointers and columns that are not there, in any order. O(nnz), no copies.

    Raises:
        ValueError: `indptr` falls, or ends elsewhere than `indices`; a column outside the matrix.
    """
    if len(indptr) == 0 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError("indptr must start at 0 and never fall")
    if indptr[-1] != len(indices):
        raise ValueError(f"indptr ends at {indptr[-1]}, but there are {len(indices)} indices")
    if len(indices) and not (indices.min() >= 0 and indices.max() < columns):
        raise ValueError(
            f"indices must lie in 0..{columns - 1}, found {indices.min()} to {indices.max()}"
        )


def of_length(name: str, values: Any, n: int) -> None:
    """Refuse a vector of another length."""
    if values.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), found {values.shape}")


def csr_rows(indptr: Any, indices: Any) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Checked row pointers and the column numbers, strictly increasing in each row."""
    indptr = integers("indptr", indptr)
    if len(indptr) == 0 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError("indptr must start at 0 and never fall")
    if len(indptr) > 2**31 - 1:
        raise ValueError(f"at most 2³¹ − 2 nodes are accepted, found {len(indptr) - 1}")
    indices = node_numbers("indices", indices, len(indptr) - 1)
    if indptr[-1] != len(indices):
        raise ValueError(f"indptr ends at {indptr[-1]}, but there are {len(indices)} indices")
    rises = np.diff(indices) > 0
    inner = indptr[1:-1]
    rises[inner[(inner > 0) & (inner < len(indices))] - 1] = True
    if not rises.all():
        at = int(np.flatnonzero(~rises)[0])
        row = int(np.searchsorted(indptr, at, side="right")) - 1
        raise ValueError(
            f"indices must be strictly increasing in every row; in row {row}, "
            f"{indices[at + 1]} follows {indices[at]}"
        )
    return indptr, indices.astype(np.int32)


def edge_weights(weight: Any, n_entries: int) -> NDArray[np.float64]:
    """Checked weights as float64; empty for None."""
    if weight is None:
        return np.empty(0)
    array = np.asarray(weight)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"weight must be numbers, found {array.dtype}")
    if array.shape != (n_entries,):
        raise ValueError(f"weight must have shape ({n_entries},), found {array.shape}")
    array = np.ascontiguousarray(array, np.float64)
    bad = np.flatnonzero(~(np.isfinite(array) & (array > 0)))
    if len(bad):
        raise ValueError(
            f"weight must be finite and > 0, found {array[bad[0]]} at entry {bad[0]}; "
            f"leave out edges of weight zero"
        )
    return array
