"""What can be wrong with fixes: each fault found, counted and told; nothing is dropped here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import Finding

if TYPE_CHECKING:
    from permeability.telemetry.tracks import Tracks

Mask = NDArray[np.bool_]

DROPPABLE = ("no_animal", "no_time", "no_place", "zero_place", "marked", "duplicate", "conflict", "too_fast")
WORDS = {
    "no_animal": "they name no animal",
    "no_time": "they have no time that can be read",
    "no_place": "they have no place, or one outside the earth",
    "zero_place": "they lie at (0, 0)",
    "marked": "the source marks them as outliers",
    "duplicate": "the same animal, time and place stand before",
    "conflict": "the animal is at two places at one time",
    "too_fast": "they could only be reached at an impossible speed",
}
CODES = {
    "no_animal": "F10", "no_time": "F11", "no_place": "F12", "zero_place": "F13",
    "marked": "F14", "duplicate": "F15", "conflict": "F16", "too_fast": "F17",
}  # fmt: skip
WARNINGS = ("marked", "too_fast")  # the fixes can be used, but should not be


def check(tracks: Tracks) -> list[Finding]:
    """Every fault with its count and rows, then what was noted while reading.

    Parameters
    ----------
    tracks : Tracks

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> import pandas as pd, permeability as pm
    >>> when = pd.to_datetime(["2024-01-01 00:00", "2024-01-01 00:00"], utc=True)
    >>> tracks = pm.telemetry.read_tracks(pd.DataFrame({"animal": "a", "time": when, "x": [5, 5], "y": [7, 7]}), crs=32648)
    >>> [(f.code, f.severity, f.what) for f in check(tracks)]
    [('F15', 'error', '1 of 2 fixes: the same animal, time and place stand before.')]
    """
    found = []
    for name in DROPPABLE:
        wrong = mask(tracks, name)
        if wrong.any():
            found.append(
                Finding(
                    CODES[name],
                    f"{int(wrong.sum()):,} of {len(tracks):,} fixes: {WORDS[name]}.",
                    f'mend them in the source, or leave them out with drop="{name}"',
                    layer=tracks.source or "tracks",
                    rows=tuple(tracks.row[wrong].tolist()),
                    severity="warning" if name in WARNINGS else "error",
                )
            )
    return [*found, *tracks.notes]


def mask(tracks: Tracks, name: str) -> Mask:
    """Which fixes have a fault.

    Parameters
    ----------
    tracks : Tracks
    name : str
        One of ``DROPPABLE``.

    Returns
    -------
    array of bool, shape (fixes,)

    Examples
    --------
    >>> import pandas as pd, permeability as pm
    >>> when = pd.to_datetime(["2024-01-01 00:00", "2024-01-01 02:00"], utc=True)
    >>> tracks = pm.telemetry.read_tracks(pd.DataFrame({"animal": "a", "time": when, "x": [0, 5], "y": [0, 7]}), crs=32648)
    >>> mask(tracks, "zero_place").tolist()
    [True, False]
    """
    return np.asarray(_MASKS[name](tracks), dtype=bool)


def _no_animal(tracks: Tracks) -> Mask:
    return (
        np.asarray([a == "" for a in tracks.animals], bool)[tracks.number]
        if len(tracks)
        else np.zeros(0, bool)
    )


def _no_time(tracks: Tracks) -> Mask:
    return ~np.isfinite(tracks.seconds)


def _no_place(tracks: Tracks) -> Mask:
    wrong = ~np.isfinite(tracks.xy).all(axis=1)
    if tracks.crs.is_geographic:
        wrong |= (np.abs(tracks.xy[:, 0]) > 360) | (np.abs(tracks.xy[:, 1]) > 90)
    return np.asarray(wrong)


def _zero_place(tracks: Tracks) -> Mask:
    return np.asarray((np.abs(tracks.xy) < 1e-6).all(axis=1))


def _marked(tracks: Tracks) -> Mask:
    return np.zeros(len(tracks), bool) if tracks.marked is None else tracks.marked


def _same(tracks: Tracks) -> tuple[Mask, Mask]:
    """Fixes at the time of the fix before them: at its place, and elsewhere."""
    same_time = np.zeros(len(tracks), bool)
    moved = np.zeros(len(tracks), bool)
    same_time[1:] = (np.diff(tracks.number) == 0) & (np.diff(tracks.seconds) == 0)
    moved[1:] = np.any(np.diff(tracks.xy, axis=0) != 0, axis=1)
    return same_time & ~moved, same_time & moved


def _too_fast(tracks: Tracks) -> Mask:
    """Fixes that jump there and back, at the ends there or back, and the first of several that are off together."""
    d = np.diff(tracks.xy, axis=0)
    if tracks.crs.is_geographic:
        d = d * 111_320.0 * np.stack([np.cos(np.radians(tracks.xy[1:, 1])), np.ones(len(d))], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        kmh = np.hypot(*d.T) / tracks.dt_s * 3.6
    fast = np.where(tracks.dt_s > 0, kmh, 0.0) > tracks.max_speed_kmh
    before, after = np.r_[False, fast], np.r_[fast, False]
    jump = before & after
    last, first = ~np.r_[tracks.dt_s > 0, False], ~np.r_[False, tracks.dt_s > 0]
    jump |= (before & last & ~np.r_[False, jump[:-1]]) | (after & first & ~np.r_[jump[1:], False])
    unexplained = fast & ~jump[:-1] & ~jump[1:]  # more than one fix in a row is off
    return np.asarray(jump | np.r_[False, unexplained])


_MASKS = {
    "no_animal": _no_animal,
    "no_time": _no_time,
    "no_place": _no_place,
    "zero_place": _zero_place,
    "marked": _marked,
    "duplicate": lambda t: _same(t)[0],
    "conflict": lambda t: _same(t)[1],
    "too_fast": _too_fast,
}
