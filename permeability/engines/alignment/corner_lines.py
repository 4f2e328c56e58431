"""Lines from cell corner to cell corner in sixteen moves, and the edges that they cross."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import cuts
from permeability.engines.kernels.edges import LENGTH
from permeability.engines.kernels.line_moves import sum_of_crossed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Moves by rising angle from east, against the clock: rows and columns that each goes down and right.
MOVE_ROW: Ints = np.array([0, -1, -1, -2, -1, -2, -1, -1, 0, 1, 1, 2, 1, 2, 1, 1], np.int64)
MOVE_COL: Ints = np.array([1, 2, 1, 1, 0, -1, -1, -2, -1, -2, -1, -1, 0, 1, 1, 2], np.int64)
MOVE_LENGTH: Floats = np.hypot(MOVE_ROW, MOVE_COL)  # [cells]
MOVE_ANGLE: Floats = np.degrees(np.arctan2(-MOVE_ROW, MOVE_COL)) % 360.0
WIGGLE_CELLS = 4.0  # as the cut table has it


class Crossed(NamedTuple):
    """What the moves cross: rows ``start[m]:start[m + 1]`` of move ``m``; first cell relative to the corner, direction, ``|v.n|`` [cells]."""

    start: Ints
    row: Ints
    col: Ints
    direction: Ints
    normal: Floats


@cache
def crossed_by_moves(neighbours: int) -> Crossed:
    """What each of the sixteen moves crosses in a 4- or 8-neighbour grid, ties broken as for drawn lines."""
    corners = [np.array([(4, 4), (4 + dr, 4 + dc)]) for dr, dc in zip(MOVE_ROW, MOVE_COL)]
    found = [_crossings(c, (8, 8), 2 if neighbours == 4 else 4) for c in corners]
    start = np.concatenate([[0], np.cumsum([len(f[0]) for f in found])])
    cell = np.concatenate([f[0] for f in found])
    return Crossed(
        start.astype(np.int64), cell // 8 - 4, cell % 8 - 4,
        np.concatenate([f[1] for f in found]).astype(np.int64), np.concatenate([f[4] for f in found]),
    )  # fmt: skip


class CutTwice(NamedTuple):
    """Edges that two moves one after the other cut both: rows ``start[m, n]:start[m, n + 1]``, relative to the corner between them."""

    start: Ints
    row: Ints
    col: Ints
    direction: Ints
    factor: Floats


@cache
def cut_twice(neighbours: int) -> CutTwice:
    """What a sharp turn takes back: edges that both moves cut are not cut at all."""
    c = crossed_by_moves(neighbours)
    edges = [
        {(int(c.row[i]), int(c.col[i]), int(c.direction[i])): float(LENGTH[c.direction[i]] / c.normal[i]) for i in range(a, b)}
        for a, b in zip(c.start[:-1], c.start[1:])
    ]  # fmt: skip
    start = np.zeros((16, 17), np.int64)
    rows: list[tuple[float, ...]] = []
    for m in range(16):
        before = {(r - int(MOVE_ROW[m]), q - int(MOVE_COL[m]), k): f for (r, q, k), f in edges[m].items()}
        for n in range(16):
            start[m, n] = len(rows)
            rows += [(*edge, f + edges[n][edge]) for edge, f in before.items() if edge in edges[n]]
        start[m, 16] = len(rows)
    table = np.array(rows)
    row, col, direction = table[:, :3].T.astype(np.int64)
    return CutTwice(start, row.copy(), col.copy(), direction.copy(), table[:, 3].copy())


def _crossings(
    corners: Ints, shape: tuple[int, int], n_directions: int
) -> tuple[Ints, NDArray[np.uint8], Ints, Floats, Floats]:
    """All crossings of a line through corners, one piece for each two of them."""
    y, x = corners[:, 0] * cuts.LATTICE, corners[:, 1] * cuts.LATTICE
    d = np.diff(corners, axis=0).astype(float)
    length = np.hypot(d[:, 0], d[:, 1])
    along = np.concatenate([[0.0], np.cumsum(length)])
    normal = np.column_stack([-d[:, 0], d[:, 1]]) / length[:, None]
    n = len(length)
    return cuts.crossings(
        np.column_stack([x[:-1], x[1:]]), np.column_stack([y[:-1], y[1:]]), np.arange(n), np.zeros(n, np.int64),
        along[:-1], along[1:], normal, shape, n_directions,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class CornerLine:
    """A line from cell corner to cell corner; corner (r, c) is the upper left one of cell (r, c).

    Attributes
    ----------
    corners : int array, shape (n, 2)
        Rows and columns, one move of the sixteen after the other.

    Examples
    --------
    >>> line = CornerLine.through([(0, 0), (0, 3), (2, 4)])
    >>> len(line.moves), round(line.length, 3)  # three sides of a cell and one knight's move
    (4, 5.236)
    >>> keys, weight = line.crossed((4, 6), neighbours=4)
    >>> keys.tolist()  # nothing along the upper edge of the grid; then (0, 2) from (0, 3), both from what lies below
    [16, 25, 72]
    """

    corners: Ints

    @classmethod
    def of_moves(cls, start: tuple[int, int], moves: Iterable[int]) -> CornerLine:
        """The line that sets out from a corner with some moves."""
        m = np.asarray(list(moves), np.int64)
        d = np.column_stack([MOVE_ROW[m], MOVE_COL[m]])
        return cls(np.vstack([[start], np.asarray(start) + np.cumsum(d, axis=0)]).astype(np.int64))

    @classmethod
    def through(cls, points: Iterable[tuple[int, int]]) -> CornerLine:
        """The line through some corners, each two joined by the moves that keep nearest to the straight line."""
        stops = [np.asarray(p, np.int64) for p in points]
        at, moves = stops[0].copy(), []
        for a, b in itertools.pairwise(stops):
            whole = (b - a).astype(float)
            at = a.copy()
            while (at != b).any():
                left = b - at
                ends = at + np.column_stack([MOVE_ROW, MOVE_COL])
                rest = b - ends
                forward = (rest**2).sum(1) < (left**2).sum()
                off = np.abs(whole[0] * (ends[:, 1] - a[1]) - whole[1] * (ends[:, 0] - a[0])) / np.hypot(
                    *whole
                )
                score = off + 1e-3 * (MOVE_LENGTH + np.hypot(rest[:, 0], rest[:, 1]))
                m = int(np.argmin(np.where(forward, score, np.inf)))
                moves.append(m)
                at = ends[m]
        return cls.of_moves((int(stops[0][0]), int(stops[0][1])), moves)

    @property
    def moves(self) -> Ints:
        """Number of every move."""
        d = np.diff(self.corners, axis=0)
        same = (d[:, :1] == MOVE_ROW) & (d[:, 1:] == MOVE_COL)
        return np.argmax(same, axis=1)

    @property
    def length(self) -> float:
        """Length [cells]."""
        return float(MOVE_LENGTH[self.moves].sum())

    @property
    def largest_turn(self) -> float:
        """Largest change of direction at a corner [degrees]."""
        turns = turn_angles()[self.moves[:-1], self.moves[1:]]
        return float(turns.max(initial=0.0))

    def crossed(self, shape: tuple[int, int], *, neighbours: int = 8) -> tuple[Ints, Floats]:
        """Edges that the line cuts, and their weight ``|v.n| / length`` [cells].

        Crossings of one edge that follow each other within four cells cancel in pairs, as for drawn lines.

        Parameters
        ----------
        shape : tuple
            Rows and columns of the grid.
        neighbours : {8, 4}

        Returns
        -------
        keys : int array
            ``cell * 8 + direction``, ascending, one row for each edge.
        weight : array
            What a crossing cost [cells] is divided by to be a series resistance; of an edge that is cut more than once,
            that of the cuts in series.
        """
        if len(self.corners) < 2:
            return np.zeros(0, np.int64), np.zeros(0)
        found = _crossings(self.corners, shape, 2 if neighbours == 4 else 4)
        order = np.lexsort((found[3], found[2], found[1], found[0]))
        cell, direction, arc, at, normal = (f[order] for f in found)
        keep = cuts.cancel_wiggles(cell, direction, arc, at, WIGGLE_CELLS)
        keys = cell[keep] * 8 + direction[keep]
        unique, inverse = np.unique(keys, return_inverse=True)
        per_cost = np.bincount(inverse, LENGTH[direction[keep]] / normal[keep], len(unique))
        return unique, 1.0 / per_cost if len(unique) else np.zeros(0)


@cache
def turn_angles() -> Floats:
    """Change of direction between each two moves [degrees], shape (16, 16)."""
    gap = np.abs(MOVE_ANGLE[:, None] - MOVE_ANGLE[None]) % 360.0
    return np.minimum(gap, 360.0 - gap)


def move_costs(
    planes: Floats, *, neighbours: int = 8, per_edge: bool = False, dtype: type = np.float64
) -> NDArray[Any]:
    """Cost of every move from every corner, summed over the edges that it crosses.

    Parameters
    ----------
    planes : array, shape (4, rows, cols)
        Cost of cutting an edge squarely for one cell of crossing cost, by direction.
    neighbours : {8, 4}
    per_edge : bool
        Count each edge once, whatever the slope at which it is cut.
    dtype : {numpy.float64, numpy.float32}
        Of the result; the sums are made in double precision.

    Returns
    -------
    array, shape (16, rows + 1, cols + 1)

    Examples
    --------
    >>> planes = np.zeros((4, 2, 2))
    >>> planes[0, 0, 0] = 3.0  # the edge between the two upper cells
    >>> cost = move_costs(planes)
    >>> cost[12, 0, 1].item(), cost[0, 0, 1].item()  # down between them; along the upper edge of the grid
    (3.0, 0.0)
    """
    c = crossed_by_moves(neighbours)
    factor = np.ones(len(c.normal)) if per_edge else LENGTH[c.direction] / c.normal
    out = np.empty((16, planes.shape[1] + 1, planes.shape[2] + 1), dtype)
    sum_of_crossed(np.ascontiguousarray(planes, np.float64), c.start, c.row, c.col, c.direction, factor, out)
    return out
