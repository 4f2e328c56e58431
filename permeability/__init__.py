"""Landscape permeability: which fence comes down first?

The names below load what they need when first used, so ``import permeability`` itself is light.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from permeability._version import __version__

_HOME = {
    "open_project": "permeability.project.project",
    "Project": "permeability.project.project",
    "check": "permeability.project.checking",
    "Grid": "permeability.layers.grid",
    "suggest_crs": "permeability.layers.grid",
    "Estimate": "permeability.core.estimate",
    "SpeciesProfile": "permeability.species",
    "species_list": "permeability.species",
    "build_landscape": "permeability.project.at_hand",
    "place_patches": "permeability.project.at_hand",
    "read_barriers": "permeability.project.at_hand",
    "species_profile": "permeability.species",
    "show_versions": "permeability.project.run.doctor",
    "Landscape": "permeability.landscape.landscape",
    "Patches": "permeability.landscape.patches",
    "Scenario": "permeability.barriers.scenario",
    "Intervention": "permeability.barriers.scenario",
    "connectivity": "permeability.linkage.patch_pairs",
    "pinch_points": "permeability.linkage.corridors",
    "movement_chain": "permeability.linkage.movement_chain",
    "hazard": "permeability.linkage.exposure",
    "water_access": "permeability.impact.water_access",
    "openings_for_water": "permeability.impact.water_access",
    "country_map": "permeability.linkage.countries",
    "by_country": "permeability.linkage.countries",
    "country_gains": "permeability.ranking.owners",
    "protconn": "permeability.linkage.protected_areas",
    "protconn_by_country": "permeability.linkage.protected_areas",
    "omnidirectional_files": "permeability.interop.raster_windows",
    "barrier_impact": "permeability.impact.line_by_line",
    "compare": "permeability.impact.comparison",
    "candidates": "permeability.ranking.candidate_sites",
    "rank": "permeability.ranking.ranking",
    "Candidate": "permeability.ranking.candidate_sites",
    "structure_candidates": "permeability.ranking.candidate_sites",
    "corridor_candidates": "permeability.ranking.candidate_sites",
    "drawn_candidates": "permeability.ranking.drawn_sites",
    "pressure": "permeability.impact.line_pressure",
    "plan_draws": "permeability.planning.plan_draws",
    "portfolio": "permeability.planning.budget_choice",
    "bundled_candidates": "permeability.planning.budget_choice",
    "damage_map": "permeability.alignment.damage",
    "no_go": "permeability.alignment.no_go_areas",
    "route": "permeability.alignment.routing",
    "compare_alternatives": "permeability.alignment.line_options",
    "cost_benefit": "permeability.planning.economics",
    "offset_account": "permeability.planning.economics",
    "run_project": "permeability.project.run.run",
    "settle": "permeability.project.settling",
    "timeline": "permeability.project.run.years",
    "infrastructure_corridors": "permeability.barriers.parallel_lines",
    "compare_results": "permeability.project.run.result_differences",
    "rerun": "permeability.project.run.repeat",
    "verify_results": "permeability.project.run.checksums",
    "write_report": "permeability.project.run.session_report",
    "write_board": "permeability.project.run.session_report",
    "sample_folder": "permeability.project.samples",
    "PermeabilityError": "permeability.core.errors",
}

_ROOMS = {
    "alignment": "permeability.alignment",
    "barriers": "permeability.barriers",
    "chain": "permeability.engines.chain",
    "circuit": "permeability.engines.circuit",
    "corridors": "permeability.linkage.corridors",
    "database": "permeability.barriers.database",
    "errors": "permeability.core.errors",
    "grid": "permeability.layers.grid",
    "io": "permeability.layers",
    "landscape": "permeability.landscape",
    "leastcost": "permeability.engines.leastcost.distance",
    "metrics": "permeability.linkage.network_metrics",
    "monitoring": "permeability.monitoring",
    "network": "permeability.linkage.patch_network",
    "omnidirectional": "permeability.engines.omnidirectional",
    "passability": "permeability.barriers.passability",
    "samples": "permeability.project.samples",
    "seasons": "permeability.species.seasons",
    "species": "permeability.species",
    "structures": "permeability.barriers.structure_inventory",
    "tasks": "permeability.core.tasks",
    "telemetry": "permeability.telemetry",
    "treatments": "permeability.barriers.treatments",
    "wall_to_wall": "permeability.engines.omnidirectional.wall_to_wall",
}

_RENAMED = {"chains": "bundled_candidates", "executor": "tasks"}  # old name -> new; for one release

__all__ = ["__version__", *_HOME]


if not TYPE_CHECKING:  # so that editors and mypy see a misspelt name

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            value = getattr(import_module(_HOME[name]), name)
            globals()[name] = value
            return value
        if name in _ROOMS:
            return import_module(_ROOMS[name])
        if name in _RENAMED:
            from permeability.core.renamed import say_renamed

            say_renamed("permeability", name, _RENAMED[name], 3)
            return __getattr__(_RENAMED[name])
        if name.startswith("_"):
            raise AttributeError(f"module 'permeability' has no attribute {name!r}")
        from permeability.core.guesses import MODULE, no_such_name

        raise no_such_name("module 'permeability'", name, [*_HOME, *_ROOMS], MODULE)


class _Doors:
    """Lets ``from permeability.database import check`` reach the room that ``pm.database`` reaches."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        head, _, name = fullname.rpartition(".")
        known = name in _ROOMS or _RENAMED.get(name) in _ROOMS
        loader: Any = (
            self  # not a subclass of importlib.abc.Loader, whose import takes longer than all of this
        )
        return ModuleSpec(fullname, loader) if head == __name__ and known else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        name = spec.name.rpartition(".")[2]
        if name in _RENAMED:
            from permeability.core.renamed import say_renamed

            say_renamed(__name__, name, _RENAMED[name], 3)
        room = import_module(_ROOMS[_RENAMED.get(name, name)])
        spec.loader_state = room.__spec__
        return room

    def exec_module(self, module: ModuleType) -> None:
        """Give the room its own name back; it was loaded when it was made."""
        module.__spec__ = module.__spec__ and module.__spec__.loader_state


sys.meta_path.append(_Doors())


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_ROOMS})


if TYPE_CHECKING:
    from permeability import alignment, barriers, landscape, monitoring, species, telemetry
    from permeability import layers as io
    from permeability.alignment.damage import damage_map
    from permeability.alignment.line_options import compare_alternatives
    from permeability.alignment.no_go_areas import no_go
    from permeability.alignment.routing import route
    from permeability.barriers import database, passability, treatments
    from permeability.barriers import structure_inventory as structures
    from permeability.barriers.parallel_lines import infrastructure_corridors
    from permeability.barriers.scenario import Intervention, Scenario
    from permeability.core import errors, tasks
    from permeability.core.errors import PermeabilityError
    from permeability.core.estimate import Estimate
    from permeability.engines import chain, circuit, omnidirectional
    from permeability.engines.leastcost import distance as leastcost
    from permeability.engines.omnidirectional import wall_to_wall
    from permeability.impact.comparison import compare
    from permeability.impact.line_by_line import barrier_impact
    from permeability.impact.line_pressure import pressure
    from permeability.impact.water_access import openings_for_water, water_access
    from permeability.interop.raster_windows import omnidirectional_files
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches
    from permeability.layers import grid
    from permeability.layers.grid import Grid, suggest_crs
    from permeability.linkage import corridors
    from permeability.linkage import network_metrics as metrics
    from permeability.linkage import patch_network as network
    from permeability.linkage.corridors import pinch_points
    from permeability.linkage.countries import by_country, country_map
    from permeability.linkage.exposure import hazard
    from permeability.linkage.movement_chain import movement_chain
    from permeability.linkage.patch_pairs import connectivity
    from permeability.linkage.protected_areas import protconn, protconn_by_country
    from permeability.planning.budget_choice import bundled_candidates, portfolio
    from permeability.planning.economics import cost_benefit, offset_account
    from permeability.planning.plan_draws import plan_draws
    from permeability.project import samples
    from permeability.project.at_hand import build_landscape, place_patches, read_barriers
    from permeability.project.checking import check
    from permeability.project.project import Project, open_project
    from permeability.project.run.checksums import verify_results
    from permeability.project.run.doctor import show_versions
    from permeability.project.run.repeat import rerun
    from permeability.project.run.result_differences import compare_results
    from permeability.project.run.run import run_project
    from permeability.project.run.session_report import write_board, write_report
    from permeability.project.run.years import timeline
    from permeability.project.samples import sample_folder
    from permeability.project.settling import settle
    from permeability.ranking.candidate_sites import (
        Candidate,
        candidates,
        corridor_candidates,
        structure_candidates,
    )
    from permeability.ranking.drawn_sites import drawn_candidates
    from permeability.ranking.owners import country_gains
    from permeability.ranking.ranking import rank
    from permeability.species import SpeciesProfile, seasons, species_list, species_profile
