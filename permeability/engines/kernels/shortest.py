"""Prioritised tile relaxation: exact shortest paths on 4- and 8-neighbour grids.

The grid is cut into square tiles.  A heap holds the tiles that can still lower a value, keyed by the
smallest value they would write.  A tile is copied into a local buffer with a ring of its neighbours, relaxed
to its fixed point row by row, and written back; tiles next door are woken only when an edge across the rim
would lower one of their cells.

The fixed point of ``d[v] = min(d[u] + w(u, v))`` is unique in floating point, because rounding is monotone:
any order of relaxation gives the bits of Dijkstra's algorithm, as long as every ``w`` is evaluated by the
same expression.  So nothing here may be reassociated, and fastmath must stay off.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.kernels.shortest_prefetch import fetch_ahead
from permeability.engines.kernels.small_loops import ZERO


class TileCuts(NamedTuple):
    """Barrier costs of single edges, sorted by tile; an edge between two tiles is listed in both.

    ``start[t]:start[t + 1]`` are the rows of tile ``t``; ``y, x`` is the first cell of the edge in the local
    buffer.
    """

    start: NDArray[np.int64]
    plane: NDArray[np.uint8]
    y: NDArray[np.int16]
    x: NDArray[np.int16]
    cost: NDArray[np.float64]


def tile_cuts(
    barriers: EdgeBarriers | None, shape: tuple[int, int], neighbours: int, tile: int, halo: int
) -> TileCuts:
    """Sort barrier costs into tiles; edges of directions outside the neighbourhood are left out."""
    rows, cols = shape
    across = -(-cols // tile)
    n_tiles = across * -(-rows // tile)
    if barriers is None or not len(barriers.cell):
        none = np.zeros(0, np.int16)
        return TileCuts(np.zeros(n_tiles + 1, np.int64), np.zeros(0, np.uint8), none, none, np.zeros(0))
    keep = barriers.direction < N_DIRECTIONS[neighbours]
    k = barriers.direction[keep].astype(np.int64)
    r, c = np.divmod(barriers.cell[keep], cols)
    first = (r // tile) * across + c // tile
    second = ((r + D_ROW[k]) // tile) * across + (c + D_COL[k]) // tile
    edge = np.concatenate([np.arange(len(k)), np.flatnonzero(first != second)])
    of = np.concatenate([first, second[first != second]])
    order = np.argsort(of, kind="stable")
    edge, of = edge[order], of[order]
    start = np.searchsorted(of, np.arange(n_tiles + 1)).astype(np.int64)
    y = r[edge] - (of // across) * tile + halo
    x = c[edge] - (of % across) * tile + halo
    return TileCuts(
        start, k[edge].astype(np.uint8), y.astype(np.int16), x.astype(np.int16), barriers.cost[keep][edge]
    )


@inner(cache=True, nogil=True)
def sift(heap, pos, key, at, size):
    """Restore the heap order around entry ``at`` (its key fell, or it was moved there)."""
    t = heap[at]
    value = key[t]
    while at > 0:
        up = (at - 1) >> 1
        if key[heap[up]] <= value:
            break
        heap[at] = heap[up]
        pos[heap[at]] = at
        at = up
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and key[heap[down + 1]] < key[heap[down]]:
            down += 1
        if key[heap[down]] >= value:
            break
        heap[at] = heap[down]
        pos[heap[at]] = at
        at = down
    heap[at] = t
    pos[t] = at


@inner(cache=True, nogil=True)
def wake(heap, pos, key, size, t, value):
    """Put tile ``t`` into the heap, or lower its key; returns the size of the heap."""
    if pos[t] < 0:
        heap[size] = t
        pos[t] = size
        key[t] = value
        sift(heap, pos, key, size, size + 1)
        return size + 1
    if value < key[t]:
        key[t] = value
        sift(heap, pos, key, pos[t], size)
    return size


@inner(cache=True, nogil=True)
def take(heap, pos, key, size, t):
    """Take tile ``t`` out of the heap; returns the new size."""
    at = pos[t]
    pos[t] = -1
    key[t] = np.inf
    size -= 1
    if at < size:
        heap[at] = heap[size]
        pos[heap[at]] = at
        sift(heap, pos, key, at, size)
    return size


@inner(cache=True, nogil=True)
def farthest(dist, targets):
    """Largest value among the targets."""
    worst = 0.0
    for i in range(targets.size):
        worst = max(worst, dist[targets[i]])
    return worst


@inner(cache=True, nogil=True)
def _load(dist, cell, r0, c0, T, D, C, W, vertical, horizontal, diagonal):
    """Copy a tile and its ring into the local buffers; weights named by the first cell of their edge."""
    rows, cols = dist.shape
    n = T + 2
    for y in range(n):
        r = r0 + y - 1
        Dy = D[y]
        Cy = C[y]
        if r < 0 or r >= rows:
            for x in range(n):
                Dy[x] = np.inf
                Cy[x] = np.inf
            continue
        lo = 1 if c0 == 0 else 0
        hi = min(n, cols - c0 + 1)
        if lo:
            Dy[0] = np.inf
            Cy[0] = np.inf
        drow = dist[r]
        crow = cell[r]
        for x in range(lo, hi):
            Dy[x] = drow[c0 + x - 1]
            v = np.float64(crow[c0 + x - 1])
            Cy[x] = v if v < np.inf else np.inf  # NaN becomes inf
        for x in range(hi, n):
            Dy[x] = np.inf
            Cy[x] = np.inf
    for y in range(n - 1):
        Cy = C[y]
        Cn = C[y + 1]
        E = W[0, y]
        S = W[1, y]
        SE = W[2, y]
        SW = W[3, y]
        for x in range(1, n - 1):
            E[x] = horizontal * (Cy[x] + Cy[x + 1])
            S[x] = vertical * (Cy[x] + Cn[x])
            SE[x] = diagonal * (Cy[x] + Cn[x + 1])
            SW[x] = diagonal * (Cy[x] + Cn[x - 1])
        E[0] = horizontal * (Cy[0] + Cy[1])
        SE[0] = diagonal * (Cy[0] + Cn[1])
        SW[n - 1] = diagonal * (Cy[n - 1] + Cn[n - 2])


# the rows are indexed in two dimensions on purpose: a view of a row costs two atomic reference counts
@inner(cache=True, nogil=True)
def _pull_down(D, W, y, T):
    """Lower row y by the row above; weights are named at the row above."""
    o = y - 1
    changed = 0
    for x in range(1, T + 1):
        a = D[o, x] + W[1, o, x]
        b = D[o, x - 1] + W[2, o, x - 1]
        c = D[o, x + 1] + W[3, o, x + 1]
        a = b if b < a else a
        a = c if c < a else a
        t = D[y, x]
        changed |= a < t
        D[y, x] = a if a < t else t
    return changed


@inner(cache=True, nogil=True)
def _pull_up(D, W, y, T):
    """Lower row y by the row below; weights are named at y."""
    o = y + 1
    changed = 0
    for x in range(1, T + 1):
        a = D[o, x] + W[1, y, x]
        b = D[o, x + 1] + W[2, y, x]
        c = D[o, x - 1] + W[3, y, x]
        a = b if b < a else a
        a = c if c < a else a
        t = D[y, x]
        changed |= a < t
        D[y, x] = a if a < t else t
    return changed


@inner(cache=True, nogil=True)
def _chain(D, W, y, F, G, T):
    """Relax row y along itself: two independent chains, then the smaller of both."""
    f = D[y, 0]
    g = D[y, T + 1]
    for x in range(1, T + 1):
        f = f + W[0, y, x - 1]
        d = D[y, x]
        f = f if f < d else d
        F[x] = f
        z = T + 1 - x
        g = g + W[0, y, z]
        e = D[y, z]
        g = g if g < e else e
        G[z] = g
    changed = 0
    for x in range(1, T + 1):
        a = F[x]
        a = G[x] if G[x] < a else a
        changed |= a < D[y, x]
        D[y, x] = a
    return changed


@inner(cache=True, nogil=True)
def _relax(D, W, F, G, up, dn, hz, touched, th, T):
    """Relax the local buffer to its fixed point; ``touched`` marks the rows that fell."""
    again = True
    while again:
        again = False
        for sweep in range(2):
            for i in range(th):
                y = 1 + i if sweep == 0 else th - i
                changed = 0
                if sweep == 0:
                    if up[y]:
                        up[y] = 0
                        changed |= _pull_down(D, W, y, T)
                elif dn[y]:
                    dn[y] = 0
                    changed |= _pull_up(D, W, y, T)
                if changed or hz[y]:
                    hz[y] = 0
                    changed |= _chain(D, W, y, F, G, T)
                if changed:
                    touched[y] = 1
                    up[y + 1] = 1
                    dn[y - 1] = 1
        up[th + 1] = 0
        dn[0] = 0
        for y in range(1, th + 1):
            if up[y] or dn[y]:
                again = True
                break


@inner(cache=True, nogil=True)
def _rim(D, W, th, tw, limit, best, mask):
    """Which of the eight tiles around would fall by an edge across the rim: smallest new value, rows."""
    for i in range(9):
        best[i] = np.inf
    mask[0] = 0
    mask[1] = 0
    for side in range(2):  # rows above and below, with their corners
        y = 1 if side == 0 else th
        o = 0 if side == 0 else th + 1
        first = 0 if side == 0 else th
        S = W[1, first]
        SE = W[2, first]
        SW = W[3, first]
        inner = D[y]
        outer = D[o]
        low = np.inf
        for x in range(1, tw + 1):
            v = inner[x] + S[x]
            if side == 0:  # the halo cell is the first cell of the edge
                a = inner[x + 1] + SE[x] if x < tw else np.inf
                b = inner[x - 1] + SW[x] if x > 1 else np.inf
            else:
                a = inner[x - 1] + SE[x - 1] if x > 1 else np.inf
                b = inner[x + 1] + SW[x + 1] if x < tw else np.inf
            v = a if a < v else v
            v = b if b < v else v
            if v < outer[x] and v < low:
                low = v
        best[1 if side == 0 else 7] = low
        # corners
        if side == 0:
            v = inner[1] + SE[0]
            if v < outer[0]:
                best[0] = v
            v = inner[tw] + SW[tw + 1]
            if v < outer[tw + 1]:
                best[2] = v
        else:
            v = inner[1] + SW[1]
            if v < outer[0]:
                best[6] = v
            v = inner[tw] + SE[tw]
            if v < outer[tw + 1]:
                best[8] = v
    for side in range(2):  # columns left and right
        x = 1 if side == 0 else tw
        o = 0 if side == 0 else tw + 1
        low = np.inf
        bits = np.uint64(0)
        for y in range(1, th + 1):
            v = D[y, x] + W[0, y, min(x, o)]
            if side == 0:
                a = D[y - 1, x] + W[3, y - 1, x] if y > 1 else np.inf
                b = D[y + 1, x] + W[2, y, o] if y < th else np.inf
            else:
                a = D[y - 1, x] + W[2, y - 1, x] if y > 1 else np.inf
                b = D[y + 1, x] + W[3, y, o] if y < th else np.inf
            v = a if a < v else v
            v = b if b < v else v
            if v < D[y, o]:
                bits |= np.uint64(1) << np.uint64(y - 1)
                if v < low:
                    low = v
        best[3 if side == 0 else 5] = low
        mask[side] = bits
    for i in range(9):
        if best[i] > limit:
            best[i] = np.inf


@njit(cache=True, nogil=True)
def relax_grid(
    cell, dist, sources, T, vertical, horizontal, diagonal, start, plane, cy, cx, cost, targets, limit
):
    """Lower ``dist`` to the shortest-path field of its starting values.

    Parameters
    ----------
    cell : (rows, cols) float32 or float64, NaN or inf = no passage
    dist : (rows, cols) float64, inf but at the sources; overwritten
    sources : flat indices of the cells with a finite starting value
    T : tile size, at most 64
    vertical, horizontal, diagonal : half the step lengths; diagonal = inf for 4 neighbours
    start, plane, cy, cx, cost : `TileCuts` with halo 1
    targets : flat indices; the run stops when all of them are final
    limit : values above are not followed

    Returns
    -------
    stop : float
        Values up to ``stop`` are final.
    visits : int
    """
    rows, cols = dist.shape
    across = (cols + T - 1) // T
    n_tiles = across * ((rows + T - 1) // T)
    key = np.full(n_tiles, np.inf)
    pos = np.full(n_tiles, -1, np.int64)
    heap = np.empty(n_tiles, np.int64)
    pending = np.zeros(n_tiles, np.uint64)  # rows to be relaxed in full
    sides = np.zeros(n_tiles, np.uint8)  # 1: first row from above, 2: last row from below
    size = ZERO
    flat = dist.reshape(-1)
    for i in range(sources.size):
        r, c = sources[i] // cols, sources[i] % cols
        t = (r // T) * across + c // T
        y = r % T
        for k in range(max(0, y - 1), min(T, y + 2)):
            pending[t] |= np.uint64(1) << np.uint64(k)
        size = wake(heap, pos, key, size, t, flat[sources[i]])
    D = np.full((T + 2, T + 2), np.inf)
    C = np.full((T + 2, T + 2), np.inf)
    W = np.full((4, T + 2, T + 2), np.inf)
    F = np.empty(T + 2)
    G = np.empty(T + 2)
    up = np.zeros(T + 2, np.uint8)
    dn = np.zeros(T + 2, np.uint8)
    hz = np.zeros(T + 2, np.uint8)
    touched = np.zeros(T + 2, np.uint8)
    best = np.empty(9)
    mask = np.zeros(2, np.uint64)
    dist_at = dist.ctypes.data
    cell_at = cell.ctypes.data
    ahead = np.int64(-1)
    visits = 0
    stop = limit
    check = 1 + targets.size // 8
    while size > 0:
        if targets.size and visits % check == 0:
            stop = min(limit, farthest(flat, targets))
        if key[heap[0]] > stop:
            break
        visits += 1
        # the tile that was next before the last visit is taken now: its memory is on the way.  Any order of
        # tiles gives the same field, and this one costs no more visits.
        t = heap[0]
        if ahead >= 0 and pos[ahead] >= 0 and key[ahead] <= stop:
            t = ahead
        size = take(heap, pos, key, size, t)
        ahead = -1
        if size > 0:
            ahead = heap[0]
            fetch_ahead(dist_at, dist.itemsize, rows, cols, (ahead // across) * T, (ahead % across) * T, T)
            fetch_ahead(cell_at, cell.itemsize, rows, cols, (ahead // across) * T, (ahead % across) * T, T)
        r0 = (t // across) * T
        c0 = (t % across) * T
        th = min(T, rows - r0)
        tw = min(T, cols - c0)
        _load(dist, cell, r0, c0, T, D, C, W, vertical, horizontal, diagonal)
        for e in range(start[t], start[t + 1]):
            W[plane[e], cy[e], cx[e]] += cost[e]
        for y in range(1, th + 1):
            flag = np.uint8((pending[t] >> np.uint64(y - 1)) & np.uint64(1))
            up[y] = flag
            dn[y] = flag
            hz[y] = flag
            touched[y] = 0
        pending[t] = 0
        if sides[t] & 1:
            up[1] = 1
        if sides[t] & 2:
            dn[th] = 1
        sides[t] = 0
        _relax(D, W, F, G, up, dn, hz, touched, th, T)
        for y in range(1, th + 1):
            if touched[y]:
                row = dist[r0 + y - 1]
                Dy = D[y]
                for x in range(1, tw + 1):
                    row[c0 + x - 1] = Dy[x]
        _rim(D, W, th, tw, limit, best, mask)
        for i in range(9):
            if best[i] < np.inf:
                n = t + (i // 3 - 1) * across + (i % 3 - 1)
                if i == 3:
                    pending[n] |= mask[0]
                elif i == 5:
                    pending[n] |= mask[1]
                elif i < 3:
                    sides[n] |= np.uint8(2)
                else:
                    sides[n] |= np.uint8(1)
                size = wake(heap, pos, key, size, n, best[i])
    if targets.size:
        stop = min(limit, farthest(flat, targets))
    return stop, visits
