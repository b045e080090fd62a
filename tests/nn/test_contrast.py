"""Contrastive losses against plain loops, their limits, and how near each kind of negatives is."""

import math
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.nn.functional import cosine_similarity

from graphclust.kernels.pattern import Pattern
from graphclust.nn import contrast
from graphclust.nn.contrast import Influence


def draw(n=9, d=3, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64) * scale
    return z.requires_grad_()


def matrix(n=9, seed=0):
    """R with unequal rows; a self entry in each, one row with nothing else."""
    rng = np.random.default_rng(seed)
    r = rng.random((n, n)) * (rng.random((n, n)) < 0.4) + np.eye(n) * 0.5
    r[3] = np.eye(n)[3]
    return torch.from_numpy(r)


def entries(r):
    pattern = Pattern.of(sp.csr_array(r.numpy()))
    return Influence(torch.arange(len(r)), pattern, r[pattern.row, pattern.member])


def loops(z, tau):
    """Similarities with s_ii = 0, and neg_i."""
    u = z / z.norm(dim=1, keepdim=True)
    s = u @ u.T * (1 - torch.eye(len(z), dtype=z.dtype))
    return s, torch.exp(tau * s).sum(dim=1)


def log_negatives(u, tau, order):
    return contrast.moment_negatives(u, tau, order)


@pytest.mark.parametrize("tau", [0.25, 2.25])
def test_influence_contrast_is_its_formula(tau):
    z, r = draw(), matrix()
    s, negative = loops(z, tau)
    expected = sum(
        -torch.log(sum(r[i, j] * torch.exp(tau * s[i, j]) for j in range(9)) / negative[i])
        for i in range(9)
    )
    found = contrast.influence_contrast(
        z, entries(r), contrast.exact_negatives(contrast.unit(z), tau), tau
    )
    assert found.item() == pytest.approx(expected.item() / 9)
    mine, theirs = (torch.autograd.grad(loss, z)[0] for loss in (found, expected / 9))
    assert torch.allclose(mine, theirs)


def test_exact_negatives_in_chunks(monkeypatch):
    z = draw(n=23)
    whole = loops(z, 1.5)[1].log()
    for chunk in (1, 7, 512):
        monkeypatch.setattr(contrast, "CHUNK", chunk)
        found = contrast.exact_negatives(contrast.unit(z), 1.5)
        assert torch.allclose(found, whole)
        weight = torch.arange(23, dtype=torch.float64)
        mine, theirs = (
            torch.autograd.grad(x @ weight, z, retain_graph=True)[0] for x in (found, whole)
        )
        assert torch.allclose(mine, theirs)
    assert torch.autograd.gradcheck(
        lambda z: contrast.exact_negatives(contrast.unit(z), 1.5), draw(n=6)
    )


@pytest.mark.parametrize("order", [2, 3, 4])
def test_moment_negatives_are_the_truncated_series(order):
    z, tau = draw(), 0.8
    s = loops(z, tau)[0]
    series = sum((tau * s) ** p / math.factorial(p) for p in range(order + 1))
    expected = (series.sum(dim=1) - 1 + 1).log()  # s_ii = 0 adds 1, as published
    found = log_negatives(contrast.unit(z), tau, order)
    assert torch.allclose(found, expected)
    weight = torch.arange(9, dtype=torch.float64)
    mine, theirs = (torch.autograd.grad(x @ weight, z)[0] for x in (found, expected))
    assert torch.allclose(mine, theirs)


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("tau", [0.25, 1.0, 2.25])
def test_moment_negatives_keep_to_their_bound(order, tau):
    u = contrast.unit(draw(n=200, d=10))
    exact = contrast.exact_negatives(u, tau).exp()
    found = log_negatives(u, tau, order).exp()
    bound = tau ** (order + 1) * math.exp(2 * tau) / math.factorial(order + 1)
    assert ((found - exact).abs() / exact).max() < bound


def test_squares_multiply_to_squares():
    u, v = draw(seed=1), draw(seed=2)
    assert torch.allclose(contrast.squares(u) @ contrast.squares(v).T, (u @ v.T) ** 2)


def test_block_negatives_are_exact_where_clusters_are_points():
    points = draw(n=3)
    nearest = torch.tensor([0, 0, 1, 2, 2, 2, 2, 0])
    u = contrast.unit(points)[nearest]
    for k in (3, 5):  # with empty clusters
        found = contrast.block_negatives(u, 1.7, nearest, k)
        assert torch.allclose(found, contrast.exact_negatives(u, 1.7))


def test_block_negatives_are_their_formula_and_a_lower_bound():
    z, tau = draw(n=12), 1.3
    nearest = torch.tensor([0, 1, 1, 2] * 3)
    u = contrast.unit(z)
    expected = []
    for i in range(12):
        total = 1.0
        for b in range(3):
            others = [k for k in range(12) if nearest[k] == b and k != i]
            mean = sum(u[k] for k in others) / len(others)
            total = total + len(others) * torch.exp(tau * (u[i] @ mean))
        expected.append(total.log())
    found = contrast.block_negatives(u, tau, nearest, 3)
    assert torch.allclose(found, torch.stack(expected))
    assert (found <= contrast.exact_negatives(u, tau)).all()


def test_meta_negatives_are_their_formula():
    z, tau = draw(), 0.9
    nearest = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0, 1])
    meta = [sum(z[i] for i in range(9) if nearest[i] == a) for a in range(3)]
    for a in range(3):
        expected = sum(
            math.exp(tau * cosine_similarity(meta[a], meta[b], dim=0).item() * (a != b))
            for b in range(3)
        )
        found = contrast.meta_negatives(z, tau, nearest, 3)
        assert found[a].item() == pytest.approx(math.log(expected))


def test_an_empty_cluster_and_a_zero_row_stay_finite():
    z = draw()
    z = torch.cat([z[:8], torch.zeros(1, 3, dtype=z.dtype)]).detach().requires_grad_()
    nearest = torch.tensor([0, 2, 2, 0, 2, 2, 0, 0, 4])  # 1 and 3 are empty, 4 is a zero row
    u = contrast.unit(z)
    losses = [
        contrast.meta_negatives(z, 1.0, nearest, 6),
        contrast.block_negatives(u, 1.0, nearest, 6),
        contrast.exact_negatives(u, 1.0),
        log_negatives(u, 1.0, 4),
        contrast.log_positives(u, entries(matrix()), 1.0),
    ]
    for loss in losses:
        assert torch.isfinite(loss).all()
        assert torch.isfinite(torch.autograd.grad(loss.sum(), z, retain_graph=True)[0]).all()
    assert len(losses[0]) == 3  # only clusters that hold a node
    assert torch.allclose(losses[2][-1], torch.tensor(math.log(9), dtype=z.dtype))


def test_without_temperature_only_sizes_count():
    z, r = draw(), matrix()
    u = contrast.unit(z)
    nearest = torch.tensor([0, 1, 2] * 3)
    for found in (
        contrast.exact_negatives(u, 0.0),
        log_negatives(u, 0.0, 2),
        contrast.block_negatives(u, 0.0, nearest, 3),
    ):
        assert torch.allclose(found, torch.full((9,), math.log(9), dtype=z.dtype))
    assert torch.allclose(contrast.log_positives(u, entries(r), 0.0), r.sum(dim=1).log())


@pytest.mark.parametrize("order", [2, 3, 4])
def test_samples_expect_the_sum_over_all(order):
    """Over all samples of four nodes that hold node 0, the mean of neg_0 is that of all seven."""
    u = contrast.unit(draw(n=7))
    whole = log_negatives(u, 1.2, order).exp()[0]
    samples = [[0, *rest] for rest in combinations(range(1, 7), 3)]
    found = [contrast.moment_negatives(u[s], 1.2, order, n=7).exp()[0] for s in samples]
    assert torch.allclose(sum(found) / len(samples), whole)
    points = contrast.unit(draw(n=2))[[0, 0, 0, 1, 1, 1, 1]]  # where blocks are exact
    nearest = torch.tensor([0, 0, 0, 1, 1, 1, 1])
    found = [contrast.block_negatives(points[s], 1.2, nearest[s], 2, n=7).exp()[0] for s in samples]
    assert torch.allclose(sum(found) / len(samples), contrast.exact_negatives(points, 1.2).exp()[0])


def test_order_of_nodes_does_not_matter():
    z, r, tau = draw(), matrix(), 0.7
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))

    def loss(z, r):
        return contrast.influence_contrast(
            z, entries(r), log_negatives(contrast.unit(z), tau, 3), tau
        )

    assert torch.allclose(loss(z, r), loss(z[order], r[order][:, order]))


def test_how_near_each_kind_comes_to_the_exact_gradient():
    """Moments of falling order, then blocks, then meta-nodes."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(4, 10, generator=generator)
    nearest = torch.arange(400) % 4
    z = (centres[nearest] + torch.randn(400, 10, generator=generator)).requires_grad_()

    def gradient(kind, tau):
        u = contrast.unit(z)
        if kind == "exact":
            loss = contrast.exact_negatives(u, tau)
        elif kind == "block":
            loss = contrast.block_negatives(u, tau, nearest, 4)
        elif kind == "meta":
            loss = contrast.meta_negatives(z, tau, nearest, 4)
        else:
            loss = log_negatives(u, tau, kind)
        return torch.autograd.grad(loss.mean(), z)[0].flatten()

    for tau in (0.25, 0.5, 1.0, 2.25):
        exact = gradient("exact", tau)
        cosine = {
            kind: cosine_similarity(gradient(kind, tau), exact, dim=0).item()
            for kind in (4, 3, 2, "block", "meta")
        }
        assert cosine[4] > 0.999
        assert cosine[3] > 0.99
        assert cosine[4] >= cosine[3] - 1e-6 >= cosine[2] - 2e-6
        assert cosine[2] > cosine["block"] > cosine["meta"]
