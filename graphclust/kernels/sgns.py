"""Skip-gram with negative sampling over blocks of walks.

T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words and
phrases and their compositionality", NIPS (2013), https://arxiv.org/abs/1310.4546; negatives shared
by a group of pairs as in S. Ji, N. Satish, S. Li, P. Dubey, "Parallelizing word2vec in shared and
distributed memory", https://arxiv.org/abs/1604.04661, section III.

Letters: N nodes, D dimensions, K negatives; v (N, D) the vectors, u (N, D) the output vectors. Each
word o of a walk, and each word c at most b words from it, b even on 1..window and drawn for each o,
are a pair with the loss (Mikolov et al., equation 4, with the roles of the two as in their code)

    −log σ(u_o · v_c) − Σ_{k=1..K} log σ(−u_{n_k} · v_c),   n_k ~ counts^power,

where negatives that hit o are left out. One step of gradient descent is taken for all pairs of o
at once, with the same K negatives for all of them: the inner products are then a small matrix
product, and outputs are read once. With `shared=False` each pair has negatives and a step of its
own, as in Mikolov's code. The learning rate falls linearly over the words of all epochs.

Departures from that code: σ is computed (to 10⁻⁷) and not read from a table cut off at ±6;
negatives come from an alias table of N entries, not from one of 10⁸; the rate falls with every
walk; frequent words are not sub-sampled unless asked for; vectors begin on ±1/D as in gensim, not
on half of it.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphclust.kernels.arguments import real_number, thread_count, whole_number
from graphclust.kernels.corpus import Block, checked, count_words, kept_share, noise_table
from graphclust.kernels.prefetch import prefetch
from graphclust.kernels.rows import leaves, other
from graphclust.kernels.splitmix import GAMMA, stream, unit
from graphclust.kernels.tiles import (
    all_fixed,
    errors,
    gather,
    loss_of,
    padded,
    scatter,
    scores,
    updates,
)

Vectors = NDArray[np.float32]

PIECE = 64  # walks a thread takes at a time
LOSS_EVERY = 16  # walks; the loss is measured on one of so many
SALT = 0x736B6970  # keeps these random streams off those of walks of the same seed


class Embedding(NamedTuple):
    """What training gives: `vectors` and `outputs` (N, D) float32; `counts` (N,) of each node in
    the corpus; `trained` (N,), False where a node never stood beside another and `vectors` is as it
    began; `loss`, the mean loss of a pair, one an epoch."""

    vectors: Vectors
    outputs: Vectors
    counts: NDArray[np.int64]
    trained: NDArray[np.bool_]
    loss: list[float]


@dataclass(frozen=True, kw_only=True)
class SkipGram:
    """Skip-gram with negative sampling (Mikolov et al. 2013): hyper-parameters of the training.

    O(window · K · D) time a word, O(N D) memory and one block of walks.

    Several threads work on the same vectors without locks (Hogwild), so that their result depends
    on chance; one thread, and `deterministic`, give the same bits again from the same seed and
    corpus on the same kind of machine.

    Args:
        window: farthest distance of a pair in a walk; negatives: K.
        rate, last_rate: learning rate of the first and the last word.
        sample: t; a word of frequency f > t is kept with chance √(t/f) + t/f; 0 keeps all.
        power: of the counts, in the distribution of negatives.
        shared: one set of negatives for all pairs of a word, or one for each pair.
        deterministic: train on one thread, whatever `threads` says.
        threads: None for as many as the process may use.

    Raises:
        ValueError, TypeError: an argument is not as above, by name.
    """

    dimensions: int = 128
    window: int = 10
    negatives: int = 10
    epochs: int = 1
    rate: float = 0.025
    last_rate: float = 1e-4
    sample: float = 0.0
    power: float = 0.75
    shared: bool = True
    deterministic: bool = False
    threads: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dimensions", "window", "negatives", "epochs"):
            whole_number(name, getattr(self, name), low=1)
        whole_number("seed", self.seed, low=0, high=2**64 - 1)
        for name in ("rate", "last_rate", "sample", "power"):
            real_number(name, getattr(self, name), low=0)
        thread_count(self.threads)

    def train(
        self,
        corpus: Iterable[Block],
        n: int,
        start: tuple[Vectors, Vectors] | None = None,
        fixed: NDArray[np.bool_] | None = None,
    ) -> Embedding:
        """Train on a corpus of (B, L) int32 blocks: nodes 0..n−1, walks ended by −1.

        The corpus is read once for the counts and once an epoch, so that a generator will not do.
        `start` holds (n, D) vectors and outputs to go on from; they are copied. Both stay as they
        are where `fixed` (n,) is true; where all of a step is fixed, it is skipped.

        Raises:
            TypeError: the corpus can be read only once, or a block is not int32.
            ValueError: a block holds a number ≥ n, or `start` or `fixed` has another shape.
            FloatingPointError: the vectors left the finite numbers.
        """
        if iter(corpus) is corpus:
            raise TypeError("corpus must be readable more than once, found an iterator")
        counts, trained = count_words(corpus, n)
        words = max(int(counts.sum()), 1)
        vectors, outputs = self.first_vectors(n) if start is None else self._copies(n, start)
        tables = noise_table(counts, self.power), kept_share(counts, self.sample)
        if fixed is not None and np.shape(fixed) != (n,):
            raise ValueError(f"fixed must have shape ({n},), found {np.shape(fixed)}")
        fixed = np.asarray([] if fixed is None else fixed, np.bool_)
        model = vectors, outputs, *tables, fixed, self.window, self.negatives, self.shared
        loss = []
        with ThreadPoolExecutor(1 if self.deterministic else thread_count(self.threads)) as pool:
            for epoch in range(self.epochs):
                parts: list[Any] = [(0.0, 0)]
                seed = np.uint64(self.seed ^ SALT ^ epoch << 32)
                for number, block, rates in self._schedule(corpus, n, epoch, words):
                    work = partial(_piece, model, seed, number, block, rates)
                    parts += pool.map(work, range(0, len(block), PIECE))
                total, pairs = np.sum(parts, axis=0)
                loss.append(float(total / pairs) if pairs else float("nan"))
        if not (np.isfinite(vectors).all() and np.isfinite(outputs).all()):
            raise FloatingPointError(f"the vectors diverged at rate {self.rate}; try a lower one")
        return Embedding(vectors, outputs, counts, trained, loss)

    def first_vectors(self, n: int) -> tuple[Vectors, Vectors]:
        """v even on ±1/D and u = 0."""
        shape = n, self.dimensions
        v = np.random.default_rng(self.seed).random(shape, np.float32)
        return (2 * v - 1) / np.float32(self.dimensions), np.zeros(shape, np.float32)

    def _copies(self, n: int, start: tuple[Vectors, Vectors]) -> tuple[Vectors, Vectors]:
        v, u = (np.array(part, np.float32, order="C") for part in start)
        shape = n, self.dimensions
        if not v.shape == u.shape == shape:
            raise ValueError(f"start must be two arrays of {shape}, found {v.shape} and {u.shape}")
        return v, u

    def _schedule(
        self, corpus: Iterable[Block], n: int, epoch: int, words: int
    ) -> Iterator[tuple[int, Block, Vectors]]:
        """Blocks of one epoch, each with the number of its first walk and every walk's rate."""
        number, done = 0, epoch * words
        for block in checked(corpus, n):
            lengths = (block >= 0).sum(axis=1)
            share = (done + np.cumsum(lengths) - lengths) / (self.epochs * words)
            rates = self.rate + (self.last_rate - self.rate) * share
            yield number, block, rates.astype(np.float32)
            number, done = number + len(block), done + lengths.sum()


def _piece(
    model: tuple, seed: np.uint64, number: int, block: Block, rates: Vectors, i: int
) -> tuple[float, int]:
    part = slice(i, i + PIECE)
    loss: tuple[float, int] = train_walks(
        block[part], rates[part], seed, np.uint64(number + i), *model
    )
    return loss


@njit(nogil=True, cache=True)
def train_walks(  # type: ignore[no-untyped-def]
    block, rates, seed, number, vectors, outputs, noise, keep, fixed, window, negatives, shared
):
    """One pass over a block, in order; the sum of the losses and the number of pairs measured."""
    d = vectors.shape[1]
    words = np.empty(block.shape[1], np.int32)
    around = np.empty(2 * window, np.int32)
    targets = np.empty((2, 1 + negatives), np.int32)
    v = np.zeros((padded(len(around)), d), np.float32)
    u = np.zeros((padded(1 + negatives), d), np.float32)
    dv, du = np.empty_like(v), np.empty_like(u)
    g = np.empty((len(v), len(u)), np.float32)
    v_table, u_table, size_of_row = vectors.ctypes.data, outputs.ctypes.data, 4 * d
    loss, measured = 0.0, 0
    for i in range(len(block)):
        state = stream(seed, number + np.uint64(i))
        measure = (number + np.uint64(i)) % np.uint64(LOSS_EVERY) == 0
        count, state = _read(block, i, keep, words, state)
        for o in range(-1, count):
            if shared and o + 1 < count:  # one word ahead, so that memory has time to answer
                state = _targets(words[o + 1], noise, targets, (o + 1) & 1, state)
                for target in targets[(o + 1) & 1]:
                    prefetch(u_table + size_of_row * target, size_of_row)
                for word in words[0 if o < 0 else o + 1 + window : min(o + 2 + window, count)]:
                    prefetch(v_table + size_of_row * word, size_of_row)
            if o < 0:
                continue
            state += GAMMA
            pairs = _around(words, o, count, 1 + np.int64(unit(state) * window), around)
            size = pairs if shared else 1
            for first in range(0, pairs, max(size, 1)):
                if not shared:
                    state = _targets(words[o], noise, targets, o & 1, state)
                if all_fixed(fixed, around, first, size) and all_fixed(
                    fixed, targets[o & 1], 0, targets.shape[1]
                ):
                    continue
                gather(vectors, around, first, size, v)
                gather(outputs, targets[o & 1], 0, targets.shape[1], u)
                scores(v, size, u, g)
                if measure:
                    loss += loss_of(g, size, targets[o & 1])
                    measured += size
                errors(g, size, targets[o & 1], rates[i])
                updates(v, size, u, g, dv, du)
                scatter(vectors, around, first, size, dv, fixed)
                scatter(outputs, targets[o & 1], 0, targets.shape[1], du, fixed)
    return loss, measured


@njit(inline="always")
def _targets(word, noise, targets, side, state):  # type: ignore[no-untyped-def]
    """The word and its negatives, into targets[side]; the next state."""
    targets[side, 0] = word
    for k in range(1, targets.shape[1]):
        state += GAMMA
        at = unit(state) * len(noise)
        entry = np.int64(at)
        drawn = other(noise, entry) if leaves(noise, entry, at - entry) else np.int32(entry)
        targets[side, k] = drawn
    return state


@njit(inline="always")
def _around(words, o, count, reach, around):  # type: ignore[no-untyped-def]
    """The words at most `reach` from the o-th; their number."""
    pairs = 0
    for c in range(max(0, o - reach), min(count, o + reach + 1)):
        if c != o:
            around[pairs] = words[c]
            pairs += 1
    return pairs


@njit
def _read(block, i, keep, words, state):  # type: ignore[no-untyped-def]
    """The words of walk i that sub-sampling keeps: their number and the next state."""
    count = 0
    for j in range(block.shape[1]):
        word = block[i, j]
        if word < 0:
            break
        if len(keep):
            state += GAMMA
            if unit(state) >= keep[word]:
                continue
        words[count] = word
        count += 1
    return count, state
