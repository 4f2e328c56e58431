"""The grid that something already has: an array, a raster file, another grid; or one that covers a layer."""

from __future__ import annotations

import math
import os
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from affine import Affine

from permeability.core.arrays import crs_of, require_metres_between
from permeability.core.errors import GridError, OptionError
from permeability.layers.grid import Grid
from permeability.layers.rasters import raster_grid

__all__ = ["grid_like"]


def grid_like(source: Any, cell_size: float | None = None) -> Grid:
    """The grid of an array or a file, or one that covers a layer.

    Parameters
    ----------
    source : DataArray, Dataset, path of a raster, Grid, or GeoDataFrame
        A DataArray with coordinates of its cells' middles and its coordinate system (as rioxarray writes it).
    cell_size : float, optional
        Another size of the cells over the same bounds [m]; needed for a GeoDataFrame, whose bounds are covered.

    Returns
    -------
    Grid

    Raises
    ------
    GridError
        G01 degrees, G05 rotated, G06 oblong cells, G07 no coordinate system, G12 coordinates that are not evenly spaced.
    OptionError
        A11 for something that has no grid, or a layer without a cell size.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> array = land.to_xarray(land.resistance, "r")
    >>> grid_like(array) == land.grid, grid_like(array.sortby("y")) == land.grid
    (True, True)
    >>> grid_like(patches.table, cell_size=500).cell_size
    500.0
    """
    if isinstance(source, Grid):
        found = source
    elif isinstance(source, (xr.DataArray, xr.Dataset)):
        found = _of_array(_one_of(source))
    elif isinstance(source, gpd.GeoDataFrame):
        if cell_size is None:
            raise OptionError("A11", "a layer has no cells.", remedy="give cell_size= in metres as well")
        return Grid.from_bounds(source.total_bounds, cell_size=cell_size, crs=source.crs)
    elif isinstance(source, (str, os.PathLike)):
        found = raster_grid(source, layer=os.path.basename(source))
    else:
        raise OptionError(
            "A11", f"a {type(source).__name__} has no grid.",
            remedy="give a DataArray with coordinates, the path of a raster, or a GeoDataFrame and cell_size=",
        )  # fmt: skip
    return found if cell_size is None else found.with_cell_size(cell_size)


def _one_of(source: xr.DataArray | xr.Dataset) -> xr.DataArray:
    """The first variable with cells."""
    if isinstance(source, xr.DataArray):
        return source
    for values in source.data_vars.values():
        if values.ndim >= 2:
            return values
    raise OptionError("A11", "the Dataset has no variable with cells.", remedy="give one of its variables")


def _of_array(array: xr.DataArray) -> Grid:
    require_metres_between(array, name="array")
    crs = crs_of(array)
    names = [str(d) for d in array.squeeze().dims]
    if [n.lower() for n in names] in (["x", "y"], ["easting", "northing"]):
        names = names[::-1]
    if len(names) != 2 or any(n not in array.coords or array.sizes[n] < 2 for n in names):
        raise GridError(
            "G12", f"an array of the dimensions {', '.join(names)} does not say where its cells lie.",
            remedy="give coordinates y and x, the middles of the cells [m]",
        )  # fmt: skip
    y, x = (np.sort(np.asarray(array.coords[n].values, float)) for n in names)
    wide, high = ((v[-1] - v[0]) / (len(v) - 1) for v in (x, y))
    for values, step, name in ((x, wide, names[1]), (y, high, names[0])):
        if not math.isfinite(step) or np.abs(np.diff(values) - step).max() > 1e-3 * abs(step):
            raise GridError(
                "G12", f"the coordinates {name!r} are not evenly spaced.",
                remedy="bring the array to a regular grid",
            )  # fmt: skip
    corner = Affine(wide, 0.0, x[0] - wide / 2, 0.0, -high, y[-1] + high / 2)
    return Grid.from_affine(crs, corner, (len(y), len(x)))
