"""Write a card for each folder of GRAPHCLUST_DATA and each embedded set, and the index README.md.

    GRAPHCLUST_DATA=folder python datasets/make.py

Counts, homophily, traps and checksums are measured; title, source, licence and use are taken from
each set's own INDEX.tsv and README.md, citations from citations.csv, which is kept by hand.
"""

import csv
import re
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from graphclust.cards import Card, checksum
from graphclust.evaluate.metrics import homophily, n_classes
from graphclust.graph.errors import GraphError
from graphclust.graph.files import read_npz
from graphclust.loaders import EMBEDDED, data_folder

HERE = Path(__file__).parent

EMBEDDED_FACTS = {
    "karate": (
        "Zachary's karate club, without weights; two factions",
        "networkx",
        "BSD-3-Clause",
    ),
    "les_miserables": (
        "Characters of Les Misérables, weighted by common chapters",
        "networkx",
        "BSD-3-Clause",
    ),
    "florentine": (
        "Marriages among Renaissance Florentine families",
        "networkx",
        "BSD-3-Clause",
    ),
    "digits": (
        "Handwritten digits, 8×8 grey values, joined to their 10 nearest neighbours",
        "scikit-learn",
        "BSD-3-Clause; UCI originals CC BY 4.0",
    ),
    "wine": (
        "Wines of three growers, 13 standardised measurements, 10 nearest neighbours",
        "scikit-learn",
        "BSD-3-Clause; UCI originals CC BY 4.0",
    ),
    "breast_cancer": (
        "Tumours, 30 standardised measurements, 10 nearest neighbours",
        "scikit-learn",
        "BSD-3-Clause; UCI originals CC BY 4.0",
    ),
}


def measured(graph: Any) -> dict[str, Any]:
    """Counts, kind and homophily of a loaded graph."""
    events = graph.get("t") is not None
    kind = ["directed" if graph.directed else "undirected"]
    weight = graph.edge_weight
    if weight is not None:
        kind.append("signed" if bool((weight < 0).any()) else "weighted")
    kind += ["temporal"] * events + ["attributed"] * (graph.x is not None)
    facts: dict[str, Any] = {
        "nodes": graph.num_nodes,
        "edges": graph.edge_index.shape[1] // (1 if graph.directed or events else 2),
        "features": 0 if graph.x is None else graph.x.shape[1],
    }
    if graph.y is not None and graph.y.dim() == 1:
        facts |= {"classes": n_classes(graph.y), "homophily": round(homophily(graph), 4)}
    elif graph.y is not None:
        kind.append("multi-label")
        facts["classes"] = graph.y.shape[1]
    return facts | {"kind": kind}


def traps(graph: Any, caught: list[warnings.WarningMessage]) -> list[str]:
    """Facts about a graph that a careless reader gets wrong."""
    found = [f"{w.message} on loading" for w in caught]
    touched = np.zeros(graph.num_nodes, bool)
    touched[graph.edge_index.numpy().ravel()] = True
    if isolated := int((~touched).sum()):
        found.append(f"{isolated} isolated nodes")
    if graph.y is not None and graph.y.dim() == 1 and (unknown := int((graph.y < 0).sum())):
        found.append(f"{unknown} nodes without a class")
    return found


def stored_card(path: Path, row: dict[str, str]) -> Card:
    """The card of one folder."""
    text = (path.parent / "README.md").read_text()
    title = next(line for line in text.splitlines()[1:] if line.strip()).strip()
    used = re.search(r"^- Used by: (.*)$", text, flags=re.M)
    with np.load(path) as archive:
        sums = {key: checksum(archive[key]) for key in archive.files}
    about = {
        "title": title,
        "source": row["source"],
        "licence": row["license"],
        "used_by": used[1] if used else "",
        "sha256": sums,
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            graph = read_npz(path)
        except GraphError as error:
            refused = str(error).partition(": ")[2]
            counts = {"nodes": int(row["nodes"]), "edges": int(row["edges"])}
            return Card(
                name=path.parent.name, traps=[f"cannot be loaded: {refused}"], **about, **counts
            )
    return Card(name=path.parent.name, traps=traps(graph, caught), **about, **measured(graph))


def embedded_card(name: str) -> Card:
    """The card of one embedded set. Standardising and the neighbours of equal distances may round
    differently from machine to machine, so a table's kNN graph is known by its classes alone."""
    graph = EMBEDDED[name]()
    title, source, licence = EMBEDDED_FACTS[name]
    keys = ("y",) if graph.x is not None else ("edge_index", "edge_weight", "y")
    sums = {key: checksum(graph[key].numpy()) for key in keys if graph.get(key) is not None}
    return Card(
        name=name,
        title=title,
        source=source,
        licence=licence,
        used_by="examples, tests",
        sha256=sums,
        traps=traps(graph, []),
        **measured(graph),
    )


def cited(cards: dict[str, Card]) -> dict[str, Card]:
    """The cards with the citations of the table."""
    with open(HERE / "citations.csv", encoding="utf-8", newline="") as file:
        citations = {row["name"]: row["citation"] for row in csv.DictReader(file)}
    if missing := [name for name in cards if not citations.get(name)]:
        raise SystemExit(f"citations.csv has no citation for {', '.join(sorted(missing))}")
    return {name: replace(card, citation=citations[name]) for name, card in cards.items()}


def as_toml(card: Card) -> str:
    """A card as TOML: strings, numbers, lists of strings and one table of strings."""

    def text(value: Any) -> str:
        if isinstance(value, str):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        return str(value)

    content = {k: v for k, v in asdict(card).items() if v not in (None, "", [], {}) and k != "name"}
    sums = content.pop("sha256")
    lines = [f"{key} = {text(value)}" for key, value in content.items()]
    return (
        "\n".join([*lines, "", "[sha256]", *(f"{k} = {text(v)}" for k, v in sums.items())]) + "\n"
    )


def index(cards: list[Card]) -> str:
    """The table of all cards."""
    head = ["name", "nodes", "edges", "features", "classes", "homophily", "kind", "title"]
    lines = [
        [
            c.name,
            f"{c.nodes:,}",
            f"{c.edges:,}",
            f"{c.features:,}" if c.features else "",
            str(c.classes or ""),
            "" if c.homophily is None else f"{c.homophily:.2f}",
            ", ".join(c.kind),
            c.title,
        ]
        for c in cards
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])
    return (
        "# Data sets\n\nOne card a data set, written by `make.py`: source, licence, counts, traps, "
        "checksums. `graphclust datasets NAME` shows one. The graphs themselves are not in this "
        "repository: the embedded ones come with installed packages, the others are found in the "
        "folder that `GRAPHCLUST_DATA` names. Each card holds the citation, kept by hand in "
        "`citations.csv`: the paper that introduced the data and, after semicolons, those that "
        f"prepared this form of them.\n\n{table}\n"
    )


def main() -> None:
    folder = data_folder()
    assert folder is not None, "set GRAPHCLUST_DATA"
    with open(folder / "INDEX.tsv") as file:
        rows = {row["name"]: row for row in csv.DictReader(file, delimiter="\t")}
    cards = {name: embedded_card(name) for name in EMBEDDED}
    for path in sorted(folder.glob("*/graph.npz")):
        cards.setdefault(path.parent.name, stored_card(path, rows[path.parent.name]))
    cards = cited(cards)
    for name, card in cards.items():
        (HERE / f"{name}.toml").write_text(as_toml(card))
    (HERE / "README.md").write_text(index([cards[name] for name in sorted(cards)]))


if __name__ == "__main__":
    main()
