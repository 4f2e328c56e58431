"""Crossing chance to crossing cost and back; barriers in series; gaps along a line."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate, propagate

ABSOLUTE_P = 0.001
"""Crossing chances below this are impassable: the edge is removed from the graph, never a big number."""


def checked(name: str, value: Any, low: float, high: float, unit: str) -> NDArray[np.float64]:
    """``value`` as an array, refused when any of it lies outside [low, high]; NaN passes as missing."""
    if type(value) is float and low <= value <= high:
        return np.asarray(value)
    array = np.asarray(value, dtype=np.float64)
    bad = (array < low) | (array > high)
    if bad.any():
        first = float(array[bad].ravel()[0]) if array.ndim else float(array)
        raise OptionError(
            "V01",
            f"{name} = {first:g} is outside [{low:g}, {high:g}]{f' {unit}' if unit else ''}.",
            details={"values outside": int(bad.sum())},
            remedy=f"check the unit of {name}",
        )
    return array


def number(array: NDArray[np.float64]) -> Any:
    """A float for a 0-d array, the array itself otherwise."""
    return float(array) if array.ndim == 0 else array


def _failed_tries_m(p: Any, m: Any) -> Any:
    """``m (1 - p) / p``."""
    return m * (1.0 - p) / p


def _cost(p: Any, trace_length_m: Any) -> Any:
    p = checked("p", p, 0.0, 1.0, "")
    m = checked("trace_length_m", trace_length_m, 0.0, np.inf, "m")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        cost = np.where(p < ABSOLUTE_P, np.inf, _failed_tries_m(p, m))
    return number(np.where(np.isnan(p) | np.isnan(m), np.nan, cost))


def crossing_cost_m(p: Any, trace_length_m: Any) -> Any:
    """Crossing cost ``C = m (1 - p) / p`` of a barrier met with crossing chance ``p``.

    ``(1 - p) / p`` is the mean number of failed tries before the first success (geometric), each of which
    costs the mean trace length ``m``.

    Parameters
    ----------
    p : float, array or Estimate
        Crossing chance per encounter, 0..1; below :data:`ABSOLUTE_P` the barrier is impassable.
    trace_length_m : float, array or Estimate
        Mean distance worked along the barrier per failed try [m].

    Returns
    -------
    float, ndarray or Estimate
        Crossing cost [m of open ground]; ``inf`` where impassable; NaN where an input is NaN.

    Raises
    ------
    OptionError
        V01 when ``p`` is outside 0..1 or the trace length is negative.

    Notes
    -----
    Derived here (mean of a geometric distribution); see ``docs/passability.md``.
    Valid for tries that are independent of each other; an animal that learns where the gaps are does better.

    Examples
    --------
    >>> round(crossing_cost_m(0.5, 16_000)), round(crossing_cost_m(0.1, 16_000))
    (16000, 144000)
    >>> crossing_cost_m(0.0005, 16_000)
    inf
    """
    numbers = type(p) is float and type(trace_length_m) is float
    if numbers and 0.0 <= p <= 1.0 and trace_length_m >= 0.0:  # a draw asks for a dozen, one by one
        return np.inf if p < ABSOLUTE_P else _failed_tries_m(p, trace_length_m)
    return propagate(_cost, increasing={"trace_length_m": trace_length_m}, decreasing={"p": p}, unit="m")


def _chance(cost_m: Any, trace_length_m: Any) -> Any:
    cost = checked("cost_m", cost_m, 0.0, np.inf, "m")
    m = checked("trace_length_m", trace_length_m, np.nextafter(0, 1), np.inf, "m")
    with np.errstate(invalid="ignore"):
        return number(np.where(np.isinf(cost), 0.0, m / (m + cost)))


def chance_from_cost(cost_m: Any, trace_length_m: Any) -> Any:
    """Crossing chance that has the given crossing cost, the inverse of :func:`crossing_cost_m`.

    Parameters
    ----------
    cost_m : float, array or Estimate
        Crossing cost [m of open ground], >= 0; ``inf`` gives 0.
    trace_length_m : float, array or Estimate
        Mean trace length [m], > 0.

    Returns
    -------
    float, ndarray or Estimate
        ``m / (m + C)``.

    Examples
    --------
    >>> chance_from_cost(crossing_cost_m(0.2, 16_000.0), 16_000.0)
    0.2
    """
    return propagate(_chance, increasing={"trace_length_m": trace_length_m}, decreasing={"cost_m": cost_m})


def _encounter(m_m: Any, spacing_m: Any) -> Any:
    m = checked("m_m", m_m, 0.0, np.inf, "m")
    s = checked("spacing_m", spacing_m, 0.0, np.inf, "m")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        chance = -(m / s) * np.expm1(-s / m)
    chance = np.where(s == 0, 1.0, np.where((m == 0) | np.isinf(s), 0.0, chance))
    return number(np.where(np.isnan(s) | np.isnan(m), np.nan, chance))


def gap_encounter_chance(spacing_m: Any, trace_length_m: Any) -> Any:
    """Chance that an animal that meets a line with a gap every ``spacing_m`` finds one.

    ``P = (m / s) (1 - exp(-s / m))``: uniform start between two gaps, one direction, exponential trace
    length with mean ``m``.

    Parameters
    ----------
    spacing_m : float, array or Estimate
        Distance between neighbouring gaps [m].
    trace_length_m : float, array or Estimate
        Mean trace length of the species [m].

    Returns
    -------
    float, ndarray or Estimate
        Encounter chance 0..1; the chance that the gap is then used is the structure's own chance.

    Notes
    -----
    Derived here; see ``docs/passability.md``.  Valid for gaps much shorter than their spacing, evenly spread.  Animals that turn round, or know the gaps,
    do better.

    Examples
    --------
    >>> [round(gap_encounter_chance(s, 16.0), 2) for s in (1, 20, 200)]
    [0.97, 0.57, 0.08]
    """
    return propagate(_encounter, increasing={"m_m": trace_length_m}, decreasing={"spacing_m": spacing_m})


def parallel(*chances: Any) -> Any:
    """Chance to cross several barriers of one corridor in one go: the product of their chances.

    Parameters
    ----------
    *chances : float, array or Estimate
        Crossing chance of each barrier, 0..1; none gives 1 (nothing to cross).

    Returns
    -------
    float, ndarray or Estimate

    Notes
    -----
    Assumes independent tries and that an animal stopped by any of the barriers is back where it started; one
    that has crossed the first may be readier for the next, so this is a lower bound.  The movement graph
    instead adds the costs one by one (:func:`series_cost_m`), since the animal may stand between two lines;
    that is never more than the cost of the product.

    Examples
    --------
    >>> parallel(0.5, 0.5, 1.0)
    0.25
    """
    names = {f"p{i}": p for i, p in enumerate(chances)}

    def product(**values: Any) -> Any:
        arrays = [checked("p", v, 0.0, 1.0, "") for v in values.values()]
        return number(np.asarray(reduce(operator.mul, arrays, np.ones(()))))

    return propagate(product, increasing=names)


def series_cost_m(*costs_m: Any) -> Any:
    """Cost of barriers crossed one after the other: the sum of their crossing costs.

    Parameters
    ----------
    *costs_m : float, array or Estimate
        Crossing cost of each barrier [m of open ground], >= 0.

    Returns
    -------
    float, ndarray or Estimate
        Sum [m of open ground].

    Examples
    --------
    >>> series_cost_m(1_000.0, 16_000.0)
    17000.0
    """
    names = {f"c{i}": c for i, c in enumerate(costs_m)}

    def total(**values: Any) -> Any:
        arrays = [checked("cost_m", v, 0.0, np.inf, "m") for v in values.values()]
        return number(np.asarray(reduce(operator.add, arrays, np.zeros(()))))

    return propagate(total, increasing=names, unit="m")


def _split(p_total: Any, p_track: Any, n_fences: int) -> Any:
    total = checked("p_total", p_total, 0.0, 1.0, "")
    track = checked("p_track", p_track, 0.0, 1.0, "")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        tries = np.maximum((1.0 - total) / total - (1.0 - track) / track, 0.0)
        fence = np.where((total < ABSOLUTE_P) | (track < ABSOLUTE_P), 0.0, 1.0 / (1.0 + tries / n_fences))
    return number(np.where(np.isnan(total) | np.isnan(track), np.nan, fence))


def split_fenced_railway(p_total: Any, p_track: Any = 1.0, *, n_fences: int = 2) -> Any:
    """Crossing chance of one fence line, from the chance to cross the whole fenced railway.

    The profile's ``rail_barbed_both_sides`` is what is observed: the chance to get across fence, track and
    fence.  The graph holds the lines one by one and adds their costs, so each fence gets the chance that
    makes the costs add up: ``n C(p_fence) + C(p_track) = C(p_total)``, for any trace length.

    Parameters
    ----------
    p_total : float, array or Estimate
        Chance to cross the whole railway.  Below :data:`ABSOLUTE_P` every fence alone is absolute (0): the
        posts, wires and animals are the same on both sides, so opening one side alone gives nothing.
    p_track : float, array or Estimate
        Chance to cross the track without fences; 1 leaves all of the cost to the fences.
    n_fences : int
        Fence lines between the two sides (2 for both sides, 1 for one).

    Returns
    -------
    float, ndarray or Estimate
        Chance per fence line; 1 where the track alone explains ``p_total``.

    Raises
    ------
    OptionError
        V01 for chances outside 0..1, V02 when ``n_fences`` is below 1.

    Examples
    --------
    >>> p = split_fenced_railway(0.01, 0.8)
    >>> round(2 * crossing_cost_m(p, 1.0) + crossing_cost_m(0.8, 1.0), 9) == crossing_cost_m(0.01, 1.0)
    True
    >>> split_fenced_railway(0.0005, 0.5)
    0.0
    """
    if n_fences < 1:
        raise OptionError("V02", f"n_fences = {n_fences} is below 1.", remedy="pass 1 or 2 fence lines")
    if not isinstance(p_total, Estimate):
        if isinstance(p_track, Estimate):
            p_track = p_track.best
        return _split(p_total, p_track, n_fences)
    track = p_track.as_tuple() if isinstance(p_track, Estimate) else (p_track,) * 3
    low, best, high = (float(_split(t, k, n_fences)) for t, k in zip(p_total.as_tuple(), track))
    # low goes with low: the same sceptic judges fence and track; a wide track range must not turn the order
    return p_total.with_values(
        min(low, best), best, max(best, high), source=f"{p_total.source}; split per fence line"
    )
