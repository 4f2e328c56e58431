"""One project with thirty planted faults: `check` names every one, with its layer, its row and a remedy."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from permeability.cli.commands import cli
from permeability.layers.grid import Grid
from permeability.layers.rasters import write_geotiff
from permeability.project.checking import check_project

CRS = "EPSG:32648"
PROJECT = f"""
[project]
name = "thirty faults"
yaer = 2026

[grid]
crs = "{CRS}"
cell_size_m = 1000
bounds = [0, 0, 30000, 20000]

[layers.fences]
path = "fences.gpkg"

[layers.roads]
path = "roads.shp"

[layers.far]
path = "far.gpkg"

[layers.several]
path = "several.gpkg"

[layers.posts]
path = "posts.gpkg"

[layers.places]
path = "places.gpkg"

[layers.ring]
path = "ring.gpkg"

[layers.sites]
path = "sites.gpkg"

[layers.ground]
path = "ground.tif"

[layers.gone]
path = "fencse.gpkg"

[habitat]
resistance = "ground"

[factors.slop_deg]
derive = "slope"
layers = ["ground"]

[mask]
inside = ["ring"]

[barriers]
layers = ["fences", "roads", "far", "several", "gone"]
posts = "posts"

[species.kulan]
patches = "places"

[species.khulan]
patches = "place"

[ranking]
seed = -1

[[candidates]]
layer = "sites"
"""

# code, layer, a word of the text: what was planted
PLANTED = [
    ("J03", "project.toml", "yaer"), ("J03", "project.toml", "slop_deg"), ("J03", "project.toml", "seed"), ("S01", "project.toml", "kulan"),
    ("L09", "place", "places"), ("L01", "gone", "fences.gpkg"), ("L18", "several", "one, two"), ("L21", "far", "grid"), ("L06", "ring", "no areas"),
    ("K06", "fences", "fense"), ("K06", "fences", "plannd"), ("K08", "fences", "3 (twice)"), ("K03", "fences", "~1200"), ("K03", "fences", "spring 2031"),
    ("K05", "fences", "1.5"), ("K07", "fences", "at night"), ("K07", "fences", "knee high"), ("K02", "fences", "empty"), ("K10", "fences", "no length"),
    ("K09", "fences", "taken down before"), ("K09", "fences", "unfenced, with fences"), ("K14", "fences", "fence_klass"), ("K03", "fences", "8 lines"),
    ("K19", "roads", "vehicles_p"), ("K02", "posts", "km"), ("P04", "places", "b and a"), ("P01", "places", "off"), ("R01", "ground", "zero"),
    ("K03", "sites", "dear"), ("K05", "sites", "outside 0 to 1"),
]  # fmt: skip


def line(x: float, y: float = 0.0) -> shapely.LineString:
    return shapely.LineString([(x, y), (x, 20_000)])


def fences() -> gpd.GeoDataFrame:
    rows = [
        {"id": "ok"}, {"id": "twice"}, {"id": "twice"}, {"id": "kind", "kind": "fense"}, {"id": "state", "status": "plannd"},
        {"id": "trains", "trains_per_day": "~1200"}, {"id": "year", "opened": "spring 2031"}, {"id": "chance", "presence": "1.5"},
        {"id": "hours", "closed_hours": "at night"}, {"id": "wires", "wire_heights_m": "knee high"}, {"id": None}, {"id": "point"},
        {"id": "years", "opened": "2020", "closed": "2010", "status": "removed"}, {"id": "sides", "fenced": "no", "fence_sides": "both"},
        {"id": "many", "fence_lines": "8 lines"},
    ]  # fmt: skip
    table = pd.DataFrame(rows).assign(fence_klass="stock")
    table["kind"] = table["kind"].fillna("fence")
    shapes = [line(1000 * i + 500) for i in range(1, len(rows) + 1)]
    shapes[11] = shapely.LineString([(500, 500), (500, 500)])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fences().to_file(tmp_path / "fences.gpkg")
    roads = {"id": ["R"], "kind": ["road"], "vehicles_per_day_low": [1.0], "vehicles_per_day_high": [3.0]}
    gpd.GeoDataFrame(roads, geometry=[line(25_500)], crs=CRS).to_file(tmp_path / "roads.shp")
    gpd.GeoDataFrame({"id": ["far"], "kind": ["fence"]}, geometry=[line(9e5)], crs=CRS).to_file(
        tmp_path / "far.gpkg"
    )
    for name in ("one", "two"):
        gpd.GeoDataFrame({"id": [name], "kind": ["fence"]}, geometry=[line(27_500)], crs=CRS).to_file(
            tmp_path / "several.gpkg", layer=name
        )
    gpd.GeoDataFrame(
        {"line": ["ok", "ok"], "km": ["0", None]},
        geometry=[shapely.Point(1500, 0), shapely.Point(1500, 9000)],
        crs=CRS,
    ).to_file(tmp_path / "posts.gpkg")
    areas = [
        shapely.box(2000, 2000, 5000, 5000),
        shapely.box(3000, 3000, 6000, 6000),
        shapely.box(9e5, 0, 9.1e5, 1000),
    ]
    gpd.GeoDataFrame({"id": ["a", "b", "off"]}, geometry=areas, crs=CRS).to_file(tmp_path / "places.gpkg")
    gpd.GeoDataFrame(
        {"id": ["ring"]}, geometry=[shapely.LineString(shapely.box(0, 0, 30_000, 20_000).exterior)], crs=CRS
    ).to_file(tmp_path / "ring.gpkg")
    gpd.GeoDataFrame({"id": ["s"], "cost_usd": ["dear"], "p": ["2"]}, geometry=[line(1600)], crs=CRS).to_file(
        tmp_path / "sites.gpkg"
    )
    grid = Grid.from_bounds((0, 0, 30_000, 20_000), cell_size=1000, crs=CRS)
    values = np.ones(grid.shape)
    values[3, 4] = 0.0
    write_geotiff(tmp_path / "ground.tif", values, grid)
    (tmp_path / "project.toml").write_text(PROJECT, encoding="utf-8")
    return tmp_path


@pytest.mark.filterwarnings("ignore:Column names longer", "ignore:Normalized")
def test_every_one_of_thirty_faults_is_named(folder: Path) -> None:
    findings = check_project(folder)
    texts: dict[tuple[str, str | None], list[str]] = {(f.code, f.layer): [] for f in findings}
    for f in findings:
        texts[f.code, f.layer].append(f.text())
    missed = [p for p in PLANTED if not any(p[2] in t for t in texts.get((p[0], p[1]), []))]
    assert len(PLANTED) == 30
    assert missed == [], "\n".join(f.text() for f in findings)
    assert all(f.remedy and f.layer for f in findings)


@pytest.mark.filterwarnings("ignore:Column names longer", "ignore:Normalized")
def test_the_account_of_a_broken_project_adds_up(folder: Path) -> None:
    result = CliRunner().invoke(cli, ["check", str(folder)])
    assert result.exit_code == 2
    rows = {
        row.split()[0]: row for row in result.stdout.split("layers\n")[1].splitlines() if row.startswith("  ")
    }
    assert "rows: 15, on the grid: 15" in rows["fences"]
    assert "rows: 1, on the grid: 0, off it: 1" in rows["far"]
    assert "rows: 3, on the grid: 2, off it: 1" in rows["places"]
    assert set(rows) >= {
        "fences",
        "roads",
        "far",
        "several",
        "posts",
        "places",
        "ring",
        "sites",
        "ground",
        "gone",
    }
