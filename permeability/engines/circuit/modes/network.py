"""Pairwise and advanced mode on networks given as links between numbered nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import PatchError, ResistanceError, check_choice
from permeability.core.progress import long_job
from permeability.engines.circuit.modes.advanced import (
    ground_conductance,
    resolve_conflicts,
    solvable,
    source_currents,
)
from permeability.engines.circuit.modes.graph import Graph, GraphSolver
from permeability.engines.circuit.modes.map_store import Floats, Key
from permeability.engines.circuit.modes.pair_selection import PairSelection, wanted_pairs
from permeability.engines.circuit.modes.raster_circuit import require_two
from permeability.engines.circuit.possible import require_currents, require_resistances
from permeability.engines.circuit.solvers.solve_report import SolveReport, merge_reports
from permeability.engines.kernels.edges import D_COL, D_ROW

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Network:
    """A network with the node numbers of its links.

    Attributes
    ----------
    numbers : int array, shape (n,)
        Node numbers as given, ascending; a node of ``graph`` is a position in it.
    graph : Graph

    Examples
    --------
    >>> chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    >>> chain.numbers.tolist()
    [0, 1, 2]
    """

    numbers: Ints
    graph: Graph

    @classmethod
    def of(
        cls, links: ArrayLike, values: ArrayLike, *, links_are: str = "resistance", alone: ArrayLike = ()
    ) -> Network:
        """From links between numbered nodes; parallel links add up.

        Parameters
        ----------
        links : int array, shape (m, 2)
            Node numbers of each link.
        values : array, shape (m,)
            Resistance or conductance of each link [dimensionless].
        links_are : {"resistance", "conductance"}
        alone : int array, optional
            Numbers of further nodes, with or without links.

        Raises
        ------
        ResistanceError
            [C21] zero resistance, negative or non-finite values; [C26] no link at all.
        OptionError
            [C20].

        Examples
        --------
        >>> Network.of([[7, 3], [3, 5]], [1.0, 2.0]).numbers
        array([3, 5, 7])
        """
        check_choice("links_are", links_are, ("resistance", "conductance"), code="C20")
        ends = np.asarray(links, dtype=np.int64).reshape(-1, 2)
        given = np.asarray(values, dtype=np.float64)
        if not len(ends):
            raise ResistanceError("C26", "the network has no link.", remedy="check the list of links")
        bad = ~(np.isfinite(given) & (given >= 0))
        if links_are == "resistance":
            bad |= given == 0
        if bad.any():
            raise ResistanceError(
                "C21",
                f"{int(bad.sum()):,} links have a {links_are} that cannot be used.",
                rows=[tuple(int(v) for v in e) for e in ends[bad][:10]],
                remedy="use finite values above 0; join nodes by one number instead of resistance 0",
            )
        numbers = np.union1d(ends, np.asarray(alone, dtype=np.int64))
        at = np.searchsorted(numbers, ends)
        conductance = 1.0 / given if links_are == "resistance" else given
        return cls(numbers, Graph.of(len(numbers), at[:, 0], at[:, 1], conductance))

    @classmethod
    def of_grid(cls, steps: ArrayLike) -> Network:
        """From the costs of all steps on a grid: any rule for a link, 4, 8 or 16 neighbours.

        A node number is the flat index of its cell (row x columns + column); cells without a link are no
        nodes.  The resistance of a link is the cost of its step.

        Parameters
        ----------
        steps : array, shape (2 n, rows, cols)
            As :func:`permeability.engines.leastcost.surface.step_costs` gives them, the same there and back; inf = none.

        Returns
        -------
        Network

        Raises
        ------
        ResistanceError
            [C21] steps that cost something else on the way back, zero or negative ones; [C22] planes of
            another number; [C26] no link at all.

        Examples
        --------
        Conductance of a link: the sum of its two cells, diagonals as they are.

        >>> from permeability.engines.leastcost.surface import step_costs
        >>> steps = step_costs(lambda length, a, b: 1 / (a + b), [[1.0, 2.0], [3.0, 4.0]])
        >>> network_pairwise(Network.of_grid(steps), [0, 3]).resistance[0, 1].round(4)
        np.float64(0.1047)
        """
        planes = np.asarray(steps, dtype=np.float64)
        n = len(planes) // 2
        if planes.ndim != 3 or len(planes) not in (4, 8, 16):
            raise ResistanceError(
                "C22",
                f"steps have shape {planes.shape}; 4, 8 or 16 planes are needed.",
                remedy="use pm.leastcost.step_costs",
            )
        if not np.array_equal(planes[:n], planes[n:]):
            raise ResistanceError(
                "C21",
                f"{int((planes[:n] != planes[n:]).sum()):,} links cost something else on the way back.",
                remedy="a circuit has no direction: give step_costs symmetric=True or a symmetric rule",
            )
        direction, row, col = np.nonzero(np.isfinite(planes[:n]))
        cols = planes.shape[2]
        first = row * cols + col
        second = first + D_ROW[direction].astype(np.int64) * cols + D_COL[direction]
        return cls.of(np.stack([first, second], axis=1), planes[direction, row, col])

    def positions(self, numbers: Sequence[int] | Ints, what: str) -> Ints:
        """Positions of node numbers.

        Raises
        ------
        PatchError
            [C27] numbers that are no nodes of the network.
        """
        wanted = np.asarray(numbers, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.numbers, wanted), len(self.numbers) - 1)
        missing = wanted[self.numbers[at] != wanted]
        if len(missing):
            raise PatchError(
                "C27",
                f"{len(missing)} {what} are no nodes of the network.",
                rows=[int(n) for n in missing],
                remedy="use node numbers of the list of links",
            )
        return at


@dataclass(frozen=True, eq=False)
class NodeValues:
    """A value for some nodes: ``node`` numbers, shape (n,), and ``value``, shape (n,).

    Examples
    --------
    >>> chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    >>> current = network_advanced(chain, [0], [1.0], [2], [0.0]).current
    >>> dict(zip(current.node.tolist(), current.value.round(9).tolist()))
    {0: 1.0, 1: 1.0, 2: 1.0}
    """

    node: Ints
    value: Floats


@dataclass(frozen=True, eq=False)
class BranchValues:
    """A value for some links: node numbers ``first`` and ``second``, and ``value``; all of shape (m,).

    Examples
    --------
    >>> chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    >>> branch = network_advanced(chain, [0], [1.0], [2], [0.0]).branch
    >>> list(zip(branch.first.tolist(), branch.second.tolist(), branch.value.round(9).tolist()))
    [(0, 1, 1.0), (1, 2, 1.0)]
    """

    first: Ints
    second: Ints
    value: Floats


@dataclass(frozen=True, eq=False)
class NetworkPairsResult:
    """Resistances and currents between focal nodes of a network.

    Attributes
    ----------
    ids : int array, shape (n,)
    resistance : array, shape (n, n)
        ``inf`` = not connected, NaN = not asked for.
    voltage, current : dict
        (a, b) -> :class:`NodeValues` of the nodes of the pair's component.
    branch : dict
        (a, b) -> :class:`BranchValues`, absolute currents.
    cumulative : NodeValues or None
        Sum of the node currents of all solved pairs, all nodes; None without ``maps``.
    cumulative_branch : BranchValues or None
    report : SolveReport

    Examples
    --------
    >>> chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    >>> network_pairwise(chain, [0, 2]).resistance[0, 1].round(9).item()  # two links of 1
    2.0
    """

    ids: Ints
    resistance: Floats
    voltage: dict[Key, NodeValues]
    current: dict[Key, NodeValues]
    branch: dict[Key, BranchValues]
    cumulative: NodeValues | None
    cumulative_branch: BranchValues | None
    report: SolveReport


@long_job("pairs")
def network_pairwise(
    network: Network,
    focal: Sequence[int] | Ints,
    *,
    selection: PairSelection | None = None,
    maps: bool = True,
    rtol: float = 1e-10,
    progress: Any = None,
) -> NetworkPairsResult:
    """Effective resistances, voltages, node and branch currents between all pairs of focal nodes.

    Parameters
    ----------
    network : Network
    focal : sequence of int
        Node numbers, at least two different ones; negative numbers are none.
    selection : PairSelection, optional
    maps : bool
        False: resistances alone, far quicker on large networks.
    rtol : float
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    NetworkPairsResult

    Raises
    ------
    PatchError, SolverError

    Examples
    --------
    >>> square = Network.of([[0, 1], [1, 2], [2, 3], [3, 0]], [1.0, 1.0, 1.0, 1.0])
    >>> network_pairwise(square, [0, 2]).resistance[0, 1].round(12)
    np.float64(1.0)
    """
    ids = [int(i) for i in np.unique(np.asarray(focal, dtype=np.int64)) if i >= 0]
    ids = ids if selection is None else selection.kept(ids, always=False)
    require_two(ids)
    graph, numbers = network.graph, network.numbers
    node = network.positions(ids, "focal nodes")
    resistance = np.full((len(ids), len(ids)), np.nan)
    np.fill_diagonal(resistance, 0.0)
    voltages: dict[Key, NodeValues] = {}
    currents: dict[Key, NodeValues] = {}
    branches: dict[Key, BranchValues] = {}
    total, total_branch = np.zeros(graph.size), np.zeros(len(graph.first))
    potentials, reports = _potentials(graph, node, rtol)
    wanted = wanted_pairs(ids, selection)
    for done, (i, j) in enumerate(wanted, 1):
        low, high, key = node[i], node[j], (ids[i], ids[j])
        name = graph.component[low]
        joined = name == graph.component[high]
        drop = potentials[high][[low, high]] - potentials[low][[low, high]] if joined else [0.0, np.inf]
        resistance[i, j] = resistance[j, i] = drop[1] - drop[0]
        if joined and maps:
            voltage = potentials[high] - potentials[low]
            voltage = np.where(graph.component == name, voltage - voltage[low], 0.0)
            members = np.flatnonzero(graph.component == name)
            current = graph.node_currents(voltage)
            flow = np.abs(graph.branch_currents(voltage))
            inside = graph.component[graph.first] == name
            voltages[key] = NodeValues(numbers[members], voltage[members])
            currents[key] = NodeValues(numbers[members], current[members])
            branches[key] = _branch(network, flow, inside)
            total += current
            total_branch += flow
        if progress is not None:
            progress(done, len(wanted))
    require_resistances(resistance, ids, missing=True, one_network=True)
    require_currents(total, "summed current of the nodes")
    return NetworkPairsResult(
        np.array(ids, dtype=np.int64),
        resistance,
        voltages,
        currents,
        branches,
        NodeValues(numbers, total) if maps else None,
        _branch(network, total_branch, np.ones(len(total_branch), bool)) if maps else None,
        merge_reports(tuple(reports)),
    )


def _branch(network: Network, flow: Floats, keep: NDArray[np.bool_]) -> BranchValues:
    graph, numbers = network.graph, network.numbers
    return BranchValues(numbers[graph.first[keep]], numbers[graph.second[keep]], flow[keep])


def _potentials(graph: Graph, node: Ints, rtol: float) -> tuple[dict[int, Floats], list[SolveReport]]:
    """Potentials of every focal node against the first focal node of its component."""
    ground = np.zeros(graph.size, bool)
    anchors = node[np.unique(graph.component[node], return_index=True)[1]]
    ground[anchors] = True
    solver = GraphSolver(graph, ground, rtol=rtol)
    potentials: dict[int, Floats] = {int(a): np.zeros(graph.size) for a in anchors}
    reports = []
    for n in node:
        if int(n) not in potentials:
            source = np.zeros(graph.size)
            source[n] = 1.0
            potentials[int(n)], report = solver.solve(source)
            reports.append(report)
    return potentials, reports


@dataclass(frozen=True, eq=False)
class NetworkAdvancedResult:
    """Voltages and currents of one circuit on a network.

    Attributes
    ----------
    voltage, current : NodeValues
        All nodes; 0 in components that were not solved.
    branch : BranchValues
        All links, absolute currents.
    solved : int
    unsolved : tuple of str
    report : SolveReport

    Examples
    --------
    >>> chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    >>> network_advanced(chain, [0], [1.0], [2], [0.0]).solved
    1
    """

    voltage: NodeValues
    current: NodeValues
    branch: BranchValues
    solved: int
    unsolved: tuple[str, ...]
    report: SolveReport


def network_advanced(
    network: Network,
    source_nodes: Sequence[int] | Ints,
    sources: ArrayLike,
    ground_nodes: Sequence[int] | Ints,
    grounds: ArrayLike,
    *,
    grounds_are: str = "resistance",
    unit_sources: bool = False,
    ideal_grounds: bool = False,
    conflicts: str = "keep_all",
    rtol: float = 1e-10,
) -> NetworkAdvancedResult:
    """Voltages and currents for any sources and any grounds on a network.

    Parameters
    ----------
    network : Network
    source_nodes, ground_nodes : sequence of int
        Node numbers; a later entry for a node replaces an earlier one.
    sources : array
        Currents [A].
    grounds : array
        Resistances or conductances to ground.
    grounds_are, unit_sources, ideal_grounds, conflicts, rtol
        As in :func:`permeability.engines.circuit.modes.advanced.raster_advanced`.

    Returns
    -------
    NetworkAdvancedResult

    Raises
    ------
    PatchError, OptionError, SolverError

    Examples
    --------
    >>> chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    >>> network_advanced(chain, [0], [1.0], [2], [0.0]).voltage.value
    array([2., 1., 0.])
    """
    graph, numbers = network.graph, network.numbers
    source, ground = np.zeros(graph.size), np.zeros(graph.size)
    source[network.positions(source_nodes, "source nodes")] = source_currents(sources, unit=unit_sources)
    ground[network.positions(ground_nodes, "ground nodes")] = ground_conductance(
        grounds, grounds_are=grounds_are, ideal=ideal_grounds
    )
    terminals = resolve_conflicts(source, ground, conflicts)
    solve, unsolved = solvable(graph.component, terminals)
    solver = GraphSolver(graph, np.isinf(terminals.ground), terminals.finite, rtol=rtol)
    voltage, report = solver.solve(np.where(solve, terminals.source, 0.0))
    return NetworkAdvancedResult(
        NodeValues(numbers, voltage),
        NodeValues(numbers, graph.node_currents(voltage, terminals.finite)),
        _branch(network, np.abs(graph.branch_currents(voltage)), np.ones(len(graph.first), bool)),
        len(np.unique(graph.component[solve])),
        unsolved,
        report,
    )
