"""What a map is drawn on: bounds, valid cells, coordinate system, barriers; of a landscape, a grid or a plain array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.taken_away import lines_left
from permeability.layers.grid import describe_crs
from permeability.locale.language import Words
from permeability.viz.style import shortened

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.engines.leastcost.surface import CostSurface
    from permeability.landscape.landscape import Landscape
    from permeability.layers.grid import Grid


@dataclass(frozen=True, eq=False)
class Ground:
    """What a map is drawn on.

    Attributes
    ----------
    bounds : tuple of float
        West, south, east, north [m, or cells where the size of a cell is not known].
    valid : array of bool, shape (rows, cols)
    foot : str
        Coordinate system and scenario.
    barriers : GeoDataFrame or None
        With the column ``standing``.
    placed : bool
        False for a plain array: no north, and a scale bar in cells.
    """

    bounds: tuple[float, float, float, float]
    valid: NDArray[np.bool_]
    foot: str
    barriers: gpd.GeoDataFrame | None = None
    placed: bool = True


def ground_of(land: Landscape, tr: Words) -> Ground:
    """The ground of a landscape, with its barriers."""
    foot = tr("Coordinate system: {crs}; cells of {n} m; north of the grid is up. Scenario: {scenario}.",
              scenario=shortened(land.scenario.name, 60), **_place(land.grid, tr))  # fmt: skip
    return Ground(grid_bounds(land.grid), land.valid, foot, drawn_lines(land))


def drawn_lines(land: Landscape) -> gpd.GeoDataFrame:
    """The barriers of a landscape as they are drawn: with the column ``standing``, without what its scenario takes away."""
    return lines_left(land.barriers, land.scenario, land.table)


def ground_of_grid(grid: Grid, valid: NDArray[np.bool_], tr: Words) -> Ground:
    """The ground of a grid alone."""
    foot = tr("Coordinate system: {crs}; cells of {n} m; north of the grid is up.", **_place(grid, tr))
    return Ground(grid_bounds(grid), valid, foot)


def ground_of_array(valid: NDArray[np.bool_], tr: Words) -> Ground:
    """The ground of a plain array, whose place is not known."""
    rows, cols = valid.shape
    return Ground(
        (0.0, 0.0, float(cols), float(rows)), valid, tr("A plain array: its place is not known."), None, False
    )


def ground_of_surface(surface: CostSurface, tr: Words) -> Ground:
    """The ground of a cost surface, placed where it has a grid."""
    if surface.grid is None:
        return ground_of_array(surface.passable(), tr)
    return ground_of_grid(surface.grid, surface.passable(), tr)


def grid_bounds(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, east, north of a grid [m]."""
    rows, cols = grid.shape
    return grid.west, grid.north - rows * grid.cell_size, grid.west + cols * grid.cell_size, grid.north


def _place(grid: Grid, tr: Words) -> dict[str, str]:
    return {"crs": describe_crs(grid.crs), "n": tr.number(grid.cell_size)}
