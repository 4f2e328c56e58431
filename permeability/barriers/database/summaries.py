"""What a barrier layer holds, in numbers."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod

from permeability.core.errors import LayerError
from permeability.species.seasons import missing

TRAFFIC_CLASS = 1_000.0
"""Vehicles a day from which a road is in the programme's class (CAMI programme of work 2.2.1 e)."""


def summary(layer: gpd.GeoDataFrame, *, by: tuple[str, ...] = ("kind", "status", "fenced")) -> pd.DataFrame:
    """Rows and kilometres of a barrier layer by kind, status and fencing.

    Parameters
    ----------
    layer : GeoDataFrame
        Barriers; lengths are measured on the ellipsoid where the CRS is geographic, else in the map [km].
    by : tuple of str
        Columns to group by; empty cells count as ``"unknown"``.

    Returns
    -------
    DataFrame
        The group columns, ``rows``, ``length_km``, ``over_1000_per_day_km`` (length of roads with a best or,
        where there is none, a high figure of 1,000 vehicles a day and more) and ``accuracy_m`` (the worst), with a
        last row of totals.

    Raises
    ------
    LayerError
        K11 for a layer without CRS.

    Examples
    --------
    >>> from permeability.barriers.database import template_layers
    >>> int(summary(template_layers()["barriers"]).iloc[-1]["rows"])
    6
    """
    length = _length_km(layer)
    table = pd.DataFrame(
        {
            c: [("unknown" if missing(v) else str(v)) for v in layer[c]] if c in layer else "unknown"
            for c in by
        },
        index=range(len(layer)),
    )
    traffic = _traffic(layer)
    table["rows"] = 1
    table["length_km"] = length
    table["over_1000_per_day_km"] = np.where(traffic >= TRAFFIC_CLASS, length, 0.0)
    accuracy = layer["accuracy_m"] if "accuracy_m" in layer else pd.Series(np.nan, index=layer.index)
    table["accuracy_m"] = pd.to_numeric(accuracy, errors="coerce").to_numpy(dtype=np.float64)
    sums = {"rows": "sum", "length_km": "sum", "over_1000_per_day_km": "sum", "accuracy_m": "max"}
    groups = table.groupby(list(by), as_index=False).agg(sums)
    total = {c: ("all" if c == by[0] else "") for c in by} | {c: table[c].agg(how) for c, how in sums.items()}
    return pd.concat([groups, pd.DataFrame([total])], ignore_index=True)


def summary_text(table: pd.DataFrame) -> str:
    """A summary as lines for a terminal, kilometres rounded to whole ones.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    str
        Lines for a terminal.

    Examples
    --------
    >>> summary_text(pd.DataFrame({"kind": ["all"], "rows": [2], "length_km": [1234.5]})).split()
    ['kind', 'rows', 'length_km', 'all', '2', '1,234']
    """
    formats = {
        c: "{:,.0f}".format for c in table.columns if c not in ("rows",) and table[c].dtype.kind == "f"
    }
    return table.to_string(index=False, formatters=formats, na_rep="")


def _traffic(layer: gpd.GeoDataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Vehicles a day of each row: best, else high, else NaN."""
    found = np.full(len(layer), np.nan)
    for column in ("vehicles_per_day", "vehicles_per_day_high"):
        if column in layer:
            values = pd.to_numeric(layer[column], errors="coerce").to_numpy(dtype=np.float64)
            found = np.where(np.isnan(found), values, found)
    return found


def _length_km(layer: gpd.GeoDataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Length of each row [km]."""
    if layer.crs is None:
        raise LayerError("K11", "the layer has no CRS, so its lines have no length.", remedy="set its CRS")
    if layer.crs.is_geographic:
        geod: Geod = layer.crs.get_geod()
        lengths = [0.0 if g is None or g.is_empty else abs(geod.geometry_length(g)) for g in layer.geometry]
    else:
        factor = layer.crs.axis_info[0].unit_conversion_factor
        lengths = [0.0 if g is None or g.is_empty else g.length * factor for g in layer.geometry]
    return np.array(lengths, dtype=np.float64) / 1000.0
