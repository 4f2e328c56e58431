"""Lines along cell corners: what every move crosses, and the cheapest way of a limited length.

A line runs from corner to corner in one of sixteen moves.  Corner (r, c) is the upper left corner of cell (r, c), so a grid
of (rows, cols) cells has (rows + 1, cols + 1) corners.  Costs of a move are a sum over the edges that it crosses, with ties
broken as in :mod:`permeability.engines.kernels.cuts`.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit

NOTHING = 255  # no move leads here


@njit(cache=True, nogil=True)
def sum_of_crossed(planes, start, row, col, direction, factor, out):
    """Cost of every move from every corner: ``factor * planes[direction]`` summed over what the move crosses.

    ``planes`` (4, rows, cols); crossings of move ``m`` are ``start[m]:start[m + 1]``, with the first cell of the edge
    relative to the corner.  Edges outside the grid cost nothing.  ``out`` (moves, rows + 1, cols + 1).
    """
    _, rows, cols = planes.shape
    for m in range(out.shape[0]):
        for r in range(rows + 1):
            for c in range(cols + 1):
                total = 0.0
                for i in range(start[m], start[m + 1]):
                    a, b = r + row[i], c + col[i]
                    if 0 <= a < rows and 0 <= b < cols:
                        total += factor[i] * planes[direction[i], a, b]
                out[m, r, c] = total


@njit(cache=True, nogil=True)
def cheapest_line(
    cost,
    planes,
    back,
    target,
    d_row,
    d_col,
    length,
    turn,
    number,
    stops,
    most,
    width,
    to_end,
    price,
    rest_cost,
    bound,
):
    """Cheapest line through all stops in their order, not longer than ``most`` [cells].

    Layers of lengths of ``width`` <= 1 cell, in rising order; a state is a corner, its stage (how many stops have been
    passed) and, where ``turn`` has rows, the move that led there.  A layer keeps the cheapest way to each state with its own
    length, so that no length is rounded; a way that costs no less than a shorter one is dropped.

    ``back``: what two moves that follow each other cut both, and so do not cut; rows ``start[m, n]:start[m, n + 1]`` of move
    ``m`` before move ``n``, with the edge's first cell relative to the corner between them, its direction and the factors of
    both together.  Their cost on ``planes`` is taken back; without ``planes`` (size 0) it is not.

    ``number`` (rows + 1, cols + 1): a corner's number, -1 where no line may run; ``to_end`` (stages, corners): least length
    that is still to go.  ``rest_cost`` (stages, corners): least cost of what is still to go with ``price`` on its length; ways that
    come out above ``bound`` with ``price * most`` taken off are dropped; size 0 drops none.  Returns moves and stages in reverse order, their number, the cost.
    """
    n_moves = len(d_row)
    headings = n_moves if turn.shape[0] else 1
    n = int(number.max()) + 1
    stages = len(stops) - 1
    per_stage = n * headings
    states = stages * per_stage
    layers = int(np.floor(most / width)) + 1
    ring = int(np.ceil(length.max() / width)) + 2
    best = np.full((ring, states), np.inf)
    far = np.zeros((ring, states))
    queue = np.zeros((ring, states), np.int32)
    count = np.zeros(ring, np.int64)
    seen = np.full(states, np.inf)
    by = np.full((layers, states), NOTHING, np.uint8)
    since = np.zeros((layers, states), np.uint8)
    came = np.zeros((layers, states), np.uint8)
    corner_r = np.zeros(n, np.int64)
    corner_c = np.zeros(n, np.int64)
    for r in range(number.shape[0]):
        for c in range(number.shape[1]):
            if number[r, c] >= 0:
                corner_r[number[r, c]], corner_c[number[r, c]] = r, c
    found, found_layer, found_state = np.inf, -1, -1
    start, row, col, direction, factor = back
    exact = planes.size > 0 and headings > 1
    first = stops[0]
    for h in range(headings):  # at the start every heading is as good
        s = first * headings + h
        best[0, s] = 0.0
        queue[0, count[0]] = s
        count[0] += 1
        if headings > 1:
            by[0, s] = NOTHING
    for layer in range(layers):
        here = layer % ring
        for q in range(count[here]):
            s = queue[here, q]
            value = best[here, s]
            if value >= seen[s] and layer > 0:
                continue
            seen[s] = min(seen[s], value)
            if value >= found and not exact:
                continue
            stage = s // per_stage
            at = (s % per_stage) // headings
            h = s % headings
            r, c = corner_r[at], corner_c[at]
            for m in range(n_moves):
                if headings > 1:
                    if layer == 0:
                        if h != m:  # one start state for each first move
                            continue
                    elif not turn[h, m]:
                        continue
                r2, c2 = r + d_row[m], c + d_col[m]
                if r2 < 0 or c2 < 0 or r2 >= number.shape[0] or c2 >= number.shape[1]:
                    continue
                to = number[r2, c2]
                if to < 0:
                    continue
                total = value + cost[m, r, c]
                if exact and layer > 0:
                    for i in range(start[h, m], start[h, m + 1]):
                        a, b = r + row[i], c + col[i]
                        if 0 <= a < planes.shape[1] and 0 <= b < planes.shape[2]:
                            total -= factor[i] * planes[direction[i], a, b]
                if total == np.inf or (not total < found and not exact):
                    continue
                reach = far[here, s] + length[m]
                stage2 = stage
                done = False
                if to == stops[stage + 1]:
                    stage2 += 1
                    done = stage2 == stages
                rest = 0.0 if done else to_end[stage2, to]
                if reach + rest > most:
                    continue
                if (
                    rest_cost.size
                    and not done
                    and total + price * (reach - most) + rest_cost[stage2, to] > bound
                ):
                    continue
                then = max(layer + 1, int(np.floor(reach / width)))
                if done:
                    if not total < found:
                        continue
                    found = total
                    found_layer, found_state = layer, s
                    target[0] = m
                    target[1] = reach
                    continue
                s2 = stage2 * per_stage + to * headings + (m if headings > 1 else 0)
                if total >= seen[s2]:
                    continue
                slot = then % ring
                old = best[slot, s2]
                if total < old:
                    if old == np.inf:
                        queue[slot, count[slot]] = s2
                        count[slot] += 1
                    best[slot, s2] = total
                    far[slot, s2] = reach
                    by[then, s2] = m
                    since[then, s2] = then - layer
                    came[then, s2] = h + (128 if stage2 != stage else 0)
        for q in range(count[here]):
            best[here, queue[here, q]] = np.inf
        count[here] = 0
    moves = np.zeros(layers + 1, np.int64)
    if found_state < 0:
        return moves[:0], np.inf
    k, layer, s = 0, found_layer, found_state
    moves[k] = int(target[0])
    k += 1
    while by[layer, s] != NOTHING:
        m = int(by[layer, s])
        moves[k] = m
        k += 1
        stage = s // per_stage
        at = (s % per_stage) // headings
        r, c = corner_r[at] - d_row[m], corner_c[at] - d_col[m]
        h = int(came[layer, s]) % 128
        if came[layer, s] >= 128:
            stage -= 1
        layer, s = layer - int(since[layer, s]), stage * per_stage + number[r, c] * headings + h
    return moves[:k][::-1].copy(), found
