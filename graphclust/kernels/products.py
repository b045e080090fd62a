"""Products of a sparse matrix with rows, and of rows along its entries; gradients of any order.

Letters: A (G, N) a sparse matrix with a `Pattern` of E entries and a value for each, X (N, F), M
(G, F). With C the gradient of what is made:

    product     A X,               with gradients ⟨c_g, x_n⟩ of the values and Aᵀ C of X
    dots        ⟨m_g, x_n⟩ of each entry, with gradients of M and X that are products
    flow_sums   Pᵀ (A P),          with gradient ⟨p_g, C p_n⟩ of the values, A P Cᵀ + Aᵀ P C of P

so each is the gradient of the other, and none is dense: what belongs to A has E numbers, never G N.
The transpose is made once for a pattern, at the first gradient. No E × F numbers are held, save in
`backends.plain`. A group without members has a row of zeros. Rows may lie in memory in any way.
"""

import warnings
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphclust.kernels import backends
from graphclust.kernels.pattern import Pattern


def product(pattern: Pattern, values: Tensor | None, x: Tensor) -> Tensor:
    """(G, F) A X, of (E,) values or of ones for None, and (N, F) rows. O(E F).

    Raises:
        TypeError, ValueError: other shapes, kinds of numbers or devices than the pattern's.
    """
    _same("x", x, (pattern.n, None), x, pattern)
    if values is not None:
        _same("values", values, (len(pattern.member),), x, pattern)
    out: Tensor = _Product.apply(values, x, pattern)
    return out


def dots(pattern: Pattern, a: Tensor, b: Tensor) -> Tensor:
    """(E,) ⟨a_g, b_n⟩ of the entries (g, n), from (G, F) and (N, F) rows. O(E F).

    Raises:
        TypeError, ValueError: as `product`.
    """
    _same("b", b, (pattern.n, None), b, pattern)
    _same("a", a, (len(pattern), b.shape[1]), b, pattern)
    out: Tensor = _Dots.apply(a, b, pattern)
    return out


def flow_sums(pattern: Pattern, values: Tensor | None, p: Tensor) -> Tensor:
    """(K, K) Pᵀ A P of a square A: what flows from group to group. O(E K + N K²), K² numbers held
    for every thousand rows. The gradient has dense products, which torch rounds otherwise with
    another number of threads on some processors.

    Raises:
        TypeError, ValueError: as `product`.
    """
    _same("p", p, (pattern.n, None), p, pattern)
    if len(pattern) != pattern.n:
        raise ValueError(f"a flow needs a square pattern, found {len(pattern)} × {pattern.n}")
    if values is not None:
        _same("values", values, (len(pattern.member),), p, pattern)
    out: Tensor = _Flow.apply(values, p, pattern)
    return out


def _same(
    name: str, given: Tensor, shape: tuple[int | None, ...], like: Tensor, pattern: Pattern
) -> None:
    """Has it the shape (None: any), and the device and kind of numbers of the others?"""
    fits = given.dim() == len(shape) and all(
        want is None or want == found for want, found in zip(shape, given.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("F" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} must have shape ({wanted}), found {tuple(given.shape)}")
    if not given.is_floating_point() or given.dtype != like.dtype:
        raise TypeError(f"{name} must be real numbers of one kind, found {given.dtype}")
    if given.device != pattern.start.device:
        raise ValueError(f"{name} is on {given.device}, the pattern on {pattern.start.device}")


def _sums(pattern: Pattern, values: Tensor | None, x: Tensor) -> Tensor:
    """Long groups in pieces first."""
    kernels = backends.of(x)
    if pattern.long is None:
        found: Tensor = kernels.spmm(pattern, values, x)
        return found
    pieces, of_group = pattern.long
    return _sums(of_group, None, kernels.spmm(pieces, values, x))


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor | None, x: Tensor, pattern: Pattern) -> Tensor:
        ctx.pattern = pattern
        ctx.save_for_backward(values, x if ctx.needs_input_grad[0] else None)
        return _sums(pattern, values, x)

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        values, x = ctx.saved_tensors
        pattern, to_values, to_x = ctx.pattern, None, None
        if ctx.needs_input_grad[0]:
            to_values = dots(pattern, c, x)
        if ctx.needs_input_grad[1]:
            turned = None if values is None else values[pattern.order]
            to_x = product(pattern.transposed, turned, c)
        return to_values, to_x, None


class _Dots(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, pattern: Pattern) -> Tensor:
        ctx.pattern = pattern
        ctx.save_for_backward(a, b)
        out: Tensor = backends.of(a).dots(pattern, a, b)
        return out

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (a, b), pattern = ctx.saved_tensors, ctx.pattern
        to_a = product(pattern, c, b) if ctx.needs_input_grad[0] else None
        to_b = None
        if ctx.needs_input_grad[1]:
            to_b = product(pattern.transposed, c[pattern.order], a)
        return to_a, to_b, None


class _Flow(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor | None, p: Tensor, pattern: Pattern) -> Tensor:
        ctx.pattern = pattern
        ctx.save_for_backward(values, p)
        out: Tensor = backends.of(p).flow(pattern, values, p)
        return out

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (values, p), pattern = ctx.saved_tensors, ctx.pattern
        to_values = to_p = None
        if ctx.needs_input_grad[0]:
            to_values = dots(pattern, p, p @ c.T)
        if ctx.needs_input_grad[1]:
            turned = None if values is None else values[pattern.order]
            to_p = product(pattern, values, p @ c.T) + product(pattern.transposed, turned, p @ c)
        return to_values, to_p, None


class Constant:
    """A sparse matrix A (G, N) that stays as it is: `constant @ y` is A Y, with gradient AᵀC.

    Both A and Aᵀ are kept, so that a gradient has nothing to reorder. O(E F) time for F columns,
    with no buffer of E × F numbers.
    """

    def __init__(self, matrix: sp.csr_array, device: torch.device | None = None) -> None:
        self.shape = matrix.shape
        self._matrix = _placed(matrix, device)
        self._transposed = _placed(sp.csr_array(matrix.T), device)

    @classmethod
    def symmetric(cls, pattern: Pattern, values: Tensor) -> Self:
        """A = Aᵀ, which is not checked and kept once."""
        constant = cls.__new__(cls)
        constant.shape = (len(pattern), pattern.n)
        constant._matrix = constant._transposed = (pattern, values)
        return constant

    def __matmul__(self, y: Tensor) -> Tensor:
        pattern, values = self._matrix
        _same("y", y, (pattern.n, None), values, pattern)
        out: Tensor = _Constant.apply(y, self._matrix, self._transposed)
        return out

    def flow(self, p: Tensor) -> Tensor:
        """(K, K) Pᵀ A P of a square A, as `flow_sums`."""
        pattern, values = self._matrix
        return flow_sums(pattern, values, p)

    def tensor(self) -> Tensor:
        """As a torch CSR tensor."""
        pattern, values = self._matrix
        return csr_tensor(pattern.start, pattern.member, values, self.shape)


def _placed(matrix: sp.csr_array, device: torch.device | None) -> tuple[Pattern, Tensor]:
    values = torch.from_numpy(np.ascontiguousarray(matrix.data)).to(device)
    return Pattern.of(matrix, device), values


class _Constant(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, matrix: Any, transposed: Any) -> Tensor:
        ctx.both = matrix, transposed
        pattern, values = matrix
        return _sums(pattern, values, y)

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor, None, None]:
        matrix, transposed = ctx.both
        return _Constant.apply(c, transposed, matrix), None, None


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
