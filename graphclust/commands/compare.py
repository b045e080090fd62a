"""`graphclust compare`."""

from pathlib import Path
from typing import Annotated

import typer

from graphclust.options import PICTURES, Debug, Directed, Graph, K, Nodes, Share, Time, parse_share
from graphclust.terminal import (
    check_output,
    files_first,
    out,
    progress_bar,
    shown_warnings,
    user_errors,
    write_text,
)


def compare(
    graph: Graph,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated names; if not given, all that fit the graph, but none that is "
            "trained for minutes or is like another.",
            show_default=False,
        ),
    ] = None,
    n_clusters: K = None,
    seeds: Annotated[int, typer.Option(help="Runs of each method.", min=1)] = 10,
    stability: Annotated[
        bool,
        typer.Option(
            "--stability", help="Do the clusters stay with other seeds and on samples of the edges?"
        ),
    ] = False,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="How far do the methods agree with each other?")
    ] = False,
    null: Annotated[
        bool,
        typer.Option(
            "--null", help="Is the structure real? Runs on rewired graphs of the same degrees too."
        ),
    ] = False,
    share: Share = "0.8",
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the agreement as a heat map: .png, .svg or .pdf.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the table to .csv, .md or .html.")
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="Write one line a run, with its scores and costs, to a .csv."),
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds for one run.", min=0.1)] = 600.0,
    memory_limit: Annotated[
        float | None, typer.Option(help="Megabytes for one run.", min=1, show_default=False)
    ] = None,
    nodes: Nodes = None,
    directed: Directed = None,
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Run several methods over several seeds, Leiden always among them, and show a table."""
    with user_errors():
        forms = {".csv": "csv", ".md": "markdown", ".html": "html"}
        check_output(output, tuple(forms), read=(graph, nodes))
        check_output(rows, (".csv",), read=(graph, nodes, output))
        check_output(plot, PICTURES)
        drawn = parse_share(share)
        if share != "0.8" and not stability:
            raise ValueError("--share is of --stability, which is not asked for")
        from graphclust.evaluate import server

        server.start()
        from graphclust.charts import draw_agreement
        from graphclust.evaluate.compare import compare as run
        from graphclust.loaders import load
        from graphclust.report import show_comparison

        with shown_warnings():
            data = load(graph, directed=directed, nodes=nodes, time=time)
        names = None if methods is None else [name.strip() for name in methods.split(",")]
        with progress_bar() as progress:
            found = run(
                data,
                names,
                n_clusters=n_clusters,
                seeds=seeds,
                stability=stability,
                agreement=agreement or plot is not None,
                null=null,
                share=drawn,
                time_limit=time_limit,
                memory_limit=memory_limit,
                progress=progress,
            )
        with files_first(lambda: show_comparison(out, graph, data, found)) as written:
            if rows:
                written.append(write_text(found.rows.to_csv(index=False), rows))
            if output:
                written.append(write_text(found.render(forms[output.suffix]), output))
            if plot and found.agreement is not None:
                draw_agreement(found.agreement, plot)
                written.append(f"written: {plot}")
        if not (found.rows["status"] == "ok").any():
            raise ValueError("no run ended well")
