"""Pajek's .net files: numbered vertices with labels, then arcs and edges between the numbers."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from torch_geometric.data import Data

from graphclust.graph.convert import finish
from graphclust.graph.errors import GraphError, warn
from graphclust.graph.raw import Raw, id_array

CELL = re.compile(r'"([^"]*)"(?![^ \t])|([^ \t"][^ \t]*)')
Row = tuple[int, list[str]]  # line number, cells


def read_pajek(path: Path) -> Data:
    """Read *Vertices, *Arcs, *Edges, *Arcslist, *Edgeslist and *Matrix; the third cell of an arc or
    edge is its weight, else 1.

    Ids are the labels, as text, or the numbers where there are no labels or two of one name. A
    label cannot hold a line break, nor a quote at its start or beside a space. Files with arcs are
    directed and their edges go both ways; a matrix is undirected where it is symmetric. Repeated
    arcs and edges are meant and add up.

    Raises:
        GraphError: the line that cannot be read, by its number.
    """
    sections = _sections(path.read_bytes().decode("utf-8-sig"))
    n, ids = _vertices(sections)
    found: dict[str, list[Any]] = {"arcs": [], "edges": []}
    for name, _, rows in sections[1:]:
        kind = "edges" if name.startswith("edges") else "arcs"
        found[kind] += _READ[name](rows, n)
    named = {name for name, *_ in sections[1:]}
    arcs_alone = named and not named & {"edges", "edgeslist"}
    directed = None if named == {"matrix"} else bool(found["arcs"] or arcs_alone)
    if directed:
        found["arcs"] += [pair for u, v, w in found["edges"] for pair in ((u, v, w), (v, u, w))]
    table = np.array(found["edges" if directed is False else "arcs"], float).reshape(-1, 3)
    ends = table[:, :2].astype(np.int64) - 1
    listed = np.sort(ends, axis=1) if directed is False else ends
    repeated = len(np.unique(listed, axis=0)) < len(ends)
    weight = None if (table[:, 2] == 1).all() else table[:, 2]
    source, target = ends.T
    return finish(Raw(source, target, n, directed, weight=weight, node_ids=ids, multi=repeated))


def _sections(text: str) -> list[tuple[str, Row, list[Row]]]:
    """(name, its own line, the lines below) of every section but *Network."""
    sections: list[tuple[str, Row, list[Row]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not (line := line.strip(" \t\r")) or line.startswith("%"):
            continue
        cells = [quoted or plain for quoted, plain in CELL.findall(line)]
        if '"' in CELL.sub("", line):
            raise GraphError(f"line {number}: a quote within a quoted label, or one never closed")
        if line.startswith("*"):
            name = cells[0][1:].lower()
            if name not in ("network", "vertices", *_READ):
                raise GraphError(f"line {number}: section {cells[0]} cannot be read")
            if name != "network":
                sections.append((name, (number, cells), []))
        elif not sections:
            raise GraphError(f"line {number}: expected *Vertices, found {line[:40]!r}")
        else:
            sections[-1][2].append((number, cells))
    if [name for name, *_ in sections].count("vertices") != 1 or sections[0][0] != "vertices":
        raise GraphError("a .net file must begin with *Vertices, once")
    return sections


def _vertices(sections: list[tuple[str, Row, list[Row]]]) -> tuple[int, Any]:
    _, (number, head), rows = sections[0]
    if len(head) < 2 or not head[1].isdecimal():
        raise GraphError(f"line {number}: *Vertices must be followed by their number")
    n = int(head[1])
    labels = {}
    for line, cells in rows:
        node = _node(cells[0], n, line)
        if node in labels:
            raise GraphError(f"line {line}: vertex {node} is listed twice")
        labels[node] = cells[1] if len(cells) > 1 else str(node)
    if not any(len(cells) > 1 for _, cells in rows):
        return n, np.arange(1, n + 1)
    names = [labels.get(node, str(node)) for node in range(1, n + 1)]
    if len(set(names)) < n:
        warn("two nodes have the same label, so ids are the numbers in the file")
        return n, np.arange(1, n + 1)
    return n, id_array(names)


def _node(cell: str, n: int, line: int) -> int:
    if not cell.isdecimal() or not 1 <= int(cell) <= n:
        raise GraphError(f"line {line}: vertices are numbered 1..{n}, found {cell!r}")
    return int(cell)


def _weight(cell: str, line: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise GraphError(f"line {line}: a weight must be a number, found {cell!r}") from None


def _pairs(rows: list[Row], n: int) -> list[tuple[int, int, float]]:
    """u v [weight [anything]]"""
    found = []
    for line, cells in rows:
        if len(cells) < 2:
            raise GraphError(f"line {line}: found one vertex where two are expected")
        weight = _weight(cells[2], line) if len(cells) > 2 else 1.0
        found.append((_node(cells[0], n, line), _node(cells[1], n, line), weight))
    return found


def _lists(rows: list[Row], n: int) -> list[tuple[int, int, float]]:
    """u v₁ v₂ …"""
    nodes = [[_node(cell, n, line) for cell in cells] for line, cells in rows]
    return [(first, other, 1.0) for first, *others in nodes for other in others]


def _matrix(rows: list[Row], n: int) -> list[tuple[int, int, float]]:
    """n rows of n weights, 0 where there is no arc"""
    if len(rows) != n or any(len(cells) != n for _, cells in rows):
        raise GraphError(f"*Matrix must hold {n} rows of {n} numbers")
    weights = [(i, [_weight(cell, line) for cell in cells]) for i, (line, cells) in enumerate(rows)]
    return [(i + 1, j + 1, w) for i, row in weights for j, w in enumerate(row) if w]


_READ = {
    "arcs": _pairs,
    "edges": _pairs,
    "arcslist": _lists,
    "edgeslist": _lists,
    "matrix": _matrix,
}
