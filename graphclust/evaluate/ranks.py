"""Are methods different over many data sets? Ranks, and the tests that go with them.

After Demšar, JMLR 7 (2006), and Benavoli, Corani and Mangili, JMLR 17 (2016): Friedman's test over
all, then Nemenyi's critical difference of mean ranks, or Wilcoxon's signed ranks for each pair with
Holm's correction. Seeds are averaged first: data sets are what is sampled.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.05
DIGITS = 10  # of a mean: behind these, equal scores differ by the order of their sum
TESTS = ("nemenyi", "wilcoxon")


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Methods, the best mean rank first, over the data sets on which every one was run.

    Attributes:
        mean: rank of each method.
        datasets: names of those sets.
        friedman: p-value of "all are alike"; NaN for fewer than three methods.
        critical: difference of mean ranks from which on Nemenyi tells two methods apart.
        holm: p-value of each pair, by Wilcoxon's test and Holm's correction over all pairs.
        left_out: methods and sets that were not run together with the others.
    """

    mean: pd.Series
    datasets: list[str]
    friedman: float
    critical: float
    holm: pd.DataFrame
    left_out: list[str]

    def alike(self, test: str) -> NDArray[np.bool_]:
        """(M, M): pairs that `nemenyi` or `wilcoxon` does not tell apart, in the order of `mean`.

        Raises:
            ValueError: another test.
        """
        check_test(test)
        if test == "wilcoxon":
            found: NDArray[np.bool_] = self.holm.to_numpy() >= LEVEL
            return found
        rank = self.mean.to_numpy()
        apart: NDArray[np.bool_] = np.abs(rank[:, None] - rank) >= self.critical
        return ~apart


def check_test(test: str) -> None:
    """Refuse what is no test of mean ranks."""
    if test not in TESTS:
        raise ValueError(f"test must be one of {', '.join(TESTS)}, found {test!r}")


def ranks(scores: pd.DataFrame) -> Ranks | None:
    """Ranks of methods (rows) over data sets (columns); None without two of each to compare.

    Scores are means over seeds, high ones good. NaN: was not run there; the methods or sets that
    lack most are left out until none is missing. −∞: no run ended well, which ranks last.
    """
    whole = complete(scores)
    left_out = [*map(str, scores.index.difference(whole.index, sort=False))]
    left_out += map(str, scores.columns.difference(whole.columns, sort=False))
    methods, sets = whole.shape
    if methods < 2 or sets < 2:
        return None
    whole = whole.round(DIGITS)
    of_set = stats.rankdata(-whole.to_numpy(), axis=0)
    mean = pd.Series(of_set.mean(axis=1), index=whole.index).sort_values(kind="stable")
    return Ranks(
        mean=mean,
        datasets=[*map(str, whole.columns)],
        friedman=_friedman(of_set),
        critical=critical_difference(methods, sets),
        holm=_wilcoxon_holm(whole.loc[mean.index]),
        left_out=left_out,
    )


def critical_difference(methods: int, sets: int, level: float = LEVEL) -> float:
    """Nemenyi's: q_α √(k (k + 1) / 6 N), with q_α of the studentised range over √2."""
    q = stats.studentized_range.ppf(1 - level, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * sets)))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's correction: the i-th smallest of m p-values times m − i, never falling, at most 1.

    The chance of any false alarm among the m tests stays below them. S. Holm, Scand. J. Statist. 6
    (1979).
    """
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def groups(alike: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last place of each longest run of ranked methods of which no two are told apart."""
    runs: list[tuple[int, int]] = []
    for start in range(len(alike)):
        end = start
        while end + 1 < len(alike) and alike[start : end + 1, end + 1].all():
            end += 1
        if end > start and (not runs or end > runs[-1][1]):
            runs.append((start, end))
    return runs


def complete(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores without the methods and sets that lack most, one by one, until nothing is missing."""
    while scores.isna().to_numpy().any():
        lacks = [scores.isna().mean(axis=axis) for axis in (1, 0)]
        axis = 0 if lacks[0].max() > lacks[1].max() else 1
        scores = scores.drop(lacks[axis].idxmax(), axis=axis)
    return scores


def _friedman(of_set: NDArray[np.float64]) -> float:
    if len(of_set) < 3 or np.ptp(of_set, axis=0).max() == 0:
        return float("nan")
    return float(stats.friedmanchisquare(*of_set).pvalue)


def _wilcoxon_holm(scores: pd.DataFrame) -> pd.DataFrame:
    """(M, M) corrected p-values; a method that failed on a set is given the worst score there."""
    finite = scores.replace(-np.inf, np.nan)
    values = finite.fillna(finite.min()).fillna(0.0).to_numpy()
    pairs = list(combinations(range(len(values)), 2))
    p = holm(np.array([_wilcoxon(values[a], values[b]) for a, b in pairs]))
    table = np.ones((len(values), len(values)))
    for (a, b), value in zip(pairs, p, strict=True):
        table[a, b] = table[b, a] = value
    return pd.DataFrame(table, index=scores.index, columns=scores.index)


def _wilcoxon(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    differences = a - b
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences[differences != 0]).pvalue)
