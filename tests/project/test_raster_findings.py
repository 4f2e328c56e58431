"""What `check` says of the rasters of a project, and what cells without a value count as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

import permeability as pm
from permeability.core.errors import LayerError
from permeability.landscape.habitat import check_elevation, from_factors, slope_deg
from permeability.species import species


def project(tmp_path: Path, tail: str, layer: str = "") -> Path:
    """The tiny project with factors instead of a resistance raster."""
    path = pm.samples.tiny_project(tmp_path / "tiny")
    text = path.read_text(encoding="utf-8").replace('[habitat]\nresistance = "resistance"\n', "")
    text = text.replace(
        '[layers.resistance]\npath = "resistance.tif"', f'[layers.ground]\npath = "ground.tif"\n{layer}'
    )
    path.write_text(text + tail, encoding="utf-8")
    return path


def ground(
    path: Path, values: np.ndarray, unit: str = "", nodata: float | None = np.nan, bands: int = 1
) -> None:
    with rasterio.open(
        path.with_name("ground.tif"), "w", driver="GTiff", dtype="float32", count=bands, height=8, width=12, crs="EPSG:32648",
        transform=Affine(1000, 0, 0, 0, -1000, 8000), nodata=nodata,
    ) as target:  # fmt: skip
        for band in range(1, bands + 1):
            target.write(values.astype("float32"), band)
        target.set_band_unit(1, unit)


SLOPE = '\n[factors.slope_deg]\nderive = "slope"\nlayers = ["ground"]\n'
RIDGE = np.tile(np.array([0, 0, 0, 0, 0, 1500, 0, 0, 0, 0, 0, 0], float), (8, 1)) + 1000


def codes(path: Path) -> dict[str, str]:
    return {f.code: f.text() for f in pm.check(path)}


@pytest.mark.parametrize("rule", ["worst", "outside", 3.0])
def test_a_hole_is_never_the_best_ground(tmp_path: Path, rule: str | float) -> None:
    said = rule if isinstance(rule, float) else f'"{rule}"'
    path = project(tmp_path, SLOPE + f"no_value = {said}\n")
    ground(path, RIDGE)
    whole = pm.open_project(path).landscape("khulan").resistance
    holed = RIDGE.copy()
    holed[:, 4:7] = np.nan
    ground(path, holed)
    assert "L35" in codes(path)
    assert "24 of 96 cells" in codes(path)["L35"]
    made = pm.open_project(path)
    resistance, table = made.landscape("khulan").resistance, made.habitat("khulan").factors
    row = table[table["factor"] == "slope_deg"].iloc[0]
    assert (row["cells_without_value"], row["no_value"]) == (24, str(rule))
    void = resistance[:, 4:7]
    if rule == "outside":
        assert np.isnan(void).all()
    elif rule == 3.0:
        assert (void == 3.0).all()
    else:
        assert (void >= np.nanmax(resistance) - 1e-12).all()
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(resistance[:, :3], whole[:, :3])  # the hole does not spread


def test_slope_beside_a_void_is_one_sided() -> None:
    grid = pm.Grid.from_bounds((0, 0, 500, 300), cell_size=100, crs=32648)
    plane = np.tile(np.arange(5) * 100.0, (3, 1))
    np.testing.assert_allclose(slope_deg(plane, grid), 45.0)
    plane[1, 2] = np.nan
    slope = slope_deg(plane, grid)
    assert np.isnan(slope[1, 2])
    assert np.isnan(slope).sum() == 1
    np.testing.assert_allclose(slope[~np.isnan(slope)], 45.0)


def test_worst_is_of_the_landscape_not_of_what_lies_outside() -> None:
    slopes = np.array([[0.0, 10.0, np.nan, 60.0]])
    mask = np.array([[True, True, True, False]])
    made = from_factors(species("khulan"), {"slope_deg": slopes}, mask).resistance
    assert made[0, 2] == made[0, 1]


def test_units_bands_and_sentinels_are_told(tmp_path: Path) -> None:
    path = project(tmp_path, SLOPE)
    ground(path, RIDGE, unit="ft", bands=2)
    said = codes(path)
    assert "'ft'" in said["L34"]
    assert "2 bands" in said["L33"]
    path.write_text(
        path.read_text(encoding="utf-8").replace('"ground.tif"', '"ground.tif"\nscale = 0.3048\nband = 1'),
        encoding="utf-8",
    )
    assert not {"L33", "L34"} & set(codes(path))
    holed = RIDGE.copy()
    holed[0, 0] = -9999
    ground(path, holed, nodata=None)
    assert "L37" in codes(path)
    path.write_text(
        path.read_text(encoding="utf-8").replace("scale = 0.3048", "nodata = -9999"), encoding="utf-8"
    )
    assert {"L35"} <= set(codes(path)) <= {"L35", "J14"}  # J14: the account of the layers


def test_a_raster_without_any_value_and_usual_nodata(tmp_path: Path) -> None:
    path = project(tmp_path, '\n[factors.forest]\nderive = "class"\nlayers = ["ground"]\nclasses = [5]\n')
    ground(path, np.full((8, 12), np.nan))
    assert "no value on any cell" in codes(path)["L36"]
    values = np.full((8, 12), 4.0)
    values[0, 0] = -9999
    ground(path, values, nodata=None)
    assert "nodata = -9999" in codes(path)["L30"]
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            'path = "ground.tif"', 'path = "ground.tif"\nresampling = "average"'
        ),
        encoding="utf-8",
    )
    assert "L31" in codes(path)


def test_a_colour_table_and_a_mean_do_not_go_together(tmp_path: Path) -> None:
    path = project(tmp_path, SLOPE, 'resampling = "average"\n')
    with rasterio.open(
        path.with_name("ground.tif"), "w", driver="GTiff", dtype="uint8", count=1, height=8, width=12, crs="EPSG:32648",
        transform=Affine(1000, 0, 0, 0, -1000, 8000),
    ) as target:  # fmt: skip
        target.write(np.full((8, 12), 7, np.uint8), 1)
        target.write_colormap(1, {7: (255, 0, 0, 255)})
    assert "colour table" in codes(path)["L31"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"average"', '"mode"'), encoding="utf-8")
    assert "L31" not in codes(path)


def test_cells_without_a_value_are_told_with_the_factors_made_of_them(tmp_path: Path) -> None:
    path = project(tmp_path, SLOPE + '\n[factors.settlement_km]\nderive = "distance"\nlayers = ["patches"]\n')
    holed = RIDGE.copy()
    holed[0, 0] = np.nan
    ground(path, holed)
    told = codes(path)["L35"]
    assert "for slope_deg they count as the worst ground" in told
    assert "settlement_km" not in told


def test_heights_no_land_has_are_refused() -> None:
    with pytest.raises(LayerError, match=r"L37.*no land does"):
        check_elevation(np.array([[29_029.0]]))


def test_the_grid_of_a_layer(tmp_path: Path) -> None:
    path = pm.samples.tiny_project(tmp_path / "tiny")
    text = path.read_text(encoding="utf-8")
    own = text.replace(
        'crs = "EPSG:32648"\ncell_size_m = 1000\nbounds = [0, 0, 12000, 8000]', 'like = "resistance"'
    )
    assert own != text
    path.write_text(own, encoding="utf-8")
    assert pm.check(path) == []
    assert pm.open_project(path).grid.bounds == (0, 0, 12000, 8000)
    path.write_text(
        own.replace('like = "resistance"', 'like = "resistance"\ncrs = "EPSG:32648"'), encoding="utf-8"
    )
    assert any("like takes coordinate system" in f.what for f in pm.check(path))
    path.write_text(own.replace('like = "resistance"', "neighbours = 8"), encoding="utf-8")
    assert any("bounds" in f.what for f in pm.check(path))
