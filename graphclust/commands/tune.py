"""`graphclust tune`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graphclust.options import (
    PICTURES,
    Debug,
    Directed,
    Graph,
    K,
    Nodes,
    Seed,
    Settings,
    Share,
    Time,
    build_method,
    parse_share,
)
from graphclust.terminal import (
    check_output,
    files_first,
    out,
    progress_bar,
    shown_warnings,
    user_errors,
    write_text,
)


def tune(
    graph: Graph,
    method: Annotated[
        str, typer.Option("-m", "--method", help="See `graphclust methods`.")
    ] = "leiden",
    over: Annotated[
        str, typer.Option(help="The parameter: resolution, n_clusters or any other number.")
    ] = "resolution",
    values: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated; a grid about the default if not given.", show_default=False
        ),
    ] = None,
    n_clusters: K = None,
    settings: Settings = None,
    samples: Annotated[int, typer.Option(help="Samples of the edges of the graph.", min=3)] = 10,
    nulls: Annotated[int, typer.Option(help="Rewired graphs.", min=19)] = 19,
    share: Share = "0.8",
    seed: Seed = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the profile to a .csv.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the profile: .png, .svg or .pdf.", show_default=False),
    ] = None,
    nodes: Nodes = None,
    directed: Directed = None,
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Choose a resolution or a number of clusters, without labels, by stability beyond chance."""
    with user_errors():
        check_output(output, (".csv",), read=(graph, nodes))
        check_output(plot, PICTURES)
        drawn, tried = parse_share(share), _numbers(values)
        if over == "n_clusters" and n_clusters is not None:
            raise ValueError("n_clusters is what is chosen; --values names the numbers to try")
        from graphclust.charts import draw_profile
        from graphclust.evaluate.tune import tune as run
        from graphclust.loaders import load
        from graphclust.methods import METHODS
        from graphclust.params import parse
        from graphclust.report import show_tuning

        if over in parse(METHODS[method], settings or []):
            raise ValueError(f"{over} is what is chosen; --values, not --set, names what to try")
        k = 2 if over == "n_clusters" else n_clusters  # any: it is replaced by each value
        model = build_method(method, k, settings or [], seed)
        with shown_warnings():
            data = load(graph, directed=directed, nodes=nodes, time=time)
            with progress_bar() as progress:
                found = run(
                    data,
                    model,
                    over=over,
                    values=tried,
                    samples=samples,
                    nulls=nulls,
                    share=drawn,
                    seed=seed,
                    progress=progress,
                )
        with files_first(lambda: show_tuning(out, graph, data, found)) as written:
            if output:
                written.append(write_text(found.profile.to_csv(index=False), output))
            if plot:
                draw_profile(found, plot)
                written.append(f"written: {plot}")


def _numbers(text: str | None) -> list[Any] | None:
    if text is None:
        return None
    try:
        return [float(part) if set(part) & set(".eE") else int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--values takes numbers between commas, found {text!r}") from None
