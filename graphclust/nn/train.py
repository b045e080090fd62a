"""The one training loop: terms of a loss, Adam, history, stopping; runs that were halted go on.

    with checkpoints("folder", every=60):
        method.fit(graph)                   # killed? the same lines go on where it stopped

A folder holds one run: `<phase>.safetensors` for each phase of it, written whole or not at all.
"""

import json
import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError
from graphclust.graph.files import atomic

Terms = dict[str, Tensor]
History = list[dict[str, float]]
TOLD = ("history", "best_score", "best_epoch", "done")  # in JSON, beside the tensors
_FOLDER: ContextVar[tuple[Path, float] | None] = ContextVar("folder", default=None)


@contextmanager
def checkpoints(folder: str | Path, every: float = 60.0) -> Iterator[None]:
    """Keep the state of the training inside this block in `folder`, at most `every` seconds old.

    Raises:
        FileNotFoundError: no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {folder} does not exist")
    token = _FOLDER.set((folder, every))
    try:
        yield
    finally:
        _FOLDER.reset(token)


def train(
    model: nn.Module,
    losses: Callable[[int], Iterable[Terms]],
    *,
    epochs: int,
    rate: float,
    decay: float = 0.0,
    trace: Callable[..., bool],
    score: Callable[[int], float | None] | None = None,
    patience: int = 0,
    waits: Callable[[], bool] = lambda: False,
    phase: str = "train",
    run: str = "",
) -> None:
    """Adam steps along `losses` until `epochs` are over or `trace` says True.

    With a `score`, also once that was not beaten for `patience` epochs; the model ends with the
    weights that had the highest.

    Args:
        model: everything that is trained, buffers that the losses keep up to date included.
        losses: called with the number of an epoch; yields the terms of every step's objective, of
            which `loss` is what falls.
        decay: how much of each weight is added to its gradient.
        trace: called after an epoch with the means of its terms.
        score: called after an epoch, for the weights as they are; None: not measured now.
        waits: while it says True, `patience` ends nothing.
        run: names data and parameters: a folder of `checkpoints` takes up no other run's state.

    Raises:
        FloatingPointError: a loss is not finite; the sentence names the epoch.
        GraphError: the state in the folder is another run's, or damaged.
    """
    # fused: one pass over the weights instead of eight, four times as fast on a processor
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay, fused=True)
    keeper = _Keeper(model, optimizer, phase, run)
    for numbers in keeper.resume():
        trace(**numbers)
    for epoch in range(len(keeper.history), epochs):
        if keeper.done:
            break
        steps: list[dict[str, float]] = []
        for terms in losses(epoch):
            loss = terms["loss"]
            if not torch.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss.item()} in epoch {epoch}")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps.append({name: term.item() for name, term in terms.items()})
        means = {name: math.fsum(s[name] for s in steps) / len(steps) for name in steps[0]}
        found = None if score is None else score(epoch)
        if found is not None:
            means["score"] = found
            keeper.rate(epoch, found)
        keeper.history.append({"epoch": epoch, **means})
        stopped = trace(epoch, **means)
        tired = bool(keeper.best) and epoch - keeper.best_epoch >= patience and not waits()
        keeper.done = stopped or tired or epoch == epochs - 1
        keeper.save()
    if keeper.best:
        model.load_state_dict(keeper.best)


def fingerprint(what: Any, graph: Data) -> str:
    """A name for the run of `what` on a graph: its text and a checksum of the data."""
    parts = [graph.edge_index, graph.edge_weight]
    if graph.x is not None:
        parts.append(graph.x if graph.x.layout == torch.strided else graph.x.values())
    checksum = 0
    for part in (part for part in parts if part is not None):
        checksum = zlib.crc32(part.contiguous().cpu().numpy().tobytes(), checksum)
    return f"{what!r} {checksum:08x}"


def torch_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        ValueError: there is none.
    """
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used: {reason}") from None


class _Keeper:
    """The state of a run: history, best weights, and the file in the folder of `checkpoints`."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Adam, phase: str, run: str) -> None:
        self.model, self.optimizer, self.run = model, optimizer, run
        found = _FOLDER.get()
        self.path = None if found is None else found[0] / f"{phase}.safetensors"
        self.every = math.inf if found is None else found[1]
        self.history: History = []
        self.best: Terms = {}
        self.best_score, self.best_epoch = -math.inf, 0
        self.done, self.saved = False, time.monotonic()

    def rate(self, epoch: int, score: float) -> None:
        """Keep the weights if none were better."""
        if score > self.best_score:
            self.best_score, self.best_epoch = score, epoch
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def save(self) -> None:
        """Write everything, if it is the end or time."""
        if self.path is None or not (self.done or time.monotonic() - self.saved > self.every):
            return
        adam = self.optimizer.state_dict()["state"]
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        tensors |= {f"adam.{i}.{k}": v for i, part in adam.items() for k, v in part.items()}
        tensors["random"] = torch.get_rng_state()
        told = {name: getattr(self, name) for name in TOLD}
        meta = {"run": self.run, "told": json.dumps(told)}
        with atomic(self.path) as temporary:
            save_file({k: v.contiguous().cpu() for k, v in tensors.items()}, temporary, meta)
        self.saved = time.monotonic()

    def resume(self) -> History:
        """The history of the run so far, after its state has been taken up."""
        if self.path is None or not self.path.exists():
            return []
        try:
            with safe_open(self.path, framework="pt") as file:
                meta = file.metadata()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise GraphError(f"{self.path} holds no state of a training: {error}") from None
        if not meta or meta.get("run") != self.run:
            raise GraphError(
                f"{self.path} is the state of another run (other data or parameters); take an "
                "empty folder"
            )
        self.model.load_state_dict(_below(tensors, "model."))
        self.best = _below(tensors, "best.")
        adam: dict[int, Terms] = {}
        for key, value in _below(tensors, "adam.").items():
            index, name = key.split(".")
            adam.setdefault(int(index), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": adam, "param_groups": groups})
        torch.set_rng_state(tensors["random"])
        for name, value in json.loads(meta["told"]).items():
            setattr(self, name, value)
        return self.history


def _below(tensors: Terms, prefix: str) -> Terms:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
