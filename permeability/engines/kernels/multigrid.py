"""Black-box multigrid on 9-point link grids: smoothing, transfer between levels, the cycle.

Every level is a set of padded planes, interior rows ``1..ny`` and columns ``1..nx`` inside (ny + 3, nx +
3), zero
outside: four link planes (see :mod:`permeability.engines.kernels.edges`), the inverse diagonal ``inv`` (0 = no
equation), and, apart from them so that several solves can share a hierarchy, a right-hand side ``b`` and an iterate ``x``.  Coarse cell (I, J) sits on fine cell (2I, 2J).  Interpolation
keeps six
planes of the coarse shape: ``ph`` (weight of the western coarse neighbour at fine (2I, 2J+1)), ``pv`` (of
the northern
one at (2I+1, 2J)) and ``m0..m3`` (NW, NE, SW, SE at (2I+1, 2J+1)).

The finest level is float32 or float64, all coarser ones are float64 in one flat buffer: with single
precision on the
coarser ones as well the cycle stagnates on some surfaces.
Method: Dendy 1982, doi:10.1016/0021-9991(82)90057-2.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit

PLANES = 5  # e, s, se, sw, inv of a coarse level


@njit(cache=True, nogil=True)
def _next_rows(e, s, se, sw, inv, b, x, t, w, r):
    """Rows ``r`` and ``r + 1`` of a lexicographic Gauss-Seidel sweep.

    A row is a chain in which every cell waits for the one before it.  So two rows go along together, the lower one a
    cell behind: while one chain waits the other is worked on, and the sums are those of one row after the other.
    """
    ny, nx = x.shape[0] - 3, x.shape[1] - 3
    xr, xu, su, seu, swu, er, ir, br = x[r], x[r - 1], s[r - 1], se[r - 1], sw[r - 1], e[r], inv[r], b[r]
    xd, sd, sed, swd = x[r + 1], s[r], se[r], sw[r]
    for c in range(1, nx + 1):
        t[c] = (
            br[c]
            + su[c] * xu[c]
            + seu[c - 1] * xu[c - 1]
            + swu[c + 1] * xu[c + 1]
            + sd[c] * xd[c]
            + sed[c] * xd[c + 1]
            + swd[c] * xd[c - 1]
            + er[c] * xr[c + 1]
        ) * ir[c]
        w[c] = er[c - 1] * ir[c]
    left = t[0]
    if r == ny:
        for c in range(1, nx + 1):
            left = t[c] + w[c] * left
            xr[c] = left
        return
    x3, s2, se2, sw2, e2, i2, b2 = x[r + 2], s[r + 1], se[r + 1], sw[r + 1], e[r + 1], inv[r + 1], b[r + 1]
    left = t[1]
    xr[1] = left
    west, here, low = t[0], left, t[0]
    for c in range(1, nx + 1):
        left = t[c + 1] + w[c + 1] * left  # 0 on the rim
        xr[c + 1] = left
        low = (
            b2[c]
            + sd[c] * here
            + sed[c - 1] * west
            + swd[c + 1] * left
            + s2[c] * x3[c]
            + se2[c] * x3[c + 1]
            + sw2[c] * x3[c - 1]
            + e2[c] * xd[c + 1]
        ) * i2[c] + e2[c - 1] * i2[c] * low
        xd[c] = low
        west, here = here, left


@njit(cache=True, nogil=True)
def _first_rows(e, s, se, sw, inv, b, x, t, w, r):
    """The same in a sweep from ``x = 0``: neighbours not yet visited count nothing."""
    ny, nx = x.shape[0] - 3, x.shape[1] - 3
    xr, xu, su, seu, swu, er, ir, br = x[r], x[r - 1], s[r - 1], se[r - 1], sw[r - 1], e[r], inv[r], b[r]
    for c in range(1, nx + 1):
        t[c] = (br[c] + su[c] * xu[c] + seu[c - 1] * xu[c - 1] + swu[c + 1] * xu[c + 1]) * ir[c]
        w[c] = er[c - 1] * ir[c]
    left = t[0]
    if r == ny:
        for c in range(1, nx + 1):
            left = t[c] + w[c] * left
            xr[c] = left
        return
    x2, s1, se1, sw1, e2, i2, b2 = x[r + 1], s[r], se[r], sw[r], e[r + 1], inv[r + 1], b[r + 1]
    left = t[1]
    xr[1] = left
    west, here, low = t[0], left, t[0]
    for c in range(1, nx + 1):
        left = t[c + 1] + w[c + 1] * left  # 0 on the rim
        xr[c + 1] = left
        low = (b2[c] + s1[c] * here + se1[c - 1] * west + sw1[c + 1] * left) * i2[c] + e2[c - 1] * i2[c] * low
        x2[c] = low
        west, here = here, left


@njit(cache=True, nogil=True)
def backward(e, s, se, sw, inv, b, x):
    """One Gauss-Seidel sweep in the opposite order, so that a cycle is symmetric; two rows together as in :func:`_next_rows`."""
    ny, nx = x.shape[0] - 3, x.shape[1] - 3
    t, w = np.zeros_like(x[0]), np.zeros_like(x[0])
    for r in range(ny, 0, -2):
        xr, xu, su, seu, swu, er, ir, br = x[r], x[r - 1], s[r - 1], se[r - 1], sw[r - 1], e[r], inv[r], b[r]
        xd, sd, sed, swd = x[r + 1], s[r], se[r], sw[r]
        for c in range(1, nx + 1):
            t[c] = (
                br[c]
                + su[c] * xu[c]
                + seu[c - 1] * xu[c - 1]
                + swu[c + 1] * xu[c + 1]
                + sd[c] * xd[c]
                + sed[c] * xd[c + 1]
                + swd[c] * xd[c - 1]
                + er[c - 1] * xr[c - 1]
            ) * ir[c]
            w[c] = er[c] * ir[c]
        right = t[0]
        if r == 1:
            for c in range(nx, 0, -1):
                right = t[c] + w[c] * right
                xr[c] = right
            return
        x0, s0, se0, sw0, e2, i2, b2 = (
            x[r - 2],
            s[r - 2],
            se[r - 2],
            sw[r - 2],
            e[r - 1],
            inv[r - 1],
            b[r - 1],
        )
        right = t[nx]
        xr[nx] = right
        east, here, high = t[0], right, t[0]
        for c in range(nx, 0, -1):
            right = t[c - 1] + w[c - 1] * right  # 0 on the rim
            xr[c - 1] = right
            high = (
                b2[c]
                + s0[c] * x0[c]
                + se0[c - 1] * x0[c - 1]
                + sw0[c + 1] * x0[c + 1]
                + su[c] * here
                + seu[c] * east
                + swu[c] * right
                + e2[c - 1] * xu[c - 1]
            ) * i2[c] + e2[c] * i2[c] * high
            xu[c] = high
            east, here = here, right


@njit(cache=True, nogil=True)
def _gather(mid, up, low, h, v, vu, a0, a1, a2, a3, out):
    """One coarse row of ``P' r`` from the fine rows on it, above and below."""
    for j in range(1, out.size - 2):
        c = 2 * j - 1
        out[j] = (
            mid[c]
            + h[j] * mid[c + 1]
            + (1 - h[j - 1]) * mid[c - 1]
            + v[j] * low[c]
            + (1 - vu[j]) * up[c]
            + a0[j] * low[c + 1]
            + a1[j - 1] * low[c - 1]
            + a2[j] * up[c + 1]
            + a3[j - 1] * up[c - 1]
        )


@njit(cache=True, nogil=True)
def _later_row(e, s, se, sw, x, r, out):
    """Residual of row ``r`` right after a sweep from zero: what the later neighbours add, free of cancellation."""
    xr, xd, er, sd, sed, swd = x[r], x[r + 1], e[r], s[r], se[r], sw[r]
    for c in range(1, x.shape[1] - 2):
        out[c] = er[c] * xr[c + 1] + sd[c] * xd[c] + sed[c] * xd[c + 1] + swd[c] * xd[c - 1]


@njit(cache=True, nogil=True)
def _residual_row(e, s, se, sw, inv, b, x, r, out):
    """Row ``r`` of ``b - A x``."""
    xr, xu, su, seu, swu, er, ir, br = x[r], x[r - 1], s[r - 1], se[r - 1], sw[r - 1], e[r], inv[r], b[r]
    xd, sd, sed, swd = x[r + 1], s[r], se[r], sw[r]
    for c in range(1, x.shape[1] - 2):
        around = (
            br[c]
            + su[c] * xu[c]
            + seu[c - 1] * xu[c - 1]
            + swu[c + 1] * xu[c + 1]
            + sd[c] * xd[c]
            + sed[c] * xd[c + 1]
            + swd[c] * xd[c - 1]
            + er[c - 1] * xr[c - 1]
            + er[c] * xr[c + 1]
        )
        out[c] = around - xr[c] / ir[c] if ir[c] > 0.0 else 0.0


@njit(cache=True, nogil=True)
def down_from_zero(e, s, se, sw, inv, b, x, ph, pv, m0, m1, m2, m3, bc):
    """One lexicographic Gauss-Seidel sweep from ``x = 0`` and the coarse right-hand side ``P' (b - A x)`` behind it.

    The residual is never stored: its rows follow the sweep while all they need is still near.
    """
    ny = x.shape[0] - 3
    t, w = np.zeros_like(x[0]), np.zeros_like(x[0])
    up, mid, low = np.zeros_like(x[0]), np.zeros_like(x[0]), np.zeros_like(x[0])
    last = (ny + 1) // 2
    for i in range(1, last + 2):
        r = 2 * i - 1
        if i <= last:
            _first_rows(e, s, se, sw, inv, b, x, t, w, r)
        if i > 1:
            k = i - 1
            if r - 1 <= ny:
                _later_row(e, s, se, sw, x, r - 1, low)
            else:
                low[:] = 0
            _gather(mid, up, low, ph[k], pv[k], pv[k - 1], m0[k], m1[k], m2[k - 1], m3[k - 1], bc[k])
            up, low = low, up
        if i <= last:
            _later_row(e, s, se, sw, x, r, mid)


@njit(cache=True, nogil=True)
def down(e, s, se, sw, inv, b, x, ph, pv, m0, m1, m2, m3, bc, from_zero):
    """The same with the residual in full, from ``x`` as it is or from zero (its rim is zero and stays so)."""
    ny = x.shape[0] - 3
    t, w = np.zeros_like(x[0]), np.zeros_like(x[0])
    up, mid, low = np.zeros_like(x[0]), np.zeros_like(x[0]), np.zeros_like(x[0])
    last = (ny + 1) // 2
    for i in range(1, last + 2):
        r = 2 * i - 1
        if i <= last:
            if from_zero:
                _first_rows(e, s, se, sw, inv, b, x, t, w, r)
            else:
                _next_rows(e, s, se, sw, inv, b, x, t, w, r)
        if i > 1:
            k = i - 1
            if r - 1 <= ny:
                _residual_row(e, s, se, sw, inv, b, x, r - 1, low)
            else:
                low[:] = 0
            _gather(mid, up, low, ph[k], pv[k], pv[k - 1], m0[k], m1[k], m2[k - 1], m3[k - 1], bc[k])
            up, low = low, up
        if i <= last:
            _residual_row(e, s, se, sw, inv, b, x, r, mid)


@njit(cache=True, nogil=True)
def interpolate_add(ph, pv, m0, m1, m2, m3, xc, x):
    """``x += P xc``."""
    ny, nx = x.shape[0] - 3, x.shape[1] - 3
    cy, cx = xc.shape[0] - 3, xc.shape[1] - 3
    for i in range(1, cy + 1):
        r = 2 * i - 1
        here, below, top, h, v = xc[i], xc[i + 1], x[r], ph[i], pv[i]
        for j in range(1, cx + 1):
            top[2 * j - 1] += here[j]
            top[2 * j] += h[j] * here[j] + (1 - h[j]) * here[j + 1]
        top[nx + 1] = 0  # an odd width has no fine column east of its last coarse one
        if r + 1 > ny:
            continue
        low, a0, a1, a2, a3 = x[r + 1], m0[i], m1[i], m2[i], m3[i]
        for j in range(1, cx + 1):
            low[2 * j - 1] += v[j] * here[j] + (1 - v[j]) * below[j]
            low[2 * j] += a0[j] * here[j] + a1[j] * here[j + 1] + a2[j] * below[j] + a3[j] * below[j + 1]
        low[nx + 1] = 0


@njit(cache=True, nogil=True)
def _plane(buffer, at, ny, nx):
    size = (ny + 3) * (nx + 3)
    return buffer[at : at + size].reshape((ny + 3, nx + 3))


@njit(cache=True, nogil=True)
def level_planes(buffer, meta, level):
    """Views e, s, se, sw, inv of a coarse level."""
    at, ny, nx = meta[level, 0], meta[level, 1], meta[level, 2]
    step = (ny + 3) * (nx + 3)
    return (
        _plane(buffer, at, ny, nx),
        _plane(buffer, at + step, ny, nx),
        _plane(buffer, at + 2 * step, ny, nx),
        _plane(buffer, at + 3 * step, ny, nx),
        _plane(buffer, at + 4 * step, ny, nx),
    )


@njit(cache=True, nogil=True)
def vector_planes(vectors, meta, level):
    """Views b, x of a coarse level: what a cycle writes, apart from what cycles share."""
    at, ny, nx = meta[level, 5], meta[level, 1], meta[level, 2]
    return _plane(vectors, at, ny, nx), _plane(vectors, at + (ny + 3) * (nx + 3), ny, nx)


@njit(cache=True, nogil=True)
def weight_planes(buffer, meta, level):
    """Views ph, pv, m0..m3 of the interpolation from ``level + 1`` to ``level`` (both coarse)."""
    at, ny, nx = meta[level, 3], meta[level + 1, 1], meta[level + 1, 2]
    step = (ny + 3) * (nx + 3)
    return (
        _plane(buffer, at, ny, nx),
        _plane(buffer, at + step, ny, nx),
        _plane(buffer, at + 2 * step, ny, nx),
        _plane(buffer, at + 3 * step, ny, nx),
        _plane(buffer, at + 4 * step, ny, nx),
        _plane(buffer, at + 5 * step, ny, nx),
    )


@njit(cache=True, nogil=True)
def _solve_coarsest(vectors, meta, inverse):
    level = meta.shape[0] - 1
    b, x = vector_planes(vectors, meta, level)
    ny, nx = meta[level, 1], meta[level, 2]
    for k in range(ny * nx):
        row, total = inverse[k], 0.0
        for i in range(ny):
            for j in range(nx):
                total += row[i * nx + j] * b[i + 1, j + 1]
        x[k // nx + 1, k % nx + 1] = total


@njit(cache=True, nogil=True)
def coarse_cycles(buffer, vectors, meta, inverse):
    """Approximate solution of level 1, ``meta[l, 4]`` cycles on every visit of level l."""
    last = meta.shape[0] - 1
    remaining = np.zeros(last + 1, np.int64)
    remaining[1] = meta[1, 4]
    level, from_zero = 1, True
    while True:
        while level < last:
            e, s, se, sw, inv = level_planes(buffer, meta, level)
            b, x = vector_planes(vectors, meta, level)
            ph, pv, m0, m1, m2, m3 = weight_planes(buffer, meta, level)
            bc = vector_planes(vectors, meta, level + 1)[0]
            down(e, s, se, sw, inv, b, x, ph, pv, m0, m1, m2, m3, bc, from_zero)
            level, from_zero = level + 1, True
            remaining[level] = meta[level, 4]
        _solve_coarsest(vectors, meta, inverse)
        remaining[last] = 0
        while remaining[level] == 0:
            level -= 1
            if level == 0:
                return
            e, s, se, sw, inv = level_planes(buffer, meta, level)
            b, x = vector_planes(vectors, meta, level)
            ph, pv, m0, m1, m2, m3 = weight_planes(buffer, meta, level)
            interpolate_add(ph, pv, m0, m1, m2, m3, vector_planes(vectors, meta, level + 1)[1], x)
            backward(e, s, se, sw, inv, b, x)
            remaining[level] -= 1
        from_zero = False
