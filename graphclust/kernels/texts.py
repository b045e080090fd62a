"""Number texts in order of first appearance: one hash table over the bytes, exact.

The table has open addressing with linear probing. A slot holds 24 bits of the hash and the place in
a store of words where the text begins: its number and length in one word, then its bytes, eight to
a word. Two texts are one only if all their words agree; the hash just says where to look. What a
text will need is fetched before its turn, as nearly every look into a large table misses the cache.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from graphclust.kernels.prefetch import prefetch
from graphclust.kernels.splitmix import GAMMA, mix

Bytes = NDArray[np.uint8]
ROWS = 1 << 14  # texts between two looks at whether the table must grow
LANES = 64  # texts whose memory is fetched at one time
_ONE, _HALF, _LENGTH = np.uint64(1), np.uint64(32), np.uint64(2**32 - 1)
_PLACE, _TAG = np.uint64(2**40 - 1), np.uint64(2**64 - 2**40)
_ALL = np.uint64(2**64 - 1)
_EMPTY = np.uint64(0)  # no text begins at word 0


class TextNumbers:
    """Numbers texts 0, 1, … as they first appear; memory for the distinct ones alone.

    Texts come as Arrow lays them out: text i of a chunk with m of them is
    `data[offsets[i] : offsets[i + 1]]`.
    """

    def __init__(self) -> None:
        self._table, self._store = np.zeros(1 << 12, np.uint64), np.zeros(1 << 12, np.uint64)
        self._count, self._used = 0, 1

    def add(self, offsets: NDArray[Any], data: Bytes) -> NDArray[np.int64]:
        """(m,) the number of every text of a chunk; O(bytes) time.

        Args:
            offsets: (m + 1,) int32 or int64, from 0 to len(data), never falling.
            data: uint8.

        Raises:
            ValueError: a text of 4 GB or more.
        """
        codes = np.empty(len(offsets) - 1, np.int64)
        for start in range(0, len(codes), ROWS):
            piece, found = offsets[start : start + ROWS + 1], codes[start : start + ROWS]
            size = int(piece[-1]) - int(piece[0])
            if size >= 2**32:
                raise ValueError("texts must be shorter than 4 GB")
            self._make_room(len(found), size)
            self._count, self._used = _number(
                piece, data, self._table, self._store, self._count, self._used, found
            )
        return codes

    def _make_room(self, new: int, size: int) -> None:
        """The table is half empty, and the store takes all, even if all `new` texts are new."""
        if (slots := 2 * (self._count + new)) > len(self._table):
            self._table = np.zeros(_above(slots), np.uint64)
            _rehash(self._table, self._store, self._used)
        if (words := self._used + size // 8 + 2 * new) > len(self._store):
            more = np.zeros(_above(words) - len(self._store), np.uint64)
            self._store = np.concatenate([self._store, more])

    def texts(self) -> tuple[NDArray[np.int64], Bytes]:
        """The distinct texts in the order of their numbers, as offsets and data."""
        offsets = np.zeros(self._count + 1, np.int64)
        _lengths(self._store, offsets)
        data = np.empty(offsets[-1], np.uint8)
        _spell(self._store, offsets, data)
        return offsets, data


def _above(size: int) -> int:
    """The power of two at or above `size`."""
    return 1 << (size - 1).bit_length()


@intrinsic
def _load(typing_context: Any, address: Any) -> Any:
    """Eight bytes from any address."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        place = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(types.intp), generate


@njit(inline="always")
def _word(data, at, end):  # type: ignore[no-untyped-def]
    """The bytes from `at`, at most eight and none from `end` on, as a number."""
    if at + 8 <= end:
        return _load(data.ctypes.data + at)
    if at + 8 <= len(data):  # the bytes from `end` on are the high ones
        return _load(data.ctypes.data + at) & ~(_ALL << np.uint64(8 * (end - at)))
    word = np.uint64(0)
    for i in range(end - at):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word


@njit(inline="always")
def _absorb(state, word):  # type: ignore[no-untyped-def]
    state = (state ^ word) * GAMMA
    return state ^ (state >> _HALF)


@njit(cache=True, nogil=True)
def _number(offsets, data, table, store, count, used, codes):  # type: ignore[no-untyped-def]
    """Give every text of a chunk its number; `table` and `store` have room. (count, used)."""
    mask = np.uint64(len(table) - 1)
    slots, words = table.ctypes.data, store.ctypes.data
    hashes = np.empty(LANES, np.uint64)
    for first in range(0, len(codes), LANES):
        lanes = min(LANES, len(codes) - first)
        for lane in range(lanes):
            at, end = offsets[first + lane], offsets[first + lane + 1]
            state = np.uint64(end - at)
            while at < end:
                state = _absorb(state, _word(data, at, end))
                at += 8
            hashes[lane] = mix(state)
            prefetch(slots + 8 * np.int64(hashes[lane] & mask), 8)
        for lane in range(lanes):
            slot = table[hashes[lane] & mask]
            if slot != _EMPTY:
                prefetch(words + 8 * np.int64(slot & _PLACE), 8)
        for lane in range(lanes):
            at, end = offsets[first + lane], offsets[first + lane + 1]
            tag, probe = hashes[lane] & _TAG, hashes[lane] & mask
            while True:
                slot = table[probe]
                place = np.int64(slot & _PLACE)
                if slot == _EMPTY:
                    table[probe] = tag | np.uint64(used)
                    store[used] = np.uint64(count) << _HALF | np.uint64(end - at)
                    used += 1
                    while at < end:
                        store[used] = _word(data, at, end)
                        at, used = at + 8, used + 1
                    codes[first + lane] = count
                    count += 1
                    break
                if slot & _TAG == tag and _same(store, place, data, at, end):
                    codes[first + lane] = np.int64(store[place] >> _HALF)
                    break
                probe = (probe + _ONE) & mask
    return count, used


@njit(inline="always")
def _same(store, place, data, at, end):  # type: ignore[no-untyped-def]
    """Is the text at `place` of the store the one in `data[at:end]`?"""
    if np.int64(store[place] & _LENGTH) != end - at:
        return False
    while at < end:
        place += 1
        if store[place] != _word(data, at, end):
            return False
        at += 8
    return True


@njit(cache=True)
def _rehash(table, store, used):  # type: ignore[no-untyped-def]
    """Enter every text of the store into an empty table."""
    mask = np.uint64(len(table) - 1)
    place = np.int64(1)
    while place < used:
        length = np.int64(store[place] & _LENGTH)
        state = np.uint64(length)
        words = (length + 7) // 8
        for i in range(words):
            state = _absorb(state, store[place + 1 + i])
        state = mix(state)
        probe = state & mask
        while table[probe] != _EMPTY:
            probe = (probe + _ONE) & mask
        table[probe] = state & _TAG | np.uint64(place)
        place += 1 + words


@njit(cache=True)
def _lengths(store, offsets):  # type: ignore[no-untyped-def]
    """Where the texts of the store would begin and end, one after the other."""
    place = np.int64(1)
    for i in range(len(offsets) - 1):
        length = np.int64(store[place] & _LENGTH)
        offsets[i + 1] = offsets[i] + length
        place += 1 + (length + 7) // 8


@njit(cache=True)
def _spell(store, offsets, data):  # type: ignore[no-untyped-def]
    """The bytes of the texts of the store, one after the other."""
    place = np.int64(1)
    for i in range(len(offsets) - 1):
        for at in range(offsets[i], offsets[i + 1]):
            byte = at - offsets[i]
            data[at] = store[place + 1 + byte // 8] >> np.uint64(8 * (byte % 8)) & np.uint64(255)
        place += 1 + (offsets[i + 1] - offsets[i] + 7) // 8
