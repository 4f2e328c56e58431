"""Every species runs from layers to results on a small invented landscape."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio import Affine
from shapely.geometry import LineString, box

from permeability.cli.commands import main
from permeability.species import species, species_list

CRS = "EPSG:32648"
N, CELL = 16, 3_000.0
WEST, NORTH = 300_000.0, 5_001_000.0


def x(column: float) -> float:
    return WEST + column * CELL


def y(row: float) -> float:
    return NORTH - row * CELL


def write_project(folder) -> None:
    """Steppe with hills, a forest and a town; a fenced railway, a road and a border fence from north to south."""
    common = {
        "status": "existing",
        "accuracy_m": 100.0,
        "source": "invented",
        "licence": "CC0",
        "opened": 1956.0,
    }
    rows = [
        {"id": "RAIL", "kind": "railway", "line": "RAIL", "fenced": "yes", "fence_class": "rail_barbed_both_sides", "fence_sides": "both", "trains_per_day": 46.0},
        {"id": "ROAD", "kind": "road", "line": "ROAD", "fenced": "no", "vehicles_per_day_low": 200.0, "vehicles_per_day": 500.0, "vehicles_per_day_high": 900.0},
        {"id": "BORDER", "kind": "fence", "line": "BORDER", "fenced": "yes", "fence_class": "border"},
    ]  # fmt: skip
    lines = [LineString([(x(c), y(-1)), (x(c + 0.3), y(N + 1))]) for c in (8.3, 5.6, 14.4)]
    gpkg = folder / "layers.gpkg"
    gpd.GeoDataFrame([{**common, **r} for r in rows], geometry=lines, crs=CRS).to_file(gpkg, layer="barriers")
    patches = gpd.GeoDataFrame(
        {"id": ["west", "east"], "name": ["west", "east"]},
        geometry=[box(x(1), y(11), x(4), y(8)), box(x(10), y(11), x(13), y(8))],
        crs=CRS,
    )
    patches.to_file(gpkg, layer="patches")
    gpd.GeoDataFrame({"id": ["town"]}, geometry=[box(x(6), y(3), x(7), y(2))], crs=CRS).to_file(
        gpkg, layer="towns"
    )
    rows_, columns_ = np.mgrid[0:N, 0:N]
    hills = 1000 + 150 * np.sin(rows_ / 3.0) * np.cos(columns_ / 4.0)
    cover = np.where((rows_ < 4) & (columns_ > 10), 3, 10)
    for name, values in (("elevation", hills), ("landcover", cover)):
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", width=N, height=N, count=1, dtype="float32", crs=CRS,
            transform=Affine(CELL, 0.0, WEST, 0.0, -CELL, NORTH),
        ) as target:  # fmt: skip
            target.write(values.astype("float32"), 1)
    tables = "\n".join(
        f'[species.{name}]\npatches = "patches"\nrange = "patches"\n' for name in species_list()
    )
    (folder / "project.toml").write_text(
        f"""
[project]
name = "Small invented landscape"
year = 2026
[grid]
crs = "{CRS}"
cell_size_m = {CELL}
bounds = [{WEST}, {NORTH - N * CELL}, {WEST + N * CELL}, {NORTH}]
[layers.barriers]
path = "layers.gpkg"
table = "barriers"
[layers.patches]
path = "layers.gpkg"
table = "patches"
[layers.towns]
path = "layers.gpkg"
table = "towns"
[layers.elevation]
path = "elevation.tif"
[layers.landcover]
path = "landcover.tif"
[factors.slope_deg]
derive = "slope"
layers = ["elevation"]
[factors.town_km]
derive = "distance"
layers = ["towns"]
[factors.forest]
derive = "class"
layers = ["landcover"]
classes = [1, 2, 3, 4, 5]
[barriers]
layers = ["barriers"]
{tables}
""",
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    write_project(folder)
    with pytest.raises(SystemExit) as done:
        main(
            [
                "run",
                str(folder / "project.toml"),
                "--out",
                str(folder / "results"),
                "--no-report",
                "--workers",
                "1",
            ]
        )
    assert done.value.code == 0
    return json.loads((folder / "results" / "summary.json").read_text(encoding="utf-8")), folder / "results"


def test_every_species_has_its_results(summary):
    whole, folder = summary
    text = json.dumps(whole)
    for name in species_list():
        assert name in text
        assert (folder / f"current_{name}.tif").is_file()


def test_the_railway_is_closed_to_those_the_profile_says(summary):
    _, folder = summary
    pairs = pd.read_csv(folder / "pairs.csv")
    for name in species_list():
        row = pairs[pairs["species"] == name].iloc[0]
        p = species(name)
        chances = [
            p.crossing["rail_barbed_both_sides"].best,
            p.road_p0.best * np.exp(-500 * p.road_gap_s.best / 86_400),
        ]
        assert row["connected"] == (chances[0] >= 0.001), name
        if row["connected"]:  # on top of the ground, the two crossings at the profile's own figures
            tries = sum((1 - c) / c for c in chances)
            assert row["cost_km"] >= 18 + p.trace_km.best * tries - 1e-6  # 18 km from patch to patch
            assert row["cost_km"] <= 8 * row["straight_km"] + p.trace_km.best * tries
