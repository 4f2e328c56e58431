"""Whether steps cross a stretch more readily after a date, beside stretches where nothing was done: step selection, before and after.

``kappa`` is how much less likely a step is because it crosses.  Four crossing terms are fitted: treated stretch and controls, each at all
times and once more after the date.  ``exp(beta of treated after - beta of controls after)`` is kappa after over kappa before at the treated
stretch, over the same at the controls; what changes for all (season, collars, more animals) cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import stats

from permeability.core.errors import OptionError, SolverError
from permeability.telemetry.controls import SHORTEST_M, Choices, choices
from permeability.telemetry.line_index import LineIndex
from permeability.telemetry.logit import Fit, conditional_logit
from permeability.telemetry.tracks import Tracks

Floats = NDArray[np.float64]

WAY = np.array([0, 0, 0, 0, 0, 1.0, -1.0])  # treated after less controls after, among the coefficients
LEAST_STRATA = 20  # with a crossing among their steps, on each side of the date and at both kinds of stretch


@dataclass(frozen=True)
class KappaChange:
    """Change of kappa at a date.

    Attributes
    ----------
    ratio, low, high : float
        Kappa after over before at the treated stretch, over the same at the controls; 95 % interval.  NaN where it cannot be told.
    p_random : float
        Share of random dates whose change is as large.
    note : str
        Why it cannot be told, or whose the interval is.

    Examples
    --------
    >>> KappaChange(2.0, 1.1, 3.6, 0.02, "").ratio
    2.0
    """

    ratio: float
    low: float
    high: float
    p_random: float
    note: str


def kappa_change(
    tracks: Tracks,
    treated: list[shapely.Geometry],
    controls: list[shapely.Geometry],
    date: float,
    dates: Floats,
    rng: int = 0,
) -> KappaChange:
    """Change of kappa at the treated lines from before to after a date, over that at the controls.

    The interval is that of the fit or that of animals as clusters (the sandwich, with Student's t for their number), whichever is
    wider; with one animal, that of the fit alone.  A random date whose fit does not settle counts as one whose change is as large.

    Parameters
    ----------
    tracks : Tracks
    treated, controls : list of LineString
    date : float
        [s since 1970].
    dates : array, shape (n,)
        Random dates of the test [s since 1970].
    rng : int
        Of the controls of every step.

    Returns
    -------
    KappaChange

    References
    ----------
    doi:10.1111/2041-210X.12528 (step selection), doi:10.2307/1939815 (before and after, with controls),
    Liang and Zeger 1986, doi:10.1093/biomet/73.1.13 (clusters).

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.herd(3, 60)
    >>> lines = list(barriers.table.geometry)
    >>> middle = float(np.median(tracks.seconds))
    >>> found = kappa_change(tracks, lines[9:11], lines[11:13], middle, np.array([middle]))
    >>> found.low < 1 < found.high
    True
    """
    try:
        work = _Work(tracks, treated, controls, rng)
        every = work.fit(date)
    except (OptionError, SolverError) as error:
        return _untold(error.what)
    if every is None:
        return _untold(
            f"fewer than {LEAST_STRATA} choices with a crossing before or after the date, at the treated stretch or the controls"
        )
    effect, error_ = work.effect(every)
    far = 1.96 * error_
    between = work.between(date, every)
    far = max(far, between) if np.isfinite(between) else far
    note = (
        ""
        if np.isfinite(between)
        else "one animal, or too few: the spread between animals is not in the interval"
    )
    other = np.asarray([abs(work.effect_at(float(d))) for d in dates])
    p = float((1 + np.sum(other >= abs(effect))) / (1 + len(other)))
    return KappaChange(
        float(np.exp(effect)), float(np.exp(effect - far)), float(np.exp(effect + far)), p, note
    )


def _untold(why: str) -> KappaChange:
    nan = float("nan")
    return KappaChange(nan, nan, nan, nan, why)


class _Work:
    """Choices near the stretches with what they cross, for any date and any draw of animals."""

    def __init__(
        self, tracks: Tracks, treated: list[shapely.Geometry], controls: list[shapely.Geometry], rng: int
    ) -> None:
        sets = choices(tracks.bursts(), 20, rng)
        crossed = np.stack([_crossed(lines, sets) for lines in (treated, controls)], axis=2)
        keep = np.asarray(crossed.any(axis=(1, 2)))  # a choice without any crossing says nothing of kappa
        self.sets, self.crossed = sets.of(keep), crossed[keep].astype(float)
        length = self.sets.length_m
        self.moving = np.stack(
            [length / 1000, np.log(np.maximum(length, SHORTEST_M) / 1000), np.cos(self.sets.turn)], axis=2
        )

    def rows(self, date: float) -> Floats:
        """Covariates of all rows, shape (strata, options, covariates)."""
        late = (self.sets.time >= date)[:, None, None]
        return np.concatenate([self.moving, self.crossed, self.crossed * late], axis=2)

    def fit(self, date: float, *, firth: bool = True) -> Fit | None:
        """The fit with a date; None where a side of it, or a kind of stretch, has too few choices."""
        late, met = self.sets.time >= date, np.asarray(self.crossed.any(axis=1))
        if min(met[late].sum(axis=0).min(), met[~late].sum(axis=0).min()) < LEAST_STRATA:
            return None
        x = self.rows(date)
        return conditional_logit(x.reshape(-1, x.shape[2]), self.sets.options, firth=firth)

    def effect_at(self, date: float) -> float:
        """Effect at a random date; infinite where it does not settle, or where there is too little on one side of it."""
        try:
            found = self.fit(date, firth=False)
        except SolverError:
            found = None
        return float("inf") if found is None else self.effect(found)[0]

    @staticmethod
    def effect(fit: Fit) -> tuple[float, float]:
        """Treated after less controls after, and its standard error."""
        return float(WAY @ fit.beta), float(np.sqrt(WAY @ fit.covariance @ WAY))

    def between(self, date: float, fit: Fit) -> float:
        """Half width of the interval with animals as clusters; NaN with fewer than two."""
        x = self.rows(date)
        chance = np.exp(x @ fit.beta - (x @ fit.beta).max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        score = x[:, 0] - np.einsum("so,sok->sk", chance, x)
        names, which = np.unique(self.sets.who, return_inverse=True)
        if len(names) < 2:
            return float("nan")
        sums = np.zeros((len(names), x.shape[2]))
        np.add.at(sums, which, score)
        way = WAY @ fit.covariance
        spread = np.sum((sums @ way) ** 2) * len(names) / (len(names) - 1)
        return float(stats.t.ppf(0.975, len(names) - 1) * np.sqrt(spread))


def _crossed(lines: list[shapely.Geometry], sets: Choices) -> NDArray[np.bool_]:
    """Whether each step, taken or not, crosses one of the lines, shape (strata, options)."""
    start, end = np.repeat(sets.start, sets.options, axis=0), sets.end.reshape(-1, 2)
    out = np.zeros(len(start), bool)
    out[LineIndex(lines).cuts(start, end).step] = True
    return out.reshape(len(sets.who), sets.options)
