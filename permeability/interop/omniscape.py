"""Run an Omniscape problem file as it is, and write the files that program writes.

The keys and their defaults are those of the user guide of Omniscape.jl (Landau et al. 2021,
doi:10.21105/joss.02829); unknown keys and values are refused with the nearest valid word.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from permeability.core.errors import Finding, InteropError, PermeabilityError
from permeability.core.progress import long_job
from permeability.engines.omnidirectional import WindowOptions, reclassify
from permeability.engines.omnidirectional.options import check_options
from permeability.engines.omnidirectional.slabs import SlabJob, SlabProblem
from permeability.interop.ini import Ini, parse_ini
from permeability.interop.raster_windows import (
    ConditionFiles,
    FileLayers,
    RasterWindows,
    Target,
    misaligned,
    open_raster,
    solve_files,
)
from permeability.layers.exchange_grids import read_text
from permeability.layers.raster_rows import geotiff_rows, grid_rows

__all__ = ["Problem", "check_problem", "read_problem", "run_problem"]

REQUIRED = ("resistance_file", "radius", "project_name")
FLAGS = {
    "resistance_is_conductance": False,
    "source_from_resistance": False,
    "calc_normalized_current": False,
    "calc_flow_potential": False,
    "allow_different_projections": False,
    "connect_four_neighbors_only": False,
    "reclassify_resistance": False,
    "write_reclassified_resistance": False,
    "parallelize": True,
    "correct_artifacts": True,
    "write_raw_currmap": True,
    "mask_nodata": True,
    "write_as_tif": True,
    "conditional": False,
    "suppress_cs_messages": True,
}
OTHER = (
    "source_file",
    "block_size",
    "buffer",
    "r_cutoff",
    "source_threshold",
    "solver",
    "precision",
    "reclass_table",
    "parallel_batch_size",
    "max_parallel",
    "n_conditions",
    "compare_to_future",
    *(f"condition{k}_{part}" for k in (1, 2) for part in ("file", "future_file", "lower", "upper")),
    "comparison1",
    "comparison2",
    "target_file",  # of this library: where windows end, and how sources fade with distance
    "source_decay",
)
KNOWN = (*REQUIRED, *FLAGS, *OTHER)
SOLVERS = ("cg+amg", "cholmod")
OLD_KEYS = {  # names of earlier versions
    "resistance_file_is_conductance": "resistance_is_conductance",
    "cs_solver": "solver",
    "condition1_present_file": "condition1_file",
    "condition2_present_file": "condition2_file",
}


@dataclass(frozen=True)
class Problem:
    """An Omniscape problem, read and checked.

    Attributes
    ----------
    ini : Ini
    flags : dict
        Every yes / no option.
    radius, buffer, block_size : int
        [cells]; an even block size is raised by one, as there.
    cutoff, threshold : float
    single : bool
        Maps are written with single precision.
    project_name : str
    layers : FileLayers
        The rasters, read when they are needed.
    reclass : tuple of (old, new) or None

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 5\\nnrows 5\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Required]\\nresistance_file = r.asc\\nradius = 2\\nproject_name = out\\n[General]\\nsource_from_resistance = true\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "1 1 1 1 1\\n" * 5)
    ...     _ = (Path(folder) / "x.ini").write_text(ini)
    ...     problem = read_problem(f"{folder}/x.ini")
    >>> problem.radius, problem.layers.shape
    (2, (5, 5))
    """

    ini: Ini
    flags: dict[str, bool]
    radius: int
    buffer: int
    block_size: int
    cutoff: float
    threshold: float
    single: bool
    project_name: str
    layers: FileLayers
    reclass: tuple[tuple[float, float | None], ...] | None
    decay: float = math.inf


def read_problem(ini_path: str | os.PathLike[str], *, ignore_unknown: bool = False) -> Problem:
    """Read an Omniscape problem file and open its layers; every problem is found before anything is computed.

    Parameters
    ----------
    ini_path : path
        Paths in the file count from its own folder, then from the working directory.
    ignore_unknown : bool
        Take options that are not known as warnings; they are listed in the findings and have no effect.

    Returns
    -------
    Problem

    Raises
    ------
    InteropError
        [X01] unknown option, [X02] unknown value, [X03] missing option, [X04] missing file, [X06] not a grid,
        [X20] layers that do not line up, [X21] a reclass table that cannot be used; [X00] several of these.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 5\\nnrows 5\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Required]\\nresistance_file = r.asc\\nradius = 2\\nproject_name = out\\n[General]\\nsource_from_resistance = true\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "1 1 1 1 1\\n" * 5)
    ...     _ = (Path(folder) / "x.ini").write_text(ini)
    ...     read_problem(f"{folder}/x.ini").project_name
    'out'
    """
    ini = parse_ini(ini_path)
    for old, new in OLD_KEYS.items():
        ini.rename(old, new)
    ini.refuse_unknown(KNOWN, ignore=ignore_unknown)
    flags = {key: ini.boolean(key, default) for key, default in FLAGS.items()}
    radius = ini.number("radius", None, minimum=1, integer=True)
    buffer = ini.number("buffer", 0, minimum=0, integer=True)
    block_size = ini.number("block_size", 1, minimum=1, integer=True)
    threshold = ini.number("source_threshold", 0, minimum=0)
    for key in ("parallel_batch_size", "max_parallel"):
        ini.number(key, 1, minimum=1, integer=True)
    precision = ini.choice("precision", ("double", "single"), "double")
    cutoff = _cutoff(ini)
    decay = ini.number("source_decay", math.inf, above=0, infinite=True)
    _note_solver(ini)
    name = ini.text("project_name")
    if name is None:
        ini.add("X03", "project_name is not set.", "name the folder of the results", key="project_name")
    grid = _grid(ini, "resistance_file", "every run needs it")
    wanted = None if flags["source_from_resistance"] else "source_from_resistance is not true"
    source = _grid(ini, "source_file", wanted) if wanted else None
    table = (
        ini.path("reclass_table", needed_by="reclassify_resistance = true")
        if flags["reclassify_resistance"]
        else None
    )
    conditions = _conditions(ini) if flags["conditional"] else ()
    layers = None
    if grid is not None:
        goal = _grid(ini, "target_file", "target_file is set") if ini.raw("target_file") else None
        layers = FileLayers(grid, source, conditions, goal)
        ini.findings += misaligned(
            layers,
            any_projection=flags["allow_different_projections"],
            remedy="align the layers; allow_different_projections = true excuses the coordinate system only",
        )
    pairs = _reclass_pairs(ini, table)
    ini.check()
    assert layers is not None
    assert radius is not None
    assert name is not None
    block = int(block_size or 1)
    return Problem(
        ini=ini,
        flags=flags,
        radius=int(radius),
        buffer=int(buffer or 0),
        block_size=block + 1 - block % 2,
        cutoff=cutoff,
        threshold=float(threshold or 0.0),
        single=precision == "single",
        project_name=name,
        layers=layers,
        reclass=pairs,
        decay=float(decay or math.inf),
    )


@long_job("windows", "tasks")
def run_problem(
    ini_path: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    progress: Any = None,
    workers: int = 1,
    scheduler: Any = None,
    store: str | os.PathLike[str] | None = None,
    tell: Callable[[Finding], None] | None = None,
    ignore_unknown: bool = False,
) -> list[Path]:
    """Run an Omniscape problem file; return the files written.

    Paths in the file count from its own folder, then from the working directory.

    Parameters
    ----------
    ini_path : path
    output_dir : path, optional
        Folder to write to.  Default: ``project_name`` in the folder of the problem file; a folder that holds
        files already gets a number behind its name, as there.
    progress, workers, scheduler, store
        See :func:`permeability.core.tasks.run_tasks`.
    tell : callable, optional
        Called with each finding that does not stop the run.
    ignore_unknown : bool
        See :func:`read_problem`; the options that were ignored stand at the end of ``config.ini``.

    Returns
    -------
    list of Path
        Files written.

    Raises
    ------
    InteropError
        See :func:`read_problem`.
    ResistanceError, OptionError
        For layers that cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 5\\nnrows 5\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Required]\\nresistance_file = r.asc\\nradius = 2\\nproject_name = out\\n[General]\\nsource_from_resistance = true\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "1 1 1 1 1\\n" * 5)
    ...     _ = (Path(folder) / "x.ini").write_text(ini)
    ...     sorted(p.name for p in run_problem(f"{folder}/x.ini"))
    ['config.ini', 'cum_currmap.tif']
    """
    problem = read_problem(ini_path, ignore_unknown=ignore_unknown)
    for finding in problem.ini.findings:
        if tell is not None:
            tell(finding)
    job = window_job(problem)
    folder = Path(output_dir) if output_dir is not None else _fresh(problem.ini.folder / problem.project_name)
    targets = _targets(problem, folder)
    solve_files(
        job, problem.layers, targets, workers=workers, scheduler=scheduler, store=store, progress=progress
    )
    copy = folder / "config.ini"
    ignored = [f"; ignored, as asked: {f.what}\n" for f in problem.ini.findings if f.code == "X01"]
    copy.write_text(read_text(problem.ini.file) + "".join(ignored), encoding="utf-8")
    return [*(path for path, _ in targets.values()), copy]


def window_job(problem: Problem) -> SlabJob:
    """What the windows of a problem are: the same options in our words."""
    flags = problem.flags
    options = WindowOptions(
        radius=problem.radius,
        buffer=problem.buffer,
        block_size=problem.block_size,
        neighbours=4 if flags["connect_four_neighbors_only"] else 8,
        average="conductance",
        flow_potential=flags["calc_flow_potential"] or flags["calc_normalized_current"],
        correct_block_artefacts=flags["correct_artifacts"],
        omniscape=True,
        decay=problem.decay,
    )
    check_options(options)
    slabs = SlabProblem(
        options,
        problem.layers,
        threshold=problem.threshold,
        cutoff=problem.cutoff,
        reclass=problem.reclass,
        values="conductance" if flags["resistance_is_conductance"] else "resistance",
    )
    return SlabJob(slabs, flags["mask_nodata"], flags["calc_normalized_current"])


def _fresh(folder: Path) -> Path:
    """The folder itself, or with the first free number behind its name when it holds files already."""
    place, number = folder, 0
    while place.exists() and (not place.is_dir() or any(place.iterdir())):
        number += 1
        place = folder.with_name(f"{folder.name}_{number}")
    return place


def _targets(problem: Problem, folder: Path) -> dict[str, Target]:
    """Maps that are asked for, their files and writers."""
    flags, like = problem.flags, problem.layers.resistance
    names: dict[str, str] = {}
    if flags["write_raw_currmap"] or not (flags["calc_flow_potential"] or flags["calc_normalized_current"]):
        names["current"] = "cum_currmap"  # also when no map at all is asked for: a run has a result
    if flags["calc_flow_potential"]:
        names["flow_potential"] = "flow_potential"
    if flags["calc_normalized_current"]:
        names["normalised"] = "normalized_cum_currmap"
    if flags["reclassify_resistance"] and flags["write_reclassified_resistance"]:
        kind = "conductance" if flags["resistance_is_conductance"] else "resistance"
        names["classified"] = f"classified_{kind}"
    if flags["write_as_tif"]:
        opener = partial(geotiff_rows, like=like, dtype="float32" if problem.single else "float64")
        return {name: (folder / f"{file}.tif", opener) for name, file in names.items()}
    return {name: (folder / f"{file}.asc", partial(grid_rows, like=like)) for name, file in names.items()}


def _cutoff(ini: Ini) -> float:
    value = ini.number("r_cutoff", math.inf, minimum=0, infinite=True)
    return math.inf if value is None else float(value)


def _note_solver(ini: Ini) -> None:
    """Every solver gives the same maps here; the program itself runs with any word as well."""
    raw = ini.raw("solver")
    if raw is not None and raw.lower() not in SOLVERS:
        ini.add(
            "X22",
            f"solver = {raw!r} is not known; windows are solved exactly whatever it says.",
            f"use one of: {', '.join(SOLVERS)}",
            key="solver",
            severity="warning",
        )


def _grid(ini: Ini, key: str, needed_by: str) -> RasterWindows | None:
    path = ini.path(key, needed_by=needed_by)
    if path is None:
        return None
    try:
        return open_raster(path)
    except InteropError as error:
        ini.findings.append(error.finding())
        return None


def _conditions(ini: Ini) -> tuple[ConditionFiles, ...]:
    """Layers and rule of each condition."""
    count = int(ini.number("n_conditions", 1, minimum=1, maximum=2, integer=True) or 1)
    future = ini.choice("compare_to_future", ("none", "1", "2", "both"), "none")
    conditions = []
    for number in range(1, count + 1):
        key = f"condition{number}"
        comparison = ini.choice(f"comparison{number}", ("within", "equal"), "within")
        present = _grid(ini, f"{key}_file", f"n_conditions = {count}")
        later = None
        if future in (str(number), "both"):
            later = _grid(ini, f"{key}_future_file", f"compare_to_future = {future}")
        lower, upper = (ini.number(f"{key}_{side}", 0.0, infinite=True) or 0.0 for side in ("lower", "upper"))
        if comparison == "within" and lower > upper:
            ini.add(
                "X02",
                f"{key}_lower = {lower:g} is above {key}_upper = {upper:g}.",
                "exchange the two",
                key=f"{key}_lower",
            )
        if present is not None:  # else it is a finding already
            conditions.append(ConditionFiles(present, comparison or "within", lower, upper, later))
    return tuple(conditions)


def _reclass_pairs(ini: Ini, table: Path | None) -> tuple[tuple[float, float | None], ...] | None:
    """Lines of the reclass table."""
    if table is None:
        return None
    pairs: list[tuple[float, float | None]] = []
    for number, line in enumerate(read_text(table).splitlines(), 1):
        words = line.replace('"', " ").replace("'", " ").replace(",", " ").split()
        if not words:
            continue
        try:
            old, new = words
            pairs.append((float(old), None if new.lower() == "missing" else float(new)))
        except ValueError:
            ini.findings.append(
                Finding(
                    "X21",
                    f"line {number} of '{table.name}' is not 'old new': {line.strip()!r}.",
                    "two columns: the old value, and the new one or the word missing",
                    table.name,
                    (number,),
                )
            )
    try:
        reclassify([], pairs)  # refuses a table that contradicts itself
    except PermeabilityError as error:
        ini.findings.append(error.finding())
    return tuple(pairs)


def check_problem(ini_path: str | os.PathLike[str]) -> tuple[Finding, ...]:
    """All findings of a problem file, without running it.

    Parameters
    ----------
    ini_path : path

    Returns
    -------
    tuple of Finding
        Empty when there is nothing to say.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 5\\nnrows 5\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Required]\\nresistance_file = r.asc\\nradius = 2\\nproject_name = out\\n[General]\\nsource_from_resistance = true\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "1 1 1 1 1\\n" * 5)
    ...     _ = (Path(folder) / "x.ini").write_text(ini)
    ...     check_problem(f"{folder}/x.ini")
    ()
    """
    try:
        return tuple(read_problem(ini_path).ini.findings)
    except InteropError as error:
        return getattr(error, "findings", (error.finding(),))
