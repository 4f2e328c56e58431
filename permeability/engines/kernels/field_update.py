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
from permeability.engines.kernels.shortest_update import drop, push
from permeability.engines.kernels.small_loops import ZERO
from permeability.engines.kernels.trace import edge_cost


@njit(cache=True, nogil=True)
def edge_weights(edges, pad):
    """Cost of every edge on the grid with its rim, shape (cells, directions)."""
    rows, cols = edges.cell.shape
    wide = cols + 2 * pad
    out = np.full(((rows + 2 * pad) * wide, edges.n), np.inf)
    for r in range(rows):
        for c in range(cols):
            at = (r + pad) * wide + c + pad
            for k in range(edges.n):
                out[at, k] = edge_cost(edges, r, c, k, False)
    return out


@inner(cache=True, nogil=True)
def _lost(weight, off, flat, at, k, before, hit, found):
    """Mark the cells that lose every cheapest way; their old values are kept until all are known."""
    n = off.size
    keys = np.empty(64)
    cells = np.empty(64, np.int64)
    size = ZERO
    for i in range(at.size):
        a = at[i]
        b = a + off[k[i]]
        if weight[a, k[i]] > before[i]:
            if flat[a] + before[i] == flat[b] and flat[b] < np.inf:
                keys, cells, size = push(keys, cells, size, flat[b], b)
            if flat[b] + before[i] == flat[a] and flat[a] < np.inf:
                keys, cells, size = push(keys, cells, size, flat[a], a)
    while size > 0:
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
            if value + weight[u, j] == flat[u] and flat[u] < np.inf and not hit[u]:
                keys, cells, size = push(keys, cells, size, flat[u], u)
            if value + weight[v, j] == flat[x] and flat[x] < np.inf and not hit[x]:
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
def update_field(weight, off, flat, at, k, before, hit, most):
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
        Cells to visit at most while values fall.

    Returns
    -------
    (array, array, bool)
        Cells that may have changed, and their values before; whether the field is there: False where more than ``most`` fall.
    """
    n = off.size
    found = [np.int64(0)]
    found.pop()
    _lost(weight, off, flat, at, k, before, hit, found)
    start = _restart(weight, off, flat, hit, found)
    old = [flat[v] for v in found]
    keys = np.empty(64)
    cells = np.empty(64, np.int64)
    size = ZERO
    for i in range(start.size):
        flat[found[i]] = start[i]
        if start[i] < np.inf:
            keys, cells, size = push(keys, cells, size, start[i], found[i])
    for i in range(at.size):
        w = weight[at[i], k[i]]
        if w < before[i]:
            for turn in range(2):
                u = at[i] if turn == 0 else at[i] + off[k[i]]
                v = at[i] + off[k[i]] if turn == 0 else at[i]
                if flat[u] + w < flat[v]:
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
            if new < flat[x]:
                if not hit[x]:
                    hit[x] = True
                    found.append(x)
                    old.append(flat[x])
                flat[x] = new
                keys, cells, size = push(keys, cells, size, new, x)
    for i in range(len(found)):
        hit[found[i]] = False
    return np.array(found), np.array(old), size == 0
