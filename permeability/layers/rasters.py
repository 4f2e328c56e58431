"""Rasters in and out: read on a grid, warped only when asked how; GeoTIFFs written whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.warp import reproject

from permeability.core.errors import (
    GridError,
    GridMismatchError,
    LayerError,
    check_choice,
)
from permeability.layers.grid import Grid, describe_crs, parse_crs

__all__ = ["Alignment", "raster_grid", "raw_raster", "read_raster", "write_geotiff"]
from permeability.layers.whole_files import _unreadable, require_file, whole_file

RESAMPLING = ("nearest", "bilinear", "cubic", "average", "mode", "max", "min")


def write_geotiff(
    path: str | os.PathLike[str],
    values: NDArray[Any],
    grid: Grid,
    *,
    description: str = "",
    unit: str = "",
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write a raster as tiled, compressed float32 GeoTIFF, nodata NaN, whole and byte-stable.

    Parameters
    ----------
    path : path
    values : array, shape (rows, cols)
    grid : Grid
    description, unit : str
        Band description and unit.
    tags : mapping, optional
        Further tags of the file.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_geotiff(f"{folder}/r.tif", land.resistance, land.grid)
    ...     read_raster(path, land.grid)[0].shape
    (8, 12)
    """
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "width": grid.cols, "height": grid.rows,
        "crs": grid.crs.to_wkt(), "transform": grid.transform, "nodata": np.nan, "compress": "deflate",
        "predictor": 3, "zlevel": 6,
    }  # fmt: skip
    if min(grid.shape) >= 256:
        profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}
    with whole_file(path) as aside, rasterio.open(aside, "w", **profile) as target:
        target.write(values.astype(np.float32), 1)
        target.set_band_description(1, description)
        target.set_band_unit(1, unit)
        target.update_tags(**dict(tags or {}))
    return Path(path)


@dataclass(frozen=True)
class Alignment:
    """What was done to bring a raster onto the grid; goes into the run record.

    Examples
    --------
    >>> Alignment("elevation", "EPSG:4326", "bilinear", 0).resampling
    'bilinear'
    """

    layer: str
    source: str
    resampling: str
    filled_cells: int

    def text(self) -> str:
        """One line for the record."""
        return f"{self.layer}: {self.source} warped with {self.resampling}; {self.filled_cells:,} cells without value"


def raster_grid(path: str | os.PathLike[str], *, layer: str) -> Grid:
    """The grid of a raster file; refuses degrees (G01), rotation (G05), oblong cells (G06), no CRS (G07).

    Parameters
    ----------
    path : path
    layer : str
        Name used in messages.

    Returns
    -------
    Grid

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     raster_grid(write_geotiff(f"{folder}/r.tif", land.resistance, land.grid), layer="r") == land.grid
    True
    """
    with rasterio.open(require_file(Path(path), layer=layer)) as source:
        return Grid.from_affine(source.crs, source.transform, source.shape, layer=layer)


def read_raster(
    path: str | os.PathLike[str],
    grid: Grid,
    *,
    band: int = 1,
    resampling: str | None = None,
    layer: str | None = None,
) -> tuple[NDArray[np.float64], Alignment | None]:
    """Read a raster on the grid; warps it only when ``resampling`` says how.

    Parameters
    ----------
    path : path
    grid : Grid
        Of the project.
    band : int
        From 1 on.
    resampling : str, optional
        ``"nearest"``, ``"bilinear"``, ``"average"``, ``"mode"`` ...; only a raster on another grid needs
        it.
    layer : str, optional
        Name used in messages.

    Returns
    -------
    values : array, shape (rows, cols)
        float64, nodata as NaN.
    alignment : Alignment or None
        What was done, None when the raster was on the grid already.

    Raises
    ------
    GridMismatchError
        G02 when it is on another grid and no resampling was asked for.
    GridError
        G07 without coordinate system.
    LayerError
        L01 no file, L11 not readable, L12 no such band.
    OptionError
        O01 for an unknown resampling.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_geotiff(f"{folder}/r.tif", land.resistance, land.grid)
    ...     values, done = read_raster(path, land.grid)
    ...     coarse = pm.Grid.from_bounds(land.grid.bounds, cell_size=2000, crs=land.grid.crs)
    ...     read_raster(path, coarse, resampling="average")[0].shape
    (4, 6)
    >>> float(values.max()), done
    (1.0, None)
    """
    path = Path(path)
    name = layer or path.name
    if resampling is not None:
        check_choice("resampling", resampling, RESAMPLING)
    with _open_raster(path, band, name) as source:
        if source.crs is None:
            raise GridError(
                "G07", "the raster has no coordinate system.", layer=name, rows=["all cells"],
                remedy="assign its CRS in your GIS",
            )  # fmt: skip
        if resampling is None:
            grid.require_match(_grid_or_mismatch(source, grid, name), layer=name)
            return _values(source, band), None
        out = np.full(grid.shape, np.nan)
        reproject(
            _values(source, band), out, src_transform=source.transform, src_crs=source.crs, dst_transform=grid.transform,
            dst_crs=grid.crs.to_wkt(), src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling[resampling],
        )  # fmt: skip
        epsg = source.crs.to_epsg()
        origin = (
            f"{f'EPSG:{epsg}' if epsg else 'own CRS'}, {source.width} x {source.height}, {source.res[0]:g}"
        )
        return out, Alignment(name, origin, resampling, int(np.isnan(out).sum()))


def raw_raster(
    path: str | os.PathLike[str], *, band: int = 1, layer: str
) -> tuple[NDArray[np.float64], CRS | None]:
    """Values of a raster on its own cells, nodata as NaN, and its CRS; for checks, not for computing.

    Parameters
    ----------
    path : path
    band : int
        From 1 on.
    layer : str
        Name used in messages.

    Returns
    -------
    tuple[array, CRS | None]

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     values, crs = raw_raster(write_geotiff(f"{folder}/r.tif", land.resistance, land.grid), layer="r")
    >>> values.shape, crs == land.grid.crs
    ((8, 12), True)
    """
    with _open_raster(Path(path), band, layer) as source:
        return _values(source, band), parse_crs(source.crs) if source.crs is not None else None


@contextlib.contextmanager
def _open_raster(path: Path, band: int, layer: str) -> Iterator[Any]:
    """An open raster; L01 no file, L11 not a raster, L12 no such band."""
    require_file(path, layer=layer)
    try:
        source = rasterio.open(path)
    except RasterioIOError as exc:
        raise _unreadable(path, layer, exc) from exc
    with source:
        if not 1 <= band <= source.count:
            raise LayerError(
                "L12", f"{path.name} has no band {band}.", layer=layer, details={"bands": source.count},
                remedy="name one of its bands; they count from 1",
            )  # fmt: skip
        yield source


def _values(source: Any, band: int) -> NDArray[np.float64]:
    return np.asarray(source.read(band, masked=True).astype(np.float64).filled(np.nan))


def _grid_or_mismatch(source: Any, grid: Grid, name: str) -> Grid:
    """The grid of an open raster; one that is in degrees is a mismatch with a clear remedy."""
    try:
        return Grid.from_affine(source.crs, source.transform, source.shape, layer=name)
    except GridError as error:
        t = source.transform
        raise GridMismatchError(
            "G02",
            f"{name!r} is not on the project grid.",
            layer=name,
            rows=[f"all cells ({source.height} x {source.width})"],
            details={
                "project grid": grid,
                "this raster": f"{describe_crs(parse_crs(source.crs))}, {t.a:g}, {source.height} x {source.width}, "
                f"north-west corner ({t.c:.6g}, {t.f:.6g})",
            },
            remedy='ask for alignment with resampling = "average" (or "bilinear", "nearest" for classes)',
        ) from error
