"""Reading a finished least-cost field: predecessors, paths, nearest-source labels, single edges.

No predecessor array is kept while the field is computed: an edge (u, v) carried the value of v when
``d[v] == d[u] + w(u, v)`` bit for bit.  Where costs are lost in rounding (``d[v] == d[u]``), plateaus are
crossed breadth first, so tracing ends in every case.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.edges import BETWEEN_COL, BETWEEN_ROW, D_COL, D_ROW, EdgeBarriers
from permeability.engines.kernels.small_loops import copy_row, place_of


class EdgeModel(NamedTuple):
    """What it takes to evaluate any single edge with the engine's own expression.

    ``n`` edge directions; ``half`` their half lengths; ``steps`` directed costs or a (0, 1, 1) array; the
    barrier table sorted by cell and direction, and its first row for every grid row; ``over``: whether knight's
    moves see their two ends only.
    """

    cell: NDArray[Any]
    n: int
    half: NDArray[np.float64]
    steps: NDArray[np.float64]
    b_cell: NDArray[np.int64]
    b_direction: NDArray[np.uint8]
    b_cost: NDArray[np.float64]
    starts: NDArray[np.int64]
    over: bool


def row_starts(barriers: EdgeBarriers | None, shape):
    """First barrier row of every grid row, so that a lookup searches one grid row only."""
    if barriers is None:
        return np.zeros(shape[0] + 1, np.int64)
    return np.searchsorted(barriers.cell, np.arange(shape[0] + 1, dtype=np.int64) * shape[1]).astype(np.int64)


@njit(cache=True, nogil=True)
def count_cells(cell):
    """Number of cells <= 0, and of cells with a finite value."""
    low = 0
    valid = 0
    for r in range(cell.shape[0]):
        for c in range(cell.shape[1]):
            v = cell[r, c]
            if v <= 0:
                low += 1
            elif v < np.inf:
                valid += 1
    return low, valid


@njit(cache=True, nogil=True)
def cut_off(dist, stop):
    """Set values above ``stop`` to inf."""
    for r in range(dist.shape[0]):
        for c in range(dist.shape[1]):
            if dist[r, c] > stop:
                dist[r, c] = np.inf


@inner(cache=True, nogil=True)
def find_barrier(b_cell, b_direction, starts, row, cell, k):
    """Row of the barrier table for one edge, or -1."""
    lo = starts[row]
    end = starts[row + 1]
    hi = end
    while lo < hi:
        mid = (lo + hi) >> 1
        if b_cell[mid] < cell or (b_cell[mid] == cell and b_direction[mid] < k):
            lo = mid + 1
        else:
            hi = mid
    if lo < end and b_cell[lo] == cell and b_direction[lo] == k:
        return lo
    return -1


@inner(cache=True, nogil=True)
def plain_cost(edges, r, c, k, back):
    """Cost of the edge of direction ``k`` named at (r, c) without its barriers, forward or back; inf = no edge."""
    rows, cols = edges.cell.shape
    r2 = r + D_ROW[k]
    c2 = c + D_COL[k]
    if r < 0 or c < 0 or c >= cols or r2 >= rows or c2 < 0 or c2 >= cols:
        return np.inf
    a = np.float64(edges.cell[r, c])
    b = np.float64(edges.cell[r2, c2])
    if not (a < np.inf and b < np.inf):
        return np.inf
    w = edges.half[k] * (a + b)
    if k >= 4 and not edges.over:
        between = np.float64(edges.cell[r + BETWEEN_ROW[k, 0], c + BETWEEN_COL[k, 0]])
        between += np.float64(edges.cell[r + BETWEEN_ROW[k, 1], c + BETWEEN_COL[k, 1]])
        if not between < np.inf:
            return np.inf
        w = 0.5 * (w + edges.half[k] * between)
    if edges.steps.shape[0] > 0:
        w = edges.steps[edges.n + k if back else k, r, c]
        return w if w < np.inf else np.inf
    return w


@inner(cache=True, nogil=True)
def edge_cost(edges, r, c, k, back):
    """Cost of an edge with its barriers; the engine's own expression."""
    w = plain_cost(edges, r, c, k, back)
    if edges.b_cell.size > 0 and w < np.inf:
        cell = r * edges.cell.shape[1] + c
        at = find_barrier(edges.b_cell, edges.b_direction, edges.starts, r, cell, k)
        if at >= 0:
            w = w + edges.b_cost[at]
    return w


@njit(cache=True, nogil=True)
def into(edges, r, c, j):
    """Incoming edge number ``j`` of (r, c): row and column it comes from, and its cost.

    ``j < n``: from the first cell of direction j; ``j >= n``: from the second cell of direction j - n.
    """
    if j < edges.n:
        r1 = r - D_ROW[j]
        c1 = c - D_COL[j]
        return r1, c1, edge_cost(edges, r1, c1, j, False)
    k = j - edges.n
    w = edge_cost(edges, r, c, k, True)
    return r + D_ROW[k], c + D_COL[k], w


@njit(cache=True, nogil=True)
def out_of(edges, r, c, j):
    """Outgoing edge number ``j`` of (r, c): row and column it leads to, and its cost; see `into`."""
    if j < edges.n:
        return r + D_ROW[j], c + D_COL[j], edge_cost(edges, r, c, j, False)
    k = j - edges.n
    r1 = r - D_ROW[k]
    c1 = c - D_COL[k]
    return r1, c1, edge_cost(edges, r1, c1, k, True)


@njit(cache=True, nogil=True)
def has_exit(edges, flat):
    """Whether any edge leaves each of some cells."""
    cols = edges.cell.shape[1]
    out = np.zeros(flat.size, np.bool_)
    for i in range(flat.size):
        r = flat[i] // cols
        c = flat[i] % cols
        for k in range(edges.n):
            w = edge_cost(edges, r, c, k, False)
            v = edge_cost(edges, r - D_ROW[k], c - D_COL[k], k, True)
            if w < np.inf or v < np.inf:
                out[i] = True
                break
    return out


@njit(cache=True, nogil=True)
def predecessor(dist, edges, r, c):
    """Incoming edge that carried the value of (r, c) from a strictly nearer cell, or -1 (source, plateau).

    Of several, the one whose cell is nearest to the source, then the first direction.
    """
    d = dist[r, c]
    best = -1
    low = d
    for j in range(2 * edges.n):
        r1, c1, w = into(edges, r, c, j)
        if w < np.inf and dist[r1, c1] < low and dist[r1, c1] + w == d:
            best = j
            low = dist[r1, c1]
    return best


@njit(cache=True, nogil=True)
def trace(dist, is_source, edges, target):
    """Cells of one least-cost path from the target back to a source (flat indices).

    ``is_source`` holds the sorted flat indices of the sources.
    """
    cols = edges.cell.shape[1]
    path = [target]
    at = target
    while True:
        i = place_of(is_source, at)
        if i < is_source.size and is_source[i] == at and dist[at // cols, at % cols] == 0.0:
            break
        j = predecessor(dist, edges, at // cols, at % cols)
        if j >= 0:
            r1, c1, _ = into(edges, at // cols, at % cols, j)
            at = r1 * cols + c1
            path.append(at)
            continue
        if i < is_source.size and is_source[i] == at:
            break  # a source with a starting value of its own
        over = _cross_plateau(dist, is_source, edges, at)
        if len(over) == 0:
            break
        for k in range(len(over)):
            path.append(over[k])
        at = over[len(over) - 1]
    return path


@njit(cache=True, nogil=True)
def _cross_plateau(dist, is_source, edges, at):
    """Shortest way over cells of equal value to one with a nearer predecessor or to a source."""
    cols = edges.cell.shape[1]
    d = dist[at // cols, at % cols]
    came = {at: np.int64(-1)}
    queue = [at]
    head = 0
    found = np.int64(-1)
    while head < len(queue) and found < 0:
        u = queue[head]
        head += 1
        r = u // cols
        c = u % cols
        for j in range(2 * edges.n):
            r1, c1, w = into(edges, r, c, j)
            if not w < np.inf or dist[r1, c1] != d or dist[r1, c1] + w != d:
                continue
            v = r1 * cols + c1
            if v in came:
                continue
            came[v] = u
            queue.append(v)
            i = place_of(is_source, v)
            if i < is_source.size and is_source[i] == v:
                found = v
                break
            if predecessor(dist, edges, r1, c1) >= 0:
                found = v
                break
    way = [np.int64(-1) for _ in range(0)]
    if found >= 0:
        v = found
        while v != at:
            way.append(v)
            v = came[v]
        way = way[::-1]
    return way


@njit(cache=True, nogil=True)
def allocate(dist, label, edges):
    """Spread the labels of the sources (> 0) along the predecessors, in place.

    Each cell takes the label of its `predecessor`; chains are followed once and written back.  Cells of a
    plateau take the label of the plateau cell that is reached first from a labelled one.
    """
    rows, cols = dist.shape
    chain = np.empty(1024, np.int64)
    waiting = [np.int64(-1) for _ in range(0)]
    for r0 in range(rows):
        for c0 in range(cols):
            if label[r0, c0] != 0 or not dist[r0, c0] < np.inf:
                continue
            r = r0
            c = c0
            size = 0
            while label[r, c] == 0:
                if size == chain.size:
                    longer = np.empty(2 * size, np.int64)
                    copy_row(longer, chain)
                    chain = longer
                chain[size] = r * cols + c
                size += 1
                j = predecessor(dist, edges, r, c)
                if j < 0:
                    break
                r, c, _ = into(edges, r, c, j)
            found = label[r, c]
            if found == 0:
                for i in range(size):
                    waiting.append(chain[i])
            for i in range(size):
                label[chain[i] // cols, chain[i] % cols] = found
    while len(waiting) > 0:
        # one breadth-first round: labels step one edge along tight edges, plateaus included
        rest = [np.int64(-1) for _ in range(0)]
        news = [np.int64(-1) for _ in range(0)]
        names = [label[0, 0] for _ in range(0)]
        for i in range(len(waiting)):
            v = waiting[i]
            r = v // cols
            c = v % cols
            found = label[r, c] * 0
            for j in range(2 * edges.n):
                r1, c1, w = into(edges, r, c, j)
                if w < np.inf and dist[r1, c1] + w == dist[r, c] and label[r1, c1] != 0:
                    found = label[r1, c1]
                    break
            if found != 0:
                news.append(v)
                names.append(found)
            else:
                rest.append(v)
        if len(news) == 0:
            break
        for i in range(len(news)):
            label[news[i] // cols, news[i] % cols] = names[i]
        waiting = rest


@njit(cache=True, nogil=True)
def territory_edges(edges, label, there, back):
    """Cheapest connection across every edge between two territories, both ways.

    Parameters
    ----------
    edges : EdgeModel
    label : (rows, cols) int32, 0 = no territory
    there, back : (rows, cols) cost from the patch of the territory to each cell, and from each cell to it

    Returns
    -------
    list of (label of the first cell, of the second, cost, first cell, direction)
    """
    rows, cols = label.shape
    found = [(np.int32(0), np.int32(0), 0.0, np.int64(0), 0) for _ in range(0)]
    for r in range(rows):
        for c in range(cols):
            a = label[r, c]
            if a == 0:
                continue
            for k in range(edges.n):
                r2 = r + D_ROW[k]
                c2 = c + D_COL[k]
                if r2 >= rows or c2 < 0 or c2 >= cols:
                    continue
                b = label[r2, c2]
                if b == 0 or b == a:
                    continue
                w = there[r, c] + edge_cost(edges, r, c, k, False) + back[r2, c2]
                v = there[r2, c2] + edge_cost(edges, r, c, k, True) + back[r, c]
                w = min(w, v)
                if w < np.inf:
                    found.append((a, b, w, np.int64(r * cols + c), k))
    return found
