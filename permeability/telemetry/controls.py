"""Steps that were taken and steps that could have been: the rows of a step selection.

Controls start where the step started.  Their lengths and turns are those of the animal's own steps within some days of it, for an animal that rests
in one week and travels in the next could not have taken the long step while it rested; or they come from a gamma and a von Mises distribution
fitted to the whole track.

References
----------
Fortin et al. 2005, doi:10.1890/04-0953 (observed lengths and turns as controls); Pohle et al. 2024, doi:10.7717/peerj.16509 (what ignoring the state of
an animal does to step selection).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from permeability.core.errors import OptionError
from permeability.telemetry.tracks import Bursts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHORTEST_M = 1.0  # below, the logarithm of a length is that of the receiver's rounding
LEAST_STEPS = 30
LOCAL_DAYS = 4.0  # to either side of a step: some dozens of steps at usual fix rates, short against a season


@dataclass(frozen=True)
class Choices:
    """Used and control steps.

    Attributes
    ----------
    animals : tuple of str
    who : array of int, shape (strata,)
    time : array, shape (strata,)
        Middle of the step [s since 1970].
    start : array, shape (strata, 2)
    end : array, shape (strata, options, 2)
        The used one first.
    turn : array, shape (strata, options)
        [radians].
    step_km, mean_cos : float
        Mean of the used steps.

    Examples
    --------
    >>> Choices.__name__
    'Choices'
    """

    animals: tuple[str, ...]
    who: Ints
    time: Floats
    start: Floats
    end: Floats
    turn: Floats
    step_km: float
    mean_cos: float

    @property
    def options(self) -> int:
        """Rows of a stratum."""
        return int(self.end.shape[1])

    @property
    def length_m(self) -> Floats:
        """Of all steps, shape (strata, options) [m]."""
        return np.asarray(np.hypot(*np.moveaxis(self.end - self.start[:, None], 2, 0)))

    def of(self, keep: NDArray[np.bool_]) -> Choices:
        """Some strata."""
        return Choices(
            self.animals,
            self.who[keep],
            self.time[keep],
            self.start[keep],
            self.end[keep],
            self.turn[keep],
            self.step_km,
            self.mean_cos,
        )


def choices(
    bursts: Bursts, controls: int, rng: int | np.random.Generator = 0, local_days: float | None = LOCAL_DAYS
) -> Choices:
    """Used steps with their controls; steps need one before them in their piece, for the turn.

    Parameters
    ----------
    bursts : Bursts
    controls : int
        Controls of every used step.
    rng : int or Generator
    local_days : float or None
        Controls have length and turn of other steps of the animal at most so many days before or after (of the nearest in time where these
        are fewer than twice the controls); None: of distributions fitted to all its steps.  Animals with a single step are left out.

    Returns
    -------
    Choices

    Raises
    ------
    OptionError
        F31 with fewer than 30 steps, F33 for days that are not above zero.

    References
    ----------
    doi:10.1890/04-0953, doi:10.7717/peerj.16509.

    Examples
    --------
    >>> import pandas as pd, permeability as pm
    >>> rng = np.random.default_rng(3)
    >>> xy = np.cumsum(rng.normal(0, 300, (60, 2)), axis=0)
    >>> frame = pd.DataFrame({"animal": "a", "time": pd.date_range("2024", periods=60, freq="h", tz="UTC"), "x": xy[:, 0], "y": xy[:, 1]})
    >>> choices(pm.telemetry.read_tracks(frame, crs=32648).bursts(), 5).end.shape
    (58, 6, 2)
    """
    if local_days is not None and not local_days > 0:
        raise OptionError(
            "F33", f"local_days = {local_days:g} is not above zero.",
            remedy="give days around a step, such as 4, or None for controls of the whole track",
        )  # fmt: skip
    t = bursts.tracks
    starts = bursts.starts
    second = starts[1:][(np.diff(starts) == 1) & (bursts.burst[starts[1:]] == bursts.burst[starts[:-1]])]
    before = t.xy[second] - t.xy[second - 1]
    good = np.hypot(*before.T) > 0
    if local_days is not None:
        good &= np.bincount(t.number[second[good]], minlength=len(t.animals))[t.number[second]] > 1
    second, before = second[good], before[good]
    step = t.xy[second + 1] - t.xy[second]
    if len(second) < LEAST_STEPS:
        raise OptionError(
            "F31", f"there are {len(second)} steps of {bursts.step_h:.3g} h with one before them, at least {LEAST_STEPS} are needed.",
            remedy="give more tracks, or a step length and tolerance that fit the fix rate",
        )  # fmt: skip
    heading = np.arctan2(before[:, 1], before[:, 0])
    length = np.hypot(*step.T)
    turn = np.where(length > 0, _wrapped(np.arctan2(step[:, 1], step[:, 0]) - heading), np.pi / 2)
    time = (t.seconds[second] + t.seconds[second + 1]) / 2
    draw = np.random.default_rng(rng)
    far, angle = np.empty((2, len(second), controls))
    for i in range(len(t.animals)):
        mine = np.flatnonzero(t.number[second] == i)
        if len(mine) == 0:
            continue
        if local_days is None:
            far[mine], angle[mine] = _drawn(length[mine], turn[mine], (len(mine), controls), draw)
        else:
            pick = mine[nearby(time[mine] / 86400, local_days, controls, draw)]
            far[mine], angle[mine] = length[pick], turn[pick]
    way = heading[:, None] + angle
    ends = t.xy[second][:, None] + far[:, :, None] * np.stack([np.cos(way), np.sin(way)], axis=2)
    return Choices(
        t.animals, t.number[second], time, t.xy[second], np.concatenate([t.xy[second + 1][:, None], ends], axis=1),
        np.concatenate([turn[:, None], angle], axis=1), float(length.mean()) / 1000, float(np.cos(turn[length > 0]).mean()),
    )  # fmt: skip


def nearby(days: Floats, reach: float, controls: int, draw: np.random.Generator) -> Ints:
    """Numbers of other steps of one animal near in time to each of its steps, drawn with replacement.

    Parameters
    ----------
    days : array, shape (steps,)
        In order; at least two.
    reach : float
        To either side [days]; where fewer than twice the controls lie within it, the nearest in the order are taken as well.
    controls : int
        How many are drawn for each.
    draw : Generator

    Returns
    -------
    array of int, shape (steps, controls)

    Examples
    --------
    >>> picked = nearby(np.arange(100) / 12, 1.0, 5, np.random.default_rng(0))
    >>> int(np.abs(picked - np.arange(100)[:, None]).max()) <= 12, bool((picked == np.arange(100)[:, None]).any())
    (True, False)
    """
    n, own = len(days), np.arange(len(days))
    few = min(2 * controls, n - 1)
    low = np.minimum(np.searchsorted(days, days - reach), np.maximum(own - few // 2, 0))
    high = np.maximum(np.searchsorted(days, days + reach, side="right"), np.minimum(own + few // 2 + 1, n))
    short = np.maximum(few + 1 - (high - low), 0)  # at the ends of a track
    low, high = np.maximum(low - short, 0), np.minimum(high + short, n)
    pick = low[:, None] + np.floor(draw.uniform(size=(n, controls)) * (high - low - 1)[:, None]).astype(
        np.int64
    )
    return np.asarray(pick + (pick >= own[:, None]), dtype=np.int64)


def _wrapped(angle: Floats) -> Floats:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _drawn(
    length: Floats, turn: Floats, shape: tuple[int, int], draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Lengths from a gamma, turns from a von Mises distribution fitted to one animal."""
    alpha, scale = gamma_fit(np.maximum(length, SHORTEST_M))
    mean_cos = float(np.cos(turn).mean())
    around = 0.0 if mean_cos >= 0 else np.pi
    return draw.gamma(alpha, scale, shape), draw.vonmises(around, von_mises_kappa(abs(mean_cos)), shape)


def gamma_fit(length: Floats) -> tuple[float, float]:
    """Shape and scale of a gamma distribution by maximum likelihood.

    Parameters
    ----------
    length : array
        Above zero.

    Returns
    -------
    shape, scale : float

    References
    ----------
    Minka 2002, "Estimating a Gamma distribution" (generalised Newton steps).

    Examples
    --------
    >>> shape, scale = gamma_fit(np.random.default_rng(0).gamma(0.8, 500.0, 50_000))
    >>> round(shape, 1), round(scale, -1)
    (0.8, 500.0)
    """
    mean = float(length.mean())
    gap = max(np.log(mean) - float(np.log(length).mean()), 1e-9)
    a = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(20):
        inverse = 1 / a + (-gap + np.log(a) - special.digamma(a)) / (a**2 * (1 / a - special.polygamma(1, a)))
        a = 1 / inverse
    return float(a), mean / float(a)


def von_mises_kappa(resultant: float) -> float:
    """Concentration of a von Mises distribution whose mean cosine is known, by Newton steps.

    Parameters
    ----------
    resultant : float
        0 to below 1.

    Returns
    -------
    float

    References
    ----------
    Banerjee et al. 2005, Journal of Machine Learning Research 6:1345-1382 (start); ``I1(k) / I0(k) = r``.

    Examples
    --------
    >>> round(von_mises_kappa(0.4464), 3)
    1.0
    """
    r = min(max(resultant, 0.0), 0.999)
    k = r * (2 - r * r) / (1 - r * r)
    for _ in range(30):
        ratio = special.ive(1, k) / special.ive(0, k)
        slope = 1 - ratio / k - ratio * ratio if k > 1e-8 else 0.5
        k = max(k - (ratio - r) / slope, 0.0)
    return float(k)
