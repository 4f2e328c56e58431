"""Exchange rasters: tolerant layout, strict content, round trips, alignment, points on edges."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rasterio.crs import CRS

from permeability.core.errors import InteropError
from permeability.layers.exchange_grids import (
    RasterFile,
    cells_of_points,
    differences,
    is_raster,
    read_raster,
    write_ascii_grid,
    write_geotiff,
)

HEADER = "ncols 3\nnrows 2\nxllcorner 10\nyllcorner 20\ncellsize 5\nNODATA_value -9999\n"


def grid(values: np.ndarray, size: float = 5.0, xll: float = 10.0, yll: float = 20.0) -> RasterFile:
    top = yll + values.shape[0] * size
    return RasterFile(values, size, xll, yll, -9999.0, None, Affine(size, 0, xll, 0, -size, top))


def write(tmp_path: Path, text: str, name: str = "a.asc") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "1 2 3\n4 -9999 6\n",
        HEADER.upper() + "1\t2\t3\t\t\n4\t-9999\t6\t\t",
        HEADER.replace("\n", " \t\r\n") + "1 2\n3 4\n-9999\n6",
        "\ufeff" + HEADER + "1 2 3 4 -9999 6",
        HEADER.replace("xllcorner 10", "xllcenter 12.5").replace("yllcorner 20", "yllcenter 22.5")
        + "1 2 3 4 nan 6",
        HEADER.replace("cellsize 5", "dx 5\ndy 5") + "1 2 3 4 -9999 6",
        HEADER.replace("NODATA_value -9999\n", "") + "1 2 3\n4 -9999 6\n",
        HEADER.replace("-9999", "-3.4028234663852886e+38") + "1 2 3 4 -3.40282e+38 6",
    ],
)
def test_one_grid_in_many_layouts(text: str, tmp_path: Path) -> None:
    found = read_raster(write(tmp_path, text))
    np.testing.assert_array_equal(found.values, [[1, 2, 3], [4, np.nan, 6]])
    assert (found.cell_size, found.xll, found.yll) == (5, 10, 20)
    assert found.transform == Affine(5, 0, 10, 0, -5, 30)
    assert found.crs is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "1 2 3 4 5", "2 rows x 3 columns = 6 values and holds 5"),
        (HEADER + "1 2 3 4 5 6 7", "holds 7"),
        (HEADER + "1 2 3 4,5 5 6", "'4,5' where a number is expected"),
        (HEADER.replace("cellsize", "cellsze") + "1 2 3 4 5 6", "did you mean 'cellsize'"),
        (HEADER.replace("ncols 3\n", "") + "1 2 3 4 5 6", "ncols is missing"),
        (HEADER.replace("ncols 3", "ncols 2.5") + "1 2 3 4 5 6", r"ncols is 2\.5"),
        (HEADER.replace("xllcorner 10\n", "") + "1 2 3 4 5 6", "xllcorner is missing"),
        (HEADER.replace("cellsize 5", "dx 5\ndy 4") + "1 2 3 4 5 6", "must be square"),
        (HEADER.replace("cellsize 5", "cellsize five") + "1 2 3 4 5 6", "'five' is not a number"),
        (HEADER.replace("cellsize 5", "cellsize 0") + "1 2 3 4 5 6", "cellsize is 0"),
        ("1 2 3\n4 5 6\n", "ncols is missing"),
    ],
)
def test_content_that_is_no_grid_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InteropError, match=rf"\[X06\](?s:.*){message}"):
        read_raster(write(tmp_path, text))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match=r"\[X04\].*nowhere\.asc' does not exist"):
        read_raster(tmp_path / "nowhere.asc")


@settings(max_examples=25, deadline=None)
@given(
    arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-9000, 1e9).map(lambda v: float(f"{v:.10g}")) | st.just(float("nan")),
    ),
    st.sampled_from([".asc", ".asc.gz", ".tif"]),
)
def test_round_trip(values: np.ndarray, suffix: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        like = grid(values, 0.1, -3.25, 7.5)
        (write_geotiff if suffix == ".tif" else write_ascii_grid)(path, values, like)
        found = read_raster(path)
    np.testing.assert_array_equal(found.values, values)
    assert not differences(found, like)


def test_ascii_grid_has_the_format_of_circuitscape(tmp_path: Path) -> None:
    path = write_ascii_grid(
        tmp_path / "a.asc", [[1.0, np.nan], [1 / 3, 0.0]], grid(np.zeros((2, 2)), 1.0, 1.0, 1.0)
    )
    assert path.read_text() == (
        "ncols         2\nnrows         2\nxllcorner     1.0\nyllcorner     1.0\ncellsize      1.0\n"
        "NODATA_value  -9999\n1 -9999 \n0.3333333333 0 \n"
    )


def test_gzip_is_told_from_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.asc"
    path.write_bytes(gzip.compress((HEADER + "1 2 3 4 5 6").encode()))
    assert read_raster(path).values[1, 2] == 6
    assert is_raster(path)
    assert not is_raster(write(tmp_path, "1 2.5 3.5\n", "points.txt"))


def test_prj_beside_the_grid_gives_the_crs(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1 2 3 4 5 6")
    (tmp_path / "a.prj").write_text(CRS.from_epsg(32648).to_wkt(version="WKT1_ESRI"), encoding="utf-8")
    assert read_raster(path).crs == CRS.from_epsg(32648)
    (tmp_path / "a.prj").write_text("Projection UTM\nZone 48\nDatum WGS84\n", encoding="utf-8")
    assert read_raster(path).crs is None


def test_geotiff_keeps_crs_and_refuses_rotation_bands_and_oblong_cells(tmp_path: Path) -> None:
    like = replace(grid(np.ones((2, 3))), crs=CRS.from_epsg(32648))
    assert read_raster(write_geotiff(tmp_path / "a.tif", like.values, like)).crs == CRS.from_epsg(32648)
    for name, transform, count, message in (
        ("rotated", Affine.rotation(10), 1, "rotated"),
        ("south_up", Affine(2, 0, 0, 0, 2, 0), 1, "mirrored"),
        ("oblong", Affine(2, 0, 0, 0, -3, 0), 1, "2 x 3"),
        ("bands", Affine(2, 0, 0, 0, -2, 0), 2, "2 bands"),
    ):
        with rasterio.open(
            tmp_path / name,
            "w",
            driver="GTiff",
            width=3,
            height=2,
            count=count,
            dtype="uint8",
            transform=transform,
        ) as target:
            target.write(np.ones((count, 2, 3), np.uint8))
        with pytest.raises(InteropError, match=message):
            read_raster(tmp_path / name)


def test_geotiff_compressed_or_without_georeference(tmp_path: Path) -> None:
    like = grid(np.arange(6.0).reshape(2, 3))
    plain = write_geotiff(tmp_path / "a.tif", like.values, like)
    (tmp_path / "a.tif.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert is_raster(tmp_path / "a.tif.gz")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif.gz").values, like.values)
    bare = write_geotiff(tmp_path / "b.tif", like.values, replace(like, transform=Affine.identity()))
    found = read_raster(bare)
    assert (found.cell_size, found.xll, found.yll) == (1, 0, 0)
    np.testing.assert_array_equal(found.values, like.values)
    (tmp_path / "c.tif").write_bytes(plain.read_bytes()[:200])
    with pytest.raises(InteropError, match=r"\[X06\].*c\.tif' cannot be read"):
        read_raster(tmp_path / "c.tif")


def test_every_difference_is_listed() -> None:
    base = grid(np.ones((2, 3)))
    other = replace(grid(np.ones((3, 3)), 5.5, 12.5, 20.0), crs=CRS.from_epsg(32649))
    found = differences(other, replace(base, crs=CRS.from_epsg(32648)))
    assert set(found) == {"rows x columns", "cell size", "xllcorner", "coordinate system"}
    assert "+0.5 cells" in found["xllcorner"]
    assert not differences(replace(base, xll=10.0 + 4e-3), base)


def test_points_on_cell_edges_belong_to_the_left_and_upper_cell() -> None:
    like = grid(np.ones((2, 3)))  # x 10..25, y 20..30
    row, col, inside = cells_of_points(
        [15.0, 25.0, 12.0, 12.0, 10.0, 25.1], [25.0, 22.0, 20.0, 30.0, 22.0, 22.0], like
    )
    np.testing.assert_array_equal(inside, [True, True, True, False, False, False])
    assert list(zip(row[:3].tolist(), col[:3].tolist(), strict=True)) == [(0, 0), (1, 2), (1, 0)]


@pytest.mark.parametrize("word", ["nan", "NaN", "-nan"])
def test_a_first_cell_without_a_number_is_no_word_of_the_header(tmp_path: Path, word: str) -> None:
    found = read_raster(write(tmp_path, HEADER + f"{word} 2 3\n4 -9999 6\n"))
    assert np.isnan(found.values).tolist() == [[True, False, False], [False, True, False]]
    assert np.nansum(found.values) == 15


@pytest.mark.parametrize("nodata", [np.nan, -9999.0, None])
def test_a_geotiff_has_no_value_where_its_mask_says_so(tmp_path: Path, nodata: float | None) -> None:
    values = np.array([[1.0, np.nan, 3.0], [-9999.0, np.inf, 6.0]], np.float32)
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 3, "height": 2, "nodata": nodata}
    with rasterio.open(path, "w", transform=Affine(5, 0, 10, 0, -5, 30), **profile) as target:
        target.write(values, 1)
    with rasterio.open(path) as source:
        band = source.read(1, masked=True)
    expected = np.where(np.ma.getmaskarray(band), np.nan, band.data.astype(float))
    np.testing.assert_array_equal(read_raster(path).values, expected)
