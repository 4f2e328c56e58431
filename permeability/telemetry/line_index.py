"""Steps against lines, as arrays: where they cut, which part of a step runs close by, which fixes lie near.

Lines are taken apart into straight segments and looked up in a tree.  A point on a line counts as lying on its left, so a path that
touches a line or passes through one of its vertices is counted once or not at all, never twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 200_000  # steps looked up at once
STRAIGHT_M = 1e-6  # by which a vertex may lie beside a straight way


@dataclass(frozen=True)
class Cuts:
    """Where steps cut lines, sorted by step, then along the step.

    Attributes
    ----------
    step, row : arrays of int, shape (cuts,)
        Number of the step and of the line.
    share : array, shape (cuts,)
        Place along the step, 0..1.
    along_m : array, shape (cuts,)
        Distance along the line [m].
    angle_deg : array, shape (cuts,)
        Between step and line, 0 (along) to 90 (straight across).
    """

    step: Ints
    row: Ints
    share: Floats
    along_m: Floats
    angle_deg: Floats

    def __len__(self) -> int:
        return len(self.step)


class LineIndex:
    """Lines as segments in a tree.

    Parameters
    ----------
    lines : sequence of Geometry
        LineString or MultiLineString, in metres.

    Examples
    --------
    >>> index = LineIndex([shapely.LineString([(0, -10), (0, 10)])])
    >>> cuts = index.cuts(np.array([[-5.0, 0.0]]), np.array([[5.0, 0.0]]))
    >>> cuts.share.tolist(), cuts.along_m.tolist(), cuts.angle_deg.tolist()
    ([0.5], [10.0], [90.0])
    """

    def __init__(self, lines: Sequence[Any] | NDArray[np.object_]) -> None:
        shapes = np.asarray(lines, dtype=object)
        parts, part_row = shapely.get_parts(shapes, return_index=True)
        xy, part = shapely.get_coordinates(parts, return_index=True)
        joined = part[1:] == part[:-1]
        self.a, self.b = xy[:-1][joined], xy[1:][joined]
        self.row: Ints = np.asarray(part_row[part[:-1][joined]], dtype=np.int64)
        length = np.hypot(*(self.b - self.a).T)
        whole = np.cumsum(length)
        first = np.flatnonzero(np.r_[True, np.diff(self.row) != 0]) if len(self.row) else np.zeros(0, int)
        before = whole - length
        self.start_m = before - np.repeat(before[first], np.diff(np.r_[first, len(self.row)]))
        self.length_m = length
        self.tree = shapely.STRtree(shapely.linestrings(np.stack([self.a, self.b], axis=1)))
        self.rows = len(shapes)

    def _pairs(self, a: Floats, b: Floats, reach: float) -> tuple[Ints, Ints]:
        """(step, segment) whose bounding boxes, grown by ``reach``, meet."""
        low, high = np.minimum(a, b) - reach, np.maximum(a, b) + reach
        ends = np.stack([low, high], axis=1)  # a diagonal has the bounding box of its box
        found = [
            self.tree.query(shapely.linestrings(ends[i : i + CHUNK])) + [[i], [0]]
            for i in range(0, len(a), CHUNK)
        ]
        step, segment = np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)
        return step, segment

    def cuts(self, a: Floats, b: Floats) -> Cuts:
        """Where the steps from ``a`` to ``b``, shape (steps, 2), cut the lines."""
        step, seg = self._pairs(a, b, 0.0)
        p, q, c, d = a[step], b[step], self.a[seg], self.b[seg]
        side_p, side_q = cross(d - c, p - c), cross(d - c, q - c)
        side_c, side_d = cross(q - p, c - p), cross(q - p, d - p)
        met = ((side_p >= 0) != (side_q >= 0)) & ((side_c >= 0) != (side_d >= 0))
        step, seg, p, q, c, d = step[met], seg[met], p[met], q[met], c[met], d[met]
        share = side_p[met] / (side_p[met] - side_q[met])
        on_line = side_c[met] / (side_c[met] - side_d[met])
        angle = np.degrees(np.arctan2(np.abs(cross(q - p, d - c)), np.abs(np.sum((q - p) * (d - c), axis=1))))
        order = np.lexsort((share, step))
        at = self.start_m[seg] + on_line * self.length_m[seg]
        return Cuts(step[order], self.row[seg][order], share[order], at[order], angle[order])

    def near(self, xy: Floats, reach: float | Floats) -> tuple[Ints, Ints]:
        """(point, line) within ``reach`` [m] of each other, each pair once, sorted by point."""
        found = []
        for i in range(0, len(xy), CHUNK):
            part = slice(i, i + CHUNK)
            far = np.broadcast_to(np.asarray(reach, float), len(xy))[part]
            point, seg = self.tree.query(shapely.points(xy[part]), predicate="dwithin", distance=far)
            found.append(np.unique(np.stack([point + i, self.row[seg]]), axis=1))
        point, row = np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)
        return point, row

    def within(self, a: Floats, b: Floats, reach: float) -> tuple[Ints, Ints, Floats, Floats]:
        """Parts of steps that run within ``reach`` [m] of a line.

        Returns
        -------
        step, row : arrays of int
        start, end : arrays
            Shares of the step, 0..1; one part for every segment of a line that it comes near to.
        """
        found = []
        for i in range(0, len(a), CHUNK):
            p, q = a[i : i + CHUNK], b[i : i + CHUNK]
            step, seg = self._pairs(p, q, reach)
            start, end = _capsule(p[step], q[step], self.a[seg], self.b[seg], reach)
            keep = end > start
            found.append((step[keep] + i, self.row[seg[keep]], start[keep], end[keep]))
        if not found:
            none = np.zeros(0, np.int64)
            return none, none, np.zeros(0), np.zeros(0)
        step, row, start, end = (np.concatenate(column) for column in zip(*found, strict=True))
        return step, row, start, end


def joined_lines(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Lines joined wherever they go on, without vertices on a straight way, each from its lesser end, in order of their places.

    The same however the lines were cut into rows, ordered or drawn.

    Examples
    --------
    >>> cut = [shapely.LineString([(5, 0), (10, 0)]), shapely.LineString([(5, 0), (0, 0)])]
    >>> joined_lines(np.array(cut, dtype=object)).tolist()
    [<LINESTRING (0 0, 10 0)>]
    """
    parts = shapely.get_parts(shapely.line_merge(shapely.union_all(shapes)))
    parts = shapely.normalize(shapely.simplify(parts, STRAIGHT_M))
    box = shapely.bounds(parts)
    return np.asarray(parts[np.lexsort(box.T[::-1])], dtype=object)


def cross(u: Floats, v: Floats) -> Floats:
    """The third component of the cross product of plane vectors."""
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


def _capsule(p: Floats, q: Floats, c: Floats, d: Floats, reach: float) -> tuple[Floats, Floats]:
    """Where the steps p to q are within ``reach`` of the segments c to d: two discs and a band, one interval in all."""
    spans = [_disc(p, q, c, reach), _disc(p, q, d, reach), _band(p, q, c, d, reach)]
    start = np.minimum.reduce([np.where(e > s, s, np.inf) for s, e in spans])
    end = np.maximum.reduce([np.where(e > s, e, -np.inf) for s, e in spans])
    return start, end


def _disc(p: Floats, q: Floats, centre: Floats, reach: float) -> tuple[Floats, Floats]:
    v, w = q - p, p - centre
    aa, bb, cc = np.sum(v * v, axis=1), np.sum(v * w, axis=1), np.sum(w * w, axis=1) - reach * reach
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(bb * bb - aa * cc)
        start, end = (-bb - root) / aa, (-bb + root) / aa
    good = np.isfinite(start)
    return np.where(good, np.maximum(start, 0.0), 0.0), np.where(good, np.minimum(end, 1.0), 0.0)


def _band(p: Floats, q: Floats, c: Floats, d: Floats, reach: float) -> tuple[Floats, Floats]:
    """Within the rectangle beside the segment."""
    axis = d - c
    length = np.hypot(*axis.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = axis / length[:, None]
        side = _slab(cross(unit, p - c), cross(unit, q - p), -reach, reach)
        ahead = _slab(np.sum(unit * (p - c), axis=1), np.sum(unit * (q - p), axis=1), 0.0, length)
    start, end = np.maximum(side[0], ahead[0]), np.minimum(side[1], ahead[1])
    good = length > 0
    return np.where(good, start, 0.0), np.where(good, end, 0.0)


def _slab(at: Floats, rate: Floats, low: Any, high: Any) -> tuple[Floats, Floats]:
    """Where at + rate t lies between low and high, t within 0..1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (low - at) / rate, (high - at) / rate
    start, end = np.minimum(one, two), np.maximum(one, two)
    still = rate == 0
    inside = (at >= low) & (at <= high)
    start = np.where(still, np.where(inside, 0.0, 1.0), start)
    end = np.where(still, np.where(inside, 1.0, 0.0), end)
    return np.clip(start, 0.0, 1.0), np.clip(end, 0.0, 1.0)


def joined_spans(owner: Ints, start: Floats, end: Floats) -> tuple[Ints, Floats, Floats]:
    """Overlapping spans of one owner as one, sorted by owner, then start.

    Examples
    --------
    >>> owner, start, end = joined_spans(np.array([0, 0, 0]), np.array([0.0, 0.1, 0.5]), np.array([0.2, 0.3, 0.6]))
    >>> start.tolist(), end.tolist()
    ([0.0, 0.5], [0.3, 0.6])
    """
    if len(owner) == 0:
        return owner, start, end
    order = np.lexsort((start, owner))
    owner, start, end = owner[order], start[order], end[order]
    # shares are 0..1: two apart by owner keeps the owners from touching
    code = np.unique(owner, return_inverse=True)[1] * 2.0
    furthest = np.maximum.accumulate(end + code)
    new = np.r_[True, (start + code)[1:] > furthest[:-1]]
    first = np.flatnonzero(new)
    return owner[first], start[first], np.maximum.reduceat(end, first)
