"""The places that should stay connected: core areas, seasonal ranges, sample points, on the grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from permeability.core.display import Face
from permeability.core.errors import PatchError
from permeability.landscape.landscape import Landscape
from permeability.layers.grid import Grid

__all__ = ["Patches", "cells_of_geometry", "label_raster", "place", "try_labels"]


@dataclass(frozen=True, eq=False)
class Patches(Face):
    """Patches on a grid.

    Attributes
    ----------
    table : geopandas.GeoDataFrame
        ``id``, ``name``, geometry in the CRS of the grid, ``area_km2`` of the patch's cells, ``weight``.
    labels : array of int32, shape (rows, cols)
        1..n in the order of the table, 0 = no patch.
    grid : Grid

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> patches.ids, patches.table["area_km2"].tolist(), int(patches.mask(1).sum())
    (['W', 'E'], [4.0, 4.0], 4)
    """

    _face: ClassVar[str] = "patches"

    table: gpd.GeoDataFrame
    labels: NDArray[np.int32] = field(repr=False)
    grid: Grid

    @property
    def ids(self) -> list[str]:
        """Ids in the order of the labels."""
        return [str(i) for i in self.table["id"]]

    def mask(self, label: int) -> NDArray[np.bool_]:
        """Cells of the patch with a label 1..n."""
        return self.labels == label

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        names = ", ".join(self.ids)
        return f"Patches({len(self)}: {names})"


def place(table: gpd.GeoDataFrame, land: Landscape, *, layer: str = "patches") -> Patches:
    """Patches on the cells of a landscape.

    A polygon takes the valid cells whose centre it holds (the cell of its inner point when it holds none), a point
    its cell.

    Parameters
    ----------
    table : GeoDataFrame
        ``id``, geometry (polygons or points); ``name`` and ``weight`` are optional.
    land : Landscape
    layer : str
        Name used in messages.

    Returns
    -------
    Patches
        On the grid of the landscape.

    Raises
    ------
    PatchError
        P01 outside the grid, P02 on no valid cell, P03 duplicate ids, P04 two patches on one cell, P05 a patch that
        a complete barrier cuts in two (shorting it would open the barrier), P08 weights out of order.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> spots = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=gpd.points_from_xy([500, 11_500], [500, 500]), crs=land.grid.crs)
    >>> place(spots, land).table["area_km2"].tolist()  # a point takes its cell
    [1.0, 1.0]
    """
    _check_weights(table, layer)
    labels = label_raster(table, land.grid, land.valid, layer=layer)
    parts = land.parts
    cut = [
        str(row_id) for i, row_id in enumerate(table["id"], start=1) if len(np.unique(parts[labels == i])) > 1
    ]
    if cut:
        raise PatchError(
            "P05", "a complete barrier cuts these patches in two.", layer=layer, rows=cut,
            remedy="draw one patch on each side of the barrier",
        )  # fmt: skip
    out = table.reset_index(drop=True).copy()
    if "name" not in out.columns:
        out["name"] = out["id"]
    if "weight" not in out.columns:
        out["weight"] = 1.0
    counts = np.bincount(labels.ravel(), minlength=len(out) + 1)[1:]
    out["area_km2"] = counts * land.grid.cell_area_km2
    return Patches(out, labels, land.grid)


def _check_weights(table: gpd.GeoDataFrame, layer: str) -> None:
    """Refuse weights that are not numbers of at least 0 in the order low, best, high."""
    low, best, high = (
        pd.to_numeric(table[c], errors="coerce") if c in table.columns else pd.Series(np.nan, table.index)
        for c in ("weight_low", "weight", "weight_high")
    )
    best = best if "weight" in table.columns else best.fillna(1.0)
    bad = ~(best >= 0) | (low < 0) | (low > best) | (best > high)
    if bad.any():
        raise PatchError(
            "P08", f"{int(bad.sum())} patches have weights that are no numbers, negative or out of order.", layer=layer,
            rows=[str(i) for i in table["id"][bad]] if "id" in table.columns else [],
            remedy="give weight_low <= weight <= weight_high, at least 0",
        )  # fmt: skip


def label_raster(
    table: gpd.GeoDataFrame, grid: Grid, valid: NDArray[np.bool_], *, layer: str = "patches"
) -> NDArray[np.int32]:
    """Labels 1..n of patches on a grid; see :func:`place` for the errors.

    Parameters
    ----------
    table : GeoDataFrame
    grid : Grid
    valid : bool array
        Cells of the landscape, shape (rows, cols).
    layer : str
        Name used in messages.

    Returns
    -------
    int array
        Labels 1..n, 0 = no patch.

    Raises
    ------
    PatchError
        P01 to P04, P06.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> int(label_raster(patches.table, land.grid, land.valid).max())
    2
    """
    labels, problems = try_labels(table, grid, valid, layer=layer)
    if problems:
        raise problems[0]
    labels.setflags(write=False)
    return labels


def try_labels(
    table: gpd.GeoDataFrame, grid: Grid, valid: NDArray[np.bool_], *, layer: str = "patches"
) -> tuple[NDArray[np.int32], list[PatchError]]:
    """Labels of the patches that can be placed, and everything that is wrong with the others.

    Parameters
    ----------
    table : GeoDataFrame
    grid : Grid
    valid : bool array
        Cells of the landscape, shape (rows, cols).
    layer : str
        Name used in messages.

    Returns
    -------
    tuple[int array, list[PatchError]]
        Labels 1..n, 0 = no patch, and the problems.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> far = patches.table.assign(geometry=patches.table.translate(1e6))
    >>> [e.code for e in try_labels(far, land.grid, land.valid)[1]]
    ['P01']
    """
    labels = np.zeros(grid.shape, np.int32)
    if "id" not in table.columns:
        return labels, [PatchError("P06", "the column 'id' is missing.", layer=layer, rows=[f"all {len(table)}"], remedy="give every patch an id")]  # fmt: skip
    table = table if table.crs == grid.crs else table.to_crs(grid.crs)
    twice = table["id"][table["id"].duplicated(keep=False)]
    box = shapely.box(*grid.bounds)
    outside, none, clash = [], [], []
    for label, (name, geometry) in enumerate(zip(table["id"], table.geometry), start=1):
        if geometry is None or geometry.is_empty or not geometry.intersects(box):
            outside.append(str(name))
            continue
        mine = cells_of_geometry(geometry, grid) & valid
        if not mine.any():
            none.append(str(name))
        if (labels[mine] > 0).any():
            other = int(labels[mine].max())
            clash.append(f"{name} and {table['id'].iloc[other - 1]}")
        labels[mine] = label
    problems = []
    if len(twice):
        problems.append(PatchError("P03", "ids stand more than once.", layer=layer, rows=[f"row {i} ({v})" for i, v in twice.items()], remedy="give every patch its own id"))  # fmt: skip
    if outside:
        problems.append(PatchError("P01", f"{len(outside)} patches lie outside the grid.", layer=layer, rows=outside, details={"grid": grid}, remedy="widen the grid or leave these patches out"))  # fmt: skip
    if none:
        problems.append(PatchError("P02", f"{len(none)} patches lie on no valid cell.", layer=layer, rows=none, remedy="move them onto habitat, or check the mask"))  # fmt: skip
    if clash:
        problems.append(PatchError("P04", "patches share cells.", layer=layer, rows=clash, remedy="draw them apart, or use smaller cells"))  # fmt: skip
    return labels, problems


def cells_of_geometry(geometry: shapely.Geometry, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre a polygon holds; the cell of its inner point when none, or of every point.

    Parameters
    ----------
    geometry : Geometry
        Polygons or points in the CRS of the grid.
    grid : Grid

    Returns
    -------
    bool array
        Shape (rows, cols).

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 4, 4), cell_size=1, crs="EPSG:32648")
    >>> int(cells_of_geometry(shapely.box(0.4, 0.4, 2.6, 2.6), grid).sum())
    9
    """
    out = np.zeros(grid.shape, bool)
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        out = rasterize(
            [(geometry, 1)], out_shape=grid.shape, transform=grid.transform, dtype="uint8"
        ).astype(bool)
        if out.any():
            return out
        geometry = shapely.point_on_surface(geometry)
    xy = shapely.get_coordinates(geometry)
    row, col = grid.cells_of(xy[:, 0], xy[:, 1])
    on = grid.contains(row, col)
    out[row[on], col[on]] = True
    return out
