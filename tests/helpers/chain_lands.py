"""Landscapes that a movement chain can be thought through on, at any cell size."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
import shapely.ops

from permeability.barriers.lines import prepare
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import Patches, place
from permeability.layers.grid import Grid
from permeability.species import species

KM = 1000.0
CRS = "EPSG:32648"


def fence_and_road(
    cell_m: float = 1000.0,
    *,
    vehicles: float = 3000.0,
    high_km: float = 16.0,
    turned: bool = False,
    split: bool = False,
    east_m: float = 0.0,
) -> tuple[Landscape, Patches]:
    """24 km by 16 km, a stock fence and a road between two patches, for goitered gazelle.

    The same stored otherwise: ``turned``: rows in the other order, lines drawn from the other end; ``split``: the lines in two rows
    each; ``east_m``: all of it so far to the east.
    """
    grid = Grid.from_bounds((0, 0, 24 * KM, high_km * KM), cell_size=cell_m, crs=CRS)
    lines = gpd.GeoDataFrame(
        {"id": ["F", "R"], "kind": ["fence", "road"], "fence_class": ["stock", None], "vehicles_per_day": [None, vehicles]},
        geometry=[
            shapely.LineString([(x * KM, -KM), (x * KM, (high_km + 1) * KM)]) for x in (9.03, 15.07)
        ],
        crs=CRS,
    )  # fmt: skip
    areas = gpd.GeoDataFrame(
        {"id": ["W", "E"]},
        geometry=[
            shapely.box(2 * KM, 6 * KM, 5 * KM, 10 * KM),
            shapely.box(19 * KM, 6 * KM, 22 * KM, 10 * KM),
        ],
        crs=CRS,
    )
    _, x = np.mgrid[0 : grid.shape[0], 0 : grid.shape[1]]
    rough = 1 + 0.5 * (np.sin((x + 0.5) * cell_m / 4000.0) + 1)
    if split:
        halves = [
            shapely.ops.substring(g, a, b, normalized=True)
            for g in lines.geometry
            for a, b in ((0, 0.5), (0.5, 1))
        ]
        lines = lines.loc[np.repeat(lines.index, 2)].assign(
            line=np.repeat(lines["id"].to_numpy(), 2), geometry=halves
        )
        lines["id"] = [f"{n}{k}" for k, n in enumerate(lines["id"])]
        lines = lines.reset_index(drop=True)
    if turned:
        lines = lines.iloc[::-1].reset_index(drop=True)
        lines["geometry"] = lines.geometry.reverse()
    if east_m:
        grid = Grid.from_bounds((east_m, 0, 24 * KM + east_m, high_km * KM), cell_size=cell_m, crs=CRS)
        lines["geometry"], areas["geometry"] = lines.translate(east_m), areas.translate(east_m)
    land = build(grid, rough, prepare(lines), species("goitered_gazelle"))
    return land, place(areas, land)


def strip(cell_m: float, long_km: float = 10.0, *, line_km: float | None = None) -> tuple[Landscape, Patches]:
    """Even ground between two patches that take up both ends of a strip; a road across it."""
    line = line_km is not None
    high = 20 * KM
    end = long_km * KM + 2 * cell_m
    grid = Grid.from_bounds((0, 0, end, high), cell_size=cell_m, crs=CRS)
    x = (
        end / 2 if line_km is None else cell_m / 2 + line_km * KM
    )  # the way begins at the centre of the first cell
    table = gpd.GeoDataFrame(
        {
            "id": ["R"],
            "kind": ["road" if line else "fence"],
            "fence_class": [None if line else "stock"],
            "vehicles_per_day": [10.0],
        },
        geometry=[shapely.LineString([(x, -KM), (x, high + KM)])],
        crs=CRS,
    )
    areas = gpd.GeoDataFrame(
        {"id": ["A", "B"]},
        geometry=[shapely.box(0, 0, cell_m, high), shapely.box(end - cell_m, 0, end, high)],
        crs=CRS,
    )
    land = build(grid, np.ones(grid.shape), prepare(table), species("khulan"))
    if not line:
        land = land.without_barriers()
    return land, place(areas, land)


def beside_a_road(vehicles: float = 6000.0, cell_m: float = 500.0) -> tuple[Landscape, Patches]:
    """30 km by 16 km: a border fence between two patches in the north, and behind it, in the north only, a busy road.

    The straight way through the fence leads onto the road; in the south there is none::

        +-------------------------------+
        |            F R                |
        |   WW       F R          EE    |   F  complete fence, km 0 in the south
        |   WW       F R          EE    |   R  road, its southern end at 7 km
        |            F                  |
        |            F                  |
        +-------------------------------+
    """
    grid = Grid.from_bounds((0, 0, 30 * KM, 16 * KM), cell_size=cell_m, crs=CRS)
    lines = gpd.GeoDataFrame(
        {"id": ["F", "R"], "kind": ["fence", "road"], "fence_class": ["border", None], "vehicles_per_day": [None, vehicles]},
        geometry=[
            shapely.LineString([(14.1 * KM, 0), (14.1 * KM, 16 * KM)]),
            shapely.LineString([(15.2 * KM, 7 * KM), (15.2 * KM, 16 * KM)]),
        ],
        crs=CRS,
    )  # fmt: skip
    areas = gpd.GeoDataFrame(
        {"id": ["W", "E"]},
        geometry=[
            shapely.box(3 * KM, 10 * KM, 5 * KM, 13 * KM),
            shapely.box(25 * KM, 10 * KM, 27 * KM, 13 * KM),
        ],
        crs=CRS,
    )
    heedless = species("khulan").override(
        {"road.p0": 0.98, "road.gap_s": 0.1}, source="invented: an animal that does not heed traffic"
    )
    land = build(grid, np.ones(grid.shape), prepare(lines), heedless)
    return land, place(areas, land)
