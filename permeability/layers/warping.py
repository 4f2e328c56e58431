"""A band brought onto a grid piece by piece: memory near that of the output, whatever the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.warp import reproject
from rasterio.windows import Window

from permeability.layers.bands import band_values
from permeability.layers.grid import Grid

__all__ = ["warp_band", "warp_bytes"]

Box = tuple[int, int, int, int]  # rows and columns of the grid: first and past the last
MOST_CELLS = 2_000_000  # of the input, read at once
KERNEL_CELLS = {"bilinear": 1.5, "cubic": 2.5}  # of the grid, round a piece; the others see the cell alone
MARGIN_SOURCE = 4
RIM = 1  # cells without value round the source: up to GDAL 3.9 a piece that begins where the source begins lost its first column
LATTICE = 21  # points along a side by which a piece is found in the source
BYTES_PER_CELL = 27  # stored number and mask, value, copy, test
WARP_BYTES = 20 * 2**20  # what the warper itself holds


def warp_band(
    source: Any, band: int, grid: Grid, resampling: str, *, nodata: float | None = None, layer: str = "raster"
) -> NDArray[np.float64]:
    """A band of an open raster on a grid.

    Parameters
    ----------
    source : rasterio.DatasetReader
        With a coordinate system.
    band : int
        From 1 on.
    grid : Grid
    resampling : str
        Name of a method of rasterio.
    nodata : float, optional
        A stored number that means no value, beside what the file says.
    layer : str
        Name used in messages.

    Returns
    -------
    array
        float64, shape (rows, cols), NaN where the raster has no value or does not reach.

    Examples
    --------
    >>> import tempfile, rasterio
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> coarse = pm.Grid.from_bounds(land.grid.bounds, cell_size=2000, crs=land.grid.crs)
    >>> with tempfile.TemporaryDirectory() as folder, rasterio.open(land.save(f"{folder}/r.tif")) as source:
    ...     warp_band(source, 1, coarse, "average").shape
    (4, 6)
    """
    out = np.full(grid.shape, np.nan)
    for box, window in _pieces(source, grid, resampling):
        top, bottom, left, right = box
        piece = np.full((bottom - top, right - left), np.nan)
        seen, rim = band_values(source, band, window, nodata=nodata, layer=layer), 0
        if _touches(window, source):
            seen, rim = np.pad(seen, RIM, constant_values=np.nan), RIM
        reproject(
            seen, piece,
            src_transform=_moved(source.transform, window.col_off - rim, window.row_off - rim), src_crs=source.crs, src_nodata=np.nan,
            dst_transform=_moved(grid.transform, left, top), dst_crs=grid.crs.to_wkt(), dst_nodata=np.nan,
            resampling=Resampling[resampling],
        )  # fmt: skip
        out[top:bottom, left:right] = piece
    return out


def _touches(window: Window, source: Any) -> bool:
    """Whether a window begins or ends with the source."""
    return (
        window.col_off == 0
        or window.row_off == 0
        or window.col_off + window.width == source.width
        or window.row_off + window.height == source.height
    )


def _moved(t: Affine, cols: int, rows: int) -> Affine:
    """The transform of a window that begins some columns and rows further on."""
    return Affine(t.a, t.b, t.c + cols * t.a + rows * t.b, t.d, t.e, t.f + cols * t.d + rows * t.e)


def warp_bytes(source: Any, grid: Grid, resampling: str) -> int:
    """Memory that :func:`warp_band` takes beyond its result [bytes].

    Parameters
    ----------
    source : rasterio.DatasetReader
    grid : Grid
    resampling : str

    Returns
    -------
    int
    """
    most = max((int(w.width * w.height) for _, w in _pieces(source, grid, resampling)), default=0)
    return most * BYTES_PER_CELL + (WARP_BYTES if most else 0)


def _pieces(source: Any, grid: Grid, resampling: str) -> Iterator[tuple[Box, Window]]:
    """Parts of the grid that each see at most :data:`MOST_CELLS` cells of the source, with their windows."""
    to_source = Transformer.from_crs(grid.crs, source.crs.to_wkt(), always_xy=True)
    todo: list[Box] = [(0, grid.rows, 0, grid.cols)]
    while todo:
        box = todo.pop()
        window = _window(source, grid, to_source, box, KERNEL_CELLS.get(resampling, 0.1))
        if window is None:
            continue
        top, bottom, left, right = box
        if window.width * window.height <= MOST_CELLS or (bottom - top == 1 and right - left == 1):
            yield box, window
        elif bottom - top >= right - left:
            middle = (top + bottom) // 2
            todo += [(middle, bottom, left, right), (top, middle, left, right)]
        else:
            middle = (left + right) // 2
            todo += [(top, bottom, middle, right), (top, bottom, left, middle)]


def _window(source: Any, grid: Grid, to_source: Transformer, box: Box, margin: float) -> Window | None:
    """The part of the source that a part of the grid sees; None when it lies beside it."""
    top, bottom, left, right = box
    rows = np.linspace(top - margin, bottom + margin, LATTICE)
    cols = np.linspace(left - margin, right + margin, LATTICE)
    xx, yy = np.meshgrid(cols, rows)
    x, y = grid.west + xx.ravel() * grid.cell_size, grid.north - yy.ravel() * grid.cell_size
    there = np.array(to_source.transform(x, y))
    there = there[:, np.isfinite(there).all(axis=0)]
    if not there.size:
        return None
    back = ~source.transform
    with np.errstate(over="ignore", invalid="ignore"):  # a corner of the source that is beyond all numbers
        col, row = (
            back.a * there[0] + back.b * there[1] + back.c,
            back.d * there[0] + back.e * there[1] + back.f,
        )
    if not (np.isfinite(col).all() and np.isfinite(row).all()):
        return None
    first_row, last_row = int(np.floor(row.min())) - MARGIN_SOURCE, int(np.ceil(row.max())) + MARGIN_SOURCE
    first_col, last_col = int(np.floor(col.min())) - MARGIN_SOURCE, int(np.ceil(col.max())) + MARGIN_SOURCE
    first_row, last_row = max(0, first_row), min(source.height, last_row)
    first_col, last_col = max(0, first_col), min(source.width, last_col)
    if first_row >= last_row or first_col >= last_col:
        return None
    return Window(first_col, first_row, last_col - first_col, last_row - first_row)
