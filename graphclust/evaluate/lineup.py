"""Who is compared: the methods asked for that fit the graph, beside Leiden, and with which k."""

import dataclasses
import numbers
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.evaluate.metrics import n_classes
from graphclust.evaluate.run import check_importable
from graphclust.graph.export import is_signed
from graphclust.methods import METHODS
from graphclust.params import check, required

Asked = Iterable[type[Method] | Method]


def checked(methods: Any, **whole: Any) -> list[type[Method] | Method]:
    """The methods asked for, as classes or with parameters; everything wrong is said at once."""
    for name, value in whole.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError(f"{name} must be a whole number, found {value!r}")
        if value < 1:
            raise ValueError(f"{name} must be at least 1, found {value}")
    if isinstance(methods, (str, Method)):
        methods = [methods]
    chosen: list[type[Method] | Method] = []
    if methods is None:
        methods = [n for n in METHODS if not (METHODS[n].slow or METHODS[n].variant_of)]
    for method in methods:
        found = METHODS[method] if isinstance(method, str) else method
        if isinstance(found, Method):
            check(found)
        elif not (isinstance(found, type) and issubclass(found, Method)):
            raise TypeError(f"methods must be names, classes or methods, found {method!r}")
        check_importable(found if isinstance(found, type) else type(found))
        chosen.append(found)
    return chosen


def check_limits(**limits: Any) -> None:
    """Raise TypeError or ValueError for a limit that is neither None nor a number above 0."""
    for name, value in limits.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{name} must be a number or None, found {value!r}")
        if not float(value) > 0:
            raise ValueError(f"{name} must be above 0, found {value}")


def lineup(
    data: Data, asked: Asked, k: int | None, everybody: bool
) -> tuple[dict[str, Method], list[str]]:
    """The methods by label, with seed 0, and what is to be said of them.

    Args:
        asked: from `checked`. k: as the user gave it. everybody: did the user name no method?

    Raises:
        ValueError: k is more than there are nodes.
    """
    k, notes = _choose_k(data, k)
    if everybody and is_signed(data):  # a variant of Leiden, and what most others refuse is its own
        asked = [*asked, METHODS["correlation"]]
    if everybody:
        fit = [n for n in METHODS if METHODS[n] not in asked and METHODS[n].obstacle(data) is None]
        slow, like = ([n for n in fit if METHODS[n].slow is is_slow] for is_slow in (True, False))
        for why, names in (("Trained for minutes", slow), ("Like others", like)):
            if names:
                notes.append(f"{why}, and run only where named: {', '.join(names)}.")
    if k > data.num_nodes:
        raise ValueError(f"n_clusters={k} is more than the {data.num_nodes} nodes there are")
    chosen, left_out = _leiden_rows(data, k), defaultdict[str, list[str]](list)
    for method in asked:
        cls = method if isinstance(method, type) else type(method)
        if obstacle := cls.obstacle(data):
            left_out[obstacle.removeprefix(cls.name)].append(cls.name)
        else:
            chosen.append(_with_k(method, k) if isinstance(method, type) else method)
    for reason, names in left_out.items():
        who = names[0] if len(names) == 1 else f"each of {', '.join(names)}"
        notes.append(f"left out: {who}{reason}")
    return _labelled(chosen), notes


def label(method: Method, told: bool = False) -> str:
    """The method's name with the parameters that differ from their defaults, and the number of
    clusters that it has been `told` to find."""
    hidden = {"seed", "n_clusters"} if method.told_k else {"seed"}
    shown = {"n_clusters"} if told else set()
    shown |= {
        field.name
        for field in dataclasses.fields(method)
        if field.default is not dataclasses.MISSING
        and field.name not in hidden
        and getattr(method, field.name) != field.default
    }
    order = [field.name for field in dataclasses.fields(method) if field.name in shown]
    given = [f"{name}={getattr(method, name)}" for name in order]
    return f"{method.name}({', '.join(given)})" if given else method.name


def _labelled(methods: Iterable[Method]) -> dict[str, Method]:
    """Every method once; where two have one label, it tells their numbers of clusters too."""
    once = list(dict.fromkeys(dataclasses.replace(method, seed=0) for method in methods))
    times = Counter(map(label, once))
    return {label(method, told=times[label(method)] > 1): method for method in once}


def _choose_k(data: Data, given: int | None) -> tuple[int, list[str]]:
    if given is not None:
        return given, [f"k = {given}, as asked for."]
    if k := n_classes(data.y):
        return k, [f"k = {k} is the number of classes; nothing else of the labels was used."]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        k = METHODS["leiden"]().fit(data).n_clusters
    return k, [f"k = {k} is the number of clusters that Leiden finds with seed 0."]


def _leiden_rows(data: Data, k: int) -> list[Method]:
    leiden: Callable[..., Method] = METHODS["leiden"]
    return [leiden()] if is_signed(data) else [leiden(), leiden(n_clusters=k)]


def _with_k(cls: type[Method], k: int) -> Method:
    """The method with its default parameters, and with `k` where it must be told."""
    told = cls.told_k or "n_clusters" in required(cls)
    return cls(**({"n_clusters": k} if told else {}))
