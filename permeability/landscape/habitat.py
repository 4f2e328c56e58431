"""Habitat to resistance: the factor rows of a species on factor rasters, or a suitability surface.

Nothing here knows a species: which factor weighs how much is data of the profile (each row with its source); where
a factor comes from is said by the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from permeability.core.errors import LayerError, check_choice
from permeability.layers.grid import Grid, cells_in_words
from permeability.species import HabitatFactor, SpeciesProfile
from permeability.species.seasons import habitat_seasons

Array = NDArray[np.float64]
NoValue = Literal["worst", "outside"] | float
SUITABILITY_BASE = 100.0
MARGIN_CELLS = 256  # how far beyond the edge of the grid lines and areas are looked for
LAND_M = (-500.0, 9000.0)  # the shore of the Dead Sea lies at -430 m, Everest at 8,849 m


@dataclass(frozen=True, eq=False)
class Habitat:
    """Resistance of a species and how it came about.

    Attributes
    ----------
    resistance : array, shape (rows, cols)
        [dimensionless, >= 1]; NaN = outside or impassable.
    factors : pandas.DataFrame
        One row per factor of the profile: whether it was used, range of its multipliers, grade, source.

    Examples
    --------
    >>> from permeability.species import species
    >>> made = from_factors(species("khulan"), {"slope_deg": np.zeros((1, 2))}, np.ones((1, 2), bool))
    >>> made.resistance.tolist()  # flat ground is the best there is
    [[1.0, 1.0]]
    """

    resistance: Array
    factors: pd.DataFrame


def from_suitability(
    suitability: Array, *, base: float = SUITABILITY_BASE, layer: str = "suitability"
) -> Array:
    """Resistance ``base ** (1 - HS)`` of a habitat suitability 0..1 (Mateo-Sanchez et al. 2015, doi:10.1111/1365-2664.12381).

    Parameters
    ----------
    suitability : array
        Shape (rows, cols) [0..1].
    base : float
        Resistance where the suitability is 0 [dimensionless].
    layer : str
        Name used in messages.

    Returns
    -------
    array
        Shape (rows, cols) [dimensionless, >= 1].

    Raises
    ------
    LayerError
        L08 when values lie outside 0..1.

    Examples
    --------
    >>> from_suitability(np.array([[1.0, 0.5, 0.0]])).tolist()
    [[1.0, 10.0, 100.0]]
    """
    bad = (suitability < 0) | (suitability > 1)
    if bad.any():
        raise LayerError(
            "L08", f"{int(bad.sum()):,} cells of the suitability lie outside 0..1.", layer=layer,
            rows=cells_in_words(suitability, bad), remedy="scale it to 0..1, or give it as resistance",
        )  # fmt: skip
    return np.asarray(base ** (1.0 - suitability))


def from_factors(
    profile: SpeciesProfile,
    factors: Mapping[str, Array],
    mask: NDArray[np.bool_],
    *,
    season: str | None = None,
    level: str | Mapping[str, float] = "best",
    no_value: NoValue | Mapping[str, NoValue] = "worst",
) -> Habitat:
    """Resistance as the product of a species' factor multipliers.

    Parameters
    ----------
    profile : SpeciesProfile
    factors : mapping
        Factor name -> raster, shape (rows, cols), in the unit of its name (``slope_deg``, ``town_km``; classes as
        share 0..1).
    mask : bool array
        Cells of the landscape.
    season : str, optional
        Rows of other seasons are left out; None uses rows that hold all year only.
    level : {"best", "low", "high"} or mapping
        A mapping gives quantiles 0..1 by key (:func:`factor_key`); rows without one are at their best.
    no_value : {"worst", "outside"} or float, or mapping of factor name to one
        What a cell counts as where a raster has no value: the highest multiplier that its factor has on the landscape, no
        passage, or a multiplier of one's own.  A hole in a raster is never the best ground.

    Returns
    -------
    Habitat
        Cells with an infinite multiplier (a mine's own ground) are taken out.

    Examples
    --------
    >>> from permeability.species import species
    >>> slope = np.array([[0.0, 40.0]])
    >>> made = from_factors(species("khulan"), {"slope_deg": slope}, np.ones((1, 2), bool))
    >>> bool(made.resistance[0, 1] > made.resistance[0, 0])
    True
    """
    if isinstance(level, str):
        check_choice("level", level, ("best", "low", "high"))
    r = np.where(mask, 1.0, np.nan)
    rows = []
    holding = habitat_seasons(season)
    for row in profile.habitat:
        used = row.season in holding
        reason = "" if used else f"holds in the season {row.season!r} only"
        if used and row.factor not in factors:
            used, reason = False, "no layer for it in this project"
        low = high = np.nan
        if used:
            which = level if isinstance(level, str) else level.get(factor_key(row), "best")
            multiplier = row.multiplier(factors[row.factor], which)
            void = np.isnan(factors[row.factor]) & mask
            rule = no_value.get(row.factor, "worst") if isinstance(no_value, Mapping) else no_value
            multiplier = _filled(multiplier, void, mask, rule)
            r = r * np.where(np.isinf(multiplier), np.nan, multiplier)
            finite = multiplier[mask & np.isfinite(multiplier)]
            low, high = (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)
        rows.append(
            {"factor": row.factor, "used": used, "why_not": reason, "multiplier_min": low, "multiplier_max": high,
             "cells_without_value": int(void.sum()) if used else 0, "no_value": str(rule) if used and void.any() else "",
             "evidence": row.evidence, "source": row.source}
        )  # fmt: skip
    return Habitat(r, pd.DataFrame(rows))


def _filled(multiplier: Array, void: NDArray[np.bool_], mask: NDArray[np.bool_], rule: NoValue) -> Array:
    """Multipliers with something in place of the cells without a value."""
    if not void.any():
        return np.where(np.isnan(multiplier), 1.0, multiplier)
    if rule == "outside":
        filling = np.inf
    elif rule == "worst":
        known = multiplier[mask & ~void & np.isfinite(multiplier)]
        filling = float(known.max()) if known.size else 1.0
    else:
        filling = float(rule)
    return np.where(void, filling, np.where(np.isnan(multiplier), 1.0, multiplier))


def factor_key(row: HabitatFactor) -> str:
    """Name of a factor row among the unknown numbers.

    Parameters
    ----------
    row : HabitatFactor

    Returns
    -------
    str

    Examples
    --------
    >>> from permeability.species import species
    >>> factor_key(species("khulan").habitat[0])
    'habitat.slope_deg'
    """
    return f"habitat.{row.factor}" if row.season == "all" else f"habitat.{row.factor}.{row.season}"


@dataclass(frozen=True, eq=False)
class FactorGround:
    """The ground of a landscape as factor rasters, from which other draws of the multipliers can be made.

    Attributes
    ----------
    profile : SpeciesProfile
    factors : mapping
        Factor name -> raster.
    mask : bool array
    season : str or None
    no_value : str, float or mapping
        See :func:`from_factors`.

    Examples
    --------
    >>> from permeability.species import species
    >>> flat = FactorGround(species("khulan"), {"slope_deg": np.zeros((1, 2))}, np.ones((1, 2), bool))
    >>> list(flat.rows), flat.resistance({"habitat.slope_deg": 0.9}).tolist()
    (['habitat.slope_deg'], [[1.0, 1.0]])
    """

    profile: SpeciesProfile
    factors: Mapping[str, Array]
    mask: NDArray[np.bool_]
    season: str | None = None
    no_value: NoValue | Mapping[str, NoValue] = "worst"

    @property
    def rows(self) -> dict[str, HabitatFactor]:
        """Factor rows in use whose multipliers have a range, by key."""
        holding = habitat_seasons(self.season)
        used = [r for r in self.profile.habitat if r.season in holding and r.factor in self.factors]
        return {factor_key(r): r for r in used if r.uncertain}

    def resistance(self, quantiles: Mapping[str, float]) -> Array:
        """Resistance with some of the factor rows at other quantiles, shape (rows, cols)."""
        return from_factors(
            self.profile, self.factors, self.mask, season=self.season, level=quantiles, no_value=self.no_value
        ).resistance


# ---------------------------------------------------------------- factor rasters
def slope_deg(elevation_m: Array, grid: Grid) -> Array:
    """Slope of an elevation raster by central differences [degrees].

    With coarse elevation models this is a proxy of ruggedness: relief inside a cell is not seen.

    Parameters
    ----------
    elevation_m : array
        Shape (rows, cols) [m].
    grid : Grid

    Returns
    -------
    array
        Shape (rows, cols) [degrees].

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 300, 300), cell_size=100, crs="EPSG:32648")
    >>> float(slope_deg(np.tile([0.0, 100.0, 200.0], (3, 1)), grid)[1, 1].round(6))
    45.0
    """
    dy, dx = (_rise(elevation_m, axis) / grid.cell_size for axis in (0, 1))
    alone = np.isnan(dx) & np.isnan(dy)  # a cell without value, or one that has no neighbour to rise to
    slope = np.degrees(np.arctan(np.hypot(np.nan_to_num(dx), np.nan_to_num(dy))))
    return np.asarray(np.where(alone | np.isnan(elevation_m), np.nan, slope))


def _rise(z: Array, axis: int) -> Array:
    """Rise per cell along an axis: central, one-sided beside an edge or a void, NaN where a cell has no neighbour."""
    if z.shape[axis] == 1:
        return np.where(np.isnan(z), np.nan, 0.0)
    steps = np.diff(z, axis=axis)
    edge = np.full(np.take(z, [0], axis=axis).shape, np.nan)
    behind, ahead = np.concatenate([edge, steps], axis=axis), np.concatenate([steps, edge], axis=axis)
    central = np.asarray(np.gradient(z, axis=axis))
    one_sided = np.where(np.isnan(behind), ahead, behind)
    return np.where(np.isnan(central) & ~np.isnan(z), one_sided, np.where(np.isnan(z), np.nan, central))


def check_elevation(elevation_m: Array, *, layer: str = "elevation") -> Array:
    """Heights that can be; refused are those that no land has: feet taken for metres, an undeclared nodata, another raster.

    Parameters
    ----------
    elevation_m : array
        Shape (rows, cols) [m].
    layer : str
        Name used in messages.

    Returns
    -------
    array
        The same.

    Raises
    ------
    LayerError
        L37.

    Examples
    --------
    >>> check_elevation(np.array([[-9999.0, 1200.0]]))
    Traceback (most recent call last):
    ...
    permeability.core.errors.LayerError: LayerError [L37]: ...
    """
    low, high = LAND_M
    bad = (elevation_m < low) | (elevation_m > high)
    if bad.any():
        raise LayerError(
            "L37", f"{int(bad.sum()):,} cells lie below {low:g} or above {high:g} m: no land does.", layer=layer,
            rows=cells_in_words(elevation_m, bad), remedy="say nodata = ... or scale = ... for the layer, or give an elevation in metres",
        )  # fmt: skip
    return elevation_m


def distance_km(layer: gpd.GeoDataFrame, grid: Grid) -> Array:
    """Distance of every cell centre from the nearest feature [km]; exact for points, by cells for lines and areas.

    Features beyond the edge of the grid count: points wherever they lie, lines and areas up to 256 cells out.

    Parameters
    ----------
    layer : GeoDataFrame
    grid : Grid

    Returns
    -------
    array
        Shape (rows, cols) [km].

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 3000, 1000), cell_size=1000, crs="EPSG:32648")
    >>> well = gpd.GeoDataFrame(geometry=gpd.points_from_xy([500], [500]), crs=grid.crs)
    >>> distance_km(well, grid).tolist()
    [[0.0, 1.0, 2.0]]
    """
    geometry = layer.geometry.to_numpy()
    geometry = geometry[np.isfinite(shapely.bounds(geometry)).all(axis=1)]  # rows without a place are none
    kinds = shapely.get_type_id(geometry)
    points = shapely.get_coordinates(geometry[np.isin(kinds, (0, 4))])
    out = np.full(grid.shape, np.inf)
    if len(points):
        xx, yy = np.meshgrid(grid.x, grid.y)
        gap, _ = cKDTree(points).query(np.column_stack([xx.ravel(), yy.ravel()]))
        out = np.asarray(gap).reshape(grid.shape) / 1000.0
    areas = geometry[~np.isin(kinds, (0, 4))]
    if len(areas):
        margin = _cells_beyond(areas, grid)
        burnt = rasterize(
            [(g, 1) for g in areas],
            out_shape=(grid.shape[0] + 2 * margin, grid.shape[1] + 2 * margin),
            transform=grid.transform @ Affine.translation(-margin, -margin),
            all_touched=True,
            dtype="uint8",
        )
        if burnt.any():
            away = distance_transform_edt(burnt == 0) * grid.cell_size / 1000.0
            inside = np.s_[margin : margin + grid.shape[0], margin : margin + grid.shape[1]]
            out = np.minimum(out, away[inside])
    return out


def _cells_beyond(geometry: NDArray[np.object_], grid: Grid) -> int:
    """How many cells the features lie beyond the edge of the grid, at most :data:`MARGIN_CELLS`."""
    west, south, east, north = shapely.total_bounds(geometry)
    left, low, right, high = grid.bounds
    beyond = max(left - west, low - south, east - right, north - high, 0.0)
    return int(min(np.ceil(beyond / grid.cell_size), MARGIN_CELLS))


def class_share(classes: Array, wanted: list[int]) -> Array:
    """1 where a class raster holds one of the classes, 0 elsewhere, NaN where it has no value.

    Parameters
    ----------
    classes : array
        Shape (rows, cols).
    wanted : list of int

    Returns
    -------
    array
        Shape (rows, cols) [0..1].

    Examples
    --------
    >>> class_share(np.array([[1.0, 2.0, np.nan]]), [2, 3]).tolist()
    [[0.0, 1.0, nan]]
    """
    return np.where(np.isnan(classes), np.nan, np.isin(classes, wanted).astype(float))


def area_mask(layer: gpd.GeoDataFrame, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in an area.

    Parameters
    ----------
    layer : GeoDataFrame
        Polygons.
    grid : Grid

    Returns
    -------
    bool array
        Shape (rows, cols).

    Examples
    --------
    >>> import shapely
    >>> grid = Grid.from_bounds((0, 0, 3000, 1000), cell_size=1000, crs="EPSG:32648")
    >>> lake = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2000, 1000)], crs=grid.crs)
    >>> area_mask(lake, grid).tolist()
    [[True, True, False]]
    """
    shapes = [(g, 1) for g in layer.geometry if g is not None and not g.is_empty]
    return rasterize(shapes, out_shape=grid.shape, transform=grid.transform, dtype="uint8").astype(bool)
