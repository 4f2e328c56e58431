"""Rows of one line laid end to end: a place on a line is a distance along its chain, however the line is split or drawn.

A layer may hold a railway as one row or as a thousand, each drawn from either end.  Rows of one line whose ends meet
and whose kilometres follow each other are one chain, run in the direction of rising kilometres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers

MEET_M = 1.0  # ends of rows that come this near are one place [m]
MEET_KM = 0.5  # and their kilometres differ by no more than this [km]


@dataclass(frozen=True)
class LineChains:
    """Where every barrier row lies on its chain.

    Attributes
    ----------
    chain : int array, shape (rows,)
        Number of the chain of every row.
    start : float array, shape (rows,)
        Distance along the chain at which the row begins [m].
    length : float array, shape (rows,)
        Drawn length of the row [m].
    forward : bool array, shape (rows,)
        Whether the row is drawn in the direction of rising kilometres.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> chains = LineChains.of(land.barriers)
    >>> chains.chain.tolist(), chains.length.tolist()
    ([0, 1], [8000.0, 2000.0])
    """

    chain: NDArray[np.int64]
    start: NDArray[np.float64]
    length: NDArray[np.float64]
    forward: NDArray[np.bool_]

    @classmethod
    def of(cls, barriers: Barriers) -> LineChains:
        """Chains of a barrier layer; their numbers do not depend on the order of the rows of one line."""
        n = len(barriers)
        chain, start = np.zeros(n, np.int64), np.zeros(n)
        length = shapely.length(barriers.table.geometry.to_numpy()).astype(float)
        forward = np.array([c.km[-1] >= c.km[0] for c in barriers.chainages], bool)
        span = np.array([c.km_range for c in barriers.chainages]).reshape(n, 2)
        ends = _ends(barriers, forward)
        count = 0
        for line in barriers.lines:
            rows = barriers.rows_of(line)
            open_ends: list[
                tuple[int, float, float, NDArray[np.float64]]
            ] = []  # chain, km, length so far, place
            for i in rows[np.lexsort((span[rows, 1], span[rows, 0]))]:
                at = next((k for k, o in enumerate(open_ends) if _follows(o, span[i, 0], ends[i, 0])), None)
                if at is None:
                    chain[i], start[i] = count, 0.0
                    count += 1
                else:
                    chain[i], _, start[i], _ = open_ends.pop(at)
                open_ends.append((int(chain[i]), float(span[i, 1]), float(start[i] + length[i]), ends[i, 1]))
        return cls(chain, start, length, forward)

    def along(self, row: int, dist: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance along the chain [m] of distances along a row as it is drawn [m]."""
        return np.asarray(self.start[row] + (dist if self.forward[row] else self.length[row] - dist))

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Length of every chain [m]."""
        out = np.zeros(int(self.chain.max(initial=-1)) + 1)
        np.maximum.at(out, self.chain, self.start + self.length)
        return out

    def rows_in_order(self) -> list[NDArray[np.int64]]:
        """Rows of every chain from its beginning to its end."""
        order = np.lexsort((self.start, self.chain))
        cut = np.flatnonzero(np.diff(self.chain[order])) + 1
        return list(np.split(order, cut)) if len(order) else []


def _ends(barriers: Barriers, forward: NDArray[np.bool_]) -> NDArray[np.float64]:
    """First and last point of every row in the direction of rising kilometres, shape (rows, 2, 2)."""
    out = np.zeros((len(forward), 2, 2))
    for i, geometry in enumerate(barriers.table.geometry):
        xy = shapely.get_coordinates(geometry)[[0, -1]]
        out[i] = xy if forward[i] else xy[::-1]
    return out


def _follows(
    end: tuple[int, float, float, NDArray[np.float64]], km: float, place: NDArray[np.float64]
) -> bool:
    """Whether a row that begins at a kilometre and a place goes on where a chain ends."""
    return abs(km - end[1]) <= MEET_KM and bool(np.hypot(*(place - end[3])) <= MEET_M)
