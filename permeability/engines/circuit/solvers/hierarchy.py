"""The levels of the multigrid preconditioner of one grid system, and the vectors that a solve needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.pockets import Pockets
from permeability.engines.kernels import multigrid as cycle
from permeability.engines.kernels import multigrid_setup as setup

Floats = NDArray[np.float64]
Plane = NDArray[Any]  # float32 or float64
Four = tuple[Plane, Plane, Plane, Plane]
Six = tuple[Plane, Plane, Plane, Plane, Plane, Plane]

COARSEST = 100  # cells of the level that is solved densely
CYCLES = (1, 3, 3)  # visits of the levels per visit of the next finer one; 2 on all coarser levels
STIFF = 1e3  # links inside a shorted region, relative to the largest around it (preconditioner only)


class Hierarchy:
    """All levels of the preconditioner, the finest in ``dtype``, the coarser ones in float64.

    Parameters
    ----------
    system : GridSystem
    open_cell : array of uint8, shape (rows, cols)
        1 = unknown, 2 = ideal ground, 0 = neither.
    dtype : {numpy.float32, numpy.float64}
    """

    def __init__(self, system: GridSystem, open_cell: NDArray[np.uint8], dtype: type = np.float32) -> None:
        rows, cols = system.shape
        shape = (rows + 3, cols + 3)
        links: Four = (np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape))
        leak = self._padded_leak(system, open_cell)
        inv = np.zeros(shape)
        setup.fill_finest(*system.links, open_cell, *links, leak)
        if system.regions.size:
            _stiffen(system, open_cell, links)
        setup.invert_diagonal(*links, leak, inv)
        self.pockets = Pockets(links, leak, inv)
        sizes = _level_sizes(rows, cols)
        self.meta, total, self.vector_size = _layout(sizes)
        self.buffer = np.zeros(total)
        coarse = (sizes[1][0] + 3, sizes[1][1] + 3)
        weights: Six = (
            *(np.zeros(coarse), np.zeros(coarse), np.zeros(coarse)),
            *(np.zeros(coarse), np.zeros(coarse), np.zeros(coarse)),
        )
        setup.weights(*links, inv, *weights)
        leak = self._galerkin(links, leak, weights, 1)
        # Set up in double precision and kept in ``dtype``, so that one set of compiled kernels serves
        # both; each plane is let go as soon as it is converted, before the coarser levels take their memory.
        planes: list[Plane] = [*links, inv, *weights]
        del links, inv, weights
        k: list[Plane] = [planes.pop(0).astype(dtype, copy=False) for _ in range(len(planes))]
        self.links: Four = (k[0], k[1], k[2], k[3])
        self.inv = k[4]
        self.weights: Six = (k[5], k[6], k[7], k[8], k[9], k[10])
        self.inverse = _coarsest_inverse(self.buffer, self.meta, self._coarsen(leak))
        self.dtype = dtype
        self._idle: list[Workspace] = []

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The vectors of one solve, kept for the next; solves at the same time have their own."""
        work = self._idle.pop() if self._idle else Workspace(self)  # pop and append are atomic
        try:
            yield work
        finally:
            self._idle.append(work)

    def _padded_leak(self, system: GridSystem, open_cell: NDArray[np.uint8]) -> Floats:
        if not system.leak.size and system.ground is None:
            return np.zeros((0, 0))
        rows, cols = system.shape
        leak = np.zeros((rows + 3, cols + 3))
        if system.leak.size:
            leak[1 : rows + 1, 1 : cols + 1] = system.leak
        return leak

    def _coarsen(self, leak: Floats) -> Floats:
        """Fill all levels below the first coarse one, whose ``leak`` comes in; the leak of the coarsest."""
        for level in range(2, len(self.meta)):
            e, s, se, sw, inv = cycle.level_planes(self.buffer, self.meta, level - 1)
            weights = cycle.weight_planes(self.buffer, self.meta, level - 1)
            setup.weights(e, s, se, sw, inv, *weights)
            leak = self._galerkin((e, s, se, sw), leak, weights, level)
        return leak

    def _galerkin(self, fine: Four, leak: Floats, weights: Six, level: int) -> Floats:
        """Fill one level from the next finer one; its leak."""
        e, s, se, sw, inv = cycle.level_planes(self.buffer, self.meta, level)
        coarse_leak = np.zeros_like(e) if leak.size else leak
        setup.galerkin(*fine, leak, *weights, e, s, se, sw, coarse_leak)
        setup.invert_diagonal(e, s, se, sw, coarse_leak, inv)
        return coarse_leak

    def apply(self, work: Workspace) -> None:
        """One cycle: ``work.x`` from ``work.b``, which is used up."""
        fine = (*self.links, self.inv, work.b, work.x)
        b, x = cycle.vector_planes(work.coarse, self.meta, 1)
        entered = self.pockets.before(work.b)
        cycle.down_from_zero(*fine, *self.weights, b)
        cycle.coarse_cycles(self.buffer, work.coarse, self.meta, self.inverse)
        cycle.interpolate_add(*self.weights, x, work.x)
        cycle.backward(*fine)
        self.pockets.after(entered, work.x)


class Workspace:
    """What cycles of one solve write: right-hand side and iterate of the finest level, and of all coarser ones.

    Parameters
    ----------
    hierarchy : Hierarchy
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.b: Plane = np.zeros(hierarchy.inv.shape, hierarchy.dtype)
        self.x: Plane = np.zeros(hierarchy.inv.shape, hierarchy.dtype)
        self.coarse = np.zeros(hierarchy.vector_size)


def _level_sizes(rows: int, cols: int) -> list[tuple[int, int]]:
    """Shapes of the levels; at least two, so that one code path serves every grid."""
    sizes = [(rows, cols)]
    while len(sizes) < 2 or sizes[-1][0] * sizes[-1][1] > COARSEST:
        rows, cols = (rows + 1) // 2, (cols + 1) // 2
        sizes.append((rows, cols))
    return sizes


def _layout(sizes: list[tuple[int, int]]) -> tuple[NDArray[np.int64], int, int]:
    """Where everything of the coarse levels lies, and the sizes of the two buffers.

    Columns: planes, rows, cols, weights, cycles, vectors.
    """
    meta = np.zeros((len(sizes), 6), np.int64)
    at = vectors = 0
    for level, (rows, cols) in enumerate(sizes):
        meta[level, 1:3] = rows, cols
        meta[level, 4] = CYCLES[level] if level < len(CYCLES) else 2
        if level == 0:
            continue
        meta[level, 0], meta[level, 5] = at, vectors
        at += cycle.PLANES * (rows + 3) * (cols + 3)
        vectors += 2 * (rows + 3) * (cols + 3)
        if level + 1 < len(sizes):
            meta[level, 3] = at
            at += 6 * (sizes[level + 1][0] + 3) * (sizes[level + 1][1] + 3)
    return meta, at, vectors


def _coarsest_inverse(buffer: Floats, meta: NDArray[np.int64], leak: Floats) -> Floats:
    """Dense symmetric generalised inverse of the coarsest operator.

    Scaled to a unit diagonal first, so that weakly linked parts are not mistaken for null vectors.
    """
    last = len(meta) - 1
    e, s, se, sw, inv = cycle.level_planes(buffer, meta, last)
    ny, nx = int(meta[last, 1]), int(meta[last, 2])
    number = np.arange(ny * nx).reshape(ny, nx)
    matrix = np.zeros((ny * nx, ny * nx))
    for plane, dr, dc in ((e, 0, 1), (s, 1, 0), (se, 1, 1), (sw, 1, -1)):
        low, high = max(0, -dc), nx - max(0, dc)
        a = number[: ny - dr, low:high].ravel()
        b = number[dr:, low + dc : high + dc].ravel()
        g = plane[1 : ny + 1 - dr, 1 + low : 1 + high].ravel()
        matrix[a, b] -= g
        matrix[b, a] -= g
    diagonal = -matrix.sum(axis=1)
    if leak.size:
        diagonal += leak[1 : ny + 1, 1 : nx + 1].ravel()
    matrix[number.ravel(), number.ravel()] = diagonal
    scale = np.sqrt(inv[1 : ny + 1, 1 : nx + 1].ravel())
    values, vectors = np.linalg.eigh(scale[:, None] * matrix * scale)
    keep = values > 1e-13
    scaled = scale[:, None] * vectors[:, keep]
    inverse: Floats = (scaled / values[keep]) @ scaled.T
    return inverse


def _stiffen(system: GridSystem, open_cell: NDArray[np.uint8], links: Four) -> None:
    """Strong links between touching cells of one region: the cycle then moves the region as one."""
    label = np.where(open_cell == 1, system.regions, 0)
    rows, cols = system.shape
    largest = np.zeros(int(label.max(initial=0)) + 1)
    inside = []
    for plane, dr, dc in zip(links, (0, 1, 1, 1), (1, 0, 1, -1)):
        low, high = max(0, -dc), cols - max(0, dc)
        a, b = label[: rows - dr, low:high], label[dr:, low + dc : high + dc]
        g = plane[1 : rows + 1 - dr, 1 + low : 1 + high]
        for ends in (a, b):
            np.maximum.at(largest, ends[ends > 0], g[ends > 0])
        inside.append((g, (a == b) & (a > 0), a))
    for g, same, a in inside:
        g[same] = STIFF * largest[a[same]]
