"""Encounters with barriers, named by the rules of Xu et al. 2021.

An encounter is a run of fixes within a buffer of the lines.  Short ones are a quick cross or a bounce; long ones trapped; those in
between are told apart by how straight they are compared with the animal's own way around that time.  The names describe; what a
crossing costs is measured by :mod:`permeability.telemetry.measured_cost`, which needs no names.

References
----------
Xu et al. 2021, Journal of Applied Ecology 58:690-698, doi:10.1111/1365-2664.13806.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.telemetry.tracks import Tracks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES = ("quick_cross", "bounce", "average_movement", "back_and_forth", "trace", "trapped", "unknown")
QUARTER = 5  # segments a quarter circle of the buffer
RIM = 0.03  # part of the width within which a round end of that many segments, and a simplified outline, may differ from a true circle


@dataclass(frozen=True)
class Rules:
    """The thresholds of an analysis of encounters.

    Attributes
    ----------
    buffer_m : float
        Half width of the buffer [m].
    interval_h : float
        Between fixes [h].
    short_h, trapped_h, window_h, tolerance_h : float
        Longest short encounter; shortest trapped one; window of comparison; gap outside that still belongs to an encounter [h].
    max_crossings : int
        An encounter with more is neither back-and-forth nor trace.
    sd_multiplier : float
        Standard deviations that count as average.
    exclude_buffer : bool
        Compare with ways outside of encounters only.

    Examples
    --------
    >>> Rules(110, 2.0).short_h
    4.0
    """

    buffer_m: float
    interval_h: float
    short_h: float = 4.0
    trapped_h: float = 36.0
    window_h: float = 168.0
    tolerance_h: float = 0.0
    max_crossings: int = 1
    sd_multiplier: float = 1.0
    exclude_buffer: bool = False


@dataclass(frozen=True)
class Encounters(Face):
    """Encounters of animals with lines.

    Attributes
    ----------
    table : GeoDataFrame
        One row per encounter: ``animal``, ``encounter``, ``start``, ``end`` (UTC), ``hours``, ``fixes``, ``crossings``,
        ``straightness``, ``window_mean``, ``window_sd``, ``behaviour`` (one of ``CLASSES``), the place of its first fix.
    tracks : Tracks
    barriers : Barriers
    rules : Rules

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> pm.telemetry.encounters(tracks, barriers, buffer_m=110).table["behaviour"].tolist()
    ['quick_cross']
    """

    table: gpd.GeoDataFrame
    tracks: Tracks = field(repr=False)
    barriers: Barriers = field(repr=False)
    rules: Rules

    _face = "encounters"

    def __len__(self) -> int:
        return len(self.table)

    @property
    def counts(self) -> pd.Series:
        """Encounters by behaviour."""
        return self.table["behaviour"].value_counts().reindex(list(CLASSES), fill_value=0)

    def __repr__(self) -> str:
        told = ", ".join(f"{n} {str(k).replace('_', ' ')}" for k, n in self.counts.items() if n)
        mark = "simulated tracks: " if self.tracks.simulated else ""
        return f"Encounters({mark}{len(self):,} of {self.table['animal'].nunique()} animals; {told})"


def encounters(
    tracks: Tracks,
    barriers: Barriers,
    *,
    buffer_m: float = 110.0,
    interval_h: float | None = None,
    short_h: float = 4.0,
    trapped_h: float = 36.0,
    window_h: float = 168.0,
    tolerance_h: float = 0.0,
    max_crossings: int = 1,
    sd_multiplier: float = 1.0,
    exclude_buffer: bool = False,
) -> Encounters:
    """Encounters with barriers and how the animal behaved, by the rules of Xu et al. 2021.

    Parameters
    ----------
    tracks : Tracks
        In the coordinate system of the barriers, all at one fix rate.
    barriers : Barriers
    buffer_m, interval_h, short_h, trapped_h, window_h, tolerance_h, max_crossings, sd_multiplier, exclude_buffer
        See :class:`Rules`; the interval is the most frequent one by default.

    Returns
    -------
    Encounters

    Raises
    ------
    LayerError
        F02, F03 for tracks that cannot be used.
    GridMismatchError
        F04 for tracks in another coordinate system.
    OptionError
        F22 when a threshold is shorter than the interval between fixes.

    References
    ----------
    Xu et al. 2021, doi:10.1111/1365-2664.13806.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> encounters(tracks, barriers, buffer_m=110, short_h=2).table[["hours", "crossings", "behaviour"]].values.tolist()
    [[3.0, 3, 'unknown']]
    """
    tracks.require_usable(barriers.table.crs)
    step = tracks.interval_h if interval_h is None else float(interval_h)
    rules = Rules(
        buffer_m,
        step,
        short_h,
        trapped_h,
        window_h,
        tolerance_h,
        max_crossings,
        sd_multiplier,
        exclude_buffer,
    )
    if not min(short_h, trapped_h, window_h) >= step or (tolerance_h > 0 and tolerance_h < step):
        raise OptionError(
            "F22", f"a threshold is shorter than the interval of {step:.3g} h between fixes.",
            details={"short_h, trapped_h, window_h, tolerance_h": (short_h, trapped_h, window_h, tolerance_h)},
            remedy="give thresholds of at least one interval, or finer fixes",
        )  # fmt: skip
    runs = _runs(tracks, barriers, rules)
    rows = [_row(e, runs, rules) for e in range(len(runs.first))]
    _count_crossings(rows, runs, barriers)
    for row in rows:
        _name(row, rules, runs)
    return Encounters(_table(rows, tracks), tracks, barriers, rules)


@dataclass(frozen=True)
class _Runs:
    """Encounters as lists of fixes, and the way of each animal with lengths for straightness."""

    tracks: Tracks
    first: Ints
    last: Ints
    member: list[Ints]
    label: Floats
    inside: NDArray[np.bool_]  # fixes that belong to an encounter
    begin: Ints  # first fix of the animal of each fix
    end: Ints  # last fix of it


def _runs(tracks: Tracks, barriers: Barriers, rules: Rules) -> _Runs:
    fixes = _inside(tracks.xy, barriers.table.geometry.to_numpy(), rules.buffer_m)
    hours = tracks.seconds[fixes] / 3600
    gap = np.round(np.diff(hours) - rules.interval_h, 1)
    same = np.diff(tracks.number[fixes]) == 0
    bridged = (gap >= rules.interval_h) & (gap <= rules.tolerance_h)
    # a gap without fixes in it is missing data within the tolerance; with fixes, they join the encounter
    counted = np.where(bridged, 0.0, gap)
    new = np.r_[True, ~same | (counted != 0)] if len(fixes) else np.zeros(0, bool)
    start = np.flatnonzero(new)
    stop = np.r_[start[1:], len(fixes)][: len(start)] - 1  # nobody came near a line: no start, no stop
    member = [np.arange(fixes[a], fixes[b] + 1) for a, b in zip(start, stop, strict=True)]
    inside = np.zeros(len(tracks), bool)
    for m in member:
        inside[m] = True
    label = _labels(counted, same, start)
    number = tracks.number
    begin = np.searchsorted(number, np.arange(len(tracks.animals)))[number]
    end = np.searchsorted(number, np.arange(len(tracks.animals)), side="right")[number] - 1
    return _Runs(tracks, fixes[start], fixes[stop], member, label, inside, begin, end)


def _inside(xy: Floats, lines: NDArray[np.object_], buffer_m: float) -> Ints:
    """Numbers of the fixes in or on the buffer of a line.

    The buffer is a polygon that differs from all places within its width only near its rim, so only lines that have a fix there are
    buffered at all.
    """
    points = shapely.points(xy)
    fix, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=buffer_m * (1 + RIM))
    far = shapely.distance(points[fix], lines[line])
    sure = np.zeros(len(xy), bool)
    sure[fix[far <= buffer_m * (1 - RIM)]] = True
    open_ = ~sure[fix]
    fix, line = fix[open_], line[open_]
    asked, which = np.unique(line, return_inverse=True)
    area = shapely.buffer(lines[asked], buffer_m, quad_segs=QUARTER)
    sure[fix[shapely.intersects(points[fix], area[which])]] = True
    return np.flatnonzero(sure)


def _labels(counted: Floats, same: NDArray[np.bool_], start: Ints) -> Floats:
    """Running sum of the gaps of each animal, by which an encounter is called."""
    total = np.r_[0.0, np.cumsum(np.where(same, counted, 0.0))] if len(start) else np.zeros(0)
    fresh = np.r_[True, ~same] if len(start) else np.zeros(0, bool)
    base = (
        np.maximum.accumulate(np.where(fresh, np.arange(len(total)), 0)) if len(total) else np.zeros(0, int)
    )
    return np.asarray((total - total[base])[start])


def _row(e: int, runs: _Runs, rules: Rules) -> dict[str, Any]:
    """Facts of one encounter, and the way along which its crossings are counted."""
    t, fixes = runs.tracks, runs.member[e]
    first, last = int(runs.first[e]), int(runs.last[e])
    hours = (t.seconds[last] - t.seconds[first]) / 3600
    short = hours <= rules.short_h
    before, after = first > runs.begin[first], last < runs.end[first]
    way = fixes
    if short:
        way = np.arange(fixes[0] - before, fixes[-1] + 1 + after)
    return {
        "e": e, "animal": t.animals[t.number[first]], "encounter": f"{t.animals[t.number[first]]}_{runs.label[e]:g}",
        "first": first, "last": last, "hours": float(hours), "fixes": len(fixes), "short": short, "whole": bool(before and after),
        "way": way, "crossings": 0, "straightness": straightness(t.xy[fixes], t.seconds[fixes]), "window_mean": np.nan,
        "window_sd": np.nan, "behaviour": "unknown",
    }  # fmt: skip


def straightness(xy: Floats, seconds: Floats) -> float:
    """Straight distance between the ends over the length of the way; NaN for one fix, repeated times or no length.

    Examples
    --------
    >>> straightness(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]), np.arange(3.0))
    0.7142857142857143
    """
    if len(xy) < 2 or not (np.diff(seconds) > 0).all():
        return float("nan")
    length = float(np.hypot(*np.diff(xy, axis=0).T).sum())
    return float(np.hypot(*(xy[-1] - xy[0]))) / length if length > 0 else float("nan")


def _count_crossings(rows: list[dict[str, Any]], runs: _Runs, barriers: Barriers) -> None:
    """Points that each way shares with the lines, line by line; an overlap counts its vertices."""
    lines = barriers.table.geometry.to_numpy()
    long = [i for i, r in enumerate(rows) if len(r["way"]) > 1]
    if not long:
        return
    fixes = np.concatenate([rows[i]["way"] for i in long])
    owner = np.repeat(np.arange(len(long)), [len(rows[i]["way"]) for i in long])
    ways = shapely.linestrings(runs.tracks.xy[fixes], indices=owner)
    way, line = shapely.STRtree(lines).query(ways, predicate="intersects")
    shared = shapely.intersection(ways[way], lines[line])
    points = np.bincount(way, weights=shapely.get_num_coordinates(shared), minlength=len(ways))
    for i, n in zip(long, points, strict=True):
        rows[i]["crossings"] = int(n)


def _name(row: dict[str, Any], rules: Rules, runs: _Runs) -> None:
    """The behaviour, after the crossings were counted."""
    if row["short"]:
        if row["crossings"] > 0:
            row["behaviour"] = "quick_cross"
        elif row["whole"]:
            row["behaviour"] = "bounce"
        return
    if row["hours"] > rules.trapped_h:
        row["behaviour"] = "trapped"
        return
    values = _surrounding(row, rules, runs)
    mean = float(np.mean(values)) if len(values) else float("nan")
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    row["window_mean"], row["window_sd"] = mean, sd
    if len(values) < (rules.window_h / rules.interval_h + 1) / 4:
        return
    low, high = mean - rules.sd_multiplier * sd, mean + rules.sd_multiplier * sd
    s = row["straightness"]
    if low <= s <= high:
        row["behaviour"] = "average_movement"
    elif row["crossings"] <= rules.max_crossings:
        row["behaviour"] = "back_and_forth" if s < low else "trace" if s > high else "unknown"


def _surrounding(row: dict[str, Any], rules: Rules, runs: _Runs) -> Floats:
    """Straightness of all ways of the encounter's duration around its time."""
    t, i = runs.tracks, rules.interval_h
    first, last = int(runs.begin[row["first"]]), int(runs.end[row["first"]])
    half = rules.window_h * 3600 / 2
    seconds = t.seconds[first : last + 1]
    a = first + np.searchsorted(seconds, t.seconds[row["first"]] - half, side="left")
    b = first + np.searchsorted(seconds, t.seconds[row["last"]] + half, side="right")
    fixes = np.arange(a, b)
    if rules.exclude_buffer:
        fixes = fixes[~runs.inside[fixes]]
    cut = np.flatnonzero(np.round(np.diff(t.seconds[fixes]) / 3600, 1) != i) + 1
    return np.concatenate([np.zeros(0), *(_ways(t, p, row["hours"], i) for p in np.split(fixes, cut))])


def _ways(t: Tracks, fixes: Ints, hours: float, interval: float) -> Floats:
    """Straightness of all runs of one duration within a piece without gaps; undefined ones left out."""
    n = round(hours / interval) + 1
    if len(fixes) < 2 or t.seconds[fixes[-1]] - t.seconds[fixes[0]] < hours * 3600 or n < 2:
        return np.zeros(0)
    later = np.flatnonzero(t.seconds[fixes] > t.seconds[fixes[-1]] - hours * 3600)
    starts = np.arange(0, int(later[0])) if len(later) else np.arange(len(fixes))
    starts = starts[starts + n <= len(fixes)]
    xy = t.xy[fixes]
    length = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
    ways = length[starts + n - 1] - length[starts]
    straight = np.hypot(*(xy[starts + n - 1] - xy[starts]).T)
    good = ways > 0
    return np.asarray(straight[good] / ways[good])


def _table(rows: list[dict[str, Any]], tracks: Tracks) -> gpd.GeoDataFrame:
    first = np.asarray([r["first"] for r in rows], dtype=np.int64)
    last = np.asarray([r["last"] for r in rows], dtype=np.int64)
    names = (
        "animal",
        "encounter",
        "hours",
        "fixes",
        "crossings",
        "straightness",
        "window_mean",
        "window_sd",
        "behaviour",
    )
    columns: dict[str, Any] = {k: [r[k] for r in rows] for k in names}
    columns["start"] = pd.to_datetime(tracks.seconds[first], unit="s", utc=True)
    columns["end"] = pd.to_datetime(tracks.seconds[last], unit="s", utc=True)
    order = ["animal", "encounter", "start", "end", *names[2:]]
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*tracks.xy[first].T), crs=tracks.crs)[
        [*order, "geometry"]
    ]
