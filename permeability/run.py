"""A project run end to end: steps, files, record.  Orchestration only; no science lives here.

A result folder holds

=========================== ==================================================================================
``summary.json``            every headline number with its unit, sorted keys, no times or paths; `compare` reads it
``record.json``             inputs with hashes, parameters, versions, choices, residuals
``sites.csv``, ``sites.gpkg`` the ranked sites (table ``sites``); with ``barriers``, ``patches``, ``ranges``
``pressure.csv``            pressure and passages along the lines of the ranked sites, stretch by stretch
``plan.csv``                sites chosen for the budget, for every species and for all together; table ``plan``
``cost_benefit.csv``, ``offset.csv`` whole-life cost and gain per money; quality hectares lost and given back
``impact.csv``              indices of every case: no barriers, all, only X, without X
``pairs.csv``               every pair of patches
``scenarios.csv`` ...       scenarios of the project, see :mod:`permeability.scenario_run`
``resistance_<species>.tif`` the classic form: barriers burnt into cells
``habitat_<species>.tif``   resistance of the ground alone
``current_<species>.tif``, ``cost_distance_<species>.tif`` maps
``report.html``             one file that opens offline
=========================== ==================================================================================
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from permeability import io
from permeability._version import __version__
from permeability.barriers import traffic_class
from permeability.burn import burn_resistance
from permeability.choice_files import Choice, choice_summary, make_choice, plan_table
from permeability.connect import Connectivity
from permeability.errors import Finding, ProjectError
from permeability.executor import connected
from permeability.faces import Face
from permeability.impact import Impact
from permeability.landscape import Landscape
from permeability.patches import Patches
from permeability.project import Project, check, open_project
from permeability.ranking import Ranking, rank
from permeability.scenario_run import (
    ScenarioResult,
    measure_table,
    run_scenarios,
    scenario_record,
    scenario_summary,
    write_scenarios,
)
from permeability.steps import Step, take_steps
from permeability.units import unit_of

__all__ = ["Run", "SpeciesResult", "component_table", "doctor", "run_project"]

Progress = Callable[[str, int, int], None]  # step, done, all

RESULT_MARK = "record.json"  # by this file an earlier result folder is known

LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "geopandas",
    "shapely",
    "pyproj",
    "rasterio",
    "xarray",
    "networkx",
)


@dataclass(frozen=True, eq=False)
class SpeciesResult:
    """Everything a run found for one species.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> result = run.species["khulan"]
    >>> result.impact.today.values["pairs_apart"], list(result.scenarios.alternatives.results)
    (1.0, ['today', 'opened in the middle'])
    """

    land: Landscape
    patches: Patches
    inside: NDArray[np.bool_] = field(repr=False)
    connectivity: Connectivity = field(repr=False)
    impact: Impact = field(repr=False)
    ranking: Ranking | None = field(repr=False)
    scenarios: ScenarioResult | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Run(Face):
    """A finished run.

    Attributes
    ----------
    project : Project
    species : dict
        Species id -> SpeciesResult.
    summary : dict
        What ``summary.json`` holds.
    record : dict
        What ``record.json`` holds.
    folder : pathlib.Path or None
        Where it was written.
    choice : Choice
        Plans for the budget, money and hectares.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> run
    Run of 'Two patches and a fence': khulan
    """

    _face: ClassVar[str] = "run"

    project: Project
    species: dict[str, SpeciesResult]
    summary: dict[str, Any] = field(repr=False)
    record: dict[str, Any] = field(repr=False)
    folder: Path | None = None
    choice: Choice = field(default_factory=Choice, repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """Indices of every case of every species."""
        return _species_first(pd.concat([r.impact.table.assign(species=n) for n, r in self.species.items()]))

    def __repr__(self) -> str:
        return f"Run of {self.project.spec.project.name!r}: {', '.join(self.species)}" + (
            f" in {self.folder}" if self.folder else ""
        )


def run_project(
    project: Project | str | Path,
    folder: str | Path | None = None,
    *,
    progress: Progress | None = None,
    report: bool = True,
    workers: int | None = None,
    scheduler: Any = None,
    resume: bool = False,
) -> Run:
    """Run a project: connectivity, impact and ranking per species, and write the result folder.

    Parameters
    ----------
    project : Project or path
    folder : path, optional
        Result folder, replaced as a whole when everything has worked; nothing is written when None.
    progress : callable, optional
        Called with (step, done, all).
    report : bool
        Whether to write ``report.html``.
    workers : int, optional
        Threads; all cores by default.  The results do not depend on them.
    scheduler : str or distributed.Client, optional
        Address of a ``dask.distributed`` scheduler, a client, or ``"local"``: species, scenarios and draws go to its
        workers instead.  See :func:`permeability.executor.run_tasks`.
    resume : bool
        Go on with the draws that an interrupted run of the same inputs has finished (kept beside the result folder
        until a run ends well).

    Returns
    -------
    Run
        Every result object, and the folder it was written to.

    Raises
    ------
    ProjectError
        J05 with all findings when an input cannot be used; nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results")
    ...     (run.folder / "report.html").is_file()
    True
    >>> best = run.species["khulan"].ranking.table.iloc[0]
    >>> best["line"], float(best["gain_range_cut_off_km2"])  # half of the 96 km2 lie beyond the fence
    ('F', 48.0)
    """
    project = project if isinstance(project, Project) else open_project(project)
    workers = workers or os.cpu_count() or 1
    if folder is not None:
        io.require_free(Path(folder), RESULT_MARK)
    findings = check(project.path)
    if any(f.severity == "error" for f in findings):
        raise input_error(project.path.name, findings)
    store = _step_store(folder, resume)
    with (
        threadpool_limits(
            limits=1, user_api="blas"
        ),  # the dense blocks are small; threads go to steps and draws
        connected(scheduler, workers) as cluster,
    ):
        found = take_steps(_steps(project), workers=workers, scheduler=cluster, progress=progress)
        results = {
            name: _run_species(project, name, found, progress, workers, cluster, store)
            for name in project.species_ids
        }
        ranked = {name: r.ranking for name, r in results.items() if r.ranking is not None}
        told = None if progress is None else (lambda done, n: progress("choice", done, n))
        choice = make_choice(project, ranked, told)
    summary = summarise(project, results) | choice_summary(project, choice)
    record = make_record(project, results)
    done = Run(project, results, summary, record, Path(folder) if folder is not None else None, choice)
    if folder is not None:
        with io.whole_folder(Path(folder), RESULT_MARK) as aside:
            write_results(done, aside)
            if report:
                from permeability.report import write_report

                if progress is not None:
                    progress("report", 0, 1)
                write_report(aside, aside / "report.html")
        if store is not None:
            shutil.rmtree(store, ignore_errors=True)
    return done


def _step_store(folder: str | Path | None, resume: bool) -> Path | None:
    """Where finished steps are kept while a run is under way: a hidden folder beside the result folder."""
    if folder is None:
        return None
    store = Path(folder).with_name(f".{Path(folder).name}-steps")
    if not resume:
        shutil.rmtree(store, ignore_errors=True)
    return store


def input_error(name: str, findings: list[Finding]) -> ProjectError:
    """One error that carries all findings."""
    error = ProjectError(
        "J05", f"{name} has {len(findings)} input problems; nothing was computed or written.", layer=name,
        details={str(i): f"[{f.code}] {f.layer or ''} {f.what}" for i, f in enumerate(findings, start=1)},
        remedy="`permeability check` lists each with its remedy",
    )  # fmt: skip
    error.findings = tuple(findings)
    return error


def _steps(project: Project) -> list[Step]:
    """Everything that does not depend on anything else: connectivity and impact of every species."""
    steps = []
    for name in project.species_ids:
        mine = (project.landscape(name), project.patches(name), project.range_mask(name))
        steps += [Step(name, "connectivity", *mine), Step(name, "impact", *mine)]
    return steps


def _run_species(
    project: Project,
    name: str,
    found: dict[tuple[str, str], Any],
    progress: Progress | None,
    workers: int,
    scheduler: Any,
    store: Path | None,
) -> SpeciesResult:
    """One species: what its steps found, and the ranking of its candidates."""
    links: Connectivity = found[name, "connectivity"]
    land, patches, inside = links.land, links.patches, project.range_mask(name)
    tell = None if progress is None else lambda done, n: progress(f"{name}: ranking", done, n)
    ranking = None
    sites = project.candidates(name)
    if sites:
        how = project.spec.ranking
        ranking = rank(
            land, patches, sites, inside=inside, draws=how.draws, rng=how.seed, vary=how.vary, draws_anew=how.draws_anew, top=how.top,
            worth_usd_per_gain=how.worth_usd_per_gain, budget_usd=how.budget_usd, workers=workers, scheduler=scheduler,
            store=store, progress=tell,
        )  # fmt: skip
    tell = None if progress is None else lambda done, n: progress(f"{name}: scenarios", done, n)
    plans = run_scenarios(project, name, workers=workers, scheduler=scheduler, store=store, progress=tell)
    return SpeciesResult(land, patches, inside, links, found[name, "impact"], ranking, plans)


# ---------------------------------------------------------------- summary and record
def summarise(project: Project, results: dict[str, SpeciesResult]) -> dict[str, Any]:
    """Headline numbers with their units; no times, no paths."""
    about = project.spec.project
    out: dict[str, Any] = {
        "project": about.name,
        "statement": about.statement,
        "year": about.year,
        "season": about.season,
        "species": {},
    }
    for name, r in results.items():
        mine: dict[str, Any] = {
            "today": _with_units(r.impact.today.values),
            "without_barriers": _with_units(r.impact.bare.values),
            "range_pieces_km2": {"value": r.impact.today.pieces, "unit": "km2"},
            "lines": {row["line"]: {k: {"value": v, "unit": unit_of(k)} for k, v in row.items() if k != "line"} for row in r.impact.lines.to_dict("records")},
            "pairs": {f"{p.a} - {p.b}": {"cost_km": {"value": p.cost_km, "unit": "km"}, "resistance": {"value": p.resistance, "unit": "1"}} for p in r.connectivity.pairs.itertuples()},
        }  # fmt: skip
        if r.ranking is not None:
            top = r.ranking.table.head(project.spec.ranking.top)
            gains = [c for c in top.columns if c.startswith(("gain_", "rank_", "share_", "alike"))]
            mine["sites"] = {row["id"]: {"rank": row["rank"], **{c: {"value": row[c], "unit": unit_of(c)} for c in gains}, "cost_usd": {"value": row["cost_usd"], "unit": "USD"}} for row in top.to_dict("records")}  # fmt: skip
            mine["notes"] = r.ranking.notes
            if r.ranking.knowledge_gaps is not None:
                mine["knowledge_gaps"] = {g["number"]: {"what": g["what"], "share": {"value": g["share"], "unit": "1"}} for g in r.ranking.knowledge_gaps.to_dict("records") if g["clear"]}  # fmt: skip
        mine["scenarios"] = scenario_summary(r.scenarios) if r.scenarios is not None else {}
        out["species"][name] = mine
    return out


def _with_units(values: dict[str, float]) -> dict[str, Any]:
    return {k: {"value": v, "unit": unit_of(k)} for k, v in values.items()}


def make_record(project: Project, results: dict[str, SpeciesResult]) -> dict[str, Any]:
    """Inputs with hashes, parameters, versions, choices and residuals."""
    layers = {}
    for name, spec in project.spec.layers.items():
        layers[name] = {
            "path": spec.path,
            "table": spec.table,
            "sha256": io.sha256(project.folder / spec.path),
        }
    plans = {name: r.scenarios for name, r in results.items() if r.scenarios is not None}
    return {
        "scenarios": scenario_record(project, plans) if plans else {},
        "software": {"permeability": __version__, "python": platform.python_version(), **{p: metadata.version(p) for p in LIBRARIES}},
        "platform": f"{platform.system()} {platform.machine()}",
        "project_file": _file_record(project.path),
        "project": project.spec.model_dump(),
        "grid": {"text": repr(project.grid), "crs": project.grid.crs.to_wkt(), **project.grid.distortion()},
        "layers": layers,
        "alignment": sorted(set(project.notes)),
        "chainage": {str(i): c.source for i, c in zip(project.barriers.table["id"], project.barriers.chainages)},
        "species": {name: _species_record(project, name, r) for name, r in results.items()},
    }  # fmt: skip


def _file_record(path: Path) -> dict[str, str]:
    """Name and hash of the project file; nothing for a project that was made in Python."""
    return {"name": path.name, "sha256": io.sha256(path)} if path.is_file() else {}


def _species_record(project: Project, name: str, r: SpeciesResult) -> dict[str, Any]:
    report = r.connectivity.report
    return {
        "profile": {k: e.to_dict() for k, e in r.land.profile.estimates().items()},
        "names": {lang: r.land.profile.name(lang) for lang in ("en", "mn", "ru")} | {"scientific": r.land.profile.scientific},
        "habitat": project.habitat(name).factors.to_dict("records"),
        "components": component_table(r.land).to_dict("records"),
        "edges_cut": len(r.land.edge_barriers().cell),
        "solver": {
            "name": report.solver,
            "iterations": report.iterations,
            "residual": report.residual,
            "fallbacks": list(report.fallbacks),
            "notes": list(report.notes),
        },
        "sentences": r.impact.sentences,
        "notes": list(r.ranking.notes) if r.ranking is not None else [],
        "influence": _influence(r.ranking),
    }  # fmt: skip


def _influence(ranking: Ranking | None) -> list[dict[str, Any]]:
    """What to find out first: the share of the ranks' variance that each unknown number explains by itself."""
    if ranking is None or ranking.knowledge_gaps is None:
        return []
    return list(ranking.knowledge_gaps.to_dict("records"))


def component_table(land: Landscape) -> pd.DataFrame:
    """Every component of every standing barrier with its crossing chance, grade and source.

    Parameters
    ----------
    land : Landscape

    Returns
    -------
    DataFrame
        ``id``, ``line``, ``component``, ``standing``, ``p_low``, ``p``, ``p_high``, ``evidence``,
        ``source``, ``key``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> component_table(land)[["line", "component", "p"]].to_dict("records")[0]
    {'line': 'F', 'component': 'fence', 'p': 0.0}
    """
    rows = []
    for i, parts in enumerate(land.components):
        facts = land.barriers.table.iloc[i]
        for part in parts:
            low, best, high = part.chance.as_tuple()
            rows.append({
                "id": facts["id"], "line": facts["line"], "component": part.name, "standing": bool(land.standing[i]), "p_low": low,
                "p": best, "p_high": high, "evidence": part.chance.evidence, "source": part.chance.source, "key": part.key,
            })  # fmt: skip
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- files
def write_results(run: Run, folder: Path) -> None:
    """Write all result files but the report."""
    sites, impacts, pairs, pressed = [], [], [], []
    for name, r in run.species.items():
        impacts.append(r.impact.table.assign(species=name))
        pairs.append(r.connectivity.pairs.assign(species=name))
        if r.ranking is not None:
            sites.append(r.ranking.table.assign(species=name))
            lines = dict.fromkeys(r.ranking.table["line"])
            pressed += [r.ranking.pressure(str(line)).assign(species=name) for line in lines]
        _write_maps(folder, name, r)
    io.write_csv(folder / "impact.csv", _species_first(pd.concat(impacts)))
    io.write_csv(folder / "pairs.csv", _species_first(pd.concat(pairs)))
    write_scenarios(folder, {n: r.scenarios for n, r in run.species.items() if r.scenarios is not None})
    tables: dict[str, gpd.GeoDataFrame] = {}
    if sites:
        table = gpd.GeoDataFrame(
            _species_first(pd.concat(sites, ignore_index=True)), crs=run.project.grid.crs
        )
        io.write_csv(folder / "sites.csv", pd.DataFrame(table.drop(columns="geometry")))
        tables["sites"] = table
        along = pd.concat(pressed, ignore_index=True).drop(columns="geometry")
        io.write_csv(folder / "pressure.csv", _species_first(pd.DataFrame(along)))
    plan = plan_table(run.choice.plans)
    if plan is not None:
        io.write_csv(folder / "plan.csv", pd.DataFrame(plan.drop(columns="geometry")))
        tables["plan"] = plan
    for file, money in (("cost_benefit.csv", run.choice.money), ("offset.csv", run.choice.hectares)):
        if money is not None and len(money):
            io.write_csv(folder / file, _species_first(money))
    tables |= context_tables(run)
    io.write_gpkg(folder / "sites.gpkg", tables)
    io.write_json(folder / "summary.json", run.summary)
    io.write_json(folder / "record.json", run.record)


def _species_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["species", *[c for c in table.columns if c != "species"]]]


def context_tables(run: Run) -> dict[str, gpd.GeoDataFrame]:
    """Barriers, patches and ranges as the report and a GIS show them."""
    barriers = run.project.barriers.table
    keep = [
        "id",
        "name",
        "kind",
        "line",
        "status",
        "fence_class",
        "fenced",
        "vehicles_per_day",
        "accuracy_m",
        "source",
        "licence",
    ]
    shown = barriers[[*[c for c in keep if c in barriers.columns], "geometry"]].copy()
    first = next(iter(run.species.values())).land
    shown["standing"] = first.standing
    shown["traffic_class"] = [
        traffic_class(float(v)) if k == "road" else ""
        for v, k in zip(pd.to_numeric(shown["vehicles_per_day"], errors="coerce"), shown["kind"])
    ]
    spans = [c.km_range for c in run.project.barriers.chainages]
    shown["km_from"], shown["km_to"] = [a for a, _ in spans], [b for _, b in spans]
    tables = {"barriers": gpd.GeoDataFrame(shown, crs=run.project.grid.crs)}
    patches = [
        r.patches.table.assign(species=n)[["species", "id", "name", "area_km2", "weight", "geometry"]]
        for n, r in run.species.items()
    ]
    tables["patches"] = gpd.GeoDataFrame(pd.concat(patches, ignore_index=True), crs=run.project.grid.crs)
    measures = measure_table({n: r.scenarios for n, r in run.species.items() if r.scenarios is not None})
    if measures is not None:
        tables["measures"] = measures
    ranges = []
    for name in run.species:
        layer = run.project.spec.species[name].range
        if layer is not None:
            frame = run.project.vector(layer)
            ranges.append(
                frame.assign(species=name)[["species", "id", "geometry"]]
                if "id" in frame.columns
                else frame.assign(species=name)[["species", "geometry"]]
            )
    if ranges:
        tables["ranges"] = gpd.GeoDataFrame(pd.concat(ranges, ignore_index=True), crs=run.project.grid.crs)
    return tables


def _write_maps(folder: Path, name: str, r: SpeciesResult) -> None:
    grid, tags = (
        r.land.grid,
        {"species": r.land.profile.scientific, "software": f"permeability {__version__}"},
    )
    io.write_geotiff(
        folder / f"habitat_{name}.tif",
        r.land.resistance,
        grid,
        description="resistance of the ground",
        unit="1",
        tags=tags,
    )
    io.write_geotiff(
        folder / f"resistance_{name}.tif",
        burn_resistance(r.land),
        grid,
        description="resistance with barriers burnt into cells (supercover)",
        unit="1",
        tags=tags,
    )
    io.write_geotiff(
        folder / f"current_{name}.tif",
        r.connectivity.current.to_numpy(),
        grid,
        description="current summed over pairs of patches",
        unit="passages per unit injected",
        tags=tags,
    )
    distance = r.connectivity.distance.to_numpy()
    io.write_geotiff(
        folder / f"cost_distance_{name}.tif",
        np.where(np.isinf(distance), np.nan, distance),
        grid,
        description="least-cost distance from the nearest patch",
        unit="m of open ground",
        tags=tags,
    )


def doctor() -> dict[str, str]:
    """Versions, cores, memory and a solver self-test, as label -> text.

    Returns
    -------
    dict
        Label -> text.

    Examples
    --------
    >>> doctor()["least-cost self-test"]
    'passed'
    """
    from permeability.circuit.condensation import machine_memory

    memory = machine_memory()
    facts = {
        "permeability": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.1f} GiB" if memory else "unknown",
    }
    facts |= {name: metadata.version(name) for name in LIBRARIES}
    return facts | _self_test()


def _self_test() -> dict[str, str]:
    """A chain of five cells has resistance 4; the cost across it is 4."""
    from permeability.circuit import pairwise
    from permeability.leastcost import cost_distance

    ground = np.ones((3, 5))
    ends = [(1, 0), (1, 4)]
    r = pairwise(ground[1:2], [(0, 0), (0, 4)], current=None).resistance[0, 1]
    d = float(cost_distance(ground, ends[:1])[1, 4])
    return {
        "circuit self-test": "passed" if abs(r - 4) < 1e-9 else f"FAILED: {r}",
        "least-cost self-test": "passed" if abs(d - 4) < 1e-12 else f"FAILED: {d}",
    }
