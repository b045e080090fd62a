"""How many processor seconds and how much memory does `filter` take?

    python experiments/speed/filter.py [--large] [--peers]

Each row is a process of its own on one thread; `load` (or the making of the graph) is left out of
the seconds, not out of the memory. `--large` adds a synthetic graph of a million nodes, ten million
edges and 128 features, whose clusters must also come out right: with k-means, and with the default
head, which needs pynndescent for so many rows.

`--peers` sets the training-free methods of PyAGC 1.1.2 (`pip install pyagc==1.1.2`) beside ours on
the same graphs, means over seeds of a process each: SSGC and MS2CAG, then PyAGC's k-means of unit
rows, as in its benchmark, with the settings published there for each data set, where ours has one
for all. On coauthor_physics one seed, and SSGC gets a sparse matrix, since from an edge list it
makes a row of features for every edge, 18 GB.
"""

import argparse
from statistics import mean

from fresh import HEAD, measure

IMPORTS = """
from graphclust import METHODS, load
from graphclust.evaluate.metrics import external, n_classes
"""
FIT = "found = METHODS['filter'](n_clusters=n_classes(graph.y){head}).fit(graph)"
SCORES = "*(f'{external(found.labels, graph.y)[score]:6.3f}' for score in ('acc', 'nmi'))"
LARGE = """
import numpy as np
from graphclust import as_graph
from graphclust.graph.synth import dcsbm
graph = dcsbm(n=1_000_000, k=20, degree=20.6, mixing=0.3, exponent=3.0, seed=0)
rng, labels = np.random.default_rng(0), graph.y
x = rng.standard_normal((20, 128), dtype=np.float32)[labels.numpy()] * np.float32(0.5)
x += rng.standard_normal(x.shape, dtype=np.float32)
graph.x = as_graph(graph, x=x).x
del x
"""

PEERS = """
import torch
from pyagc.clusters import KMeansClusterHead
from pyagc.models import MS2CAG, SSGC
from torch_geometric.utils import to_torch_csr_tensor
from graphclust import load
from graphclust.evaluate.metrics import external, n_classes
torch.manual_seed({seed})
graph = load({name!r})
x = graph.x.to_dense() if graph.x.layout != torch.strided else graph.x
k = n_classes(graph.y)
adjacency = to_torch_csr_tensor(graph.edge_index, size=(len(x), len(x)))
"""
PEER_FIT = """
with torch.no_grad():
    z = torch.nn.functional.normalize({model}.embed(x, {edges}), dim=1)
    labels = KMeansClusterHead(k, random_state={seed}).fit_predict(z).numpy()
"""
EDGES = "graph.edge_index"
PUBLISHED = {  # benchmark/SSGC and benchmark/MS2CAG, train.conf.yaml; seeds
    "cora": ("SSGC(alpha=0.05, K=12)", "MS2CAG(k, T=16, alpha=1.2, gamma=1.0, tau=100)", 5),
    "amazon_photo": ("SSGC(alpha=0.05, K=12)", "MS2CAG(k, T=4, alpha=1.5, gamma=1.0)", 5),
    "coauthor_physics": ("SSGC(alpha=0.05, K=20)", "MS2CAG(k, T=50, alpha=1.2, gamma=1.0)", 1),
}


def beside_peers() -> None:
    """Means over seeds of what ours and each of theirs takes and finds."""
    theirs = SCORES.replace("found.labels", "labels")
    for name, (ssgc, ms2cag, seeds) in PUBLISHED.items():
        print(name)
        edges = "adjacency" if name == "coauthor_physics" else EDGES
        rows = [
            ("filter()", FIT, IMPORTS + f"graph = load({name!r})", SCORES),
            (ssgc, PEER_FIT.replace("{model}", ssgc).replace("{edges}", edges), PEERS, theirs),
            (ms2cag, PEER_FIT.replace("{model}", ms2cag).replace("{edges}", EDGES), PEERS, theirs),
        ]
        for title, fit, setup, scores in rows:
            runs = []
            for seed in range(seeds):
                code = fit.format(head=f", seed={seed}", seed=seed)
                took = measure(code, setup.format(name=name, seed=seed), scores, threads=1)
                runs.append([float(figure) for figure in took.split()])
            wall, cpu, peak, *found = map(mean, zip(*runs, strict=True))
            figures = f"{wall:8.1f} {cpu:8.1f} {peak:8.2f} " + " ".join(f"{f:6.3f}" for f in found)
            print(f"  {title:46}{figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--peers", action="store_true", help="PyAGC beside ours, and nothing else")
    options = parser.parse_args()
    if options.peers:
        print(f"{'':48}{HEAD}    acc    nmi")
        beside_peers()
        return
    print(f"{'':19}{HEAD}     acc    nmi")
    names = ("cora", "amazon_photo", "coauthor_physics")
    rows = [(name, f"graph = load({name!r})", "") for name in names]
    if options.large:
        rows += [("synthetic, k-means", LARGE, ", head='kmeans'"), ("synthetic", LARGE, "")]
    for name, make, head in rows:
        took = measure(FIT.format(head=head), IMPORTS + make, SCORES, threads=1)
        print(f"{name:19}{took}", flush=True)


if __name__ == "__main__":
    main()
