"""Attributes become vertices as the rules say."""

import numpy as np
import pytest
import scipy.sparse as sp

from graphclust import GraphError, GraphWarning
from graphclust.graph.augment import KNOTS, attribute_edges, attribute_kind, augment


def rng(seed=0):
    return np.random.default_rng(seed)


def one_hot(codes):
    return np.hstack([np.equal.outer(column, np.unique(column)) for column in codes.T]).astype(
        float
    )


def test_a_code_and_its_one_hot_columns_are_the_same_edges():
    codes = rng().integers(0, [3, 5], (40, 2))
    edges, kind = attribute_edges(codes.astype(float), "categories")
    assert kind == "categories"
    assert edges.shape == (40, 3 + 5)
    assert np.array_equal(edges.toarray(), one_hot(codes))
    again, found = attribute_edges(one_hot(codes))
    assert found == "categories"
    assert np.array_equal(again.toarray(), edges.toarray())
    sparse, _ = attribute_edges(sp.csr_array(one_hot(codes)))
    assert np.array_equal(sparse.toarray(), edges.toarray())


def test_an_attribute_vertex_has_as_many_edges_as_nodes_with_its_value():
    codes = rng().integers(0, 4, (50, 1))
    edges, _ = attribute_edges(codes.astype(float), "categories")
    assert np.array_equal(edges.sum(axis=0), np.bincount(codes[:, 0]))


def test_words_are_weighed_by_idf_and_rows_sum_to_one():
    x = np.array([[2.0, 1, 0, 0], [0, 1, 0, 1], [0, 3, 0, 0], [0, 0, 0, 0]])
    edges, kind = attribute_edges(x)
    assert kind == "words"
    idf = np.log(5 / (1 + np.array([1, 3, 1]))) + 1
    expected = x[:, [0, 1, 3]] * idf  # the third column is empty
    expected[:3] /= expected[:3].sum(axis=1, keepdims=True)
    assert edges.toarray() == pytest.approx(expected)


def test_numbers_are_shared_between_the_knots_around_them():
    x = np.stack([rng().standard_normal(200), rng(1).integers(0, 3, 200) - 1.0], axis=1)
    edges, kind = attribute_edges(x)
    assert kind == "table"
    assert edges.shape == (200, KNOTS + 3)
    dense = 2 * edges.toarray()
    knots = np.quantile(x[:, 0].astype(np.float64), np.linspace(0, 1, KNOTS))
    assert dense[:, :KNOTS] @ knots == pytest.approx(x[:, 0])  # the shares give the value back
    assert (np.count_nonzero(dense[:, :KNOTS], axis=1) <= 2).all()
    assert np.array_equal(dense[:, KNOTS:], one_hot(x[:, 1:].astype(int)))
    assert edges.sum(axis=1) == pytest.approx(np.ones(200))


def test_columns_that_do_not_vary_are_left_out():
    x = np.column_stack([np.full(9, 7.0), np.arange(9) - 4.0])
    assert attribute_edges(x)[0].shape == (9, KNOTS)
    assert attribute_edges(np.column_stack([np.ones(9), np.eye(9)]), "words")[0].shape == (9, 9)
    for kind in ("words", "rows", "table", "categories"):
        with pytest.warns(GraphWarning, match="no column of x varies"):
            assert attribute_edges(np.ones((5, 2)), kind)[0].nnz == 0


def test_the_kind_is_known_by_the_values():
    assert attribute_kind(np.eye(6)) == "categories"
    assert attribute_kind(np.array([[1.0, 1, 0], [1, 0, 0]])) == "words"
    assert attribute_kind(np.array([[2.0, 0, 0, 0], [0, 2, 0, 0]])) == "words"
    assert attribute_kind(np.array([[0.5, 0, 0], [0, 1, 0]])) == "rows"
    assert attribute_kind(np.array([[-1.0, 0], [0, 1]])) == "table"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("categories", "takes whole numbers; column 1 holds 0.5; 'table' bins"),
        ("words", "takes no negative values, found -1; 'table' bins them"),
        ("rows", "takes no negative values, found -1"),
        ("nominal", "kind must be one of"),
    ],
)
def test_columns_of_another_kind_are_refused(kind, text):
    with pytest.raises((GraphError, ValueError), match=text):
        attribute_edges(np.array([[0.0, 0.5], [-1, 1]]), kind)


def test_the_augmented_graph_is_the_bordered_adjacency():
    a = sp.csr_array(np.array([[0.0, 2, 0], [2, 0, 0], [0, 0, 0]]))
    edges, _ = attribute_edges(np.array([[0.0], [1], [0]]), "categories")
    plain = augment(a, edges, 0.5, by_degree=False).toarray()
    assert np.array_equal(plain[:3, :3], a.toarray())
    assert np.array_equal(plain[:3, 3:], 0.5 * edges.toarray())
    assert np.array_equal(plain, plain.T)
    assert not plain[3:, 3:].any()
    scaled = augment(a, edges, 0.5, by_degree=True).toarray()
    assert np.array_equal(scaled[:3, 3:].sum(axis=1), 0.5 * (a.sum(axis=1) + 1))


def test_the_order_of_nodes_does_not_matter():
    x = rng().standard_normal((30, 3))
    a = sp.csr_array(np.triu(rng().random((30, 30)) < 0.2, 1).astype(float))
    a, order = sp.csr_array(a + a.T), rng().permutation(30)
    plain = augment(a, attribute_edges(x)[0], 1.0, by_degree=True).toarray()
    moved = augment(
        sp.csr_array(a[order][:, order]), attribute_edges(x[order])[0], 1.0, by_degree=True
    ).toarray()
    place = np.r_[order, np.arange(30, len(plain))]
    assert moved == pytest.approx(plain[np.ix_(place, place)])
