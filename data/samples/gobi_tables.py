"""The hand-drawn tables of the Gobi sample: from the readable files in ``source/`` to one common schema.

Nothing is measured here. The files in ``source/`` are schematic drawings; this module gives their rows
stable ids, one vocabulary for status and fences, and a licence and a source on every row. Each value that is
not in the drawing itself is named in a ``*_basis`` column or in ``note``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS, Geod, Transformer
from shapely.geometry import LineString, Point, shape
from shapely.geometry.base import BaseGeometry

SOURCE = Path(__file__).resolve().parent / "source"
WGS84 = Geod(ellps="WGS84")
# A national Lambert conformal conic grid; distances below are measured in it
LAMBERT = CRS.from_proj4("+proj=lcc +lat_1=43.5 +lat_2=50.5 +lat_0=47 +lon_0=105 +datum=WGS84 +units=m")
TO_LAMBERT = Transformer.from_crs("EPSG:4326", LAMBERT, always_xy=True)
FROM_LAMBERT = Transformer.from_crs(LAMBERT, "EPSG:4326", always_xy=True)

# How far a line that was meant to end on the border is run on behind it [m]
BEYOND_M = 2_000.0

IDS = {
    "TMR northern border - Ulaanbaatar": "TMR-1",
    "TMR Ulaanbaatar - Choir": "TMR-2",
    "TMR Choir - Sainshand": "TMR-3",
    "TMR Sainshand - Zamyn-Uud - border": "TMR-4",
    "Tavan Tolgoi - Gashuun Sukhait railway": "TTGS",
    "Gashuun Sukhait - Ganqimaodu cross-border railway": "GSG",
    "Tavan Tolgoi - Zuunbayan railway": "TTZ",
    "Zuunbayan - Khangi railway": "ZKH",
    "Sainshand - Zuunbayan branch": "SZB",
    "Airag - Bor-Öndör branch": "ABO",
    "Bagakhangai - Baganuur branch": "BBN",
    "Choibalsan - Ereentsav railway": "CHE",
    "Choibalsan - Khuut - Bichigt railway": "CKB",
    "Sainshand - Baruun-Urt - Khuut railway": "SBK",
    "Nariin Sukhait - Shivee Khuren railway": "NSSK",
    "Ukhaa Khudag (Tavan Tolgoi) - Gashuun Sukhait coal road": "COAL-ROAD",
    "Oyu Tolgoi - Gashuun Sukhait road": "OT-ROAD",
    "Khanbogd - Oyu Tolgoi road": "KB-OT-ROAD",
    "Nariin Sukhait - Shivee Khuren coal road": "NSSK-ROAD",
    "AH3 Ulaanbaatar - Choir - Sainshand - Zamyn-Uud highway": "AH3",
    "Ulaanbaatar - Mandalgovi - Dalanzadgad road": "UB-DZ-ROAD",
    "Dalanzadgad - Tsogttsetsii - Ukhaa Khudag road": "DZ-UK-ROAD",
    "Ulaanbaatar - Undurkhaan - Baruun-Urt road": "UB-BU-ROAD",
    "Mongolia - China border fence": "MN-CN",
    "Mongolia - Russia border": "MN-RU",
    "Khulan, South Gobi range west of the TMR": "khulan-west",
    "Khulan, former range east of the TMR now cut off": "khulan-east",
    "Mongolian gazelle, eastern steppe core": "gazelle-core",
    "Mongolian gazelle, strip along and west of the TMR": "gazelle-strip",
}
STATUS = {"in_service": "existing", "under_construction": "under_construction", "planned": "planned"}
SPECIES = {"Equus hemionus": "khulan", "Procapra gutturosa": "mongolian_gazelle"}
# Lines said to end on the border whose last point falls 1.5 km short of it; the others already cross it
SHORT_OF_BORDER = ("ZKH", "NSSK")

LINE_COLUMNS = [
    "id", "name", "kind", "line", "status", "opened", "closed", "planned_open", "fence_class", "fenced",
    "fence_sides", "fence_lines", "fence_type", "fence_basis", "trains_per_day", "trains_per_day_source",
    "vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high", "vehicles_per_day_basis",
    "traffic_year", "traffic_source", "night_closure", "surface", "gauge_mm", "capacity_mt_per_year",
    "length_km_published", "length_km_drawn", "accuracy_m", "source", "source_type", "licence", "note",
]  # fmt: skip
INTEGERS = {
    "opened", "closed", "planned_open", "fence_lines", "trains_per_day", "vehicles_per_day_low",
    "vehicles_per_day", "vehicles_per_day_high", "traffic_year", "capacity_mt_per_year", "accuracy_m",
}  # fmt: skip
REALS = {"length_km_published", "length_km_drawn", "km", "km_accuracy_km", "area_km2", "area_km2_official"}

Row = dict[str, Any]


def read_source(name: str) -> list[Row]:
    """Rows of one drawing, in file order; the geometry is under ``geometry``."""
    features = json.loads((SOURCE / f"{name}.geojson").read_text(encoding="utf-8"))["features"]
    return [{**feature["properties"], "geometry": shape(feature["geometry"])} for feature in features]


def frame(rows: list[Row], columns: list[str]) -> gpd.GeoDataFrame:
    """A table with fixed columns, column order and types, in EPSG:4326."""
    data: dict[str, Any] = {}
    for column in columns:
        values = [row.get(column) for row in rows]
        if column in INTEGERS:
            data[column] = pd.array(values, dtype="Int64")
        elif column in REALS:
            data[column] = pd.array([math.nan if v is None else float(v) for v in values], dtype="float64")
        else:
            data[column] = pd.array([None if v in (None, "") else str(v) for v in values], dtype="object")
    return gpd.GeoDataFrame(data, geometry=[row["geometry"] for row in rows], crs="EPSG:4326")


def length_km(line: BaseGeometry) -> float:
    """Length on the WGS 84 ellipsoid [km]."""
    return round(WGS84.geometry_length(line) / 1000.0, 1)


def area_km2(polygon: BaseGeometry) -> float:
    """Area on the WGS 84 ellipsoid [km2]."""
    return round(abs(WGS84.geometry_area_perimeter(polygon)[0]) / 1e6, 1)


def run_on(line: LineString, country: BaseGeometry) -> tuple[LineString, float, float]:
    """``line`` prolonged along its last chord until ``BEYOND_M`` behind the border.

    Returns the longer line, the length added [m], and by how much the drawn end fell short of the border [m].
    """
    (x0, y0), (x1, y1) = line.coords[-2:]
    before, tip = TO_LAMBERT.transform(x0, y0), TO_LAMBERT.transform(x1, y1)
    border = gpd.GeoSeries([country.boundary], crs="EPSG:4326").to_crs(LAMBERT).iloc[0]
    step = math.dist(tip, before)
    ux, uy = (tip[0] - before[0]) / step, (tip[1] - before[1]) / step
    beyond = LineString([tip, (tip[0] + 60_000.0 * ux, tip[1] + 60_000.0 * uy)])
    short = Point(tip).distance(beyond.intersection(border))
    added = short + BEYOND_M
    lon, lat = FROM_LAMBERT.transform(tip[0] + added * ux, tip[1] + added * uy)
    return LineString([*line.coords, (round(lon, 4), round(lat, 4))]), added, short


def _note(row: Row, text: str) -> None:
    row["note"] = f"{row['note']}; {text}" if row.get("note") else text


def railways(country: BaseGeometry) -> gpd.GeoDataFrame:
    """Railways, with the fences that run beside them."""
    rows = read_source("railways")
    for row in rows:
        row["id"] = IDS[row["name"]]
        row["line"] = row.get("line") or row["id"]
        row["status"] = STATUS[row["status"]]
        _rail_fence(row)
        if row["id"] in SHORT_OF_BORDER:
            row["geometry"], added, short = run_on(row["geometry"], country)
            _note(row, f"drawn end lay {short / 1000:.1f} km short of the border; prolonged by "
                       f"{added / 1000:.1f} km along its last chord (inferred)")  # fmt: skip
        row["length_km_drawn"] = length_km(row["geometry"])
    return frame(rows, LINE_COLUMNS)


def _rail_fence(row: Row) -> None:
    if row["fenced"] in ("yes", "mostly"):
        row.update(fence_class="rail_barbed_both_sides", fence_sides="both", fence_lines=2)
        row["fence_basis"] = "drawing: fenced on both sides, 5 to 7 barbed strands"
        if row["fenced"] == "mostly":
            row["fence_basis"] += "; 'mostly': where the open stretches are is not known, so none is drawn"
    elif row["fenced"] == "no":
        row.update(fence_sides="none", fence_lines=0, fence_basis="drawing: no fence known")
    else:
        row["fence_basis"] = "fence state not found; class, sides and lines left empty"


def roads() -> gpd.GeoDataFrame:
    """Roads with traffic; a missing best figure becomes the geometric mean of the range, and says so."""
    rows = read_source("roads")
    for row in rows:
        row["id"] = row["line"] = IDS[row["name"]]
        row.update(status="existing", fenced="unknown", fence_basis="no fence recorded; not looked for")
        row["night_closure"] = row.get("night_closure") or "unknown"
        row["vehicles_per_day_basis"] = "see traffic_source"
        if row.get("vehicles_per_day") is None:
            low, high = row["vehicles_per_day_low"], row["vehicles_per_day_high"]
            row["vehicles_per_day"] = round(math.sqrt(low * high), -1)
            row["vehicles_per_day_basis"] = "geometric mean of the range (inferred)"
        row["length_km_drawn"] = length_km(row["geometry"])
    return frame(rows, LINE_COLUMNS)


def fences() -> gpd.GeoDataFrame:
    """Border fences; the state line stands in for them."""
    rows = read_source("border_fences")
    for row in rows:
        row["id"] = row["line"] = IDS[row["name"]]
        row["status"] = "existing"
        said = f"drawing: {row['fenced']}"
        if row["id"] == "MN-CN":
            row.update(fenced="mostly", fence_class="border", fence_basis=said)
        else:
            row.update(fenced="unknown", fence_class="stock")
            row["fence_basis"] = f"{said}; class `stock` stands in for 'treat as semi-permeable' (inferred)"
        row["length_km_drawn"] = length_km(row["geometry"])
    return frame(rows, LINE_COLUMNS)


def stations() -> gpd.GeoDataFrame:
    """Stations and marks with the railway kilometre counted from the northern border."""
    rows = read_source("tmr_stations")
    for number, row in enumerate(rows):
        row["id"] = f"{row['line']}-S{number:02d}"
        row["km"] = row["km_from_north_border"]
        row["kind"] = "station" if 0 < number < len(rows) - 1 else "mark"
    columns = ["id", "line", "name", "kind", "km", "km_accuracy_km", "km_source", "accuracy_m", "source",
               "source_type", "licence", "note"]  # fmt: skip
    return frame(rows, columns)


def ranges() -> gpd.GeoDataFrame:
    """Schematic ranges of the two species."""
    rows = read_source("ranges_schematic")
    for row in rows:
        row["id"] = IDS[row["name"]]
        row["scientific_name"], row["species"] = row["species"], SPECIES[row["species"]]
        row["role"] = "former" if row["status"].startswith("formerly") else "present"
        row["area_km2"] = area_km2(row["geometry"])
    columns = ["id", "species", "scientific_name", "name", "role", "status", "area_km2", "accuracy_m",
               "source", "source_type", "licence", "note"]  # fmt: skip
    return frame(rows, columns)


def patches() -> gpd.GeoDataFrame:
    """Places to measure connectivity between, drawn for illustration."""
    rows = read_source("patches")
    for row in rows:
        row["area_km2"] = area_km2(row["geometry"])
    columns = ["id", "species", "name", "range", "tmr_side", "area_km2", "accuracy_m", "source",
               "source_type", "licence", "note"]  # fmt: skip
    return frame(rows, columns)


def _numbered(rows: list[Row], stem: str, columns: list[str]) -> gpd.GeoDataFrame:
    for number, row in enumerate(rows, start=1):
        row["id"] = f"{stem}-{number:02d}"
    credit = ["accuracy_m", "source", "source_type", "licence", "note"]
    return frame(rows, ["id", "name", "kind", *columns, *credit])


def drawn_tables(country: BaseGeometry) -> dict[str, gpd.GeoDataFrame]:
    """All tables that come from ``source/``, in the order they are written."""
    places = read_source("places")
    protected = read_source("protected_areas")
    for row in protected:
        row["area_km2"] = area_km2(row["geometry"])
    mines = [row for row in places if row["kind"] == "mine"]
    others = [row for row in places if row["kind"] != "mine"]
    return {
        "railways": railways(country),
        "stations": stations(),
        "roads": roads(),
        "fences": fences(),
        "places": _numbered(others, "place", ["structure", "species"]),
        "mines": _numbered(mines, "mine", ["commodity"]),
        "protected_areas": _numbered(protected, "pa", ["designation", "area_km2_official", "area_km2"]),
        "water": _numbered(read_source("water"), "water", []),
        "ranges": ranges(),
        "patches": patches(),
    }
