"""Which grid edges does a line cut?  Exact, on an integer lattice, with ties broken in one consistent way.

Line vertices are snapped to a lattice of 2**20 points per cell and every product is formed in 64-bit integers,
so no crossing is lost or counted twice to rounding.  A line through a cell centre, or along a row of centres, is a
tie; all cell centres count as displaced by an infinitely small (e, e**2), which decides every tie and keeps
separation exact (simulation of simplicity, Edelsbrunner & Muecke 1990, doi:10.1145/77635.77639).

Coordinates: x to the right in columns, y downwards in rows, cell centres at integer + 1/2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.edges import D_COL, D_ROW

LATTICE = 1 << 20
PIECE_CELLS = 4.0  # pieces are kept this short, so that products fit into 64 bits with room to spare


@inner(cache=True, nogil=True)
def _side_of_line(px, py, dx, dy, ax, ay):
    """Side of the line p + t d on which the (displaced) cell centre a lies: +1 or -1."""
    s = dx * (ay - py) - dy * (ax - px)
    if s != 0:
        return 1 if s > 0 else -1
    if dy != 0:
        return -1 if dy > 0 else 1
    return 1 if dx > 0 else -1


@inner(cache=True, nogil=True)
def _side_of_edge(ax, ay, ex, ey, px, py):
    """Side of the (displaced) edge a + t e on which the line vertex p lies: +1 or -1."""
    s = ex * (py - ay) - ey * (px - ax)
    if s != 0:
        return 1 if s > 0 else -1
    if ey != 0:
        return 1 if ey > 0 else -1
    return -1 if ex > 0 else 1


@njit(cache=True, nogil=True)
def _scan(x, y, piece_of, arc_of, s0, s1, nx, ny, rows, cols, n_dir, reach, d_row, d_col, half, fill, out):
    """Count (fill=False) or write (fill=True) the crossings of all pieces with all edges."""
    cell_out, dir_out, arc_out, at_out, normal_out = out
    lattice = 2 * half
    n = 0
    for i in range(len(piece_of)):
        px, py, qx, qy = x[i, 0], y[i, 0], x[i, 1], y[i, 1]
        dx, dy = qx - px, qy - py
        if dx == 0 and dy == 0:
            continue
        c0 = max(min(px, qx) // lattice - reach, 0)
        c1 = min(max(px, qx) // lattice + reach, cols - 1)
        r0 = max(min(py, qy) // lattice - reach, 0)
        r1 = min(max(py, qy) // lattice + reach, rows - 1)
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                ax, ay = c * lattice + half, r * lattice + half
                side_a = _side_of_line(px, py, dx, dy, ax, ay)
                for k in range(n_dir):
                    r2, c2 = r + d_row[k], c + d_col[k]
                    if r2 >= rows or c2 < 0 or c2 >= cols:
                        continue
                    ex, ey = d_col[k] * lattice, d_row[k] * lattice
                    if _side_of_line(px, py, dx, dy, ax + ex, ay + ey) == side_a:
                        continue
                    if _side_of_edge(ax, ay, ex, ey, px, py) == _side_of_edge(ax, ay, ex, ey, qx, qy):
                        continue
                    if fill:
                        denominator = float(dx * ey - dy * ex)
                        t = 0.5
                        if denominator != 0.0:
                            t = float((ax - px) * ey - (ay - py) * ex) / denominator
                        t = min(1.0, max(0.0, t))
                        cell_out[n] = r * cols + c
                        dir_out[n] = k
                        arc_out[n] = arc_of[i]
                        at_out[n] = s0[i] + t * (s1[i] - s0[i])
                        p = piece_of[i]
                        normal_out[n] = abs(d_col[k] * nx[p] + d_row[k] * ny[p])
                    n += 1
    return n


def crossings(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    segment: NDArray[np.int64],
    arc: NDArray[np.int64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    normal: NDArray[np.float64],
    shape: tuple[int, int],
    n_directions: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """All crossings of line pieces with the edges of a grid.

    Parameters
    ----------
    x, y : int64 arrays, shape (pieces, 2)
        Ends of the pieces on the lattice.
    segment : int64 array, shape (pieces,)
        Which row of ``normal`` a piece belongs to.
    arc : int64 array, shape (pieces,)
        Which simple stretch of line a piece belongs to.
    start, end : float arrays, shape (pieces,)
        Distance along the line at both ends.
    normal : float array, shape (segments, 2)
        Unit normals (x, y) of the drawn segments.
    shape : (rows, cols)
    n_directions : {2, 4, 8}

    Returns
    -------
    cell, direction, arc, at, normal_cells : arrays, one row per crossing
        ``at`` is the distance along the line, ``normal_cells`` the length of the edge projected on the normal
        of the line [cells].
    """
    args = (
        x, y, segment, arc, start, end,
        np.ascontiguousarray(normal[:, 0]), np.ascontiguousarray(normal[:, 1]),
        shape[0], shape[1], n_directions, 1 if n_directions <= 4 else 2, D_ROW, D_COL, LATTICE // 2,
    )  # fmt: skip

    def buffers(n: int) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
        return np.empty(n, np.int64), np.empty(n, np.uint8), np.empty(n, np.int64), np.empty(n), np.empty(n)

    n = _scan(*args, False, buffers(0))
    out = buffers(n)
    _scan(*args, True, out)
    return out


@njit(cache=True, nogil=True)
def cancel_wiggles(cell, direction, arc, at, tolerance):
    """Which crossings stay once near pairs on the same edge and arc have cancelled.

    The rows come sorted by (cell, direction, arc, at).  Crossings of one edge by one simple arc that follow each
    other within ``tolerance`` along the arc are one wiggle: an even number of them does not separate the two
    cells there, an odd number does once, and its middle crossing stays.  The parity, on which separation rests,
    is kept, and so is the answer when the line is drawn from its other end.
    """
    n = len(cell)
    keep = np.zeros(n, np.bool_)
    first = 0
    for i in range(1, n + 1):
        j = i - 1
        if (
            i < n and cell[i] == cell[j] and direction[i] == direction[j] and arc[i] == arc[j]
            and at[i] - at[j] <= tolerance
        ):  # fmt: skip
            continue
        if (i - first) % 2 == 1:
            keep[(first + j) // 2] = True
        first = i
    return keep
