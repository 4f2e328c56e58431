"""The places that should stay connected: core areas, seasonal ranges, sample points, on the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from permeability.barriers.database import read_layer
from permeability.barriers.database.conforming import require_read
from permeability.core.display import Face
from permeability.core.errors import Finding, PatchError, check_choice
from permeability.core.guesses import suggestion
from permeability.landscape.landscape import Landscape
from permeability.landscape.patch_parts import CrossedPatch, crossed_patches
from permeability.layers.grid import Grid
from permeability.layers.reprojection import reproject

__all__ = ["Patches", "cells_of_geometry", "label_raster", "place", "try_labels"]


@dataclass(frozen=True, eq=False)
class Patches(Face):
    """Patches on a grid.

    Attributes
    ----------
    table : geopandas.GeoDataFrame
        ``id``, ``name``, geometry in the CRS of the grid, ``area_km2`` of the patch's cells, ``weight``.  A patch
        that a barrier crosses stands there in parts, with the columns ``patch`` (id as drawn) and ``share``
        (of its area, and so of its weight).
    labels : array of int32, shape (rows, cols)
        1..n in the order of the table, 0 = no patch.
    grid : Grid
    findings : tuple of Finding
        P13 for every patch that was taken apart, with the lines and their costs.
    whole : Patches or None
        The patches as drawn, where any was taken apart.

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
    findings: tuple[Finding, ...] = field(default=(), repr=False)
    whole: Patches | None = field(default=None, repr=False)

    @property
    def _rows(self) -> gpd.GeoDataFrame:
        """The table itself, not a copy."""
        return vars(self)["table"]

    @property
    def ids(self) -> list[str]:
        """Ids in the order of the labels."""
        return [str(i) for i in self._rows["id"]]

    @property
    def drawn(self) -> list[str]:
        """Id of the patch as drawn that every row is, or is a part of."""
        return [str(i) for i in self._rows["patch"]] if "patch" in self._rows.columns else self.ids

    @property
    def share(self) -> NDArray[np.float64]:
        """Share of its patch that every row is; 1 for a patch that nothing crosses."""
        if "share" not in self._rows.columns:
            return np.ones(len(self))
        return self._rows["share"].to_numpy(float)

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions i < j of all pairs of rows that belong to different patches: two parts of one are no pair."""
        i, j = self._pairs
        return i.copy(), j.copy()

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        i, j = np.triu_indices(len(self), 1)
        drawn = self._whole_of_row
        keep = drawn[i] != drawn[j]
        return i[keep], j[keep]

    @cached_property
    def _whole_of_row(self) -> NDArray[np.int64]:
        """Number of the patch as drawn that every row is, or is a part of."""
        return np.asarray(pd.factorize(np.array(self.drawn))[0], np.int64)

    def pair_weights(self) -> NDArray[np.float64]:
        """Product of the weights of all pairs of different patches, 0 elsewhere; symmetric, shape (n, n)."""
        weight, out = self.table["weight"].to_numpy(float), np.zeros((len(self), len(self)))
        i, j = self.pairs()
        out[i, j] = out[j, i] = weight[i] * weight[j]
        return out

    def pairs_apart(self, joined: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Pairs of patches without a path, from which rows have one, shape (..., n, n); one joined part is enough."""
        drawn, met = self._whole_of_row, joined | np.swapaxes(joined, -1, -2)
        wholes = int(drawn.max(initial=-1)) + 1
        if wholes < len(drawn):
            part = (drawn == np.arange(wholes)[:, None]).astype(np.float64)
            met = part @ met @ part.T > 0
        before = np.arange(wholes)[:, None] < np.arange(wholes)
        return np.asarray(np.count_nonzero(~met & before, axis=(-2, -1)), np.int64)

    def on(self, land: Landscape, *, layer: str = "patches", shapes: bool = True) -> Patches:
        """The same patches on a landscape whose barriers lie elsewhere, taken apart anew along them.

        ``shapes=False`` leaves every part the shape of its whole patch, for those who ask for cells only.
        """
        drawn = self.whole or self
        crossed = crossed_patches(land, drawn.labels)
        return self if self.whole is None and not crossed else _apart(drawn, crossed, layer, shapes)

    def mask(self, label: int) -> NDArray[np.bool_]:
        """Cells of the patch with a label 1..n."""
        return self.labels == label

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, name: str) -> pd.Series:
        """The row of one patch."""
        name = str(name)  # ids of a table may be numbers
        if name not in self.ids:
            raise KeyError(f"{name!r}{suggestion(str(name), self.ids)}")
        return self.table.iloc[self.ids.index(name)]

    @property
    def crs(self) -> Any:
        """Coordinate system of the table."""
        return self.table.crs

    def __repr__(self) -> str:
        names = ", ".join(self.ids)
        return f"Patches({len(self)}: {names})"


def place(
    table: gpd.GeoDataFrame,
    land: Landscape,
    *,
    layer: str = "patches",
    on_barrier: str = "split",
    also: NDArray[np.bool_] | None = None,
) -> Patches:
    """Patches on the cells of a landscape.

    A polygon takes the valid cells whose centre it holds (the cell of its inner point when it holds none), a line every
    cell that it runs through, a point its cell.  A patch that a barrier crosses is taken apart along it, so that it is no
    free bridge; the parts share its weight by their area and are no pair of patches.

    Parameters
    ----------
    table : GeoDataFrame
        ``id``, geometry (polygons or points); ``name`` and ``weight`` are optional.
    land : Landscape
    layer : str
        Name used in messages.
    on_barrier : {"split", "refuse"}
        What becomes of a patch that a barrier crosses which stands or may stand.
    also : bool array, shape (barriers,), optional
        Further rows that will stand in another scenario or year.

    Returns
    -------
    Patches
        On the grid of the landscape.

    Raises
    ------
    PatchError
        P01 outside the grid, P02 on no valid cell, P03 duplicate ids, P04 two patches on one cell, P05 a patch that
        lies on ground without a path between (shorting it would open a barrier), P08 weights out of order, P14 a
        patch that a barrier crosses where ``on_barrier = "refuse"``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> spots = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=gpd.points_from_xy([500, 11_500], [500, 500]), crs=land.grid.crs)
    >>> place(spots, land).table["area_km2"].tolist()  # a point takes its cell
    [1.0, 1.0]
    """
    check_choice("on_barrier", on_barrier, ("split", "refuse"))
    table = _read(table, layer)
    _check_weights(table, layer)
    labels = label_raster(table, land.grid, land.valid, layer=layer)
    out = table.reset_index(drop=True).copy()
    if "name" not in out.columns:
        out["name"] = out["id"]
    if "weight" not in out.columns:
        out["weight"] = 1.0
    crossed = crossed_patches(land, labels, also=also)
    names = [str(i) for i in out["id"]]
    if crossed and on_barrier == "refuse":
        raise PatchError(
            "P14", "barriers cross these patches.", layer=layer, rows=[names[p.label - 1] for p in crossed],
            details={"lines": "; ".join(dict.fromkeys(w for p in crossed for w in p.lines))},
            remedy='draw one patch on each side of the barrier, or use on_barrier = "split"',
        )  # fmt: skip
    counts = np.bincount(labels.ravel(), minlength=len(out) + 1)[1:]
    out["area_km2"] = counts * land.grid.cell_area_km2
    placed = _apart(Patches(out, labels, land.grid), crossed, layer)
    _refuse_bridges(placed, land.parts, layer)
    return placed


def _apart(whole: Patches, crossed: Sequence[CrossedPatch], layer: str, shapes: bool = True) -> Patches:
    """Patches taken apart along the barriers that cross them."""
    if not crossed:
        return whole
    labels, table = _in_parts(whole.table, whole.labels, crossed, whole.grid, shapes)
    counts = np.bincount(labels.ravel(), minlength=len(table) + 1)[1:]
    table["area_km2"] = counts * whole.grid.cell_area_km2
    found = tuple(p.finding(whole.ids[p.label - 1], layer, whole.grid.cell_area_km2) for p in crossed)
    return Patches(table, labels, whole.grid, found, whole)


def _in_parts(
    table: gpd.GeoDataFrame,
    labels: NDArray[np.int32],
    crossed: Sequence[CrossedPatch],
    grid: Grid,
    shapes: bool,
) -> tuple[NDArray[np.int32], gpd.GeoDataFrame]:
    """Labels and table with one row a part; the parts of a patch share its weight by their area."""
    table = table if table.crs == grid.crs else table.to_crs(grid.crs)
    by_label, new = {p.label: p for p in crossed}, np.zeros_like(labels)
    rows = []
    for label in range(1, len(table) + 1):
        row = table.iloc[label - 1].to_dict()
        found = by_label.get(label)
        groups = [np.flatnonzero(labels.ravel() == label)] if found is None else found.parts
        total = sum(len(g) for g in groups)
        for k, cells in enumerate(groups, start=1):
            share = len(cells) / total
            part = {**row, "patch": row["id"], "share": share}
            for key in ("weight_low", "weight", "weight_high"):
                if key in part:
                    part[key] = part[key] * share
            if found is not None:
                part |= {"id": f"{row['id']}/{k}", "name": f"{row['name']}/{k}"}
                if shapes:
                    part["geometry"] = _part_of(row[table.geometry.name], cells, grid)
            rows.append(part)
            new.ravel()[cells] = len(rows)
    new.setflags(write=False)
    return new, gpd.GeoDataFrame(rows, geometry=table.geometry.name, crs=grid.crs)


def _part_of(geometry: shapely.Geometry, cells: NDArray[np.int64], grid: Grid) -> shapely.Geometry:
    """What a part of a patch covers: its cells, within the polygon as drawn."""
    x, y, half = grid.x[cells % grid.cols], grid.y[cells // grid.cols], grid.cell_size / 2
    mine = shapely.union_all(shapely.box(x - half, y - half, x + half, y + half))
    within = shapely.intersection(mine, geometry)
    return within if within.geom_type in ("Polygon", "MultiPolygon") and not within.is_empty else mine


def _refuse_bridges(patches: Patches, parts: NDArray[np.int32], layer: str) -> None:
    """Refuse patches that lie on two parts of the landscape between which nothing can walk."""
    cut = [name for i, name in enumerate(patches.ids, 1) if len(np.unique(parts[patches.mask(i)])) > 1]
    if cut:
        raise PatchError(
            "P05", "these patches lie on ground that nothing connects.", layer=layer, rows=cut,
            remedy="draw one patch on each side of what lies between",
        )  # fmt: skip


def _read(table: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """The layer in the words of its schema."""
    read = read_layer(table, "patches", label=layer)
    require_read(read.findings)
    return read.table


def _check_weights(table: gpd.GeoDataFrame, layer: str) -> None:
    """Refuse weights that are not numbers of at least 0 in the order low, best, high."""
    low, best, high = (
        table[c] if c in table.columns else pd.Series(np.nan, table.index)
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
    table = read_layer(table, "patches", label=layer).table
    if "id" not in table.columns:
        return labels, [PatchError("P06", "the column 'id' is missing.", layer=layer, rows=[f"all {len(table)}"], remedy="give every patch an id")]  # fmt: skip
    empty = [f"row {i}" for i, v in enumerate(table["id"], start=1) if v is None]
    if empty:
        return labels, [PatchError("P06", f"{len(empty)} patches have no id.", layer=layer, rows=empty, remedy="give every patch an id, or say number_ids for the layer")]  # fmt: skip
    table = reproject(table, grid.crs)
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
    """Cells whose centre a polygon holds, those that a line runs through, those of points.

    A polygon that holds no centre takes the cell of its inner point; a collection takes the cells of all its members.

    Parameters
    ----------
    geometry : Geometry
        In the CRS of the grid.
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
    if geometry.geom_type == "GeometryCollection":
        for part in shapely.get_parts(geometry):
            out |= cells_of_geometry(part, grid)
        return out
    if geometry.geom_type not in ("Point", "MultiPoint"):
        through = "Line" in geometry.geom_type
        out = rasterize(
            [(geometry, 1)],
            out_shape=grid.shape,
            transform=grid.transform,
            dtype="uint8",
            all_touched=through,
        ).astype(bool)
        if out.any():
            return out
        geometry = shapely.point_on_surface(geometry)
    xy = shapely.get_coordinates(geometry)
    row, col = grid.cells_of(xy[:, 0], xy[:, 1])
    on = grid.contains(row, col)
    out[row[on], col[on]] = True
    return out
