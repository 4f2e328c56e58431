"""Results as files: the table as ``.csv`` or ``.xlsx``, places as ``.gpkg``, ``.geojson`` or ``.parquet``, the map of values as ``.tif``, the picture as ``.png``."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from permeability.core.arrays import in_chunks
from permeability.core.errors import OptionError
from permeability.landscape.landscape import as_dataarray
from permeability.layers import rasters, table_workbooks, vectors, whole_files
from permeability.viz.picture_files import PICTURES
from permeability.viz.view import Contents
from permeability.viz.views import VIEWS


def save(result: Any, path: Path) -> Path:
    """Write a result to one file, by the end of its name; see :meth:`permeability.core.display.Face.save`."""
    held, end = VIEWS[result._face].contents(result), path.suffix.lower()
    if end in PICTURES:
        return Path(result.plot().save(path))
    if end == ".csv" and held.table is not None:
        return whole_files.write_csv(path, _flat(held.table), mark=True)
    if end == ".xlsx" and held.table is not None:
        return table_workbooks.write_tables(path, _sheets(result, held.table), units=True)
    places = {k: v for k, v in held.places.items() if v.crs is not None and len(v)}
    if end == ".gpkg" and places:
        return vectors.write_gpkg(path, {k: _plain(v) for k, v in places.items()})
    if end in (".geojson", ".parquet") and len(places) == 1:
        return _one_layer(path, _plain(next(iter(places.values()))), end)
    if end == ".parquet" and not places and held.table is not None:
        return _parquet(path, _flat(held.table))
    if end == ".tif" and held.values is not None and held.grid is not None:
        values = np.where(np.isfinite(held.values), held.values, np.nan)
        return rasters.write_geotiff(path, values, held.grid, unit=held.unit)
    can = [*PICTURES] + [".csv", ".xlsx"] * (held.table is not None) + [".gpkg"] * bool(places)
    can += [".geojson", ".parquet"] * (len(places) == 1) + [".parquet"] * (
        not places and held.table is not None
    )
    can += [".tif"] * (held.values is not None and held.grid is not None)
    raise OptionError(
        "O07", f"{type(result).__name__} cannot be written as {end or path.name!r}.",
        remedy=f"give a name that ends in {', '.join(can)}",
    )  # fmt: skip


def as_dataset(result: Any, chunks: Any = None) -> xr.Dataset:
    """The maps of a result; see :meth:`permeability.core.display.Face.to_xarray`."""
    have = {p.name: getattr(result, p.name) for p in fields(result)} if is_dataclass(result) else {}
    maps = {k: v for k, v in have.items() if isinstance(v, xr.DataArray) and k[0] != "_"}
    if not maps:
        held = VIEWS[result._face].contents(result)
        if held.values is not None:
            maps = {"values": _placed(held)}
    if not maps:
        raise OptionError(
            "A13", f"a {type(result).__name__} holds no map.", remedy="its rows are in .table; maps are in the results that have .current or .distance",
        )  # fmt: skip
    return in_chunks(xr.Dataset(maps), chunks)


def _placed(held: Contents) -> xr.DataArray:
    values, attrs = np.asarray(held.values), {"units": held.unit}
    if held.grid is None:
        return xr.DataArray(values, dims=("y", "x"), attrs=attrs)
    return as_dataarray(held.grid, values, "values", **attrs)


def _sheets(result: Any, main: Any) -> dict[str, pd.DataFrame]:
    """The main table of a result, and the others that it holds."""
    found = {type(result).__name__.lower(): _flat(main)}
    for part in fields(result) if is_dataclass(result) else ():
        table = getattr(result, part.name)
        if part.name[0] != "_" and isinstance(table, pd.DataFrame) and not _flat(table).equals(_flat(main)):
            found[part.name] = _flat(table)
    return found


def _flat(table: Any) -> pd.DataFrame:
    return pd.DataFrame(table.drop(columns="geometry", errors="ignore"))


def _one_layer(path: Path, layer: gpd.GeoDataFrame, end: str) -> Path:
    """GeoJSON in longitude and latitude, in this order, as its standard has it; GeoParquet in the system of the layer."""
    if end == ".parquet":
        return _parquet(path, layer)
    with whole_files.whole_file(path) as aside:
        layer.to_crs("OGC:CRS84").to_file(aside, driver="GeoJSON", engine="pyogrio", RFC7946="YES")
    return path


def _parquet(path: Path, table: pd.DataFrame) -> Path:
    """GeoParquet of a layer, Parquet of a plain table."""
    with whole_files.whole_file(path) as aside:
        try:
            table.to_parquet(aside, index=False)
        except ImportError as error:
            raise OptionError(
                "O07", "Parquet needs pyarrow.", remedy='pip install "landscape-permeability[parquet]"'
            ) from error
    return path


def _plain(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lists and other things that a table of a file cannot hold, as text."""
    out = table.copy()
    for name in out.columns.drop("geometry"):
        if out[name].dtype == object:
            out[name] = [v if v is None or isinstance(v, (str, float, int)) else str(v) for v in out[name]]
    return out
