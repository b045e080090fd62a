"""What a run will take: the fit over earlier rows, and the refusal of what cannot fit."""

import json

import numpy as np
import pandas as pd
import pytest

from graphclust import METHODS, GraphError, load
from graphclust.evaluate import estimate as module
from graphclust.evaluate.estimate import available_mb, estimate, refuse_what_cannot_fit, sizes
from graphclust.graph.synth import attributed_sbm, sbm

LEIDEN = METHODS["leiden"]()


def rows(method, seconds, mb, spread=1.0):
    """Rows of three runs each on five graphs; seconds and mb are functions of (N, A, X)."""
    table = []
    for n, degree in ((100, 8), (300, 60), (1000, 9), (3000, 50), (10000, 40)):
        size = (n, degree * n, 32 * n)
        for seed, noise in enumerate((1 / spread, 1.0, spread)):
            cost = {"seconds": seconds(*size) * noise, "mb": mb(*size)}
            params = json.dumps({k: v for k, v in vars(method).items() if k != "seed"})
            row = {"method": method.name, "params": params, "seed": seed}
            table.append(row | dict(zip(module.SIZES, size, strict=True)) | cost)
    return pd.DataFrame(table)


def test_a_linear_cost_is_found_again(monkeypatch):
    found = rows(LEIDEN, lambda n, a, x: 0.01 + 1e-6 * a, lambda n, a, x: 5 + 1e-3 * n, 1.2)
    monkeypatch.setattr(module, "earlier_rows", lambda: found)
    graph = sbm(n=2000, k=4, p_in=0.2, p_out=0.02)
    n, arcs, values = sizes(graph)
    assert (n, arcs, values) == (2000, graph.edge_index.shape[1], 0)
    expected = estimate(LEIDEN, graph)
    assert expected.seconds == pytest.approx(0.01 + 1e-6 * arcs, rel=0.1)
    assert expected.megabytes == pytest.approx(5 + 1e-3 * n, rel=0.1)
    assert expected.factor == pytest.approx(1.2, rel=0.1)
    assert (expected.runs, expected.graphs) == (15, 5)
    assert expected.beyond == pytest.approx(max(n / 10000, arcs / 400000))
    assert expected.fits
    assert "from 15 runs on 5 graphs" in str(expected)


def test_the_factor_is_that_of_graphs_left_out(monkeypatch):
    """One graph of five costs nine times as much an arc as the others."""
    found = rows(LEIDEN, lambda n, a, x: 1e-6 * a * (9 if n == 3000 else 1), lambda *s: 1.0)
    monkeypatch.setattr(module, "earlier_rows", lambda: found)
    assert estimate(LEIDEN, sbm(n=500)).factor == pytest.approx(9, rel=0.05)


def test_costs_far_above_and_far_below_count_alike(monkeypatch):
    found = rows(LEIDEN, lambda n, a, x: 1e-6 * a, lambda *s: 1.0, spread=5.0)
    monkeypatch.setattr(module, "earlier_rows", lambda: found)
    graph = sbm(n=2000, k=4, p_in=0.2, p_out=0.02)
    assert estimate(LEIDEN, graph).seconds == pytest.approx(1e-6 * sizes(graph)[1], rel=0.05)


def test_squares_are_fitted_where_memory_grows_so(monkeypatch):
    model = METHODS["agglomerative"](n_clusters=3)
    found = rows(model, lambda n, a, x: 1e-8 * n**2, lambda n, a, x: 1 + 8e-6 * n**2)
    monkeypatch.setattr(module, "earlier_rows", lambda: found)
    graph = attributed_sbm(6000, 4, p_in=0.002, p_out=0.001, features=2)
    assert estimate(model, graph).megabytes == pytest.approx(1 + 8e-6 * 6000**2, rel=0.05)


def test_rows_of_a_free_number_of_clusters_do_not_count_for_a_fixed_one(monkeypatch):
    monkeypatch.setattr(
        module, "earlier_rows", lambda: rows(LEIDEN, lambda *s: 1.0, lambda *s: 1.0)
    )
    graph = sbm(n=50)
    assert estimate(LEIDEN, graph) is not None
    assert estimate(METHODS["leiden"](n_clusters=3), graph) is None
    assert estimate(METHODS["louvain"](), graph) is None


def test_a_run_that_cannot_fit_is_refused(monkeypatch):
    huge = rows(LEIDEN, lambda *s: 1.0, lambda n, a, x: 1e6 * n)
    monkeypatch.setattr(module, "earlier_rows", lambda: huge)
    with pytest.raises(GraphError, match=r"leiden is expected to take .* MB here, and .* are free"):
        refuse_what_cannot_fit(LEIDEN, sbm(n=500))
    assert not estimate(LEIDEN, sbm(n=500)).fits
    refuse_what_cannot_fit(METHODS["louvain"](), sbm(n=500))  # nothing known, nothing refused


def test_memory_that_is_free_is_a_sensible_number():
    assert 10 < available_mb() < 1e8


def test_the_rows_at_hand_estimate_a_real_graph():
    """Within a factor of ten of the truth, on a graph that is in no experiment."""
    graph = load("dcsbm:n=30000,k=40,degree=12,seed=5")
    expected = estimate(LEIDEN, graph)
    assert expected is not None
    seconds = LEIDEN.fit(graph).seconds
    assert 0.1 < expected.seconds / seconds < 10
    assert np.isfinite(expected.megabytes)
