"""What every head promises, checked on every head in HEADS through `cluster_embedding`."""

import inspect
import sys
import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from graphs import bare, planted
from sklearn.metrics import adjusted_rand_score as ari
from threadpoolctl import threadpool_limits

from graphclust import (
    HEADS,
    Clustering,
    GraphError,
    GraphWarning,
    cluster_embedding,
)
from graphclust.heads import as_head
from graphclust.params import describe

NAMES = list(HEADS)
VARIANTS = [
    *NAMES,
    "kmeans:spherical=true",
    "leiden:mutual=true",
    "leiden:weights=shared",
    "leiden:weights=equal,runs=2",
    "ot:kind=sela",
    "ot:kind=p2ot",
    "ot:start=leiden",
    "gmm:covariance=full",
    "hdbscan:min_samples=3",
    "agglomerative:linkage=average",
]
every_head = pytest.mark.parametrize("head", VARIANTS)


def cls_of(head):
    return HEADS[head.partition(":")[0]]


def k_of(head, k=4):
    return k if cls_of(head).takes_k else None


def blobs(n=120, k=4, d=6, seed=0, spread=0.15):
    """Rows around k directions that are orthogonal, as eigenvectors are."""
    y = np.arange(n) % k
    noise = np.random.default_rng(seed).standard_normal((n, d))
    return (np.eye(k, d)[y] + spread * noise).astype(np.float32), y


@every_head
def test_blobs_are_found_and_labels_are_consecutive(head):
    z, y = blobs()
    result = cluster_embedding(z, k_of(head), head=head)
    assert ari(y, result.labels) > 0.95
    assert result.labels.dtype == np.int64
    assert np.array_equal(np.unique(result.labels), np.arange(result.n_clusters))
    assert np.array_equal(result.embedding, z)


@every_head
def test_same_seed_same_labels_and_threads_do_not_matter(head):
    z, _ = blobs(n=500, k=5, d=8, spread=0.4)
    results, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with threadpool_limits(threads), warnings.catch_warnings():
                warnings.simplefilter("ignore", GraphWarning)  # hdbscan may find noise alone
                results.append(cluster_embedding(z, k_of(head, 5), head=head, seed=3))
    finally:
        torch.set_num_threads(before)
    first, second = results
    assert np.array_equal(first.labels, second.labels)
    for key, value in first.extras.items():
        assert np.array_equal(value, second.extras[key]), key
    if first.soft is not None:
        assert np.array_equal(first.soft, second.soft)


@every_head
def test_memberships_are_probabilities_of_the_labels(head):
    z, _ = blobs()
    soft = cluster_embedding(z, k_of(head), head=head).soft
    if soft is not None:
        labels = cluster_embedding(z, k_of(head), head=head).labels
        assert np.allclose(soft.sum(axis=1), 1, atol=1e-5)
        assert (soft >= 0).all()
        assert np.array_equal(soft.argmax(axis=1), labels)


@every_head
def test_new_rows_get_labels_and_fitted_rows_keep_theirs(head, tmp_path):
    z, y = blobs()
    result = cluster_embedding(z, k_of(head), head=head)
    again = result.predict(bare(z))
    assert np.array_equal(again, result.labels)
    new, truth = blobs(seed=1, n=60)
    result.save(tmp_path / "r.npz")
    loaded = Clustering.load(tmp_path / "r.npz")
    found = loaded.predict(bare(new))
    assert ari(truth, found) > 0.9
    matched = [np.bincount(result.labels[y == c]).argmax() for c in range(4)]
    assert np.mean(found == np.array(matched)[truth]) > 0.9
    with pytest.raises(GraphError, match="x must have 6 columns"):
        result.predict(bare(np.ones((9, 2))))


@every_head
@pytest.mark.parametrize("k", [1, 2, 7])
def test_few_rows_and_every_k(head, k):
    if not cls_of(head).takes_k:
        pytest.skip("finds the number of clusters")
    z = np.eye(7, 7) + 0.01 * np.arange(7)[:, None]
    result = cluster_embedding(z, k, head=head)
    assert result.n_clusters == k
    assert np.array_equal(result.predict(bare(z)), result.labels)


@every_head
def test_one_row_and_rows_that_are_alike(head):
    one = cluster_embedding(np.ones((1, 3)), 1 if cls_of(head).takes_k else None, head=head)
    assert one.labels.tolist() == [0]
    assert one.predict(bare(np.ones((2, 3)))).tolist() == [0, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)  # some say that there are fewer clusters
        found = cluster_embedding(np.zeros((30, 4)), k_of(head, 2), head=head)
    assert len(found.labels) == 30
    if cls_of(head).takes_k:
        assert found.n_clusters <= 2


@pytest.mark.parametrize("name", NAMES)
def test_every_head_cites_its_source_and_explains_its_parameters(name):
    assert "http" in sys.modules[HEADS[name].__module__].__doc__
    assert "predict" in inspect.getdoc(HEADS[name])
    assert HEADS[name].name == name
    assert all(p["help"] for p in describe(HEADS[name]))


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_clusters_is_asked_for_or_refused(name):
    z, _ = blobs()
    if HEADS[name].needs_k:
        with pytest.raises(ValueError, match=f"the head {name} needs n_clusters"):
            cluster_embedding(z, None, head=name)
    if not HEADS[name].takes_k:
        with pytest.raises(ValueError, match=f"the head {name} finds the number of clusters"):
            cluster_embedding(z, 3, head=name)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kmean", "unknown head 'kmean'; did you mean kmeans"),
        ("leiden:neighbors=3", "unknown parameter 'neighbors'; did you mean neighbours"),
        ("leiden:neighbours=0", r"the head leiden: neighbours must lie in \[1, ∞\], found 0"),
        ("leiden:neighbours", "name=value"),
        ("ot:kind=best", "kind must be 'uot' or 'sela' or 'p2ot', found 'best'"),
    ],
)
def test_a_wrong_head_is_refused_by_name(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        cluster_embedding(np.ones((4, 2)), 2, head=text)


def test_heads_are_their_parameters():
    assert as_head("leiden: neighbours=30, mutual=true") == as_head(
        "leiden:mutual=true,neighbours=30"
    )
    assert as_head("leiden").neighbours == 15


def test_vectors_that_are_none_are_refused():
    with pytest.raises(GraphError, match="x must be finite"):
        cluster_embedding([[1.0, np.nan], [0.0, 1.0]], 2)
    with pytest.raises(GraphError, match="one row for each of the 34 nodes"):
        cluster_embedding(np.ones((5, 2)), 2, graph=nx.karate_club_graph())
    with pytest.raises(GraphError, match="n_clusters=3 is more than the 2 nodes"):
        cluster_embedding(np.ones((2, 2)), 3)


def test_ids_of_a_graph_come_along():
    g = nx.relabel_nodes(nx.path_graph(4), dict(enumerate("abcd")))
    found = cluster_embedding(np.array([[0.0], [0], [1], [1]]), 2, graph=g)
    assert found.to_frame()["node"].tolist() == list("abcd")


def test_too_many_rows_for_quadratic_memory_are_refused(monkeypatch):
    monkeypatch.setattr(HEADS["agglomerative"], "max_rows", 10)
    with pytest.raises(GraphError, match="takes at most 10 rows; found 120"):
        cluster_embedding(planted().x, 4, head="agglomerative")
