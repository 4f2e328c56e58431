"""Multigrid-preconditioned conjugate gradients on a grid system.

The cycle is :mod:`permeability.engines.circuit.solvers.hierarchy`; here are the iteration and the falls back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import SolverError
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.hierarchy import Hierarchy, Workspace
from permeability.engines.circuit.solvers.solve_report import Solved
from permeability.engines.kernels import multigrid_cg as cg
from permeability.engines.kernels.current import true_residual

Floats = NDArray[np.float64]
Plane = NDArray[Any]  # float32 or float64

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


class MultigridSolver:
    """A grid system with its multigrid hierarchy.

    Parameters
    ----------
    system : GridSystem
    active : array of bool, shape (rows, cols)
        Cells whose component carries current.

    Attributes
    ----------
    stop : threading.Event
        Once set, solves on all threads end with KeyboardInterrupt at their next iteration.
    """

    concurrent = True

    def __init__(self, system: GridSystem, active: NDArray[np.bool_]) -> None:
        self.system, self.active = system, active
        system.forget_roots()
        ground = system.ground
        self.grounds = np.flatnonzero(active & ground) if ground is not None else np.zeros(0, np.int64)
        self.hierarchy = self._built(np.float32)
        self.stop = threading.Event()
        self._begun = False
        self._spare: Hierarchy | None = None
        self._lock = threading.Lock()
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

    def solve(self, source: Floats, rtol: float) -> Solved:
        """Voltages of one source raster; with a float64 hierarchy when the iteration stalls with float32.

        Later solves stay with the precision that the first one needed; one that stalls falls back for itself, so that
        results do not depend on what runs beside it.

        Raises
        ------
        StalledError
        """
        first, self._begun = not self._begun, True
        hierarchy = self.hierarchy
        history: tuple[str, ...] = ()
        voltage, iterations, good = self._iterate(hierarchy, source, rtol)
        if not good and hierarchy.dtype is np.float32:
            history = (f"float32 hierarchy stalled after {iterations} iterations: float64 hierarchy",)
            hierarchy = self._double()
            voltage, more, good = self._iterate(hierarchy, source, rtol)
            iterations += more
            if first:
                self.hierarchy = hierarchy
        if not good:
            raise StalledError((*history, f"float64 hierarchy stalled after {iterations} iterations in all"))
        return Solved(voltage, iterations, history)

    def _double(self) -> Hierarchy:
        with self._lock:
            if self._spare is None:
                self._spare = self._built(np.float64)
            return self._spare

    def _built(self, dtype: type) -> Hierarchy:
        open_cell = self.active.astype(np.uint8)
        open_cell.reshape(-1)[self.grounds] = 2
        return Hierarchy(self.system, open_cell, dtype)

    def _precondition(self, hierarchy: Hierarchy, work: Workspace, residual: Floats, norm: float) -> Plane:
        cg.load_residual(residual, 1.0 / norm, work.b)
        cells, label, first = self.region
        cols = self.system.shape[1]
        if len(cells):
            cg.spread_regions(work.b, cells, label, first, self.region_weight, cols)
        hierarchy.apply(work)
        if len(cells):
            cg.average_regions(work.x, cells, label, self.region_weight, len(first), cols)
        return work.x

    def _close(self, plane: Floats) -> None:
        """What holds for every residual: nothing on grounds, the sum of a region on its first cell."""
        if len(self.grounds):
            cg.clear_cells(plane, self.grounds)
        if len(self.region[0]):
            cg.gather_regions(plane, *self.region)

    def _iterate(self, hierarchy: Hierarchy, source: Floats, rtol: float) -> tuple[Floats, int, bool]:
        """Flexible conjugate gradients, restarted from the true residual; whether it converged."""
        system = self.system
        x = np.zeros(system.shape)
        if not source.any():
            return x, 0, True
        residual = source.copy()
        p, q = np.zeros(system.shape), np.zeros(system.shape)
        target = rtol * float(np.linalg.norm(source))
        iterations = 0
        for _ in range(RESTARTS):
            most = MOST_ITERATIONS - iterations
            with hierarchy.workspace() as work:
                step = partial(self._precondition, hierarchy, work)
                done, good = self._run(step, source, x, residual, p, q, rtol, most)
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
        precondition: Callable[[Floats, float], Plane],
        source: Floats,
        x: Floats,
        residual: Floats,
        p: Floats,
        q: Floats,
        rtol: float,
        most: int,
    ) -> tuple[int, bool]:
        """Iterate until the recursive residual and the energy of the error are small; iterations and
        success."""
        system = self.system
        target = rtol * float(np.linalg.norm(source))
        norm = float(np.linalg.norm(residual))
        best, best_at = norm, 0
        pq = 0.0
        for k in range(1, most + 1):
            if self.stop.is_set():
                raise KeyboardInterrupt
            z = precondition(residual, norm)
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
