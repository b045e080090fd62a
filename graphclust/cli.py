"""The command line: one function a command.

Heavy imports wait inside the commands, so that `--help` is instant.
"""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from graphclust.commands import bench
from graphclust.commands.compare import compare
from graphclust.commands.tune import tune
from graphclust.options import (
    PICTURES,
    Clusterer,
    Debug,
    Directed,
    Earlier,
    Estimate,
    Force,
    Graph,
    K,
    Nodes,
    Output,
    P,
    Plot,
    Q,
    Seed,
    Settings,
    Time,
    Vectors,
    build_method,
)
from graphclust.terminal import (
    check_output,
    files_first,
    out,
    say,
    shown_warnings,
    user_errors,
    write_result,
)

app = typer.Typer(
    help="Cluster any graph, and compare methods honestly, with Leiden always beside them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(bench.app, name="bench")
app.command()(bench.run)
app.command()(bench.table)


@app.command()
def cluster(
    graph: Graph,
    method: Clusterer = "auto",
    n_clusters: K = None,
    settings: Settings = None,
    seed: Seed = 0,
    output: Output = None,
    nodes: Nodes = None,
    directed: Directed = None,
    time: Time = None,
    only_estimate: Estimate = False,
    force: Force = False,
    plot: Plot = None,
    debug: Debug = False,
) -> None:
    """Cluster one graph and say what came out."""
    with user_errors():
        check_output(
            output, (".csv", ".tsv", ".json", ".parquet", ".graphml", ".npz"), read=(graph, nodes)
        )
        check_output(plot, PICTURES)
        from graphclust.auto import AUTO, choose
        from graphclust.evaluate.estimate import refuse_what_cannot_fit
        from graphclust.loaders import load
        from graphclust.report import show_clustering, show_estimate

        options = (n_clusters, settings or [], seed)
        # faults before a long load
        model = None if method == AUTO else build_method(method, *options)
        with shown_warnings():
            data = load(graph, directed=directed, nodes=nodes, time=time)
            model = model or build_method(choose(data, n_clusters), *options)
            if only_estimate:
                show_estimate(out, graph, data, model)
                return
            if not force:
                refuse_what_cannot_fit(model, data)
            result = model.fit(data)
        with files_first(lambda: show_clustering(out, graph, data, result)) as written:
            if output:
                written.append(write_result(data, result, output))
            if plot:
                from graphclust.pictures import draw

                draw(data, result, plot)
                written.append(f"written: {plot}")


app.command()(compare)
app.command()(tune)


@app.command()
def embed(
    graph: Graph,
    output: Vectors,
    method: Annotated[str, typer.Option("-m", "--method", help="What makes the vectors.")] = (
        "node2vec"
    ),
    p: P = None,
    q: Q = None,
    settings: Settings = None,
    seed: Seed = 0,
    continue_from: Earlier = None,
    nodes: Nodes = None,
    directed: Directed = None,
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Make a vector for every node, and write them."""
    with user_errors():
        from graphclust.graph.vectors import VECTOR_FORMATS
        from graphclust.loaders import load
        from graphclust.methods import METHODS
        from graphclust.report import show_embedding
        from graphclust.results import Embedding

        check_output(output, (".npz", *VECTOR_FORMATS), read=(graph, nodes))
        biases = [f"{name}={value!r}" for name, value in (("p", p), ("q", q)) if value is not None]
        if not hasattr(METHODS[method], "embed"):
            able = ", ".join(name for name in METHODS if hasattr(METHODS[name], "embed"))
            raise ValueError(f"{method} makes no vectors; these do: {able}")
        model = build_method(method, None, [*biases, *(settings or [])], seed)
        earlier = None if continue_from is None else Embedding.load(continue_from)
        with shown_warnings():
            data = load(graph, directed=directed, nodes=nodes, time=time)
            result = model.embed(data, continue_from=earlier)
        result.save(output)
        show_embedding(out, graph, data, result)
        say(f"written: {output}")


@app.command()
def methods(
    name: Annotated[
        str | None, typer.Argument(help="A method, to see its parameters.", show_default=False)
    ] = None,
    debug: Debug = False,
) -> None:
    """List the methods, or the parameters of one."""
    with user_errors():
        from graphclust.methods import METHODS
        from graphclust.report import show_method, show_methods

        if name is None:
            show_methods(out)
        else:
            show_method(out, METHODS[name])


@app.command()
def info(
    graph: Graph,
    nodes: Nodes = None,
    directed: Directed = None,
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Say what a graph is like, and which methods take it."""
    with user_errors():
        from graphclust.loaders import load
        from graphclust.report import show_graph

        with shown_warnings():
            data = load(graph, directed=directed, nodes=nodes, time=time)
        show_graph(out, graph, data)


@app.command()
def convert(
    graph: Graph,
    output: Annotated[
        Path, typer.Argument(help="A .safetensors, .npz, .csv, .tsv, .parquet or .graphml file.")
    ],
    nodes: Nodes = None,
    directed: Directed = None,
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Write a graph to another format; .safetensors opens at once, however large it is."""
    with user_errors():
        from graphclust.graph.formats import ending
        from graphclust.graph.writers import GRAPH_FORMATS, save
        from graphclust.loaders import load

        check_output(output, GRAPH_FORMATS, ending(output), read=(graph, nodes))
        with shown_warnings():
            save(load(graph, directed=directed, nodes=nodes, time=time), output)
        say(f"written: {output}")


@app.command()
def datasets(
    name: Annotated[
        str | None, typer.Argument(help="A data set, to see its card.", show_default=False)
    ] = None,
    debug: Debug = False,
) -> None:
    """List the data sets that have a card, or show one card."""
    with user_errors():
        from graphclust.report import show_card, show_datasets

        if name is None:
            show_datasets(out)
        else:
            show_card(out, name)


def main() -> None:
    """Entry point of the console script; being told to stop ends it cleanly, cells and all."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app()
