"""A constant sparse matrix gives the products and gradients of the dense one."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from graphclust.kernels.products import Constant


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (0, 3)])
def test_products_and_gradients(shape):
    rng = np.random.default_rng(0)
    matrix = sp.random_array(shape, density=0.5, rng=rng, format="csr")
    y = torch.randn(shape[1], 6, dtype=torch.float64)[:, ::2].requires_grad_()
    weight = torch.randn(shape[0], 3, dtype=torch.float64)
    (weight * (Constant(matrix) @ y)).sum().backward()
    dense = torch.from_numpy(matrix.toarray())
    assert torch.allclose(Constant(matrix) @ y, dense @ y)
    assert torch.allclose(y.grad, dense.T @ weight)
