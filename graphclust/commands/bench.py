"""The commands of benchmarks: grids that go on where they stopped, their state, their tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from graphclust.options import Debug
from graphclust.terminal import (
    check_output,
    out,
    progress_bar,
    say,
    shown_warnings,
    user_errors,
    write_text,
)

app = typer.Typer(
    help="Benchmarks: grids of methods × data sets × seeds × parameters, and what they show.",
    no_args_is_help=True,
)
Files = Annotated[list[Path], typer.Argument(help="Experiment files (.toml).")]
StoreFile = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Where rows are kept: a .sqlite for all, or a .csv for one; if not given, "
        "bench.sqlite beside the results (and tables of what that lacks are made of the .csv).",
        show_default=False,
    ),
]
Workers = Annotated[int, typer.Option(help="Cells that are run at once.", min=1)]
Dask = Annotated[
    str | None,
    typer.Option(help="Run them on the Dask cluster of this address, tcp://…", show_default=False),
]
Seeds = Annotated[
    int | None, typer.Option(help="No more seeds than this.", min=1, show_default=False)
]
Datasets = Annotated[
    str | None, typer.Option(help="Of the data sets only these, with commas.", show_default=False)
]


@app.command("run")
def bench_run(
    files: Files,
    store: StoreFile = None,
    workers: Workers = 1,
    dask: Dask = None,
    seeds: Seeds = None,
    datasets: Datasets = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, and how long it may take.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Run the cells that the store lacks; interrupt, kill and repeat as you like."""
    with user_errors():
        from graphclust.bench_report import show_plan

        for experiment, kept, now in _states(files, store, seeds, datasets):
            if dry_run:
                show_plan(out, experiment, now, workers)
            else:
                _run(experiment, kept, now, now.missing, workers, dask)


@app.command()
def retry_failed(
    files: Files,
    store: StoreFile = None,
    workers: Workers = 1,
    dask: Dask = None,
    seeds: Seeds = None,
    datasets: Datasets = None,
    debug: Debug = False,
) -> None:
    """Run the cells again whose last run ended badly; the rows of both runs are kept."""
    with user_errors():
        for experiment, kept, now in _states(files, store, seeds, datasets):
            _run(experiment, kept, now, now.failed, workers, dask)


@app.command()
def status(
    files: Files,
    store: StoreFile = None,
    seeds: Seeds = None,
    datasets: Datasets = None,
    debug: Debug = False,
) -> None:
    """Say what was run, what failed and why, and what is left."""
    with user_errors():
        from graphclust.bench_report import show_state

        for experiment, kept, now in _states(files, store, seeds, datasets):
            show_state(out, experiment, now, kept.path)


@app.command("table")
def bench_table(
    files: Files,
    store: StoreFile = None,
    metric: Annotated[str, typer.Option(help="Scores, with commas.")] = "nmi",
    form: Annotated[str, typer.Option(help="markdown, csv, html or latex.")] = "markdown",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write it to .md, .csv, .html or .tex, whose form it then has.",
            show_default=False,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            help="A folder for pictures: critical differences, time against quality.",
            show_default=False,
        ),
    ] = None,
    test: Annotated[str, typer.Option(help="Of mean ranks: nemenyi or wilcoxon.")] = "nemenyi",
    seeds: Seeds = None,
    datasets: Datasets = None,
    debug: Debug = False,
) -> None:
    """Show methods × data sets: mean ± sd, the best and what is as good, ranks and their tests.

    Files of one task make one table: an epoch chosen by classes never stands beside others.
    """
    with user_errors():
        from graphclust.evaluate.experiment import results_path

        read = [*files, *map(results_path, files), store]
        check_output(output, (".md", ".csv", ".html", ".tex"), read=read)
        from graphclust.bench_report import draw_all, tables
        from graphclust.evaluate.matrix import render_matrix
        from graphclust.evaluate.ranks import check_test
        from graphclust.evaluate.store import exported_rows, stored_rows

        check_test(test)

        if output and form != "markdown":
            raise ValueError(
                f"--form {form} is of what is printed; {output} has its own by its name"
            )
        if output:
            form = {".md": "markdown", ".tex": "latex"}.get(output.suffix, output.suffix[1:])
        parts = []
        for path, (experiment, kept) in zip(
            files, _opened(files, store, seeds, datasets), strict=True
        ):
            rows = stored_rows(experiment, kept)
            if store is None and not rows:
                rows = exported_rows(experiment, path)
            parts.append((experiment, rows))
        found = tables(parts, metric.split(","))
        text = "\n".join(render_matrix(matrix, form) for matrix, _ in found)
        written = [] if plots is None else draw_all(found, plots, test)
        for picture in written:
            say(f"written: {picture}")
        if output:
            say(write_text(text, output))
        else:
            typer.echo(text)


@app.command("export")
def export(
    files: Files,
    store: StoreFile = None,
    debug: Debug = False,
) -> None:
    """Write what the store holds of each experiment to its CSV: beside its file, or, below a
    folder `experiments`, in `experiments/results`."""
    with user_errors():
        from graphclust.evaluate.experiment import results_path
        from graphclust.evaluate.store import export_rows

        for path, (experiment, kept) in zip(files, _opened(files, store), strict=True):
            rows = export_rows(experiment, kept, results_path(path))
            say(f"{experiment.name}: {rows} rows, in {results_path(path)}")


@app.command("import")
def import_(
    files: Files,
    store: StoreFile = None,
    debug: Debug = False,
) -> None:
    """Take those rows of each experiment's CSV that the store lacks, or has earlier ones of."""
    with user_errors():
        from graphclust.evaluate.experiment import results_path
        from graphclust.evaluate.store import import_rows

        if store and store.suffix == ".csv":
            raise ValueError(f"{store}: rows are taken into a .sqlite; name a .sqlite")
        for path, (experiment, kept) in zip(files, _opened(files, store), strict=True):
            rows = import_rows(results_path(path), experiment.task, kept)
            say(f"{experiment.name}: {rows} rows, in {kept.path}")


def run(
    files: Files,
    workers: Workers = 1,
    debug: Debug = False,
) -> None:
    """Run the cells of experiments that their results lack; interrupt and repeat as you like."""
    with user_errors():
        from graphclust.evaluate.experiment import results_path

        for path in files:
            for experiment, kept, now in _states([path], results_path(path)):
                _run(experiment, kept, now, now.missing, workers, None)


def table(
    document: Annotated[Path, typer.Argument(help="The document whose tables to fill.")] = Path(
        "README.md"
    ),
    debug: Debug = False,
) -> None:
    """Write the tables of a document anew from the results of its experiments."""
    with user_errors():
        from graphclust.evaluate.documents import fill_tables

        say(write_text(fill_tables(document), document))


def _opened(
    files: list[Path],
    store: Path | None = None,
    seeds: int | None = None,
    datasets: str | None = None,
) -> list[tuple[Any, Any]]:
    """Each experiment, checked, and the store; faults of all files come before anything is done."""
    from graphclust.evaluate.experiment import read_experiment, restrict, results_path
    from graphclust.evaluate.store import ENDINGS, open_store

    results = results_path(files[0])
    path = store or results.with_name("bench.sqlite")
    if path.suffix == ".csv" and len(files) > 1:
        raise ValueError(f"{path}: a .csv holds one experiment, found {len(files)}; name a .sqlite")
    if path.parent == results.parent:
        path.parent.mkdir(exist_ok=True)
    check_output(path, ENDINGS)
    names = None if datasets is None else datasets.split(",")
    experiments = [restrict(read_experiment(file), seeds, names) for file in files]
    return [(experiment, open_store(path)) for experiment in experiments]


def _states(files: list[Path], *given: Any) -> Iterator[tuple[Any, Any, Any]]:
    """As `_opened`, each with its state, found out when its turn comes."""
    from graphclust.evaluate import server

    server.start()
    from graphclust.evaluate.experiment import results_path
    from graphclust.evaluate.grid import state
    from graphclust.evaluate.store import rows_outside
    from graphclust.graph.errors import count, warn

    opened = _opened(files, *given)
    with shown_warnings():
        for path, (experiment, kept) in zip(files, opened, strict=True):
            if kept.path.suffix == ".csv":  # into which nothing is taken up
                continue
            if alone := rows_outside(kept, results_path(path), experiment.task):
                warn(
                    f"{results_path(path)} has {count(len(alone), 'row')} that {kept.path} lacks; "
                    f"take them up by: graphclust bench import {path} --store {kept.path}"
                )
    for experiment, kept in opened:
        with shown_warnings():
            now = state(experiment, kept)
        yield experiment, kept, now


def _run(
    experiment: Any, kept: Any, now: Any, cells: list[Any], workers: int, cluster: str | None
) -> None:
    from graphclust.evaluate.grid import run_cells
    from graphclust.graph.errors import count

    with progress_bar() as show, shown_warnings():
        good = run_cells(
            cells,
            kept,
            workers=workers,
            cluster=cluster,
            earlier=list(now.rows.values()),
            progress=lambda at: show(at.done, at.total, at.label, at.share),
        )
    failed = f", of which {len(cells) - good} failed" if good < len(cells) else ""
    left = "" if now.cells else "; all are left out, as `bench status` says"
    say(f"{experiment.name}: {count(len(cells), 'run')}{failed}, in {kept.path}{left}")
    if cells and not good:
        raise ValueError(f"{experiment.name}: no run ended well; `bench status` says why")
