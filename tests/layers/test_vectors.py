"""Vector files of every kind, as other programs write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from places import SHARED

from permeability.core.errors import LayerError
from permeability.layers.degrees import middle_degrees
from permeability.layers.reprojection import reproject
from permeability.layers.vectors import read_vector, tables_of

CRS = "EPSG:32648"
EXTRACT = SHARED / "data" / "reference" / "osm" / "liechtenstein.osm.pbf"


def frame() -> gpd.GeoDataFrame:
    shapes = [
        shapely.LineString([(500_000, 5_000_000), (500_000, 5_008_000)]),
        shapely.LineString([(502_000, 5_000_000), (502_000, 5_008_000)]),
    ]
    return gpd.GeoDataFrame(
        {"id": ["a", "b"], "kind": ["fence", "road"], "traffic": ["1 200,5", "12,5"]},
        geometry=shapes,
        crs=CRS,
    )


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.gpkg": lambda p: frame().to_file(p),
    "a.geojson": lambda p: frame().to_file(p),
    "a.fgb": lambda p: frame().to_file(p, driver="FlatGeobuf"),
    "a.gdb": lambda p: frame().to_file(p, driver="OpenFileGDB"),
    "a.parquet": lambda p: frame().to_parquet(p),
    "a.csv": lambda p: (
        frame().assign(wkt=frame().geometry.to_wkt()).drop(columns="geometry").to_csv(p, index=False)
    ),
    "b.csv": lambda p: pd.DataFrame(frame().assign(geometry=frame().geometry.to_wkt())).to_csv(
        p, index=False, sep=";"
    ),
    "c.csv": lambda p: pd.DataFrame(
        frame().assign(geom=frame().geometry.to_wkb(hex=True)).drop(columns="geometry")
    ).to_csv(p, index=False, sep="\t"),
    "b.parquet": lambda p: pd.DataFrame(frame().assign(geometry=frame().geometry.to_wkb())).to_parquet(p),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITERS)
def test_formats(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    plain = name.endswith(".csv") or name == "b.parquet"
    read = read_vector(tmp_path / name, assume_crs=CRS if plain else None, crs=CRS)
    read = read.sort_values("id")  # FlatGeobuf orders rows by place
    assert read["id"].tolist() == ["a", "b"]
    assert read.geometry.length.tolist() == pytest.approx([8000, 8000], rel=1e-6)
    assert read["traffic"].tolist() == ["1 200,5", "12,5"]


@pytest.mark.filterwarnings("ignore")
def test_kml_and_excel(tmp_path: Path) -> None:
    if not {"LIBKML", "XLSX"} <= set(pyogrio.list_drivers(write=True)):
        pytest.skip("this GDAL writes no KML or no Excel")
    frame().to_crs(4326).to_file(tmp_path / "a.kml", driver="LIBKML")
    assert len(read_vector(tmp_path / "a.kml", crs=CRS)) == 2
    table = pd.DataFrame({"id": ["a", "b"], "X": ["500000,5", "502 000"], "Y": ["5000000", "5000000"]})
    pyogrio.write_dataframe(table, tmp_path / "a.xlsx", driver="XLSX", layer="stations")
    assert read_vector(tmp_path / "a.xlsx", assume_crs=CRS).geometry.x.tolist() == [500_000.5, 502_000]


@pytest.mark.parametrize(
    "names",
    [
        ("x", "y"),
        ("X", "Y"),
        ("lon", "lat"),
        ("longitude", "latitude"),
        ("Easting", "Northing"),
        ("location-long", "location-lat"),
    ],
)
def test_places_in_two_columns(tmp_path: Path, names: tuple[str, str]) -> None:
    pd.DataFrame({"id": ["a"], names[0]: ["105,5"], names[1]: ["46"]}).to_csv(
        tmp_path / "a.csv", index=False, sep=";"
    )
    point = read_vector(tmp_path / "a.csv", assume_crs="EPSG:4326").geometry[0]
    assert (point.x, point.y) == (105.5, 46)


def test_places_in_columns_of_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,KOORD_E,KOORD_N\na,500000,5000000\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"(?s)L06.*columns x and y"):
        read_vector(tmp_path / "a.csv", assume_crs=CRS)
    read = read_vector(tmp_path / "a.csv", assume_crs=CRS, columns={"KOORD_E": "x", "KOORD_N": "y"})
    assert read.geometry.x.tolist() == [500_000]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id,x,y\na,1,north\n", "L20"),
        ("id,wkt\na,LINESTRING (0 0)\n", "L20"),
        ("id,wkt\na,no place\n", "L20"),
    ],
)
def test_cells_without_a_place_are_told(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match=code) as refused:
        read_vector(tmp_path / "a.csv", assume_crs=CRS)
    assert refused.value.rows == [1]


@pytest.mark.parametrize(
    "path", ["PG:host=db", "postgresql://db/x", "https://example.org/a.gpkg", "s3://bucket/a.gpkg"]
)
def test_what_is_no_file_is_refused_for_what_it_is(path: str) -> None:
    with pytest.raises(LayerError, match=r"(?s)L19.*ogr2ogr"):
        read_vector(path)


def test_several_tables(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg", layer="one")
    pd.DataFrame({"a": [1]}).pipe(
        lambda t: __import__("pyogrio").write_dataframe(
            t, tmp_path / "a.gpkg", layer="layer_styles", append=True
        )
    )
    assert len(read_vector(tmp_path / "a.gpkg")) == 2  # a table without geometries need not be named apart
    frame().to_file(tmp_path / "a.gpkg", layer="two")
    with pytest.raises(LayerError, match=r'(?s)L18.*one, two.*table = "one"'):
        read_vector(tmp_path / "a.gpkg")
    assert [t for t, kind in tables_of(tmp_path / "a.gpkg").items() if kind is not None] == ["one", "two"]


def test_letters_of_a_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,name,wkt\na,Забор,POINT (1 1)\n".encode("cp1251"))
    with pytest.raises(LayerError, match=r"(?s)L11.*encoding"):
        read_vector(tmp_path / "a.csv", assume_crs=CRS)
    assert read_vector(tmp_path / "a.csv", assume_crs=CRS, encoding="cp1251")["name"].tolist() == ["Забор"]


def test_a_file_that_breaks_off(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.fgb", driver="FlatGeobuf")
    whole = (tmp_path / "a.fgb").read_bytes()
    (tmp_path / "a.fgb").write_bytes(whole[: len(whole) - 40])
    with pytest.raises(LayerError, match="L11"):
        read_vector(tmp_path / "a.fgb")


def test_reprojection_leaves_short_sides_and_points_alone() -> None:
    short = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(105, 46), (105.01, 46)]), shapely.Point(105, 46), None], crs=4326
    )
    assert reproject(short, CRS).geometry[0].equals(short.to_crs(CRS).geometry[0])
    area = gpd.GeoDataFrame(geometry=[shapely.box(100, 46, 108, 48)], crs=4326)
    assert len(reproject(area, CRS).geometry[0].exterior.coords) > 100
    assert reproject(area, 4326) is area


@pytest.mark.skipif(not EXTRACT.is_file(), reason="the shared extract is not here")
def test_a_real_extract_of_openstreetmap() -> None:
    """Counts by GDAL's own reader; the railway of the country in one piece."""
    from permeability.barriers.database import import_layer
    from permeability.barriers.lines import prepare

    with pytest.raises(LayerError, match=r'(?s)L18.*table = "lines"'):
        read_vector(EXTRACT)
    lines = read_vector(EXTRACT, "lines")
    result = import_layer(lines, "openstreetmap", assume=True)
    barriers = result.layers["barriers"]
    features = {str(f).split()[0] for f in [*barriers["id"], *result.unmapped["feature"]]}
    assert len(features) == len(lines)  # every feature is in a layer or in the list
    assert set(barriers["id"].str.split().str[0]) <= set(lines["osm_id"])
    rail = barriers[barriers["line"] == "303 01"].to_crs("EPSG:32632")
    found = prepare(rail)
    assert found.km_range("303 01") == pytest.approx((0, 9.874), abs=0.03)  # by line_merge of the same rows
    for km in range(9):
        assert found.stretch("303 01", km, km + 1).geom_type == "LineString"


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.parquet", "a.geoparquet"])
def test_formats_of_one_table_have_no_tables_to_choose_from(tmp_path: Path, name: str) -> None:
    assert tables_of(tmp_path / name) == {}  # not even opened
    (tmp_path / "a.gpkg").write_bytes(b"")
    with pytest.raises(LayerError, match="L11"):
        tables_of(tmp_path / "a.gpkg")


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ((107.5, 44.0), 'crs = "EPSG:4326"'),
        ((500_000, 5_000_000), "look like a UTM zone"),
        ((12_000_000, 5_500_000), 'say crs = "EPSG:..." for the layer, if you know it'),
    ],
)
def test_a_layer_without_a_coordinate_system_is_refused_with_what_it_looks_like(
    tmp_path: Path, place: tuple[float, float], hint: str
) -> None:
    text = f"id,wkt\na,POINT ({place[0]} {place[1]})\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match="L02") as caught:
        read_vector(tmp_path / "a.csv")
    assert hint in caught.value.remedy


def test_a_file_without_any_table_is_refused(tmp_path: Path) -> None:
    kml = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document></Document></kml>'
    (tmp_path / "a.kml").write_text(kml, encoding="utf-8")
    with pytest.raises(LayerError, match=r"(?s)L03.*a\.kml holds no table"):
        read_vector(tmp_path / "a.kml")


def test_an_empty_cell_is_a_row_without_geometry(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,wkt\na,POINT (1 2)\nb,\nc,  \n", encoding="utf-8")
    found = read_vector(tmp_path / "a.csv", assume_crs=CRS)
    assert found["id"].tolist() == ["a", "b", "c"]
    assert found.geometry.isna().tolist() == [False, True, True]


def test_an_empty_line_stays_empty_on_another_system() -> None:
    lines = gpd.GeoDataFrame(
        geometry=[shapely.LineString(), shapely.LineString([(90, 45), (110, 45)])], crs=4326
    )
    moved = reproject(lines, CRS)
    assert moved.geometry.is_empty.tolist() == [True, False]
    assert len(moved.geometry[1].coords) > 50


def test_places_without_a_coordinate_system_have_no_degrees() -> None:
    known = middle_degrees(frame())
    assert known.round(2).to_numpy().tolist() == [[105.0, 45.19], [105.03, 45.19]]
    nowhere = middle_degrees(frame().set_crs(None, allow_override=True).set_index(pd.Index([7, 9])))
    assert nowhere.index.tolist() == [7, 9]
    assert nowhere.isna().all(axis=None)


def test_a_file_that_breaks_off_behind_its_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.fgb"
    many = gpd.GeoDataFrame({"id": range(300)}, geometry=gpd.points_from_xy(range(300), range(300)), crs=CRS)
    many.to_file(path, driver="FlatGeobuf", SPATIAL_INDEX="NO")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert tables_of(path) == {"a": "Point"}
    with pytest.raises(LayerError, match=r"(?s)L11.*a\.fgb cannot be read.*check that the file is whole"):
        read_vector(path)


def test_an_extract_whose_nodes_are_in_no_order_is_read(tmp_path: Path) -> None:
    """As editors and some servers write it; GDAL's quick index takes rising numbers only."""
    places = {7: (105.0, 44.0), 3: (105.1, 44.0), 5: (105.1, 44.1)}
    nodes = "".join(f'<node id="{k}" lon="{x}" lat="{y}"/>' for k, (x, y) in places.items())
    way = "".join(f'<nd ref="{k}"/>' for k in places) + '<tag k="barrier" v="fence"/>'
    path = tmp_path / "a.osm"
    path.write_text(f'<osm version="0.6">{nodes}<way id="1">{way}</way></osm>', encoding="utf-8")
    found = read_vector(path, "lines")
    assert found["barrier"].tolist() == ["fence"]
    assert found.geometry[0].equals_exact(shapely.LineString(list(places.values())), 1e-7)
