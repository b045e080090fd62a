"""Sums over edges beside those of torch and PyG: milliseconds, memory, bytes a second.

    python experiments/speed/kernels.py [--edges E …] [--widths F …] [--threads T …] [--save]

A symmetric weighted graph of E entries and E / 10 nodes whose degrees are skewed, float32, in this
one process: all ways in turn, round by round, forward and backward, what can be made ready once
(transposes, PyG's caches) made before; of the rounds, the median. Every way's result is compared
with ours. `plain` is our own fallback in torch; torch-scatter joins where it is installed. Ways
that hold E × F numbers are left out where these would take more than `--most` GB. `peak` is the
memory taken on the way, beside what is given. The processor seconds of all threads are saved too:
on a machine that does other work they say more than the clock, though threads of OpenMP that wait
count as busy. torch's `sparse.mm` is not asked for the gradient of weights, for which it makes
N × N numbers. Bytes a second are of the best round, as are those of copies: into memory that is
there, and into new memory, which has to be found and cleared first, as it has for a result.

`--save` writes `kernels.csv` and `kernels.png` beside this file. At the end stand the bars that the
kernels are held to, at a million entries and 128 columns.
"""

import argparse
import csv
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch_geometric
from kernel_ways import OURS, PLAIN, Family, Problem, families
from torch import Tensor

from graphclust.kernels import backends, plain

HERE = Path(__file__).parent
MB, GB = 1e6, 1e9
TIES = 1e-3  # of gradients of maxima, which torch shares out among equal ones


@contextmanager
def back_end(way: str) -> Iterator[None]:
    """The plain one for `plain`, forward and backward, else the one that is chosen."""
    chosen = backends.of
    if way == PLAIN:
        backends.of = lambda _: plain
    try:
        yield
    finally:
        backends.of = chosen


class Cpu:
    """Seconds and memory of this process."""

    def __init__(self) -> None:
        self.memory_is_known = True

    def now(self) -> np.ndarray:
        """By the clock, and of the processors."""
        return np.array([time.perf_counter(), time.process_time()])

    def reset(self) -> int:
        """Bytes held now, from which peaks are counted."""
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self.memory_is_known = False
        return self._bytes("VmRSS")

    def peak(self) -> int:
        return self._bytes("VmHWM")

    def _bytes(self, name: str) -> int:
        if not self.memory_is_known:
            return 0
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])


def timed(family: Family, rounds: int, clock: Cpu) -> dict[str, dict[str, list[float]]]:
    """Of each way and round: milliseconds forward and backward, processor milliseconds, and MB."""
    found = {way: {"forward": [], "backward": [], "cpu": [], "peak": []} for way in family.ways}
    expected: list[Tensor] = []
    for turn in range(rounds + 1):  # the first makes ready
        for way, run in family.ways.items():
            held = clock.reset()
            with back_end(way):
                begun = clock.now()
                out = run()
                middle = clock.now()
                slope = torch.linspace(0.5, 1, out.numel(), device=out.device).view_as(out)
                resumed = clock.now()
                gradients = torch.autograd.grad(out, family.leaves, slope)
                ended = clock.now()
            peak = clock.peak() - held
            if turn == 0:
                compare(family.name, way, expected, [out, *gradients])
                continue
            forward, backward = middle - begun, ended - resumed
            found[way]["forward"].append(1e3 * forward[0])
            found[way]["backward"].append(1e3 * backward[0])
            found[way]["cpu"].append(1e3 * (forward + backward)[1])
            found[way]["peak"].append(peak / MB)
    return found


def compare(family: str, way: str, expected: list[Tensor], found: list[Tensor]) -> None:
    found = [part.detach() for part in found]
    if not expected:
        expected += [part.clone() for part in found]
    for ours, theirs in zip(expected, found, strict=True):
        other = ((ours - theirs).abs() > 1e-4 * ours.abs().max()).double().mean().item()
        if other > TIES:
            print(f"  {way} of {family} differs from ours in {other:.1%} of its numbers")


def copy_bandwidth(device: str, clock: Cpu) -> tuple[float, float]:
    """Bytes a second read and written by a copy of 256 MB, the best of several: into memory that is
    there, and into new."""
    a, b = (torch.ones(1 << 26, device=device) for _ in range(2))

    def speed(copy: Callable[[], Tensor]) -> float:
        seconds = []
        for _ in range(7):
            begun = clock.now()
            copy()
            seconds.append((clock.now() - begun)[0])
        return 2 * 4 * len(a) / min(seconds)

    return speed(lambda: b.copy_(a)), speed(a.clone)


def moved(p: Problem) -> int:
    """Bytes that a weighted sum must read and write, each neighbour's row once for each entry."""
    entries, width = len(p.weight), p.x.shape[1]
    return 4 * width * (entries + p.n) + 12 * entries + 8 * p.n


def table(options: argparse.Namespace, device: str, clock: Cpu, name: str) -> None:
    """Print all sizes; `--save` writes what there is after each."""
    rows: list[dict] = []
    for entries in options.edges:
        for width in options.widths:
            problem = Problem(entries, width, device)
            for threads in options.threads:
                torch.set_num_threads(threads)
                rows += one_size(options, problem, clock, threads)
                if options.save:
                    save(rows, name)
    bars(rows)


def one_size(options: argparse.Namespace, p: Problem, clock: Cpu, threads: int) -> list[dict]:
    rows, entries, width = [], len(p.weight), p.x.shape[1]
    copied, cloned = copy_bandwidth(str(p.x.device), clock)
    print(
        f"\n{entries:,} entries, {p.n:,} nodes, {width} columns, {threads} threads on {p.x.device}"
    )
    print(f"a copy moves {copied / GB:.1f} GB a second, {cloned / GB:.1f} into new memory")
    print(f"{'ms':44}{'forward':>9}{'backward':>9}{'ours: faster, processor':>26}{'peak MB':>9}")
    for family in families(p):
        if 4 * entries * width > options.most * GB:
            kept = {way: run for way, run in family.ways.items() if way not in family.gathers}
            family = family._replace(ways=kept)
        found = timed(family, options.rounds, clock)
        for way, parts in found.items():
            middle = {name: statistics.median(values) for name, values in parts.items()}
            ratio, of_cpu = faster(found, way, "forward", "backward"), faster(found, way, "cpu")
            speed = 1e3 * moved(p) / min(parts["forward"]) if family.name == "sum" else None
            print(
                f"{family.name if way == OURS else '':20}{way:24}{middle['forward']:9.1f}"
                f"{middle['backward']:9.1f}{ratio:15.2f}{of_cpu:11.2f}{middle['peak']:9.0f}",
                flush=True,
            )
            rows.append(
                {"family": family.name, "way": way, "device": str(p.x.device), "threads": threads}
                | {"entries": entries, "nodes": p.n, "columns": width, "rounds": options.rounds}
                | {f"{name}_ms": round(middle[name], 3) for name in ("forward", "backward", "cpu")}
                | {"ours_is_faster": round(ratio, 3), "by_processor": round(of_cpu, 3)}
                | {"peak_mb": round(middle["peak"], 1)}
                | {"gb_per_s": round(speed / GB, 2) if speed else ""}
                | {"copy_gb_per_s": round(copied / GB, 2), "clone_gb_per_s": round(cloned / GB, 2)}
                | {"torch": torch.__version__}
                | {"pyg": torch_geometric.__version__, "machine": machine(p.x.device)}
            )
    return rows


def faster(found: dict[str, dict[str, list[float]]], way: str, *names: str) -> float:
    """How often ours fits into the other: the median of the rounds."""
    ours, other = (np.sum([found[w][name] for name in names], axis=0) for w in (OURS, way))
    return float(np.median(other / ours))


def machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def bars(rows: list[dict]) -> None:
    """What the kernels are held to, where it was measured."""
    asked = [
        ("sum", "PyG EdgeIndex.matmul", 1.2),
        ("sum", "gather + scatter_add", 3.0),
        ("max", "scatter_reduce amax", 2.5),
    ]
    wide = [row for row in rows if row["columns"] == 128 and 5e5 < row["entries"] < 2e6]
    print(f"\n{'at a million entries, 128 columns':56}{'asked':>7}{'found':>7}{'processor':>11}")
    for threads in sorted({row["threads"] for row in wide}):
        mine = {(row["family"], row["way"]): row for row in wide if row["threads"] == threads}
        for family, way, least in asked:
            if row := mine.get((family, way)):
                name = f"{family}, times faster than {way}, {threads} threads"
                found = f"{row['ours_is_faster']:7.2f}{row['by_processor']:11.2f}"
                print(f"{name:56}{least:7.1f}{found}")
        row = mine["sum", OURS]
        for copy, into in (("copy", "memory that is there"), ("clone", "new memory")):
            speed = row[f"{copy}_gb_per_s"]
            name = f"sum, of a copy's {speed:.1f} GB/s into {into}, {threads} threads"
            print(f"{name:56}{0.5:7.1f}{row['gb_per_s'] / speed:7.2f}")


def draw(rows: list[dict], path: Path) -> None:
    """Milliseconds forward and backward of sums and maxima, of the widest and most that all did."""
    from matplotlib.figure import Figure

    entries = min({row["entries"] for row in rows}, key=lambda size: abs(size - 1e6))
    columns, names = max(row["columns"] for row in rows), ("sum", "max")
    counts = sorted({row["threads"] for row in rows})
    figure = Figure(figsize=(5.5 * len(names), 2.2 + 2 * len(counts)), layout="constrained")
    axes = figure.subplots(len(counts), len(names), squeeze=False)
    for threads, line in zip(counts, axes, strict=True):
        for name, axis in zip(names, line, strict=True):
            kept = [
                row for row in rows
                if (row["family"], row["threads"], row["entries"], row["columns"])
                == (name, threads, entries, columns)
            ][::-1]  # fmt: skip
            ways, first = [r["way"] for r in kept], [r["forward_ms"] for r in kept]
            axis.barh(ways, first, color="#3b6ea5", label="forward")
            rest = [r["backward_ms"] for r in kept]
            axis.barh(ways, rest, left=first, color="#c8553d", label="backward")
            axis.set_title(f"{name}, threads: {threads}", fontsize=10)
            axis.set_xlabel("ms")
    axes[0][0].legend(fontsize=8)
    figure.suptitle(f"{entries:,} entries × {columns} columns, float32", fontsize=11)
    figure.savefig(path, dpi=120)


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--edges", type=int, nargs="+", default=[10**5, 10**6, 10**7])
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 128])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--most", type=float, default=1.0, help="GB of E × F numbers")
    parser.add_argument("--save", action="store_true")
    return parser


def save(rows: list[dict], name: str) -> None:
    with (HERE / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, HERE / f"{name}.png")


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    table(parser.parse_args(), "cpu", Cpu(), "kernels")


if __name__ == "__main__":
    main()
