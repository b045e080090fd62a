"""Programs of Triton, which `triton` starts: one makes COLUMNS columns of a row of the result, from
all entries of that row, in tiles of ENTRIES × COLUMNS numbers, or numbers of ENTRIES entries.
"""

import triton
import triton.language as tl

DOT, DISTANCE, TURN = (tl.constexpr(kind) for kind in range(3))


@triton.jit
def _columns(width, COLUMNS: tl.constexpr):  # type: ignore[no-untyped-def]
    """Which columns are this program's, and are they there?"""
    f = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    return f, f < width


@triton.jit
def _members(member, at, last, f, inside, ENTRIES: tl.constexpr):  # type: ignore[no-untyped-def]
    """Numbers of the next entries, are they there, their rows, and the tile's mask."""
    e = at + tl.arange(0, ENTRIES)
    there = e < last
    row = tl.load(member + e, mask=there, other=0)
    return e, there, row, there[:, None] & inside[None, :]


@triton.jit
def _sign(x):  # type: ignore[no-untyped-def]
    return tl.where(x > 0, 1.0, tl.where(x < 0, -1.0, 0.0)).to(x.dtype)


@triton.jit
def spmm(  # type: ignore[no-untyped-def]
    start, member, weight, x, out, width,
    WEIGHTED: tl.constexpr, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    g = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    total = tl.zeros((COLUMNS,), out.dtype.element_ty)
    last = tl.load(start + g + 1)
    for at in range(tl.load(start + g), last, ENTRIES):
        e, there, row, mask = _members(member, at, last, f, inside, ENTRIES)
        part = tl.load(x + row[:, None] * width + f[None, :], mask=mask, other=0)
        if WEIGHTED:
            part = part * tl.load(weight + e, mask=there, other=0)[:, None]
        total += tl.sum(part, axis=0)
    tl.store(out + g * width + f, total, mask=inside)


@triton.jit
def largest(  # type: ignore[no-untyped-def]
    start, member, x, out, place, width,
    SIGN: tl.constexpr, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    g = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    best = tl.full((COLUMNS,), float("-inf"), out.dtype.element_ty)
    where = tl.full((COLUMNS,), -1, tl.int64)
    last = tl.load(start + g + 1)
    number = tl.arange(0, ENTRIES)[:, None]
    for at in range(tl.load(start + g), last, ENTRIES):
        _e, _there, row, mask = _members(member, at, last, f, inside, ENTRIES)
        part = tl.load(x + row[:, None] * width + f[None, :], mask=mask, other=0) * SIGN
        part = tl.where(mask, part, float("-inf"))
        lost = part != part  # NaN is kept, the first of them
        some = tl.max(lost.to(tl.int32), axis=0) > 0
        top = tl.max(tl.where(lost, float("-inf"), part), axis=0)
        held = tl.where(some[None, :], lost, (part == top[None, :]) & (part > float("-inf")))
        first = tl.min(tl.where(held, number, ENTRIES), axis=0)
        found = tl.sum(tl.where(number == first[None, :], row[:, None], 0), axis=0)
        better = (best == best) & (some | (top > best))
        where = tl.where(better, found, where)
        best = tl.where(better, tl.where(some, float("nan"), top), best)
    tl.store(out + g * width + f, best * SIGN, mask=inside)
    tl.store(place + g * width + f, where.to(tl.int32), mask=inside)


@triton.jit
def largest_back(  # type: ignore[no-untyped-def]
    start, member, place, gradient, out, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    i = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    total = tl.zeros((COLUMNS,), out.dtype.element_ty)
    first, last = tl.load(start + i), tl.load(start + i + 1)
    for at in range(first, last, ENTRIES):
        e, there, group, mask = _members(member, at, last, f, inside, ENTRIES)
        before = tl.load(member + e - 1, mask=there & (e > first), other=-1)
        spot = group[:, None] * width + f[None, :]
        held = (tl.load(place + spot, mask=mask, other=-1) == i) & (group != before)[:, None]
        total += tl.sum(tl.load(gradient + spot, mask=mask & held, other=0), axis=0)
    tl.store(out + i * width + f, total, mask=inside)


@triton.jit
def logsumexp(  # type: ignore[no-untyped-def]
    start, member, x, out, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    g = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    top = tl.full((COLUMNS,), float("-inf"), out.dtype.element_ty)
    base = tl.zeros((COLUMNS,), out.dtype.element_ty)  # top where that is finite, else 0
    total = tl.zeros((COLUMNS,), out.dtype.element_ty)
    last = tl.load(start + g + 1)
    for at in range(tl.load(start + g), last, ENTRIES):
        _e, _there, row, mask = _members(member, at, last, f, inside, ENTRIES)
        spot = row[:, None] * width + f[None, :]
        part = tl.load(x + spot, mask=mask, other=float("-inf"))
        top = tl.maximum(top, tl.max(part, axis=0))
        new = tl.where(tl.abs(top) < float("inf"), top, 0.0)
        total = tl.where(total == 0, 0.0, total * tl.exp(base - new))
        total += tl.sum(tl.exp(part - new[None, :]), axis=0)
        base = new
    none = total == 0
    total = tl.log(tl.where(none, 1.0, total)) + base
    tl.store(out + g * width + f, tl.where(none, float("-inf"), total), mask=inside)


@triton.jit
def logsumexp_back(  # type: ignore[no-untyped-def]
    start, member, x, total, gradient, out, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    i = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    own = tl.load(x + i * width + f, mask=inside, other=0)
    result = tl.zeros((COLUMNS,), out.dtype.element_ty)
    last = tl.load(start + i + 1)
    for at in range(tl.load(start + i), last, ENTRIES):
        _e, _there, group, mask = _members(member, at, last, f, inside, ENTRIES)
        spot = group[:, None] * width + f[None, :]
        whole = tl.load(total + spot, mask=mask, other=float("-inf"))
        some = whole != float("-inf")
        share = tl.exp(own[None, :] - tl.where(some, whole, float("inf")))
        slope = tl.load(gradient + spot, mask=mask, other=0)
        result += tl.sum(tl.where(some, slope * share, 0.0), axis=0)
    tl.store(out + i * width + f, result, mask=inside)


@triton.jit
def pair_numbers(  # type: ignore[no-untyped-def]
    source, target, a, b, out, entries, width,
    KIND: tl.constexpr, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """⟨a_i, b_j⟩, ‖a_i − a_j‖₁ (b is a) or ⟨a_i − a_j, b_i − b_j⟩ of the entries."""
    e = tl.program_id(0).to(tl.int64) * ENTRIES + tl.arange(0, ENTRIES)
    there = e < entries
    i = tl.load(source + e, mask=there, other=0)[:, None] * width
    j = tl.load(target + e, mask=there, other=0)[:, None] * width
    total = tl.zeros((ENTRIES,), out.dtype.element_ty)
    for first in range(0, width, COLUMNS):
        f = first + tl.arange(0, COLUMNS)[None, :]
        mask = there[:, None] & (f < width)
        left = tl.load(a + i + f, mask=mask, other=0)
        right = tl.load(b + j + f, mask=mask, other=0)
        if KIND == DOT:
            total += tl.sum(left * right, axis=1)
        elif KIND == DISTANCE:
            total += tl.sum(tl.abs(left - right), axis=1)
        else:
            left -= tl.load(a + j + f, mask=mask, other=0)
            total += tl.sum(left * (tl.load(b + i + f, mask=mask, other=0) - right), axis=1)
    tl.store(out + e, total, mask=there)


@triton.jit
def variation(  # type: ignore[no-untyped-def]
    start, member, weight, s, value, slope, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    i = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    own = tl.load(s + i * width + f, mask=inside, other=0)
    up = tl.zeros((COLUMNS,), slope.dtype.element_ty)
    size = tl.zeros((COLUMNS,), tl.float64)
    last = tl.load(start + i + 1)
    for at in range(tl.load(start + i), last, ENTRIES):
        e, there, row, mask = _members(member, at, last, f, inside, ENTRIES)
        other = tl.load(s + row[:, None] * width + f[None, :], mask=mask, other=0)
        w = tl.load(weight + e, mask=there, other=0)[:, None]
        apart = tl.where(mask, own[None, :] - other, 0.0)
        up += tl.sum(w * _sign(apart), axis=0)
        size += tl.sum(w * tl.abs(apart), axis=0)
    tl.store(slope + i * width + f, up, mask=inside)
    tl.store(value + i * tl.num_programs(1) + tl.program_id(1), tl.sum(size, axis=0))


@triton.jit
def message(  # type: ignore[no-untyped-def]
    start, member, gamma, y, out, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    i = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    own = tl.load(y + i * width + f, mask=inside, other=0)
    result = own
    last = tl.load(start + i + 1)
    for at in range(tl.load(start + i), last, ENTRIES):
        e, there, row, mask = _members(member, at, last, f, inside, ENTRIES)
        other = tl.load(y + row[:, None] * width + f[None, :], mask=mask, other=0)
        w = tl.load(gamma + e, mask=there, other=0)[:, None]
        result -= tl.sum(w * (own[None, :] - other), axis=0)
    tl.store(out + i * width + f, result, mask=inside)


@triton.jit
def message_back(  # type: ignore[no-untyped-def]
    start, member, gamma, turn, g, y, out, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    i = tl.program_id(0).to(tl.int64)
    f, inside = _columns(width, COLUMNS)
    own = tl.load(y + i * width + f, mask=inside, other=0)
    own_g = tl.load(g + i * width + f, mask=inside, other=0)
    result = own_g
    last = tl.load(start + i + 1)
    for at in range(tl.load(start + i), last, ENTRIES):
        e, there, row, mask = _members(member, at, last, f, inside, ENTRIES)
        spot = row[:, None] * width + f[None, :]
        other = tl.load(y + spot, mask=mask, other=0)
        other_g = tl.load(g + spot, mask=mask, other=0)
        w = tl.load(gamma + e, mask=there, other=0)[:, None]
        t = tl.load(turn + e, mask=there, other=0)[:, None]
        step = t * _sign(own[None, :] - other) - w * (own_g[None, :] - other_g)
        result += tl.sum(step, axis=0)
    tl.store(out + i * width + f, result, mask=inside)


@triton.jit
def flow(  # type: ignore[no-untyped-def]
    start, member, weight, p, parts, n, k,
    WEIGHTED: tl.constexpr, ROWS: tl.constexpr, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(0).to(tl.int64)
    a = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    b = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((COLUMNS, COLUMNS), parts.dtype.element_ty)
    for i in range(block * ROWS, tl.minimum(block * ROWS + ROWS, n)):
        spread = tl.zeros((COLUMNS,), parts.dtype.element_ty)
        last = tl.load(start + i + 1)
        for at in range(tl.load(start + i), last, ENTRIES):
            e, there, row, mask = _members(member, at, last, b, b < k, ENTRIES)
            part = tl.load(p + row[:, None] * k + b[None, :], mask=mask, other=0)
            if WEIGHTED:
                part = part * tl.load(weight + e, mask=there, other=0)[:, None]
            spread += tl.sum(part, axis=0)
        own = tl.load(p + i * k + a, mask=a < k, other=0)
        total += own[:, None] * spread[None, :]
    spot = block * k * k + a[:, None] * k + b[None, :]
    tl.store(parts + spot, total, mask=(a < k)[:, None] & (b < k)[None, :])
