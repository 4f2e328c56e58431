"""Smallest value in a disc or a ring round every cell."""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit


@njit(cache=True, nogil=True)
def disc_minimum(values, half_width, out):
    """Minimum over a disc, given the half width of its rows from the middle outwards.

    Every row is widened step by step and offered to all rows of the grid that see it with that width, so the cost
    is proportional to the radius, not to its square.

    Parameters
    ----------
    values : (rows, cols) float64, inf = no value
    half_width : (radius + 1,) int64, falling: cells to each side in the row ``dy`` away
    out : (rows, cols) float64, overwritten
    """
    rows, cols = values.shape
    out[:] = np.inf
    low = np.empty(cols)
    for y in range(rows):
        v = values[y]
        low[:] = v
        width = 0
        for dy in range(half_width.size - 1, -1, -1):
            while width < half_width[dy]:
                width += 1
                for x in range(cols - width):
                    low[x] = min(low[x], v[x + width])
                for x in range(width, cols):
                    low[x] = min(low[x], v[x - width])
            for side in range(2 if dy > 0 else 1):
                t = y - dy if side == 0 else y + dy
                if 0 <= t < rows:
                    row = out[t]
                    for x in range(cols):
                        row[x] = min(row[x], low[x])


@njit(cache=True, nogil=True)
def offset_minimum(values, d_row, d_col, out):
    """Minimum over the cells at some offsets."""
    rows, cols = values.shape
    out[:] = np.inf
    for k in range(d_row.size):
        dr = d_row[k]
        dc = d_col[k]
        for y in range(max(0, -dr), min(rows, rows - dr)):
            for x in range(max(0, -dc), min(cols, cols - dc)):
                out[y, x] = min(out[y, x], values[y + dr, x + dc])
