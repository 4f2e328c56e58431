"""Vector layers in and out: read, refuse what cannot be used, bring to a coordinate system."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from pyproj.exceptions import ProjError
from shapely.errors import ShapelyError

from permeability.core.cells import read_text
from permeability.core.errors import LayerError, nearest, shorten
from permeability.layers.grid import describe_crs, parse_crs
from permeability.layers.local_only import offline, require_local
from permeability.layers.plain_tables import placed, read_csv
from permeability.layers.reprojection import reproject

__all__ = ["read_vector", "tables_of", "write_gpkg"]
from permeability.layers.sqlite_views import require_quick
from permeability.layers.whole_files import _unreadable, require_file, whole_file

FIXED_DATE = "2000-01-01T00:00:00Z"  # GeoPackages carry a time stamp; a fixed one keeps them byte-stable


def write_gpkg(path: str | os.PathLike[str], tables: Mapping[str, gpd.GeoDataFrame]) -> Path:
    """Write layers into one GeoPackage, whole and byte-stable.

    Parameters
    ----------
    path : path
    tables : mapping
        Table name -> table.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_gpkg(f"{folder}/p.gpkg", {"patches": patches.table})
    ...     read_vector(path, "patches")["id"].tolist()
    ['W', 'E']
    """
    import pyogrio

    with whole_file(path) as aside, rasterio.Env(OGR_CURRENT_DATE=FIXED_DATE):
        previous = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE})
        try:
            for name, table in tables.items():
                pyogrio.write_dataframe(
                    writable(table), aside, layer=name, driver="GPKG", append=aside.exists()
                )
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": previous})
    return Path(path)


def writable(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A table with columns that a GeoPackage can hold: its names know no letter case, and two of them are its own.

    Parameters
    ----------
    table : GeoDataFrame

    Returns
    -------
    GeoDataFrame
        ``Name`` beside ``name`` is written as ``Name_2``, ``fid`` as ``fid_2``; the same table where nothing clashes.

    Examples
    --------
    >>> both = gpd.GeoDataFrame({"Name": ["a"], "name": ["b"], "fid": ["x"]}, geometry=gpd.points_from_xy([0], [0]))
    >>> list(writable(both).columns)
    ['Name_2', 'name', 'fid_2', 'geometry']
    """
    place = table.geometry.name if isinstance(table, gpd.GeoDataFrame) else None  # some tables have no shapes
    if (
        place is not None and (table.geom_type == "LinearRing").any()
    ):  # a writer that meets one ends the process
        table = table.set_geometry([_line(g) for g in table.geometry], crs=table.crs)
    columns = [str(c) for c in table.columns]
    kept = {c for c in columns if c == place or (c == c.lower() and c not in ("fid", "geom"))}
    taken, names = {c.lower() for c in kept} | {"fid", "geom"}, []
    for column in columns:
        name, k = column, 2
        while column not in kept and name.lower() in taken:
            name, k = f"{column}_{k}", k + 1
        taken.add(name.lower())
        names.append(name)
    if names == list(table.columns):
        return table
    renamed = table.set_axis(names, axis=1)
    return renamed if place is None else renamed.set_geometry(place)


def _line(shape: Any) -> Any:
    """A ring as the closed line it is; anything else as it is."""
    return shapely.LineString(shape.coords) if isinstance(shape, shapely.LinearRing) else shape


def read_vector(
    path: str | os.PathLike[str],
    table: str | None = None,
    *,
    layer: str | None = None,
    where: Mapping[str, Any] | None = None,
    crs: Any = None,
    assume_crs: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    allow_empty: bool = False,
) -> gpd.GeoDataFrame:
    """Read a vector layer, refuse what cannot be used, and bring it to ``crs`` if one is given.

    Parameters
    ----------
    path : path
        GeoPackage, Shapefile, GeoJSON, FlatGeobuf, file geodatabase (a folder), KML, GPX, OpenStreetMap (``.osm``,
        ``.osm.pbf``), GeoParquet (with pyarrow); CSV and Excel with WKT or coordinates in columns.
    table : str, optional
        Table in the file; needed when several hold geometries.
    layer : str, optional
        Name used in messages.
    where : mapping, optional
        Column -> value (or list of values) that rows must have.
    crs : optional
        Target coordinate system; see :func:`permeability.layers.reprojection.reproject`.
    assume_crs : str, optional
        Coordinate system of a layer that comes without one.
    encoding : str, optional
        Of the texts of a shapefile without ``.cpg``, or of a CSV.
    columns : mapping, optional
        Column -> ``"x"``, ``"y"`` or ``"wkt"`` of a table whose places are in columns of other names.
    allow_empty : bool
        Whether a layer without rows is one (a result can be empty).

    Returns
    -------
    GeoDataFrame
        In ``crs``, when one is given.

    Raises
    ------
    LayerError
        L01 no file, L02 no CRS, L03 empty, L04 no such table or column, L06 no geometry, L11 not readable, L14 not
        in the CRS that ``assume_crs`` states, L18 several tables and none named, L19 a database or address on the
        network, L20 cells without geometry.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_gpkg(f"{folder}/p.gpkg", {"patches": patches.table})
    ...     read_vector(path, "patches", where={"id": "W"}, crs=4326).crs.to_epsg()
    4326
    """
    _refuse_address(str(path), layer)
    path = Path(path)
    name = layer or (f"{path.name}/{table}" if table else path.name)
    if not path.is_dir():
        require_file(path, layer=name)
    frame = _frame(path, table, name, encoding)
    if not isinstance(frame, gpd.GeoDataFrame):
        frame = placed(frame, name, columns)
    frame = _filtered(frame, where or {}, name)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(
            "L06", "the table has no geometry.", layer=name, rows=[f"all {len(frame)}"],
            remedy="name a layer of points, lines or areas; of a plain table a column wkt, or columns x and y",
        )  # fmt: skip
    if assume_crs is not None:
        frame = _with_crs(frame, assume_crs, name)
    if frame.crs is None:
        raise LayerError(
            "L02", "the layer has no coordinate system.", layer=name, rows=[f"all {len(frame)}"],
            remedy=f"{_likely_crs(frame)}; or assign its CRS in your GIS and save it again",
        )  # fmt: skip
    if len(frame) == 0 and not allow_empty:
        raise LayerError(
            "L03",
            "the layer is empty.",
            layer=name,
            rows=["none"],
            remedy="check the file, the table name and the filter `where`",
        )
    return reproject(frame, crs) if crs is not None else frame


def _refuse_address(path: str, layer: str | None) -> None:
    """Data bases and addresses on the network are not files."""
    found = re.match(r"(PG:|postgres(?:ql)?:|https?:|s3:|ftp:|MSSQL:|/vsicurl)", path, re.IGNORECASE)
    if found:
        raise LayerError(
            "L19", f"{found[1]} is no file: layers are read from files, so that a run can be repeated.", layer=layer or path[:40],
            remedy="save the layer as GeoPackage first (ogr2ogr lines.gpkg PG:... or a download)",
        )  # fmt: skip


def tables_of(path: str | os.PathLike[str]) -> dict[str, str | None]:
    """Tables of a vector file and what they hold: a type of geometry, or None.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict
        Name -> type of geometry, in the order of the file; empty for formats without tables.

    Raises
    ------
    LayerError
        L11 when the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tables_of(write_gpkg(f"{folder}/p.gpkg", {"patches": patches.table}))
    {'patches': 'Polygon'}
    """
    import pyogrio

    path = Path(path)
    if path.suffix.lower() in (".csv", ".tsv", ".txt", ".parquet", ".geoparquet", ".pq"):
        return {}
    require_local(path, layer=path.name)
    require_quick(path, path.name)
    try:
        with offline():
            return {str(n): None if kind is None else str(kind) for n, kind in pyogrio.list_layers(path)}
    except (pyogrio.errors.DataSourceError, UnicodeDecodeError) as exc:
        raise _unreadable(path, path.name, exc) from exc


def _with_crs(frame: gpd.GeoDataFrame, crs: str, layer: str) -> gpd.GeoDataFrame:
    """A layer with the coordinate system it is said to have; L14 when it says itself that it has another."""
    stated = parse_crs(crs)
    if frame.crs is not None and frame.crs != stated:
        raise LayerError(
            "L14", f"the layer is in {describe_crs(frame.crs)}, not in {crs}.", layer=layer, rows=[f"all {len(frame)}"],
            remedy="take the key crs out: it is for layers without a coordinate system, others are reprojected by themselves",
        )  # fmt: skip
    return frame.set_crs(stated)


def _likely_crs(frame: gpd.GeoDataFrame) -> str:
    """What to write for a layer without coordinate system, from its coordinates."""
    west, south, east, north = frame.total_bounds if len(frame) else (np.nan,) * 4
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return 'the coordinates look like degrees: if they are longitude and latitude, say crs = "EPSG:4326" for the layer'
    if 100_000 <= west <= east < 1_000_000 and 0 < south <= north < 10_000_000:
        return 'the coordinates look like a UTM zone: say which, such as crs = "EPSG:32649" (zone 49 north), for the layer'
    return 'say crs = "EPSG:..." for the layer, if you know it'


def _frame(path: Path, table: str | None, layer: str, encoding: str | None = None) -> Any:
    """One table of a vector file; L11 when the file cannot be read, L04 when it has no such table."""

    require_local(path, layer=layer)
    ending = path.suffix.lower()
    if ending in (".parquet", ".geoparquet", ".pq"):
        return _parquet(path, layer)
    if ending in (".csv", ".tsv", ".txt"):
        return read_csv(path, encoding, layer)
    stamp = _stamp(path)
    known = None if stamp is None else _known_tables.get(path)
    found = known[1] if known is not None and known[0] == stamp else _tables(path, layer)
    if stamp is not None:
        if len(_known_tables) > MOST_KNOWN:
            _known_tables.clear()
        _known_tables[path] = stamp, found
    if table is not None and table not in found:
        guess = nearest(table, found)
        raise LayerError(
            "L04", f"there is no table {table!r} in {path.name}.", layer=layer, details={"tables": ", ".join(found)},
            remedy=f"did you mean {guess!r}?" if guess else "name one of these tables",
        )  # fmt: skip
    one = table or _only_table(path, found, layer)
    frame = _read(path, one, layer, encoding)
    return frame.replace({"": None}) if ending in (".xlsx", ".ods") else frame


def _tables(path: Path, layer: str) -> dict[str, Any]:
    """Tables of a file with the kind of their geometries (None: without); L11 when it cannot be read."""
    import pyogrio

    require_quick(path, layer)
    try:
        with offline():
            return {str(n): kind for n, kind in pyogrio.list_layers(path)}
    except (pyogrio.errors.DataSourceError, UnicodeDecodeError) as exc:
        raise _unreadable(path, layer, exc) from exc


MOST_KNOWN = 100  # files whose tables are remembered
_known_tables: dict[Path, tuple[tuple[int, ...], dict[str, Any]]] = {}  # a dozen layers lie in one file


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes with a GeoPackage; None for other files, of which some are folders, and where a program is writing in it."""
    if path.suffix.lower() != ".gpkg" or not path.is_file() or path.with_name(f"{path.name}-wal").exists():
        return None
    now = path.stat()
    return now.st_ino, now.st_size, now.st_mtime_ns


def _read(path: Path, table: str, layer: str, encoding: str | None) -> Any:
    """A table by OGR; L11 for a file that breaks off or contradicts itself."""
    import pyogrio

    wrong = (
        pyogrio.errors.FeatureError, pyogrio.errors.DataLayerError, pyogrio.errors.DataSourceError, pyogrio.errors.FieldError,
        pyogrio.errors.GeometryError, pyogrio.errors.CRSError, ShapelyError, UnicodeDecodeError, ProjError,
    )  # fmt: skip
    try:
        with offline(OGR_XLSX_HEADERS="FORCE", OGR_ODS_HEADERS="FORCE"):  # a table of words has heads too
            return pyogrio.read_dataframe(path, layer=table, encoding=encoding)
    except wrong as exc:
        if "OSM_USE_CUSTOM_INDEXING" not in str(exc):
            raise _unreadable(path, layer, exc) from exc
    try:
        with offline(OSM_USE_CUSTOM_INDEXING="NO"):  # an extract whose nodes are in no order
            return pyogrio.read_dataframe(path, layer=table, encoding=encoding)
    except wrong as exc:
        raise _unreadable(path, layer, exc) from exc


def _only_table(path: Path, found: Mapping[str, Any], layer: str) -> str:
    """The one table that is meant when none is named: the only one with geometries, or the only one."""
    shaped = [n for n, kind in found.items() if kind is not None] or list(found)
    if len(shaped) == 1:
        return shaped[0]
    if not shaped:
        raise LayerError("L03", f"{path.name} holds no table.", layer=layer, remedy="check the file")
    likely = "lines" if "lines" in shaped else shaped[0]
    raise LayerError(
        "L18", f"{path.name} holds {len(shaped)} tables, and none is named.", layer=layer, details={"tables": ", ".join(shaped)},
        remedy=f'say which, such as table = "{likely}"',
    )  # fmt: skip


def _parquet(path: Path, layer: str) -> Any:
    """A GeoParquet file, or a Parquet table with its places in columns."""
    try:
        return gpd.read_parquet(path)
    except ImportError as exc:
        raise LayerError(
            "L11",
            "Parquet needs pyarrow.",
            layer=layer,
            remedy='pip install "landscape-permeability[parquet]"',
        ) from exc
    except ValueError:  # no geometry is declared
        return pd.read_parquet(path)
    except OSError as exc:
        raise _unreadable(path, layer, exc) from exc


def _filtered(frame: pd.DataFrame, where: Mapping[str, Any], layer: str) -> Any:
    for column, value in where.items():
        if column not in frame.columns:
            guess = nearest(column, frame.columns)
            raise LayerError(
                "L04", f"the filter names a column {column!r} that is not there.", layer=layer,
                details={"columns": ", ".join(map(str, frame.columns))},
                remedy=f"did you mean {guess!r}?" if guess else "name one of these columns",
            )  # fmt: skip
        wanted = {read_text(v) for v in (value if isinstance(value, list) else [value])}
        found = [read_text(v) for v in frame[column]]
        keep = [v in wanted for v in found]
        if not any(keep):
            there = shorten(sorted({v for v in found if v is not None}), 8)
            raise LayerError(
                "L03", f"the filter leaves no row: none of {len(frame)} has {column} = {shorten(sorted(map(str, wanted)))}.", layer=layer,
                rows=["none"], details={f"in {column}": there}, remedy="name words that are there",
            )  # fmt: skip
        frame = frame[keep]
    return frame.reset_index(drop=True)
