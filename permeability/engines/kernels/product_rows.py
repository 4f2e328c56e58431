"""Products of tables added to rows of another: what ``target += left.T @ right`` does, as plain loops that keep the vector units busy.

Four rows of the target and four of the factors are worked on together, in a strip of columns that stays in the first-level cache; the strip is
copied, so that the compiler sees that nothing overlaps.  For fronts of a few hundred nodes this takes half the time of the matrix
product of a BLAS, which knows neither that one half of a symmetric update is enough nor where rows begin.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit

STRIP = 32  # columns worked on at a time: a loop of known length is unrolled
DEEP = 96  # most factors worked on at a time: DEEP x STRIP numbers are 24 kB


# "contract": a product and a sum of non-negative numbers may round once instead of twice
@inner(cache=True, nogil=True, fastmath={"contract"})
def _four_rows(left, right, deep, sums):
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
def _pack(table, k0, k1, j0, j1, deep, flat):
    """Columns ``j0`` to ``j1`` of some rows, strip by strip; what is not there is zero."""
    n_strips = (j1 - j0 + STRIP - 1) // STRIP
    strips = flat[: n_strips * deep * STRIP].reshape(n_strips, deep, STRIP)
    for t in range(n_strips):
        first = j0 + t * STRIP
        last = min(first + STRIP, j1)
        for k in range(k1 - k0):
            to, of = strips[t, k], table[k0 + k, first:last]
            for j in range(len(of)):
                to[j] = of[j]
            for j in range(len(of), STRIP):
                to[j] = 0.0
        for k in range(k1 - k0, deep):
            to = strips[t, k]
            for j in range(STRIP):
                to[j] = 0.0


@njit(cache=True, nogil=True)
def add_products(left, right, k0, k1, target, i0, i1, shift, upper):
    """Add ``sum_k left[k, i] right[k, j]``, ``k0 <= k < k1``, to ``target[i - shift, j - shift]`` for ``i0 <= i < i1``.

    Parameters
    ----------
    left, right : array, shape (k, n)
    k0, k1 : int
    target : array
        May be ``right``, where its rows are not among those of the factors.
    i0, i1 : int
    shift : int
    upper : bool
        Of ``left`` with itself, and only columns ``j >= i`` (a few left of them may change too); else all columns of ``right``.

    Examples
    --------
    >>> left, right, target = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]]), np.zeros((2, 3))
    >>> add_products(left, right, 0, 1, target, 0, 2, 0, False)
    >>> target.tolist()
    [[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]]
    """
    first, n = i0 if upper else 0, right.shape[1]
    n_strips = (n - first + STRIP - 1) // STRIP
    parts = max(1, (k1 - k0 + DEEP - 1) // DEEP)
    most = ((k1 - k0 + parts - 1) // parts + 3) // 4 * 4
    b = np.empty(n_strips * most * STRIP)
    a = b if upper else np.empty((i1 - i0 + STRIP - 1) // STRIP * most * STRIP)
    sums = np.empty(4 * STRIP)
    for q0 in range(k0, k1, max(most, 4)):
        q1 = min(q0 + most, k1)
        deep = (q1 - q0 + 3) // 4 * 4
        _pack(right, q0, q1, first, n, deep, b)
        if not upper:
            _pack(left, q0, q1, i0, i1, deep, a)
        for t in range(n_strips):
            j0 = first + t * STRIP
            j1 = min(j0 + STRIP, n)
            strip = b[t * deep * STRIP :]
            for i in range(i0, min(i1, j1) if upper else i1, 4):
                of_strip = (i - i0) // STRIP
                _four_rows(a[of_strip * deep * STRIP + (i - i0) % STRIP :], strip, deep, sums)
                skip = max(0, i - j0) if upper else 0
                for r in range(min(4, i1 - i)):
                    row, of = target[i + r - shift, j0 + skip - shift : j1 - shift], sums[r * STRIP + skip :]
                    for j in range(len(row)):
                        row[j] += of[j]
