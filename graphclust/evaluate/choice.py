"""The choice among values, from how far partitions agree on a graph and on rewired ones.

Letters: R rewired graphs, V values, P = S (S − 1) / 2 pairs of S samples of a graph.
"""

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphclust.base import Method
from graphclust.evaluate.agreement import MOST, Labels, trivial
from graphclust.graph.errors import count

LEVEL = 0.05  # of chance that the best value of a rewired graph gets as far
NULLS = 19  # rewired graphs, of which none may get as far at that level
FLOOR = 0.05  # adjusted stability below which there is too little to choose by
WEAK = 0.5  # AMI below which the choice is called weak
Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tuning:
    """What `tune` found.

    Attributes:
        over: the parameter.
        value: the choice; None where no value makes clusters that are more than chance.
        method: the method with that value; None likewise.
        reason: the choice in one sentence.
        p: chance that the best value of a rewired graph gets as far as the best of the graph.
        profile: a row a value: `value`, `n_clusters` on the whole graph, `trivial` (not chosen),
            `stability` and `rewired` (mean AMI), `adjusted` (the former by the latter) and its
            standard `error`.
    """

    over: str
    value: float | None
    method: Method | None
    reason: str
    p: float
    profile: pd.DataFrame

    def __str__(self) -> str:
        return self.reason


def choose(over: str, models: list[Method], whole: list[Labels], own: Array, null: Array) -> Tuning:
    """The value of the highest adjusted stability (of equals, to three decimals, that with the most
    clusters), unless that is below FLOOR or more than one in twenty rewired graphs gets as far.

    Args:
        whole: the labels with each value on the whole graph.
        own: (V, P) AMI of pairs of samples of the graph, pairs of earlier samples first.
        null: (R, V, P′) that of pairs of as many or fewer samples of rewired graphs.
    """
    profile = _profile([getattr(model, over) for model in models], whole, own, null)
    fit = profile[~profile["trivial"]]
    if fit.empty:
        return Tuning(
            over=over, value=None, method=None, reason=_empty(profile), p=1.0, profile=profile
        )
    alike = np.concatenate([own[None, :, : null.shape[2]], null]).mean(axis=2)
    p = _chance(alike[:, fit.index])
    ranked = fit.assign(adjusted=fit["adjusted"].round(3))
    at = int(ranked.sort_values(["adjusted", "n_clusters"], kind="stable").index[-1])
    found = p <= LEVEL and profile.loc[at, "adjusted"] >= FLOOR
    return Tuning(
        over=over,
        value=getattr(models[at], over) if found else None,
        method=models[at] if found else None,
        reason=(_because if found else _against)(over, at, profile, _reached(p, null)),
        p=p,
        profile=profile,
    )


def _profile(values: list[float], whole: list[Labels], own: Array, null: Array) -> pd.DataFrame:
    clusters = np.array([len(np.unique(labels)) for labels in whole])
    stable, chance = own.mean(axis=1), null.mean(axis=2)
    says_nothing = np.array([trivial(labels) for labels in whole])
    error = np.hypot(jackknife(own), chance.std(axis=0, ddof=1) / np.sqrt(len(null)))
    return pd.DataFrame(
        {
            "value": values,
            "n_clusters": clusters,
            "trivial": says_nothing | (clusters > len(whole[0]) / 2),
            "stability": stable,
            "rewired": chance.mean(axis=0),
            "adjusted": adjusted(stable, chance.mean(axis=0)),
            "error": error * _scale(chance.mean(axis=0)),
        }
    )


def adjusted(stable: Array, chance: Array) -> Array:
    """(AMI − AMI′) / (1 − AMI′): 0 as on rewired graphs, 1 where samples have the same clusters.

    As AMI itself is made from mutual information. The plain difference would favour few clusters,
    for which AMI′ is low.
    """
    return (stable - chance) * _scale(chance)


def _scale(chance: Array) -> Array:
    return 1 / np.maximum(1 - chance, 1e-9)


def jackknife(pairs: Array) -> Array:
    """(V,) standard error of the mean over pairs (i, j) of samples, i < j, ordered by j: by what it
    is without each sample. B. Efron, C. Stein, Ann. Statist. 9 (1981)."""
    samples = _samples(pairs.shape[1])
    members = np.array([(i, j) for j in range(samples) for i in range(j)])
    left = [pairs[:, (members != out).all(axis=1)].mean(axis=1) for out in range(samples)]
    return np.sqrt((samples - 1) * np.var(left, axis=0))


def _chance(stable: Array) -> float:
    """One-sided rank p of the first graph's best value among those of all: each graph is set beside
    the mean of all others, so that the first is in no way special."""
    others = (stable.sum(axis=0) - stable) / (len(stable) - 1)
    best = adjusted(stable, others).max(axis=1)
    return float((best >= best[0]).mean())


def _samples(pairs: int) -> int:
    """How many samples have so many pairs."""
    return round((1 + np.sqrt(1 + 8 * pairs)) / 2)


def _because(over: str, at: int, profile: pd.DataFrame, reached: str) -> str:
    row = profile.loc[at]
    weak = ", and yet weak" if row["stability"] < WEAK else ""
    near = profile[~profile["trivial"] & (profile["adjusted"] >= row["adjusted"] - row["error"])]
    others = [f"{value:.4g}" for value in near["value"] if value != row["value"]]
    as_good = f"; within a standard error of it: {', '.join(others)}" if others else ""
    return (
        f"{_said(over, row)}: of {len(profile)} values its clusters are the most stable beyond "
        f"chance{weak}, {_gain(row)}, {reached}{as_good}."
    )


def _against(over: str, at: int, profile: pd.DataFrame, reached: str) -> str:
    row = profile.loc[at]
    if row["adjusted"] < FLOOR:
        why = f"that is {row['adjusted']:.2f} of what chance leaves, and {FLOOR} the least to count"
    else:
        why = f"p must be {LEVEL} or less"
    return (
        f"No {over} is chosen, as no structure beyond chance is found: {_said(over, row)}, the "
        f"best of {len(profile)} values, is as stable as {_gain(row)}, {reached}; {why}."
    )


def _said(over: str, row: pd.Series) -> str:
    return f"{over} = {row['value']:.4g} ({count(int(row['n_clusters']), 'cluster')})"


def _gain(row: pd.Series) -> str:
    return (
        f"AMI {row['stability']:.2f} against {row['rewired']:.2f} on rewired graphs of the same "
        "degrees"
    )


def _reached(p: float, null: Array) -> str:
    nulls, reached = len(null), round(p * (len(null) + 1)) - 1
    return (
        f"of which {reached or 'none'} of {nulls} {'get' if reached > 1 else 'gets'} as far by its "
        f"best value, all with {_samples(null.shape[2])} samples (p = {p:.2g})"
    )


def _empty(profile: pd.DataFrame) -> str:
    low, high = profile["value"].iloc[0], profile["value"].iloc[-1]
    return (
        f"No value is chosen: all {len(profile)} from {low:.4g} to {high:.4g} put {MOST:.0%} of "
        "the nodes into one cluster or make more clusters than half the nodes; try others."
    )
