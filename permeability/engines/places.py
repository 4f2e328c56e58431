"""Places in map units on cells, and maps back where they came from: what every engine reads off a DataArray or a Landscape."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from permeability.core.arrays import crs_of, plain_values
from permeability.core.errors import GridMismatchError, OptionError
from permeability.engines.graph import PlacedGraph

__all__ = ["like_of", "on_same_cells", "placed", "require_on", "rows_and_cols"]

KEPT = ("grid_mapping", "species", "scenario")


def like_of(landscape: Any) -> xr.DataArray | None:
    """What a result is to look like: the DataArray that was given, a map of the Landscape, None for a plain array.

    Parameters
    ----------
    landscape : array, DataArray or Landscape

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> like_of(land).dims, like_of([[1.0]])
    (('y', 'x'), None)
    """
    if isinstance(landscape, PlacedGraph):
        made: xr.DataArray = landscape.to_xarray(landscape.resistance, "resistance")
        return made
    if not isinstance(landscape, xr.DataArray):
        return None
    if "band" in landscape.dims and landscape.sizes["band"] == 1:
        return landscape.squeeze("band", drop=True)
    return landscape


def placed(values: Any, like: xr.DataArray | None, name: str, units: str) -> Any:
    """A map as it came: with the coordinates and the coordinate system of ``like``, or the plain array.

    Parameters
    ----------
    values : array or None
    like : DataArray or None
    name : str
    units : str

    Examples
    --------
    >>> placed(np.ones(2), xr.DataArray([5, 6], {"x": [0.5, 1.5]}, ("x",)), "current", "A").x.values.tolist()
    [0.5, 1.5]
    """
    if values is None or like is None or np.shape(values) != like.shape:
        return values
    kept = {k: v for k, v in like.attrs.items() if k in KEPT}
    return xr.DataArray(values, like.coords, like.dims, name, attrs={**kept, "units": units})


def on_same_cells(values: Any, like: xr.DataArray | None, *, name: str) -> NDArray[Any]:
    """Numbers of a second raster on the cells of the first; a DataArray that is turned is turned back.

    Parameters
    ----------
    values : array, DataArray
    like : DataArray or None
        What the first raster is, see :func:`like_of`.
    name : str
        Used in messages.

    Raises
    ------
    GridMismatchError
        G02 for coordinates or a coordinate system of another grid.

    Examples
    --------
    >>> ground = xr.DataArray([1.0, 2.0], {"y": [1.5, 0.5]}, ("y",))
    >>> on_same_cells(ground.sortby("y"), ground, name="strength").tolist()
    [1.0, 2.0]
    """
    if like is None or not isinstance(values, xr.DataArray):
        return plain_values(values, name=name)
    held = like_of(values)
    assert held is not None
    one, two = crs_of(like), crs_of(values)
    if one is not None and two is not None and not _same_crs(one, two):
        _refuse(name, "in another coordinate system")
    if set(held.dims) != set(like.dims):
        return plain_values(held, name=name)  # its shape is judged by whoever asked
    held = held.transpose(*like.dims)
    for d in (d for d in like.dims if d in like.coords and d in held.coords):
        mine, its = (np.asarray(a.coords[d].values, float) for a in (like, held))
        if len(mine) != len(its):
            _refuse(name, "of another size")
        step = abs(mine[-1] - mine[0]) / max(len(mine) - 1, 1) or 1.0
        if np.abs(mine - its[::-1]).max() < 1e-3 * step < np.abs(mine - its).max():
            held = held.isel({d: slice(None, None, -1)})
        elif np.abs(mine - its).max() >= 1e-3 * step:
            _refuse(name, "at other coordinates")
    return plain_values(held, name=name)


def _same_crs(one: str, two: str) -> bool:
    from pyproj import CRS

    return one == two or bool(CRS.from_user_input(one) == CRS.from_user_input(two))


def _refuse(name: str, how: str) -> None:
    raise GridMismatchError(
        "G02", f"{name!r} is not on the grid of the resistance: it is {how}.", layer=name,
        remedy="bring it there: array.rio.reproject_match(resistance), or array.reindex_like(resistance)",
    )  # fmt: skip


def rows_and_cols(like: xr.DataArray | None, places: Any, layer: str) -> Any:
    """Places in map units as (row, col), Patches as their labels; anything else as it is.

    Parameters
    ----------
    like : DataArray or None
        A map of the surface; None for a plain array, which has no coordinates.
    places : GeoDataFrame or GeoSeries of points, shapely point, list of float (x, y), Patches, or anything else
    layer : str
        Name for messages.

    Raises
    ------
    OptionError
        A04 points for a surface without coordinates, in another coordinate system, or geometries that are no points.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> west, north = float(land.grid.bounds[0]), float(land.grid.bounds[3])
    >>> rows_and_cols(like_of(land), [(west + 2500.0, north - 500.0)], "sources").tolist()
    [[0, 2]]
    """
    if hasattr(places, "labels") and hasattr(places, "ids"):
        require_on(like, places)
        return places.labels
    geometry = getattr(places, "geometry", places)
    if hasattr(geometry, "geom_type") and hasattr(geometry, "crs"):
        points, crs = [*geometry], geometry.crs
    elif hasattr(places, "geom_type"):
        points, crs = [places], None
    else:
        floats = np.asarray(places) if isinstance(places, (list, tuple)) and len(places) else None
        if (
            floats is None
            or like is None
            or floats.dtype.kind != "f"
            or floats.shape[-1] != 2
            or floats.ndim > 2
        ):
            return places
        return _cells_at(like, floats.reshape(-1, 2), None, layer)
    if any(p is None or p.geom_type != "Point" for p in points):
        raise OptionError(
            "A04", f"the {layer} are areas or lines, which have no single cell.", remedy="place them on a landscape as patches, or give their cells"
        )  # fmt: skip
    return _cells_at(like, np.array([(p.x, p.y) for p in points], float).reshape(-1, 2), crs, layer)


def require_on(like: xr.DataArray | None, patches: Any) -> None:
    """Refuse patches of another grid, as far as the surface says where it is.

    Parameters
    ----------
    like : DataArray or None
    patches : Patches

    Raises
    ------
    GridMismatchError
        A03.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> require_on(like_of(land), patches)
    """
    grid = getattr(patches, "grid", None)
    if like is None or grid is None or len(like.dims) != 2:
        return
    wrong = tuple(grid.shape) != tuple(like.shape)
    west, south, east, north = grid.bounds
    for d in (d for d in like.dims if d in like.coords and like.sizes[d] > 1):
        at = np.asarray(like.coords[d].values, float)
        low, high = (west, east) if str(d).lower() in ("x", "easting") else (south, north)
        half = abs(at[-1] - at[0]) / (len(at) - 1) / 2
        wrong |= bool(max(abs(at.min() - half - low), abs(at.max() + half - high)) > 1e-3 * half)
    if wrong:
        raise GridMismatchError(
            "A03", "the patches were made for another grid.", layer="patches", remedy="place them anew on this landscape"
        )  # fmt: skip


def _cells_at(like: xr.DataArray | None, xy: NDArray[np.float64], crs: Any, layer: str) -> NDArray[np.int64]:
    """(row, col) of points in the units of the map."""
    dims = [] if like is None else [str(d) for d in like.dims]
    if like is None or not all(d in like.coords and like.sizes[d] > 1 for d in dims):
        raise OptionError(
            "A04", f"the {layer} are points of a map, but the surface has no coordinates.",
            remedy="give zero-based (row, col), or the resistance as a DataArray with coordinates or as a Landscape",
        )  # fmt: skip
    stated = crs_of(like)
    if crs is not None and stated is not None and crs != stated:
        raise OptionError(
            "A04", f"the {layer} are in another coordinate system than the surface.", remedy="reproject them: table.to_crs(...)"
        )  # fmt: skip
    across = dims[0].lower() in ("x", "easting")
    cells = []
    for d, at in zip(dims, (xy[:, 0], xy[:, 1]) if across else (xy[:, 1], xy[:, 0])):
        centres = np.asarray(like.coords[d].values, float)
        step = (centres[-1] - centres[0]) / (len(centres) - 1)
        cells.append(np.floor((at - centres[0]) / step + 0.5).astype(np.int64))
    return np.column_stack(cells)
