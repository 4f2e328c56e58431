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
