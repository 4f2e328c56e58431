"""What the numbers of a band mean: scale, offset, nodata, masks, codes, pictures; warping in pieces equals warping whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.enums import ColorInterp, Resampling
from rasterio.warp import reproject

import permeability as pm
from permeability.core.errors import GridMismatchError, LayerError
from permeability.layers import warping
from permeability.layers.bands import sample_values
from permeability.layers.rasters import RESAMPLING, raster_grid, raw_raster, read_raster, reading_bytes

CRS = "EPSG:32648"


def write(
    path: Path,
    values: np.ndarray,
    *,
    crs: str = CRS,
    corner: tuple[float, float] = (0.0, 8000.0),
    cell: float = 1000.0,
    **profile: Any,
) -> Path:
    bands = values if values.ndim == 3 else values[None]
    count, rows, cols = bands.shape
    place = Affine(cell, 0.0, corner[0], 0.0, -cell, corner[1])
    facts = {k: profile.pop(k) for k in ("scales", "offsets", "colours") if k in profile}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=bands.dtype,
        count=count,
        height=rows,
        width=cols,
        crs=crs,
        transform=place,
        **profile,
    ) as target:
        target.write(bands)
        if "colours" in facts:
            target.write_colormap(1, facts["colours"])
        if "scales" in facts:
            target.scales, target.offsets = facts["scales"], facts["offsets"]
    return path


GRID = pm.Grid.from_bounds((0, 0, 12_000, 8_000), cell_size=1000, crs=CRS)


@given(
    st.sampled_from([0.1, 0.001, 2.0, 1.0]), st.sampled_from([0.0, 0.5, -100.0]), st.integers(0, 2**32 - 1)
)
@settings(max_examples=15, deadline=None)
def test_value_is_stored_times_scale_plus_offset_and_nodata_is_compared_as_stored(
    tmp_path_factory: Any, scale: float, offset: float, seed: int
) -> None:
    stored = np.random.default_rng(seed).integers(1, 300, GRID.shape).astype("int16")
    stored[2, 3] = 25
    path = write(
        tmp_path_factory.mktemp("s") / "r.tif", stored, nodata=25, scales=(scale,), offsets=(offset,)
    )
    expected = np.where(stored == 25, np.nan, stored * scale + offset)
    for values in (
        read_raster(path, GRID)[0],
        raw_raster(path, layer="r")[0],
        read_raster(path, GRID, resampling="nearest")[0],
    ):
        np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("resampling", RESAMPLING)
@pytest.mark.parametrize("crs", [CRS, "EPSG:32649", "EPSG:4326"])
def test_warping_in_pieces_equals_warping_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resampling: str, crs: str
) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(1, 9, (240, 300)).astype("float32")
    values[rng.random(values.shape) < 0.1] = -1
    if crs == "EPSG:4326":
        grid = pm.Grid.from_bounds((500_000, 4_980_000, 540_000, 5_010_000), cell_size=1000, crs=CRS)
        path = write(tmp_path / "r.tif", values, crs=crs, corner=(104.9, 45.4), cell=0.0025, nodata=-1)
    else:
        x, y = Transformer.from_crs(CRS, crs, always_xy=True).transform(0.0, 8000.0)
        corner = (x - 500 * (crs != CRS), y)
        grid, path = GRID, write(tmp_path / "r.tif", values, crs=crs, corner=corner, cell=50.0, nodata=-1)
    whole = np.full(grid.shape, np.nan)
    with rasterio.open(path) as source:
        reproject(
            np.where(values == -1, np.nan, values).astype(float), whole, src_transform=source.transform, src_crs=source.crs,
            dst_transform=grid.transform, dst_crs=grid.crs.to_wkt(), src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling[resampling],
        )  # fmt: skip
    np.testing.assert_allclose(read_raster(path, grid, resampling=resampling)[0], whole, rtol=1e-6)
    monkeypatch.setattr(warping, "MOST_CELLS", 1500)
    pieces = read_raster(path, grid, resampling=resampling)[0]
    assert (np.isnan(pieces) == np.isnan(whole)).mean() > (0.999 if crs == CRS else 0.98)
    both = np.isfinite(pieces) & np.isfinite(whole)
    close = np.isclose(pieces[both], whole[both], rtol=0.02)
    assert (
        close.mean() > (1 if crs == CRS else 0.95) - 1e-9
    )  # GDAL finds source cells by interpolation in another CRS


def test_masks_and_alpha_are_no_value(tmp_path: Path) -> None:
    values = np.full(GRID.shape, 7, "uint8")
    path = write(tmp_path / "r.tif", values)
    with rasterio.open(path, "r+") as target:
        mask = np.full(GRID.shape, 255, "uint8")
        mask[0] = 0
        target.write_mask(mask)
    for how in (None, "nearest", "average"):
        got = read_raster(path, GRID, resampling=how)[0]
        assert np.isnan(got[0]).all()
        assert (got[1:] == 7).all()


@pytest.mark.parametrize(
    "nothing", [float(np.float32(3.4028235e38)), -float(np.float32(3.4028235e38)), 9.969209968386869e36]
)
def test_an_undeclared_nodata_is_refused_and_can_be_said(tmp_path: Path, nothing: float) -> None:
    values = np.ones(GRID.shape, "float32")
    values[0, 0] = nothing
    path = write(tmp_path / "r.tif", values)
    for how in (None, "average"):
        with pytest.raises(LayerError, match=r"L30.*undeclared nodata(.|\n)*nodata = "):
            read_raster(path, GRID, resampling=how)
        got = read_raster(path, GRID, resampling=how, nodata=float(np.float32(nothing)))[0]
        assert np.isnan(got[0, 0])
        assert (got.ravel()[1:] == 1).all()


def test_codes_have_no_mean_and_pictures_no_values(tmp_path: Path) -> None:
    path = write(tmp_path / "r.tif", np.tile(np.array([[4, 6]], "uint8"), (16, 12)), cell=500.0)
    for how in ("average", "bilinear", "cubic", "max", "min"):
        with pytest.raises(LayerError, match=r"L31.*codes have no mean(.|\n)*mode"):
            read_raster(path, GRID, resampling=how, classes=True)
    found = np.unique(read_raster(path, GRID, resampling="mode", classes=True)[0])
    assert set(found[np.isfinite(found)]) <= {4.0, 6.0}
    with pytest.raises(GridMismatchError, match=r'G02(.|\n)*like = (.|\n)*"mode"'):
        read_raster(path, GRID, classes=True)
    picture = write(tmp_path / "p.tif", np.ones((3, *GRID.shape), "uint8"), photometric="RGB")
    with rasterio.open(picture) as source:
        assert source.colorinterp[0] is ColorInterp.red
    with pytest.raises(LayerError, match=r"L32.*picture"):
        read_raster(picture, GRID)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.tif", np.random.default_rng(1).random((500, 500)), cell=10.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LayerError, match=r"L11.*cannot be read"):
        raw_raster(path, layer="r")


def test_memory_of_warping_is_told_and_does_not_grow_with_the_input(tmp_path: Path) -> None:
    told = []
    for cells in (1200, 2400):
        path = write(
            tmp_path / f"{cells}.tif",
            np.ones((cells, cells), "uint8"),
            corner=(0.0, 12_000.0),
            cell=12_000 / cells,
            compress="deflate",
        )
        told.append(reading_bytes(path, GRID, layer="r", resampling="average"))
    assert told[1] < 2.2 * told[0]
    assert told[1] < 100 * 2**20


@given(
    st.floats(-1e5, 1e5),
    st.floats(-1e5, 1e5),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([30.0, 250.0, 1000.0]),
)
@settings(max_examples=100, deadline=None)
def test_bounds_that_are_whole_cells_apart_are_the_grid(
    west: float, south: float, rows: int, cols: int, cell: float
) -> None:
    bounds = (west, south, west + cols * cell, south + rows * cell)
    grid = pm.Grid.from_bounds(bounds, cell_size=cell, crs=CRS)
    assert grid.shape == (rows, cols)
    np.testing.assert_allclose(grid.bounds, bounds, atol=1e-5)
    rounded = pm.Grid.from_bounds(
        (west, south, west + (cols + 0.4) * cell, bounds[3]), cell_size=cell, crs=CRS
    )
    assert rounded.west / cell == pytest.approx(round(rounded.west / cell), abs=1e-6)


def test_a_raster_of_any_corner_gives_the_grid(tmp_path: Path) -> None:
    path = write(tmp_path / "r.tif", np.ones((8, 12)), corner=(137.5, 8212.5))
    own = raster_grid(path, layer="r")
    assert pm.Grid.from_bounds(own.bounds, cell_size=1000, crs=CRS) == own
    assert read_raster(path, own)[0].shape == (8, 12)


def test_a_large_raster_is_looked_at_by_a_regular_sample(tmp_path: Path) -> None:
    values = np.arange(96, dtype="float32").reshape(8, 12)
    values[2, 2] = -9999
    path = write(tmp_path / "a.tif", values, nodata=-9999)
    with rasterio.open(path) as source:
        assert np.array_equal(
            sample_values(source, 1, 96), np.where(values < 0, np.nan, values), equal_nan=True
        )
        few = sample_values(source, 1, 24)
        assert np.array_equal(few, values[1::2, 1::2])
        assert sample_values(source, 1, 6).size <= 6


@pytest.mark.parametrize(
    ("crs", "cell", "west"),
    [("+proj=ortho +lat_0=0 +lon_0=-75 +R=6371000 +units=m", 1000.0, 0.0), (CRS, 1e-3, 1e308)],
    ids=["the face of the earth that is turned away", "a corner beyond all numbers"],
)
def test_a_raster_that_no_place_of_the_grid_lies_on_is_empty_there(
    tmp_path: Path, crs: str, cell: float, west: float
) -> None:
    path = write(tmp_path / "a.tif", np.ones((8, 12), "float32"), crs=crs, corner=(west, 0.0), cell=cell)
    values, told = read_raster(path, GRID, resampling="bilinear")
    assert np.isnan(values).all()
    assert told is not None
    assert told.filled_cells == values.size


@pytest.mark.parametrize("resampling", [None, "bilinear"])
def test_cells_without_ground_under_them_are_refused(tmp_path: Path, resampling: str | None) -> None:
    path = write(tmp_path / "a.tif", np.ones((8, 12), "float32"), cell=1e-305)
    with pytest.raises((LayerError, GridMismatchError)) as caught:
        read_raster(path, GRID, resampling=resampling)
    assert caught.value.code == ("G02" if resampling is None else "L11")


@pytest.mark.parametrize("place", ["beside", "the other side of the earth", "partly"])
def test_a_grid_beside_the_raster_sees_nothing_of_it(tmp_path: Path, place: str) -> None:
    path = write(tmp_path / "a.tif", np.ones((8, 12), "float32"))
    west = {"beside": 5_000_000, "partly": 6_000, "the other side of the earth": 30_000_000}[place]
    grid = pm.Grid.from_bounds((west, 0, west + 12_000, 8_000), cell_size=1000, crs=CRS)
    with rasterio.open(path) as source:
        found = warping.warp_band(source, 1, grid, "bilinear")
        assert (warping.warp_bytes(source, grid, "bilinear") > 0) == (place == "partly")
    assert np.isfinite(found).sum() == (48 if place == "partly" else 0)


def test_a_raster_file_without_bands_has_no_band_1(tmp_path: Path) -> None:
    path, facts = tmp_path / "a.pix", {"count": 0, "width": 3, "height": 2, "dtype": "uint8"}
    with rasterio.Env() as env:
        if "PCIDSK" not in env.drivers():
            pytest.skip("this GDAL writes no file without bands")
    with rasterio.open(path, "w", driver="PCIDSK", **facts):
        pass
    with pytest.raises(LayerError, match=r"(?s)L12.*a\.pix has no band 1") as caught:
        raw_raster(path, layer="heights")
    assert caught.value.details["bands"] == 0
