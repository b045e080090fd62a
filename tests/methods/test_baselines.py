"""Equations and limit cases of the baselines that are more than a call."""

import sys

import networkx as nx
import numpy as np
import pytest
from graphs import TRIANGLES, noise, pairs, planted, quiet
from sklearn.cluster import KMeans as SkKMeans
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, GraphWarning, as_graph, load, to_scipy

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
    with pytest.raises(ValueError, match="at most N/2 = 500 eigenvectors"):
        METHODS["spectral"](n_clusters=501).fit(graph)


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
