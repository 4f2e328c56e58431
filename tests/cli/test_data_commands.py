"""Commands about data: a project from one's own layers, import of extracts, kilometres of lines, foreign problem files."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import permeability as pm
from permeability.cli.commands import cli
from permeability.core.errors import PermeabilityError
from permeability.project.checking import check_project

CRS = "EPSG:32648"
OSM = """<?xml version="1.0"?>
<osm version="0.6">
 <node id="1" lat="46.00" lon="105.00"/><node id="2" lat="46.05" lon="105.00"/><node id="3" lat="46.10" lon="105.00"/>
 <node id="4" lat="46.00" lon="105.01"/><node id="5" lat="46.10" lon="105.01"/>
 <way id="11"><nd ref="3"/><nd ref="2"/><tag k="railway" v="rail"/><tag k="ref" v="R"/><tag k="barrier" v="fence"/></way>
 <way id="12"><nd ref="1"/><nd ref="2"/><tag k="railway" v="rail"/><tag k="ref" v="R"/><tag k="tunnel" v="no"/></way>
 <way id="13"><nd ref="4"/><nd ref="5"/><tag k="highway" v="trunk"/><tag k="tunnel" v="yes"/></way>
 <way id="14"><nd ref="4"/><nd ref="5"/><tag k="highway" v="primary"/></way>
</osm>
"""


def said(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    path = tmp_path / "area.osm"
    path.write_text(OSM, encoding="utf-8")
    return path


@pytest.fixture
def reserves(tmp_path: Path) -> Path:
    areas = gpd.GeoDataFrame(
        {"id": ["W", "E"]},
        geometry=[shapely.box(104.9, 46.02, 104.95, 46.08), shapely.box(105.05, 46.02, 105.1, 46.08)],
        crs=4326,
    )
    areas.to_file(tmp_path / "reserves.gpkg")
    return tmp_path / "reserves.gpkg"


def test_an_extract_into_the_barrier_database(extract: Path, tmp_path: Path) -> None:
    code, out, _err = said(
        "barriers", "import", extract, tmp_path / "b.gpkg", "--assume", "--list", tmp_path / "left.csv"
    )
    assert code == 0
    assert "barriers: 3 rows" in out
    assert "in a tunnel: no barrier at the surface (13)" in out
    rows = gpd.read_file(tmp_path / "b.gpkg", layer="barriers").set_index("id")
    assert rows.loc["11", ["kind", "fenced", "line"]].tolist() == ["railway", "yes", "R"]
    assert rows.loc["14", "vehicles_per_day_high"] == 2500
    left = pd.read_csv(tmp_path / "left.csv")
    assert 13 in left.loc[left["what"] == "features not mapped", "feature"].tolist()


def test_nothing_mapped_is_an_error(reserves: Path, tmp_path: Path) -> None:
    code, _, err = said("barriers", "import", reserves, tmp_path / "b.gpkg")
    assert code == 2
    assert "nothing was written" in err


def test_where_kilometres_begin(extract: Path, tmp_path: Path) -> None:
    said("barriers", "import", extract, tmp_path / "b.gpkg", "--assume")
    gpd.read_file(tmp_path / "b.gpkg", layer="barriers").to_crs(CRS).to_file(tmp_path / "m.gpkg")
    code, out, _ = said("barriers", "lines", tmp_path / "m.gpkg")
    row = next(r for r in out.splitlines() if r.startswith("R "))
    assert code == 0
    begins = gpd.GeoSeries([shapely.Point(105, 46)], crs=4326).to_crs(CRS)[0]
    assert f"{begins.x:.0f}, {begins.y + 0.5:.0f}" in row  # the southern end
    assert "11.1" in row


def test_a_project_from_ones_own_layers_runs(extract: Path, reserves: Path, tmp_path: Path) -> None:
    code, _out, err = said(
        "new", tmp_path / "mine", "--from", extract, reserves, "--species", "mongolian_gazelle"
    )
    assert code == 0
    assert "assumed: area: traffic by road class" in err
    path = tmp_path / "mine" / "project.toml"
    assert not [f for f in check_project(path) if f.severity == "error"]
    project = pm.open_project(path)
    assert project.grid.crs.is_projected
    assert sorted(project.barriers.table["kind"]) == ["railway", "railway", "road"]
    pairs = pm.connectivity(
        project.landscape("mongolian_gazelle"), project.patches("mongolian_gazelle")
    ).pairs
    assert len(pairs) == 1


def test_a_project_needs_lines_and_places(extract: Path, tmp_path: Path) -> None:
    with pytest.raises(PermeabilityError, match=r"(?s)O61.*areas or points"):
        said("new", tmp_path / "mine", "--from", extract)
    assert not (tmp_path / "mine").exists()


def test_an_extract_goes_straight_into_a_project(extract: Path, reserves: Path, tmp_path: Path) -> None:
    text = """
[project]
name = "straight"
[grid]
crs = "EPSG:32648"
cell_size_m = 500
bounds = [490000, 5093000, 509000, 5107000]
[layers]
lines = { path = "area.osm", mapping = "openstreetmap", assume = true }
reserves = { path = "reserves.gpkg" }
[barriers]
layers = ["lines"]
[species.mongolian_gazelle]
patches = "reserves"
[candidates]
line = "R"
length_km = 3
treatment = "underpass"
"""
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    code, out, _ = said("check", tmp_path)
    assert code == 0, out
    assert "barriers: 3 of 4 features by the mapping openstreetmap, left out: 1" in out
    assert [c.id for c in pm.open_project(tmp_path).candidates("mongolian_gazelle")][:2] == [
        "R km 0-3 underpass",
        "R km 3-6 underpass",
    ]
    (tmp_path / "project.toml").write_text(
        text.replace("assume = true", 'where = { highway = "trunk" }'), encoding="utf-8"
    )
    code, out, _ = said("check", tmp_path)
    assert code == 2
    assert "[L23]" in out


HEAD = "ncols 5\nnrows 5\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"


def test_options_that_nobody_knows_are_refused_or_listed(tmp_path: Path) -> None:
    (tmp_path / "r.asc").write_text(HEAD + "1 1 1 1 1\n" * 5)
    (tmp_path / "x.ini").write_text(
        "[Required]\nresistance_file = r.asc\nradius = 2\nproject_name = out\n[General]\nsource_from_resistance = true\nmagic = 3\n"
    )
    with pytest.raises(PermeabilityError, match=r"(?s)X01.*magic"):
        said("omniscape", tmp_path / "x.ini")
    code, _, err = said("omniscape", tmp_path / "x.ini", "--ignore-unknown")
    assert code == 0
    assert "magic" in err
    assert "; ignored, as asked: option 'magic'" in (tmp_path / "out" / "config.ini").read_text()
    points = HEAD + "1 0 0 0 2\n" + "0 0 0 0 0\n" * 4
    (tmp_path / "p.asc").write_text(points)
    (tmp_path / "c.ini").write_text(
        "[Circuitscape mode]\ndata_type = raster\nscenario = pairwise\nhabitat_file = r.asc\npoint_file = p.asc\noutput_file = c.out\nmagic = 3\n"
    )
    with pytest.raises(PermeabilityError, match=r"(?s)X01.*magic"):
        said("circuitscape", tmp_path / "c.ini")
    code, _, err = said("circuitscape", tmp_path / "c.ini", "--ignore-unknown")
    assert code == 0
    assert "option 'magic' is not known and was ignored" in (tmp_path / "c.out").read_text()
