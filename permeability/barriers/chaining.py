"""The rows of a line as one run of kilometres, however a file happens to store them.

Rows (and the parts of a row) are chained by their ends and turned; the order of the file and the direction of drawing
play no part.  Where nothing says where kilometres begin, they begin at the southern end of a line that runs mostly north
and south, at the western end of any other; a line of one row keeps the direction that it was drawn in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

TOUCH_M = 1.0  # ends nearer than this are one place
NEIGHBOURS = 40  # ends that are looked at when runs are put one behind the other
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """One drawn part in a chain.

    Attributes
    ----------
    part : int
        Number of the part.
    flipped : bool
        Whether the chain runs through it against the direction of drawing.
    start_m : float
        Distance along the chain at which it begins, gaps counted [m].
    """

    part: int
    flipped: bool
    start_m: float


@dataclass(frozen=True)
class Chain:
    """All parts of a line, one behind the other.

    Attributes
    ----------
    links : tuple of Link
    length_m : float
        With the gaps [m].
    gaps_m : tuple of float
        Straight distances between ends that do not touch [m].
    branches : tuple of (x, y)
        Places where three or more ends meet: there the order of the parts is not told by the drawing.

    Examples
    --------
    >>> south, north = shapely.LineString([(0, 4), (0, 0)]), shapely.LineString([(0, 4), (0, 9)])
    >>> [(link.part, link.flipped, link.start_m) for link in chained([north, south]).links]
    [(1, True, 0.0), (0, False, 4.0)]
    """

    links: tuple[Link, ...]
    length_m: float
    gaps_m: tuple[float, ...]
    branches: tuple[tuple[float, float], ...]


def chained(parts: Sequence[shapely.LineString]) -> Chain:
    """Parts chained by their ends.

    Parts that touch follow each other; runs of them are put one behind the other by their nearest ends.  A branch (three
    or more ends at one place) is cut open there and told.

    Parameters
    ----------
    parts : sequence of LineString
        In metres.

    Returns
    -------
    Chain
        The same for every order and direction of the parts.

    Examples
    --------
    >>> chained([shapely.LineString([(0, 0), (1000, 0)]), shapely.LineString([(3000, 0), (1200, 0)])]).gaps_m
    (200.0,)
    """
    ends = np.array([[p.coords[0][:2], p.coords[-1][:2]] for p in parts], dtype=np.float64)
    order = _canonical(parts, ends)
    node, branches = _nodes(ends)
    runs = _runs(order, node, set(branches))
    runs = _turned_rings(runs, parts, ends, node)
    joined = _joined(runs, ends)
    if len(parts) > 1 and _backwards(joined, ends):
        joined = [(i, not flip) for i, flip in reversed(joined)]
    return _laid_out(joined, parts, ends, [tuple(map(float, branches[b])) for b in sorted(branches)])


def _canonical(parts: Sequence[shapely.LineString], ends: Points) -> list[int]:
    """Part numbers in an order that neither the file nor the drawing direction decides."""

    def key(i: int) -> tuple[float, ...]:
        a, b = sorted((tuple(np.round(ends[i, 0], 3)), tuple(np.round(ends[i, 1], 3))))
        return (*a, *b, round(parts[i].length, 3))

    return sorted(range(len(parts)), key=key)


def _nodes(ends: Points) -> tuple[NDArray[np.int64], dict[int, Points]]:
    """Number of the place of every end, shape (parts, 2), and the places where three or more ends meet."""
    flat = ends.reshape(-1, 2)
    label = np.arange(len(flat))
    for a, b in sorted(cKDTree(flat).query_pairs(TOUCH_M)):
        label[label == label[b]] = label[a]
    number, counts = np.unique(label, return_counts=True)
    many = {int(n): flat[n] for n in number[counts > 2]}
    return label.reshape(-1, 2), many


def _runs(order: Sequence[int], node: NDArray[np.int64], cut: set[int]) -> list[list[tuple[int, bool]]]:
    """Runs of parts that touch, as (part, flipped), cut open at branches."""
    at: dict[int, list[tuple[int, int]]] = {}
    for i in order:
        for side in (0, 1):
            at.setdefault(int(node[i, side]), []).append((i, side))
    left, runs = dict.fromkeys(order), []
    while left:
        i = next(iter(left))
        del left[i]
        run = [(i, False)]
        for forward in (True, False):
            while True:
                part, flip = run[-1] if forward else run[0]
                here = int(node[part, int(forward != flip)])
                beyond = [] if here in cut else [(j, side) for j, side in at[here] if j in left]
                if not beyond:
                    break
                j, side = beyond[0]
                del left[j]
                if forward:
                    run.append((j, side == 1))
                else:
                    run.insert(0, (j, side == 0))
        runs.append(run)
    return runs


def _turned_rings(
    runs: list[list[tuple[int, bool]]], parts: Sequence[shapely.LineString], ends: Points, node: NDArray[np.int64]
) -> list[list[tuple[int, bool]]]:  # fmt: skip
    """Closed runs of several parts begin at their southernmost joint and run against the clock."""
    out = []
    for run in runs:
        first, last = run[0], run[-1]
        if len(run) > 1 and node[first[0], int(first[1])] == node[last[0], int(not last[1])]:
            xy = np.vstack([_coords(parts[i], flip) for i, flip in run])
            if not shapely.LinearRing(xy).is_ccw:
                run = [(i, not flip) for i, flip in reversed(run)]
            starts = [tuple(ends[i, int(flip)][::-1].round(3)) for i, flip in run]
            k = starts.index(min(starts))
            run = [*run[k:], *run[:k]]
        out.append(run)
    return out


def _coords(part: shapely.LineString, flip: bool) -> Points:
    xy: Points = shapely.get_coordinates(part)
    return xy[::-1] if flip else xy


def _joined(runs: list[list[tuple[int, bool]]], ends: Points) -> list[tuple[int, bool]]:
    """Runs put one behind the other by their nearest free ends, the smallest gap first."""
    while len(runs) > 1:
        tips = np.array([_tips(r, ends) for r in runs]).reshape(-1, 2)
        beside: dict[int, int] = {}
        group = list(range(len(runs)))

        def root(k: int, group: list[int] = group) -> int:
            while group[k] != k:
                group[k] = group[group[k]]
                k = group[k]
            return k

        for a, b in _near_tips(tips):
            if a not in beside and b not in beside and root(a // 2) != root(b // 2):
                beside[a], beside[b] = b, a
                group[root(a // 2)] = root(b // 2)
        runs = _walked(runs, beside)
    return runs[0]


def _near_tips(tips: Points) -> list[tuple[int, int]]:
    """Pairs of tips of different runs, the nearest first."""
    k = min(len(tips), NEIGHBOURS)
    away, other = cKDTree(tips).query(tips, k=k)
    a, b = np.repeat(np.arange(len(tips)), k), other.ravel()
    keep = (a < b) & (a // 2 != b // 2)
    a, b, away = a[keep], b[keep], away.ravel()[keep].round(6)
    order = np.lexsort((tips[b, 0], tips[b, 1], tips[a, 0], tips[a, 1], away))
    return list(zip(a[order].tolist(), b[order].tolist()))


def _walked(runs: list[list[tuple[int, bool]]], beside: dict[int, int]) -> list[list[tuple[int, bool]]]:
    """Runs laid end to end along the tips that were put together."""
    out, seen = [], set()
    firsts = [t for t in range(2 * len(runs)) if t not in beside]
    for tip in firsts:
        if tip // 2 in seen:
            continue
        chain: list[tuple[int, bool]] = []
        while True:
            k = tip // 2
            seen.add(k)
            chain += runs[k] if tip % 2 == 0 else _turned(runs[k])
            far = tip ^ 1
            if far not in beside:
                break
            tip = beside[far]
        out.append(chain)
    return out


def _tips(run: Sequence[tuple[int, bool]], ends: Points) -> list[Points]:
    (a, flip_a), (b, flip_b) = run[0], run[-1]
    return [ends[a, int(flip_a)], ends[b, int(not flip_b)]]


def _turned(run: Sequence[tuple[int, bool]]) -> list[tuple[int, bool]]:
    return [(i, not flip) for i, flip in reversed(run)]


def _backwards(run: Sequence[tuple[int, bool]], ends: Points) -> bool:
    """Whether a chain begins at its northern (or, when it runs mostly east and west, eastern) end."""
    first, last = _tips(run, ends)
    dx, dy = last - first
    if abs(dx) < TOUCH_M and abs(dy) < TOUCH_M:
        return False
    return bool(dx < 0) if abs(dx) > abs(dy) else bool(dy < 0)


def _laid_out(
    run: Sequence[tuple[int, bool]], parts: Sequence[shapely.LineString], ends: Points, branches: list[tuple[float, ...]]
) -> Chain:  # fmt: skip
    links, gaps, at, before = [], [], 0.0, None
    for i, flip in run:
        tip = ends[i, int(flip)]
        gap = 0.0 if before is None else float(np.hypot(*(tip - before)))
        if gap > TOUCH_M:
            gaps.append(gap)
            at += gap
        links.append(Link(i, flip, at))
        at += float(parts[i].length)
        before = ends[i, int(not flip)]
    return Chain(tuple(links), at, tuple(gaps), tuple((b[0], b[1]) for b in branches))
