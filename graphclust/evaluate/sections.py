"""The tables of a comparison below the main one, and all of them as Markdown or HTML."""

import html
from typing import NamedTuple

import pandas as pd

from graphclust.evaluate.tables import as_markdown, spread
from graphclust.evaluate.tables import render as render_rows

INK = "59, 110, 165"  # of the heat map: the pictures' first colour


class Section(NamedTuple):
    """A title, headings, and lines of cells; `heat`: are the cells shares to be shaded?"""

    title: str
    heads: list[str]
    lines: list[list[str]]
    heat: bool = False


def sections(
    stability: pd.DataFrame | None, null: pd.DataFrame | None, agreement: pd.DataFrame | None
) -> list[Section]:
    """A section for each table that there is."""
    found = []
    if stability is not None:
        found.append(_stability(stability))
    if null is not None and len(null):
        found.append(_null(null))
    if agreement is not None:
        found.append(_agreement(agreement))
    return found


def _stability(table: pd.DataFrame) -> Section:
    lines = [
        [
            str(name),
            *(spread(row[f"{c}_mean"], row[f"{c}_sd"], 3) for c in ("ami_seeds", "ami_edges")),
        ]
        for name, row in table.iterrows()
    ]
    return Section("Stability", ["method", "AMI, seeds", "AMI, edges"], lines)


def _null(table: pd.DataFrame) -> Section:
    lines = [
        [
            str(name),
            row["score"],
            f"{row['graph']:.3f}",
            spread(row["rewired_mean"], row["rewired_sd"], 3),
            spread(row["z"], float("nan"), 1),
            f"{row['p']:.3f}",
        ]
        for name, row in table.iterrows()
    ]
    heads = ["method", "score", "graph", "rewired", "z", "p"]
    return Section("Against rewired graphs", heads, lines)


def _agreement(table: pd.DataFrame) -> Section:
    """Columns go by number, as the names of methods are long."""
    lines = [
        [f"{i} {name}", *(spread(value, float("nan"), 2) for value in row)]
        for i, (name, row) in enumerate(zip(table.index, table.to_numpy(), strict=True), start=1)
    ]
    heads = ["method", *map(str, range(1, len(table) + 1))]
    return Section("Agreement (AMI)", heads, lines, heat=True)


def render(rows: pd.DataFrame, extra: list[Section], notes: list[str], form: str) -> str:
    """The main table, those of `extra` and the notes, in one of `tables.FORMS`."""
    if form == "markdown" and extra:
        main, _, below = render_rows(rows, notes, form).partition("\n\n")
        more = [f"**{part.title}**\n\n{as_markdown(part.heads, part.lines)}" for part in extra]
        return "\n\n".join([main, *more, below])
    if form == "html" and extra:
        main, bullets, below = render_rows(rows, notes, form).partition("<ul>")
        return main + "".join(map(_html, extra)) + bullets + below
    return render_rows(rows, notes, form)


def _html(part: Section) -> str:
    table = pd.DataFrame(part.lines, columns=part.heads)
    if part.heat:
        for head in part.heads[1:]:
            table[head] = [_shaded(cell) for cell in table[head]]
        table["method"] = table["method"].map(html.escape)
    text = table.to_html(index=False, border=0, justify="left", escape=not part.heat)
    return f"<h3>{html.escape(part.title)}</h3>\n{text}\n"


def _shaded(cell: str) -> str:
    share = 0.0 if cell == "–" else max(float(cell), 0.0)
    return f'<div style="background: rgba({INK}, {share:.2f})">{cell}</div>'
