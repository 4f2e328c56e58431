"""Areas that nothing enters, brought onto cells so that nothing slips through them over a corner or between two centres.

Cells are taken by their centres, so a river drawn as an area and narrower than a cell falls into pieces.  Where a step
between two cells beside it crosses such an area, one of the two is closed too (the cracks of Rothley 2005,
doi:10.1111/j.1523-1739.2005.00247.x, filled from the drawn shape).  A knight's move runs over cells that are joined by
their sides, so it is closed with them.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage

from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.landscape.habitat import area_mask
from permeability.layers.grid import Grid

__all__ = ["closed_area_mask", "corner_joints"]

Mask = NDArray[np.bool_]
LEAST_CELLS = (
    2.0  # an area shorter than so many cells is walked round within a step and closes nothing beside itself
)
LEAST_PART = 10  # cells; smaller pieces of ground are told of by nobody


def closed_area_mask(layer: gpd.GeoDataFrame, grid: Grid) -> Mask:
    """Cells that areas without passage take away.

    Parameters
    ----------
    layer : GeoDataFrame
        Polygons in the CRS of the grid.
    grid : Grid

    Returns
    -------
    bool array
        Shape (rows, cols): the cells whose centre lies in an area, and those that close what leaks.

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 8000, 8000), cell_size=1000, crs="EPSG:32648")
    >>> river = shapely.LineString([(-500, 1200), (8500, 6700)]).buffer(150)
    >>> closed = closed_area_mask(gpd.GeoDataFrame(geometry=[river], crs=grid.crs), grid)
    >>> int(ndimage.label(~closed, np.ones((3, 3)))[1])  # two banks
    2
    """
    closed = area_mask(layer, grid)
    parts = shapely.get_parts(layer.geometry.to_numpy()[~layer.geometry.isna().to_numpy()])
    box = shapely.bounds(parts) if len(parts) else np.zeros((0, 4))
    long = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) >= LEAST_CELLS * grid.cell_size
    if not long.any():
        return closed
    first, second = _crossed_steps(parts[long], closed, grid)
    flat = closed.reshape(-1)
    weight = np.bincount(np.concatenate([first, second]), minlength=flat.size)
    for i in np.argsort(-(weight[first] + weight[second]), kind="stable"):
        a, b = first[i], second[i]
        if not (flat[a] or flat[b]):
            flat[a if weight[a] >= weight[b] else b] = True
    return closed


def _crossed_steps(parts: NDArray[np.object_], closed: Mask, grid: Grid) -> tuple[NDArray[np.int64], ...]:
    """Steps between two open neighbouring cells (of eight) that cross an area: both cells, flat."""
    rows, cols = grid.shape
    near = rasterize(
        [(p, 1) for p in parts],
        out_shape=grid.shape,
        transform=grid.transform,
        all_touched=True,
        dtype="uint8",
    ).astype(bool)
    near = ndimage.binary_dilation(near, np.ones((3, 3)))
    shapely.prepare(parts)
    tree = shapely.STRtree(parts)
    cell = np.flatnonzero(near & ~closed)
    row, col = np.divmod(cell, cols)
    x, y = np.asarray(grid.x), np.asarray(grid.y)
    ends: list[list[NDArray[np.int64]]] = [[], []]
    for k in range(4):
        r, c = row + D_ROW[k], col + D_COL[k]
        on = (r < rows) & (c >= 0) & (c < cols)
        on[on] &= ~closed[r[on], c[on]]
        start = np.column_stack([x[col[on]], y[row[on]]])
        end = np.column_stack([x[c[on]], y[r[on]]])
        steps = shapely.linestrings(np.stack([start, end], axis=1)) if on.any() else np.zeros(0, object)
        hit = np.unique(tree.query(steps, predicate="intersects")[0]) if on.any() else np.zeros(0, np.int64)
        ends[0].append(cell[on][hit])
        ends[1].append((r[on] * cols + c[on])[hit])
    return np.concatenate(ends[0]), np.concatenate(ends[1])


def corner_joints(valid: Mask) -> list[tuple[int, int]]:
    """Cells at which large pieces of ground hang together over a corner only, between two cells without passage.

    Parameters
    ----------
    valid : bool array, shape (rows, cols)
        Cells that can be entered.

    Returns
    -------
    list of (row, col)
        North-western cell of the four round each such corner; empty when nothing slips through.

    Examples
    --------
    >>> slanted = ~np.eye(12, dtype=bool)  # a river of one cell, drawn by a raster
    >>> len(corner_joints(slanted)), len(corner_joints(np.ones((12, 12), bool)))
    (11, 0)
    """
    sides = ndimage.label(valid)[0]
    size = np.bincount(sides.ravel())
    a, b, c, d = sides[:-1, :-1], sides[:-1, 1:], sides[1:, :-1], sides[1:, 1:]
    size[0] = 0
    slip = np.zeros(a.shape, bool)
    for one, two, left, right in ((a, d, b, c), (b, c, a, d)):
        slip |= (left == 0) & (right == 0) & (one != two) & (np.minimum(size[one], size[two]) >= LEAST_PART)
    return [(int(r), int(c)) for r, c in np.argwhere(slip)]
