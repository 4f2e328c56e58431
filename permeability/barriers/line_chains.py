"""Rows of one line laid end to end: a place on a line is a distance along its chain, however the line is split or drawn.

A layer may hold a railway as one row or as a thousand, each drawn from either end.  Rows of one line whose ends meet,
two at a place, are one chain; where three meet, chains begin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers

MEET_M = 1.0  # ends of rows that come this near are one place [m]
SAME_M = 1e-3  # ends nearer than this are one place first, so that a row may be shorter than MEET_M [m]


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
        Whether the row is drawn in the direction of its chain.

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
        """Chains of a barrier layer; they do not depend on the order of the rows of one line, nor on how they are drawn."""
        n = len(barriers)
        chain, start, forward = np.zeros(n, np.int64), np.zeros(n), np.ones(n, bool)
        shapes = barriers.table.geometry.to_numpy()
        length = shapely.length(shapes).astype(float)
        count = 0
        for line in barriers.lines:
            rows = barriers.rows_of(line)
            for run in _runs([shapely.get_coordinates(shapes[i])[[0, -1]] for i in rows]):
                done = 0.0
                for k, ahead in run:
                    i = int(rows[k])
                    chain[i], start[i], forward[i] = count, done, ahead
                    done += float(length[i])
                count += 1
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


def _runs(ends: list[NDArray[np.float64]]) -> list[list[tuple[int, bool]]]:
    """Rows of one line end to end: number of each row and whether it is run as it is drawn."""
    if len(ends) == 1:  # of one row, and so are most lines
        return [[(0, tuple(ends[0][0].round(3).tolist()) <= tuple(ends[0][1].round(3).tolist()))]]
    places = np.concatenate(ends)  # two for every row
    place = _places(places)
    at: dict[int, list[int]] = {}
    for end, name in enumerate(place.tolist()):
        at.setdefault(name, []).append(end)
    onward = {
        e: o
        for met in at.values()
        if len(met) == 2 and met[0] // 2 != met[1] // 2
        for e, o in (met, met[::-1])
    }
    by_place = sorted(range(len(places)), key=lambda e: tuple(places[e].round(3).tolist()))
    first = [e for e in by_place if e not in onward] + by_place  # free ends first; what is left are rings
    runs, seen = [], set()
    for end in first:
        if end // 2 in seen:
            continue
        run, here = [], end
        while here // 2 not in seen:
            seen.add(here // 2)
            run.append((here // 2, here % 2 == 0))
            here = onward.get(here ^ 1, here)
        runs.append(run)
    return runs


def _places(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """A number for every end of a row, two a row; ends that meet have the same.

    Ends that are the same meet; an end that is left alone meets what is near it, but for the other end of its own row.
    """
    from scipy.spatial import cKDTree

    near = cKDTree(points).query_pairs(MEET_M, output_type="ndarray")
    same = np.hypot(*(points[near[:, 0]] - points[near[:, 1]]).T) <= SAME_M
    place = _joined(near[same], len(points))
    alone = np.bincount(place)[place] == 1
    one, two = near.T
    own = (place[one ^ 1] == place[two]) | (
        place[two ^ 1] == place[one]
    )  # the other end of the row lies there
    return _joined(near[same | (~own & (alone[one] | alone[two]))], len(points))


def _joined(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """A number for each of ``n`` things; those joined by pairs have the same."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
