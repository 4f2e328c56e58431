"""Currents of many windows, added up in one map: gather, solve, distribute, without leaving compiled code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import njit
from permeability.engines.kernels.windows import factorise, solve

# Two potentials closer than this part of themselves are equal: the difference is the rounding of the solve.
EQUAL = 2e-15
# Potentials behind a tight barrier are large, and their differences lose digits.  Where more than this part
# of the strength goes missing at a cell, the rest is solved for with the same factor and kept beside them.
MISSING = 1e-11


class WindowRules(NamedTuple):
    """What is the same in all windows of a run."""

    reach: int  # a window reaches so many cells beyond its target
    radius: int  # sources lie within this many cells of the target
    half: int  # half the side of a block: cells of the target's own block are no sources
    misplaced: bool  # the block is taken out where Omniscape does in windows cut in the north or west
    diagonal: float  # conductance of a diagonal link on open ground (0: four neighbours)
    shifted: bool  # the correction is cut as Omniscape cuts it in a window cut on both sides
    equal: NDArray[np.bool_]  # (conditions,): same value as the target block, else within limits
    low: NDArray[np.float64]  # (conditions,)
    high: NDArray[np.float64]
    fade: float = 0.0  # a source d cells from its target counts exp(-fade d)


class Targets(NamedTuple):
    """Grounded cells: place in the slab, strength of the block, its value of each condition."""

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    strength: NDArray[np.float64]
    condition: NDArray[np.float64]  # (targets, conditions)


class Memory(NamedTuple):
    """Work space of one thread."""

    link: NDArray[np.float64]
    factor: NDArray[np.float64]
    kept: NDArray[np.float64]
    work: NDArray[np.float64]
    local: NDArray[np.float64]
    value: NDArray[np.float64]
    source: NDArray[np.float64]
    flow: NDArray[np.float64]
    low: NDArray[np.float64]
    rest: NDArray[np.float64]
    many: NDArray[np.float64]
    label: NDArray[np.int32]
    queue: NDArray[np.int32]
    seen: NDArray[np.bool_]


def memory_for(structure, keep: bool = False, many: bool = False) -> Memory:
    """Work space for windows of one structure.

    ``keep`` adds room for a second factor, ``many`` for four right-hand sides at a time.
    """
    cells = structure.size**2
    return Memory(
        link=np.zeros(4 * cells),
        factor=np.zeros(structure.factor_size),
        kept=np.zeros(structure.factor_size if keep else 0),
        work=np.zeros(structure.work_size),
        local=np.zeros((4 if many else 1) * (structure.highest + 8) + 32),
        value=np.zeros(cells),
        source=np.zeros(cells),
        flow=np.zeros(cells),
        low=np.zeros(cells),
        rest=np.zeros(cells),
        many=np.zeros(4 * cells if many else 0),
        label=np.zeros(cells if many else 0, dtype=np.int32),
        queue=np.zeros(cells, dtype=np.int32),
        seen=np.zeros(cells, dtype=np.bool_),
    )


@njit(cache=True, nogil=True)
def copy(source, to):
    """A loop: the assignment of whole arrays costs seconds of compilation."""
    for k in range(source.shape[0]):
        to[k] = source[k]


@njit(cache=True, nogil=True)
def gather_links(size, width, planes, top, left, diagonal, link):
    """Links of the square whose first cell is (top, left) of the slab, outside the mask and the grid 0.

    Returns whether every link of the mask has the conductance of open ground (1, or ``diagonal``).
    """
    rows, cols, half = planes.shape[1], planes.shape[2], size // 2
    link[:] = 0.0
    open_ground = True
    for plane in range(4):
        down, side = (0, 1, 1, 1)[plane], (1, 0, 1, -1)[plane]
        unit = 1.0 if plane < 2 else diagonal
        for i in range(size - down):
            mine, other = width[i], width[i + down]
            first, last = max(half - mine, half - other - side), min(half + mine, half + other - side)
            if mine < 0 or other < 0 or last < first:
                continue
            r = top + i
            inside_first, inside_last = max(first, -left), min(last, cols - 1 - left)
            if r < 0 or r >= rows or inside_first > first or inside_last < last:
                open_ground = False
            if r < 0 or r >= rows:
                continue
            at = (plane * size + i) * size
            for j in range(inside_first, inside_last + 1):
                conductance = planes[plane, r, left + j]
                link[at + j] = conductance
                if conductance != unit:
                    open_ground = False
    return open_ground


@njit(cache=True, nogil=True)
def gather_sources(size, top, left, rules, source, condition, targets, k, value):
    """Sources of one target in the square at (top, left), scaled to its strength; False: there are none."""
    rows, cols, radius = source.shape[0], source.shape[1], rules.radius
    row, col = targets.row[k], targets.col[k]
    block_row, block_col = row, col
    if rules.misplaced:
        block_row, block_col = (
            max(0, row - rules.reach) + rules.reach,
            max(0, col - rules.reach) + rules.reach,
        )
    value[:] = 0.0
    total = 0.0
    for r in range(max(0, row - radius), min(rows, row + radius + 1)):
        for c in range(max(0, col - radius), min(cols, col + radius + 1)):
            if (r - row) ** 2 + (c - col) ** 2 > radius * radius:
                continue
            if abs(r - block_row) <= rules.half and abs(c - block_col) <= rules.half:
                continue
            strength = source[r, c]
            if rules.fade > 0.0:
                strength *= np.exp(-rules.fade * np.sqrt((r - row) ** 2 + (c - col) ** 2))
            value[(r - top) * size + c - left] = strength
            total += strength
    if total <= 0.0:
        return False
    scale = targets.strength[k] / total
    for r in range(max(0, row - radius), min(rows, row + radius + 1)):
        for c in range(max(0, col - radius), min(cols, col + radius + 1)):
            at = (r - top) * size + c - left
            value[at] *= scale
            for q in range(condition.shape[0]):
                away = condition[q, r, c] - targets.condition[k, q]
                if rules.equal[q]:
                    if away != 0.0 and not np.isnan(away):
                        value[at] = 0.0
                elif away < rules.low[q] or away > rules.high[q]:
                    value[at] = 0.0
    value[(row - top) * size + col - left] = 0.0
    return True


@njit(cache=True, nogil=True)
def reached(size, start, link, queue, seen):
    """Mark the cells that have a way to a cell."""
    cells = size * size
    seen[:] = False
    seen[start] = True
    queue[0] = start
    head, tail = 0, 1
    while head < tail:
        a = queue[head]
        head += 1
        for plane in range(4):
            step = (1, size, size + 1, size - 1)[plane]
            if link[plane * cells + a] > 0.0 and not seen[a + step]:
                seen[a + step] = True
                queue[tail] = a + step
                tail += 1
            b = a - step
            if b >= 0 and link[plane * cells + b] > 0.0 and not seen[b]:
                seen[b] = True
                queue[tail] = b
                tail += 1


@njit(cache=True, nogil=True)
def currents(size, width, link, value, low, use_low, source, ground, flow, rest):
    """Current of every cell: half of all that flows over its links and of what it injects.

    ``low`` holds further digits of the potentials ``value``, when ``use_low``.  ``rest`` gets what the flows
    leave over of the sources; its largest entry away from the ground is returned.
    """
    cells, half = size * size, size // 2
    flow[:] = 0.0
    copy(source, rest)
    for i in range(size):
        for a in range(i * size + half - width[i], i * size + half + width[i] + 1):
            mine, total, net = value[a], 0.0, 0.0
            for plane in range(4):
                conductance = link[plane * cells + a]
                if conductance > 0.0:
                    b = a + (1, size, size + 1, size - 1)[plane]
                    drop = mine - value[b]
                    if use_low:
                        drop += low[a] - low[b]
                    elif abs(drop) <= EQUAL * abs(mine):
                        continue
                    amount = conductance * drop
                    net += amount
                    rest[b] += amount
                    total += abs(amount)
                    flow[b] += abs(amount)
            flow[a] += total
            rest[a] -= net
    at_ground = flow[ground]
    rest[ground] = 0.0
    most = 0.0
    for a in range(cells):
        most = max(most, abs(rest[a]))
        if flow[a] > 0.0:
            flow[a] = 0.5 * (flow[a] + source[a])
    flow[ground] = at_ground
    return most


@njit(cache=True, nogil=True)
def add_window(size, top, left, rules, flow, correction, row, col, out):
    """Add the currents of one target in the square at (top, left), times the block correction, to the map."""
    rows, cols, reach = out.shape[0], out.shape[1], rules.reach
    down, right = 0, 0
    if rules.shifted:  # a window cut on both sides takes the first rows (columns) of the correction
        if row - reach < 0 and row + reach >= rows:
            down = reach - row
        if col - reach < 0 and col + reach >= cols:
            right = reach - col
    for r in range(max(0, row - reach), min(rows, row + reach + 1)):
        i = r - row + reach - down
        for c in range(max(0, col - reach), min(cols, col + reach + 1)):
            x = flow[(r - top) * size + c - left]
            if x != 0.0:
                out[r, c] += x * correction[i, c - col + reach - right]


@njit(cache=True, nogil=True)
def window_currents(structure, rules, planes, source, condition, targets, correction, memory, out):
    """Add the currents of all targets to ``out``.

    Parameters
    ----------
    structure : WindowStructure
    rules : WindowRules
    planes : array, shape (4, rows, cols)
        Link conductances of the slab that holds all windows, cut at the edges of the grid.
    source : array, shape (rows, cols)
        Strength of each cell as a source, 0 = none.
    condition : array, shape (conditions, rows, cols)
    targets : Targets
    correction : array, shape (size, size)
        Block correction, 1 = none.
    memory : Memory
        With room in ``kept`` the factor of open ground is made once and used for all windows that are open
        ground throughout.
    out : array, shape (rows, cols)

    Returns
    -------
    tuple of int and float
        Windows solved, and the strength that found no way to its target.
    """
    solved, lost, have_kept = 0, 0.0, False
    size, half, width, link = structure.size, structure.size // 2, structure.width, memory.link
    for k in range(targets.row.shape[0]):
        top, left = targets.row[k] - half, targets.col[k] - half
        if not gather_sources(size, top, left, rules, source, condition, targets, k, memory.source):
            continue
        solved += 1
        open_ground = gather_links(size, width, planes, top, left, rules.diagonal, link)
        keep = open_ground and memory.kept.shape[0] > 0
        factor = memory.kept if keep else memory.factor
        dead = 0
        if not (keep and have_kept):
            dead = factorise(structure.table, structure.place, structure.links, link, factor, memory.work)
            have_kept = have_kept or keep
        if dead > 0:
            reached(size, structure.centre, link, memory.queue, memory.seen)
            for a in range(memory.source.shape[0]):
                if not memory.seen[a]:
                    lost += memory.source[a]
                    memory.source[a] = 0.0
        memory.value[:] = 0.0
        copy(memory.source, memory.rest)
        # one round, and a second for further digits where the first leaves something over
        for digits in range(2):
            copy(memory.rest, memory.low)
            solve(structure.table, structure.cells, factor, memory.local, memory.low)
            if digits == 0:
                copy(memory.low, memory.value)
            missing = currents(
                size, width, link, memory.value, memory.low, digits > 0, memory.source, structure.centre,
                memory.flow, memory.rest,
            )  # fmt: skip
            if missing <= MISSING * targets.strength[k]:
                break
        add_window(size, top, left, rules, memory.flow, correction, targets.row[k], targets.col[k], out)
    return solved, lost
