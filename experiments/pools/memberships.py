"""How far from uniform are the partitions of a network that is trained as published?

    python experiments/pools/memberships.py [SET] [EPOCHS]

Prints for each pool of each network the losses on sixteen graphs, and the mean over nodes of their
largest membership, which is 1/K where S is uniform and 1 where it is hard.
"""

import sys

import torch

import graphclust as gc
from graphclust.classify import inputs
from graphclust.graph.sets import graph_set


def main(name: str = "bench_easy_small", epochs: str = "40") -> None:
    graphs = graph_set(gc.load(name))
    for pool in ("tvgnn", "mincut", "dmon"):
        classifier = gc.GraphClassifier(pool=pool, epochs=int(epochs), patience=int(epochs))
        network = classifier.fit(graphs).network
        x, level = inputs(graphs.take(range(16)), "cpu")
        with torch.no_grad():
            for layer, part in zip(network.layers, network.pools, strict=False):
                x, level, terms, s = part(layer(x, level).relu(), level)
                largest = float(s.max(dim=1).values.mean())
                losses = ", ".join(f"{term} {float(value):.3f}" for term, value in terms.items())
                print(f"{pool}: K = {s.shape[1]}, largest membership {largest:.3f}; {losses}")


if __name__ == "__main__":
    main(*sys.argv[1:])
