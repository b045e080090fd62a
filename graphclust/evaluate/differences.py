"""Which differences between methods are larger than what their seeds make?

Seeds weigh chance within the methods on one graph: a small p says that other seeds would hardly
turn the order, not that it holds on another graph, another sample of this one, or with other
parameters.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

LEAST = 4  # seeds: of fewer no order can be told from chance
LEVEL = 0.05


def differences(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """All pairs of methods: `better`, `worse`, `difference` of their means, and the two-sided p of
    the Mann–Whitney test over their seeds, as it is and by Holm's rule for all pairs (`p_holm`).

    A method without random choices runs once; it would score the same with every seed. Methods of
    equal means stand in the order of the rows.

    Raises:
        ValueError: no such score among the rows.
    """
    if score not in rows or not pd.api.types.is_numeric_dtype(rows[score]):
        raise ValueError(f"no score {score!r} in these rows")
    good = rows[(rows["status"] == "ok") & rows[score].notna()]
    values = {name: part.to_numpy(float) for name, part in good.groupby("label", sort=False)[score]}
    seeds = rows.groupby("label").size()
    for name, runs in values.items():
        if seeds[name] == 1:
            values[name] = np.repeat(runs, seeds.max())
    order = sorted(values, key=lambda name: -values[name].mean())
    table = pd.DataFrame(
        [
            (a, b, values[a].mean() - values[b].mean(), _p(values[a], values[b]))
            for a, b in combinations(order, 2)
        ],
        columns=["better", "worse", "difference", "p"],
    )
    return table.assign(p_holm=holm(table["p"].to_numpy(float)))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) p-values of T tests, such that the chance of any false alarm stays below them.

    S. Holm, Scand. J. Statist. 6 (1979).
    """
    order = np.argsort(p, kind="stable")
    raised = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    result = np.empty_like(raised)
    result[order] = raised
    return result


def _p(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    together = np.r_[a, b]
    if together.min() == together.max():  # a test of equal numbers divides by 0
        return 1.0
    return float(mannwhitneyu(a, b).pvalue)


def verdict(table: pd.DataFrame, heading: str, seeds: int) -> list[str]:
    """Who leads, whom the seeds cannot tell from the leader, and what that means."""
    if table.empty or seeds < LEAST:
        return []
    lead = table["better"].iloc[0]
    against = table[table["better"] == lead]
    level = against[against["p_holm"] > LEVEL]["worse"].tolist()
    behind = len(against) - len(level)
    said = [f"{heading}: {lead} leads"]
    said += [f"by no more than its seeds may make over {', '.join(level)}"] if level else []
    if behind:
        who = "the others" if level else "all others" if behind > 1 else against["worse"].iloc[0]
        said.append(f"beyond the spread of the seeds over {who}")
    return [
        "; ".join(said) + f" (Mann–Whitney over {seeds} seeds, Holm, p ≤ {LEVEL}). Seeds weigh "
        "chance within the methods on this one graph: other seeds would hardly turn such an order, "
        "another graph or other parameters may."
    ]
