"""All modes of Circuitscape on arrays: one door.

============== ====================================== =========================================
 mode           rasters                                networks
============== ====================================== =========================================
 pairwise       :func:`raster_pairwise`                :func:`network_pairwise`
 one-to-all     :func:`raster_one_to_all`
 all-to-one     :func:`raster_all_to_one`
 advanced       :func:`raster_advanced`                :func:`network_advanced`
============== ====================================== =========================================

The fast door for plain pairwise problems is :func:`permeability.engines.circuit.focal_pairs`; these functions add
short-circuit regions, focal regions, masks, lists of pairs, source strengths and the peculiarities that
agreement with Circuitscape needs.
"""

from __future__ import annotations

from permeability.engines.circuit.modes.advanced import (
    AdvancedResult,
    Terminals,
    ground_conductance,
    raster_advanced,
    resolve_conflicts,
)
from permeability.engines.circuit.modes.graph import Graph, GraphSolver
from permeability.engines.circuit.modes.map_store import MapOptions
from permeability.engines.circuit.modes.network import (
    BranchValues,
    Network,
    NetworkAdvancedResult,
    NetworkPairsResult,
    NodeValues,
    network_advanced,
    network_pairwise,
)
from permeability.engines.circuit.modes.one_to_all import EachResult, raster_all_to_one, raster_one_to_all
from permeability.engines.circuit.modes.pair_selection import PairSelection
from permeability.engines.circuit.modes.pairs import PairsResult, raster_pairwise
from permeability.engines.circuit.modes.raster_circuit import FocalCells, RasterCircuit, cell_resistance

__all__ = [
    "AdvancedResult",
    "BranchValues",
    "EachResult",
    "FocalCells",
    "Graph",
    "GraphSolver",
    "MapOptions",
    "Network",
    "NetworkAdvancedResult",
    "NetworkPairsResult",
    "NodeValues",
    "PairSelection",
    "PairsResult",
    "RasterCircuit",
    "Terminals",
    "cell_resistance",
    "ground_conductance",
    "network_advanced",
    "network_pairwise",
    "raster_advanced",
    "raster_all_to_one",
    "raster_one_to_all",
    "raster_pairwise",
    "resolve_conflicts",
]
