"""How long does a table of edges take to become a graph, and how much memory?

    python experiments/speed/ingest.py [--edges 10000000]

Each file is read in a process of its own, by graphclust and, for comparison, by pandas alone (the
table in memory, no graph yet). Ids are uniform among edges/10 nodes.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from fresh import HEAD, measure

SETUP = "import pandas as pd\nfrom graphclust import load"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=10_000_000)
    edges = parser.parse_args().edges
    rng = np.random.default_rng(0)
    ends = rng.integers(0, edges // 10, (2, edges))
    numbers = pd.DataFrame({"source": ends[0], "target": ends[1]})
    names = np.array([f"user_{i:07x}" for i in range(edges // 10)])
    texts = pd.DataFrame({"source": names[ends[0]], "target": names[ends[1]]})
    print(f"{f'{edges:,} edges':36}{HEAD}")
    with tempfile.TemporaryDirectory() as folder:
        for what, frame in (("whole numbers", numbers), ("text", texts)):
            for kind in ("csv", "parquet"):
                path = Path(folder, f"edges.{kind}")
                getattr(frame, f"to_{kind}")(path, index=False)
                for who, code in (
                    ("graphclust", "load({path!r})"),
                    ("pandas alone", f"pd.read_{kind}({{path!r}})"),
                ):
                    took = measure(code.format(path=str(path)), SETUP)
                    print(f"{what:14} {kind:8} {who:12}{took}", flush=True)
                path.unlink()


if __name__ == "__main__":
    main()
