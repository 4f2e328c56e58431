"""Circuit connectivity: grid solvers, pairwise effective resistances, current maps, all modes of Circuitscape.

:func:`pairwise` is the fast door for focal nodes on a raster.  The modes of Circuitscape, with short-circuit
regions, focal regions, lists of pairs and source strengths, are ``raster_*`` and ``network_*``
(:mod:`permeability.engines.circuit.modes`); :func:`solve_grid` takes any currents and grounds.

>>> import numpy as np
>>> focal = np.array([[1, 0, 2, 0, 3]])
>>> raster_one_to_all(np.ones((1, 5)), focal).resistance
array([2., 1., 2.])
"""

from __future__ import annotations

from permeability.engines.circuit.focal_pairs import PairwiseResult, estimate_pairwise, pairwise
from permeability.engines.circuit.modes import (
    AdvancedResult,
    BranchValues,
    EachResult,
    MapOptions,
    Network,
    NetworkAdvancedResult,
    NetworkPairsResult,
    NodeValues,
    PairSelection,
    PairsResult,
    network_advanced,
    network_pairwise,
    raster_advanced,
    raster_all_to_one,
    raster_one_to_all,
    raster_pairwise,
)
from permeability.engines.circuit.solvers.flow import branch_currents, node_currents
from permeability.engines.circuit.solvers.registry import GridSolution, solve_grid
from permeability.engines.circuit.solvers.solve_report import CircuitEstimate, SolveReport
from permeability.engines.kernels.edges import GridLinks, grid_links

__all__ = [
    "AdvancedResult",
    "BranchValues",
    "CircuitEstimate",
    "EachResult",
    "GridLinks",
    "GridSolution",
    "MapOptions",
    "Network",
    "NetworkAdvancedResult",
    "NetworkPairsResult",
    "NodeValues",
    "PairSelection",
    "PairsResult",
    "PairwiseResult",
    "SolveReport",
    "branch_currents",
    "estimate_pairwise",
    "grid_links",
    "network_advanced",
    "network_pairwise",
    "node_currents",
    "pairwise",
    "raster_advanced",
    "raster_all_to_one",
    "raster_one_to_all",
    "raster_pairwise",
    "solve_grid",
]
