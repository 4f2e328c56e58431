"""Files in and out: whole or not at all, byte-stable, nothing warped or filled without being asked."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from permeability.core.errors import GridError, GridMismatchError, LayerError, OptionError
from permeability.layers import rasters, vectors, whole_files
from permeability.layers.grid import Grid

GRID = Grid.from_bounds((300_000, 5_000_000, 306_000, 5_004_000), cell_size=1000, crs="EPSG:32648")


def raster(path: Path, values: np.ndarray, *, transform: Affine | None = None, crs: str | None = "EPSG:32648", nodata: float | None = None, count: int = 1) -> Path:  # fmt: skip
    with rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype, count=count, height=values.shape[0], width=values.shape[1],
        crs=crs, transform=transform or GRID.transform, nodata=nodata,
    ) as out:  # fmt: skip
        for band in range(1, count + 1):
            out.write(values * band, band)
    return path


def points(n: int = 3, crs: str | None = "EPSG:32648") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": [f"p{i}" for i in range(n)], "kind": ["a", "b", "a"][:n]}, geometry=[shapely.Point(i, i) for i in range(n)], crs=crs)  # fmt: skip


# ---------------------------------------------------------------- rasters
def test_a_raster_on_the_grid_is_read_as_it_is(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(4, 6)
    path = raster(tmp_path / "a.tif", values, nodata=5)
    found, done = rasters.read_raster(path, GRID)
    assert done is None
    expected = values.astype(float)
    expected[values == 5] = np.nan
    np.testing.assert_array_equal(found, expected)
    second, _ = rasters.read_raster(raster(tmp_path / "two.tif", values, count=2), GRID, band=2)
    np.testing.assert_array_equal(second, values * 2.0)


def test_a_raster_elsewhere_is_warped_only_on_request(tmp_path: Path) -> None:
    values = np.arange(24, dtype=float).reshape(4, 6)
    shifted = raster(tmp_path / "b.tif", values, transform=Affine(1000, 0, 301_000, 0, -1000, 5_004_000))
    with pytest.raises(GridMismatchError, match=r"(?s)G02.*\+1,000 m \(\+1.000 cells\).*resampling"):
        rasters.read_raster(shifted, GRID, layer="trees")
    found, done = rasters.read_raster(shifted, GRID, resampling="nearest", layer="trees")
    np.testing.assert_array_equal(found[:, 1:], values[:, :-1])
    assert np.isnan(found[:, 0]).all()
    assert done is not None
    assert done.text() == "trees: EPSG:32648, 6 x 4, 1000 warped with nearest; 4 cells without value"


def test_averaging_to_larger_cells_averages(tmp_path: Path) -> None:
    fine = np.random.default_rng(0).random((8, 12))
    path = raster(tmp_path / "fine.tif", fine, transform=Affine(500, 0, 300_000, 0, -500, 5_004_000))
    found, _ = rasters.read_raster(path, GRID, resampling="average")
    np.testing.assert_allclose(found, fine.reshape(4, 2, 6, 2).mean(axis=(1, 3)), rtol=1e-6)


def test_rasters_that_are_refused(tmp_path: Path) -> None:
    values = np.ones((4, 6))
    degrees = raster(
        tmp_path / "deg.tif", values, crs="EPSG:4326", transform=Affine(0.01, 0, 102, 0, -0.01, 45)
    )
    with pytest.raises(GridMismatchError, match=r"(?s)G02.*EPSG:4326.*resampling"):
        rasters.read_raster(degrees, GRID)
    bare = raster(tmp_path / "bare.tif", values, crs=None)
    for resampling in (None, "nearest"):
        with pytest.raises(GridError, match="G07"):
            rasters.read_raster(bare, GRID, resampling=resampling)
    with pytest.raises(OptionError, match=r"(?s)O01.*'nearest'"):
        rasters.read_raster(degrees, GRID, resampling="neares")
    with pytest.raises(LayerError, match=r"(?s)L01.*did you mean 'deg.tif'"):
        rasters.read_raster(tmp_path / "degg.tif", GRID)
    with pytest.raises(LayerError, match=r"(?s)L12.*band 3"):
        rasters.read_raster(degrees, GRID, band=3)
    (tmp_path / "words.tif").write_text("no raster", encoding="utf-8")
    with pytest.raises(LayerError, match="L11"):
        rasters.read_raster(tmp_path / "words.tif", GRID)


def test_a_geotiff_comes_back_and_is_byte_stable(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random((4, 6)).astype(np.float32)
    values[2, 3] = np.nan
    one = rasters.write_geotiff(
        tmp_path / "a.tif", values, GRID, description="current", unit="1", tags={"species": "x"}
    )
    two = rasters.write_geotiff(
        tmp_path / "b.tif", values, GRID, description="current", unit="1", tags={"species": "x"}
    )
    assert one.read_bytes() == two.read_bytes()
    found, _ = rasters.read_raster(one, GRID)
    np.testing.assert_array_equal(found, values.astype(float))
    with rasterio.open(one) as source:
        assert source.descriptions == ("current",)
        assert source.tags()["species"] == "x"
        assert np.isnan(source.nodata)


def test_large_rasters_have_overviews_that_are_means_of_cells_with_a_value(tmp_path: Path) -> None:
    grid = Grid.from_bounds((0, 0, 600_000, 40_000), cell_size=1000, crs=32648)
    values = np.random.default_rng(2).random(grid.shape)
    values[:5] = np.nan
    one = rasters.write_geotiff(tmp_path / "a.tif", values, grid)
    assert one.read_bytes() == rasters.write_geotiff(tmp_path / "b.tif", values, grid).read_bytes()
    with rasterio.open(one) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.overviews(1) == [2]
        np.testing.assert_array_equal(source.read(1), values.astype(np.float32))
    with rasterio.open(one, overview_level=0) as coarse:
        pairs = values.astype(np.float32).reshape(20, 2, 300, 2)
        np.testing.assert_allclose(coarse.read(1)[2:], np.nanmean(pairs[2:], axis=(1, 3)), rtol=1e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "b.tif"]


# ---------------------------------------------------------------- vectors
def test_vectors_are_read_filtered_and_moved(tmp_path: Path) -> None:
    path = tmp_path / "v.gpkg"
    points().to_file(path, layer="marks", driver="GPKG")
    assert vectors.read_vector(path, "marks")["id"].tolist() == ["p0", "p1", "p2"]
    assert vectors.read_vector(path, "marks", where={"kind": "a"})["id"].tolist() == ["p0", "p2"]
    assert vectors.read_vector(path, "marks", where={"kind": ["b"], "id": ["p1"]})["id"].tolist() == ["p1"]
    moved = vectors.read_vector(path, "marks", crs="EPSG:4326")
    assert moved.crs == "EPSG:4326"
    np.testing.assert_allclose(
        shapely.get_coordinates(moved.to_crs("EPSG:32648").geometry), [[0, 0], [1, 1], [2, 2]], atol=1e-3
    )


@pytest.mark.parametrize(
    ("table", "where", "code", "words"),
    [
        ("markz", {}, "L04", "did you mean 'marks'"),
        ("marks", {"kin": "a"}, "L04", "did you mean 'kind'"),
        ("marks", {"kind": "zebra"}, "L03", "in kind        a, b"),
    ],
)
def test_vectors_that_are_refused(
    tmp_path: Path, table: str, where: dict[str, str], code: str, words: str
) -> None:
    path = tmp_path / "v.gpkg"
    points().to_file(path, layer="marks", driver="GPKG")
    with pytest.raises(LayerError, match=rf"\[{code}\]") as caught:
        vectors.read_vector(path, table, where=where)
    assert words in str(caught.value)


def test_vectors_without_place_are_refused(tmp_path: Path) -> None:
    points().to_file(tmp_path / "bare.shp")
    (tmp_path / "bare.prj").unlink()
    with pytest.raises(LayerError, match="L02") as caught:
        vectors.read_vector(tmp_path / "bare.shp")
    assert caught.value.rows == ["all 3"]
    pd.DataFrame({"id": [1]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(LayerError, match="L06"):
        vectors.read_vector(tmp_path / "t.csv")
    (tmp_path / "junk.gpkg").write_bytes(b"junk")
    with pytest.raises(LayerError, match="L11"):
        vectors.read_vector(tmp_path / "junk.gpkg")
    with pytest.raises(LayerError, match="L01"):
        vectors.read_vector(tmp_path / "absent.gpkg")


def test_a_geopackage_comes_back_and_is_byte_stable(tmp_path: Path) -> None:
    tables = {"marks": points(), "more": points(2)}
    one, two = (vectors.write_gpkg(tmp_path / f"{n}.gpkg", tables) for n in "ab")
    assert one.read_bytes() == two.read_bytes()
    for name, table in tables.items():
        found = vectors.read_vector(one, name)
        assert found["id"].tolist() == table["id"].tolist()
        assert found.crs == table.crs


# ---------------------------------------------------------------- whole files and JSON
def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"

    def fails() -> None:
        with whole_files.whole_file(target) as aside:
            aside.write_text("half", encoding="utf-8")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fails()
    assert list(target.parent.iterdir()) == []
    whole_files.write_text(target, "one\n")
    with pytest.raises(RuntimeError, match="stop"):
        fails()
    assert target.read_text(encoding="utf-8") == "one\n"
    assert list(target.parent.iterdir()) == [target]


@given(st.recursive(st.none() | st.booleans() | st.integers(-10**9, 10**9) | st.floats(allow_nan=True) | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_json_is_strict_sorted_and_stable(value: object) -> None:
    text = whole_files.json_text({"value": value})
    again = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert whole_files.json_text(again) == text
    assert json.dumps(again, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n" == text


def test_csv_keeps_ten_digits_and_says_inf(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1 / 3, np.inf, np.nan]})
    assert (
        whole_files.write_csv(tmp_path / "t.csv", table).read_text(encoding="utf-8")
        == 'a\n0.3333333333\ninf\n""\n'
    )


def test_hash_is_that_of_the_file(tmp_path: Path) -> None:
    path = whole_files.write_text(tmp_path / "a", "abc")
    assert whole_files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
