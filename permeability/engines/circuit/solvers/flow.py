"""Maps that follow from a voltage map: currents of nodes and of links."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.kernels.current import link_drops, through_flow
from permeability.engines.kernels.edges import GridLinks

Floats = NDArray[np.float64]


def node_currents(
    links: GridLinks, voltage: ArrayLike, *, leak: ArrayLike | None = None, regions: ArrayLike | None = None
) -> Floats:
    """Current through every node: the larger of its inflow and its outflow over links and finite grounds [A].

    Sources and ideal grounds are not counted as such; the larger sum contains them. Every cell of a region
    shows the
    current of its node; cells without a node show 0.

    Parameters
    ----------
    links : GridLinks
        Conductances.
    voltage : array, shape (rows, cols)
        Potentials [V].
    leak : array, shape (rows, cols), optional
        Finite conductance of every cell to ground.
    regions : array of int, shape (rows, cols), optional
        Cells of one positive label are one node.

    Returns
    -------
    array, shape (rows, cols)

    Raises
    ------
    ResistanceError
        [C01] planes of different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.kernels.edges import grid_links
    >>> node_currents(grid_links(np.ones((1, 3))), np.array([[2.0, 1.0, 0.0]])).tolist()
    [[1.0, 1.0, 1.0]]
    """
    system = GridSystem(links, leak=leak, regions=regions)
    total: Floats = np.empty(system.shape)
    net: Floats = np.empty(system.shape)
    through_flow(
        *system.links, system.leak, np.asarray(system.plane(voltage, "voltage"), np.float64), total, net
    )
    if system.regions.size:
        cells, label, first = system.region_cells
        for plane in (total, net):
            system.gather(plane)
            plane.reshape(-1)[cells] = plane.reshape(-1)[first][label]
    np.abs(net, out=net)  # in place: two planes, not five
    total += net
    total *= 0.5
    return total


def branch_currents(links: GridLinks, voltage: ArrayLike) -> GridLinks:
    """Signed current of every link, from its first to its second cell [A].

    Parameters
    ----------
    links : GridLinks
        Conductances.
    voltage : array, shape (rows, cols)
        Potentials [V].

    Returns
    -------
    GridLinks
        Four planes of amperes in place of conductances.

    Raises
    ------
    ResistanceError
        [C01] planes of different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.kernels.edges import grid_links
    >>> float(branch_currents(grid_links(np.ones((1, 2))), np.array([[1.0, 0.0]])).e[0, 0])
    1.0
    """
    system = GridSystem(links)
    planes = [np.empty(system.shape) for _ in range(4)]
    link_drops(np.asarray(system.plane(voltage, "voltage"), np.float64), *planes)
    for plane, g in zip(planes, system.links):
        plane *= g
    return GridLinks(*planes)
