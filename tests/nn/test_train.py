"""The training loop: history, stopping, best weights, and runs that go on where they stopped."""

import pytest
import torch
from graphs import planted
from torch import nn

from graphclust import METHODS, GraphError
from graphclust.base import Trace
from graphclust.nn.train import checkpoints, fingerprint, torch_device, train


def line(seed=0):
    """A model of one weight, and noisy losses that pull it to 3."""
    torch.manual_seed(seed)
    model = nn.Linear(1, 1, bias=False)

    def losses(epoch):
        for _ in range(2):
            noise = torch.randn(())
            yield {"loss": ((model.weight - 3) ** 2).sum() + noise * model.weight.sum()}

    return model, losses


def test_history_holds_the_mean_of_every_term():
    model, losses = line()
    seen = []

    def spy(epoch):
        for terms in losses(epoch):
            seen.append(terms["loss"].item())
            yield terms

    trace = Trace()
    train(model, spy, epochs=3, rate=0.1, trace=trace)
    assert [row["epoch"] for row in trace.history] == [0, 1, 2]
    assert [row["loss"] for row in trace.history] == pytest.approx(
        [(a + b) / 2 for a, b in zip(seen[::2], seen[1::2], strict=True)]
    )


def test_the_caller_can_stop_it():
    model, losses = line()
    trace = Trace(lambda epoch, **numbers: epoch == 4)
    train(model, losses, epochs=100, rate=0.1, trace=trace)
    assert len(trace.history) == 5


def test_the_best_weights_are_kept_and_patience_ends():
    model, losses = line()
    weights = []

    def score(epoch):
        weights.append(model.weight.item())
        return None if epoch % 2 else -abs(epoch - 6.0)

    trace = Trace()
    train(model, losses, epochs=100, rate=0.1, trace=trace, score=score, patience=5)
    assert len(trace.history) == 12  # 5 epochs after number 6
    assert model.weight.item() == weights[6]
    assert [row.get("score") for row in trace.history][5:9] == [None, 0.0, None, -2.0]


def test_a_loss_that_is_not_finite_names_its_epoch():
    model = nn.Linear(1, 1)

    def losses(epoch):
        yield {"loss": model.weight.sum() / (0.0 if epoch == 2 else 1.0)}

    with pytest.raises(FloatingPointError, match="in epoch 2"):
        train(model, losses, epochs=5, rate=0.1, trace=Trace())


def test_a_halted_run_goes_on_to_the_same_weights(tmp_path):
    def run(halt, folder=None):
        model, losses = line()
        trace, calls = Trace(), []

        def halted(epoch):
            calls.append(epoch)
            if epoch == halt:
                raise KeyboardInterrupt
            yield from losses(epoch)

        def score(epoch):
            return -abs(model.weight.item() - 2)

        options = {"epochs": 20, "rate": 0.1, "trace": trace, "score": score, "patience": 50}
        if folder is None:
            train(model, halted, **options)
        else:
            with checkpoints(folder, every=0):
                train(model, halted, run="a", **options)
        return model.weight.item(), trace.history, calls

    weight, history, _ = run(halt=None)
    with pytest.raises(KeyboardInterrupt):
        run(halt=7, folder=tmp_path)
    resumed = run(halt=None, folder=tmp_path)
    assert resumed == (weight, history, list(range(7, 20)))
    assert run(halt=None, folder=tmp_path) == (weight, history, [])  # already at its end
    assert [path.name for path in tmp_path.iterdir()] == ["train.safetensors"]


def test_a_folder_takes_up_no_other_run(tmp_path):
    model, losses = line()
    with checkpoints(tmp_path):
        train(model, losses, epochs=2, rate=0.1, trace=Trace(), run="a")
        with pytest.raises(GraphError, match="is the state of another run"):
            train(model, losses, epochs=2, rate=0.1, trace=Trace(), run="b")
        (tmp_path / "train.safetensors").write_bytes(b"\x00" * 40)
        with pytest.raises(GraphError, match="holds no state of a training"):
            train(model, losses, epochs=2, rate=0.1, trace=Trace(), run="a")
    with pytest.raises(FileNotFoundError, match="does not exist"), checkpoints(tmp_path / "no"):
        pass


def test_a_method_that_was_halted_ends_as_one_that_was_not(tmp_path):
    graph = planted()
    method = METHODS["scgc"](n_clusters=4, pretrain=2, batch_size=40, epochs=6, patience=0)
    whole = method.fit(graph)

    def halt(epoch, **numbers):
        if epoch == 3:
            raise KeyboardInterrupt

    with checkpoints(tmp_path, every=0), pytest.raises(KeyboardInterrupt):
        method.fit(graph, trace=halt)
    with checkpoints(tmp_path, every=0):
        resumed = method.fit(graph)
    assert (resumed.embedding == whole.embedding).all()
    assert resumed.history == whole.history


def test_fingerprints_tell_data_and_parameters_apart():
    graph, other = planted(), planted(seed=1)
    method = METHODS["scgc"](n_clusters=4)
    names = {fingerprint(m, g) for m in (method, "x") for g in (graph, other)}
    assert len(names) == 4
    assert fingerprint(method, planted()) in names


def test_devices_are_checked():
    assert torch_device("cpu") == torch.device("cpu")
    for name in ("no_such_device", "meta:x"):
        with pytest.raises(ValueError, match=f"device '{name}' cannot be used"):
            torch_device(name)
