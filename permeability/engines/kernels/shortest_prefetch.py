"""Asking for memory before it is needed: the rows of the tile that will be relaxed next.

A tile's rows lie a grid row apart, so reading it cold costs more than relaxing it; the hint hides most of that.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from permeability.engines.kernels import inner

LINE = 64  # bytes


@intrinsic
def prefetch(typingctx, address):
    """Ask for the cache line at an address: a hint to the processor, which cannot fault."""

    def codegen(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, i32, i32, i32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        read, second_level, data = i32(0), i32(2), i32(1)
        builder.call(function, [builder.inttoptr(arguments[0], pointer), read, second_level, data])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@inner(cache=True, nogil=True)
def fetch_ahead(base, itemsize, rows, cols, r0, c0, T):
    """Ask for the rows of a tile and its ring in a C-contiguous (rows, cols) array at address ``base``."""
    for r in range(max(0, r0 - 1), min(rows, r0 + T + 1)):
        at = base + (r * cols + max(0, c0 - 1)) * itemsize
        last = base + (r * cols + min(cols, c0 + T + 1)) * itemsize - 1
        while at < last:
            prefetch(at)
            at += LINE
        prefetch(last)
