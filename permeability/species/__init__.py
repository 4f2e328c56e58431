"""Species profiles: what a species does at barriers, how far it moves, and what ground it avoids.

The shipped profiles are TOML files in ``permeability/data/species``; every number is an
:class:`~permeability.core.estimate.Estimate` with evidence grade and source.  A project overrides single numbers
(:meth:`SpeciesProfile.override`) or brings a whole profile (:func:`profile_from_dict`).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from permeability.core.guesses import no_such_name
from permeability.species.factors import Fact, HabitatFactor
from permeability.species.library import species, species_list, species_profile
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
    "species_profile",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise no_such_name(
        f"module {__name__!r}", name, __all__, {"list": "pm.species_list", "all": "pm.species_list"}
    )


class _Room(ModuleType):
    """The room can be asked for a species: ``pm.species("khulan")``."""

    def __call__(self, name: str) -> SpeciesProfile:
        return species_profile(name)


sys.modules[__name__].__class__ = _Room
