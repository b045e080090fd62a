"""Streams that go on: what TGC keeps of an earlier result, and what it learns of later events."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import Clustering, GraphError, as_graph
from graphclust.graph.synth import sbm, temporal_sbm
from graphclust.graph.temporal import between
from graphclust.methods.tgc import TGC
from graphclust.nn.assign import aligned

EARLY = 500  # events of `parts` before the stream goes on
SMALL = {"n_clusters": 4, "dimensions": 16, "walks": 5, "length": 20, "epochs": 5}


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


def test_labels_are_renamed_to_what_they_were():
    labels, order = aligned(np.array([0, 0, 1, 1, 2, 2]), np.array([2, 2, 0, 0, -1, 5]))
    assert labels.tolist() == [2, 2, 0, 0, 1, 1]
    assert order.tolist() == [1, 2, 0]


def test_no_event_in_a_part(parts):
    graph = between(as_graph(parts[0]), 5.0)
    result = TGC(**SMALL).fit(graph)
    assert len(result.labels) == graph.num_nodes
    with pytest.raises(TypeError, match="no labels over time"):
        result.labels_at(0.0)
