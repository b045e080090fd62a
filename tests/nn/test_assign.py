"""Soft assignments and their targets, against loops."""

import numpy as np
import pytest
import torch

from graphclust.nn.assign import (
    assignment,
    kl_divergence,
    memberships,
    sharpness,
    student_t,
    target_distribution,
)


def draw(n=7, k=3, d=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64, requires_grad=True)
    centres = torch.randn(k, d, generator=generator, dtype=torch.float64, requires_grad=True)
    return z, centres


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_student_t_is_its_formula(alpha):
    z, centres = draw()
    expected = np.zeros((7, 3))
    for i in range(7):
        for j in range(3):
            distance = sum((z[i, d].item() - centres[j, d].item()) ** 2 for d in range(4))
            expected[i, j] = (1 + distance / alpha) ** (-(alpha + 1) / 2)
        expected[i] /= expected[i].sum()
    assert student_t(z, centres, alpha).detach().numpy() == pytest.approx(expected)
    assert torch.autograd.gradcheck(lambda a, b: student_t(a, b, alpha), (z, centres))


def test_student_t_stays_finite_far_away_and_on_a_centre():
    z = torch.tensor([[1e18, 0.0], [0.0, 0.0]], requires_grad=True)
    q = student_t(z, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    q.sum().backward()
    q = q.detach()
    assert torch.isfinite(q).all()
    assert torch.isfinite(z.grad).all()
    assert q[1, 0] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("balance", "power"), [(1.0, 2.0), (0.5, 1.0), (0.0, 2.0)])
def test_the_target_is_its_formula(balance, power):
    q = student_t(*draw(seed=1)).detach()
    expected = np.zeros((7, 3))
    for i in range(7):
        for j in range(3):
            expected[i, j] = q[i, j] ** power / sum(q[u, j] for u in range(7)) ** balance
        expected[i] /= expected[i].sum()
    found = target_distribution(q.requires_grad_(), balance, power)
    assert found.numpy() == pytest.approx(expected)
    assert not found.requires_grad


def test_a_column_without_mass_gets_none():
    q = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]])
    p = target_distribution(q)
    assert torch.isfinite(p).all()
    assert (p[:, 2] == 0).all()


def test_divergence_is_its_formula_and_zero_of_equals():
    z, centres = draw(seed=2)
    q = student_t(z, centres)
    p = target_distribution(q)
    by_loop = sum(
        p[i, j].item() * np.log(p[i, j].item() / q[i, j].item()) for i in range(7) for j in range(3)
    )
    assert kl_divergence(p, q).item() == pytest.approx(by_loop / 7)
    assert kl_divergence(p, p).item() == pytest.approx(0)
    hard = torch.tensor([[1.0, 0.0]])
    assert kl_divergence(hard, torch.tensor([[0.5, 0.5]])).item() == pytest.approx(np.log(2))
    assert kl_divergence(hard, hard).item() == 0


def test_targets_and_assignments_stay_finite_and_exact_where_numbers_are_extreme():
    sure = torch.softmax(torch.tensor([[0.0, -90.0], [0.0, -91.0]]), dim=1)
    assert torch.isfinite(target_distribution(sure)).all()
    z, centres = draw()
    far = student_t((z + 1000).float(), (centres + 1000).float())
    assert far.detach().numpy() == pytest.approx(student_t(z, centres).detach().numpy(), abs=1e-3)


def test_sharpness_is_its_formula():
    rng = np.random.default_rng(0)
    z, centres = rng.standard_normal((20, 3)), rng.standard_normal((4, 3))
    expected = []
    for row in z:
        near, next_ = sorted(((row - c) ** 2).sum() for c in centres)[:2]
        expected.append(1 - near / next_)
    assert sharpness(z, centres) == pytest.approx(np.mean(expected))
    assert sharpness(centres, centres) == 1.0
    assert sharpness(z, centres[:1]) == 0.0
    assert sharpness(z, np.repeat(centres[:1], 2, axis=0)) == 0.0  # midway between equal centres


def test_memberships_are_to_the_means_of_clusters():
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((9, 2)), np.array([0, 1, 2] * 3)
    means = np.stack([z[labels == a].mean(axis=0) for a in range(3)])
    assert memberships(z, labels) == pytest.approx(assignment(z, means))
    assert memberships(z, labels).sum(axis=1) == pytest.approx(1)
