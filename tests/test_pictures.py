"""Pictures of clusters."""

import numpy as np
import pytest
from matplotlib.image import imread

from graphclust import draw_clusters, load


@pytest.mark.parametrize("name", ["karate", "dsbm:n=90,k=3"])
def test_a_picture_is_drawn(name, tmp_path):
    graph = load(name)
    draw_clusters(graph, graph.y, tmp_path / "a.png")
    pixels = imread(tmp_path / "a.png")
    assert pixels.shape[0] > 500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 10
    draw_clusters(graph, graph.y, tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_one_cluster_and_many(tmp_path):
    graph = load("karate")
    draw_clusters(graph, np.zeros(34, int), tmp_path / "one.svg")
    draw_clusters(graph, np.arange(34), tmp_path / "many.svg")
    assert "the 30 largest of 34 clusters" in (tmp_path / "many.svg").read_text()


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a picture ends in \.png, \.svg, \.pdf, found 'a.gif'"):
        draw_clusters(load("karate"), np.zeros(34, int), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())
