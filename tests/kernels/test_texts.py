"""Numbers of texts, against a dict."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphclust.kernels import texts as module
from graphclust.kernels.texts import TextNumbers

words = st.one_of(
    st.sampled_from([b"", b"\0", b"\0\0", b"a", b"a\0", b"abcdefgh", b"abcdefgh\0", b"abcdefghi"]),
    st.binary(max_size=20),
    st.text(max_size=6).map(str.encode),
)


def laid_out(chunk, kind=np.int64, before=b"", after=b""):
    """Offsets and bytes as Arrow has them, perhaps of a part of a longer array."""
    lengths = [len(before), *(len(text) for text in chunk)]
    data = np.frombuffer(before + b"".join(chunk) + after, np.uint8)
    return np.cumsum(lengths).astype(kind), data


def by_dict(texts):
    numbers = {}
    return [numbers.setdefault(text, len(numbers)) for text in texts], list(numbers)


def distinct(numbers):
    offsets, data = numbers.texts()
    return [bytes(data[a:b]) for a, b in pairwise(offsets)]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.lists(words, max_size=12), max_size=4),
    st.sampled_from([np.int32, np.int64]),
    st.binary(max_size=9),
    st.binary(max_size=9),
)
def test_numbers_are_those_of_a_dict(chunks, kind, before, after):
    numbers = TextNumbers()
    found = [numbers.add(*laid_out(chunk, kind, before, after)) for chunk in chunks]
    codes, texts = by_dict([text for chunk in chunks for text in chunk])
    assert [code for part in found for code in part] == codes
    assert distinct(numbers) == texts


def test_the_table_grows():
    rng = np.random.default_rng(0)
    texts = [b"%d" % i for i in rng.integers(0, 50_000, 120_000)]
    numbers = TextNumbers()
    found = np.r_[numbers.add(*laid_out(texts[:7])), numbers.add(*laid_out(texts[7:]))]
    codes, known = by_dict(texts)
    assert found.tolist() == codes
    assert distinct(numbers) == known


def test_equal_hashes_are_no_equal_texts():
    """Two texts of two words each whose hash states meet after the second word."""
    gamma, half, wide = int(module.GAMMA), 2**32, 2**64

    def absorb(state, word):
        state = (state ^ word) * gamma % wide
        return state ^ state // half

    first = [5, 7]
    state = absorb(16, first[0])
    other = 6  # another first word; the second makes up for the difference
    second = [other, state ^ first[1] ^ absorb(16, other)]
    assert absorb(absorb(16, second[0]), second[1]) == absorb(state, first[1])
    texts = [b"".join(word.to_bytes(8, "little") for word in words) for words in (first, second)]
    numbers = TextNumbers()
    assert numbers.add(*laid_out([*texts, *texts])).tolist() == [0, 1, 0, 1]
    assert distinct(numbers) == texts


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="shorter than 4 GB"):
        TextNumbers().add(np.array([0, 2**32]), np.empty(0, np.uint8))
