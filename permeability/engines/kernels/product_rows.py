"""Products of tables, strip by strip of columns: what ``target += left.T @ right`` does, as plain loops that keep the vector units busy.

A strip is a few columns of a table copied one row behind the other (``STRIP`` numbers a row, of a multiple of four rows), so that it stays in the
first-level cache and the compiler sees that nothing overlaps; four columns of one strip are multiplied with all of another at a time.  For fronts of a
few hundred nodes this takes half the time of the matrix product of a BLAS, which knows neither that one half of a symmetric
update is enough nor where rows begin.  Loops over rows are as long as a row says, not as long as ``STRIP``: of those the compiler makes single steps.
"""

from __future__ import annotations

from permeability.engines.kernels import inner

STRIP = 32  # columns of a strip: the loop of a product has a known length and is unrolled
DEEP = 96  # most rows of a strip: DEEP x STRIP numbers are 24 kB


# "contract": a product and a sum may round once instead of twice
@inner(cache=True, nogil=True, fastmath={"contract"})
def four_rows(left, right, deep, sums):
    """``sums[r, j] = sum_k left[k, r] right[k, j]`` for four rows; all rows are STRIP apart, ``deep`` is a multiple of four."""
    for j in range(4 * STRIP):
        sums[j] = 0.0
    for k in range(0, deep, 4):
        a, b = left[STRIP * k :], right[STRIP * k :]
        a00, a01, a02, a03 = a[0], a[1], a[2], a[3]
        a10, a11, a12, a13 = a[STRIP], a[STRIP + 1], a[STRIP + 2], a[STRIP + 3]
        a20, a21, a22, a23 = a[2 * STRIP], a[2 * STRIP + 1], a[2 * STRIP + 2], a[2 * STRIP + 3]
        a30, a31, a32, a33 = a[3 * STRIP], a[3 * STRIP + 1], a[3 * STRIP + 2], a[3 * STRIP + 3]
        for j in range(STRIP):
            b0, b1, b2, b3 = b[j], b[STRIP + j], b[2 * STRIP + j], b[3 * STRIP + j]
            sums[j] = (((sums[j] + a00 * b0) + a10 * b1) + a20 * b2) + a30 * b3
            sums[STRIP + j] = (((sums[STRIP + j] + a01 * b0) + a11 * b1) + a21 * b2) + a31 * b3
            sums[2 * STRIP + j] = (((sums[2 * STRIP + j] + a02 * b0) + a12 * b1) + a22 * b2) + a32 * b3
            sums[3 * STRIP + j] = (((sums[3 * STRIP + j] + a03 * b0) + a13 * b1) + a23 * b2) + a33 * b3


@inner(cache=True, nogil=True)
def pack_strip(table, k0, k1, j0, j1, deep, strip):
    """Columns ``j0`` to ``j1`` of some rows as a strip; what is not there is zero."""
    for k in range(k1 - k0):
        to, of = strip[k * STRIP : (k + 1) * STRIP], table[k0 + k, j0:j1]
        for j in range(len(of)):
            to[j] = of[j]
        for j in range(len(of), STRIP):
            to[j] = 0.0
    for j in range((k1 - k0) * STRIP, deep * STRIP):
        strip[j] = 0.0


@inner(cache=True, nogil=True)
def unpack_strip(strip, table, k0, k1, j0, j1):
    """A strip back to its rows and columns."""
    for k in range(k1 - k0):
        of, to = strip[k * STRIP : (k + 1) * STRIP], table[k0 + k, j0:j1]
        for j in range(len(to)):
            to[j] = of[j]


@inner(cache=True, nogil=True)
def add_strip(strips, i0, i1, strip, j0, j1, deep, target, shift, upper, sums):
    """Add ``sum_k strips[k, i] strip[k, j]`` to ``target[i - shift, j - shift]``, ``i0 <= i < i1``, ``j0 <= j < j1``.

    ``strips``: the columns from ``i0`` on, strip behind strip; ``upper``: columns ``j >= i`` alone.
    """
    for i in range(i0, min(i1, j1) if upper else i1, 4):
        four_rows(strips[(i - i0) // STRIP * deep * STRIP + (i - i0) % STRIP :], strip, deep, sums)
        for r in range(min(4, i1 - i)):
            skip = max(0, i + r - j0) if upper else 0
            row, of = target[i + r - shift, j0 + skip - shift : j1 - shift], sums[r * STRIP + skip :]
            for j in range(len(row)):
                row[j] += of[j]
