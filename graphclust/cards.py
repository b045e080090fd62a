"""Dataset cards: what each graph is, where it comes from, and the checksums of its arrays.

A card is a TOML file in `datasets/` (in a checkout) or `share/graphclust/datasets` (installed).
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from graphclust.graph.errors import GraphError
from graphclust.graph.files import shared_folder


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is known of a data set. `edges` counts edges as stored: arcs, or edges once, or events.

    `homophily` is the share of edges whose ends have one class. `sha256` holds a checksum for each
    array (of dtype, shape and bytes). `traps` are facts that have cost somebody a wrong result.
    """

    name: str
    title: str
    source: str
    licence: str
    citation: str = ""
    used_by: str = ""
    kind: list[str] = field(default_factory=list)
    nodes: int
    edges: int
    features: int = 0
    classes: int = 0
    homophily: float | None = None
    traps: list[str] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)


def card_folder() -> Path | None:
    """Where the cards are."""
    return shared_folder("datasets", "karate.toml")


@cache
def cards() -> dict[str, Card]:
    """All cards by name."""
    folder = card_folder()
    return {} if folder is None else {p.stem: read_card(p) for p in sorted(folder.glob("*.toml"))}


def read_card(path: Path) -> Card:
    """One card from its file.

    Raises:
        GraphError: a key that no card has, or one that each must have is missing.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := content.keys() - {f.name for f in fields(Card)}:
        raise GraphError(f"{path.name}: unknown keys {', '.join(sorted(unknown))}")
    try:
        return Card(**{"name": path.stem} | content)
    except TypeError as error:
        raise GraphError(f"{path.name}: {error}") from None


def checksum(array: Any) -> str:
    """SHA-256 of an array's dtype, shape and bytes."""
    array = np.ascontiguousarray(array)
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def verify(name: str, arrays: Mapping[str, Any]) -> None:
    """Compare arrays with the checksums of the card of that name, if there is one.

    Raises:
        GraphError: an array is missing or differs; the sentence says which.
    """
    card = cards().get(name)
    for key, expected in (card.sha256 if card else {}).items():
        if key not in arrays:
            raise GraphError(f"{name}: the array {key} of its card is missing")
        if checksum(arrays[key]) != expected:
            raise GraphError(
                f"{name}: the array {key} is not the one of its card (SHA-256 differs); the file "
                "is damaged, or a data set of your own has this name: give it another"
            )
