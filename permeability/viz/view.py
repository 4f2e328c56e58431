"""What a kind of result can show of itself: the four views, and what of it goes into a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Contents", "View"]


@dataclass(frozen=True)
class Contents:
    """What of a result can be written.

    Attributes
    ----------
    table : DataFrame or None
        The main one.
    places : mapping
        Table name -> table with geometry.
    values : array or None
        Shape (rows, cols).
    grid : Grid or None
        Where the values are.
    unit : str
        Of the values.

    Examples
    --------
    >>> held = Contents(pd.DataFrame({"a": [1]}))
    >>> list(held.places), held.values is None  # a table alone: .csv, but no .gpkg or .tif
    ([], True)
    """

    table: pd.DataFrame | None = None
    places: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    values: NDArray[Any] | None = None
    grid: Any = None
    unit: str = ""


@dataclass(frozen=True)
class View:
    """The views of one kind of result; each takes the result first.

    Attributes
    ----------
    plot : callable
        ``(result, ax, **options)`` to a :class:`permeability.viz.maps.Map`.
    html : callable
        What a notebook shows.
    explore : callable
        ``(result, **options)`` to a web map.
    contents : callable
        What can be written to a file.

    Examples
    --------
    >>> import permeability as pm
    >>> from permeability.viz.views import VIEWS
    >>> land, patches = pm.samples.tiny()
    >>> VIEWS["patches"].contents(patches).table["id"].tolist() == patches.table["id"].tolist()
    True
    """

    plot: Callable[..., Any]
    html: Callable[[Any], str]
    explore: Callable[..., Any]
    contents: Callable[[Any], Contents]


def raster(values: Any, place: Any, table: pd.DataFrame | None, unit: str) -> Contents:
    """The contents of a result that is a map of values, on the grid of its place where it has one."""
    return Contents(table, {}, np.asarray(values, float), getattr(place, "grid", None), unit)
