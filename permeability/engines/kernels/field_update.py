"""A least-cost field after some edges got dearer or cheaper: only the cells that change are visited.

Cells whose every cheapest way used an edge that got dearer are found in the order of their old values (Ramalingam & Reps 1996,
doi:10.1006/jagm.1996.0046); they start again from their unchanged neighbours, and Dijkstra's algorithm does the rest.  The fixed
point is the one of a fresh run, to the last bit (:mod:`permeability.engines.kernels.shortest`).

The grid has a rim that cannot be entered, ``pad`` cells wide, so that no step needs a look at the border; ``weight[v, k]`` is what
the edge of direction ``k`` named at cell ``v`` costs, barriers included.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.edges import BETWEEN_COL, BETWEEN_ROW, D_COL, D_ROW
from permeability.engines.kernels.shortest_update import drop, push
from permeability.engines.kernels.small_loops import ZERO

THROUGH = 4  # directions from here on are knight's moves, which run through two cells in between


def edge_weights(edges, pad):
    """Cost of every edge without barriers on the grid with its rim, shape (cells, directions).

    Parameters
    ----------
    edges : EdgeModel
        Of a surface without directed steps.
    pad : int

    Returns
    -------
    array, shape (cells, directions)
        [m of open ground]; inf = no edge.

    Examples
    --------
    >>> from permeability.engines.leastcost.surface import cost_surface
    >>> edge_weights(cost_surface([[1.0, 3.0]], neighbours=4).edges, 1)[5].tolist()  # to the right, and down
    [2.0, inf]
    """
    rows, cols = edges.cell.shape
    ground = np.full((rows + 2 * pad, cols + 2 * pad), np.inf)
    ground[pad : pad + rows, pad : pad + cols] = np.where(edges.cell < np.inf, edges.cell, np.inf)

    def moved(down, right):
        return ground[pad + down : pad + down + rows, pad + right : pad + right + cols]

    out = np.full((*ground.shape, edges.n), np.inf)
    for k in range(edges.n):
        cost = edges.half[k] * (moved(0, 0) + moved(D_ROW[k], D_COL[k]))
        if k >= THROUGH and not edges.over:
            (r, r2), (c, c2) = BETWEEN_ROW[k], BETWEEN_COL[k]
            cost = 0.5 * (cost + edges.half[k] * (moved(r, c) + moved(r2, c2)))
        out[pad : pad + rows, pad : pad + cols, k] = cost
    return out.reshape(-1, edges.n)


@inner(cache=True, nogil=True)
def _lost(weight, off, flat, at, k, before, hit, most, limit, found):
    """Mark the cells up to ``limit`` that lose every cheapest way; their old values are kept until all are known."""
    n = off.size
    keys = np.empty(64)
    cells = np.empty(64, np.int64)
    size = ZERO
    for i in range(at.size):
        a = at[i]
        b = a + off[k[i]]
        if weight[a, k[i]] > before[i]:
            if flat[a] + before[i] == flat[b] and flat[b] < np.inf and flat[b] <= limit:
                keys, cells, size = push(keys, cells, size, flat[b], b)
            if flat[b] + before[i] == flat[a] and flat[a] < np.inf and flat[a] <= limit:
                keys, cells, size = push(keys, cells, size, flat[a], a)
    while size > 0 and len(found) <= most:
        value = keys[0]
        v = cells[0]
        size = drop(keys, cells, size)
        if hit[v] or value == 0.0:  # known, or where the field starts
            continue
        kept = False
        for j in range(n):
            u = v - off[j]
            x = v + off[j]
            if flat[u] < value and flat[u] + weight[u, j] == value and not hit[u]:
                kept = True
                break
            if flat[x] < value and flat[x] + weight[v, j] == value and not hit[x]:
                kept = True
                break
        if kept:
            continue
        hit[v] = True
        found.append(v)
        for j in range(n):
            u = v - off[j]
            x = v + off[j]
            if value + weight[u, j] == flat[u] and flat[u] < np.inf and flat[u] <= limit and not hit[u]:
                keys, cells, size = push(keys, cells, size, flat[u], u)
            if value + weight[v, j] == flat[x] and flat[x] < np.inf and flat[x] <= limit and not hit[x]:
                keys, cells, size = push(keys, cells, size, flat[x], x)


@inner(cache=True, nogil=True)
def _restart(weight, off, flat, hit, found):
    """Least value of every lost cell from neighbours that are not lost."""
    start = np.empty(len(found))
    for i in range(len(found)):
        v = found[i]
        low = np.inf
        for j in range(off.size):
            u = v - off[j]
            x = v + off[j]
            if not hit[u]:
                low = min(low, flat[u] + weight[u, j])
            if not hit[x]:
                low = min(low, flat[x] + weight[v, j])
        start[i] = low
    return start


@njit(cache=True, nogil=True)
def update_field(weight, off, flat, at, k, before, hit, most, limit):
    """Bring a field in place to its fixed point after some edges changed.

    Parameters
    ----------
    weight : array, shape (cells, directions)
        New cost of every edge.
    off : int array, shape (directions,)
        From the first cell of an edge to the second.
    flat : array, shape (cells,)
        The field before, 0 where it starts, inf on the rim.
    at, k : int array
        First cell and direction of the edges that changed.
    before : array, same shape
        What they cost before.
    hit : bool array, shape (cells,)
        Room to work in, all False; left so.
    most : int
        Cells to visit at most; the field is to be made another way where more change.
    limit : float
        Values that matter: what lies beyond it before and after is left as it is, what rises beyond it gets some value beyond it.

    Returns
    -------
    (array, array, bool)
        Cells that may have changed, and their values before; whether the field is there: False where more than ``most`` do.
    """
    n = off.size
    found = [np.int64(0)]
    found.pop()
    _lost(weight, off, flat, at, k, before, hit, most, limit, found)
    old = [flat[v] for v in found]
    if len(found) > most:
        for i in range(len(found)):
            hit[found[i]] = False
        return np.array(found), np.array(old), False
    start = _restart(weight, off, flat, hit, found)
    keys = np.empty(64)
    cells = np.empty(64, np.int64)
    size = ZERO
    for i in range(start.size):
        flat[found[i]] = start[i]
        if start[i] < np.inf and start[i] <= limit:
            keys, cells, size = push(keys, cells, size, start[i], found[i])
    for i in range(at.size):
        w = weight[at[i], k[i]]
        if w < before[i]:
            for turn in range(2):
                u = at[i] if turn == 0 else at[i] + off[k[i]]
                v = at[i] + off[k[i]] if turn == 0 else at[i]
                if flat[u] + w < flat[v] and flat[u] + w <= limit:
                    if not hit[v]:
                        hit[v] = True
                        found.append(v)
                        old.append(flat[v])
                    flat[v] = flat[u] + w
                    keys, cells, size = push(keys, cells, size, flat[v], v)
    while size > 0 and len(found) <= most:
        value = keys[0]
        v = cells[0]
        size = drop(keys, cells, size)
        if value > flat[v]:
            continue
        for j in range(2 * n):
            x = v + off[j] if j < n else v - off[j - n]
            new = value + (weight[v, j] if j < n else weight[x, j - n])
            if new < flat[x] and new <= limit:
                if not hit[x]:
                    hit[x] = True
                    found.append(x)
                    old.append(flat[x])
                flat[x] = new
                keys, cells, size = push(keys, cells, size, new, x)
    for i in range(len(found)):
        hit[found[i]] = False
    return np.array(found), np.array(old), size == 0
