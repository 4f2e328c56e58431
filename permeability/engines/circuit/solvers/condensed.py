"""The condensation engine as a grid solver: nested dissection with its factor kept, many sources cheaply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.engines.circuit.solvers.condensation import Condensed, condense
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.solve_report import Solved
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]


class CondensedSolver:
    """A grid system factorised by :func:`permeability.engines.circuit.solvers.condensation.condense`.

    Parameters
    ----------
    system : GridSystem
    active : array of bool, shape (rows, cols)
        Cells whose component carries current.
    """

    concurrent = False

    def __init__(self, system: GridSystem, active: NDArray[np.bool_]) -> None:
        self.active = active
        links, leak, regions = system.links, system.leak if system.leak.size else None, system.regions
        if system.ground is not None:
            links, leak = without_grounds(system)
            regions = np.where(system.ground, 0, regions) if regions.size else regions
        self.land: Condensed = condense(
            links, leak=leak, regions=regions if regions.size else None, keep_factor=True
        )

    def solve(self, source: Floats, rtol: float) -> Solved:
        """Voltages of one source raster; no iterations."""
        voltage: Floats = np.nan_to_num(self.land.potentials(source), copy=False)
        voltage[~self.active] = 0.0
        return Solved(voltage, 0)


def without_grounds(system: GridSystem) -> tuple[GridLinks, Floats]:
    """Links among the cells that are not grounded, and what each of them leaks over its links to grounded
    ones."""
    assert system.ground is not None
    rows, cols = system.shape
    leak = system.leak.copy() if system.leak.size else np.zeros(system.shape)
    planes = []
    for k, plane in enumerate(system.links):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        c0, c1 = max(0, -dc), cols - max(0, dc)
        a, b = system.ground[: rows - dr, c0:c1], system.ground[dr:, c0 + dc : c1 + dc]
        out = plane.copy()
        g = out[: rows - dr, c0:c1]
        leak[: rows - dr, c0:c1] += np.where(b & ~a, g, 0.0)
        leak[dr:, c0 + dc : c1 + dc] += np.where(a & ~b, g, 0.0)
        g[a | b] = 0.0
        planes.append(out)
    leak[system.ground] = 0.0
    return GridLinks(*planes), leak
