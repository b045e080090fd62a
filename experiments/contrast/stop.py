"""Where does the label-free stop of SCGC land, and what did the epochs around it score?

    python experiments/contrast/stop.py [SET ...] [--seeds 2]

Trains a hundred epochs with the default parameters and never stops early, but notes the sharpness
that the rule looks at (every five epochs) and, to be scored by the classes afterwards, the labels
at that time. Printed are ACC and NMI at the sharpest epoch (what `fit` returns), at the best one by
ACC (an oracle) and at the last. The rule was found while dblp_sdcn, citeseer and cora were looked
at; the other sets were looked at afterwards.
"""

import argparse

import numpy as np

from graphclust import METHODS, load
from graphclust.evaluate.metrics import external, n_classes

SETS = ["dblp_sdcn", "citeseer", "cora", "wiki", "uai2010"]
EPOCHS = 100


def curve(name: str, seed: int) -> tuple[list[int], list[float], list[tuple[float, float]]]:
    """Numbers of epochs, sharpness and (ACC, NMI) after them."""
    graph = load(name)
    begun = {}
    model = METHODS["scgc"](
        n_clusters=n_classes(graph.y), seed=seed, epochs=EPOCHS + 1, patience=EPOCHS + 1
    )
    found = model.fit(graph, watch=lambda epoch, labels: begun.update({epoch: labels}))
    looks = [row for row in found.history if "score" in row]
    after = [int(row["epoch"]) + 1 for row in looks]
    scores = [external(begun[epoch], graph.y) for epoch in after]
    return after, [row["score"] for row in looks], [(s["acc"], s["nmi"]) for s in scores]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    print(f"{'':12} seed    sharpest          best by ACC       last")
    for name in options.sets:
        for seed in range(options.seeds):
            after, sharp, scores = curve(name, seed)
            places = int(np.argmax(sharp)), int(np.argmax([acc for acc, _ in scores])), -1
            cells = (f"{after[i]:3d} {scores[i][0]:.3f}/{scores[i][1]:.3f}" for i in places)
            print(f"{name:12} {seed:4d}  {'    '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
