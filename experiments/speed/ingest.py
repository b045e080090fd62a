"""How long does a table of edges take to become a graph, and how much memory?

    python experiments/speed/ingest.py [--edges 10000000]

Each file is read in a process of its own, by graphclust and, for comparison, by pandas alone (the
table in memory, no graph yet). Ids are uniform among edges/10 nodes.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

MEASURE = """
import re, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from graphclust import load
start, cpu = time.perf_counter(), time.process_time()
{code}
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
status = open("/proc/self/status").read()  # ru_maxrss would count the parent's memory too
peak = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024 / 1e9
print(f"{{wall:8.1f}} {{cpu:8.1f}} {{peak:8.2f}}")
"""


def measure(code: str, path: Path) -> str:
    """Wall seconds, processor seconds and peak GB of a fresh process."""
    command = [sys.executable, "-c", MEASURE.format(code=code.format(path=str(path)))]
    return subprocess.check_output(command, text=True).rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=10_000_000)
    edges = parser.parse_args().edges
    rng = np.random.default_rng(0)
    ends = rng.integers(0, edges // 10, (2, edges))
    numbers = pd.DataFrame({"source": ends[0], "target": ends[1]})
    names = np.array([f"user_{i:07x}" for i in range(edges // 10)])
    texts = pd.DataFrame({"source": names[ends[0]], "target": names[ends[1]]})
    print(f"{edges:,} edges                    wall s    cpu s  peak GB")
    with tempfile.TemporaryDirectory() as folder:
        for what, frame in (("whole numbers", numbers), ("text", texts)):
            for kind in ("csv", "parquet"):
                path = Path(folder, f"edges.{kind}")
                getattr(frame, f"to_{kind}")(path, index=False)
                for who, code in (
                    ("graphclust", "load({path!r})"),
                    ("pandas alone", f"pd.read_{kind}({{path!r}})"),
                ):
                    print(f"{what:14} {kind:8} {who:13}{measure(code, path)}", flush=True)
                path.unlink()


if __name__ == "__main__":
    main()
