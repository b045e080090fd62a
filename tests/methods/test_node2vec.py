"""node2vec and DeepWalk as methods: what their parameters do, and what the kernels hand back."""

import networkx as nx
import numpy as np
import pytest
from graphs import TRIANGLES, pairs, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import (
    METHODS,
    Clustering,
    Embedding,
    GraphError,
    GraphWarning,
    as_graph,
    to_networkx,
)

SMALL = {"dimensions": 16, "walks": 5, "length": 20, "window": 3}


def vectors(name="node2vec", graph=None, **params):
    graph = planted() if graph is None else graph
    return METHODS[name](n_clusters=4, **(SMALL | params)).fit(graph).embedding


def test_deepwalk_is_node2vec_without_bias():
    assert np.array_equal(vectors("deepwalk"), vectors("node2vec", p=1.0, q=1.0))
    default = METHODS["deepwalk"](n_clusters=4)
    assert (default.walks, default.length, default.p, default.q) == (80, 40, 1.0, 1.0)
    assert "p" not in METHODS["deepwalk"].__match_args__


def test_arcs_are_walked_both_ways_unless_it_says_not():
    graph = planted()
    arcs = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    directed = as_graph(arcs, directed=True, num_nodes=120)
    with pytest.warns(GraphWarning, match="directed=True follows them"):
        assert np.array_equal(vectors(), vectors(graph=directed))
    assert not np.array_equal(vectors(), vectors(graph=directed, directed=True))


def test_bias_and_weights_are_used():
    plain, graph = vectors(), planted()
    assert not np.array_equal(plain, vectors(p=0.25, q=4.0))
    graph.edge_weight = graph.edge_index.sum(dim=0).double() + 1
    assert not np.array_equal(plain, vectors(graph=graph))


def test_nodes_without_edges_are_told_apart():
    found = METHODS["node2vec"](n_clusters=2, **SMALL).fit(pairs(*TRIANGLES, n=8))
    assert found.extras["trained"].tolist() == [True] * 6 + [False] * 2
    assert [len(found.history), found.history[0]["epoch"]] == [1, 0]


def test_any_head_reads_the_vectors():
    graph = planted()
    for head in ("leiden:neighbours=20", "kmeans:spherical=true"):
        found = METHODS["node2vec"](n_clusters=4, head=head, **SMALL).fit(graph)
        assert ari(graph.y.numpy(), found.labels) > 0.95


def test_the_papers_softmax_finds_the_blocks_too():
    graph, params = planted(), SMALL | {"walks": 20}
    model = METHODS["deepwalk"](n_clusters=4, softmax="hierarchical", **params)
    found = model.fit(graph)
    assert ari(graph.y.numpy(), found.labels) > 0.95
    assert np.array_equal(model.fit(graph).embedding, found.embedding)
    assert not np.array_equal(vectors("deepwalk", **params), found.embedding)
    sampled = METHODS["deepwalk"](n_clusters=4, **SMALL)
    with pytest.raises(GraphError, match="continue_from must not be by softmax="):
        sampled.fit(graph, continue_from=found)
    with pytest.raises(GraphError, match="cannot go on from an earlier result"):
        model.fit(graph, continue_from=sampled.fit(graph))
    alone = METHODS["deepwalk"](softmax="hierarchical", **SMALL).embed(pairs(*TRIANGLES, n=8))
    assert alone.extras["trained"].tolist() == [True] * 6 + [False] * 2
    assert np.isfinite(alone.embedding).all()


# --- a graph that grew -------------------------------------------------------------------------


def grown():
    """The planted graph by name without its last ten nodes, and whole, in another order."""
    graph = to_networkx(planted())
    names = {node: f"n{node}" for node in graph}
    whole = nx.relabel_nodes(graph, names)
    first = whole.subgraph([f"n{i}" for i in range(110)])
    order = [f"n{i}" for i in np.random.default_rng(0).permutation(120)]
    later = nx.Graph()
    later.add_nodes_from(order)
    later.add_edges_from(whole.edges)
    return nx.Graph(first), later


def test_old_nodes_keep_their_vectors_and_new_ones_fit_in():
    first, later = grown()
    model = METHODS["node2vec"](n_clusters=4, **SMALL)
    for earlier in (model.fit(first), model.embed(first)):
        found = model.fit(later, continue_from=earlier)
        rows = earlier.rows(found.node_ids)
        old = rows >= 0
        assert old.sum() == 110
        assert np.array_equal(found.embedding[old], earlier.embedding[rows[old]])
        assert np.array_equal(found.extras["outputs"][old], earlier.extras["outputs"][rows[old]])
        assert found.extras["trained"].all()
        y = np.array([int(name[1:]) * 4 // 120 for name in found.node_ids])
        assert ari(y, found.labels) > 0.85


def test_a_node_that_was_alone_is_learnt_when_it_gets_edges():
    model = METHODS["node2vec"](n_clusters=2, **SMALL)
    earlier = model.embed(pairs(*TRIANGLES, n=7))
    later = model.embed(pairs(*TRIANGLES, (5, 6), n=7), continue_from=earlier)
    same = (earlier.embedding == later.embedding).all(axis=1)
    assert same.tolist() == [True] * 6 + [False]
    assert later.extras["trained"].all()


def test_labels_of_known_nodes_are_predicted_by_their_ids():
    first, later = grown()
    found = METHODS["node2vec"](n_clusters=4, **SMALL).fit(first)
    part = nx.relabel_nodes(nx.path_graph(3), {0: "n80", 1: "n3", 2: "n41"})
    known = dict(zip(found.node_ids.tolist(), found.labels.tolist(), strict=True))
    asked = as_graph(part).node_ids.tolist()
    assert found.predict(part).tolist() == [known[node] for node in asked]
    with pytest.raises(GraphError, match=r"knows nothing of 10 nodes \('n11\d' first\)"):
        found.predict(later)


def test_what_cannot_be_continued_is_refused():
    graph = planted()
    model = METHODS["node2vec"](n_clusters=4, **SMALL)
    earlier = model.embed(graph)
    with pytest.raises(TypeError, match="leiden cannot go on from an earlier result"):
        METHODS["leiden"]().fit(graph, continue_from=earlier)
    with pytest.raises(TypeError, match="must be a Clustering or an Embedding, found dict"):
        model.fit(graph, continue_from={})
    with pytest.raises(GraphError, match="must be by node2vec or deepwalk, found Spectral"):
        model.fit(graph, continue_from=METHODS["spectral"](n_clusters=4).fit(graph))
    with pytest.raises(GraphError, match="dimensions must be that of the earlier result, 16, f"):
        METHODS["node2vec"](dimensions=8).embed(graph, continue_from=earlier)
    arcs = as_graph(np.array([[0, 1, 2], [1, 2, 0]]), directed=True)
    with pytest.raises(GraphError, match="directed must be that of the earlier result, False, f"):
        METHODS["node2vec"](directed=True, **SMALL).embed(arcs, continue_from=earlier)
    METHODS["node2vec"](directed=True, **SMALL).embed(graph, continue_from=earlier)  # all the same
    with pytest.raises(GraphError, match="knows none of the graph's node ids"):
        model.embed(nx.relabel_nodes(nx.path_graph(3), str), continue_from=earlier)


def test_an_embedding_is_kept_in_a_file(tmp_path):
    model = METHODS["node2vec"](**SMALL)
    found = model.embed(grown()[0])
    assert found.embedding.shape == (110, 16)
    found.save(tmp_path / "e.npz")
    again = Embedding.load(tmp_path / "e.npz")
    assert np.array_equal(again.embedding, found.embedding)
    assert again.node_ids.tolist() == found.node_ids.tolist()
    assert again.method == model
    assert again.history == found.history
    assert list(again.to_frame())[:3] == ["node", 0, 1]
    assert repr(again).startswith("<Embedding: 110 nodes in 16 dimensions, by Node2Vec")
    with pytest.raises(GraphError, match=r"e\.npz holds no saved Clustering"):
        Clustering.load(tmp_path / "e.npz")
    assert np.array_equal(model.embed(grown()[0], continue_from=again).embedding, found.embedding)
