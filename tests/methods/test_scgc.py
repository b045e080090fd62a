"""SCGC and PamC: the recipe against a dense reading of the paper, batches, presets, refusals."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from graphs import TRIANGLES, pairs, planted, quiet
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, GraphError, as_graph, load, to_scipy
from graphclust.graph.features import feature_matrix
from graphclust.graph.synth import attributed_sbm
from graphclust.nn.mlp import MLP, Rows, spread, widths
from graphclust.nn.steps import batches

SCGC, PamC = METHODS["scgc"], METHODS["pamc"]
PUBLISHED = {
    "n_clusters": 4,
    "features": "raw",
    "neighbours": 0,
    "hidden": "24-16",
    "latent": 5,
    "labels": "centres",
    "patience": 0,
}


def dense_losses(graph, z, q, *, order, influence, tau, x_hat=None):
    """The published terms, with N×N matrices, from what the model gave."""
    a = to_scipy(graph).toarray() + np.eye(len(z))
    step = a / a.sum(axis=1, keepdims=True)
    powers = [np.linalg.matrix_power(step, r) for r in range(1, order + 1)]
    r = sum(powers) if influence else powers[-1]
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    e = np.exp(tau * (u @ u.T) * (1 - np.eye(len(z))))
    con = -np.log((r * e).sum(axis=1) / e.sum(axis=1)).mean()
    p = q**2 / q.sum(axis=0)
    p /= p.sum(axis=1, keepdims=True)
    return con, (p * np.log(p / q)).sum() / len(z)


@pytest.mark.parametrize("influence", [True, False])
@pytest.mark.parametrize("negatives", ["exact", "moments"])
def test_the_first_losses_are_those_of_the_paper(influence, negatives):
    graph = planted()
    options = {"order": 2, "influence": influence, "tau": 0.5, "negatives": negatives}
    still = SCGC(**PUBLISHED, **options, moments=4, alpha=2.0, beta=0.3, epochs=1, rate=1e-8)
    found = still.fit(graph)
    z, q = found.embedding, found.soft
    con, kl = dense_losses(graph, z, q, order=2, influence=influence, tau=0.5)
    row = found.history[0]
    assert row["contrast"] == pytest.approx(con, rel=1e-5 if negatives == "exact" else 1e-4)
    assert row["kl"] == pytest.approx(kl, rel=1e-2, abs=1e-6)
    assert row["loss"] == pytest.approx(2.0 * row["contrast"] + 0.3 * row["kl"])


def test_the_decoder_adds_the_mean_squared_error():
    graph = planted()
    row = SCGC(**PUBLISHED, decoder=True, pretrain=400, epochs=1).fit(graph).history[-1]
    assert row["loss"] == pytest.approx(row["contrast"] + row["reconstruction"])
    variance = float((graph.x - graph.x.mean(dim=0)).square().mean())
    assert row["reconstruction"] < variance


def test_pretraining_lowers_the_error_of_reconstruction():
    history = SCGC(**PUBLISHED, pretrain=5, epochs=1).fit(planted()).history
    losses = [row["loss"] for row in history[:5]]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("negatives", ["exact", "block", "meta"])
def test_every_kind_of_negatives_finds_the_blocks(negatives):
    graph = planted()
    assert ari(graph.y.numpy(), SCGC(n_clusters=4, negatives=negatives).fit(graph).labels) > 0.95


@pytest.mark.parametrize("negatives", ["moments", "block", "meta"])
@pytest.mark.parametrize("decoder", [True, False])
def test_batches_find_the_blocks(negatives, decoder):
    graph = planted(n=240)
    model = SCGC(
        n_clusters=4, negatives=negatives, decoder=decoder, batch_size=60, beta=0.1, epochs=30
    )
    assert ari(graph.y.numpy(), model.fit(graph).labels) > 0.95


def test_batches_draw_positives_as_r_says():
    """Every node once an epoch; means over many draws come to the rows of R."""
    rng = np.random.default_rng(0)
    r = rng.random((7, 7)) * (rng.random((7, 7)) < 0.5) + np.eye(7) * 0.2
    x = Rows(np.eye(7, dtype=np.float32), device=torch.device("cpu"))
    torch.manual_seed(0)
    total, epochs = np.zeros((7, 7)), 400
    for _ in range(epochs):
        seen = []
        for rows, (anchors, drawn, weight), target in batches(x, sp.csr_array(r), 3, 20, False):
            nodes = rows.argmax(dim=1)  # one-hot features tell who is there
            seen += nodes[anchors].tolist()
            own, other = nodes[anchors][drawn.row], nodes[drawn.member]
            np.add.at(total, (own.numpy(), other.numpy()), weight.numpy())
            assert target is None
        assert sorted(seen) == list(range(7))
    assert total / epochs == pytest.approx(r, abs=0.06)
    assert (total / epochs).sum(axis=1) == pytest.approx(r.sum(axis=1), rel=1e-4)


@pytest.mark.parametrize("negatives", ["moments", "block"])
def test_many_batches_lower_the_loss_and_keep_it_low(negatives):
    """Sums that lag behind the vectors would let it rise again, and clusters decay."""
    graph = attributed_sbm(600, 6, p_in=0.1, p_out=0.01, features=32, signal=0.7)
    model = SCGC(
        n_clusters=6, negatives=negatives, features="rows", neighbours=0, batch_size=100,
        epochs=40, patience=0,
    )  # fmt: skip
    found = model.fit(graph)
    losses = [row["loss"] for row in found.history]
    assert max(losses[-5:]) < losses[0] - 0.2
    assert max(losses[-5:]) < min(losses) + 0.1
    assert ari(graph.y.numpy(), found.labels) > 0.9


def test_sparse_and_dense_features_agree():
    graph = planted()
    x = np.where(np.random.default_rng(0).random((120, 16)) < 0.9, 0, feature_matrix(graph.x))
    x = np.abs(x)
    dense, thin = as_graph(graph, x=x), as_graph(graph, x=sp.csr_array(x))
    model = SCGC(n_clusters=4, epochs=5, patience=0)
    first, second = model.fit(dense), model.fit(thin)
    assert first.embedding == pytest.approx(second.embedding, abs=1e-4)


def test_mlp_takes_sparse_and_dense_columns_and_low_precision():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    thin = np.where(rng.random((30, 40)) < 0.9, 0, 1).astype(np.float32)
    thick = rng.random((30, 5)).astype(np.float32)
    model = MLP([45, 8, 3])
    for found in (thin, sp.csr_array(thin)):
        rows = Rows(found, thick, device=torch.device("cpu"))
        assert rows.all[0].layout == torch.sparse_csr
        x = torch.from_numpy(np.hstack([thin, thick]))
        assert torch.equal(rows.dense(), x)
        whole = model(rows.all)
        assert torch.allclose(whole, model(x), atol=1e-6)
        assert torch.allclose(whole[[3, 1]], model(rows.take(torch.tensor([3, 1]))), atol=1e-6)
        gradients = [
            torch.autograd.grad(model(part).square().sum(), model.layers[0].weight)[0]
            for part in (rows.all, x)
        ]
        assert torch.allclose(*gradients, atol=1e-5)
    model.low = True
    assert model(rows.all).dtype == torch.float32
    assert torch.allclose(model(rows.all), whole, atol=0.02)


def test_vectors_begin_apart():
    """From PyTorch's own weights unit rows all point the same way at first."""
    x = np.random.default_rng(0).standard_normal((200, 500)).astype(np.float32)
    x = torch.from_numpy(x / np.linalg.norm(x, axis=1, keepdims=True))
    torch.manual_seed(0)
    models = MLP([500, 256, 128, 10]), spread(MLP([500, 256, 128, 10]))
    alike = [F.normalize(model(x)).mean(dim=0).norm().item() for model in models]
    assert alike[0] > 0.95
    assert alike[1] < 0.85


def test_new_nodes_need_no_edges():
    """Where the encoder reads x alone, a graph without edges is labelled as one with them."""
    graph = planted()
    for model in (SCGC(n_clusters=4, features="rows"), SCGC(**PUBLISHED, beta=0.1)):
        found = model.fit(graph)
        bare = as_graph(np.zeros((120, 120)), x=graph.x)
        assert np.array_equal(found.predict(bare), found.labels)


def test_labels_by_centres_are_the_largest_membership():
    found = SCGC(**PUBLISHED, beta=1.0, epochs=20).fit(planted())
    assert np.array_equal(found.soft.argmax(axis=1), found.labels)
    assert found.extras["trained_centres"].shape == (4, 5)


def test_zero_rows_and_lost_clusters_stay_finite():
    graph = planted()
    x = feature_matrix(graph.x).copy()
    x[:7] = 0
    for model in (SCGC, PamC):
        small = {**PUBLISHED, "n_clusters": 30, "hidden": "12-6"}
        found = model(**small, beta=1.0, negatives="meta", epochs=30)
        with pytest.warns(UserWarning, match="hold a node"):  # 30 centres for 4 blocks
            found = found.fit(as_graph(graph, x=x))
        assert all(math.isfinite(row["loss"]) for row in found.history)
        assert np.isfinite(found.soft).all()


def test_the_sharpest_epoch_is_what_stays():
    graph = attributed_sbm(120, 4, p_in=0.1, p_out=0.05, features=8, signal=0.4)
    found = SCGC(n_clusters=4, epochs=70, patience=100).fit(graph)
    looks = {row["epoch"] + 1: row["score"] for row in found.history if "score" in row}
    assert list(looks) == [30, 35, 40, 45, 50, 55, 60, 65, 70]
    best = max(looks, key=looks.get)
    assert best < 70
    there = SCGC(n_clusters=4, epochs=best, patience=0).fit(graph)
    assert np.array_equal(found.embedding, there.embedding)
    stopped = SCGC(n_clusters=4, epochs=1000, patience=5).fit(graph)
    assert len(stopped.history) < 200


def test_presets_are_those_of_the_experiments():
    dblp = SCGC.preset("dblp")
    assert (dblp.alpha, dblp.order, dblp.tau, dblp.decoder, dblp.influence) == (
        0.5, 1, 0.25, True, False,
    )  # fmt: skip
    assert SCGC.preset("usps_star", seed=3).seed == 3
    assert PamC.preset("cite").negatives == "meta"
    assert SCGC.preset("hhar").moments == 4  # of order 3 may fall below 0 for its tau
    with pytest.raises(ValueError, match="unknown preset of scgc 'dbpl'; did you mean dblp"):
        SCGC.preset("dbpl")


def test_watching_sees_the_labels_of_every_epoch():
    graph, seen = planted(), []
    model = SCGC(**PUBLISHED, beta=0.1, epochs=4)
    found = model.fit(graph, watch=lambda epoch, labels: seen.append((epoch, labels)))
    assert [epoch for epoch, _ in seen] == [0, 1, 2, 3]
    assert all(labels.shape == (120,) for _, labels in seen)
    assert np.array_equal(model.fit(graph).embedding, found.embedding)  # and changes nothing


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"hidden": "256,128"}, "hidden must be widths such as '256-128', found '256,128'"),
        ({"hidden": "0"}, "hidden must be widths"),
        ({"negatives": "exact", "batch_size": 50}, "exact negatives need all nodes at once"),
        ({"tau": 2.25}, "order 3 may fall below 0 for tau > 1.5, found 2.25"),
        ({"n_clusters": None, "beta": 0.1}, "scgc needs n_clusters for its centres"),
        ({"device": "cuda:77"}, "device 'cuda:77' cannot be used"),
        ({"negatives": "none"}, "negatives must be 'moments' or 'exact'"),
    ],
)
def test_what_cannot_work_is_refused(params, text):
    with pytest.raises(ValueError, match=text):
        SCGC(**({"n_clusters": 4} | params)).fit(planted())


def test_an_influence_matrix_that_grows_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("graphclust.nn.contrastive.ENTRIES", 4000)
    model = SCGC(n_clusters=4, neighbours=0, order=3, epochs=1)
    with pytest.raises(GraphError, match=r"order 2 has more than 4,000 entries; .* or top_k"):
        model.fit(planted())
    assert SCGC(n_clusters=4, neighbours=0, order=3, epochs=1, top_k=8).fit(planted()).n_clusters


def test_a_free_number_of_clusters_where_the_head_finds_it():
    graph = planted()
    found = SCGC(n_clusters=None, head="leiden", epochs=20).fit(graph)
    assert ari(graph.y.numpy(), found.labels) > 0.9


def test_graphs_without_edges_or_features_that_differ():
    x = np.ones((6, 3))
    assert SCGC(n_clusters=1).fit(pairs(*TRIANGLES, n=6, x=x)).n_clusters == 1
    assert len(PamC(n_clusters=2).fit(quiet(np.zeros((6, 6)), x=np.eye(6))).labels) == 6


def test_widths():
    assert widths("500-500-2000") == [500, 500, 2000]


def test_a_real_graph_keeps_its_floor(stored_data):
    """dblp_sdcn, a seed: k-means on x gives NMI .12, the graph alone .05."""
    graph = load("dblp_sdcn")
    from graphclust.evaluate.metrics import external

    assert external(SCGC(n_clusters=4).fit(graph).labels, graph.y)["nmi"] > 0.42
