"""Movement chains on arrays: randomised shortest paths and absorbing chains, reversible ones as leaky circuits.

>>> import numpy as np
>>> samc_grid(np.ones((1, 2)), np.full((1, 2), 0.1)).time_to_end().round(6).tolist()
[[10.0, 10.0]]
"""

from __future__ import annotations

from permeability.engines.chain.conventions import (
    GridStates,
    coarse_targets,
    conscape_grid,
    conscape_paths,
    samc_grid,
    samc_links,
)
from permeability.engines.chain.grid_chain import GridChain, Reached
from permeability.engines.chain.link_chain import LinkChain
from permeability.engines.chain.path_chain import PathChain, largest_eigenvalue

__all__ = [
    "GridChain",
    "GridStates",
    "LinkChain",
    "PathChain",
    "Reached",
    "coarse_targets",
    "conscape_grid",
    "conscape_paths",
    "largest_eigenvalue",
    "samc_grid",
    "samc_links",
]
