"""How designs compare: who is looked at when, and with which weight its mean counts.

Every design here is one contrast of means of groups and periods.  Gradient: the slope of the change over rings round the opening, by how much of
the effect arrives there (before-after-gradient; Ellis & Schneider 1997, doi:10.1023/A:1005752603707).  Staggered: openings one after the other,
the effect by least squares with a level of its own for each place and each period (stepped wedge; Hussey & Hughes 2007,
doi:10.1016/j.cct.2006.05.007).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["DESIGNS", "Cell", "layout"]

DESIGNS = {
    "baci": "before and after, at the opening and at controls",
    "before_after": "before and after at the opening alone: what else changed looks like an effect",
    "control_impact": "after only, at the opening and at controls: what differed before looks like an effect",
    "gradient": "before and after, in rings round the opening: an effect that does not fade with distance is not seen",
    "staggered": "places that are opened one after the other, all seen in all periods",
}


class Cell(NamedTuple):
    """One group in one period.

    Attributes
    ----------
    period : int
    time : float
        Share of the change that happens everywhere which has come by then, 0..1.
    dose : float
        Share of the effect of the opening that has arrived.
    weight : float
        Of its mean in the contrast.

    Examples
    --------
    >>> layout("before_after")[0][1][1]
    Cell(period=1, time=1.0, dose=1.0, weight=1.0)
    """

    period: int
    time: float
    dose: float
    weight: float


def layout(
    design: str, doses: Sequence[float] = (1.0, 0.5, 0.25, 0.0), steps: int = 4
) -> list[tuple[bool, list[Cell]]]:
    """Groups of a design, each with its cells.

    Parameters
    ----------
    design : str
        One of :data:`DESIGNS`.
    doses : sequence of float
        Of a gradient: share of the effect that arrives in each ring.
    steps : int
        Of a staggered design: how many places, one opened after every period but the last.

    Returns
    -------
    list of (bool, list of Cell)
        Whether it is a control, and its cells.  The sum of weight x mean is the effect where nothing else happens.

    Examples
    --------
    >>> cells = [c for _, group in layout("staggered", steps=3) for c in group]
    >>> round(sum(c.weight * c.dose for c in cells), 12), round(sum(c.weight * c.time for c in cells), 12)  # the effect; not the trend
    (1.0, 0.0)
    """
    if design == "gradient":
        away = np.asarray(doses, float) - np.mean(doses)
        weight = away / (away @ away)
        return [
            (False, [Cell(0, 0.0, 0.0, -float(w)), Cell(1, 1.0, float(d), float(w))])
            for d, w in zip(doses, weight, strict=True)
        ]
    if design == "staggered":
        open_ = (np.arange(steps + 1)[None, :] > np.arange(steps)[:, None]).astype(float)
        rest = open_ - open_.mean(axis=1, keepdims=True) - open_.mean(axis=0, keepdims=True) + open_.mean()
        weights = rest / (rest * open_).sum()
        return [
            (False, [Cell(t, t / steps, float(open_[s, t]), float(weights[s, t])) for t in range(steps + 1)])
            for s in range(steps)
        ]
    treated = (False, [Cell(0, 0.0, 0.0, -1.0), Cell(1, 1.0, 1.0, 1.0)])
    if design == "before_after":
        return [treated]
    if design == "control_impact":
        return [(False, [Cell(1, 1.0, 1.0, 1.0)]), (True, [Cell(1, 1.0, 0.0, -1.0)])]
    return [treated, (True, [Cell(0, 0.0, 0.0, 1.0), Cell(1, 1.0, 0.0, -1.0)])]
