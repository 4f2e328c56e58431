"""Where a line may run, and the cheapest line there that is not too long.

The cheapest line of a limited length: first a price on length (Handler & Zang 1980, doi:10.1002/net.3230100403), whose lines bound the
cheapest one from both sides; then, where the two do not meet, a dynamic program over lengths on the corners that the bounds leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from permeability.engines.alignment.corner_lines import (
    MOVE_COL,
    MOVE_LENGTH,
    MOVE_ROW,
    CornerLine,
    cut_twice,
    turn_angles,
)
from permeability.engines.kernels.line_bounds import corner_field, moves_back
from permeability.engines.kernels.line_moves import cheapest_line

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STATE_BYTES = 3  # kept for every state and layer of lengths
MOST_BYTES = 4e8
SMALL = 400  # corners up to which a dynamic program over lengths looks at all lines, and sharp turns cost what they cut
TAKEN_BACK = 15_000  # corners up to which what a sharp turn cuts twice is taken back
CLOSE = 1e-4  # a line that costs this share more than the bound from below is taken as the cheapest
PRICES = 12  # prices on length that are tried
NO_PLANES = np.zeros((0, 0, 0))
NO_REST = np.zeros((0, 0))
NO_TURNS = np.zeros((0, 0), bool)


class Legs:
    """Cheapest ways through some stops with a price on length.

    Parameters
    ----------
    cost : float32 array, shape (16, rows + 1, cols + 1)
    number : int array, shape (rows + 1, cols + 1)
        A corner's number, -1 where no line may run.
    stops : int array
        Numbers of the stops.
    turn : bool array, shape (16, 16), optional
        Moves that may follow each other.
    """

    def __init__(
        self,
        cost: NDArray[Any],
        number: NDArray[np.int64],
        stops: NDArray[np.int64],
        turn: Bools | None = None,
    ) -> None:
        self.cost, self.number, self.stops = cost, number, stops
        self.turn = NO_TURNS if turn is None else turn
        self.headings = max(len(self.turn), 1)
        self.place = np.argwhere(number >= 0)
        states = len(self.place) * self.headings
        self.dist, self.by = np.zeros(states), np.zeros(states, np.uint8)

    def _fill(self, share: float, price: float, begin: Floats, ends: tuple[int, int], *, every: bool = False, backward: bool = False, most: float = np.inf) -> None:  # fmt: skip
        corner_field(
            self.cost, share, price, MOVE_LENGTH, MOVE_ROW, MOVE_COL, self.number, self.place, self.turn, begin, *ends, every,
            backward, most, self.dist, self.by,
        )  # fmt: skip

    def line(self, share: float, price: float) -> Priced | None:
        """The cheapest line under ``share * cost + price * length``; None where there is none."""
        begin, ways = np.zeros(self.headings), []
        last = len(self.stops) - 2
        for k, (a, b) in enumerate(zip(self.stops[:-1], self.stops[1:])):
            self._fill(share, price, begin, (int(a), int(b)), every=k < last)
            begin = self.dist[b * self.headings : (b + 1) * self.headings].copy()
            ways.append(self.by if k == last else self.by.copy())
        if not np.isfinite(begin).any():
            return None
        heading, total, far = int(np.argmin(begin)), 0.0, 0.0
        moves: list[NDArray[np.int64]] = []
        for by, b in zip(ways[::-1], self.stops[:0:-1]):
            found, heading, cost, length = moves_back(
                self.cost, MOVE_LENGTH, MOVE_ROW, MOVE_COL, self.number, self.place, by, self.headings, int(b) * self.headings + heading
            )  # fmt: skip
            moves.insert(0, found)
            total, far = total + cost, far + length
        return Priced(np.concatenate(moves), total, far)

    def through(self, price: float, most: float) -> tuple[Floats, Floats]:
        """Least cost with a price on length of a line through every corner, and of what is to go from it, by leg; without headings."""
        ahead, behind, whole = [], [], []
        for a, b in zip(self.stops[:-1], self.stops[1:]):
            self._fill(1.0, price, np.zeros(1), (int(a), -1), most=most)
            behind.append(self.dist.copy())
            whole.append(float(self.dist[b]))
            self._fill(1.0, price, np.zeros(1), (int(b), -1), backward=True, most=most)
            ahead.append(self.dist.copy())
        before = np.concatenate([[0.0], np.cumsum(whole)])
        rest = np.stack([x + before[-1] - before[k + 1] for k, x in enumerate(ahead)])
        return np.stack([x + before[k] for k, x in enumerate(behind)]) + rest, rest


class Priced(NamedTuple):
    """Moves of a line, its cost and its length."""

    moves: NDArray[np.int64]
    cost: float
    length: float


class Bounds(NamedTuple):
    """What the cheapest line of a limited length costs: at least ``low``, from the ``price`` on length; and the cheapest ``line`` known."""

    low: float
    price: float
    line: Priced


def bounds_of(legs: Legs, most: float) -> Bounds | None:
    """Bounds of the cheapest line not longer than ``most``; None where there is none."""
    short = legs.line(0.0, 1.0)
    if short is None or short.length > most:
        return None
    cheap = legs.line(1.0, 1e-9 * short.cost / most)
    assert cheap is not None
    if cheap.length <= most:
        return Bounds(cheap.cost, 0.0, cheap)
    low, price, long, best = cheap.cost, 0.0, cheap, short
    for _ in range(PRICES):
        slope = (best.cost - long.cost) / (long.length - best.length)
        if not slope > 0:
            break
        new = legs.line(1.0, slope)
        assert new is not None
        least = new.cost + slope * (new.length - most)
        if least > low:
            low, price = least, slope
        if best.cost - low <= CLOSE * best.cost or new.cost + slope * new.length >= (1 - 1e-9) * (best.cost + slope * best.length):  # fmt: skip
            if new.length <= most and new.cost < best.cost:
                best = new
            break
        if new.length <= most:
            best = new
        else:
            long = new
    return Bounds(low, price, best)


@dataclass(frozen=True, eq=False)
class LineSpace:
    """Where a line may run.

    Attributes
    ----------
    stops : sequence of (row, col)
        Corners that it starts at, passes in this order, and ends at.
    allowed : bool array, shape (rows + 1, cols + 1)
        Corners that it may touch; the stops always.
    most : float
        Greatest length [cells].
    max_turn : float or None
        Greatest change of direction at a corner [degrees].
    closed : bool array, shape (16, rows + 1, cols + 1), optional
        Moves that are not allowed.
    """

    stops: Sequence[tuple[int, int]]
    allowed: Bools = field(repr=False)
    most: float
    max_turn: float | None = None
    closed: Bools | None = field(default=None, repr=False)

    @property
    def straight(self) -> float:
        """Length from stop to stop as the crow flies [cells]."""
        d = np.diff(np.asarray(self.stops, float), axis=0)
        return float(np.hypot(d[:, 0], d[:, 1]).sum())

    def cheapest(
        self, cost: NDArray[Any], planes: Floats | None = None, neighbours: int = 8
    ) -> tuple[CornerLine | None, float]:
        """Cheapest line under costs of moves, shape (16, rows + 1, cols + 1); None where there is none.

        On more than 400 corners a line may cost a little more than the cheapest (0.1 % at most in the tests).

        Parameters
        ----------
        cost : array
            Not negative; inf = not allowed.  Taken in single precision, summed in double.
        planes : array, shape (4, rows, cols), optional
            Cost of cutting each edge that ``cost`` was summed from: what a sharp turn cuts twice is then taken back.  Only
            where headings are kept: with ``max_turn`` on up to 15,000 corners, and on small grids.
        neighbours : {8, 4}

        Returns
        -------
        (CornerLine or None, float)
        """
        cost = np.ascontiguousarray(cost, np.float32)
        if self.closed is not None:
            cost = np.where(self.closed, np.float32(np.inf), cost)
        near, turn = self._near(), None
        if self.max_turn is not None:
            turn = turn_angles() <= self.max_turn + 1e-9
        taken = (
            planes
            if planes is not None and self.allowed.size <= (SMALL if turn is None else TAKEN_BACK)
            else None
        )
        if self.allowed.size > SMALL:
            line, found = self._priced(cost, near, None)
            if (
                line is None or turn is None or line.largest_turn <= float(self.max_turn or 0.0) + 1e-9
            ):  # it often keeps the limit
                return line, found
            if taken is None:
                return self._priced(cost, near, turn)
        if turn is None and taken is not None:
            turn = np.ones((16, 16), bool)
        return self._by_length(cost, near, turn, taken, neighbours)

    def _priced(self, cost: NDArray[Any], near: Bools, turn: Bools | None) -> tuple[CornerLine | None, float]:
        """The cheapest line by prices on length, and by lengths on what these leave where they do not agree."""
        legs = Legs(cost, *self._numbered(near), turn)
        bounds = bounds_of(legs, self.most + 1e-9)
        del legs
        if bounds is None:
            return None, np.inf
        line, found = CornerLine.of_moves(self.stops[0], bounds.line.moves), bounds.line.cost
        if found - bounds.low <= CLOSE * found:
            return line, found
        legs = Legs(cost, *self._numbered(near))
        whole, rest = legs.through(bounds.price, (found + bounds.price * self.most) * (1 + 1e-9))
        keep = whole.min(axis=0) - bounds.price * self.most <= found * (1 + 1e-9)
        left = near.copy()
        left[near] = keep
        del legs, whole
        if self._states(left, turn) * self.most * STATE_BYTES > MOST_BYTES:
            return line, found
        limit = (bounds.price, np.ascontiguousarray(rest[:, keep]), found)
        better, less = self._by_length(cost, left, turn, None, 8, limit)
        return (better, less) if better is not None and less < found else (line, found)

    def _by_length(
        self,
        cost: NDArray[Any],
        near: Bools,
        turn: Bools | None,
        planes: Floats | None,
        neighbours: int,
        limit: tuple[float, Floats, float] = (0.0, NO_REST, np.inf),
    ) -> tuple[CornerLine | None, float]:
        """The cheapest line by dynamic programming over lengths."""
        number, stops = self._numbered(near)
        states = self._states(near, turn)
        width = 0.125 if states * self.most * 8 * STATE_BYTES < 4e6 else 0.5
        if states * self.most / width * STATE_BYTES > MOST_BYTES:
            width = 1.0
        target = np.zeros(2)
        moves, found = cheapest_line(
            cost, NO_PLANES if planes is None else np.ascontiguousarray(planes, np.float64),
            tuple(cut_twice(neighbours)), target, MOVE_ROW, MOVE_COL, MOVE_LENGTH, NO_TURNS if turn is None else turn, number, stops,
            self.most + 1e-9, width, np.ascontiguousarray(self._ahead()[:, near]), *limit,
        )  # fmt: skip
        if not len(moves):
            return None, np.inf
        return CornerLine.of_moves(self.stops[0], moves), float(found)

    def _near(self) -> Bools:
        """Corners through which a line can go that is not too long, and the stops."""
        near = np.asarray(self.allowed, bool) & (
            self._behind() + self._ahead().min(axis=0) <= self.most + 1e-9
        )
        for r, c in self.stops:
            near[r, c] = True
        return near

    def _numbered(self, near: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of some corners, -1 elsewhere; those of the stops."""
        number = np.full(near.shape, -1, np.int64)
        number[near] = np.arange(int(near.sum()))
        return number, np.array([number[r, c] for r, c in self.stops], np.int64)

    def _states(self, near: Bools, turn: Bools | None) -> int:
        return int(near.sum()) * (len(self.stops) - 1) * (1 if turn is None else 16)

    def _ahead(self) -> Floats:
        """Least length from every corner through the stops that are still to come, by stage."""
        r, c = np.indices(self.allowed.shape)
        to = [np.hypot(r - a, c - b) for a, b in self.stops[1:]]
        legs = np.diff(np.asarray(self.stops[1:], float), axis=0)
        rest = np.concatenate([np.cumsum(np.hypot(legs[:, 0], legs[:, 1])[::-1])[::-1], [0.0]])
        return np.stack([t + x for t, x in zip(to, rest)])

    def _behind(self) -> Floats:
        r, c = np.indices(self.allowed.shape)
        return np.asarray(np.hypot(r - self.stops[0][0], c - self.stops[0][1]))

    def shortest(self) -> tuple[CornerLine | None, float]:
        """Shortest line and its length [cells]."""
        cost = np.broadcast_to(MOVE_LENGTH[:, None, None], (16, *self.allowed.shape))
        return self.cheapest(cost)

    def near(self, line: CornerLine, cells: int) -> LineSpace:
        """Only corners within so many cells of a line."""
        mark = np.zeros(self.allowed.shape, bool)
        mark[line.corners[:, 0], line.corners[:, 1]] = True
        return replace(self, allowed=self.allowed & maximum_filter(mark, 2 * cells + 1))
