"""Pasture within reach of water, through the barriers: what every line takes of it, what openings give back, and in a dry year.

An animal that must drink uses the ground from which a water point is no farther than its radius, counted in metres of open ground, so that
bad ground and barriers make the way longer.  All numbers are exact on the movement graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from permeability.core.display import Face
from permeability.core.errors import OptionError, shorten
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.leastcost.changed_fields import ChangedFields
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.leastcost.surface import cost_surface
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import cells_of_geometry

__all__ = ["WaterAccess", "openings_for_water", "water_access"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class WaterAccess(Face):
    """Pasture within reach of water.

    Attributes
    ----------
    land : Landscape
    radius_m : float
        Farthest way to water [m of open ground].
    pasture : bool array, shape (rows, cols)
        What counts as pasture.
    distance : array, shape (rows, cols)
        Least cost to the nearest water [m of open ground].
    pasture_km2, near_km2, open_km2 : float
        Pasture; what of it is within the radius today; what would be without any barrier [km2].
    lines : pandas.DataFrame
        A row per line: ``line``, ``lost_km2`` (pasture within reach once it alone is gone, less that of today), ``alone_km2`` (what it would take if
        it stood alone) [km2].  Lines beside each other can lose nothing singly and much together.
    points : pandas.DataFrame
        A row per water: ``id``, ``used``, ``why`` (in words where it is not).

    Examples
    --------
    >>> import shapely
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()  # 12 x 8 km, a fence from north to south
    >>> spring = gpd.GeoDataFrame({"id": ["s"]}, geometry=[shapely.Point(5500, 4500)], crs=land.grid.crs)
    >>> found = water_access(land, spring, radius_m=2000)
    >>> found.near_km2, found.open_km2  # of 13 cells within 2 km, 4 lie beyond the fence
    (9.0, 13.0)
    """

    _face: ClassVar[str] = "water_access"

    land: Landscape = field(repr=False)
    radius_m: float
    pasture: Mask = field(repr=False)
    distance: Array = field(repr=False)
    pasture_km2: float
    near_km2: float
    open_km2: float
    lines: pd.DataFrame = field(repr=False)
    points: pd.DataFrame = field(repr=False)
    sources: Mask = field(repr=False)

    @property
    def near(self) -> Mask:
        """Pasture within the radius, shape (rows, cols)."""
        return np.asarray(self.pasture & (self.distance <= self.radius_m))

    @property
    def map(self) -> Any:
        """Distance to water of the pasture as a DataArray [m of open ground]; NaN elsewhere."""
        values = np.where(self.pasture, self.distance, np.nan)
        return self.land.to_xarray(
            values, "water_distance", unit="m of open ground", long_name="least-cost distance to water"
        )

    def __repr__(self) -> str:
        left = self.points.loc[~self.points["used"], "id"].tolist()
        return (
            f"{self.near_km2:,.0f} of {self.pasture_km2:,.0f} km2 of pasture within {self.radius_m / 1000:g} km of open ground of water, "
            f"{self.open_km2:,.0f} km2 without barriers; {int(self.points['used'].sum())} water points"
            + (f", not used: {shorten(left)}" if left else "")
            + (f"\n{self.lines.to_string(index=False)}" if len(self.lines) else "")
        )


@takes_landscape
def water_access(
    land: Landscape,
    water: gpd.GeoDataFrame,
    *,
    radius_m: float,
    pasture: Mask | None = None,
    off: Iterable[str] = (),
    lines: Sequence[str] | None = None,
) -> WaterAccess:
    """Pasture within reach of water through the barriers, and what every line takes of it.

    Parameters
    ----------
    land : Landscape
    water : GeoDataFrame
        Points, lines or polygons with ``id``.  Water that lies on no passable cell is reached from the cells around it.
    radius_m : float
        Farthest way to water [m of open ground].
    pasture : bool array, shape (rows, cols), optional
        What counts as pasture; every passable cell by default.
    off : iterable of str
        Ids of water that is dry.
    lines : sequence of str, optional
        Lines to be looked at one by one; all by default.

    Returns
    -------
    WaterAccess

    Raises
    ------
    OptionError
        D25 a radius, a pasture or ids that cannot be used; D26 no water that can be reached.

    Notes
    -----
    A water point is known to a cell: where a barrier runs through its cell, the middle of the cell says on which side it is.

    Examples
    --------
    >>> import shapely
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> springs = gpd.GeoDataFrame({"id": ["w", "e"]}, geometry=gpd.points_from_xy([5500, 8500], [4500, 4500]), crs=land.grid.crs)
    >>> water_access(land, springs, radius_m=2000).near_km2, water_access(land, springs, radius_m=2000, off=["e"]).near_km2
    (22.0, 9.0)
    """
    pasture = land.valid if pasture is None else np.asarray(pasture, bool) & land.valid
    if not (np.isfinite(radius_m) and radius_m > 0):
        raise OptionError(
            "D25",
            f"a radius of {radius_m!r} m is none.",
            remedy="give a positive length in metres of open ground",
        )
    sources, points = _sources(land, water, set(off))
    surface = cost_surface(land)
    today = np.asarray(cost_distance(surface, sources), np.float64)
    bare = land.without_barriers()
    free = np.asarray(cost_distance(cost_surface(bare), sources), np.float64)
    cell = land.grid.cell_area_km2

    def within(distance: Array) -> float:
        return float(np.count_nonzero(pasture & (distance <= radius_m)) * cell)

    fields, free_fields = (
        ChangedFields(s, [d], [sources], radius_m) for s, d in ((surface, today), (cost_surface(bare), free))
    )
    rows, now, none = [], land.edge_barriers(), EdgeBarriers.empty()
    for line in land.lines if lines is None else lines:
        lost = _more(fields, now, land.without_lines([line]).edge_barriers(), pasture, radius_m) * cell
        alone = (
            -_more(free_fields, none, land.without_barriers(keep=[line]).edge_barriers(), pasture, radius_m)
            * cell
        )
        rows.append({"line": line, "lost_km2": lost, "alone_km2": alone})
    table = pd.DataFrame(rows, columns=["line", "lost_km2", "alone_km2"])
    table = table.sort_values(["lost_km2", "alone_km2", "line"], ascending=[False, False, True]).reset_index(
        drop=True
    )
    return WaterAccess(
        land,
        float(radius_m),
        pasture,
        today,
        float(pasture.sum() * cell),
        within(today),
        within(free),
        table,
        points,
        sources,
    )


def openings_for_water(
    access: WaterAccess, sites: Sequence[Any], *, dry: WaterAccess | None = None
) -> pd.DataFrame:
    """Candidates ranked by the pasture that they bring within reach of water.

    Parameters
    ----------
    access : WaterAccess
    sites : sequence of Candidate
        Of the same landscape.
    dry : WaterAccess, optional
        The same landscape with some water off: adds ``gain_dry_km2``.

    Returns
    -------
    DataFrame
        ``rank`` (by the gain; equal gains share a rank), ``id``, ``line``, ``km_from``, ``km_to``, ``treatment``, ``gain_km2``, ``cost_usd``, ``km2_per_musd``.

    Raises
    ------
    OptionError
        D25 where the dry year is of another landscape.

    Examples
    --------
    >>> import shapely
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> spring = gpd.GeoDataFrame({"id": ["s"]}, geometry=[shapely.Point(5500, 4500)], crs=land.grid.crs)
    >>> table = openings_for_water(water_access(land, spring, radius_m=2000), pm.candidates(land, "F", length_m=8000))
    >>> table["gain_km2"].tolist()  # the whole fence
    [4.0]
    """
    states = [access] if dry is None else [access, dry]
    if dry is not None and dry.land is not access.land:
        raise OptionError(
            "D25",
            "the dry year is of another landscape.",
            remedy="water_access(land, water, off=...) of the same landscape",
        )
    land = access.land
    effects = EdgeEffects(land, [s.interventions for s in sites])
    cost, _ = effects.after(land)
    cell, gains = land.grid.cell_area_km2, np.zeros((len(states), len(sites)))
    for n, state in enumerate(states):
        fields = ChangedFields(cost_surface(land), [state.distance], [state.sources], state.radius_m)
        for k, (a, b) in enumerate(zip(effects.start[:-1], effects.start[1:])):
            gains[n, k] = _shift(fields, effects.keys[a:b], cost[a:b], state.pasture, state.radius_m) * cell
    table = pd.DataFrame({
        "id": [s.id for s in sites], "line": [s.line for s in sites], "km_from": [s.km_from for s in sites], "km_to": [s.km_to for s in sites],
        "treatment": [s.treatment for s in sites], "gain_km2": gains[0], "cost_usd": [float(s.cost_usd.best) for s in sites],
    })  # fmt: skip
    if dry is not None:
        table.insert(table.columns.get_loc("gain_km2") + 1, "gain_dry_km2", gains[1])
    table["km2_per_musd"] = np.where(
        table["cost_usd"] > 0,
        1e6 * table["gain_km2"] / table["cost_usd"].where(table["cost_usd"] > 0),
        np.nan,
    )
    table.insert(0, "rank", table["gain_km2"].rank(method="min", ascending=False).astype(int))
    return table.sort_values(["rank", "line", "km_from", "id"]).reset_index(drop=True)


def _more(
    fields: ChangedFields, before: EdgeBarriers, after: EdgeBarriers, pasture: Mask, radius_m: float
) -> int:
    """Cells of pasture more within reach once one set of barriers stands in place of another."""
    keys = np.union1d(before.keys, after.keys)
    return _shift(fields, keys, np.asarray(after.at(keys)[0], np.float64), pasture, radius_m)


def _shift(
    fields: ChangedFields, keys: NDArray[np.int64], cost: Array, pasture: Mask, radius_m: float
) -> int:
    cells, new, old = fields.changed_cells(keys, cost, radius_m)[0]
    good = pasture.ravel()[cells]
    return int(np.count_nonzero(good & (new <= radius_m))) - int(np.count_nonzero(good & (old <= radius_m)))


def _sources(land: Landscape, water: gpd.GeoDataFrame, off: set[str]) -> tuple[Mask, pd.DataFrame]:
    """Cells from which water is drunk, and what became of every water point."""
    if "id" not in water.columns or water["id"].isna().any() or water["id"].duplicated().any():
        raise OptionError(
            "D25", "the water has no id of its own in every row.", remedy="give every water point an id"
        )
    there = water.to_crs(land.grid.crs)
    ids = there["id"].astype(str).tolist()
    if off - set(ids):
        raise OptionError("D25", "water that is said to be dry is not in the layer.", rows=sorted(off - set(ids)), remedy="give ids of the layer")  # fmt: skip
    sources, rows = np.zeros(land.grid.shape, bool), []
    for name, shape in zip(ids, there.geometry):
        why = "dry" if name in off else "no place" if shape is None or shape.is_empty else ""
        if not why:
            on = cells_of_geometry(shape, land.grid)
            mine = on & land.valid
            if not mine.any():
                mine = ndimage.binary_dilation(on, np.ones((3, 3))) & land.valid
            why = "" if mine.any() else "outside the grid" if not on.any() else "no passable ground around it"
            sources |= mine
        rows.append({"id": name, "used": not why, "why": why})
    points = pd.DataFrame(rows, columns=["id", "used", "why"])
    if not sources.any():
        raise OptionError("D26", "no water can be reached.", details={f"{n} point(s)": w for w, n in points["why"].value_counts().items()}, remedy="give water on the landscape that is not dry")  # fmt: skip
    return sources, points
