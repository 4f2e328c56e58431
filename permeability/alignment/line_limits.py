"""What a line has to keep to, as corners and moves that are closed to it; and which limit stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label

from permeability.alignment.no_go_areas import NoGo, touched_cells
from permeability.core.errors import OptionError
from permeability.engines.alignment import LineSpace
from permeability.engines.alignment.corner_lines import MOVE_COL, MOVE_LENGTH, MOVE_ROW
from permeability.landscape.landscape import Landscape

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
GROUND = "the landscape"
SMALLEST_TURN = 26.5  # degrees: between neighbouring directions of the sixteen


@dataclass(frozen=True, eq=False)
class Limits:
    """Every limit by its name, so that one can be left out.

    ``closed_cells``: name -> cells that no line may touch; ``steep``: moves that are too steep; ``length_cells`` and ``turn``
    as stated.
    """

    stops: tuple[tuple[int, int], ...]
    shape: tuple[int, int]
    closed_cells: Mapping[str, Bools] = field(repr=False)
    steep: Bools | None = field(repr=False)
    length_cells: float
    turn: float | None

    def space(self, without: str | None = None) -> LineSpace:
        """Where a line may run, with one limit left out."""
        shut = np.zeros(self.shape, bool)
        for name, cells in self.closed_cells.items():
            if name != without:
                shut |= cells
        most = self.length_cells
        if without == "max_length":
            most = 4.0 * sum(self.shape)
        return LineSpace(
            list(self.stops), ~_corners_of(shut), most, None if without == "max_turn_deg" else self.turn,
            None if without == "max_gradient" else self.steep,
        )  # fmt: skip

    @property
    def names(self) -> list[str]:
        """Limits that are in force."""
        found = ["max_length", *self.closed_cells]
        found += ["max_turn_deg"] if self.turn is not None else []
        return [*found, *(["max_gradient"] if self.steep is not None else [])]

    def refusal(self, cell_m: float, barred: Bools) -> OptionError:
        """No line keeps all limits: which of them, loosened alone, lets one through."""
        helps: dict[str, object] = {}
        for name in self.names:
            cost = np.where(barred, np.inf, MOVE_LENGTH[:, None, None])
            found, length = self.space(name).cheapest(cost)
            if found is not None:
                helps[name] = f"without it the shortest line is {length * cell_m / 1000:,.1f} km"
        straight = self.space().straight * cell_m / 1000
        return OptionError(
            "U08", "no line keeps all limits.",
            details={"straight line": f"{straight:,.1f} km", "in force": ", ".join(self.names), **helps},
            remedy=f"loosen {' or '.join(helps)}".replace(GROUND, "the edge of the landscape (an end lies beyond it, or water between)") if helps else "no single limit is to blame: loosen two at once, or move an end",
        )  # fmt: skip


def _corners_of(cells: Bools) -> Bools:
    """Corners that touch any of some cells."""
    padded = np.pad(cells, 1)
    return np.asarray(padded[1:, 1:] | padded[:-1, 1:] | padded[1:, :-1] | padded[:-1, :-1])


def limits_of(
    land: Landscape,
    stops: tuple[tuple[int, int], ...],
    *,
    corridor: Any,
    max_length: float,
    max_turn_deg: float | None,
    max_gradient: float | None,
    elevation: Floats | None,
    no_go: Any,
) -> Limits:
    """The limits of :func:`permeability.alignment.routing.route` on corners and moves."""
    if not max_length >= 1:
        raise OptionError("U06", f"max_length = {max_length} is shorter than the straight line.", remedy="give it as a multiple of the straight line, 1.25 for one")  # fmt: skip
    if max_turn_deg is not None and max_turn_deg < SMALLEST_TURN:
        raise OptionError(
            "U06", f"max_turn_deg = {max_turn_deg} is less than the angle between two directions of the grid.",
            remedy="give 27 degrees or more for each corner; gentler curves come from smaller cells, or from rounding the corners afterwards",
        )  # fmt: skip
    if (max_gradient is None) != (elevation is None):
        raise OptionError("U06", "max_gradient and elevation go together.", remedy="give both: rise per length, and heights in metres on the grid")  # fmt: skip
    closed: dict[str, Bools] = {GROUND: ~land.valid}
    if no_go is not None:
        closed["no_go"] = cells_given(no_go, land, "no_go")
    if corridor is not None:
        closed["corridor"] = _outside(corridor, land)
    steep = None
    if elevation is not None and max_gradient is not None:
        steep = gradients(corner_heights(elevation), land.grid.cell_size) > max_gradient + 1e-12
    d = np.diff(np.asarray(stops, float), axis=0)
    most = max_length * float(np.hypot(d[:, 0], d[:, 1]).sum())
    return Limits(stops, land.grid.shape, closed, steep, most, max_turn_deg)


def cells_given(area: Any, land: Landscape, name: str) -> Bools:
    """Cells of an area that was given as no-go classes, a mask, a layer or a geometry."""
    if isinstance(area, NoGo):
        return area.closed
    if isinstance(area, gpd.GeoDataFrame):
        return touched_cells(area, land)
    if isinstance(area, shapely.Geometry):
        return touched_cells(gpd.GeoDataFrame(geometry=[area], crs=land.grid.crs), land)
    mask = np.asarray(area)
    if mask.shape != land.grid.shape:
        raise OptionError(
            "U06", f"{name} of shape {mask.shape} is no area of the landscape.", remedy="give a layer, a polygon, or a mask of its cells"
        )  # fmt: skip
    return mask.astype(bool)


def _outside(corridor: Any, land: Landscape) -> Bools:
    """Cells that a line in a corridor must not touch."""
    if isinstance(corridor, gpd.GeoDataFrame):
        corridor = shapely.union_all(corridor.to_crs(land.grid.crs).geometry.to_numpy())
    if isinstance(corridor, shapely.Geometry):
        rest = shapely.box(*land.grid.bounds).buffer(land.grid.cell_size).difference(corridor)
        return touched_cells(gpd.GeoDataFrame(geometry=[rest], crs=land.grid.crs), land)
    return ~cells_given(corridor, land, "corridor")


def corner_heights(elevation: Floats) -> Floats:
    """Height of every corner: the mean of the cells about it that have one [m]."""
    padded = np.pad(np.asarray(elevation, float), 1, constant_values=np.nan)
    four = np.stack([padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1], padded[:-1, :-1]])
    there = np.isfinite(four)
    return np.asarray(np.where(there, four, 0.0).sum(0) / np.where(there.any(0), there.sum(0), np.nan))


def gradients(heights: Floats, cell_m: float) -> Floats:
    """Rise over length of every move from every corner, shape (16, rows + 1, cols + 1); 0 where no height is known."""
    rows, cols = heights.shape
    out = np.zeros((16, rows, cols))
    for m in range(16):
        r = np.clip(np.arange(rows) + MOVE_ROW[m], 0, rows - 1)
        c = np.clip(np.arange(cols) + MOVE_COL[m], 0, cols - 1)
        out[m] = np.abs(heights[np.ix_(r, c)] - heights) / (MOVE_LENGTH[m] * cell_m)
    return np.nan_to_num(out)


def edge_distance(valid: Bools) -> Floats:
    """Distance of every corner from the edge of the study area [cells]; lakes and the like within it are no edge."""
    pieces, _ = label(np.pad(~valid, 1, constant_values=True))
    inside = pieces != pieces[0, 0]
    far = distance_transform_edt(inside)
    return np.asarray(np.minimum.reduce([far[1:, 1:], far[:-1, 1:], far[1:, :-1], far[:-1, :-1]]))
