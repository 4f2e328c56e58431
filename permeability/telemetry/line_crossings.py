"""Crossings: where an animal got to the other side of a line, and not merely along it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.display import Face
from permeability.telemetry.line_classes import classes_of
from permeability.telemetry.line_index import Cuts, LineIndex
from permeability.telemetry.tracks import Tracks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ACCURACY_M = 10.0  # of a drawn line that does not say its own


@dataclass(frozen=True)
class Crossings(Face):
    """Crossings of lines by animals.

    Attributes
    ----------
    table : GeoDataFrame
        One row per crossing: ``animal``, ``time_from``, ``time_to`` (last fix before, first fix after), ``time`` (on the straight way
        between them), ``hours``, ``line``, ``barrier`` (id of the row), ``kind``, ``barrier_class``, ``km`` of the line, ``opening``
        (structure or gap within reach), ``angle_deg``, ``cuts`` (how often the way cut the line in this crossing), the place.
    tracks : Tracks
    barriers : Barriers
    along : int
        Times that the way cut a line without a crossing: both sides were not left by more than the errors, or it came back.
    open_ended : int
        Cuts at the very begin or end of a track, where one side was never left: not counted.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> found = pm.telemetry.crossings(tracks, barriers)
    >>> found.table[["animal", "line", "km"]].round(2).values.tolist()
    [['a', 'F', 2.27]]
    """

    table: gpd.GeoDataFrame
    tracks: Tracks = field(repr=False)
    barriers: Barriers = field(repr=False)
    along: int = 0
    open_ended: int = 0

    _face = "crossings"

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        animals = self.table["animal"].nunique()
        mark = "simulated tracks: " if self.tracks.simulated else ""
        return (
            f"Crossings({mark}{len(self):,} by {animals} of {len(self.tracks.animals)} animals; {self.along:,} times along a line, "
            f"{self.open_ended:,} at the end of a track not counted)"
        )


def crossings(
    tracks: Tracks,
    barriers: Barriers,
    *,
    error_m: float | None = None,
    max_gap_h: float | None = None,
    openings: gpd.GeoDataFrame | None = None,
    reach_m: float = 250.0,
) -> Crossings:
    """Where animals crossed lines.

    A crossing counts when the animal was farther from the line than the errors of fix and line together (root of the sum of their
    squares) before and after it, on different sides.  So a walk along a fence with fixes to its left and right is no crossing,
    and neither is a visit to the other side that none of its fixes shows.

    Parameters
    ----------
    tracks : Tracks
        In the coordinate system of the barriers.
    barriers : Barriers
        Their column ``accuracy_m`` is the error of a line (10 m where it is empty).
    error_m : float, optional
        Error of a fix [m]; that of the tracks by default.
    max_gap_h : float, optional
        Longest step [h]; 1.5 times the usual interval by default.  Nothing is said of what happened in a gap.
    openings : GeoDataFrame, optional
        Structures and gaps (points with ``id``): the nearest within ``reach_m`` of a crossing is named.
    reach_m : float
        [m].

    Returns
    -------
    Crossings

    Raises
    ------
    LayerError
        F02, F03 for tracks that cannot be used.
    GridMismatchError
        F04 for tracks in another coordinate system.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> len(crossings(tracks, barriers)), len(crossings(tracks, barriers, error_m=1000))
    (1, 0)
    """
    tracks.require_usable(barriers.table.crs)
    index = LineIndex(barriers.table.geometry.to_numpy())
    steps = tracks.steps(max_gap_h)
    cuts = index.cuts(tracks.xy[steps], tracks.xy[steps + 1])
    passages = find_passages(
        tracks, index, cuts, steps, both_errors(tracks, barriers, error_m), line_codes(barriers)
    )
    return Crossings(
        _table(tracks, barriers, cuts, steps, passages, openings, reach_m),
        tracks,
        barriers,
        passages.along,
        passages.open_ended,
    )


@dataclass(frozen=True)
class Passages:
    """Runs of cuts that are crossings: numbers of their first, middle and last cut, and how many they hold."""

    first: Ints
    middle: Ints
    last: Ints
    size: Ints
    along: int
    open_ended: int


def line_codes(barriers: Barriers) -> Ints:
    """Number of the line of every row: rows of one line are crossed together."""
    return np.asarray(pd.factorize(barriers.table["line"])[0], dtype=np.int64)


def both_errors(tracks: Tracks, barriers: Barriers, error_m: float | None) -> float:
    """Error of fix and line together [m]: the root of the sum of squares, of the usual fix and the worst line."""
    fix = float(np.nanmedian(tracks.error_m)) if error_m is None else float(error_m)
    stated = pd.to_numeric(barriers.table["accuracy_m"], errors="coerce").to_numpy(float)
    line = float(np.nanmax(np.where(np.isfinite(stated), stated, ACCURACY_M)))
    return float(np.hypot(fix, line))


def find_passages(
    tracks: Tracks, index: LineIndex, cuts: Cuts, steps: Ints, reach: float, codes: Ints
) -> Passages:
    """Crossings among the cuts of steps with lines.

    Cuts of one line by one animal between which no fix (and, within one step, not the middle of the way) left the line by more than
    ``reach`` are one run; a run is a crossing when the line was left before and after it and cut an odd number of times.
    """
    if len(cuts) == 0:
        none = np.zeros(0, np.int64)
        return Passages(none, none, none, none, 0, 0)
    piece = _pieces(tracks, steps)
    fix = steps[cuts.step]  # the fix before the cut
    line = codes[cuts.row]
    order = np.lexsort((cuts.share, fix, line))
    fix, line = fix[order], line[order]
    near = _NearCount(tracks, index, codes, reach)
    begin, end = piece.first[piece.of_fix[fix]], piece.last[piece.of_fix[fix]]
    same = (np.diff(line) == 0) & (np.diff(piece.of_fix[fix]) == 0)
    between = near.left(line[1:], fix[:-1] + 1, fix[1:])
    within = np.flatnonzero(same & (np.diff(fix) == 0))  # two cuts of one line in one step
    share = cuts.share[order]
    middle = tracks.xy[fix[within]] + ((share[within] + share[within + 1]) / 2)[:, None] * (
        tracks.xy[fix[within] + 1] - tracks.xy[fix[within]]
    )
    between[within] = ~near.places(line[within], middle)
    first = np.flatnonzero(np.r_[True, ~same | between])
    last = np.r_[first[1:], len(fix)] - 1
    size = last - first + 1
    # between two runs of one line the line was left; at the begin and end of a piece that must be seen
    before = _same_run(line, piece.of_fix[fix], first, -1) | near.left(line[first], begin[first], fix[first])
    after = _same_run(line, piece.of_fix[fix], last, +1) | near.left(line[last], fix[last] + 1, end[last])
    odd = size % 2 == 1
    good = odd & before & after
    return Passages(
        order[first[good]], order[(first + size // 2)[good]], order[last[good]], size[good], int(np.sum(~odd)),
        int(np.sum(odd & ~(before & after))),
    )  # fmt: skip


def _same_run(line: Ints, piece: Ints, at: Ints, shift: int) -> NDArray[np.bool_]:
    """Whether the cut next to a run (before: -1, after: +1) is of the same line and piece."""
    other = at + shift
    inside = (other >= 0) & (other < len(line))
    other = np.clip(other, 0, len(line) - 1)
    return np.asarray(inside & (line[other] == line[at]) & (piece[other] == piece[at]))


@dataclass(frozen=True)
class _Pieces:
    of_fix: Ints
    first: Ints
    last: Ints


def _pieces(tracks: Tracks, steps: Ints) -> _Pieces:
    """Stretches of fixes without a gap."""
    joined = np.zeros(max(len(tracks) - 1, 0), bool)
    joined[steps] = True
    of_fix = np.r_[0, np.cumsum(~joined)].astype(np.int64)
    first = np.flatnonzero(np.r_[True, ~joined])
    return _Pieces(of_fix, first, np.r_[first[1:] - 1, len(tracks) - 1])


class _NearCount:
    """Whether any fix of a stretch left a line; fixes are looked up only when they are asked for."""

    def __init__(self, tracks: Tracks, index: LineIndex, codes: Ints, reach: float) -> None:
        self.xy, self.index, self.codes, self.reach = tracks.xy, index, codes, reach
        self.known = np.zeros(len(tracks), bool)
        self.keys = np.zeros(0, np.int64)

    def left(self, line: Ints, first: Ints, last: Ints) -> NDArray[np.bool_]:
        """Whether any of the fixes first..last is farther from the line than the reach."""
        some = last >= first
        self._learn(np.r_[first[some], last[some]])
        out = np.zeros(len(line), bool)
        out[some] = ~(self._near(line[some], first[some]) & self._near(line[some], last[some]))
        open_ = np.flatnonzero(some & ~out & (last - first > 1))
        if len(open_):  # near at both ends: what lies between them decides
            inner = np.concatenate(
                [np.arange(a, b) for a, b in zip(first[open_] + 1, last[open_], strict=True)]
            )
            self._learn(inner)
            low = np.searchsorted(self.keys, self._key(line[open_], first[open_]))
            high = np.searchsorted(self.keys, self._key(line[open_], last[open_]), side="right")
            out[open_] = high - low < last[open_] - first[open_] + 1
        return out

    def places(self, line: Ints, xy: Floats) -> NDArray[np.bool_]:
        """Whether places that are no fixes are near to lines."""
        point, row = self.index.near(xy, self.reach)
        out = np.zeros(len(xy), bool)
        out[point[self.codes[row] == line[point]]] = True
        return out

    def _key(self, line: Ints, fix: Ints) -> Ints:
        return np.asarray(line * len(self.xy) + fix)

    def _near(self, line: Ints, fix: Ints) -> NDArray[np.bool_]:
        key = self._key(line, fix)
        at = np.searchsorted(self.keys, key)
        return (
            np.asarray((at < len(self.keys)) & (self.keys[np.minimum(at, len(self.keys) - 1)] == key))
            if len(self.keys)
            else np.zeros(len(key), bool)
        )

    def _learn(self, fixes: Ints) -> None:
        """Look up which lines are near to fixes that are not known yet."""
        wanted = np.zeros(len(self.known), bool)
        wanted[fixes] = True
        new = np.flatnonzero(wanted & ~self.known)
        if len(new) == 0:
            return
        point, row = self.index.near(self.xy[new], self.reach)
        self.keys = np.unique(np.r_[self.keys, self._key(self.codes[row], new[point])])
        self.known[new] = True


def _table(
    tracks: Tracks,
    barriers: Barriers,
    cuts: Cuts,
    steps: Ints,
    found: Passages,
    openings: Any,
    reach_m: float,
) -> gpd.GeoDataFrame:
    """One row per crossing, at the middle one of its cuts; sorted by animal and time."""
    fix, end = steps[cuts.step[found.first]], steps[cuts.step[found.last]] + 1
    order = np.lexsort((cuts.share[found.first], fix))
    middle, fix, end, size = found.middle[order], fix[order], end[order], found.size[order]
    row, share, step = cuts.row[middle], cuts.share[middle], steps[cuts.step[middle]]
    place = tracks.xy[step] + share[:, None] * (tracks.xy[step + 1] - tracks.xy[step])
    at = tracks.seconds[step] + share * (tracks.seconds[step + 1] - tracks.seconds[step])
    table = barriers.table
    columns = {
        "animal": np.asarray(tracks.animals, dtype=object)[tracks.number[fix]],
        "time_from": pd.to_datetime(tracks.seconds[fix], unit="s", utc=True),
        "time_to": pd.to_datetime(tracks.seconds[end], unit="s", utc=True),
        "time": pd.to_datetime(np.round(at), unit="s", utc=True),
        "hours": (tracks.seconds[end] - tracks.seconds[fix]) / 3600,
        "line": table["line"].to_numpy()[row],
        "barrier": table["id"].to_numpy()[row],
        "kind": table["kind"].to_numpy()[row],
        "barrier_class": classes_of(table)[row],
        "km": _km(barriers, row, cuts.along_m[middle]),
        "opening": _opening(place, openings, reach_m, barriers),
        "angle_deg": cuts.angle_deg[middle],
        "cuts": size,
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*place.T), crs=tracks.crs)


def _km(barriers: Barriers, row: Ints, along: Floats) -> Floats:
    """Kilometre of places given by their distance along the drawn rows."""
    out = np.full(len(row), np.nan)
    order = np.argsort(row, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(row[order])) + 1) if len(row) else ():
        out[mine] = barriers.chainages[row[mine[0]]].km_at(along[mine])
    return out


def _opening(place: Floats, openings: Any, reach_m: float, barriers: Barriers) -> NDArray[np.object_]:
    """Id of the nearest opening within reach of each crossing; empty elsewhere."""
    out = np.full(len(place), "", dtype=object)
    if openings is None or len(openings) == 0 or len(place) == 0:
        return out
    points = gpd.GeoSeries(gpd.points_from_xy(*place.T), crs=barriers.table.crs)
    layer = openings.to_crs(barriers.table.crs)
    at, which = layer.sindex.nearest(points, max_distance=reach_m, return_all=False)
    out[at] = layer["id"].astype(str).to_numpy()[which]
    return out
