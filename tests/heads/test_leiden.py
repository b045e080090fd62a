"""Engines, and exactly k communities: merging against a search over all pairs."""

import igraph
import networkx as nx
import numpy as np
import pytest
from graphs import noise, pairs, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, as_graph, load, to_igraph, to_scipy
from graphclust.evaluate.metrics import disconnected_clusters, modularity
from graphclust.graph.export import matrix_to_igraph
from graphclust.heads.exact import merge
from graphclust.heads.leiden import leiden
from graphclust.kernels.determinism import seeded

Leiden = METHODS["leiden"]


def merge_slowly(labels, k, graph):
    """Try every pair that may be joined and take the one that leaves the highest modularity."""
    labels, a = labels.copy(), to_scipy(graph).toarray()
    while len(names := np.unique(labels)) > k:
        best = (-np.inf, None)
        whole = {c: not a[np.ix_(labels == c, labels != c)].any() for c in names}
        for i, c in enumerate(names):
            for d in names[i + 1 :]:
                touching = a[np.ix_(labels == c, labels == d)].any()
                joined = np.where(labels == d, c, labels)
                if (touching or whole[c] or whole[d]) and modularity(graph, joined) > best[
                    0
                ] + 1e-12:
                    best = (modularity(graph, joined), joined)
        labels = best[1]
    return labels


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [1, 2, 4])
def test_merge_joins_the_best_pair_each_time(seed, k):
    g = nx.gnp_random_graph(16, 0.15, seed=seed)  # several components, some isolated nodes
    rng = np.random.default_rng(seed)
    for edge in g.edges:
        g.edges[edge]["weight"] = float(rng.uniform(0.5, 2))  # no ties
    graph = as_graph(g)
    start = rng.integers(0, 9, 16)
    start = np.unique(start, return_inverse=True)[1]
    fast = merge(start, k, to_scipy(graph))
    assert len(np.unique(fast)) == k
    slow = merge_slowly(start, k, graph)
    assert modularity(graph, fast) == pytest.approx(modularity(graph, slow))


def test_merge_keeps_communities_whole():
    graph = noise()
    start = np.arange(150) // 3
    merged = merge(start, 7, to_scipy(graph))
    assert all(len(set(merged[start == c])) == 1 for c in range(50))
    assert np.array_equal(np.unique(merged), np.arange(7))
    assert np.array_equal(merge(start, 50, to_scipy(graph)), start)


@pytest.mark.parametrize("engine", ["igraph", "leidenalg"])
@pytest.mark.parametrize("objective", ["modularity", "cpm"])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 7, 33, 34])
def test_exactly_k_on_karate(engine, objective, k):
    result = Leiden(n_clusters=k, engine=engine, objective=objective).fit(load("karate"))
    assert result.n_clusters == k


def test_exactly_k_finds_planted_blocks_of_which_free_leiden_finds_more():
    graph = load("digits")
    free, exact = Leiden().fit(graph), Leiden(n_clusters=10).fit(graph)
    assert free.n_clusters > 10 == exact.n_clusters
    assert modularity(graph, exact.labels) > modularity(graph, free.labels) - 0.02


def test_exactly_k_on_a_graph_of_many_components():
    """Cora-like: small components must not use up the k clusters."""
    blocks = planted(n=120)
    source, target = blocks.edge_index.numpy()
    dust = [(120 + 2 * i, 121 + 2 * i) for i in range(30)]
    once = source < target
    edges = [*zip(source[once].tolist(), target[once].tolist(), strict=True), *dust]
    graph = pairs(*edges, n=180)
    labels = Leiden(n_clusters=5).fit(graph).labels
    assert ari(blocks.y.numpy(), labels[:120]) > 0.9
    assert len(np.unique(labels)) == 5


def test_exactly_k_where_no_resolution_gives_k():
    """A complete graph splits into one community or all; the rest is merging."""
    for k in (2, 5):
        assert Leiden(n_clusters=k).fit(nx.complete_graph(10)).n_clusters == k


def test_why_k_cannot_be_reached_is_said():
    with pytest.raises(GraphError, match="n_clusters=2 cannot be reached: the graph has no edges"):
        Leiden(n_clusters=2).fit(nx.empty_graph(5))
    with pytest.raises(GraphError, match="cannot be fixed where weights are negative"):
        Leiden(n_clusters=2).fit([("a", "b", -1.0), ("b", "c", 1.0)])


def test_directed_and_weighted_exact_k():
    g = nx.relabel_nodes(nx.DiGraph(nx.karate_club_graph()), lambda v: f"n{v}")
    assert Leiden(n_clusters=3).fit(g).n_clusters == 3


def test_engines_reach_the_same_modularity():
    for name in ("karate", "digits"):
        graph = load(name)
        scores = [
            modularity(graph, Leiden(engine=engine).fit(graph).labels)
            for engine in ("igraph", "leidenalg")
        ]
        assert scores[0] == pytest.approx(scores[1], abs=0.003)


def test_karate_has_its_known_optimum():
    """Q = 0.41979 with four communities (proved optimal: Brandes et al., IEEE TKDE 20 (2008))."""
    result = Leiden().fit(load("karate"))
    assert modularity(load("karate"), result.labels) == pytest.approx(0.41979, abs=1e-5)
    assert result.n_clusters == 4
    assert result.extras["quality"] == pytest.approx(0.41979, abs=1e-5)


def test_resolution_moves_the_number_of_communities():
    counts = [Leiden(resolution=r).fit(load("karate")).n_clusters for r in (0.0, 0.5, 1.0, 4.0)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] > 4


def test_cpm_is_cpm():
    """At γ between the density across and inside, blocks; above 1, singletons."""
    graph = planted()
    assert ari(graph.y, Leiden(objective="cpm", resolution=0.1).fit(graph).labels) > 0.95
    assert Leiden(objective="cpm", resolution=1.5).fit(graph).n_clusters == 120


def test_iterations_are_obeyed():
    graph = load("digits")
    once = Leiden(engine="leidenalg", n_iterations=1).fit(graph)
    assert len(once.history) == 1
    many = Leiden(engine="leidenalg").fit(graph)
    assert len(many.history) > 1
    assert many.history[-1]["quality"] >= once.history[0]["quality"]
    with pytest.raises(ValueError, match="n_iterations must be −1 or at least 1, found 0"):
        Leiden(n_iterations=0).fit(graph)


def test_a_warm_start_is_used():
    """One round from a good partition beats one round from singletons, or equals it."""
    graph = noise(n=400)
    good = Leiden().fit(graph)
    for engine in ("igraph", "leidenalg"):
        warm = Leiden(engine=engine, n_iterations=1, seed=9).fit(graph, initial=good)
        cold = Leiden(engine=engine, n_iterations=1, seed=9).fit(graph)
        assert modularity(graph, warm.labels) >= modularity(graph, good.labels) - 1e-9
        assert modularity(graph, warm.labels) > modularity(graph, cold.labels)


def test_signed_graphs_need_leidenalg():
    signed = [("a", "b", 1.0), ("b", "c", -1.0), ("c", "d", 1.0), ("a", "d", -1.0)]
    result = Leiden().fit(signed)
    assert result.extras["engine"] == "leidenalg"
    frame = result.to_frame().set_index("node")["cluster"]
    assert frame["a"] == frame["b"] != frame["c"] == frame["d"]
    with pytest.raises(GraphError, match="takes no negative weights"):
        Leiden(engine="igraph").fit(signed)


@pytest.mark.parametrize("objective", ["modularity", "cpm"])
def test_only_foes_stay_apart(objective):
    signed = [("a", "b", -1.0), ("b", "c", -1.0), ("a", "c", -1.0)]
    assert Leiden(objective=objective, resolution=0.1).fit(signed).n_clusters == 3


def test_directed_leiden_maximises_directed_modularity():
    """Hubs that only send and sinks that only receive tell the null models apart."""
    rng = np.random.default_rng(0)
    out, into = rng.pareto(1.5, 80) + 0.1, rng.pareto(1.5, 80) + 0.1
    chance = np.outer(out / out.sum(), into / into.sum()) * 500
    g = nx.from_numpy_array(rng.random((80, 80)) < chance, create_using=nx.DiGraph)
    g.remove_edges_from(list(nx.selfloop_edges(g)))
    found = {}
    for engine in ("igraph", "leidenalg"):
        result = Leiden(engine=engine).fit(g)
        found[engine] = modularity(g, result.labels)
        bare = igraph.Graph(80, list(g.edges), directed=True)
        assert found[engine] == pytest.approx(bare.modularity(result.labels.tolist()))
        if engine == "igraph":
            assert result.extras["quality"] == pytest.approx(found[engine])
    assert found["igraph"] == pytest.approx(found["leidenalg"], abs=0.01)


def test_one_cluster_needs_no_edges():
    assert Leiden(n_clusters=1).fit(nx.empty_graph(4)).n_clusters == 1


def test_exactly_k_keeps_clusters_connected_on_a_connected_graph():
    graph = as_graph(nx.connected_watts_strogatz_graph(200, 4, 0.05, seed=1))
    for k in (2, 5, 11):
        assert disconnected_clusters(graph, Leiden(n_clusters=k).fit(graph).labels) == 0


def test_weights_beside_the_graph_are_those_upon_it():
    rng = np.random.default_rng(0)
    a = np.triu((rng.random((40, 40)) < 0.2) * rng.random((40, 40)), k=1).astype(np.float32)
    graph = as_graph(a + a.T)
    upon, (bare, weights) = to_igraph(graph), matrix_to_igraph(to_scipy(graph))
    assert bare.get_edgelist() == upon.get_edgelist()
    assert weights.tolist() == upon.es["weight"]
    assert not bare.is_weighted()
    options = {"objective": "modularity", "resolution": 1.0, "engine": "igraph", "n_iterations": -1}
    found = []
    for g, given in ((upon, None), (bare, weights), (bare, weights.astype(np.float32))):
        with seeded(3):
            found.append(leiden(g, seed=3, weights=given, **options))
    for labels, quality in found[1:]:
        assert np.array_equal(labels, found[0][0])
        assert quality == pytest.approx(found[0][1])
