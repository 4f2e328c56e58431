"""Wall-to-wall flow: current from one side of a landscape to another, averaged over directions.

The landscape is framed by a buffer, one side of the frame is held at potential 1, another at 0, and the
current is scaled to 1 A; the buffer is cut off afterwards.  Averaged over directions, the map does not
depend on any choice of places (Pelletier et al. 2014, doi:10.1371/journal.pone.0084135; buffer: Koen et al.
2010, doi:10.1371/journal.pone.0011785).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError, PatchError, check_choice
from permeability.core.progress import long_job
from permeability.core.tasks import run_tasks
from permeability.engines.circuit.possible import require_currents, require_resistances
from permeability.engines.graph import parts
from permeability.engines.kernels.edges import EdgeBarriers, GridLinks, grid_links
from permeability.engines.omnidirectional.inputs import cell_resistance
from permeability.engines.places import like_of, placed

__all__ = ["BOUNDARY_WORDS", "WallToWall", "wall_to_wall"]

Floats = NDArray[np.float64]

SIDES = ("west", "east", "north", "south")
OPPOSITE = {"west": "east", "east": "west", "north": "south", "south": "north"}
BOUNDARIES = ("closed", "open", "absorbing")
BOUNDARY_WORDS = {
    "closed": "nothing leaves over the two other sides: they mirror the flow",
    "open": "the two other sides follow the even potential of an endless landscape: flow enters and leaves",
    "absorbing": "the two other sides are grounded too: what reaches them does not come back",
}


@dataclass(frozen=True)
class WallToWall(Face):
    """Flow through a whole landscape.

    Attributes
    ----------
    current : array or DataArray, shape (rows, cols)
        Mean over the directions of the current of 1 A from wall to wall [A]; NaN outside the landscape.
    by_direction : dict
        Source side -> its map [A].
    resistance : dict
        Source side -> resistance from wall to wall, buffer included [dimensionless]; inf: no way through.
    boundary, boundary_text : str
        What happens at the sides that are no wall.
    buffer : int
        Width of the frame [cells].
    buffer_resistance : float

    Examples
    --------
    >>> flow = wall_to_wall(np.ones((6, 6)), sides=("west",), neighbours=4)
    >>> flow.current.sum(axis=0).round(6).tolist()  # all of it passes every column
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    _face: ClassVar[str] = "wall_to_wall"

    current: Floats = field(repr=False)
    by_direction: Mapping[str, Floats] = field(repr=False)
    resistance: Mapping[str, float]
    boundary: str
    boundary_text: str
    buffer: int
    buffer_resistance: float


@dataclass(frozen=True)
class _Crossing:
    """One direction on the framed landscape."""

    resistance: Floats
    barriers: EdgeBarriers
    neighbours: int
    average: str
    side: str
    boundary: str
    solver: str
    rtol: float


@long_job("directions", "tasks")
def wall_to_wall(
    landscape: Any,
    *,
    sides: str | tuple[str, ...] = "all",
    boundary: str = "closed",
    buffer: int = 0,
    buffer_resistance: float | str = "median",
    neighbours: int | None = None,
    average: str = "resistance",
    barriers: EdgeBarriers | None = None,
    solver: str = "auto",
    rtol: float = 1e-8,
    workers: int = 1,
    scheduler: Any = None,
    store: Any = None,
    progress: Any = None,
) -> WallToWall:
    """Current between the sides of a landscape, averaged over directions.

    Parameters
    ----------
    landscape : array, shape (rows, cols), DataArray or Landscape
        Resistance [dimensionless, > 0], NaN = outside; barriers of a landscape count on edges.  Maps of a DataArray or
        a Landscape come back as DataArrays; their sides are those of the map, whatever the order of rows.
    sides : {"all"} or tuple of {"west", "east", "north", "south"}
        Sides from which the current starts; each goes to the opposite one.
    boundary : {"closed", "open", "absorbing"}
        The two sides along the way.  ``closed``: nothing leaves over them.  ``open``: they are held at the
        even potential between the walls, as in an endless landscape.  ``absorbing``: they are grounded as
        the far wall is, so that the current goes from one side to all others.
    buffer : int
        Cells added around the landscape, so that the walls do not print through; cut off afterwards.
    buffer_resistance : "median" or float
        Resistance of the frame: the median of the landscape, or a value.
    neighbours : {8, 4}, optional
        Default 8, or that of the landscape (16 counts as 8).
    average : {"resistance", "conductance"}
    barriers : EdgeBarriers, optional
        Of an array.
    solver, rtol
        See :func:`permeability.engines.circuit.solve_grid`.
    workers, scheduler, store, progress
        See :func:`permeability.core.tasks.run_tasks`; one task per direction.

    Returns
    -------
    WallToWall

    Raises
    ------
    OptionError
        O01, W10, W16 for options that mean nothing.
    PatchError
        W17 when a wall has no cell.
    ResistanceError
        R01 to R03 for resistances that cannot be used.

    Examples
    --------
    >>> flow = wall_to_wall(np.ones((10, 10)), sides=("west",))
    >>> round(flow.resistance["west"], 6), round(float(flow.current[:, 5].sum()), 6)
    (0.395989, 1.0)
    """
    check_choice("boundary", boundary, BOUNDARIES)
    check_choice("average", average, ("resistance", "conductance"))
    chosen = SIDES if sides == "all" else tuple(sides) if not isinstance(sides, str) else (sides,)
    for side in chosen:
        check_choice("sides", side, SIDES)
    if buffer < 0 or int(buffer) != buffer:
        raise OptionError("W10", f"buffer = {buffer!r} is not a number of cells.", remedy="0 or more")
    values, edges, joined = parts(landscape, barriers, neighbours)
    check_choice("neighbours", joined, (8, 4))
    grid = cell_resistance(values)
    around = _buffer_resistance(grid, buffer_resistance)
    framed = np.pad(grid, buffer, constant_values=around)
    moved = _shift(edges, grid.shape[1], buffer)
    if min(framed.shape) < 3:
        raise OptionError("W16", f"a landscape of {framed.shape} cells has no inside.", remedy="add a buffer")
    like = like_of(landscape)
    turned = _sides_of_rows(like)
    tasks = [_Crossing(framed, moved, joined, average, turned[s], boundary, solver, rtol) for s in chosen]
    inside = np.s_[buffer : buffer + grid.shape[0], buffer : buffer + grid.shape[1]]
    maps, resistances = {}, {}
    for k, (current, resistance) in run_tasks(
        solve_crossing, tasks, workers=workers, scheduler=scheduler, store=store, label="wall_to_wall/1",
        progress=progress,
    ):  # fmt: skip
        require_resistances(resistance)
        require_currents(
            current, f"map of the current from the {chosen[k]}", most=1.0 if boundary == "closed" else None
        )
        maps[chosen[k]] = np.where(np.isfinite(grid), current[inside], np.nan)
        resistances[chosen[k]] = resistance
    mean = np.mean([maps[side] for side in chosen], axis=0)
    maps = {side: placed(values, like, "current", "A") for side, values in maps.items()}
    mean = placed(mean, like, "current", "A")
    return WallToWall(mean, maps, resistances, boundary, BOUNDARY_WORDS[boundary], int(buffer), around)


def _sides_of_rows(like: Any) -> dict[str, str]:
    """Side of the map -> side of the array where rows run from north and columns from west."""
    if like is None or like.ndim != 2:
        return {side: side for side in SIDES}
    found = {}
    for d, first, last in zip(like.dims, ("north", "west"), ("south", "east")):
        across = str(d).lower() in ("x", "easting")
        at = np.asarray(like.coords[d].values, float) if d in like.coords else np.zeros(1)
        rising = bool(at[-1] > at[0]) if len(at) > 1 else across
        low, high = ("west", "east") if across else ("south", "north")
        found[low if rising else high], found[high if rising else low] = first, last
    return found if set(found) == set(SIDES) else {side: side for side in SIDES}


def _buffer_resistance(grid: Floats, wanted: float | str) -> float:
    if isinstance(wanted, str):
        check_choice("buffer_resistance", wanted, ("median",))
        return float(np.nanmedian(grid))
    if not (np.isfinite(wanted) and wanted > 0):
        raise OptionError(
            "W16", f"buffer_resistance = {wanted!r} is no resistance.", remedy="a number above 0"
        )
    return float(wanted)


def _shift(barriers: EdgeBarriers, cols: int, buffer: int) -> EdgeBarriers:
    """Barriers with cells named on the framed grid."""
    row, col = np.divmod(barriers.cell, cols)
    return barriers._replace(cell=(row + buffer) * (cols + 2 * buffer) + col + buffer)


def solve_crossing(crossing: _Crossing) -> tuple[Floats, float]:
    """Current map of 1 A in one direction on the framed landscape, and the resistance from wall to wall."""
    from permeability.engines.circuit.solvers.registry import solve_grid
    from permeability.engines.kernels.current import apply_laplacian, through_flow
    from permeability.engines.kernels.multigrid_components import component_roots

    links = grid_links(
        crossing.resistance,
        neighbours=crossing.neighbours,
        average=crossing.average,
        barriers=crossing.barriers,
    )
    held = held_potentials(np.isfinite(crossing.resistance), crossing.side, crossing.boundary)
    fixed = ~np.isnan(held)
    parts = component_roots(*links, np.zeros((0, 0), dtype=np.int32))
    if not np.isin(parts[held == 1.0], parts[fixed & (held < 1.0)]).any():
        return np.zeros_like(held), np.inf
    potential = np.where(fixed, held, 0.0)
    none = np.zeros((0, 0))
    # Held cells leave the system: what they push into their neighbours is a source, their links are leaks.
    push, leak = np.zeros_like(potential), np.zeros_like(potential)
    apply_laplacian(*links, none, potential, push)
    apply_laplacian(*links, none, fixed.astype(float), leak)
    source, leak = np.where(fixed, 0.0, -push), np.where(fixed, 0.0, -leak)
    inner = _without(links, fixed)
    voltage = solve_grid(inner, source, leak=leak, solver=crossing.solver, rtol=crossing.rtol).voltage
    potential = np.where(fixed, held, voltage)
    total, net = np.zeros_like(potential), np.zeros_like(potential)
    through_flow(*links, none, potential, total, net)
    flow = float(net[_wall(fixed.shape, crossing.side)].sum())
    return (total + np.abs(net)) / (2.0 * flow), 1.0 / flow


def held_potentials(valid: NDArray[np.bool_], side: str, boundary: str) -> Floats:
    """Potentials of the cells of the frame that are held, NaN = free; see :data:`BOUNDARY_WORDS`.

    Raises
    ------
    PatchError
        W17 when the wall of the source or of the ground has no cell.
    """
    rows, cols = valid.shape
    held = np.full(valid.shape, np.nan)
    edge = np.zeros(valid.shape, dtype=bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    if boundary == "open":
        ramp = np.linspace(1.0, 0.0, cols if side in ("west", "east") else rows)
        ramp = ramp if side in ("west", "north") else ramp[::-1]
        even = np.broadcast_to(ramp if side in ("west", "east") else ramp[:, None], valid.shape)
        held[edge] = even[edge]
    elif boundary == "absorbing":
        held[edge] = 0.0
    held[_wall(valid.shape, OPPOSITE[side])] = 0.0
    held[_wall(valid.shape, side)] = 1.0
    held[~valid] = np.nan
    for name in (side, OPPOSITE[side]):
        if not valid[_wall(valid.shape, name)].any():
            raise PatchError(
                "W17",
                f"the {name} side of the landscape has no valid cell to be a wall.",
                remedy="add a buffer of a few cells",
            )
    return held


def _wall(shape: tuple[int, ...], side: str) -> tuple[Any, Any]:
    line = {"west": (slice(None), 0), "east": (slice(None), shape[1] - 1)}
    return {**line, "north": (0, slice(None)), "south": (shape[0] - 1, slice(None))}[side]


def _without(links: GridLinks, gone: NDArray[np.bool_]) -> GridLinks:
    """The links that touch no cell of ``gone``."""
    keep = np.where(gone, np.nan, 1.0)
    both = grid_links(keep)
    return GridLinks(*(np.where(there > 0, plane, 0.0) for plane, there in zip(links, both)))
