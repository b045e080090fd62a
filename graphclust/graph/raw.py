"""What a reader hands to `convert`: a graph as found, before anything is checked or cleaned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class Raw:
    """A graph as found: edges by node number, in the order and number in which they came."""

    source: Array
    target: Array
    num_nodes: int
    directed: bool | None  # None: directed unless every edge has its mirror image
    weight: Any = None
    t: Any = None
    node_ids: Array | None = None  # None: the ids are 0..N−1
    x: Any = None
    y: Any = None
    multi: bool = False  # repeated edges are meant: each counts
    once: bool = False  # edges have no direction, and each is listed once

    def add_mirrored(self) -> None:
        """Add each edge the other way round."""
        ends = self.source, self.target
        self.source, self.target = np.concatenate(ends), np.concatenate(ends[::-1])
        self.weight = None if self.weight is None else np.tile(self.weight, 2)
        self.t = None if self.t is None else np.tile(self.t, 2)


def id_array(ids: Any) -> Array | None:
    """Node ids as an array: integers, text or objects; None where they are just 0..N−1."""
    if isinstance(ids, (pd.Index, np.ndarray)) and ids.dtype.kind in "iu":
        if len(ids) and ids.max() > np.iinfo(np.int64).max:
            return np.array([str(value) for value in ids])
        array = np.asarray(ids, dtype=np.int64)
        return None if np.array_equal(array, np.arange(len(array))) else array
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "U":
        return ids
    if isinstance(ids, pd.Index) and isinstance(ids.dtype, pd.StringDtype):
        return text_array(ids.to_numpy(dtype=object))
    listed = [value.item() if isinstance(value, np.generic) else value for value in ids]
    if all(type(value) is int for value in listed):
        return id_array(np.asarray(listed, dtype=np.int64))
    if all(isinstance(value, str) for value in listed):
        return text_array(listed)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def text_array(texts: Any) -> Array:
    """NumPy's text, or objects where a text ends in NUL, which NumPy's texts lose."""
    if any(text.endswith("\0") for text in texts):
        return np.array(texts, dtype=object)
    return np.asarray(texts, dtype=np.str_)
