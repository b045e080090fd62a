"""Inner products among a few rows of a table, for many small sets, and steps back along them.

A loss that sees the vectors of a set only through distances and angles is a function of the set's
Gram matrix, G_ab = ⟨z_a, z_b⟩. Its gradient, as a matrix of S × S numbers, is all that is needed to
move the rows: ∂L/∂z_a = Σ_b (∂L/∂G_ab + ∂L/∂G_ba) z_b. So the S vectors of a set are read once for
the loss and once for the step, and never copied.

Compiled code on one thread, in a fixed order: same input, same bits.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.tiles import gather, padded, scores

Vectors = NDArray[np.float32]


def gram(z: Vectors, rows: NDArray[np.int32]) -> Vectors:
    """(B, S, S) the inner products of z[rows[b]] among each other.

    Args:
        z: (N, D) float32, C-contiguous.
        rows: (B, S) int32 row numbers.

    O(B S² D) time.

    Raises:
        TypeError, ValueError: other kinds of arrays, or rows that are not there.
    """
    _check(z, rows)
    size = padded(rows.shape[1])
    out = np.empty((len(rows), rows.shape[1], size), np.float32)
    _gram(z, rows, out)
    return out[:, :, : rows.shape[1]]


class Descent:
    """Steps of gradient descent on the rows of a table, which is changed in place.

    Args:
        z: (N, D) float32, C-contiguous. As many numbers are kept beside it.
        most: what a row may move at once, in samples: of c > `most` places that it has in a batch,
            each counts for `most` / c. Else hubs overshoot, and with them all. None: no limit.
    """

    def __init__(self, z: Vectors, most: int | None = None) -> None:
        self.z, self.most = z, 2**31 - 1 if most is None else most
        self._step = np.zeros_like(z)
        self._places = np.zeros(len(z), np.int32)

    def __call__(
        self, rows: NDArray[np.int32], slope: Vectors, first: Vectors | None, rate: float
    ) -> None:
        """Move all rows of a batch at once, each by −rate · its gradient. O(B S² D).

        Args:
            rows: (B, S) the sets whose Gram matrices the loss has seen; a row may come repeatedly.
            slope: (B, S, S) ∂L/∂G.
            first: (B, D) what comes to ∂L/∂z of the first row of each set from elsewhere, if any.
            rate: the learning rate.

        Raises:
            TypeError, ValueError: as `gram`, or other shapes.
        """
        _check(self.z, rows)
        width = self.z.shape[1]
        first = np.empty((0, width), np.float32) if first is None else first
        _shape("slope", slope, (*rows.shape, rows.shape[1]))
        _shape("first", first, (len(rows) if len(first) else 0, width))
        _descend(self.z, rows, slope, first, np.float32(rate), self.most, self._step, self._places)


def _shape(name: str, array: Vectors, wanted: tuple[int, ...]) -> None:
    if array.shape != wanted or array.dtype != np.float32:
        raise ValueError(
            f"{name} must be float32 of shape {wanted}, found {array.dtype} of {array.shape}"
        )


def _check(z: Any, rows: Any) -> None:
    if z.dtype != np.float32 or z.ndim != 2 or not z.flags.c_contiguous:
        raise TypeError(f"z must be a C-contiguous float32 matrix, found {z.dtype} of {z.shape}")
    if rows.dtype != np.int32 or rows.ndim != 2:
        raise TypeError(f"rows must be an int32 matrix, found {rows.dtype} of {rows.shape}")
    if rows.size and not (rows.min() >= 0 and rows.max() < len(z)):
        raise ValueError(f"rows must lie in 0..{len(z) - 1}, found {rows.min()} to {rows.max()}")


@njit(nogil=True, cache=True)
def _gram(z, rows, out):  # type: ignore[no-untyped-def]
    s = rows.shape[1]
    v = np.zeros((out.shape[2], z.shape[1]), np.float32)
    for i in range(len(rows)):
        gather(z, rows[i], 0, s, v)
        scores(v, s, v, out[i])


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _descend(z, rows, slope, first, rate, most, step, places):  # type: ignore[no-untyped-def]
    s, d = rows.shape[1], z.shape[1]
    for i in range(len(rows)):
        for a in range(s):
            row = rows[i, a]
            places[row] += 1
            for b in range(s):
                g = slope[i, a, b] + slope[i, b, a]
                if g != 0:
                    other = rows[i, b]
                    for j in range(d):
                        step[row, j] += g * z[other, j]
        if len(first):
            row = rows[i, 0]
            for j in range(d):
                step[row, j] += first[i, j]
    for i in range(len(rows)):
        for row in rows[i]:
            if places[row]:
                scale = rate * min(np.float32(1), np.float32(most) / np.float32(places[row]))
                places[row] = 0
                for j in range(d):
                    z[row, j] -= scale * step[row, j]
                    step[row, j] = 0
