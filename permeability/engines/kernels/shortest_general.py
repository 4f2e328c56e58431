"""Tile relaxation for what the fast kernel leaves out: 16 neighbours and directed step costs.

The same scheme as in `shortest` with a ring of two cells and one local weight per directed edge.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit
from permeability.engines.kernels.edges import BETWEEN_COL, BETWEEN_ROW, D_COL, D_ROW
from permeability.engines.kernels.shortest import farthest, take, wake

HALO = 2


@njit(cache=True, nogil=True)
def _load(dist, cell, steps, half, over, r0, c0, T, n, D, C, W):
    """Copy a tile with two rings and set the weights: ``W[k]`` from the first cell, ``W[n + k]`` back."""
    rows, cols = dist.shape
    m = T + 2 * HALO
    for y in range(m):
        for x in range(m):
            r = r0 + y - HALO
            c = c0 + x - HALO
            D[y, x] = np.inf
            C[y, x] = np.inf
            if 0 <= r < rows and 0 <= c < cols:
                D[y, x] = dist[r, c]
                v = np.float64(cell[r, c])
                C[y, x] = v if v < np.inf else np.inf
    directed = steps.shape[0] > 0
    for k in range(n):
        dr = D_ROW[k]
        dc = D_COL[k]
        for y in range(m - dr):
            for x in range(max(0, -dc), m - max(0, dc)):
                w = half[k] * (C[y, x] + C[y + dr, x + dc])
                if k >= 4 and not over:  # a quarter of the move lies in each of four cells
                    w = 0.5 * (
                        w
                        + half[k]
                        * (
                            C[y + BETWEEN_ROW[k, 0], x + BETWEEN_COL[k, 0]]
                            + C[y + BETWEEN_ROW[k, 1], x + BETWEEN_COL[k, 1]]
                        )
                    )
                back = w
                if directed and w < np.inf:
                    r = r0 + y - HALO
                    c = c0 + x - HALO
                    w = steps[k, r, c]
                    back = steps[n + k, r, c]
                    w = w if w < np.inf else np.inf
                    back = back if back < np.inf else np.inf
                W[k, y, x] = w
                W[n + k, y, x] = back


@njit(cache=True, nogil=True)
def _pull(Dy, Do, Wo, T, shift, at):
    """Lower a row by another one shifted by ``shift`` columns; the weight lies at ``x + at``."""
    changed = 0
    for x in range(HALO, T + HALO):
        a = Do[x + shift] + Wo[x + at]
        t = Dy[x]
        changed |= a < t
        Dy[x] = a if a < t else t
    return changed


@njit(cache=True, nogil=True)
def _relax(D, W, n, need, touched, th, T):
    """Relax the local buffer to its fixed point."""
    reach = 2 if n > 4 else 1
    again = True
    while again:
        again = False
        for sweep in range(2):
            for i in range(th):
                y = HALO + i if sweep == 0 else HALO + th - 1 - i
                if not need[y]:
                    continue
                need[y] = 0
                again = True
                changed = 0
                Dy = D[y]
                for k in range(1, n):
                    dr = D_ROW[k]
                    dc = D_COL[k]
                    changed |= _pull(Dy, D[y - dr], W[k, y - dr], T, -dc, -dc)
                    changed |= _pull(Dy, D[y + dr], W[n + k, y], T, dc, 0)
                for x in range(HALO, T + HALO):
                    a = Dy[x - 1] + W[0, y, x - 1]
                    if a < Dy[x]:
                        Dy[x] = a
                        changed = 1
                for x in range(T + HALO - 1, HALO - 1, -1):
                    a = Dy[x + 1] + W[n, y, x]
                    if a < Dy[x]:
                        Dy[x] = a
                        changed = 1
                if changed:
                    touched[y] = 1
                    for d in range(1, reach + 1):
                        need[y - d] = 1
                        need[y + d] = 1
        # rows of the ring are never relaxed here
        for d in range(HALO):
            need[d] = 0
            need[HALO + th + d] = 0


@njit(cache=True, nogil=True)
def _rim(D, W, n, th, tw, T, limit, best, rows):
    """Smallest value each tile around would get across the rim, and which of its rows would fall."""
    for i in range(9):
        best[i] = np.inf
        rows[i] = 0
    for y in range(th + 2 * HALO):
        for x in range(tw + 2 * HALO):
            ty = -1 if y < HALO else (1 if y >= th + HALO else 0)
            tx = -1 if x < HALO else (1 if x >= tw + HALO else 0)
            if ty == 0 and tx == 0:
                continue
            low = D[y, x]
            fell = False
            for k in range(n):
                dr = D_ROW[k]
                dc = D_COL[k]
                if HALO <= y - dr < th + HALO and HALO <= x - dc < tw + HALO:
                    a = D[y - dr, x - dc] + W[k, y - dr, x - dc]
                    if a < low:
                        low = a
                        fell = True
                if HALO <= y + dr < th + HALO and HALO <= x + dc < tw + HALO:
                    a = D[y + dr, x + dc] + W[n + k, y, x]
                    if a < low:
                        low = a
                        fell = True
            if fell and low <= limit:
                i = 3 * (ty + 1) + tx + 1
                best[i] = min(best[i], low)
                bit = y - HALO + T if ty < 0 else (y - HALO - th if ty > 0 else y - HALO)
                rows[i] |= np.uint64(1) << np.uint64(bit)


@njit(cache=True, nogil=True)
def relax_general(cell, dist, sources, T, n, half, steps, over, start, plane, cy, cx, cost, targets, limit):
    """Lower ``dist`` to the shortest-path field of its starting values; see `shortest.relax_grid`.

    Parameters
    ----------
    n : number of edge directions, 2, 4 or 8
    half : half the step length of each direction
    steps : (2 n, rows, cols) directed step costs named at the first cell of the edge, or empty
    over : whether knight's moves see their two ends only
    start, plane, cy, cx, cost : `TileCuts` with halo 2
    """
    rows, cols = dist.shape
    across = (cols + T - 1) // T
    n_tiles = across * ((rows + T - 1) // T)
    key = np.full(n_tiles, np.inf)
    pos = np.full(n_tiles, -1, np.int64)
    heap = np.empty(n_tiles, np.int64)
    pending = np.zeros(n_tiles, np.uint64)
    size = 0
    flat = dist.reshape(-1)
    for i in range(sources.size):
        r, c = sources[i] // cols, sources[i] % cols
        t = (r // T) * across + c // T
        y = r % T
        for k in range(max(0, y - 2), min(T, y + 3)):
            pending[t] |= np.uint64(1) << np.uint64(k)
        size = wake(heap, pos, key, size, t, flat[sources[i]])
    m = T + 2 * HALO
    D = np.full((m, m), np.inf)
    C = np.full((m, m), np.inf)
    W = np.full((2 * n, m, m), np.inf)
    need = np.zeros(m, np.uint8)
    touched = np.zeros(m, np.uint8)
    best = np.empty(9)
    fallen = np.zeros(9, np.uint64)
    visits = 0
    stop = limit
    check = 1 + targets.size // 8
    while size > 0:
        if targets.size and visits % check == 0:
            stop = min(limit, farthest(flat, targets))
        if key[heap[0]] > stop:
            break
        visits += 1
        t = heap[0]
        size = take(heap, pos, key, size, t)
        r0 = (t // across) * T
        c0 = (t % across) * T
        th = min(T, rows - r0)
        tw = min(T, cols - c0)
        _load(dist, cell, steps, half, over, r0, c0, T, n, D, C, W)
        for e in range(start[t], start[t + 1]):
            W[plane[e], cy[e], cx[e]] += cost[e]
            W[n + plane[e], cy[e], cx[e]] += cost[e]
        for y in range(th):
            need[HALO + y] = np.uint8((pending[t] >> np.uint64(y)) & np.uint64(1))
            touched[HALO + y] = 0
        pending[t] = 0
        _relax(D, W, n, need, touched, th, T)
        for y in range(th):
            if touched[HALO + y]:
                for x in range(tw):
                    dist[r0 + y, c0 + x] = D[HALO + y, HALO + x]
        _rim(D, W, n, th, tw, T, limit, best, fallen)
        for i in range(9):
            if best[i] < np.inf:
                neighbour = t + (i // 3 - 1) * across + (i % 3 - 1)
                pending[neighbour] |= fallen[i]
                size = wake(heap, pos, key, size, neighbour, best[i])
    if targets.size:
        stop = min(limit, farthest(flat, targets))
    return stop, visits
