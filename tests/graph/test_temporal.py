from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import TemporalData

from graphclust.graph.build import static, symmetrise
from graphclust.graph.convert import as_graph
from graphclust.graph.errors import GraphError
from graphclust.graph.synth import sbm, temporal_sbm
from graphclust.graph.temporal import Stream, between, decayed, slices, unit_times, windows


def events(*rows, n=None, **options):
    table = pd.DataFrame(rows, columns=["source", "target", "time"])
    return as_graph(table, **options)


def random_events(n=12, m=80, seed=0):
    rng = np.random.default_rng(seed)
    source = rng.integers(0, n, m)
    target = (source + rng.integers(1, n, m)) % n
    times = np.sort(rng.integers(0, 25, m))  # many at the same moment
    return as_graph(pd.DataFrame({"source": source, "target": target, "t": times}))


def plain_histories(graph, strict):
    """Sample by sample: (node, partner, event) and the partners before, the latest first."""
    met = {v: [] for v in range(graph.num_nodes)}
    for e, (u, v) in enumerate(graph.edge_index.T.tolist()):
        for a, b in ((u, v), (v, u)):
            met[a].append((b, e))
    found = {}
    for v, samples in met.items():
        for i, (w, e) in enumerate(samples):
            past = samples[:i]
            if strict:
                past = [(p, q) for p, q in past if graph.t[q] < graph.t[e]]
            found[v, w, e] = [p for p, _ in past[::-1]]
    return found


@pytest.mark.parametrize("strict", [True, False])
def test_histories_are_those_of_a_loop(strict):
    graph = random_events()
    stream = Stream.of(graph, strict=strict)
    expected = plain_histories(graph, strict)
    at, there = stream.history(np.arange(len(stream.node)), 4)
    samples = zip(stream.node, stream.partner, stream.event, strict=True)
    for i, key in enumerate(samples):
        past = expected[tuple(int(part) for part in key)]
        assert stream.partner[at[i]][there[i]].tolist() == past[:4]
    assert len(expected) == len(stream.node) == 2 * graph.edge_index.shape[1]


def test_the_latest_partners_at_a_moment():
    graph = events((0, 1, 1), (0, 2, 2), (2, 1, 3), (0, 1, 3))
    stream = Stream.of(graph)
    for moment, wanted in (
        (0, [[], [], []]),
        (2, [[2, 1], [0], [0]]),
        (9, [[1, 2], [0, 2], [1, 0]]),
    ):
        at, there = stream.latest(moment, graph.t.numpy(), 2)
        assert [stream.partner[a][m].tolist() for a, m in zip(at, there, strict=True)] == wanted


def test_temporal_data_and_frames_give_the_same_stream():
    graph = random_events()
    source, target = graph.edge_index
    other = as_graph(TemporalData(src=source, dst=target, t=graph.t), directed=False)
    assert torch.equal(other.edge_index, graph.edge_index)
    assert np.array_equal(Stream.of(other).partner, Stream.of(graph).partner)


def test_parts_of_the_time_line():
    graph = random_events()
    part = between(graph, 5, 9)
    assert set(part.t.tolist()) == set(range(5, 9)) & set(graph.t.tolist())
    assert part.num_nodes == graph.num_nodes
    pieces = list(slices(graph, 7))
    assert [end for end, _ in pieces] == [p.t[-1].item() for _, p in pieces]
    assert torch.equal(torch.cat([p.edge_index for _, p in pieces], dim=1), graph.edge_index)
    assert len(pieces) == 7
    assert all(a.t[-1] < b.t[0] for (_, a), (_, b) in pairwise(pieces))  # moments are not cut
    assert len(list(slices(events((0, 1, 5), (1, 2, 5), (0, 2, 6)), 3))) == 2
    seen = list(windows(graph, 6))
    assert torch.equal(torch.cat([p.t for _, p in seen]), graph.t)
    wide = list(windows(graph, 6, step=3))
    assert all(((p.t >= end - 6) & (p.t < end)).all() for end, p in wide)
    assert wide[-1][1].t[-1] == graph.t[-1]


def test_every_event_is_in_one_window_whatever_rounding_does():
    graph = events(*((0, 1, 0.1 * i) for i in (0, 1, 2, 3, 5, 6, 7)))
    seen = [part.t for _, part in windows(graph, 0.1)]
    assert torch.equal(torch.cat(seen), graph.t)
    ends = [end for end, _ in windows(events((0, 1, 0), (0, 1, 5), (0, 1, 9)), 1, step=4)]
    assert ends == [1, 5, 9, 13]


def test_decay_halves():
    graph = events((0, 1, 0), (0, 1, 10), (1, 2, 20))
    found = decayed(graph, 10)
    weights = {
        tuple(e): w
        for e, w in zip(found.edge_index.T.tolist(), found.edge_weight.tolist(), strict=True)
    }
    assert weights == {(0, 1): 0.75, (1, 0): 0.75, (1, 2): 1.0, (2, 1): 1.0}
    assert decayed(graph, 10, at=10).edge_weight.tolist() == [1.5, 1.5]
    assert "t" not in found


def test_without_a_direction_events_stay():
    graph = events((0, 1, 0), (1, 0, 5), (1, 2, 20), directed=True)
    same = symmetrise(graph)
    assert not same.directed
    assert graph.directed
    assert torch.equal(same.edge_index, graph.edge_index)
    assert static(same).edge_weight.tolist() == [2, 2, 1, 1]


def test_times_on_the_unit_interval():
    assert unit_times(events((0, 1, 5), (0, 1, 10), (1, 2, 25))).tolist() == [0, 0.25, 1]
    assert unit_times(events((0, 1, 5), (1, 2, 5))).tolist() == [0, 0]


def test_what_has_no_times_is_refused():
    for use in (Stream.of, between, lambda g: decayed(g, 1.0), lambda g: next(slices(g, 1))):
        with pytest.raises(GraphError, match="no event times"):
            use(sbm(20, 2))
    graph = events((0, 1, 5), (1, 2, 6))
    with pytest.raises(GraphError, match="slices must lie between 1 and the 2 events, found 3"):
        next(slices(graph, 3))
    with pytest.raises(GraphError, match="half_life must be above 0"):
        decayed(graph, 0)
    with pytest.raises(GraphError, match="width and step must be above 0"):
        next(windows(graph, 0))


def test_planted_streams():
    graph = temporal_sbm(300, 4, events=20_000, mixing=0.3, moving=0.2, seed=1)
    again = temporal_sbm(300, 4, events=20_000, mixing=0.3, moving=0.2, seed=1)
    assert torch.equal(graph.edge_index, again.edge_index)
    source, target = graph.edge_index
    late = graph.t >= 0.5
    inside = (graph.y[source] == graph.y[target])[late].float().mean()
    assert inside == pytest.approx(0.7, abs=0.02)  # loops are dropped, so a little less
    start = torch.arange(300) * 4 // 300
    assert (start[source] == start[target])[~late].float().mean() == pytest.approx(0.7, abs=0.02)
    assert 0.1 < (start != graph.y).float().mean() < 0.3
    assert not late[:-1][graph.t[1:] < graph.t[:-1]].any()
    assert temporal_sbm(5, 5, events=0).edge_index.shape == (2, 0)
    with pytest.raises(GraphError, match="moving must lie in"):
        temporal_sbm(moving=2.0)


def test_parts_of_streams_with_dates_are_cut_by_dates():
    days = ["2019-12-30", "2020-01-01", "2020-06-01"]
    graph = as_graph(pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 0], "t": days}))
    assert len(between(graph, "2019-12-31").t) == 2
    assert len(between(graph, end=pd.Timestamp("2020-01-01", tz="UTC")).t) == 1
    day = 24 * 3600 * 10**9
    assert decayed(graph, 2 * day, at=np.datetime64("2020-01-01")).edge_weight.max() == 1
    for half_life in (
        "2 days",
        "48h",
        timedelta(days=2),
        np.timedelta64(2, "D"),
        pd.Timedelta(2, "D"),
    ):
        found = decayed(graph, half_life, at="2020-01-01")
        assert found.edge_weight.tolist() == [0.5, 0.5, 1, 1]
    seen = list(windows(graph, "100 days", step="150 days"))
    assert [end for end, _ in seen] == [np.datetime64(d) for d in ("2020-04-08", "2020-09-05")]
    assert [len(part.t) for _, part in seen] == [2, 1]
    assert [end for end, _ in slices(graph, 3)] == [np.datetime64(d) for d in days]
    wide = list(windows(graph, "100000 days"))
    assert [(end > np.datetime64("2262-01-01"), len(part.t)) for end, part in wide] == [(True, 3)]
    assert len(list(windows(graph, np.int64(9 * 10**18)))) == 1
    assert len(list(windows(graph, pd.offsets.Hour(24 * 100)))) == 2
    for wrong in ("soon", "7", "", None, pd.NaT, np.timedelta64("NaT"), pd.DateOffset(months=1)):
        with pytest.raises(ValueError, match='must be one such as "7 days"'):
            next(windows(graph, wrong))
    for wrong in ("-7 days", 0, float("inf"), float("nan")):
        with pytest.raises(GraphError, match="must be above 0 and finite"):
            next(windows(graph, wrong))
    with pytest.raises(ValueError, match="must be a date"):
        between(graph, "soon")
    graph = as_graph(pd.DataFrame({"source": [0], "target": [1], "t": [3]}))
    with pytest.raises(TypeError, match="are numbers, found '7 days'"):
        decayed(graph, "7 days")
    with pytest.raises(TypeError, match="are numbers, found '2020-01-01'"):
        between(graph, "2020-01-01")
