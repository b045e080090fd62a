"""What cells will cost: what was measured, else a fit, else roughly, else nothing."""

import pytest

from graphclust import METHODS
from graphclust.evaluate import costs
from graphclust.evaluate.cells import Cell
from graphclust.evaluate.costs import OVERHEAD, expected_seconds
from graphclust.evaluate.run import params_text

SIZES = [(100, 400, 0), (1000, 9000, 0), (3000, 90000, 0), (9000, 100000, 0)]


def cell(name="louvain", dataset="new", size=(2000, 20000, 0), limit=1e6, **params):
    method = METHODS[name](**params)
    return Cell(dataset=dataset, label=name, method=method, task="clustering", size=size,
                time_limit=limit, memory_limit=None)  # fmt: skip


def rows(seconds, sizes=SIZES, name="louvain", **params):
    """A row a graph, whose seconds are a function of nodes and arcs."""
    text = params_text(METHODS[name](**params))
    return [
        {"dataset": f"d{i}", "method": name, "params": text, "status": "ok", "cpu_seconds": str(s)}
        | {"nodes": n, "arcs": a, "x_values": x}
        for i, (n, a, x) in enumerate(sizes)
        for s in [seconds(n, a)]
    ]


@pytest.fixture(autouse=True)
def none_published(monkeypatch):
    nothing = costs.earlier_rows()[:0]
    monkeypatch.setattr(costs, "earlier_rows", lambda: nothing)


def test_what_was_measured_is_believed():
    measured = rows(lambda n, a: 1e-3 * n)
    other = [row | {"cpu_seconds": s} for row in measured[:1] for s in (7.0, 9.0)]
    found = expected_seconds([cell(dataset="d0"), cell(dataset="d0", limit=2.0)], other + other[:1])
    assert [e.seconds for e in found] == [7.0 + OVERHEAD, 2.0 + OVERHEAD]
    assert not found[0].rough


def test_other_graphs_are_fitted():
    (found,) = expected_seconds([cell()], rows(lambda n, a: 1e-4 * a))
    assert found.seconds == pytest.approx(2.0 + OVERHEAD, rel=0.02)
    assert not found.rough


def test_a_fit_is_of_the_same_head_where_there_are_rows_of_it():
    told = rows(lambda n, a: 5e-4 * a, name="leiden", n_clusters=3)
    free = rows(lambda n, a: 1e-4 * a, name="leiden")
    cells = [cell("leiden"), cell("leiden", n_clusters=5)]
    seconds = [e.seconds - OVERHEAD for e in expected_seconds(cells, told + free)]
    assert seconds == pytest.approx([2.0, 10.0], rel=0.02)
    (other,) = expected_seconds(cells[1:], free)
    assert other.seconds - OVERHEAD == pytest.approx(2.0, rel=0.02)


def test_few_graphs_tell_roughly_and_none_nothing():
    (found,) = expected_seconds([cell()], rows(lambda n, a: 1e-4 * (n + a), SIZES[:2]))
    assert found.seconds - OVERHEAD == pytest.approx(2.2)
    assert found.rough
    failed = [row | {"status": "failed"} for row in rows(lambda n, a: 1.0)]
    assert expected_seconds([cell(), cell("infomap")], failed) == [None, None]


def test_published_rows_are_used_too(monkeypatch):
    published = costs._known(rows(lambda n, a: 1e-4 * a))
    monkeypatch.setattr(costs, "earlier_rows", lambda: published)
    (found,) = expected_seconds([cell()], [])
    assert found.seconds - OVERHEAD == pytest.approx(2.0, rel=0.02)
