"""Potentials of all focal nodes of one component, solved once, and every run that is a sum of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from permeability.core import memory
from permeability.engines.circuit.modes.raster_circuit import Floats, Ints, RasterCircuit
from permeability.engines.circuit.solvers.solve_report import SolveReport, merge_reports

MEMORY_SHARE = 0.6  # of the free memory that potentials and their sources may take


def most_nodes(circuit: RasterCircuit) -> int:
    """How many focal nodes can be held at once."""
    plane = 8 * circuit.shape[0] * circuit.shape[1]
    return max(8, int(MEMORY_SHARE * memory.available() / (2 * plane)))


class Potentials:
    """q nodes of one component: q - 1 solves against the first of them.

    Parameters
    ----------
    circuit : RasterCircuit
    nodes : iterable of int
        Owners of the nodes, all in one component.
    solver, rtol
        As in :func:`permeability.engines.circuit.solve_grid`.
    planes : bool
        Whether the voltages of all cells are kept; without them only ``among`` and ``resistance`` are
        there, and memory is bounded whatever the number of nodes.

    Attributes
    ----------
    nodes : int array, shape (q,)
        Ascending.
    planes : array, shape (q - 1, rows, cols)
        Voltages for 1 A from each but the first node to the first one [V].
    among : array, shape (q, q)
        Voltage of node k in the plane of node l; row and column of the first are 0.
    report : SolveReport
    """

    def __init__(
        self, circuit: RasterCircuit, nodes: Iterable[int], *, solver: str, rtol: float, planes: bool = True
    ) -> None:
        self.circuit = circuit
        self.nodes: Ints = np.unique(np.array(list(nodes), dtype=np.int64))
        others = self.nodes[1:]
        self.planes = np.zeros((0, *circuit.shape))
        self.among = np.zeros((len(self.nodes), len(self.nodes)))
        reports = []
        step = len(others) if planes else min(len(others), most_nodes(circuit))
        for start in range(0, len(others), step):
            voltage, report = self._solve(others[start : start + step], solver, rtol)
            flat = voltage.reshape(len(voltage), -1)
            self.among[1:, 1 + start : 1 + start + len(voltage)] = flat[:, others].T
            reports.append(report)
            if planes:
                self.planes = voltage
        self.among = 0.5 * (self.among + self.among.T)
        self.report = merge_reports(tuple(reports))
        self.inside = circuit.component == circuit.component_of(int(self.nodes[0]))

    def _solve(self, nodes: Ints, solver: str, rtol: float) -> tuple[Floats, SolveReport]:
        """Voltages for 1 A from each of some nodes to the first one."""
        sources = np.zeros((len(nodes), *self.circuit.shape))
        sources.reshape(len(nodes), -1)[np.arange(len(nodes)), nodes] = 1.0
        ground = np.zeros(self.circuit.shape, bool)
        ground.reshape(-1)[self.nodes[0]] = True
        return self.circuit.solve(sources, ground=ground, solver=solver, rtol=rtol)

    def row(self, node: int) -> int:
        """Position of a node."""
        return int(np.searchsorted(self.nodes, node))

    def voltage(self, amperes: Floats, lift: float) -> Floats:
        """Voltages for currents (sum 0) into the nodes, raised by ``lift``; 0 outside the component."""
        used = np.flatnonzero(amperes[1:])
        plane = np.full(self.circuit.shape, lift)
        for k in used:
            plane += amperes[1 + k] * self.planes[k]
        return np.where(self.inside, plane, 0.0)

    def resistance(self, low: int, high: int) -> float:
        """Effective resistance between two nodes."""
        i, j = self.row(low), self.row(high)
        return float(self.among[i, i] + self.among[j, j] - 2.0 * self.among[i, j])

    def pair(self, low: int, high: int) -> Floats:
        """Voltages for 1 A from ``high`` to ``low``, the latter at 0."""
        amperes = np.zeros(len(self.nodes))
        i, j = self.row(low), self.row(high)
        amperes[i], amperes[j] = -1.0, 1.0
        return self.voltage(amperes, -float(self.among[i] @ amperes))

    def grounded(self, injected: Mapping[int, float], grounds: Ints) -> Floats:
        """Voltages for currents into some nodes while others are ideal grounds.

        The grounds' currents follow from their voltages being 0 and all currents summing to 0: a dense
        system of the number of grounds plus one.
        """
        amperes = np.zeros(len(self.nodes))
        for node, strength in injected.items():
            amperes[self.row(node)] = strength
        at = np.searchsorted(self.nodes, grounds)
        n = len(at)
        matrix = np.ones((n + 1, n + 1))
        matrix[:n, :n] = self.among[np.ix_(at, at)]
        matrix[n, n] = 0.0
        right = -np.append(self.among[at] @ amperes, amperes.sum())
        drawn = np.linalg.solve(matrix, right)
        amperes[at] = drawn[:n]
        return self.voltage(amperes, float(drawn[n]))
