"""Ask memory for what will be needed soon, and do not wait."""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LINE = 64  # bytes


@intrinsic
def _fetch(typing_context: Any, address: Any) -> Any:
    """LLVM's prefetch of one line, for writing (1), to keep (3), data (1)."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        place = builder.inttoptr(arguments[0], pointer)
        builder.call(function, [place, number(1), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(types.intp), generate


@njit(inline="always")
def prefetch(address, size):  # type: ignore[no-untyped-def]
    """Fetch `size` bytes from an address (`array.ctypes.data` + offset) into the caches."""
    for offset in range(0, size, LINE):
        _fetch(address + offset)
