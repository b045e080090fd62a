import numpy as np
import pytest
import torch

from graphclust.kernels.gram import Descent, gram


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((9, 5)).astype(np.float32)
    rows = rng.integers(0, 9, (6, 3)).astype(np.int32)
    rows[0] = 4  # one row three times over
    return z, rows


def test_inner_products_are_those_of_the_rows(batch):
    z, rows = batch
    for b, members in enumerate(rows):
        for i, v in enumerate(members):
            for j, w in enumerate(members):
                assert gram(z, rows)[b, i, j] == pytest.approx(z[v] @ z[w], abs=1e-6)


def test_a_step_is_that_of_autograd(batch):
    """The loss is any function of inner products and of the first row of each set."""
    z, rows = batch
    table = torch.from_numpy(z.copy()).requires_grad_(True)
    part = table[torch.from_numpy(rows).long()]
    inner = part @ part.transpose(1, 2)
    weight = torch.from_numpy(np.random.default_rng(1).standard_normal((6, 3, 3))).float()
    pull = torch.from_numpy(np.random.default_rng(2).standard_normal((6, 5))).float()
    ((weight * inner**2).sum() + (pull * part[:, 0]).sum()).backward()
    slope = 2 * weight.numpy() * gram(z, rows)
    expected = z - 0.1 * table.grad.numpy()
    Descent(z)(rows, slope, pull.numpy(), 0.1)
    assert np.allclose(z, expected, atol=1e-4)


def test_steps_leave_nothing_behind(batch):
    z, rows = batch
    slope, still = np.ones((6, 3, 3), np.float32), np.zeros((6, 3, 3), np.float32)
    descend = Descent(z)
    descend(rows, slope, None, 0.1)
    after = z.copy()
    descend(rows, still, None, 0.1)
    assert np.array_equal(z, after)


def test_a_row_of_many_places_moves_as_for_the_most(batch):
    z, _ = batch
    rows = np.array([[0, 1], [0, 2], [0, 3], [0, 4]], np.int32)
    slope = np.tile(np.array([[0, 1], [0, 0]], np.float32), (4, 1, 1))
    expected = z.copy()
    expected[0] -= 0.1 * 2 / 4 * (z[1] + z[2] + z[3] + z[4])
    expected[1:5] -= 0.1 * z[0]
    Descent(z, most=2)(rows, slope, None, 0.1)
    assert np.allclose(z, expected, atol=1e-6)


def test_no_sets_and_no_rows():
    z = np.ones((2, 3), np.float32)
    assert gram(z, np.zeros((0, 4), np.int32)).shape == (0, 4, 4)
    Descent(z)(np.zeros((0, 4), np.int32), np.zeros((0, 4, 4), np.float32), None, 1.0)
    assert (z == 1).all()


def test_bad_arguments_are_named(batch):
    z, rows = batch
    with pytest.raises(TypeError, match="z must be a C-contiguous float32 matrix"):
        gram(z.astype(float), rows)
    with pytest.raises(TypeError, match="rows must be an int32 matrix"):
        gram(z, rows.astype(np.int64))
    with pytest.raises(ValueError, match=r"rows must lie in 0\.\.8, found 0 to 9"):
        gram(z, np.array([[0, 9]], np.int32))
    with pytest.raises(ValueError, match="slope must be float32 of shape"):
        Descent(z)(rows, np.zeros((6, 3, 2), np.float32), None, 0.1)
    with pytest.raises(ValueError, match="first must be float32 of shape"):
        Descent(z)(rows, np.zeros((6, 3, 3), np.float32), np.zeros((6, 4), np.float32), 0.1)
