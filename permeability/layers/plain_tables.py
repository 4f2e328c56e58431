"""Tables without a geometry of their own (CSV, Excel, plain Parquet) as layers: places in columns, or text."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.core.cells import is_empty, read_numbers
from permeability.core.errors import LayerError

TEXT = ("wkt", "wkb", "geometry", "geom", "the_geom", "shape", "geom_wkt", "wkt_geom")
PAIRS = (
    ("x", "y"), ("lon", "lat"), ("long", "lat"), ("longitude", "latitude"), ("easting", "northing"),
    ("location-long", "location-lat"), ("location_long", "location_lat"), ("point_x", "point_y"), ("xcoord", "ycoord"),
    ("x_coord", "y_coord"), ("coord_x", "coord_y"), ("долгота", "широта"),
)  # fmt: skip


def read_csv(path: Path, encoding: str | None, layer: str) -> pd.DataFrame:
    """A CSV table, parted by commas, semicolons or tabs; every cell stays the text it is.

    Raises
    ------
    LayerError
        L11 when it cannot be read.
    """
    try:
        text = path.read_bytes().decode(encoding or "utf-8-sig")
        head = text[:20_000]
        mark = max(",;\t|", key=lambda m: len(next(csv.reader(head.splitlines()[:1], delimiter=m), [])))
        return pd.read_csv(
            path, sep=mark, dtype=str, encoding=encoding or "utf-8-sig", keep_default_na=False
        ).replace({"": None})
    except UnicodeDecodeError as exc:
        raise LayerError(
            "L11", f"{path.name} is not in UTF-8.", layer=layer, remedy='say encoding = "cp1251" (or what it is) for the layer'
        ) from exc  # fmt: skip
    except (pd.errors.ParserError, csv.Error, LookupError) as exc:
        raise LayerError(
            "L11", f"{path.name} cannot be read: {exc}", layer=layer, remedy="save it again as CSV in UTF-8"
        ) from exc


def placed(frame: pd.DataFrame, layer: str, columns: Mapping[str, str] | None = None) -> Any:
    """A table with the geometry that its columns hold: WKT, WKB, or x and y; itself when they hold none.

    Parameters
    ----------
    frame : DataFrame
    layer : str
        Name used in messages.
    columns : mapping, optional
        Column of the table -> ``"x"``, ``"y"`` or ``"wkt"``, where it is called otherwise.

    Returns
    -------
    GeoDataFrame or DataFrame

    Raises
    ------
    LayerError
        L20 for cells that hold no geometry or no coordinate.
    """
    named = {str(c).strip().casefold(): c for c in frame.columns}
    named |= {
        new: old for old, new in (columns or {}).items() if new in ("x", "y", "wkt") and old in frame.columns
    }
    for name in TEXT:
        if name in named:
            return gpd.GeoDataFrame(
                frame.drop(columns=named[name]), geometry=_from_text(frame[named[name]], layer)
            )
    for x, y in PAIRS:
        if x in named and y in named:
            return _points(frame, named[x], named[y], layer)
    return frame


def _from_text(values: pd.Series, layer: str) -> Any:
    shapes: list[Any] = []
    for value in values:
        try:
            if is_empty(value):
                shapes.append(None)
            elif isinstance(value, bytes):
                shapes.append(shapely.from_wkb(value))
            elif set(str(value).strip()) <= set("0123456789abcdefABCDEF"):
                shapes.append(shapely.from_wkb(str(value).strip()))
            else:
                shapes.append(
                    shapely.from_wkt(
                        str(value).split(";", 1)[-1] if str(value).startswith("SRID") else str(value)
                    )
                )
        except shapely.errors.ShapelyError:
            shapes.append(shapely.Point())
    bad = [i for i, s in enumerate(shapes, start=1) if s is not None and s.is_empty]
    if bad:
        raise LayerError(
            "L20", f"{len(bad)} cells of the column {values.name!r} hold no geometry.", layer=layer, rows=bad,
            details={"value": str(values.iloc[bad[0] - 1])[:60]}, remedy="write geometries as WKT, such as LINESTRING (0 0, 1 1)",
        )  # fmt: skip
    return shapes


def _points(frame: pd.DataFrame, x: str, y: str, layer: str) -> gpd.GeoDataFrame:
    xs, why_x = read_numbers(list(frame[x]))
    ys, why_y = read_numbers(list(frame[y]))
    bad = [
        i
        for i, (a, b, p, q) in enumerate(zip(xs, ys, why_x, why_y), start=1)
        if p or q or np.isnan(a) != np.isnan(b)
    ]
    if bad:
        raise LayerError(
            "L20", f"{len(bad)} rows have no coordinates in {x!r} and {y!r}.", layer=layer, rows=bad,
            remedy="give plain numbers in both columns, or leave both empty",
        )  # fmt: skip
    points = [None if np.isnan(a) else shapely.Point(a, b) for a, b in zip(xs, ys)]
    return gpd.GeoDataFrame(frame.drop(columns=[x, y]), geometry=points)
