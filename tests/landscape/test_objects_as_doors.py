"""Objects are doors: what is flipped is turned, what lies elsewhere is refused, what comes with a place goes back with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import permeability as pm
from permeability.core.arrays import crs_of
from permeability.core.errors import PermeabilityError
from permeability.engines.circuit import pairwise
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.omnidirectional import omnidirectional, omnidirectional_difference
from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall
from permeability.linkage.corridors import least_cost_corridors, pinch_points

LAND, PATCHES = pm.samples.tiny()
GROUND = LAND.to_xarray(LAND.resistance, "r") + LAND.to_xarray(np.arange(96.0).reshape(8, 12), "r") / 50
GROUND.attrs = LAND.to_xarray(LAND.resistance, "r").attrs
XY = [(float(GROUND.x[1]), float(GROUND.y[1])), (float(GROUND.x[-2]), float(GROUND.y[-3]))]
POINTS = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[shapely.Point(p) for p in XY], crs=LAND.grid.crs)
MAPS: dict[str, Callable[[Any], Any]] = {
    "pairwise": lambda g: pairwise(g, POINTS).current,
    "corridors": lambda g: least_cost_corridors(g, POINTS).mosaic,
    "pinch points": lambda g: pinch_points(g, POINTS, 2000.0),
    "distance": lambda g: cost_distance(g, POINTS),
    "omnidirectional": lambda g: omnidirectional(g, radius=3, strength=GROUND).current,
    "normalised": lambda g: omnidirectional(g, radius=3, normalised=True).normalised,
    "difference": lambda g: omnidirectional_difference(g, GROUND * 2, radius=2).current,
    "wall to wall": lambda g: wall_to_wall(g, sides=("west", "north")).by_direction["north"],
}
TURNS: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "as it is": lambda a: a,
    "south up": lambda a: a.isel(y=slice(None, None, -1)),
    "east first": lambda a: a.isel(x=slice(None, None, -1)),
    "columns first": lambda a: a.transpose("x", "y"),
}


@pytest.mark.parametrize("turn", list(TURNS))
@pytest.mark.parametrize("name", list(MAPS))
def test_a_turned_array_gives_the_same_map_in_place(name: str, turn: str) -> None:
    given = TURNS[turn](GROUND)
    made = MAPS[name](given)
    assert made.dims == given.dims
    assert crs_of(made) == crs_of(GROUND)
    assert np.array_equal(made.x, given.x)
    assert np.array_equal(made.y, given.y)
    back = made.transpose("y", "x").sortby("y", ascending=False).sortby("x")
    expected = np.asarray(MAPS[name](GROUND))
    np.testing.assert_allclose(back.values, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", list(MAPS))
def test_a_landscape_gives_maps_with_its_place(name: str) -> None:
    made = MAPS[name](LAND.without_barriers() if name != "difference" else GROUND)
    assert isinstance(made, xr.DataArray)
    assert crs_of(made) is not None
    assert np.array_equal(made.x, GROUND.x)


def test_places_of_any_kind_are_the_same_places() -> None:
    cells = [(1, 1), (5, 10)]
    expected = float(pairwise(GROUND, cells).resistance[0, 1])
    for places in (POINTS, POINTS.geometry, XY):
        assert float(pairwise(GROUND, places).resistance[0, 1]) == pytest.approx(expected)
        cost = least_cost_corridors(GROUND, places).table["cost_m"]
        assert cost.tolist() == pytest.approx(
            least_cost_corridors(GROUND, {"a": [cells[0]], "b": [cells[1]]}).table["cost_m"]
        )
    masks = LAND.to_xarray(PATCHES.labels, "labels")
    for turned in (masks, masks.sortby("y")):
        assert pairwise(GROUND, turned).resistance[0, 1] == pairwise(GROUND, PATCHES).resistance[0, 1]


ELSEWHERE = GROUND.assign_coords(x=GROUND.x + 500_000)
OTHER_ZONE = (
    pm.samples.tiny()[0]
    .to_xarray(LAND.resistance, "r")
    .drop_vars("spatial_ref")
    .assign_attrs(crs="EPSG:32651")
)
BAD: dict[str, tuple[str, Callable[[], Any]]] = {
    "strength elsewhere": ("G02", lambda: omnidirectional(GROUND, radius=2, strength=ELSEWHERE)),
    "strength of another zone": ("G02", lambda: omnidirectional(GROUND, radius=2, strength=OTHER_ZONE)),
    "later landscape elsewhere": ("G02", lambda: omnidirectional_difference(GROUND, ELSEWHERE, radius=2)),
    "labels elsewhere": ("G02", lambda: pairwise(GROUND, LAND.to_xarray(PATCHES.labels, "l").assign_coords(x=ELSEWHERE.x))),
    "points of another zone": ("A04", lambda: pairwise(GROUND, POINTS.to_crs(32651))),
    "points of an array without place": ("A04", lambda: pairwise(np.ones((8, 12)), POINTS)),
    "areas as points": ("A04", lambda: pairwise(GROUND, POINTS.set_geometry(POINTS.buffer(100)))),
    "patches of another grid": ("A03", lambda: pairwise(ELSEWHERE, PATCHES)),
    "patches of another grid, corridors": ("A03", lambda: least_cost_corridors(ELSEWHERE, PATCHES)),
    "patches of another grid, distance": ("A03", lambda: cost_distance(ELSEWHERE, PATCHES)),
    "a file name": ("A01", lambda: omnidirectional("resistance.tif", radius=2)),
    "a file name, wall to wall": ("A01", lambda: wall_to_wall("resistance.tif")),
    "a Dataset": ("A01", lambda: wall_to_wall(GROUND.to_dataset(name="r"))),
    "a table": ("A01", lambda: pairwise(POINTS, POINTS)),
    "nothing": ("D04", lambda: cost_distance(GROUND, None)),
    "an array for a landscape": ("A05", lambda: pm.connectivity(GROUND, PATCHES)),
    "a table for patches": ("A05", lambda: pm.barrier_impact(LAND, POINTS)),
    "an array for a landscape, candidates": ("A05", lambda: pm.candidates(GROUND, "F")),
    "an array for a landscape, ranking": ("A05", lambda: pm.rank(GROUND, PATCHES, [])),
    "a word for a scenario": ("A05", lambda: pm.compare(LAND, PATCHES, "open")),
    "a table for a range": ("A06", lambda: pm.barrier_impact(LAND, PATCHES, POINTS)),
    "a range of another shape": ("A06", lambda: pm.barrier_impact(LAND, PATCHES, np.ones((2, 2), bool))),
    "a range elsewhere": ("G02", lambda: pm.barrier_impact(LAND, PATCHES, ELSEWHERE > 0)),
}  # fmt: skip


@pytest.mark.parametrize("what", list(BAD))
def test_what_lies_elsewhere_or_is_something_else_is_refused(what: str) -> None:
    code, run = BAD[what]
    with pytest.raises(PermeabilityError) as caught:
        run()
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_range_that_is_upside_down_is_turned() -> None:
    inside = LAND.to_xarray(np.arange(8)[:, None] * np.ones(12) < 3, "range")
    one = pm.barrier_impact(LAND, PATCHES, inside).today.values
    two = pm.barrier_impact(LAND, PATCHES, inside.sortby("y")).today.values
    assert one == two
    assert one["range_cut_off_km2"] < pm.barrier_impact(LAND, PATCHES).today.values["range_cut_off_km2"]
