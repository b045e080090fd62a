"""Attributes as vertices: the attribute-augmented graph, and how columns become its edges.

Y. Zhou, H. Cheng, J. X. Yu, "Graph clustering based on structural/attribute similarities", VLDB
(2009), https://doi.org/10.14778/1687627.1687709: every value of every attribute is a vertex of its
own, joined to the nodes that have it. Letters: N nodes, F columns, M attribute vertices.
"""

from typing import Any, Literal, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphclust.graph.errors import GraphError, warn
from graphclust.kernels.columns import idf, kind_of, scaled
from graphclust.kernels.sparse import rescaled

Attributes = Literal["auto", "words", "rows", "table", "categories"]
KNOTS = 8  # attribute vertices of a numeric column
DENSE = 50_000_000  # numbers of a sparse table at most


def attribute_kind(x: Any) -> str:
    """`categories` for zeros and ones with as many ones in each row (one-hot), else `kind_of`."""
    kind = kind_of(x)
    if kind != "words":
        return kind
    matrix = sp.csr_array(x)
    sizes = np.diff(matrix.indptr)
    if (sizes == matrix.sum(axis=1)).all() and (matrix.data == 1).all() and (sizes > 0).all():
        return "categories" if (sizes == sizes[0]).all() else "words"
    return "words"


def attribute_edges(x: Any, kind: Attributes = "auto") -> tuple[sp.csr_array, str]:
    """(N, M) weights of the edges from nodes to attribute vertices, and the kind that was applied.

    Args:
        x: (N, F) array or scipy CSR matrix of finite numbers.
        kind: what the columns hold, by default `attribute_kind`.

            - `words`: counts, weighted by idf; a row sums to 1.
            - `rows`: weights from 0 as they are; a row sums to 1.
            - `table`: quantities. A column has one vertex for each of its values, or, with more
              than KNOTS of them, for KNOTS quantiles, of which a value between two shares its
              unit by its distance to both. A row sums to 1.
            - `categories`: one-hot columns as they stand, or a code a column, whole numbers, with
              a vertex for each value. Edges weigh 1; a row sums to the number of attributes.

    Columns that do not vary are left out, as their vertex would join all alike.

    Raises:
        GraphError: negative values in `words` or `rows`, codes that are no whole numbers.
    """
    if kind not in get_args(Attributes):
        raise ValueError(f"kind must be one of {get_args(Attributes)}, found {kind!r}")
    found = attribute_kind(x) if kind == "auto" else kind
    if found == "table":
        edges = _unit_sums(_columns(_dense(x), _between_knots))
    elif found == "categories":
        one_hot = attribute_kind(x) == "categories"
        edges = _varying(sp.csr_array(x)) if one_hot else _columns(_dense(x), _codes)
    else:
        matrix = sp.csr_array(x).astype(np.float64)
        if (matrix.data < 0).any():
            raise GraphError(
                f"attributes={found!r} takes no negative values, found {matrix.data.min():g}; "
                "'table' bins them"
            )
        matrix = _varying(matrix)
        edges = _unit_sums(scaled(matrix, idf(matrix)) if found == "words" else matrix)
    if edges.nnz == 0 and edges.shape[0] > 1:
        warn("no column of x varies: only the edges tell nodes apart")
    return edges, found


def augment(
    adjacency: sp.csr_array, edges: sp.csr_array, mass: float, *, by_degree: bool
) -> sp.csr_array:
    """(N + M, N + M) [[A, S], [Sᵀ, 0]]: nodes first, attribute vertices after. O(nnz).

    Args:
        adjacency: (N, N) A, symmetric.
        edges: (N, M) weights from `attribute_edges`.
        mass: α; S is α times `edges`.
        by_degree: rows of S are multiplied by degree + 1, so that α is the mass of a node's
            attributes over that of its edges; an isolated node has only attributes.
    """
    scale = np.asarray(adjacency.sum(axis=1)).ravel() + 1.0 if by_degree else 1.0
    s = sp.csr_array(sp.diags_array(np.broadcast_to(mass * scale, adjacency.shape[0])) @ edges)
    return sp.csr_array(sp.block_array([[adjacency, s], [s.T, None]], format="csr"))


def _dense(x: Any) -> NDArray[np.floating]:
    """As a table; a sparse one of more than DENSE numbers is refused."""
    if not sp.issparse(x):
        return np.asarray(x)
    if x.shape[0] * x.shape[1] > DENSE:
        raise GraphError(
            f"sparse x with negative values is binned as a table, whose zeros count: at most "
            f"{DENSE:,} numbers, found {x.shape[0]:,} × {x.shape[1]:,}"
        )
    table: NDArray[np.floating] = x.toarray()
    return table


def _unit_sums(matrix: sp.csr_array) -> sp.csr_array:
    return rescaled(matrix, np.asarray(matrix.sum(axis=1)).ravel(), -1.0)


def _varying(matrix: sp.csr_array) -> sp.csr_array:
    """Without columns of which all values are equal."""
    csc = sp.csc_array(matrix.astype(np.float64))
    csc.eliminate_zeros()
    full = np.diff(csc.indptr) == csc.shape[0]
    low, high = csc.min(axis=0).toarray().ravel(), csc.max(axis=0).toarray().ravel()
    return sp.csr_array(csc[:, ~(full & (low == high)) & (np.diff(csc.indptr) > 0)])


def _columns(x: NDArray[np.floating], rule: Any) -> sp.csr_array:
    """The vertices of all columns that vary, side by side; `rule` gives those of one column."""
    blocks = [rule(f, x[:, f]) for f in range(x.shape[1]) if np.ptp(x[:, f]) > 0]
    if not blocks:
        return sp.csr_array((len(x), 0))
    return sp.csr_array(sp.hstack(blocks, format="csr"))


def _codes(f: int, column: NDArray[np.floating]) -> sp.csr_array:
    """One vertex for each value, ascending."""
    if not np.array_equal(column, np.rint(column)):
        bad = column[column != np.rint(column)][0]
        raise GraphError(
            f"attributes='categories' takes whole numbers; column {f} holds {bad:g}; "
            "'table' bins such columns"
        )
    _, vertex = np.unique(column, return_inverse=True)
    return sp.csr_array((np.ones(len(column)), (np.arange(len(column)), vertex)))


def _between_knots(f: int, column: NDArray[np.floating]) -> sp.csr_array:
    """One vertex a knot; a value between two knots is shared between them, linearly."""
    knots = np.unique(column).astype(np.float64)
    if len(knots) > KNOTS:
        knots = np.unique(np.quantile(column.astype(np.float64), np.linspace(0, 1, KNOTS)))
    place = np.interp(column, knots, np.arange(len(knots)))
    low = np.minimum(place.astype(np.int64), len(knots) - 2)
    share, node = place - low, np.arange(len(column))
    index = np.concatenate([node, node]), np.concatenate([low, low + 1])
    shares = sp.csr_array(
        (np.concatenate([1 - share, share]), index), shape=(len(column), len(knots))
    )
    shares.eliminate_zeros()
    return shares
