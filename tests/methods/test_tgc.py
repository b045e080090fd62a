"""TGC's equations against loops, and its two modes."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import GraphError, as_graph
from graphclust.graph.synth import sbm, temporal_sbm
from graphclust.methods.tgc import (
    HTNE,
    TGC,
    published_batch,
    published_temporal,
    pull,
    temporal,
)
from graphclust.nn.events import EventBatch, EventBatches

SMALL = {"n_clusters": 4, "dimensions": 16, "walks": 5, "length": 20, "epochs": 5}


@pytest.fixture
def batch():
    """Three samples of two histories and two negatives: full, with one gap, without a history."""
    rows = np.array([[0, 2, 3, 1, 4, 5], [1, 6, 0, 0, 1, 2], [6, 0, 0, 5, 3, 0]], np.int32)
    met = torch.tensor([[1.0, 1], [1, 0], [0, 0]])
    drawn = torch.tensor([[1.0, 1], [0, 1], [1, 1]])
    age = torch.tensor([[0.1, 0.4], [0.3, 0], [0, 0]]) * met
    return EventBatch(rows, torch.tensor([0, 1, 6]), age, met, drawn, None)


@pytest.fixture
def z():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.standard_normal((7, 3))).requires_grad_(True)


def inner(z, batch):
    part = z[torch.from_numpy(batch.rows).long()]
    return part @ part.transpose(1, 2)


def s(z, a, b):
    return -((z[a] - z[b]) ** 2).sum()


def cosine(z, a, b):
    return (z[a] @ z[b]) / (z[a].norm() * z[b].norm())


def plain(z, batch, forgetting, published):
    """L_tem of each sample, and the cosines of targets, histories and negatives."""
    losses, parts = [], []
    for i, (x, *past, y, n, m) in enumerate(batch.rows.tolist()):
        drawn = [n, m]
        scores = torch.stack([s(z, x, h) for h in past])
        there = batch.met[i].bool()
        a = torch.zeros(2, dtype=z.dtype)
        if published:
            a = torch.softmax(scores, 0)
        elif there.any():
            a[there] = torch.softmax(scores[there], 0)
        delta = forgetting[x] if published else torch.log1p(forgetting[x].exp())

        def intensity(w, x=x, past=past, a=a, there=there, i=i, delta=delta):
            value = s(z, x, w)
            for j, h in enumerate(past):
                if there[j]:
                    sign = 1 if published else -1
                    value = value + a[j] * s(z, h, w) * torch.exp(sign * delta * batch.age[i, j])
            return value

        tiny = 1e-6 if published else 0
        loss = -torch.log(torch.sigmoid(intensity(y)) + tiny)
        for j, n in enumerate(drawn):
            if published or batch.drawn[i, j]:
                loss = loss - torch.log(torch.sigmoid(-intensity(n)) + tiny)
        losses.append(loss)
        parts.append([cosine(z, x, w) for w in (y, *past, *drawn)])
    return torch.stack(losses), torch.stack([torch.stack(row) for row in parts])


def equal(z, value, expected):
    assert torch.allclose(value, expected)
    first = torch.autograd.grad(value, z, retain_graph=True)[0]
    assert torch.allclose(first, torch.autograd.grad(expected, z, retain_graph=True)[0])
    assert torch.isfinite(first).all()


def test_the_corrected_losses_are_their_equations(z, batch):
    forgetting = torch.linspace(-1, 1, 7, dtype=z.dtype, requires_grad=True)
    losses, c = plain(z, batch, forgetting, published=False)
    found = temporal(inner(z, batch), batch, forgetting[batch.sources])
    equal(z, found.sum(), losses.sum())
    assert torch.allclose(found, losses)
    slopes = [
        torch.autograd.grad(f, forgetting, retain_graph=True)[0]
        for f in (found.sum(), losses.sum())
    ]
    assert torch.allclose(*slopes)
    near = (1 - c[:, 0]) ** 2 + (batch.met * (1 - c[:, 1:3]) ** 2).sum(1)
    equal(
        z, pull(inner(z, batch), batch).sum(), (near + (batch.drawn * c[:, 3:] ** 2).sum(1)).sum()
    )


def test_the_published_losses_are_the_codes(z, batch):
    forgetting = torch.ones(7, dtype=z.dtype)
    losses, c = plain(z, batch, forgetting, published=True)
    found = published_temporal(inner(z, batch), batch, forgetting[batch.sources])
    equal(z, found, losses.sum())
    past = 1 - batch.met * c[:, 1:3]
    norms = (1 - c[:, 0]).norm() + past[:, 0].norm() + past[:, 1].norm()
    equal(z, published_batch(inner(z, batch), batch), norms + c[:, 3].norm() + c[:, 4].norm())


def test_old_partners_count_for_more_as_published_and_for_less_corrected(z, batch):
    older = batch._replace(age=batch.age * 2)
    one = torch.ones(3, dtype=z.dtype)
    past = {"corrected": [], "published": []}
    for which in (batch, older):
        past["corrected"].append(temporal(inner(z, which), which, one)[2])
        past["published"].append(published_temporal(inner(z, which), which, one))
    assert past["corrected"][0] == past["corrected"][1]  # the third sample has no history
    assert past["published"][0] != past["published"][1]


def test_batches_hold_each_sample_once_with_its_history():
    graph = temporal_sbm(30, 2, events=200, seed=0)
    batches = EventBatches.of(graph, strict=True, history=2, negatives=3, batch_size=64)
    found = list(batches.epoch(np.random.default_rng(0)))
    pairs = np.concatenate([b.rows[:, [0, 3]] for b in found])
    u, v = graph.edge_index.numpy()
    wanted = np.concatenate([np.stack([u, v], 1), np.stack([v, u], 1)])
    assert sorted(map(tuple, pairs)) == sorted(map(tuple, wanted))
    for b in found:
        hit = (b.rows[:, 4:, None] == b.rows[:, None, [0, 3]]).any(2)
        assert np.array_equal(b.drawn.numpy() == 0, hit)
        assert ((b.age > 0) == (b.met > 0)).all()  # no two events at one moment
    drawn = np.bincount(np.concatenate([b.rows[:, 4:].ravel() for b in found]), minlength=30)
    degree = np.bincount(graph.edge_index.numpy().ravel(), minlength=30) ** 0.75
    assert np.corrcoef(drawn, degree)[0, 1] > 0.9


@pytest.mark.parametrize("cls", [TGC, HTNE])
def test_planted_blocks_are_found_and_the_loss_falls(cls):
    graph = temporal_sbm(200, 4, events=4000, mixing=0.1, seed=0)
    result = cls(**(SMALL | {"epochs": 10})).fit(graph)
    assert ari(graph.y.numpy(), result.labels) > 0.9
    losses = [epoch["loss"] for epoch in result.history]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("mode", ["corrected", "published"])
@pytest.mark.parametrize("labels", ["head", "centres"])
def test_both_modes_and_both_kinds_of_labels(mode, labels):
    graph = temporal_sbm(200, 4, events=4000, mixing=0.1, seed=0)
    result = TGC(**SMALL, mode=mode, labels=labels).fit(graph)
    # as published centres hardly move, while vectors do
    left_behind = (mode, labels) == ("published", "centres")
    assert ari(graph.y.numpy(), result.labels) > (0.5 if left_behind else 0.9)
    assert np.allclose(result.soft.sum(axis=1), 1)
    assert result.soft.argmax(axis=1) == pytest.approx(result.labels) or labels == "head"


def test_other_names_for_the_truth_change_nothing():
    graph = temporal_sbm(100, 4, events=1000, seed=0)
    first = TGC(**SMALL).fit(graph)
    graph.y = (graph.y * 7 + 3) % 5
    second = TGC(**SMALL).fit(graph)
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.embedding, second.embedding)
    assert first.history == second.history


def test_training_ends_when_the_loss_gains_nothing():
    graph = temporal_sbm(100, 4, events=1000, seed=0)
    assert len(TGC(**(SMALL | {"rate": 0.0, "epochs": 30})).fit(graph).history) == 6
    assert len(TGC(**(SMALL | {"rate": 0.0, "epochs": 9, "patience": 0})).fit(graph).history) == 9


def test_without_a_history():
    graph = temporal_sbm(100, 4, events=2000, mixing=0.1, seed=0)
    for mode in ("corrected", "published"):
        result = TGC(**SMALL, history=0, mode=mode).fit(graph)
        assert ari(graph.y.numpy(), result.labels) > 0.8


@pytest.mark.parametrize("labels", ["head", "centres"])
def test_who_watches_sees_the_labels_of_the_method(labels):
    graph, seen = temporal_sbm(100, 4, events=1000, seed=0), []
    TGC(**SMALL, labels=labels).fit(graph, watch=lambda epoch, found: seen.append(found))
    start = TGC(**(SMALL | {"epochs": 0}), labels=labels).fit(graph)
    assert len(seen) == 5
    assert ari(seen[0], start.labels) == 1


def test_a_rate_too_high_is_said():
    graph = temporal_sbm(20, 2, events=3000, seed=0)
    with pytest.raises(
        FloatingPointError, match="in epoch 0, or vectors are not finite; try a lower"
    ):
        TGC(**SMALL, mode="published", rate=1e25).fit(graph)


def test_hubs_do_not_overshoot():
    """All events have one end in common; a batch moves it hundreds of times."""
    table = pd.DataFrame({"source": 0, "target": np.arange(3000) % 40 + 1, "t": np.arange(3000)})
    assert np.isfinite(TGC(**SMALL, batch_size=3000).fit(as_graph(table)).embedding).all()


# --- labels over time --------------------------------------------------------------------------


def test_nodes_that_move_are_seen_to_move():
    graph = temporal_sbm(200, 4, events=12_000, mixing=0.05, moving=0.25, seed=0)
    result = TGC(**(SMALL | {"epochs": 10}), moments=8).fit(graph)
    before = torch.arange(200).numpy() * 4 // 200
    ends = result.extras["moments"]
    assert len(ends) == 8
    early, late = result.labels_at(0.4), result.labels_at(1.0)
    there = (early >= 0) & (late >= 0)
    assert there.mean() > 0.9
    y = graph.y.numpy()
    assert ari(before[there], early[there]) > ari(y[there], early[there]) + 0.1
    assert ari(y[there], late[there]) > ari(before[there], late[there])


def test_who_has_not_come_yet_is_in_no_cluster():
    table = pd.DataFrame([(0, 1, 1), (1, 2, 2), (0, 2, 3), (3, 4, 8), (4, 5, 9), (3, 5, 9)])
    table.columns = ["source", "target", "t"]
    result = TGC(**(SMALL | {"n_clusters": 2}), moments=3).fit(as_graph(table))
    assert (result.labels_at(2) >= 0).tolist() == [True, True, True, False, False, False]
    assert (result.labels_at(9) >= 0).all()
    assert np.array_equal(result.labels_at(99), result.labels_at(9))
    assert ari([0, 0, 0, 1, 1, 1], result.labels) == 1


def test_methods_without_labels_over_time_say_so():
    import graphclust as gc

    with pytest.raises(TypeError, match="leiden gives no labels over time"):
        gc.METHODS["leiden"]().fit(sbm(50, 2)).labels_at(0.5)


def test_static_graphs_are_refused():
    with pytest.raises(GraphError, match=r"tgc needs event times; this graph has none"):
        TGC(n_clusters=2).fit(as_graph(torch.tensor([[0, 1], [1, 2]])))


def test_extras_are_finite():
    result = TGC(**SMALL).fit(temporal_sbm(60, 4, events=500, seed=0))
    assert math.isfinite(result.extras["last_moment"])
    for name in ("first_vectors", "forgetting", "trained_centres"):
        assert np.isfinite(result.extras[name]).all()
