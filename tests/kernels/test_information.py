"""Adjusted mutual information against its formula and against scikit-learn's."""

from math import comb, log

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from graphclust.kernels import information
from graphclust.kernels.information import adjusted_mutual_information, expected_information


def by_formula(size_a, size_b):
    """E[MI] in loops over clusters, by whole-number binomials."""
    total, value = sum(size_a), 0.0
    for a in size_a:
        for b in size_b:
            for n in range(max(1, a + b - total), min(a, b) + 1):
                chance = comb(a, n) * comb(total - a, b - n) / comb(total, b)
                value += n / total * log(total * n / (a * b)) * chance
    return value


@pytest.mark.parametrize(
    ("size_a", "size_b"),
    [([3, 3, 2], [5, 1, 1, 1]), ([8], [4, 4]), ([1] * 8, [2, 6]), ([7, 1], [6, 2]), ([1], [1])],
)
def test_expected_information_equals_its_formula(size_a, size_b, monkeypatch):
    for block in (1 << 20, 1):
        monkeypatch.setattr(information, "BLOCK", block)
        found = expected_information(np.array(size_a), np.array(size_b))
        assert found == pytest.approx(by_formula(size_a, size_b), abs=1e-12)


@pytest.mark.parametrize("n", [12, 60, 3000])
def test_it_is_that_of_scikit_learn(n):
    rng = np.random.default_rng(n)
    for k, other in ((2, 2), (3, n // 2), (n, 4), (n // 3, n // 4)):
        a, noise = rng.integers(k, size=(2, n))
        for b in (rng.integers(other, size=n), np.where(rng.random(n) < 0.5, a, noise)):
            expected = adjusted_mutual_info_score(a, b)
            assert adjusted_mutual_information(a, b) == pytest.approx(expected, abs=1e-9)
            assert adjusted_mutual_information(b, a) == pytest.approx(expected, abs=1e-9)
        assert adjusted_mutual_information(a, 7 - a) == pytest.approx(1.0)


def test_partitions_of_one_kind_have_none():
    assert np.isnan(adjusted_mutual_information(np.zeros(4, int), np.zeros(4, int)))
    assert np.isnan(adjusted_mutual_information(np.arange(4), np.arange(4)))
