"""Patches on the grid: which cells they take, and what is refused."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.core.errors import PatchError
from permeability.landscape.patches import cells_of_geometry, label_raster, try_labels
from permeability.layers.grid import Grid

GRID = Grid.from_bounds((0, 0, 10_000, 8_000), cell_size=1000, crs="EPSG:32648")
ALL = np.ones(GRID.shape, bool)


def table(*geometry: shapely.Geometry, ids: list[str] | None = None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"id": ids or [f"p{i}" for i in range(len(geometry))]}, geometry=list(geometry), crs=GRID.crs
    )


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_a_polygon_takes_the_cells_whose_centre_it_holds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygon = shapely.convex_hull(shapely.MultiPoint(rng.uniform(-1000, 11_000, (6, 2))))
    centres = shapely.points(*np.meshgrid(GRID.x, GRID.y))
    expected = shapely.contains(polygon, centres)
    if expected.any():
        np.testing.assert_array_equal(cells_of_geometry(polygon, GRID), expected)


def test_small_polygons_and_points_take_one_cell() -> None:
    for geometry in (shapely.box(2100, 2100, 2300, 2300), shapely.Point(2100, 2100)):
        cells = cells_of_geometry(geometry, GRID)
        assert np.argwhere(cells).tolist() == [[5, 2]]
    two = shapely.MultiPoint([(100, 100), (9900, 7900)])
    assert np.argwhere(cells_of_geometry(two, GRID)).tolist() == [[0, 9], [7, 0]]


def test_labels_follow_the_table() -> None:
    labels = label_raster(table(shapely.box(0, 0, 2000, 2000), shapely.Point(9500, 500)), GRID, ALL)
    assert np.bincount(labels.ravel()).tolist() == [75, 4, 1]
    moved = table(shapely.box(0, 0, 2000, 2000)).to_crs("EPSG:4326")
    assert (label_raster(moved, GRID, ALL) > 0).sum() == 4
    with pytest.raises(ValueError, match="read-only"):
        labels[0, 0] = 3


def test_every_problem_of_a_layer_is_found_at_once() -> None:
    valid = ALL.copy()
    valid[:, 8:] = False
    spots = table(
        shapely.box(0, 0, 2000, 2000), shapely.box(50_000, 0, 52_000, 2000), shapely.box(8000, 0, 10_000, 2000),
        shapely.box(1000, 0, 3000, 2000), shapely.box(4000, 4000, 5000, 5000), ids=["a", "far", "bare", "over", "a"],
    )  # fmt: skip
    labels, problems = try_labels(spots, GRID, valid, layer="cores")
    found = {p.code: p.rows for p in problems}
    assert found == {
        "P03": ["row 0 (a)", "row 4 (a)"],
        "P01": ["far"],
        "P02": ["bare"],
        "P04": ["over and a"],
    }
    assert all(p.layer == "cores" and p.remedy for p in problems)
    assert set(np.unique(labels)) == {0, 1, 4, 5}
    with pytest.raises(PatchError, match="P03"):
        label_raster(spots, GRID, valid)


@pytest.mark.parametrize(
    ("spots", "code"),
    [
        (table(shapely.Point(0, 0)).rename(columns={"id": "name"}), "P06"),
        (table(shapely.Polygon()), "P01"),
        (table(None), "P01"),
        (table(shapely.Point(-5, 5)), "P01"),
    ],
)
def test_patches_that_are_refused(spots: gpd.GeoDataFrame, code: str) -> None:
    with pytest.raises(PatchError, match=code):
        label_raster(spots, GRID, ALL)


def test_a_patch_without_an_id_is_refused_and_nothing_is_guessed() -> None:
    spots = table(
        shapely.Point(500, 500), shapely.Point(2500, 500), shapely.Point(4500, 500), ids=["a", "x", " "]
    )
    spots.loc[1, "id"] = None
    labels, (problem,) = try_labels(spots, GRID, ALL, layer="cores")
    assert not labels.any()
    assert (problem.code, problem.rows) == ("P06", ["row 2", "row 3"])
    assert "number_ids" in problem.remedy
