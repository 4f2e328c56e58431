"""The project file: a small project on disk, read, checked when it is broken in ten ways, and edited."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from click.testing import CliRunner
from numpy.typing import NDArray

import permeability as pm
from permeability.barriers.scenario import Scenario
from permeability.cli.commands import cli, main
from permeability.core.errors import Finding, ProjectError
from permeability.project.checking import check, check_project
from permeability.project.project import open_project

WEST, SOUTH, CELL, ROWS, COLS = 300_000.0, 4_980_000.0, 1000.0, 24, 40
CRS = "EPSG:32648"

PROJECT = """
[project]
name = "Small"
year = 2026

[grid]
crs = "EPSG:32648"
cell_size_m = 1000
bounds = [300000, 4980000, 340000, 5004000]

[layers.ground]
path = "ground.tif"

[layers.lines]
path = "layers.gpkg"
table = "lines"

[layers.posts]
path = "layers.gpkg"
table = "posts"

[layers.places]
path = "layers.gpkg"
table = "places"

[habitat]
resistance = "ground"

[barriers]
layers = ["lines"]
posts = "posts"

[species.khulan]
patches = "places"

[candidates]
line = "RAIL"
length_km = 6

[[scenarios]]
name = "One opening"

[[scenarios.steps]]
action = "remove"
line = "RAIL"
km = [106, 112]
"""


def at(col: float, row: float) -> tuple[float, float]:
    """Map place of a column and row counted from the south-west corner [cells]."""
    return WEST + col * CELL, SOUTH + row * CELL


def line(*cells: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([at(*c) for c in cells])


def box(col: float, row: float, size: float = 2.0) -> shapely.Polygon:
    return shapely.box(*at(col, row), *at(col + size, row + size))


def lines() -> gpd.GeoDataFrame:
    rows = {
        "id": ["rail", "fence", "road"],
        "kind": ["railway", "fence", "road"],
        "line": ["RAIL", "FENCE", "ROAD"],
        "fence_class": ["rail_wildlife_friendly", "stock", None],
        "fenced": ["yes", None, None],
        "vehicles_per_day": [np.nan, np.nan, 900.0],
    }
    geometry = [line((19.3, -2), (20.8, 26)), line((30.2, -2), (28.7, 26)), line((-2, 12.4), (42, 13.9))]
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=CRS)


def posts() -> gpd.GeoDataFrame:
    rail = lines().geometry.iloc[0]
    ends = [rail.interpolate(t, normalized=True) for t in (0.0, 0.5, 1.0)]
    return gpd.GeoDataFrame({"line": "RAIL", "km": [98.0, 112.0, 128.0]}, geometry=ends, crs=CRS)


def places() -> gpd.GeoDataFrame:
    spots = [box(2, 3), box(4, 19), box(35, 2), box(34, 18)]
    return gpd.GeoDataFrame({"id": ["a", "b", "c", "d"]}, geometry=spots, crs=CRS)


def ground() -> NDArray[np.float64]:
    return 1.0 + np.random.default_rng(3).random((ROWS, COLS))


def write_raster(
    path: Path, values: NDArray[np.float64], *, west: float = WEST, crs: str | None = CRS
) -> None:
    profile = {
        "driver": "GTiff", "dtype": "float64", "count": 1, "height": values.shape[0], "width": values.shape[1], "crs": crs,
        "transform": Affine(CELL, 0, west, 0, -CELL, SOUTH + ROWS * CELL), "nodata": np.nan,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(values, 1)


def write_project(folder: Path, text: str = PROJECT, **tables: gpd.GeoDataFrame) -> Path:
    """A whole project in a folder; tables given by name replace its own."""
    folder.mkdir(parents=True, exist_ok=True)
    write_raster(folder / "ground.tif", ground())
    (folder / "layers.gpkg").unlink(missing_ok=True)
    for name, table in ({"lines": lines(), "posts": posts(), "places": places()} | tables).items():
        table.to_file(folder / "layers.gpkg", layer=name, driver="GPKG")
    path = folder / "project.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    return write_project(tmp_path / "small")


def codes(findings: list[Finding]) -> list[str]:
    return [f.code for f in findings]


# ---------------------------------------------------------------- a sound project
def test_a_sound_project_has_no_findings(project_file: Path) -> None:
    assert check(project_file) == []
    assert check(project_file.parent) == []  # the folder will do


def test_the_landscape_is_what_the_layers_say(project_file: Path) -> None:
    project = open_project(project_file)
    land = project.landscape("khulan")
    np.testing.assert_array_equal(land.resistance, ground())
    assert project.barriers.km_range("RAIL") == (98.0, 128.0)
    assert [c.name for c in land.components[0]] == ["fence left", "track", "fence right"]
    patches = project.patches("khulan")
    assert patches.ids == ["a", "b", "c", "d"]
    assert patches.table["area_km2"].tolist() == [4.0] * 4
    assert project.scenario("today") == Scenario()
    assert project.scenario("One opening").interventions[0].km_to == 112.0
    assert "khulan" in repr(project)


def test_unknown_scenario_names_the_nearest(project_file: Path) -> None:
    with pytest.raises(ProjectError, match=r"(?s)J04.*did you mean 'One opening'") as caught:
        open_project(project_file).scenario("One openin")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "code"), [(None, "J01"), ("[project\nname = 1", "J02"), (PROJECT + "\n[grids]\nx = 1", "J03")]
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str | None, code: str) -> None:
    path = tmp_path / "project.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=code):
        open_project(path)


def test_a_misspelt_key_names_the_nearest_and_its_line(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", PROJECT.replace("cell_size_m", "cell_sise_m"))
    findings = check(path)
    assert codes(findings) == ["J03", "J03"]  # one key too many, one missing
    assert "cell_size_m" in findings[0].remedy or "cell_size_m" in findings[1].remedy
    expected = 1 + PROJECT.splitlines().index("cell_size_m = 1000")
    assert any(f.rows == (f"line {expected}",) for f in findings)


def test_a_project_without_a_species_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    cut = PROJECT[: PROJECT.index("[species")]
    rest = PROJECT[PROJECT.index("[species") :].splitlines()
    after = next(
        (i for i, line in enumerate(rest) if line.startswith("[") and "species" not in line), len(rest)
    )
    path = write_project(tmp_path / "p", cut + "[species]\n" + "\n".join(rest[after:]) + "\n")
    [finding] = [f for f in check(path) if f.code == "J03"]
    assert "no species is named" in finding.what
    assert finding.rows == (f"line {1 + path.read_text(encoding='utf-8').splitlines().index('[species]')}",)
    with pytest.raises(ProjectError, match="no species"):
        pm.run_project(path, tmp_path / "results")
    assert not (tmp_path / "results").exists()


# ---------------------------------------------------------------- broken in ten ways at once
BROKEN = (
    PROJECT.replace('crs = "EPSG:32648"', 'crs = "EPSG:4326"')  # 1 degrees
    .replace("year = 2026", "yaer = 2026")  # 2 misspelt key
    .replace('layers = ["lines"]', 'layers = ["lines", "no_crs", "nothing"]')
    .replace(
        "[habitat]",
        """[layers.no_crs]
path = "no_crs.shp"

[layers.nothing]
path = "layers.gpkg"
table = "nothing"

[layers.trees]
path = "trees.tif"

[factors.forest]
derive = "class"
layers = ["trees"]
classes = [1]

[species.kulan]
patches = "places"

[habitat]""",
    )
)


def break_project(folder: Path, text: str = BROKEN) -> Path:
    twice = pd.concat([lines(), lines().iloc[[1]]], ignore_index=True)  # 4 duplicate ids
    spots = pd.concat(
        [places(), gpd.GeoDataFrame({"id": ["far"]}, geometry=[box(900, 900)], crs=CRS)], ignore_index=True
    )  # 6
    spots = pd.concat(
        [spots, gpd.GeoDataFrame({"id": ["bare"]}, geometry=[box(10, 4)], crs=CRS)], ignore_index=True
    )  # 7
    path = write_project(folder, text, lines=twice, places=spots, nothing=lines().iloc[:0])  # 8 empty layer
    lone = lines().iloc[[0]][["id", "kind", "geometry"]].assign(id="lone")
    lone.to_file(folder / "no_crs.shp")  # 3 without CRS
    (folder / "no_crs.prj").unlink()
    values = ground()
    values[0, 0], values[5, 7], values[6, 7] = 0.0, -1.0, -3.0  # 5 zero and negative
    values[18:22, 8:14] = np.nan  # the ground of the patch "bare"
    write_raster(folder / "ground.tif", values)
    write_raster(folder / "trees.tif", np.ones((ROWS, COLS)), west=WEST + 250)  # 9 another grid
    return path


EXPECTED = {  # code -> layer, a row
    "G01": ("grid", "line 7"),
    "J03": ("project.toml", "line 4"),
    "L02": ("no_crs", "all 1"),
    "K08": ("lines", "2 (fence)"),
    "R01": ("ground", "row 5 column 7 (-1)"),
    "P01": ("places", "far"),
    "P02": ("places", "bare"),
    "L03": ("nothing", "none"),
    "G02": ("trees", "all cells (24 x 40)"),
    "S01": ("project.toml", "line"),
}


@pytest.mark.parametrize("bounds", ["[300000, 4980000, 340000, 5004000]", "[102.46, 44.95, 102.97, 45.17]"])
def test_ten_ways_broken_at_once(tmp_path: Path, bounds: str) -> None:
    """Each of the ten is listed once with its layer, rows and remedy; also when the bounds are in degrees too."""
    path = break_project(tmp_path / "broken", BROKEN.replace("[300000, 4980000, 340000, 5004000]", bounds))
    before = sorted(p.name for p in path.parent.iterdir())
    findings = check(path)
    found = {f.code: f for f in findings}
    assert set(EXPECTED) <= set(found), codes(findings)
    for code, (layer, row) in EXPECTED.items():
        if code == "G02" and "102" in bounds:
            assert any(f.layer == layer for f in findings if f.code == code)
            continue
        assert codes(findings).count(code) == 1, "\n".join(f.text() for f in findings)
        assert found[code].layer == layer
        assert any(row in str(r) for r in found[code].rows), found[code]
        assert found[code].remedy
    assert 'for example crs = "' in found["G01"].remedy
    assert "did you mean 'year'" in found["J03"].remedy
    assert "did you mean 'khulan'" in found["S01"].remedy
    assert found["R01"].details["zero"] == "1 cells"
    assert found["R01"].details["negative"] == "2 cells"
    assert sorted(p.name for p in path.parent.iterdir()) == before


def test_check_and_run_on_the_broken_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = break_project(tmp_path / "broken")
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    with pytest.raises(SystemExit) as stop:
        main(["check", str(path)])
    assert stop.value.code == 2
    said = capsys.readouterr().out
    for code in EXPECTED:
        assert f"[{code}]" in said
    assert said.count("remedy:") == len(check_project(path))
    assert "10 problems found." in said
    with pytest.raises(SystemExit) as stop:
        main(["run", str(path)])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "J0" in err
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before
    result = CliRunner().invoke(cli, ["check", str(path), "--json"])
    listed = json.loads(result.stdout)
    assert result.exit_code == 2
    assert {f["code"] for f in listed} == set(EXPECTED)
    assert all(f["layer"] and f["rows"] and f["remedy"] for f in listed)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("posts = \"posts\"", "posts = \"post\""), "L09", "did you mean 'posts'"),
        (("line = \"RAIL\"\nlength", "line = \"RIAL\"\nlength"), "B06", "did you mean 'RAIL'"),
        (("length_km = 6", "length_km = 6\ntreatment = \"underpas\""), "T01", "did you mean 'underpass'"),
        (("length_km = 6", "length_km = 6\nkm = [300, 400]"), "B10", "km 98"),
        (("km = [106, 112]", "km = [806, 812]"), "B08", "km 98.0 to km 128.0"),
        (("action = \"remove\"\nline = \"RAIL\"\nkm", "action = \"remove\"\nline = \"ROAD\"\nkm = [6, 12]\n# km"), "B09", "drop()"),
        (("km = [106, 112]", "km = [106, 112]\ncomponents = [\"fence lefft\"]"), "B11", "did you mean 'fence left'"),
        (("km = [106, 112]", "km = 110"), "B12", "width_m"),
        (("action = \"remove\"", "action = \"treat\"\ntreatment = \"overpas\""), "T01", "did you mean 'overpass'"),
        (("action = \"remove\"", "action = \"remvoe\""), "J03", "remove"),
        (("[species.khulan]", "[species.khulan.override]\n\"crossing.stok\" = 0.5\n\n[species.khulan]"), "S02", "stock"),
        (("path = \"ground.tif\"", "path = \"grund.tif\""), "L01", "did you mean 'ground.tif'"),
        (("path = \"ground.tif\"", "path = \"ground.tif\"\nband = 2"), "L12", "bands"),
        (("table = \"lines\"", "table = \"line\""), "L04", "did you mean 'lines'"),
        (("table = \"lines\"", "table = \"lines\"\nwhere = { knd = \"fence\" }"), "L04", "did you mean 'kind'"),
        (("bounds = [300000, 4980000, 340000, 5004000]", "bounds = [340000, 4980000, 300000, 5004000]"), "G04", "west"),
        (("crs = \"EPSG:32648\"", "crs = \"EPSG:326480\""), "G03", "EPSG"),
        (("[habitat]", "[factors.slop_deg]\nderive = \"slope\"\nlayers = [\"ground\"]\n\n[habitat]"), "J03", "did you mean 'slope_deg'"),
    ],
)  # fmt: skip
def test_single_faults(tmp_path: Path, change: tuple[str, str], code: str, words: str) -> None:
    assert change[0] in PROJECT
    path = write_project(tmp_path / "p", PROJECT.replace(*change, 1))
    findings = [f for f in check(path) if f.severity == "error"]
    assert [f.code for f in findings] == [code], "\n".join(f.text() for f in findings)
    assert words in findings[0].text()
    assert findings[0].layer
    assert findings[0].rows or code in ("B10", "L01", "L12", "L04", "L09"), findings[0]


def test_faults_of_layers(tmp_path: Path) -> None:
    wrong = lines()
    wrong["kind"] = ["railway", "fense", "road"]
    wrong["status"] = ["existing", "existing", "gone"]
    wrong.loc[2, "geometry"] = box(3, 3)
    findings = check(write_project(tmp_path / "a", lines=wrong))
    assert sorted(codes(findings)) == ["K06", "K06", "K10"]
    no_km = posts().drop(columns="km")
    assert codes(check(write_project(tmp_path / "b", posts=no_km))) == ["K01"]
    muddled = posts()
    muddled["km"] = [98.0, 128.0, 112.0]
    assert codes(check(write_project(tmp_path / "c", posts=muddled))) == ["B05"]
    split = places()
    split.loc[0, "geometry"] = box(18, 3, 4)  # across the railway
    absolute = lines()
    absolute["fence_class"] = ["border", "stock", None]
    text = PROJECT.replace(
        "[candidates]", '[species.khulan.override]\n"crossing.border" = 0.0\n\n[candidates]'
    )
    (crossed,) = check(write_project(tmp_path / "d", text, places=split, lines=absolute))
    assert (crossed.code, crossed.severity) == ("P13", "warning")
    assert "no crossing" in crossed.text()
    refuse = text.replace("[species.khulan]\n", '[species.khulan]\non_barrier = "refuse"\n')
    assert codes(check(write_project(tmp_path / "r", refuse, places=split, lines=absolute))) == ["P14"]
    same = places()
    same.loc[1, "geometry"] = box(2.5, 3)
    same.loc[2, "id"] = "a"
    assert sorted(codes(check(write_project(tmp_path / "e", places=same)))) == ["P03", "P04"]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p")
    (path.parent / "ground.tif").write_bytes(b"not a raster")
    assert codes(check(path)) == ["L11"]
    path = write_project(tmp_path / "q")
    (path.parent / "layers.gpkg").write_bytes(b"not a table")
    assert set(codes(check(path))) == {"L11"}


def test_missing_required_tables_do_not_hide_other_faults(tmp_path: Path) -> None:
    text = PROJECT.replace('line = "RAIL"\nlength_km = 6', "length_km = 6").replace(
        "[species.khulan]", "[species.kulan]"
    )
    findings = check(write_project(tmp_path / "p", text))
    assert sorted(codes(findings)) == ["J03", "S01"]


def test_checking_leaves_a_project_as_it_was(project_file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project_file.parent, copy)
    check(project_file)
    for path in project_file.parent.iterdir():
        assert path.read_bytes() == (copy / path.name).read_bytes()


# ---------------------------------------------------------------- ranking against editing the layer by hand
def opened_by_hand(km_from: float, km_to: float) -> gpd.GeoDataFrame:
    """The line layer as a person would edit it: the railway in three rows, the middle one without fences."""
    from shapely.ops import substring

    table = lines()
    rail = table.iloc[[0]]
    whole, marks = rail.geometry.iloc[0], posts()
    at_post = [whole.project(p) for p in marks.geometry]
    ends = np.interp([km_from, km_to], marks["km"], at_post)
    pieces = [(0.0, ends[0], "yes"), (ends[0], ends[1], "no"), (ends[1], whole.length, "yes")]
    rows = [
        rail.assign(id=f"rail-{i}", fenced=fenced).set_geometry([substring(whole, a, b)], crs=CRS)
        for i, (a, b, fenced) in enumerate(pieces)
        if b - a > 1e-6
    ]
    return pd.concat([*rows, table.iloc[1:]], ignore_index=True)


@pytest.mark.parametrize("absolute", [False, True])
def test_the_ranking_equals_editing_the_layer_file(tmp_path: Path, absolute: bool) -> None:
    """Every gain is the difference of two runs from scratch, the second one on an edited file."""
    from permeability.linkage.index_table import INDEX, INDICES
    from permeability.linkage.measured import indices
    from permeability.ranking.candidate_sites import candidates
    from permeability.ranking.ranking import rank

    number = '[species.khulan.override]\n"crossing.rail_wildlife_friendly" = 0.0\n\n[candidates]'
    text = PROJECT.replace("[candidates]", number) if absolute else PROJECT

    def from_scratch(folder: Path, table: gpd.GeoDataFrame) -> dict[str, float]:
        project = open_project(write_project(folder, text, lines=table))
        land = project.landscape("khulan")
        return indices(land, project.patches("khulan"), project.range_mask("khulan")).values

    project = open_project(write_project(tmp_path / "today", text))
    land, patches = project.landscape("khulan"), project.patches("khulan")
    found = rank(land, patches, candidates(land, "RAIL", length_m=5_000), inside=project.range_mask("khulan"))
    assert len(found.table) == 7
    today = from_scratch(tmp_path / "again", lines())
    assert (today["pairs_apart"] == 4) == absolute
    for site in found.table.itertuples():
        after = from_scratch(tmp_path / f"km{site.km_from:g}", opened_by_hand(site.km_from, site.km_to))
        for name in INDICES:
            gain = after[name] - today[name] if after[name] != today[name] else 0.0
            gain = -gain if INDEX[name].lower_is_better and gain else gain
            assert getattr(site, f"gain_{name}") == pytest.approx(gain, rel=1e-9, abs=1e-9), (site.id, name)
    assert found.table["gain_mean_conductance"].is_monotonic_decreasing
    assert (found.table["gain_mean_conductance"] > 0).any()


def test_a_trace_length_that_does_not_reach_every_class_is_told(tmp_path: Path) -> None:
    text = PROJECT.replace(
        "[candidates]", '[species.khulan.override]\n"movement.trace_km" = 5.0\n\n[candidates]'
    )
    found = [f for f in check(write_project(tmp_path / "a", text)) if f.code == "S06"]
    assert [(f.severity, f.rows) for f in found] == [("note", ("stock",))]
    assert "0.6" in found[0].text()
    both = text.replace("= 5.0", '= 5.0\n"trace_km.stock" = 5.0')
    assert not [f for f in check(write_project(tmp_path / "b", both)) if f.code == "S06"]
