"""Fronts that change with the barriers, and those that do not: nested dissection redone only where barriers lie.

Boxes of the dissection (:mod:`permeability.engines.kernels.dissection`) that hold no barrier edge are eliminated once.  The
others are *live*: the smallest of them (*units*) keep the end cells of their barrier edges, and every
state of the barriers works through the live fronts only, with right-hand sides ``e_a - e_b`` of chosen edges
carried along.  All entries are sums of non-negative numbers, as there.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.dissection import extend
from permeability.engines.kernels.dots import add_dots
from permeability.engines.kernels.gains import changed_edges, opened_resistances, risen
from permeability.engines.kernels.pivots import reduce_with
from permeability.engines.kernels.small_loops import ZERO, copy_row, copy_rows, place_of


@njit(cache=True, nogil=True)
def edge_leaves(cell, direction, cols, bounds, child):
    """The leaf box in which every edge lies."""
    out = np.empty(len(cell), np.int32)
    for i in range(len(cell)):
        r, c = cell[i] // cols, cell[i] % cols - (1 if direction[i] == 3 else 0)
        b = len(bounds) - 1
        while child[b, 0] >= 0:
            q = child[b, 0]
            inside = bounds[q, 0] <= r < bounds[q, 1] and bounds[q, 2] <= c < bounds[q, 3]
            b = q if inside else child[b, 1]
        out[i] = b
    return out


@njit(cache=True, nogil=True)
def live_boxes(bounds, child, box, leaf, ends, rows, cols, unit):
    """Which boxes are live; raises ``box`` of the barrier cells ``ends`` inside units to their unit, in place.

    A box with barrier edges is a unit when it has at most ``unit`` elements and no more barrier cells than
    cells on its rim, or cannot be halved.  Returns live, parent.
    """
    n = len(bounds)
    parent = np.full(n, -1, np.int32)
    for b in range(n):
        for half in range(2):
            if child[b, half] >= 0:
                parent[child[b, half]] = b
    inside = np.zeros(n, np.int64)
    for k in ends:
        if box[k] >= 0:
            inside[box[k]] += 1
    dirty = np.zeros(n, np.bool_)
    for b in leaf:
        dirty[b] = True
    for b in range(n - 1):
        inside[parent[b]] += inside[b]
        dirty[parent[b]] |= dirty[b]
    live = np.zeros(n, np.bool_)
    for b in range(n - 1, -1, -1):
        if not dirty[b]:
            continue
        p = parent[b]
        if p < 0:
            live[b] = True
            continue
        height, width = bounds[p, 1] - bounds[p, 0], bounds[p, 3] - bounds[p, 2]
        rim = 2 * (height + width)
        is_unit = height * width <= unit and inside[p] <= rim
        live[b] = live[p] and not is_unit
    for k in ends:
        b = box[k]
        while b >= 0 and not live[b]:
            b = parent[b]
            box[k] = b
    return live, parent


@njit(cache=True, nogil=True)
def split_cost(child, parent, size, n_out, live):
    """What is done once and what in every state.

    Returns offset (every front in its own stack), peaks of the two stacks, largest tables of pivot rows
    and of the rest, place of what is kept of every front (-1: nothing) and its size, multiply-adds by front.
    """
    n_boxes = len(size)
    offset = np.zeros(n_boxes, np.int64)
    kept = np.full(n_boxes, -1, np.int64)
    peak = np.zeros(2, np.int64)
    rows_max, rest_max = np.zeros(2, np.int64), np.zeros(2, np.int64)
    top = np.zeros(2, np.int64)
    work = np.zeros(n_boxes, np.float64)
    cache = 0
    for b in range(n_boxes):
        n, ne = size[b], n_out[b]
        nb = n - ne
        s = 1 if live[b] else 0
        for half in range(2):
            q = child[b, half]
            if q < 0:
                continue
            if live[q] == live[b]:
                top[s] = min(top[s], offset[q])
        if live[b] and child[b, 0] < 0:
            kept[b] = cache
            cache += n * (n + 1) // 2
        offset[b] = top[s]
        top[s] += nb * (nb + 1) // 2
        peak[s] = max(peak[s], top[s])
        if not live[b] and parent[b] >= 0 and live[parent[b]]:  # the result of a subtree that never changes
            kept[b] = cache
            cache += nb * (nb + 1) // 2
            top[0] = 0
        rows_max[s], rest_max[s] = max(rows_max[s], ne * n), max(rest_max[s], nb * nb)
        work[b] = (float(n) ** 3 - float(nb) ** 3) / 6.0
    return offset, peak, rows_max, rest_max, kept, cache, work


@njit(cache=True, nogil=True)
def first_beneath(child):
    """The first of the boxes beneath every box, itself where there is none; the others lie between the two."""
    first = np.empty(len(child), np.int64)
    for b in range(len(child)):
        first[b] = b
        for half in range(2):
            if child[b, half] >= 0:
                first[b] = min(first[b], first[child[b, half]])
    return first


@njit(cache=True, nogil=True)
def pack_front(w, rest, packed):
    """Upper halves of a front's rows, one after another."""
    ne, n = w.shape
    at = 0
    for i in range(n):
        if i < ne:
            for j in range(i, n):
                packed[at + j - i] = w[i, j]
        else:
            for j in range(i, n):
                packed[at + j - i] = rest[i - ne, j - ne]
        at += n - i


@njit(cache=True, nogil=True)
def local_places(which, front, nodes, ids, start, size):
    """Places of nodes in the orders of their fronts."""
    out = np.empty(len(which), np.int64)
    for t in range(len(which)):
        i = which[t]
        b = front[i]
        out[i] = -1
        for k in range(start[b], start[b] + size[b]):
            if ids[k] == nodes[i]:
                out[i] = k - start[b]
                break
    return out


@inner(cache=True, nogil=True)
def _turn(x, flat):
    """Columns of ``x`` one after another, in strips as wide as a line of the cache."""
    ne, columns = x.shape
    for j0 in range(0, columns, 8):
        j1 = min(j0 + 8, columns)
        for k in range(ne):
            for j in range(j0, j1):
                flat[j * ne + k] = x[k, j]


@inner(cache=True, nogil=True)
def _clear(w, rest):
    """Zero in the upper halves, of which alone anything is read."""
    ne, n = w.shape
    for i in range(n):
        row = w[i, i:] if i < ne else rest[i - ne, i - ne :]
        for j in range(len(row)):
            row[j] = 0.0


@njit(cache=True, nogil=True)
def run_state(
    fronts, child, ids, start, size, n_out, live, kept, cache, offset, stack, rows_buffer, rest_buffer, pos,
    edge_start, edge_i, edge_j, conductance, column, column_start, y, y_start,
):  # fmt: skip
    """One state of the barriers: eliminate the live fronts, with right-hand sides of the chosen edges.

    ``edge_start``, ``column_start``: edges and columns of the live fronts' own boxes, and (second row) of everything
    beneath; ``column`` of every edge, -1 = not wanted.  ``y`` takes ``C^-1 B``, per front (columns, eliminated).
    Returns the network of the kept nodes (upper half) and what of every column arrives there (columns, kept).
    """
    carried, top = np.empty(1024), 0  # right-hand sides on the rims of finished fronts, on a stack
    waiting = np.empty(len(fronts), np.int64)  # live fronts whose right-hand sides wait for their parent
    n_waiting = 0
    for t in range(len(fronts)):
        b = fronts[t]
        n, ne, first = size[b], n_out[b], start[b]
        nb = n - ne
        w = rows_buffer[: ne * n].reshape(ne, n)
        rest = rest_buffer[: nb * nb].reshape(nb, nb)
        _clear(w, rest)
        for i in range(n):
            pos[ids[first + i]] = i
        c0, c1 = column_start[1, t], column_start[0, t + 1]
        x = np.zeros((n, c1 - c0))
        if child[b, 0] < 0:
            at = kept[b]
            for i in range(n):
                copy_row(w[i, i:] if i < ne else rest[i - ne, i - ne :], cache[at : at + n - i])
                at += n - i
        else:
            for half in range(1, -1, -1):
                q = child[b, half]
                nodes = ids[start[q] + n_out[q] : start[q] + size[q]]
                if live[q]:
                    extend(nodes, stack[offset[q] :], pos, ne, w, rest)
                else:
                    extend(nodes, cache[kept[q] :], pos, ne, w, rest)
            for _ in range(2):  # the children last in postorder lie on top
                if n_waiting > 0 and (
                    fronts[waiting[n_waiting - 1]] == child[b, 0]
                    or fronts[waiting[n_waiting - 1]] == child[b, 1]
                ):
                    u = waiting[n_waiting - 1]
                    n_waiting -= 1
                    q = fronts[u]
                    nodes = ids[start[q] + n_out[q] : start[q] + size[q]]
                    m = column_start[0, u + 1] - column_start[1, u]
                    top -= len(nodes) * m
                    _carry(carried[top:], m, nodes, column_start[1, u] - c0, pos, x)
        for e in range(edge_start[t], edge_start[t + 1]):
            i, j = edge_i[e], edge_j[e]
            if column[e] >= 0:
                x[i, column[e] - c0] += 1.0
                x[j, column[e] - c0] -= 1.0
            i, j = min(i, j), max(i, j)
            if i < ne:
                w[i, j] += conductance[e]
            else:
                rest[i - ne, j - ne] += conductance[e]
        none = np.empty(0)
        reduce_with(w, rest, none, none, none, x)
        if c1 > c0:
            _turn(x[:ne], y[y_start[t] : y_start[t + 1]])
        if t + 1 == len(fronts):
            return rest.copy(), x[ne:].T.copy()
        m = c1 - c0
        if top + nb * m > len(carried):
            more = np.empty(2 * (top + nb * m))
            copy_row(more, carried[:top])
            carried = more
        for i in range(nb):
            copy_row(carried[top + i * m :], x[ne + i])
        top += nb * m
        waiting[n_waiting] = t
        n_waiting += 1
        at = offset[b]
        for i in range(nb):
            copy_row(stack[at:], rest[i, i:])
            at += nb - i
    return np.empty((0, 0)), np.empty((0, 0))


@inner(cache=True, nogil=True)
def _carry(below, m, nodes, shift, pos, x):
    """Add the ``m`` right-hand sides that arrived at a child's rim."""
    for i in range(len(nodes)):
        row, of = x[pos[nodes[i]], shift : shift + m], below[i * m : (i + 1) * m]
        for j in range(len(of)):
            row[j] += of[j]


@njit(cache=True, nogil=True)
def block_matrix(columns, n_out, column_start, y, y_start, beta, inverse, minus, plus):
    """``B' X B`` of some edges (given by their columns, ascending) followed by the focal nodes."""
    k, p = len(columns), len(inverse)
    out = np.zeros((k + p, k + p))
    place = np.empty(k, np.int64)
    for t in range(len(n_out) if k > 0 else 0):
        c0, c1, ne = column_start[1, t], column_start[0, t + 1], n_out[t]
        if c0 > columns[k - 1] or c1 <= columns[0] or ne == 0:  # most fronts, where the edges are neighbours
            continue
        i0, i1 = place_of(columns, c0), place_of(columns, c1)
        for i in range(i0, i1):
            place[i] = y_start[t] + (columns[i] - c0) * ne
        add_dots(y, place, ne, i0, i1, out, 1.0)
    arrived = np.empty((p, k))
    for i in range(k):
        for a in range(p):
            arrived[a, i] = beta[columns[i], a]
    for a in range(p):
        for b in range(p):
            weight, of = inverse[a, b], arrived[b]
            out[k + a, k + b] = weight
            to = out[k + a]
            for j in range(k):
                to[j] += weight * of[j]
    for i in range(k):
        row = out[i]
        for a in range(p):
            seen, of = out[k + a, i], arrived[a]
            row[k + a] = seen
            for j in range(i, k):
                row[j] += seen * of[j]
    for rows, sign in ((minus, -1.0), (plus, 1.0)):
        _add_rows(out, columns, len(beta), rows, sign)
    for i in range(len(out)):
        for j in range(i):
            out[i, j] = out[j, i]
    return out


@inner(cache=True, nogil=True)
def _add_rows(out, columns, n_columns, rows, sign):
    """Add ``sign R' R`` for the chosen columns of ``R`` and its last ones, the focal nodes', in the upper half."""
    k, n, m = len(columns), len(out), len(rows)
    if m == 0:
        return
    mine, place = np.empty(n * m), np.empty(n, np.int64)
    for i in range(n):
        place[i] = i * m
        column = columns[i] if i < k else n_columns + i - k
        for r in range(m):
            mine[i * m + r] = rows[r, column]
    add_dots(mine, place, m, ZERO, n, out, sign)


@inner(cache=True, nogil=True)
def _sort_by_column(edges, increase, column):
    """Sort edges and what belongs to them by column, in place; they are few and nearly in order."""
    for i in range(1, len(edges)):
        e, d = edges[i], increase[i]
        j = i
        while j > 0 and column[edges[j - 1]] > column[e]:
            edges[j], increase[j] = edges[j - 1], increase[j - 1]
            j -= 1
        edges[j], increase[j] = e, d


@njit(cache=True, nogil=True)
def opened_by_each_layered(
    which, start, cut, after, z, edge_of, cuts_start, cuts, base, lowest,
    column, part_a, part_b, part_f, now, n_out, column_start, y, y_start, beta, inverse, minus, plus,
):  # fmt: skip
    """Resistances with each of some candidates opened alone, (n, P, P), and whether each only opens.

    ``lowest``: a treatment never closes what is open already.  Candidates that close something are left out.
    """
    out = np.empty((len(which), len(part_f), len(part_f)))
    opens = np.ones(len(which), np.bool_)
    scratch = z.copy()
    for i in range(len(which)):
        rows = slice(start[which[i]], start[which[i] + 1])
        treated, mine = after[rows].copy(), cut[rows]
        if lowest:
            for j in range(len(mine)):
                treated[j] = min(treated[j], z[mine[j]])
        edges, before, then = changed_edges(mine, treated, scratch, edge_of, cuts_start, cuts, base)
        edges, increase, falls = risen(edges, before, then)
        if falls:
            opens[i] = False
            continue
        _sort_by_column(edges, increase, column)
        m = block_matrix(column[edges], n_out, column_start, y, y_start, beta, inverse, minus, plus)
        chosen = np.arange(len(edges))
        copy_rows(out[i], opened_resistances(m, part_a[edges], part_b[edges], part_f, chosen, increase, now))
    return out, opens


@njit(cache=True, nogil=True)
def grid_parts(e, s, se, sw, node, keys):
    """Component of every node without the left-out edges (``keys`` sorted, 4 cell + direction)."""
    rows, cols = e.shape
    n_cells = rows * cols
    top = n_cells
    for k in range(n_cells):
        top = max(top, node[k] + 1)
    root = np.arange(top).astype(np.int32)
    for direction in range(4):
        plane = e if direction == 0 else s if direction == 1 else se if direction == 2 else sw
        step = 1 if direction == 0 else cols + direction - 1 if direction < 3 else cols - 1
        for k in range(n_cells):
            if plane[k // cols, k % cols] > 0.0:
                i = place_of(keys, 4 * k + direction)
                if i < len(keys) and keys[i] == 4 * k + direction:
                    continue
                a, b = _find(root, node[k]), _find(root, node[k + step])
                if a != b:
                    root[max(a, b)] = min(a, b)
    for k in range(top):
        root[k] = _find(root, k)
    return root


@njit(cache=True, nogil=True)
def row_differences(top, bottom, first, second, out):
    """Rows ``first`` minus rows ``second`` of two tables, one above the other; rows beyond both are zero."""
    n, m = len(top), len(top) + len(bottom)
    for i in range(len(first)):
        row = out[i]
        a, b = first[i], second[i]
        if a < m:
            plus = top[a] if a < n else bottom[a - n]
            for j in range(len(row)):
                row[j] = plus[j]
        else:
            row[:] = 0.0
        if b < m:
            minus = top[b] if b < n else bottom[b - n]
            for j in range(len(row)):
                row[j] -= minus[j]


@inner(cache=True, nogil=True)
def _find(root, k):
    while root[k] != k:
        root[k] = root[root[k]]
        k = root[k]
    return k
