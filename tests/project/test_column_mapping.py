"""Layers as a consultant has them: another CRS or none, other column names and words, Cyrillic in cp1251, a BOM."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from permeability.core.errors import LayerError
from permeability.layers.grid import Grid
from permeability.layers.rasters import write_geotiff
from permeability.layers.vectors import read_vector
from permeability.project.checking import check_project
from permeability.project.column_mapping import OwnColumns, garbled, read_own_layer
from permeability.project.project import open_project
from permeability.project.run.run import run_project

WEST, SOUTH, UTM = 650_000, 4_900_000, "EPSG:32649"
LINES = """encoding = "cp1251"
number_ids = "ZD-"
columns = { "НАЗВАНИЕ" = "name", "ТИП" = "kind", "СОСТ" = "status", "МАШИН" = "vehicles_per_day" }
values = { kind = { "жд" = "railway", "дорога" = "road" }, status = { "проект" = "planned", "есть" = "existing" } }
set = { accuracy_m = 500 }
"""
PROJECT = f"""
[project]
name = "Шинэ төмөр зам"

[grid]
crs = "{UTM}"
cell_size_m = 4000
bounds = [650000, 4900000, 770000, 5020000]

[layers.ground]
path = "ground.tif"

[layers.lines]
path = "lines.shp"
{LINES}
[layers.places]
path = "patches.shp"
crs = "EPSG:4326"
columns = {{ "Нэр" = "name" }}

[habitat]
resistance = "ground"

[barriers]
layers = ["lines"]

[species.mongolian_gazelle]
patches = "places"

[comparison]
baseline = "Барихгүй"

[[scenarios]]
name = "Барихгүй"

[[scenarios]]
name = "Хашаатай"
based_on = "Барихгүй"

[[scenarios.steps]]
action = "add"
line = "ZD-1"
fenced = "yes"
"""


def at(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(WEST + x * 1000, SOUTH + y * 1000) for x, y in places])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shapefile in cp1251 without ``.cpg``, one in degrees without ``.prj``, a project file with a mark in front."""
    rows = {
        "НАЗВАНИЕ": ["Железная дорога", "Щебёнка"],
        "ТИП": ["жд", "дорога"],
        "СОСТ": ["проект", "есть"],
        "МАШИН": [np.nan, 350.0],
    }
    lines = gpd.GeoDataFrame(rows, geometry=[at((60, -5), (62, 125)), at((-5, 40), (125, 45))], crs=UTM)
    lines.to_file(tmp_path / "lines.shp", encoding="cp1251")
    (tmp_path / "lines.cpg").unlink()
    boxes = [
        shapely.box(WEST + x * 1000, SOUTH + y * 1000, WEST + (x + 9) * 1000, SOUTH + (y + 9) * 1000)
        for x, y in ((15, 30), (95, 60))
    ]
    patches = gpd.GeoDataFrame({"id": ["W", "E"], "Нэр": ["Баруун", "Зүүн"]}, geometry=boxes, crs=UTM).to_crs(
        4326
    )
    patches.to_file(tmp_path / "patches.shp", encoding="UTF-8")
    (tmp_path / "patches.prj").unlink()
    grid = Grid.from_bounds((WEST, SOUTH, WEST + 120_000, SOUTH + 120_000), cell_size=4000, crs=UTM)
    write_geotiff(tmp_path / "ground.tif", np.ones(grid.shape), grid)
    (tmp_path / "project.toml").write_text(PROJECT, encoding="utf-8-sig")
    return tmp_path


def test_own_layers_run_as_they_are(folder: Path) -> None:
    assert check_project(folder) == []
    project = open_project(folder)
    table = project.barriers.table
    assert table["id"].tolist() == ["ZD-1", "ZD-2"]
    assert table["name"].tolist() == ["Железная дорога", "Щебёнка"]
    assert table["kind"].tolist() == ["railway", "road"]
    assert table["status"].tolist() == ["planned", "existing"]
    assert table["accuracy_m"].tolist() == [500, 500]
    patches = project.patches("mongolian_gazelle").table
    assert patches["name"].tolist() == ["Баруун", "Зүүн"]
    assert patches.geometry.iloc[0].centroid.x == pytest.approx(WEST + 19_500, abs=20)
    run_project(folder / "project.toml", folder / "results")
    found = pd.read_csv(folder / "results" / "scenarios.csv").set_index(["scenario", "index"])
    assert found.loc[("Хашаатай", "mean_conductance"), "change"] < 0
    assert "Хашаатай" in (folder / "results" / "report.html").read_text(encoding="utf-8")


def test_every_stumbling_block_has_a_remedy(folder: Path) -> None:
    text = PROJECT.replace(LINES, "").replace('crs = "EPSG:4326"\n', "")
    (folder / "project.toml").write_text(text, encoding="utf-8")
    found = {(f.code, f.layer): f for f in check_project(folder)}
    assert 'crs = "EPSG:4326"' in found["L02", "places"].remedy
    assert 'encoding = "cp1251"' in found["L16", "lines"].remedy
    assert found["L16", "lines"].severity == "warning"
    assert "[layers.lines.columns]" in found["K01", "lines"].remedy
    (folder / "project.toml").write_text(PROJECT.replace('"ТИП"', '"ТИПП"'), encoding="utf-8")
    (finding,) = [f for f in check_project(folder) if f.code == "L04"]
    assert finding.remedy == "did you mean 'ТИП'?"


def test_slips_of_a_windows_editor_are_named(folder: Path) -> None:
    (folder / "project.toml").write_text(
        PROJECT.replace("lines.shp", "C:\\data\\lines.shp"), encoding="utf-8"
    )
    (finding,) = check_project(folder)
    assert finding.code == "J02"
    assert "single quotes" in finding.remedy
    (folder / "project.toml").write_bytes(PROJECT.encode("cp1251", errors="replace"))
    (finding,) = check_project(folder)
    assert "UTF-8" in finding.remedy


def test_a_coordinate_system_is_stated_only_where_there_is_none(folder: Path) -> None:
    with pytest.raises(LayerError) as refused:
        read_vector(folder / "lines.shp", assume_crs="EPSG:4326", encoding="cp1251")
    assert refused.value.code == "L14"
    same = read_vector(folder / "lines.shp", assume_crs=UTM, encoding="cp1251")
    assert same["НАЗВАНИЕ"].iloc[1] == "Щебёнка"


def test_a_renamed_column_takes_the_place_of_one_of_that_name(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["code"], "label": ["Line"], "kind": [None]}, geometry=[at((0, 0), (1, 1))], crs=UTM
    )
    frame.to_file(tmp_path / "a.gpkg")
    own = OwnColumns(columns={"label": "name"}, set={"kind": "road"})
    read = read_own_layer(tmp_path / "a.gpkg", None, {}, own, layer="a")
    assert (read["name"].iloc[0], read["kind"].iloc[0]) == ("Line", "road")
    with pytest.raises(LayerError, match="does not have"):
        read_own_layer(tmp_path / "a.gpkg", None, {}, OwnColumns(values={"status": {}}), layer="a")


@pytest.mark.parametrize(
    "given",
    [
        {"set": {"kind": ["fence", "road"]}},
        {"set": {"kind": {"a": 1}}},
        {"values": {"kind": {"x": ["fence"]}}},
    ],
)
def test_a_list_is_no_value_of_a_cell(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="one value is meant"):
        OwnColumns.model_validate(given)


def test_a_cell_takes_texts_numbers_dates_and_flags() -> None:
    import datetime

    told = {"a": "fence", "b": 3, "c": 0.5, "d": True, "e": datetime.date(2020, 1, 1)}
    assert OwnColumns.model_validate({"set": told}).set == told


def test_a_value_is_set_only_where_there_is_none_and_told(tmp_path: Path) -> None:
    rows = {"id": ["a", "b", "c"], "kind": ["road", None, ""], "fence_class": [None] * 3}
    gpd.GeoDataFrame(rows, geometry=[at((0, y), (9, y)) for y in (1, 2, 3)], crs=UTM).to_file(
        tmp_path / "l.gpkg"
    )
    own = OwnColumns(set={"kind": "fence", "fence_class": "stock", "status": "planned"})
    table = read_own_layer(tmp_path / "l.gpkg", None, {}, own, layer="l")
    assert table["kind"].tolist() == ["road", "fence", "fence"]
    assert set(table["fence_class"]) == {"stock"}
    assert set(table["status"]) == {"planned"}
    assert [str(t) for t in table.attrs["account"]] == ["set kind: 2 of 3 rows, 1 had a value"]


@pytest.mark.parametrize(
    ("names", "garbled_"), [(["Æåëåçíàÿ", "b"], True), (["Müller", "Öland", "42"], False), ([None, 7], False)]
)
def test_names_of_a_shapefile_in_the_wrong_alphabet_are_told(names: list[object], garbled_: bool) -> None:
    frame = gpd.GeoDataFrame({"name": names}, geometry=[shapely.Point(0, 0)] * len(names))
    found = garbled(Path("a.shp"), frame, OwnColumns(), "a")
    assert (found is not None and found.code == "L16") == garbled_
    assert garbled(Path("a.gpkg"), frame, OwnColumns(), "a") is None
    assert garbled(Path("a.shp"), frame, OwnColumns(encoding="cp1251"), "a") is None
