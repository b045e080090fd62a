"""Which rows of a matrix belong together, checked once, so that compiled code can trust it.

Letters: G groups of the N rows of a matrix, E members in all. As a matrix a pattern is (G, N), of
ones, in CSR form. A row may be in several groups, in none, or in one more than once; a group may be
empty: each kernel says what that gives.
"""

from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

LONG = 1 << 14  # members of a group that are added up in one go
MOST = 2**31 - 1  # rows: the numbers of those that hold a maximum are kept in 32 bits


class Pattern:
    """Group g has the rows `member[start[g]]` … `member[start[g + 1] − 1]`, in this order.

    Args:
        start: (G + 1,) int32 or int64, from 0 to E, never falling.
        member: (E,) int32 or int64 row numbers 0..N−1.
        n: N.

    O(E) for the checks, once. Kept as int64.

    Raises:
        TypeError: other kinds of tensors.
        ValueError: `start` that falls or ends elsewhere, a row that is not there.
    """

    def __init__(self, start: Tensor, member: Tensor, n: int) -> None:
        self.start, self.member = _integers("start", start), _integers("member", member)
        self.n = n
        if self.start.device != self.member.device:
            raise ValueError(f"start is on {start.device}, member on {member.device}")
        self.sizes = self.start.diff()
        self._check()

    def _check(self) -> None:
        start, member = self.start, self.member
        if not 0 <= self.n <= MOST:
            raise ValueError(f"n must lie in [0, {MOST}], found {self.n}")
        if len(start) == 0 or start[0] != 0 or (self.sizes < 0).any():
            raise ValueError("start must begin at 0 and never fall")
        if start[-1] != len(member):
            raise ValueError(f"start ends at {int(start[-1])}, but there are {len(member)} members")
        if len(member):
            low, high = (int(end) for end in member.aminmax())
            if low < 0 or high >= self.n:
                raise ValueError(f"member must lie in 0..{self.n - 1}, found {low} to {high}")

    @classmethod
    def by_label(cls, labels: Tensor, groups: int) -> "Pattern":
        """Group g has the rows i with `labels[i]` = g, in their order. O(N + G)."""
        each = Pattern(torch.arange(len(labels) + 1, device=labels.device), labels, groups)
        pattern, order = each._turn()
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        pattern._turned = each, back
        return pattern

    @classmethod
    def of(cls, matrix: sp.csr_array, device: torch.device | None = None) -> "Pattern":
        """Where a scipy CSR matrix has entries."""
        parts = (torch.from_numpy(p.astype(np.int64)) for p in (matrix.indptr, matrix.indices))
        start, member = (part.to(device) for part in parts)
        return cls(start, member, matrix.shape[1])

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def row(self) -> Tensor:
        """(E,) the group of each member."""
        return torch.arange(len(self), device=self.start.device).repeat_interleave(self.sizes)

    @cached_property
    def entries(self) -> "Pattern":
        """The same groups, of E rows that are the members themselves."""
        e = len(self.member)
        return Pattern(self.start, torch.arange(e, device=self.start.device), e)

    @property
    def transposed(self) -> "Pattern":
        """N groups of the rows 0..G−1: in which groups is each row? In rising order."""
        return self._turned[0]

    @property
    def order(self) -> Tensor:
        """(E,) which member here is each of `transposed`."""
        return self._turned[1]

    @cached_property
    def _turned(self) -> tuple["Pattern", Tensor]:
        return self._turn()

    def _turn(self) -> tuple["Pattern", Tensor]:
        on_processor = self.member.device.type == "cpu"
        start, order = (_by_transposition if on_processor else _by_sorting)(self)
        return Pattern(start, self.row[order], len(self)), order

    @cached_property
    def long(self) -> tuple["Pattern", "Pattern"] | None:
        """Where a group has more than LONG members: P pieces of groups, and the pieces of each
        group; else None. Sums of pieces are short, so they round little, and no thread waits for
        one that adds up a hub."""
        if len(self.member) <= LONG or int(self.sizes.max()) <= LONG:
            return None
        count = (self.sizes + LONG - 1) // LONG
        first = torch.cat([count.new_zeros(1), count.cumsum(0)])
        group = torch.arange(len(self), device=count.device).repeat_interleave(count)
        piece = torch.arange(len(group), device=count.device)
        start = self.start[group] + LONG * (piece - first[group])
        pieces = Pattern(torch.cat([start, self.start[-1:]]), self.member, self.n)
        return pieces, Pattern(first, piece, len(piece))


def _by_transposition(pattern: Pattern) -> tuple[Tensor, Tensor]:
    """Starts of the transposed pattern, and which member here is each there. O(N + E)."""
    number = np.arange(len(pattern.member))
    parts = (number, pattern.member.numpy(), pattern.start.numpy())
    turned = sp.csr_array(parts, shape=(len(pattern), pattern.n)).tocsc()
    start, order = (torch.from_numpy(p.astype(np.int64)) for p in (turned.indptr, turned.data))
    return start, order


def _by_sorting(pattern: Pattern) -> tuple[Tensor, Tensor]:
    """The same on any device."""
    ends, order = pattern.member.sort(stable=True)
    return torch.searchsorted(ends, torch.arange(pattern.n + 1, device=ends.device)), order


def _integers(name: str, values: Tensor) -> Tensor:
    if values.dim() != 1 or values.dtype not in (torch.int32, torch.int64):
        raise TypeError(
            f"{name} must be a vector of int32 or int64, found {values.dtype} of shape "
            f"{tuple(values.shape)}"
        )
    return values.long().contiguous()
