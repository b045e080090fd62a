"""Skip-gram with negative sampling: each step against autograd, and what is learnt."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from plain import draws
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from graphclust.kernels import corpus, sgns, tiles
from graphclust.kernels.sgns import SkipGram
from graphclust.kernels.walks import Walks

WALKS = np.array([[3, 1, 4, 1, 5], [2, 0, -1, -1, -1], [6, -1, -1, -1, -1], [5, 5, 3, 0, 1]])
BLOCK = WALKS.astype(np.int32)  # node 6 is isolated, 7 is never seen
N = 8


def draw(noise, uniform):
    at = next(uniform) * len(noise)
    entry, packed = int(at), int(noise[int(at)])
    return packed & 0xFFFFFFFF if int((at - entry) * 2**32) >= packed >> 32 else entry


def descend(v, u, o, contexts, negatives, rate, fixed=()):
    """One step of gradient descent on the loss of the pairs (o, c), by autograd; the loss."""
    v.grad = u.grad = None
    loss = torch.zeros((), dtype=torch.float64)
    for c in contexts:
        loss = loss - torch.nn.functional.logsigmoid(u[o] @ v[c])
        for k in negatives:
            if k != o:
                loss = loss - torch.nn.functional.logsigmoid(-(u[k] @ v[c]))
    loss.backward()
    with torch.no_grad():
        v.grad[list(fixed)] = u.grad[list(fixed)] = 0
        v -= rate * v.grad
        u -= rate * u.grad
    return float(loss.detach())


def plain_training(model, v, u, keep=None, fixed=()):
    """The whole training in loops, from the same random numbers; float64. Mean losses of epochs."""
    noise = corpus.noise_table(np.bincount(BLOCK[BLOCK >= 0], minlength=N), model.power)
    words, done, losses = int((BLOCK >= 0).sum()), 0, []
    for epoch in range(model.epochs):
        measured = []
        for i, walk in enumerate(BLOCK.tolist()):
            uniform = draws(model.seed ^ sgns.SALT ^ epoch << 32, i)
            walk = [x for x in walk if x >= 0]
            rate = model.rate + (model.last_rate - model.rate) * done / (model.epochs * words)
            done += len(walk)
            if keep is not None:
                walk = [x for x in walk if next(uniform) < keep[x]]
            ahead = [draw(noise, uniform) for _ in range(model.negatives)] if walk else []
            for j, o in enumerate(walk):
                negatives = ahead
                if model.shared and j + 1 < len(walk):
                    ahead = [draw(noise, uniform) for _ in range(model.negatives)]
                b = 1 + int(next(uniform) * model.window)
                contexts = walk[max(0, j - b) : j] + walk[j + 1 : j + b + 1]
                if contexts and not {o, *contexts, *negatives} <= set(fixed):
                    loss = descend(v, u, o, contexts, negatives, rate, list(fixed))
                    if i % sgns.LOSS_EVERY == 0:
                        measured.append((loss, len(contexts)))
        losses.append(sum(x for x, _ in measured) / sum(n for _, n in measured))
    return losses


@pytest.mark.parametrize("sample", [0.0, 0.05])
def test_training_is_gradient_descent_by_autograd(sample):
    model = SkipGram(
        dimensions=6, window=3, negatives=4, epochs=4, rate=0.5, last_rate=0.1,
        sample=sample, seed=5, threads=1,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    start = rng.standard_normal((2, N, 6)).astype(np.float32)
    found = model.train([BLOCK[:1], BLOCK[1:]], N, start=tuple(start))
    v, u = (torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in start)
    keep = corpus.kept_share(found.counts, sample) if sample else None
    losses = plain_training(model, v, u, keep)
    assert np.allclose(found.vectors, v.detach(), atol=2e-5)
    assert np.allclose(found.outputs, u.detach(), atol=2e-5)
    assert np.allclose(found.loss, losses, rtol=1e-5)
    assert not np.allclose(found.vectors, start[0], atol=0.1), "it must have moved to be a test"
    assert np.array_equal(found.vectors[6:], start[0, 6:])


def test_fixed_rows_stay_and_the_others_learn_beside_them():
    model = SkipGram(
        dimensions=6, window=2, negatives=2, epochs=3, rate=0.5, last_rate=0.1, seed=5, threads=1
    )
    start = np.random.default_rng(0).standard_normal((2, N, 6)).astype(np.float32)
    fixed = np.isin(np.arange(N), [0, 1, 3, 5, 7])
    found = model.train([BLOCK], N, start=tuple(start), fixed=fixed)
    v, u = (torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in start)
    losses = plain_training(model, v, u, fixed=np.flatnonzero(fixed).tolist())
    assert np.array_equal(found.vectors[fixed], start[0, fixed])
    assert np.array_equal(found.outputs[fixed], start[1, fixed])
    assert np.allclose(found.vectors, v.detach(), atol=2e-5)
    assert np.allclose(found.outputs, u.detach(), atol=2e-5)
    assert np.allclose(found.loss, losses, rtol=1e-5)
    assert not np.allclose(found.vectors[[2, 4]], start[0, [2, 4]], atol=0.1)
    still = model.train([BLOCK], N, start=tuple(start), fixed=np.ones(N, bool))
    assert np.array_equal(still.outputs, start[1])
    with pytest.raises(ValueError, match=r"fixed must have shape \(8,\), found \(3,\)"):
        model.train([BLOCK], N, fixed=np.ones(3, bool))


def test_pairs_of_their_own_have_negatives_of_their_own():
    """One walk of two words: two pairs, two steps, each with its negatives."""
    model = SkipGram(
        dimensions=5, window=1, negatives=3, rate=0.3, last_rate=0.3, shared=False, threads=1
    )
    walk = np.array([[2, 0]], np.int32)
    start = np.random.default_rng(1).standard_normal((2, 4, 5)).astype(np.float32)
    found = model.train([walk], 4, start=tuple(start))
    v, u = (torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in start)
    noise = corpus.noise_table(np.array([1, 0, 1, 0]), 0.75)
    uniform = draws(sgns.SALT, 0)
    for o, c in ((2, 0), (0, 2)):
        next(uniform)  # the window
        descend(v, u, o, [c], [draw(noise, uniform) for _ in range(3)], 0.3)
    assert np.allclose(found.vectors, v.detach(), atol=1e-5)
    assert np.allclose(found.outputs, u.detach(), atol=1e-5)


def planted(n=300, k=4, p_in=0.12, p_out=0.008, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) * k // n
    upper = np.triu(rng.random((n, n)) < np.where(y[:, None] == y, p_in, p_out), 1)
    graph = sp.csr_array(upper | upper.T)
    return graph.indptr, graph.indices, y


def nmi(vectors, y):
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = KMeans(y.max() + 1, n_init=5, random_state=0).fit_predict(rows)
    return normalized_mutual_info_score(y, labels)


@pytest.mark.parametrize(
    "settings",
    [
        {"threads": 1},
        {"threads": 2},
        {"threads": 1, "shared": False, "negatives": 5},
        {"threads": 1, "sample": 0.01},
    ],
    ids=["one thread", "two threads", "own negatives", "sub-sampled"],
)
def test_a_planted_partition_is_found(settings):
    indptr, indices, y = planted()
    walks = Walks(indptr=indptr, indices=indices, length=30, per_node=10)
    found = SkipGram(dimensions=32, window=5, epochs=2, **settings).train(walks, len(y))
    assert nmi(found.vectors, y) > 0.95
    assert found.loss[1] < found.loss[0]
    assert found.trained.all()


def test_deterministic_training_gives_the_same_bits_for_any_threads_and_blocks():
    indptr, indices, y = planted()
    settings = {"indptr": indptr, "indices": indices, "length": 20, "per_node": 2}
    model = {"dimensions": 16, "window": 4, "deterministic": True}
    first = SkipGram(**model, threads=1).train(Walks(**settings, threads=1), len(y))
    for threads, block in ((2, 300), (3, 77)):
        walks = Walks(**settings, threads=threads, block=block)
        again = SkipGram(**model, threads=threads).train(walks, len(y))
        assert np.array_equal(first.vectors, again.vectors)
        assert np.array_equal(first.outputs, again.outputs)
        assert np.allclose(first.loss, again.loss)
    other = SkipGram(**model, seed=1).train(Walks(**settings), len(y))
    assert not np.array_equal(first.vectors, other.vectors)


def test_what_is_never_trained_is_told_and_kept():
    found = SkipGram(dimensions=4, threads=1).train([BLOCK], N)
    assert found.counts.tolist() == np.bincount(BLOCK[BLOCK >= 0], minlength=N).tolist()
    assert found.trained.tolist() == [True] * 6 + [False] * 2
    begun = SkipGram(dimensions=4).first_vectors(N)[0]
    assert np.array_equal(found.vectors[6:], begun[6:])
    assert (np.abs(begun) <= 0.25).all()
    assert np.abs(begun).max() > 0.2
    alone = SkipGram(dimensions=4).train([BLOCK[2:3]], N)
    assert np.isnan(alone.loss[0])
    assert not alone.trained.any()
    ended = SkipGram(dimensions=4).train([np.full((2, 3), -1, np.int32)], N)
    assert ended.counts.sum() == 0
    nothing = SkipGram(dimensions=4).train([], 0)
    assert nothing.vectors.shape == (0, 4)


def test_training_goes_on_from_vectors_and_leaves_them_alone():
    model = SkipGram(dimensions=4, threads=1)
    begun = model.train([BLOCK], N)
    kept = begun.vectors.copy()
    more = model.train([BLOCK], N, start=(begun.vectors, begun.outputs))
    assert np.array_equal(begun.vectors, kept)
    assert not np.array_equal(more.vectors, kept)


def test_negatives_follow_the_counts():
    counts = np.array([0, 1, 16, 81, 0, 256])
    noise = corpus.noise_table(counts, 0.75)
    uniform = draws(3, 3)
    seen = np.bincount([draw(noise, uniform) for _ in range(20_000)], minlength=6)
    expected = np.array([0, 1, 8, 27, 0, 64]) / 100
    assert seen[[0, 4]].tolist() == [0, 0]
    live = expected > 0
    assert stats.chisquare(seen[live], 20_000 * expected[live]).pvalue > 1e-3


def test_kept_share_is_its_formula():
    counts = np.array([1, 10, 989, 0])
    keep = corpus.kept_share(counts, 1e-2)
    for word in (0, 1, 2):
        f = counts[word] / 1000
        assert keep[word] == pytest.approx(min(1, np.sqrt(1e-2 / f) + 1e-2 / f))
    assert corpus.kept_share(counts, 0.0).size == 0


def test_sigmoid_is_its_formula():
    x = np.concatenate([np.linspace(-30, 30, 4001), [-1e4, 1e4]]).astype(np.float32)
    found = np.array([tiles.sigmoid(value) for value in x])
    with np.errstate(over="ignore"):
        expected = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert np.abs(found - expected).max() < 3e-7


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"dimensions": 0}, ValueError, r"dimensions must lie in \[1, 2147483647\], found 0"),
        ({"window": 2.0}, TypeError, "window must be a whole number, found 2.0"),
        ({"negatives": 0}, ValueError, "negatives must lie in"),
        ({"epochs": "3"}, TypeError, "epochs must be a whole number, found '3'"),
        ({"rate": -0.1}, ValueError, "rate must be finite and ≥ 0, found -0.1"),
        ({"sample": float("nan")}, ValueError, "sample must be finite and ≥ 0, found nan"),
        ({"power": None}, TypeError, "power must be a number, found None"),
        ({"threads": 0}, ValueError, "threads must lie in"),
        ({"seed": -1}, ValueError, "seed must lie in"),
    ],
)
def test_wrong_settings_are_refused_by_name(change, error, message):
    with pytest.raises(error, match=message):
        SkipGram(**change)


def test_wrong_corpora_and_starts_are_refused():
    model = SkipGram(dimensions=4)
    with pytest.raises(TypeError, match="readable more than once, found an iterator"):
        model.train(iter([BLOCK]), N)
    with pytest.raises(TypeError, match=r"a block must be \(B, L\) int32, found int64 of shape"):
        model.train([WALKS], N)
    with pytest.raises(TypeError, match="found list"):
        model.train([WALKS.tolist()], N)
    with pytest.raises(ValueError, match=r"a walk holds node 6, but nodes are 0\.\.5"):
        model.train([BLOCK], 6)
    with pytest.raises(ValueError, match=r"two arrays of \(8, 4\), found \(7, 4\) and \(8, 4\)"):
        model.train([BLOCK], N, start=(np.zeros((7, 4)), np.zeros((8, 4))))
    with pytest.raises(FloatingPointError, match="diverged at rate 1e\\+30"):
        SkipGram(dimensions=4, rate=1e30, epochs=30).train([BLOCK], N)
