"""Run an existing Circuitscape problem file: ``permeability circuitscape problem.ini``.

All modes of Circuitscape 4 and 5 (pairwise, one-to-all, all-to-one and advanced on rasters, pairwise and
advanced on networks), the same file names and formats.  What Circuitscape ignores or guesses is refused or
told: see :func:`permeability.interop.circuitscape_problem.read_problem`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from permeability.core.errors import Finding, check_choice
from permeability.core.progress import long_job
from permeability.engines.circuit.modes.advanced import raster_advanced
from permeability.engines.circuit.modes.map_store import Floats, Key, MapOptions
from permeability.engines.circuit.modes.network import network_advanced, network_pairwise
from permeability.engines.circuit.modes.one_to_all import raster_all_to_one, raster_one_to_all
from permeability.engines.circuit.modes.pairs import raster_pairwise
from permeability.engines.circuit.solvers.registry import SOLVERS, refuse_if_too_large
from permeability.engines.circuit.solvers.solve_report import SolveReport
from permeability.interop.circuitscape_output import Outputs
from permeability.interop.circuitscape_plan import estimate_problem
from permeability.interop.circuitscape_problem import Problem, read_problem

__all__ = ["Problem", "estimate_problem", "read_problem", "run_problem"]

Progress = Callable[[int, int], None]


@long_job("pairs")
def run_problem(
    ini_path: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    solver: str | None = None,
    progress: Any = None,
    tell: Callable[[Finding], None] | None = None,
    ignore_unknown: bool = False,
) -> list[Path]:
    """Run a Circuitscape problem file and write what Circuitscape writes.

    Parameters
    ----------
    ini_path : path
        Relative file names in it count from its folder, then from the working directory; ``output_file``
        from its folder.
    output_dir : path, optional
        Folder for the results instead of the one of ``output_file``; made when missing.
    solver : str, optional
        Grid solver: ``"auto"`` (the default: chosen by size, whatever the file says, for every solver here
        meets the same residual), ``"direct"``, ``"multigrid"`` or another of
        :func:`permeability.engines.circuit.solve_grid`.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.
    tell : callable, optional
        Takes every warning and note (options without effect, focal nodes off the habitat) before the run.
    ignore_unknown : bool
        Run a file with options that are not known; they are listed in the record and have no effect.

    Returns
    -------
    list of Path
        The files written; the last one is ``output_file`` itself: options and findings of the run.

    Raises
    ------
    ProblemFileError
        With every finding, before anything is computed or written.
    ResistanceError, PatchError, SolverError, MemoryLimitError

    Notes
    -----
    Results are written aside and moved into place when all are complete; a run that fails or is interrupted
    leaves nothing behind.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 3\\nnrows 1\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Circuitscape mode]\\ndata_type = raster\\nscenario = pairwise\\nhabitat_file = r.asc\\npoint_file = p.asc\\nhabitat_map_is_resistances = True\\noutput_file = out.out\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in {"r.asc": head + "1 1 1\\n", "p.asc": head + "1 0 2\\n", "x.ini": ini}.items():
    ...         _ = (Path(folder) / name).write_text(text)
    ...     files = run_problem(f"{folder}/x.ini")
    ...     float((Path(folder) / "out_resistances.out").read_text().split()[-2])  # two steps of 1
    2.0
    """
    check_choice("solver", solver or "auto", SOLVERS, code="C04")
    problem = read_problem(ini_path, output_dir=output_dir, ignore_unknown=ignore_unknown)
    problem.check()
    if tell is not None:
        for finding in problem.findings:
            tell(finding)
    assert problem.output is not None
    estimate = estimate_problem(problem, solver=solver or "auto")
    if estimate is not None:
        refuse_if_too_large(estimate)
    on = problem.settings.on
    with Outputs(
        problem.output, problem.grid, as_tif=on("write_as_tif"), compress=on("compress_grids")
    ) as outputs:
        run = _RASTER if problem.settings.is_raster else _NETWORK
        report = run[problem.settings.scenario](problem, outputs, solver or "auto", progress)
        outputs.text(problem.output.name, _record(problem, report))
        return outputs.publish()


def _raster_arguments(problem: Problem, solver: str) -> dict[str, Any]:
    on = problem.settings.on
    return {
        "habitat_is": "resistance" if on("habitat_map_is_resistances") else "conductance",
        "neighbours": 4 if on("connect_four_neighbors_only") else 8,
        "average": "resistance" if on("connect_using_avg_resistances") else "conductance",
        "mask": problem.mask,
        "regions": problem.regions,
        "solver": solver,
        "rtol": problem.settings.rtol,
    }


def _map_options(problem: Problem) -> MapOptions:
    settings = problem.settings
    return MapOptions(
        current=settings.current_maps,
        voltage=settings.on("write_volt_maps"),
        cumulative=settings.cumulative_map,
        maximum=settings.on("write_max_cur_maps"),
        log_transform=settings.on("log_transform_maps"),
        null_currents=settings.on("set_null_currents_to_nodata"),
        null_voltages=settings.on("set_null_voltages_to_nodata"),
        focal_currents_zero=settings.on("set_focal_node_currents_to_zero"),
    )


def _many_maps(problem: Problem, outputs: Outputs, solver: str, progress: Progress | None) -> dict[str, Any]:
    names = {"current": "curmap", "voltage": "voltmap"}

    def on_map(kind: str, key: Key, plane: Floats) -> None:
        outputs.raster(names[kind], plane, key)

    return {
        **_raster_arguments(problem, solver),
        "selection": problem.selection,
        "maps": _map_options(problem),
        "on_map": on_map,
        "progress": progress,
    }


def _sums(outputs: Outputs, cumulative: Floats | None, maximum: Floats | None) -> None:
    if cumulative is not None:
        outputs.raster("cum_curmap", cumulative)
    if maximum is not None:
        outputs.raster("max_curmap", maximum)


def _pairwise(problem: Problem, outputs: Outputs, solver: str, progress: Progress | None) -> SolveReport:
    assert problem.grid is not None
    assert problem.focal is not None
    arguments = _many_maps(problem, outputs, solver, progress)
    result = raster_pairwise(problem.grid.values, problem.focal, **arguments)
    _sums(outputs, result.cumulative, result.maximum)
    outputs.pairs(result.ids, result.resistance)
    return result.report


def _each(problem: Problem, outputs: Outputs, solver: str, progress: Progress | None) -> SolveReport:
    assert problem.grid is not None
    assert problem.focal is not None
    mode = raster_one_to_all if problem.settings.scenario == "one-to-all" else raster_all_to_one
    arguments = _many_maps(problem, outputs, solver, progress)
    result = mode(problem.grid.values, problem.focal, strengths=problem.strengths, **arguments)
    _sums(outputs, result.cumulative, result.maximum)
    outputs.each(result.ids, result.resistance)
    return result.report


def _ground_arguments(problem: Problem) -> dict[str, Any]:
    on = problem.settings.on
    return {
        "grounds_are": "resistance" if on("ground_file_is_resistances") else "conductance",
        "unit_sources": on("use_unit_currents"),
        "ideal_grounds": on("use_direct_grounds"),
        "conflicts": problem.settings.conflicts,
    }


def _advanced(problem: Problem, outputs: Outputs, solver: str, progress: Progress | None) -> SolveReport:
    assert problem.grid is not None
    assert problem.sources is not None
    assert problem.grounds is not None
    result = raster_advanced(
        problem.grid.values,
        problem.sources,
        problem.grounds,
        **_raster_arguments(problem, solver),
        **_ground_arguments(problem),
    )
    if problem.settings.on("write_volt_maps"):
        outputs.raster("voltmap", result.voltage)
    if problem.settings.current_maps:
        outputs.raster("curmap", result.current)
    if progress is not None:
        progress(1, 1)
    return replace(result.report, notes=(*result.report.notes, *result.unsolved))


def _network_pairwise(
    problem: Problem, outputs: Outputs, solver: str, progress: Progress | None
) -> SolveReport:
    assert problem.network is not None
    assert problem.focal_nodes is not None
    settings = problem.settings
    result = network_pairwise(
        problem.network,
        problem.focal_nodes,
        selection=problem.selection,
        maps=settings.current_maps or settings.on("write_volt_maps"),
        rtol=settings.rtol,
        progress=progress,
    )
    for key, voltages in result.voltage.items():
        if settings.on("write_volt_maps"):
            outputs.nodes("voltages", voltages, key)
        if settings.current_maps:
            outputs.nodes("node_currents", result.current[key], key)
            outputs.branches(result.branch[key], key)
    if settings.cumulative_map:
        assert result.cumulative is not None
        assert result.cumulative_branch is not None
        outputs.nodes("node_currents", result.cumulative, ("cum",))
        outputs.branches(result.cumulative_branch, ("cum",))
    outputs.pairs(result.ids, result.resistance)
    return result.report


def _network_advanced(
    problem: Problem, outputs: Outputs, solver: str, progress: Progress | None
) -> SolveReport:
    assert problem.network is not None
    assert problem.node_sources is not None
    assert problem.node_grounds is not None
    result = network_advanced(
        problem.network,
        list(problem.node_sources),
        np.array(list(problem.node_sources.values())),
        list(problem.node_grounds),
        np.array(list(problem.node_grounds.values())),
        rtol=problem.settings.rtol,
        **_ground_arguments(problem),
    )
    if problem.settings.on("write_volt_maps"):
        outputs.nodes("voltages", result.voltage)
    if problem.settings.current_maps:
        outputs.nodes("node_currents", result.current)
        outputs.branches(result.branch)
    if progress is not None:
        progress(1, 1)
    return replace(result.report, notes=(*result.report.notes, *result.unsolved))


_Run = Callable[[Problem, Outputs, str, Progress | None], SolveReport]
_RASTER: dict[str, _Run] = {
    "pairwise": _pairwise,
    "one-to-all": _each,
    "all-to-one": _each,
    "advanced": _advanced,
}
_NETWORK: dict[str, _Run] = {"pairwise": _network_pairwise, "advanced": _network_advanced}


def _record(problem: Problem, report: SolveReport) -> list[str]:
    """The options as run, by section, with what was found and how it was solved as comments."""
    lines = [
        f"; solver {report.solver}: {report.solves} solve(s), residual {report.residual:.1e}",
        f"; chosen: {report.reason}",
        *(f"; {note}" for note in (*report.fallbacks, *report.notes)),
    ]
    for finding in problem.findings:
        lines += [f"; {line}" for line in finding.text().splitlines()]
    section = None
    for entry in problem.ini.entries.values():
        if entry.section != section:
            section = entry.section
            lines += ["", f"[{section}]"] if section else [""]
        lines.append(f"{entry.key} = {entry.value}")
    return lines
