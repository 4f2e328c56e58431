"""Cheapest ways along cell corners with a price on length, from a corner to all others or from all others to it.

What a line must cost at least that passes through a corner is the sum of two such fields; corners where that is more than what a line
is known to cost need not be looked at when the cheapest line of a limited length is wanted (Handler & Zang 1980,
doi:10.1002/net.3230100403).
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit
from permeability.engines.kernels.shortest import take, wake

NOWHERE = 255  # no way leads here
SEED = 254  # a way begins here


@njit(cache=True, nogil=True)
def corner_field(
    cost,
    share,
    price,
    length,
    d_row,
    d_col,
    number,
    place,
    turn,
    begin,
    source,
    target,
    every,
    backward,
    most,
    dist,
    by,
):
    """Fill ``dist`` and ``by`` (states) with ``share * cost + price * length`` of the cheapest way, and how it got to each state.

    A state is a corner, and where ``turn`` (moves, moves) has rows the move that led there.  ``cost`` (moves, rows + 1,
    cols + 1), inf = closed; ``number`` (rows + 1, cols + 1): a corner's number, -1 where no line may run; ``place`` (corners, 2)
    where each lies; ``begin``: values at ``source`` by heading.  ``by``: the last move, or the heading before it.
    ``backward`` (without headings): ways from the corners to ``source``; ``by`` is then the first move.
    Ends once ``target`` is reached (in every heading that can be, with ``every``), never for -1, and beyond ``most``.
    """
    headings = len(begin)
    n = len(dist)
    key = np.full(n, np.inf)
    heap = np.zeros(n, np.int32)
    pos = np.full(n, -1, np.int32)
    dist[:] = np.inf
    by[:] = NOWHERE
    size, reached = 0, 0
    for h in range(headings):
        if begin[h] < np.inf:
            dist[source * headings + h] = begin[h]
            by[source * headings + h] = SEED
            size = wake(heap, pos, key, size, source * headings + h, begin[h])
    while size:
        s = heap[0]
        here = dist[s]
        size = take(heap, pos, key, size, s)
        u, h = s // headings, s % headings
        if here > most:
            break
        if u == target:
            reached += 1
            if not every or reached == headings:
                break
        r, c = place[u, 0], place[u, 1]
        for m in range(len(d_row)):
            if headings > 1 and not turn[h, m]:
                continue
            if backward:
                r2, c2 = r - d_row[m], c - d_col[m]
            else:
                r2, c2 = r + d_row[m], c + d_col[m]
            if r2 < 0 or c2 < 0 or r2 >= number.shape[0] or c2 >= number.shape[1]:
                continue
            v = number[r2, c2]
            if v < 0:
                continue
            step = cost[m, r2, c2] if backward else cost[m, r, c]
            if step == np.inf:
                continue
            value = here + share * step + price * length[m]
            to = v * headings + (m if headings > 1 else 0)
            if value < dist[to]:
                dist[to] = value
                by[to] = h if headings > 1 else m
                size = wake(heap, pos, key, size, to, value)


@njit(cache=True, nogil=True)
def moves_back(cost, length, d_row, d_col, number, place, by, headings, state):
    """Moves that lead to a state of a field that was filled forward, the heading at its source, their cost and length."""
    found = np.zeros(len(by), np.int64)
    k, at, h = 0, state // headings, state % headings
    total, far = 0.0, 0.0
    while by[at * headings + h] != SEED:
        came = by[at * headings + h]
        m = h if headings > 1 else came
        r, c = place[at, 0] - d_row[m], place[at, 1] - d_col[m]
        total += cost[m, r, c]
        far += length[m]
        found[k] = m
        k += 1
        at = number[r, c]
        if headings > 1:
            h = came
    return found[:k][::-1].copy(), h, total, far
