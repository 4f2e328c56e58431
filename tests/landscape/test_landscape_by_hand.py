"""Landscapes small enough to be counted by hand: which patches clash, what is told of, what is burnt by which barrier."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from permeability.barriers.lines import prepare
from permeability.core.errors import PatchError
from permeability.landscape.closed_areas import closed_area_mask, corner_joints
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import place, try_labels
from permeability.landscape.resistance_raster import burn_resistance
from permeability.layers.grid import Grid
from permeability.species import species

CRS, H, N = "EPSG:32648", 1000.0, 12
GRID = Grid.from_bounds((0, 0, N * H, N * H), cell_size=H, crs=CRS)


def land_of(lines: list[shapely.LineString], neighbours: int = 8, **columns: object) -> Landscape:
    rows = {"id": [f"f{i}" for i in range(len(lines))], "kind": "fence", "fence_class": "stock", **columns}
    table = gpd.GeoDataFrame(rows, geometry=lines, crs=CRS)
    return build(GRID, np.ones(GRID.shape), prepare(table), species("khulan"), neighbours=neighbours)


def test_patches_that_share_cells_are_both_named():
    shapes = [shapely.box(0, 0, 2e3, 2e3), shapely.box(4e3, 0, 6e3, 2e3), shapely.box(5e3, 0, 7e3, 2e3), shapely.box(9e3, 0, 10e3, 2e3)]  # fmt: skip
    table = gpd.GeoDataFrame({"id": list("abcd")}, geometry=shapes, crs=CRS)
    _labels, problems = try_labels(table, GRID, np.ones(GRID.shape, bool), layer="patches")
    assert [(p.code, p.rows) for p in problems] == [("P04", ["c and b"])]


@pytest.mark.parametrize(("width", "told"), [(5, 1), (4, 0)])
def test_pieces_of_ten_cells_and_more_are_told_of(width, told):
    for turned in (False, True):
        valid = np.zeros((4, 2 * width), bool)
        valid[:2, :width] = valid[2:, width:] = True  # two pieces that meet at a corner
        found = corner_joints(valid[:, ::-1] if turned else valid)
        assert found == [(1, width - 1)] * told


def test_a_piece_of_nine_cells_is_not_told_of():
    valid = np.zeros((6, 6), bool)
    valid[:3, :3] = valid[3:, 3:] = True
    assert corner_joints(valid) == []
    valid[0, 3] = True  # one of the two grows to ten, the other stays
    assert corner_joints(valid) == []
    valid[5, 2] = True
    assert corner_joints(valid) == [(2, 2)]


def test_ground_beside_the_corner_makes_it_no_joint():
    valid = np.zeros((6, 6), bool)
    valid[:3, :4] = valid[3:, 2:] = True  # they share an edge
    assert corner_joints(valid) == []


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 4))
def test_barriers_burn_by_themselves(seed, n):
    # what one burns does not depend on the others, in whatever order they stand
    rng = np.random.default_rng(seed)
    lines = [shapely.LineString(rng.uniform(0, N * H, (3, 2))) for _ in range(n)]
    classes = ["stock", "rail_wildlife_friendly"]
    kinds = [classes[i % 2] for i in range(n)]
    together = burn_resistance(land_of(lines, fence_class=kinds)) - 1.0
    alone = [burn_resistance(land_of([line], fence_class=[k])) - 1.0 for line, k in zip(lines, kinds)]
    np.testing.assert_allclose(together, np.sum(alone, axis=0), rtol=1e-12)
    back = burn_resistance(land_of(lines[::-1], fence_class=kinds[::-1])) - 1.0
    np.testing.assert_allclose(back, together, rtol=1e-12)


@pytest.mark.parametrize(("chance", "drawn"), [(0.0, False), (0.3, True), (1.0, False)])
def test_only_fences_that_may_or_may_not_be_there_are_drawn(chance, drawn):
    rail = [shapely.LineString([(6e3, -1e3), (6e3, 13e3)])]
    land = land_of(
        rail, kind="railway", fenced="unknown", fenced_chance=chance, fence_class="rail_barbed_both_sides"
    )
    assert land.fence_chances == ({0: chance} if drawn else {})
    assert set(land.either_way) == set(land.fence_chances)


@pytest.mark.parametrize("neighbours", [4, 8])
@pytest.mark.parametrize("line", [[(-1e3, 6e3), (13e3, 6e3)], [(6e3, -1e3), (6e3, 13e3)]])
def test_a_patch_is_taken_apart_along_rows_and_columns_alike(line, neighbours):
    land = land_of([shapely.LineString(line)], neighbours=neighbours)
    table = gpd.GeoDataFrame({"id": ["p"]}, geometry=[shapely.box(3e3, 3e3, 9e3, 9e3)], crs=CRS)
    patches = place(table, land)
    assert patches.ids == ["p/1", "p/2"]
    assert np.bincount(patches.labels.ravel())[1:].tolist() == [18, 18]


def test_a_landscape_has_the_shape_of_its_grid():
    land = land_of([shapely.LineString([(0, 0), (5e3, 5e3)])], status=["planned"])
    assert (land.shape, land.crs, land.bounds) == (GRID.shape, GRID.crs, GRID.bounds)
    assert land.table["standing"].tolist() == [False]


@pytest.mark.parametrize("cell", [500.0, 2000.0])
def test_the_area_of_a_patch_is_that_of_its_cells(cell):
    grid = Grid.from_bounds((0, 0, 12e3, 12e3), cell_size=cell, crs=CRS)
    land = build(grid, np.ones(grid.shape), prepare(_one_fence()), species("khulan"))
    table = gpd.GeoDataFrame({"id": ["p", "q"]}, geometry=[shapely.box(0, 0, 4e3, 6e3), shapely.box(8e3, 8e3, 12e3, 12e3)], crs=CRS)  # fmt: skip
    assert place(table, land).table["area_km2"].tolist() == [24.0, 16.0]


def _one_fence() -> gpd.GeoDataFrame:
    line = shapely.LineString([(6e3, 7e3), (6e3, 13e3)])
    return gpd.GeoDataFrame(
        {"id": ["f"], "kind": ["fence"], "fence_class": ["stock"]}, geometry=[line], crs=CRS
    )


@pytest.mark.parametrize("turned", [False, True])
def test_a_river_between_two_rows_closes_hardly_more_than_one_of_them(turned):
    # narrower than a cell, along their common edge: one cell for each step across it, and one more at each end
    river = shapely.box(-500, 5_990, 12_500, 6_010)
    river = shapely.box(5_990, -500, 6_010, 12_500) if turned else river
    closed = closed_area_mask(gpd.GeoDataFrame(geometry=[river], crs=CRS), GRID)
    closed = closed.T if turned else closed
    assert (closed[5] | closed[6]).all()
    assert closed.sum() == closed[5:7].sum() <= 14
    assert ndimage.label(~closed, np.ones((3, 3)))[1] == 2


@pytest.mark.parametrize("fenced", ["yes", "mostly", "no"])
def test_a_railway_whose_fences_are_known_is_not_drawn(fenced):
    rail = [shapely.LineString([(6e3, -1e3), (6e3, 13e3)])]
    land = land_of(
        rail, kind="railway", fenced=fenced, fenced_chance=0.3, fence_class="rail_barbed_both_sides"
    )
    assert land.fence_chances == {}


def test_the_lines_that_cross_a_patch_are_named_and_no_others():
    lines = [shapely.LineString([(2e3, -1e3), (2e3, 13e3)]), shapely.LineString([(6e3, -1e3), (6e3, 13e3)]), shapely.LineString([(-1e3, 10e3), (13e3, 10e3)])]  # fmt: skip
    land = land_of(lines)
    table = gpd.GeoDataFrame({"id": ["p"]}, geometry=[shapely.box(3e3, 3e3, 9e3, 9e3)], crs=CRS)
    with pytest.raises(PatchError, match="P14") as caught:
        place(table, land, on_barrier="refuse")
    assert caught.value.rows == ["p"]
    assert caught.value.details["lines"].split(" ")[0] == "f1"
    assert "f0" not in caught.value.details["lines"]
    assert "f2" not in caught.value.details["lines"]


@pytest.mark.parametrize("also", [[False, False], [True, False], [False, True], [True, True]])
def test_rows_that_may_come_are_looked_at_beside_those_that_stand(also):
    lines = [shapely.LineString([(6e3, -1e3), (6e3, 13e3)]), shapely.LineString([(-1e3, 6e3), (13e3, 6e3)])]
    land = land_of(lines, status=["existing", "planned"])
    table = gpd.GeoDataFrame({"id": ["p"]}, geometry=[shapely.box(3e3, 3e3, 9e3, 9e3)], crs=CRS)
    assert len(place(table, land, also=np.array(also)).ids) == (4 if also[1] else 2)


def test_a_layer_without_areas_closes_nothing():
    for shapes in ([], [None], [shapely.Polygon()]):
        assert not closed_area_mask(gpd.GeoDataFrame(geometry=shapes, crs=CRS), GRID).any()
