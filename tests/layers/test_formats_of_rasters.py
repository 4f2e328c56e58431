"""Rasters in the formats that archives hand out are read as the GeoTIFF is; nothing is fetched from the network."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy

import permeability as pm
from permeability.core.errors import LayerError
from permeability.layers.grid import Grid
from permeability.layers.local_only import require_local
from permeability.layers.rasters import read_raster
from permeability.layers.vectors import read_vector
from permeability.layers.whole_files import sha256

GRID = Grid.from_bounds((500_000, 5_000_000, 512_000, 5_008_000), cell_size=1000, crs="EPSG:32648")


@pytest.fixture
def tiff(tmp_path: Path) -> Path:
    values = np.arange(96, dtype="float32").reshape(8, 12) + 1
    values[0, 0] = -9
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=12, height=8, count=1, dtype="float32", crs="EPSG:32648", nodata=-9, transform=GRID.transform
    ) as out:  # fmt: skip
        out.write(values, 1)
    return tmp_path / "a.tif"


@pytest.mark.parametrize(
    ("driver", "name"), [("COG", "c.tif"), ("VRT", "a.vrt"), ("netCDF", "a.nc"), ("Zarr", "a.zarr"), ("HFA", "a.img"), ("AAIGrid", "a.asc")]
)  # fmt: skip
def test_a_copy_in_another_format_holds_the_same(tiff: Path, driver: str, name: str) -> None:
    with rasterio.Env() as env:
        if driver not in env.drivers():
            pytest.skip(f"this GDAL has no {driver}")
    copy(tiff, tiff.with_name(name), driver=driver)
    one, two = (read_raster(p, GRID, layer="r")[0] for p in (tiff, tiff.with_name(name)))
    np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    assert np.isnan(np.asarray(two)[0, 0])
    assert len(sha256(tiff.with_name(name))) == 64


def described(tiff: Path, name: str, source: str) -> Path:
    copy(tiff, tiff.with_name("a.vrt"), driver="VRT")
    text = tiff.with_name("a.vrt").read_text().replace('relativeToVRT="1"', 'relativeToVRT="0"')
    made = tiff.with_name(name)
    made.write_text(text.replace(">a.tif<", f">{source}<"))
    return made


@pytest.mark.parametrize(
    "source",
    ["/vsicurl/http://127.0.0.1:9/a.tif", "http://127.0.0.1:9/a.tif", "/vsizip//vsicurl/http://127.0.0.1:9/a.zip/a.tif",
     "&#47;vsi&#99;url/http:&#47;/127.0.0.1:9/a.tif", "/vsis3/bucket/a.tif", "WMS:127.0.0.1:9"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["far.vrt", "far.tif"])
def test_a_virtual_raster_of_the_network_is_refused(tiff: Path, source: str, name: str) -> None:
    with pytest.raises(LayerError, match=r"L19[\s\S]*reads from the network"):
        read_raster(described(tiff, name, source), GRID, layer="r")


def test_one_that_names_another_is_refused_too_and_a_ring_ends(tiff: Path) -> None:
    described(tiff, "far.vrt", "/vsicurl/http://127.0.0.1:9/a.tif")
    nested = described(tiff, "near.vrt", "far.vrt")
    with pytest.raises(LayerError, match="L19"):
        read_raster(nested, GRID, layer="r")
    require_local(described(tiff, "ring.vrt", "ring.vrt"), layer="r")
    require_local(tiff, layer="r")


def test_a_virtual_vector_of_the_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "far.vrt"
    file.write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/http://127.0.0.1:9/a.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    )
    with pytest.raises(LayerError, match="L19"):
        read_vector(file, layer="fences")


def test_a_project_runs_from_a_zarr_folder(tmp_path: Path) -> None:
    made = Path(pm.samples.tiny_project(str(tmp_path / "p")))
    file = made if made.suffix == ".toml" else made / "project.toml"
    with rasterio.Env() as env:
        if "Zarr" not in env.drivers():
            pytest.skip("this GDAL has no Zarr")
    copy(file.with_name("resistance.tif"), file.with_name("resistance.zarr"), driver="Zarr")
    first = pm.run_project(file).summary
    file.write_text(file.read_text().replace("resistance.tif", "resistance.zarr"))
    second = pm.run_project(file).summary
    one, two = (s["species"]["khulan"]["headline"] for s in (first, second))
    assert repr(one) == repr(two)
    shutil.rmtree(file.with_name("resistance.zarr"))
    assert [f.code for f in pm.check(file) if f.severity == "error"] == ["L01"]


# ---------------------------------------------------------------- files of several variables
def several(path: Path) -> Path:
    """A NetCDF as climate archives hand it out, written by SciPy: two variables on one grid."""
    from scipy.io import netcdf_file

    with netcdf_file(path, "w") as file:
        west, _, _, north = GRID.bounds
        for name, n, at in (
            ("y", 8, north - 500.0 - 1000.0 * np.arange(8)),
            ("x", 12, west + 500.0 + 1000.0 * np.arange(12)),
        ):
            file.createDimension(name, n)
            axis = file.createVariable(name, "d", (name,))
            axis[:], axis.units, axis.standard_name = at, "m", f"projection_{name}_coordinate"
        place = file.createVariable("place", "i", ())
        place.grid_mapping_name, place.spatial_ref = "transverse_mercator", GRID.crs.to_wkt("WKT1_GDAL")
        for name, value in (("snow", 3.0), ("heights", 7.0)):
            held = file.createVariable(name, "f", ("y", "x"))
            held[:], held.grid_mapping = np.full((8, 12), value, "f") + np.arange(8)[:, None], "place"
    return path


def test_a_variable_of_a_file_is_named(tmp_path: Path) -> None:
    with rasterio.Env() as env:
        if "netCDF" not in env.drivers():
            pytest.skip("this GDAL has no netCDF")
    file = several(tmp_path / "both.nc")
    for name, value in (("snow", 3.0), ("heights", 7.0)):
        values = np.asarray(read_raster(file, GRID, layer="r", table=name)[0])
        assert values[:, 0].tolist() == [value + k for k in range(8)]
    with pytest.raises(LayerError, match=r'L18[\s\S]*snow, heights[\s\S]*table = "snow"'):
        read_raster(file, GRID, layer="r")
    with pytest.raises(LayerError, match=r"L04[\s\S]*no variable 'height'[\s\S]*did you mean 'heights'"):
        read_raster(file, GRID, layer="r", table="height")


def test_a_project_names_a_variable(tmp_path: Path) -> None:
    with rasterio.Env() as env:
        if "netCDF" not in env.drivers():
            pytest.skip("this GDAL has no netCDF")
    made = Path(pm.samples.tiny_project(str(tmp_path / "p")))
    file = made if made.suffix == ".toml" else made / "project.toml"
    text = file.read_text().replace("bounds = [0, 0, 12000, 8000]", f"bounds = {list(GRID.bounds)}")
    several(file.with_name("both.nc"))
    lying = 'path = "both.nc"'
    file.write_text(text.replace('path = "resistance.tif"', lying))
    assert "L18" in [f.code for f in pm.check(file) if f.severity == "error"]
    file.write_text(text.replace('path = "resistance.tif"', f'{lying}\ntable = "heights"'))
    project = pm.open_project(file)
    assert project.raster("resistance")[:, 0].tolist() == [7.0 + k for k in range(8)]
    assert not {"L04", "L11", "L18"} & {f.code for f in pm.check(file)}


def test_a_variable_is_not_asked_of_a_plain_raster(tiff: Path) -> None:
    with pytest.raises(LayerError, match=r"L04[\s\S]*take the key table out"):
        read_raster(tiff, GRID, layer="r", table="heights")
