"""Landscape permeability: which fence comes down first?

The names below load what they need when first used, so ``import permeability`` itself is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from permeability._version import __version__

_HOME = {
    "open_project": "permeability.project",
    "Project": "permeability.project",
    "check": "permeability.project",
    "Grid": "permeability.grid",
    "suggest_crs": "permeability.grid",
    "Estimate": "permeability.estimate",
    "SpeciesProfile": "permeability.species",
    "species_list": "permeability.species",
    "Landscape": "permeability.landscape",
    "Patches": "permeability.patches",
    "Scenario": "permeability.scenario",
    "Intervention": "permeability.scenario",
    "connectivity": "permeability.connect",
    "pinch_points": "permeability.corridors",
    "omnidirectional_files": "permeability.interop.raster_windows",
    "barrier_impact": "permeability.impact",
    "compare": "permeability.impact",
    "candidates": "permeability.sites",
    "rank": "permeability.ranking",
    "Candidate": "permeability.sites",
    "structure_candidates": "permeability.sites",
    "corridor_candidates": "permeability.sites",
    "drawn_candidates": "permeability.sites",
    "pressure": "permeability.line_pressure",
    "portfolio": "permeability.choice",
    "chains": "permeability.choice",
    "cost_benefit": "permeability.economics",
    "offset_account": "permeability.economics",
    "run_project": "permeability.run",
    "timeline": "permeability.years",
    "infrastructure_corridors": "permeability.bundles",
    "compare_results": "permeability.regression",
    "write_report": "permeability.reporting",
    "sample_folder": "permeability.samples",
    "PermeabilityError": "permeability.errors",
}

_ROOMS = (
    "barriers", "circuit", "corridors", "database", "executor", "grid", "io", "leastcost", "metrics", "network",
    "omnidirectional", "passability", "samples", "seasons", "species", "structures", "treatments", "wall_to_wall",
)  # fmt: skip

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f"permeability.{name}")
    raise AttributeError(f"module 'permeability' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


if TYPE_CHECKING:
    from permeability.choice import chains, portfolio
    from permeability.connect import connectivity
    from permeability.corridors import pinch_points
    from permeability.economics import cost_benefit, offset_account
    from permeability.errors import PermeabilityError
    from permeability.estimate import Estimate
    from permeability.grid import Grid, suggest_crs
    from permeability.impact import barrier_impact, compare
    from permeability.interop.raster_windows import omnidirectional_files
    from permeability.landscape import Landscape
    from permeability.line_pressure import pressure
    from permeability.patches import Patches
    from permeability.project import Project, check, open_project
    from permeability.ranking import rank
    from permeability.regression import compare_results
    from permeability.reporting import write_report
    from permeability.run import run_project
    from permeability.samples import sample_folder
    from permeability.scenario import Intervention, Scenario
    from permeability.sites import (
        Candidate,
        candidates,
        corridor_candidates,
        drawn_candidates,
        structure_candidates,
    )
    from permeability.species import SpeciesProfile, species_list
