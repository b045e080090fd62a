"""Low-pass filtering of node features: the steps of `methods.filter`, which says what they mean.

`x` is an (N, F) float array or scipy CSR matrix, `a` the (N, N) adjacency; `parts` holds what was
fitted on one graph (column scales, Moran weights, singular vectors, null direction, directions), so
that the same steps can be taken on another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from graphclust.kernels.columns import ROUNDING, idf, kind_of, mean_and_square, moran, scaled
from graphclust.kernels.determinism import fixed_signs, one_thread
from graphclust.kernels.sparse import decayed_hops, lazy_walk, propagator

Floats = NDArray[np.floating]
Part = Callable[[str, Callable[[], Any]], Any]
FLOOR = 0.1  # of the Moran weights: a column without autocorrelation still counts


def low_pass(
    x: Any,
    a: sp.csr_array,
    parts: dict[str, Any],
    *,
    seed: int,
    features: str = "auto",
    weigh: bool = True,
    dimensions: int = 128,
    smoothing: str = "decayed",
    steps: int = 10,
    scales: int = 1,
    decay: float = 0.9,
    deflate: bool = True,
    directions: int = 0,
    degree: float = 0.0,
) -> Floats:
    """(N, D) unit rows U, and a column of log-degrees where `degree` > 0; on one thread.

    What `parts` holds is applied, what it lacks is fitted and put there.

    Args:
        weigh: multiply columns by their Moran weights (step 2).
        directions: leading directions kept (step 6); 0 keeps all.
    """

    def part(name: str, fit: Callable[[], Any]) -> Any:
        if name not in parts:
            parts[name] = fit()
        return parts[name]

    with one_thread():
        kind = kind_of(x) if features == "auto" else features
        z = reduced(x, kind, a if weigh else None, part, dimensions, seed)
        z = smoothed(z, a, smoothing, [round(steps / 3**i) for i in range(scales)], decay)
        if deflate:
            z = deflated(z, part("null", lambda: null_direction(z, kind)))
        if directions:
            z = z @ part("directions", lambda: leading_directions(z, directions))
        u: Floats = normalize(z, copy=False)
        if not degree:
            return u
        d = np.log1p(a.sum(axis=1))
        mean, deviation = part("degrees", lambda: np.array([d.mean(), d.std() or 1.0]))
        column = degree * (d - mean) / deviation
        return np.column_stack([u, column.astype(u.dtype)])


def reduced(
    x: Any, kind: str, a: sp.csr_array | None, part: Part, dimensions: int, seed: int
) -> Floats:
    """(N, D) X V from weighted columns, whose memory is free again before the hops begin."""
    shift, scale = part("columns", lambda: column_scale(x, kind))
    x = normalize(scaled(x, scale, shift), copy=False)
    if a is not None:
        x = normalize(scaled(x, part("moran", lambda: moran_weights(x, a))), copy=False)
    v = part("components", lambda: right_singular_vectors(x, dimensions, seed))
    return np.asarray(x @ v.T)


def smoothed(
    z: Floats, a: sp.csr_array, smoothing: str, horizons: list[int], decay: float
) -> Floats:
    """Unit rows of the smoothed Z (step 4), one block a horizon."""
    s = propagator(a, z.dtype)
    if smoothing == "lazy":
        blocks = [lazy_walk(z, s, t) for t in horizons]
    else:
        blocks = [decayed_hops(z, s, t, decay) for t in horizons]
    blocks = [normalize(block, copy=False) for block in blocks]
    return blocks[0] if len(blocks) == 1 else np.hstack(blocks)


def column_scale(x: Any, kind: str) -> Floats:
    """(2, F) shift and scale of the columns: idf for words, mean and 1/sd for a table, else 0, 1.

    A column of a table that does not vary gets scale 0.
    """
    shift, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if kind == "words":
        scale = idf(x)
    elif kind == "table":
        shift, square = mean_and_square(x)
        variance = square - shift**2
        varies = variance > ROUNDING * square
        scale = np.power(variance, -0.5, out=np.zeros_like(variance), where=varies)
    return np.stack([shift, scale])


def moran_weights(x: Any, adjacency: sp.csr_array) -> Floats:
    """(F,) (I_f + .1)^½, with I_f the Moran autocorrelation, at least 0."""
    return np.sqrt(np.maximum(moran(x, adjacency), 0) + FLOOR)


def right_singular_vectors(x: Any, d: int, seed: int) -> Floats:
    """(D, F): the `d` leading right singular vectors; the identity where F ≤ d."""
    d = min(d, *x.shape)
    if d == x.shape[1]:
        return np.eye(d, dtype=x.dtype)
    vectors: Floats = randomized_svd(x, d, random_state=seed)[2]
    return vectors


def null_direction(z: Floats, kind: str) -> Floats:
    """(D,) s = Zᵀ1; 0 for a table."""
    return z.sum(axis=0, dtype=np.float64) * (kind != "table")


def deflated(z: Floats, s: Floats) -> Floats:
    """Z (I − s sᵀ / sᵀs), where s = Zᵀ1 on the graph that was fitted; Z where s is 0."""
    length = float(np.sqrt(s @ s))
    if length == 0:
        return z
    unit = (s / length).astype(z.dtype)
    return z - np.outer(z @ unit, unit)


def leading_directions(z: Floats, r: int) -> Floats:
    """(D, r) leading eigenvectors of ZᵀZ, so that Z R keeps Z's singular values; all if r > D."""
    gram = np.asarray(z.T @ z, dtype=np.float64)
    return fixed_signs(np.linalg.eigh(gram)[1][:, ::-1][:, :r]).astype(z.dtype)
