"""Intervals of counts and of ratios: Poisson within an animal, bootstrap between animals.

References
----------
Garwood 1936, Biometrika 28:437-442, doi:10.1093/biomet/28.3-4.437.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def garwood(count: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of the mean of a Poisson count, ``chi2(a/2, 2n)/2`` to ``chi2(1-a/2, 2n+2)/2``.

    Parameters
    ----------
    count : int
    level : float

    Returns
    -------
    low, high : float

    References
    ----------
    Garwood 1936, doi:10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> [round(v, 3) for v in garwood(0)], [round(v, 2) for v in garwood(10)]
    ([0.0, 3.689], [4.8, 18.39])
    """
    tail = (1 - level) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count > 0 else 0.0
    return low, float(stats.chi2.ppf(1 - tail, 2 * count + 2)) / 2


def per_crossing(
    km: Floats, crossings: NDArray[np.int64], draws: int = 1000, rng: int | np.random.Generator = 0
) -> tuple[float, float, float]:
    """Kilometres per crossing over animals: low, best, high.

    Within an animal crossings are Poisson given the kilometres.  Between animals the animals are drawn with replacement; the spread of
    the logarithm of the ratio over these draws, widened for their number (Student's t, and n / (n - 1)), gives the interval.  The
    wider of both counts.  Without any crossing only a lower bound is known.

    Parameters
    ----------
    km : array, shape (animals,)
    crossings : array of int, shape (animals,)
    draws : int
    rng : int or Generator

    Returns
    -------
    low, best, high : float
        [km]; ``inf`` where nothing bounds it, NaN when nothing was walked there.

    Examples
    --------
    >>> [round(v, 2) for v in per_crossing(np.array([100.0]), np.array([0]))]
    [27.11, inf, inf]
    >>> low, best, high = per_crossing(np.array([50.0, 70.0, 60.0]), np.array([5, 6, 7]))
    >>> low < best < high, best
    (True, 10.0)
    """
    total, n = float(km.sum()), int(crossings.sum())
    if total <= 0:
        return (np.nan, np.nan, np.nan) if n == 0 else (0.0, 0.0, 0.0)
    few, many = garwood(n)
    low, best, high = total / many, (total / n if n else np.inf), (total / few if few > 0 else np.inf)
    met = (km > 0) | (crossings > 0)
    k, c = km[met], crossings[met].astype(float)
    if n == 0 or len(k) < 2:
        return low, best, high
    pick = np.random.default_rng(rng).integers(0, len(k), (draws, len(k)))
    logs = np.log((k[pick].sum(axis=1) + 1e-9) / np.maximum(c[pick].sum(axis=1), 0.5))
    far = float(stats.t.ppf(0.975, len(k) - 1) * logs.std(ddof=1) * np.sqrt(len(k) / (len(k) - 1)))
    return min(low, best * np.exp(-far)), best, max(high, best * np.exp(far))
