"""Hyper-parameters written once: the fields of a dataclass carry help, bounds and types.

`check` tests values, `parse` reads them from text, `describe` lists them: for `Method.fit`, the
command line and experiment files alike.
"""

import dataclasses
import difflib
import math
import numbers
import tomllib
import types
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

_REQUIRED: Any = dataclasses.MISSING


def param(
    default: Any = _REQUIRED,
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    valid: Callable[[Any], Any] | None = None,
) -> Any:
    """A dataclass field with its description and the closed range [low, high] it must lie in.

    `valid` raises ValueError or TypeError for a value that it does not accept.
    """
    metadata = {"help": help, "low": low, "high": high, "valid": valid}
    return dataclasses.field(default=default, metadata=metadata)


def describe(cls: type) -> list[dict[str, Any]]:
    """Name, type, default, range and help of every parameter of a dataclass."""
    hints = get_type_hints(cls)
    return [
        {
            "name": field.name,
            "type": _type_name(hints[field.name]),
            "default": None if field.default is _REQUIRED else repr(field.default),
            "range": _range(field.metadata.get("low"), field.metadata.get("high")),
            "help": field.metadata.get("help", ""),
        }
        for field in dataclasses.fields(cls)
    ]


class Numeric(NamedTuple):
    """What a numeric parameter may be; `default` is None where there is none, or no number."""

    whole: bool
    low: float | None
    high: float | None
    default: float | None


def numeric(cls: type, name: str) -> Numeric:
    """The range of a numeric parameter of a dataclass.

    Raises:
        ValueError: no such parameter, or it is no number.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if name not in fields:
        raise ValueError(unknown("parameter", name, fields))
    kinds = _kinds(cls)
    if not kinds[name] & {int, float}:
        numbers_ = [field for field in fields if kinds[field] & {int, float}]
        raise ValueError(f"{name} is no number; these are: {', '.join(numbers_)}")
    field = fields[name]
    default: Any = field.default if _is_number(field.default) else None
    whole = float not in kinds[name]
    return Numeric(whole, field.metadata.get("low"), field.metadata.get("high"), default)


def _kinds(cls: type) -> dict[str, set[Any]]:
    """The types that each parameter may have."""
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    return {name: set(get_args(hints[name])) or {hints[name]} for name in names}


def required(cls: type) -> list[str]:
    """Names of the parameters without a default."""
    return [field.name for field in dataclasses.fields(cls) if field.default is _REQUIRED]


def check(instance: Any) -> None:
    """Raise TypeError or ValueError for the first parameter of a wrong type or out of range."""
    hints = get_type_hints(type(instance))
    for field in dataclasses.fields(instance):
        value, hint = getattr(instance, field.name), hints[field.name]
        low, high = field.metadata.get("low"), field.metadata.get("high")
        if not _fits(value, hint):
            error = ValueError if _literals(hint) and isinstance(value, str) else TypeError
            raise error(f"{field.name} must be {_type_name(hint)}, found {value!r}")
        if _is_number(value):
            outside = (low is not None and value < low) or (high is not None and value > high)
            if outside or not math.isfinite(value):
                raise ValueError(f"{field.name} must lie in {_range(low, high)}, found {value!r}")
        if valid := field.metadata.get("valid"):
            valid(value)


def widened(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Values of parameters of `cls`: 1 is 1.0 where a parameter is no whole number."""
    kinds = _kinds(cls)
    return {
        name: float(value) if type(value) is int and float in kinds.get(name, ()) else value
        for name, value in values.items()
    }


def parse(cls: type, settings: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` texts as parameters of `cls`; values are written as in TOML.

    `none` stands for None, and text needs no quotes.
    """
    return parse_values(settings, [field.name for field in dataclasses.fields(cls)])


def parse_values(settings: Iterable[str], names: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` texts, where the names must be among `names`."""
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise ValueError(f"a setting is written name=value, found {setting!r}")
        if name not in names:
            raise ValueError(unknown("parameter", name, names))
        values[name] = _value(text.strip())
    return values


def _value(text: str) -> Any:
    if text.lower() == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return {"True": True, "False": False}.get(text, text)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A sentence for a name that does not exist, with the nearest ones that do."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    return f"unknown {what} {name!r}; {hint}"


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) in (types.UnionType, Union):
        return any(_fits(value, option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return _is_number(value)
    if hint is int:
        return isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return isinstance(value, get_origin(hint) or hint)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _literals(hint: Any) -> bool:
    return any(get_origin(option) is Literal for option in (hint, *get_args(hint)))


def _type_name(hint: Any) -> str:
    if get_origin(hint) in (types.UnionType, Union):
        return " or ".join(_type_name(option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    return "None" if hint is type(None) else getattr(hint, "__name__", str(hint))


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f"[{'−∞' if low is None else low}, {'∞' if high is None else high}]"
