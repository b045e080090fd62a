"""Random walks: the law of each step against its formula, and every draw against plain loops."""

import numpy as np
import pytest
import scipy.sparse as sp
from plain import GAMMA, MASK, draws
from scipy import stats

from graphclust.kernels import rows, splitmix, walks
from graphclust.kernels.walks import Walks

# two triangles with a common edge, a tail, a self-loop at 5, an isolated node 6
UNDIRECTED = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (4, 5), (5, 5)]
# two ways round, reciprocal pairs, a self-loop at 4
DIRECTED = [(0, 1), (1, 0), (1, 2), (2, 0), (2, 3), (3, 2), (3, 0), (0, 3), (3, 4), (4, 4), (4, 1)]
PQ = [(1, 1), (4, 1), (4, 0.25), (1, 0.5), (10, 0.1), (0.5, 2), (0.25, 4), (0.1, 0.5), (0.3, 10)]


def csr(edges, n, directed=False, weighted=False):
    """indptr, indices and weights (symmetric if undirected) of a short edge list."""
    dense = np.zeros((n, n))
    for u, v in edges:
        dense[u, v] = (1 + 3 * u + 2 * v) % 7 + 0.5
        if not directed:
            dense[v, u] = dense[u, v]
    matrix = sp.csr_array(dense)
    return matrix.indptr, matrix.indices, matrix.data if weighted else None


def random_csr(n, degree, seed, weighted=False):
    rng = np.random.default_rng(seed)
    matrix = sp.random_array((n, n), density=degree / n, rng=rng, format="csr")
    matrix = sp.csr_array(matrix + matrix.T)
    matrix.sort_indices()
    return matrix.indptr, matrix.indices, matrix.data if weighted else None


def row(indptr, indices, weight, v):
    """{neighbour: weight} of v."""
    return {
        int(indices[e]): 1.0 if weight is None else weight[e] for e in range(*indptr[v : v + 2])
    }


def law(graph, p, q, t, v):
    """{x: P(x | t, v)}, by its formula."""
    masses = {}
    for x, w in row(*graph, v).items():
        alpha = 1 / p if x == t else 1 if t in row(*graph, x) else 1 / q
        masses[x] = w * alpha
    return {x: mass / sum(masses.values()) for x, mass in masses.items()}


def chi_square(counts, graph, p, q):
    """Upper tail of the statistic Σ (observed − expected)² / expected over all (t, v)."""
    statistic, freedom = 0.0, 0
    for (t, v), seen in counts.items():
        expected = law(graph, p, q, t, v)
        assert set(seen) <= set(expected), "a step where there is no edge"
        total = sum(seen.values())
        for x, probability in expected.items():
            statistic += (seen.get(x, 0) - total * probability) ** 2 / (total * probability)
        freedom += len(expected) - 1
    return stats.chi2.sf(statistic, freedom)


def transitions(corpus):
    counts: dict = {}
    for block in corpus:
        for walk in block.tolist():
            for t, v, x in zip(walk, walk[1:], walk[2:], strict=False):
                if x != -1:
                    seen = counts.setdefault((t, v), {})
                    seen[x] = seen.get(x, 0) + 1
    return counts


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
@pytest.mark.parametrize(("p", "q"), PQ)
def test_second_steps_follow_their_law(p, q, directed, weighted):
    graph = csr(DIRECTED if directed else UNDIRECTED, 7, directed, weighted)
    corpus = Walks(
        indptr=graph[0], indices=graph[1], weight=graph[2],
        p=p, q=q, length=25, per_node=500, seed=3,
    )  # fmt: skip
    counts = transitions(corpus)
    assert len(counts) >= len(graph[1]) - 1
    assert chi_square(counts, graph, p, q) > 1e-3


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4)])
def test_first_steps_follow_the_weights(p, q):
    indptr, indices, weight = csr(UNDIRECTED, 7, weighted=True)
    starts = np.repeat([3], 20_000)
    (block,) = Walks(
        indptr=indptr, indices=indices, weight=weight, p=p, q=q, length=2, per_node=1, starts=starts
    )
    expected = row(indptr, indices, weight, 3)
    observed = [(block[:, 1] == x).sum() for x in expected]
    share = np.array(list(expected.values())) / sum(expected.values())
    assert sum(observed) == len(starts)
    assert stats.chisquare(observed, share * len(starts)).pvalue > 1e-3


def plain_walk(graph, start, number, length, p, q, seed):
    """One unweighted walk in loops, from the same numbers."""
    walk, uniform = [start], draws(seed, number)
    envelope = max(1, 1 / q)
    while len(walk) < length:
        t, v = (walk[-2] if len(walk) > 1 else None), walk[-1]
        around = list(row(*graph, v))
        if not around:
            walk += [-1] * (length - len(walk))
            break
        aside = max(0, 1 / p - envelope) / envelope if t in around else 0
        while True:
            at = next(uniform) * (len(around) + aside)
            if at >= len(around):
                walk.append(t)
                break
            x = around[int(at)]
            alpha = 1 / p if x == t else 1 if t in row(*graph, x) else 1 / q
            if t is None or (at - int(at)) * envelope < alpha:
                walk.append(x)
                break
    return walk


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.5, 2), (4, 0.25), (0.1, 0.5)])
def test_walks_equal_plain_loops(p, q, directed):
    edges = [*DIRECTED, (5, 6)] if directed else UNDIRECTED  # 6 is a sink, or isolated
    graph = csr(edges, 7, directed)
    starts = np.array([3, 6, 0, 5])
    (block,) = Walks(
        indptr=graph[0], indices=graph[1], p=p, q=q,
        length=30, per_node=1, seed=11, starts=starts,
    )  # fmt: skip
    order = np.random.default_rng(11).permutation(4)
    expected = [plain_walk(graph, starts[i], int(i), 30, p, q, 11) for i in order]
    assert block.tolist() == expected


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.5, 2)])
def test_threads_and_blocks_do_not_matter(p, q, weighted):
    indptr, indices, weight = random_csr(3000, 8, seed=1, weighted=weighted)
    settings = {"indptr": indptr, "indices": indices, "weight": weight, "p": p, "q": q}
    settings |= {"length": 12, "per_node": 2}
    one, two = (list(Walks(**settings, threads=k, seed=5)) for k in (1, 2))
    assert len(one) == 2
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    small = list(Walks(**settings, threads=3, seed=5, block=701))
    assert max(map(len, small)) == 701
    assert np.array_equal(np.concatenate(small), np.concatenate(one))
    other = np.concatenate(list(Walks(**settings, seed=6)))
    assert (np.sort(other[:, 0]) == np.sort(np.concatenate(one)[:, 0])).all()
    assert not np.array_equal(other, np.concatenate(one))


def test_a_corpus_comes_again_and_starts_everywhere():
    indptr, indices, _ = random_csr(50, 4, seed=2)
    corpus = Walks(indptr=indptr, indices=indices, length=5, per_node=3)
    first, second = list(corpus), list(corpus)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert [block.shape for block in first] == [(50, 5)] * 3
    assert len(corpus) == 150
    assert first[0].dtype == np.int32
    for block in first:
        assert sorted(block[:, 0]) == list(range(50))
    assert (first[0][:, 0] != first[1][:, 0]).any(), "each pass is shuffled anew"


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.2, 3)])
def test_ends_and_odd_graphs(p, q):
    def walk(edges, n, starts, length=4):
        indptr, indices, _ = csr(edges, n, directed=True)
        return next(
            iter(
                Walks(
                    indptr=indptr, indices=indices, p=p, q=q,
                    starts=np.array(starts), length=length, per_node=1,
                )
            )
        ).tolist()  # fmt: skip

    assert walk([(0, 1), (1, 2)], 4, [0]) == [[0, 1, 2, -1]], "a sink ends the walk"
    assert walk([(0, 1)], 3, [2]) == [[2, -1, -1, -1]], "isolated"
    assert walk([], 1, [0]) == [[0, -1, -1, -1]], "one node"
    assert walk([(0, 0)], 1, [0]) == [[0, 0, 0, 0]], "one self-loop"
    assert walk([(0, 1)], 2, [0, 0], length=1) == [[0], [0]]
    assert list(Walks(indptr=np.array([0]), indices=np.empty(0, int))) == []
    nobody = np.empty(0, np.int64)
    assert list(Walks(indptr=np.array([0, 0]), indices=nobody, starts=nobody)) == []


@pytest.mark.parametrize(("p", "q"), [(1, 1), (4, 0.5)])
def test_a_hub_reaches_all_its_leaves_alike(p, q):
    n = 100_000
    indptr = np.concatenate([[0], np.arange(n, 2 * n + 1)])
    indices = np.concatenate([np.arange(1, n + 1), np.zeros(n, np.int64)])
    (block,) = Walks(
        indptr=indptr, indices=indices, p=p, q=q, length=3, per_node=1, starts=np.zeros(50_000, int)
    )
    assert (block[:, 2] == 0).all()
    bins = np.bincount((block[:, 1] - 1) * 50 // n, minlength=50)
    assert stats.chisquare(bins).pvalue > 1e-3


def test_splitmix_gives_its_published_numbers():
    state, found = np.uint64(1234567), []
    for _ in range(3):
        state = np.uint64(int(state) + GAMMA & MASK)
        found.append(int(splitmix.mix(state)))
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert next(draws(7, 4)) == splitmix.unit(
        np.uint64(int(splitmix.stream(np.uint64(7), np.uint64(4))) + GAMMA & MASK)
    )


def test_alias_tables_hold_the_weights():
    indptr, indices, weight = csr(UNDIRECTED, 7, weighted=True)
    indptr64, indices32 = indptr.astype(np.int64), indices.astype(np.int32)
    alias, total = rows.alias_rows(indptr64, indices32, weight)
    for v in range(7):
        expected = row(indptr, indices, weight, v)
        mass = dict.fromkeys(expected, 0.0)
        for e in range(*indptr[v : v + 2]):
            stays = (int(alias[e]) >> 32) / (2**32 - 1)
            mass[int(indices[e])] += stays / len(expected)
            mass[int(alias[e]) & 0xFFFFFFFF] += (1 - stays) / len(expected)
        assert total[v] == pytest.approx(sum(expected.values()))
        for x, w in expected.items():
            assert mass[x] * total[v] == pytest.approx(w, rel=1e-7)


def test_edge_tables_miss_no_edge_and_searches_are_right():
    indptr, indices, _ = random_csr(300, 6, seed=4)
    indptr, indices = indptr.astype(np.int64), indices.astype(np.int32)
    edges = rows.edge_table(indptr, indices)
    wrong = 0
    for x in range(300):
        around = indices[indptr[x] : indptr[x + 1]].tolist()
        for t in range(300):
            found = rows.search(indices, indptr[x], len(around), t)
            assert found == (indptr[x] + around.index(t) if t in around else -1)
            assert rows.is_edge(indptr, indices, True, x, t) == (t in around)
            maybe = rows.may_be_edge(edges, x, t)
            assert maybe or t not in around
            wrong += maybe and t not in around
    assert wrong < 0.1 * 300**2
    assert not rows.may_be_edge(rows.edge_table(np.array([0, 0]), indices[:0]), 0, 0)


def test_is_symmetric():
    for edges, expected in [([(0, 1), (1, 0)], True), ([(0, 1)], False), ([(1, 1)], True)]:
        indptr, indices, _ = csr(edges, 3, directed=True)
        assert rows.is_symmetric(indptr, indices) is expected


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"p": 0}, ValueError, "p must be finite and > 0, found 0"),
        ({"q": float("inf")}, ValueError, "q must be finite and > 0, found inf"),
        ({"p": "1"}, TypeError, "p must be a number, found '1'"),
        ({"length": 0}, ValueError, r"length must lie in \[1, 2147483647\], found 0"),
        ({"per_node": 1.5}, TypeError, "per_node must be a whole number, found 1.5"),
        ({"seed": -1}, ValueError, "seed must lie in"),
        ({"threads": 0}, ValueError, "threads must lie in"),
        ({"block": True}, TypeError, "block must be a whole number, found True"),
        ({"starts": [0, 3]}, ValueError, r"starts must lie in 0..2, found 0 to 3"),
        ({"starts": [0.0]}, TypeError, "starts must be a vector of integers, found float64"),
        ({"indices": [1, 0, 2]}, ValueError, "indptr ends at 4, but there are 3 indices"),
        ({"indices": [1, 2, 0, 0][::-1]}, ValueError, "in row 0, 0 follows 0"),
        ({"indices": [1, 3, 0, 0]}, ValueError, r"indices must lie in 0..2, found 0 to 3"),
        ({"indices": [[1, 2, 0, 0]]}, TypeError, r"found int64 of shape \(1, 4\)"),
        ({"indptr": [0, 2, 1, 4]}, ValueError, "indptr must start at 0 and never fall"),
        ({"indptr": [1, 2, 3, 4]}, ValueError, "indptr must start at 0 and never fall"),
        ({"weight": [1, 2, 3]}, ValueError, r"weight must have shape \(4,\), found \(3,\)"),
        ({"weight": [1, 2, 0, 1]}, ValueError, "weight must be finite and > 0, found 0.0 at entry"),
        ({"weight": [1, 2, np.nan, 1]}, ValueError, "found nan at entry 2"),
        ({"weight": list("abcd")}, TypeError, "weight must be numbers, found <U1"),
    ],
)
def test_wrong_arguments_are_refused_by_name(change, error, message):
    given = {"indptr": [0, 2, 3, 4], "indices": [1, 2, 0, 0]}
    Walks(**given)
    with pytest.raises(error, match=message):
        Walks(**(given | change))


def test_first_order_is_second_order_with_p_and_q_one():
    indptr, indices, _ = random_csr(200, 5, seed=7)
    indptr, indices = indptr.astype(np.int64), indices.astype(np.int32)
    starts, out = np.arange(200), np.empty((2, 200, 9), np.int32)
    alias, total = rows.alias_rows(indptr, indices, np.empty(0))
    edges = rows.edge_table(indptr, indices)
    graph, job = (indptr, indices, alias), (np.uint64(3), starts, starts.astype(np.uint64))
    walks.first_order(graph, *job, out[0])
    walks.second_order(graph, (np.empty(0), total), edges, True, (1.0, 1.0), *job, out[1])
    assert np.array_equal(*out)
