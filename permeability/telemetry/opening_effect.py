"""Before and after: did crossings at a stretch change when it was opened or closed, beside stretches where nothing was done?

The measure is crossings per kilometre worked along the line, so that more animals or longer stays do not look like an effect.

References
----------
Stewart-Oaten et al. 1986, Ecology 67:929-940, doi:10.2307/1939815 (before and after, with controls).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.errors import OptionError
from permeability.telemetry.line_crossings import crossings
from permeability.telemetry.line_index import LineIndex, joined_spans
from permeability.telemetry.opening_kappa import KappaChange, kappa_change
from permeability.telemetry.tracks import Tracks, utc_seconds

__all__ = ["BeforeAfter", "Stretch", "before_after"]

Floats = NDArray[np.float64]
HALF = 0.5  # added to counts, so that none crossed is not the logarithm of zero


@dataclass(frozen=True)
class Stretch:
    """A part of a line.

    Attributes
    ----------
    line : str
    km_from, km_to : float

    Examples
    --------
    >>> Stretch("F", 2.0, 4.0).km_to
    4.0
    """

    line: str
    km_from: float
    km_to: float


@dataclass(frozen=True)
class BeforeAfter:
    """Change of crossings per kilometre worked.

    Attributes
    ----------
    ratio, low, high : float
        After over before at the treated stretch, over the same at the controls; 95 % interval by animals.
    p_random : float
        Share of random dates whose change is as large.
    table : DataFrame
        ``stretch`` (treated, control), ``when`` (before, after), ``km_worked``, ``crossings``.
    animals : int
        That came near the treated stretch.
    kappa : KappaChange or None
        The same of the permeability of steps; None where it was not asked for.

    Examples
    --------
    >>> BeforeAfter(1.0, 0.5, 2.0, 0.8, pd.DataFrame(), 3)
    BeforeAfter(times 1 (0.5-2) by 3 animals; random dates do as much in 80 %)
    """

    ratio: float
    low: float
    high: float
    p_random: float
    table: pd.DataFrame = field(repr=False)
    animals: int = 0
    kappa: KappaChange | None = None

    def __repr__(self) -> str:
        return (
            f"BeforeAfter(times {self.ratio:.3g} ({self.low:.3g}-{self.high:.3g}) by {self.animals} animals; random dates do as much in "
            f"{100 * self.p_random:.0f} %{self._kappa_text()})"
        )

    def _kappa_text(self) -> str:
        k = self.kappa
        if k is None:
            return ""
        if not np.isfinite(k.ratio):
            return f"; kappa not told: {k.note}"
        return f"; kappa times {k.ratio:.3g} ({k.low:.3g}-{k.high:.3g}), random dates do as much in {100 * k.p_random:.0f} %"


def before_after(
    tracks: Tracks,
    barriers: Barriers,
    treated: Sequence[Stretch],
    date: str,
    *,
    controls: Sequence[Stretch],
    buffer_m: float = 150.0,
    error_m: float | None = None,
    max_gap_h: float | None = None,
    draws: int = 1000,
    dates: int = 200,
    kappa: bool = True,
    rng: int = 0,
) -> BeforeAfter:
    """Change of crossings per kilometre worked, and of kappa, at a date, beside controls.

    Parameters
    ----------
    tracks : Tracks
        In the coordinate system of the barriers.
    barriers : Barriers
    treated : sequence of Stretch
        What was opened or closed.
    date : str
        When (UTC where no zone is named).
    controls : sequence of Stretch
        Where nothing was done.
    buffer_m : float
        What counts as along the line [m].
    error_m, max_gap_h
        See :func:`permeability.telemetry.line_crossings.crossings`.
    draws : int
        Of animals, with replacement.
    dates : int
        Random dates, between the tenth and the ninetieth percentile of the fixes.
    kappa : bool
        Whether to fit the permeability of steps too (:mod:`permeability.telemetry.opening_kappa`), with a quarter of the dates.
    rng : int

    Returns
    -------
    BeforeAfter

    Raises
    ------
    LayerError
        F02, F03 for tracks that cannot be used.
    GridMismatchError
        F04 for tracks in another coordinate system.
    BarrierError
        B06 for a line that is not there.
    OptionError
        F60 when there is nothing before or after the date at the treated stretches or the controls.

    References
    ----------
    doi:10.2307/1939815.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.herd()
    >>> lines = [Stretch(n, *barriers.km_range(n)) for n in ("F9", "F10", "F11", "F12")]
    >>> found = before_after(tracks, barriers, lines[1:2], "2024-01-31", controls=lines[2:], draws=100, dates=20, kappa=False)
    >>> found.low < 1 < found.high
    True
    """
    tracks.require_usable(barriers.table.crs)
    work = _Work(tracks, barriers, (treated, controls), buffer_m, error_m, max_gap_h)
    sums = work.at(utc_seconds(date))  # (animals, treated or control, before or after, km or crossings)
    total = sums.sum(axis=0)
    if (total[:, :, 0] <= 0).any():
        raise OptionError(
            "F60", "no animal came near a stretch before or after the date.",
            details={"km worked": "; ".join(f"{n} {total[i, 0, 0]:.1f} before, {total[i, 1, 0]:.1f} after" for i, n in enumerate(("treated", "controls")))},
            remedy="give a date inside the time of the tracks, wider stretches or other controls",
        )  # fmt: skip
    draw = np.random.default_rng(rng)
    effect = _effect(total)
    pick = draw.integers(0, len(sums), (draws, len(sums)))
    drawn = np.asarray([_effect(sums[p].sum(axis=0)) for p in pick])
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    poisson = 1.96 * float(np.sqrt(np.sum(1 / (total[:, :, 1] + HALF))))
    first, last = np.quantile(tracks.seconds, [0.1, 0.9])
    random_dates = draw.uniform(first, last, dates)
    other = np.asarray([_effect(work.at(float(t)).sum(axis=0)) for t in random_dates])
    other = other[np.isfinite(other)]
    return BeforeAfter(
        float(np.exp(effect)), float(np.exp(min(low, effect - poisson))), float(np.exp(max(high, effect + poisson))),
        float((1 + np.sum(np.abs(other) >= abs(effect))) / (1 + len(other))), _table(total), int((sums[:, 0, :, 0].sum(axis=1) > 0).sum()),
        kappa_change(tracks, work.shapes[0], work.shapes[1], utc_seconds(date), random_dates[: max(dates // 4, 19)], rng) if kappa else None,
    )  # fmt: skip


def _effect(total: Floats) -> float:
    """Logarithm of the change at the treated stretch over that at the controls; NaN where nothing was worked."""
    if (total[:, :, 0] <= 0).any():
        return float("nan")
    rate = np.log((total[:, :, 1] + HALF) / total[:, :, 0])
    return float((rate[0, 1] - rate[0, 0]) - (rate[1, 1] - rate[1, 0]))


class _Work:
    """Kilometres worked and crossings with their times, for any date."""

    def __init__(
        self, tracks: Tracks, barriers: Barriers, sides: tuple[Sequence[Stretch], Sequence[Stretch]], buffer_m: float,
        error_m: float | None, max_gap_h: float | None,
    ) -> None:  # fmt: skip
        self.animals = len(tracks.animals)
        steps = tracks.steps(max_gap_h)
        a, b = tracks.xy[steps], tracks.xy[steps + 1]
        length, when = np.hypot(*(b - a).T), (tracks.seconds[steps] + tracks.seconds[steps + 1]) / 2
        found = crossings(tracks, barriers, error_m=error_m, max_gap_h=max_gap_h).table
        stamp = (found["time"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float)
        number = np.asarray([tracks.animals.index(n) for n in found["animal"]], dtype=np.int64)
        self.km: list[tuple[NDArray[np.int64], Floats, Floats]] = []
        self.crossed: list[tuple[NDArray[np.int64], Floats]] = []
        self.shapes: list[list[shapely.Geometry]] = []
        for side in sides:
            shapes = [barriers.stretch(s.line, s.km_from, s.km_to) for s in side]
            self.shapes.append([g for g in shapes if not shapely.is_empty(g)])
            step, _, start, end = LineIndex(self.shapes[-1]).within(a, b, buffer_m)
            owner, start, end = joined_spans(step, start, end)
            self.km.append((tracks.number[steps[owner]], when[owner], (end - start) * length[owner] / 1000))
            mine = np.zeros(len(found), bool)
            for s in side:
                mine |= (found["line"] == s.line).to_numpy() & found["km"].between(
                    s.km_from, s.km_to
                ).to_numpy()
            self.crossed.append((number[mine], stamp[mine]))

    def at(self, date: float) -> Floats:
        """Sums, shape (animals, treated or control, before or after, km or crossings)."""
        out = np.zeros((self.animals, 2, 2, 2))
        for side in (0, 1):
            who, when, km = self.km[side]
            whom, moment = self.crossed[side]
            for late in (0, 1):
                mine, own = (when >= date) == bool(late), (moment >= date) == bool(late)
                out[:, side, late, 0] = np.bincount(who[mine], weights=km[mine], minlength=self.animals)
                out[:, side, late, 1] = np.bincount(whom[own], minlength=self.animals)
        return out


def _table(total: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"stretch": s, "when": w, "km_worked": float(total[i, j, 0]), "crossings": int(total[i, j, 1])}
            for i, s in enumerate(("treated", "control"))
            for j, w in enumerate(("before", "after"))
        ]
    )
