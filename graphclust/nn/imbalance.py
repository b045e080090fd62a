"""How unequal the flow between clusters is, in either direction: the objective of DIGRAC.

Y. He, G. Reinert, M. Cucuringu, "DIGRAC: digraph clustering based on flow imbalance", LoG (2022),
https://arxiv.org/abs/2106.05194, section 3. Letters: N nodes, K clusters, P (N, K) memberships, A
(N, N) with A_ij the weight of the arc i → j, M = PᵀAP the flow from cluster to cluster, vol_k = Σ_j
(d_j^in + d_j^out) P_jk, and for a pair k < l: D = |M_kl − M_lk|, T = M_kl + M_lk.

    plain    D / T
    vol_sum  2 D / (vol_k + vol_l)
    vol_max  D / max(vol_k, vol_l)
    vol_min  (D / T) min(vol_k, vol_l) / (the second largest volume)

each in [0, 1]; 0 where its denominator is, in rounding. Of the pairs, `sort` takes the mean of the
β largest, `std` of those with D² > 9 T (three deviations from what arcs of random direction would
give; of all, where there are none), `naive` of all. The published means leave out pairs with D = 0,
by which a partition with empty clusters scores higher; here these count.
"""

import torch
from torch import Tensor

DEVIATIONS = 3.0
EMPTY = 1e-18  # a flow or volume below this share of the largest volume is none, but rounding


def pair_imbalances(
    flow: Tensor, volume: Tensor, normalisation: str = "vol_sum"
) -> tuple[Tensor, Tensor]:
    """(K(K−1)/2,) imbalance of the pairs k < l, row by row, and which are significant (D² > 9 T).

    `flow` (K, K), `volume` (K,), K ≥ 2.
    """
    n = len(flow)
    k, l = torch.triu_indices(n, n, 1, device=flow.device)  # noqa: E741
    apart, both = (flow[k, l] - flow[l, k]).abs(), flow[k, l] + flow[l, k]
    least = EMPTY * volume.max().detach()
    if normalisation == "vol_sum":
        value = _ratio(2 * apart, volume[k] + volume[l], least)
    elif normalisation == "vol_max":
        value = _ratio(apart, torch.maximum(volume[k], volume[l]), least)
    else:
        value = _ratio(apart, both, least)
        if normalisation == "vol_min":
            smaller = torch.minimum(volume[k], volume[l])
            value = value * _ratio(smaller, volume.topk(2).values[1], least)
    return value, (apart.square() > DEVIATIONS**2 * both).detach()


def select(values: Tensor, significant: Tensor, selection: str, pairs: int) -> Tensor:
    """The mean of the pairs that `selection` takes, a scalar; `pairs` is β, for `sort`."""
    if selection == "sort":
        return values.topk(pairs).values.mean()
    if selection == "std" and significant.any():
        return values[significant].mean()
    return values.mean()


def default_pairs(k: int) -> int:
    """β where none is given: as many pairs as a cycle through all K clusters has."""
    return min(k, k * (k - 1) // 2)


def _ratio(a: Tensor, b: Tensor, least: Tensor) -> Tensor:
    """a / b; a where b is no more than `least`: its inverse would be infinite in the gradient."""
    return a / torch.where(b > least, b, 1.0)
