"""Circuits that are no grid: nodes, links, components, a sparse direct solve, node currents."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.csgraph import connected_components

from permeability.core.errors import ResistanceError, SolverError
from permeability.engines.circuit.solvers.direct import symmetric_lu
from permeability.engines.circuit.solvers.solve_report import SolveReport

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REFINEMENTS = 3
ROUNDING = 8.0 * float(np.finfo(np.float64).eps)
SMALLEST_SHARE = 1e-8  # link currents below this share of the largest one count as zero


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes 0..size-1 joined by conductances.

    Attributes
    ----------
    size : int
    first, second : int array, shape (m,)
        Nodes of every link, ``first < second``, sorted, each pair once.
    conductance : array, shape (m,)
        Above 0 [dimensionless].
    component : int array, shape (size,)
    """

    size: int
    first: Ints
    second: Ints
    conductance: Floats
    component: Ints

    @classmethod
    def of(cls, size: int, first: ArrayLike, second: ArrayLike, conductance: ArrayLike) -> Graph:
        """From links in any order: parallel ones add up, loops and zeros are dropped.

        Raises
        ------
        ResistanceError
            [C21] negative or non-finite conductances.

        Examples
        --------
        >>> Graph.of(3, [0, 1, 1], [1, 0, 1], [1.0, 2.0, 5.0]).conductance
        array([3.])
        """
        a, b = np.asarray(first, np.int64), np.asarray(second, np.int64)
        c = np.asarray(conductance, np.float64)
        bad = ~(np.isfinite(c) & (c >= 0))
        if bad.any():
            raise ResistanceError(
                "C21",
                f"{int(bad.sum()):,} links have a negative or non-finite conductance.",
                remedy="link resistances must be above 0",
            )
        keep = (a != b) & (c > 0)
        low, high = np.minimum(a, b)[keep], np.maximum(a, b)[keep]
        matrix = coo_matrix((c[keep], (low, high)), shape=(size, size)).tocsr()
        matrix.sum_duplicates()
        matrix.sort_indices()
        entries = matrix.tocoo()
        component = connected_components(matrix, directed=False)[1].astype(np.int64)
        return cls(size, entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data, component)

    def branch_currents(self, voltage: Floats) -> Floats:
        """Signed current of every link, from ``first`` to ``second`` [A]; below 1e-8 of the largest: 0."""
        flow: Floats = self.conductance * (voltage[self.first] - voltage[self.second])
        if len(flow):
            flow[np.abs(flow) < SMALLEST_SHARE * np.abs(flow).max()] = 0.0
        return flow

    def node_currents(self, voltage: Floats, leak: Floats | None = None) -> Floats:
        """The larger of inflow and outflow of every node [A]; ``leak`` = finite conductance to ground."""
        flow = self.branch_currents(voltage)
        down, up = np.maximum(flow, 0.0), np.maximum(-flow, 0.0)
        out, into = np.zeros(self.size), np.zeros(self.size)
        out += np.bincount(self.first, down, self.size) + np.bincount(self.second, up, self.size)
        into += np.bincount(self.second, down, self.size) + np.bincount(self.first, up, self.size)
        if leak is not None:
            drawn = leak * voltage
            out += np.maximum(drawn, 0.0)
            into += np.maximum(-drawn, 0.0)
        current: Floats = np.maximum(into, out)
        return current

    def laplacian_times(self, voltage: Floats, leak: Floats) -> Floats:
        """``(L + leak) v``, from differences."""
        flow = self.conductance * (voltage[self.first] - voltage[self.second])
        out = np.bincount(self.first, flow, self.size) - np.bincount(self.second, flow, self.size)
        product: Floats = out + leak * voltage
        return product


class GraphSolver:
    """A factorised graph with fixed grounds, for many source vectors.

    Components without any ground are left out: their voltages are 0.

    Parameters
    ----------
    graph : Graph
    ground : bool array, shape (size,)
        Ideal grounds, voltage 0.
    leak : array, shape (size,), optional
        Finite conductances to ground.
    rtol : float
        Residual to reach, relative to the norm of the sources.
    """

    def __init__(
        self, graph: Graph, ground: NDArray[np.bool_], leak: Floats | None = None, *, rtol: float = 1e-10
    ) -> None:
        started = time.perf_counter()
        self.graph, self.rtol = graph, rtol
        self.leak = np.zeros(graph.size) if leak is None else leak
        held = np.zeros(graph.size, bool)
        held[graph.component[ground | (self.leak > 0)]] = True
        self.free = np.flatnonzero(held[graph.component] & ~ground)
        number = np.full(graph.size, -1)
        number[self.free] = np.arange(len(self.free))
        a, b, c = number[graph.first], number[graph.second], graph.conductance
        inner = (a >= 0) & (b >= 0)
        degree = (
            np.bincount(graph.first, c, graph.size) + np.bincount(graph.second, c, graph.size) + self.leak
        )
        diagonal = np.arange(len(self.free))
        self.factor = None
        if len(self.free):
            matrix = csc_matrix(
                (
                    np.concatenate([-c[inner], -c[inner], degree[self.free]]),
                    (np.r_[a[inner], b[inner], diagonal], np.r_[b[inner], a[inner], diagonal]),
                ),
                shape=(len(self.free), len(self.free)),
            )
            self.factor = symmetric_lu(matrix)
            self.bytes = 16 * (self.factor.L.nnz + self.factor.U.nnz)
        else:
            self.bytes = 0
        self.setup = time.perf_counter() - started

    def solve(self, source: Floats) -> tuple[Floats, SolveReport]:
        """Voltages for one source vector; sources on grounds and in components without ground are ignored.

        Raises
        ------
        SolverError
            [C07] the residual misses ``rtol`` and is more than rounding can leave.
        """
        started = time.perf_counter()
        voltage, residual, steps = np.zeros(self.graph.size), 0.0, 0
        scale = float(np.linalg.norm(source[self.free]))
        if self.factor is not None and scale > 0:
            residual = np.inf
            for step in range(REFINEMENTS + 1):
                trial = voltage.copy()
                trial[self.free] += self.factor.solve(self._left(source, voltage))
                norm = float(np.linalg.norm(self._left(source, trial))) / scale
                if not norm < residual:
                    break
                voltage, residual, steps = trial, norm, step
                if norm <= 1e-15:
                    break
        if residual > max(self.rtol, self._rounding(voltage) / scale if scale > 0 else 0.0):
            raise SolverError(
                "C07",
                f"the direct solve reached a residual of {residual:.1e}, asked for {self.rtol:.1e}.",
                remedy="raise rtol, or lower the contrast of the resistances",
            )
        seconds, self.setup = time.perf_counter() - started + self.setup, 0.0
        report = SolveReport(
            "splu",
            "sparse direct solver of graphs",
            steps,
            residual,
            seconds,
            self.bytes,
            cells=self.graph.size,
        )
        return voltage, report

    def _rounding(self, voltage: Floats) -> float:
        """Norm of a residual that rounding alone can leave with these voltages."""
        graph, size = self.graph, np.abs(voltage)
        share = graph.conductance * (size[graph.first] + size[graph.second])
        per_node = np.bincount(graph.first, share, graph.size) + np.bincount(graph.second, share, graph.size)
        return ROUNDING * float(np.linalg.norm(per_node + self.leak * size))

    def _left(self, source: Floats, voltage: Floats) -> Floats:
        """True residual on the free nodes."""
        left: Floats = (source - self.graph.laplacian_times(voltage, self.leak))[self.free]
        return left
