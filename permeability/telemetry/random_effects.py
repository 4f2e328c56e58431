"""A mean over animals that differ: two-step mixed estimate.

References
----------
Viechtbauer 2005, doi:10.3102/10769986030003261 (REML); Hartung & Knapp 2001, doi:10.1002/sim.1009 (interval); Higgins et al. 2009,
doi:10.1111/j.1467-985X.2008.00552.x (interval for a new one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mixed:
    """Mean over animals, with its interval, their spread, and the interval of a new animal.

    Attributes
    ----------
    mean, low, high, sd, new_low, new_high, error : float
        ``error`` is the standard error of the mean.  NaN for fewer than two animals; the interval of a new one needs three.

    Examples
    --------
    >>> found = mixed(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.1, 0.1]))
    >>> round(found.mean, 2), found.new_low <= found.low
    (0.2, True)
    """

    mean: float
    low: float
    high: float
    sd: float
    new_low: float
    new_high: float
    error: float = float("nan")


def mixed(values: Floats, errors: Floats) -> Mixed:
    """Two-step mixed estimate: spread by restricted likelihood, interval by Hartung and Knapp.

    Parameters
    ----------
    values, errors : arrays, shape (animals,)
        Estimate of each animal and its standard error.

    Returns
    -------
    Mixed

    References
    ----------
    doi:10.3102/10769986030003261, doi:10.1002/sim.1009, doi:10.1111/j.1467-985X.2008.00552.x.

    Examples
    --------
    >>> mixed(np.array([0.0, 1.0, 2.0, 3.0]), np.full(4, 0.01)).sd > 1
    True
    """
    n = len(values)
    if n < 2:
        return Mixed(*(float("nan"),) * 6)
    spread = _spread(values, errors)
    weight = 1 / (errors**2 + spread)
    mean = float(np.sum(weight * values) / weight.sum())
    scatter = float(np.sum(weight * (values - mean) ** 2) / (n - 1))
    se = float(np.sqrt(max(scatter, 1.0) / weight.sum()))  # never narrower than the animals' own errors say
    far = float(stats.t.ppf(0.975, n - 1)) * se
    new = float(stats.t.ppf(0.975, n - 2)) * float(np.sqrt(spread + se**2)) if n > 2 else float("nan")
    return Mixed(mean, mean - far, mean + far, float(np.sqrt(spread)), mean - new, mean + new, se)


def _spread(values: Floats, errors: Floats) -> float:
    """Variance between animals, by restricted maximum likelihood."""

    def loss(spread: float) -> float:
        weight = 1 / (errors**2 + spread)
        mean = np.sum(weight * values) / weight.sum()
        return float(-np.log(weight).sum() + np.log(weight.sum()) + np.sum(weight * (values - mean) ** 2))

    top = 10 * float(np.var(values)) + 1e-9
    found = optimize.minimize_scalar(
        loss, bounds=(0.0, top), method="bounded", options={"xatol": 1e-9 * max(top, 1.0)}
    )
    return float(found.x) if loss(found.x) < loss(0.0) else 0.0
