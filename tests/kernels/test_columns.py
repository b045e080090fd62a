"""Column kinds and weights against plain loops, dense and sparse alike."""

import numpy as np
import pytest
import scipy.sparse as sp

from graphclust.kernels import columns
from graphclust.kernels.columns import idf, kind_of, mean_and_square, moran, scaled

FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
WORDS = np.array(  # a zero row, a zero column, a constant column, unequal counts
    [
        [1, 0, 2, 0, 1],
        [0, 0, 2, 0, 1],
        [0, 0, 0, 0, 1],
        [3, 1, 0, 0, 1],
        [0, 0, 0, 0, 0],
        [1, 1, 0, 0, 1],
        [0, 4, 0, 0, 1],
    ],
    dtype=np.float32,
)
EDGES = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (2, 3)]  # node 6 is isolated


def adjacency(weight=1.0):
    a = np.zeros((7, 7))
    for step, (i, j) in enumerate(EDGES):
        a[i, j] = a[j, i] = weight ** (step + 1)
    return a


@FORMS
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([[0, 1], [2, 0]], "words"),
        ([[0, 0.5], [2, 0]], "rows"),
        ([[0, -1], [2, 0]], "table"),
        ([[1, 1], [2, 3]], "table"),
        ([[0, 0], [0, 0]], "words"),
    ],
)
def test_kind_follows_from_the_values(form, values, kind):
    assert kind_of(form(np.array(values, dtype=np.float32))) == kind


@FORMS
def test_idf_by_its_formula(form):
    expected = []
    for f in range(5):
        rows_with = sum(1 for i in range(7) if WORDS[i, f] != 0)
        expected.append(np.log(8 / (1 + rows_with)) + 1)
    assert idf(form(WORDS)) == pytest.approx(np.array(expected))


def test_a_stored_zero_is_no_word():
    x = sp.csr_array((np.array([0.0, 1.0]), ([0, 1], [0, 0])), shape=(2, 1))
    assert x.nnz == 2
    assert idf(x) == pytest.approx(idf(x.toarray()))


@FORMS
def test_mean_and_square(form):
    mean, square = mean_and_square(form(WORDS))
    assert mean == pytest.approx(WORDS.mean(axis=0))
    assert square == pytest.approx((WORDS**2).mean(axis=0))


def test_scaled_leaves_its_input_alone():
    scale, shift = np.arange(1.0, 6.0), np.ones(5)
    before = WORDS.copy()
    assert scaled(WORDS, scale) == pytest.approx(WORDS * scale)
    assert scaled(WORDS, scale, shift) == pytest.approx((WORDS - 1) * scale)
    sparse = sp.csr_array(WORDS)
    assert scaled(sparse, scale, shift).toarray() == pytest.approx(WORDS * scale)
    assert np.array_equal(sparse.toarray(), before)
    assert np.array_equal(WORDS, before)


@FORMS
@pytest.mark.parametrize("weight", [1.0, 1.5])
@pytest.mark.parametrize("block", [1, 12, 1000])
def test_moran_by_its_formula(form, weight, block, monkeypatch):
    monkeypatch.setattr(columns, "BLOCK", block)
    a, expected = adjacency(weight), []
    for f in range(5):
        centred = [WORDS[i, f] - WORDS[:, f].mean() for i in range(7)]
        above = 0.0
        for i in range(7):
            for j in range(7):
                if a[i, j]:
                    above += a[i, j] / a[i].sum() * centred[i] * centred[j]
        below = sum(c * c for c in centred)
        expected.append(above / below if below > 0 else 0.0)
    assert moran(form(WORDS), sp.csr_array(a)) == pytest.approx(np.array(expected), abs=1e-6)


@FORMS
def test_moran_of_a_split_that_the_edges_follow_is_one(form):
    x = form(np.array([[1, 1], [1, 0], [1, 1], [0, 1], [0, 0], [0, 1]], dtype=np.float32))
    a = sp.csr_array(np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3)))
    assert moran(x, a) == pytest.approx([1.0, -0.5])


@FORMS
def test_moran_without_edges_or_variance_is_zero(form):
    assert np.array_equal(moran(form(WORDS), sp.csr_array((7, 7))), np.zeros(5))
    constant = np.full((7, 2), 0.1, dtype=np.float32)
    assert np.array_equal(moran(form(constant), sp.csr_array(adjacency())), np.zeros(2))
