"""A project run end to end: steps, files, record.  Orchestration only; no science lives here.

A result folder holds

=========================== ==================================================================================
``summary.json``            every headline number with its unit, sorted keys, no times or paths; `compare` reads it
``record.json``             inputs with hashes, parameters, versions, choices, residuals, checksums of all files
``sites.csv``, ``sites.gpkg`` the ranked sites (table ``sites``); with ``barriers``, ``patches``, ``ranges``
``draws_<species>.npz``     the draws of the ranking, which ``permeability update`` weighs anew after a pilot
``pressure.csv``            pressure and passages along the lines of the ranked sites, stretch by stretch
``plan.csv``                sites chosen for the budget, for every species and for all together; table ``plan``
``cost_benefit.csv``, ``offset.csv`` whole-life cost and gain per money; quality hectares lost and given back
``impact.csv``              indices of every case: no barriers, all, only X, without X
``pairs.csv``               every pair of patches
``tracks.json``, ``tracks.gpkg`` numbers measured from tracks, and the map held against them
``movement.csv``, ``mortality.csv``, ``passage_<species>.tif`` who arrives alive, where they die and pass, with ``[movement]``
``new_lines.csv``, ``new_lines.gpkg``, ``line_damage_<n>_<species>.tif`` ... where a new line should go, with ``[[alignment]]``
``scenarios.csv`` ...       scenarios of the project, see :mod:`permeability.project.run.scenarios`
``resistance_<species>.tif`` the classic form: barriers burnt into cells
``habitat_<species>.tif``   resistance of the ground alone
``current_<species>.tif``, ``cost_distance_<species>.tif`` maps
``board.json``              small networks with which the board re-solves any set of the ranked sites
``report.html``             one file that opens offline
=========================== ==================================================================================
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from permeability.core.errors import Finding, OptionError, ProjectError
from permeability.core.keeping import Keep, drop_unused, now_ns
from permeability.core.progress import long_job
from permeability.core.tasks import RunOn, connected, in_threads
from permeability.engines.kernels.ahead import expects
from permeability.layers import whole_files
from permeability.layers.folder_lock import folder_lock
from permeability.linkage.measured import Measured
from permeability.linkage.patch_pairs import Connectivity
from permeability.planning.budget_choice import Plan
from permeability.project.checking import inspect
from permeability.project.project import Project, open_project
from permeability.project.run.board_file import board_data
from permeability.project.run.checksums import seal
from permeability.project.run.choice_results import choice_summary, make_choice, make_plans, sets_to_draw
from permeability.project.run.movement_results import (
    chain_of,
    kills,
    measure_movement,
    movement_summary,
    write_movement,
)
from permeability.project.run.rank_step import measured_species
from permeability.project.run.record import make_record, summarise
from permeability.project.run.result_folder import write_maps, write_results, written_files
from permeability.project.run.run_result import Run, SpeciesResult
from permeability.project.run.scenarios import ScenarioResult, run_scenarios
from permeability.project.run.steps import Step, take_steps
from permeability.ranking.rank_draws import inputs_hash
from permeability.ranking.ranking import Ranking, rank, with_draws

__all__ = ["run_project"]

Progress = Callable[[str, int, int], None]  # step, done, all

SIDE_BY_SIDE = 500_000  # cells up to which two species may be worked on at once: what that takes in memory does not matter
RESULT_MARK = "record.json"  # by this file an earlier result folder is known


@long_job("run", "steps")
def run_project(
    project: Project | str | Path,
    folder: str | Path | None = None,
    *,
    progress: Any = None,
    report: bool = True,
    workers: int | None = None,
    scheduler: Any = None,
    resume: bool = True,
) -> Run:
    """Run a project: connectivity, impact and ranking per species, and write the result folder.

    Parameters
    ----------
    project : Project or path
    folder : path, optional
        Result folder, replaced as a whole when everything has worked; nothing is written when None.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.
    report : bool
        Whether to write ``report.html``.
    workers : int, optional
        Threads; all cores by default.  The results do not depend on them.
    scheduler : str or distributed.Client, optional
        Address of a ``dask.distributed`` scheduler, a client, or ``"local"``: species, scenarios and draws go to its
        workers instead.  See :func:`permeability.core.tasks.run_tasks`.
    resume : bool
        Take what an earlier run into this folder has found of the same inputs, by the same version, from the hidden folder beside it
        (``.NAME-steps``): an interrupted run goes on, and after a change of the project only what hangs on it is done
        again.  False works everything out anew.

    Returns
    -------
    Run
        Every result object, and the folder it was written to.

    Raises
    ------
    ProjectError
        J05 with all findings when an input cannot be used; nothing is written.
    OptionError
        O02 when the folder holds something else, O08 when another run is writing there.

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
    read_here = not isinstance(project, Project)
    project = project if isinstance(project, Project) else open_project(project)
    how = {
        "read_here": read_here,
        "progress": progress,
        "report": report,
        "workers": workers or os.cpu_count() or 1,
        "scheduler": scheduler,
    }
    if folder is None:
        return _run(project, None, None, **how)
    place = Path(folder)
    with folder_lock(place):
        whole_files.put_back(place)
        whole_files.require_free(place, RESULT_MARK)
        return _run(project, place, _step_store(place, resume), **how)


def _run(
    project: Project, folder: Path | None, store: Path | None, *, read_here: bool, progress: Progress | None, report: bool,
    workers: int, scheduler: Any,
) -> Run:  # fmt: skip
    """The run itself; the lock of the folder is held."""
    expects("project")
    findings, seen = inspect(project.path)
    if any(f.severity == "error" for f in findings):
        raise input_error(project.path.name, findings)
    if read_here and seen is not None:
        project = seen.project  # of the same file: what has been read of its layers is not read again
    begun = 0 if store is None else now_ns(store)
    with contextlib.ExitStack() as files:  # the result folder begins to be written beside the draws
        with (
            threadpool_limits(
                limits=1, user_api="blas"
            ),  # the dense blocks are small; threads go to steps and draws
            connected(scheduler, workers) as cluster,
        ):
            measured = {name: measured_species(project, name) for name in project.species_ids}
            on = RunOn(workers, cluster, store)
            found = take_steps(
                _steps(measured, project.spec.impact.by, None if cluster is not None else store),
                replace(on, store=None, progress=_tell(progress, "species")),
            )
            say = _in_turn(progress)
            threads = 1 if cluster is not None or project.grid.size > SIDE_BY_SIDE else workers
            firsts = in_threads(
                lambda name: _rank_species(project, name, measured[name], found, say, on),
                list(measured),
                threads,
            )
            ranked = {name: r.ranking for name, r in zip(measured, firsts) if r.ranking is not None}
            jobs: list[Callable[[], Any]] = [lambda: make_plans(project, ranked, _tell(say, "choice"), store)]
            jobs += [partial(_scenarios, project, name, mine, say, on) for name, mine in measured.items()]
            plans, *options = in_threads(
                lambda job: job(), jobs, threads
            )  # neither the choice nor the scenarios ask for the other
            results = {n: replace(r, scenarios=o) for n, r, o in zip(measured, firsts, options)}
            aside = None if folder is None else files.enter_context(_new_folder(folder))
            with _meanwhile(partial(_write_early, results, aside, report), threads):
                if project.spec.ranking.draws:  # after the choice: its sites are drawn together as well
                    ranked = {n: _draw(project, n, r, plans, progress, on) for n, r in ranked.items()}
                    results = {n: replace(r, ranking=ranked.get(n)) for n, r in results.items()}
            choice = make_choice(project, ranked, plans)
            tracks, *more = _tracks(project, results, on.telling(_tell(progress, "tracks")))
        moves = {n: r.movement for n, r in results.items() if r.movement is not None}
        lines, told = _new_lines(project, _tell(progress, "new lines"))
        summary = (
            summarise(project, results)
            | choice_summary(project, choice)
            | more[0]
            | movement_summary(moves)
            | told
        )
        record = make_record(project, results) | more[1]
        done = Run(project, results, summary, record, folder, choice, tracks, lines)
        failed = None if aside is None else _write(done, aside, report, progress, workers)
    if failed is not None:
        raise OptionError(
            "O10", f"the report could not be made; the results are whole in {str(folder)!r}.", details={"report": str(failed)},
            remedy=f"mend what it says and make the report alone: permeability report {folder}",
        ) from failed  # fmt: skip
    if store is not None:
        drop_unused(store, begun)
    return done


def _tracks(
    project: Project, results: dict[str, SpeciesResult], on: RunOn
) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """What is measured from tracks, for the summary and for the record; the room of tracks is loaded where there are some."""
    if not project.spec.tracks:
        return [], {}, {}
    from permeability.project.run.track_results import measure_tracks, track_record, track_summary

    found = measure_tracks(project, results, on)
    return found, track_summary(found), track_record(project)


def _new_lines(project: Project, tell: Callable[[int, int], None] | None) -> tuple[list[Any], dict[str, Any]]:
    """What is found of lines that are not built yet, and what the summary says of it; their room is loaded where there are some."""
    if not project.spec.alignment:
        return [], {}
    from permeability.project.run.line_results import lines_summary, measure_lines

    found = measure_lines(project, tell)
    return found, lines_summary(found)


def _new_folder(folder: Path) -> contextlib.AbstractContextManager[Path]:
    """Where the files of a run are written until all are there; the lock of the folder is held."""
    return whole_files.whole_folder(folder, RESULT_MARK, locked=True, ours=written_files)


@contextlib.contextmanager
def _meanwhile(job: Callable[[], None], workers: int) -> Iterator[None]:
    """Do a job on a thread of its own while the block runs, or before it with one worker; the block ends when both have."""
    if workers <= 1:
        job()
        yield
        return
    with ThreadPoolExecutor(1, thread_name_prefix="permeability-files") as pool:
        begun = pool.submit(job)
        yield
        begun.result()


def _write_early(results: Mapping[str, SpeciesResult], aside: Path | None, report: bool) -> None:
    """Maps and scenarios, which no draw changes, and what the report is made with: work of one thread, that others need not wait for."""
    if aside is None:
        return
    write_maps(results, aside)
    if report:
        with contextlib.suppress(Exception):  # what hinders the report is told when it is made
            from permeability.report import get_ready

            get_ready()


def _write(run: Run, aside: Path, report: bool, progress: Progress | None, workers: int) -> Exception | None:
    """All files of a run that are not written yet; why there is no report, where it could not be made."""
    failed: Exception | None = None
    if run.tracks:
        from permeability.project.run.track_results import write_tracks

        write_tracks(aside, run.tracks, run.project.grid.crs)
    moves = {n: r.movement for n, r in run.species.items() if r.movement is not None}
    if moves:
        write_movement(aside, moves)
    if run.new_lines:
        from permeability.project.run.line_results import write_lines

        write_lines(aside, run.new_lines, run.project.grid.crs)
    ranked = {n: r.ranking for n, r in run.species.items() if r.ranking is not None}
    if ranked:
        whole_files.write_json(aside / "board.json", board_data(ranked, workers=workers))
    write_results(run, aside)  # last: its record names all files
    if report:
        from permeability.report import write_report

        if progress is not None:
            progress("report", 0, 1)
        try:
            write_report(aside, aside / "report.html")
        except Exception as error:  # whatever it is: what has been computed stays
            failed = error
    seal(aside)
    return failed


def _step_store(folder: Path, resume: bool) -> Path:
    """Where finished steps are kept for the next run: a hidden folder beside the result folder."""
    store = folder.with_name(f".{folder.name}-steps")
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


def _steps(measured: dict[str, Measured], by: str, store: Path | None) -> list[Step]:
    """Everything that does not depend on anything else: connectivity and impact of every species."""
    found = []
    for name, mine in measured.items():
        same = "" if store is None else inputs_hash(mine.land, mine.patches, [], [], mine.inside)
        found += [Step(name, kind, mine, by, Keep(store, same)) for kind in ("connectivity", "impact")]
    return found


def _tell(progress: Progress | None, step: str) -> Callable[[int, int], None] | None:
    """What one step of the run tells, by (done, all)."""
    return None if progress is None else lambda done, total: progress(step, done, total)


def _in_turn(progress: Progress | None) -> Progress | None:
    """The same, told by one thread at a time."""
    if progress is None:
        return None
    lock = threading.Lock()

    def told(step: str, done: int, total: int) -> None:
        with lock:
            progress(step, done, total)

    return told


def _rank_species(
    project: Project,
    name: str,
    measured: Measured,
    found: dict[tuple[str, str], Any],
    progress: Progress | None,
    on: RunOn,
) -> SpeciesResult:
    """One species: what its steps found, and the ranking of its candidates at best values."""
    links: Connectivity = found[name, "connectivity"]
    land, patches, inside = measured.land, measured.patches, measured.inside
    ranking: Ranking | None = None
    chain = None
    if project.spec.movement is not None:
        chain = chain_of(project.spec.movement, land, patches)
    sites = project.candidates(name)
    if sites:
        ranking = rank(
            land, patches, sites, inside=inside, measured=measured, store=on.store,
            progress=_tell(progress, f"{name}: ranking"), chain=chain if chain is not None and kills(chain) else None,
        )  # fmt: skip
    moves = None if chain is None else measure_movement(chain)
    return SpeciesResult(land, patches, inside, links, found[name, "impact"], ranking, None, moves)


def _scenarios(
    project: Project, name: str, measured: Measured, progress: Progress | None, on: RunOn
) -> ScenarioResult | None:
    """The scenarios of the project for one species."""
    told = on.telling(_tell(progress, f"{name}: scenarios"))
    return run_scenarios(project, name, measured=measured, on=told)


def _draw(
    project: Project,
    name: str,
    ranking: Ranking,
    plans: Mapping[str, Plan],
    progress: Progress | None,
    on: RunOn,
) -> Ranking:
    """The ranking of a species over the draws of the project, with the sets that the plans chose."""
    how = project.spec.ranking
    return with_draws(
        ranking, draws=how.draws, rng=how.seed, vary=how.vary, draws_anew=how.draws_anew, top=how.top,
        worth_usd_per_gain=how.worth_usd_per_gain, budget_usd=how.budget_usd, together=sets_to_draw(plans, name),
        on=on.telling(_tell(progress, f"{name}: draws")),
    )  # fmt: skip


# ---------------------------------------------------------------- summary and record


# ---------------------------------------------------------------- files
