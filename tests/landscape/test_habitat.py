"""Habitat to resistance: rows of a profile on rasters, derived factors against plain geometry."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.core.errors import LayerError, OptionError
from permeability.landscape.habitat import (
    area_mask,
    class_share,
    distance_km,
    from_factors,
    from_suitability,
    slope_deg,
)
from permeability.layers.grid import Grid
from permeability.species import species

GRID = Grid.from_bounds((0, 0, 12_000, 9_000), cell_size=1000, crs="EPSG:32648")
KHULAN = species("khulan")


def layer(*geometry: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(geometry), crs=GRID.crs)


def test_resistance_is_the_product_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    factors = {"slope_deg": rng.uniform(0, 60, GRID.shape), "town_km": rng.uniform(0, 60, GRID.shape)}
    factors["slope_deg"][0, 0] = np.nan  # no value: the worst slope of the landscape
    mask = rng.random(GRID.shape) < 0.9
    mask[0, 0] = True
    found = from_factors(KHULAN, factors, mask)
    expected = np.where(mask, 1.0, np.nan)
    for row in KHULAN.habitat:
        if row.factor in factors and row.season == "all":
            part = row.multiplier(factors[row.factor], "best")
            part = np.where(np.isnan(factors[row.factor]), np.nanmax(part[mask & np.isfinite(part)]), part)
            expected = expected * np.where(np.isinf(part), np.nan, part)
    np.testing.assert_allclose(found.resistance, expected)
    table = found.factors.set_index("factor")
    assert table.loc["slope_deg", "used"]
    unused = table[~table["used"]]
    assert (unused["why_not"] != "").all()
    assert (table["source"] != "").all()


def test_levels_bracket_the_best_value() -> None:
    factors = {"slope_deg": np.full(GRID.shape, 25.0), "town_km": np.full(GRID.shape, 2.0)}
    mask = np.ones(GRID.shape, bool)
    low, best, high = (
        from_factors(KHULAN, factors, mask, level=w).resistance[0, 0] for w in ("low", "best", "high")
    )
    assert low <= best <= high
    assert low < high
    with pytest.raises(OptionError, match=r"(?s)O01.*'best'"):
        from_factors(KHULAN, factors, mask, level="bets")


def test_suitability_outside_nought_to_one_is_refused() -> None:
    with pytest.raises(LayerError, match=r"(?s)L08.*row 0 column 1 \(1.5\)") as caught:
        from_suitability(np.array([[0.5, 1.5, np.nan]]), layer="hs")
    assert caught.value.layer == "hs"
    values = np.array([[0.0, 1.0, np.nan]])
    np.testing.assert_allclose(from_suitability(values, base=10.0), [[10.0, 1.0, np.nan]])


@settings(deadline=None, max_examples=30)
@given(dip=st.floats(0, 60), azimuth=st.floats(0, 6.28))
def test_the_slope_of_a_plane_is_its_dip(dip: float, azimuth: float) -> None:
    xx, yy = np.meshgrid(GRID.x, GRID.y)
    plane = np.tan(np.deg2rad(dip)) * (np.cos(azimuth) * xx + np.sin(azimuth) * yy)
    np.testing.assert_allclose(slope_deg(plane, GRID), dip, atol=1e-6)


def test_distances_to_points_lines_and_areas() -> None:
    points = shapely.points(*np.meshgrid(GRID.x, GRID.y))
    towns = layer(shapely.Point(300, 700), shapely.MultiPoint([(9000, 9000), (11_900, 100)]))
    np.testing.assert_allclose(distance_km(towns, GRID), shapely.distance(points, towns.union_all()) / 1000)
    wide = layer(shapely.box(3000, 2000, 6000, 5000))
    assert np.abs(distance_km(wide, GRID) - shapely.distance(points, wide.geometry[0]) / 1000).max() <= 0.75
    beside = layer(shapely.box(90_000, 0, 91_000, 1000))  # 78 cells beyond the edge: counts
    assert (
        np.abs(distance_km(beside, GRID) - shapely.distance(points, beside.geometry[0]) / 1000).max() <= 0.75
    )
    assert np.isinf(distance_km(layer(shapely.box(900_000, 0, 901_000, 1000)), GRID)).all()


def test_classes_and_masks() -> None:
    classes = np.array([[1.0, 2.0, np.nan]])
    np.testing.assert_array_equal(class_share(classes, [2, 3]), [[0.0, 1.0, np.nan]])
    inside = area_mask(layer(shapely.box(0, 0, 3000, 2000), None), GRID)
    assert inside.sum() == 6
    assert inside[-2:, :3].all()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_single_row_of_cells_rises_along_itself_only(axis: int) -> None:
    heights = np.array([[0.0, 1000.0, 2000.0, np.nan]])
    shape = heights if axis == 0 else heights.T
    rows, cols = shape.shape
    grid = Grid.from_bounds((0, 0, cols * 1000, rows * 1000), cell_size=1000, crs=GRID.crs)
    found = slope_deg(shape, grid).ravel()
    assert found[:3] == pytest.approx([45.0] * 3)
    assert np.isnan(found[3])
