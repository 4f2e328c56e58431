"""Crossings that cancel only where another line no longer stands.

Lines are broken where they meet, and a wiggle over an edge cancels on each simple stretch by itself.  Where the line that was met
is opened or does not stand, the break is none: what is crossed there and back on both sides of it cancels as well, as it would
in a layer without that stretch.  Which cuts these are is worked out once; whether the other line stands, for every state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def distinct(values: Ints) -> Ints:
    """Ascending without repetition: ``np.unique``, which takes ten times as long for the few cuts of an opening.

    Parameters
    ----------
    values : int array

    Returns
    -------
    int array

    Examples
    --------
    >>> distinct(np.array([5, 3, 5])).tolist(), distinct(np.zeros(0, np.int64)).tolist()
    ([3, 5], [])
    """
    out = np.sort(values)
    keep = np.ones(len(out), bool)
    np.not_equal(out[1:], out[:-1], out=keep[1:])
    return out[keep]


@dataclass(frozen=True)
class CutLinks:
    """Pairs of cuts of one edge by one line, next to each other along it, that cancel when all lines met between them are open.

    Attributes
    ----------
    first, second : int array, shape (links,)
        Numbers of the two cuts, in the order of the line.
    start : int array, shape (links + 1,)
        The places met between the cuts of link ``k`` are ``start[k]:start[k + 1]``.
    chain : int array, shape (places,)
        Chain of the other line there.
    along : array, shape (places,)
        Where it is met [m along its chain].

    Examples
    --------
    >>> links = CutLinks(np.array([3]), np.array([8]), np.array([0, 1]), np.array([1]), np.array([250.0]))
    >>> links.cancelled(np.array([True])).tolist(), links.cancelled(np.array([False])).tolist()
    ([3, 8], [])
    """

    first: Ints
    second: Ints
    start: Ints
    chain: Ints
    along: Floats

    @classmethod
    def none(cls) -> CutLinks:
        """No links."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, np.zeros(1, np.int64), empty, np.zeros(0))

    @classmethod
    def joined(cls, parts: Sequence[CutLinks]) -> CutLinks:
        """Several tables one after the other."""
        each = np.concatenate([np.diff(p.start) for p in parts])
        start = np.concatenate([[0], np.cumsum(each)]).astype(np.int64)
        first, second, chain, along = (
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("first", "second", "chain", "along")
        )
        return cls(first, second, start, chain, along)

    def __len__(self) -> int:
        return len(self.first)

    def on_chains(self, chains: Ints) -> Ints:
        """Links with a place on some chains."""
        return np.unique(self.of_place[np.isin(self.chain, chains)])

    def met(self, chain: int, low: float, high: float) -> Ints:
        """Links with a place on a stretch of a chain [m along the chain]."""
        here = (self.chain == chain) & (self.along >= low) & (self.along <= high)
        return distinct(self.of_place[here])

    @cached_property
    def of_place(self) -> Ints:
        """Link of every place."""
        return np.repeat(np.arange(len(self.first)), np.diff(self.start))

    def only(self, which: Ints) -> CutLinks:
        """Some of the links."""
        mine = np.zeros(len(self), bool)
        mine[which] = True
        places = np.flatnonzero(mine[self.of_place])
        count = np.diff(self.start)[which]
        start = np.concatenate([[0], np.cumsum(count)])
        return CutLinks(self.first[which], self.second[which], start, self.chain[places], self.along[places])

    def cancelled(self, free: NDArray[np.bool_]) -> Ints:
        """Cuts that cancel.

        Parameters
        ----------
        free : bool array, shape (places,)
            Where the other line costs nothing.

        Returns
        -------
        int array
            Of cuts that hang together an even number cancels whole, of an odd number the middle one stays.
        """
        if not len(self):
            return np.zeros(0, np.int64)
        active = np.logical_and.reduceat(free, self.start[:-1])
        onward = dict(zip(self.first[active].tolist(), self.second[active].tolist()))
        gone: list[int] = []
        for begin in sorted(set(onward) - set(onward.values())):
            run = [begin]
            while run[-1] in onward:
                run.append(onward[run[-1]])
            gone += run if len(run) % 2 == 0 else [c for c in run if c != run[len(run) // 2]]
        return np.array(sorted(gone), np.int64)


@dataclass(frozen=True)
class Breaks:
    """Where lines are broken: the arc that begins at each break, and what is met there.

    Attributes
    ----------
    arc : array, shape (breaks,)
        Ascending; half a number more than the last arc at the end of a line, where none begins.
    line, chain : int array, shape (breaks,)
        Number of the line that is broken, and of its chain.
    at : array, shape (breaks,)
        Where, along that line [cells].
    point : array, shape (breaks, 2)
        [cells]
    """

    arc: Floats
    line: Ints
    chain: Ints
    at: Floats
    point: Floats


def linked_cuts(
    group: Ints, arc: Ints, breaks: Breaks, *, touch_cells: float
) -> tuple[Ints, Ints, list[Ints]]:
    """Cuts of one wiggle that only breaks keep apart.

    Parameters
    ----------
    group : int array, shape (cuts,)
        Number of the wiggle (of one line, over one edge), ascending.
    arc : int array, shape (cuts,)
        Simple stretch of line that each cut lies on, ascending within a wiggle.
    breaks : Breaks
    touch_cells : float
        Breaks this near are one place [cells].

    Returns
    -------
    (array, array, list of arrays)
        First and second cut, and for each pair the breaks of other lines (or of this one elsewhere) that are met between them.
    """
    from scipy.spatial import cKDTree

    one = np.flatnonzero((np.diff(group) == 0) & (np.diff(arc) > 0))
    if not len(one):
        return one, one, []
    tree = cKDTree(breaks.point)
    first, met = [], []
    for i in one.tolist():
        low, high = (np.searchsorted(breaks.arc, arc[k], side="right") for k in (i, i + 1))
        others = [_others(breaks, tree, k, touch_cells) for k in range(low, high)]
        if others and all(map(len, others)):
            first.append(i)
            met.append(np.unique(np.concatenate(others)))
    found = np.array(first, np.int64)
    return found, found + 1, met


def _others(breaks: Breaks, tree: cKDTree, k: int, touch_cells: float) -> Ints:
    """Breaks at the place of break ``k`` that are not on its own stretch of line."""
    there = np.array(tree.query_ball_point(breaks.point[k], touch_cells), np.int64)
    same = (breaks.line[there] == breaks.line[k]) & (np.abs(breaks.at[there] - breaks.at[k]) <= touch_cells)
    return there[~same]
