"""Event times that are dates: read, kept, refused."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from graphs import same

from graphclust import GraphError, GraphWarning, as_graph, load
from graphclust.graph.export import to_igraph, to_networkx
from graphclust.graph.writers import save

DAYS = ["2020-01-02", "2020-01-01", "2020-01-03T12:00"]


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(DAYS, format="ISO8601"),
        pd.to_datetime(DAYS, format="ISO8601").tz_localize("UTC").tz_convert("Asia/Tokyo"),
        pd.to_datetime(DAYS, format="ISO8601").to_pydatetime(),
        DAYS,
        ["2020-01-02T02:00+02:00", "2020-01-01 ", "2020-01-03 12:00:00"],
        pd.Series([np.datetime64(day) for day in DAYS], dtype=object),  # of several units
    ],
)
def test_times_may_be_dates(times):
    frame = pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 0], "t": times})
    graph = as_graph(frame)
    assert graph.dated
    assert graph.t.tolist() == [1577836800 * 10**9 + h * 3600 * 10**9 for h in (0, 24, 60)]
    assert graph.edge_index.tolist() == [[1, 0, 2], [2, 1, 0]]
    again = as_graph(graph)
    assert again.dated
    assert same(again, graph)


def test_dates_that_have_gone_are_not_asked_for():
    graph = as_graph(pd.DataFrame({"source": [0], "target": [1], "t": ["2020-01-01"]}))
    del graph.t
    assert "dated" not in as_graph(graph)


@pytest.mark.parametrize("form", ["csv", "tsv", "csv.gz", "npz", "parquet", "safetensors"])
def test_dates_are_written_and_read(form, tmp_path):
    days = ["2020-01-01", "2020-06-01T05:00:00.123456789"]
    graph = as_graph(pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "t": days}))
    save(graph, tmp_path / f"g.{form}")
    back = load(tmp_path / f"g.{form}")
    assert back.dated
    assert torch.equal(back.t, graph.t)


@pytest.mark.parametrize("into", [to_networkx, to_igraph])
def test_dates_are_text_elsewhere_and_come_back(into, tmp_path):
    days = ["2020-01-01", "2020-06-01T05:00:00.123456789"]
    graph = as_graph(pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "t": days}))
    theirs = into(graph)
    with pytest.warns(GraphWarning, match="'t' is not read; time='t' reads event times from it"):
        assert "t" not in as_graph(theirs)
    back = as_graph(theirs, time="t")
    assert back.dated
    assert torch.equal(back.t, graph.t)
    assert "2020-01-01T00:00:00.000000000Z" in str(
        theirs.es["t"] if into is to_igraph else list(theirs.edges(data="t"))
    )


def test_dates_go_through_graphml(tmp_path):
    graph = as_graph(pd.DataFrame({"source": ["a"], "target": ["b"], "t": ["2020-01-01"]}))
    save(graph, tmp_path / "g.graphml")
    back = load(tmp_path / "g.graphml", time="t")
    assert back.dated
    assert torch.equal(back.t, graph.t)
    nx.write_gml(to_networkx(graph), tmp_path / "g.gml")
    assert torch.equal(load(tmp_path / "g.gml", time="t").t, graph.t)
    (tmp_path / "g.graph").write_text("2 1\n2\n1\n")
    with pytest.raises(GraphError, match=r"time goes with an edge list, parquet, \.graphml or"):
        load(tmp_path / "g.graph", time="t")


@pytest.mark.parametrize("times", [["3", "1", "2"], ["2020", "2019", "2021"]])
def test_text_of_digits_is_numbers_and_no_years(times):
    graph = as_graph(pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 0], "t": times}))
    assert "dated" not in graph
    assert graph.t.tolist() == sorted(float(t) for t in times)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (["2020-01-01", "soon"], "must be a date .* for every edge.*found 'soon' at edge 1"),
        (["2020-01-01", 7], "must be a date .*found '7' at edge 1"),
        ([pd.Timestamp("2020-01-01"), None], "must be a date .*found 'N.*' at edge 1"),
        (["2020-01-01", "1492-10-12"], "years 1678 to 2261, found 1492-10-12 to 2020-01-01"),
        (["2020-01-01", "now"], "must be a date .*found 'now' at edge 1"),
        (["now", "2020-01-01"], "time must be a number or a date .* for every edge, found 'now'"),
        (["soon", "2020-01-01"], "time must be a number or a date .* for every edge, found 'soon'"),
    ],
)
def test_times_that_are_no_dates(times, told):
    frame = pd.DataFrame({"source": [0, 1], "target": [1, 2], "t": pd.Series(times, dtype=object)})
    with pytest.raises(GraphError, match=told):
        as_graph(frame)
