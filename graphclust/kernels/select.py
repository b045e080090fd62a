"""Order statistics of columns by selection, without sorting."""

from torch import Tensor


def kth_largest(s: Tensor, k: int) -> Tensor:
    """(F,) the k-th largest number of each column of (N, F), 1 ≤ k ≤ N; O(N F).

    The gradient goes to the one element selected; of equal ones, to any.
    """
    value: Tensor = s.T.contiguous().kthvalue(len(s) - k + 1, dim=1).values
    return value
