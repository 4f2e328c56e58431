"""Report and board from Python: from the objects of a session, a run or a result folder to one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.scenario import Scenario
from permeability.core.display import Face
from permeability.core.errors import ProjectError
from permeability.impact.comparison import Comparison
from permeability.impact.line_by_line import Impact, barrier_impact
from permeability.landscape.habitat import Habitat
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.whole_files import write_json
from permeability.linkage.measured import Measured
from permeability.linkage.patch_pairs import Connectivity, connectivity
from permeability.planning.budget_choice import Plan
from permeability.planning.set_networks import TOLERANCE
from permeability.project.project import Project
from permeability.project.run.board_file import board_data
from permeability.project.run.record import make_record, summarise
from permeability.project.run.result_folder import write_maps, write_results
from permeability.project.run.run_result import Run, SpeciesResult
from permeability.project.run.scenarios import loose_scenarios
from permeability.project.spec import ProjectSpec
from permeability.ranking.ranking import Ranking
from permeability.report import write_board as write_board_of_folder
from permeability.report import write_report as write_report_of_folder
from permeability.report.render import REPORTS, require_page

__all__ = ["write_board", "write_report"]


def write_report(
    results: Any,
    target_html: str | Path,
    *,
    language: str = "en",
    title: str = "Permeability",
    statement: str = "",
    inside: NDArray[np.bool_] | None = None,
) -> Path:
    """Write the report of what was found: one file that opens offline, ``.html``, or ``.pdf`` where a Chromium is installed.

    Parameters
    ----------
    results : path, Run, or sequence of results
        A result folder; what :func:`run_project` gave back; or results of one or several species: ``Connectivity``,
        ``Impact``, ``Comparison``, ``Ranking`` and ``Plan`` objects in any order.  What a species lacks of connectivity
        and impact is computed; a plan stands in the report as a scenario.
    target_html : path
        File to write; it appears whole or not at all.
    language : {"en", "mn", "ru"}
    title : str
        Heading, for results that come from no project.
    statement : str
        A sentence that is printed on the report, such as that data are schematic.
    inside : bool array, shape (rows, cols), optional
        The species' range for what is computed here; that of the ranking, or the whole landscape, by default.

    Returns
    -------
    pathlib.Path
        ``target_html``.

    Raises
    ------
    ProjectError
        J06 for a folder without results, J10 for an object that is no result or for results from which the patches
        cannot be told.
    OptionError
        O01 for a language without a catalogue, O09 for a file of another kind.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> today = pm.connectivity(land, patches)
    >>> change = pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 6)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pm.write_report([today, change], f"{folder}/khulan.html", title="Two patches and a fence")
    ...     "Two patches and a fence" in path.read_text(encoding="utf-8")
    True
    """
    require_page(target_html, REPORTS)
    if isinstance(results, (str, Path)):
        return write_report_of_folder(results, target_html, language=language)
    run = results if isinstance(results, Run) else _run_of(_sorted(results), title, statement, inside)
    with TemporaryDirectory() as folder:
        write_maps(run.species, Path(folder))
        write_results(run, Path(folder))
        return write_report_of_folder(folder, target_html, language=language)


def write_board(
    results: Any, target_html: str | Path, *, language: str = "en", tolerance: float = TOLERANCE
) -> Path:
    """Write the what-if board of a ranking: one page, offline, in which sections are opened and the exact answer follows at once.

    Parameters
    ----------
    results : path, Run, or sequence of results or paths
        A result folder; what :func:`run_project` gave back; or rankings of one or several species, with what else was found. Folders or
        rankings of several seasons make a board on which the season is switched as the species is.
    target_html : path
        File to write, ``.html``; it appears whole or not at all.
    language : {"en", "mn", "ru"}
    tolerance : float
        Largest relative error of the gain of any set that is worked out both ways; a result folder has its own.

    Returns
    -------
    pathlib.Path
        ``target_html``.

    Raises
    ------
    ProjectError
        J06 for a folder without results, J10 for an object that is no result, J21 where nothing was ranked or the candidates do not
        only open, J22 for a folder of another version.
    OptionError
        O01 for a language without a catalogue, O09 for a file of another kind.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pm.write_board(ranking, f"{folder}/board.html", tolerance=1e-6)
    ...     path.stat().st_size < 1_000_000
    True
    """
    require_page(target_html, (".html", ".htm"))
    if isinstance(results, (str, Path)):
        return write_board_of_folder(results, target_html, language=language)
    if isinstance(results, (list, tuple)) and results and all(isinstance(r, (str, Path)) for r in results):
        return write_board_of_folder(results, target_html, language=language)
    if isinstance(results, Run):
        runs = [results]
    else:
        runs = [_run_of(_sorted(group), "Permeability", "", None) for group in _by_season(results)]
    with TemporaryDirectory() as folder:
        folders = [Path(folder) / str(n) for n in range(len(runs))]
        for run, own in zip(runs, folders):
            own.mkdir()
            write_maps(run.species, own)
            write_results(run, own)
            ranked = {n: r.ranking for n, r in run.species.items() if r.ranking is not None}
            write_json(own / "board.json", board_data(ranked, tolerance=tolerance))
        return write_board_of_folder(folders, target_html, language=language)


@dataclass
class _Found:
    """What was handed over for one species."""

    connectivity: Connectivity | None = None
    impact: Impact | None = None
    ranking: Ranking | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)


def _by_season(results: Any) -> list[Any]:
    """Results of each season apart where a species was ranked in more than one; else all together."""
    if isinstance(results, Face) or not isinstance(results, Iterable):
        return [results]
    things = list(results)
    ranked = [_landscape(t) for t in things if isinstance(t, Ranking)]
    if len({land.profile.id for land in ranked}) == len(ranked):
        return [things]
    groups: dict[Any, list[Any]] = {}
    for thing in things:
        groups.setdefault(_landscape(thing).context.get("season"), []).append(thing)
    return list(groups.values())


def _sorted(results: Any) -> dict[str, _Found]:
    """Results by species, each in its drawer."""
    found: dict[str, _Found] = {}
    alone = isinstance(results, Face) or not isinstance(results, Iterable)  # a ranking has rows of its own
    for thing in [results] if alone else results:
        drawer = found.setdefault(_landscape(thing).profile.id, _Found())
        if isinstance(thing, Connectivity):
            drawer.connectivity = thing
        elif isinstance(thing, Impact):
            drawer.impact = thing
        elif isinstance(thing, Ranking):
            drawer.ranking = thing
        elif isinstance(thing, Plan):
            drawer.plans.append(thing)
            drawer.ranking = drawer.ranking or thing.ranking
        else:
            drawer.comparisons.append(thing)
    if not found:
        raise ProjectError(
            "J10", "there is nothing to report.", remedy="hand over results, such as pm.connectivity(...)"
        )
    return found


def _landscape(thing: Any) -> Landscape:
    """The landscape before anything is done that a result is about."""
    if isinstance(thing, (Connectivity, Impact, Ranking)):
        return thing.land
    if isinstance(thing, Comparison):
        return thing.before
    if isinstance(thing, Plan):
        return thing.ranking.land
    raise ProjectError(
        "J10", f"a {type(thing).__name__} cannot be reported.",
        remedy="hand over results of pm.connectivity, pm.barrier_impact, pm.compare, pm.rank or pm.portfolio",
    )  # fmt: skip


def _run_of(found: dict[str, _Found], title: str, statement: str, inside: NDArray[np.bool_] | None) -> Run:
    """A run as the result folder wants it, made of loose results."""
    species = {name: _species(drawer, inside) for name, drawer in found.items()}
    project = _project(species, title, statement)
    return Run(project, species, summarise(project, species), make_record(project, species))


def _species(drawer: _Found, inside: NDArray[np.bool_] | None) -> SpeciesResult:
    land, patches = _land_and_patches(drawer)
    ranked = drawer.ranking
    if inside is None:
        inside = land.valid if ranked is None or ranked._engine is None else ranked.engine.inside
    after = {c.after.scenario.name: c.after for c in drawer.comparisons}
    for i, plan in enumerate(drawer.plans, start=1):
        name = "Plan" if len(drawer.plans) == 1 else f"Plan {i}"
        steps = [s for c in plan.ranking.sites if c.id in plan.sites for s in c.interventions]
        after[name] = land.with_scenario(Scenario(name, tuple(steps)))
    if ranked is not None and ranked._engine is not None:
        known = ranked.engine.measured.of(land, patches, inside)
    else:
        known = Measured(land, patches, inside)
    scenarios = loose_scenarios(land, patches, inside, after, known) if after else None
    return SpeciesResult(
        land, patches, inside, drawer.connectivity or connectivity(land, patches, measured=known),
        drawer.impact or barrier_impact(land, patches, inside, measured=known), ranked, scenarios,
    )  # fmt: skip


def _land_and_patches(drawer: _Found) -> tuple[Landscape, Patches]:
    if drawer.connectivity is not None:
        return drawer.connectivity.land, drawer.connectivity.patches
    if drawer.ranking is not None and drawer.ranking._engine is not None:
        return drawer.ranking.land, drawer.ranking.engine.patches
    raise ProjectError(
        "J10",
        "from these results alone the patches cannot be told.",
        remedy="add pm.connectivity(land, patches) to the list",
    )


def _project(species: dict[str, SpeciesResult], title: str, statement: str) -> Project:
    """What a project file would have said of these landscapes."""
    first = next(iter(species.values())).land
    west, south, east, north = first.grid.bounds
    spec = ProjectSpec.model_validate({
        "project": {"name": title, "statement": statement, "season": first.context.get("season"), "year": first.context.get("year")},
        "grid": {
            "crs": first.grid.crs.to_wkt(), "cell_size_m": first.grid.cell_size, "bounds": (west, south, east, north),
            "neighbours": first.neighbours,
        },
        "layers": {}, "barriers": {"layers": ["barriers"], "assume_fenced": first.context.get("assume_fenced", "no")},
        "species": {name: {"patches": "patches"} for name in species},
    })  # fmt: skip
    cache: dict[str, Any] = {"barriers": first.barriers}
    for name, found in species.items():
        cache[f"habitat {name} best"] = Habitat(found.land.resistance, _no_factors())
    return Project(Path(), spec, _cache=cache)  # of no file


def _no_factors(columns: Sequence[str] = ("factor", "used", "why_not", "source")) -> pd.DataFrame:
    """The resistance came as it is: nothing is known of what it was made from."""
    return pd.DataFrame(columns=list(columns))
