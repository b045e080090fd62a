"""How many processor seconds and how much memory does `filter` take?

    python experiments/speed/filter.py [--large]

Each row is a process of its own on one thread; `load` (or the making of the graph) is left out of
the seconds, not out of the memory. `--large` adds a synthetic graph of a million nodes, ten million
edges and 128 features, whose clusters must also come out right.
"""

import argparse
import os
import subprocess
import sys

MEASURE = """
import re, time, warnings
warnings.simplefilter("ignore")
from graphclust import METHODS, load
from graphclust.evaluate.metrics import external, n_classes
{make}
y = graph.y
start, cpu = time.perf_counter(), time.process_time()
found = METHODS["filter"](n_clusters=n_classes(y)).fit(graph)
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
status = open("/proc/self/status").read()  # ru_maxrss would count the parent's memory too
peak = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024 / 1e9
scores = external(found.labels, y)
size = f"{{graph.num_nodes:>9,}} {{graph.edge_index.shape[1] // 2:>10,}}"
cost = f"{{wall:8.1f}} {{cpu:8.1f}} {{peak:8.2f}}"
print(f"{{size}} {{cost}} {{scores['acc']:6.3f}} {{scores['nmi']:6.3f}}")
"""

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


def measure(make: str) -> str:
    """Size, wall and processor seconds, peak GB, ACC and NMI from a fresh process."""
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURE.format(make=make)]
    return subprocess.check_output(command, text=True, env=os.environ | one).rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    print(f"{'':18} {'nodes':>9} {'edges':>10}   wall s    cpu s  peak GB    acc    nmi")
    for name in ("cora", "amazon_photo", "coauthor_physics"):
        print(f"{name:18} {measure(f'graph = load({name!r})')}", flush=True)
    if options.large:
        print(f"{'synthetic':18} {measure(LARGE)}", flush=True)


if __name__ == "__main__":
    main()
