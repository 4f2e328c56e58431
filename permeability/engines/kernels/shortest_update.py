"""What opened edges change: exact new path costs from two old fields, without a new run.

Take the cheapest path of the opened landscape and look at the *last* opened edge (a, b) on it: from b on it is
an old path, so it costs ``d_s'(a) + w'(a, b) + d_t(b)`` with the old field ``d_t``.  Only the new values
``d_s'`` of the tails a are missing; they are found by spreading the fall of ``d_s`` from the opened edges.

The spreading is an A* search.  What is left from a cell to the target by at least one more opened edge is bounded
from below with the old fields, since no old path between x and y is shorter than ``|d_s(x) - d_s(y)|`` or
``|d_t(x) - d_t(y)|``.  For most candidates that bound shows at once that a second crossing cannot pay, and no
cell is visited at all; where it may, the search goes on until it cannot, so any number of crossings is covered.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.engines.kernels.small_loops import ZERO, copy_row
from permeability.engines.kernels.trace import out_of, plain_cost


@inner(cache=True, nogil=True)
def push(keys, cells, size, key, cell):
    """Put an entry on a binary heap; returns the arrays (grown when full) and the new size."""
    if size == keys.size:
        more_keys = np.empty(2 * size)
        more_cells = np.empty(2 * size, np.int64)
        copy_row(more_keys, keys)
        copy_row(more_cells, cells)
        keys = more_keys
        cells = more_cells
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if keys[up] <= key:
            break
        keys[at] = keys[up]
        cells[at] = cells[up]
        at = up
    keys[at] = key
    cells[at] = cell
    return keys, cells, size + 1


@inner(cache=True, nogil=True)
def drop(keys, cells, size):
    """Remove the first entry of the heap; returns the new size."""
    size -= 1
    key = keys[size]
    cell = cells[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and keys[down + 1] < keys[down]:
            down += 1
        if keys[down] >= key:
            break
        keys[at] = keys[down]
        cells[at] = cells[down]
        at = down
    keys[at] = key
    cells[at] = cell
    return size


@njit(cache=True, nogil=True)
def opened_arcs(edges, e_cell, e_direction, e_cost, whole):
    """Both directed arcs of opened edges: tail, head (flat) and cost; inf where a cell cannot be entered.

    ``e_cost`` is the barrier cost left on the edge, or with ``whole`` all that the edge costs.
    """
    cols = edges.cell.shape[1]
    m = e_cell.size
    tail = np.empty(2 * m, np.int64)
    head = np.empty(2 * m, np.int64)
    cost = np.empty(2 * m)
    for i in range(m):
        r = e_cell[i] // cols
        c = e_cell[i] % cols
        k = e_direction[i]
        other = (r + D_ROW[k]) * cols + c + D_COL[k]
        tail[2 * i] = e_cell[i]
        head[2 * i] = other
        cost[2 * i] = e_cost[i] if whole else plain_cost(edges, r, c, k, False) + e_cost[i]
        tail[2 * i + 1] = other
        head[2 * i + 1] = e_cell[i]
        cost[2 * i + 1] = e_cost[i] if whole else plain_cost(edges, r, c, k, True) + e_cost[i]
    return tail, head, cost


@njit(cache=True, nogil=True, inline="always")
def _bound(xs, xt, ys, yt, directed):
    """Least possible cost of an old path from x to y, from the old values (to source, to target) of both."""
    if directed:
        low = 0.0
        if xs < np.inf:
            low = max(low, ys - xs)
        if yt < np.inf:
            low = max(low, xt - yt)
        return low
    low = 0.0
    if xs < np.inf or ys < np.inf:
        low = abs(xs - ys)
    if xt < np.inf or yt < np.inf:
        low = max(low, abs(xt - yt))
    return low


@njit(cache=True, nogil=True)
def _remainders(tail_s, tail_t, head_s, head_t, cost, directed, most, left, value):
    """Lower bounds of what is left behind each arc (``left``), and from its tail on (``value``).

    Dijkstra's algorithm backwards over the arcs, joined by `_bound`; bounds of ``most`` and more need not be exact.
    """
    n = cost.size
    done = np.zeros(n, np.bool_)
    for a in range(n):
        left[a] = head_t[a]
    for _ in range(n):
        at = -1
        for a in range(n):
            if not done[a] and (at < 0 or cost[a] + left[a] < cost[at] + left[at]):
                at = a
        done[at] = True
        v = cost[at] + left[at]
        if v >= most:
            break
        for a in range(n):
            if not done[a] and v < left[a]:
                w = v + _bound(head_s[a], head_t[a], tail_s[at], tail_t[at], directed)
                if w < left[a]:
                    left[a] = w
    for a in range(n):
        value[a] = cost[a] + left[a]


@njit(cache=True, nogil=True)
def _ahead(xs, xt, tail_s, tail_t, value, directed):
    """Lower bound of the way from x to the target that uses at least one more opened edge."""
    low = np.inf
    for a in range(value.size):
        if value[a] < low:
            low = min(low, value[a] + _bound(xs, xt, tail_s[a], tail_t[a], directed))
    return low


@njit(cache=True, nogil=True)
def opened_costs(edges, ds, dt, base, start, e_cell, e_direction, e_cost, whole, out, settled):
    """New path cost for every candidate, each a set of edges with a lower barrier cost.

    Parameters
    ----------
    edges : EdgeModel of the old landscape
    ds, dt : (rows, cols) old fields from the source and to the target
    base : old path cost
    start, e_cell, e_direction, e_cost : candidate i holds the edges ``start[i]:start[i + 1]``
    whole : whether ``e_cost`` is all that an edge costs, see `opened_arcs`
    out : (candidates,) new path cost, filled
    settled : (candidates,) number of cells the search visited, filled
    """
    cols = ds.shape[1]
    s = ds.reshape(-1)
    t = dt.reshape(-1)
    new = np.empty(0)
    touched = np.empty(1024, np.int64)
    keys = np.empty(1024)
    cells = np.empty(1024, np.int64)
    directed = edges.steps.shape[0] > 0
    for i in range(start.size - 1):
        part = slice(start[i], start[i + 1])
        tail, head, cost = opened_arcs(edges, e_cell[part], e_direction[part], e_cost[part], whole)
        n = tail.size
        tail_s = np.empty(n)
        tail_t = np.empty(n)
        head_s = np.empty(n)
        head_t = np.empty(n)
        best = base
        first = np.inf
        for a in range(n):
            tail_s[a] = s[tail[a]]
            tail_t[a] = t[tail[a]]
            head_s[a] = s[head[a]]
            head_t[a] = t[head[a]]
            first = min(first, tail_s[a] + cost[a])
            best = min(best, tail_s[a] + cost[a] + head_t[a])
        left = np.empty(n)
        value = np.empty(n)
        most = best - first if first < np.inf else 0.0
        _remainders(tail_s, tail_t, head_s, head_t, cost, directed, most, left, value)
        low = np.inf
        for a in range(n):
            low = min(low, tail_s[a] + value[a])
        settled[i] = 0
        if low >= best:  # no second opened edge can pay
            out[i] = best
            continue
        if new.size == 0:
            new = s.copy()
        n_touched = 0
        size = ZERO
        for a in range(n):
            g = tail_s[a] + cost[a]
            if g < new[head[a]]:
                f = g + _ahead(head_s[a], head_t[a], tail_s, tail_t, value, directed)
                if f < best:
                    touched, n_touched = _note(touched, n_touched, head[a])
                    new[head[a]] = g
                    keys, cells, size = push(keys, cells, size, f, head[a])
        while size > 0 and keys[0] < best:
            f0 = keys[0]
            at = cells[0]
            size = drop(keys, cells, size)
            g0 = new[at]
            if f0 > g0 + _ahead(s[at], t[at], tail_s, tail_t, value, directed):
                continue  # an older, larger entry
            settled[i] += 1
            for a in range(n):
                if tail[a] == at:
                    g = g0 + cost[a]
                    best = min(best, g + head_t[a])
                    if g < new[head[a]]:
                        f = g + _ahead(head_s[a], head_t[a], tail_s, tail_t, value, directed)
                        if f < best:
                            touched, n_touched = _note(touched, n_touched, head[a])
                            new[head[a]] = g
                            keys, cells, size = push(keys, cells, size, f, head[a])
            for j in range(2 * edges.n):
                r2, c2, w = out_of(edges, at // cols, at % cols, j)
                if not w < np.inf:
                    continue
                v = r2 * cols + c2
                g = g0 + w
                if g < new[v]:
                    f = g + _ahead(s[v], t[v], tail_s, tail_t, value, directed)
                    if f < best:
                        touched, n_touched = _note(touched, n_touched, v)
                        new[v] = g
                        keys, cells, size = push(keys, cells, size, f, v)
        for k in range(n_touched):
            new[touched[k]] = s[touched[k]]
        out[i] = best


@njit(cache=True, nogil=True)
def _note(touched, size, cell):
    """Remember a cell whose value fell, to restore it."""
    if size == touched.size:
        more = np.empty(2 * size, np.int64)
        copy_row(more, touched)
        touched = more
    touched[size] = cell
    return touched, size + 1


@njit(cache=True, nogil=True)
def dense_dijkstra(cost, source, tail, head, arc):
    """Shortest costs from one node over a dense cost matrix plus extra arcs."""
    n = cost.shape[0]
    d = cost[source].copy()
    done = np.zeros(n, np.bool_)
    d[source] = 0.0
    for _ in range(n):
        at = -1
        for i in range(n):
            if not done[i] and (at < 0 or d[i] < d[at]):
                at = i
        if d[at] == np.inf:
            break
        done[at] = True
        for i in range(n):
            d[i] = min(d[i], d[at] + cost[at, i])
        for a in range(tail.size):
            if tail[a] == at:
                d[head[a]] = min(d[head[a]], d[at] + arc[a])
    return d
