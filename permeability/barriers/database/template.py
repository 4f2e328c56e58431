"""A filled template of the barrier database to start from: invented rows that show every kind of barrier."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry import shape

from permeability.barriers.database.conforming import conform
from permeability.barriers.database.schema import LAYERS, Column, columns
from permeability.core.errors import LayerError, check_choice
from permeability.layers.workbooks import Heading, write_workbook

FORMATS: tuple[str, ...] = ("gpkg", "parquet", "xlsx")

WKT = (
    "Geometry as text, longitude before latitude: POINT (107.2 44.1), or LINESTRING (107.2 44.1, 107.9 44.6)."
)


@cache
def _rows() -> Mapping[str, list[dict[str, Any]]]:
    """Layer -> features (properties and geometry) of ``data/schema/template.json``."""
    text = (files("permeability") / "data" / "schema" / "template.json").read_text(encoding="utf-8")
    found: Mapping[str, list[dict[str, Any]]] = json.loads(text)["layers"]
    return found


def template_layers() -> dict[str, gpd.GeoDataFrame]:
    """The template as tables: ``barriers``, ``structures``, ``posts``, each with all columns of its schema.

    Every row is invented and says so; delete them and draw your own.

    Returns
    -------
    dict
        Layer name -> table.

    Examples
    --------
    >>> list(template_layers())
    ['barriers', 'structures', 'posts']
    """
    made = {}
    for name in LAYERS:
        rows = _rows()[name]
        table = pd.DataFrame([row["properties"] for row in rows])
        frame = gpd.GeoDataFrame(table, geometry=[shape(row["geometry"]) for row in rows], crs="EPSG:4326")
        made[name] = conform(frame, name)
    return made


def write_template(path: str | os.PathLike[str], *, form: str | None = None) -> tuple[Path, ...]:
    """Write the template: one GeoPackage with three layers, three GeoParquet files in a folder, or an Excel workbook.

    The sheets of a workbook offer the words of the schema as lists, and have geometries as text in a column ``wkt`` (longitude and
    latitude: ``crs = "EPSG:4326"`` in the project); its fourth sheet is for candidate sites with their costs.

    Parameters
    ----------
    path : path
        File ending in ``.gpkg`` or ``.xlsx``; a folder for GeoParquet, or a file ending in ``.parquet``, whose name then
        begins the names of the three files.
    form : {"gpkg", "parquet", "xlsx"}, optional
        By default what the path ends in, else ``parquet``.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    LayerError
        K16 when a file is already there: nothing is overwritten; K17 when pyarrow or openpyxl is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [p.name for p in write_template(f"{folder}/barriers.gpkg")]
    ['barriers.gpkg']
    """
    path = Path(path)
    ending = path.suffix.lower().lstrip(".")
    form = form or (ending if ending in FORMATS else "parquet")
    check_choice("form", form, FORMATS)
    layers = template_layers()
    one_name = path.suffix.lower() == ".parquet"
    targets = tuple(
        path.with_name(f"{path.stem}_{n}.parquet") if one_name else path / f"{n}.parquet" for n in layers
    )
    targets = targets if form == "parquet" else (path,)
    taken = [t for t in targets if t.exists()]
    if taken:
        raise LayerError(
            "K16", f"{taken[0].name!r} is already there.", remedy="give a new name, or move the old file away"
        )
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    if form == "xlsx":
        return (_workbook(path, layers),)
    if form == "gpkg":
        for name, layer in layers.items():
            layer.to_file(path, layer=name, driver="GPKG", engine="pyogrio")
        return targets
    try:
        for target, layer in zip(targets, layers.values()):
            layer.to_parquet(target, index=False)
    except ImportError as error:
        raise LayerError(
            "K17", "GeoParquet needs pyarrow.", remedy='pip install "landscape-permeability[parquet]"'
        ) from error
    return targets


def _workbook(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> Path:
    """The template as sheets, geometries as text; with an empty sheet for sites and their costs."""
    sheets: dict[str, tuple[list[Heading], pd.DataFrame]] = {}
    for name in (*LAYERS, "sites"):
        heads = [_heading(c) for c in columns(name)] + [Heading("wkt", WKT)]
        rows = pd.DataFrame()
        if name in layers:
            rows = pd.DataFrame(layers[name].drop(columns="geometry"))
            rows = rows.assign(wkt=layers[name].geometry.to_wkt(rounding_precision=7))
        sheets[name] = heads, rows
    return write_workbook(path, sheets)


def _heading(column: Column) -> Heading:
    """What a column of the schema lets into its cells."""
    note = f"{column.description} [{column.unit}]" if column.unit else column.description
    note += " Needed." if column.required else ""
    return Heading(
        column.name, note, column.values, column.minimum, column.maximum, column.type in ("number", "integer")
    )
