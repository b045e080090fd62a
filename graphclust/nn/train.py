"""The one training loop: terms of a loss, Adam, history, stopping; runs that were halted go on.

    with checkpoints("folder", every=60):
        method.fit(graph)                   # killed? the same lines go on where it stopped

A folder holds one run: `<phase>.safetensors` for each phase of it, written whole or not at all.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from graphclust.graph.errors import GraphError
from graphclust.graph.files import atomic

Terms = dict[str, Tensor]
History = list[dict[str, float]]
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
    trace: Callable[..., bool],
    stop: Callable[[History], bool] | None = None,
    phase: str = "train",
    run: str = "",
) -> None:
    """Adam steps along `losses` until `epochs` are over, `trace` says True or `stop` does.

    Args:
        model: everything that is trained, buffers that the losses keep up to date included.
        losses: called with the number of an epoch; yields the terms of every step's objective, of
            which `loss` is what falls.
        trace: called after an epoch with the means of its terms.
        stop: called after an epoch with the numbers of all so far.
        run: names data and parameters: a folder of `checkpoints` takes up no other run's state.

    Raises:
        FloatingPointError: a loss is not finite; the sentence names the epoch.
        GraphError: the state in the folder is another run's, or damaged.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    keeper = _Keeper(model, optimizer, phase, run)
    for numbers in keeper.resume():
        trace(**numbers)
    ended = keeper.done
    for epoch in range(len(keeper.history), epochs):
        if ended:
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
        keeper.history.append({"epoch": epoch, **means})
        stopped = trace(epoch, **means)
        ended = stopped or (stop is not None and stop(keeper.history))
        keeper.save(last=ended or epoch == epochs - 1)


class _Keeper:
    """Writes model, optimizer, random state and history to the folder of `checkpoints`, if any."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Adam, phase: str, run: str) -> None:
        self.model, self.optimizer, self.run = model, optimizer, run
        found = _FOLDER.get()
        self.path = None if found is None else found[0] / f"{phase}.safetensors"
        self.every = math.inf if found is None else found[1]
        self.history: History = []
        self.done, self.saved = False, time.monotonic()

    def save(self, last: bool) -> None:
        if self.path is None or not (last or time.monotonic() - self.saved > self.every):
            return
        adam = self.optimizer.state_dict()["state"]
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"adam.{i}.{k}": v for i, part in adam.items() for k, v in part.items()}
        tensors["random"] = torch.get_rng_state()
        meta = {"run": self.run, "history": json.dumps(self.history), "done": json.dumps(last)}
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
        if meta.get("run") != self.run:
            raise GraphError(
                f"{self.path} is the state of another run (other data or parameters); take an "
                "empty folder"
            )
        state = {k.removeprefix("model."): v for k, v in tensors.items() if k[:6] == "model."}
        self.model.load_state_dict(state)
        adam: dict[int, dict[str, Tensor]] = {}
        for key in (key for key in tensors if key.startswith("adam.")):
            _, index, name = key.split(".")
            adam.setdefault(int(index), {})[name] = tensors[key]
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": adam, "param_groups": groups})
        torch.set_rng_state(tensors["random"])
        self.history, self.done = json.loads(meta["history"]), json.loads(meta["done"])
        return self.history
