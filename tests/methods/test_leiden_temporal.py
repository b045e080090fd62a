"""Leiden on streams: what has aged counts for less; communities that last over slices."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score as ari

from graphclust import METHODS, as_graph, load
from graphclust.graph.resample import rewired
from graphclust.graph.synth import temporal_sbm
from graphclust.graph.temporal import between
from graphclust.methods.leiden import LeidenDecay
from graphclust.methods.leiden_slices import LeidenSlices


@pytest.fixture(scope="module")
def moving():
    return temporal_sbm(120, 3, events=8000, mixing=0.05, moving=0.3, seed=0)


def test_decay_follows_those_who_moved_before_most_events_do(moving):
    graph = between(moving, end=0.6)  # they moved at 0.5
    y = moving.y.numpy()
    with pytest.warns(match="ignores event times"):
        plain = METHODS["leiden"]().fit(graph)
    assert ari(y, LeidenDecay(half_life=0.05).fit(graph).labels) > 0.8 > ari(y, plain.labels)


def test_a_long_half_life_is_the_projection(moving):
    with pytest.warns(match="ignores event times"):
        plain = METHODS["leiden"]().fit(moving)
    assert np.array_equal(LeidenDecay(half_life=1e9).fit(moving).labels, plain.labels)


def test_slices_follow_the_blocks_and_keep_their_numbers(moving):
    result = LeidenSlices(slices=6).fit(moving)
    before, y = np.arange(120) * 3 // 120, moving.y.numpy()
    early, late = result.labels_at(0.2), result.labels_at(1.0)
    there = (early >= 0) & (late >= 0)
    assert ari(before[there], early[there]) > 0.9
    assert ari(y[there], late[there]) > 0.9
    stay = there & (before == y)
    assert (early[stay] == late[stay]).mean() > 0.9
    assert np.array_equal(late[there], result.labels[there])


def test_coupling_is_what_holds_slices_together(moving):
    loose = LeidenSlices(slices=6, coupling=0.0).fit(moving)
    early, late = loose.labels_at(0.2), loose.labels_at(1.0)
    assert not set(early[early >= 0]) & set(late[late >= 0])  # every slice has its own
    tight = LeidenSlices(slices=6, coupling=1e6).fit(moving)
    rows = tight.extras["labels_over_time"]
    assert all(len(set(column[column >= 0])) == 1 for column in rows.T)


def test_nodes_are_there_from_their_first_event_to_their_last():
    table = pd.DataFrame([(0, 1, 1), (1, 2, 2), (0, 1, 3), (2, 3, 4)])
    table.columns = ["source", "target", "t"]
    result = LeidenSlices(slices=4).fit(as_graph(table))
    there = result.extras["labels_over_time"] >= 0
    expected = [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 1, 1]]
    assert np.array_equal(there, np.array(expected, bool))
    assert result.extras["moments"].tolist() == [1, 2, 3, 4]


def test_a_stream_without_structure_comes_to_an_end(stored_data):
    """Rounding of weights that add up to 10⁵ had nodes move back and forth for ever."""
    null = rewired(load("hospital"), seed=0)
    assert LeidenSlices().fit(null).n_clusters > 1
