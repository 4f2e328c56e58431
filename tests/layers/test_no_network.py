"""No layer leads to the network: known descriptions are refused, unknown ones find no way out.  A server on this machine counts who calls."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from permeability.core import memory
from permeability.core.errors import InteropError, LayerError, PermeabilityError
from permeability.layers import exchange_grids, rasters, sqlite_views, vectors

TILES = {"tiles:tile_matrix_links": {"W": {"url": "#W", "limits": {}}}, "tiles:tile_matrix_sets": {"W": {"identifier": "W", "supportedCRS": "EPSG:3857", "tileMatrix": [{"identifier": "0", "scaleDenominator": 1, "topLeftCorner": [0, 0], "tileWidth": 256, "tileHeight": 256, "matrixWidth": 1, "matrixHeight": 1}]}}}  # fmt: skip
ENTITY = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM '{0}/entity'>]>"
POINT = '{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 1]}}'
FILES = {
    "link.geojson": '{"type": "FeatureCollection", "cr\\u0073": {"type": "link", "properties": {"href": "URL/crs", "type": "proj4"}}, "features": [' + POINT + "]}",
    "wfs.xml": "\ufeff<OGRWFSDataSource><URL>URL/wfs</URL></OGRWFSDataSource>",
    "wms.xml": "<GDAL_WMS><Service name='TMS'><ServerUrl>URL/x</ServerUrl></Service></GDAL_WMS>",
    "wmts.xml": "<GDAL_WMTS><GetCapabilitiesUrl>URL/wmts</GetCapabilitiesUrl></GDAL_WMTS>",
    "wcs.xml": "<WCS_GDAL><ServiceURL>URL/wcs</ServiceURL><CoverageName>a</CoverageName></WCS_GDAL>",
    "index.gti": "<GDALTileIndexDataset><IndexDataset>/vsicurl/URL/idx.gpkg</IndexDataset></GDALTileIndexDataset>",
    "recipe.gdalg.json": '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /vsicurl/URL/a.gpkg"}',
    "tiles.json": json.dumps({"stac_version": "1.0.0", "type": "Feature", "id": "x", "properties": TILES, "asset_templates": {"a": {"href": "URL/{TileMatrix}.tif"}}}),
    "parts.json": json.dumps({"version": 1, "refs": {".zgroup": '{"zarr_format":2}', "a/0.0": ["URL/z", 0, 16]}}),
}  # fmt: skip
SILENT = {  # nothing to refuse: what they name is not fetched
    "a.gml": ENTITY + "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='http://a {0}/s.xsd'><gml:featureMember><f><n>&x;</n></f></gml:featureMember></gml:FeatureCollection>",
    "a.kml": ENTITY + "<kml xmlns='http://www.opengis.net/kml/2.2'><Document><NetworkLink><Link><href>{0}/nl.kml</href></Link></NetworkLink><Placemark><name>&x;</name><Point><coordinates>1,1</coordinates></Point></Placemark></Document></kml>",
    "a.gpx": ENTITY + "<gpx version='1.1' xmlns='http://www.topografix.com/GPX/1/1'><wpt lat='1' lon='1'><name>&x;</name></wpt></gpx>",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[str]]]:
    called: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, *told: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", called
        running.shutdown()


def tried(path: Path) -> list[str]:
    """Codes with which a file is refused as a raster, as a vector, and when its tables are listed."""
    codes = []
    for read in (lambda: rasters.raw_raster(path, layer="x"), lambda: vectors.read_vector(path), lambda: vectors.tables_of(path)):  # fmt: skip
        try:
            read()
            codes.append("read")
        except PermeabilityError as refused:
            codes.append(refused.code)
    return codes


@pytest.mark.parametrize("name", FILES)
def test_descriptions_of_far_layers_are_refused(
    name: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, called = server
    (tmp_path / name).write_text(FILES[name].replace("URL", f"{url}/{uuid.uuid4().hex}"), encoding="utf-8")
    assert tried(tmp_path / name) == ["L19"] * 3
    assert called == []


@pytest.mark.parametrize("name", SILENT)
def test_entities_and_links_are_not_followed(
    name: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, called = server
    (tmp_path / name).write_text(SILENT[name].replace("{0}", f"{url}/{uuid.uuid4().hex}"), encoding="utf-8")
    tried(tmp_path / name)
    assert called == []


@pytest.mark.parametrize("name", FILES)
def test_what_is_not_known_finds_no_way_out(name: str, server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """The same files as if nobody knew them."""
    url, called = server
    for module in (rasters, vectors, exchange_grids):
        monkeypatch.setattr(module, "require_local", lambda *path, **layer: None)
    (tmp_path / name).write_text(FILES[name].replace("URL", f"{url}/{uuid.uuid4().hex}"), encoding="utf-8")
    tried(tmp_path / name)
    assert called == []


def test_the_server_is_there_and_gdal_would_call_it(server: tuple[str, list[str]], tmp_path: Path) -> None:
    """Without our doors, that is: else the tests above would say nothing."""
    import pyogrio

    url, called = server
    (tmp_path / "a.geojson").write_text(FILES["link.geojson"].replace("URL", f"{url}/{uuid.uuid4().hex}"))
    pyogrio.read_dataframe(tmp_path / "a.geojson")
    assert called
    called.clear()


def test_what_was_set_before_comes_back_after_the_last_of_several_threads() -> None:
    """Whoever reads an address of their own after ours, with GDAL, finds the network as they left it."""
    import pyogrio

    from permeability.layers.local_only import NO_WAY_OUT, offline

    before = {k: pyogrio.get_gdal_config_option(k) for k in NO_WAY_OUT}
    inside, leave = threading.Event(), threading.Event()

    def long() -> None:
        with offline():
            inside.set()
            leave.wait(30)

    with offline():
        other = threading.Thread(target=long)
        other.start()
        assert inside.wait(30)
    assert pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY") == NO_WAY_OUT["GDAL_HTTP_PROXY"]
    leave.set()
    other.join()
    assert {k: pyogrio.get_gdal_config_option(k) for k in NO_WAY_OUT} == before


def test_a_bomb_of_entities_is_refused(tmp_path: Path) -> None:
    lol = "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10 if i else 'lol'}'>" for i in range(12))
    (tmp_path / "a.kml").write_text(f"<?xml version='1.0'?><!DOCTYPE r [{lol}]><kml><Placemark><name>&l11;</name><Point><coordinates>1,1</coordinates></Point></Placemark></kml>")  # fmt: skip
    begun = time.monotonic()
    with pytest.raises(LayerError):
        vectors.read_vector(tmp_path / "a.kml")
    assert time.monotonic() - begun < 30


def test_a_packed_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.asc").write_bytes(gzip.compress(b"ncols 4\n" + b"0 " * 20_000_000))
    assert (tmp_path / "a.asc").stat().st_size < 100_000
    monkeypatch.setattr(memory, "available", lambda: 40_000_000)
    with pytest.raises(InteropError, match=r"X04.*unpacks to more than"):
        exchange_grids.read_raster(tmp_path / "a.asc")


@pytest.mark.parametrize("cut", [3, 12, 25, -4])
def test_a_packed_grid_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    (tmp_path / "a.asc").write_bytes(
        gzip.compress(b"ncols 1\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\n5")[:cut]
    )
    with pytest.raises(InteropError, match="X04"):
        exchange_grids.read_raster(tmp_path / "a.asc")


def test_a_view_without_end_is_refused_and_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import geopandas as gpd
    import shapely

    monkeypatch.setattr(sqlite_views, "MOST_S", 0.3)
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"id": ["F"]}, geometry=[shapely.Point(1, 1)], crs=32648).to_file(path, layer="one")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT fid, id, geom FROM one WHERE fid = (SELECT max(i) FROM n)"  # fmt: skip
    for name, question in (("quick", "SELECT fid, id, geom FROM one"), ("slow", endless)):
        with sqlite3.connect(path) as base:
            base.execute(f"CREATE VIEW {name} AS {question}")
            base.execute(f"INSERT INTO gpkg_contents SELECT '{name}', data_type, '{name}', description, last_change, min_x, min_y, max_x, max_y, srs_id FROM gpkg_contents WHERE table_name = 'one'")  # fmt: skip
            base.execute(f"INSERT INTO gpkg_geometry_columns SELECT '{name}', column_name, geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns WHERE table_name = 'one'")  # fmt: skip
        base.close()
        if name == "quick":
            assert vectors.read_vector(path, "quick")["id"].tolist() == ["F"]
    for table in ("slow", "one"):
        begun = time.monotonic()
        with pytest.raises(LayerError, match=r"L40.*'slow'"):
            vectors.read_vector(path, table)
        assert time.monotonic() - begun < 10


def test_a_view_that_only_another_program_understands_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("CREATE VIEW far AS SELECT ST_Transform(geom, 4326) AS geom FROM nowhere")
        base.execute("CREATE VIEW quick AS SELECT 1 AS id")
    assert sqlite_views.require_quick(path, "fences") is None
