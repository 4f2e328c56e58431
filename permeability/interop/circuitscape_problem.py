"""A Circuitscape problem read from its .ini: options, inputs on one grid, and every finding."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import Finding, InteropError, PermeabilityError
from permeability.core.plain_text import file_name_fault
from permeability.engines.circuit.modes.advanced import ground_conductance, source_currents
from permeability.engines.circuit.modes.network import Network
from permeability.engines.circuit.modes.pair_selection import PairSelection
from permeability.engines.circuit.modes.raster_circuit import (
    FocalCells,
    cell_resistance,
    focal_cells,
    region_labels,
)
from permeability.interop.circuitscape_lists import (
    read_focal_points,
    read_links,
    read_node_values,
    read_nodes,
    read_pairs,
    read_points,
    read_reclass,
)
from permeability.interop.circuitscape_options import Settings, read_settings
from permeability.interop.ini import Ini, candidates, is_unset, parse_ini, raise_findings
from permeability.layers.exchange_grids import RasterFile, differences, is_raster, read_raster

Floats = NDArray[np.float64]
T = TypeVar("T")

MOST_RUNS = 2_000_000  # pairs (or nodes) of one problem; more means that a wrong raster was given


@dataclass(frozen=True, eq=False)
class Problem:
    """A problem file with everything it names, read and checked.

    Attributes
    ----------
    file : Path
    ini : Ini
    settings : Settings
    output : Path or None
        ``output_file``, absolute.
    findings : tuple of Finding
        Severity ``error`` (the run is refused), ``warning`` and ``note``.
    grid : RasterFile or None
        The habitat raster.
    focal : array, shape (rows, cols), FocalCells, or None
        FocalCells from a list of points: there two numbers may share a cell.
    regions, mask, sources, grounds : array, shape (rows, cols), or None
        NaN where there is none.
    network : Network or None
    focal_nodes : int array or None
    node_sources, node_grounds : dict or None
    selection : PairSelection or None
    strengths : dict or None

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 3\\nnrows 1\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Circuitscape mode]\\ndata_type = raster\\nscenario = pairwise\\nhabitat_file = r.asc\\npoint_file = p.asc\\nhabitat_map_is_resistances = True\\noutput_file = out.out\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in {"r.asc": head + "1 1 1\\n", "p.asc": head + "1 0 2\\n", "x.ini": ini}.items():
    ...         _ = (Path(folder) / name).write_text(text)
    ...     problem = read_problem(f"{folder}/x.ini")
    >>> problem.focal.tolist()
    [[1.0, 0.0, 2.0]]
    """

    file: Path
    ini: Ini
    settings: Settings
    output: Path | None
    findings: tuple[Finding, ...] = ()
    grid: RasterFile | None = None
    focal: Floats | FocalCells | None = None
    regions: Floats | None = None
    mask: Floats | None = None
    sources: Floats | None = None
    grounds: Floats | None = None
    network: Network | None = None
    focal_nodes: NDArray[np.int64] | None = None
    node_sources: dict[int, float] | None = None
    node_grounds: dict[int, float] | None = None
    selection: PairSelection | None = None
    strengths: dict[int, float] | None = None
    inputs: dict[str, Path] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop a run."""
        return [f for f in self.findings if f.severity == "error"]

    def check(self) -> None:
        """Raise all errors together.

        Raises
        ------
        ProblemFileError
            Code of the only one, or [X00] with all of them listed.
        """
        raise_findings(self.file, self.errors)


def read_problem(
    path: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    ignore_unknown: bool = False,
) -> Problem:
    """Read a Circuitscape .ini and all its inputs, and collect every finding; computes and writes nothing.

    Parameters
    ----------
    path : path
        Relative file names in it count from its folder, then from the working directory.
    output_dir : path, optional
        Folder for the results instead of the one of ``output_file``.
    ignore_unknown : bool
        Take options that are not known as warnings; they are listed and have no effect.

    Returns
    -------
    Problem

    Raises
    ------
    InteropError
        [X04] the .ini itself cannot be read; all else is a finding.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "ncols 3\\nnrows 1\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Circuitscape mode]\\ndata_type = raster\\nscenario = pairwise\\nhabitat_file = r.asc\\npoint_file = p.asc\\nhabitat_map_is_resistances = True\\noutput_file = out.out\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in {"r.asc": head + "1 1 1\\n", "p.asc": head + "1 0 2\\n", "x.ini": ini}.items():
    ...         _ = (Path(folder) / name).write_text(text)
    ...     read_problem(f"{folder}/x.ini").errors
    []
    """
    ini = parse_ini(path)
    settings = read_settings(ini, ignore_unknown=ignore_unknown)
    reader = _Reader(ini, settings)
    problem = Problem(ini.file, ini, settings, _output(ini, output_dir))
    problem = reader.lists(problem)
    problem = reader.raster(problem) if settings.is_raster else reader.network(problem)
    _refuse_overwriting(ini, problem.output, reader.inputs)
    return replace(problem, findings=tuple(ini.findings), inputs=reader.inputs)


def _output(ini: Ini, output_dir: str | os.PathLike[str] | None) -> Path | None:
    value = ini.raw("output_file")
    if value is None or is_unset(value):
        told = "is not set" if value is None else f"= {value!r} names no file"
        ini.add("X03", f"output_file {told}.", "write output_file = name.out", key="output_file")
        return None
    fault = file_name_fault(value)
    if fault:
        ini.add("X11", f"output_file = {value[:80]!r}: {fault}.", "name a file", key="output_file")
        return None
    target = candidates(value.replace("\\", "/"), ini.folder)[0]
    if target.name in ("", ".", "..") or target.is_dir():
        ini.add("X11", f"output_file = {value!r} is a folder.", "add a file name", key="output_file")
        return None
    return target if output_dir is None else Path(output_dir).resolve() / target.name


def _refuse_overwriting(ini: Ini, output: Path | None, inputs: dict[str, Path]) -> None:
    if output is None:
        return
    for name, path in {"the problem file": ini.file, **inputs}.items():
        if path.resolve() == output.resolve():
            ini.add("X11", f"output_file would overwrite {name}.", "choose another name", key="output_file")


class _Reader:
    """Reads inputs one by one; what goes wrong becomes a finding."""

    def __init__(self, ini: Ini, settings: Settings) -> None:
        self.ini, self.settings = ini, settings
        self.inputs: dict[str, Path] = {}
        self.scenario = settings.scenario

    def _path(self, key: str, needed_by: str) -> Path | None:
        path = self.ini.path(key, needed_by=needed_by)
        if path is not None:
            self.inputs[key] = path
        return path

    def _try(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except PermeabilityError as error:
            self.ini.findings.append(error.finding())
            return None

    def _read(self, key: str, needed_by: str, reader: Callable[[Path], T]) -> T | None:
        path = self._path(key, needed_by)
        return None if path is None else self._try(lambda: reader(path))

    # rasters -----------------------------------------------------------------------------------------------

    def raster(self, problem: Problem) -> Problem:
        """Habitat and all planes on its grid."""
        on = self.settings.on
        grid = self._read("habitat_file", "it is always needed", read_raster)
        if grid is not None:
            grid = self._reclassed(grid)
            grid = self._without_negatives(grid)
        problem = replace(
            problem,
            grid=grid,
            regions=self._plane("polygon_file", "use_polygons = True", grid) if on("use_polygons") else None,
            mask=self._plane("mask_file", "use_mask = True", grid) if on("use_mask") else None,
        )
        if self.scenario == "advanced":
            problem = replace(
                problem,
                sources=self._points("source_file", grid),
                grounds=self._points("ground_file", grid),
            )
            self._check_terminals(problem)
        else:
            problem = replace(problem, focal=self._focal(grid))
        self._check_cells(problem)
        return problem

    def _check_terminals(self, problem: Problem) -> None:
        sources, grounds = problem.sources, problem.grounds
        kind = "resistance" if self.settings.on("ground_file_is_resistances") else "conductance"
        if sources is not None:
            self._try(lambda: source_currents(sources))
        if grounds is not None:
            self._try(lambda: ground_conductance(grounds, grounds_are=kind))

    def _reclassed(self, grid: RasterFile) -> RasterFile:
        if not self.settings.on("use_reclass_table"):
            return grid
        table = self._read("reclass_file", "use_reclass_table = True", read_reclass)
        values = grid.values.copy()
        for old, new in (table or {}).items():
            values[grid.values == old] = new
        return replace(grid, values=values)

    def _without_negatives(self, grid: RasterFile) -> RasterFile:
        """Circuitscape takes cells below 0 as no nodes: done here, and told."""
        with np.errstate(invalid="ignore"):
            negative = grid.values < 0
        if not negative.any():
            return grid
        self.ini.add(
            "X13",
            f"{int(negative.sum()):,} cells of the habitat are negative; they carry no current.",
            f"declare them as nodata (the file's own is {grid.nodata})",
            key="habitat_file",
            severity="warning",
        )
        return replace(grid, values=np.where(negative, np.nan, grid.values))

    def _plane(self, key: str, needed_by: str, grid: RasterFile | None) -> Floats | None:
        raster = self._read(key, needed_by, read_raster)
        if raster is None or grid is None:
            return None
        found = differences(raster, grid)
        if found:
            self.ini.add(
                "X05",
                f"{key} '{raster.path.name}' does not line up with the habitat.",
                "bring it to the grid of the habitat (same rows, columns, corner and cell size)",
                key=key,
                details=found,
            )
            return None
        return raster.values

    def _points(self, key: str, grid: RasterFile | None) -> Floats | None:
        """A plane from a raster or from a list of points."""
        return self._either(key, grid, read_points)

    def _focal(self, grid: RasterFile | None) -> Floats | FocalCells | None:
        """Focal nodes from a raster or from a list of points."""
        return self._either("point_file", grid, read_focal_points)

    def _either(
        self, key: str, grid: RasterFile | None, reader: Callable[[Path, RasterFile], T]
    ) -> Floats | T | None:
        needed_by = f"scenario = {self.scenario}"
        path = self._path(key, needed_by)
        if path is None:
            return None
        if self._try(lambda: is_raster(path)):
            return self._plane(key, needed_by, grid)
        return None if grid is None else self._try(lambda: reader(path, grid))

    def _check_cells(self, problem: Problem) -> None:
        """Cells and numbers that cannot be used, and focal nodes without a cell that conducts."""
        grid, focal = problem.grid, problem.focal
        if grid is None:
            return
        kind = "resistance" if self.settings.on("habitat_map_is_resistances") else "conductance"
        resistance = self._try(lambda: cell_resistance(grid.values, habitat_is=kind, mask=problem.mask))
        shorts = self._try(lambda: region_labels(problem.regions, grid.shape))
        if focal is None:
            return
        count = len(focal.ids) if isinstance(focal, FocalCells) else np.unique(focal[focal > 0]).size
        if self._too_many(count, problem.selection):
            return
        nodes = self._try(lambda: focal_cells(focal, grid.shape))
        if resistance is None or nodes is None:
            return
        alive = ~np.isnan(resistance)
        if shorts is not None:
            alive |= shorts != 0
        off = [i for i in nodes.ids if not alive.reshape(-1)[nodes.cells[i]].any()]
        if off:
            self.ini.add(
                "X13",
                f"{len(off)} focal node(s) lie on cells without resistance: they are connected with nothing.",
                "move them onto the habitat, or fill the cells",
                key="point_file",
                severity="warning",
                rows=off,
            )
        if shorts is not None:
            self._tell_unjoined(nodes, shorts)

    def _tell_unjoined(self, nodes: FocalCells, shorts: NDArray[np.int64]) -> None:
        """Focal regions that Circuitscape does not join over the edges of short-circuit regions."""
        least = 2 if self.scenario == "pairwise" else 1
        inside = {i: int(np.count_nonzero(shorts.reshape(-1)[nodes.cells[i]])) for i in nodes.ids}
        parted = [i for i in nodes.ids if least <= inside[i] < len(nodes.cells[i])]
        if parted:
            self.ini.add(
                "X13",
                f"{len(parted)} focal node(s) lie partly on short-circuit regions: their parts are not joined, "
                "as in Circuitscape.",
                "extend the regions over the focal nodes, or take them off",
                key="polygon_file",
                severity="warning",
                rows=parted,
            )

    def _too_many(self, nodes: int, selection: PairSelection | None) -> bool:
        """Whether the focal raster looks like another raster: more runs than anyone waits for."""
        runs = nodes * (nodes - 1) // 2 if self.scenario == "pairwise" else nodes
        if selection is not None and selection.mode == "include":
            runs = min(runs, len(selection.pairs))
        if runs <= MOST_RUNS:
            return False
        self.ini.add(
            "X14",
            f"{nodes:,} focal nodes make {runs:,} runs.",
            "check that cells without a focal node are nodata or 0, or name the pairs to include",
            key="point_file",
        )
        return True

    # networks ----------------------------------------------------------------------------------------------

    def network(self, problem: Problem) -> Problem:
        """Links and node lists."""
        kind = "resistance" if self.settings.on("habitat_map_is_resistances") else "conductance"
        network = self._read("habitat_file", "it is always needed", lambda p: _network(*read_links(p), kind))
        if self.scenario == "advanced":
            sources = self._read("source_file", "scenario = advanced", read_node_values)
            grounds = self._read("ground_file", "scenario = advanced", read_node_values)
            if network is not None:
                for values, what in ((sources, "source nodes"), (grounds, "ground nodes")):
                    self._known(network, list(values or {}), what)
            return replace(problem, network=network, node_sources=sources, node_grounds=grounds)
        focal = self._read("point_file", f"scenario = {self.scenario}", read_nodes)
        if network is not None and focal is not None:
            self._known(network, [int(n) for n in focal if n >= 0], "focal nodes")
        return replace(problem, network=network, focal_nodes=focal)

    def _known(self, network: Network, numbers: list[int], what: str) -> None:
        """Numbers that are no nodes are refused; nodes without any link are told."""
        at = self._try(lambda: network.positions(numbers, what))
        if at is None:
            return
        graph = network.graph
        linked = np.zeros(graph.size, bool)
        linked[graph.first] = linked[graph.second] = True
        alone = [n for n, k in zip(numbers, at, strict=True) if not linked[k]]
        if alone:
            self.ini.add(
                "X13",
                f"{len(alone)} {what} have no link: they are connected with nothing.",
                "check their numbers",
                severity="warning",
                rows=alone,
            )

    # both --------------------------------------------------------------------------------------------------

    def lists(self, problem: Problem) -> Problem:
        """Pairs and strengths."""
        on, scenario = self.settings.on, self.scenario
        selection, strengths = None, None
        if on("use_included_pairs") and scenario != "advanced":
            zero = not self.settings.is_raster
            selection = self._read(
                "included_pairs_file", "use_included_pairs = True", lambda p: read_pairs(p, zero_is_node=zero)
            )
        if on("use_variable_source_strengths") and scenario in ("one-to-all", "all-to-one"):
            strengths = self._read(
                "variable_source_file", "use_variable_source_strengths = True", read_node_values
            )
        return replace(problem, selection=selection, strengths=strengths)


def _network(ends: NDArray[np.int64], values: Floats, kind: str) -> Network:
    """A network whose nodes are all numbers from 0 or 1 to the largest, as Circuitscape counts them.

    Where the numbers are sparse (less than a tenth of them has a link) only those with links are nodes.
    """
    if (ends < 0).any():
        raise InteropError(
            "X07", "node numbers are negative.", remedy="number the nodes of the network from 0 or 1"
        )
    start, end = min(int(ends.min()), 1), int(ends.max())
    dense = end - start < 10 * len(np.unique(ends)) + 1000
    return Network.of(ends, values, links_are=kind, alone=np.arange(start, end + 1) if dense else ())
