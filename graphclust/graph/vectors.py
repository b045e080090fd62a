"""Vectors of nodes written for other tools, by the user's ids; every file is whole or not there.

`.txt` is the text form of word2vec (a line `N D`, then a line a node: its id and D numbers), `.npy`
is the plain matrix, with the ids line by line in a `.ids.txt` beside it.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from graphclust.graph.errors import GraphError
from graphclust.graph.files import atomic
from graphclust.graph.raw import Array
from graphclust.graph.writers import writable_ids, write_table

VECTOR_FORMATS = (".npy", ".txt", ".csv", ".tsv", ".parquet")


def write_vectors(ids: Array, vectors: Array, path: str | Path) -> None:
    """Write (N, D) vectors and their ids in the form that the ending of `path` names.

    Raises:
        GraphError: an ending that is none of VECTOR_FORMATS, .parquet without pyarrow, or ids that
            the form cannot hold: empty, with line breaks in .npy, with white space in .txt.
    """
    path = Path(path)
    if path.suffix not in VECTOR_FORMATS:
        raise GraphError(f"{path.name}: the ending must be one of {', '.join(VECTOR_FORMATS)}")
    ids = writable_ids(ids, path, path.suffix)
    if path.suffix == ".npy":
        names = _names(ids, path, "a line break", str.splitlines)
        with atomic(path.with_suffix(".ids.txt")) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        with atomic(path) as temporary, open(temporary, "wb") as file:
            np.save(file, vectors, allow_pickle=False)
        return
    table = pd.DataFrame(np.asarray(vectors))
    with atomic(path) as temporary:
        if path.suffix == ".txt":
            names = _names(ids, path, "white space", str.split)
            with open(temporary, "w", encoding="utf-8", newline="\n") as file:
                file.write(f"{len(names)} {table.shape[1]}\n")
                lines = table.set_axis(names)
                lines.to_csv(file, sep=" ", header=False, quoting=csv.QUOTE_NONE, quotechar=None)
        else:
            table.columns = table.columns.astype(str)
            table.insert(0, "node", ids)
            write_table(table, temporary, path.suffix)


def _names(ids: Array, path: Path, what: str, split: Callable[[str], list[str]]) -> list[str]:
    """The ids as text, where each is one piece."""
    names = list(map(str, ids.tolist()))
    if bad := [name for name in names if split(name) != [name]]:
        raise GraphError(f"{path.name}: an id may hold no {what} here, found {bad[0]!r}")
    return names
