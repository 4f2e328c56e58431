"""What is believed of a number before and after it was looked at: beta for chances, gamma for crossings per kilometre.

A range of a profile is read as 5, 50 and 95 % of a beta (gamma) distribution; what it is worth in observed encounters (kilometres worked)
follows.  The range as a ranking draws it (PERT, with hard ends) is a beta distribution between its ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, interpolate, optimize, special

from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate

__all__ = ["ChanceBelief", "Posterior", "RateBelief", "posterior"]

Floats = NDArray[np.float64]
LEVELS = (0.05, 0.5, 0.95)
NODES, STEP = 1201, 0.05  # fewest nodes, and the widest step in log odds
FAR = 32.0  # the integrand is followed to exp(-32) of its peak


@dataclass(frozen=True)
class ChanceBelief:
    """A beta distribution between two ends.

    Attributes
    ----------
    a, b : float
        Its shape.
    low, high : float
        Its ends [0..1].

    Examples
    --------
    >>> belief = ChanceBelief.of(Estimate(0.1, 0.5, 0.9))
    >>> round(belief.a, 2), round(belief.worth, 1)  # a range from 0.1 to 0.9 is worth three encounters
    (1.53, 3.1)
    """

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, e: Estimate) -> ChanceBelief:
        """Low, best and high read as 5, 50 and 95 % of a beta distribution on 0..1 (least squares of the three shares)."""
        a, b = _fitted(e, lambda x, shape: special.betainc(shape[0], shape[1], np.clip(x, 0.0, 1.0)))
        return cls(a, b)

    @classmethod
    def drawn(cls, e: Estimate) -> ChanceBelief:
        """The distribution that a ranking draws from: PERT between low and high (doi:10.1287/opre.7.5.646)."""
        share = (e.best - e.low) / (e.high - e.low)
        return cls(1 + 4 * share, 5 - 4 * share, e.low, e.high)

    @property
    def mean(self) -> float:
        """Its mean."""
        return self.low + (self.high - self.low) * self.a / (self.a + self.b)

    @property
    def worth(self) -> float:
        """How many independent encounters it is worth: those of a beta distribution on 0..1 of the same mean and variance."""
        n = self.a + self.b
        variance = (self.high - self.low) ** 2 * self.a * self.b / (n * n * (n + 1))
        return self.mean * (1 - self.mean) / variance - 1

    def at(self, t: Floats) -> tuple[Floats, Floats, Floats]:
        """Value, one less the value, and log density in ``t``, at the log odds ``t`` of the place between the ends."""
        up, down = special.expit(t), special.expit(-t)
        wide = self.high - self.low
        density = self.a * special.log_expit(t) + self.b * special.log_expit(-t)
        return self.low + wide * up, (1 - self.high) + wide * down, density - special.betaln(self.a, self.b)


@dataclass(frozen=True)
class RateBelief:
    """A gamma distribution of crossings per kilometre worked along a barrier.

    Attributes
    ----------
    shape : float
        Crossings that it is worth.
    km : float
        Kilometres worked that it is worth.

    Examples
    --------
    >>> belief = RateBelief.of_cost(Estimate(0.2, 0.5, 0.9, "km"))  # km worked per crossing
    >>> 9 < belief.shape < 10, 4 < belief.km < 5
    (True, True)
    """

    shape: float
    km: float

    @classmethod
    def of_cost(cls, e: Estimate) -> RateBelief:
        """From a crossing cost [km of open ground per crossing] with its range as 5, 50 and 95 %."""
        low, best, high = (1 / max(v, 1e-9) for v in reversed(e.as_tuple()))
        rate = Estimate(low, best, high)
        shape, km = _fitted(rate, lambda x, s: special.gammainc(s[0], s[1] * x))
        return cls(shape, km)

    @property
    def mean(self) -> float:
        """Crossings per km."""
        return self.shape / self.km

    @property
    def worth(self) -> float:
        """Kilometres worked that it is worth."""
        return self.km

    def at(self, t: Floats) -> tuple[Floats, Floats, Floats]:
        """Rate, the same again, and log density in ``t`` = logarithm of the rate."""
        rate = np.exp(t)
        density = self.shape * (t + math.log(self.km)) - self.km * rate - special.gammaln(self.shape)
        return rate, rate, density


Belief = ChanceBelief | RateBelief


@dataclass(frozen=True)
class Posterior:
    """A belief after something was seen.

    Attributes
    ----------
    mean, sd : float
    low, median, high : float
        5, 50 and 95 %.
    log_evidence : float
        Logarithm of the chance that what was seen had before it was seen.
    t, values, density : array
        Nodes, values there, and the density in ``t``.

    Examples
    --------
    >>> after = posterior(ChanceBelief(2.0, 3.0), lambda p, q: np.log(p))  # one crossing of one encounter
    >>> round(after.mean, 9), round(after.low, 6) == round(float(special.betaincinv(3.0, 3.0, 0.05)), 6)
    (0.5, True)
    """

    mean: float
    sd: float
    low: float
    median: float
    high: float
    log_evidence: float
    t: Floats
    values: Floats
    density: Floats

    def below(self, value: float) -> float:
        """Chance that the number lies below a value.

        >>> after = posterior(ChanceBelief(1.0, 1.0), lambda p, q: 0 * p)
        >>> round(after.below(0.25), 6)
        0.25
        """
        if value <= self.values[0]:
            return 0.0
        if value >= self.values[-1]:
            return 1.0
        reached = _reached(self.t, self.density)
        at = float(np.interp(value, self.values, self.t))
        at = _inverse(self.t, self.values, value, at)
        return float(np.clip(interpolate.CubicHermiteSpline(self.t, reached, self.density)(at), 0.0, 1.0))


def posterior(belief: Belief, log_likelihood: Callable[[Floats, Floats], Floats]) -> Posterior:
    """A belief after something was seen, by quadrature over the log odds (the logarithm of a rate).

    Parameters
    ----------
    belief : ChanceBelief or RateBelief
    log_likelihood : callable
        Of arrays: the number, and one less the number (of a rate: the rate again).

    Returns
    -------
    Posterior

    Raises
    ------
    OptionError
        U21 when nothing that was believed could have given what was seen.

    Notes
    -----
    In log odds a beta density falls exponentially on both sides, so that sums over even steps converge exponentially (Trefethen &
    Weideman 2014, doi:10.1137/130932132); shares below a value are summed by Simpson's rule.

    Examples
    --------
    >>> from permeability.core.estimate import Estimate
    >>> gap = ChanceBelief.of(Estimate(0.02, 0.15, 0.5))
    >>> after = posterior(gap, lambda p, q: 10 * np.log(q))  # none of ten crossed: the mean falls from 0.19 to 0.07
    >>> round(gap.mean, 2), round(after.mean, 2)
    (0.19, 0.07)
    """
    far = 700.0
    t = np.concatenate([np.arange(-far, -20, 1.0), np.arange(-20, 20, 0.1), np.arange(20, far, 1.0)])
    height = _log_height(belief, log_likelihood, t)
    peak = height.max()
    if not np.isfinite(peak):
        raise OptionError(
            "U21", "what was seen cannot happen at any value that was held possible before.",
            remedy="check the pilots, or give the number a wider range in the profile",
        )  # fmt: skip
    inside = np.flatnonzero(height > peak - FAR)
    first, last = t[max(inside[0] - 1, 0)], t[min(inside[-1] + 1, len(t) - 1)]
    t = np.linspace(first, last, max(NODES, int((last - first) / STEP)))
    height = _log_height(belief, log_likelihood, t)
    peak = height.max()
    density = np.exp(height - peak)
    total = float(_reached(t, density)[-1])
    density /= total
    values = belief.at(t)[0]
    step = t[1] - t[0]
    mean = float(step * (density @ values) / (step * density.sum()))
    sd = math.sqrt(max(float(density @ (values - mean) ** 2 / density.sum()), 0.0))
    reached = interpolate.CubicHermiteSpline(t, _reached(t, density), density)
    places = [
        optimize.brentq(lambda x, share=share: float(reached(x)) - share, t[0], t[-1], xtol=1e-13)
        for share in LEVELS
    ]
    low, median, high = belief.at(np.array(places))[0].tolist()
    return Posterior(mean, sd, low, median, high, float(peak + math.log(total)), t, values, density)


def _log_height(belief: Belief, log_likelihood: Callable[[Floats, Floats], Floats], t: Floats) -> Floats:
    value, rest, density = belief.at(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        height = density + log_likelihood(value, rest)
    return np.where(np.isnan(height), -np.inf, height)


def _reached(t: Floats, density: Floats) -> Floats:
    """Integral up to every node."""
    return np.asarray(integrate.cumulative_simpson(density, x=t, initial=0.0))


def _inverse(t: Floats, values: Floats, value: float, near: float) -> float:
    """Where a rising curve through nodes has a value."""
    curve = interpolate.PchipInterpolator(t, values)
    k = int(np.clip(np.searchsorted(values, value), 1, len(t) - 1))
    low, high = t[k - 1], t[k]
    if not (curve(low) - value) * (curve(high) - value) < 0:
        return near
    return float(optimize.brentq(lambda x: float(curve(x)) - value, low, high, xtol=1e-13))


def _fitted(e: Estimate, share_below: Callable[[Floats, Floats], Floats]) -> tuple[float, float]:
    """Two shapes whose shares below low, best and high come nearest to 5, 50 and 95 %."""
    if not e.low < e.high:
        raise OptionError(
            "U22", f"{e.best:g} has no range, so nothing that is seen can move it.", details={"source": e.source},
            remedy="give the number low, best and high",
        )  # fmt: skip
    points = np.array(e.as_tuple())

    def off(log_shape: Floats) -> Floats:
        return np.asarray(share_below(points, np.exp(log_shape)) - np.array(LEVELS))

    starts = ([0.0, 0.0], [0.0, 3.0], [1.0, 1.0 - math.log(max(e.best, 1e-6))], [-2.0, 2.0])
    bounds = (-5.0, 15.0)
    best = min(
        (optimize.least_squares(off, np.clip(s, -4.9, 14.9), bounds=bounds) for s in starts),
        key=lambda r: float(r.cost),
    )
    a, b = np.exp(best.x)
    return float(a), float(b)
