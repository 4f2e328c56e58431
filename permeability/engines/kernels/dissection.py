"""Nested dissection of the 9-point grid with dense fronts, on conductances instead of matrix entries.

A box of *elements* (one element = four neighbouring cells and the six links between them) is cut in two until
it is small (:mod:`permeability.engines.kernels.box_cuts`); a cell is eliminated in the first box that holds all its links, unless it is kept.  Every front is
a table of non-negative conductances ``g[i, j]``; eliminating node ``k`` with pivot
``d = sum_j g[k, j] + leak[k]`` adds ``g[i, k] g[k, j] / d`` to ``g[i, j]`` (star-mesh transform).  Diagonals
are never stored and nothing is ever subtracted (Grassmann, Taksar & Heyman 1985,
doi:10.1287/opre.33.5.1107), so every entry keeps its relative accuracy however tight a barrier is, and a
conductance that is exactly zero stays exactly zero.
Nested dissection: George 1973, doi:10.1137/0710032; fronts: Duff & Reid 1983, doi:10.1145/356044.356047.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.pivots import reduce_front
from permeability.engines.kernels.small_loops import copy_row, place_of

LINKS = np.array(
    [[0, 1, 0], [1, 0, 0], [1, 1, 0], [1, -1, 1]]
)  # of a direction: rows, columns, column of the cell in its element


@njit(cache=True, nogil=True)
def number_nodes(e, s, se, sw, leak, node):
    """Give every cell with a link (or a leak) its own node, in place; kept cells have theirs already."""
    rows, cols = e.shape
    for r in range(rows):
        for c in range(cols):
            k = r * cols + c
            if node[k] >= 0:
                continue
            alive = e[r, c] > 0 or s[r, c] > 0 or se[r, c] > 0 or sw[r, c] > 0
            alive = alive or (c > 0 and e[r, c - 1] > 0) or (r > 0 and s[r - 1, c] > 0)
            alive = alive or (r > 0 and c > 0 and se[r - 1, c - 1] > 0)
            alive = alive or (r > 0 and c + 1 < cols and sw[r - 1, c + 1] > 0)
            alive = alive or (leak.size > 0 and leak[r, c] > 0)
            if alive:
                node[k] = k


@njit(cache=True, nogil=True)
def elimination_box(rows, cols, bounds, child, node):
    """The box in which every cell is eliminated, found from the root down; kept and absent cells: -1."""
    out = np.full(rows * cols, -1, np.int32)
    for b in range(len(bounds) - 1, -1, -1):
        r0, r1, c0, c1 = bounds[b]
        if child[b, 0] < 0:
            for r in range(r0 if r0 == 0 else r0 + 1, r1):
                for c in range(c0 if c0 == 0 else c0 + 1, c1):
                    out[r * cols + c] = b
        else:
            upper = bounds[min(child[b, 0], child[b, 1])]
            if upper[1] - upper[0] < r1 - r0:
                cut = max(bounds[child[b, 0], 0], bounds[child[b, 1], 0])
                for c in range(c0 if c0 == 0 else c0 + 1, c1):
                    out[cut * cols + c] = b
            else:
                cut = max(bounds[child[b, 0], 2], bounds[child[b, 1], 2])
                for r in range(r0 if r0 == 0 else r0 + 1, r1):
                    out[r * cols + cut] = b
    for k in range(rows * cols):
        if node[k] != k:
            out[k] = -1
    return out


@inner(cache=True, nogil=True)
def _later(first, second, box, n_cells):
    """Whether node ``first`` is eliminated after node ``second``: by box, then by number; kept ones last."""
    b1 = box[first] if first < n_cells else 2147483647
    b2 = box[second] if second < n_cells else 2147483647
    return b1 > b2 or (b1 == b2 and first > second)


@inner(cache=True, nogil=True)
def _leaf_nodes(bounds, rows, cols, node, box, found):
    """The different nodes of a leaf, in order of elimination; returns their number."""
    n_cells, count = rows * cols, 0
    for r in range(bounds[0], min(bounds[1], rows - 1) + 1):
        for c in range(bounds[2], min(bounds[3], cols - 1) + 1):
            k = node[r * cols + c]
            if k < 0:
                continue
            i = count
            while i > 0 and _later(found[i - 1], k, box, n_cells):
                i -= 1
            if i > 0 and found[i - 1] == k:
                continue  # a region seen before
            for j in range(count, i, -1):
                found[j] = found[j - 1]
            found[i] = k
            count += 1
    return count


@njit(cache=True, nogil=True)
def plan(rows, cols, bounds, child, node, box):
    """Nodes of every front in order of elimination, so that a child's order is also its parent's.

    Returns ``ids`` (all fronts one after another), ``start``, ``size``, ``n_out`` (number eliminated).
    """
    n_boxes, n_cells = len(bounds), rows * cols
    start = np.zeros(n_boxes + 1, np.int64)
    size = np.zeros(n_boxes, np.int64)
    n_out = np.zeros(n_boxes, np.int64)
    ids = np.empty(max(1024, 3 * n_cells), np.int32)
    for b in range(n_boxes):
        at = start[b]
        if child[b, 0] < 0:
            r0, r1, c0, c1 = bounds[b]
            most = (r1 - r0 + 1) * (c1 - c0 + 1)
            p = q = p_end = q_end = np.int64(0)
        else:
            p, p_end = start[child[b, 0]] + n_out[child[b, 0]], start[child[b, 0] + 1]
            q, q_end = start[child[b, 1]] + n_out[child[b, 1]], start[child[b, 1] + 1]
            most = p_end - p + q_end - q
        if at + most > len(ids):
            ids = np.concatenate((ids, np.empty(max(len(ids) // 4, most), np.int32)))
        if child[b, 0] < 0:
            at += _leaf_nodes(bounds[b], rows, cols, node, box, ids[at:])
        while p < p_end or q < q_end:
            if q == q_end or (p < p_end and _later(ids[q], ids[p], box, n_cells)):
                ids[at] = ids[p]
                p += 1
            else:
                if p < p_end and ids[p] == ids[q]:
                    p += 1
                ids[at] = ids[q]
                q += 1
            at += 1
        size[b] = at - start[b]
        start[b + 1] = at
        n = start[b]
        while n < at and ids[n] < n_cells and box[ids[n]] == b:
            n += 1
        n_out[b] = n - start[b]
    return ids[: start[n_boxes]].copy(), start, size, n_out


@njit(cache=True, nogil=True)
def plan_cost(child, size, n_out):
    """Stack offset of every front's result; peak of stack, pivot rows and rest; factor size; multiply-adds."""
    n_boxes = len(size)
    offset = np.zeros(n_boxes, np.int64)
    top, peak, rows_max, rest_max, factor = 0, 0, 0, 0, 0
    work = np.zeros(n_boxes, np.float64)
    for b in range(n_boxes):
        n, ne = size[b], n_out[b]
        nb = n - ne
        if child[b, 0] >= 0:
            top = min(offset[child[b, 0]], offset[child[b, 1]])
        offset[b] = top
        top += nb * (nb + 1) // 2
        peak = max(peak, top)
        rows_max, rest_max = max(rows_max, ne * n), max(rest_max, nb * nb)
        factor += ne * n
        work[b] = (float(n) ** 3 - float(nb) ** 3) / 6.0
    return offset, peak, rows_max, rest_max, factor, work


@inner(cache=True, nogil=True)
def probe(k):
    """A fixed pseudo-random potential in [-1, 1) for node ``k`` (sampled check of a whole condensation)."""
    x = np.uint64(k) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x2545F4914F6CDD1D)
    x ^= x >> np.uint64(31)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(29)
    return float(x >> np.uint64(11)) / 4503599627370496.0 - 1.0


@njit(cache=True, nogil=True)
def probe_all(n):
    """:func:`probe` of the nodes 0..n-1."""
    out = np.empty(n)
    for k in range(n):
        out[k] = probe(k)
    return out


@inner(cache=True, nogil=True)
def _is_left_out(key, left_out):
    i = place_of(left_out, key)
    return i < len(left_out) and left_out[i] == key


@inner(cache=True, nogil=True)
def _add_links(
    box, plane, d_row, d_col, direction, shift, node, n_cells, left_out, pos, ne, w, rest, check, bulk
):
    """Links of one direction whose element lies in the box (``shift``: column of the cell in its element)."""
    rows, cols = plane.shape
    for r in range(box[0], min(box[1], rows - d_row)):
        for c in range(box[2] + shift, min(box[3] + shift, cols - max(d_col, 0))):
            g = plane[r, c]
            if g > 0.0:
                k = r * cols + c
                first, second = node[k], node[k + d_row * cols + d_col]
                if first == second:
                    continue  # inside one region
                both_kept = first >= n_cells and second >= n_cells
                if both_kept and _is_left_out(4 * k + direction, left_out):
                    continue
                # in place: a call with so many arrays would cost more than what it does
                i, j = min(pos[first], pos[second]), max(pos[first], pos[second])
                if i < ne:
                    w[i, j] += g
                else:
                    rest[i - ne, j - ne] += g
                if check.size > 0:
                    flow = g * (probe(first) - probe(second))
                    check[first] += flow
                    check[second] -= flow
                    bulk[first] += abs(flow)
                    bulk[second] += abs(flow)


@njit(cache=True, nogil=True)
def assemble_leaf(box, e, s, se, sw, node, left_out, pos, ne, w, rest, check, bulk):
    """Add the links of a leaf to its front."""
    n_cells = e.size
    for direction in range(4):
        plane = e if direction == 0 else s if direction == 1 else se if direction == 2 else sw
        d_row, d_col, shift = LINKS[direction, 0], LINKS[direction, 1], LINKS[direction, 2]
        _add_links(box, plane, d_row, d_col, direction, shift, node, n_cells, left_out, pos, ne, w, rest, check, bulk)  # fmt: skip


@njit(cache=True, nogil=True)
def eliminate(
    begin, end, bounds, child, ids, start, size, n_out, offset,
    e, s, se, sw, node, left_out, leak, check, bulk, stack, pos, rows_buffer, rest_buffer, factor, factor_start,
):  # fmt: skip
    """Work through the fronts ``begin`` to ``end``; ``leak``, ``check`` and ``bulk`` are per node and may be
    empty.  The last front's result stays in ``rest_buffer``, with ``factor`` of size > 0 the pivot rows there.
    """
    for b in range(begin, end):
        n, ne = size[b], n_out[b]
        nb = n - ne
        first = start[b]
        if factor.size > 0:
            w = factor[factor_start[b] : factor_start[b] + ne * n].reshape(ne, n)
        else:
            w = rows_buffer[: ne * n].reshape(ne, n)
        rest = rest_buffer[: nb * nb].reshape(nb, nb)
        w[:] = 0.0
        rest[:] = 0.0
        for i in range(n):
            pos[ids[first + i]] = i
        if child[b, 0] < 0:
            assemble_leaf(bounds[b], e, s, se, sw, node, left_out, pos, ne, w, rest, check, bulk)
        else:
            for half in range(2):
                q = child[b, half]
                extend(ids[start[q] + n_out[q] : start[q] + size[q]], stack[offset[q] :], pos, ne, w, rest)
        local_leak = np.empty(n if leak.size > 0 else 0)
        for i in range(len(local_leak)):
            local_leak[i] = leak[ids[first + i]]
        m = n if check.size > 0 else 0
        local_check, local_bulk = np.empty(m), np.empty(m)
        for i in range(m):
            local_check[i] = check[ids[first + i]]
            local_bulk[i] = bulk[ids[first + i]]
        reduce_front(w, rest, local_leak, local_check, local_bulk)
        for i in range(len(local_leak)):
            leak[ids[first + i]] = local_leak[i]
        for i in range(ne, m):
            check[ids[first + i]] = local_check[i]
            bulk[ids[first + i]] = local_bulk[i]
        at = offset[b]
        for i in range(nb):
            copy_row(stack[at:], rest[i, i:])
            at += nb - i


@inner(cache=True, nogil=True)
def extend(nodes, packed, pos, ne, w, rest):
    """Add a child's packed upper half to its parent's front; both are in order of elimination."""
    m = len(nodes)
    index = np.empty(m, np.int64)
    for i in range(m):
        index[i] = pos[nodes[i]]
    # runs of nodes that follow each other in the parent too (and do not cross from its pivots to its rest)
    stop = np.empty(m, np.int64)
    for i in range(m - 1, -1, -1):
        joined = i + 1 < m and index[i + 1] == index[i] + 1 and index[i + 1] != ne
        stop[i] = stop[i + 1] if joined else i + 1
    at = 0
    for a in range(m):
        i = index[a]
        if i < ne:
            row, shift = w[i], 0
        else:
            row, shift = rest[i - ne], ne
        b = a
        while b < m:
            end = stop[b]
            to, of = (
                row[index[b] - shift :],
                packed[at : at + end - b],
            )  # slices: places that may be negative are slow
            for t in range(len(of)):
                to[t] += of[t]
            at += end - b
            b = end


# "reassoc" and "contract": a plain sum of products, of which no order is the right one
@inner(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(a, b):
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@njit(cache=True, nogil=True)
def forward(begin, end, ids, start, size, n_out, factor, factor_start, x):
    """Carry right-hand sides ``x`` (m, nodes) through the kept factor: eliminated nodes hold y afterwards.

    Returns (m,) the largest current that arrived at a node without a way out (it should be nothing).
    """
    lost = np.zeros(x.shape[0])
    for b in range(begin, end):
        n, ne = size[b], n_out[b]
        w = factor[factor_start[b] : factor_start[b] + ne * n].reshape(ne, n)
        local = np.empty((x.shape[0], n))
        _gather(x, ids[start[b] : start[b] + n], local)
        for k in range(ne):
            root = w[k, k]
            row = w[k]
            for m in range(len(local)):
                v = local[m]
                if root == 0.0:
                    lost[m] = max(lost[m], abs(v[k]))
                    v[k] = 0.0
                    continue
                y = v[k] / root
                v[k] = y
                if y != 0.0:
                    for j in range(k + 1, n):
                        v[j] += row[j] * y
        _scatter(local, ids[start[b] : start[b] + n], n, x)
    return lost


@njit(cache=True, nogil=True)
def backward(begin, end, ids, start, size, n_out, factor, factor_start, x):
    """Potentials of the eliminated nodes from those of the kept ones; fronts from ``end`` to ``begin``."""
    for b in range(end - 1, begin - 1, -1):
        n, ne = size[b], n_out[b]
        w = factor[factor_start[b] : factor_start[b] + ne * n].reshape(ne, n)
        local = np.empty((x.shape[0], n))
        _gather(x, ids[start[b] : start[b] + n], local)
        for k in range(ne - 1, -1, -1):
            root = w[k, k]
            for v in local:
                v[k] = (v[k] + _dot(w[k, k + 1 :], v[k + 1 :])) / root if root > 0.0 else 0.0
        _scatter(local, ids[start[b] : start[b] + n], ne, x)


@inner(cache=True, nogil=True)
def _gather(x, nodes, local):
    for m in range(x.shape[0]):
        for i in range(len(nodes)):
            local[m, i] = x[m, nodes[i]]


@inner(cache=True, nogil=True)
def _scatter(local, nodes, n, x):
    for m in range(x.shape[0]):
        for i in range(n):
            x[m, nodes[i]] = local[m, i]
