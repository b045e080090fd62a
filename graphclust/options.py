"""Arguments and options that several commands share, and the method that they describe."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graphclust.terminal import set_debug

PICTURES = (".png", ".svg", ".pdf")  # as `pictures.FORMS`, which is not light to import

Graph = Annotated[
    str,
    typer.Argument(
        help="A name (karate, digits, cora …), a generator (sbm:n=1000,k=5) or a file (.csv "
        ".tsv .txt .parquet .graphml .gml .net .graph .mtx .npz).",
        show_default=False,
    ),
]
Directed = Annotated[
    bool | None,
    typer.Option(
        "--directed/--undirected", help="How to read an edge list; undirected if not said."
    ),
]
Nodes = Annotated[
    Path | None,
    typer.Option(
        help="A node table (.csv .tsv .parquet): id, label, attributes.", show_default=False
    ),
]
Time = Annotated[
    str | None,
    typer.Option(
        help="The column of event times, where not named time, t or timestamp; without a header "
        "its number.",
        show_default=False,
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", callback=set_debug, is_eager=True, help="Show tracebacks.")
]
Clusterer = Annotated[
    str,
    typer.Option(
        "-m",
        "--method",
        help="See `graphclust methods`; auto: filter for features and -k, else leiden.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="Write labels to .csv, .tsv, .json, .parquet or .graphml, everything to .npz.",
    ),
]
K = Annotated[
    int | None, typer.Option("-k", "--n-clusters", help="Number of clusters.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="A parameter, as in resolution=0.8; repeatable.", metavar="NAME=VALUE"
    ),
]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Say what time and memory it will take; no run.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Run even where memory is expected not to suffice.")
]
Plot = Annotated[
    Path | None,
    typer.Option(
        help="Draw the clusters and what flows between them, or, where the method follows them, "
        "sizes and moves over time: .png, .svg or .pdf.",
        show_default=False,
    ),
]
Vectors = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="Write everything to .npz, vectors to .txt (as word2vec), .npy (and .ids.txt), "
        ".csv, .tsv or .parquet.",
    ),
]
P = Annotated[float | None, typer.Option(help="node2vec's return parameter.", show_default=False)]
Q = Annotated[float | None, typer.Option(help="node2vec's in-out parameter.", show_default=False)]
Earlier = Annotated[
    Path | None,
    typer.Option(
        help="An earlier .npz: its nodes keep their vectors, new ones are learnt.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
Share = Annotated[
    str,
    typer.Option(
        help="Share of the edges in a sample; bootstrap: as many as there are, with replacement."
    ),
]


def parse_share(text: str) -> float | None:
    """A share of the edges, or None for the bootstrap."""
    if text == "bootstrap":
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--share takes a number or bootstrap, found {text!r}") from None


def build_method(name: str, n_clusters: int | None, settings: list[str], seed: int) -> Any:
    """The method of that name, from the texts of a command line."""
    from graphclust.auto import build, missing
    from graphclust.methods import METHODS
    from graphclust.params import parse

    cls = METHODS[name]
    given = parse(cls, settings)
    for name_, option, value in (("seed", "--seed", seed), ("n_clusters", "-k", n_clusters)):
        if name_ in given and value not in (None, 0):
            raise ValueError(f"{name_} is given twice, by --set and by {option}")
    if n_clusters is None and "n_clusters" in missing(cls, given):
        raise ValueError(f"{name} needs n_clusters; give it with -k")
    return build(name, n_clusters, {"seed": seed} | given)
