"""Small vector operations on columns of a front, eight numbers at a time.

The loop vectoriser of LLVM leaves a scalar rest of up to 31 rows, which is the whole column in most fronts of
a window (measured: 2 to 4 times slower).  Written as vector instructions, with columns padded to multiples
of eight, there is no rest.  The instructions are portable: LLVM splits eight lanes for narrower processors,
and ``fmuladd`` is fused only where the processor can.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)


def _data(context, builder, array_type, array):
    return context.make_array(array_type)(context, builder, array).data


def _arrays(context, builder, sig, args):
    """Data of the three arrays of an operation (arguments 0, 3 and 6)."""
    return [_data(context, builder, sig.args[k], args[k]) for k in (0, 3, 6)]


def _load(builder, data, index):
    place = builder.bitcast(builder.gep(data, [index]), ir.PointerType(_VECTOR))
    return builder.load(place, align=8)


def _scalar(builder, data, index):
    return builder.load(builder.gep(data, [index]))


def _across(builder, lanes):
    """Sum of the lanes, halves added to halves."""
    parts = [builder.extract_element(lanes, ir.Constant(ir.IntType(32), k)) for k in range(LANES)]
    while len(parts) > 1:
        half = len(parts) // 2
        parts = [builder.fadd(parts[k], parts[k + half]) for k in range(half)]
    return parts[0]


def _store(builder, value, data, index):
    place = builder.bitcast(builder.gep(data, [index]), ir.PointerType(_VECTOR))
    builder.store(value, place, align=8)


def _splat(builder, scalar):
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one,
        ir.Constant(_VECTOR, ir.Undefined),
        ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES),
    )


def _fused(builder):
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return cgutils.get_or_insert_function(builder.module, kind, "llvm.fmuladd.v8f64")


def _int(context, value):
    return context.get_constant(types.intp, value)


def _update(columns: int, rank: int):
    """to[t0 + c*to_step + i] += sum_p source[s0 + p*step + i] * by[at + p*by_step + c], i < 8 * blocks."""

    @intrinsic
    def update(typing_context, to, t0, to_step, source, s0, step, by, at, by_step, blocks):
        signature = types.void(to, t0, to_step, source, s0, step, by, at, by_step, blocks)

        def generate(context, builder, sig, args):
            to_data, source_data, by_data = _arrays(context, builder, sig, args)
            to_at = [builder.add(args[1], builder.mul(args[2], _int(context, c))) for c in range(columns)]
            source_at = [builder.add(args[4], builder.mul(args[5], _int(context, p))) for p in range(rank)]
            by_at = [builder.add(args[7], builder.mul(args[8], _int(context, p))) for p in range(rank)]
            factor = [
                [
                    _splat(builder, _scalar(builder, by_data, builder.add(at, _int(context, c))))
                    for c in range(columns)
                ]
                for at in by_at
            ]
            fused = _fused(builder)
            with cgutils.for_range(builder, args[9]) as loop:
                row = builder.mul(loop.index, _int(context, LANES))
                a = [_load(builder, source_data, builder.add(at, row)) for at in source_at]
                for c in range(columns):
                    place = builder.add(to_at[c], row)
                    x = _load(builder, to_data, place)
                    for p in range(rank):
                        x = builder.call(fused, [a[p], factor[p][c], x])
                    _store(builder, x, to_data, place)
            return context.get_dummy_value()

        return signature, generate

    return update


def _dots(columns: int, rank: int):
    """to[t0 + p*to_step + c] = sum_i source[s0 + p*step + i] * other[w0 + c*other_step + i]."""

    @intrinsic
    def dots(typing_context, to, t0, to_step, source, s0, step, other, w0, other_step, blocks):
        signature = types.void(to, t0, to_step, source, s0, step, other, w0, other_step, blocks)

        def generate(context, builder, sig, args):
            to_data, source_data, other_data = (
                _data(context, builder, sig.args[k], args[k]) for k in (0, 3, 6)
            )
            source_at = [builder.add(args[4], builder.mul(args[5], _int(context, p))) for p in range(rank)]
            other_at = [builder.add(args[7], builder.mul(args[8], _int(context, c))) for c in range(columns)]
            zero = ir.Constant(_VECTOR, [0.0] * LANES)
            totals = [[cgutils.alloca_once_value(builder, zero) for _ in range(columns)] for _ in range(rank)]
            fused = _fused(builder)
            with cgutils.for_range(builder, args[9]) as loop:
                row = builder.mul(loop.index, _int(context, LANES))
                a = [_load(builder, source_data, builder.add(at, row)) for at in source_at]
                for c in range(columns):
                    b = _load(builder, other_data, builder.add(other_at[c], row))
                    for p in range(rank):
                        x = builder.call(fused, [a[p], b, builder.load(totals[p][c])])
                        builder.store(x, totals[p][c])
            for p in range(rank):
                for c in range(columns):
                    place = builder.add(
                        builder.add(args[1], builder.mul(args[2], _int(context, p))), _int(context, c)
                    )
                    builder.store(_across(builder, builder.load(totals[p][c])), builder.gep(to_data, [place]))
            return context.get_dummy_value()

        return signature, generate

    return dots


update_4x4 = _update(4, 4)
update_1x4 = _update(1, 4)
update_1x3 = _update(1, 3)
update_1x2 = _update(1, 2)
update_1x1 = _update(1, 1)
dots_4x4 = _dots(4, 4)
dots_1x4 = _dots(1, 4)


@intrinsic
def lane_sum(typing_context, data, start, blocks):
    """Sum of 8 * blocks numbers, lane by lane, then over the lanes."""
    signature = types.float64(data, start, blocks)

    def generate(context, builder, sig, args):
        pointer = _data(context, builder, sig.args[0], args[0])
        total = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES))
        with cgutils.for_range(builder, args[2]) as loop:
            row = builder.add(args[1], builder.mul(loop.index, _int(context, LANES)))
            builder.store(builder.fadd(builder.load(total), _load(builder, pointer, row)), total)
        return _across(builder, builder.load(total))

    return signature, generate


@intrinsic
def lane_scale(typing_context, data, start, blocks, by):
    """data[start : start + 8 * blocks] *= by."""
    signature = types.void(data, start, blocks, by)

    def generate(context, builder, sig, args):
        pointer = _data(context, builder, sig.args[0], args[0])
        factor = _splat(builder, args[3])
        with cgutils.for_range(builder, args[2]) as loop:
            row = builder.add(args[1], builder.mul(loop.index, _int(context, LANES)))
            _store(builder, builder.fmul(_load(builder, pointer, row), factor), pointer, row)
        return context.get_dummy_value()

    return signature, generate
