"""Masks, fill values, scale, units and places of arrays that come in as objects are what they say, at every door."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.arrays import crs_of, plain_values
from permeability.core.errors import GridError, GridMismatchError, OptionError
from permeability.engines.circuit import pairwise
from permeability.engines.circuit.modes import raster_pairwise
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.omnidirectional import omnidirectional
from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.corridors import least_cost_corridors
from permeability.species import species

STORED = hnp.arrays(
    st.sampled_from(["uint8", "int16", "float32", "float64"]), (4, 5), elements=st.integers(0, 9)
)


@given(STORED, st.integers(0, 9), st.sampled_from([1.0, 0.5, 0.1]), st.sampled_from([0.0, 3.0]))
@settings(max_examples=60, deadline=None)
def test_every_way_to_say_no_value_is_understood(
    stored: np.ndarray, fill: int, scale: float, offset: float
) -> None:
    expected = np.where(stored == fill, np.nan, stored.astype(float))
    np.testing.assert_array_equal(plain_values(np.ma.masked_equal(stored, fill)), expected)
    for key in ("_FillValue", "missing_value", "nodata"):
        np.testing.assert_array_equal(
            plain_values(xr.DataArray(stored, attrs={key: stored.dtype.type(fill)})), expected
        )
    packed = xr.DataArray(
        stored[None],
        dims=("band", "y", "x"),
        attrs={"_FillValue": fill, "scale_factor": scale, "add_offset": offset},
    )
    np.testing.assert_allclose(plain_values(packed), expected * scale + offset)
    decoded = xr.DataArray(expected)
    decoded.encoding = {"_FillValue": fill, "scale_factor": scale}  # xarray has applied them already
    np.testing.assert_array_equal(plain_values(decoded), expected)


def lake() -> tuple[np.ndarray, np.ndarray]:
    stored = np.ones((3, 7), np.uint8)
    stored[:, 3] = 255
    labels = np.ma.masked_equal(np.full((3, 7), 255, np.uint8), 255)
    labels[1, 0], labels[1, 6] = 1, 2
    return stored, labels


@pytest.mark.parametrize("form", ["masked", "fill"])
def test_a_masked_lake_is_no_ground_in_any_engine(form: str) -> None:
    stored, labels = lake()
    ground: Any = (
        np.ma.masked_equal(stored, 255)
        if form == "masked"
        else xr.DataArray(stored, dims=("y", "x"), attrs={"_FillValue": 255})
    )
    truth = np.where(stored == 255, np.nan, stored.astype(float))
    assert np.isinf(cost_distance(ground, [(1, 0)])[1, 6])
    found = pairwise(ground, labels)
    assert np.isinf(found.resistance[0, 1])
    assert found.ids.tolist() == [1, 2]
    focal = raster_pairwise(ground, labels)
    assert focal.ids.tolist() == [1, 2]
    assert not 0 < focal.resistance[0, 1] < np.inf
    np.testing.assert_array_equal(
        omnidirectional(ground, radius=2).current, omnidirectional(truth, radius=2).current
    )
    np.testing.assert_array_equal(
        np.asarray(wall_to_wall(ground).current), np.asarray(wall_to_wall(truth).current)
    )


DEGREES = (
    xr.DataArray(np.ones((3, 4)), {"lat": [46.0, 45, 44], "lon": [100.0, 101, 102, 103]}, ("lat", "lon")),
    xr.DataArray(np.ones((3, 4)), {"y": ("y", [46.0, 45, 44], {"units": "degrees_north"}), "x": [100.0, 101, 102, 103]}, ("y", "x")),
    xr.DataArray(np.ones((3, 4)), {"y": [46.0, 45.5, 45], "x": [100.0, 100.5, 101, 101.5]}, ("y", "x")),
    xr.DataArray(np.ones((3, 4)), {"y": [46.0, 45, 44], "x": [100.0, 101, 102, 103]}, ("y", "x"), attrs={"crs": "EPSG:4326"}),
    xr.DataArray(np.ones((3, 4)), {"y": ("y", [3.0, 2, 1], {"units": "km"}), "x": ("x", [1.0, 2, 3, 4], {"units": "km"})}, ("y", "x")),
    xr.DataArray(np.ones((3, 4)), {"y": [3000.0, 2000, 1000], "x": [1000.0, 2000, 3000, 4000]}, ("y", "x"), attrs={"crs": "EPSG:2263"}),
)  # fmt: skip


@pytest.mark.parametrize("array", DEGREES)
def test_coordinates_that_are_no_metres_are_refused_at_every_door(array: xr.DataArray) -> None:
    land, _ = pm.samples.tiny()
    for door in (
        lambda: cost_distance(array, [(0, 0)]),
        lambda: pairwise(array, [(0, 0), (2, 3)]),
        lambda: omnidirectional(array, radius=1),
        lambda: build(land.grid, array, land.barriers, land.profile),
    ):
        with pytest.raises(GridError, match=r"G01(.|\n)*need metres(.|\n)*reproject"):
            door()


def test_a_data_array_is_held_against_the_grid() -> None:
    land, _ = pm.samples.tiny()
    ground = np.ones(land.grid.shape)
    ground[:2] = 10
    array = land.to_xarray(ground, "r")
    assert crs_of(array) is not None
    for turned in (array, array.sortby("y"), array.sortby("x", ascending=False), array.transpose("x", "y")):
        made = build(land.grid, turned, land.barriers, land.profile)
        np.testing.assert_array_equal(made.resistance, ground)
    with pytest.raises(GridMismatchError, match=r"G02(.|\n)*shifted"):
        build(land.grid, array.assign_coords(x=array.x + 500_000), land.barriers, land.profile)
    other = pm.Grid.from_bounds(land.grid.bounds, cell_size=1000, crs=32649)
    with pytest.raises(GridMismatchError, match=r"G02(.|\n)*EPSG:32648"):
        build(other, array, land.barriers, land.profile)


def test_barriers_and_patches_of_another_place_are_refused() -> None:
    land, patches = pm.samples.tiny()
    fences = gpd.GeoDataFrame(
        {"id": ["F"], "kind": ["fence"]}, geometry=[shapely.LineString([(6000, 0), (6000, 8000)])], crs=32649
    )
    with pytest.raises(GridMismatchError, match=r"A02.*EPSG:32649(.|\n)*to_crs"):
        build(land.grid, land.resistance, prepare(fences), species("khulan"))
    grid = pm.Grid.from_bounds((500_000, 0, 512_000, 8_000), cell_size=1000, crs=32648)
    far = build(
        grid, np.ones(grid.shape), prepare(fences.set_crs(32648, allow_override=True)), species("khulan")
    )
    for door in (
        lambda: pm.connectivity(far, patches),
        lambda: pm.barrier_impact(far, patches),
        lambda: pm.compare(far, patches, pm.Scenario("none")),
    ):
        with pytest.raises(GridMismatchError, match=r"A03.*made for another grid"):
            door()


def test_engines_take_a_landscape_and_points_of_the_map_and_give_places_back() -> None:
    land, patches = pm.samples.tiny()
    open_land = land.without_barriers()
    by_land, by_array = pairwise(open_land, patches.labels), pairwise(open_land.resistance, patches.labels)
    np.testing.assert_allclose(by_land.resistance, by_array.resistance)
    assert np.isinf(pairwise(land, patches.labels).resistance[0, 1])  # the fence comes with the landscape
    assert isinstance(by_land.current, xr.DataArray)
    assert crs_of(by_land.current) == crs_of(land.to_xarray(land.resistance, "r"))
    np.testing.assert_array_equal(by_land.current.to_numpy(), by_array.current)
    spot = gpd.GeoDataFrame(
        {"id": ["a", "b"]}, geometry=gpd.points_from_xy([500.0, 11_500.0], [7500.0, 500.0]), crs=land.grid.crs
    )
    cells = cost_distance(open_land, [(0, 0), (7, 11)])
    for sources in (spot, spot.geometry, [(500.0, 7500.0), (11_500.0, 500.0)]):
        np.testing.assert_array_equal(cost_distance(open_land, sources), cells)
    one = cost_distance(open_land, spot.geometry.iloc[0])
    np.testing.assert_array_equal(one, cost_distance(open_land, [(0, 0)]))
    upside_down = land.to_xarray(open_land.resistance, "r").sortby("y")
    np.testing.assert_array_equal(
        cost_distance(upside_down, spot).sortby("y", ascending=False).to_numpy(), cells.to_numpy()
    )
    found = least_cost_corridors(open_land, spot)
    assert found.table["cost_m"].iloc[0] == pytest.approx(float(cost_distance(open_land, [(0, 0)])[7, 11]))


def test_wrong_kinds_are_coded_refusals_with_a_suggestion() -> None:
    land, patches = pm.samples.tiny()
    table = pd.DataFrame({"a": [1.0]})
    with pytest.raises(OptionError, match=r"A01.*a DataFrame is no resistance"):
        cost_distance(table, [(0, 0)])
    with pytest.raises(OptionError, match=r"A01(.|\n)*one of its variables"):
        pairwise(xr.Dataset({"r": (("y", "x"), np.ones((2, 2)))}), [(0, 0), (1, 1)])
    with pytest.raises(OptionError, match=r"A01.*no set of places"):
        least_cost_corridors(land, [(0, 0)])
    with pytest.raises(OptionError, match=r"A04.*areas or lines"):
        cost_distance(land, patches.table)
    with pytest.raises(OptionError, match=r"A04.*no coordinates"):
        cost_distance(land.resistance, patches.table.geometry.centroid)
    with pytest.raises(OptionError, match=r"A04.*another coordinate system"):
        cost_distance(land, patches.table.geometry.centroid.to_crs(32649))
    assert place(patches.table, land).ids == patches.ids


def test_a_masked_yes_is_no_and_a_fill_of_nothing_hides_nothing() -> None:
    asked = np.ma.array([[True, True, False]], mask=[[False, True, True]])
    found = plain_values(asked, name="mask")
    assert found.dtype == bool
    assert found.tolist() == [[True, False, False]]
    for fill in (np.nan, "none"):
        array = xr.DataArray([[1.0, 0.0]], dims=("y", "x"), attrs={"_FillValue": fill})
        assert plain_values(array, name="r").tolist() == [[1.0, 0.0]]
