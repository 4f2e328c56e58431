"""Black-box multigrid: the finest level from the links, interpolation weights, Galerkin coarse operators.

Planes and indices as in :mod:`permeability.engines.kernels.multigrid`.
"""

from __future__ import annotations

from permeability.engines.kernels import njit

# Share of a point's links below which its paths to the coarse neighbours do not decide its interpolation.
# Between walls and holes a point may hang on to its other neighbours only; deciding on the weak remainder
# then ties both sides of a wall to one coarse cell (measured on two hard surfaces of 1e6 cells: 28 and 29
# iterations, 46 and 81 with 1e-10).
NEGLIGIBLE = 1e-2


@njit(cache=True, nogil=True)
def fill_finest(links_e, links_s, links_se, links_sw, open_cell, te, ts, tse, tsw, leak):
    """Pad the links of open cells, move links to closed cells into ``leak``.

    ``open_cell`` (rows, cols) uint8: 1 = unknown, 0 = no equation, 2 = ideal ground.  ``leak`` comes in
    with the finite grounds (padded) or has size 0, which asserts that no cell is a ground.
    """
    rows, cols = links_e.shape
    for r in range(rows):
        for c in range(cols):
            for k in range(4):
                if k == 0:
                    g, r2, c2 = links_e[r, c], r, c + 1
                elif k == 1:
                    g, r2, c2 = links_s[r, c], r + 1, c
                elif k == 2:
                    g, r2, c2 = links_se[r, c], r + 1, c + 1
                else:
                    g, r2, c2 = links_sw[r, c], r + 1, c - 1
                if g == 0.0:
                    continue
                here, there = open_cell[r, c], open_cell[r2, c2]
                if here == 1 and there == 1:
                    if k == 0:
                        te[r + 1, c + 1] = g
                    elif k == 1:
                        ts[r + 1, c + 1] = g
                    elif k == 2:
                        tse[r + 1, c + 1] = g
                    else:
                        tsw[r + 1, c + 1] = g
                elif here == 1 and there == 2:
                    leak[r + 1, c + 1] += g
                elif here == 2 and there == 1:
                    leak[r2 + 1, c2 + 1] += g
    if leak.size > 0:
        for r in range(rows):
            for c in range(cols):
                if open_cell[r, c] != 1:
                    leak[r + 1, c + 1] = 0.0


@njit(cache=True, nogil=True)
def invert_diagonal(e, s, se, sw, leak, inv):
    """``1 / (links + leak)``, 0 where a cell has neither."""
    ny, nx = inv.shape[0] - 3, inv.shape[1] - 3
    for r in range(1, ny + 1):
        for c in range(1, nx + 1):
            d = e[r, c] + e[r, c - 1] + s[r, c] + s[r - 1, c]
            d += se[r, c] + se[r - 1, c - 1] + sw[r, c] + sw[r - 1, c + 1]
            if leak.size > 0:
                d += leak[r, c]
            inv[r, c] = 1.0 / d if d > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _series(p, q):
    return p * q / (p + q) if p > 0.0 and q > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _between(g, one, one_leg, two, two_leg, inv, g2, one2, one_leg2, two2, two_leg2, inv2, across, across2):
    """Weight of the first of the two coarse neighbours of a point between them.

    Of each neighbour: its link, the two diagonal links on its side with the links that lead on from there to it, and
    its inverse diagonal; ``across``, ``across2`` are the point's links at right angles.
    """
    a = max(g, 0.0) + _series(one, one_leg) + _series(two, two_leg)
    b = max(g2, 0.0) + _series(one2, one_leg2) + _series(two2, two_leg2)
    scale = abs(g) + abs(one) + abs(two) + abs(g2) + abs(one2) + abs(two2) + abs(across) + abs(across2)
    if a + b <= NEGLIGIBLE * scale:
        a, b = (
            max(g + one + two, 0.0),
            max(g2 + one2 + two2, 0.0),
        )  # Dendy's collapse: all links on either side
        if a + b <= NEGLIGIBLE * scale:
            if inv == 0.0 or inv2 == 0.0:  # a cell without equation serves nobody else
                return 0.5 if inv == inv2 else (1.0 if inv == 0.0 else 0.0)
            return inv / (inv + inv2)  # the weaker one suffers less
    return a / (a + b)


@njit(cache=True, nogil=True)
def weights(e, s, se, sw, inv, ph, pv, m0, m1, m2, m3):
    """Operator-dependent interpolation: links in series over the diagonal neighbours of a point between
    two coarse ones.

    Every row sums to one, so constants are interpolated exactly.
    """
    ny, nx = inv.shape[0] - 3, inv.shape[1] - 3
    cy, cx = ph.shape[0] - 3, ph.shape[1] - 3
    for i in range(1, cy + 1):
        for j in range(1, cx + 1):
            r, c = 2 * i - 1, 2 * j - 1
            if c + 1 <= nx:
                if c + 2 > nx:
                    ph[i, j] = 1.0
                else:
                    ph[i, j] = _horizontal(e, s, se, sw, inv, r, c + 1)
            if r + 1 <= ny:
                if r + 2 > ny:
                    pv[i, j] = 1.0
                else:
                    pv[i, j] = _vertical(e, s, se, sw, inv, r + 1, c)
    for i in range(1, cy + 1):
        r = 2 * i
        if r > ny:
            continue
        for j in range(1, cx + 1):
            c = 2 * j
            if c > nx:
                continue
            nw, no, ne = max(se[r - 1, c - 1], 0.0), max(s[r - 1, c], 0.0), max(sw[r - 1, c + 1], 0.0)
            we, ea = max(e[r, c - 1], 0.0), max(e[r, c], 0.0)
            sw_, so, se_ = max(sw[r, c], 0.0), max(s[r, c], 0.0), max(se[r, c], 0.0)
            total = nw + no + ne + we + ea + sw_ + so + se_
            if total <= 0.0:
                m0[i, j] = 1.0
                m1[i, j], m2[i, j], m3[i, j] = 0.0, 0.0, 0.0
                continue
            h, hs, v, ve = ph[i, j], 1.0, pv[i, j], 1.0
            if i + 1 <= cy:
                hs = ph[i + 1, j]
            if j + 1 <= cx:
                ve = pv[i, j + 1]
            m0[i, j] = (nw + no * h + we * v) / total
            m1[i, j] = (ne + no * (1.0 - h) + ea * ve) / total
            m2[i, j] = (sw_ + so * hs + we * (1.0 - v)) / total
            # not 1 minus the others: rounding would give a coarse cell that nobody uses an equation of noise
            m3[i, j] = (se_ + so * (1.0 - hs) + ea * (1.0 - ve)) / total


@njit(cache=True, nogil=True)
def _horizontal(e, s, se, sw, inv, r, c):
    """Weight of the western of the two coarse neighbours of (r, c)."""
    return _between(
        *(e[r, c - 1], se[r - 1, c - 1], s[r - 1, c - 1], sw[r, c], s[r, c - 1], inv[r, c - 1]),
        *(e[r, c], sw[r - 1, c + 1], s[r - 1, c + 1], se[r, c], s[r, c + 1], inv[r, c + 1]),
        *(s[r, c], s[r - 1, c]),
    )


@njit(cache=True, nogil=True)
def _vertical(e, s, se, sw, inv, r, c):
    """Weight of the northern of the two coarse neighbours of (r, c)."""
    return _between(
        *(s[r - 1, c], se[r - 1, c - 1], e[r - 1, c - 1], sw[r - 1, c + 1], e[r - 1, c], inv[r - 1, c]),
        *(s[r, c], sw[r, c], e[r + 1, c - 1], se[r, c], e[r + 1, c], inv[r + 1, c]),
        *(e[r, c], e[r, c - 1]),
    )


@njit(cache=True, nogil=True)
def galerkin(e, s, se, sw, leak, ph, pv, m0, m1, m2, m3, ce, cs, cse, csw, cleak):
    """Coarse links ``P' A P``, element by element: each fine link g adds ``g (p_i - p_j)(p_i - p_j)'``.

    The element (i, j) holds the fine 3 x 3 block between four coarse cells and owns the links that start
    in its upper
    left 2 x 2 cells (and the SW ones that cross it).  A link of weights d (sum 0) adds the conductance
    ``-g d_a d_b``
    between corners a and b.  The planes ``ce .. cleak`` come in zeroed.
    """
    cy, cx = ph.shape[0] - 3, ph.shape[1] - 3
    for i in range(1, cy + 1):
        for j in range(1, cx + 1):
            r, c = 2 * i - 1, 2 * j - 1
            h, v = float(ph[i, j]), float(pv[i, j])
            hs, ve = float(ph[i + 1, j]), float(pv[i, j + 1])
            k, w, ks, we = 1.0 - h, 1.0 - v, 1.0 - hs, 1.0 - ve
            a0, a1, a2, a3 = float(m0[i, j]), float(m1[i, j]), float(m2[i, j]), float(m3[i, j])
            # links between corners and the points next to them: d = (x, -x) on two corners
            g01 = float(e[r, c]) * k * k + float(e[r, c + 1]) * h * h
            g02 = float(s[r, c]) * w * w + float(s[r + 1, c]) * v * v
            g13, g23, g03, g12 = 0.0, 0.0, 0.0, 0.0
            # h0 - v0: weights (h - v, k, -w, 0)
            g = float(sw[r, c + 1])
            d0 = h - v
            g01 -= g * d0 * k
            g02 += g * d0 * w
            g12 += g * k * w
            # h0 - v1: (h, k - ve, 0, -we)
            g = float(se[r, c + 1])
            d1 = k - ve
            g01 -= g * h * d1
            g03 += g * h * we
            g13 += g * d1 * we
            # v0 - h1: (v, 0, w - hs, -ks)
            g = float(se[r + 1, c])
            d2 = w - hs
            g02 -= g * v * d2
            g03 += g * v * ks
            g23 += g * d2 * ks
            # v1 - h1: (0, ve, -hs, we - ks)
            g = float(sw[r + 1, c + 2])
            d3 = we - ks
            g12 += g * ve * hs
            g13 -= g * ve * d3
            g23 += g * hs * d3
            # the centre with its eight neighbours
            for n in range(8):
                d0, d1, d2, d3 = a0, a1, a2, a3
                if n == 0:
                    g = float(se[r, c])
                    d0 -= 1.0
                elif n == 1:
                    g = float(s[r, c + 1])
                    d0 -= h
                    d1 -= k
                elif n == 2:
                    g = float(sw[r, c + 2])
                    d1 -= 1.0
                elif n == 3:
                    g = float(e[r + 1, c])
                    d0 -= v
                    d2 -= w
                elif n == 4:
                    g = float(e[r + 1, c + 1])
                    d1 -= ve
                    d3 -= we
                elif n == 5:
                    g = float(sw[r + 1, c + 1])
                    d2 -= 1.0
                elif n == 6:
                    g = float(s[r + 1, c + 1])
                    d2 -= hs
                    d3 -= ks
                else:
                    g = float(se[r + 1, c + 1])
                    d3 -= 1.0
                g01 -= g * d0 * d1
                g02 -= g * d0 * d2
                g03 -= g * d0 * d3
                g12 -= g * d1 * d2
                g13 -= g * d1 * d3
                g23 -= g * d2 * d3
            if leak.size > 0:
                corner, lh, lv, lm = leak[r, c], leak[r, c + 1], leak[r + 1, c], leak[r + 1, c + 1]
                g01 -= lh * h * k + lm * a0 * a1
                g02 -= lv * v * w + lm * a0 * a2
                g03 -= lm * a0 * a3
                g12 -= lm * a1 * a2
                g13 -= lm * a1 * a3
                g23 -= lm * a2 * a3
                cleak[i, j] += corner + lh * h + lv * v + lm * a0
                cleak[i, j + 1] += lh * k + lm * a1
                cleak[i + 1, j] += lv * w + lm * a2
                cleak[i + 1, j + 1] += lm * a3
            ce[i, j] += g01
            ce[i + 1, j] += g23
            cs[i, j] += g02
            cs[i, j + 1] += g13
            cse[i, j] += g03
            csw[i, j + 1] += g12
