"""Multigrid-preconditioned conjugate gradients on a grid system.

The cycle is :mod:`permeability.kernels.multigrid`; here are its hierarchy, the iteration and the falls back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.circuit.grid_system import GridSystem
from permeability.circuit.pockets import Pockets
from permeability.errors import SolverError
from permeability.kernels import multigrid as cycle
from permeability.kernels import multigrid_cg as cg
from permeability.kernels import multigrid_setup as setup
from permeability.kernels.current import true_residual

Floats = NDArray[np.float64]
Plane = NDArray[Any]  # float32 or float64
Four = tuple[Plane, Plane, Plane, Plane]
Six = tuple[Plane, Plane, Plane, Plane, Plane, Plane]

COARSEST = 100  # cells of the level that is solved densely
CYCLES = (1, 3, 3)  # visits of the levels per visit of the next finer one; 2 on all coarser levels
STIFF = 1e3  # links inside a shorted region, relative to the largest around it (preconditioner only)
MOST_ITERATIONS = 400
STALLED = 40  # iterations without halving the residual
RESTARTS = 4


class StalledError(SolverError):
    """The iteration no longer makes progress, with either precision; ``history`` tells what was tried."""

    def __init__(self, history: tuple[str, ...]) -> None:
        self.history = history
        super().__init__(
            "C07",
            "multigrid stalled.",
            details={"tried": "; ".join(history)},
            remedy='use solver="direct", or raise rtol',
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (StalledError, (self.history,))


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
        self.meta, total = _layout(sizes)
        self.buffer = np.zeros(total)
        coarse = (sizes[1][0] + 3, sizes[1][1] + 3)
        weights: Six = (
            *(np.zeros(coarse), np.zeros(coarse), np.zeros(coarse)),
            *(np.zeros(coarse), np.zeros(coarse), np.zeros(coarse)),
        )
        leak = self._coarsen(links, inv, weights, leak)
        self.inverse = _coarsest_inverse(self.buffer, self.meta, leak)
        # Set up in double precision and kept in ``dtype``, so that one set of compiled kernels serves
        # both; each
        # plane is let go as soon as it is converted.
        planes: list[Plane] = [*links, inv, *weights]
        del links, inv, weights
        k: list[Plane] = [planes.pop(0).astype(dtype, copy=False) for _ in range(len(planes))]
        self.links: Four = (k[0], k[1], k[2], k[3])
        self.inv = k[4]
        self.weights: Six = (k[5], k[6], k[7], k[8], k[9], k[10])
        self.b: Plane = np.zeros(shape, dtype)
        self.x: Plane = np.zeros(shape, dtype)

    def _padded_leak(self, system: GridSystem, open_cell: NDArray[np.uint8]) -> Floats:
        if not system.leak.size and system.ground is None:
            return np.zeros((0, 0))
        rows, cols = system.shape
        leak = np.zeros((rows + 3, cols + 3))
        if system.leak.size:
            leak[1 : rows + 1, 1 : cols + 1] = system.leak
        return leak

    def _coarsen(self, fine: Four, inv: Plane, weights: Six, leak: Floats) -> Floats:
        """Fill all coarse levels; the leak of the coarsest."""
        for level in range(1, len(self.meta)):
            setup.weights(*fine, inv, *weights)
            e, s, se, sw, inv, *_ = cycle.level_planes(self.buffer, self.meta, level)
            coarse_leak = np.zeros_like(e) if leak.size else leak
            setup.galerkin(*fine, leak, *weights, e, s, se, sw, coarse_leak)
            setup.invert_diagonal(e, s, se, sw, coarse_leak, inv)
            fine, leak = (e, s, se, sw), coarse_leak
            if level + 1 < len(self.meta):
                weights = cycle.weight_planes(self.buffer, self.meta, level)
        return leak

    def apply(self) -> None:
        """One cycle: ``x`` from ``b``, which is used up."""
        fine = (*self.links, self.inv, self.b, self.x)
        *_, b, x = cycle.level_planes(self.buffer, self.meta, 1)
        entered = self.pockets.before(self.b)
        cycle.forward_from_zero(*fine)
        cycle.restrict_from_zero(*self.links, self.x, *self.weights, b)
        cycle.coarse_cycles(self.buffer, self.meta, self.inverse)
        cycle.interpolate_add(*self.weights, x, self.x)
        cycle.backward(*fine)
        self.pockets.after(entered, self.x)


def _level_sizes(rows: int, cols: int) -> list[tuple[int, int]]:
    """Shapes of the levels; at least two, so that one code path serves every grid."""
    sizes = [(rows, cols)]
    while len(sizes) < 2 or sizes[-1][0] * sizes[-1][1] > COARSEST:
        rows, cols = (rows + 1) // 2, (cols + 1) // 2
        sizes.append((rows, cols))
    return sizes


def _layout(sizes: list[tuple[int, int]]) -> tuple[NDArray[np.int64], int]:
    """Offsets of all coarse planes in one buffer: columns planes, rows, cols, weights, cycles."""
    meta = np.zeros((len(sizes), 5), np.int64)
    at = 0
    for level, (rows, cols) in enumerate(sizes):
        meta[level, 1:3] = rows, cols
        meta[level, 4] = CYCLES[level] if level < len(CYCLES) else 2
        if level == 0:
            continue
        meta[level, 0] = at
        at += cycle.PLANES * (rows + 3) * (cols + 3)
        if level + 1 < len(sizes):
            meta[level, 3] = at
            at += 6 * (sizes[level + 1][0] + 3) * (sizes[level + 1][1] + 3)
    return meta, at


def _coarsest_inverse(buffer: Floats, meta: NDArray[np.int64], leak: Floats) -> Floats:
    """Dense symmetric generalised inverse of the coarsest operator.

    Scaled to a unit diagonal first, so that weakly linked parts are not mistaken for null vectors.
    """
    last = len(meta) - 1
    e, s, se, sw, inv, *_ = cycle.level_planes(buffer, meta, last)
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


class MultigridSolver:
    """A grid system with its multigrid hierarchy.

    Parameters
    ----------
    system : GridSystem
    active : array of bool, shape (rows, cols)
        Cells whose component carries current.
    """

    def __init__(self, system: GridSystem, active: NDArray[np.bool_]) -> None:
        self.system = system
        self.open_cell = active.astype(np.uint8)
        if system.ground is not None:
            self.open_cell[active & system.ground] = 2
        self.grounds = np.flatnonzero(self.open_cell == 2)
        self.hierarchy = Hierarchy(system, self.open_cell)
        self.precision = "float32"
        self.fallbacks: tuple[str, ...] = ()
        self._regions()

    def _regions(self) -> None:
        """Cells of regions without a ground, and the share of each that takes part in the cycle."""
        cells, label, first = (
            self.system.region_cells if self.system.regions.size else (np.zeros(0, np.int64),) * 3
        )
        self.region = (cells, label, first)
        cols = self.system.shape[1]
        live = (self.hierarchy.inv[cells // cols + 1, cells % cols + 1] > 0).astype(np.float64)
        count = np.bincount(label, live, len(first))
        self.region_weight = live / np.maximum(count, 1.0)[label] if len(cells) else live

    def solve(self, source: Floats, rtol: float) -> tuple[Floats, int]:
        """Voltages and iterations; falls back to a float64 hierarchy when the iteration stalls."""
        voltage, iterations, good = self._iterate(source, rtol)
        if good:
            return voltage, iterations
        if self.precision == "float32":
            self.fallbacks += (f"float32 hierarchy stalled after {iterations} iterations: float64 hierarchy",)
            self.hierarchy = Hierarchy(self.system, self.open_cell, np.float64)
            self.precision = "float64"
            voltage, more, good = self._iterate(source, rtol)
            iterations += more
            if good:
                return voltage, iterations
        raise StalledError(
            (*self.fallbacks, f"float64 hierarchy stalled after {iterations} iterations in all")
        )

    def _precondition(self, residual: Floats, norm: float) -> Plane:
        h = self.hierarchy
        cg.load_residual(residual, 1.0 / norm, h.b)
        cells, label, first = self.region
        cols = self.system.shape[1]
        if len(cells):
            cg.spread_regions(h.b, cells, label, first, self.region_weight, cols)
        h.apply()
        if len(cells):
            cg.average_regions(h.x, cells, label, self.region_weight, len(first), cols)
        return h.x

    def _close(self, plane: Floats) -> None:
        """What holds for every residual: nothing on grounds, the sum of a region on its first cell."""
        if len(self.grounds):
            cg.clear_cells(plane, self.grounds)
        if len(self.region[0]):
            cg.gather_regions(plane, *self.region)

    def _iterate(self, source: Floats, rtol: float) -> tuple[Floats, int, bool]:
        """Flexible conjugate gradients, restarted from the true residual; whether it converged."""
        system = self.system
        x = np.zeros(system.shape)
        residual = source.copy()
        p, q = np.zeros(system.shape), np.zeros(system.shape)
        target = rtol * float(np.linalg.norm(source))
        if target == 0.0:
            return x, 0, True
        iterations = 0
        for _ in range(RESTARTS):
            done, good = self._run(source, x, residual, p, q, target, rtol, MOST_ITERATIONS - iterations)
            iterations += done
            true_residual(*system.links, system.leak, source, x, residual)
            self._close(residual)
            left = float(np.linalg.norm(residual))
            if left <= target or left <= 0.5 * system.rounding_floor(x):
                return x, iterations, True
            if not good:
                break
        return x, iterations, False

    def _run(
        self,
        source: Floats,
        x: Floats,
        residual: Floats,
        p: Floats,
        q: Floats,
        target: float,
        rtol: float,
        most: int,
    ) -> tuple[int, bool]:
        """Iterate until the recursive residual and the energy of the error are small; iterations and
        success."""
        system = self.system
        norm = float(np.linalg.norm(residual))
        best, best_at = norm, 0
        pq = 0.0
        for k in range(1, most + 1):
            z = self._precondition(residual, norm)
            rz, qz = cg.three_dots(residual, q, z)
            beta = -qz / pq if pq > 0.0 else 0.0
            pq = cg.new_direction(*system.links, system.leak, z, beta, p, q)
            self._close(q)
            if not (pq > 0.0 and np.isfinite(rz)):
                return k, False
            before = norm
            norm = float(np.sqrt(cg.step(rz / pq, p, q, x, residual)))
            if norm < 0.5 * best:
                best, best_at = norm, k
            # z was made from residual / norm, so this is the energy of the error before the step
            error = rz * before * (norm / before) ** 2
            energy = float(np.vdot(x, source)) if norm <= target else 0.0
            if norm <= target and error <= rtol**2 * energy:
                return k, True
            if norm == 0.0:
                return k, True
            if k - best_at > STALLED or not np.isfinite(norm):
                return k, False
        return most, False
