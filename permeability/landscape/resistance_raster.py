"""The classic form: barriers burnt into the cells of a resistance surface, for other tools.

A line is burnt by its supercover (every cell it touches), so an 8-neighbour walk cannot slip through; a crossing cost
``C`` becomes ``C / cell size`` on top of the resistance of the cell.  The result depends on the cell size and on how
the line lies in the cells; the edge form does not, which is why it is the default everywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from permeability.barriers.crossing_costs import width_of
from permeability.barriers.edge_cuts import cut_edges
from permeability.barriers.lines import substring
from permeability.barriers.scenario import FACTS, Intervention
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.landscape.landscape import Landscape

__all__ = ["burn_resistance", "stretches"]


def burn_resistance(land: Landscape) -> NDArray[np.float64]:
    """Resistance surface with the standing barriers burnt into cells.

    Parameters
    ----------
    land : Landscape

    Returns
    -------
    array, shape (rows, cols)
        ``R_cell = R_base + C / cell size`` [dimensionless]; NaN outside and on impassable barriers.

    Notes
    -----
    The classic form of other programs, see ``docs/method.md``.  Every standing row is burnt over its whole length with its components as they are in the scenario; stretches
    that an intervention opens are burnt at their own cost.  Where several barriers touch a cell their costs add up.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> burnt = burn_resistance(land)
    >>> bool(np.isnan(burnt[:, 5:7]).any())  # a complete fence becomes cells that cannot be entered
    True
    >>> float(burnt[4, 0])
    1.0
    """
    if land.neighbours == 4:  # other tools walk diagonally, and nothing must leak there either
        land = replace(land, neighbours=8, cuts=cut_edges(land.barriers, land.grid, neighbours=8))
    extra = np.zeros(land.grid.shape)
    for row in np.flatnonzero(land.standing):
        burnt = np.zeros(land.grid.shape, bool)
        for geometry, cost in stretches(land, int(row)):
            if cost > 0 and not geometry.is_empty:
                cells = rasterize(
                    [(geometry, 1)],
                    out_shape=land.grid.shape,
                    transform=land.grid.transform,
                    all_touched=True,
                    dtype="uint8",
                ).astype(bool)
                extra[cells & ~burnt] += cost / land.grid.cell_size
                burnt |= cells
        _close(land, int(row), burnt, extra)
    out = land.resistance + extra
    return np.where(np.isinf(out), np.nan, out)


def _close(land: Landscape, row: int, burnt: NDArray[np.bool_], extra: NDArray[np.float64]) -> None:
    """Burn the first cell of every cut edge of a row whose two cells are both unburnt, so that nothing leaks."""
    cuts = land.cuts
    mine = (cuts.barrier == row) & (cuts.direction < 4) & (land.cut_costs.cost_m > 0)
    cell, k = cuts.cell[mine], cuts.direction[mine].astype(np.int64)
    other = cell + D_ROW[k] * land.grid.cols + D_COL[k]
    flat, add = burnt.ravel(), extra.ravel()
    open_ = ~flat[cell] & ~flat[other]
    first, index = np.unique(cell[open_], return_index=True)
    add[first] += land.cut_costs.cost_m[mine][open_][index] / land.grid.cell_size


def stretches(land: Landscape, row: int) -> list[tuple[Any, float]]:
    """The drawn stretches of a barrier row between interventions, each with its crossing cost [m].

    Parameters
    ----------
    land : Landscape
    row : int
        Row of the barrier table.

    Returns
    -------
    list of tuple[object, float]
        Geometry and crossing cost [m of open ground].

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> [(shape.length, cost) for shape, cost in stretches(land, 1)]
    [(2000.0, inf)]
    """
    chain = land.barriers.chainages[row]
    low, high = chain.km_range
    steps = [
        s
        for s in land.scenario.interventions
        if s.action not in FACTS and row in land.barriers.rows_of(s.line)
    ]
    marks = sorted({low, high, *(k for s in steps for k in _ends(s, chain.km_range, land) if low < k < high)})
    geometry = land.barriers.table.geometry.iloc[row]
    found: list[tuple[Any, float]] = []
    for a, b in pairwise(marks):
        middle = np.array([(a + b) / 2])
        one = np.array([row], np.int32), middle, np.array([land.grid.cell_size])
        cost = land.cost_model.costs(*one, steps).cost_m[0]
        d0, d1 = sorted(float(chain.dist_at(k)) for k in (a, b))
        found.append((substring(geometry, d0, d1), float(cost)))
    return found


def _ends(step: Intervention, span: tuple[float, float], land: Landscape) -> tuple[float, float]:
    """Kilometres where an intervention begins and ends; a narrow structure takes two cells."""
    a, b = max(step.km_from, span[0]), min(step.km_to, span[1])
    if width_of(step) is not None or b - a < 2 * land.grid.cell_size / 1000:
        middle, half = (a + b) / 2, land.grid.cell_size / 1000
        return middle - half, middle + half
    return a, b
