"""What a Circuitscape problem will need, before anything is computed."""

from __future__ import annotations

from permeability.circuit.raster_circuit import focal_cells
from permeability.circuit.report import CircuitEstimate, available_bytes
from permeability.circuit.selection import wanted_pairs
from permeability.circuit.solvers import choose_solver
from permeability.circuit.superposition import MEMORY_SHARE
from permeability.interop.circuitscape_problem import Problem


def estimate_problem(problem: Problem, *, solver: str = "auto") -> CircuitEstimate | None:
    """Cells, solves, bytes and expected seconds of a problem.

    Parameters
    ----------
    problem : Problem
        As read by :func:`permeability.interop.circuitscape.read_problem`, without errors.
    solver : str
        See :func:`permeability.circuit.solve_grid`.

    Returns
    -------
    CircuitEstimate or None
        None for networks: they are small.
    """
    if problem.grid is None:
        return None
    cells = problem.grid.values.size
    planes = 8 + sum(p is not None for p in (problem.focal, problem.regions, problem.mask, problem.sources))
    solves, held = _solves(problem)
    room = int(MEMORY_SHARE * available_bytes() / (8 * cells))
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
