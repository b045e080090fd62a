"""Min-max correlation clustering: the metric and its rounding beside dense and sparse products,
bounds and the search as graphs grow.

    python experiments/speed/minmax.py metric --data ca_astroph
    python experiments/speed/minmax.py growth --edges 100000 1000000 10000000
    python experiments/speed/minmax.py search --edges 1000000

Seconds are the processor's, of one thread; kernels are compiled before. Each growth of a graph runs
in a process of its own, so that its peak memory is its own.
"""

import argparse
import math
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import scipy.sparse as sp

import graphclust as gc
from graphclust.graph.build import symmetrise
from graphclust.graph.signs import positive_pairs
from graphclust.kernels.certificate import core_bound
from graphclust.kernels.correlation import disagreements, round_metric, three_approximation
from graphclust.kernels.neighbours import closed, near_pairs

R = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("metric", "growth", "search", "one"))
    parser.add_argument("--data", default="ca_astroph")
    parser.add_argument("--edges", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--kind", choices=tuple(KINDS), nargs="+", default=list(KINDS))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    {"metric": metric, "growth": growth, "search": search, "one": one}[options.what](options)


def metric(options: argparse.Namespace) -> None:
    """Pairs and clusters by our kernels, and by (A + I)² with a rounding in numpy."""
    adjacency = positive_pairs(symmetrise(gc.load(options.data)))
    ours(adjacency)
    seconds = {"ours": [], "scipy and numpy": []}
    for _ in range(options.runs):
        for name, route in (("ours", ours), ("scipy and numpy", plain)):
            spent, labels = timed(lambda route=route: route(adjacency))
            seconds[name].append(spent)
            worst = disagreements(*closed(adjacency), labels).max()
            print(f"{options.data}: {name:16} {spent:.3f} s, max D {worst}")
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    print(f"ratio of medians {medians['scipy and numpy'] / medians['ours']:.1f}")


def ours(adjacency: sp.csr_array) -> Any:
    return round_metric(near_pairs(*closed(adjacency), R), R, R)


def plain(adjacency: sp.csr_array) -> Any:
    """The same from a product of sparse matrices, and a loop over centres in numpy."""
    n = adjacency.shape[0]
    sets = (adjacency + sp.eye_array(n, dtype=np.int32)).tocsr()
    common = (sets @ sets).tocsr()
    size = np.diff(sets.indptr)
    row = np.repeat(np.arange(n), np.diff(common.indptr))
    distance = 1 - common.data / (size[row] + size[common.indices] - common.data)
    near = distance <= R + 1e-9
    pull = sp.csr_array((R - distance[near], (row[near], common.indices[near])), shape=(n, n))
    total, free = np.asarray(pull.sum(axis=1)).ravel(), np.ones(n, bool)
    labels, k = np.full(n, -1), 0
    while free.any():
        centre = int(np.argmax(np.where(free, total, -1)))
        ball = pull.indices[pull.indptr[centre] : pull.indptr[centre + 1]]
        ball = np.r_[centre, ball[free[ball] & (ball != centre)]]
        labels[ball], free[ball] = k, False
        total -= np.asarray(pull[ball].sum(axis=0)).ravel()
        k += 1
    return labels


def cliques(m: int, size: int = 20, noise: float = 0.3, seed: int = 0) -> sp.csr_array:
    """Cliques of `size`, and a share of the m edges at random."""
    rng = np.random.default_rng(seed)
    count = max(int((1 - noise) * m / math.comb(size, 2)), 1)
    first, second = np.triu_indices(size, 1)
    base = size * np.arange(count)[:, None]
    n = count * size
    random = rng.integers(0, n, (2, int(noise * m)))
    return joined(np.c_[[(base + first).ravel(), (base + second).ravel()], random], n)


def power_law(m: int, exponent: float = 2.3, seed: int = 0) -> sp.csr_array:
    """Half of the edges between nodes drawn by weights of a power law, half in cliques of 25."""
    rng = np.random.default_rng(seed)
    n = m // 5
    weight = np.minimum((1 - rng.random(n)) ** (-1 / (exponent - 1)), math.sqrt(n))
    drawn = rng.choice(n, (2, m // 2), p=weight / weight.sum())
    order = rng.permutation(n)
    count = min(m // 2 // math.comb(25, 2), n // 25)
    first, second = np.triu_indices(25, 1)
    base = 25 * np.arange(count)[:, None]
    inside = np.stack([order[(base + first).ravel()], order[(base + second).ravel()]])
    return joined(np.c_[drawn, inside], n)


def joined(edges: Any, n: int) -> sp.csr_array:
    source, target = edges[:, edges[0] != edges[1]]
    both = np.r_[source, target], np.r_[target, source]
    matrix = sp.csr_array((np.ones(len(both[0]), np.int32), both), shape=(n, n))
    matrix.data[:] = 1
    matrix.sort_indices()
    return matrix


KINDS: dict[str, Callable[[int], sp.csr_array]] = {"cliques": cliques, "power_law": power_law}


def growth(options: argparse.Namespace) -> None:
    """Each step of the method for growing graphs, and the exponents between them."""
    for kind in options.kind:
        before: tuple[int, dict[str, float]] | None = None
        for m in options.edges:
            command = [sys.executable, __file__, "one", "--kind", kind, "--edges", str(m)]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            print(text, end="", flush=True)
            steps = {
                name: float(value)
                for name, value in (part.split(" ") for part in text.split(": ")[2].split(", "))
            }
            if before is not None:
                ratio = math.log(m / before[0])
                exponents = (
                    f"{name} {math.log(max(value, 1e-4) / max(before[1][name], 1e-4)) / ratio:.2f}"
                    for name, value in steps.items()
                )
                print(f"  exponents: {', '.join(exponents)}", flush=True)
            before = m, steps


def one(options: argparse.Namespace) -> None:
    """The steps on one graph, on a line."""
    make = KINDS[options.kind[0]]
    steps(make(2000))
    process = psutil.Process()
    adjacency = make(options.edges[0])
    m, held = adjacency.nnz // 2, process.memory_info().rss
    spent, found = steps(adjacency)
    print(
        f"{options.kind[0]}: {m} edges, {found}, peak {highest() / 1e9:.2f} GB "
        f"({held / 1e9:.2f} before): "
        + ", ".join(f"{name} {value:.3f}" for name, value in spent.items())
    )


def highest() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def steps(adjacency: sp.csr_array) -> tuple[dict[str, float], str]:
    spent = {}
    spent["closed"], (indptr, indices) = timed(lambda: closed(adjacency))
    spent["pairs"], near = timed(lambda: near_pairs(indptr, indices, R))
    spent["rounding"], labels = timed(lambda: round_metric(near, R, R))
    spent["both"] = spent["pairs"] + spent["rounding"]
    spent["approximation"], (_, phi) = timed(lambda: three_approximation(indptr, indices))
    spent["core"], bound = timed(lambda: core_bound(indptr, indices, phi))
    worst = disagreements(indptr, indices, labels).max()
    return spent, f"{len(near.first)} pairs, max D {worst}, bound {bound}"


def search(options: argparse.Namespace) -> None:
    """The whole method, `best` with its defaults, on a graph of a power law."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.METHODS["minmax"]().fit(power_law(2000))
        for m in options.edges:
            adjacency = power_law(m)
            seconds, result = timed(lambda a=adjacency: gc.METHODS["minmax"]().fit(a))
            found = result.extras
            print(
                f"power_law: {adjacency.nnz // 2} edges: {seconds:.1f} s, max D "
                f"{found['max_disagreements']} by {found['found_by']}, bound "
                f"{found['lower_bound']}, alone {np.diff(adjacency.indptr).max()}, "
                f"{len(result.history)} searches",
                flush=True,
            )


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = step()
    return time.process_time() - start, result


if __name__ == "__main__":
    main()
