"""What a Circuitscape problem will need, before anything is computed."""

from __future__ import annotations

from permeability.core import memory
from permeability.engines.circuit.modes.pair_selection import wanted_pairs
from permeability.engines.circuit.modes.raster_circuit import focal_cells
from permeability.engines.circuit.modes.superposition import MEMORY_SHARE
from permeability.engines.circuit.solvers.registry import choose_solver
from permeability.engines.circuit.solvers.solve_report import CircuitEstimate
from permeability.interop.circuitscape_problem import Problem


def estimate_problem(problem: Problem, *, solver: str = "auto") -> CircuitEstimate | None:
    """Cells, solves, bytes and expected seconds of a problem.

    Parameters
    ----------
    problem : Problem
        As read by :func:`permeability.interop.circuitscape.read_problem`, without errors.
    solver : str
        See :func:`permeability.engines.circuit.solve_grid`.

    Returns
    -------
    CircuitEstimate or None
        None for networks: they are small.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from permeability.interop.circuitscape import read_problem
    >>> head = "ncols 3\\nnrows 1\\nxllcorner 0\\nyllcorner 0\\ncellsize 1\\nNODATA_value -9999\\n"
    >>> ini = "[Circuitscape mode]\\ndata_type = raster\\nscenario = pairwise\\nhabitat_file = r.asc\\npoint_file = p.asc\\nhabitat_map_is_resistances = True\\noutput_file = out.out\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in {"r.asc": head + "1 1 1\\n", "p.asc": head + "1 0 2\\n", "x.ini": ini}.items():
    ...         _ = (Path(folder) / name).write_text(text)
    ...     estimate_problem(read_problem(f"{folder}/x.ini")).cells
    3
    """
    if problem.grid is None:
        return None
    cells = problem.grid.values.size
    planes = 8 + sum(p is not None for p in (problem.focal, problem.regions, problem.mask, problem.sources))
    solves, held = _solves(problem)
    room = int(MEMORY_SHARE * memory.available() / (8 * cells))
    return choose_solver(
        cells, solves, solver=solver, result_bytes=8 * cells * (planes + min(2 * held, room))
    )


def _solves(problem: Problem) -> tuple[int, int]:
    """Solves, and potentials that are held at once."""
    if problem.focal is None or problem.grid is None:
        return 1, 1
    nodes = focal_cells(problem.focal, problem.grid.shape)
    pairwise = problem.settings.scenario == "pairwise"
    ids = nodes.ids
    if problem.selection is not None:
        ids = problem.selection.kept(ids, always=not pairwise)
    if pairwise and not nodes.are_points:
        return max(1, len(wanted_pairs(ids, problem.selection))), 1
    return max(1, len(ids) - 1), max(1, len(ids) - 1)
