"""DIGRAC and the spectral methods of digraphs: formulas, and what is found by flow alone."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, as_graph, load, to_scipy
from graphclust.evaluate.flow import flow_imbalance
from graphclust.kernels.flow import skew, walks
from graphclust.kernels.spectra import leading_eigenvectors, singular_vectors
from graphclust.methods.bi_sym import BiSym, DDSym
from graphclust.methods.digrac import DIGRAC, Flow, Network, flow_features

NAME = "dsbm:n=500,k=3,p=0.1,eta=0.1"


def adjacency(n: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    np.fill_diagonal(a, 0)
    a[:, 3] = a[3] = 0  # an isolated node
    return a


def sparse(a):
    return to_scipy(as_graph(a, directed=True))


@pytest.mark.parametrize("name", ["digrac", "herm", "bi_sym", "dd_sym", "disg_lr"])
def test_a_cycle_is_found_by_flow_where_density_tells_nothing(name):
    graph = load(NAME)
    quick = {"starts": 3, "epochs": 100} if name == "digrac" else {}
    assert ari(graph.y, METHODS[name](n_clusters=3, **quick).fit(graph).labels) > 0.9
    with pytest.warns(match="reads arcs as undirected"):
        by_density = METHODS["leiden_undirected"](n_clusters=3).fit(graph)
    assert ari(graph.y, by_density.labels) < 0.1


def test_undirected_graphs_are_refused():
    with pytest.raises(ValueError, match="herm reads the direction of arcs; this graph is und"):
        METHODS["herm"](n_clusters=2).fit(load("karate"))


def test_columns_are_propagated_as_the_whole_vectors_would_be():
    torch.manual_seed(0)
    a = sparse(adjacency())
    x = flow_features(a, 4)
    flow = Flow(a.astype(np.float32), x, 0.5, torch.device("cpu"))
    model = Network(x.shape[1], 8, 2, 4, 0.5).eval()
    expected = model.head(model.vectors(flow))
    assert torch.allclose(model(flow), expected, atol=1e-5)
    loss, other = model(flow).square().sum(), expected.square().sum()
    for ours, theirs in zip(
        torch.autograd.grad(loss, list(model.parameters())),
        torch.autograd.grad(other, list(model.parameters())),
        strict=True,
    ):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_vectors_are_sums_over_hops():
    torch.manual_seed(0)
    a = adjacency()
    x = np.random.default_rng(1).standard_normal((12, 3)).astype(np.float32)
    model = Network(3, 8, 2, 4, 0.0)
    with torch.no_grad():
        model.source.hops[:] = torch.tensor([1.0, 0.5, 0.25])
        z = model.vectors(Flow(sparse(a).astype(np.float32), x, 0.5, torch.device("cpu"))).numpy()
        first, second = model.source.first.numpy(), model.source.second.numpy()
    loops = a + 0.5 * np.eye(12)
    walk = loops / loops.sum(axis=1, keepdims=True)
    q = np.maximum(x @ first, 0) @ second
    expected = q + 0.5 * walk @ q + 0.25 * walk @ walk @ q
    assert np.allclose(z[:, :8], expected, atol=1e-5)


def test_walks_and_skew_matrices():
    a = adjacency()
    assert np.allclose(walks(sparse(a), 0.5).sum(axis=1), 1)
    s = a - a.T
    d = abs(s).sum(axis=1)
    d[3] = 1
    assert np.allclose(skew(sparse(a), "none").toarray(), s)
    assert np.allclose(skew(sparse(a), "rw").toarray(), s / d[:, None])
    assert np.allclose(skew(sparse(a), "sym").toarray(), s / np.sqrt(np.outer(d, d)))


def test_shared_neighbours_without_their_matrix():
    a = adjacency()
    out, into = a.sum(axis=1), a.sum(axis=0)
    o, i = (np.diag(np.where(d > 0, d, np.inf) ** -0.5) for d in (out, into))
    expected = {
        BiSym: a @ a.T + a.T @ a,
        DDSym: o @ a @ i @ a.T @ o + i @ a.T @ o @ a @ i,
    }
    for cls, matrix in expected.items():
        b, c = cls(n_clusters=2)._factors(sparse(a))
        assert np.allclose((b @ b.T + c.T @ c).toarray(), matrix)
        found = cls(n_clusters=3).fit(as_graph(a, directed=True)).extras["eigenvalues"]
        assert np.allclose(found, np.linalg.eigvalsh(matrix)[::-1][:3])


@pytest.mark.parametrize("n", [30, 500])
def test_leading_vectors_of_small_and_large_matrices(n):
    rng = np.random.default_rng(0)
    import scipy.sparse as sp

    m = sp.random_array((n, n), density=0.1, rng=rng, format="csr")
    u, values, v = singular_vectors(m, 4)
    assert np.allclose(m @ v, u * values)
    assert np.allclose(values, np.linalg.svd(m.toarray(), compute_uv=False)[:4])
    symmetric = m + m.T
    w, vectors = leading_eigenvectors(symmetric, 4)
    assert np.allclose(symmetric @ vectors, vectors * w)
    assert np.allclose(w, np.linalg.eigvalsh(symmetric.toarray())[::-1][:4])


@pytest.mark.filterwarnings("ignore:.* clusters held no node")
@pytest.mark.parametrize("normalisation", ["vol_sum", "vol_max", "vol_min", "plain"])
@pytest.mark.parametrize("selection", ["sort", "std", "naive"])
def test_every_objective_trains(normalisation, selection):
    graph = load("dsbm:n=200,k=3,p=0.2,eta=0.0")
    options = {"normalisation": normalisation, "selection": selection, "dropout": 0.0}
    method = DIGRAC(n_clusters=3, starts=1, warm=30, epochs=1, **options)
    history = method.fit(graph).history
    assert history[29]["loss"] < history[0]["loss"] - 0.01


def test_features_given_or_from_the_flow():
    graph = load(NAME)
    with pytest.raises(ValueError, match="needs node features x"):
        DIGRAC(n_clusters=3, features="x").fit(graph)
    x = np.eye(3)[graph.y.numpy()] + 0.1
    told = as_graph(graph, x=x)
    quick = {"n_clusters": 3, "starts": 1, "warm": 60, "epochs": 60}
    result = DIGRAC(**quick).fit(told)
    assert np.array_equal(result.predict(told), result.labels)
    with pytest.raises(TypeError, match="labels only the graph it is fitted on"):
        DIGRAC(**quick).fit(graph).predict(graph)


def test_refining_raises_the_imbalance_of_hard_clusters():
    graph = load("dsbm:n=300,k=5,p=0.1,eta=0.2,shape=complete,ambient=true")
    quick = {"n_clusters": 5, "starts": 1, "warm": 30, "epochs": 30, "pairs": 6}
    rough, fine = (DIGRAC(**quick, refine=sweeps).fit(graph) for sweeps in (0, 50))
    assert rough.extras["moved"] == 0
    assert fine.extras["moved"] == (rough.labels != fine.labels).sum() > 0
    before, after = (flow_imbalance(graph, c.labels, pairs=6) for c in (rough, fine))
    assert after > before + 0.01


def test_as_many_pairs_count_as_are_significant_where_nobody_says():
    graph = load("dsbm:n=600,k=5,p=0.1,eta=0.1,shape=complete,ambient=true")
    for pairs, selection, expected in ((None, "sort", 6), (2, "sort", 2), (None, "naive", 10)):
        method = DIGRAC(n_clusters=5, pairs=pairs, selection=selection)
        assert method._counted(to_scipy(graph), graph.y.numpy()) == expected


def test_seeds_stay_where_the_network_put_them():
    graph = load("dsbm:n=300,k=3,p=0.1,eta=0.25")
    seeds = {i: int(graph.y[i]) for i in range(0, 300, 2)}
    quick = {"n_clusters": 3, "starts": 1, "warm": 60, "epochs": 60}
    rough, fine = (DIGRAC(**quick, refine=r).fit(graph, seeds=seeds).labels for r in (0, 50))
    assert np.array_equal(rough[::2], fine[::2])
    assert (rough[1::2] != fine[1::2]).any()


def test_more_pairs_than_there_are():
    with pytest.raises(ValueError, match="3 clusters have 3 pairs, found pairs=4"):
        DIGRAC(n_clusters=3, pairs=4).fit(load(NAME))


def test_seeds_name_the_clusters_and_help():
    graph = load("dsbm:n=300,k=3,p=0.1,eta=0.25")
    y = graph.y.numpy()
    seeds = {int(i): int(2 - y[i]) for i in range(0, 300, 5)}  # classes told back to front
    quick = {"n_clusters": 3, "starts": 2, "warm": 60, "epochs": 100}
    told = DIGRAC(**quick).fit(graph, seeds=seeds)
    assert (told.labels == 2 - y).mean() > 0.8
    assert "surprise" in told.history[0]
    assert "surprise" not in DIGRAC(**quick).fit(graph).history[0]


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ({400: 0}, "seeds name the node 400, which the graph lacks"),
        ({3: 3}, "clusters from 0 to 2, found 3 for 3"),
        ({3: "a"}, "clusters from 0 to 2, found 'a' for 3"),
    ],
)
def test_bad_seeds_are_refused(seeds, message):
    with pytest.raises(GraphError, match=message):
        DIGRAC(n_clusters=3).fit(load("dsbm:n=300,k=3"), seeds=seeds)
    for none in ({}, [3]):
        with pytest.raises(TypeError, match="seeds must map one node or more to clusters"):
            DIGRAC(n_clusters=3).fit(load("dsbm:n=300,k=3"), seeds=none)


def test_seeds_are_refused_where_they_do_nothing():
    with pytest.raises(TypeError, match="leiden takes no seeds"):
        METHODS["leiden"]().fit(load("karate"), seeds={0: 0})
