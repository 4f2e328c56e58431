"""Fences and patches in the formats that agencies hand out: the same project gives the same numbers from each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import permeability as pm
from permeability.barriers.database import check, columns, template_layers, write_template
from permeability.layers.vectors import read_vector
from permeability.project.checking import check_project

HEAD = """
[project]
name = "case"
year = 2025

[grid]
crs = "EPSG:32648"
cell_size_m = 1000
bounds = [500000, 5000000, 512000, 5008000]

[layers.ground]
path = "ground.tif"

[habitat]
resistance = "ground"

[barriers]
layers = ["fences"]
posts = "posts"

[[candidates]]
line = "F"
length_km = 2.0

[species.khulan]
patches = "patches"

[ranking]
draws = 0
"""
CRS = "EPSG:32648"
FENCES = gpd.GeoDataFrame(
    {"id": ["F"], "kind": ["fence"], "fence_class": ["stock"], "line": ["F"], "accuracy_m": [50.0]},
    geometry=[shapely.LineString([(506000, 5000000), (506000, 5008000)])], crs=CRS,
)  # fmt: skip
POSTS = gpd.GeoDataFrame(
    {"line": ["F", "F"], "km": [100.0, 108.0]}, geometry=gpd.points_from_xy([506000] * 2, [5000000, 5008000]), crs=CRS
)  # fmt: skip
PATCHES = gpd.GeoDataFrame(
    {"id": ["W", "E"]}, geometry=[shapely.box(501000, 5003000, 503000, 5005000), shapely.box(509000, 5003000, 511000, 5005000)], crs=CRS
)  # fmt: skip
LAYERS = {"fences": FENCES, "posts": POSTS, "patches": PATCHES}
Writer = Callable[[Path, str, gpd.GeoDataFrame], str]


def by_gdal(driver: str, ending: str, crs: int | None = None) -> Writer:
    def write(folder: Path, name: str, table: gpd.GeoDataFrame) -> str:
        if "w" not in (pyogrio.list_drivers().get(driver) or ""):
            pytest.skip(f"this GDAL does not write {driver}")
        if driver in ("KML", "LIBKML"):  # takes no id of its own
            table = table.rename(columns={"id": "code"}).assign(Name=table.get("line", table.get("id")))
        pyogrio.write_dataframe(
            table.to_crs(crs) if crs else table, folder / f"{name}{ending}", driver=driver, layer=name
        )
        more = 'columns = { code = "id" }\n' if driver in ("KML", "LIBKML") and "code" in table else ""
        return f'path = "{name}{ending}"\n{more}'  # fmt: skip

    return write


def parquet(folder: Path, name: str, table: gpd.GeoDataFrame) -> str:
    pytest.importorskip("pyarrow")
    table.to_crs(4326).to_parquet(folder / f"{name}.parquet")
    return f'path = "{name}.parquet"\n'


def as_text(table: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(table.drop(columns="geometry")).assign(wkt=table.geometry.to_wkt())


def csv(folder: Path, name: str, table: gpd.GeoDataFrame) -> str:
    as_text(table).to_csv(folder / f"{name}.csv", index=False, sep=";", decimal=",")
    return f'path = "{name}.csv"\ncrs = "{CRS}"\n'


def excel(folder: Path, name: str, table: gpd.GeoDataFrame) -> str:
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(
        folder / "all.xlsx", engine="openpyxl", mode="a" if (folder / "all.xlsx").exists() else "w"
    ) as book:
        as_text(table).to_excel(book, sheet_name=name, index=False)
    return f'path = "all.xlsx"\ntable = "{name}"\ncrs = "{CRS}"\n'


def geodatabase(folder: Path, name: str, table: gpd.GeoDataFrame) -> str:
    if "w" not in (pyogrio.list_drivers().get("OpenFileGDB") or ""):
        pytest.skip("this GDAL does not write file geodatabases")
    pyogrio.write_dataframe(
        table, folder / "all.gdb", driver="OpenFileGDB", layer=name, append=(folder / "all.gdb").exists()
    )
    return f'path = "all.gdb"\ntable = "{name}"\n'  # fmt: skip


WRITERS: dict[str, Writer] = {
    "GeoPackage": by_gdal("GPKG", ".gpkg"),
    "Shapefile": by_gdal("ESRI Shapefile", ".shp"),
    "GeoJSON": by_gdal("GeoJSON", ".geojson", 4326),
    "FlatGeobuf": by_gdal("FlatGeobuf", ".fgb"),
    "KML": by_gdal("LIBKML", ".kml", 4326),
    "MapInfo": by_gdal("MapInfo File", ".tab"),
    "GML": by_gdal("GML", ".gml"),
    "SQLite": by_gdal("SQLite", ".sqlite"),
    "GeoParquet": parquet,
    "CSV with WKT": csv,
    "Excel with WKT": excel,
    "file geodatabase": geodatabase,
}


def project(folder: Path, writer: Writer) -> Path:
    from permeability.layers.grid import Grid
    from permeability.layers.rasters import write_geotiff

    grid = Grid.from_bounds((500000, 5000000, 512000, 5008000), cell_size=1000, crs=CRS)
    write_geotiff(folder / "ground.tif", np.ones(grid.shape), grid)
    text = HEAD + "".join(f"\n[layers.{n}]\n{writer(folder, n, t)}" for n, t in LAYERS.items())
    path = folder / "project.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore:Column names longer", "ignore:Normalized", "ignore:.*more than one layer")
@pytest.mark.parametrize("name", list(WRITERS))
def test_every_format_gives_the_same_project(tmp_path: Path, name: str) -> None:
    (tmp_path / "first").mkdir()
    first = pm.open_project(project(tmp_path / "first", WRITERS["GeoPackage"]))
    path = project(tmp_path, WRITERS[name])
    wrong = [f.text() for f in check_project(path) if f.severity == "error"]
    assert wrong == []
    made = pm.open_project(path)
    for one in (first, made):
        assert [c.id for c in one.candidates("khulan")] == [c.id for c in first.candidates("khulan")]
        assert one.barriers.table["fence_class"].tolist() == ["stock"]
        assert one.patches("khulan").table["area_km2"].tolist() == [4.0, 4.0]
    r = [
        pm.connectivity(p.landscape("khulan"), p.patches("khulan")).pairs["resistance"].to_numpy()
        for p in (first, made)
    ]
    assert r[1] == pytest.approx(r[0], rel=1e-6)  # fmt: skip


# ---------------------------------------------------------------- the workbook to fill in
def test_the_workbook_offers_the_words_of_the_schema(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    (file,) = write_template(tmp_path / "barriers.xlsx")
    book = openpyxl.load_workbook(file)
    for layer in ("barriers", "structures", "posts", "sites"):
        sheet = book[layer]
        heads = [c.value for c in sheet[1]]
        assert heads == [*(c.name for c in columns(layer)), "wkt"]
        offered = {}
        for rule in sheet.data_validations.dataValidation:
            column = heads[next(iter(rule.sqref.ranges)).min_col - 1]
            if rule.type == "list":
                place = rule.formula1.split("!")[1].replace("$", "")
                offered[column] = tuple(row[0].value for row in book["words"][place])
        assert offered == {c.name: c.values for c in columns(layer) if c.values}


@pytest.mark.parametrize("layer", ["barriers", "structures", "posts"])
def test_the_workbook_is_read_back_as_it_was_written(tmp_path: Path, layer: str) -> None:
    pytest.importorskip("openpyxl")
    (file,) = write_template(tmp_path / "barriers.xlsx")
    (other,) = write_template(tmp_path / "barriers.gpkg")
    from permeability.barriers.database import conform

    read = read_vector(file, layer, assume_crs="EPSG:4326")
    kept = read_vector(other, layer)
    assert check(read, layer) == check(kept, layer)
    one, two = (conform(t, layer) for t in (read, kept))
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(two.drop(columns="geometry"))
    )
    assert shapely.equals_exact(one.geometry.to_numpy(), two.geometry.to_numpy(), tolerance=1e-6).all()
    assert len(one) == len(template_layers()[layer])


def test_a_workbook_without_openpyxl_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)
    from permeability.core.errors import LayerError

    with pytest.raises(LayerError, match=r"K17[\s\S]*needs openpyxl[\s\S]*\[excel\]"):
        write_template(tmp_path / "barriers.xlsx")
    assert not (tmp_path / "barriers.xlsx").exists()


def test_posts_beyond_the_edge_count_where_the_line_goes_on(tmp_path: Path) -> None:
    path = project(tmp_path, WRITERS["GeoPackage"])
    POSTS.assign(geometry=gpd.points_from_xy([506000] * 2, [4990000, 5018000])).to_file(
        tmp_path / "posts.gpkg"
    )
    FENCES.assign(geometry=[shapely.LineString([(506000, 4990000), (506000, 5018000)])]).to_file(
        tmp_path / "fences.gpkg"
    )
    assert "L21" not in [f.code for f in check_project(path)]
    POSTS.assign(geometry=gpd.points_from_xy([9e5] * 2, [4990000, 5018000])).to_file(tmp_path / "posts.gpkg")
    assert ("L21", "posts") in [(f.code, f.layer) for f in check_project(path)]
