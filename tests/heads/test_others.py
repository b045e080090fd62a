"""kNN graph, votes, rounding, LDA and spherical k-means, against plain references."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from graphs import bare, permuted, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, GraphWarning, cluster_embedding, to_scipy
from graphclust.graph.synth import sbm
from graphclust.heads import as_head
from graphclust.heads.kmeans import kmeans, spherical_kmeans
from graphclust.heads.knn import knn_graph, vote
from graphclust.heads.lda import discriminants
from graphclust.heads.rounding import rotation_of
from graphclust.kernels.sparse import between_groups, modularity


def rows(n=9, d=3, seed=0):
    z = np.random.default_rng(seed).standard_normal((n, d))
    z[4] = 0  # a row without direction
    return z


def knn_slowly(z, k, mutual, weights):
    """The kNN graph as a dense matrix, by loops."""
    n = len(z)
    length = np.linalg.norm(z, axis=1)
    unit = [z[i] / length[i] if length[i] else z[i] for i in range(n)]
    near = []
    for i in range(n):
        order = sorted(
            (j for j in range(n) if j != i), key=lambda j: (-float(unit[i] @ unit[j]), j)
        )
        near.append(set(order[:k]))
    a = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            one, other = j in near[i], i in near[j]
            if i == j or not ((one and other) if mutual else (one or other)):
                continue
            cosine = max(1e-6, float(unit[i] @ unit[j]))
            both, any_ = (near[i] | {i}) & (near[j] | {j}), near[i] | {i} | near[j] | {j}
            values = {"cosine": cosine, "equal": 1.0, "shared": len(both) / len(any_)}
            a[i, j] = values[weights]
    return a


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize("weights", ["cosine", "shared", "equal"])
@pytest.mark.parametrize("seed", range(4))
def test_the_graph_of_neighbours_is_that_of_loops(mutual, weights, seed):
    z = rows(seed=seed)
    found = knn_graph(z, 3, mutual, weights, 0).toarray()
    assert found == pytest.approx(knn_slowly(z, 3, mutual, weights), abs=1e-9)


def test_neighbours_are_found_approximately_where_there_are_many(monkeypatch):
    pytest.importorskip("pynndescent")
    z = np.random.default_rng(0).standard_normal((800, 5)).astype(np.float32)
    exact = knn_graph(z, 10, False, "equal", 0)
    monkeypatch.setattr("graphclust.heads.knn.EXACT", 100)
    found = knn_graph(z, 10, False, "equal", 0)
    again = knn_graph(z, 10, False, "equal", 0)
    assert (found != again).nnz == 0
    assert found.multiply(exact).sum() / exact.sum() > 0.9


def test_many_rows_need_the_extra(monkeypatch):
    monkeypatch.setattr("graphclust.heads.knn.EXACT", 5)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GraphError, match=r"here 9, need pynndescent: pip install 'graphclust\[ne"):
        knn_graph(rows(), 3, False, "cosine", 0)


def test_votes_are_counted_by_cosine():
    fitted = np.array([[1.0, 0], [0.9, 0.1], [0.8, 0.3], [0, 1.0], [0.1, 0.9]])
    labels = np.array([0, 0, 0, 1, 1])
    new = np.array([[1.0, 0.05], [0.05, 1.0], [0.2, 2.0], [0, 0]])
    expected = []
    for row in new[:3]:
        cosine = fitted @ row / np.linalg.norm(fitted, axis=1) / np.linalg.norm(row)
        near = np.argsort(-cosine)[:3]
        expected.append(np.bincount(labels[near], np.maximum(cosine[near], 0), 2).argmax())
    assert vote(new, fitted, labels, voters=3).tolist() == [*expected, 0]


def test_a_row_of_a_known_direction_takes_its_label():
    fitted = np.array([[1.0, 0], [1.0, 0.01], [1.0, -0.01], [1.0, 0.02]])
    assert vote(2 * fitted[:1], fitted, np.array([1, 0, 0, 0])).tolist() == [1]


def test_rounding_turns_rotated_indicators_back():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 4
    indicators = np.eye(4)[y] / np.sqrt(10)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    rotation = rotation_of(indicators @ turn)
    assert rotation @ rotation.T == pytest.approx(np.eye(4))
    sharp = np.abs(indicators @ turn @ rotation)
    assert np.sort(sharp, axis=1)[:, :3] == pytest.approx(0, abs=1e-12)
    noisy = indicators @ turn + 0.02 * rng.standard_normal((40, 4))
    assert ari(y, cluster_embedding(noisy, 4, head="rounding").labels) == 1.0


def test_rounding_of_too_few_columns_says_so():
    with pytest.warns(GraphWarning, match="only 2 of the 3 clusters"):
        cluster_embedding(np.eye(6, 2) + 0.1, 3, head="rounding")


def test_discriminants_raise_the_spread_between_over_that_within():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    z = np.c_[np.eye(3, 2)[y] + 0.2 * rng.standard_normal((90, 2)), 5 * rng.standard_normal(90)]
    projection, origin = discriminants(z, y)
    assert projection.shape == (3, 2)
    flat = (z - origin) @ projection
    within = sum(np.cov(flat[y == c].T, bias=True) for c in range(3)) / 3
    assert within == pytest.approx(np.eye(2) * within[0, 0], abs=1e-6)
    assert ari(y, cluster_embedding(z, 3, head="lda:rounds=0").labels) < 0.2


def test_lda_helps_where_one_direction_drowns_the_others():
    rng = np.random.default_rng(3)
    y = np.arange(300) % 3
    z = np.c_[3 * np.eye(3)[y] + 0.5 * rng.standard_normal((300, 3)), 2 * rng.standard_normal(300)]
    plain = cluster_embedding(z, 3, head="lda:rounds=0").labels
    assert ari(y, cluster_embedding(z, 3, head="lda").labels) >= ari(y, plain)


def test_spherical_centres_are_the_mean_directions():
    z = np.random.default_rng(0).standard_normal((60, 4)) * np.geomspace(0.1, 10, 60)[:, None]
    labels, centres, cost = spherical_kmeans(z, 3, seed=0)
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    for c in range(3):
        total = unit[labels == c].sum(axis=0)
        assert centres[c] == pytest.approx(total / np.linalg.norm(total))
    assert np.array_equal(labels, (unit @ centres.T).argmax(axis=1))
    assert cost == pytest.approx(sum(1 - unit[i] @ centres[labels[i]] for i in range(60)))
    # about as good as Euclidean k-means on the unit rows, which minimises nearly the same
    plain, *_ = kmeans(unit, 3, seed=0)
    means = np.stack([unit[plain == c].sum(axis=0) for c in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    assert cost <= 1.02 * (1 - (unit * means[plain]).sum(axis=1)).sum()


def test_many_rows_go_through_mini_batches(monkeypatch):
    monkeypatch.setattr("graphclust.heads.kmeans.LARGE", 100)
    y = np.arange(900) % 3
    z = 4 * np.eye(3)[y] + np.random.default_rng(0).standard_normal((900, 3))
    runs = [kmeans(z, 3, seed=1)[0] for _ in range(2)]
    assert np.array_equal(*runs)
    assert ari(y, runs[0]) > 0.9


def test_stability_is_the_agreement_of_the_runs():
    y = np.arange(120) % 4
    clear = np.eye(4)[y] + 0.05 * np.random.default_rng(0).standard_normal((120, 4))
    noise = np.random.default_rng(0).standard_normal((120, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)
        sure, unsure = (
            cluster_embedding(z, 4, head="leiden:runs=4").extras["stability"]
            for z in (clear, noise)
        )
    assert sure == 1.0
    assert unsure < 0.9


def test_one_cluster_more_than_planted_is_less_stable():
    z = np.eye(4)[np.arange(400) % 4] + 0.1 * np.random.default_rng(0).standard_normal((400, 4))
    found = cluster_embedding(z, 4, head="leiden:runs=4,around=1")
    assert found.n_clusters == 4
    assert found.extras["stability_k"].tolist() == [3, 4, 5]
    stable = found.extras["stability_around"]
    assert stable[1] == found.extras["stability"] == 1.0 > stable[2]
    five = cluster_embedding(z, 5, head="leiden:runs=4").extras["stability"]
    assert stable[2] == five


@pytest.mark.parametrize(("k", "head"), [(None, "leiden:runs=2,around=1"), (3, "leiden:around=1")])
def test_stability_around_k_needs_k_and_runs(k, head):
    with pytest.raises(ValueError, match="around=… with a given n_clusters and runs ≥ 2"):
        cluster_embedding(np.eye(6), k, head=head)


def test_a_free_number_of_clusters_follows_the_resolution():
    y = np.arange(120) % 4
    z = np.eye(4)[y] + 0.05 * np.random.default_rng(0).standard_normal((120, 4))
    assert cluster_embedding(z, head="leiden").n_clusters == 4
    assert cluster_embedding(z, head="leiden:resolution=8").n_clusters > 4


def test_rows_with_nothing_in_common_do_not_swallow_the_number_of_clusters():
    y = np.arange(120) % 3
    z = np.zeros((150, 12))
    z[:120] = np.eye(3, 12)[y] + 0.1 * np.abs(np.random.default_rng(0).standard_normal((120, 12)))
    z[:120, 4:] = 0
    z[130:, 5:] = np.repeat(np.eye(7), 3, axis=0)[:20]  # groups alike within, and 10 zero rows
    for head in ("leiden:neighbours=10", "leiden:neighbours=10,mutual=true"):
        found = cluster_embedding(z, 3, head=head)
        assert found.n_clusters == 3
        assert ari(y, found.labels[:120]) > 0.9


def test_rows_keep_their_direction_however_short_they_are():
    y = np.repeat([0, 1, 2], 20)
    z = np.eye(3)[y] + np.random.default_rng(0).normal(0, 0.1, (60, 3))
    for scale in (1.0, 1e-6, 1e-10):
        assert ari(y, cluster_embedding(z * scale, 3, head="leiden:neighbours=10").labels) == 1.0


def test_clusters_on_one_ray_are_told_apart_by_distance():
    z = np.r_[np.linspace(1, 1.3, 30), np.linspace(10, 10.3, 30), [30.0]][:, None]
    found = cluster_embedding(z, 2, head="agglomerative")
    assert np.array_equal(found.predict(bare(z)), found.labels)
    noisy = cluster_embedding(z, head="hdbscan:min_cluster_size=10,min_samples=2")
    assert noisy.extras["noise"][60]
    assert noisy.labels[60] == noisy.labels[59]


def test_lda_stops_where_clusters_have_no_spread():
    assert cluster_embedding(np.repeat(np.eye(3), 4, axis=0), 3, head="lda").n_clusters == 3


def test_spectral_rounding_does_not_depend_on_the_order_of_nodes():
    graph = sbm(n=200, k=4, p_in=0.2, p_out=0.03, seed=1)
    order = np.random.default_rng(0).permutation(200)
    model = METHODS["spectral"](n_clusters=4, head="rounding")
    first, second = model.fit(graph).labels, model.fit(permuted(graph, order)).labels
    assert ari(first[order], second) > 0.98


def test_vectors_may_be_sparse_or_lists():
    z = sp.csr_array(np.eye(6)[np.arange(30) % 3])
    labels = cluster_embedding(z, 3).labels
    assert ari(np.arange(30) % 3, labels) == 1.0
    assert np.array_equal(cluster_embedding(z.toarray().tolist(), 3).labels, labels)
    with pytest.raises(GraphError, match=r"z must be an \(N, D\) array, found shape \(\)"):
        cluster_embedding(None, 2)


def test_of_the_starts_of_kmeans_that_with_the_highest_modularity_is_kept():
    graph = planted(n=80)
    z = np.random.default_rng(0).standard_normal((80, 3))
    quality = {}
    for select in ("inertia", "modularity"):
        found = as_head(f"kmeans:n_init=20,select={select}").fit(z, 4, graph=graph)
        quality[select] = modularity(between_groups(to_scipy(graph), found["labels"]))
    seeds = np.random.default_rng(0).integers(2**31, size=20)
    single = [kmeans(z, 4, seed=int(seed), n_init=1)[0] for seed in seeds]
    best = max(modularity(between_groups(to_scipy(graph), labels)) for labels in single)
    assert quality["modularity"] == pytest.approx(best)
    assert quality["modularity"] > quality["inertia"]
    with pytest.raises(ValueError, match="needs the graph"):
        as_head("kmeans:select=modularity").fit(z, 4)
