"""What does Leiden cost through graphclust, against igraph called on its own ready graph?

    python experiments/speed/leiden.py [--edges 1000000] [--rounds 5]

Both run in this process, in turn, from the same seed. The graph is a degree-corrected block model.
`fit` starts from a PyG Data and includes everything: checks, conversion to igraph, labels.
"""

import argparse
import statistics
import time

import numpy as np

from graphclust import METHODS, to_igraph
from graphclust.evaluate.metrics import modularity
from graphclust.graph.synth import dcsbm
from graphclust.kernels.determinism import seeded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    graph = dcsbm(n=options.edges // 10, k=200, degree=21.5, mixing=0.3, exponent=3.0, seed=0)
    print(f"{graph.num_nodes:,} nodes, {graph.edge_index.shape[1] // 2:,} edges")
    print("round  igraph s  conversion s  graphclust s  ours / (igraph + conversion)")
    ratios = []
    for i in range(options.rounds):
        start = time.perf_counter()
        ready = to_igraph(graph)
        converted = time.perf_counter()
        with seeded(i):
            bare = ready.community_leiden(objective_function="modularity", n_iterations=-1)
        found = time.perf_counter()
        ours = METHODS["leiden"](seed=i).fit(graph)
        end = time.perf_counter()
        conversion, engine, total = converted - start, found - converted, end - found
        ratios.append(total / (engine + conversion))
        print(f"{i:5}  {engine:8.2f}  {conversion:12.2f}  {total:12.2f}  {ratios[-1]:.3f}")
        assert np.array_equal(bare.membership, ours.labels), "both must do the same work"
    print(
        f"median ratio {statistics.median(ratios):.3f}, modularity "
        f"{modularity(graph, ours.labels):.4f}"
    )


if __name__ == "__main__":
    main()
