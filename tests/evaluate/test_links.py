"""Link prediction: what is held out, what is drawn beside it, and how pairs are scored."""

import numpy as np
import pandas as pd
import pytest
from graphs import TRIANGLES, pairs, planted
from sklearn.linear_model import LogisticRegression

import graphclust
from graphclust import GraphError, as_graph, load, score_edges
from graphclust.evaluate.links import hold_out, link_prediction
from graphclust.graph.build import components
from graphclust.graph.export import edges_once


def names(edges):
    return {(int(u), int(v)) for u, v in edges}


@pytest.mark.parametrize("seed", [0, 1])
def test_half_of_the_edges_go_and_no_part_falls_apart(seed):
    graph = planted()
    split = hold_out(graph, 0.5, seed=seed)
    every = names(np.stack(edges_once(graph)[:2], axis=1))
    rest = names(np.stack(edges_once(split.rest)[:2], axis=1))
    held, others = names(split.edges), names(split.others)
    assert len(held) == len(others) == round(len(every) / 2)
    assert rest | held == every
    assert not rest & held
    assert not others & every
    assert all(u < v for u, v in others)
    assert components(split.rest).max() == components(graph).max() == 0
    assert split.rest.x is not None
    again = hold_out(graph, 0.5, seed=seed)
    assert np.array_equal(split.edges, again.edges)
    assert np.array_equal(split.others, again.others)
    assert names(hold_out(graph, 0.5, seed=seed + 7).edges) != held


def test_any_edge_may_be_held_out_where_its_ends_stay_joined():
    graph = pairs((0, 1), (1, 2), (0, 2), (2, 3), (4, 5), n=12)  # a triangle, a tail, a pair
    held = [names(hold_out(graph, 0.2, seed=seed).edges).pop() for seed in range(40)]
    assert set(held) == {(0, 1), (1, 2), (0, 2)}
    with pytest.raises(GraphError, match="of 5 edges cannot be held out: without 4 of them parts"):
        hold_out(graph, 0.4)


def test_arcs_and_weights_are_held_out_as_they_are():
    arcs = np.array([[0, 1, 2, 1, 2, 3], [1, 0, 1, 2, 0, 0]])
    graph = as_graph(arcs, directed=True, num_nodes=6)
    graph.edge_weight = graph.edge_index.sum(dim=0).double() + 1
    split = hold_out(graph, 0.5, seed=0)
    assert split.rest.directed
    assert components(split.rest).tolist() == components(graph).tolist()
    assert not names(split.others) & names(arcs.T)
    assert (split.rest.edge_weight == split.rest.edge_index.sum(dim=0) + 1).all()


def test_scores_of_pairs_are_their_formulas():
    rng = np.random.default_rng(0)
    z, asked = rng.standard_normal((9, 4)), rng.integers(9, size=(20, 2))
    z[3] = 0
    dot = [z[u] @ z[v] for u, v in asked]
    assert np.allclose(score_edges(z, asked), dot)
    length = np.linalg.norm(z, axis=1)
    cosine = [0 if 3 in (u, v) else z[u] @ z[v] / length[u] / length[v] for u, v in asked]
    assert np.allclose(score_edges(z, asked, "cosine"), cosine)
    known, truth = rng.integers(9, size=(30, 2)), rng.random(30) < 0.5
    model = LogisticRegression(max_iter=1000).fit(z[known[:, 0]] * z[known[:, 1]], truth)
    chance = model.predict_proba(z[asked[:, 0]] * z[asked[:, 1]])[:, 1]
    assert np.allclose(score_edges(z, asked, "hadamard", (known, truth)), chance)
    assert score_edges(z, np.empty((0, 2), int)).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.zeros((3, 2)), [[0, 3]]), "pairs must hold places 0..2"),
        ((np.zeros((3, 2)), [[-1, 0]]), "pairs must hold places 0..2"),
        ((np.zeros((3, 2)), [0, 1]), r"pairs must be whole numbers of shape \(M, 2\)"),
        ((np.zeros((3, 2)), [[0.5, 1]]), "pairs must be whole numbers"),
        ((np.zeros((3, 2)), [[0, 1]], "l2"), "how must be dot, cosine or hadamard, found 'l2'"),
        ((np.zeros((3, 2)), [[0, 1]], "hadamard"), "how='hadamard' needs known pairs"),
    ],
)
def test_wrong_pairs_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        score_edges(*arguments)


def test_what_cannot_be_split_is_refused():
    for share in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="share must lie between 0 and 1"):
            hold_out(planted(), share)
    with pytest.raises(GraphError, match="of 7 edges cannot be held out"):
        hold_out(pairs(*TRIANGLES, n=6), 0.9)
    complete = as_graph(np.ones((6, 6)) - np.eye(6))
    with pytest.raises(GraphError, match="15 of 15 pairs are edges: too few others"):
        hold_out(complete, 0.2)
    events = pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 0], "time": [1.0, 2.0, 3.0]})
    with pytest.raises(GraphError, match="this one has event times"):
        hold_out(as_graph(events), 0.5)


def test_vectors_of_blocks_predict_edges_and_chance_does_not():
    graph = load("sbm:n=200,k=4,p_in=0.3,p_out=0.01")
    rng = np.random.default_rng(0)
    blocks = np.eye(4)[graph.y.numpy()] + 0.01 * rng.standard_normal((200, 4))
    found = link_prediction(lambda rest: blocks, graph)
    assert found["auc_dot"] > 0.85
    assert found["auc_hadamard"] > 0.85
    chance = link_prediction(lambda rest: rng.standard_normal((200, 4)), graph)
    assert all(abs(value - 0.5) < 0.1 for value in chance.values())
    seen = []
    link_prediction(lambda rest: seen.append(rest.num_edges) or blocks, graph)
    assert seen == [graph.num_edges - 2 * round(graph.num_edges / 4)]


def test_it_is_public():
    assert graphclust.score_edges is score_edges
