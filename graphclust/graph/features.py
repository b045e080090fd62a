"""Node features and labels, cleaned into one form or refused by name."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphclust.graph.errors import GraphError
from graphclust.kernels.products import sparse_tensor


def features(x: Any, n: int) -> Tensor:
    """Features as (N, F) float32: dense, or torch sparse CSR where `x` is sparse.

    Raises:
        GraphError: not N rows, not numbers, or a NaN or infinity inside.
    """
    if isinstance(x, Tensor) and x.layout != torch.strided:
        x = _scipy(x)
    if sp.issparse(x):
        matrix = sp.csr_array(x).astype(np.float32)
        _check_features(matrix.data, matrix.shape, n, lambda at: matrix.tocoo().coords[0][at])
        return sparse_tensor(matrix)
    if isinstance(x, np.ma.MaskedArray):
        raise GraphError("x is a masked array; fill it first")
    try:
        found = np.asarray(x.detach().cpu().float() if isinstance(x, Tensor) else x)
        if found.dtype.kind not in "biufO":
            raise TypeError
        dense = found.astype(np.float32)
    except (TypeError, ValueError):
        raise GraphError(
            "x must hold real numbers in an (N, F) array; encode texts, categories and dates as "
            f"numbers first (found {type(x).__name__})"
        ) from None
    if dense.ndim == 1:
        dense = dense[:, None]
    _check_features(dense, dense.shape, n, lambda at: at // max(dense.shape[1], 1))
    return torch.from_numpy(np.ascontiguousarray(dense))


def _check_features(values: NDArray[Any], shape: tuple[int, ...], n: int, row_of: Any) -> None:
    if len(shape) != 2 or shape[0] != n:
        raise GraphError(f"x must have one row for each of the {n} nodes, found shape {shape}")
    if shape[1] == 0:
        raise GraphError(f"x must have at least one column, found shape {shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise GraphError(
            f"x must be finite, found {len(bad)} NaN or infinite values, the first in row "
            f"{int(row_of(bad[0]))}; fill or drop them first"
        )


def feature_matrix(x: Tensor) -> NDArray[np.float32] | sp.csr_array:
    """The features of a graph as NumPy sees them: an array, or a scipy CSR matrix."""
    return x.cpu().numpy() if x.layout == torch.strided else _scipy(x)


def n_values(x: Tensor | None) -> int:
    """How many values features hold, zeros of dense ones included."""
    if x is None:
        return 0
    return int(x.numel() if x.layout == torch.strided else x.values().numel())


def _scipy(x: Tensor) -> sp.csr_array:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR", UserWarning)
        x = x.detach().cpu().to_sparse_csr()
    small = max(*x.shape, x.values().numel()) < 2**31  # scikit-learn takes only int32 indices
    index = np.int32 if small else np.int64
    columns, rows = (part.numpy().astype(index) for part in (x.col_indices(), x.crow_indices()))
    return sp.csr_array((x.values().numpy(), columns, rows), shape=tuple(x.shape))


def classes(y: Any, n: int) -> Tensor:
    """Labels as int64: (N,) classes with −1 where unknown, or (N, C) zeros and ones (multi-label).

    Strings become classes in sorted order; missing values become −1.

    Raises:
        GraphError: not one row a node, or real numbers that are no classes.
    """
    values = np.asarray(y.detach().cpu() if isinstance(y, Tensor) else y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2) or len(values) != n:
        raise GraphError(f"y must have one row for each of the {n} nodes, found {values.shape}")
    if values.dtype.kind not in "biuf":
        codes = pd.factorize(values.ravel(), sort=True)[0]
        return torch.from_numpy(codes.astype(np.int64).reshape(values.shape))
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    whole = np.where(missing, -1, values)
    if not np.array_equal(whole, whole.astype(np.int64)):
        raise GraphError("y must hold classes (whole numbers or names), found real numbers")
    if (whole < -1).any():
        raise GraphError(f"y must hold classes from 0, or −1 for unknown, found {int(whole.min())}")
    return torch.from_numpy(whole.astype(np.int64))
