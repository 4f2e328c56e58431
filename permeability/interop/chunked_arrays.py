"""Arrays that are never in memory as a whole: dask arrays read box by box, and maps in files as dask arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from permeability.core.arrays import in_chunks, plain_values
from permeability.layers.exchange_grids import geotiff_place, open_geotiff, values_in
from permeability.layers.grid_like import grid_like

__all__ = ["cells_in_box", "maps_of_files", "north_up"]


def north_up(array: xr.DataArray) -> tuple[xr.DataArray, Any]:
    """A DataArray with rows from north to south and columns from west to east, still unread, and its grid.

    Parameters
    ----------
    array : DataArray
        With coordinates of the middles of its cells [m] and its coordinate system; in any order.

    Returns
    -------
    array : DataArray
    grid : Grid

    Raises
    ------
    GridError
        G01, G06, G07, G12, see :func:`permeability.layers.grid_like.grid_like`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> turned, grid = north_up(land.to_xarray(chunks=4).sortby("y"))
    >>> grid == land.grid, turned.chunks is not None, bool(turned.y[0] > turned.y[-1])
    (True, True, True)
    """
    grid = grid_like(array)
    held = array.squeeze("band", drop=True) if "band" in array.dims else array
    names = [str(d) for d in held.dims]
    if names[0].lower() in ("x", "easting"):
        held, names = held.transpose(), names[::-1]
    y, x = names
    if held[y][0] < held[y][-1]:
        held = held.isel({y: slice(None, None, -1)})
    if held[x][0] > held[x][-1]:
        held = held.isel({x: slice(None, None, -1)})
    return held, grid


def cells_in_box(array: xr.DataArray, box: tuple[int, int, int, int], name: str) -> NDArray[np.float64]:
    """Values in a box of an unread array, NaN = no value; chunks outside the box are not computed.

    Parameters
    ----------
    array : DataArray
        As of :func:`north_up`.
    box : (top, bottom, left, right)
        Rows and columns from 0; the ends are not in it.
    name : str
        Used in messages.

    Returns
    -------
    array

    Examples
    --------
    >>> cells_in_box(xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x")), (0, 2, 1, 3), "r").tolist()
    [[1.0, 2.0], [4.0, 5.0]]
    """
    top, bottom, left, right = box
    part = array[top:bottom, left:right]
    if part.chunks is not None:
        part = part.compute(scheduler="synchronous")  # tasks of the run are already side by side
    return np.asarray(plain_values(part, name=name), np.float64)


class _OnDisk:
    """A map in a file, as what dask can cut."""

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.path, self.shape, self.dtype, self.ndim = path, shape, np.dtype(np.float64), 2

    def __getitem__(self, part: Any) -> NDArray[np.float64]:
        from rasterio.windows import Window

        (top, bottom), (left, right) = ((s.start, s.stop) for s in part)
        with open_geotiff(self.path) as source:
            return values_in(source, Window(left, top, right - left, bottom - top))


def maps_of_files(files: Iterable[Path], chunks: Any = None) -> xr.Dataset:
    """Maps in GeoTIFFs on one grid, by the names of the files.

    Parameters
    ----------
    files : iterable of path
    chunks : int, tuple, dict or "auto", optional
        As dask arrays that read their part of the file when they are computed; None reads all.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    OptionError
        A13 without dask.
    InteropError
        X06 for a file that is no grid.

    Examples
    --------
    >>> maps_of_files([]).sizes
    Frozen({})
    """
    maps = {path.stem: _map_of_file(path, chunks) for path in files}
    return xr.Dataset(maps)


def _map_of_file(path: Path, chunks: Any) -> xr.DataArray:
    with open_geotiff(path) as source:
        size, transform = geotiff_place(source, path)
        shape, wkt = source.shape, source.crs.to_wkt() if source.crs else None
        values = values_in(source, None) if chunks is None else np.zeros((1, 1))
    if chunks is not None:
        values = _lazy(path, shape, chunks)
    coords: dict[str, Any] = {
        "y": transform.f - size * (np.arange(shape[0]) + 0.5),
        "x": transform.c + size * (np.arange(shape[1]) + 0.5),
    }
    attrs = {}
    if wkt:
        gdal = " ".join(map(str, Affine(*transform[:6]).to_gdal()))
        coords["spatial_ref"] = xr.DataArray(0, attrs={"crs_wkt": wkt, "GeoTransform": gdal})
        attrs["grid_mapping"] = "spatial_ref"
    return xr.DataArray(values, coords, ("y", "x"), path.stem, attrs)


def _lazy(path: Path, shape: tuple[int, int], chunks: Any) -> Any:
    """A dask array of a file; chunks are read as for an array in memory."""
    sides = in_chunks(xr.DataArray(np.broadcast_to(0.0, shape), dims=("y", "x")), chunks).chunks
    import dask.array

    from_array: Any = dask.array.from_array
    return from_array(_OnDisk(path.resolve(), shape), chunks=sides, name=f"{path}-{path.stat().st_mtime_ns}")
