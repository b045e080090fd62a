"""Sparse matrices as torch tensors, and products of a constant one with rows that are trained."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def sparse_tensor(matrix: sp.csr_array) -> Tensor:
    """A scipy CSR matrix as a torch CSR tensor."""
    return csr_tensor(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(matrix.data),
        matrix.shape,
    )


def csr_tensor(
    indptr: Tensor, indices: Tensor, data: Tensor, shape: tuple[int, int], check: bool = False
) -> Tensor:
    """A torch CSR tensor from its parts, without torch's warning that these are in beta."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR", UserWarning)
        return torch.sparse_csr_tensor(indptr, indices, data, size=shape, check_invariants=check)


class Constant:
    """A sparse matrix M (N, M) that stays as it is: `constant @ y` is M Y, with gradient MᵀG.

    Both M and Mᵀ are kept in CSR form, as torch would make the latter anew in every backward pass.
    O(nnz F) time for F columns, with no buffer of nnz × F numbers.
    """

    def __init__(self, matrix: sp.csr_array, device: torch.device | None = None) -> None:
        self.shape = matrix.shape
        self.matrix = sparse_tensor(matrix).to(device)
        self.transposed = sparse_tensor(sp.csr_array(matrix.T)).to(device)

    def __matmul__(self, y: Tensor) -> Tensor:
        product: Tensor = _Product.apply(y, self.matrix, self.transposed)
        return product


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ gradient.contiguous(), None, None
