"""Ask memory for what will be needed soon, and do not wait."""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LINE = 64  # bytes


def _fetch(write: int) -> Any:
    """LLVM's prefetch of one line, for reading (0) or writing (1), to keep (3), data (1)."""

    @intrinsic
    def fetch(typing_context: Any, address: Any) -> Any:
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
            function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
            place = builder.inttoptr(arguments[0], pointer)
            builder.call(function, [place, number(write), number(3), number(1)])
            return context.get_dummy_value()

        return types.void(types.intp), generate

    return fetch


_to_read, _to_write = _fetch(0), _fetch(1)


@njit(inline="always")
def prefetch(address, size):  # type: ignore[no-untyped-def]
    """Fetch `size` bytes from an address (`array.ctypes.data` + offset), which will change."""
    for offset in range(0, size, LINE):
        _to_write(address + offset)


@njit(inline="always")
def prefetch_read(address, size):  # type: ignore[no-untyped-def]
    """As `prefetch`, of what will only be read: other threads keep their copies."""
    for offset in range(0, size, LINE):
        _to_read(address + offset)
