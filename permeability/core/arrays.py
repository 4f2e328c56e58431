"""One door for arrays: masks, fill values, scale, units and coordinate systems are read off every array that comes in.

``numpy.asarray`` throws them away, and a lake that was masked becomes ground of resistance 255.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from permeability.core.errors import GridError, OptionError
from permeability.core.journal import say
from permeability.core.memory import available

__all__ = ["crs_of", "in_chunks", "in_memory", "plain_values", "require_metres_between"]

FILLS = ("_FillValue", "missing_value", "nodata", "nodatavals")
LONGITUDES, LATITUDES = ("lon", "longitude", "long"), ("lat", "latitude")
METRES = ("", "m", "metre", "metres", "meter", "meters", "1")
HUGE = 1e30  # no land has such a value: an undeclared nodata


def plain_values(values: Any, *, name: str = "array") -> NDArray[Any]:
    """An array as numbers, NaN where it says that it has no value.

    Parameters
    ----------
    values : array_like, masked array or xarray.DataArray
        Masked cells, cells that hold the fill value of a DataArray, and scale and offset in its attributes are taken as they
        are meant; a band dimension of length 1 is left out.
    name : str
        Used in messages.

    Returns
    -------
    array
        The same array where nothing had to be done; bool, int and float kinds are kept where no cell lacks a value.

    Raises
    ------
    OptionError
        A01 for a table, a Dataset or another thing that is no array.

    Examples
    --------
    >>> plain_values(np.ma.masked_equal(np.array([1, 255], "uint8"), 255)).tolist()
    [1.0, nan]
    >>> plain_values(xr.DataArray([20, -1], attrs={"_FillValue": -1, "scale_factor": 0.1})).tolist()
    [2.0, nan]
    """
    if isinstance(values, xr.DataArray):
        return _of_data_array(in_memory(values, name=name))
    if isinstance(values, xr.Dataset) or hasattr(values, "iloc"):
        what = type(values).__name__
        better = (
            "one of its variables"
            if isinstance(values, xr.Dataset)
            else "cells of a grid; place a table on a landscape first"
        )
        raise OptionError("A01", f"a {what} is no {name}.", remedy=f"give {better}")
    if isinstance(values, (str, bytes)) or hasattr(values, "__fspath__"):
        raise OptionError(
            "A01", f"a {type(values).__name__} is no {name}.",
            remedy="read the file first: rioxarray.open_rasterio(path), or pm.open_project for a whole project",
        )  # fmt: skip
    values = in_memory(values, name=name)
    if np.ma.isMaskedArray(values):
        return _without(np.asarray(values.data), np.ma.getmaskarray(values))
    return np.asarray(values)


def in_memory(values: Any, *, name: str = "array") -> Any:
    """The same array, read into memory where it is one of dask: engines work on all cells at once.

    What is loaded is said in the log.  Larger landscapes go from file to file, see
    :func:`permeability.interop.raster_windows.omnidirectional_files`.

    Parameters
    ----------
    values : array_like or DataArray
    name : str
        What it is, for messages.

    Raises
    ------
    OptionError
        A12 when it is larger than the free memory.

    Examples
    --------
    >>> in_memory([1.0, 2.0])
    [1.0, 2.0]
    """
    raw = getattr(values, "data", values)
    if not (hasattr(raw, "dask") and hasattr(raw, "compute")):
        return values
    size, free = float(raw.nbytes), available()
    if size > free:
        raise OptionError(
            "A12",
            f"{name} is a dask array of {size / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB of memory are free.",
            remedy="make the cells larger (array.coarsen), or give it to pm.omnidirectional_files, which computes from chunk to chunk",
        )
    say(
        f"{name} is a dask array; {size / 2**20:,.0f} MiB of it are loaded, for all cells are needed at once."
    )
    return values.compute()


def in_chunks(maps: Any, chunks: Any) -> Any:
    """Maps as dask arrays of such chunks, or as they are.

    Parameters
    ----------
    maps : DataArray or Dataset
    chunks : int, tuple, dict, "auto" or None
        Cells a side, cells by dimension, or what dask thinks best; None leaves them as they are.

    Returns
    -------
    DataArray or Dataset

    Raises
    ------
    OptionError
        A13 without dask, or for chunks that are none.

    Examples
    --------
    >>> in_chunks(xr.DataArray(np.ones((4, 6)), dims=("y", "x")), 2).chunks
    ((2, 2), (2, 2, 2))
    >>> in_chunks(xr.DataArray([1.0]), None).chunks is None
    True
    """
    if chunks is None:
        return maps
    if find_spec("dask") is None:
        raise OptionError(
            "A13",
            "chunks need dask.",
            remedy='pip install "landscape-permeability[dask]", or leave out chunks=',
        )
    given = dict(zip(("y", "x"), chunks)) if isinstance(chunks, tuple) else chunks
    try:
        return maps.chunk({"y": given, "x": given} if isinstance(given, (int, str)) else given)
    except (ValueError, TypeError) as wrong:
        raise OptionError(
            "A13",
            f"{chunks!r} are no chunks: {wrong}.",
            remedy='give cells a side, such as chunks=1024, or chunks="auto"',
        ) from wrong


def _without(stored: NDArray[Any], void: NDArray[np.bool_]) -> NDArray[Any]:
    """Stored numbers with NaN in the void cells."""
    if not void.any():
        return stored
    if stored.dtype == bool:
        return np.where(void, False, stored)
    kind = stored.dtype if stored.dtype.kind == "f" else np.float64
    return np.where(void, np.nan, stored.astype(kind))


def _of_data_array(array: xr.DataArray) -> NDArray[Any]:
    held = array.squeeze("band", drop=True) if "band" in array.dims and array.sizes["band"] == 1 else array
    raw = held.data
    stored = (
        _without(np.asarray(raw.data), np.ma.getmaskarray(raw))
        if np.ma.isMaskedArray(raw)
        else np.asarray(held.values)
    )
    if stored.dtype.kind not in "iuf":
        return stored
    void = np.zeros(stored.shape, bool)
    for key in FILLS:
        for fill in np.atleast_1d(np.asarray(array.attrs.get(key, []), dtype=object)):
            if isinstance(fill, (int, float, np.number)) and not np.isnan(fill):
                void |= stored == fill
    values = _without(stored, void)
    scale, offset = (array.attrs.get(k) for k in ("scale_factor", "add_offset"))
    if scale is None and offset is None:
        return values
    return np.asarray(
        values * (1.0 if scale is None else float(scale)) + (0.0 if offset is None else float(offset))
    )


def crs_of(array: xr.DataArray) -> str | None:
    """Coordinate system of a DataArray as text, from its grid mapping or attributes; None when it states none.

    Parameters
    ----------
    array : xarray.DataArray

    Returns
    -------
    str or None

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> crs_of(land.to_xarray(land.resistance, "r")).startswith("PROJCRS")
    True
    """
    name = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping", "spatial_ref"))
    places = [array.coords[name].attrs] if name in array.coords else []
    for attrs in (*places, array.attrs):
        for key in ("crs_wkt", "spatial_ref", "crs", "esri_pe_string", "proj4"):
            if attrs.get(key):
                return str(attrs[key])
    return None


def require_metres_between(array: xr.DataArray, *, name: str = "array") -> None:
    """Refuse a DataArray whose coordinates are degrees, feet or kilometres.

    Told by its coordinate system, the names and units of its coordinates, and, where none of these says anything, by
    coordinates that can only be degrees.

    Parameters
    ----------
    array : xarray.DataArray
    name : str
        Used in messages.

    Raises
    ------
    GridError
        G01.

    Examples
    --------
    >>> require_metres_between(xr.DataArray(np.ones((2, 2)), {"lat": [46, 45], "lon": [100, 101]}, ("lat", "lon")))
    Traceback (most recent call last):
    ...
    permeability.core.errors.GridError: GridError [G01]: ...
    """
    unit = _unit(array)
    if unit is not None:
        raise GridError(
            "G01", f"the coordinates of the {name} are in {unit}; distances and areas need metres.", layer=name,
            remedy="reproject it to a coordinate system in metres, such as a UTM zone: array.rio.reproject(...); pm.suggest_crs proposes one",
        )  # fmt: skip


def _unit(array: xr.DataArray) -> str | None:
    """Unit of the coordinates where it is not the metre."""
    dims = [str(d) for d in array.dims if d != "band"][-2:]
    if any(d.lower() in (*LONGITUDES, *LATITUDES) for d in dims):
        return "degrees"
    for d in (d for d in dims if d in array.coords):
        said = str(array.coords[d].attrs.get("units", "")).strip().lower()
        if said not in METRES:
            return "degrees" if said.startswith("degree") else said
    stated = crs_of(array)
    if stated is not None:
        return _unit_of_crs(stated)
    return "degrees" if _can_only_be_degrees(array, dims) else None


def _unit_of_crs(text: str) -> str | None:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        axes = CRS.from_user_input(text).axis_info[:2]
    except CRSError:
        return None
    other = [a.unit_name for a in axes if abs(a.unit_conversion_factor - 1.0) > 1e-12]
    return f"{other[0]}s" if other else None


def _can_only_be_degrees(array: xr.DataArray, dims: list[str]) -> bool:
    """Values of a globe and steps of a fraction of one, on dimensions called x and y."""
    if [d.lower() for d in dims] not in (["y", "x"], ["x", "y"]) or not all(
        d in array.coords and array.sizes[d] > 1 for d in dims
    ):
        return False
    for d, most in (
        ((dims[0], 90.0), (dims[1], 360.0)) if dims[0].lower() == "y" else ((dims[1], 90.0), (dims[0], 360.0))
    ):
        at = np.asarray(array.coords[d].values, float)
        if np.abs(at).max() > most or not 0 < np.abs(np.diff(at)).max() <= 0.5:
            return False
    return True
