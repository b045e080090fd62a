"""What all commands share: results on one stream, notes and errors on the other, and files."""

import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

out, err = Console(), Console(stderr=True)
MINUTE = 60.0
_debug = False


def set_debug(value: bool) -> None:
    """Show tracebacks from now on, or not."""
    global _debug
    _debug = value


@contextmanager
def user_errors() -> Iterator[None]:
    """Say what the user can mend in one line and leave with code 2; a fault of ours is code 1."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output left: typer ends quietly
    except (ValueError, TypeError, OSError) as error:
        if _debug:
            raise
        _fail(_sentence(error) or type(error).__name__, 2)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except MemoryError as error:
        if _debug:
            raise
        _fail(f"out of memory: {error}", 2)
    except Exception as error:
        if _debug:
            raise
        _fail(
            f"internal error, please report it: {type(error).__name__}: {error} "
            "(--debug shows where)",
            1,
        )


def _sentence(error: Exception) -> str:
    """What the system says without its number, and the file before it."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def _fail(message: str, code: int) -> None:
    err.print(f"[red]error:[/red] {escape(' '.join(message.split()))}", soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def shown_warnings() -> Iterator[None]:
    """Print our own warnings as one line each; other libraries' stay out of sight."""
    from graphclust.graph.errors import GraphWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(
        str(w.message) for w in caught if issubclass(w.category, GraphWarning)
    ):
        err.print(f"[yellow]note:[/yellow] {escape(text)}", soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Any]:
    """A bar to be called as `(done, total, name)`, also with the `share` of the time that is over,
    where steps take unlike times. Where nobody watches, a line a minute instead."""
    if not err.is_terminal:
        yield _told_each_minute()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    # a step may take minutes, and the bar must still know how fast it was
    with Progress(*columns, console=err, transient=True, speed_estimate_period=3600) as bar:
        task = bar.add_task("starting", total=None, count="")

        def show(done: int, total: int, name: str, share: float | None = None) -> None:
            over = done / max(total, 1) if share is None else share
            bar.update(task, completed=over, total=1, description=name, count=f"{done}/{total}")

        yield show


def _told_each_minute() -> Callable[..., None]:
    """As a bar is called; says how far things are, and how much longer they may take."""
    start = last = time.monotonic()

    def tell(done: int, total: int, name: str, share: float | None = None) -> None:
        nonlocal last
        now = time.monotonic()
        over = done / max(total, 1) if share is None else share
        if now - last < MINUTE or not over:
            return
        last = now
        left = (now - start) * (1 - over) / over / MINUTE
        text = f"{done}/{total}, about {left:.0f} minutes left; {name}"
        err.print(text, soft_wrap=True, markup=False)

    return tell


def say(text: str) -> None:
    """A line of the result, whole, however long, and with no letter taken for a mark."""
    out.print(text, soft_wrap=True, markup=False)


@contextmanager
def files_first(show: Callable[[], None]) -> Iterator[list[str]]:
    """Write files inside, with a line for each put into the list, before `show` prints the result:
    whatever happens to the screen, files are there, and whatever happens to them, it is shown."""
    written: list[str] = []
    try:
        yield written
    finally:
        show()
    for line in written:
        say(line)


def check_output(
    path: Path | None,
    accepted: tuple[str, ...],
    suffix: str | None = None,
    read: Iterable[str | Path | None] = (),
) -> None:
    """Refuse, before all else, an output that could not be written, or is `read` (or within it)."""
    if path is None:
        return
    if (suffix or path.suffix) not in accepted:
        raise ValueError(f"{path}: the ending must be one of {', '.join(accepted)}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file")
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist")
    if not os.access(path.resolve().parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} cannot be written to")
    target = path.resolve()
    for source in (Path(given).resolve() for given in read if given is not None):
        if source == target or (source.suffix and source in target.parents):
            raise ValueError(f"{path} is in use already; name another file for what is written")


def write_text(text: str, path: Path) -> str:
    """Write a file whole or not at all; the line that says so."""
    from graphclust.graph.files import atomic

    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return f"written: {path}"


def write_result(data: Any, result: Any, path: Path) -> str:
    """Write a clustering, whole (.npz) or its labels; the line that says so."""
    from graphclust.graph.writers import write_labels

    if path.suffix == ".npz":
        result.save(path)
    else:
        write_labels(data, result.labels, path)
    return f"written: {path}"
