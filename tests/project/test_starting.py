"""A project file made from layers that are there: what becomes of each by its shape, name and columns, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.core.errors import LayerError, OptionError
from permeability.layers.grid import Grid
from permeability.layers.rasters import write_geotiff
from permeability.layers.vectors import write_gpkg
from permeability.project.starting import start_project

CRS = "EPSG:32648"
LINE = shapely.LineString([(6000, 0), (6000, 8000)])
AREAS = [shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)]


def lines(folder: Path, name: str, crs: str = CRS, **columns: Any) -> Path:
    table = gpd.GeoDataFrame({k: [v] for k, v in columns.items()}, geometry=[LINE], crs=CRS)
    return write_gpkg(folder / f"{name}.gpkg", {name: table.to_crs(crs)})


def areas(folder: Path, name: str = "areas", crs: str = CRS, **columns: Any) -> Path:
    table = gpd.GeoDataFrame({"id": ["W", "E"], **columns}, geometry=AREAS, crs=CRS)
    return write_gpkg(folder / f"{name}.gpkg", {name: table.to_crs(crs)})


def raster(folder: Path, name: str) -> Path:
    grid = Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs=CRS)
    return write_geotiff(folder / f"{name}.tif", np.ones(grid.shape), grid)


def started(folder: Path, *files: Path) -> tuple[dict[str, Any], list[str]]:
    path, assumed = start_project(folder / "mine", files, "khulan")
    return tomllib.loads(path.read_text(encoding="utf-8")), assumed


def test_roads_without_traffic_or_numbers_are_given_both_and_told(tmp_path: Path) -> None:
    made, assumed = started(tmp_path, lines(tmp_path, "highways"), areas(tmp_path))
    layer = made["layers"]["highways"]
    assert layer["number_ids"] == "highways-"
    assert layer["set"] == {"kind": "road", "vehicles_per_day_low": 50, "vehicles_per_day_high": 1000}
    assert assumed == [
        "highways: every row is a road",
        "highways: 50 to 1,000 vehicles a day, since no column tells",
    ]
    assert "candidates" not in made  # none of them is a fence
    assert [f.code for f in pm.check(tmp_path / "mine") if f.severity == "error"] == []


def test_a_kind_in_the_layer_is_kept(tmp_path: Path) -> None:
    file = lines(tmp_path, "roads", id="R", kind="road", vehicles_per_day=300.0)
    made, assumed = started(tmp_path, file, areas(tmp_path))
    assert made["layers"]["roads"] == {"path": "../roads.gpkg"}
    assert assumed == []


def test_places_with_the_name_of_patches_go_before_the_first_ones(tmp_path: Path) -> None:
    fence = lines(tmp_path, "fences", id="F", kind="fence", fence_class="border")
    first, core = areas(tmp_path, "wells"), areas(tmp_path, "core_areas", id=["same", "same"])
    made, _ = started(tmp_path, fence, first, core)
    assert made["species"]["khulan"]["patches"] == "core_areas"
    assert made["layers"]["core_areas"]["number_ids"] == "core_areas-"
    again, _ = started(tmp_path / "again", fence, core, first)
    assert again["species"]["khulan"]["patches"] == "core_areas"
    assert "number_ids" not in again["layers"]["wells"]
    assert again["candidates"] == {"kind": "fence", "length_km": 5}


@pytest.mark.parametrize(
    ("name", "table", "told"),
    [
        ("resistance_khulan", {"habitat": {"resistance": "resistance_khulan"}}, []),
        ("suitability", {"habitat": {"suitability": "suitability"}}, []),
        ("srtm", {"factors": {"slope_deg": {"derive": "slope", "layers": ["srtm"]}}}, []),
        ("b42", {"factors": {"slope_deg": {"derive": "slope", "layers": ["b42"]}}}, ["b42: heights above the sea [m]"]),
    ],
)  # fmt: skip
def test_a_raster_is_what_its_name_says_else_heights(
    tmp_path: Path, name: str, table: dict[str, Any], told: list[str]
) -> None:
    fence = lines(tmp_path, "fences", id="F", kind="fence", fence_class="border")
    made, assumed = started(tmp_path, fence, areas(tmp_path), raster(tmp_path, name))
    assert {k: made[k] for k in ("habitat", "factors") if k in made} == table
    assert made["layers"][name] == {"path": f"../{name}.tif", "resampling": "average"}
    assert assumed == told


def test_lines_in_degrees_get_a_grid_in_metres_around_everything(tmp_path: Path) -> None:
    made, _ = started(
        tmp_path,
        lines(tmp_path, "fences", "EPSG:4326", id="F", kind="fence", fence_class="border"),
        areas(tmp_path, crs="EPSG:4326"),
    )
    west, south, east, north = made["grid"]["bounds"]
    box = gpd.GeoSeries([LINE, *AREAS], crs=CRS).to_crs(made["grid"]["crs"]).total_bounds
    assert gpd.GeoSeries([LINE], crs=made["grid"]["crs"]).crs.axis_info[0].unit_name == "metre"
    assert west <= box[0] < box[2] <= east
    assert south <= box[1] < box[3] <= north
    assert max(east - west, north - south) / made["grid"]["cell_size_m"] <= 402


def test_a_folder_of_a_geodatabase_is_a_file_like_any_other(tmp_path: Path) -> None:
    whole = tmp_path / "lines.gdb"
    gpd.GeoDataFrame({"id": ["F"], "kind": ["fence"], "fence_class": ["border"]}, geometry=[LINE], crs=CRS).to_file(
        whole, layer="fences", driver="OpenFileGDB", engine="pyogrio"
    )  # fmt: skip
    assert whole.is_dir()
    made, _ = started(tmp_path, whole, areas(tmp_path))
    assert made["barriers"]["layers"] == ["fences"]
    assert pm.open_project(tmp_path / "mine").barriers.lines == ["F"]


@pytest.mark.parametrize("have", ["lines", "areas"])
def test_what_is_missing_is_told_and_nothing_written(tmp_path: Path, have: str) -> None:
    file = lines(tmp_path, "fences", id="F", kind="fence") if have == "lines" else areas(tmp_path)
    missing = "areas or points" if have == "lines" else "lines"
    with pytest.raises(OptionError, match=f"O61.*none of the files holds {missing}"):
        start_project(tmp_path / "mine", [file], "khulan")
    assert not (tmp_path / "mine").exists()


def test_a_raster_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ground.tif").write_bytes(b"no raster")
    with pytest.raises(LayerError, match=r"L11.*ground\.tif cannot be read"):
        start_project(tmp_path / "mine", [tmp_path / "ground.tif"], "khulan")
