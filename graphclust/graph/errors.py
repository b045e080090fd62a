"""What graphclust says when it cannot take a graph, and when it had to change one."""

import sys
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parents[1])


class GraphError(ValueError):
    """The graph cannot be used as given; the message names what was found and what is accepted."""


class GraphWarning(UserWarning):
    """Something in the input was changed or ignored; the message says what and how much of it."""


def warn(message: str) -> None:
    """Give a `GraphWarning` that points at the caller's line outside this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, GraphWarning, stacklevel=level)


def count(n: int, noun: str) -> str:
    """`1 edge`, `2 edges`, `1,000 edges`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
