"""Scenarios: their names, what they build on, and every step by itself."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from permeability.barriers.crossing_costs import components_of, require_effect
from permeability.barriers.scenario import FACTS, Intervention
from permeability.core.errors import Finding, PermeabilityError, ProjectError
from permeability.landscape import landscape
from permeability.layers import whole_files
from permeability.project.checks.findings import Findings, Readable
from permeability.project.checks.layers import is_raster
from permeability.project.project import Project
from permeability.project.raster_findings import raster_findings
from permeability.project.scenario_spec import (
    TODAY,
    ScenarioSpec,
    StepSpec,
    built_later,
    chain_of,
    interventions_of,
    year_of,
)


def check(found: Findings, seen: Readable) -> None:
    """Every scenario, and the names in ``[comparison]``."""
    try:
        _ = seen.project.barriers
    except PermeabilityError:  # noted with its layer
        return
    for number, scenario in enumerate(seen.spec.scenarios):
        _scenario(found, seen, number, scenario)
    _comparison(found, seen)


def _scenario(found: Findings, seen: Readable, number: int, plan: ScenarioSpec) -> None:
    """One scenario: its name, what it builds on, its layers, and every step by itself."""
    spec, layer = seen.spec, f"scenario {plan.name!r}"
    at = partial(found.lines, "scenarios", number)
    if plan.name in [s.name for s in spec.scenarios[:number]] or (plan.name == TODAY and plan.steps):
        what = "stands for the project as it is" if plan.name == TODAY else "is the name of two scenarios"
        found.add(Finding("J13", f"{plan.name!r} {what}.", "give it another name", layer, tuple(at("name"))))
    chain = found.attempt(partial(chain_of, spec.scenarios, plan.name), layer=layer, rows=at("based_on"))
    for name in (n for pair in plan.layers.items() for n in pair):
        found.attempt(partial(seen.project.layer, name), rows=at("layers"))
    before: list[Intervention] = []
    for other in (chain or [])[:-1]:
        before += [i for s in other.steps for i in _taken(found, seen, s) or []]
    for i, step in enumerate(plan.steps):
        where = [f"step {i + 1}", *at("steps", i)]
        taken = found.attempt(partial(_effect, found, seen, step, before), layer=layer, rows=where)
        before += taken or []
        year = year_of(chain) if chain else plan.year
        if built_later(step, year):
            what = f"step {i + 1} is built in {step.built}, after the scenario's year {year}: it is left out"
            found.add(
                Finding(
                    "J11",
                    what,
                    "give the scenario a later year, or none",
                    layer,
                    tuple(where),
                    severity="warning",
                )
            )
    if chain and not any(f.severity == "error" and f.layer == layer for f in found.found):
        changed = found.attempt(partial(seen.project.variant, plan.name), layer=layer, rows=at("layers"))
        if changed is not None and changed is not seen.project:
            _layers_of(found, seen, changed, layer, at("layers"))


def _layers_of(found: Findings, seen: Readable, other: Project, label: str, rows: list[str]) -> None:
    """Layers that a scenario puts in the place of others, read in their role."""
    if other.spec.layers == seen.spec.layers:
        return
    found.attempt(lambda: other.barriers, layer=label, rows=rows)
    found.attempt(lambda: other.mask, layer=label, rows=rows)
    for name, old in seen.spec.layers.items():
        if other.spec.layers[name] != old and name in seen.raw:
            values = found.attempt(partial(other.raster, name), layer=label, rows=rows)
            for told in found.attempt(partial(raster_findings, other, name, values, seen.mask())) or []:
                found.add(dataclasses.replace(told, layer=label, rows=(f"layer {name}", *told.rows)))
    for species in () if found.errors else other.spec.species:
        found.attempt(partial(other.habitat, species), layer=label, rows=rows)


def _taken(found: Findings, seen: Readable, step: StepSpec) -> list[Intervention] | None:
    """Interventions of a step of another scenario; its faults are noted there."""
    try:
        return interventions_of(step, seen.project.barriers)
    except PermeabilityError:
        return None


def _comparison(found: Findings, seen: Readable) -> None:
    """Names in ``[comparison]``."""
    spec = seen.spec
    for key in ("baseline", "cumulative"):
        name = getattr(spec.comparison, key)
        if name is not None:
            rows = found.lines("comparison", key)
            found.attempt(partial(chain_of, spec.scenarios, name), layer="comparison", rows=rows)


def _effect(
    found: Findings, seen: Readable, spec: StepSpec, before: list[Intervention]
) -> list[Intervention]:
    """Refuse a step that cannot be taken after others, for any species that can be read."""
    if spec.action == "layer":
        _layer_step(found, seen, spec)
    steps = interventions_of(spec, seen.project.barriers)
    for step in steps:
        seen.project.barriers.rows_of(step.line)
        if step.action not in FACTS:
            for land in _lands(found, seen, [*before, *steps]):
                require_effect(step, seen.project.barriers, *land)
    return steps


def _layer_step(found: Findings, seen: Readable, spec: StepSpec) -> None:
    """Layers and files that a step names."""
    if spec.layer is not None:
        known = seen.project.layer(spec.layer)
        if spec.use is not None:
            seen.project.layer(spec.use)
        if spec.path is not None:
            whole_files.require_file(seen.project.folder / spec.path, layer=spec.layer)
        if spec.scale is not None and not is_raster(seen.spec, spec.layer):
            raise ProjectError(
                "J12", f"layer {spec.layer!r} ({known.path}) is no raster: its values cannot be scaled.",
                remedy="scale a raster, or the habitat factor that is made from the layer",
            )  # fmt: skip


def _lands(found: Findings, seen: Readable, steps: list[Intervention]) -> list[tuple[Any, Any]]:
    """Components after facts of lines were changed, and the profile, for every species that can be read."""
    facts: dict[int, dict[str, Any]] = {}
    for step in steps:
        if step.action in FACTS:
            for i in map(int, seen.project.barriers.rows_of(step.line)):
                facts[i] = {**facts.get(i, {}), **step.options}
    out = []
    for profile, components, context in _components(found, seen):
        mine = list(components)
        for i, changed in facts.items():
            row = {**seen.project.barriers.table.iloc[i].to_dict(), **changed}
            mine[i] = components_of(row, profile, **context)
        out.append((mine, profile))
    return out


def _components(found: Findings, seen: Readable) -> list[tuple[Any, Any, dict[str, Any]]]:
    about, out = seen.spec.project, []
    context = {
        "year": about.year,
        "season": about.season,
        "assume_fenced": seen.spec.barriers.assume_fenced,
    }
    for name in seen.spec.species:
        try:
            profile = seen.project.profile(name)
        except PermeabilityError:  # noted with the species
            continue
        out.append((profile, landscape.all_components(seen.project.barriers, profile, **context), context))
    return out
