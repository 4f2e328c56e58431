"""Circuit connectivity: grid solvers, pairwise effective resistances, current maps."""

from __future__ import annotations

from permeability.circuit.flow import branch_currents, node_currents
from permeability.circuit.pairwise import PairwiseResult, estimate_pairwise, pairwise
from permeability.circuit.report import CircuitEstimate, SolveReport
from permeability.circuit.solvers import GridSolution, solve_grid
from permeability.kernels.edges import GridLinks, grid_links

__all__ = [
    "CircuitEstimate",
    "GridLinks",
    "GridSolution",
    "PairwiseResult",
    "SolveReport",
    "branch_currents",
    "estimate_pairwise",
    "grid_links",
    "node_currents",
    "pairwise",
    "solve_grid",
]
