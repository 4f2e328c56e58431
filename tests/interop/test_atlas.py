"""The atlas: what is in it, that parts are those of the run, and that it is whole or not there."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

import permeability as pm
from permeability.core.errors import OptionError
from permeability.interop.atlas import export_atlas

CRS = "EPSG:32648"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    pm.run_project(pm.samples.tiny_project(folder / "tiny"), folder / "results", report=False)
    return folder / "results"


def lands(*names: str, edges: tuple[float, ...] = (0, 5000, 12_000)) -> gpd.GeoDataFrame:
    shapes = [shapely.box(a, 0, b, 8000) for a, b in pairwise(edges)]
    return gpd.GeoDataFrame({"name": list(names)}, geometry=shapes, crs=CRS)


@pytest.fixture(scope="module")
def atlas(run: Path) -> Path:
    layer = lands("A", "B & Co")
    far = gpd.GeoDataFrame({"name": ["Far"]}, geometry=[shapely.box(1e6, 1e6, 1.1e6, 1.1e6)], crs=CRS)
    return export_atlas(
        run,
        gpd.GeoDataFrame(
            {"name": [*layer["name"], "Far"]}, geometry=[*layer.geometry, far.geometry[0]], crs=CRS
        ).to_crs(4326),
        run.with_name("atlas"),
        language="mn",
    ).parent


def test_every_country_of_the_run_has_its_set(atlas: Path) -> None:
    about = json.loads((atlas / "atlas.json").read_text(encoding="utf-8"))
    assert [c["folder"] for c in about["countries"]] == ["a", "b_co"]  # nothing of the run lies far away
    for country in about["countries"]:
        folder = atlas / country["folder"]
        names = {n for n, _ in pyogrio.list_layers(folder / "layers.gpkg")}
        assert {f"{country['folder']}_border", "layer_styles"} <= names
        assert any(n.endswith("_khulan_key_areas") for n in names)
        for one in country["maps"]:
            assert (folder / f"{one['file']}.pdf").read_bytes()[:5] == b"%PDF-"
            with rasterio.open(folder / f"{one['file']}.tif") as tif:
                assert tif.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG"
                assert tif.crs.to_epsg() == 32648


def test_countries_together_are_the_run(atlas: Path, run: Path) -> None:
    """Cells of both countries side by side are those of the run, none twice."""
    with rasterio.open(run / "cost_distance_khulan.tif") as tif:
        whole = tif.read(1)
    parts = []
    for area in ("a", "b_co"):
        with rasterio.open(atlas / area / f"{area}_khulan_distance.tif") as tif:
            parts.append(tif.read(1))
    assert np.array_equal(np.hstack(parts), whole, equal_nan=True)


def test_lines_reach_over_the_border_and_areas_are_cut(atlas: Path) -> None:
    west = gpd.read_file(atlas / "a" / "layers.gpkg", layer="a_barriers_existing")
    assert west.total_bounds[2] <= 10_000 + 1e-6
    assert len(west)  # the fence at 6 km stands within 5 km of the border
    patches = gpd.read_file(atlas / "a" / "layers.gpkg", layer="a_khulan_key_areas")
    assert patches.total_bounds[2] <= 5000 + 1e-6


def test_the_page_loads_nothing_and_links_lead_somewhere(atlas: Path) -> None:
    page = (atlas / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "B &amp; Co" in page
    for link in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert (atlas / link).is_file(), link


@pytest.mark.slow
def test_same_run_same_bytes(atlas: Path, run: Path, tmp_path: Path) -> None:
    again = export_atlas(run, lands("A", "B & Co").iloc[::-1], tmp_path / "again", language="mn").parent
    for name in ("a/a_khulan_distance.tif", "a/a_khulan_distance.pdf", "index.html"):
        assert (again / name).read_bytes() == (atlas / name).read_bytes(), name


@pytest.mark.parametrize(
    ("layer", "code"),
    [
        (lands("A", edges=(1e6, 1.1e6)), "D27"),
        (lands("A", edges=(0, 1)).rename(columns={"name": "iso"}), "D22"),
    ],
)
def test_refusals_leave_nothing(run: Path, tmp_path: Path, layer: Any, code: str) -> None:
    with pytest.raises(OptionError, match=code):
        export_atlas(run, layer, tmp_path / "out")
    assert not (tmp_path / "out").exists()
