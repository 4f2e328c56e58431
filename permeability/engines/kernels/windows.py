"""Moving windows: exact potentials of one grounded cell and its sources, by nested dissection.

The Laplacian of a window is eliminated along the tree of :mod:`permeability.engines.kernels.windows_structure`.
A pivot is not taken from a stored diagonal but summed from the links that are left (Grassmann, Taksar &
Heyman 1985, doi:10.1287/opre.33.5.1107).  With it nothing is ever subtracted: every potential is right to
about 1e-13 of *itself*, whatever the contrast of the resistances, and a pivot is zero exactly where cells
have no way to the ground.  There is no tolerance and no iteration.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit
from permeability.engines.kernels.windows_lanes import (
    dots_1x4,
    dots_4x4,
    lane_scale,
    lane_sum,
    update_1x1,
    update_1x2,
    update_1x3,
    update_1x4,
    update_4x4,
)


@njit(cache=True, nogil=True)
def _add_child(table, place, child, front, factor, work):
    """Add the rim matrix of a child to its parent's front (lower triangles without the diagonal)."""
    eliminated, rim = table[front, 0], table[front, 1]
    step, rim_step = (eliminated + rim + 7) & ~7, (rim + 7) & ~7
    factor_at, work_at = table[front, 3], table[front, 4]
    count, source, p0 = table[child, 1], table[child, 4], table[child, 7]
    source_step = (count + 7) & ~7
    for j in range(count):
        column = place[p0 + j]
        if column < eliminated:
            base = factor_at + column * step
            for i in range(j + 1, count):
                factor[base + place[p0 + i]] += work[source + i]
        else:
            base = work_at + (column - eliminated) * rim_step - eliminated
            for i in range(j + 1, count):
                work[base + place[p0 + i]] += work[source + i]
        source += source_step


@njit(cache=True, nogil=True)
def _eliminate(factor, at, eliminated, high, work, work_at):
    """Eliminate the first cells of one front; the rim matrix gets what is left.

    The column of an eliminated cell keeps its links over the root of its pivot, and one over that root on the
    diagonal (0: no way to the ground).  Rows above the diagonal hold numbers without meaning.
    """
    step = (high + 7) & ~7
    rim_step = (high - eliminated + 7) & ~7
    dead = 0
    for begin in range(0, eliminated, 4):
        row = begin & ~7
        blocks = (step - row) >> 3
        for k in range(0, begin, 4):
            s0 = at + k * step
            update_4x4(
                factor,
                at + begin * step + row,
                step,
                factor,
                s0 + row,
                step,
                factor,
                s0 + begin,
                step,
                blocks,
            )
        if begin + 4 > eliminated:  # columns of padding add nothing to the rim matrix
            factor[at + eliminated * step : at + (begin + 4) * step] = 0.0
        alive = False
        for k in range(begin, min(begin + 4, eliminated)):
            column, first = at + k * step, at + begin * step
            to, panel, by = column + row, first + row, first + k
            if k == begin + 1:
                update_1x1(factor, to, step, factor, panel, step, factor, by, step, blocks)
            elif k == begin + 2:
                update_1x2(factor, to, step, factor, panel, step, factor, by, step, blocks)
            elif k == begin + 3:
                update_1x3(factor, to, step, factor, panel, step, factor, by, step, blocks)
            factor[column + row : column + k + 1] = 0.0
            pivot = lane_sum(factor, column + row, blocks)
            if pivot > 0.0:
                alive = True
                scale = 1.0 / np.sqrt(pivot)
                lane_scale(factor, column + row, blocks, scale)
                factor[column + k] = scale
            else:
                dead += 1
        if alive:
            s0 = at + begin * step
            for j in range(0, high - eliminated, 4):
                top = j & ~7
                update_4x4(
                    work, work_at + j * rim_step + top, rim_step, factor, s0 + eliminated + top, step,
                    factor, s0 + eliminated + j, step, (rim_step - top) >> 3,
                )  # fmt: skip
    return dead


@njit(cache=True, nogil=True)
def _forward(front, table, cells, factor, local, value):
    """Eliminate one front from a right-hand side (sources -> reduced sources, in place)."""
    eliminated, cell_at, at = table[front, 0], table[front, 2], table[front, 3]
    high = eliminated + table[front, 1]
    step = (high + 7) & ~7
    y = step  # room for four reduced sources behind the column
    for i in range(eliminated):
        local[i] = value[cells[cell_at + i]]
    local[eliminated:step] = 0.0
    for begin in range(0, eliminated, 4):
        first = at + begin * step
        local[y : y + 4] = 0.0
        for k in range(begin, min(begin + 4, eliminated)):
            total = local[k]
            for q in range(begin, k):
                total += local[y + q - begin] * factor[at + q * step + k]
            local[y + k - begin] = total * factor[at + k * step + k]
            value[cells[cell_at + k]] = local[y + k - begin]
        row = begin & ~7
        update_1x4(local, row, step, factor, first + row, step, local, y, 1, (step - row) >> 3)
    for i in range(eliminated, high):
        value[cells[cell_at + i]] += local[i]


@njit(cache=True, nogil=True)
def _backward(front, table, cells, factor, local, value):
    """Potentials of the cells of one front from those of its rim."""
    eliminated, cell_at, at = table[front, 0], table[front, 2], table[front, 3]
    high = eliminated + table[front, 1]
    step = (high + 7) & ~7
    local[:eliminated] = 0.0
    for i in range(eliminated, high):
        local[i] = value[cells[cell_at + i]]
    local[high:step] = 0.0
    for begin in range((eliminated - 1) & ~3, -1, -4):
        row = begin & ~7
        dots_1x4(local, step, 1, factor, at + begin * step + row, step, local, row, step, (step - row) >> 3)
        end = min(begin + 4, eliminated)
        for k in range(end - 1, begin - 1, -1):
            total = value[cells[cell_at + k]] + local[step + k - begin]
            for q in range(k + 1, end):
                total += factor[at + k * step + q] * local[q]
            local[k] = total * factor[at + k * step + k]
            value[cells[cell_at + k]] = local[k]


@njit(cache=True, nogil=True)
def factorise(table, place, links, link, factor, work):
    """Eliminate a whole window.

    Parameters
    ----------
    table, place, links
        The window's :class:`~permeability.engines.kernels.windows_structure.WindowStructure`.
    link : array, shape (4 * cells of the square,)
        Conductances of the four link planes of the window, 0 = no link.
    factor, work : arrays
        Memory, finite on entry; ``factor`` holds the factor afterwards.

    Returns
    -------
    int
        Pivots that are zero: the last cell of every part without a way to the ground, cells without
        links included.
    """
    dead = 0
    for front in range(table.shape[0]):
        eliminated, rim = table[front, 0], table[front, 1]
        factor_at, work_at = table[front, 3], table[front, 4]
        step, rim_step = (eliminated + rim + 7) & ~7, (rim + 7) & ~7
        factor[factor_at : factor_at + ((eliminated + 3) & ~3) * step] = 0.0
        work[work_at : work_at + ((rim + 3) & ~3) * rim_step] = 0.0
        for side in range(5, 7):
            if table[front, side] >= 0:
                _add_child(table, place, table[front, side], front, factor, work)
        for k in range(table[front, 8], table[front, 9]):
            row, column, conductance = links[k, 0], links[k, 1], link[links[k, 2]]
            if column < eliminated:
                factor[factor_at + column * step + row] += conductance
            else:
                work[work_at + (column - eliminated) * rim_step + row - eliminated] += conductance
        dead += _eliminate(factor, factor_at, eliminated, eliminated + rim, work, work_at)
    return dead


@njit(cache=True, nogil=True)
def solve(table, cells, factor, local, value):
    """Potentials of all cells, in place of their sources; the centre has potential 0.

    ``local`` is memory for the cells of the largest front and 12 more.
    """
    for front in range(table.shape[0]):
        _forward(front, table, cells, factor, local, value)
    value[cells[cells.shape[0] - 1]] = 0.0
    for front in range(table.shape[0] - 1, -1, -1):
        _backward(front, table, cells, factor, local, value)


@njit(cache=True, nogil=True)
def _forward_4(front, table, cells, factor, local, value):
    """Eliminate one front from four right-hand sides, entry 4 * cell + side of ``value``."""
    eliminated, cell_at, at = table[front, 0], table[front, 2], table[front, 3]
    high = eliminated + table[front, 1]
    step = (high + 7) & ~7
    y = 4 * step
    local[:y] = 0.0
    for i in range(eliminated):
        for c in range(4):
            local[c * step + i] = value[4 * cells[cell_at + i] + c]
    for begin in range(0, eliminated, 4):
        first = at + begin * step
        local[y : y + 16] = 0.0
        for k in range(begin, min(begin + 4, eliminated)):
            for c in range(4):
                total = local[c * step + k]
                for q in range(begin, k):
                    total += local[y + 4 * (q - begin) + c] * factor[at + q * step + k]
                local[y + 4 * (k - begin) + c] = total * factor[at + k * step + k]
                value[4 * cells[cell_at + k] + c] = local[y + 4 * (k - begin) + c]
        row = begin & ~7
        update_4x4(local, row, step, factor, first + row, step, local, y, 4, (step - row) >> 3)
    for i in range(eliminated, high):
        for c in range(4):
            value[4 * cells[cell_at + i] + c] += local[c * step + i]


@njit(cache=True, nogil=True)
def _backward_4(front, table, cells, factor, local, value):
    """Four potentials of the cells of one front from those of its rim."""
    eliminated, cell_at, at = table[front, 0], table[front, 2], table[front, 3]
    high = eliminated + table[front, 1]
    step = (high + 7) & ~7
    to = 4 * step
    local[:to] = 0.0
    for i in range(eliminated, high):
        for c in range(4):
            local[c * step + i] = value[4 * cells[cell_at + i] + c]
    for begin in range((eliminated - 1) & ~3, -1, -4):
        row = begin & ~7
        dots_4x4(local, to, 4, factor, at + begin * step + row, step, local, row, step, (step - row) >> 3)
        end = min(begin + 4, eliminated)
        for k in range(end - 1, begin - 1, -1):
            for c in range(4):
                total = value[4 * cells[cell_at + k] + c] + local[to + 4 * (k - begin) + c]
                for q in range(k + 1, end):
                    total += factor[at + k * step + q] * local[c * step + q]
                local[c * step + k] = total * factor[at + k * step + k]
                value[4 * cells[cell_at + k] + c] = local[c * step + k]


@njit(cache=True, nogil=True)
def solve_4(table, cells, factor, local, value):
    """Potentials of four right-hand sides, in place; each must sum to 0 over every connected part.

    ``value`` holds entry 4 * cell + side; ``local`` needs four columns of the largest front.
    """
    for front in range(table.shape[0]):
        _forward_4(front, table, cells, factor, local, value)
    last = 4 * cells[cells.shape[0] - 1]
    value[last : last + 4] = 0.0
    for front in range(table.shape[0] - 1, -1, -1):
        _backward_4(front, table, cells, factor, local, value)
