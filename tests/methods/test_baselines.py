"""Equations and limit cases of the baselines that are more than a call."""

import sys

import networkx as nx
import numpy as np
import pytest
from graphs import TRIANGLES, method, noise, pairs, planted, quiet
from sklearn.cluster import KMeans as SkKMeans
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, GraphWarning, as_graph, load, to_scipy
from graphclust.methods.filter import right_singular_vectors, smooth

# --- spectral ------------------------------------------------------------------------------------


@pytest.mark.parametrize("regularisation", [0.0, 1.0])
def test_spectral_solves_its_eigenproblem(regularisation):
    graph = load("karate")
    result = METHODS["spectral"](n_clusters=3, regularisation=regularisation).fit(graph)
    a = to_scipy(graph).toarray()
    d = a.sum(axis=1) + regularisation * a.sum() / 34
    expected = np.sort(np.linalg.eigvalsh(a / np.sqrt(np.outer(d, d))))[::-1][:3]
    assert result.extras["eigenvalues"] == pytest.approx(expected)
    assert result.extras["residuals"].max() < 1e-10
    assert np.linalg.norm(result.embedding, axis=1) == pytest.approx(np.ones(34))


def test_spectral_by_lanczos_equals_the_dense_solver():
    graph = load("digits")  # large enough for Lanczos
    result = METHODS["spectral"](n_clusters=10).fit(graph)
    a = to_scipy(graph).toarray()
    d = a.sum(axis=1) + a.sum() / len(a)
    expected = np.linalg.eigvalsh(a / np.sqrt(np.outer(d, d)))[::-1][:10]
    assert result.extras["eigenvalues"] == pytest.approx(expected)
    assert result.extras["residuals"].max() < 1e-8


def test_spectral_regularisation_sees_past_small_components():
    blocks = planted(n=120)
    source, target = blocks.edge_index.numpy()
    dust = [(120 + 2 * i, 121 + 2 * i) for i in range(20)]
    edges = [*zip(source.tolist(), target.tolist(), strict=True), *dust]
    graph = quiet(index(edges), num_nodes=160, directed=False)
    found = {
        r: ari(
            blocks.y, METHODS["spectral"](n_clusters=4, regularisation=r).fit(graph).labels[:120]
        )
        for r in (0.0, 1.0)
    }
    assert found[1.0] > 0.9 > found[0.0]


def index(edges):
    import torch

    return torch.tensor(edges).T


def test_spectral_refuses_too_many_clusters_for_lanczos():
    graph = as_graph(nx.path_graph(1000))
    with pytest.raises(GraphError, match="needs n_clusters ≤ N/2 = 500"):
        METHODS["spectral"](n_clusters=501).fit(graph)


# --- filter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_filter_smooths_by_its_formula(steps):
    graph = pairs(*TRIANGLES, n=7)  # node 6 is isolated
    a = to_scipy(graph).toarray()
    z = np.random.default_rng(0).standard_normal((7, 3))
    expected = z.copy()
    tilde = a + np.eye(7)
    degree = tilde.sum(axis=1)
    for _ in range(steps):
        next_z = np.zeros_like(expected)
        for i in range(7):
            for j in range(7):
                s = tilde[i, j] / np.sqrt(degree[i] * degree[j])
                next_z[i] += 0.5 * ((i == j) + s) * expected[j]
        expected = next_z
    assert smooth(z, to_scipy(graph), steps) == pytest.approx(expected)


def test_filter_reduces_by_the_leading_singular_vectors():
    x = np.random.default_rng(0).standard_normal((40, 4)) @ np.random.default_rng(
        1
    ).standard_normal((4, 12))
    v = right_singular_vectors(x, 4, seed=0)
    exact = np.linalg.svd(x)[2][:4]
    assert v.T @ v == pytest.approx(exact.T @ exact, abs=1e-8)
    assert np.array_equal(right_singular_vectors(x, 12, 0), np.eye(12))


def test_filter_without_steps_and_reduction_is_kmeans_on_unit_rows():
    graph = planted()
    result = METHODS["filter"](n_clusters=4, steps=0).fit(graph)
    unit = graph.x / graph.x.norm(dim=1, keepdim=True)
    assert np.allclose(result.embedding, unit, atol=1e-6)


def test_filter_beats_kmeans_on_noisy_features():
    from graphclust.graph.synth import attributed_sbm

    graph = attributed_sbm(n=600, k=4, p_in=0.05, p_out=0.005, signal=0.4, seed=0)
    smoothed, plain = (
        ari(graph.y, method(name).fit(graph).labels) for name in ("filter", "kmeans")
    )
    assert smoothed > plain + 0.2


def test_filter_takes_sparse_features_as_it_takes_dense():
    graph = load("digits")
    sparse = as_graph(graph, x=graph.x.to_sparse())
    for name in ("filter", "kmeans", "agglomerative"):
        dense_labels, sparse_labels = (method(name, k=10).fit(g).labels for g in (graph, sparse))
        assert ari(dense_labels, sparse_labels) > 0.9


# --- k-means, infomap, label propagation -------------------------------------------------------


def test_kmeans_is_scikit_learns():
    graph = load("wine")
    result = METHODS["kmeans"](n_clusters=3, seed=4).fit(graph)
    expected = SkKMeans(3, n_init=10, random_state=4).fit(graph.x.numpy())
    assert ari(expected.labels_, result.labels) == 1
    assert result.extras["inertia"] == pytest.approx(expected.inertia_)


def test_kmeans_says_when_rows_coincide():
    graph = as_graph(nx.path_graph(6), x=np.repeat([[0.0], [1.0]], 3, axis=0))
    with pytest.warns(GraphWarning, match="only 2 of the 4 clusters hold a node"):
        result = METHODS["kmeans"](n_clusters=4).fit(graph)
    assert result.n_clusters == 2
    assert result.extras["centres"].shape == (2, 1)
    assert np.array_equal(result.predict(graph), result.labels)


def test_infomap_states_the_code_length():
    """Two triangles and a bridge: L = q H(Q) + Σ p_i H(P_i), computed by hand below."""
    pytest.importorskip("infomap")
    graph = pairs(*TRIANGLES, n=6)
    result = METHODS["infomap"]().fit(graph)
    assert result.n_clusters == 2
    flow = np.array([2, 2, 3, 3, 2, 2]) / 14
    leave = 1 / 14  # from each side along the bridge

    def plogp(*values):
        return sum(v * np.log2(v) for v in values if v > 0)

    q = 2 * leave
    length = plogp(q) - 2 * plogp(leave, leave) - plogp(*flow)
    length += sum(plogp(leave + flow[part].sum()) for part in (slice(0, 3), slice(3, 6)))
    assert result.extras["codelength"] == pytest.approx(length)


def test_a_missing_extra_is_named(monkeypatch):
    from graphclust import base

    monkeypatch.setattr(base, "find_spec", lambda name: None)
    with pytest.raises(GraphError, match=r"pip install 'graphclust\[baselines\]'"):
        METHODS["infomap"]().fit(load("karate"))


def test_label_propagation_takes_a_warm_start():
    graph = load("karate")
    start = np.arange(34) > 16
    result = METHODS["label_propagation"]().fit(graph, initial=start.astype(int))
    assert result.n_clusters <= 2


def test_both_engines_of_louvain_find_the_blocks_with_weights_or_without():
    pytest.importorskip("networkit")
    graph = planted()
    y = np.arange(60) % 3
    weights = np.where(y[:, None] == y[None, :], 5.0, 0.5) - 5.0 * np.eye(60)
    for engine in ("igraph", "networkit"):
        louvain = METHODS["louvain"](engine=engine)
        first, second = louvain.fit(graph), louvain.fit(graph)
        assert ari(graph.y.numpy(), first.labels) == 1.0
        assert first.extras["engine"] == engine
        assert np.array_equal(first.labels, second.labels)
        assert ari(y, louvain.fit(weights).labels) == 1.0
        assert METHODS["louvain"](engine=engine, resolution=9.0).fit(graph).n_clusters > 4


def test_networkit_keeps_seeds_apart_and_the_number_of_threads_alone():
    networkit = pytest.importorskip("networkit")
    before = networkit.getMaxNumberOfThreads()
    graph = noise(n=600)
    runs = [METHODS["louvain"](engine="networkit", seed=s).fit(graph).labels for s in (0, 0, 1)]
    assert networkit.getMaxNumberOfThreads() == before
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_large_graphs_go_to_the_faster_engine(monkeypatch):
    pytest.importorskip("networkit")
    module = sys.modules[METHODS["louvain"].__module__]
    assert METHODS["louvain"]().fit(planted()).extras["engine"] == "igraph"
    monkeypatch.setattr(module, "LARGE", 100)
    assert METHODS["louvain"]().fit(planted()).extras["engine"] == "networkit"
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert METHODS["louvain"]().fit(planted()).extras["engine"] == "igraph"
    with pytest.raises(GraphError, match=r"pip install 'graphclust\[baselines\]'"):
        METHODS["louvain"](engine="networkit").fit(planted())
