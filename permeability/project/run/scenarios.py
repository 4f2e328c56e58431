"""The scenarios of a project as options: evaluated, checked for what differs between them, written to files.

A result folder with scenarios holds, beside what every run writes,

=================================== =========================================================================
``scenarios.csv``                   every option and index: baseline, value, signed change, their ranges
``residual.csv``                    options that mitigate another: its impact, what is given back, what remains
``scenario_draws.csv``              every option, draw and index
``scenario_inputs.csv``             every input that an option has otherwise than the baseline, and why
``cumulative.csv``                  lines in the order of building: added and total effect
``scenarios/<n>_<name>/*.tif``      current, least-cost distance and reach of the option, and their signed
                                    differences (``difference_*.tif``, option minus baseline)
=================================== =========================================================================
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability._version import __version__
from permeability.barriers.crossing_costs import width_of
from permeability.barriers.scenario import FACTS
from permeability.barriers.taken_away import lines_left
from permeability.barriers.treatments import treatments
from permeability.core.tasks import HERE, RunOn, content_hash
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers import rasters, whole_files
from permeability.layers.grid import Grid
from permeability.linkage.measured import Measured
from permeability.planning.alternatives import (
    Alternatives,
    Option,
    OptionResult,
    cumulative,
    evaluate_options,
)
from permeability.project.project import Project
from permeability.project.run.input_differences import differing_inputs, unexplained
from permeability.project.scenario_spec import TODAY, ScenarioSpec, chain_of, steps_of
from permeability.ranking.candidate_sites import treatment_cost
from permeability.viz.maps import difference

Array = NDArray[np.float64]
FOLDER = "scenarios"
MAPS = {
    "current": ("current summed over pairs of patches", "passages per unit injected"),
    "cost_distance": ("least-cost distance from the nearest patch", "m of open ground"),
    "reach": ("number of patches from which the place lies within the movement budget", "1"),
}


@dataclass(frozen=True, eq=False)
class ScenarioResult:
    """The scenarios of a project for one species.

    Attributes
    ----------
    alternatives : Alternatives
    cumulative : pandas.DataFrame or None
        See :func:`permeability.planning.alternatives.cumulative`; None when no scenario builds a line.
    inputs : dict
        Option name -> what differs from the baseline, see :func:`differing_inputs`.
    cumulative_of : str or None
        Option that ``cumulative`` is about.
    """

    alternatives: Alternatives = field(repr=False)
    cumulative: pd.DataFrame | None = field(repr=False)
    inputs: dict[str, list[dict[str, str]]] = field(repr=False)
    cumulative_of: str | None = None


def run_scenarios(
    project: Project, species: str, *, measured: Measured | None = None, on: RunOn = HERE
) -> ScenarioResult | None:
    """Evaluate every scenario of a project for one species; None when the project has none.

    Parameters
    ----------
    project : Project
    species : str
        Id of a species of the project.
    measured : Measured, optional
        The landscape of the species, where something of it is known already.
    on : RunOn
        Workers, where finished parts are kept, whom to tell; the results do not depend on it.

    Examples
    --------
    >>> from permeability import open_project, sample_folder
    >>> project = open_project(sample_folder() / "project.toml").with_cell_size(40_000)
    >>> found = run_scenarios(project, "khulan")
    >>> list(found.alternatives.results)
    ['today', 'Three openings', 'Planned railways unfenced']
    """
    spec = project.spec
    if not spec.scenarios:
        return None
    options = {n: option_of(project, n, species) for n in project.scenario_names}
    how = spec.comparison
    found = evaluate_options(
        list(options.values()), how.baseline, draws=how.draws, rng=how.seed, vary=how.vary, measured=measured, on=on,
    )  # fmt: skip
    inputs = {n: differing_inputs(project, how.baseline, n, options) for n in options}
    whole = _cumulative_scenario(project)
    order = cumulative(options[whole], years_built(project, whole), measured) if whole is not None else None
    return ScenarioResult(found, order, inputs, whole)


def loose_scenarios(
    land: Landscape,
    patches: Patches,
    inside: NDArray[np.bool_],
    after: Mapping[str, Landscape],
    measured: Measured | None = None,
) -> ScenarioResult:
    """Options that come from no project file: the landscapes after some scenarios, measured against one before.

    Parameters
    ----------
    land : Landscape
        Before.
    patches : Patches
    inside : bool array, shape (rows, cols)
        The species' range.
    after : mapping
        Name of a scenario -> landscape.
    measured : Measured, optional
        The landscape before, where something of it is known already.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> after = {"gap": land.with_scenario(pm.Scenario("gap").remove("F", km=(2, 4)))}
    >>> list(loose_scenarios(land, patches, land.valid, after).alternatives.results)
    ['today', 'gap']
    """
    options = {TODAY: Option(TODAY, land, patches, inside)}
    options |= {n: Option(n, x, patches, inside) for n, x in after.items()}
    found = evaluate_options(list(options.values()), TODAY, measured=measured)
    return ScenarioResult(found, None, {n: differing_inputs(None, TODAY, n, options) for n in options})


def option_of(project: Project, name: str, species: str) -> Option:
    """One scenario of a project as an option for a species."""
    variant, chain = project.variant(name), chain_of(project.spec.scenarios, name)
    land = variant.landscape(species).with_scenario(project.scenario(name))
    plan = chain[-1] if chain else None
    parent = plan.based_on if plan is not None else None
    return Option(
        name, land, variant.patches(species), variant.range_mask(species), parent,
        plan.measure if plan else None, plan.note if plan else "",
    )  # fmt: skip


def _cumulative_scenario(project: Project) -> str | None:
    """The scenario whose lines are shown in the order of building: the one named, else the one that builds most."""
    named = project.spec.comparison.cumulative
    if named is not None:
        return named
    builds = {
        s.name: sum(i.action == "add" for i in steps_of(chain_of(project.spec.scenarios, s.name)))
        for s in project.spec.scenarios
    }
    best = max(builds, key=lambda n: builds[n], default=None)
    return best if best is not None and builds[best] > 0 else None


def years_built(project: Project, name: str) -> Array:
    """Year of every barrier row: opened by the layer, or built by the scenario; NaN where neither says."""
    barriers = project.variant(name).barriers
    years = pd.to_numeric(barriers.table["opened"], errors="coerce").to_numpy(float, copy=True)
    planned = barriers.table.get("planned_open")
    for step in steps_of(chain_of(project.spec.scenarios, name)):
        if step.action == "add":
            for i in barriers.rows_of(str(step.line)):
                layer = pd.to_numeric(planned, errors="coerce").iloc[i] if planned is not None else np.nan
                years[i] = step.built if step.built is not None else layer if np.isfinite(layer) else np.inf
    return np.where(np.isposinf(years), _last_year(years), years)


def _last_year(years: Array) -> float:
    """A year for lines that a scenario builds without saying when: after all others."""
    known = years[np.isfinite(years)]
    return float(known.max()) + 1 if len(known) else 0.0


# ---------------------------------------------------------------- summary, record and files
def folder_names(names: Iterable[str]) -> dict[str, str]:
    """Scenario name -> folder: a number and what is left of the name in plain letters.

    >>> folder_names(["No-build (2035)", "Хашаатай"])
    {'No-build (2035)': '01_no-build_2035', 'Хашаатай': '02'}
    """
    out = {}
    for i, name in enumerate(names, start=1):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
        word = re.sub(r"[^a-z0-9-]+", "_", plain).strip("_-")[:40]
        out[name] = f"{i:02d}_{word}".rstrip("_")
    return out


def scenario_summary(found: ScenarioResult) -> dict[str, Any]:
    """Numbers of every option for ``summary.json``."""
    out: dict[str, Any] = {}
    for row in found.alternatives.table.to_dict("records"):
        mine = out.setdefault(str(row["scenario"]), {})
        cell = {"value": row["after"], "unit": row["unit"], "change": row["change"]}
        ends = ("after_low", "after_high", "change_low", "change_high", "share_better")
        mine[str(row["index"])] = cell | {k: row[k] for k in ends if k in row}
    return out


def scenario_record(project: Project, results: Mapping[str, ScenarioResult]) -> dict[str, Any]:
    """What the record says about every scenario: steps, year, folder, and what differs from the baseline."""
    options = _every_option(results)
    folders, told = folder_names(options), {s.name: s for s in project.spec.scenarios}
    plans = {n: _plan_record(n, o, told.get(n), folders[n], results) for n, o in options.items()}
    first = next(iter(results.values()))
    return {
        "baseline": first.alternatives.baseline, "draws": len(first.alternatives.quantiles), "seed": project.spec.comparison.seed,
        "order": list(options), "plans": plans, "cumulative": first.cumulative_of,
        "quantiles": {s: content_hash(r.alternatives.quantiles.to_numpy(float)) for s, r in results.items()},
        "drawn": {s: {u.key: u.words for u in r.alternatives.unknowns} for s, r in results.items()},
    }  # fmt: skip


def _every_option(results: Mapping[str, ScenarioResult]) -> dict[str, Option]:
    """Every option by its name, as the first species sees it."""
    return {n: r.option for f in reversed(list(results.values())) for n, r in f.alternatives.results.items()}


def _plan_record(
    name: str, option: Option, plan: ScenarioSpec | None, folder: str, results: Mapping[str, ScenarioResult]
) -> dict[str, Any]:
    land = option.land
    steps = [s.model_dump(exclude_unset=True) for s in plan.steps] if plan else _plain_steps(land)
    fences = [any(c.is_fence for c in parts) for parts in land.components]
    left = land.table.index.isin(lines_left(land.barriers, land.scenario, land.table).index)
    inputs = {s: r.inputs[name] for s, r in results.items() if name in r.inputs}
    return {
        "cost_usd": option_cost_usd(option), "folder": f"{FOLDER}/{folder}", "based_on": option.based_on, "measure": option.measure, "note": option.note,
        "year": land.context.get("year"), "interventions": [i.text() for i in land.scenario.interventions], "steps": steps,
        "layers": dict(plan.layers) if plan else {}, "inputs": inputs, "unexplained": {s: unexplained(r) for s, r in inputs.items()},
        "standing": [
            {"id": str(land.barriers.table["id"].iloc[i]), "fenced": fences[i]} for i in np.flatnonzero(land.standing & left)
        ],
    }  # fmt: skip


def option_cost_usd(option: Option) -> dict[str, float] | None:
    """What building an option costs by the catalogue [USD]; None where a step of it has no price there, or none builds."""
    steps = option.land.scenario.interventions
    if not steps or any(s.action not in ("remove", "treat") or (s.action == "treat" and s.treatment not in treatments()) for s in steps):  # fmt: skip
        return None
    found = [treatment_cost(option.land, s).as_tuple() for s in steps]
    low, best, high = (float(sum(c)) for c in zip(*found))
    return {"low": low, "best": best, "high": high}


def _plain_steps(land: Landscape) -> list[dict[str, Any]]:
    """Interventions as steps of a project file would say them."""
    out = []
    for i in land.scenario.interventions:
        step: dict[str, Any] = {"action": i.action, "line": i.line}
        if np.isfinite(i.km_from) and np.isfinite(i.km_to):
            step["km"] = i.km_from if i.km_from == i.km_to else (i.km_from, i.km_to)
        step |= {
            k: v
            for k, v in (("treatment", i.treatment), ("width_m", i.width_m), ("options", dict(i.options)))
            if v
        }
        out.append(step)
    return out


def measure_table(results: Mapping[str, ScenarioResult]) -> gpd.GeoDataFrame | None:
    """Treated stretches and structures of every scenario as lines, for maps and a GIS; None when there are none."""
    rows = []
    for name, option in _every_option(results).items():
        barriers = option.land.barriers
        for step in (s for s in option.land.scenario.interventions if s.action not in FACTS):
            low, high = barriers.km_range(step.line)
            width, a, b = width_of(step), max(step.km_from, low), min(step.km_to, high)
            half = (width or 0.0) / 2000.0 if step.km_from == step.km_to else 0.0
            shape = barriers.stretch(step.line, a - half, b + half)
            if not shape.is_empty:
                what = step.treatment or step.action
                rows.append({"scenario": name, "line": step.line, "what": what, "km_from": a, "km_to": b, "width_m": width, "geometry": shape})  # fmt: skip
    crs = next(iter(_every_option(results).values())).land.grid.crs if results else None
    return gpd.GeoDataFrame(rows, crs=crs) if rows else None


def write_scenarios(folder: Path, results: Mapping[str, ScenarioResult]) -> None:
    """Write tables and maps of the scenarios into a result folder."""
    tables: dict[str, list[pd.DataFrame]] = {
        "scenarios": [],
        "residual": [],
        "scenario_draws": [],
        "cumulative": [],
        "scenario_inputs": [],
    }
    for species, found in results.items():
        every = found.alternatives
        words = {n: r.option.land.scenario.brief() for n, r in every.results.items()}
        plan = every.table.assign(interventions=every.table["scenario"].map(words))
        tables["scenarios"].append(plan.assign(species=species))
        tables["residual"].append(every.residual.assign(species=species))
        tables["scenario_draws"].append(every.drawn.assign(species=species))
        differ = [
            {"species": species, "scenario": n, **row} for n, rows in found.inputs.items() for row in rows
        ]
        tables["scenario_inputs"].append(pd.DataFrame(differ))
        if found.cumulative is not None:
            tables["cumulative"].append(found.cumulative.assign(species=species))
        folders, base = folder_names(every.results), every.results[every.baseline]
        for name, result in every.results.items():
            _write_maps(folder / FOLDER / folders[name], species, name, base, result)
    for name, parts in tables.items():
        filled = [p for p in parts if len(p)]
        if filled:
            whole = pd.concat(filled, ignore_index=True)
            whole_files.write_csv(
                folder / f"{name}.csv", whole[["species", *[c for c in whole.columns if c != "species"]]]
            )


def _write_maps(folder: Path, species: str, name: str, base: OptionResult, result: OptionResult) -> None:
    land, baseline = result.option.land, base.option.name
    tags = {"species": land.profile.scientific, "software": f"permeability {__version__}", "scenario": name}
    for kind, (text, unit) in MAPS.items():
        here, there = getattr(result, kind), getattr(base, kind)
        _write_map(folder / f"{kind}_{species}.tif", here, land.grid, text, unit, tags)
        if name != baseline and here.shape == there.shape:
            note = {**tags, "baseline": baseline}
            target = folder / f"difference_{kind}_{species}.tif"
            _write_map(
                target, difference(there, here), land.grid, f"{text}: option minus baseline", unit, note
            )


def _write_map(path: Path, values: Array, grid: Grid, text: str, unit: str, tags: Mapping[str, str]) -> None:
    finite = np.where(np.isfinite(values), values, np.nan)
    rasters.write_geotiff(path, finite, grid, description=text, unit=unit, tags=tags)
