"""Communities of a large planted graph, from file to labels: graphclust beside engines used bare.

    python experiments/speed/scale.py [--nodes 1000000] [--degree 20.5] [--only TEXT]

Each line is a process of its own. graphclust reads the file, clusters, and writes labels; the bare
engines start from a NumPy array of the edges in memory-mapped form and only cluster.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from fresh import HEAD, measure

from graphclust import as_graph, save
from graphclust.graph.export import edges_once
from graphclust.graph.synth import dcsbm

SCORES = """
import numpy as np
folder = {folder!r}
def scores(labels):
    from graphclust import load
    from graphclust.evaluate.metrics import modularity
    graph = load(folder + "/g.safetensors")
    return f"{{len(np.unique(labels)):6}} {{modularity(graph, labels):.5f}}"
"""
OURS_SETUP = """
from graphclust import METHODS, load
from graphclust.graph.writers import write_labels
"""
OURS = """
graph = load(folder + "/g.{kind}")
found = METHODS["{method}"]().fit(graph)
labels = found.labels
write_labels(graph, labels, folder + "/labels.csv")
"""
IGRAPH = """
import igraph, random
random.seed(0)
edges = np.load(folder + "/edges.npy")
graph = igraph.Graph({n}, list(zip(edges[0].tolist(), edges[1].tolist())))
labels = np.array(graph.{call}.membership)
"""
NETWORKIT = """
import networkit
networkit.setSeed(0, False)
networkit.setNumberOfThreads({threads})
edges = np.load(folder + "/edges.npy")
graph = networkit.GraphFromCoo((edges[0], edges[1]), {n})
labels = np.array(networkit.community.{call}.run().getPartition().getVector())
"""
SKNETWORK = """
import scipy.sparse as sp
from sknetwork.clustering import Louvain
edges = np.load(folder + "/edges.npy")
graph = sp.csr_matrix((np.ones(edges.shape[1], bool), (edges[0], edges[1])), shape=({n}, {n}))
labels = Louvain(random_state=0).fit_predict(graph + graph.T)
"""


def runs(n: int) -> list[tuple[str, str, str]]:
    """(who, code, imports) of every line of the table."""
    ours = [
        (f"graphclust {method}, .{kind}", OURS.format(kind=kind, method=method), OURS_SETUP)
        for method in ("leiden", "louvain", "label_propagation")
        for kind in ("csv", "safetensors")
    ]
    leiden = "community_leiden('modularity', n_iterations={})"
    networkit = {
        f"networkit {name}, {threads} thread(s)": NETWORKIT.format(n=n, threads=threads, call=call)
        for name, call in (("PLM", "PLM(graph)"), ("Leiden", "ParallelLeiden(graph)"))
        for threads in (1, 2)
    }
    bare = {
        "igraph Leiden, to the end": IGRAPH.format(n=n, call=leiden.format(-1)),
        "igraph Leiden, 2 rounds": IGRAPH.format(n=n, call=leiden.format(2)),
        "igraph Louvain": IGRAPH.format(n=n, call="community_multilevel()"),
        **networkit,
        "scikit-network Louvain": SKNETWORK.format(n=n),
    }
    return [*ours, *((who, code, "") for who, code in bare.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--degree", type=float, default=20.5)
    parser.add_argument("--only", default="", help="lines whose name holds this text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        graph = dcsbm(
            n=options.nodes, k=1000, degree=options.degree, mixing=0.3, exponent=3.0, seed=0
        )
        ends = np.stack(edges_once(graph)[:2])
        ends = np.unique(ends, return_inverse=True)[1]  # a table cannot hold isolated nodes
        source, target = ends.reshape(2, -1)
        graph = as_graph(torch.from_numpy(np.stack([source, target])), directed=False)
        np.save(Path(folder, "edges.npy"), np.stack([source, target]))
        save(graph, Path(folder, "g.safetensors"))
        save(graph, Path(folder, "g.csv"))
        n = graph.num_nodes
        print(f"{n:,} nodes, {len(source):,} edges")
        del graph, source, target
        setup = SCORES.format(folder=folder)
        opened = measure("graph = load(folder + '/g.safetensors')", setup + OURS_SETUP)
        print(f"{'':36}{HEAD}  clusters, modularity")
        print(f"{'graphclust opens .safetensors':36}{opened}", flush=True)
        for who, code, imports in runs(n):
            if options.only not in who:
                continue
            print(f"{who:36}{measure(code, setup + imports, 'scores(labels)')}", flush=True)


if __name__ == "__main__":
    main()
