"""Where to cut boxes of the grid in two: where the landscape is narrow, and so that little has to be done again.

Nested dissection works whatever the cuts; what it costs hangs on them.  On a full square the middle is best.  A country is
no square, and of a landscape with barriers only the boxes that hold some are worked through in every state: there all cuts are
weighed by the multiply-adds of their own front and of what is left on both sides, in large boxes with the next cuts of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import inner, njit

Ints = NDArray[np.int32]

LEAST = 0.25  # of a box's cells on either side of a cut
GROWTH = 6.0  # a box of v cells takes about GROWTH v^1.5 multiply-adds [measured: 4 to 8 alike]
ONCE = 0.3  # what work that is done once counts beside work that is done in every state [measured: 0.1 to 0.5 alike]
FULL = 0.95  # of a box, from which it counts as full
SMALL = 128  # elements up to which the middle will do
AHEAD = 2048  # elements from which the next cuts are weighed too
SMALL_GRID = 4096  # cells up to which any cut will do
CUTS = 256  # most places for a cut that are weighed in a box


@inner(cache=True, nogil=True)
def _sums(plane):
    """Sums over all cells above and left of each corner; the last row and column once more, for boxes that end beyond the grid."""
    rows, cols = plane.shape
    out = np.zeros((rows + 2, cols + 2), np.int32)
    for r in range(rows):
        total = 0
        for c in range(cols):
            if plane[r, c]:
                total += 1
            out[r + 1, c + 1] = out[r, c + 1] + total
        out[r + 1, cols + 1] = out[r + 1, cols]
    out[rows + 1] = out[rows]
    return out


@inner(cache=True, nogil=True)
def _within(sums, r0, r1, c0, c1):
    """Cells of rows ``r0`` to ``r1`` and columns ``c0`` to ``c1``, the last ones not counted."""
    return sums[r1, c1] - sums[r0, c1] - sums[r1, c0] + sums[r0, c0]


@inner(cache=True, nogil=True)
def _share(barred, r0, r1, c0, c1):
    """What the work in a box counts: less where no state of the barriers changes it."""
    return 1.0 if barred.size == 0 or _within(barred, r0, r1 + 1, c0, c1 + 1) > 0 else ONCE


@inner(cache=True, nogil=True)
def _whole(cells, barred, r0, r1, c0, c1):
    """About what a box takes with all its parts."""
    v = float(_within(cells, r0, r1 + 1, c0, c1 + 1))
    return GROWTH * v * np.sqrt(v) * _share(barred, r0, r1, c0, c1)


@inner(cache=True, nogil=True)
def _is_plain(cells, barred, r0, r1, c0, c1):
    """Whether a box is empty, or as good as full and without barriers: then the middle is best."""
    v = _within(cells, r0, r1 + 1, c0, c1 + 1)
    if v == 0:
        return True
    full = (min(r1 + 1, cells.shape[0] - 2) - r0) * (min(c1 + 1, cells.shape[1] - 2) - c0)
    return v >= FULL * full and (barred.size == 0 or _within(barred, r0, r1 + 1, c0, c1 + 1) == 0)


@inner(cache=True, nogil=True)
def _first(at):
    """First row or column that is eliminated inside a box: of the outermost only where the grid ends."""
    return at if at == 0 else at + 1


@inner(cache=True, nogil=True)
def _turned(sums):
    """Rows as columns, so that places along either side lie one behind the other."""
    rows, cols = sums.shape
    out = np.empty((cols, rows), np.int32)
    for r in range(rows):
        for c in range(cols):
            out[c, r] = sums[r, c]
    return out


@inner(cache=True, nogil=True)
def _places(cells, r0, r1, c0, c1, least):
    """First and last column where a box may be cut, the last one not counted: with so much on either side."""
    above, below = cells[r0], cells[r1 + 1]
    left, right = below[c0] - above[c0], below[c1 + 1] - above[c1 + 1]
    low, high = c0, c1
    while low < high:
        at = (low + high) // 2
        if below[at + 1] - above[at + 1] - left < least:
            low = at + 1
        else:
            high = at
    first, high = low, c1
    while low < high:
        at = (low + high) // 2
        if right - (below[at] - above[at]) < least:
            high = at
        else:
            low = at + 1
    return first, low


@inner(cache=True, nogil=True)
def _fronts(cells, r0, r1, c0, first, last, rim, share, out):
    """What the fronts of cuts at some columns count: multiply-adds of the cells on each, by the column's place in the box."""
    above, below = cells[_first(r0), first : last + 1], cells[r1, first : last + 1]
    to = out[first - c0 : last - c0]
    for i in range(len(to)):
        s = float((below[i + 1] - below[i]) - (above[i + 1] - above[i]))
        n = rim + s
        to[i] = share * (s * n * n / 2 - s * s * n / 2 + s * s * s / 6)


@inner(cache=True, nogil=True)
def _add_sides(cells, barred, r0, r1, c0, c1, first, last, out):
    """Add about what both sides of such cuts take; one loop over numbers that lie side by side is many at a time."""
    above, below = cells[r0], cells[r1 + 1]
    left, right = below[c0] - above[c0], below[c1 + 1] - above[c1 + 1]
    above, below = above[first : last + 1], below[first : last + 1]
    to = out[first - c0 : last - c0]
    if barred.size == 0:
        for i in range(len(to)):
            v, w = float(below[i + 1] - above[i + 1] - left), float(right - (below[i] - above[i]))
            to[i] += GROWTH * v * np.sqrt(v) + GROWTH * w * np.sqrt(w)
        return
    over, under = barred[r0], barred[r1 + 1]
    some, all_of = under[c0] - over[c0], under[c1 + 1] - over[c1 + 1]
    over, under = over[first : last + 1], under[first : last + 1]
    for i in range(len(to)):
        v, w = float(below[i + 1] - above[i + 1] - left), float(right - (below[i] - above[i]))
        counts = 1.0 if under[i + 1] - over[i + 1] > some else ONCE
        other = 1.0 if under[i] - over[i] < all_of else ONCE
        to[i] += GROWTH * v * np.sqrt(v) * counts + GROWTH * w * np.sqrt(w) * other


@inner(cache=True, nogil=True)
def _rim_of(cells, r0, r1, c0, c1):
    """Cells of a box, and those of them that are left to the boxes around it."""
    v = _within(cells, r0, r1 + 1, c0, c1 + 1)
    return v, float(v - _within(cells, _first(r0), r1, _first(c0), c1))


@inner(cache=True, nogil=True)
def _least(planes, r0, r1, c0, c1, out):
    """About what a box takes that is cut well once."""
    cells, barred = planes[0], planes[1]
    whole = _whole(cells, barred, r0, r1, c0, c1)
    if _is_plain(cells, barred, r0, r1, c0, c1):
        return whole
    v, rim = _rim_of(cells, r0, r1, c0, c1)
    share, found = _share(barred, r0, r1, c0, c1), np.inf
    step = max(1, (r1 - r0 + c1 - c0) // CUTS)
    for axis in range(2):
        if axis == 0:  # between rows: the same with rows as columns
            cells, barred, a0, a1, b0, b1 = planes[2], planes[3], c0, c1, r0, r1
        else:
            cells, barred, a0, a1, b0, b1 = planes[0], planes[1], r0, r1, c0, c1
        first, last = _places(cells, a0, a1, b0, b1, LEAST * v)
        _fronts(cells, a0, a1, b0, first, last, rim, share, out)
        _add_sides(cells, barred, a0, a1, b0, b1, first, last, out)
        for at in range(step * max(1, -((b0 - first) // step)), last - b0, step):
            found = min(found, out[at])
    return whole if found == np.inf else found


@inner(cache=True, nogil=True)
def _best_cut(planes, r0, r1, c0, c1, costs, more):
    """Whether to cut between rows, and where."""
    cells, barred = planes[0], planes[1]
    best = (True, (r0 + r1) // 2) if r1 - r0 >= c1 - c0 else (False, (c0 + c1) // 2)
    size = (r1 - r0) * (c1 - c0)
    if size <= SMALL or _is_plain(cells, barred, r0, r1, c0, c1):
        return best
    v, rim = _rim_of(cells, r0, r1, c0, c1)
    share = _share(barred, r0, r1, c0, c1)
    found, ahead = np.inf, size >= AHEAD
    step = max(1, (r1 - r0 + c1 - c0) // CUTS)
    for axis in range(2):
        down = axis == 0
        if down:
            cells, barred, a0, a1, b0, b1 = planes[2], planes[3], c0, c1, r0, r1
        else:
            cells, barred, a0, a1, b0, b1 = planes[0], planes[1], r0, r1, c0, c1
        first, last = _places(cells, a0, a1, b0, b1, LEAST * v)
        _fronts(cells, a0, a1, b0, first, last, rim, share, costs)
        if not ahead:
            _add_sides(cells, barred, a0, a1, b0, b1, first, last, costs)
        for i in range(step * max(1, -((b0 - first) // step)), last - b0, step):
            cost, at = costs[i], b0 + i
            if cost >= found:
                continue
            if ahead:
                p1, q1, p0, q0 = (at, c1, at, c0) if down else (r1, at, r0, at)
                cost += _least(planes, r0, p1, c0, q1, more)
                if cost < found:
                    cost += _least(planes, p0, r1, q0, c1, more)
            if cost < found:
                found, best = cost, (down, at)
    return best


@njit(cache=True, nogil=True)
def _best_tree(node, barred, leaf):
    """:func:`box_tree` of a large grid."""
    rows, cols = node.shape
    own = np.empty((rows, cols), np.bool_)
    for r in range(rows):
        for c in range(cols):
            own[r, c] = node[r, c] == r * cols + c
    cells = _sums(own)
    changing = np.zeros((0, 0), np.int32)
    if barred.size > 0:
        changing = _sums(barred)
    planes = cells, changing, _turned(cells), _turned(changing)
    costs, more = np.empty(max(rows, cols) + 1), np.empty(max(rows, cols) + 1)
    capacity = 1024
    bounds = np.empty((capacity, 4), np.int32)
    child = np.empty((capacity, 2), np.int32)
    order = np.empty(capacity, np.int32)  # preorder; reversed it is a postorder
    child[0, 0] = child[0, 1] = -1
    bounds[0, 0], bounds[0, 1], bounds[0, 2], bounds[0, 3] = 0, rows, 0, cols
    stack = np.empty(
        1024, np.int32
    )  # as deep as the tree: a quarter of the cells at least goes with every cut
    stack[0], top, n = 0, 1, 1
    seen = 0
    while top > 0:
        top -= 1
        b = stack[top]
        order[seen] = b
        seen += 1
        r0, r1, c0, c1 = (
            np.int64(bounds[b, 0]), np.int64(bounds[b, 1]), np.int64(bounds[b, 2]), np.int64(bounds[b, 3]),
        )  # fmt: skip
        if (r1 - r0) * (c1 - c0) <= leaf:
            continue
        if n + 2 > capacity:
            capacity *= 2
            bounds = np.concatenate((bounds, np.empty_like(bounds)))
            child = np.concatenate((child, np.empty_like(child)))
            order = np.concatenate((order, np.empty_like(order)))
        down, at = _best_cut(planes, r0, r1, c0, c1, costs, more)
        for half in range(2):
            for i in range(4):
                bounds[n + half, i] = bounds[b, i]
            child[b, half] = n + half
            child[n + half, 0] = child[n + half, 1] = -1
            stack[top] = n + half
            top += 1
        if down:
            bounds[n, 1] = bounds[n + 1, 0] = at
        else:
            bounds[n, 3] = bounds[n + 1, 2] = at
        n += 2
    where = np.empty(n, np.int32)
    for k in range(n):
        where[order[k]] = n - 1 - k
    out_bounds = np.empty((n, 4), np.int32)
    out_child = np.empty((n, 2), np.int32)
    for b in range(n):
        for i in range(4):
            out_bounds[where[b], i] = bounds[b, i]
        for i in range(2):
            out_child[where[b], i] = where[child[b, i]] if child[b, i] >= 0 else -1
    return out_bounds, out_child


def _middle_tree(rows: int, cols: int, leaf: int) -> tuple[Ints, Ints]:
    """Boxes that are all cut in the middle of their longer sides, without anything to compile."""
    bounds: list[tuple[int, int, int, int]] = []
    child: list[tuple[int, int]] = []

    def put(r0: int, r1: int, c0: int, c1: int) -> int:
        halves = -1, -1
        if (r1 - r0) * (c1 - c0) > leaf:
            down = r1 - r0 >= c1 - c0
            at = (r0 + r1) // 2 if down else (c0 + c1) // 2
            first = put(r0, at, c0, c1) if down else put(r0, r1, c0, at)
            halves = first, put(at, r1, c0, c1) if down else put(r0, r1, at, c1)
        bounds.append((r0, r1, c0, c1))
        child.append(halves)
        return len(bounds) - 1

    put(0, rows, 0, cols)
    return np.array(bounds, np.int32), np.array(child, np.int32)


def box_tree(node: Ints, barred: NDArray[np.bool_], leaf: int) -> tuple[Ints, Ints]:
    """Boxes in postorder: bounds (n, 4) = first row, end row, first column, end column; the two children.

    Parameters
    ----------
    node : int array, shape (rows, cols)
        Node of every cell; only cells that are their own node count.
    barred : bool array, shape (rows, cols) or (0, 0)
        Cells at barrier edges.
    leaf : int
        Largest number of elements in a box that is not cut.
    """
    rows, cols = node.shape
    if node.size <= SMALL_GRID:
        return _middle_tree(rows, cols, leaf)
    best: Any = _best_tree
    found: tuple[Ints, Ints] = best(node, barred, leaf)
    return found
