"""Where a feature is in degrees, so that a place of a table can be driven to."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

__all__ = ["middle_degrees"]

WGS84 = 4326


def middle_degrees(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Longitude and latitude of the middle of every line, of the place of every point [degrees, WGS 84].

    Parameters
    ----------
    table : geopandas.GeoDataFrame

    Returns
    -------
    pandas.DataFrame
        ``lon``, ``lat``, in the order and with the index of the table; NaN for an empty shape and without a coordinate system.

    Examples
    --------
    >>> from shapely import LineString
    >>> line = LineString([(500_000, 5_000_000), (502_000, 5_000_000)])
    >>> middle_degrees(gpd.GeoDataFrame(geometry=[line], crs=32648)).round(3).values.tolist()
    [[105.013, 45.153]]
    """
    shapes = table.geometry
    lines = shapes.geom_type.isin(["LineString", "MultiLineString"])
    middle = shapes.representative_point().where(~lines, shapes[lines].interpolate(0.5, normalized=True))
    if table.crs is None:
        return pd.DataFrame({"lon": np.nan, "lat": np.nan}, index=table.index)
    there = gpd.GeoSeries(middle, crs=table.crs).to_crs(WGS84)
    return pd.DataFrame({"lon": there.x, "lat": there.y}, index=table.index)
