"""What every method promises, checked on every method in METHODS."""

import copy
import inspect
import random
import sys

import numpy as np
import pytest
import torch
from graphs import method, noise, permuted, planted, planted_for, same, suited
from lists import density_methods, every_method, reads
from sklearn.metrics import adjusted_rand_score as ari
from threadpoolctl import threadpool_limits

from graphclust import METHODS, Clustering, GraphError, GraphWarning, as_graph
from graphclust.params import required

# networks are trained briefly here, and asked for clusters in noise
pytestmark = pytest.mark.filterwarnings("ignore:.* clusters held no node")

walkers = {"deepwalk": 300, "node2vec": 1000, "htne": 1000, "tgc": 1000}
FEWER = {"leiden_slices": 500} | walkers  # nodes that are enough for more than one thread


# --- results ---------------------------------------------------------------------------------


@every_method
def test_labels_are_consecutive_whole_numbers(name):
    result = method(name).fit(planted_for(name))
    assert result.labels.dtype == np.int64
    assert result.labels.shape == (120,)
    assert np.array_equal(np.unique(result.labels), np.arange(result.n_clusters))
    assert np.array_equal(result.sizes, np.bincount(result.labels))
    assert np.array_equal(method(name).fit_predict(planted_for(name)), result.labels)


@every_method
def test_planted_blocks_are_found(name):
    graph = planted_for(name)
    assert ari(graph.y.numpy(), method(name).fit(graph).labels) > 0.95


@pytest.mark.gpu
@pytest.mark.parametrize(
    "name", [n for n in METHODS if "device" in METHODS[n].__dataclass_fields__]
)
def test_planted_blocks_are_found_on_a_gpu(name):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    graph = planted_for(name)
    assert ari(graph.y.numpy(), method(name, device="cuda").fit(graph).labels) > 0.95


@pytest.mark.parametrize("name", sorted(set(density_methods) & set(reads("directed"))))
def test_planted_blocks_are_found_in_arcs(name):
    graph = planted()
    rng = np.random.default_rng(0)
    source, target = graph.edge_index.numpy()
    once = source < target
    flip = rng.random(once.sum()) < 0.5
    low, high = source[once], target[once]
    arcs = np.stack([np.where(flip, low, high), np.where(flip, high, low)])
    directed = as_graph(torch.from_numpy(arcs), directed=True, num_nodes=120)
    switch = {"directed": True} if "directed" in METHODS[name].__dataclass_fields__ else {}
    found = method(name, **switch).fit(suited(name, directed))
    assert ari(graph.y.numpy(), found.labels) > 0.95


@pytest.mark.parametrize("name", reads("signed"))
def test_planted_blocks_are_found_in_signs(name):
    """Everybody is joined; only the signs tell friends from foes."""
    y = np.arange(40) % 4
    signs = np.where(y[:, None] == y[None, :], 1.0, -1.0) - np.eye(40)
    assert ari(y, method(name).fit(signs).labels) == 1.0


@pytest.mark.parametrize("name", sorted(set(density_methods) & set(reads("weighted"))))
def test_planted_blocks_are_found_in_weights(name):
    """Everybody is joined; only the weights tell the blocks."""
    y = np.arange(60) % 3
    weights = np.where(y[:, None] == y[None, :], 5.0, 0.5) - 5.0 * np.eye(60)
    graph = as_graph(weights, x=np.random.default_rng(0).standard_normal((60, 4)))
    graph = suited(name, graph)
    far = {"smoothing": "lazy", "steps": 20, "head": "kmeans"}
    fitted = {"features": "rows", "neighbours": 0, "epochs": 300}
    slowly = {"starts": 3, "epochs": 400, "rate": 1e-3}
    if name == "pamc":
        pytest.skip("meta-nodes need clusters to begin with, which noise does not give")
    if "x" in METHODS[name].needs:  # features say nothing, smoothed over the edges they do
        params = {"scgc": fitted, "filter": far, "tvgnn": slowly}.get(name, {"epochs": 300})
        assert ari(y, method(name, k=3, **params).fit(graph).labels) > 0.95
    elif name != "label_propagation":  # weights only break ties there
        signs = {"threshold": 1.0} if name == "minmax" else {}
        assert ari(y, method(name, k=3, **signs).fit(graph).labels) > 0.95


@pytest.mark.parametrize("name", density_methods)
def test_events_count_as_edges(name):
    """Methods that do not read times say so, and see every event."""
    graph = planted_for(name)
    source, target = graph.edge_index.numpy()
    events = as_graph(np.stack([source, target]).T.copy(), directed=False, num_nodes=120, x=graph.x)
    events.t = torch.from_numpy(np.random.default_rng(0).permutation(events.edge_index.shape[1]))
    events = as_graph(events)
    if "temporal" in METHODS[name].kinds:
        result = method(name).fit(events)
    else:
        with pytest.warns(GraphWarning, match="ignores event times"):
            result = method(name).fit(events)
    assert ari(graph.y.numpy(), result.labels) > 0.95


@every_method
def test_soft_memberships_are_probabilities(name):
    result = method(name).fit(planted_for(name))
    if result.soft is None:
        pytest.skip("gives no memberships")
    assert np.isfinite(result.soft).all()
    assert np.allclose(result.soft.sum(axis=1), 1)
    assert result.soft.shape[1] >= result.n_clusters


@every_method
def test_the_module_cites_its_source(name):
    text = sys.modules[METHODS[name].__module__].__doc__
    assert "http" in text
    assert inspect.getdoc(METHODS[name])


# --- seeds, order, threads -------------------------------------------------------------------


@every_method
def test_same_seed_same_labels(name):
    graph = suited(name, noise())
    first, second = (method(name, k=6, seed=3).fit(graph).labels for _ in range(2))
    assert np.array_equal(first, second)


@every_method
def test_the_seed_is_used(name):
    if name == "minmax":
        pytest.skip("a certificate ends the search before chance is asked")
    graph = suited(name, noise())
    runs = {method(name, k=6, seed=seed).fit(graph).labels.tobytes() for seed in range(6)}
    assert (len(runs) > 1) == METHODS[name].randomised


@every_method
def test_node_order_does_not_matter(name):
    graph = planted_for(name)
    order = np.random.default_rng(1).permutation(graph.num_nodes)
    labels = method(name).fit(graph).labels
    shuffled = method(name).fit(permuted(graph, order))
    assert np.array_equal(shuffled.node_ids, order)
    assert ari(labels[order], shuffled.labels) > 0.95


@every_method
def test_the_number_of_threads_does_not_matter(name):
    graph, results = suited(name, noise(n=FEWER.get(name, 3000))), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with threadpool_limits(threads):
                results.append(method(name, k=6).fit(graph))
    finally:
        torch.set_num_threads(before)
    first, second = results
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.embedding, second.embedding)
    for key, value in first.extras.items():
        assert np.array_equal(value, second.extras[key]), key


# --- what is the caller's stays as it is -------------------------------------------------------


@every_method
def test_the_callers_graph_is_untouched(name):
    graph = planted_for(name)
    before = copy.deepcopy(graph)
    method(name).fit(graph)
    assert same(graph, before)


@every_method
def test_random_states_are_untouched(name):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    expected = (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    method(name).fit(planted_for(name))
    assert (random.random(), np.random.random(), torch.rand(1).item()) == expected  # noqa: NPY002


@every_method
def test_no_label_reaches_the_method(name, monkeypatch):
    cls, seen = METHODS[name], []
    fit = cls._fit

    def spy(self, graph, *rest, **warm):
        seen.append([key for key in graph.keys() if graph[key] is not None])  # noqa: SIM118
        return fit(self, graph, *rest, **warm)

    monkeypatch.setattr(cls, "_fit", spy)
    graph = planted_for(name)
    labels = method(name).fit(graph).labels
    graph.y = (graph.y + 1) % 4
    assert np.array_equal(labels, method(name).fit(graph).labels)
    allowed = {"edge_index", "edge_weight", "num_nodes", "directed", "x", "t"}
    assert seen
    assert all(set(keys) <= allowed for keys in seen)


# --- parameters, saving, predicting --------------------------------------------------------------


@every_method
def test_methods_are_their_parameters(name):
    model = method(name, seed=5)
    assert model == method(name, seed=5)
    assert model != method(name, seed=6)
    assert "seed=5" in repr(model)
    assert hash(model) == hash(method(name, seed=5))
    with pytest.raises(AttributeError):
        model.seed = 1


@every_method
def test_every_parameter_is_explained(name):
    from graphclust.params import describe

    assert all(p["help"] for p in describe(METHODS[name]))
    assert set(required(METHODS[name])) <= {"n_clusters"}


@every_method
def test_save_and_load(name, tmp_path):
    result = method(name).fit(planted_for(name))
    result.save(tmp_path / "result.npz")
    loaded = Clustering.load(tmp_path / "result.npz")
    assert np.array_equal(loaded.labels, result.labels)
    assert np.array_equal(loaded.node_ids, result.node_ids)
    assert loaded.method == result.method
    assert loaded.history == result.history
    assert loaded.seconds == result.seconds
    assert loaded.extras.keys() == result.extras.keys()
    for key, value in result.extras.items():
        assert np.array_equal(loaded.extras[key], value)
    for key in ("embedding", "soft"):
        assert np.array_equal(getattr(loaded, key), getattr(result, key))
    assert [p.name for p in tmp_path.iterdir()] == ["result.npz"]


@every_method
def test_predict_labels_new_nodes_or_says_why_not(name, tmp_path):
    graph = planted_for(name)
    result = method(name).fit(graph)
    try:
        again = result.predict(graph)
    except TypeError as error:
        assert "only the graph it is fitted on" in str(error)  # noqa: PT017
        return
    assert np.array_equal(again, result.labels)
    if "x" not in METHODS[name].needs:
        return  # known nodes alone
    with pytest.raises(GraphError, match="x must have 16 columns, as the graph that was fitted"):
        result.predict(as_graph(graph, x=np.ones((120, 3))))
    other = planted_for(name)
    keep = np.arange(0, 120, 2)
    part = as_graph(
        other.subgraph(torch.from_numpy(keep)).edge_index, x=other.x[keep], num_nodes=60
    )
    result.save(tmp_path / "r.npz")
    assert ari(graph.y.numpy()[keep], Clustering.load(tmp_path / "r.npz").predict(part)) > 0.9


@every_method
def test_trace_gets_what_history_keeps(name):
    said = []
    result = method(name).fit(
        planted_for(name), trace=lambda epoch, **n: said.append({"epoch": epoch, **n})
    )
    assert said == result.history
