"""Water through barriers: hand counts, fresh fields, and what the numbers must not hang on."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import REPOSITORY

import permeability as pm
from permeability.core.errors import OptionError
from permeability.engines.leastcost.distance import cost_distance
from permeability.impact.water_access import openings_for_water, water_access

CRS = "EPSG:32648"
GRID = pm.Grid.from_bounds((0, 0, 20_000, 16_000), cell_size=1000, crs=CRS)


def springs(*at: tuple[float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"id": [f"s{k}" for k in range(len(at))]}, geometry=[shapely.Point(p) for p in at], crs=CRS
    )


def ground(lines: list[Any], resistance: Any = 1.0, fence: str = "border") -> Any:
    table = gpd.GeoDataFrame(
        {"id": [f"L{k}" for k in range(len(lines))], "kind": "fence", "fence_class": fence},
        geometry=lines,
        crs=CRS,
    )
    return pm.build_landscape(
        np.broadcast_to(np.asarray(resistance, float), GRID.shape).copy(), table, "khulan", grid=GRID
    )


WALL = shapely.LineString([(10_000, -500), (10_000, 16_500)])


def test_by_hand() -> None:
    """Within 3 cells by steps of 1 and 1.414 lie 29 cells; a fence half a cell east of the spring parts 11 of them."""
    found = water_access(ground([WALL]), springs((9500, 8500)), radius_m=3000)
    # columns from -3 to 3 hold 1, 5, 5, 7, 5, 5, 1 cells
    assert (found.open_km2, found.near_km2) == (29.0, 18.0)
    assert found.lines.to_numpy().tolist() == [["L0", 11.0, 11.0]]
    assert found.pasture_km2 == 320


def test_sample_water_points_by_hand() -> None:
    """The Gobi sample's springs on even ground of 5 km cells: 15 km are 29 cells of 25 km2; a wall through the next column takes 11 of them."""
    grid = pm.open_project(REPOSITORY / "data" / "samples" / "gobi" / "project.toml").grid
    water = gpd.read_file(REPOSITORY / "data" / "samples" / "gobi" / "layers.gpkg", layer="water").to_crs(
        grid.crs
    )
    spring = water[water["id"] == "water-01"]
    row, col = (int(v[0]) for v in grid.cells_of(spring.geometry.x.to_numpy(), spring.geometry.y.to_numpy()))
    x = grid.bounds[0] + grid.cell_size * (col + 1)
    wall = gpd.GeoDataFrame(
        {"id": ["w"], "kind": ["fence"], "fence_class": ["border"]},
        geometry=[shapely.LineString([(x, grid.y[row] - 1e5), (x, grid.y[row] + 1e5)])],
        crs=grid.crs,
    )
    land = pm.build_landscape(np.ones(grid.shape), wall, "khulan", grid=grid)
    found = water_access(land, spring, radius_m=15_000)
    assert (found.open_km2, found.near_km2) == (29 * 25.0, 18 * 25.0)
    every = water_access(land.without_barriers(), water, radius_m=15_000)
    assert every.near_km2 <= len(water) * 29 * 25
    dry = water_access(land.without_barriers(), water, radius_m=15_000, off=water["id"].iloc[1:])
    assert dry.near_km2 == 29 * 25


def test_two_fences_side_by_side_lose_nothing_singly() -> None:
    second = shapely.LineString([(11_000, -500), (11_000, 16_500)])
    found = water_access(ground([WALL, second]), springs((9500, 8500)), radius_m=3000)
    lost = found.lines.set_index("line")
    assert lost.loc["L0", "lost_km2"] == 5  # the column between the two, nothing beyond the second
    assert lost.loc["L1", "lost_km2"] == 0
    assert lost.loc["L1", "alone_km2"] == 6
    assert found.open_km2 - found.near_km2 == 11


@pytest.mark.parametrize("seed", range(4))
def test_equals_fields_made_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [shapely.LineString(rng.uniform(0, 16_000, (2, 2))) for _ in range(4)]
    land = ground(lines, rng.uniform(1, 3, GRID.shape), "stock" if seed % 2 else "border")
    water, radius = springs(*rng.uniform(1000, 15_000, (3, 2)).tolist()), 6000.0
    pasture = rng.random(GRID.shape) < 0.7
    found = water_access(land, water, radius_m=radius, pasture=pasture)

    def area(other: Any, sources: Any = found.sources) -> float:
        dist = cost_distance(
            other.resistance,
            sources,
            cell_size=1000,
            neighbours=other.neighbours,
            barriers=other.edge_barriers(),
        )
        return float((pasture & (dist <= radius)).sum())

    assert found.near_km2 == area(land)
    assert found.open_km2 == area(land.without_barriers())
    for line, lost, alone in found.lines.itertuples(index=False):
        assert lost == area(land.without_lines([line])) - found.near_km2
        assert alone == found.open_km2 - area(land.without_barriers(keep=[line]))
    dry = water_access(land, water, radius_m=radius, pasture=pasture, off=["s0"])
    assert dry.near_km2 <= found.near_km2
    sites = [s for line in land.lines for s in pm.candidates(land, line, length_m=3000)]
    table = openings_for_water(found, sites, dry=dry).set_index("id")
    for site in sites:
        then = land.with_scenario(pm.Scenario("x", site.interventions))
        assert table.loc[site.id, "gain_km2"] == area(then) - found.near_km2
        assert table.loc[site.id, "gain_dry_km2"] == area(then, dry.sources) - dry.near_km2
    assert (table["gain_km2"] >= 0).all()
    assert (np.diff(table["gain_km2"]) <= 0).all()


def test_order_direction_splitting_and_unit_play_no_part() -> None:
    water = springs((9500, 8500), (4000, 3000))
    whole = water_access(ground([WALL]), water, radius_m=5000)
    turned = water_access(ground([shapely.reverse(WALL)]), water.iloc[::-1], radius_m=5000)
    middle = (
        shapely.LineString([(10_000, -500), (10_000, 7000)]),
        shapely.LineString([(10_000, 7000), (10_000, 16_500)]),
    )
    parts = water_access(ground(list(middle)), water, radius_m=5000)
    dear = water_access(ground([WALL], 2.0), water, radius_m=10_000)
    for other in (turned, parts, dear):
        assert other.near_km2 == whole.near_km2
        assert other.open_km2 == whole.open_km2
    pd.testing.assert_frame_equal(turned.lines, whole.lines)


def test_more_radius_more_pasture_and_all_in_the_end() -> None:
    land = ground([WALL])
    areas = [water_access(land, springs((9500, 8500)), radius_m=r).near_km2 for r in (1000, 4000, 1e5)]
    assert areas == sorted(areas)
    assert areas[-1] == 160  # the half on its side


def test_a_lake_is_drunk_from_at_its_shore_and_what_is_not_used_is_told() -> None:
    resistance = np.ones(GRID.shape)
    resistance[5:8, 5:8] = np.nan
    lake = shapely.box(5000, 8000, 8000, 11_000)
    water = gpd.GeoDataFrame({"id": ["lake", "far"]}, geometry=[lake, shapely.Point(1e6, 1e6)], crs=CRS)
    found = water_access(ground([WALL], resistance), water, radius_m=500)
    assert found.near_km2 == 16  # the ring of cells around nine
    assert found.points.to_numpy().tolist() == [["lake", True, ""], ["far", False, "outside the grid"]]


@pytest.mark.parametrize(
    ("change", "code"), [({"radius_m": 0}, "D25"), ({"off": ["x"]}, "D25"), ({"off": ["s0"]}, "D26")]
)
def test_refusals(change: dict[str, Any], code: str) -> None:
    with pytest.raises(OptionError, match=code):
        water_access(ground([WALL]), springs((9500, 8500)), **{"radius_m": 1000.0, **change})


def test_refuses_ids_that_stand_twice() -> None:
    with pytest.raises(OptionError, match="D25"):
        water_access(ground([WALL]), pd.concat([springs((9500, 8500))] * 2), radius_m=1000)


def test_a_dry_year_of_another_landscape_is_refused() -> None:
    spring = springs((9500, 8500))
    land = ground([WALL])
    sites = pm.candidates(land, "L0", length_m=8000)
    here = water_access(land, spring, radius_m=3000)
    elsewhere = water_access(ground([WALL]), spring, radius_m=3000)
    with pytest.raises(OptionError, match=r"(?s)D25.*dry year is of another landscape"):
        openings_for_water(here, sites, dry=elsewhere)
    same = openings_for_water(here, sites, dry=here)
    assert same["gain_dry_km2"].tolist() == same["gain_km2"].tolist()
