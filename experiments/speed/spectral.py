"""Ten eigenvectors of large graphs: ours beside scipy, pyamg and scikit-learn; bootstrap AMG.

    python experiments/speed/spectral.py [sbm] [knn] [grid] [scaling] [bootstrap] [solvers]

Each row is a process of its own on one thread. The graph is made before the clock starts; the row
`graph alone` says what it takes in memory. `residual` is the largest ‖S v − λ v‖ over ten vectors
(on the normalised adjacency S), `least` the smallest of the ten eigenvalues found: a solver that
misses one has a smaller one. Peers: `scipy.sparse.linalg.eigsh`, with and without shift-invert;
LOBPCG preconditioned by pyamg's smoothed aggregation; the embedding of scikit-learn's
SpectralClustering. Shift-invert and so scikit-learn's ARPACK are left out on the block model, whose
factors fill up. `sbm` has a million edges, `knn` and `grid` 200,000 nodes.

`bootstrap`: all of a bootstrap beside the published loop, which sweeps anew over all hierarchies
fifteen times for each, for the same number of hierarchies.

`solvers`: all of ours on block models, an LFR graph and nearest neighbours of points. `NMI` is that
of k-means on the rows of the vectors, scaled to length 1, with the planted communities. Factors of
expanders fill up, and gaps of nearest neighbours take thousands of steps: left out there.
"""

import argparse
import math
import subprocess

from fresh import HEAD, measure

COMMON = """
import numpy as np, scipy.sparse as sp
from scipy.sparse.linalg import eigsh, lobpcg
from graphclust import load, to_scipy
from graphclust.kernels.eigensolvers import eigenpairs
from graphclust.kernels.sparse import normalised_adjacency
def giant(a):
    labels = sp.csgraph.connected_components(a)[1]
    keep = np.flatnonzero(labels == np.bincount(labels).argmax())
    return sp.csr_array(a[keep][:, keep])
def graded(values, vectors):
    s = normalised_adjacency(a)
    order = np.argsort(-values)
    values, vectors = values[order], vectors[:, order]
    residual = np.linalg.norm(s @ vectors - vectors * values, axis=0).max()
    return f"{cpu:9.3f} {residual:10.1e} {values[-1]:10.6f}"
def agreement(vectors):
    if y is None:
        return f"{'–':>8}"
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score as nmi
    from sklearn.preprocessing import normalize
    found = KMeans(len(set(y)), n_init=3, random_state=0).fit_predict(normalize(vectors))
    return f"{nmi(y, found):8.3f}"
"""
MAKE = {
    "sbm": "a = to_scipy(load({!r})).astype(float)",
    "knn": (
        "from sklearn.neighbors import kneighbors_graph\n"
        "points = np.random.default_rng(0).random((200_000, 2)) * [10, 1]\n"
        "a = kneighbors_graph(points, 5)\n"
        "a = giant(sp.csr_array(((a + a.T) > 0).astype(float)))"
    ),
    "grid": (
        "path = lambda n: sp.diags_array([np.ones(n - 1)] * 2, offsets=[-1, 1], shape=(n, n))\n"
        "a = sp.csr_array(sp.kron(path(800), sp.eye_array(250)) + "
        "sp.kron(sp.eye_array(800), path(250)))"
    ),
}
WARM = (  # kernels are loaded: a circle is one component that needs every level
    "circle = sp.csr_array(sp.diags_array([1.0, 1.0, 1.0, 1.0], "
    "offsets=[-2999, -1, 1, 2999], shape=(3000, 3000)))\n"
    "eigenpairs(circle, 5, 'amg', tolerance=1e-2)"
)
OURS = "found = eigenpairs(a, 10, {solver!r})"
EIGSH = (
    "found = eigsh(normalised_adjacency(a), 10, which='LA', tol=1e-5, "
    "v0=np.random.default_rng(0).random(a.shape[0]))"
)
SHIFT = (
    "l = sp.csc_array(sp.eye_array(a.shape[0]) - normalised_adjacency(a))\n"
    "values, vectors = eigsh(l, 10, sigma=-1e-4, tol=1e-5, "
    "v0=np.random.default_rng(0).random(a.shape[0]))\n"
    "found = (1 - values, vectors)"
)
PYAMG = (
    "from pyamg import smoothed_aggregation_solver\n"
    "l = sp.csr_matrix((1 + 1e-7) * sp.eye_array(a.shape[0]) - normalised_adjacency(a))\n"
    "m = smoothed_aggregation_solver(l, B=np.sqrt(a.sum(axis=1)).reshape(-1, 1))\n"
    "first = np.random.default_rng(0).standard_normal((a.shape[0], 10))\n"
    "values, vectors = lobpcg(l, first, M=m.aspreconditioner(), tol=1e-5, maxiter=200, "
    "largest=False)\n"
    "found = (1 + 1e-7 - values, vectors)"
)
SKLEARN = (
    "from sklearn.manifold import spectral_embedding\n"
    "u = spectral_embedding(sp.csr_matrix(a), n_components=10, eigen_solver={solver!r}, "
    "drop_first=False, eigen_tol=1e-5, random_state=0)\n"
    "u = np.linalg.qr(np.sqrt(a.sum(axis=1))[:, None] * u)[0]\n"
    "values, mix = np.linalg.eigh(u.T @ (normalised_adjacency(a) @ u))\n"
    "found = (values, u @ mix)"
)
BOOTSTRAP = """
from graphclust.kernels.bootstrap import SWEEPS, bootstrap, composite
from graphclust.kernels.multigrid import Hierarchy
a = giant(a)
l = sp.csr_array((1 + 1e-7) * sp.eye_array(a.shape[0]) - normalised_adjacency(a))
l.sort_indices()
w = np.sqrt(a.sum(axis=1))
count = 10
composite(l, [Hierarchy(l, w)], w[:, None], 1)
"""
PUBLISHED = """
hierarchies, rng, vector = [], np.random.default_rng(0), w
for _ in range(count):
    hierarchies.append(Hierarchy(l, vector))
    vector, rate = composite(l, hierarchies, rng.standard_normal((len(w), 1)), SWEEPS)
    vector = vector[:, 0]
"""

LIMIT = 300  # seconds of a solver


def beside_peers(name: str) -> None:
    print(f"\n{name:28}{HEAD}     cpu s   residual      least")
    rows = [
        ("graph alone", "found = None"),
        ("ours, auto", OURS.format(solver="auto")),
        ("ours, amg", OURS.format(solver="amg")),
        ("scipy eigsh", EIGSH),
        ("scipy eigsh, shift-invert", SHIFT),
        ("pyamg + LOBPCG", PYAMG),
        ("scikit-learn, arpack", SKLEARN.format(solver="arpack")),
        ("scikit-learn, lobpcg", SKLEARN.format(solver="lobpcg")),
        ("scikit-learn, amg", SKLEARN.format(solver="amg")),
    ]
    dense = {"scipy eigsh, shift-invert", "scikit-learn, arpack"}  # where clusters are expanders
    hopeless = {"scipy eigsh", "scikit-learn, lobpcg"}  # thousands of products where gaps are tiny
    for title, code in rows:
        if title in (dense if name == "sbm" else hopeless):
            continue
        result = "graded(found[0], found[1])" if code != "found = None" else "''"
        print(f"{title:28}{measure(code, setup(name), result, threads=1)}", flush=True)


def solvers() -> None:
    print(f"\n{'eigenvectors':49}{HEAD}     cpu s   residual      least     NMI")
    planted = "g = load({!r})\na, y = to_scipy(g).astype(float), g.y.numpy()\n"
    dense, steps = {"shift_invert"}, {"lanczos", "lobpcg"}
    graphs = [  # name, how it is made, vectors, solvers that are hopeless
        (f"block model, {10 * n:,} edges", planted.format(block_model(n)), 10, dense)
        for n in (1000, 10_000, 100_000)
    ]
    graphs += [
        ("LFR, 10,000 nodes", planted.format("lfr:n=10000,mu=0.3"), 30, dense),
        ("nearest neighbours, 200,000 nodes", MAKE["knn"] + "\ny = None\n", 10, steps),
    ]
    for title, make, k, left_out in graphs:
        for solver in ("lanczos", "lobpcg", "amg", "shift_invert", "bootstrap_amg"):
            if solver in left_out:
                continue
            code = f"found = eigenpairs(a, {k}, {solver!r})"
            result = "graded(found.values, found.vectors), agreement(found.vectors)"
            try:
                row = measure(code, COMMON + make + WARM + "\n", result, 1, LIMIT)
            except subprocess.TimeoutExpired:
                row = f"  more than {LIMIT} s"
            except subprocess.CalledProcessError:
                row = "  did not converge"
            print(f"{title:35}{solver:14}{row}", flush=True)


def block_model(n: int) -> str:
    """Ten groups, ten edges a node, a fifth of them between groups."""
    return f"sbm:n={n},k=10,p_in={160 / n},p_out={4 / (0.9 * n)}"


def setup(name: str, edges: int = 1_000_000) -> str:
    return COMMON + MAKE[name].format(block_model(edges // 10)) + "\n" + WARM + "\n"


def scaling() -> None:
    print(f"\n{'edges of a block model':28}{HEAD}     cpu s   residual      least")
    taken = []
    for edges in (100_000, 300_000, 1_000_000, 3_000_000):
        code = OURS.format(solver="auto")
        row = measure(code, setup("sbm", edges), "graded(found[0], found[1])", threads=1)
        taken.append((edges, float(row.split()[3])))
        print(f"{edges:<28,}{row}", flush=True)
    (e0, t0), (e1, t1) = taken[0], taken[-1]
    print(f"exponent {math.log(t1 / t0) / math.log(e1 / e0):.2f}")


def bootstraps() -> None:
    print(f"\n{'ten hierarchies':28}{HEAD}       rate")
    for name, edges in (("sbm", 100_000), ("knn", 0)):
        ours = (  # renumbered as in `eigensolvers`
            "order = sp.csgraph.breadth_first_order(l, 0, return_predecessors=False)\n"
            "l = sp.csr_array(l[order][:, order])\n"
            "l.sort_indices()\n"
            "found = bootstrap(l, w[order], at_least=count, at_most=count)"
        )
        for title, code, rate in (("ours", ours, "found.rate"), ("published", PUBLISHED, "rate")):
            row = measure(code, setup(name, edges or 1_000_000) + BOOTSTRAP, rate, threads=1)
            print(f"{name + ', ' + title:28}{row}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    others = {"scaling": scaling, "bootstrap": bootstraps, "solvers": solvers}
    parts = (*MAKE, *others)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(parts)}; all where none is named")
    for part in parser.parse_args().part or parts:
        if part not in parts:
            parser.error(f"part must be one of {', '.join(parts)}, found {part!r}")
        if part in MAKE:
            beside_peers(part)
        else:
            others[part]()


if __name__ == "__main__":
    main()
