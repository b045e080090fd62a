"""Rows of runs as tables: mean ± standard deviation, as Markdown, HTML or CSV."""

import html

import pandas as pd

from graphclust.evaluate.estimate import SIZES

SCORES = {  # column of a row: (heading, decimals)
    "n_clusters": ("k", 1),
    "acc": ("ACC", 3),
    "nmi": ("NMI", 3),
    "ari": ("ARI", 3),
    "macro_f1": ("F1", 3),
    "modularity": ("modularity", 3),
    "conductance_mean": ("conductance", 3),
    "imbalance_1": ("flow, 1 pair", 3),
    "imbalance_3": ("3 pairs", 3),
    "imbalance_5": ("5 pairs", 3),
    "imbalance_9": ("9 pairs", 3),
    "imbalance_all": ("all pairs", 3),
    "micro_known_10": ("micro F1, 10 %", 3),
    "macro_known_10": ("macro F1, 10 %", 3),
    "micro_known_50": ("micro F1, 50 %", 3),
    "macro_known_50": ("macro F1, 50 %", 3),
    "micro_known_90": ("micro F1, 90 %", 3),
    "macro_known_90": ("macro F1, 90 %", 3),
    "micro_free_50": ("micro F1, 50 %, free", 3),
    "macro_free_50": ("macro F1, 50 %, free", 3),
    "auc_dot": ("AUC dot", 4),
    "auc_cosine": ("AUC cosine", 4),
    "auc_hadamard": ("AUC hadamard", 4),
    "accuracy": ("accuracy", 3),
    "epochs": ("epochs", 0),
    "seconds": ("seconds", 3),
    "extra_mb": ("extra MB", 0),
}
FORMS = ("markdown", "html", "csv")


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a label: `runs`, `failed`, and `<score>_mean`, `<score>_sd` of its good runs.

    The standard deviation is that of a sample (n − 1); NaN for a single run.
    """
    grouped = rows.groupby("label", sort=False)
    table = pd.DataFrame({"runs": grouped.size()})
    table["failed"] = grouped["status"].agg(lambda status: int((status != "ok").sum()))
    numbers = rows[rows["status"] == "ok"].groupby("label", sort=False)
    known = [column for column in rows if pd.api.types.is_numeric_dtype(rows[column])]
    for column in [column for column in known if column not in ("seed", *SIZES)]:
        table[f"{column}_mean"] = numbers[column].mean()
        table[f"{column}_sd"] = numbers[column].std()
    return table.reset_index(names="method")


def cells(rows: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of the table that a person reads."""
    table = summary(rows)
    shown = [column for column in SCORES if f"{column}_mean" in table]
    heads = ["method", *(SCORES[column][0] for column in shown), "runs"]
    lines = [
        [
            str(row["method"]),
            *(spread(row[f"{c}_mean"], row[f"{c}_sd"], SCORES[c][1]) for c in shown),
            f"{row['runs']}" + (f" ({row['failed']} failed)" if row["failed"] else ""),
        ]
        for _, row in table.iterrows()
    ]
    return heads, lines


def spread(mean: float, sd: float, decimals: int) -> str:
    """`mean ± sd`; the mean alone of a single run, a dash where there is none."""
    if pd.isna(mean):
        return "–"
    if decimals == 1 and mean == round(mean) and (pd.isna(sd) or sd == 0):
        return f"{mean:.0f}"
    if pd.isna(sd):
        return f"{mean:.{decimals}f}"
    return f"{mean:.{decimals}f} ± {sd:.{decimals}f}"


def markdown(rows: pd.DataFrame) -> str:
    """The table alone, as Markdown."""
    heads, lines = cells(rows)
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *lines))


def render(rows: pd.DataFrame, notes: list[str], form: str) -> str:
    """The table as text in one of FORMS."""
    if form == "csv":
        return summary(rows).to_csv(index=False)
    if form == "markdown":
        return markdown(rows) + "\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"
    heads, lines = cells(rows)
    if form == "html":
        table = pd.DataFrame(lines, columns=heads).to_html(index=False, border=0, justify="left")
        items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
        return f'<meta charset="utf-8">\n{table}\n<ul>{items}</ul>\n'
    raise ValueError(f"form must be one of {', '.join(FORMS)}, found {form!r}")
