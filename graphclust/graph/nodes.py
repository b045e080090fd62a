"""A table of nodes — id, class, attributes — joined to the nodes of an edge table."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphclust.graph.errors import GraphError, count, warn

ID = ("id", "node", "name")
CLASS = ("label", "class", "y")
MAX_CATEGORIES = 1000  # of one column; beyond, it is an identifier or free text


def id_column(nodes: pd.DataFrame) -> Any:
    """The name of the column that holds the ids.

    Raises:
        GraphError: there is none.
    """
    lower = {str(column).lower(): column for column in reversed(nodes.columns)}
    found = next((lower[name] for name in ID if name in lower), None)
    if found is None:
        raise GraphError(
            f"a node table needs a column id (or node, name); found {list(nodes.columns)}"
        )
    return found


def split_table(nodes: pd.DataFrame) -> tuple[Any, Any, pd.DataFrame]:
    """Ids, classes (or None) and attributes of a node table.

    Raises:
        GraphError: no id column, an empty id, or an id with two rows.
    """
    lower = {str(column).lower(): column for column in reversed(nodes.columns)}
    id_name = id_column(nodes)
    ids = nodes[id_name]
    if ids.isna().any():
        at = int(np.flatnonzero(ids.isna())[0])
        raise GraphError(f"the node table has no id in row {at} (counted from 0)")
    if ids.duplicated().any():
        raise GraphError(f"the node table has two rows for node {ids[ids.duplicated()].iloc[0]!r}")
    class_column = next((lower[name] for name in CLASS if name in lower), None)
    classes = None if class_column is None else nodes[class_column]
    return ids, classes, nodes.drop(columns=[id_name, class_column], errors="ignore")


def attribute_matrix(attributes: pd.DataFrame) -> NDArray[np.float32] | None:
    """(N, F): numbers as they are, each category of a text column as a column of zeros and ones.

    Raises:
        GraphError: a missing value, or a text column with too many different values.
    """
    columns = []
    for name in attributes.columns:
        column = attributes[name]
        if column.isna().any():
            raise GraphError(
                f"column {name!r} of the node table has {int(column.isna().sum())} missing values; "
                "fill or drop them first"
            )
        if pd.api.types.is_numeric_dtype(column):
            columns.append(column.to_numpy(np.float32)[:, None])
            continue
        if column.nunique() > MAX_CATEGORIES:
            raise GraphError(
                f"column {name!r} of the node table has {column.nunique()} different texts, more "
                f"than the {MAX_CATEGORIES} that are read as categories; drop it"
            )
        columns.append(pd.get_dummies(column).to_numpy(np.float32))
    return np.concatenate(columns, axis=1) if columns else None


def place(
    table: pd.DataFrame, rows: NDArray[np.int64], n: int, in_edges: NDArray[np.bool_]
) -> tuple[Any, Any]:
    """Features and classes of all `n` nodes, where table row i describes node `rows[i]`.

    Nodes on one side only are counted in a `GraphWarning`: those without a row get features 0 and
    class unknown, those without an edge are isolated.
    """
    _, classes, attributes = split_table(table)
    described = np.zeros(n, bool)
    described[rows] = True
    matrix = attribute_matrix(attributes)
    lacking, alone = int((~described).sum()), int((~in_edges).sum())
    if lacking:
        also = ", with features 0" if matrix is not None else ""
        nodes = count(lacking, "node")
        warn(f"in the edges but not in the node table, so of unknown class{also}: {nodes}")
    if alone:
        warn(f"in the node table but not in the edges, so isolated: {count(alone, 'node')}")
    x = y = None
    if matrix is not None:
        x = np.zeros((n, matrix.shape[1]), np.float32)
        x[rows] = matrix
    if classes is not None:
        y = np.full(n, None, dtype=object)
        y[rows] = classes.to_numpy(object)
        if pd.api.types.is_numeric_dtype(classes):
            y = pd.to_numeric(pd.Series(y)).to_numpy(float)
    return x, y
