"""Placebos: the same estimate on turned and shifted copies of the lines inside the animals' range, where the truth is known to be 1.

Turning and shifting the lines about the middle of an animal's range is the same as turning and shifting its track under lines that
stay: so the track is moved, as a whole, and every step keeps its length and turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from permeability.telemetry.random_effects import mixed
from permeability.telemetry.tracks import Tracks

__all__ = ["Placebo", "displaced", "mean_placebo", "ratio_placebo"]

Floats = NDArray[np.float64]

TOLERANCE = 0.05  # a bias below this does not make an estimate unusable, however many copies show it
SHIFT = 0.3  # of the radius of a range
PLACES = 4  # at which a turned copy is laid for step selection: lines beside a place of rest decide much of what one place gives
UNUSABLE = (
    "on displaced copies of the lines, where the truth is 1, the same estimate gives {low:.2f} to {high:.2f}"
)


@dataclass(frozen=True)
class Placebo:
    """An estimate on displaced copies, as a ratio to what it should be there.

    Attributes
    ----------
    ratio, low, high : float
        Mean over the copies and its 95 % interval; NaN when it cannot be told.
    copies : int

    Examples
    --------
    >>> Placebo(1.02, 0.95, 1.09, 20).usable, Placebo(0.41, 0.36, 0.47, 20).usable
    (True, False)
    """

    ratio: float
    low: float
    high: float
    copies: int

    @property
    def usable(self) -> bool:
        """Whether the interval leaves 1 out by no more than the tolerance."""
        return bool(self.low <= 1.0 + TOLERANCE and self.high >= 1.0 - TOLERANCE)

    @property
    def why(self) -> str:
        """Why an estimate cannot be used; empty when it can."""
        if np.isnan(self.ratio):
            return "there are too few displaced copies with a crossing to tell whether the estimate can be trusted"
        return "" if self.usable else UNUSABLE.format(low=self.low, high=self.high)


def displaced(tracks: Tracks, copies: int, rng: int | np.random.Generator = 0) -> Iterator[Tracks]:
    """Copies of tracks, each animal's turned about the middle of its range and shifted inside it.

    Parameters
    ----------
    tracks : Tracks
    copies : int
    rng : int or Generator

    Yields
    ------
    Tracks

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> copy = next(displaced(tracks, 1))
    >>> bool(np.allclose(np.hypot(*np.diff(copy.xy, axis=0).T), np.hypot(*np.diff(tracks.xy, axis=0).T)))
    True
    """
    middle, radius = ranges(tracks)
    for turn, shift in moves(copies, len(middle), np.random.default_rng(rng)):
        yield moved(tracks, middle, turn, shift * radius[:, None])


def moves(
    copies: int, animals: int, draw: np.random.Generator, places: int = 1
) -> Iterator[tuple[Floats, Floats]]:
    """Turn [radians], shape (animals,), and shift [radii of the range], shape (animals, 2), of every copy at each of its places, copy by copy.

    Turns are spread evenly over the copies, one to each equal part of the circle, so that the mean over them needs fewer; shifts are drawn in a disc.

    Examples
    --------
    >>> import numpy as np
    >>> [int(turn[0] // (2 * np.pi / 4)) for turn, _ in moves(4, 1, np.random.default_rng(0))]
    [0, 1, 2, 3]
    """
    for k in range(copies):
        turn = (k + draw.uniform(0.1, 0.9, animals)) * 2 * np.pi / copies
        for _ in range(places):
            far, where = SHIFT * np.sqrt(draw.uniform(size=animals)), draw.uniform(0, 2 * np.pi, animals)
            yield turn, far[:, None] * np.stack([np.cos(where), np.sin(where)], axis=1)


def ranges(tracks: Tracks) -> tuple[Floats, Floats]:
    """Middle and radius of the range of each animal: mean of its fixes, and their root mean square distance from it [m]."""
    n = np.bincount(tracks.number, minlength=len(tracks.animals))
    middle = np.stack([np.bincount(tracks.number, weights=tracks.xy[:, i]) / n for i in (0, 1)], axis=1)
    off = tracks.xy - middle[tracks.number]
    return middle, np.sqrt(np.bincount(tracks.number, weights=np.sum(off**2, axis=1)) / n)


def moved(tracks: Tracks, middle: Floats, turn: Floats, shift: Floats) -> Tracks:
    """Tracks with each animal's turned [radians] about its middle and shifted [m]."""
    c, s = np.cos(turn)[tracks.number], np.sin(turn)[tracks.number]
    off = tracks.xy - middle[tracks.number]
    turned = np.stack([c * off[:, 0] - s * off[:, 1], s * off[:, 0] + c * off[:, 1]], axis=1)
    return replace(tracks, xy=middle[tracks.number] + turned + shift[tracks.number])


def ratio_placebo(above: Floats, below: Floats) -> Placebo:
    """Ratio of sums over copies, with its interval by Student's t between copies.

    Parameters
    ----------
    above, below : arrays, shape (copies,)

    Returns
    -------
    Placebo

    Examples
    --------
    >>> ratio_placebo(np.array([10.0, 12.0, 9.0]), np.array([11.0, 10.0, 10.0])).usable
    True
    """
    n = len(above)
    if n < 3 or below.sum() <= 0 or np.count_nonzero(below) < 3:
        return Placebo(np.nan, np.nan, np.nan, n)
    ratio = float(above.sum() / below.sum())
    error = float(np.sqrt(np.sum((above - ratio * below) ** 2) / (n * (n - 1))) / below.mean())
    far = float(stats.t.ppf(0.975, n - 1)) * error
    return Placebo(ratio, ratio - far, ratio + far, n)


def mean_placebo(logs: Floats, errors: Floats) -> Placebo:
    """Mean of an estimate over copies that differ, from its logarithms; copies without an estimate (NaN) are left out.

    A copy on which the animal hardly meets a line says less than one on which it meets hundreds, and lines beside a place where it rests
    make copies differ by more than their errors: the mean is that of :func:`permeability.telemetry.random_effects.mixed`.

    Parameters
    ----------
    logs, errors : array, shape (copies,)
        Logarithm of the estimate, and its standard error.

    Returns
    -------
    Placebo

    Examples
    --------
    >>> round(mean_placebo(np.log([0.9, 1.0, 1.1]), np.full(3, 0.1)).ratio, 3)
    0.997
    """
    known = np.isfinite(logs) & np.isfinite(errors)
    n = int(known.sum())
    if n < 3:
        return Placebo(np.nan, np.nan, np.nan, n)
    found = mixed(logs[known], errors[known])
    return Placebo(float(np.exp(found.mean)), float(np.exp(found.low)), float(np.exp(found.high)), n)


def one_a_copy(logs: Floats, errors: Floats, places: int = PLACES) -> tuple[Floats, Floats]:
    """Estimates at the places of a copy as one: mean weighted by precision and its error; NaN where no place gave one.

    Parameters
    ----------
    logs, errors : array, shape (copies * places,)
    places : int

    Returns
    -------
    logs, errors : array, shape (copies,)

    Examples
    --------
    >>> one_a_copy(np.array([0.0, 1.0]), np.array([1.0, 1.0]), 2)[0]
    array([0.5])
    """
    weight = np.where(np.isfinite(logs) & np.isfinite(errors), 1.0 / errors**2, 0.0).reshape(-1, places)
    whole = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight * np.nan_to_num(logs).reshape(-1, places)).sum(axis=1) / whole
        return np.where(whole > 0, mean, np.nan), np.where(whole > 0, whole**-0.5, np.nan)
