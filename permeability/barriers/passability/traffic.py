"""Roads by vehicles a day, railways by trains a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.passability.cost import checked, number
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import propagate

SECONDS_PER_HOUR = 3600.0
HOURS = 24
TRAINS_OF_TABLE = 50.0
"""Trains a day up to which the profiles' ``rail_unfenced`` chance holds."""
TRAIN_PASSING_S = 60.0
"""Time a train takes to pass one point [s]: 900 m at 54 km/h (M-m)."""


def hour_shares(
    hour_profile: Sequence[float] | None = None,
    closed_hours: Iterable[int] | None = None,
    closed_traffic: str = "moved",
) -> NDArray[np.float64]:
    """Share of a day's traffic in each hour of the day.

    Parameters
    ----------
    hour_profile : sequence of 24 floats, optional
        Traffic by hour from midnight in any unit; None for the same in every hour.
    closed_hours : iterable of int, optional
        Hours 0..23 in which the road is closed to traffic.
    closed_traffic : {"moved", "removed"}
        Whether vehicles wait and drive in the open hours (in proportion) or do not drive at all.

    Returns
    -------
    ndarray of float64, shape (24,)
        Sums to 1 (``moved``, or nothing closed) or less (``removed``).

    Raises
    ------
    OptionError
        V03 for a profile that is not 24 numbers >= 0 with a sum above 0, V04 for hours outside 0..23.

    Examples
    --------
    >>> float(hour_shares(closed_hours=range(12))[12]) == 2 / 24
    True
    """
    closed = tuple(closed_hours or ())
    if hour_profile is None:
        return _shares(None, closed, closed_traffic).copy()
    weights = np.asarray(hour_profile, dtype=np.float64)
    if (
        weights.shape != (HOURS,)
        or not np.isfinite(weights).all()
        or (weights < 0).any()
        or weights.sum() <= 0
    ):
        raise OptionError(
            "V03",
            "an hour profile must be 24 numbers >= 0 with a sum above 0.",
            remedy="give vehicles per hour from 00-01 to 23-24",
        )
    return _shares(tuple(weights.tolist()), closed, closed_traffic).copy()


@lru_cache(maxsize=256)
def _shares(
    profile: tuple[float, ...] | None, closed_hours: tuple[int, ...], closed_traffic: str
) -> NDArray[np.float64]:
    """:func:`hour_shares` once more, kept: a ranking asks for those of a few roads in every draw."""
    check_choice("closed_traffic", closed_traffic, ("moved", "removed"))
    weights = np.ones(HOURS) if profile is None else np.array(profile)
    shares: NDArray[np.float64] = weights / weights.sum()
    closed = sorted(set(closed_hours))
    if any(h not in range(HOURS) for h in closed):
        raise OptionError(
            "V04", f"closed hours {closed} go beyond 0..23.", remedy="hour 23 is 23:00 to 24:00"
        )
    shares[closed] = 0.0
    if closed_traffic == "moved" and shares.sum() > 0:
        shares /= shares.sum()
    return shares


def _road(p0: Any, vehicles_per_day: Any, gap_s: Any, shares: Any, activity: Any, bunching: float) -> Any:
    p0 = checked("p0", p0, 0.0, 1.0, "")
    q = checked("vehicles_per_day", vehicles_per_day, 0.0, np.inf, "")
    gap = checked("gap_s", gap_s, 0.0, np.inf, "s")
    per_second = np.multiply.outer(shares, q) / (SECONDS_PER_HOUR * bunching)
    by_hour = np.exp(-per_second * gap)
    over_day = np.dot(activity.reshape(1, -1), by_hour.reshape(len(by_hour), -1)).reshape(by_hour.shape[1:])
    return number(np.asarray(p0 * over_day))


def road_chance(
    p0: Any,
    vehicles_per_day: Any,
    gap_s: Any,
    *,
    hour_profile: Sequence[float] | None = None,
    closed_hours: Iterable[int] | None = None,
    closed_traffic: str = "moved",
    bunching: float = 1.0,
    activity: Sequence[float] | None = None,
) -> Any:
    """Chance to cross a road: ``p0 exp(-q T / 86 400)``, hour by hour.

    With random arrivals the chance that a moment starts a gap of ``T`` seconds is ``exp(-q T)``.  Traffic
    that is bunched, or kept to some hours, leaves more gaps.

    Parameters
    ----------
    p0 : float, array or Estimate
        Chance to cross the empty road, 0..1.
    vehicles_per_day : float, array or Estimate
        Two-way traffic [vehicles per day].
    gap_s : float, array or Estimate
        Gap the species needs [s].
    hour_profile, closed_hours, closed_traffic
        See :func:`hour_shares`.
    bunching : float
        Mean number of vehicles that pass as one convoy, >= 1: the flow of gaps is that of convoys.
    activity : sequence of 24 floats, optional
        Weight of each hour in the animal's tries; None for all hours alike.

    Returns
    -------
    float, ndarray or Estimate
        Crossing chance per encounter, broadcast over the inputs.

    Raises
    ------
    OptionError
        V01 for values out of range, V03 / V04 for hours, V05 for bunching below 1.

    Notes
    -----
    Valid for two-lane roads with free flow (below about 15,000 vehicles a day).  It says nothing of road
    kills.  Moving traffic out of closed hours makes the open ones busier, so over a whole day a closure can
    also lower the chance; ``activity`` tells which hours count.

    References
    ----------
    Riginos et al. 2018, Wyoming Department of Transportation report (deer need 60 s gaps to cross safely nine
    times in ten); the exponential gap: arithmetic of random arrivals.

    Examples
    --------
    >>> [round(road_chance(1.0, q, 60.0), 2) for q in (1_000, 4_000, 10_000)]
    [0.5, 0.06, 0.0]
    """
    if not bunching >= 1:
        raise OptionError(
            "V05", f"bunching = {bunching} is below 1.", remedy="1 is random traffic, 5 convoys of five"
        )
    shares = hour_shares(hour_profile, closed_hours, closed_traffic)
    return propagate(
        _road,
        increasing={"p0": p0},
        decreasing={"vehicles_per_day": vehicles_per_day, "gap_s": gap_s},
        shares=shares,
        activity=hour_shares(activity),
        bunching=float(bunching),
    )


def _rail(p_unfenced: Any, trains_per_day: Any, gap_s: Any) -> Any:
    p = checked("p_unfenced", p_unfenced, 0.0, 1.0, "")
    n = checked("trains_per_day", trains_per_day, 0.0, np.inf, "")
    gap = checked("gap_s", gap_s, 0.0, np.inf, "s")
    extra = np.where(np.isnan(n), 0.0, np.maximum(n - TRAINS_OF_TABLE, 0.0))
    return number(p * np.exp(-extra * (gap + TRAIN_PASSING_S) / (HOURS * SECONDS_PER_HOUR)))


def rail_chance(p_unfenced: Any, trains_per_day: Any, gap_s: Any) -> Any:
    """Chance to cross an unfenced track by trains a day.

    The profile's value holds up to 50 trains a day (one in half an hour: traffic alone leaves gaps); every
    train beyond closes the track for its own passing and for the gap the species needs.

    Parameters
    ----------
    p_unfenced : float, array or Estimate
        The profile's ``rail_unfenced`` chance, 0..1.
    trains_per_day : float, array or Estimate
        Trains a day; NaN (not known) counts as at most 50.
    gap_s : float, array or Estimate
        Gap the species needs [s], as for roads.

    Returns
    -------
    float, ndarray or Estimate

    Notes
    -----
    Whether khulan cross an unfenced track is an open question (CAMI 2.2.1 i): the profile's 0.10-0.90 is the
    whole of what is known, and results should be shown for both ends.  The exponent beyond 50 trains is by
    analogy with roads (M-l).

    Examples
    --------
    >>> rail_chance(0.5, 46, 60), rail_chance(0.5, 96, 60) < 0.5
    (0.5, True)
    """
    return propagate(
        _rail,
        increasing={"p_unfenced": p_unfenced},
        decreasing={"trains_per_day": trains_per_day, "gap_s": gap_s},
    )
