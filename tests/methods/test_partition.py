"""TVGNN, MinCut, DMoN: their losses against the formulas in loops, and what they make of graphs."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from graphs import QUICK, method, planted
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, as_graph
from graphclust.graph.errors import GraphWarning
from graphclust.graph.synth import attributed_sbm
from graphclust.nn import partition as partition_module
from graphclust.nn.cuts import (
    asymmetric_norm,
    normalised_cut,
    orthogonality,
    soft_modularity,
    unevenness,
)
from graphclust.nn.layers import GTVConv
from graphclust.nn.partition import Inputs, fill, revive
from graphclust.nn.train import checkpoints

CPU = torch.device("cpu")
NETWORKS = pytest.mark.parametrize("name", ["tvgnn", "mincut", "dmon"])


def small(weighted=True):
    """Seven nodes, one of them isolated."""
    arcs = np.array([[0, 1, 2, 3, 4, 0], [1, 2, 0, 4, 5, 3]])
    graph = as_graph(arcs, directed=False, num_nodes=7, x=np.arange(21.0).reshape(7, 3) + 1)
    if weighted:
        graph.edge_weight = (graph.edge_index.sum(dim=0) + 1).float()
    return graph, Inputs(graph, CPU)


def partition(n=7, k=3, seed=0):
    logits = torch.tensor(np.random.default_rng(seed).standard_normal((n, k)), dtype=torch.float32)
    return logits.softmax(dim=1)


def dense(graph):
    a = torch.zeros(7, 7)
    a[tuple(graph.edge_index)] = graph.edge_weight.float()
    return a


def test_the_asymmetric_norm_is_its_sum():
    for n, k in ((7, 3), (6, 3), (9, 2), (5, 5)):
        s = partition(n, k)
        rho, total = k - 1, 0.0
        for column in s.T.tolist():
            q = sorted(column, reverse=True)[n // k]
            total += sum(rho * (x - q) if x >= q else q - x for x in column)
        beta = n * rho * min(1, k / (rho + 1))
        assert float(asymmetric_norm(s)) == pytest.approx(1 - total / beta, abs=1e-6)


def test_the_asymmetric_norm_is_nought_for_equal_parts_and_one_for_none():
    equal = torch.eye(3).repeat(4, 1)
    assert float(asymmetric_norm(equal)) == pytest.approx(0, abs=1e-6)
    assert float(asymmetric_norm(torch.full((12, 3), 1 / 3))) == pytest.approx(1)
    one = torch.zeros(12, 3)
    one[:, 0] = 1
    assert float(asymmetric_norm(one)) > 0.5


def test_the_unit_of_weights_does_not_matter():
    light, heavy = planted(), planted()
    light.edge_weight = (light.edge_index.sum(dim=0) % 7 + 1).float()
    heavy.edge_weight = 1024 * light.edge_weight
    first, second = (method("tvgnn").fit(graph) for graph in (light, heavy))
    assert np.allclose(first.soft, second.soft, atol=1e-3)


def test_the_layer_is_its_matrix_form():
    graph, inputs = small()
    layer, a = GTVConv(3, 4, 0.3, 1e-3), dense(graph)
    a = a / a[a > 0].mean()
    y = torch.randn(7, 3) @ layer.weight
    x = torch.linalg.lstsq(layer.weight.T, y.T).solution.T
    gamma = a / torch.cdist(y, y, p=1).clamp(min=1e-3)
    matrix = torch.eye(7) - 0.3 * (torch.diag(gamma.sum(dim=1)) - gamma)
    layer.bias.data += 0.5
    assert torch.allclose(layer(x, inputs.graphs), matrix @ y + 0.5, atol=1e-4)


def test_tvgnns_loss_counts_the_weight_cut():
    graph, inputs = small()
    hard = torch.eye(3)[[0, 0, 0, 1, 1, 2, 2]]
    terms = METHODS["tvgnn"](n_clusters=3)._objective(hard, inputs)
    a = dense(graph)
    cut = sum(float(a[i, j]) for i in range(7) for j in range(7) if (hard[i] != hard[j]).any())
    assert float(terms["variation"]) == pytest.approx(cut / float(a.sum()))
    expected = 0.785 * float(terms["variation"]) + 0.514 * float(asymmetric_norm(hard))
    assert float(terms["loss"]) == pytest.approx(expected)


def test_mincuts_loss_is_its_traces():
    graph, inputs = small()
    s, a = partition(), dense(graph)
    degree = a.sum(dim=1)
    scale = torch.where(degree > 0, degree, 1.0) ** -0.5
    smooth = scale[:, None] * a * scale
    around = torch.diag(smooth.sum(dim=1))
    expected = -torch.trace(s.T @ smooth @ s) / torch.trace(s.T @ around @ s)
    assert torch.allclose(normalised_cut(s, inputs.graphs.smoothing), expected)
    together = s.T @ s
    wanted = (together / together.norm() - torch.eye(3) / 3**0.5).norm()
    assert torch.allclose(orthogonality(s), wanted)
    assert float(orthogonality(torch.eye(3).repeat(2, 1))) == pytest.approx(0, abs=1e-6)


def test_dmons_loss_is_its_trace():
    graph, inputs = small()
    s, a = partition(), dense(graph)
    degree, total = a.sum(dim=1), a.sum()
    b = a - degree[:, None] * degree / total
    assert torch.allclose(
        soft_modularity(s, inputs.graphs), torch.trace(s.T @ b @ s) / total, atol=1e-6
    )
    assert float(unevenness(torch.eye(3).repeat(2, 1))) == pytest.approx(0, abs=1e-6)
    one = torch.zeros(6, 3)
    one[:, 0] = 1
    assert float(unevenness(one)) == pytest.approx(3**0.5 - 1)


@pytest.mark.parametrize("loss", ["cut", "modularity"])
def test_gradients_are_those_of_the_dense_forms(loss):
    graph, inputs = small()
    s, a = partition().requires_grad_(), dense(graph)
    if loss == "cut":
        degree = a.sum(dim=1)
        scale = torch.where(degree > 0, degree, 1.0) ** -0.5
        smooth = scale[:, None] * a * scale
        around = torch.diag(smooth.sum(dim=1))
        ours = normalised_cut(s, inputs.graphs.smoothing)
        plain = -torch.trace(s.T @ smooth @ s) / torch.trace(s.T @ around @ s)
    else:
        b = a - a.sum(dim=1)[:, None] * a.sum(dim=1) / a.sum()
        ours, plain = soft_modularity(s, inputs.graphs), torch.trace(s.T @ b @ s) / a.sum()
    grads = [torch.autograd.grad(value, s, retain_graph=True)[0] for value in (ours, plain)]
    assert torch.allclose(*grads, atol=1e-6)


def test_empty_columns_take_the_node_that_leans_to_them():
    soft = np.array([[0.6, 0.3, 0.1], [0.7, 0.2, 0.1], [0.8, 0.05, 0.15], [0.9, 0.05, 0.05]])
    labels, filled = fill(soft)
    assert filled.tolist() == [1, 2]
    assert labels.tolist() == [1, 0, 2, 0]
    labels, filled = fill(np.eye(3)[[2, 0, 1]])
    assert (labels.tolist(), filled.tolist()) == ([2, 0, 1], [])


@NETWORKS
def test_predict_gives_the_fitted_graph_its_labels_and_new_nodes_theirs(name):
    graph = planted()
    found = METHODS[name](n_clusters=4, **QUICK).fit(graph)
    assert ari(graph.y.numpy(), found.labels) > 0.9
    assert not len(found.extras["filled"])
    assert np.array_equal(found.predict(graph), found.labels)
    other = planted(seed=0)
    assert ari(other.y.numpy(), found.predict(other)) > 0.9


@NETWORKS
def test_the_start_with_the_lowest_loss_goes_on(name):
    history = METHODS[name](n_clusters=4, **(QUICK | {"starts": 3})).fit(planted()).history
    begun = [h for h in history if h["epoch"] < 40]
    last = {h["start"]: h["loss"] for h in begun}
    assert len(last) >= 3
    gone_on = {h["start"] for h in history if h["epoch"] >= 40}
    assert len(gone_on) == 1
    assert history[-1]["loss"] <= min(last.values()) + 1e-3


@NETWORKS
def test_a_graph_without_edges_is_no_reason_to_fail(name):
    graph = as_graph(np.empty((2, 0), int), num_nodes=6, directed=False, x=np.eye(6))
    found = METHODS[name](n_clusters=2, **QUICK).fit(graph)
    assert found.n_clusters == 2
    assert np.isfinite(found.soft).all()


def test_sparse_and_dense_features_are_the_same():
    graph = planted()
    thin = graph.x.clone()
    thin[thin.abs() < 2] = 0
    dense_graph, sparse_graph = (as_graph(graph, x=x) for x in (thin.numpy(), sp.csr_array(thin)))
    a, b = (METHODS["tvgnn"](n_clusters=4, **QUICK).fit(g) for g in (dense_graph, sparse_graph))
    assert a.history[0]["loss"] == pytest.approx(b.history[0]["loss"], rel=1e-5)
    assert ari(a.labels, b.labels) > 0.9


@NETWORKS
def test_a_start_taken_from_a_folder_counts_with_its_own_loss(name, tmp_path):
    """Halted after its first start: the second time that start is taken from the folder."""
    graph, model = planted(), METHODS[name](n_clusters=4, **QUICK)
    with checkpoints(tmp_path, every=0):
        model.fit(graph)
        for path in tmp_path.glob("*.safetensors"):
            if path.stem != "start0":
                path.unlink()
        again = model.fit(graph)
    starts = {h["start"]: h["loss"] for h in again.history if h["epoch"] < 40}
    best = min(starts, key=starts.get)
    assert {h["start"] for h in again.history if h["epoch"] >= 40} == {best}


def test_columns_without_nodes_share_those_of_the_largest_cluster():
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4))
    last = model[-1]
    before = last.weight.detach().clone()
    soft = np.eye(4)[[0] * 50 + [1] * 30 + [2] * 19 + [3]]  # the last column: 1 of 100
    revive(model, soft, least=2)
    assert torch.equal(last.weight[:3], before[:3])
    assert last.bias[3] == last.bias[0]
    apart = (last.weight[3] - before[0]).abs().max()
    assert 0 < apart < before[0].std()
    revive(model, np.eye(4)[np.arange(100) % 4], least=25)  # nothing to revive
    assert torch.equal(last.weight[:3], before[:3])


@pytest.mark.filterwarnings("ignore:.* clusters held no node")  # so brief a training
@pytest.mark.parametrize(("name", "later"), [("tvgnn", [1, 1]), ("mincut", []), ("dmon", [])])
def test_columns_are_revived_before_the_best_start_goes_on_and_by_tvgnn_later(
    name, later, monkeypatch
):
    least = []
    monkeypatch.setattr(partition_module, "revive", lambda *_, **n: least.append(n["least"]))
    METHODS[name](n_clusters=4, starts=2, warm=10, epochs=25, patience=0).fit(planted())
    assert least == [pytest.approx(0.1 * 120 / 4), *later]


@pytest.mark.filterwarnings("ignore:.* clusters held no node")  # so brief a training
def test_the_first_start_of_tvgnn_smooths_as_far_as_published_whatever_the_degree():
    graph = attributed_sbm(120, 4, p_in=0.9, p_out=0.3, features=16, signal=0.3, seed=0)
    more = np.vstack([graph.x, np.eye(10, 16)])
    lonely = as_graph(graph.edge_index.T.numpy(), directed=False, num_nodes=130, x=more)
    brief = {"n_clusters": 4, "starts": 1, "warm": 5, "epochs": 10}
    far = 0.311 * (10556 / 2708) / (graph.num_edges / 120)
    for given in (graph, lonely):  # nodes without edges do not count
        ours, told = (METHODS["tvgnn"](**brief, delta=d).fit(given) for d in (None, far))
        np.testing.assert_allclose(ours.soft, told.soft, rtol=1e-6)


def test_tvgnn_finds_blocks_of_many_edges_by_the_start_that_smooths_far_enough():
    graph = attributed_sbm(240, 4, p_in=0.5, p_out=0.1, features=16, signal=0.3, seed=0)
    far = 0.311 * (10556 / 2708) / (graph.num_edges / 240)
    brief = {"n_clusters": 4, "patience": 20, "epochs": 60}
    found = METHODS["tvgnn"](**brief).fit(graph)
    assert found.extras["start"] == 2
    assert ari(graph.y, found.labels) > 0.9
    assert np.array_equal(found.predict(graph), found.labels)
    for delta in (far, 0.311):  # too little, too far
        with pytest.warns(GraphWarning, match="clusters held no node when training ended"):
            METHODS["tvgnn"](**brief, delta=delta).fit(graph)


def test_mincut_is_not_given_up_on_its_plateau(monkeypatch):
    """The loss hardly falls until nodes leave the column that has nearly all of them."""
    graph = attributed_sbm(240, 4, p_in=0.4, p_out=0.05, features=16, signal=0.3, seed=0)
    cls = METHODS["mincut"]
    model = cls(n_clusters=4, starts=1, warm=1, patience=1, epochs=400)
    found = model.fit(graph)
    assert ari(graph.y, found.labels) > 0.9
    assert found.extras["filled"].size == 0
    monkeypatch.setattr(cls, "emptied", "left")
    with pytest.warns(GraphWarning, match="2 of the 4 clusters held no node when training ended"):
        given_up = model.fit(graph)
    assert len(given_up.history) < 100
    assert given_up.extras["filled"].size == 2
