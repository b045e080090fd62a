"""How much of the spread of a temporal method's score is that of k-means?

    python experiments/temporal/spread.py [NAME ...]

For each stream the vectors that TGC begins with (walks on the projection), of one seed; then
sixteen runs of k-means on these same vectors, twenty starts each. No figure is chosen from them.
"""

import sys

import numpy as np
from sklearn.metrics import normalized_mutual_info_score as nmi

from graphclust import cluster_embedding, load
from graphclust.evaluate.metrics import n_classes
from graphclust.methods.tgc import TGC

RUNS = 16


def main() -> None:
    for name in sys.argv[1:] or ["patent", "school"]:
        graph = load(name)
        k = n_classes(graph.y)
        z = TGC(epochs=0).embed(graph).embedding
        runs = [cluster_embedding(z, k, head="kmeans:n_init=20", seed=seed) for seed in range(RUNS)]
        scores = np.array([nmi(graph.y.numpy(), run.labels) for run in runs])
        inertia = np.array([run.extras["inertia"] for run in runs])
        print(
            f"{name}, {RUNS} runs of k-means on one table of vectors: NMI {scores.mean():.3f} ± "
            f"{scores.std(ddof=1):.3f}, from {scores.min():.3f} to {scores.max():.3f}; of the "
            f"lowest inertia {scores[inertia.argmin()]:.3f}"
        )


if __name__ == "__main__":
    main()
