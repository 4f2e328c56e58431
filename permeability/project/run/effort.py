"""What a run will cost before it is run: cells, edges, solves, memory, expected time.  Solves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from permeability.core import memory
from permeability.core.errors import MemoryLimitError
from permeability.core.texts import N_, Said
from permeability.impact.line_by_line import SOLVED_AFRESH, standing_groups
from permeability.landscape.landscape import Landscape
from permeability.layers import rasters
from permeability.layers.grid import describe_crs
from permeability.locale.language import Words, words
from permeability.planning.searches import MANY
from permeability.project.grid_memory import require_grid_memory
from permeability.project.project import Project, open_project
from permeability.project.raster_findings import roles as raster_roles
from permeability.project.run.cell_size import cell_size_line, proposed_cell_m
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.draw_effort import (
    CHANGE_SECONDS,
    DRAWN_SECONDS,
    FIELD_SECONDS_PER_CELL,
    UPDATE_SECONDS_PER_CELL,
    draw_costs,
)
from permeability.ranking.settling import ENOUGH, lengths_m

__all__ = ["SpeciesPlan", "plan_every_species", "plan_project", "plan_species", "whole_seconds"]

CONDENSE_SECONDS_AT_1E6 = 1.5  # one set of effective resistances; grows as cells ** 1.3 in this range
PRESSURE_SECONDS = 2e-3  # of a candidate: where animals press, and its row of the table
STEP_SECONDS_PER_EDGE = 5e-6  # of a greedy search
BOUND_SECONDS = 16e-3  # for each candidate
DENSE_BYTES = 24  # for each pair of interface nodes, about 0.6 of the edges
LAYER_BYTES = 256  # times edges ** 1.5: a front carries all edges beneath it
PROGRAM_SECONDS = 2.5  # starting, the report and what else every run does (benchmarks/plan.py)
SPECIES_SECONDS = 0.8  # tables and pages of a species
OPTION_SECONDS = 0.5  # of an option for a species
GROUND_SECONDS_PER_CELL = 5e-5  # of a species: layers, cuts, indices, maps and networks beside the solves
COMPILE_SECONDS = 40.0  # first run on a machine only
LINK_BYTES = 32  # four conductance planes
FIELD_BYTES = 8
PROGRAM_BYTES = 470 * 2**20  # Python with the libraries and kernels, measured on Linux with Python 3.11
RANKED_BYTES = 2200  # a cell and species whose candidates are ranked, from runs of 4,000 to 120,000 cells (benchmarks/plan.py)


@dataclass(frozen=True)
class SpeciesPlan:
    """Expected work for one species; ``draws`` is the table of :func:`permeability.ranking.draw_effort.draw_costs`.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     plan_species(project, "khulan").candidates  # 8 km in stretches of 2 km
    4
    """

    species: str
    cells: int
    edges_cut: int
    patches: int
    cases: int
    candidates: int
    fields: int
    solves: int
    seconds: float
    peak_bytes: int
    draws: pd.DataFrame | None = field(default=None, compare=False)


def plan_species(project: Project, name: str) -> SpeciesPlan:
    """Expected work for one species of a project.

    Parameters
    ----------
    project : Project
    name : str
        Id of a species of the project.

    Returns
    -------
    SpeciesPlan

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     plan_species(project, "khulan").cells
    96
    """
    land, patches = project.landscape(name), project.patches(name)
    cells = int(land.valid.sum())
    groups = len(standing_groups(land, project.spec.impact.by))
    cases = 2 + 2 * groups * (groups <= SOLVED_AFRESH)
    found = project.candidates(name)
    sites, lines = len(found), list(dict.fromkeys(line for c in found for line in c.lines))
    n = len(patches)
    options = len(project.scenario_names) if project.spec.scenarios else 0
    variants = options * (2 + project.spec.comparison.draws)  # each option once, its maps, and every draw
    fields = (
        (cases + variants - options) * n + 1 + options
    )  # one per patch and landscape, one from the nearest patch
    solves = cases + 2 + variants
    updated = sites + 2 * groups * (
        groups > SOLVED_AFRESH
    )  # states that are brought up to date where they change
    seconds = (
        fields * FIELD_SECONDS_PER_CELL * cells + solves * CONDENSE_SECONDS_AT_1E6 * (cells / 1e6) ** 1.3
    )
    seconds += SPECIES_SECONDS + OPTION_SECONDS * options + GROUND_SECONDS_PER_CELL * cells
    seconds += updated * (n * UPDATE_SECONDS_PER_CELL * cells + CHANGE_SECONDS) + sites * PRESSURE_SECONDS
    seconds += variants * DRAWN_SECONDS * len(land.barriers)
    seconds += choice_seconds(found, project.spec.ranking.budget_usd, len(land.edge_barriers().cell))
    how, costs = project.spec.ranking, None
    if lines and how.draws:
        costs = draw_costs(
            land, lines, how.draws, vary=how.vary, draws_anew=how.draws_anew, patches=n, sites=sites
        )
        seconds += float(costs.loc[costs["chosen"], "seconds"].sum())
    peak = peak_bytes(land.grid.size, cells, n)
    if sites:
        peak += len(project.species_ids) * RANKED_BYTES * cells + interface_bytes(land, lines)
    return SpeciesPlan(
        name, cells, len(land.edge_barriers().cell), n, cases, sites, fields, solves, seconds, peak, costs
    )


def choice_seconds(sites: Sequence[Candidate], budget_usd: float | None, edges: int) -> float:
    """About how long the choice under a budget takes [s]: greedy searches step by step to the most money asked for, and the bound.

    Parameters
    ----------
    sites : sequence of Candidate
    budget_usd : float or None
        None chooses nothing.
    edges : int
        Edges that barriers cut.

    Returns
    -------
    float

    Examples
    --------
    >>> choice_seconds([], 1e6, 100), choice_seconds([], None, 100)
    (0.0, 0.0)
    """
    if budget_usd is None or not sites:
        return 0.0
    mean = float(np.mean([s.cost_usd.best for s in sites]))
    most = 2 if len(sites) > MANY else 4  # times the budget, of the curve of gain against money
    steps = len(sites) if mean <= 0 else min(len(sites), most * budget_usd / mean)
    return steps * STEP_SECONDS_PER_EDGE * edges + BOUND_SECONDS * len(sites)


def interface_bytes(land: Landscape, lines: Sequence[str]) -> int:
    """About how much the network between patches and the edges of some lines takes at once [bytes].

    Parameters
    ----------
    land : Landscape
    lines : sequence of str
        Of the candidates.

    Returns
    -------
    int
        As one dense front, or in layers where that is less.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> interface_bytes(land, ["F"]) < 2**20
    True
    """
    rows = np.concatenate([land.barriers.rows_of(x) for x in lines])
    cuts = land.cuts
    mine = np.isin(cuts.barrier, rows) & land.standing[cuts.barrier] & (cuts.direction < 4)
    edges = len(np.unique(cuts.edge_keys[mine]))
    return int(min(DENSE_BYTES * (0.6 * edges) ** 2, LAYER_BYTES * edges**1.5))


def peak_bytes(size: float, cells: float, fields: int) -> int:
    """Memory of one landscape and its solves beside the program [bytes].

    Parameters
    ----------
    size : float
        Cells of the grid.
    cells : float
        Cells of the landscape.
    fields : int
        Least-cost fields that are kept.

    Returns
    -------
    int

    Examples
    --------
    >>> peak_bytes(1e6, 1e6, 0) // 2**20
    362
    """
    return int(size * (LINK_BYTES + FIELD_BYTES * (fields + 6)) + 300 * cells)


def plan_every_species(project: Project) -> list[SpeciesPlan]:
    """Expected work for every species of a project.

    Parameters
    ----------
    project : Project

    Returns
    -------
    list of SpeciesPlan

    Raises
    ------
    MemoryLimitError
        M01 when not even the grid would fit into memory.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [p.species for p in plan_every_species(pm.open_project(pm.samples.tiny_project(f"{folder}/tiny")))]
    ['khulan']
    """
    require_grid_memory(project.grid)
    return [plan_species(project, name) for name in project.species_ids]


def plan_project(
    project: Project | str | Path, plans: Sequence[SpeciesPlan] | None = None, tr: Words | None = None
) -> str:
    """The plan of a project as text.

    Parameters
    ----------
    project : Project or path
    plans : sequence of SpeciesPlan, optional
        Of all its species in their order, where they are known already.
    tr : Words, optional
        The reader's language; English by default.

    Returns
    -------
    str
        Cells, edges, solves, memory and expected time, and the cell size that the candidates ask for: the largest round one of
        which they are :data:`permeability.ranking.settling.ENOUGH` long.

    Raises
    ------
    MemoryLimitError
        M01 when a step would not fit into what is free for this process (see :mod:`permeability.core.memory`).

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(plan_project(pm.samples.tiny_project(f"{folder}/tiny")).splitlines()[0])
    Two patches and a fence
    """
    project = project if isinstance(project, Project) else open_project(project)
    plans = plan_every_species(project) if plans is None else plans
    tr = words() if tr is None else tr
    grid, reading = project.grid, reading_bytes(project)
    scale = grid.distortion()
    place = {
        "crs": describe_crs(grid.crs), "cell": f"{grid.cell_size:,.6g}", "rows": str(grid.rows), "cols": str(grid.cols), "x": f"{grid.west:.10g}",
        "y": f"{grid.north:.10g}",
    }  # fmt: skip
    facts = [
        (N_("grid"), Said(N_("Grid({crs}, {cell} m, {rows} x {cols}, north-west corner ({x}, {y}))"), place)),
        (
            N_("distortion"),
            Said(
                N_("lengths up to {scale} %, areas up to {area} %"),
                {"scale": f"{scale['scale_error_pct']:.2f}", "area": f"{scale['area_error_pct']:.2f}"},
            ),
        ),
        (
            N_("barriers"),
            Said(
                N_("{n} rows, {cuts} cuts of edges"), {"n": len(project.barriers), "cuts": len(project.cuts)}
            ),
        ),
        (N_("memory"), memory.told_said()),
        (
            N_("reading"),
            Said(
                N_("{mib} MiB at once for the rasters, beside {own} MiB of the program itself"),
                {"mib": f"{reading / 2**20:,.0f}", "own": f"{PROGRAM_BYTES / 2**20:,.0f}"},
            ),
        ),
    ]
    lines = [project.spec.project.name, *(_fact(*f, tr) for f in facts)]
    for p in plans:
        lines += [f"  {p.species}", *(f"    {tr.said(s)}" for s in _of_species(p, reading))]
    lines += [_fact(N_("cell size"), s, tr) for s in _cell_size(project, plans)]
    total = whole_seconds(plans)
    whole = Said(
        N_("in all {time} on one core (first run on a machine: {first} s more to compile)"),
        {"time": duration_said(total), "first": f"{COMPILE_SECONDS:.0f}"},
    )
    lines.append(f"  {tr.said(whole)}")
    sure = [peak_bytes(grid.size, p.cells, p.patches) for p in plans]
    refuse_memory(max([reading, *sure]), grid.cell_size)  # by what no run does without
    return "\n".join(lines)


def whole_seconds(plans: Sequence[SpeciesPlan]) -> float:
    """About how long a run takes as a whole [s of one core]: all species, and what every run does.

    Parameters
    ----------
    plans : sequence of SpeciesPlan
        Of all species of a project.

    Returns
    -------
    float
        Kernels being kept from an earlier run.

    Examples
    --------
    >>> whole_seconds([])
    2.5
    """
    return PROGRAM_SECONDS + float(np.sum([p.seconds for p in plans]))


def _fact(label: str, said: Said, tr: Words) -> str:
    return f"  {tr(label):<11} {tr.said(said)}"


def _of_species(p: SpeciesPlan, reading: int) -> list[Said]:
    """Work, memory and time of one species."""
    return [
        Said(
            N_("cells {cells}; edges cut {cut}; patches {patches}; candidates {candidates}"),
            {"cells": p.cells, "cut": p.edges_cut, "patches": p.patches, "candidates": p.candidates},
        ),
        Said(
            N_("least-cost fields {fields}; circuit condensations {solves} over {cases} cases"),
            {"fields": p.fields, "solves": p.solves, "cases": p.cases},
        ),
        *_draw_lines(p.draws),
        Said(
            N_("peak memory about {mib} MiB; expected time {time}"),
            {
                "mib": f"{(PROGRAM_BYTES + max(p.peak_bytes, reading)) / 2**20:,.0f}",
                "time": duration_said(p.seconds),
            },
        ),
    ]


def _cell_size(project: Project, plans: Sequence[SpeciesPlan]) -> list[Said]:
    """What cells the candidates ask for, and what these would take beside today's."""
    lengths = [x for p in plans if p.candidates for x in lengths_m(project.candidates(p.species))]
    proposed, now = proposed_cell_m(lengths, ENOUGH), project.grid.cell_size
    if proposed is None:
        return []
    more = (now / proposed) ** 2  # cells for one of today's
    seconds = float(sum(p.seconds for p in plans)) * more**1.3
    bytes_ = PROGRAM_BYTES + max(p.peak_bytes for p in plans) * more
    cost = Said(
        N_("about {mib} MiB and {time}"), {"mib": f"{bytes_ / 2**20:,.0f}", "time": duration_said(seconds)}
    )
    said = cell_size_line(lengths, now, enough=ENOUGH, project=project.path.name, cost=cost)
    return [] if said is None else [said]


def reading_bytes(project: Project) -> int:
    """Memory that reading the rasters of a project takes at once, beyond what stays [bytes]."""
    needed = [0]
    for name, spec in project.spec.layers.items():
        if raster_roles(project, name):
            needed.append(
                rasters.reading_bytes(
                    project.folder / spec.path,
                    project.grid,
                    layer=name,
                    resampling=spec.resampling,
                    table=spec.table,
                )
            )
    return max(needed)


def _draw_lines(costs: pd.DataFrame | None) -> list[Said]:
    """What each kind of draw costs, one line each; kinds that were not asked for in brackets."""
    if costs is None:
        return []
    asked_for = N_("draws of {kind}: {n}, about {time} ({what})")
    idle = N_("draws of {kind}: {n}, about {time} ({what}) [not asked for]")
    return [
        Said(
            asked_for if r.chosen else idle,
            {"kind": Said(r.kind), "n": int(r.made), "time": duration_said(r.seconds), "what": Said(r.what)},
        )
        for r in costs.rename(columns={"count": "made"}).itertuples()
    ]


def refuse_memory(needed: int, cell_size_m: float) -> None:
    """Refuse a job that cannot fit; see :func:`plan_project`."""
    if needed > memory.available():
        raise MemoryLimitError(
            "M01",
            f"the run needs about {needed / 2**30:.1f} GiB, more than is free for it.",
            details={"memory": memory.told()},
            remedy=f"use larger cells (grid.cell_size_m = {cell_size_m * 2:g}), a smaller area or fewer patches",
        )


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(0.4), duration(75), duration(7300)
    ('under a second', '75 s', '2 h 1 min')
    """
    return str(duration_said(seconds))


def duration_said(seconds: float) -> Said:
    """The same with values apart.

    >>> str(duration_said(75))
    '75 s'
    """
    if seconds < 1:
        return Said(N_("under a second"))
    if seconds < 120:
        return Said(N_("{n} s"), {"n": f"{seconds:.0f}"})
    if seconds < 7200:
        return Said(N_("{n} min"), {"n": f"{seconds / 60:.0f}"})
    return Said(N_("{h} h {n} min"), {"h": f"{int(seconds // 3600)}", "n": f"{int(seconds % 3600 // 60)}"})
