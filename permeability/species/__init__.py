"""Species profiles: what a species does at barriers, how far it moves, and what ground it avoids.

The shipped profiles are TOML files in ``permeability/data/species``; every number is an
:class:`~permeability.core.estimate.Estimate` with evidence grade and source.  A project overrides single numbers
(:meth:`SpeciesProfile.override`) or brings a whole profile (:func:`profile_from_dict`).
"""

from __future__ import annotations

from permeability.species.factors import Fact, HabitatFactor
from permeability.species.library import species, species_list
from permeability.species.profile import SpeciesProfile, profile_from_dict
from permeability.species.vocabulary import BARRIER_CLASSES, FACT_TOPICS, GROUPS, ROAD_BEHAVIOURS

__all__ = [
    "BARRIER_CLASSES",
    "FACT_TOPICS",
    "GROUPS",
    "ROAD_BEHAVIOURS",
    "Fact",
    "HabitatFactor",
    "SpeciesProfile",
    "profile_from_dict",
    "species",
    "species_list",
]
