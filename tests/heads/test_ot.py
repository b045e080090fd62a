"""Transport: the scaling against a general solver, its limits, and what it adds to k-means."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from graphs import planted
from scipy.optimize import minimize
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import cluster_embedding
from graphclust.graph.synth import sbm
from graphclust.heads.ot import (
    TransportHead,
    class_means,
    nearby,
    swapped_cross_entropy,
    transport,
)


def log_likelihoods(n=6, k=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.log_softmax(2 * torch.randn(n, k, generator=generator, dtype=torch.float64), 1)


def objective(q, log, epsilon, gamma):
    """⟨Q, −log P⟩ − ε H(Q) + γ KL(Qᵀ1 ‖ 1/K), for rows of mass 1/N."""
    sizes, k = q.sum(axis=0), q.shape[1]
    cost = -(q * log).sum() + epsilon * (q * (np.log(q) - 1)).sum()
    return cost + gamma * (sizes * np.log(sizes * k) - sizes + 1 / k).sum()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 5.0])
def test_the_plan_is_the_minimum(gamma):
    log, n, k, epsilon = log_likelihoods(), 6, 3, 0.3
    plan, _ = transport(log, epsilon, gamma)
    ours = plan.numpy() / n
    assert ours.sum(axis=1) == pytest.approx(np.full(n, 1 / n))

    def value(logits):
        rows = np.exp(logits.reshape(n, k))
        return objective(rows / rows.sum(axis=1, keepdims=True) / n, log.numpy(), epsilon, gamma)

    found = minimize(value, np.zeros(n * k), method="BFGS", options={"gtol": 1e-9})
    assert objective(ours, log.numpy(), epsilon, gamma) == pytest.approx(found.fun, abs=1e-6)


def test_equal_sizes_are_the_limit():
    plan, _ = transport(log_likelihoods(n=9), 0.3, float("inf"))
    assert plan.sum(dim=0).numpy() == pytest.approx(np.full(3, 3.0), abs=1e-3)
    near, _ = transport(log_likelihoods(n=9), 0.3, 1e6)
    assert near.numpy() == pytest.approx(plan.numpy(), abs=1e-3)
    alone, _ = transport(log_likelihoods(n=9), 0.3, 0.0)
    assert alone.numpy() == pytest.approx(torch.softmax(log_likelihoods(n=9) / 0.3, 1).numpy())


def test_a_share_of_the_mass_goes_to_the_surest_rows():
    log = torch.log(torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]], dtype=torch.float64))
    plan, dual = transport(log, 0.05, 1.0, rho=0.5)
    assert dual.shape == (3,)
    assert plan.sum().item() / 3 == pytest.approx(0.5, abs=0.01)
    assert plan[0].sum() > plan[2].sum()
    assert plan[1].sum() > plan[2].sum()


def test_a_warm_start_changes_nothing():
    log = log_likelihoods(n=20, k=4)
    cold, dual = transport(log, 0.1, 1.0)
    warm, _ = transport(log, 0.1, 1.0, start=dual)
    assert warm.numpy() == pytest.approx(cold.numpy(), abs=1e-5)


def test_extreme_likelihoods_stay_finite():
    log = torch.log_softmax(torch.tensor([[500.0, 0.0], [0.0, 500.0], [0.0, 400.0]]), dim=1)
    plan, _ = transport(log, 0.05, float("inf"))
    assert torch.isfinite(plan).all()


def test_the_loss_is_its_formula():
    logs = [log_likelihoods(seed=s) for s in (0, 1)]
    plans = [torch.softmax(log_likelihoods(seed=s), 1) for s in (2, 3)]
    expected = 0.0
    for i in range(6):
        for j in range(3):
            expected -= plans[0][i, j] * logs[1][i, j] + plans[1][i, j] * logs[0][i, j]
    assert swapped_cross_entropy(plans, logs).item() == pytest.approx(expected.item() / 12)


def test_class_means_of_an_empty_class():
    z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 8.0]])
    means = class_means(z, torch.tensor([0, 0, 2]), 3)
    assert means[[0, 2]].tolist() == [[2.0, 0.0], [0.0, 8.0]]
    assert means[1].tolist() == pytest.approx(z.mean(dim=0).tolist())


def test_relaxed_sizes_keep_clusters_of_unequal_size():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [20, 60, 220])
    z = np.eye(3, 8)[y] + 0.35 * rng.standard_normal((300, 8))
    free = cluster_embedding(z, 3, head="ot").labels
    equal = cluster_embedding(z, 3, head="ot:kind=sela").labels
    assert ari(y, free) > ari(y, equal) + 0.1
    assert np.bincount(equal).min() > 80


def test_the_graph_draws_neighbours_together():
    graph = planted(n=200)
    z = np.random.default_rng(1).standard_normal((200, 6)) + 2 * np.eye(4, 6)[graph.y]
    alone = cluster_embedding(z, 4, head="ot", graph=graph)
    joined = cluster_embedding(z, 4, head="ot:graph_weight=5", graph=graph)
    truth = graph.y.numpy()
    assert ari(truth, joined.labels) > ari(truth, alone.labels)
    without = cluster_embedding(z, 4, head="ot:graph_weight=5")
    assert np.array_equal(without.labels, alone.labels)


def test_batches_find_what_the_whole_finds(monkeypatch):
    rng = np.random.default_rng(0)
    y = np.arange(600) % 4
    z = np.eye(4, 8)[y] + 0.2 * rng.standard_normal((600, 8))
    monkeypatch.setattr("graphclust.heads.ot.BATCH", 100)
    result = cluster_embedding(z, 4, head="ot")
    assert ari(y, result.labels) > 0.95


def test_the_mass_rises_to_one():
    head = TransportHead(kind="p2ot", steps=40)
    masses = [head._mass(step) for step in range(40)]
    assert masses[0] == pytest.approx(0.1 + 0.9 * np.exp(-5))
    assert masses == sorted(masses)
    assert masses[20:] == [1.0] * 20
    assert TransportHead(steps=40)._mass(0) == 1.0


def test_in_a_batch_rows_outside_keep_the_plan_they_had():
    rng = np.random.default_rng(0)
    operator = sp.csr_array((rng.random((6, 6)) < 0.5) * rng.random((6, 6))).astype(np.float32)
    known = torch.rand(6, 3)
    before, batch, plan = known.clone(), torch.tensor([4, 1, 3]), torch.rand(3, 3)
    found = nearby(operator, batch, known)(plan)
    for place, i in enumerate(batch.tolist()):
        expected = torch.zeros(3)
        for j in range(6):
            row = plan[batch.tolist().index(j)] if j in batch.tolist() else before[j]
            expected += operator[i, j] * row
        assert found[place].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert torch.equal(known[batch], plan)
    assert torch.equal(known[[0, 2, 5]], before[[0, 2, 5]])
    everything = torch.rand(6, 3)
    whole = nearby(operator, None, known)(everything)
    assert whole.numpy() == pytest.approx(operator @ everything.numpy(), abs=1e-6)


def test_prototypes_learn_from_the_graph_in_batches_too(monkeypatch):
    monkeypatch.setattr("graphclust.heads.ot.BATCH", 128)
    graph = sbm(300, 3, p_in=0.15, p_out=0.01)
    y = graph.y.numpy()
    z = np.eye(3)[y] + 0.6 * np.random.default_rng(0).standard_normal((300, 3))
    heads = TransportHead(graph_weight=3.0), TransportHead()
    joined, alone = (head.fit(z, 3, graph=graph) for head in heads)
    again = heads[0].fit(z, 3, graph=graph)
    prototypes = [found["extras"]["prototypes"] for found in (joined, alone, again)]
    assert not np.allclose(prototypes[0], prototypes[1], atol=1e-3)
    assert np.array_equal(prototypes[0], prototypes[2])
    assert ari(y, joined["labels"]) > ari(y, alone["labels"])


@pytest.mark.parametrize(("n", "k", "apart"), [(60, 4, 1.0), (300, 5, 10.0), (400, 20, 20.0)])
def test_equal_columns_are_met_however_far_apart_the_groups_are(n, k, apart):
    source = torch.Generator().manual_seed(0)
    uneven = torch.randn(k, generator=source, dtype=torch.float64)
    rows = torch.randn(n, k, generator=source, dtype=torch.float64)
    log = torch.log_softmax(apart * (rows + uneven / 3), dim=1)
    plan, v = transport(log, 0.05, math.inf)
    assert torch.allclose(plan.sum(dim=1), torch.ones(n, dtype=plan.dtype))
    assert torch.allclose(plan.mean(dim=0), torch.full((k,), 1 / k, dtype=plan.dtype), atol=1e-6)
    assert torch.allclose(plan, torch.softmax(log / 0.05 + v, dim=1))  # the form of the optimum
