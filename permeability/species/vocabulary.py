"""The closed vocabularies of species profiles."""

from __future__ import annotations

BARRIER_CLASSES: tuple[str, ...] = (
    "border",
    "rail_barbed_both_sides",
    "rail_wildlife_friendly",
    "stock",
    "rail_unfenced",
)
"""Keys of :attr:`SpeciesProfile.crossing`: the columns of the table of default crossing chances."""

TRACE_CLASSES: tuple[str, ...] = (*BARRIER_CLASSES, "road")
"""Barriers that a profile may give a trace length of their own."""

GROUPS: tuple[str, ...] = ("equid", "gazelle", "deer", "cat")
"""Animal groups of the table of crossing structures: equids, camels and yak; gazelles, saiga and chiru;
argali and deer; cats."""

ROAD_BEHAVIOURS: tuple[str, ...] = ("nonresponder", "pauser", "speeder", "avoider", "unknown")
"""Jacobson et al. 2016, Ecosphere 7:e01345, doi:10.1002/ecs2.1345."""

FACT_TOPICS: tuple[str, ...] = (
    "range",
    "movement",
    "water",
    "terrain",
    "fences",
    "railway",
    "road",
    "border",
    "passages",
    "season",
    "population",
)

MOVEMENT: tuple[str, ...] = ("trace_km", "budget_km", "dispersal_km", "annual_range_km2", "daily_km")
BODY: tuple[str, ...] = ("shoulder_cm", "mass_kg")
ABILITIES: tuple[str, ...] = ("crawls", "jumps", "climbs", "jump_factor")
