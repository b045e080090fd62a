"""Approximate neighbours: exact within what they look at, and not far off in all."""

import numpy as np
import pytest

from graphclust.kernels import cells as module
from graphclust.kernels.cells import cells, nearly_nearest_by_cosine
from graphclust.kernels.knn import nearest_by_cosine


@pytest.fixture(autouse=True)
def small_cells(monkeypatch):
    monkeypatch.setattr(module, "CELL", 40)
    monkeypatch.setattr(module, "CANDIDATES", 300)


def unit_rows(n, d=5, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_cells_divide_the_rows():
    parts = cells(unit_rows(1000), seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000))
    assert min(map(len, parts)) >= 1
    assert max(map(len, parts)) <= 80


def test_most_of_the_nearest_are_found():
    rows = unit_rows(1000)
    products, nearest = nearly_nearest_by_cosine(rows, 10, seed=0)
    exact = nearest_by_cosine(rows, 10)[1]
    hits = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(nearest, exact, strict=True)])
    assert 0.9 < hits < 1
    assert products == pytest.approx(np.einsum("id,ikd->ik", rows, rows[nearest]), abs=1e-6)
    assert (np.diff(products, axis=1) <= 0).all()
    assert (nearest != np.arange(1000)[:, None]).all()
    assert len(set(nearest[3])) == 10


def test_all_are_found_where_all_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 500)
    rows = unit_rows(500)
    products, nearest = nearly_nearest_by_cosine(rows, 7, seed=3)
    expected = nearest_by_cosine(rows, 7)
    assert products == pytest.approx(expected[0], abs=1e-6)
    assert np.array_equal(nearest, expected[1])


def test_same_seed_same_neighbours():
    rows = unit_rows(600)
    first, again, other = (nearly_nearest_by_cosine(rows, 6, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_rows_that_are_alike_do_not_fill_one_cell(value):
    """Zero rows, or one direction over and over: the cell is divided, none is its own neighbour."""
    rows = unit_rows(1000)
    rows[:700] = value * rows[0]
    parts = cells(rows, seed=0)
    assert max(map(len, parts)) <= 80
    products, nearest = nearly_nearest_by_cosine(rows, 5, seed=0)
    assert products[:700] == pytest.approx(value, abs=1e-6)
    assert (nearest != np.arange(1000)[:, None]).all()
    assert all(len(set(row)) == 5 for row in nearest.tolist())


def test_more_neighbours_than_candidates(monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 1)
    nearest = nearly_nearest_by_cosine(unit_rows(200), 199, seed=0)[1]
    assert (np.sort(nearest, axis=1)[:, 0] >= 0).all()
    assert all(sorted([*row, i]) == list(range(200)) for i, row in enumerate(nearest.tolist()))
