"""Edges drawn anew, and graphs rewired: what stays, what goes, and that chance decides fairly."""

import math
import random
from collections import Counter, defaultdict

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from graphs import bare, eventful, planted, same, suited

from graphclust import as_graph, load
from graphclust.graph.build import with_edges
from graphclust.graph.export import edges_once, to_scipy
from graphclust.graph.raw import Raw
from graphclust.graph.resample import ROUNDS, dealt, edge_sample, rewired

SIGNED = as_graph([(i, j, (-1.0) ** (i * j)) for i in range(30) for j in range(i) if (i + j) % 3])
WEIGHTED = as_graph(nx.les_miserables_graph())
GRAPHS = {
    "plain": load("karate"),
    "weighted": WEIGHTED,
    "directed": suited("herm", planted()),
    "directed, weighted": as_graph(
        [(i, j, 1.0 + i + 3 * j) for i in range(40) for j in range(40) if (i * j + i) % 7 == 1],
        directed=True,
    ),
    "signed": SIGNED,
    "events": eventful(planted()),
    "arcs as events": eventful(suited("herm", planted())),
    "features": planted(),
}


def bootstrap(graph, seed):
    return edge_sample(graph, seed, None)


def listed(graph):
    return list(zip(*(part.tolist() for part in edges_once(graph)[:2]), strict=True))


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("change", [edge_sample, bootstrap, rewired])
def test_the_same_seed_gives_the_same_graph_and_nothing_else_changes(name, change):
    graph = GRAPHS[name]
    state, before = random.getstate(), graph.clone()
    first = change(graph, 3)
    assert same(first, change(graph, 3))
    assert not same(first, change(graph, 4))
    assert same(graph, before)
    assert random.getstate() == state
    assert first.num_nodes == graph.num_nodes
    assert first.directed == graph.directed
    assert (first.get("t") is None) == (graph.get("t") is None)
    for kept in ("x", "y", "node_ids"):
        assert (graph.get(kept) is None) or first[kept] is graph[kept]


@pytest.mark.parametrize("name", GRAPHS)
def test_the_bootstrap_draws_as_many_edges_as_there_are(name):
    graph = GRAPHS[name]
    sample = bootstrap(graph, 0)
    assert set(listed(sample)) <= set(listed(graph))
    if graph.get("t") is not None:
        times = Counter(graph.t.tolist())
        assert len(sample.t) == len(graph.t)
        assert all(moment in times for moment in sample.t.tolist())
        return
    weight = edges_once(graph)[2]
    known = dict(
        zip(listed(graph), np.ones(len(listed(graph))) if weight is None else weight, strict=True)
    )
    times = np.array(
        [w / known[e] for e, w in zip(listed(sample), edges_once(sample)[2], strict=True)]
    )
    assert times == pytest.approx(np.round(times))
    assert times.sum() == pytest.approx(len(known))


@pytest.mark.parametrize("name", GRAPHS)
def test_a_share_of_the_edges_is_kept_as_it_is(name):
    graph = GRAPHS[name]
    every, kept = (
        Counter(zip(*(part.tolist() for part in parts if part is not None), strict=True))
        for parts in (edges_once(graph), edges_once(edge_sample(graph, 0, 0.6)))
    )
    assert sum(kept.values()) == round(0.6 * sum(every.values()))
    assert kept <= every
    for share in (0.0, 1.0, -0.5):
        with pytest.raises(ValueError, match=f"share must lie between 0 and 1, found {share}"):
            edge_sample(graph, 0, share)


def test_every_edge_is_drawn_once_on_average_and_missed_with_chance_1_over_e():
    adjacency = to_scipy(GRAPHS["plain"]).toarray()
    drawn = np.mean([to_scipy(bootstrap(GRAPHS["plain"], s)).toarray() for s in range(200)], 0)
    assert abs(drawn[adjacency > 0] - 1).max() < 0.35  # five standard errors of a Poisson mean
    sample = bootstrap(planted(n=400), 0)
    missed = 1 - sample.num_edges / planted(n=400).num_edges
    assert missed == pytest.approx(math.exp(-1), abs=0.02)


@pytest.mark.parametrize("name", [name for name in GRAPHS if "events" not in name])
def test_rewiring_keeps_degrees_and_weights_and_little_else(name):
    graph = GRAPHS[name]
    new = rewired(graph, 0)
    before, after = ((to_scipy(g) != 0).toarray() for g in (graph, new))
    for axis in (0, 1):
        assert (before.sum(axis) == after.sum(axis)).all()
    assert (before & after).sum() < 0.75 * before.sum()
    if graph.edge_weight is not None:
        assert sorted(new.edge_weight.tolist()) == sorted(graph.edge_weight.tolist())


def test_weights_are_dealt_so_that_strengths_stay():
    """Nearer than where chance alone deals them."""
    for name in ("weighted", "directed, weighted"):
        graph = GRAPHS[name]
        new = rewired(graph, 0)
        source, target, weight = edges_once(new)
        by_chance = np.random.default_rng(0).permutation(weight)
        raw = Raw(source, target, graph.num_nodes, graph.directed, by_chance)
        shuffled = with_edges(graph, raw)
        for axis in (0, 1):
            before, dealt_out, random_out = (
                np.asarray(to_scipy(g).sum(axis=axis)) for g in (graph, new, shuffled)
            )
            assert abs(dealt_out - before).mean() < 0.7 * abs(random_out - before).mean()


def test_nodes_nearly_keep_their_negative_edges():
    rng = np.random.default_rng(0)
    graph = as_graph(nx.gnm_random_graph(60, 400, seed=0))
    source, target, _ = edges_once(graph)
    foes = (source < 10) | (target < 10)  # ten nodes have nearly all of the negative edges
    weight = np.where(foes & (rng.random(400) < 0.9), -1.0, 1.0) * rng.uniform(1, 2, 400)
    graph = with_edges(graph, Raw(source, target, 60, False, weight))
    before, after = (-to_scipy(g).minimum(0).sum(axis=1) for g in (graph, rewired(graph, 0)))
    assert np.corrcoef(before, after)[0, 1] > 0.95


@pytest.mark.parametrize("directed", [False, True])
def test_dealing_equals_its_rule_in_loops(directed):
    rng = np.random.default_rng(5)
    source, target = np.array([0, 0, 1, 2, 3, 4, 1, 0]), np.array([1, 2, 2, 3, 4, 5, 5, 5])
    new = np.array([1, 0, 3, 0, 2, 4, 1, 2]), np.array([2, 3, 4, 5, 5, 0, 5, 1])
    weight = rng.random(8) * 9
    found = dealt((source, target, weight), new, 6, directed, np.random.default_rng(1))
    rng, lacks_out, lacks_in = np.random.default_rng(1), defaultdict(float), defaultdict(float)
    for s, t, w in zip(source, target, weight, strict=True):
        lacks_out[s] += w
        (lacks_in if directed else lacks_out)[t] += w
    lacks_in = lacks_in if directed else lacks_out
    open_, left, expected = rng.permutation(8).tolist(), rng.permutation(8).tolist(), {}
    left.sort(key=lambda e: weight[e])
    for rounds in range(ROUNDS, 0, -1):
        open_.sort(key=lambda e: max(lacks_out[new[0][e]], 0) * max(lacks_in[new[1][e]], 0))
        chosen = sorted(rng.permutation(len(open_))[: math.ceil(len(open_) / rounds)].tolist())
        for rank in chosen:
            edge, given = open_[rank], left[rank]
            expected[edge] = given
            lacks_out[new[0][edge]] -= weight[given]
            lacks_in[new[1][edge]] -= weight[given]
        open_ = [e for rank, e in enumerate(open_) if rank not in chosen]
        left = [e for rank, e in enumerate(left) if rank not in chosen]
    assert found.tolist() == [expected[e] for e in range(8)]


@pytest.mark.parametrize("directed", [False, True])
def test_events_go_with_their_pair(directed):
    pairs = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("e", "f"), ("f", "a")] * 3
    pairs += [("b", "a")] * 2 * directed + [("a", "b")] * 4
    rows = [(u, v, 1.0 + i, i) for i, (u, v) in enumerate(pairs)]
    frame = pd.DataFrame(rows, columns=["source", "target", "weight", "time"])
    graph = as_graph(frame, directed=directed)
    new = rewired(graph, 2)
    assert listed(new) != listed(graph)
    assert new.t.tolist() == graph.t.tolist()
    assert new.edge_weight.tolist() == graph.edge_weight.tolist()

    def histories(g):
        found = defaultdict(list)
        for ends, t in zip(listed(g), g.t.tolist(), strict=True):
            found[ends if directed else tuple(sorted(ends))].append(t)
        return sorted(found.values())

    assert histories(new) == histories(graph)


def test_graphs_that_cannot_change():
    empty, full = bare(np.eye(4)), as_graph(nx.complete_graph(6))
    for change in (edge_sample, bootstrap, rewired):
        assert change(empty, 0).num_edges == 0
    assert same(rewired(full, 0), full)
