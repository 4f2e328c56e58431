"""Windows of neighbouring targets on one shared domain: one factor, four targets at a time (approximate)."""

from __future__ import annotations

from permeability.engines.kernels import njit
from permeability.engines.kernels.windows import factorise, solve_4
from permeability.engines.kernels.windows_current import add_window, currents, gather_links, gather_sources


@njit(cache=True, nogil=True)
def label_parts(size, link, queue, label):
    """Number the connected parts of a square from 1."""
    cells = size * size
    label[:] = 0
    parts = 0
    for start in range(cells):
        if label[start] != 0:
            continue
        parts += 1
        label[start] = parts
        queue[0] = start
        head, tail = 0, 1
        while head < tail:
            a = queue[head]
            head += 1
            for plane in range(4):
                step = (1, size, size + 1, size - 1)[plane]
                if link[plane * cells + a] > 0.0 and label[a + step] == 0:
                    label[a + step] = parts
                    queue[tail] = a + step
                    tail += 1
                b = a - step
                if b >= 0 and link[plane * cells + b] > 0.0 and label[b] == 0:
                    label[b] = parts
                    queue[tail] = b
                    tail += 1


@njit(cache=True, nogil=True)
def shared_currents(structure, rules, planes, source, condition, targets, correction, memory, row, col, out):
    """Add the currents of all ``targets``, solved on the one domain centred at (row, col).

    Every target's sources and the current it draws are a right-hand side of the same singular system.

    Returns
    -------
    tuple of int and float
        Windows solved, and the strength that found no way to its target.
    """
    size, half = structure.size, structure.size // 2
    top, left, cells = row - half, col - half, structure.size * structure.size
    gather_links(size, structure.width, planes, top, left, rules.diagonal, memory.link)
    factorise(structure.table, structure.place, structure.links, memory.link, memory.factor, memory.work)
    label_parts(size, memory.link, memory.queue, memory.label)
    solved, lost, count = 0, 0.0, targets.row.shape[0]
    for begin in range(0, count, 4):
        memory.many[:] = 0.0
        for k in range(begin, min(begin + 4, count)):
            if not gather_sources(size, top, left, rules, source, condition, targets, k, memory.source):
                continue
            ground = (targets.row[k] - top) * size + targets.col[k] - left
            drawn = 0.0
            for a in range(cells):
                x = memory.source[a]
                if x > 0.0:
                    if memory.label[a] == memory.label[ground]:
                        memory.many[4 * a + k - begin] = x
                        drawn += x
                    else:
                        lost += x
            memory.many[4 * ground + k - begin] = -drawn
            solved += 1
        solve_4(structure.table, structure.cells, memory.factor, memory.local, memory.many)
        for k in range(begin, min(begin + 4, count)):
            if not gather_sources(size, top, left, rules, source, condition, targets, k, memory.source):
                continue
            ground = (targets.row[k] - top) * size + targets.col[k] - left
            for a in range(cells):
                memory.value[a] = memory.many[4 * a + k - begin]
                if memory.label[a] != memory.label[ground]:
                    memory.source[a] = 0.0
                    memory.value[a] = 0.0
            currents(
                size, structure.width, memory.link, memory.value, memory.low, False, memory.source, ground,
                memory.flow, memory.rest,
            )  # fmt: skip
            add_window(size, top, left, rules, memory.flow, correction, targets.row[k], targets.col[k], out)
    return solved, lost
