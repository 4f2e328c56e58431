"""Currents on a link grid: the Laplacian applied, node currents, sums over pairs, gradients.

All kernels take the four link planes of :class:`permeability.engines.kernels.edges.GridLinks` and write into
arrays given by
the caller.  ``leak`` (conductance of every cell to ground) is a (rows, cols) plane or has size 0.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.small_loops import copy_row


@inner(cache=True, nogil=True)
def apply_row(e, s, se, sw, leak, x, out, r):
    """Row ``r`` of ``L x + leak x`` into ``out``; returns its product with ``x``.

    Every term is a conductance times a potential difference, with no stored diagonal: rows of the
    Laplacian then
    sum to zero exactly at any contrast.
    """
    rows, cols = x.shape
    o, xr, er = out[r], x[r], e[r]
    if r > 0 and r + 1 < rows and cols > 2:
        xu, xd = x[r - 1], x[r + 1]
        su, seu, swu, sd, sed, swd = s[r - 1], se[r - 1], sw[r - 1], s[r], se[r], sw[r]
        for c in range(1, cols - 1):
            v = xr[c]
            o[c] = (
                er[c] * (v - xr[c + 1])
                + er[c - 1] * (v - xr[c - 1])
                + su[c] * (v - xu[c])
                + seu[c - 1] * (v - xu[c - 1])
                + swu[c + 1] * (v - xu[c + 1])
                + sd[c] * (v - xd[c])
                + sed[c] * (v - xd[c + 1])
                + swd[c] * (v - xd[c - 1])
            )
        for c in range(0, cols, cols - 1):
            o[c] = _apply_cell(e, s, se, sw, x, r, c)
    else:
        for c in range(cols):
            o[c] = _apply_cell(e, s, se, sw, x, r, c)
    if leak.size > 0:
        lr = leak[r]
        for c in range(cols):
            o[c] += lr[c] * xr[c]
    total = 0.0
    for c in range(cols):
        total += o[c] * xr[c]
    return total


@inner(cache=True, nogil=True)
def _apply_cell(e, s, se, sw, x, r, c):
    rows, cols = x.shape
    v, total = x[r, c], 0.0
    if c + 1 < cols:
        total += e[r, c] * (v - x[r, c + 1])
    if c > 0:
        total += e[r, c - 1] * (v - x[r, c - 1])
    if r + 1 < rows:
        total += s[r, c] * (v - x[r + 1, c])
        if c + 1 < cols:
            total += se[r, c] * (v - x[r + 1, c + 1])
        if c > 0:
            total += sw[r, c] * (v - x[r + 1, c - 1])
    if r > 0:
        total += s[r - 1, c] * (v - x[r - 1, c])
        if c > 0:
            total += se[r - 1, c - 1] * (v - x[r - 1, c - 1])
        if c + 1 < cols:
            total += sw[r - 1, c + 1] * (v - x[r - 1, c + 1])
    return total


@njit(cache=True, nogil=True)
def apply_laplacian(e, s, se, sw, leak, x, out):
    """``out = L x + leak x``."""
    for r in range(x.shape[0]):
        apply_row(e, s, se, sw, leak, x, out, r)


@njit(cache=True, nogil=True)
def true_residual(e, s, se, sw, leak, source, x, residual):
    """``residual = source - A x`` afresh from potential differences; returns its squared norm."""
    rows, cols = x.shape
    norm = 0.0
    for r in range(rows):
        apply_row(e, s, se, sw, leak, x, residual, r)
        rr, br = residual[r], source[r]
        for c in range(cols):
            rr[c] = br[c] - rr[c]
            norm += rr[c] * rr[c]
    return norm


@njit(cache=True, nogil=True)
def through_flow(e, s, se, sw, leak, x, total, net):
    """Sum of the absolute currents at every cell (``total``) and of the signed ones leaving it (``net``).

    Both are additive over the cells of a shorted region; inflow and outflow are ``(total -+ net) / 2``, so
    the
    current of a node is ``(total + |net|) / 2``.
    """
    rows, cols = e.shape
    total[:] = 0.0
    net[:] = 0.0
    for r in range(rows):
        for c in range(cols):
            v = x[r, c]
            if c + 1 < cols:
                _share(total, net, r, c, r, c + 1, e[r, c] * (v - x[r, c + 1]))
            if r + 1 < rows:
                _share(total, net, r, c, r + 1, c, s[r, c] * (v - x[r + 1, c]))
                if c + 1 < cols:
                    _share(total, net, r, c, r + 1, c + 1, se[r, c] * (v - x[r + 1, c + 1]))
                if c > 0:
                    _share(total, net, r, c, r + 1, c - 1, sw[r, c] * (v - x[r + 1, c - 1]))
            if leak.size > 0:
                total[r, c] += abs(leak[r, c] * v)
                net[r, c] += leak[r, c] * v


@njit(cache=True, nogil=True)
def rounding_square(e, s, se, sw, leak, x):
    """Squared norm of the largest terms of every row of ``L x``, to scale the rounding of a residual."""
    rows, cols = e.shape
    norm = 0.0
    for r in range(rows):
        for c in range(cols):
            g = e[r, c] + s[r, c] + se[r, c] + sw[r, c]
            if c > 0:
                g += e[r, c - 1]
            if r > 0:
                g += s[r - 1, c]
                if c > 0:
                    g += se[r - 1, c - 1]
                if c + 1 < cols:
                    g += sw[r - 1, c + 1]
            if leak.size > 0:
                g += leak[r, c]
            norm += (g * x[r, c]) ** 2
    return norm


@njit(cache=True, nogil=True)
def _share(total, net, r, c, r2, c2, current):
    total[r, c] += abs(current)
    total[r2, c2] += abs(current)
    net[r, c] += current
    net[r2, c2] -= current


@njit(cache=True, nogil=True)
def link_drops(x, de, ds, dse, dsw):
    """Potential differences first minus second cell of every link, into four planes."""
    rows, cols = x.shape
    for plane in (de, ds, dse, dsw):
        plane[:] = 0.0
    for r in range(rows):
        for c in range(cols):
            v = x[r, c]
            if c + 1 < cols:
                de[r, c] = v - x[r, c + 1]
            if r + 1 < rows:
                ds[r, c] = v - x[r + 1, c]
                if c + 1 < cols:
                    dse[r, c] = v - x[r + 1, c + 1]
                if c > 0:
                    dsw[r, c] = v - x[r + 1, c - 1]


NO_LEAK = np.zeros((0, 0))
NO_REGIONS = np.zeros((0, 0), dtype=np.int32)


@inner(cache=True, nogil=True)
def _pair_row(er, sr, ser, swr, here, below, above_part, total, carry, last_row):
    """Absolute currents of one row for one pair: ``total`` of the row, ``carry`` for the row below."""
    cols = here.size
    copy_row(total, above_part)
    carry[:] = 0.0
    for c in range(cols - 1):
        total[c] += er[c] * abs(here[c] - here[c + 1])
    for c in range(1, cols):
        total[c] += er[c - 1] * abs(here[c] - here[c - 1])
    if last_row:
        return
    for c in range(cols):
        f = sr[c] * abs(here[c] - below[c])
        total[c] += f
        carry[c] += f
    for c in range(cols - 1):
        total[c] += ser[c] * abs(here[c] - below[c + 1])
    for c in range(1, cols):
        carry[c] += ser[c - 1] * abs(here[c - 1] - below[c])
    for c in range(1, cols):
        total[c] += swr[c] * abs(here[c] - below[c - 1])
    for c in range(cols - 1):
        carry[c] += swr[c + 1] * abs(here[c + 1] - below[c])


@njit(cache=True, nogil=True)
def accumulate_pairs(e, s, se, sw, x, first, second, owner, cumulative, maximum, focal_sum):
    """Add the current maps of all pairs to ``cumulative`` and their cell-wise largest to ``maximum``.

    ``x`` is (p, rows, cols): potential ``x[a] - x[b]`` belongs to pair (a, b) = (``first[k]``,
    ``second[k]``).  Away from
    the focal nodes the current of a cell is half the sum of its absolute link currents.  ``owner`` (rows,
    cols) holds
    the number of the focal node a cell belongs to, or -1; the sums over those cells go to
    ``focal_sum[pair, node]`` and
    the caller finishes them.  Row by row over all pairs, so the potentials of a row stay in cache.
    """
    _, rows, cols = x.shape
    pairs = first.size
    carry = np.zeros((pairs, cols))
    here, below = np.empty(cols), np.empty(cols)
    total, above = np.empty(cols), np.empty(cols)
    for r in range(rows):
        last = r + 1 == rows
        has_focal = False
        for c in range(cols):
            if owner[r, c] >= 0:
                has_focal = True
                break
        for k in range(pairs):
            xa, xb = x[first[k], r], x[second[k], r]
            for c in range(cols):
                here[c] = xa[c] - xb[c]
            if not last:
                ya, yb = x[first[k], r + 1], x[second[k], r + 1]
                for c in range(cols):
                    below[c] = ya[c] - yb[c]
            copy_row(above, carry[k])
            _pair_row(e[r], s[r], se[r], sw[r], here, below, above, total, carry[k], last)
            cr, mr = cumulative[r], maximum[r]
            for c in range(cols):
                half = 0.5 * total[c]
                cr[c] += half
                mr[c] = max(mr[c], half)
            if has_focal:
                for c in range(cols):
                    if owner[r, c] >= 0:
                        focal_sum[k, owner[r, c]] += total[c]


@njit(cache=True, nogil=True)
def pair_gradient(x, weight, de, ds, dse, dsw):
    """Add ``-sum over pairs of w_i w_j (d_i - d_j)^2`` of every link to four planes, ``d_k`` the drop of
    ``x[k]``.

    That is the derivative of the summed effective resistance by the conductance of the link; with the
    weighted mean
    ``m`` of the drops it is ``-W sum w_k (d_k - m)^2``, so all pairs cost one pass over the potentials.
    """
    p, rows, cols = x.shape
    total = weight.sum()
    d = np.empty(p)
    for r in range(rows):
        for c in range(cols):
            if c + 1 < cols:
                de[r, c] += _spread(x, weight, total, d, r, c, r, c + 1)
            if r + 1 < rows:
                ds[r, c] += _spread(x, weight, total, d, r, c, r + 1, c)
                if c + 1 < cols:
                    dse[r, c] += _spread(x, weight, total, d, r, c, r + 1, c + 1)
                if c > 0:
                    dsw[r, c] += _spread(x, weight, total, d, r, c, r + 1, c - 1)


@njit(cache=True, nogil=True)
def _spread(x, weight, total, d, r, c, r2, c2):
    mean = 0.0
    for k in range(weight.size):
        d[k] = x[k, r, c] - x[k, r2, c2]
        mean += weight[k] * d[k]
    mean /= total
    spread = 0.0
    for k in range(weight.size):
        spread += weight[k] * (d[k] - mean) ** 2
    return -total * spread
