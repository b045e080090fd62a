"""TGC's equations against loops, its two modes, and streams that go on."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import Clustering, GraphError, as_graph
from graphclust.graph.synth import sbm, temporal_sbm
from graphclust.graph.temporal import between
from graphclust.methods.tgc import (
    HTNE,
    TGC,
    published_batch,
    published_temporal,
    pull,
    temporal,
)
from graphclust.nn.assign import aligned
from graphclust.nn.events import EventBatch, EventBatches

EARLY = 500  # events of `parts` before the stream goes on
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


# --- streams that go on ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts():
    graph = temporal_sbm(200, 4, events=6000, mixing=0.1, seed=2)
    names = np.array([f"n{i}" for i in range(200)])
    frame = pd.DataFrame(
        {"source": names[graph.edge_index[0]], "target": names[graph.edge_index[1]], "t": graph.t}
    )
    truth = dict(zip(names, graph.y.tolist(), strict=True))
    return frame[:EARLY], frame, truth


def score(result, truth):
    return ari([truth[node] for node in result.node_ids], result.labels)


def test_a_stream_goes_on_with_the_same_clusters(parts):
    first, whole, truth = parts
    before = TGC(**SMALL).fit(as_graph(first))
    after = TGC(**SMALL).fit(as_graph(whole), continue_from=before)
    assert len(after.labels) > len(before.labels)  # somebody came
    assert score(after, truth) > 0.9
    same = after.labels[after.rows(before.node_ids)] == before.labels
    assert same.mean() > 0.9  # numbers of clusters and all
    assert after.extras["last_moment"] == whole["t"].max()


def test_only_later_events_are_learnt_from(parts):
    first, _, _ = parts
    graph = as_graph(first)
    before = TGC(**SMALL).fit(graph)
    again = TGC(**SMALL).fit(graph, continue_from=before)
    assert np.array_equal(again.embedding, before.embedding)
    assert again.history == []
    assert np.array_equal(again.labels, before.labels)


@pytest.mark.filterwarnings("ignore:only .* clusters hold a node")
@pytest.mark.parametrize("labels", ["head", "centres"])
@pytest.mark.parametrize("k", [4, 40])
def test_soft_memberships_and_centres_follow_the_labels(parts, labels, k):
    first, whole, _ = parts
    model = TGC(**(SMALL | {"n_clusters": k}), labels=labels, head="kmeans")
    before = model.fit(as_graph(first))
    same = model.fit(as_graph(first), continue_from=before)
    assert np.array_equal(same.labels, before.labels)
    after = model.fit(as_graph(whole), continue_from=before)
    assert np.allclose(after.soft.sum(axis=1), 1)
    assert (after.soft.argmax(axis=1) == after.labels).mean() > 0.9
    centres = after.extras["centres" if labels == "head" else "trained_centres"]
    near = np.linalg.norm(after.embedding[:, None] - centres, axis=2).argmin(axis=1)
    assert (near == after.labels).mean() > 0.99


def test_forgetting_is_by_the_length_of_the_stream(parts):
    first, whole, _ = parts
    model = TGC(**(SMALL | {"epochs": 0}))
    before = model.fit(as_graph(first))
    assert np.allclose(before.extras["forgetting"], 1)
    after = model.fit(as_graph(whole), continue_from=before)
    rates = [r.extras["forgetting"][0] / r.extras["length"] for r in (before, after)]
    assert rates[0] == pytest.approx(rates[1], rel=1e-4)


def test_moments_may_be_dates(tmp_path):
    table = pd.DataFrame([(0, 1, "2020-01-01"), (1, 2, "2020-01-02"), (0, 2, "2020-02-01")])
    table.columns = ["source", "target", "t"]
    table["t"] = pd.to_datetime(table["t"])
    result = TGC(**(SMALL | {"n_clusters": 1}), moments=3).fit(as_graph(table))
    assert (result.labels_at(pd.Timestamp("2020-01-01")) >= 0).tolist() == [True, True, False]
    assert (result.labels_at(np.datetime64("2020-02-01")) >= 0).all()
    assert (result.labels_at("2020-01-01T09:00+09:00") >= 0).tolist() == [True, True, False]
    assert result.extras["moments"].astype(str).tolist() == [
        f"2020-{day}T00:00:00.000000000" for day in ("01-01", "01-02", "02-01")
    ]
    with pytest.raises(TypeError, match="times of these events are dates, found 3"):
        result.labels_at(3)
    result.save(tmp_path / "r.npz")
    again = Clustering.load(tmp_path / "r.npz")
    assert np.array_equal(again.extras["moments"], result.extras["moments"])
    for told in ("", "NaT", "now", "01/02/2020", pd.NaT):
        with pytest.raises(ValueError, match="a moment must be a date"):
            result.labels_at(told)
    assert (result.labels_at(date(2020, 1, 1)) >= 0).tolist() == [True, True, False]
    table["t"] = [0, 1, 2]
    with pytest.raises(GraphError, match="both have dates, or both numbers"):
        TGC(**(SMALL | {"n_clusters": 1})).fit(as_graph(table), continue_from=result)
    result = TGC(**(SMALL | {"n_clusters": 1}), moments=3).fit(as_graph(table))
    with pytest.raises(TypeError, match="times of these events are numbers, found '2020"):
        result.labels_at("2020-01-01")


def test_a_result_from_a_file_goes_on_as_well(parts, tmp_path):
    first, whole, _ = parts
    before = TGC(**SMALL).fit(as_graph(first))
    before.save(tmp_path / "r.npz")
    a, b = (
        TGC(**SMALL).fit(as_graph(whole), continue_from=result)
        for result in (before, Clustering.load(tmp_path / "r.npz"))
    )
    assert np.array_equal(a.embedding, b.embedding)
    assert np.array_equal(b.labels_at(1.0), a.labels_at(1.0))


def test_new_events_alone_will_do(parts):
    first, whole, truth = parts
    before = TGC(**SMALL).fit(as_graph(first))
    result = TGC(**SMALL).fit(as_graph(whole[EARLY:]), continue_from=before)
    assert score(result, truth) > 0.9


def test_a_stranger_cannot_be_gone_on_from(parts):
    import graphclust as gc

    first, whole, _ = parts
    leiden = gc.METHODS["leiden"]().fit(sbm(50, 2))
    with pytest.raises(GraphError, match="continue_from must be by tgc or htne"):
        TGC(**SMALL).fit(as_graph(whole), continue_from=leiden)
    other = as_graph(first.replace("n", "m", regex=True))
    before = TGC(**SMALL).fit(other)
    with pytest.raises(GraphError, match="continue_from knows none of the graph's node ids"):
        TGC(**SMALL).fit(as_graph(whole), continue_from=before)
    with pytest.raises(GraphError, match="dimensions must be those of the earlier result, 16"):
        TGC(**(SMALL | {"dimensions": 8})).fit(
            as_graph(first), continue_from=TGC(**SMALL).fit(as_graph(first))
        )


def test_no_event_in_a_part(parts):
    graph = between(as_graph(parts[0]), 5.0)
    result = TGC(**SMALL).fit(graph)
    assert len(result.labels) == graph.num_nodes
    with pytest.raises(TypeError, match="no labels over time"):
        result.labels_at(0.0)


def test_labels_are_renamed_to_what_they_were():
    labels, order = aligned(np.array([0, 0, 1, 1, 2, 2]), np.array([2, 2, 0, 0, -1, 5]))
    assert labels.tolist() == [2, 2, 0, 0, 1, 1]
    assert order.tolist() == [1, 2, 0]


def test_static_graphs_are_refused():
    with pytest.raises(GraphError, match=r"tgc needs event times; this graph has none"):
        TGC(n_clusters=2).fit(as_graph(torch.tensor([[0, 1], [1, 2]])))


def test_extras_are_finite():
    result = TGC(**SMALL).fit(temporal_sbm(60, 4, events=500, seed=0))
    assert math.isfinite(result.extras["last_moment"])
    for name in ("first_vectors", "forgetting", "trained_centres"):
        assert np.isfinite(result.extras[name]).all()
