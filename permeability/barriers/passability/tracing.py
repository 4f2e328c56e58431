"""One model of a gap: animals that trace a barrier find its openings within their trace length.

An animal that meets a line ``d`` metres beside an opening turns the right way half of the time and gets there with chance
``exp(-d / m)``, an exponential trace with mean ``m``; if it fails at the line first, this is its second try.  Animals that meet
the opening head-on come on top.  Described one by one, by their spacing or as a treatment, the same openings cost the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.passability.cost import checked, number
from permeability.core.estimate import propagate

REACH_TRACES = (
    4.0  # beyond so many trace lengths an opening is not looked for: 2 % of its animals come from there
)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)

Array = NDArray[np.float64]


def found_chance(distance_m: Array | float, trace_m: Array | float) -> Array:
    """Chance that an animal that meets a line so far beside an opening finds it: ``exp(-d / m) / 2``.

    >>> found_chance(np.array([0.0, 16_000.0]), 16_000.0).round(3).tolist()
    [0.5, 0.184]
    """
    return np.asarray(0.5 * np.exp(-np.asarray(distance_m, float) / trace_m))


def traced_cost_m(cost_m: Array, found: Array, trace_m: Array | float) -> Array:
    """Crossing cost of a line with a second try at an opening [m of open ground].

    With the line's chance ``p`` and a second chance ``q`` the animal crosses with ``p + (1 - p) q``, so that
    ``C' = (1 - q) / (1 / C + q / m)``.

    Parameters
    ----------
    cost_m : array
        Crossing cost of the line alone [m of open ground]; ``inf`` = complete.
    found : array
        Chance ``q`` that the animal finds an opening and goes through, 0..1.
    trace_m : float or array
        [m]

    Returns
    -------
    array

    Examples
    --------
    A complete fence of which one animal in ten finds the gap costs what a fence of chance 0.1 costs:

    >>> traced_cost_m(np.array([np.inf]), np.array([0.1]), 16_000.0).round().tolist()
    [144000.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(found > 0, (1.0 - found) / (1.0 / cost_m + found / trace_m), cost_m))


def _spaced(p_opening: Any, p_fence: Any, trace_length_m: Any, *, width_m: float, spacing_m: float) -> Any:
    p = checked("p_opening", p_opening, 0.0, 1.0, "")[..., None]
    fence = checked("p_fence", p_fence, 0.0, 1.0, "")[..., None]
    m = checked("trace_length_m", trace_length_m, np.nextafter(0, 1), np.inf, "m")[..., None]
    width, between = min(width_m, spacing_m), max(spacing_m - width_m, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_opening = np.where(p < 1, p / (m * (1.0 - p)), np.inf)
        per_fence = np.where(fence < 1, fence / (m * (1.0 - fence)), np.inf)
    head_on = width * per_opening
    half = 0.5 * between
    near = np.minimum(half, 12.0 * m)
    x = near * 0.5 * (NODES + 1.0)
    q = p * 0.5 * (np.exp(-x / m) + np.exp(-(between - x) / m))
    beside = 2.0 * (near * 0.5 * WEIGHTS * (per_fence + q / m) / (1.0 - q)).sum(axis=-1, keepdims=True)
    beside = beside + 2.0 * (half - near) * per_fence
    conductance = (np.maximum(head_on, width * per_fence) + beside) / spacing_m
    with np.errstate(invalid="ignore"):
        out = np.where(np.isinf(conductance), 1.0, m * conductance / (1.0 + m * conductance))
    return number(np.maximum(out, fence)[..., 0])


def spaced_chance(
    p_opening: Any, p_fence: Any, trace_length_m: Any, *, width_m: float, spacing_m: float
) -> Any:
    """Chance per encounter of a line with an opening of some width at even distances.

    Parameters
    ----------
    p_opening : float, array or Estimate
        Chance that an animal at an opening goes through, 0..1.
    p_fence : float, array or Estimate
        Chance of the line between the openings, 0..1.
    trace_length_m : float, array or Estimate
        Mean trace length [m], > 0.
    width_m : float
        Width of an opening [m].
    spacing_m : float
        From one opening to the next [m].

    Returns
    -------
    float, ndarray or Estimate
        The chance whose crossing cost conducts what the line conducts on average; never below ``p_fence``.

    Notes
    -----
    Derived here from :func:`found_chance`, both neighbours looked for, conductances averaged along the line; see
    ``docs/passability.md``.  Valid for evenly spread openings that the animals do not know beforehand.

    Examples
    --------
    >>> round(spaced_chance(0.3, 0.0, 16_000.0, width_m=500.0, spacing_m=20_000.0), 3)
    0.177
    >>> round(spaced_chance(0.3, 0.1, 16_000.0, width_m=0.0, spacing_m=1e9), 3)
    0.1
    """

    def chance(p_opening: Any, p_fence: Any, trace_length_m: Any) -> Any:
        return _spaced(p_opening, p_fence, trace_length_m, width_m=width_m, spacing_m=spacing_m)

    return propagate(
        chance,
        increasing={"p_opening": p_opening, "p_fence": p_fence, "trace_length_m": trace_length_m},
    )
