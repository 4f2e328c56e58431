"""The grid: identity, alignment words, refusal of what cannot carry distances, distortion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod

from permeability.core.errors import GridError, GridMismatchError, OptionError
from permeability.layers.arrays_on_grid import on_grid
from permeability.layers.grid import (
    Grid,
    describe_crs,
    geodesic_length_m,
    parse_crs,
    require_metres,
    suggest_crs,
)
from permeability.layers.grid_like import grid_like
from permeability.layers.rasters import write_geotiff

UTM = "EPSG:32648"
MONGOLIA = (87.7, 41.5, 120.0, 52.2)


@given(
    west=st.floats(-1e6, 1e6), south=st.floats(-1e6, 1e6), width=st.floats(1, 1e5), height=st.floats(1, 1e5),
    cell=st.floats(0.5, 5000),
)  # fmt: skip
def test_a_grid_covers_its_bounds_on_whole_multiples(
    west: float, south: float, width: float, height: float, cell: float
) -> None:
    grid = Grid.from_bounds((west, south, west + width, south + height), cell_size=cell, crs=UTM)
    w, s, e, n = grid.bounds
    slack = 1e-6 * cell + 1e-9 * 1e6
    assert w <= west + slack
    assert s <= south + slack
    assert e >= west + width - slack
    assert n >= south + height - slack
    whole = all(abs(n - round(n)) <= 1e-6 for n in (width / cell, height / cell))
    assert whole or grid.west / cell == pytest.approx(round(grid.west / cell), abs=1e-6)
    assert e - w < width + 2.001 * cell


def test_cells_and_coordinates_agree() -> None:
    grid = Grid.from_bounds((0, 0, 5000, 3000), cell_size=1000, crs=UTM)
    assert grid.shape == (3, 5)
    assert grid.size == 15
    assert grid.x.tolist() == [500, 1500, 2500, 3500, 4500]
    assert grid.y.tolist() == [2500, 1500, 500]
    row, col = grid.cells_of([600, 4999, -1], [2400, 1, 500])
    assert row.tolist() == [0, 2, 2]
    assert col.tolist() == [0, 4, -1]
    assert grid.contains(row, col).tolist() == [True, True, False]
    t = grid.transform
    assert (t.c + 0.5 * t.a, t.f + 0.5 * t.e) == (grid.x[0], grid.y[0])
    assert grid.extent == (0, 5000, 0, 3000)
    assert Grid.from_affine(UTM, grid.transform, grid.shape) == grid


def test_differences_are_named_with_metres_and_cells() -> None:
    grid = Grid.from_bounds((0, 0, 5000, 3000), cell_size=1000, crs=UTM)
    other = Grid(CRS.from_epsg(32649), 250.0, 3000.0, 500.0, (4, 5))
    words = " | ".join(grid.differences(other))
    for part in (
        "EPSG:32649 instead of EPSG:32648",
        "500 m instead of 1000 m",
        "+250 m (+0.250 cells)",
        "4 x 5 cells instead of 3 x 5",
    ):
        assert part in words
    with pytest.raises(GridMismatchError, match=r"(?s)G02.*resampling") as caught:
        grid.require_match(other, layer="trees")
    assert caught.value.layer == "trees"
    nearly = Grid(parse_crs(UTM), 0.4, 3000.0, 1000.0, (3, 5))
    grid.require_match(nearly, layer="trees")  # less than a thousandth of a cell


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Grid.from_bounds((100, 40, 101, 41), cell_size=0.1, crs="EPSG:4326"), "G01"),
        (lambda: Grid(parse_crs("EPSG:2263"), 0, 0, 1, (2, 2)), "G01"),  # feet
        (lambda: Grid.from_bounds((0, 0, 1, 1), cell_size=1, crs="EPSG:99999999"), "G03"),
        (lambda: Grid.from_bounds((5, 0, 1, 1), cell_size=1, crs=UTM), "G04"),
        (lambda: Grid.from_bounds((0, 0, 1, 1), cell_size=0, crs=UTM), "G04"),
        (lambda: Grid(parse_crs(UTM), 0, 0, float("nan"), (2, 2)), "G04"),
        (lambda: Grid(parse_crs(UTM), 0, 0, 1.0, (0, 2)), "G04"),
        (lambda: Grid.from_affine(UTM, Affine(1, 0.5, 0, 0, -1, 0), (2, 2)), "G05"),
        (lambda: Grid.from_affine(UTM, Affine(1, 0, 0, 0, 1, 0), (2, 2)), "G05"),
        (lambda: Grid.from_affine(UTM, Affine(1, 0, 0, 0, -2, 0), (2, 2)), "G06"),
        (lambda: Grid.from_affine(None, Affine(1, 0, 0, 0, -1, 0), (2, 2)), "G07"),
        (lambda: Grid.from_affine("EPSG:4326", Affine(0.1, 0, 100, 0, -0.1, 45), (20, 20)), "G01"),
    ],
)  # fmt: skip
def test_grids_that_cannot_carry_distances(make, code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(GridError, match=rf"\[{code}\]") as caught:
        make()
    assert caught.value.remedy


def test_degrees_come_with_a_suggestion() -> None:
    with pytest.raises(GridError, match="G01") as caught:
        require_metres(parse_crs("EPSG:4326"), bounds=MONGOLIA)
    assert 'crs = "+proj=lcc' in caught.value.remedy


def test_a_national_lambert_grid_fits_mongolia_better_than_one_utm_zone() -> None:
    """Distortion by hand: the scale of a projection is a short projected length over its geodesic length."""
    table = suggest_crs(MONGOLIA).set_index("name")
    assert table.index[0] == "Lambert conformal conic"
    zone = next(n for n in table.index if n.startswith("UTM"))
    assert table.loc[zone, "scale_error_pct"] > 3 * table.loc["Lambert conformal conic", "scale_error_pct"]
    assert table.loc["Lambert azimuthal equal-area", "area_error_pct"] < 1e-6
    grid = Grid.from_bounds(
        (-1_330_000, -600_000, 1_260_000, 660_000), cell_size=5000, crs=table["crs"].iloc[0]
    )
    found = grid.distortion()
    worst = 0.0
    for x in np.linspace(-1_330_000, 1_260_000, 9):
        for y in np.linspace(-600_000, 660_000, 9):
            lonlat = geodesic_length_m(shapely.LineString([(x, y), (x + 100, y)]), grid.crs)
            worst = max(worst, abs(100 / lonlat - 1) * 100)
    assert found["scale_error_pct"] == pytest.approx(worst, rel=0.01)
    assert found["scale_error_pct"] < 1.5


def test_geodesic_length_is_that_of_the_ellipsoid() -> None:
    line = shapely.LineString([(106.9, 47.9), (110.1, 44.9)])
    expected = Geod(ellps="WGS84").inv(106.9, 47.9, 110.1, 44.9)[2]
    assert geodesic_length_m(line, CRS.from_epsg(4326)) == pytest.approx(expected, rel=1e-12)


def test_short_names_of_coordinate_systems() -> None:
    assert describe_crs(parse_crs(UTM)) == "EPSG:32648"
    assert "Lambert" in describe_crs(
        parse_crs("+proj=lcc +lat_1=43.5 +lat_2=50.5 +lat_0=46.9 +lon_0=103.8 +datum=WGS84 +units=m")
    )


def test_a_suggested_system_over_the_date_line_is_centred_on_it():
    over, same = suggest_crs((170, 62, -170, 68)), suggest_crs((170, 62, 190, 68))
    assert over.equals(same)
    assert "lon_0=-180" in over["crs"].iloc[0]
    here = suggest_crs((-10, 62, 10, 68))  # an area of the same size elsewhere is distorted alike
    np.testing.assert_allclose(over["scale_error_pct"], here["scale_error_pct"], rtol=0.05)


@pytest.mark.parametrize("bounds", [(100.0, -0.04, 100.1, 0.03), (20.0, -6.0, 26.0, 6.0)])
def test_land_across_the_equator_has_no_conic_and_a_fit(bounds: tuple[float, float, float, float]) -> None:
    table = suggest_crs(bounds)
    assert sorted(n.split()[0] for n in table["name"]) == ["Lambert", "UTM"]
    assert table["scale_error_pct"].iloc[0] < 0.3
    with pytest.raises(GridError, match="G01") as caught:
        require_metres(parse_crs("EPSG:4326"), bounds=bounds)
    assert table["crs"].iloc[0] in caught.value.remedy
    assert "Lambert conformal conic" in set(suggest_crs((20.0, -5.0, 26.0, 6.0))["name"])


def test_what_has_a_grid_gives_it_and_what_has_none_is_refused(tmp_path: Path) -> None:
    grid = Grid.from_bounds((300_000, 5_000_000, 306_000, 5_004_000), cell_size=1000, crs=UTM)
    file = write_geotiff(tmp_path / "r.tif", np.ones(grid.shape), grid)
    assert grid_like(grid) is grid
    assert grid_like(file) == grid_like(str(file)) == grid
    coarse = grid_like(file, cell_size=2000)
    assert (coarse.bounds, coarse.shape) == (grid.bounds, (2, 3))
    y, x = grid.y, grid.x
    held = xr.Dataset({"year": ("t", [2026.0]), "r": (("y", "x"), np.ones(grid.shape))}, {"y": y, "x": x})
    held["r"] = held["r"].rio.write_crs(UTM) if hasattr(held["r"], "rio") else held["r"].assign_attrs(crs=UTM)
    assert grid_like(held) == grid  # of the first variable with cells
    with pytest.raises(OptionError, match=r"(?s)A11.*no variable with cells"):
        grid_like(held[["year"]])
    with pytest.raises(OptionError, match=r"(?s)A11.*a list has no grid"):
        grid_like([1, 2])


def test_an_array_without_coordinates_is_taken_as_it_lies() -> None:
    grid = Grid.from_bounds((300_000, 5_000_000, 302_000, 5_003_000), cell_size=1000, crs=UTM)
    values = np.arange(6.0).reshape(3, 2)
    assert on_grid(xr.DataArray(values, dims=("y", "x")), grid, name="r").tolist() == values.tolist()
    turned = xr.DataArray(values.T, dims=("x", "y"))
    assert on_grid(turned, grid, name="r").tolist() == values.tolist()


def test_a_single_row_is_held_against_the_grid_too() -> None:
    row = Grid.from_bounds((300_000, 5_000_000, 302_000, 5_001_000), cell_size=1000, crs=UTM)
    east_first = xr.DataArray([[2.0, 1.0]], dims=("y", "x"), coords={"y": row.y, "x": row.x[::-1]})
    assert on_grid(east_first, row, name="r").tolist() == [[1.0, 2.0]]
    for far in (
        {"y": row.y + 1000, "x": row.x},
        {"y": row.y, "x": row.x + 500},
        {"y": row.y, "x": row.x * 2},
    ):
        with pytest.raises(GridMismatchError, match=r"\[G02\]"):
            on_grid(xr.DataArray([[1.0, 2.0]], dims=("y", "x"), coords=far), row, name="r")
