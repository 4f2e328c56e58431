"""Passability: from what field people know to a crossing chance, and from there to a crossing cost.

Small functions, each with its range of validity and its source; they take floats, arrays or
:class:`~permeability.core.estimate.Estimate` and keep low <= best <= high.  See ``docs/passability.md``.
"""

from __future__ import annotations

from permeability.barriers.passability.chances import (
    corridor_chance,
    crossing_estimate,
    traffic_of,
    treated_chances,
)
from permeability.barriers.passability.cost import (
    ABSOLUTE_P,
    chance_from_cost,
    crossing_cost_m,
    gap_encounter_chance,
    parallel,
    series_cost_m,
    split_fenced_railway,
)
from permeability.barriers.passability.fences import FenceDesign, fence_chance, fence_designs, fence_passage
from permeability.barriers.passability.structures import Structure, learning_factor, structure_chance
from permeability.barriers.passability.tracing import spaced_chance
from permeability.barriers.passability.traffic import hour_shares, rail_chance, road_chance

__all__ = [
    "ABSOLUTE_P",
    "FenceDesign",
    "Structure",
    "chance_from_cost",
    "corridor_chance",
    "crossing_cost_m",
    "crossing_estimate",
    "fence_chance",
    "fence_designs",
    "fence_passage",
    "gap_encounter_chance",
    "hour_shares",
    "learning_factor",
    "parallel",
    "rail_chance",
    "road_chance",
    "series_cost_m",
    "spaced_chance",
    "split_fenced_railway",
    "structure_chance",
    "traffic_of",
    "treated_chances",
]
