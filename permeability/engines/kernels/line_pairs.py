"""Squared currents of every edge, summed over weighted pairs of patches."""

from __future__ import annotations

from permeability.engines.kernels import njit


@njit(cache=True, nogil=True)
def pair_squares(x, weights, e, s, se, sw, out):
    """Add ``g^2 sum over pairs of w_ij (d_i - d_j)^2`` of every link to ``out`` (4, rows, cols), ``d_k`` the drop of ``x[k]``."""
    n, rows, cols = x.shape
    for r in range(rows):
        for c in range(cols):
            for k in range(4):
                if k == 0:
                    g, r2, c2 = e[r, c], r, c + 1
                elif k == 1:
                    g, r2, c2 = s[r, c], r + 1, c
                elif k == 2:
                    g, r2, c2 = se[r, c], r + 1, c + 1
                else:
                    g, r2, c2 = sw[r, c], r + 1, c - 1
                if g == 0.0 or r2 >= rows or c2 < 0 or c2 >= cols:
                    continue
                total = 0.0
                for i in range(n):
                    di = x[i, r, c] - x[i, r2, c2]
                    for j in range(i):
                        if weights[i, j] > 0.0:
                            dj = x[j, r, c] - x[j, r2, c2]
                            total += weights[i, j] * (di - dj) * (di - dj)
                out[k, r, c] += g * g * total
