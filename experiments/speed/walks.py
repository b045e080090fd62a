"""What do random walks and skip-gram training cost, beside the tools that others use for them?

    python experiments/speed/walks.py [--nodes 100000] [--threads 1 2] [--only TEXT] [--full]

Every cell runs in a process of its own, in turn: warmed up once (compilation is not counted), then
timed. The graph is a degree-corrected block model; walks have 80 nodes, and tools that are slow
start fewer of them. A tool that is not installed, or fails, says so in a line. Rates are per second
of processor time; ratios are to the first row of a table that has the same number of threads.
Peak memory is that of the whole process, imports and graph included.

`--full` adds a whole embedding, 10 walks of 80 nodes from every node, which takes minutes. Where
GRAPHCLUST_DATA holds blogcatalog3, its classes are read off the vectors as well: F1 at half of the
labels, counts known, mean of 10 splits.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

LENGTH = 80
ORDERS = {"first": (1.0, 1.0), "second": (0.5, 2.0)}
Walker = Callable[[np.ndarray, int], int]  # (starts, length) -> steps made


def write_graph(folder: str, name: str, n: int, k: int, degree: float) -> None:
    """A block model, kept in a file so that no cell pays for making it."""
    from graphclust.graph.export import to_scipy
    from graphclust.graph.synth import dcsbm

    data = dcsbm(n=n, k=k, degree=degree, mixing=0.3, exponent=2.5, seed=0)
    rows = to_scipy(data)
    np.savez(Path(folder, name), indptr=rows.indptr, indices=rows.indices, y=data.y.numpy())
    print(f"{name}: {n:,} nodes, {len(rows.indices) // 2:,} edges", flush=True)


def write_stored(folder: str, name: str) -> bool:
    """A stored set in the same form, where it is there; whether it is."""
    from graphclust import load, to_scipy
    from graphclust.loaders import stored

    if name not in stored():
        return False
    data = load(name)
    rows = to_scipy(data)
    np.savez(Path(folder, name), indptr=rows.indptr, indices=rows.indices, y=data.y.numpy())
    return True


def read_graph(folder: str, name: str) -> tuple[sp.csr_matrix, np.ndarray]:
    """The adjacency matrix and the planted blocks."""
    with np.load(Path(folder, f"{name}.npz")) as file:
        indptr, indices, y = file["indptr"], file["indices"], file["y"]
    return sp.csr_matrix((np.ones(len(indices), np.float32), indices, indptr)), y


def graphclust_walks(adjacency: Any, p: float, q: float, threads: int) -> Walker:
    """Ten walks from each start, the checks and tables included."""
    from graphclust.kernels.walks import Walks

    def walk(starts: np.ndarray, length: int) -> int:
        corpus = Walks(
            indptr=adjacency.indptr, indices=adjacency.indices, p=p, q=q,
            starts=starts, length=length, per_node=10, threads=threads,
        )  # fmt: skip
        return sum(block.shape[0] * (block.shape[1] - 1) for block in corpus)

    return walk


def csrgraph_walks(adjacency: Any, p: float, q: float, threads: int) -> Walker:
    """nodevectors' walker. Its neighbor_weight belongs to common neighbours: not the law asked."""
    import csrgraph

    walker = csrgraph.csrgraph(adjacency, threads=threads)

    def walk(starts: np.ndarray, length: int) -> int:
        walks = walker.random_walks(
            walklen=length, start_nodes=starts, return_weight=1 / p, neighbor_weight=1 / q
        )
        return len(starts) * (np.asarray(walks).shape[1] - 1)

    return walk


def ensmallen_walks(adjacency: Any, p: float, q: float, threads: int) -> Walker:
    """GRAPE's. It starts everywhere; max_neighbours=None asks for exact walks."""
    import ensmallen
    import pandas as pd

    rows = np.repeat(np.arange(adjacency.shape[0]), np.diff(adjacency.indptr))
    edges = pd.DataFrame({"source": rows.astype(str), "target": adjacency.indices.astype(str)})
    built = ensmallen.Graph.from_pd(
        edges_df=edges, edge_src_column="source", edge_dst_column="target", directed=False
    )
    built.enable()

    def walk(starts: np.ndarray, length: int) -> int:
        walks = built.complete_walks(
            walk_length=length, return_weight=1 / p, explore_weight=1 / q, max_neighbours=None
        )
        return walks.shape[0] * (walks.shape[1] - 1)

    return walk


def torch_cluster_walks(adjacency: Any, p: float, q: float, threads: int) -> Walker:
    import torch
    import torch_cluster

    torch.set_num_threads(threads)
    rows = np.repeat(np.arange(adjacency.shape[0]), np.diff(adjacency.indptr))
    row, col = torch.tensor(rows), torch.tensor(adjacency.indices, dtype=torch.int64)

    def walk(starts: np.ndarray, length: int) -> int:
        given = torch.tensor(starts)
        torch_cluster.random_walk(row, col, given, length - 1, p=p, q=q, coalesced=True)
        return len(starts) * (length - 1)

    return walk


def pecanpy_walks(adjacency: Any, p: float, q: float, threads: int) -> Walker:
    from pecanpy import pecanpy

    make = pecanpy.FirstOrderUnweighted if p == q == 1 else pecanpy.SparseOTF
    walker = make(p=p, q=q, workers=threads, verbose=False)
    walker.indptr, walker.indices = adjacency.indptr.astype(np.uint32), adjacency.indices
    walker.data = np.ones(len(adjacency.indices), np.float32)
    walker.set_node_ids(None, num_nodes=adjacency.shape[0])

    def walk(starts: np.ndarray, length: int) -> int:
        return sum(len(w) - 1 for w in walker.simulate_walks(1, length - 1))

    return walk


WALKERS = {  # starts (None: all) in the first and the second order
    "graphclust": (graphclust_walks, None, None),
    "torch_cluster": (torch_cluster_walks, None, 20_000),
    "ensmallen": (ensmallen_walks, None, None),
    "csrgraph": (csrgraph_walks, 20_000, 1_000),
    "pecanpy": (pecanpy_walks, None, None),
}


def walk_cell(tool: str, order: str, threads: int, folder: str) -> dict[str, Any]:
    make, *limits = WALKERS[tool]
    adjacency, _ = read_graph(folder, "large")
    walk = make(adjacency, *ORDERS[order], threads)
    starts = np.flatnonzero(np.diff(adjacency.indptr))
    starts = np.random.default_rng(0).permutation(starts)[: limits[order == "second"]]
    walk(starts[:100], 5)
    return timed(lambda: {"work": walk(starts, LENGTH)})


def timed(task: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    cpu, wall = time.process_time(), time.perf_counter()
    result = task()
    return result | {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def graphclust_training(corpus: Any, n: int, threads: int, **settings: Any) -> np.ndarray:
    from graphclust.kernels.sgns import SkipGram

    return SkipGram(threads=threads, **settings).train(corpus, n).vectors


def gensim_training(corpus: Any, n: int, threads: int, negatives: int) -> np.ndarray:
    """gensim's, with the same dimensions, window, rates and no sub-sampling."""
    from gensim.models import Word2Vec

    sentences = [
        [str(word) for word in walk if word >= 0] for block in corpus for walk in block.tolist()
    ]
    model = Word2Vec(
        sentences, vector_size=128, window=10, sg=1, negative=negatives, sample=0, min_count=0,
        epochs=1, alpha=0.025, min_alpha=1e-4, workers=threads, seed=0,
    )  # fmt: skip
    vectors = np.zeros((n, 128), np.float32)
    vectors[[int(word) for word in model.wv.index_to_key]] = model.wv.vectors
    return vectors


TRAINERS = {
    "graphclust K=10": (graphclust_training, {"negatives": 10}),
    "graphclust K=5": (graphclust_training, {"negatives": 5}),
    "graphclust K=10 deterministic": (graphclust_training, {"deterministic": True}),
    "graphclust K=5 a pair": (graphclust_training, {"negatives": 5, "shared": False}),
    "gensim K=5": (gensim_training, {"negatives": 5}),
    "gensim K=10": (gensim_training, {"negatives": 10}),
}
CORPORA = {  # graph, walks from a start, starts (None: all)
    "planted": ("planted", 5, None),
    "large": ("large", 1, 5_000),
    "full": ("large", 10, None),
    "blogcatalog3": ("blogcatalog3", 5, None),
}


def training_cell(tool: str, corpus: str, threads: int, folder: str) -> dict[str, Any]:
    """Words a second, from walks that are made before for the small corpora."""
    from graphclust.kernels.walks import Walks

    name, per_node, starts = CORPORA[corpus]
    adjacency, y = read_graph(folder, name)
    train, settings = TRAINERS[tool]
    given = {"indptr": adjacency.indptr, "indices": adjacency.indices, "threads": threads}
    chosen = None if starts is None else np.random.default_rng(0).permutation(len(y))[:starts]
    walks: Any = Walks(**given, per_node=per_node, starts=chosen)
    blocks = walks if corpus == "full" else list(walks)
    train(list(Walks(**given, per_node=1, starts=np.arange(20))), len(y), threads, **settings)
    vectors = np.empty(0)

    def work() -> dict[str, Any]:
        nonlocal vectors
        vectors = train(blocks, len(y), threads, **settings)
        return {"work": len(walks) * LENGTH}

    result = timed(work)
    if corpus == "planted":
        result["NMI"] = agreement(vectors, y)
    if corpus == "blogcatalog3":
        from graphclust.evaluate.classification import classification

        scores = classification(vectors, y, 0.5)
        result |= {"micro F1": scores["micro_known"], "macro F1": scores["macro_known"]}
    return result


def agreement(vectors: np.ndarray, y: np.ndarray) -> float:
    """NMI with the planted blocks of k-means on rows of length one, begun from the blocks' means.

    Begun so, it measures the vectors; from other starts, luck with local minima outweighs them.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score
    from sklearn.preprocessing import normalize

    rows, k = normalize(vectors), int(y.max()) + 1
    means = np.stack([rows[y == block].mean(axis=0) for block in range(k)])
    labels = KMeans(k, init=means, n_init=1).fit_predict(rows)
    return float(normalized_mutual_info_score(y, labels))


def run(kind: str, tool: str, what: str, threads: int, folder: str) -> dict[str, Any] | str:
    """One cell in a process of its own; its numbers, or why there are none."""
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "RAYON", "OPENBLAS")}
    command = [sys.executable, __file__, "--cell", folder, kind, tool, what, str(threads)]
    done = subprocess.run(command, env=os.environ | limits, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    return (done.stderr.strip().splitlines() or ["no output"])[-1]


def table(
    kind: str, tools: list[str], what: str, unit: str, folder: str, options: argparse.Namespace
) -> None:
    print(f"\n{what}: {unit} per CPU-second and per second, peak memory", flush=True)
    first: dict[int, float] = {}
    for threads in options.threads:
        for tool in tools:
            if options.only not in f"{what} {tool}":
                continue
            got = run(kind, tool, what, threads, folder)
            if isinstance(got, str):
                print(f"  {tool:30} {threads} threads: not measured ({got})", flush=True)
                continue
            scale = 1e6 if unit.startswith("M") else 1e3
            rate, speed = got["work"] / got["cpu"] / scale, got["work"] / got["wall"] / scale
            base = first.setdefault(threads, rate)
            scores = got.keys() - {"work", "cpu", "wall", "peak"}
            note = "".join(f"  {name} {got[name]:.4f}" for name in sorted(scores))
            print(
                f"  {tool:30} {threads} threads {rate:9.3f} {speed:9.3f} {got['peak']:7.2f} GB"
                f"  first / this {base / rate:6.2f}{note}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--full", action="store_true", help="a whole embedding as well")
    parser.add_argument("--cell", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        folder, kind, tool, what, threads = options.cell
        cell = walk_cell if kind == "walk" else training_cell
        result = cell(tool, what, int(threads), folder)
        status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's too
        result["peak"] = int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_graph(folder, "large", options.nodes, max(options.nodes // 1000, 2), 21.5)
        write_graph(folder, "planted", 10_000, 20, 19.0)
        for order in ORDERS:
            table("walk", list(WALKERS), order, "M steps", folder, options)
        there = write_stored(folder, "blogcatalog3")
        for corpus in ("planted", "large", *(["blogcatalog3"] if there else [])):
            table("train", list(TRAINERS), corpus, "k words", folder, options)
        if options.full:
            table("train", ["graphclust K=10"], "full", "k words", folder, options)


if __name__ == "__main__":
    main()
