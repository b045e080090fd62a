"""Every solver finds the leading eigenpairs of the dense matrix."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

from graphclust.graph.export import to_scipy
from graphclust.graph.synth import sbm
from graphclust.kernels.eigensolvers import SOLVERS, depth, eigenpairs
from graphclust.kernels.lobpcg import smallest_eigenpairs
from graphclust.kernels.spectra import NoConvergenceError


def blocks(n=900, seed=0):
    return to_scipy(sbm(n, 4, 0.05, 0.004, seed)).astype(float)


def grid(rows=60, columns=12):
    return sp.csr_array(nx.to_scipy_sparse_array(nx.grid_2d_graph(rows, columns), dtype=float))


def dense(a, k, tau=0.0):
    a = a.toarray()
    d = a.sum(axis=1) + tau
    scale = np.sqrt(np.outer(d, d))
    s = np.divide(a, scale, out=np.zeros_like(a), where=scale > 0)
    values, vectors = np.linalg.eigh(s)
    return values[::-1][:k], vectors[:, ::-1][:, :k]


@pytest.mark.parametrize("solver", sorted(SOLVERS))
@pytest.mark.parametrize(("make", "tau"), [(blocks, 0.0), (blocks, 3.0), (grid, 0.0)])
def test_every_solver_finds_the_leading_pairs(solver, make, tau):
    a = make()
    found = eigenpairs(a, 4, solver, regularisation=tau, tolerance=1e-7)
    values, vectors = dense(a, 4, tau)
    assert found.solver == solver
    assert found.values == pytest.approx(values, abs=1e-6)
    assert found.residuals.max() < 1e-6
    assert np.linalg.norm(found.vectors.T @ vectors, axis=0) == pytest.approx(np.ones(4), abs=1e-4)
    again = eigenpairs(a, 4, solver, regularisation=tau, tolerance=1e-7)
    assert np.array_equal(found.vectors, again.vectors)


@pytest.mark.parametrize("solver", ["auto", *sorted(SOLVERS)])
def test_an_eigenvalue_that_components_share_is_found_as_often_as_it_is_there(solver):
    a = sp.block_diag([blocks(600), blocks(500, 1), np.ones((3, 3)), np.zeros((2, 2))])
    a = sp.csr_array(a)
    found = eigenpairs(a, 5, solver)
    assert found.values == pytest.approx(dense(a, 5)[0], abs=1e-5)
    assert found.values[:3] == pytest.approx(np.ones(3))
    assert found.vectors.T @ found.vectors == pytest.approx(np.eye(5), abs=1e-4)


def test_more_vectors_than_there_are_edges_for():
    a = sp.csr_array(([1.0, 1.0], ([0, 1], [1, 0])), shape=(5, 5))
    found = eigenpairs(a, 5)
    assert found.values == pytest.approx([1, 0, 0, 0, -1])
    assert found.vectors.T @ found.vectors == pytest.approx(np.eye(5))
    assert found.residuals.max() < 1e-12


def test_depth_is_that_of_a_path_and_of_a_ball():
    path, ball = nx.path_graph(50), nx.complete_graph(9)
    assert depth(sp.csr_array(nx.to_scipy_sparse_array(path))) == (50, 49)
    assert depth(sp.csr_array(nx.to_scipy_sparse_array(ball))) == (9, 1)
    assert depth(sp.csr_array((2, 2))) == (1, 0)


def test_auto_chooses_by_depth_size_and_degree(monkeypatch):
    from graphclust.kernels import eigensolvers

    assert eigenpairs(blocks(), 4).solver == "lanczos"
    long = grid(150, 4)
    assert eigenpairs(long, 4).solver == "shift_invert"
    monkeypatch.setattr(eigensolvers, "SPARSE_FACTOR", (100, 10.0))
    assert eigenpairs(long, 4).solver == "amg"
    assert eigenpairs(grid(10, 4), 4).solver == "dense"
    monkeypatch.setattr(eigensolvers, "RESTARTS", 1)
    assert eigenpairs(blocks(), 4, tolerance=1e-12).solver == "amg"


def test_bootstrap_gives_smooth_vectors_of_the_clusters_and_its_rate():
    a = blocks()
    found = eigenpairs(a, 4, "bootstrap_amg")
    values, vectors = dense(a, 4)
    assert found.solver == "bootstrap_amg"
    assert len(found.rates) == 1
    assert found.rates[0] < 1e-6
    assert (found.values <= values + 1e-12).all()
    assert found.values[0] == pytest.approx(1.0, abs=1e-6)
    assert np.linalg.norm(found.vectors.T @ vectors, axis=0).min() > 0.8


def test_a_solver_that_gives_up_says_so(monkeypatch):
    from graphclust.kernels import eigensolvers

    monkeypatch.setattr(eigensolvers, "STEPS", 2)
    with pytest.raises(NoConvergenceError, match="lobpcg did not converge: the largest residual"):
        eigenpairs(grid(), 4, "lobpcg", tolerance=1e-10)
    with pytest.raises(ValueError, match="at most N/2"):
        eigenpairs(blocks(), 500)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("guards", [0, 3])
def test_the_smallest_pairs_are_those_of_the_dense_matrix(dtype, guards):
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((300, 300)))[0]
    values = np.sort(rng.uniform(0.05, 1.0, 300))
    values[4] = values[3] + 1e-3  # the fourth is not apart from the next
    a = (q * values @ q.T).astype(dtype)
    tolerance = 1e-6 if dtype == np.float64 else 2e-5
    start = rng.standard_normal((300, 4 + guards)).astype(dtype)
    half = (np.diag(1 / np.diagonal(a))).astype(dtype)
    low, x = smallest_eigenpairs(a, start, 4, lambda r: half @ r, tolerance, 1000)
    assert x.dtype == dtype
    assert x.shape == (300, 4 + guards)
    assert low[:4] == pytest.approx(values[:4], abs=10 * tolerance)
    assert x.T @ x == pytest.approx(np.eye(4 + guards), abs=1e-4)
    assert (np.linalg.norm(a @ x - x * low, axis=0)[:4] <= 2 * tolerance).all()


def test_guards_tell_apart_what_is_close():
    """The tenth and the eleventh eigenvalue are 1e-4 apart, where others are 1e-2."""
    a = np.diag(np.r_[np.arange(1, 10) / 100, 0.1, 0.1 + 1e-4, np.linspace(0.5, 1, 500)])

    def steps(guards):
        taken = [0]

        def identity(r):
            taken[0] += 1
            return r

        start = np.random.default_rng(1).standard_normal((len(a), 10 + guards))
        low, _ = smallest_eigenpairs(a, start, 10, identity, 1e-7, 500)
        assert low[9] == pytest.approx(0.1, abs=1e-8)
        return taken[0]

    assert steps(2) < 0.7 * steps(0)


def test_directions_that_nearly_depend_on_others_do_no_harm():
    """Stars joined at a node: few different eigenvalues, so that a block is soon exhausted."""
    tree = sp.csr_array(nx.to_scipy_sparse_array(nx.full_rary_tree(40, 1640))).astype(float)
    root = np.sqrt(tree.sum(axis=1))
    expected = np.linalg.eigvalsh(tree.toarray() / np.outer(root, root))[::-1][:10]
    found = eigenpairs(tree, 10, "amg", tolerance=1e-9)
    assert found.residuals.max() < 1e-8
    assert found.values == pytest.approx(expected, abs=1e-9)


def test_exact_vectors_end_at_once_and_a_residual_that_vanishes_does_no_harm():
    a = np.diag(np.arange(1.0, 41))
    low, x = smallest_eigenpairs(a, np.eye(40)[:, [2, 0, 1]], 3, pytest.fail, 1e-10, 50)
    assert low == pytest.approx([1, 2, 3])
    assert np.abs(x).argmax(axis=0).tolist() == [0, 1, 2]
    start = np.eye(40)[:, :3] + 1e-3 * np.eye(40)[:, 3:6]
    low, _ = smallest_eigenpairs(a, start, 3, np.zeros_like, 1e-10, 5)
    assert np.isfinite(low).all()
