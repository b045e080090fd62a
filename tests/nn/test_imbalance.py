"""Imbalances equal their formulas in loops, and every variant trains."""

import numpy as np
import pytest
import torch

from graphclust.nn.imbalance import default_pairs, pair_imbalances, select

NORMALISATIONS = ("vol_sum", "vol_max", "vol_min", "plain")
SELECTIONS = ("sort", "std", "naive")


def loop(a, p, normalisation, selection, pairs):
    """O of dense A and P, pair by pair."""
    n, k = p.shape
    degree = a.sum(axis=0) + a.sum(axis=1)
    volume = [sum(degree[i] * p[i, c] for i in range(n)) for c in range(k)]
    values, significant = [], []
    for c in range(k):
        for d in range(c + 1, k):
            there = sum(a[i, j] * p[i, c] * p[j, d] for i in range(n) for j in range(n))
            back = sum(a[i, j] * p[i, d] * p[j, c] for i in range(n) for j in range(n))
            apart, both = abs(there - back), there + back
            value = {
                "vol_sum": 2 * apart / (volume[c] + volume[d]),
                "vol_max": apart / max(volume[c], volume[d]),
                "vol_min": apart / both * min(volume[c], volume[d]) / sorted(volume)[-2],
                "plain": apart / both,
            }
            values.append(value[normalisation])
            significant.append(apart**2 > 9 * both)
    if selection == "sort":
        return np.mean(sorted(values)[-pairs:])
    kept = [v for v, s in zip(values, significant, strict=True) if s]
    return np.mean(kept if selection == "std" and kept else values)


def example(seed: int, n: int = 8, k: int = 4, weight: float = 60.0):
    rng = np.random.default_rng(seed)
    a = rng.random((n, n)) * weight * (rng.random((n, n)) < 0.5)
    np.fill_diagonal(a, 0)
    a[:, -1] = a[-1] = 0  # an isolated node
    return a, torch.from_numpy(4 * rng.standard_normal((n, k))).requires_grad_()


def ours(a, p, normalisation, selection, pairs):
    matrix = torch.from_numpy(a)
    flow, degree = p.T @ (matrix @ p), matrix.sum(dim=0) + matrix.sum(dim=1)
    return select(*pair_imbalances(flow, degree @ p, normalisation), selection, pairs)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_value_and_gradient(normalisation, selection):
    for seed in range(3):
        a, logits = example(seed)
        p = logits.softmax(dim=1)
        value = ours(a, p, normalisation, selection, 3)
        args = normalisation, selection, 3
        assert value.item() == pytest.approx(loop(a, p.detach().numpy(), *args), rel=1e-10)
        assert 0 < value.item() < 1
        value.backward()
        assert logits.grad.abs().max() > 1e-6
        step = 1e-6
        moved = logits.detach().clone()
        moved[2, 1] += step
        up = loop(a, moved.softmax(dim=1).numpy(), *args)
        moved[2, 1] -= 2 * step
        down = loop(a, moved.softmax(dim=1).numpy(), *args)
        assert logits.grad[2, 1].item() == pytest.approx((up - down) / 2 / step, rel=1e-4, abs=1e-8)


def test_significant_pairs_are_a_part_of_all():
    a, logits = example(0)
    _, significant = pair_imbalances(
        *(part.detach() for part in flow_and_volume(a, logits.softmax(dim=1)))
    )
    assert significant.any()
    assert not significant.all()


def flow_and_volume(a, p):
    matrix = torch.from_numpy(a)
    return p.T @ (matrix @ p), (matrix.sum(dim=0) + matrix.sum(dim=1)) @ p


def test_empty_clusters_and_no_arcs_give_zero():
    flow = torch.zeros(3, 3, dtype=torch.float64)
    for normalisation in NORMALISATIONS:
        values, _ = pair_imbalances(flow, torch.zeros(3, dtype=torch.float64), normalisation)
        assert values.tolist() == [0, 0, 0]


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_gradient_is_finite_where_a_cluster_is_all_but_empty(normalisation):
    """Memberships of a sure network underflow: the inverse of their sum is no float32."""
    a, _ = example(0)
    logits = torch.zeros(len(a), 4)
    logits[:, 1] = logits[:, 2] = -100.0
    logits.requires_grad_()
    flow, volume = flow_and_volume(a.astype(np.float32), logits.softmax(dim=1))
    values, _ = pair_imbalances(flow, volume, normalisation)
    values.sum().backward()
    assert logits.grad.isfinite().all()


def test_the_unit_of_weights_does_not_matter():
    a, logits = example(0)
    flow, volume = flow_and_volume(a, logits.detach().softmax(dim=1))
    for normalisation in NORMALISATIONS:
        values, _ = pair_imbalances(flow, volume, normalisation)
        small, _ = pair_imbalances(flow * 2.0**-100, volume * 2.0**-100, normalisation)
        assert torch.equal(values, small)


def test_as_many_pairs_as_a_cycle_has():
    assert [default_pairs(k) for k in (2, 3, 4, 10)] == [1, 3, 4, 10]
