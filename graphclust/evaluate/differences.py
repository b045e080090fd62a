"""Which differences between methods are larger than what their seeds make?

Seeds weigh chance within the methods on one graph: a small p says that other seeds would hardly
turn the order, not that it holds on another graph, another sample of this one, or with other
parameters.
"""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from graphclust.evaluate.ranks import LEVEL, holm
from graphclust.graph.errors import count

LEAST = 4  # seeds: of fewer no order can be told from chance


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


def _p(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Never below what the ranks can show: the normal limit oversteps it where many are equal."""
    together = np.r_[a, b]
    if together.min() == together.max():  # a test of equal numbers divides by 0
        return 1.0
    return max(float(mannwhitneyu(a, b).pvalue), 2 / comb(len(together), len(a)))


def verdict(rows: pd.DataFrame, score: str, heading: str, seeds: int) -> list[str]:
    """Who leads, whom the seeds cannot tell from the leader, and what that means.

    Holm's rule is for the pairs with the leader alone: these are what is asked here.
    """
    table = differences(rows, score)
    if table.empty:
        return []
    if seeds < LEAST:
        told = f"{count(seeds, 'seed')} cannot tell; {LEAST} or more can."
        return [f"{heading}: whether the order of the methods is chance of seeds, {told}"]
    lead = table["better"].iloc[0]
    others = table[table["better"] == lead]
    near = holm(others["p"].to_numpy(float)) > LEVEL
    level, behind = others["worse"][near].tolist(), others["worse"][~near].tolist()
    said = [f"{heading}: {lead} leads"]
    if behind:
        who = "all others" if len(behind) > 1 else behind[0]
        said.append(f"beyond the spread of the seeds over {'the rest' if level else who}")
    if level:
        said.append(f"over {', '.join(level)} it may be the chance of seeds")
    return [
        "; ".join(said) + f" (Mann–Whitney over {seeds} seeds, Holm, p ≤ {LEVEL}). Seeds weigh "
        "chance within the methods on this one graph: other seeds would hardly turn such an order, "
        "another graph or other parameters may."
    ]
