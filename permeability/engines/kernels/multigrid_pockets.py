"""Parts of a link grid that hang together strongly, and the currents between them and the rest.

Planes are padded as in :mod:`permeability.engines.kernels.multigrid`; cells are flat indices into them.  The pockets of
:class:`permeability.engines.circuit.solvers.pockets.Pockets` are numbered from 0; one number more stands for all that is in no
pocket, whose potential is 0.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit
from permeability.engines.kernels.multigrid_components import join_roots

GROUND = 0  # flat index of a padding cell, whose potential is always 0


@njit(cache=True, nogil=True)
def strong_parts(e, s, se, sw, inv, share):
    """Part of every cell over links of at least ``share`` of the diagonals at both ends, and their number.

    A cell without a strong link is in no part (-1).  Returns (flat int32, int).
    """
    ny, nx = inv.shape[0] - 3, inv.shape[1] - 3
    width = nx + 3
    part = np.arange(inv.size, dtype=np.int32)
    for r in range(1, ny + 1):
        for c in range(1, nx + 1):
            i, least = r * width + c, share / inv[r, c] if inv[r, c] > 0.0 else np.inf
            if e[r, c] >= least and e[r, c] * inv[r, c + 1] >= share:
                join_roots(part, i, i + 1)
            if s[r, c] >= least and s[r, c] * inv[r + 1, c] >= share:
                join_roots(part, i, i + width)
            if se[r, c] >= least and se[r, c] * inv[r + 1, c + 1] >= share:
                join_roots(part, i, i + width + 1)
            if sw[r, c] >= least and sw[r, c] * inv[r + 1, c - 1] >= share:
                join_roots(part, i, i + width - 1)
    size = np.zeros(part.size, dtype=np.int32)
    for i in range(part.size):
        part[i] = part[part[i]]
        size[part[i]] += 1
    count = 0
    for i in range(part.size):
        if part[i] == i:
            several = size[i] > 1
            size[i] = count if several else -1
            count += several
        part[i] = size[part[i]]
    return part, count


@njit(cache=True, nogil=True)
def part_sums(e, s, se, sw, leak, inv, part, count):
    """Cells, summed diagonals, and summed links (and leaks) to other parts, of every part."""
    ny, nx = inv.shape[0] - 3, inv.shape[1] - 3
    width = nx + 3
    size, diagonal, out = np.zeros(count, np.int64), np.zeros(count + 1), np.zeros(count + 1)
    for r in range(1, ny + 1):
        for c in range(1, nx + 1):
            i = r * width + c
            a = part[i]
            if a >= 0:
                size[a] += 1
                diagonal[a] += 1.0 / inv[r, c]
                if leak.size > 0:
                    out[a] += leak[r, c]
            for g, j in (
                (e[r, c], i + 1),
                (s[r, c], i + width),
                (se[r, c], i + width + 1),
                (sw[r, c], i + width - 1),
            ):
                b = part[j]
                if g > 0.0 and a != b:
                    out[a] += g  # -1 is the last entry, which nobody reads
                    out[b] += g
    return size, diagonal[:count], out[:count]


@njit(cache=True, nogil=True)
def pocket_cells(part, number, size):
    """Cells of the parts with a pocket ``number`` (others: -1), ``size`` in all, and the pocket of each."""
    cells, pocket = np.empty(size, np.int32), np.empty(size, np.int32)
    k = 0
    for i in range(part.size):
        if part[i] >= 0 and number[part[i]] >= 0:
            cells[k], pocket[k] = i, number[part[i]]
            k += 1
    return cells, pocket


@njit(cache=True, nogil=True)
def pocket_links(e, s, se, sw, leak, part, number, width, cells):
    """Links and leaks out of the pockets: cells, pockets and conductance; a leak leads to ``GROUND``.

    ``cells`` are those of all pockets; each link comes up at one of its ends in a pocket.
    """
    outside = number.max() + 1
    flats = (e.reshape(-1), s.reshape(-1), se.reshape(-1), sw.reshape(-1))
    steps = (1, width, width + 1, width - 1)
    first, second, links = (
        [np.int32(0) for _ in range(0)],
        [np.int32(0) for _ in range(0)],
        [0.0 for _ in range(0)],
    )
    here, there = [np.int32(0) for _ in range(0)], [np.int32(0) for _ in range(0)]
    for i in cells:
        a = number[part[i]]
        for k in range(8):
            step = steps[k % 4]
            j, g = (i + step, flats[k % 4][i]) if k < 4 else (i - step, flats[k % 4][i - step])
            if g <= 0.0:
                continue
            b = number[part[j]] if part[j] >= 0 else -1
            if b == a or (b >= 0 and k >= 4):
                continue
            first.append(np.int32(i))
            second.append(np.int32(j))
            here.append(np.int32(a))
            there.append(np.int32(b if b >= 0 else outside))
            links.append(g)
        if leak.size > 0 and leak.reshape(-1)[i] > 0.0:
            first.append(np.int32(i))
            second.append(np.int32(GROUND))
            here.append(np.int32(a))
            there.append(np.int32(outside))
            links.append(leak.reshape(-1)[i])
    return np.array(first), np.array(second), np.array(here), np.array(there), np.array(links)


@njit(cache=True, nogil=True)
def gather(cells, pocket, b, total):
    """``total = Z' b``: what enters each pocket."""
    total[:] = 0.0
    for k in range(cells.size):
        total[pocket[k]] += b[cells[k]]


@njit(cache=True, nogil=True)
def take_flow(first, second, here, there, links, potential, b):
    """``b -= A Z potential``; ``potential`` has a last entry 0 for what is in no pocket."""
    for k in range(first.size):
        flow = links[k] * (potential[here[k]] - potential[there[k]])
        b[first[k]] -= flow
        if second[k] != GROUND:
            b[second[k]] += flow


@njit(cache=True, nogil=True)
def take_outflow(first, second, here, there, links, x, total):
    """``total -= Z' A x``."""
    for k in range(first.size):
        flow = links[k] * (float(x[first[k]]) - float(x[second[k]]))
        total[here[k]] -= flow
        total[there[k]] += flow


@njit(cache=True, nogil=True)
def lift(cells, pocket, potential, x):
    """``x += Z potential``."""
    for k in range(cells.size):
        x[cells[k]] += potential[pocket[k]]
