"""Run an Omniscape problem file as it is, and write the files that program writes.

The keys and their defaults are those of the user guide of Omniscape.jl (Landau et al. 2021,
doi:10.21105/joss.02829); unknown keys and values are refused with the nearest valid word.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.errors import Finding, InteropError, PermeabilityError
from permeability.executor import Progress
from permeability.interop.ascii_grid import (
    NODATA,
    RasterFile,
    differences,
    read_raster,
    read_text,
    write_ascii_grid,
    write_geotiff,
)
from permeability.interop.ini import Ini, parse_ini
from permeability.omnidirectional import Condition, OmnidirectionalResult, omnidirectional, reclassify

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
    resistance : RasterFile
        As in the file.
    changed : array
        After reclassification.
    strength : array or None
    conditions : tuple of Condition

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
    >>> problem.radius, problem.changed.shape
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
    resistance: RasterFile
    changed: NDArray[np.float64]
    strength: NDArray[np.float64] | None
    conditions: tuple[Condition, ...]


def read_problem(ini_path: str | os.PathLike[str]) -> Problem:
    """Read an Omniscape problem file and its layers; every problem is found before anything is computed.

    Parameters
    ----------
    ini_path : path
        Paths in the file count from its own folder, then from the working directory.

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
    ini.refuse_unknown(KNOWN)
    flags = {key: ini.boolean(key, default) for key, default in FLAGS.items()}
    radius = ini.number("radius", None, minimum=1, integer=True)
    buffer = ini.number("buffer", 0, minimum=0, integer=True)
    block_size = ini.number("block_size", 1, minimum=1, integer=True)
    threshold = ini.number("source_threshold", 0, minimum=0)
    for key in ("parallel_batch_size", "max_parallel"):
        ini.number(key, 1, minimum=1, integer=True)
    precision = ini.choice("precision", ("double", "single"), "double")
    cutoff = _cutoff(ini)
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
    layers = _condition_layers(ini) if flags["conditional"] else ()
    _check_alignment(ini, grid, source, layers, flags["allow_different_projections"])
    changed = _reclassified(ini, grid, table)
    ini.check()
    if (
        grid is None or changed is None or radius is None or name is None
    ):  # for the type checker: check() raised
        raise InteropError("X00", "the problem cannot be run.", remedy="see the findings")
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
        resistance=grid,
        changed=changed,
        strength=source.values if source is not None else None,
        conditions=tuple(condition for _, condition in layers),
    )


def run_problem(
    ini_path: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: int = 1,
    scheduler: Any = None,
    store: str | os.PathLike[str] | None = None,
    tell: Callable[[Finding], None] | None = None,
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
        See :func:`permeability.executor.run_tasks`.
    tell : callable, optional
        Called with each finding that does not stop the run.

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
    problem = read_problem(ini_path)
    flags = problem.flags
    for finding in problem.ini.findings:
        if tell is not None:
            tell(finding)
    try:
        result = omnidirectional(
            problem.changed,
            radius=problem.radius,
            strength=problem.strength,
            buffer=problem.buffer,
            block_size=problem.block_size,
            threshold=problem.threshold,
            cutoff=problem.cutoff,
            conditions=problem.conditions,
            values="conductance" if flags["resistance_is_conductance"] else "resistance",
            neighbours=4 if flags["connect_four_neighbors_only"] else 8,
            flow_potential=flags["calc_flow_potential"],
            normalised=flags["calc_normalized_current"],
            correct_block_artefacts=flags["correct_artifacts"],
            mask_nodata=flags["mask_nodata"],
            compatibility="omniscape",
            workers=workers,
            scheduler=scheduler,
            store=store,
            progress=progress,
        )
    except PermeabilityError as error:
        error.layer = error.layer or problem.resistance.path.name
        error.args = (error.text(),)
        raise
    folder = Path(output_dir) if output_dir is not None else _fresh(problem.ini.folder / problem.project_name)
    folder.mkdir(parents=True, exist_ok=True)
    return _write(problem, result, folder)


def _fresh(folder: Path) -> Path:
    """The folder itself, or with the first free number behind its name when it holds files already."""
    place, number = folder, 0
    while place.exists() and (not place.is_dir() or any(place.iterdir())):
        number += 1
        place = folder.with_name(f"{folder.name}_{number}")
    return place


def _write(problem: Problem, result: OmnidirectionalResult, folder: Path) -> list[Path]:
    flags, like = problem.flags, problem.resistance
    maps: dict[str, NDArray[np.float64] | None] = {}
    if flags["write_raw_currmap"] or not (flags["calc_flow_potential"] or flags["calc_normalized_current"]):
        maps["cum_currmap"] = result.current  # also when no map at all is asked for: a run has a result
    if flags["calc_flow_potential"]:
        maps["flow_potential"] = result.flow_potential
    if flags["calc_normalized_current"]:
        maps["normalized_cum_currmap"] = result.normalised
    if flags["reclassify_resistance"] and flags["write_reclassified_resistance"]:
        kind = "conductance" if flags["resistance_is_conductance"] else "resistance"
        maps[f"classified_{kind}"] = problem.changed
    written = []
    for name, values in maps.items():
        if values is None:
            continue
        if flags["write_as_tif"]:
            dtype = "float32" if problem.single else "float64"
            written.append(write_geotiff(folder / f"{name}.tif", values, like, NODATA, dtype=dtype))
        else:
            written.append(write_ascii_grid(folder / f"{name}.asc", values, like, NODATA))
    copy = folder / "config.ini"
    copy.write_text(read_text(problem.ini.file), encoding="utf-8")
    return [*written, copy]


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


def _grid(ini: Ini, key: str, needed_by: str) -> RasterFile | None:
    path = ini.path(key, needed_by=needed_by)
    if path is None:
        return None
    try:
        return read_raster(path)
    except InteropError as error:
        ini.findings.append(error.finding())
        return None


def _condition_layers(ini: Ini) -> tuple[tuple[tuple[RasterFile | None, ...], Condition], ...]:
    """Layers and rule of each condition."""
    count = int(ini.number("n_conditions", 1, minimum=1, maximum=2, integer=True) or 1)
    future = ini.choice("compare_to_future", ("none", "1", "2", "both"), "none")
    layers = []
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
        rule = Condition(
            present.values if present is not None else np.zeros((0, 0)),
            comparison or "within",
            lower,
            upper,
            later.values if later is not None else None,
        )
        layers.append(((present, later), rule))
    return tuple(layers)


def _check_alignment(
    ini: Ini,
    grid: RasterFile | None,
    source: RasterFile | None,
    layers: tuple[tuple[tuple[RasterFile | None, ...], Condition], ...],
    any_projection: bool,
) -> None:
    """Finding X20 for every layer that does not lie on the grid of the resistance."""
    if grid is None:
        return
    for raster in (source, *(layer for pair, _ in layers for layer in pair)):
        if raster is None:
            continue
        apart = differences(raster, grid)
        if any_projection:
            apart.pop("coordinate system", None)
        if apart:
            ini.findings.append(
                Finding(
                    "X20",
                    f"'{raster.path.name}' is not on the grid of '{grid.path.name}'.",
                    "align the layers; allow_different_projections = true excuses the coordinate system only",
                    raster.path.name,
                    (),
                    apart,
                )
            )


def _reclassified(ini: Ini, grid: RasterFile | None, table: Path | None) -> NDArray[np.float64] | None:
    if grid is None or table is None:
        return None if grid is None else grid.values
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
        return reclassify(grid.values, pairs)
    except PermeabilityError as error:
        ini.findings.append(error.finding())
        return None


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
