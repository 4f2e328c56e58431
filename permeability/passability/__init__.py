"""Passability: from what field people know to a crossing chance, and from there to a crossing cost.

Small functions, each with its range of validity and its source; all take floats, arrays or
:class:`~permeability.estimate.Estimate` and keep low <= best <= high.  See ``docs/passability.md``.
"""

from __future__ import annotations

from permeability.passability.cost import (
    ABSOLUTE_P,
    chance_from_cost,
    crossing_cost_m,
    gap_encounter_chance,
    parallel,
    series_cost_m,
    split_fenced_railway,
)
from permeability.passability.traffic import rail_chance, road_chance

__all__ = [
    "ABSOLUTE_P",
    "chance_from_cost",
    "crossing_cost_m",
    "gap_encounter_chance",
    "parallel",
    "rail_chance",
    "road_chance",
    "series_cost_m",
    "split_fenced_railway",
]
