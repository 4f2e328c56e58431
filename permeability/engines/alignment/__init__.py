"""Lines that are not there yet, on arrays: what they would cut, and which one takes least from the movement between patches.

>>> import numpy as np
>>> network = LineNetwork(np.ones((3, 5)), np.pad(np.array([[1], [1], [1]]), ((0, 0), (0, 4))) + np.pad(np.array([[2], [2], [2]]), ((0, 0), (4, 0))))
>>> line = CornerLine.through([(0, 2), (3, 2)])  # from top to bottom, between the two
>>> keys, weight = line.crossed(network.shape)
>>> round(network.with_line(keys, 2.0 / weight).loss, 6)  # 2 cells of open ground more between patches 4 cells apart
0.5
"""

from __future__ import annotations

from permeability.engines.alignment.corner_lines import CornerLine, move_costs
from permeability.engines.alignment.line_network import LineNetwork, LineState
from permeability.engines.alignment.line_search import Found, search_line
from permeability.engines.alignment.line_space import LineSpace

__all__ = ["CornerLine", "Found", "LineNetwork", "LineSpace", "LineState", "move_costs", "search_line"]
