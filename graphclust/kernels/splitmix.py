"""Random numbers by counter: the k-th number of a stream is a function of the seed, the stream and
k alone, so that work may be cut among threads anywhere and still draws the same.

G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA (2014): with
γ = ⌊2⁶⁴/φ⌋, the numbers of state s are mix(s + γ), mix(s + 2γ), … Streams start at mixed states, so
two of them overlap with a chance near (total numbers drawn × streams) / 2⁶⁴.
"""

import numpy as np
from numba import njit

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_11, _27, _30, _31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
_STEP = 2.0**-53


@njit
def mix(z: np.uint64) -> np.uint64:
    """SplitMix64's output function, a bijection of 64 bits."""
    z = (z ^ (z >> _30)) * _A
    z = (z ^ (z >> _27)) * _B
    return z ^ (z >> _31)


@njit
def stream(seed: np.uint64, number: np.uint64) -> np.uint64:
    """First state of stream `number`; the states of one seed are all different."""
    return mix(mix(seed) + GAMMA * (number + np.uint64(1)))


@njit
def unit(state: np.uint64) -> np.float64:
    """Of a state that was moved on by GAMMA: a number in [0, 1), a multiple of 2⁻⁵³.

    `int(unit(s) * n)` is below n for every n < 2⁵³, and even to one part in 2⁵³/n.
    """
    return np.float64(np.int64(mix(state) >> _11)) * _STEP
