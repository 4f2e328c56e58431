"""Products of rows with rows, half of a symmetric table of them, as plain loops.

The tables are small (a candidate changes a dozen edges) and there are hundreds of them in every state of the barriers, so that a BLAS spends more
time on being called than on its work; and it knows neither that half of a table is enough nor where in the memory the rows lie.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner


@inner(cache=True, nogil=True)
def add_dots(flat, place, length, i0, i1, out, sign):
    """Add ``sign`` times the product of row i with row j to ``out[i, j]``, for ``i0 <= i <= j < i1``.

    Parameters
    ----------
    flat : array
        In which the rows lie.
    place : array of int
        Where each row begins.
    length : int
        Of a row.
    i0, i1 : int
    out : array, shape (i1, i1) or larger
        Below its diagonal some numbers change too.
    sign : float

    Examples
    --------
    >>> out = np.zeros((2, 2))
    >>> add_dots(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 2]), 2, 0, 2, out, 1.0)
    >>> np.triu(out).tolist()
    [[5.0, 11.0], [0.0, 25.0]]
    """
    dots, last = np.empty(16), i1 - 1
    for i in range(i0, i1, 4):
        a0, a1, a2, a3 = place[i], place[min(i + 1, last)], place[min(i + 2, last)], place[min(i + 3, last)]
        for j in range(i, i1, 4):
            b0, b1, b2, b3 = (
                place[j],
                place[min(j + 1, last)],
                place[min(j + 2, last)],
                place[min(j + 3, last)],
            )
            _sixteen_dots(flat, length, a0, a1, a2, a3, b0, b1, b2, b3, dots)
            for r in range(min(4, i1 - i)):
                to = out[i + r]
                for s in range(min(4, i1 - j)):
                    to[j + s] += sign * dots[4 * r + s]


# "reassoc": the sums are taken in as many parts as a vector has places
@inner(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _sixteen_dots(flat, length, a0, a1, a2, a3, b0, b1, b2, b3, dots):
    """Products of four rows with four others."""
    p0, p1, p2, p3 = flat[a0:], flat[a1:], flat[a2:], flat[a3:]
    q0, q1, q2, q3 = flat[b0:], flat[b1:], flat[b2:], flat[b3:]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    for k in range(length):
        x0, x1, x2, x3, y0, y1, y2, y3 = p0[k], p1[k], p2[k], p3[k], q0[k], q1[k], q2[k], q3[k]
        s00 += x0 * y0
        s01 += x0 * y1
        s02 += x0 * y2
        s03 += x0 * y3
        s10 += x1 * y0
        s11 += x1 * y1
        s12 += x1 * y2
        s13 += x1 * y3
        s20 += x2 * y0
        s21 += x2 * y1
        s22 += x2 * y2
        s23 += x2 * y3
        s30 += x3 * y0
        s31 += x3 * y1
        s32 += x3 * y2
        s33 += x3 * y3
    dots[0], dots[1], dots[2], dots[3] = s00, s01, s02, s03
    dots[4], dots[5], dots[6], dots[7] = s10, s11, s12, s13
    dots[8], dots[9], dots[10], dots[11] = s20, s21, s22, s23
    dots[12], dots[13], dots[14], dots[15] = s30, s31, s32, s33
