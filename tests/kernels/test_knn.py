"""Nearest neighbours, against sorting all products."""

import numpy as np
import pytest

from graphclust.kernels import knn
from graphclust.kernels.knn import nearest_by_cosine, nearest_neighbours, nearly_nearest_by_cosine


def by_sorting(rows, k, queries=None):
    """Numbers of the k largest products, ties to the lower number."""
    found = []
    for i, query in enumerate(rows if queries is None else queries):
        products = [float(query @ row) for row in rows]
        others = [j for j in range(len(rows)) if queries is not None or j != i]
        found.append(sorted(others, key=lambda j: (-products[j], j))[:k])
    return np.array(found)


def unit_rows(n, d=3, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [2, 5, 33, 64, 200])
@pytest.mark.parametrize("block", [1, 700, 1 << 24])
def test_the_largest_products_are_found(n, block, monkeypatch):
    monkeypatch.setattr(knn, "BLOCK", block)
    rows, queries = unit_rows(n), unit_rows(7, seed=1)
    for k in {1, n // 2, n - 1}:
        if k < 1:
            continue
        products, nearest = nearest_by_cosine(rows, k)
        assert np.array_equal(nearest, by_sorting(rows, k))
        expected = np.einsum("id,ikd->ik", rows, rows[nearest])
        assert products == pytest.approx(expected)
        assert np.array_equal(nearest_by_cosine(rows, k, queries)[1], by_sorting(rows, k, queries))


def test_ties_go_to_the_lower_number():
    rows = np.repeat(np.eye(2), 40, axis=0)[np.random.default_rng(0).permutation(80)]
    assert np.array_equal(nearest_by_cosine(rows, 39)[1], by_sorting(rows, 39))
    rows = rows[:20]
    distance, nearest = nearest_neighbours(rows, 5)
    assert np.array_equal(nearest, by_sorting(rows, 5))
    assert (distance == 0).all()


def test_distances_are_in_order():
    x = np.random.default_rng(0).standard_normal((50, 3))
    distance, nearest = nearest_neighbours(x, 4)
    for i in range(50):
        every = np.linalg.norm(x - x[i], axis=1)
        every[i] = np.inf
        assert nearest[i].tolist() == np.argsort(every)[:4].tolist()
        assert distance[i] == pytest.approx(np.sort(every)[:4])


def test_descent_finds_most_and_gives_zero_rows_nothing():
    pytest.importorskip("pynndescent")
    rows = unit_rows(600, d=5).astype(np.float32)
    rows[7] = 0
    products, nearest = nearly_nearest_by_cosine(rows, 10, seed=0)
    exact = nearest_by_cosine(rows, 10)[1]
    hits = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(nearest, exact, strict=True)])
    assert hits > 0.9
    assert (products[7] == 0).all()
    assert (nearest != np.arange(600)[:, None]).all()
    assert np.array_equal(nearest, nearly_nearest_by_cosine(rows, 10, seed=0)[1])
