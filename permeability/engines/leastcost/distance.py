"""Least-cost distance, allocation and paths on cells with barriers on the edges between them.

An edge costs ``length [m] x (R_a + R_b) / 2`` plus the crossing costs of the barriers it cuts, so distances
are metres of open ground.  Fields are exact to the last bit: the same as Dijkstra's algorithm on the explicit
graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError, PatchError
from permeability.core.tasks import in_threads
from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.kernels.shortest import relax_grid
from permeability.engines.kernels.trace import allocate, cut_off, trace
from permeability.engines.leastcost.surface import (
    Cells,
    CostSurface,
    Floats,
    cost_surface,
    enclosed_sources,
    frozen,
    slope_costs,
    source_cells,
    step_costs,
)

__all__ = [
    "CostSurface",
    "cost_allocation",
    "cost_distance",
    "cost_distances",
    "cost_matrix",
    "cost_surface",
    "enclosed_sources",
    "slope_costs",
    "step_costs",
    "trace_path",
]

LARGE_GRID = 10_000_000  # cells; above, tiles of 64 need fewer visits (benchmarks/leastcost.py)


def cost_distance(
    resistance: Any,
    sources: Any,
    *,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    limit: float | None = None,
    barriers: EdgeBarriers | None = None,
    targets: Any = None,
    initial: ArrayLike | None = None,
    step_costs: ArrayLike | None = None,
    reverse: bool = False,
) -> Any:
    """Least-cost distance of every cell from the nearest source.

    Parameters
    ----------
    resistance : array (rows, cols), xarray.DataArray, Landscape or CostSurface
        Resistance [dimensionless], > 0; NaN or inf = no passage.
    sources : boolean array (rows, cols) or sequence of (row, col)
        Where distance starts.
    cell_size : float or (height, width)
        [m]; a `Landscape` or `DataArray` brings its own.
    neighbours : {4, 8, 16}
    limit : float, optional
        Largest distance wanted [m of open ground]; cells beyond it are inf, cells exactly on it are kept.
    barriers : EdgeBarriers, optional
        Crossing costs of single edges [m of open ground]; inf removes an edge.  A `Landscape` brings its own.
    targets : boolean array or sequence of (row, col), optional
        Stop as soon as all of them are final; cells farther than the farthest target are inf.
    initial : array, optional
        Starting value of each source, in the order of ``sources`` (row-major for a boolean array) [m];
        0 if not given.
    step_costs : array (2 n, rows, cols), optional
        Directed step costs, see :func:`permeability.engines.leastcost.surface.step_costs`.
    reverse : bool
        Distance from every cell *to* the nearest source; differs only with directed step costs.

    Returns
    -------
    array or DataArray of float64, shape (rows, cols)
        Distance [m of open ground]; inf where unreachable.  A `DataArray` for a `Landscape` or `DataArray`.

    Raises
    ------
    ResistanceError, PatchError, BarrierError, OptionError
        See :func:`permeability.engines.leastcost.surface.cost_surface` and :func:`permeability.engines.leastcost.surface.source_cells`.

    Notes
    -----
    Prioritised tile relaxation, label correcting, exact in floating point; one thread, which releases the
    interpreter's lock.
    Edge costs as in Adriaensen et al. 2003, doi:10.1016/S0169-2046(02)00242-6.

    Examples
    --------
    >>> cost_distance([[1.0, 1.0, 4.0]], [(0, 0)], cell_size=100)
    array([[  0., 100., 350.]])
    """
    surface = cost_surface(
        resistance, cell_size=cell_size, neighbours=neighbours, barriers=barriers, step_costs=step_costs
    )
    dist, _ = _field(surface, sources, initial, limit, targets, reverse)
    return surface.wrap(dist, "cost_distance", "m of open ground")


def cost_distances(
    resistance: Any,
    source_sets: Iterable[Any],
    *,
    workers: int = 1,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    limit: float | None = None,
    barriers: EdgeBarriers | None = None,
    step_costs: ArrayLike | None = None,
    reverse: bool = False,
) -> list[Any]:
    """One field for each set of sources, in parallel threads; options as :func:`cost_distance`.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
        As :func:`cost_distance`.
    source_sets : iterable of boolean arrays or sequences of (row, col)
    workers : int
        Threads; memory is one float64 grid for each set.
    cell_size, neighbours, limit, barriers, step_costs, reverse
        As :func:`cost_distance`.

    Returns
    -------
    list of object
        One field per set, in their order, shape (rows, cols) [m of open ground].

    Examples
    --------
    >>> a, b = cost_distances([[1.0, 1.0, 1.0]], [[(0, 0)], [(0, 2)]], workers=2)
    >>> (a + b).tolist()
    [[2.0, 2.0, 2.0]]
    """
    surface = cost_surface(
        resistance, cell_size=cell_size, neighbours=neighbours, barriers=barriers, step_costs=step_costs
    )
    surface.cuts(*_tiling(surface))  # sorted once, before the threads start

    def one(sources: Any) -> Any:
        dist, _ = _field(surface, sources, None, limit, None, reverse)
        return surface.wrap(dist, "cost_distance", "m of open ground")

    return in_threads(one, list(source_sets), workers)


def cost_allocation(
    resistance: Any,
    sources: Any,
    *,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    limit: float | None = None,
    barriers: EdgeBarriers | None = None,
    initial: ArrayLike | None = None,
    step_costs: ArrayLike | None = None,
) -> tuple[Any, Any]:
    """Distance to the nearest source, and which source that is.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
        As :func:`cost_distance`.
    sources : integer array (rows, cols), boolean array or sequence of (row, col)
        An integer array of the shape of the grid holds a label > 0 on source cells, 0 elsewhere; otherwise
        sources are numbered from 1 in the order given (row-major for a boolean array).
    cell_size, neighbours, limit, barriers, initial, step_costs
        As :func:`cost_distance`; ``initial`` not with an integer array.

    Returns
    -------
    distance : array or DataArray of float64, shape (rows, cols)
        [m of open ground]
    label : array or DataArray of int32, shape (rows, cols)
        Label of the nearest source; 0 where none can be reached.  Ties go to the nearer predecessor, then to
        the first edge direction: the same on every run.

    Raises
    ------
    OptionError
        D07 for initial values without a list of sources.
    ResistanceError, PatchError
        See :func:`permeability.engines.leastcost.surface.cost_surface` and :func:`permeability.engines.leastcost.surface.source_cells`.

    Examples
    --------
    >>> distance, label = cost_allocation([[1.0, 1.0, 1.0, 1.0]], [(0, 0), (0, 3)])
    >>> label.tolist()
    [[1, 1, 2, 2]]
    """
    surface = cost_surface(
        resistance, cell_size=cell_size, neighbours=neighbours, barriers=barriers, step_costs=step_costs
    )
    given = np.asarray(sources)
    label = np.zeros(surface.shape, np.int32)
    if given.shape == surface.shape and given.dtype.kind in "iu":
        if initial is not None:
            raise OptionError(
                "D07", "initial values need a list of sources.", remedy="give sources as (row, col)"
            )
        cells = source_cells(surface, given > 0)
        label.flat[cells] = given.reshape(-1)[cells]
        start = given > 0
    else:
        start = sources
        cells = source_cells(surface, sources)
    dist, cells = _field(surface, start, initial, limit, None, False)
    if given.shape != surface.shape or given.dtype.kind not in "iu":
        values = _initial(initial, len(cells))
        rank = np.lexsort(
            (-np.arange(len(cells)), -values)
        )  # the smallest value, then the first, is written last
        label.flat[cells[rank]] = rank + 1
        overtaken = cells[values > dist.flat[cells]]  # another source reaches it cheaper than it starts
        label.flat[overtaken] = 0
    allocate(dist, label, surface.edges)
    return (
        surface.wrap(dist, "cost_distance", "m of open ground"),
        surface.wrap(label, "cost_allocation", "label"),
    )


def cost_matrix(
    resistance: Any,
    source_sets: Sequence[Any],
    *,
    workers: int = 1,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    limit: float | None = None,
    barriers: EdgeBarriers | None = None,
    step_costs: ArrayLike | None = None,
) -> Floats:
    """Least cost from every set of cells to every other, each run stopped at its farthest set.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
        As :func:`cost_distance`.
    source_sets : sequence of boolean arrays or sequences of (row, col)
        Patches or points; the cost of a pair is the smallest over all their cells.
    workers : int
        Threads.
    cell_size, neighbours, limit, barriers, step_costs
        As :func:`cost_distance`.

    Returns
    -------
    array of float64, shape (k, k)
        Row = from, column = to [m of open ground]; inf where not reached.

    Examples
    --------
    >>> cost_matrix([[1.0, 1.0, 3.0]], [[(0, 0)], [(0, 1)], [(0, 2)]])
    array([[0., 1., 3.],
           [1., 0., 2.],
           [3., 2., 0.]])
    """
    surface = cost_surface(
        resistance, cell_size=cell_size, neighbours=neighbours, barriers=barriers, step_costs=step_costs
    )
    cells = [source_cells(surface, s, layer=f"set {i}") for i, s in enumerate(source_sets)]
    surface.cuts(*_tiling(surface))
    joined = np.concatenate(cells)
    first = np.cumsum([0, *(len(c) for c in cells[:-1])])
    everywhere = np.unique(joined)

    def one(own: Cells) -> Floats:
        dist, _ = _run(surface, own, np.zeros(len(own)), limit, everywhere, False)
        return np.asarray(np.minimum.reduceat(dist.reshape(-1)[joined], first))

    return np.array(in_threads(one, cells, workers))


@dataclass(frozen=True)
class CellPath:
    """One least-cost path as cells.

    Attributes
    ----------
    cells : array, shape (k, 2)
        (row, col) from the source to the target.
    cost : float
        [m of open ground], the value of the field at the target.
    length : float
        Sum of the step lengths [m].
    edges : list of (cell, direction)
        Every edge used, by the names of `permeability.engines.kernels.edges`, in order.
    """

    cells: NDArray[np.int64]
    cost: float
    length: float
    edges: list[tuple[int, int]]


def trace_path(
    resistance: Any,
    distance: Any,
    sources: Any,
    target: tuple[int, int],
    *,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    barriers: EdgeBarriers | None = None,
    step_costs: ArrayLike | None = None,
) -> CellPath:
    """One least-cost path, read off a finished field.

    Parameters
    ----------
    resistance, cell_size, neighbours, barriers, step_costs
        As given to :func:`cost_distance`.
    distance : array or DataArray, shape (rows, cols)
        What :func:`cost_distance` returned for ``sources``.
    sources : boolean array or sequence of (row, col)
    target : (row, col)

    Returns
    -------
    CellPath
        Of several paths of equal cost always the same one.

    Raises
    ------
    PatchError
        D09 when the field does not reach the target.

    Examples
    --------
    >>> ground = [[1.0, 9.0, 1.0], [1.0, 1.0, 1.0]]
    >>> field = cost_distance(ground, [(0, 0)])
    >>> trace_path(ground, field, [(0, 0)], (0, 2)).cells.tolist()
    [[0, 0], [1, 1], [0, 2]]
    """
    surface = cost_surface(
        resistance, cell_size=cell_size, neighbours=neighbours, barriers=barriers, step_costs=step_costs
    )
    starts = source_cells(surface, sources)
    end = source_cells(surface, [target], layer="target")
    return trace_cells(surface, np.asarray(distance, np.float64), np.unique(starts), int(end[0]))


def trace_cells(surface: CostSurface, dist: Floats, starts: Cells, target: int) -> CellPath:
    """Trace from a flat target back to sorted flat sources.

    Parameters
    ----------
    surface : CostSurface
    dist : array
    starts : Cells
    target : int

    Returns
    -------
    CellPath
    """
    cols = surface.shape[1]
    cost = float(dist.reshape(-1)[target])
    if not np.isfinite(cost):
        raise PatchError(
            "D09",
            f"cell ({target // cols}, {target % cols}) cannot be reached.",
            remedy="check barriers, nodata and the limit of the field",
        )
    found = trace(dist, starts, surface.edges, np.int64(target))
    flat = np.array(found, np.int64)[::-1]
    cells = np.column_stack(np.divmod(flat, cols))
    return CellPath(cells, cost, *edges_along(surface, cells))


def edges_along(surface: CostSurface, cells: NDArray[np.int64]) -> tuple[float, list[tuple[int, int]]]:
    """Length of a chain of cells and the names of its edges.

    Parameters
    ----------
    surface : CostSurface
    cells : NDArray[np.int64]

    Returns
    -------
    tuple[float, list[tuple[int, int]]]
    """
    number = {(int(r), int(c)): k for k, (r, c) in enumerate(zip(D_ROW, D_COL))}
    cols, length, edges = surface.shape[1], 0.0, []
    for (r, c), (r2, c2) in zip(cells[:-1].tolist(), cells[1:].tolist()):
        k = number.get((r2 - r, c2 - c))
        if k is None:
            k = number[r - r2, c - c2]
            r, c = r2, c2
        edges.append((r * cols + c, k))
        length += float(surface.lengths[k])
    return length, edges


def _tiling(surface: CostSurface) -> tuple[int, int]:
    """Tile size and ring of the kernel that serves a surface."""
    if surface.steps is not None or surface.neighbours == 16:
        return 32, 2
    return (64 if surface.cell.size > LARGE_GRID else 32), 1


def _initial(initial: ArrayLike | None, n: int) -> Floats:
    if initial is None:
        return np.zeros(n)
    values = np.asarray(initial, np.float64).reshape(-1)
    if len(values) != n or not (np.isfinite(values) & (values >= 0)).all():
        raise PatchError(
            "D10",
            f"{len(values):,} starting values for {n:,} sources, or values that are negative or not finite.",
            layer="initial",
            remedy="give one value >= 0 for each source",
        )
    return values


def _field(
    surface: CostSurface,
    sources: Any,
    initial: ArrayLike | None,
    limit: float | None,
    targets: Any,
    reverse: bool,
) -> tuple[Floats, Cells]:
    """One field, and the flat source cells."""
    cells = source_cells(surface, sources)
    goals = np.zeros(0, np.int64) if targets is None else source_cells(surface, targets, layer="targets")
    if limit is not None and not limit >= 0:
        raise OptionError("D07", f"limit = {limit!r} is not a distance.", remedy="give 0 or more, or None")
    return _run(surface, cells, _initial(initial, len(cells)), limit, goals, reverse)


def _run(
    surface: CostSurface, cells: Cells, initial: Floats, limit: float | None, goals: Cells, reverse: bool
) -> tuple[Floats, Cells]:
    dist = np.full(surface.shape, np.inf)
    np.minimum.at(dist.reshape(-1), cells, initial)
    relax(surface, dist, cells, limit=limit, goals=goals, reverse=reverse)
    return dist, cells


def relax(
    surface: CostSurface,
    dist: Floats,
    cells: Cells,
    *,
    limit: float | None = None,
    goals: Cells | None = None,
    reverse: bool = False,
) -> None:
    """Lower a field in place to its fixed point, starting from ``cells`` (flat) that have just fallen.

    For engines that restart a field after costs went down; values above ``limit``, or above the farthest of
    ``goals``, become inf.

    Parameters
    ----------
    surface : CostSurface
    dist : array
    cells : Cells
    limit : float, optional
    goals : Cells, optional
    reverse : bool
    """
    tile, halo = _tiling(surface)
    cuts = surface.cuts(tile, halo)
    goals = np.zeros(0, np.int64) if goals is None else goals
    most = np.inf if limit is None else float(limit)
    if halo == 1:
        high, wide, diagonal = surface.lengths[1] * 0.5, surface.lengths[0] * 0.5, surface.lengths[2] * 0.5
        diagonal = diagonal if surface.neighbours == 8 else np.inf
        stop, _ = relax_grid(surface.cell, dist, cells, tile, high, wide, diagonal, *cuts, goals, most)
    else:
        from permeability.engines.kernels.shortest_general import relax_general

        n = N_DIRECTIONS[surface.neighbours]
        steps = surface.edges.steps
        if reverse and surface.steps is not None:
            steps = frozen(np.concatenate([steps[n:], steps[:n]]))
        half = surface.lengths * 0.5
        stop, _ = relax_general(
            surface.cell, dist, cells, tile, n, half, steps, surface.over, *cuts, goals, most
        )
    if stop < np.inf:
        cut_off(dist, stop)
