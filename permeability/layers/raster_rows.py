"""Rasters written from north to south, some rows at a time; a file is whole or not there."""

from __future__ import annotations

import contextlib
import gzip
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.layers.whole_files import whole_file

NODATA = -9999.0
Rows = Callable[[int, NDArray[np.float64]], None]


@contextlib.contextmanager
def grid_rows(path: str | os.PathLike[str], like: Any, nodata: float = NODATA) -> Iterator[Rows]:
    """Write an ESRI ASCII grid (gzip for ``.gz`` names) as Circuitscape does: ten digits, blanks.

    Parameters
    ----------
    path : path
    like : RasterFile or RasterWindows
        Gives shape, cell size and corner.
    nodata : float
        Written for NaN.

    Yields
    ------
    callable
        ``write(first row, rows)``, to be called from north to south without a gap.
    """
    target = Path(path)
    line = "%.10g " * like.shape[1] + "\n"
    with whole_file(target) as aside:
        opener: Any = gzip.open if target.suffix == ".gz" else open
        with opener(aside, "wt", encoding="ascii") as stream:
            stream.write(
                f"ncols         {like.shape[1]}\nnrows         {like.shape[0]}\n"
                f"xllcorner     {like.xll!r}\nyllcorner     {like.yll!r}\n"
                f"cellsize      {like.cell_size!r}\nNODATA_value  {nodata:.10g}\n"
            )

            def write(top: int, rows: NDArray[np.float64]) -> None:
                for row in np.where(np.isnan(rows), nodata, rows):
                    stream.write(line % tuple(row))

            yield write


@contextlib.contextmanager
def geotiff_rows(
    path: str | os.PathLike[str], like: Any, nodata: float = NODATA, *, dtype: str = "float64"
) -> Iterator[Rows]:
    """Write a GeoTIFF (LZW) on the grid of ``like``; see :func:`grid_rows`.

    Parameters
    ----------
    path : path
    like : RasterFile or RasterWindows
        Gives shape, transform and coordinate system.
    nodata : float
        Written for NaN.
    dtype : {"float64", "float32"}
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.windows import Window

    rows, cols = like.shape
    profile: dict[str, Any] = {
        "driver": "GTiff", "height": rows, "width": cols, "count": 1, "dtype": dtype, "nodata": nodata,
        "transform": like.transform, "compress": "lzw", "bigtiff": "if_safer",
    }  # fmt: skip
    if like.crs is not None:
        profile["crs"] = like.crs
    with contextlib.ExitStack() as stack:
        aside = stack.enter_context(whole_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            target = stack.enter_context(rasterio.open(aside, "w", **profile))

        def write(top: int, values: NDArray[np.float64]) -> None:
            filled = np.where(np.isnan(values), nodata, values).astype(dtype)
            target.write(filled, 1, window=Window(0, top, cols, len(values)))

        yield write
