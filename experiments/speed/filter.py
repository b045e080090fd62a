"""How many processor seconds and how much memory does `filter` take?

    python experiments/speed/filter.py [--large]

Each row is a process of its own on one thread; `load` (or the making of the graph) is left out of
the seconds, not out of the memory. `--large` adds a synthetic graph of a million nodes, ten million
edges and 128 features, whose clusters must also come out right: with k-means, and with the default
head, which needs pynndescent for so many rows.
"""

import argparse

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
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
