"""Exports of runs that made less: what is not there is not named, and a folder with nothing to show is refused."""

from __future__ import annotations

import json
import runpy
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import pytest
import shapely
from places import REPOSITORY

from permeability.core.errors import ProjectError
from permeability.interop.atlas import export_atlas
from permeability.interop.export import export_circuitscape, export_qgis
from permeability.layers import rasters, vectors
from permeability.layers.exchange_grids import read_raster
from permeability.layers.grid import Grid

SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))
WEST, NORTH, CELL = SAMPLE["WEST"], SAMPLE["NORTH"], SAMPLE["CELL"]


@pytest.fixture
def folder(tmp_path):
    return SAMPLE["make_results"](tmp_path / "results")


def keep(folder, *tables):
    """Leave only some tables in the folder."""
    held = {t: gpd.read_file(folder / "sites.gpkg", layer=t) for t in tables}
    (folder / "sites.gpkg").unlink()
    if held:
        vectors.write_gpkg(folder / "sites.gpkg", held)


def project(folder, tmp_path):
    """Ids of the layers of the export, and the root of its project."""
    root = ET.parse(export_qgis(folder, tmp_path / "q")).getroot()
    return {m.findtext("id") for m in root.iter("maplayer")}, root


def endings(ids):
    return {i.partition("khulan_")[2] or i for i in ids}


def test_a_run_without_ranking_and_lines_is_shown_by_its_patches_and_maps(folder, tmp_path):
    keep(folder, "patches")
    ids, _ = project(folder, tmp_path)
    assert endings(ids) == {"key_areas", "movement", "distance", "resistance", "resistance_with_barriers"}


def test_a_map_that_was_not_made_is_not_named(folder, tmp_path):
    (folder / "current_khulan.tif").unlink()
    ids, _ = project(folder, tmp_path)
    assert "movement" not in endings(ids)
    assert {"sites", "distance"} <= endings(ids)


def test_maps_alone_give_the_extent(folder, tmp_path):
    keep(folder)
    ids, root = project(folder, tmp_path)
    assert endings(ids) == {"movement", "distance", "resistance", "resistance_with_barriers"}
    assert not (tmp_path / "q" / "layers.gpkg").exists()
    seen = [float(root.find(f".//extent/{k}").text) for k in ("xmin", "ymin", "xmax", "ymax")]
    west, south, east, north = WEST, NORTH - SAMPLE["ROWS"] * CELL, WEST + SAMPLE["COLS"] * CELL, NORTH
    assert seen[0] <= west < east <= seen[2]
    assert seen[1] <= south < north <= seen[3]
    assert seen[2] - seen[0] < 2 * (east - west)


def test_nothing_to_show_is_refused_and_nothing_is_left(folder, tmp_path):
    keep(folder)
    for path in folder.glob("*.tif"):
        path.unlink()
    with pytest.raises(ProjectError, match="holds no layer and no map") as caught:
        export_qgis(folder, tmp_path / "q")
    assert caught.value.code == "J06"
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("table", [None, "lines", "no_go"])
def test_of_new_lines_only_what_was_made_is_shown(folder, tmp_path, table):
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    summary["new_lines"] = {"Plan": {"number": 1, "species": ["khulan"]}}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    if table is not None:
        line = shapely.LineString([(WEST, NORTH - CELL), (WEST + 9 * CELL, NORTH - 5 * CELL)])
        shape = {"lines": line, "no_go": line.buffer(500)}[table]
        row = {"alignment": ["Plan"], "line": ["A"], "class": ["no-go"]}
        made = gpd.GeoDataFrame(row, geometry=[shape], crs=SAMPLE["CRS"])
        vectors.write_gpkg(folder / "new_lines.gpkg", {table: made})
    ids, _ = project(folder, tmp_path)
    named = {None: set(), "lines": {"new_lines_1"}, "no_go": {"new_line_ground_1"}}[table]
    assert {
        n for n in ("new_lines_1", "new_line_ground_1", "line_damage_1") for i in ids if i.endswith(n)
    } == named


@pytest.mark.parametrize("gone", ["resistance_khulan.tif", "sites.gpkg"])
def test_a_species_without_resistance_or_patches_makes_no_circuit(folder, tmp_path, gone):
    (folder / gone).unlink()
    target = export_circuitscape(folder, tmp_path / "cs")
    assert [p.name for p in target.iterdir() if p.is_dir()] == []
    assert not any(line.endswith(".ini") for p in target.iterdir() for line in p.read_text().splitlines())


def test_an_atlas_has_a_map_of_what_has_values_only(folder, tmp_path):
    keep(folder, "patches")
    (folder / "current_khulan.tif").unlink()
    raster = read_raster(folder / "resistance_khulan.tif")
    shut = np.where(np.isnan(raster.values), np.nan, np.inf)
    grid = Grid.from_affine(SAMPLE["CRS"], raster.transform, raster.shape)
    rasters.write_geotiff(folder / "resistance_khulan.tif", shut, grid)
    (folder / "cost_distance_khulan.tif").unlink()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    (folder / "summary.json").write_text(json.dumps(summary | {"statement": None}), encoding="utf-8")
    box = shapely.box(WEST, NORTH - 12 * CELL, WEST + 20 * CELL, NORTH)
    page = export_atlas(
        folder, gpd.GeoDataFrame({"name": ["A"]}, geometry=[box], crs=SAMPLE["CRS"]), tmp_path / "atlas"
    )
    (country,) = json.loads((tmp_path / "atlas" / "atlas.json").read_text(encoding="utf-8"))["countries"]
    assert [m["map"] for m in country["maps"]] == ["resistance"]
    assert sorted(p.name for p in (tmp_path / "atlas" / "a").glob("*.pdf")) == ["a_khulan_resistance.pdf"]
    assert 'class="note"' not in page.read_text(encoding="utf-8")
