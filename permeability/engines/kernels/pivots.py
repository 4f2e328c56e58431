"""The pivots of one front: elimination in strips of columns.

The rows of some pivots are one strip behind the other.  Their square is factorised four rows at a time, with the sum of all that
they have beyond it as one more column (so that a pivot, the sum of its row, is known before the rest of the row is);
then each strip beyond, and each strip of right-hand sides, is solved while it is in the cache, and multiplied with those before.
Nothing is subtracted (:mod:`permeability.engines.kernels.dissection`).
Left-looking elimination within a block and right-looking beyond: Golub & Van Loan, Matrix Computations, 4th ed. (2013), section 4.2.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.product_rows import (
    DEEP,
    STRIP,
    add_strip,
    four_rows,
    pack_strip,
    unpack_strip,
)
from permeability.engines.kernels.small_loops import ZERO


@inner(cache=True, nogil=True)
def _root(d):
    """Root of a pivot and its inverse; zero and zero for a node without a link."""
    if d <= 0.0:
        return 0.0, 0.0
    root = np.sqrt(d)
    return root, 1.0 / root


# "reassoc": sums of non-negative numbers, of which no order is the right one
@inner(cache=True, nogil=True, fastmath={"reassoc"})
def _sums_of_four(rows):
    """Sums of four rows of a strip."""
    a0 = a1 = a2 = a3 = 0.0
    for j in range(STRIP):
        a0 += rows[j]
        a1 += rows[STRIP + j]
        a2 += rows[2 * STRIP + j]
        a3 += rows[3 * STRIP + j]
    return a0, a1, a2, a3


@inner(cache=True, nogil=True, fastmath={"reassoc"})
def _sum_from(row, j0):
    """Sum of a row from ``j0`` on."""
    total = 0.0
    for j in range(j0, len(row)):
        total += row[j]
    return total


# "contract": a product and a sum may round once instead of twice
@inner(cache=True, nogil=True, fastmath={"contract"})
def _finish_four(rows, sums, scales, links):
    """Four rows of a strip, with what earlier pivots bring (``sums``), as rows of the factor."""
    s0, s1, s2, s3 = scales
    u01, u02, u03, u12, u13, u23 = links
    for j in range(STRIP):
        y0 = (rows[j] + sums[j]) * s0
        y1 = ((rows[STRIP + j] + sums[STRIP + j]) + u01 * y0) * s1
        y2 = (((rows[2 * STRIP + j] + sums[2 * STRIP + j]) + u02 * y0) + u12 * y1) * s2
        y3 = ((((rows[3 * STRIP + j] + sums[3 * STRIP + j]) + u03 * y0) + u13 * y1) + u23 * y2) * s3
        rows[j], rows[STRIP + j], rows[2 * STRIP + j], rows[3 * STRIP + j] = y0, y1, y2, y3


@inner(cache=True, nogil=True)
def _links_among(c):
    """The links among four pivots whose corner is at the beginning of ``c``."""
    return c[1], c[2], c[3], c[STRIP + 2], c[STRIP + 3], c[2 * STRIP + 3]


@inner(cache=True, nogil=True)
def _solve_strip(pivots, scale, deep, strip, sums):
    """Rows of a strip as rows of the factor, four at a time."""
    for q in range(0, deep, 4):
        left = pivots[q // STRIP * deep * STRIP + q % STRIP :]
        four_rows(left, strip, q, sums)
        scales = scale[q], scale[q + 1], scale[q + 2], scale[q + 3]
        _finish_four(strip[q * STRIP :], sums, scales, _links_among(left[q * STRIP :]))


@inner(cache=True, nogil=True, fastmath={"contract"})
def _factor_pivots(pivots, beyond, scale, m, deep, sums):
    """Factorise a square of ``m`` pivots, in strips; ``beyond``: sum of what each has beyond it; ``scale`` takes one over each root."""
    n_strips = (m + STRIP - 1) // STRIP
    for q in range(0, deep, 4):
        s, f = q // STRIP, q % STRIP
        left = pivots[s * deep * STRIP + f :]
        e0, e1, e2, e3 = beyond[q], beyond[q + 1], beyond[q + 2], beyond[q + 3]
        for p in range(q):
            a, y = left[p * STRIP :], beyond[p]
            e0 += a[0] * y
            e1 += a[1] * y
            e2 += a[2] * y
            e3 += a[3] * y
        d0, d1, d2, d3 = e0, e1, e2, e3
        for t in range(s, n_strips):
            rows = pivots[(t * deep + q) * STRIP : (t * deep + q + 4) * STRIP]
            if q > 0:
                four_rows(left, pivots[t * deep * STRIP :], q, sums)
                for j in range(len(rows)):
                    rows[j] += sums[j]
        corner = left[q * STRIP :]
        u01, u02, u03, u12, u13, u23 = _links_among(corner)
        for r in range(4):  # left of the pivots nothing is to be added to anything
            row = pivots[(s * deep + q + r) * STRIP : (s * deep + q + r) * STRIP + f + 4]
            for j in range(len(row)):
                row[j] = 0.0
        for t in range(s, n_strips):
            a0, a1, a2, a3 = _sums_of_four(pivots[(t * deep + q) * STRIP :])
            d0 += a0
            d1 += a1
            d2 += a2
            d3 += a3
        root0, s0 = _root(d0 + ((u01 + u02) + u03))
        u01, u02, u03, y = u01 * s0, u02 * s0, u03 * s0, d0 * s0
        d1, u12, u13 = d1 + u01 * y, u12 + u01 * u02, u13 + u01 * u03
        d2, d3, u23 = d2 + u02 * y, d3 + u03 * y, u23 + u02 * u03
        root1, s1 = _root(d1 + (u12 + u13))
        u12, u13, y = u12 * s1, u13 * s1, d1 * s1
        d2, d3, u23 = d2 + u12 * y, d3 + u13 * y, u23 + u12 * u13
        root2, s2 = _root(d2 + u23)
        u23, y = u23 * s2, d2 * s2
        root3, s3 = _root(d3 + u23 * y)
        scale[q], scale[q + 1], scale[q + 2], scale[q + 3] = s0, s1, s2, s3
        e0 *= s0
        e1 = (e1 + u01 * e0) * s1
        e2 = ((e2 + u02 * e0) + u12 * e1) * s2
        e3 = (((e3 + u03 * e0) + u13 * e1) + u23 * e2) * s3
        beyond[q], beyond[q + 1], beyond[q + 2], beyond[q + 3] = e0, e1, e2, e3
        for j in range(4 * STRIP):
            sums[j] = 0.0
        for t in range(s, n_strips):
            _finish_four(
                pivots[(t * deep + q) * STRIP :], sums, (s0, s1, s2, s3), (u01, u02, u03, u12, u13, u23)
            )
        corner[0], corner[1], corner[2], corner[3] = root0, u01, u02, u03
        corner[STRIP + 1], corner[STRIP + 2], corner[STRIP + 3] = root1, u12, u13
        corner[2 * STRIP + 2], corner[2 * STRIP + 3], corner[3 * STRIP + 3] = root2, u23, root3


@inner(cache=True, nogil=True)
def _carry(w, k0, k1, scale, v):
    """Carry one number a node through some pivots."""
    for k in range(k0, k1):
        y = v[k] * scale[k - k0]
        if y != 0.0:
            row, to = w[k, k + 1 :], v[k + 1 :]
            for j in range(len(row)):
                to[j] += row[j] * y


@inner(cache=True, nogil=True)
def reduce_with(w, rest, leak, check, bulk, x):
    """:func:`reduce_front` with right-hand sides ``x`` (n, any): what of them arrives at the other nodes, ``C^-1`` of them at the pivots."""
    ne, n = w.shape
    if ne == 0:
        return
    parts = (ne + DEEP - 1) // DEEP
    size = ((ne + parts - 1) // parts + 3) // 4 * 4
    within, without = (ne + STRIP - 1) // STRIP + 1, (n - ne + STRIP - 1) // STRIP
    strips, sums = np.empty((within + without + 1) * size * STRIP), np.empty(4 * STRIP)
    beyond, scale = np.zeros(size), np.empty(size)
    for b0 in range(0, ne, size):
        b1 = min(b0 + size, ne)
        m = b1 - b0
        deep = (m + 3) // 4 * 4
        width = deep * STRIP
        used = (m + STRIP - 1) // STRIP * width
        for j0 in range(b0, b1, STRIP):
            pack_strip(w, b0, b1, j0, min(j0 + STRIP, b1), deep, strips[(j0 - b0) * deep :])
        for k in range(m):
            beyond[k] = _sum_from(w[b0 + k], b1)
            if leak.size > 0:
                beyond[k] += leak[b0 + k]
        for k in range(m, deep):
            beyond[k] = 0.0
        _factor_pivots(strips, beyond, scale, m, deep, sums)
        for k in range(m):
            for t in range(k // STRIP, (m + STRIP - 1) // STRIP):
                j0 = max(k, t * STRIP)
                row = w[b0 + k, b0 + j0 : min(b0 + (t + 1) * STRIP, b1)]
                of = strips[(t * deep + k) * STRIP + j0 - t * STRIP :]
                for j in range(len(row)):
                    row[j] = of[j]
        pivots, later = strips[:used], strips[used:]  # later pivots of this front, in strips from b1 on
        for j0 in range(b1, ne, STRIP):
            j1, strip = min(j0 + STRIP, ne), strips[used : used + width]
            used += width
            pack_strip(w, b0, b1, j0, j1, deep, strip)
            _solve_strip(pivots, scale, deep, strip, sums)
            unpack_strip(strip, w, b0, b1, j0, j1)
            add_strip(later, b1, ne, strip, j0, j1, deep, w, ZERO, True, sums)
        others = strips[used:]
        for j0 in range(ne, n, STRIP):
            j1, strip = min(j0 + STRIP, n), strips[used : used + width]
            used += width
            pack_strip(w, b0, b1, j0, j1, deep, strip)
            _solve_strip(pivots, scale, deep, strip, sums)
            unpack_strip(strip, w, b0, b1, j0, j1)
            add_strip(later, b1, ne, strip, j0, j1, deep, w, ZERO, False, sums)
            add_strip(others, ne, n, strip, j0, j1, deep, rest, ne, True, sums)
        strip = strips[used : used + width]
        for j0 in range(0, x.shape[1], STRIP):
            j1 = min(j0 + STRIP, x.shape[1])
            pack_strip(x, b0, b1, j0, j1, deep, strip)
            _solve_strip(pivots, scale, deep, strip, sums)
            unpack_strip(strip, x, b0, b1, j0, j1)
            add_strip(later, b1, ne, strip, j0, j1, deep, x, ZERO, False, sums)
            add_strip(others, ne, n, strip, j0, j1, deep, x, ZERO, False, sums)
        if leak.size > 0:
            _carry(w, b0, b1, scale, leak)
        if check.size > 0:
            _carry(w, b0, b1, scale, check)
            _carry(w, b0, b1, scale, bulk)


@njit(cache=True, nogil=True)
def reduce_front(w, rest, leak, check, bulk):
    """Eliminate the pivot rows of one front, in place.

    Parameters
    ----------
    w : array, shape (ne, n)
        Conductances of the nodes to eliminate; on return the scaled rows ``g / sqrt(d)`` with ``sqrt(d)`` on
        the diagonal (the factor).  Entries left of the diagonal count for nothing and stay as they are.
    rest : array, shape (n - ne, n - ne)
        Conductances among the other nodes (upper half; the diagonal is never read); updated.
    leak, check, bulk : array, shape (n,) or (0,)
        Conductance to ground, a right-hand side carried along, and the magnitudes that went into it; updated.

    Examples
    --------
    Two links of conductance 1 in a row carry one half:

    >>> w, rest, none = np.array([[0.0, 1.0, 1.0]]), np.zeros((2, 2)), np.zeros(0)
    >>> reduce_front(w, rest, none, none, none)
    >>> round(float(rest[0, 1]), 12)
    0.5
    """
    reduce_with(w, rest, leak, check, bulk, np.empty((len(w), 0)))
