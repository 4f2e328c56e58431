"""Lines drawn in the wrong place: a barrier layer with its lines moved by some metres, its joints kept.

A line is moved as a whole.  An end that stands on another line goes with that line, an end at the edge of the
landscape stays, so that a shift opens no way round; between such an end and the rest the shift fades in over
:data:`FADE` times its length.  Kilometres stay with the ground they were drawn on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.chainage import Chainage
from permeability.barriers.edge_cuts import CutTable, cut_edges
from permeability.barriers.lines import Barriers
from permeability.layers.grid import Grid

Array = NDArray[np.float64]
TOUCH_M = 1.0  # ends that come this near to another line stand on it
FADE = 5.0
KEPT_CUTS = 300_000  # of lines in other places: some 30 MB


def displaced(
    barriers: Barriers, shifts: Mapping[str, tuple[float, float]], grid: Grid, valid: NDArray[np.bool_]
) -> Barriers:
    """The barriers with some lines moved.

    Parameters
    ----------
    barriers : Barriers
    shifts : mapping
        Line -> metres to the east and to the north; other lines stay.
    grid : Grid
    valid : bool array, shape (rows, cols)
        Cells of the landscape.

    Returns
    -------
    Barriers
        Same rows, same kilometres.
    """
    return MovableLines(barriers, grid, valid).moved(shifts)


class MovableLines:
    """A barrier layer whose lines are moved again and again: what holds the ends of its lines is looked up once.

    Parameters
    ----------
    barriers : Barriers
    grid : Grid
    valid : bool array, shape (rows, cols)
        Cells of the landscape.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lines = MovableLines(land.barriers, land.grid, land.valid)
    >>> [g.bounds[2] for g in lines.moved({"S": (100.0, 0.0)}).table.geometry]
    [6000.0, 8100.0]
    """

    def __init__(self, barriers: Barriers, grid: Grid, valid: NDArray[np.bool_]) -> None:
        self.barriers = barriers
        self.lines = [str(line) for line in barriers.table["line"]]
        shapes = barriers.table.geometry.to_numpy()
        ends = _Ends(shapes, self.lines, grid, valid)
        self.rows = [
            [_Part.of(part, row, ends) for part in shapely.get_parts(s)] for row, s in enumerate(shapes)
        ]

    def moved(self, shifts: Mapping[str, tuple[float, float]]) -> Barriers:
        """The barriers with some lines moved, see :func:`displaced`."""
        barriers = self.barriers
        move = np.array([*(shifts.get(line, (0.0, 0.0)) for line in self.lines), (0.0, 0.0)], dtype=float)
        moved, chains = [], []
        for parts, shift, chain in zip(self.rows, move, barriers.chainages):
            geometry, old, new = _row(parts, shift, move)
            moved.append(geometry)
            chains.append(Chainage(new, np.asarray(chain.km_at(old)), chain.source))
        return barriers.redrawn(moved, tuple(chains))


class LinesElsewhere:
    """A barrier layer in other places, with what it cuts there, made once for all species of a run: they draw the same places.

    It is kept with the layer, goes when that goes, and is left behind when the layer is sent to another machine.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = LinesElsewhere.of(land.barriers)
    >>> moved, cuts = kept.at({"S": (100.0, 0.0)}, land.barriers, land.grid, land.valid, 8)
    >>> kept.at({"S": (100.0, 0.0)}, land.barriers, land.grid, land.valid, 8)[1] is cuts
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[tuple[Any, ...], MovableLines] = {}
        self._tables: OrderedDict[tuple[Any, ...], _Table] = OrderedDict()

    def __reduce__(self) -> tuple[type[LinesElsewhere], tuple[()]]:
        return LinesElsewhere, ()

    @classmethod
    def of(cls, barriers: Barriers) -> LinesElsewhere:
        """What is kept with a barrier layer."""
        kept: LinesElsewhere = vars(barriers).setdefault("_elsewhere", cls())
        return kept

    def at(
        self,
        shifts: Mapping[str, tuple[float, float]],
        barriers: Barriers,
        grid: Grid,
        valid: NDArray[np.bool_],
        neighbours: int,
    ) -> tuple[Barriers, CutTable]:
        """The barriers with some lines moved, see :func:`displaced`, and what they cut.

        Parameters
        ----------
        shifts : mapping
            Line -> metres to the east and to the north; other lines stay.
        barriers : Barriers
            The layer that this is kept with.
        grid : Grid
        valid : bool array, shape (rows, cols)
            Cells of the landscape.
        neighbours : {4, 8, 16}
        """
        place = grid.west, grid.north, grid.cell_size, grid.shape, np.packbits(valid).tobytes()
        name = *place, neighbours, *sorted(shifts.items())
        with self._lock:
            if place not in self._lines:
                self._lines[place] = MovableLines(barriers, grid, valid)
            lines = self._lines[place]
            table = self._tables.setdefault(name, _Table())
            self._tables.move_to_end(name)
        with table.lock:  # once, also when two threads ask for it
            if table.made is None:
                moved = lines.moved(shifts)
                table.made = moved, cut_edges(moved, grid, neighbours=neighbours)
        with self._lock:
            while len(self._tables) > 1 and sum(len(t) for t in self._tables.values()) > KEPT_CUTS:
                self._tables.popitem(last=False)
        return table.made


class _Table:
    """Where lines elsewhere and their cuts are, or will be once somebody has made them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: tuple[Barriers, CutTable] | None = None

    def __len__(self) -> int:
        return 0 if self.made is None else len(self.made[1])


class _Part(NamedTuple):
    """One unbroken line of a row, and with which row its two ends go: -1 where they stay."""

    line: shapely.LineString
    xy: Array
    closed: bool
    ends: tuple[int, int]

    @classmethod
    def of(cls, part: shapely.LineString, row: int, ends: _Ends) -> _Part:
        xy = shapely.get_coordinates(part)
        return cls(part, xy, bool(part.is_closed), (ends.holder(row, xy[0]), ends.holder(row, xy[-1])))


def _row(held: list[_Part], shift: Array, move: Array) -> tuple[shapely.Geometry, Array, Array]:
    """A row moved, and the distances along it of its vertices before and after [m]."""
    parts, old, new = [], [np.zeros(1)], [np.zeros(1)]
    for part, xy, closed, ends in held:
        first, last = move[ends[0]], move[ends[1]]
        reach = FADE * float(max(np.hypot(*(first - shift)), np.hypot(*(last - shift))))
        fades = reach > 0 and not closed
        if fades:
            xy = shapely.get_coordinates(shapely.segmentize(part, reach / 4))
        steps = np.hypot(*np.diff(xy, axis=0).T)
        xy = xy[np.concatenate([[True], steps > 0])]
        along = np.concatenate([[0.0], np.cumsum(steps[steps > 0])])
        by = np.tile(shift, (len(xy), 1))
        if fades:
            left = np.clip(1 - along / reach, 0, None)[:, None]
            right = np.clip(1 - (along[-1] - along) / reach, 0, None)[:, None]
            by = by + (first - shift) * left * (1 - right) + (last - shift) * right * (1 - left)
            by[0], by[-1] = first, last
        there = xy + by
        parts.append(shapely.LineString(there))
        old.append(old[-1][-1] + along[1:])
        new.append(new[-1][-1] + np.cumsum(np.hypot(*np.diff(there, axis=0).T)))
    geometry = parts[0] if len(parts) == 1 else shapely.MultiLineString(parts)
    before, after = np.concatenate(old), np.concatenate(new)
    distinct = np.concatenate([[True], np.diff(after) > 0])
    return geometry, before[distinct], after[distinct]


class _Ends:
    """What holds the ends of lines."""

    def __init__(
        self, shapes: NDArray[np.object_], lines: Sequence[str], grid: Grid, valid: NDArray[np.bool_]
    ) -> None:
        self.shapes, self.lines, self.grid = shapes, lines, grid
        self.tree = shapely.STRtree(shapes)
        padded = np.pad(valid, 1)
        inner = [padded[1 + a : padded.shape[0] - 1 + a, 1 + b : padded.shape[1] - 1 + b]
                 for a in (-1, 0, 1) for b in (-1, 0, 1)]  # fmt: skip
        self.inner = np.all(inner, axis=0)

    def holder(self, row: int, point: Array) -> int:
        """The row with which an end of a row moves, -1 where it stays."""
        here = shapely.Point(point)
        near = sorted(self.tree.query(here, predicate="dwithin", distance=TOUCH_M))
        others = [j for j in near if self.lines[j] != self.lines[row]]
        through = [j for j in others if not self._ends_at(j, here)]
        if through:
            return int(through[0])
        if others:  # ends that meet follow the first of them
            return int(min(row, others[0]))
        r, c = self.grid.cells_of(point[:1], point[1:])
        inside = bool(self.grid.contains(r, c)[0]) and bool(self.inner[r[0], c[0]])
        return row if inside else -1

    def _ends_at(self, row: int, here: shapely.Point) -> bool:
        ends = [shapely.get_coordinates(p)[[0, -1]] for p in shapely.get_parts(self.shapes[row])]
        return bool((shapely.distance(shapely.points(np.concatenate(ends)), here) <= TOUCH_M).any())
