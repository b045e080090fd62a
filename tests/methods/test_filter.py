"""Each equation of `filter` against plain loops, its limit cases and its simplest setting."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from graphs import TRIANGLES, method, pairs, planted, quiet
from sklearn.metrics import adjusted_rand_score as ari
from threadpoolctl import threadpool_limits

from graphclust import METHODS, GraphError, GraphWarning, as_graph, load, to_scipy
from graphclust.graph.synth import attributed_sbm
from graphclust.kernels.lowpass import (
    column_scale,
    deflated,
    leading_directions,
    moran_weights,
    right_singular_vectors,
)
from graphclust.kernels.sparse import lazy_walk, propagator

PLAIN = {  # the truncated SVD, smoothed, and nothing else
    "features": "rows",
    "moran": False,
    "smoothing": "lazy",
    "steps": 3,
    "dimensions": 64,
    "deflate": False,
    "directions": 0,
    "head": "kmeans",
}


def test_column_scale_by_kind():
    table = np.array([[1.0, 5.0, 2.0], [3.0, 5.0, -1.0], [8.0, 5.0, 0.5]])
    shift, scale = column_scale(table, "table")
    assert shift == pytest.approx(table.mean(axis=0))
    assert scale == pytest.approx([1 / table[:, 0].std(), 0.0, 1 / table[:, 2].std()])
    words = np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 0.0]])
    assert column_scale(words, "words") == pytest.approx(
        np.array([[0, 0], [np.log(4 / 3) + 1, np.log(4) + 1]])
    )
    assert column_scale(words, "rows") == pytest.approx(np.array([[0, 0], [1, 1]]))


def test_moran_weights_are_never_below_the_floor():
    graph = pairs(*TRIANGLES[:-1], n=6)
    x = np.array([[1, 1], [1, 0], [1, 1], [0, 1], [0, 0], [0, 1]], dtype=np.float32)
    assert moran_weights(x, to_scipy(graph)) == pytest.approx([np.sqrt(1.1), np.sqrt(0.1)])


def test_right_singular_vectors_are_the_leading_ones():
    left, right = (np.random.default_rng(seed).standard_normal((40, 12)) for seed in (0, 1))
    x = left[:, :4] @ right[:4]
    v = right_singular_vectors(x, 4, seed=0)
    exact = np.linalg.svd(x)[2][:4]
    assert v.T @ v == pytest.approx(exact.T @ exact, abs=1e-8)
    assert np.array_equal(right_singular_vectors(x, 12, 0), np.eye(12))


def test_deflation_is_the_modularity_matrix_of_the_cosine_graph():
    z = np.random.default_rng(0).random((7, 3))
    z[2] = 0
    w = z @ z.T
    degree, total = w.sum(axis=1), w.sum()
    expected = np.zeros((7, 7))
    for i in range(7):
        for j in range(7):
            expected[i, j] = w[i, j] - degree[i] * degree[j] / total
    found = deflated(z, z.sum(axis=0))
    assert found @ found.T == pytest.approx(expected)
    assert np.array_equal(deflated(z, np.zeros(3)), z)


def test_directions_keep_the_leading_singular_values():
    z = np.random.default_rng(0).standard_normal((8, 4))
    kept = z @ leading_directions(z, 2)
    u, sigma, _ = np.linalg.svd(z)
    expected = u[:, :2] * sigma[:2]
    assert kept @ kept.T == pytest.approx(expected @ expected.T)
    assert leading_directions(z, 9).shape == (4, 4)


@pytest.mark.parametrize("features", ["words", "table"])
def test_the_embedding_is_the_equations_one_after_the_other(features):
    graph = planted(n=40)
    if features == "words":
        graph = as_graph(graph, x=graph.x.clamp(min=0).round())
    result = METHODS["filter"](n_clusters=2, directions=3).fit(graph)
    x, a = graph.x.numpy().astype(np.float64), to_scipy(graph)

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    if features == "words":
        x = unit(x * (np.log(41 / (1 + (x > 0).sum(axis=0))) + 1))
    else:
        x = unit((x - x.mean(axis=0)) / x.std(axis=0))
    x = unit(x * moran_weights(x, a))
    s = propagator(a, x.dtype).toarray()
    z = unit(sum(0.9**t * np.linalg.matrix_power(s, t) @ x for t in range(11)))
    if features == "words":
        total = z.sum(axis=0)
        z = z - np.outer(z @ total, total) / (total @ total)
    left, sigma, _ = np.linalg.svd(z)
    expected = unit(left[:, :6] * sigma[:6])
    found = result.embedding
    assert found.shape == (40, 6)
    assert found.dtype == np.float32
    assert found @ found.T == pytest.approx(expected @ expected.T, abs=1e-4)


def test_the_simplest_setting_is_a_truncated_svd_smoothed():
    graph = planted(n=40)
    found = METHODS["filter"](n_clusters=4, **PLAIN).fit(graph)
    assert found.extras.keys() == {"columns", "components", "centres", "inertia"}
    unit = graph.x.numpy() / np.linalg.norm(graph.x.numpy(), axis=1, keepdims=True)
    z = lazy_walk(unit, propagator(to_scipy(graph), unit.dtype), 3)
    assert found.embedding == pytest.approx(z / np.linalg.norm(z, axis=1, keepdims=True), abs=1e-5)


def test_scales_are_laid_side_by_side():
    graph, k = planted(n=40), {"n_clusters": 4, "directions": 0, "deflate": False}
    found = METHODS["filter"](steps=9, scales=3, **k).fit(graph).embedding
    blocks = [METHODS["filter"](steps=t, **k).fit(graph).embedding for t in (9, 3, 1)]
    assert found == pytest.approx(np.hstack(blocks) / np.sqrt(3), abs=1e-6)


def test_use_x_does_not_look_at_edges():
    graph, bare = planted(), pairs(n=120, x=planted().x)
    first, second = (method("filter", use="x").fit(g).embedding for g in (graph, bare))
    assert np.array_equal(first, second)


def test_use_edges_does_not_look_at_features():
    graph = planted()
    model = method("filter", use="edges")
    result = model.fit(graph)
    assert ari(graph.y, result.labels) > 0.9
    bare = as_graph(graph.edge_index, num_nodes=120)
    assert np.array_equal(model.fit(bare).embedding, result.embedding)
    assert model.fit(load("karate")).n_clusters == 4
    with pytest.raises(TypeError, match="only the graph it is fitted on"):
        result.predict(graph)
    arcs = as_graph(graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]], directed=True)
    with pytest.warns(GraphWarning, match="reads arcs as undirected"):
        assert np.array_equal(model.fit(arcs).labels, result.labels)


def test_degree_adds_a_column_of_standardised_log_degrees():
    graph = pairs(*TRIANGLES, n=9)
    plain, result = (METHODS["filter"](n_clusters=2, degree=w).fit(graph) for w in (0, 1.5))
    d = np.log([3, 3, 4, 4, 3, 3, 1, 1, 1])
    expected = 1.5 * (d - d.mean()) / d.std()
    assert np.array_equal(result.embedding[:, :-1], plain.embedding)
    assert result.embedding[:, -1] == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(result.predict(graph), result.labels)


def test_filter_beats_kmeans_on_noisy_features():
    graph = attributed_sbm(n=600, k=4, p_in=0.05, p_out=0.005, signal=0.4, seed=0)
    filtered, plain = (ari(graph.y, method(m).fit(graph).labels) for m in ("filter", "kmeans"))
    assert filtered > plain + 0.2


def test_sparse_features_are_taken_as_dense_ones():
    graph = load("digits")
    sparse = as_graph(graph, x=graph.x.to_sparse())
    for name in ("filter", "kmeans", "agglomerative"):
        dense_labels, sparse_labels = (method(name, k=10).fit(g).labels for g in (graph, sparse))
        assert ari(dense_labels, sparse_labels) > 0.9


def test_rows_without_features_or_edges_stay_finite():
    x = np.zeros((9, 5))
    x[:6] = np.random.default_rng(0).integers(0, 2, (6, 5))
    result = METHODS["filter"](n_clusters=2).fit(pairs(*TRIANGLES, n=9, x=x))
    assert np.isfinite(result.embedding).all()
    assert np.array_equal(result.embedding[6:], np.zeros((3, result.embedding.shape[1])))


def test_the_embedding_does_not_depend_on_threads():
    rng = np.random.default_rng(0)
    words = sp.csr_array((rng.random((2000, 600)) < 0.05).astype(np.float32))
    edges = rng.integers(0, 2000, (2, 6000))
    graph = quiet(edges, x=words, directed=False, num_nodes=2000)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(method("filter").fit(graph).embedding)
    assert np.array_equal(*found)


def test_another_graph_is_embedded_by_the_fitted_parts():
    graph = planted()
    result = method("filter").fit(graph)
    part = planted().subgraph(torch.arange(0, 120, 2))
    with pytest.raises(GraphError, match="x must have 16 columns"):
        result.predict(as_graph(graph, x=graph.x[:, :5]))
    labels = result.predict(as_graph(part.edge_index, x=part.x, num_nodes=60))
    assert ari(graph.y[::2], labels) > 0.9
