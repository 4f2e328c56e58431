"""The classic form: barriers burnt into the cells of a resistance surface, for other tools.

A line is burnt by its supercover (every cell it touches), so an 8-neighbour walk cannot slip through; a crossing cost
``C`` becomes ``C / cell size`` on top of the resistance of the cell.  The result depends on the cell size and on how
the line lies in the cells; the edge form does not, which is why it is the default everywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from permeability.barriers.cut_costs import Act, Pieces, acts_of
from permeability.barriers.edge_cuts import cut_edges
from permeability.barriers.lines import substring
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
    chains, geometry = land.cuts.chains, land.barriers.table.geometry.iloc[row]
    begin, length = float(chains.start[row]), float(chains.length[row])
    acts = [
        _widened(a, 2 * land.grid.cell_size)
        for a in acts_of(land.barriers, chains, land.scenario.interventions)
    ]
    acts = [a for a in acts if row in a.rows]
    inner = (x - begin for a in acts for x in (a.low, a.high))
    marks = np.unique([0.0, length, *(x for x in inner if 0 < x < length)])
    n = len(marks) - 1
    rows = np.full(n, row, np.int64)
    pieces = Pieces(
        np.arange(n), np.full(n, chains.chain[row]), rows, begin + marks[:-1], begin + marks[1:], np.ones(n)
    )
    found: list[tuple[Any, float]] = []
    for a, b, cost in zip(marks[:-1], marks[1:], land.cost_model.piece_costs(pieces, acts)):
        ends = (a, b) if chains.forward[row] else (length - b, length - a)
        found.append((substring(geometry, *map(float, ends)), float(cost)))
    return found


def _widened(act: Act, least_m: float) -> Act:
    """An act that takes at least so much of the line: a narrow opening would vanish in the cells."""
    middle, half = 0.5 * (act.low + act.high), 0.5 * max(act.high - act.low, least_m)
    return act._replace(low=middle - half, high=middle + half)
