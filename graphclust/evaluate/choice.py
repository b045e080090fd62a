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
            `stability` and `rewired` (mean AMI), `adjusted`, their difference, and its standard
            `error`.
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
    """Of the values whose adjusted stability is within a standard error of the best, that with the
    most clusters, which say more; none where more than one in twenty rewired graphs gets as far.

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
    best = fit.loc[fit["adjusted"].idxmax()]
    near = fit[fit["adjusted"] >= best["adjusted"] - best["error"]]
    row = near.loc[near["n_clusters"].idxmax()]
    if p > max(LEVEL, 1 / len(alike)):
        reason = _against(over, best, len(profile), p, len(null))
        return Tuning(over=over, value=None, method=None, reason=reason, p=p, profile=profile)
    chosen = models[int(row.name)]
    return Tuning(
        over=over,
        value=getattr(chosen, over),
        method=chosen,
        reason=_because(over, row, best, len(profile), p, len(null)),
        p=p,
        profile=profile,
    )


def _profile(values: list[float], whole: list[Labels], own: Array, null: Array) -> pd.DataFrame:
    clusters = np.array([len(np.unique(labels)) for labels in whole])
    stable, chance = own.mean(axis=1), null.mean(axis=2)
    says_nothing = np.array([trivial(labels) for labels in whole])
    return pd.DataFrame(
        {
            "value": values,
            "n_clusters": clusters,
            "trivial": says_nothing | (clusters > len(whole[0]) / 2),
            "stability": stable,
            "rewired": chance.mean(axis=0),
            "adjusted": stable - chance.mean(axis=0),
            "error": np.hypot(jackknife(own), chance.std(axis=0, ddof=1) / np.sqrt(len(null))),
        }
    )


def jackknife(pairs: Array) -> Array:
    """(V,) standard error of the mean over pairs (i, j) of samples, i < j, ordered by j: by what it
    is without each sample. B. Efron, C. Stein, Ann. Statist. 9 (1981)."""
    samples = int((1 + np.sqrt(1 + 8 * pairs.shape[1])) / 2)
    members = np.array([(i, j) for j in range(samples) for i in range(j)])
    left = [pairs[:, (members != out).all(axis=1)].mean(axis=1) for out in range(samples)]
    return np.sqrt((samples - 1) * np.var(left, axis=0))


def _chance(stable: Array) -> float:
    """One-sided rank p of the first graph's best value among those of all: each graph is set beside
    the mean of all others, so that the first is in no way special."""
    graphs = len(stable)
    best = ((stable * graphs - stable.sum(axis=0)) / (graphs - 1)).max(axis=1)
    return float((best >= best[0]).mean())


def _said(over: str, row: pd.Series) -> tuple[str, str]:
    value = f"{over} = {row['value']:.4g} ({count(int(row['n_clusters']), 'cluster')})"
    return value, f"AMI {row['stability']:.2f} against {row['rewired']:.2f} on rewired graphs"


def _because(over: str, row: pd.Series, best: pd.Series, tried: int, p: float, nulls: int) -> str:
    value, gain = _said(over, row)
    most = "the most stable beyond chance"
    if row["value"] != best["value"]:
        most += f", within a standard error of {best['value']:.4g}, and finer"
    weak = ", and yet weak" if row["stability"] < WEAK else ""
    return (
        f"{value}: of {tried} values its clusters are {most}{weak}, {gain} of the same degrees, of "
        f"which {_reached(p, nulls)} as far (p = {p:.2g})."
    )


def _against(over: str, row: pd.Series, tried: int, p: float, nulls: int) -> str:
    value, gain = _said(over, row)
    return (
        f"No {over} is chosen, as no structure beyond chance is found: {value}, the best of "
        f"{tried} values, is as stable as {gain} of the same degrees, of which "
        f"{_reached(p, nulls)} as far (p = {p:.2g})."
    )


def _reached(p: float, nulls: int) -> str:
    reached = round(p * (nulls + 1)) - 1
    return f"{reached or 'none'} of {nulls} {'get' if reached > 1 else 'gets'}"


def _empty(profile: pd.DataFrame) -> str:
    low, high = profile["value"].iloc[0], profile["value"].iloc[-1]
    return (
        f"No value is chosen: all {len(profile)} from {low:.4g} to {high:.4g} put {MOST:.0%} of "
        "the nodes into one cluster or make more clusters than half the nodes; try others."
    )
