"""What skip-gram training reads off a corpus of walks before it begins: checks, counts, chances.

A corpus is an iterable of (B, L) int32 blocks, walks ended by −1; papers as in `sgns`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.rows import alias_rows

Block = NDArray[np.int32]


def checked(corpus: Iterable[Block], n: int) -> Iterator[Block]:
    """The blocks, refused where they would lead compiled code astray."""
    for block in corpus:
        if not isinstance(block, np.ndarray) or block.dtype != np.int32 or block.ndim != 2:
            raise TypeError(f"a block must be (B, L) int32, found {_kind(block)}")
        if block.size and block.max() >= n:
            raise ValueError(f"a walk holds node {block.max()}, but nodes are 0..{n - 1}")
        yield block


def count_words(corpus: Iterable[Block], n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Of each node the times it occurs, and whether ever in company."""
    counts, trained = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    for block in checked(corpus, n):
        _count(block, counts, trained)
    return counts, trained


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__


@njit(nogil=True, cache=True)
def _count(block, counts, trained):  # type: ignore[no-untyped-def]
    for walk in block:
        for word in walk:
            if word < 0:
                break
            counts[word] += 1
            trained[word] |= len(walk) > 1 and walk[1] >= 0


def noise_table(counts: NDArray[np.int64], power: float) -> NDArray[np.uint64]:
    """Alias table (N,) of the negatives' distribution ∝ counts^power, nodes never seen left out."""
    n = len(counts)
    seen = (counts > 0) | (not counts.any())  # an empty corpus draws none, from any table
    weight = np.where(seen, np.maximum(counts, 1.0) ** power, 0.0)
    return alias_rows(np.array([0, n]), np.arange(n, dtype=np.int32), weight)[0]


def kept_share(counts: NDArray[np.int64], sample: float) -> NDArray[np.float32]:
    """Chance min(1, √(t/f) + t/f) to keep a word of frequency f, t = sample; empty if sample = 0.

    Mikolov et al., section 2.3, in the form of their code.
    """
    if sample == 0:
        return np.empty(0, np.float32)
    ratio = sample * counts.sum() / np.maximum(counts, 1)
    return np.minimum(1, np.sqrt(ratio) + ratio).astype(np.float32)
