"""Node numbers for node ids: in sorted order, or in order of appearance where ids do not compare.

Whole numbers that lie close together are looked up in a table of flags, many texts in a hash table
over their bytes, all else by pandas; the numbers are the same.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphclust.graph.errors import GraphError
from graphclust.graph.raw import text_array

Array = NDArray[Any]
MANY = 1 << 17  # texts from which compiling a loop pays


def number(ids: Any) -> tuple[Array, Any]:
    """(codes, distinct): int64 numbers of a series' ids, none missing, and the ids in their order.

    Raises:
        GraphError: ids that are neither numbers nor text, or one id as number and as text.
    """
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return _categories(ids.array)
    if isinstance(ids.dtype, np.dtype) and ids.dtype.kind in "iu" and len(ids):
        low, high = int(ids.min()), int(ids.max())
        if high < 2**63 and high - low < 8 * len(ids) + 1024:
            return _whole_numbers(ids.to_numpy(np.int64) - low, low, high)
    if _are_arrow_texts(ids) and len(ids) >= MANY:
        return _texts(ids)
    try:
        codes, distinct = pd.factorize(ids, sort=True)
    except TypeError:
        try:
            codes, distinct = pd.factorize(ids)
        except TypeError as error:
            raise GraphError(f"node ids must be numbers or text, found an {error}") from None
    if distinct.dtype == object and pd.api.types.infer_dtype(distinct) != "string":
        _refuse_two_spellings(distinct)
    return codes.astype(np.int64, copy=False), distinct


def _whole_numbers(values: Array, low: int, high: int) -> tuple[Array, Array]:
    present = np.zeros(high - low + 1, bool)
    present[values] = True
    return (np.cumsum(present) - 1)[values], np.flatnonzero(present) + low


def _categories(ids: Any) -> tuple[Array, Any]:
    """By the categories' own values, whatever their order; those without a node do not count."""
    used = np.zeros(len(ids.categories), bool)
    used[ids.codes] = True
    kept = ids.categories[used]
    codes = np.empty(len(used), np.int64)
    if _are_arrow_texts(kept):
        import pyarrow as pa

        codes[used], distinct = _in_order(pa.array(kept.array))
    else:
        codes[used], distinct = number(pd.Series(kept))
    return codes[ids.codes], distinct


def _are_arrow_texts(ids: Any) -> bool:
    return getattr(ids.dtype, "storage", None) == "pyarrow"


def _texts(ids: Any) -> tuple[Array, Array]:
    import pyarrow as pa

    numbered, array = ArrowTexts(), pa.array(ids.array)
    codes = np.concatenate([numbered.add(part) for part in getattr(array, "chunks", [array])])
    rank, distinct = _in_order(numbered.distinct())
    return rank[codes], distinct


def _in_order(distinct: Any) -> tuple[Array, Array]:
    """The place of each of pyarrow's texts in sorted order, and the texts in that order."""
    import pyarrow.compute as pc

    order = pc.sort_indices(distinct)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    return rank, text_array(distinct.take(order).to_numpy(zero_copy_only=False))


class ArrowTexts:
    """Numbers the texts of Arrow arrays as they first appear; a null has the number −1."""

    def __init__(self) -> None:
        from graphclust.kernels.texts import TextNumbers  # compiles

        self._numbers = TextNumbers()

    def add(self, texts: Any) -> Array:
        """(m,) numbers of a pyarrow array of strings."""
        import pyarrow as pa

        wide = texts.cast(pa.large_string())
        if not len(wide):
            return np.empty(0, np.int64)
        _, offsets, data = wide.buffers()
        own = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
        codes = self._numbers.add(own, np.frombuffer(data or b"", np.uint8))
        if wide.null_count:
            codes[wide.is_null().to_numpy(zero_copy_only=False)] = -1
        return codes

    def distinct(self) -> Any:
        """The texts in the order of their numbers, as one pyarrow array."""
        import pyarrow as pa

        offsets, data = self._numbers.texts()
        buffers = pa.py_buffer(offsets), pa.py_buffer(data)
        return pa.LargeStringArray.from_buffers(len(offsets) - 1, *buffers)


def _refuse_two_spellings(ids: Any) -> None:
    """Refuse ids of which one is a number and reads as another that is text."""
    texts = {node for node in ids if isinstance(node, str)}
    for node in ids:
        if not isinstance(node, str) and str(node) in texts:
            raise GraphError(
                f"the id {node} stands in the table as {type(node).__name__} and as text; make "
                "all ids one type"
            )
