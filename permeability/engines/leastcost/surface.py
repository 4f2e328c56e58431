"""What a least-cost engine runs on: cells, step lengths, barriers on edges; and where it starts.

:func:`cost_surface` turns an array, a `DataArray` or a `Landscape` into a :class:`CostSurface` once, so
that many fields can be computed without checking and sorting again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from permeability.core.arrays import plain_values, require_metres_between
from permeability.core.errors import (
    BarrierError,
    Finding,
    OptionError,
    PatchError,
    ResistanceError,
    check_choice,
)
from permeability.engines.graph import PlacedGraph
from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.kernels.shortest import TileCuts, tile_cuts
from permeability.engines.kernels.trace import EdgeModel, count_cells, has_exit, row_starts
from permeability.engines.leastcost.steps import KNIGHTS_MOVES, slope_costs, step_costs, step_lengths
from permeability.engines.places import on_same_cells, rows_and_cols

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]
__all__ = [
    "CostSurface", "cost_surface", "enclosed_sources", "frozen", "slope_costs", "source_cells", "step_costs",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class CostSurface:
    """A checked surface, ready for any number of least-cost fields.

    Attributes
    ----------
    cell : array, shape (rows, cols)
        Resistance [dimensionless], float32 or float64; NaN or inf = no passage.
    lengths : array, shape (8,)
        Step length of each edge direction [m].
    neighbours : {4, 8, 16}
    barriers : EdgeBarriers or None
        Crossing costs of single edges [m of open ground]; inf = no passage.
    steps : array, shape (2 n, rows, cols), or None
        Directed step costs, see :func:`step_costs`; ``n`` is the number of edge directions.
    like : xarray.DataArray or None
        Dimensions and coordinates of the results; None = plain arrays.
    grid : Grid or None
        Where the cells are, when the surface came from a `Landscape`.
    over : bool
        Whether knight's moves (16 neighbours) see their two ends only, see :func:`cost_surface`.

    Examples
    --------
    >>> from permeability.engines.leastcost.distance import cost_distance, cost_surface
    >>> surface = cost_surface([[1.0, 2.0, 2.0]], cell_size=10)
    >>> cost_distance(surface, [(0, 0)]).tolist()  # 10 m at a mean of 1.5, 10 m at 2
    [[0.0, 15.0, 35.0]]
    """

    cell: NDArray[Any]
    lengths: Floats
    neighbours: int
    barriers: EdgeBarriers | None = None
    steps: Floats | None = None
    like: xr.DataArray | None = None
    grid: Any = None
    over: bool = False
    _cuts: dict[tuple[int, int], TileCuts] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return (self.cell.shape[0], self.cell.shape[1])

    @property
    def cell_area(self) -> float:
        """Area of a cell [m2]."""
        return float(self.lengths[0] * self.lengths[1])

    def passable(self) -> NDArray[np.bool_]:
        """Cells that can be entered, shape (rows, cols)."""
        return np.asarray(np.isfinite(self.cell))

    def cuts(self, tile: int, halo: int) -> TileCuts:
        """Barriers sorted by tile, computed once."""
        if (tile, halo) not in self._cuts:
            self._cuts[tile, halo] = tile_cuts(self.barriers, self.shape, self.neighbours, tile, halo)
        return self._cuts[tile, halo]

    @cached_property
    def edges(self) -> EdgeModel:
        """What the kernels need to evaluate single edges."""
        b = self.barriers if self.barriers is not None else EdgeBarriers.empty()
        steps = frozen(np.zeros((0, 1, 1))) if self.steps is None else self.steps
        starts = row_starts(self.barriers, self.shape)
        n = N_DIRECTIONS[self.neighbours]
        return EdgeModel(
            self.cell, n, self.lengths * 0.5, steps, b.cell, b.direction, b.cost, starts, self.over
        )

    def wrap(self, values: NDArray[Any], name: str, units: str) -> Any:
        """The values as they came: a plain array, or a `DataArray` with the coordinates of the input."""
        if self.like is None:
            return values
        kept = {k: v for k, v in self.like.attrs.items() if k in ("grid_mapping", "species", "scenario")}
        return xr.DataArray(values, self.like.coords, self.like.dims, name, attrs={**kept, "units": units})

    def with_barriers(self, barriers: EdgeBarriers | None) -> CostSurface:
        """The same cells with other barriers."""
        return CostSurface(
            self.cell,
            self.lengths,
            self.neighbours,
            _check_barriers(barriers, self.shape),
            self.steps,
            self.like,
            self.grid,
            self.over,
        )


def cost_surface(
    resistance: Any,
    *,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    barriers: EdgeBarriers | None = None,
    step_costs: ArrayLike | None = None,
    knights_move: str = "through",
) -> CostSurface:
    """Check a resistance surface and make it ready for the least-cost engine.

    Parameters
    ----------
    resistance : array (rows, cols), xarray.DataArray, Landscape or CostSurface
        Resistance [dimensionless], > 0; NaN or inf = no passage.  A `Landscape` brings its cell size,
        neighbourhood and barriers; a `DataArray` its cell size from evenly spaced coordinates.
    cell_size : float or (height, width)
        Distance between neighbouring rows and columns [m].
    neighbours : {4, 8, 16}
    barriers : EdgeBarriers, optional
        Crossing costs of single edges [m of open ground].
    step_costs : array, shape (2 n, rows, cols), optional
        Replaces ``length x mean resistance`` by directed costs, see :func:`step_costs`.
    knights_move : {"through", "over"}
        What the moves that 16 neighbours add see.  ``through``: the four cells that the move runs through, a quarter of
        its length in each (as r.cost -k of GRASS GIS); a cell without passage among them closes it.  ``over``: its two
        ends only, as gdistance defines it (van Etten 2017, doi:10.18637/jss.v076.i13); it jumps rivers and walls of one cell.

    Returns
    -------
    CostSurface
        Checked once, for any number of fields.

    Raises
    ------
    ResistanceError
        R11 zero or negative cells; R12 no cell can be entered; R13 not a (rows, cols) array.
    OptionError
        O01 unknown neighbourhood; D07 an option that contradicts the landscape.
    BarrierError
        D05 barriers that are not edges of this grid, or costs that are negative or NaN.

    Examples
    --------
    >>> surface = cost_surface([[1.0, 2.0], [float("nan"), 1.0]], cell_size=100)
    >>> surface.shape, surface.neighbours
    ((2, 2), 8)
    """
    if isinstance(resistance, CostSurface):
        return resistance
    check_choice("neighbours", neighbours, tuple(N_DIRECTIONS))
    check_choice("knights_move", knights_move, KNIGHTS_MOVES)
    over = knights_move == "over"
    like, grid = None, None
    if isinstance(resistance, PlacedGraph):
        grid = resistance.grid
        cell_size, neighbours = _of_landscape(resistance, cell_size, neighbours, barriers)
        barriers = resistance.edge_barriers()
        like = _empty_map(resistance)
        values = resistance.resistance
    elif isinstance(resistance, xr.DataArray):
        require_metres_between(resistance, name="resistance")
        like = (
            resistance.squeeze("band", drop=True)
            if "band" in resistance.dims and resistance.sizes["band"] == 1
            else resistance
        )
        values = plain_values(resistance, name="resistance")
        cell_size = _spacing(like, cell_size)
    else:
        values = plain_values(resistance, name="resistance")
    cell = _check_cells(values)
    lengths = step_lengths(cell_size)
    steps = None if step_costs is None else _check_steps(step_costs, cell.shape, N_DIRECTIONS[neighbours])
    return CostSurface(
        cell, lengths, neighbours, _check_barriers(barriers, cell.shape), steps, like, grid, over
    )


def source_cells(surface: CostSurface, sources: Any, *, layer: str = "sources") -> Cells:
    """Flat indices of source (or target) cells, in the order given.

    Parameters
    ----------
    surface : CostSurface
    sources : boolean array (rows, cols), sequence of (row, col), or points in map units
        Points (a GeoDataFrame or GeoSeries of points, a shapely point, pairs of floats x, y) need a surface with
        coordinates.
    layer : str
        Name for messages.

    Raises
    ------
    PatchError
        D01 outside the grid, D02 on cells without passage, D03 none at all, D04 not understood.
    OptionError
        A04 points for a surface without a place, in another coordinate system, or geometries that are no points.
    """
    given = plain_values(_cells_given(surface, sources, layer), name="set of places")
    rows, cols = surface.shape
    if given.dtype == bool and given.shape == surface.shape:
        flat = np.flatnonzero(given)
    elif given.size == 0:
        flat = np.zeros(0, np.int64)
    elif given.ndim <= 2 and given.size % 2 == 0 and given.shape[-1] == 2 and given.dtype.kind in "iu":
        row, col = given.reshape(-1, 2).astype(np.int64).T
        outside = (row < 0) | (row >= rows) | (col < 0) | (col >= cols)
        if outside.any():
            raise PatchError(
                "D01",
                f"{int(outside.sum()):,} of the cells lie outside the grid of {rows} x {cols}.",
                layer=layer,
                rows=[(int(row[i]), int(col[i])) for i in np.flatnonzero(outside)],
                remedy="give zero-based (row, col) on the grid",
            )
        flat = row * cols + col
    else:
        raise PatchError(
            "D04",
            f"an array of shape {given.shape} and type {given.dtype} is not a set of cells.",
            layer=layer,
            remedy=f"give a boolean array of shape {surface.shape} or a list of (row, col)",
        )
    if not len(flat):
        raise PatchError("D03", "there is not a single cell.", layer=layer, remedy="mark at least one cell")
    blocked = ~np.isfinite(surface.cell.reshape(-1)[flat])
    if blocked.any():
        at = flat[blocked]
        raise PatchError(
            "D02",
            f"{int(blocked.sum()):,} of {len(flat):,} cells lie on NaN or inf: there is no passage.",
            layer=layer,
            rows=[(int(i // cols), int(i % cols)) for i in at[:20]],
            remedy="move them to valid cells or leave them out",
        )
    return flat.astype(np.int64)


def _cells_given(surface: CostSurface, sources: Any, layer: str) -> Any:
    """Places in map units as (row, col), patches as their cells; anything else as it is."""
    if isinstance(sources, xr.DataArray):
        return on_same_cells(sources, surface.like, name=layer)
    found = rows_and_cols(surface.like, sources, layer)
    return found > 0 if hasattr(sources, "labels") and hasattr(sources, "ids") else found


def enclosed_sources(surface: CostSurface, sources: Any, *, layer: str = "sources") -> list[Finding]:
    """Findings (D06, warning) for sources inside walls: cells that no edge leaves.

    Parameters
    ----------
    surface : CostSurface
    sources : boolean array (rows, cols) or sequence of (row, col)
    layer : str

    Returns
    -------
    list of Finding
        One warning per source that cannot be left.

    Examples
    --------
    >>> surface = cost_surface([[1.0, float("inf"), 1.0]])
    >>> [finding.code for finding in enclosed_sources(surface, [(0, 0)])]
    ['D06']
    """
    flat = source_cells(surface, sources, layer=layer)
    exits = has_exit(surface.edges, flat)
    cols = surface.shape[1]
    closed = [(int(i // cols), int(i % cols)) for i, free in zip(flat, exits) if not free]
    if not closed:
        return []
    return [
        Finding(
            "D06",
            f"{len(closed):,} of {len(flat):,} cells are walled in: no edge leaves them.",
            "check nodata and barriers round them",
            layer,
            tuple(closed),
            severity="warning",
        )
    ]


def _empty_map(landscape: PlacedGraph) -> xr.DataArray:
    """A map with the coordinates and the CRS of a landscape."""
    nothing = np.broadcast_to(np.zeros(1, np.bool_), landscape.grid.shape)  # no memory
    like: xr.DataArray = landscape.to_xarray(nothing, "like")
    return like


def _of_landscape(
    landscape: PlacedGraph, cell_size: Any, neighbours: int, barriers: EdgeBarriers | None
) -> tuple[float, int]:
    """Cell size and neighbourhood of a landscape; options that say something else are refused."""
    own_size, own_neighbours = float(landscape.grid.cell_size), int(landscape.neighbours)
    clashes = {
        "cell_size": cell_size not in (1.0, own_size),
        "neighbours": neighbours not in (8, own_neighbours),
        "barriers": barriers is not None,
    }
    if any(clashes.values()):
        raise OptionError(
            "D07",
            f"a Landscape brings its own {', '.join(k for k, bad in clashes.items() if bad)}.",
            remedy="leave the option out, or pass landscape.resistance as an array",
        )
    return own_size, own_neighbours


def _spacing(values: xr.DataArray, cell_size: Any) -> Any:
    """(height, width) from evenly spaced coordinates, else ``cell_size``; one row or column has no step across it, so its own spacing serves for both."""
    if values.ndim != 2 or not all(d in values.coords for d in values.dims) or values.size < 2:
        return cell_size
    spacing = []
    for d in values.dims:
        if values.sizes[d] < 2:
            continue
        steps = np.diff(np.asarray(values.coords[d].values, np.float64))
        if np.ptp(steps) > 1e-6 * abs(steps[0]):
            raise OptionError(
                "D07", f"the coordinate {d!r} is not evenly spaced.", remedy="resample to a regular grid"
            )
        spacing.append(abs(float(np.mean(steps))))
    high, wide = spacing[0], spacing[-1]
    own = (high, high) if abs(high - wide) <= 1e-9 * high else (high, wide)
    if cell_size != 1.0 and not np.allclose(cell_size, own, rtol=1e-9):
        raise OptionError(
            "D07",
            f"cell_size = {cell_size!r}, but the coordinates are {own} apart.",
            remedy="leave cell_size out",
        )
    return own


def _check_cells(values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        raise ResistanceError(
            "R13",
            f"a resistance of shape {values.shape} and type {values.dtype} is no surface.",
            remedy="give numbers in (rows, cols)",
        )
    cell = np.ascontiguousarray(
        values, values.dtype if values.dtype in (np.float32, np.float64) else np.float64
    )
    low, valid = count_cells(frozen(cell))
    if low:
        raise ResistanceError(
            "R11",
            f"{low:,} of {cell.size:,} cells have a resistance of zero or less.",
            remedy="give resistances above 0; NaN or inf where there is no passage",
        )
    if not valid:
        raise ResistanceError(
            "R12", "no cell can be entered.", remedy="check nodata and units of the resistance"
        )
    return frozen(cell)


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: the kernels are compiled once for read-only inputs, whatever the caller holds."""
    view = values.view()
    view.setflags(write=False)
    return view


def _check_steps(steps: ArrayLike, shape: tuple[int, ...], n: int) -> Floats:
    planes = np.ascontiguousarray(steps, np.float64)
    if planes.shape != (2 * n, *shape):
        raise OptionError(
            "D08",
            f"step costs of shape {planes.shape} do not fit ({2 * n}, {shape[0]}, {shape[1]}).",
            remedy="build them with step_costs(..., neighbours=...)",
        )
    if (planes < 0).any():
        raise OptionError(
            "D08", f"{int((planes < 0).sum()):,} step costs are negative.", remedy="give costs of 0 or more"
        )
    return frozen(planes)


def _check_barriers(barriers: EdgeBarriers | None, shape: Sequence[int]) -> EdgeBarriers | None:
    """Refuse barriers that are not edges of the grid; sort them by cell and direction."""
    if barriers is None or not len(barriers.cell):
        return None
    rows, cols = shape
    cell, k = np.asarray(barriers.cell, np.int64), np.asarray(barriers.direction, np.uint8)
    cost = np.asarray(barriers.cost, np.float64)
    known = (cell >= 0) & (cell < rows * cols) & (k < len(D_ROW))
    kk = np.where(known, k, 0)
    r, c = cell // cols + D_ROW[kk], cell % cols + D_COL[kk]
    bad = ~known | (r >= rows) | (c < 0) | (c >= cols) | ~(cost >= 0)
    name = cell * len(D_ROW) + k
    order = np.argsort(name, kind="stable")
    if bad.any() or (np.diff(name[order]) == 0).any():
        raise BarrierError(
            "D05",
            f"{int(bad.sum()):,} of {len(cell):,} barrier edges are not on the grid or have no cost >= 0"
            f" (or an edge is listed twice).",
            rows=[int(i) for i in np.flatnonzero(bad)[:20]],
            remedy="build the barriers for this grid",
        )
    return EdgeBarriers(cell[order], k[order], cost[order], np.asarray(barriers.resistance)[order])
