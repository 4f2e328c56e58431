"""Fixes of animals: who, when, where, how exact; what is wrong with them; and their regular pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from permeability.core.display import Face
from permeability.core.errors import (
    Finding,
    GridMismatchError,
    LayerError,
    OptionError,
    check_choice,
)
from permeability.layers.grid import describe_crs, parse_crs, require_metres
from permeability.telemetry import faults
from permeability.telemetry.faults import DROPPABLE

__all__ = ["Bursts", "Tracks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ERROR_M = 20.0  # of a collar fix under open sky
GAP_FACTOR = 1.5  # a step longer than this times the usual interval is a gap


@dataclass(frozen=True)
class Tracks(Face):
    """Fixes in the order of animal and time.

    Parameters
    ----------
    animals : tuple of str
    number : array of int, shape (fixes,)
        Which animal.
    seconds : array, shape (fixes,)
        Since 1970 in UTC [s]; NaN where there is no time.
    xy : array, shape (fixes, 2)
        In ``crs``; NaN where there is no place.
    error_m : array, shape (fixes,)
        How far off a fix may be [m].
    crs : CRS
    row : array of int, shape (fixes,)
        Row in the source, from 0.
    notes : tuple of Finding
        What was found and done while reading.
    source : str
        File or data set.
    simulated : bool
        True for tracks that no animal walked.
    max_speed_kmh : float
        Above this a fix counts as impossible [km/h].
    marked : array of bool, shape (fixes,)
        Marked as an outlier by whoever kept the data.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks = pm.telemetry.read_tracks(pd.DataFrame({
    ...     "animal": ["a"] * 3, "time": pd.date_range("2024-01-01", periods=3, freq="2h", tz="UTC"),
    ...     "x": [0.0, 500.0, 900.0], "y": [9.0, 9.0, 9.0]}), crs=32648)
    >>> tracks
    Tracks(3 fixes of 1 animal, 2024-01-01 to 2024-01-01, every 2 h; EPSG:32648)
    >>> len(tracks.bursts()), tracks.check()
    (3, [])
    """

    animals: tuple[str, ...]
    number: Ints
    seconds: Floats
    xy: Floats
    error_m: Floats
    crs: CRS
    row: Ints
    notes: tuple[Finding, ...] = ()
    source: str = ""
    simulated: bool = False
    max_speed_kmh: float = 120.0
    marked: NDArray[np.bool_] | None = None

    _face = "tracks"

    def __len__(self) -> int:
        return len(self.seconds)

    def __repr__(self) -> str:
        n = len(self.animals)
        days = [pd.Timestamp(s, unit="s").strftime("%Y-%m-%d") for s in _ends(self.seconds)]
        when = f", {days[0]} to {days[1]}" if days else ""
        step = self.interval_h
        every = f", every {step:.3g} h" if np.isfinite(step) else ""
        mark = "simulated, no animal walked them: " if self.simulated else ""
        return f"Tracks({mark}{len(self):,} fixes of {n} animal{'s' if n != 1 else ''}{when}{every}; {describe_crs(self.crs)})"

    @property
    def grade(self) -> str:
        """Evidence grade of what is measured from them: a number from tracks that no animal walked is a placeholder."""
        return "X" if self.simulated else "measured"

    @property
    def table(self) -> gpd.GeoDataFrame:
        """One row per fix: ``animal``, ``time`` (UTC), ``error_m``, ``row`` in the source, the place."""
        return gpd.GeoDataFrame(
            {
                "animal": np.asarray(self.animals, dtype=object)[self.number],
                "time": pd.to_datetime(self.seconds, unit="s", utc=True),
                "error_m": self.error_m,
                "row": self.row,
                "simulated": self.simulated,
            },
            geometry=gpd.points_from_xy(*self.xy.T),
            crs=self.crs,
        )

    def to_geodataframe(self) -> gpd.GeoDataFrame:
        """The same as :attr:`table`."""
        return self.table

    def to_movingpandas(self) -> Any:
        """A movingpandas ``TrajectoryCollection``; F07 when movingpandas is not installed."""
        try:
            import movingpandas  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError as error:
            raise OptionError(
                "F07", "movingpandas is not installed.", remedy="pip install movingpandas"
            ) from error
        table = self.table.set_index(pd.DatetimeIndex(self.table["time"]).tz_localize(None))
        return movingpandas.TrajectoryCollection(table.drop(columns="time"), traj_id_col="animal")

    @cached_property
    def interval_h(self) -> float:
        """The most frequent interval between fixes, to the minute [h]; NaN without two fixes."""
        minutes = np.round(self.dt_s / 60)
        minutes = minutes[np.isfinite(minutes) & (minutes > 0)]
        if len(minutes) == 0:
            return float("nan")
        values, counts = np.unique(minutes, return_counts=True)
        return float(values[np.argmax(counts)]) / 60

    @cached_property
    def dt_s(self) -> Floats:
        """Seconds from each fix to the next of the same animal, shape (fixes - 1,); NaN between animals."""
        dt = np.diff(self.seconds)
        return np.where(np.diff(self.number) == 0, dt, np.nan)

    def steps(self, max_gap_h: float | None = None) -> Ints:
        """Fixes from which a step starts: the next fix is of the same animal and comes before a gap.

        Parameters
        ----------
        max_gap_h : float, optional
            Longest step [h]; 1.5 times the usual interval by default.
        """
        longest = GAP_FACTOR * self.interval_h if max_gap_h is None else max_gap_h
        return np.asarray(np.flatnonzero((self.dt_s > 0) & (self.dt_s <= longest * 3600)), dtype=np.int64)

    # ------------------------------------------------------------ faults
    def check(self) -> list[Finding]:
        """Everything that is wrong with the fixes, worst first: counted, with rows of the source and a remedy."""
        return faults.check(self)

    def clean(self, drop: str | Sequence[str] = "all") -> Tracks:
        """Without the fixes that have one of the named faults; what went is told in ``notes``.

        Parameters
        ----------
        drop : "all", or names of faults
            Of ``no_animal``, ``no_time``, ``no_place``, ``zero_place``, ``duplicate``, ``conflict``, ``too_fast``, ``marked``.
        """
        names = DROPPABLE if drop == "all" else (drop,) if isinstance(drop, str) else tuple(drop)
        for name in names:
            check_choice("drop", name, DROPPABLE)
        here = self
        for name in DROPPABLE:  # in this order: a duplicate may hide an impossible speed
            while name in names and (wrong := faults.mask(here, name)).any():
                note = Finding(
                    "F20", f"{int(wrong.sum()):,} fixes were dropped: {faults.WORDS[name]}.", "none: this was asked for",
                    layer=self.source or "tracks", rows=tuple(here.row[wrong].tolist()), severity="note",
                )  # fmt: skip
                here = replace(here.take(~wrong), notes=(*here.notes, note))
        return here

    def require_usable(self, crs: Any = None) -> None:
        """Refuse fixes without animal, time or place, with two places at one time, or in another system than ``crs``.

        Raises
        ------
        LayerError
            F03, with every fault and its count.
        GridMismatchError
            F04.
        """
        if len(self) == 0:
            raise LayerError(
                "F02",
                "there is no fix.",
                layer=self.source or "tracks",
                remedy="check the file and any filter",
            )
        found = [f for f in self.check() if f.severity == "error"]
        if found:
            raise LayerError(
                "F03", f"{len(found)} kinds of fault must be settled first.", layer=self.source or "tracks",
                details={f.code: f.what for f in found}, rows=[r for f in found for r in f.rows],
                remedy='mend them in the source, or leave these fixes out: tracks.clean() (or drop="all" when reading)',
            )  # fmt: skip
        require_metres(self.crs, layer=self.source or "tracks")
        if crs is not None and parse_crs(crs) != self.crs:
            raise GridMismatchError(
                "F04", f"the tracks are in {describe_crs(self.crs)}, the lines in {describe_crs(parse_crs(crs))}.",
                layer=self.source or "tracks", remedy="tracks.to_crs(barriers.table.crs)",
            )  # fmt: skip

    # ------------------------------------------------------------ other shapes
    def take(self, keep: NDArray[Any]) -> Tracks:
        """Some of the fixes, by a mask or numbers in order."""
        number = self.number[keep]
        used = np.unique(number)
        names = tuple(self.animals[i] for i in used)
        marked = None if self.marked is None else self.marked[keep]
        return replace(
            self, animals=names, number=np.searchsorted(used, number), seconds=self.seconds[keep], xy=self.xy[keep],
            error_m=self.error_m[keep], row=self.row[keep], marked=marked,
        )  # fmt: skip

    def of(self, animals: Sequence[str]) -> Tracks:
        """Only some animals.

        Raises
        ------
        OptionError
            F05 for an animal that is not there.
        """
        for name in animals:
            check_choice("animal", name, self.animals, code="F05")
        return self.take(np.isin(self.number, [self.animals.index(a) for a in animals]))

    def between(self, start: Any = None, end: Any = None) -> Tracks:
        """Only fixes from ``start`` on and before ``end`` (dates; without a time zone they are UTC)."""
        keep = np.ones(len(self), bool)
        if start is not None:
            keep &= self.seconds >= utc_seconds(start)
        if end is not None:
            keep &= self.seconds < utc_seconds(end)
        return self.take(keep)

    def to_crs(self, crs: Any) -> Tracks:
        """In another coordinate system."""
        target = parse_crs(crs)
        points = gpd.GeoSeries(gpd.points_from_xy(*self.xy.T), crs=self.crs).to_crs(target)
        return replace(self, xy=np.stack([points.x, points.y], axis=1), crs=target)

    def bursts(self, step_h: float | None = None, tolerance: float = 0.1) -> Bursts:
        """Regular pieces: fixes one step length apart, within a tolerance; gaps break them.

        Finer fixes are thinned: from each fix the one nearest to a step later is taken.

        Parameters
        ----------
        step_h : float, optional
            Step length [h]; the most frequent interval by default.
        tolerance : float
            Share of the step length by which a step may differ.

        Returns
        -------
        Bursts

        Raises
        ------
        OptionError
            F06 when there is no step of that length.
        """
        self.require_usable()
        step = self.interval_h if step_h is None else float(step_h)
        following = _following(self, step * 3600, tolerance * step * 3600)
        kept, burst = _chains(following)
        if len(kept) == 0:
            raise OptionError(
                "F06", f"no two fixes lie {step:.3g} h apart (within {tolerance:.0%}).",
                details={"usual interval": f"{self.interval_h:.3g} h"}, remedy="give step_h and tolerance that fit the fix rate",
            )  # fmt: skip
        return Bursts(self.take(kept), burst, step)


@dataclass(frozen=True)
class Bursts:
    """Regular pieces of tracks.

    Attributes
    ----------
    tracks : Tracks
        The fixes that belong to a piece of two or more.
    burst : array of int, shape (fixes,)
        Number of the piece.
    step_h : float
        Step length [h].

    Examples
    --------
    >>> import permeability as pm
    >>> times = pd.to_datetime(["2024-01-01 00:00", "2024-01-01 02:00", "2024-01-01 09:00", "2024-01-01 11:00"], utc=True)
    >>> tracks = pm.telemetry.read_tracks(pd.DataFrame({"animal": "a", "time": times, "x": range(4), "y": 5}), crs=32648)
    >>> tracks.bursts(2).burst.tolist()
    [0, 0, 1, 1]
    """

    tracks: Tracks
    burst: Ints
    step_h: float

    def __len__(self) -> int:
        return len(self.burst)

    def __repr__(self) -> str:
        pieces = int(self.burst.max()) + 1 if len(self.burst) else 0
        return f"Bursts({pieces:,} pieces, {len(self):,} fixes of {len(self.tracks.animals)} animals, step {self.step_h:.3g} h)"

    @property
    def table(self) -> gpd.GeoDataFrame:
        """The fixes with their piece."""
        return self.tracks.table.assign(burst=self.burst)

    @property
    def starts(self) -> Ints:
        """Fixes from which a step starts."""
        return np.asarray(np.flatnonzero(np.diff(self.burst) == 0), dtype=np.int64)


def _following(tracks: Tracks, step_s: float, slack_s: float) -> Ints:
    """For each fix the one of the same animal nearest to a step later; -1 where none is within the slack."""
    span = float(np.ptp(tracks.seconds)) + 4 * step_s + 1.0
    code = tracks.number * span + (tracks.seconds - tracks.seconds.min())
    target = code + step_s
    right = np.searchsorted(code, target)
    best = np.clip(right, 0, len(code) - 1)
    left = np.clip(right - 1, 0, len(code) - 1)
    best = np.where(np.abs(code[left] - target) <= np.abs(code[best] - target), left, best)
    good = (np.abs(code[best] - target) <= slack_s + 1e-6) & (best > np.arange(len(code)))
    return np.where(good, best, -1).astype(np.int64)


def _chains(following: Ints) -> tuple[Ints, Ints]:
    """Fixes of all chains of at least two, and the number of their chain."""
    used = np.zeros(len(following), bool)
    kept: list[int] = []
    chain: list[int] = []
    number = 0
    after, last = following.tolist(), -1
    for first in range(len(after)):
        if first <= last or used[first] or after[first] < 0:
            continue
        here = first
        while here >= 0 and not used[here]:
            used[here] = True
            kept.append(here)
            chain.append(number)
            last, here = here, after[here]
        number += 1
    return np.asarray(kept, np.int64), np.asarray(chain, np.int64)


def utc_seconds(when: Any) -> float:
    """Seconds since 1970 of a date; UTC where no time zone is named.

    Examples
    --------
    >>> utc_seconds("1970-01-02")
    86400.0
    """
    stamp = pd.Timestamp(when)
    return float((stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")).timestamp())


def _ends(seconds: Floats) -> list[float]:
    known = seconds[np.isfinite(seconds)]
    return [float(known.min()), float(known.max())] if len(known) else []
