"""SplitMix64 in whole numbers of Python, for the references of kernels that draw from it."""

MASK = 2**64 - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def draws(seed, number):
    """The numbers in [0, 1) of one stream."""
    state = mix(mix(seed) + GAMMA * (number + 1) & MASK)
    while True:
        state = state + GAMMA & MASK
        yield (mix(state) >> 11) * 2.0**-53
