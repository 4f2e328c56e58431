"""Arrays and tables that come as objects, held against the grid they are to lie on."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from permeability.core.arrays import crs_of, plain_values, require_metres_between
from permeability.core.errors import GridMismatchError
from permeability.layers.grid import Grid, describe_crs, parse_crs

__all__ = ["on_grid", "require_crs", "require_same_grid"]


def on_grid(values: Any, grid: Grid, *, name: str) -> NDArray[Any]:
    """Cells of an array on a grid, north up; a DataArray is held against the grid by its coordinates.

    Parameters
    ----------
    values : array_like, masked array or xarray.DataArray
        A DataArray may have its rows from south to north, or its columns first: it is turned.
    grid : Grid
    name : str
        Used in messages.

    Returns
    -------
    array, shape (rows, cols)

    Raises
    ------
    GridMismatchError
        G02 when coordinates or coordinate system are those of another grid.
    GridError
        G01 when the coordinates are no metres.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> upside_down = land.to_xarray(land.resistance, "r").sortby("y")
    >>> bool((on_grid(upside_down, land.grid, name="r") == land.resistance).all())
    True
    """
    if not isinstance(values, xr.DataArray):
        return plain_values(values, name=name)
    require_metres_between(values, name=name)
    stated = crs_of(values)
    if stated is not None and parse_crs(stated, layer=name) != grid.crs:
        raise GridMismatchError(
            "G02", f"{name!r} is not on the grid: it is in {describe_crs(parse_crs(stated))}.", layer=name, details={"grid": grid},
            remedy="reproject it onto the grid: array.rio.reproject_match(...)",
        )  # fmt: skip
    held = (
        values.squeeze("band", drop=True) if "band" in values.dims and values.sizes["band"] == 1 else values
    )
    dims = [str(d) for d in held.dims]
    turned = plain_values(held, name=name)
    if [d.lower() for d in dims] in (["x", "y"], ["easting", "northing"]):
        dims, turned = dims[::-1], turned.T
    if len(dims) == 2 and turned.size and all(d in held.coords for d in dims):
        y, x = (np.asarray(held.coords[d].values, float) for d in dims)
        turned, y = (turned[::-1], y[::-1]) if y[0] < y[-1] else (turned, y)
        turned, x = (turned[:, ::-1], x[::-1]) if x[0] > x[-1] else (turned, x)
        steps = [abs(c[-1] - c[0]) / (len(c) - 1) for c in (x, y) if len(c) > 1]
        wide, *_, high = 2 * (steps or [grid.cell_size])  # cells of a single row are as high as they are wide
        own = Grid.from_affine(
            grid.crs,
            Affine(wide, 0.0, x[0] - wide / 2, 0.0, -high, y[0] + high / 2),
            turned.shape,
            layer=name,
        )
        grid.require_match(own, layer=name)
    return np.ascontiguousarray(turned)


def require_crs(crs: Any, grid: Grid, *, name: str) -> None:
    """Refuse a table in another coordinate system than the grid.

    Raises
    ------
    GridMismatchError
        A02.

    Examples
    --------
    >>> require_crs(32649, Grid.from_bounds((0, 0, 5000, 5000), cell_size=1000, crs=32648), name="fences")
    Traceback (most recent call last):
    ...
    permeability.core.errors.GridMismatchError: GridMismatchError [A02]: ...
    """
    if crs is not None and parse_crs(crs, layer=name) != grid.crs:
        raise GridMismatchError(
            "A02", f"the {name} are in {describe_crs(parse_crs(crs))}, the grid is in {describe_crs(grid.crs)}.", layer=name,
            remedy="reproject them before: table.to_crs(grid.crs)",
        )  # fmt: skip


def require_same_grid(first: Grid, second: Grid, *, name: str) -> None:
    """Refuse two things that were made for different grids.

    Raises
    ------
    GridMismatchError
        A03.

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 5000, 5000), cell_size=1000, crs=32648)
    >>> require_same_grid(grid, grid.with_cell_size(500), name="patches")
    Traceback (most recent call last):
    ...
    permeability.core.errors.GridMismatchError: GridMismatchError [A03]: ...
    """
    found = [] if first is second else first.differences(second)
    if found:
        raise GridMismatchError(
            "A03", f"the {name} were made for another grid.", layer=name, details={"differences": "\n".join(found)},
            remedy="place them anew on this landscape",
        )  # fmt: skip
