"""Vector layers in and out: read, refuse what cannot be used, bring to a coordinate system."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio

from permeability.core.errors import (
    LayerError,
    nearest,
)
from permeability.layers.grid import describe_crs, parse_crs

__all__ = ["read_vector", "write_gpkg"]
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
    place = table.geometry.name
    columns = [str(c) for c in table.columns]
    kept = {c for c in columns if c == place or (c == c.lower() and c not in ("fid", "geom"))}
    taken, names = {c.lower() for c in kept} | {"fid", "geom"}, []
    for column in columns:
        name, k = column, 2
        while column not in kept and name.lower() in taken:
            name, k = f"{column}_{k}", k + 1
        taken.add(name.lower())
        names.append(name)
    return table if names == list(table.columns) else table.set_axis(names, axis=1).set_geometry(place)


def read_vector(
    path: str | os.PathLike[str],
    table: str | None = None,
    *,
    layer: str | None = None,
    where: Mapping[str, Any] | None = None,
    crs: Any = None,
    assume_crs: str | None = None,
    encoding: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a vector layer, refuse what cannot be used, and bring it to ``crs`` if one is given.

    Parameters
    ----------
    path : path
        Anything OGR reads: GeoPackage, Shapefile, GeoJSON, FlatGeobuf; GeoParquet with pyarrow.
    table : str, optional
        Table in the file.
    layer : str, optional
        Name used in messages.
    where : mapping, optional
        Column -> value (or list of values) that rows must have.
    crs : optional
        Target coordinate system; vectors are exact under reprojection of their vertices.
    assume_crs : str, optional
        Coordinate system of a layer that comes without one.
    encoding : str, optional
        Of the texts of a shapefile without ``.cpg``.

    Returns
    -------
    GeoDataFrame
        In ``crs``, when one is given.

    Raises
    ------
    LayerError
        L01 no file, L02 no CRS, L03 empty, L04 no such table or column, L06 no geometry, L11 not readable, L14 not
        in the CRS that ``assume_crs`` states.

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
    path = Path(path)
    name = layer or (f"{path.name}/{table}" if table else path.name)
    require_file(path, layer=name)
    frame = _filtered(_frame(path, table, name, encoding), where or {}, name)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(
            "L06", "the table has no geometry.", layer=name, rows=[f"all {len(frame)}"],
            remedy="name a layer of points, lines or areas",
        )  # fmt: skip
    if assume_crs is not None:
        frame = _with_crs(frame, assume_crs, name)
    if frame.crs is None:
        raise LayerError(
            "L02", "the layer has no coordinate system.", layer=name, rows=[f"all {len(frame)}"],
            remedy=f"{_likely_crs(frame)}; or assign its CRS in your GIS and save it again",
        )  # fmt: skip
    if len(frame) == 0:
        raise LayerError(
            "L03",
            "the layer is empty.",
            layer=name,
            rows=["none"],
            remedy="check the file, the table name and the filter `where`",
        )
    return frame.to_crs(crs) if crs is not None and frame.crs != crs else frame


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
    import pyogrio

    if path.suffix == ".parquet":
        return gpd.read_parquet(path)
    try:
        tables = [str(t) for t in pyogrio.list_layers(path)[:, 0]]
    except pyogrio.errors.DataSourceError as exc:
        raise _unreadable(path, layer, exc) from exc
    if table is not None and table not in tables:
        guess = nearest(table, tables)
        raise LayerError(
            "L04", f"there is no table {table!r} in {path.name}.", layer=layer, details={"tables": ", ".join(tables)},
            remedy=f"did you mean {guess!r}?" if guess else "name one of these tables",
        )  # fmt: skip
    return pyogrio.read_dataframe(path, layer=table if table is not None else tables[0], encoding=encoding)


def _filtered(frame: pd.DataFrame, where: Mapping[str, Any], layer: str) -> Any:
    for column, value in where.items():
        if column not in frame.columns:
            guess = nearest(column, frame.columns)
            raise LayerError(
                "L04", f"the filter names a column {column!r} that is not there.", layer=layer,
                details={"columns": ", ".join(map(str, frame.columns))},
                remedy=f"did you mean {guess!r}?" if guess else "name one of these columns",
            )  # fmt: skip
        frame = frame[frame[column].isin(value if isinstance(value, list) else [value])]
    return frame.reset_index(drop=True)
