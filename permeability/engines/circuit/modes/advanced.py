"""Advanced mode: any sources, any grounds, on rasters; the rules for conflicts between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import PatchError, check_choice
from permeability.engines.circuit.modes.raster_circuit import (
    Floats,
    Ints,
    RasterCircuit,
    cell_resistance,
    region_labels,
    same_shape,
)
from permeability.engines.circuit.possible import require_currents
from permeability.engines.circuit.solvers.solve_report import SolveReport
from permeability.engines.kernels.edges import EdgeBarriers

CONFLICTS = ("keep_all", "remove_source", "remove_ground", "remove_all")


@dataclass(frozen=True, eq=False)
class Terminals:
    """Sources and grounds of the nodes after the conflict rule.

    Attributes
    ----------
    source : array, shape (n,)
        Current that enters [A].
    ground : array, shape (n,)
        Conductance to ground that decides whether a component is solved; ``inf`` = ideal, 0 = none.
    finite : array, shape (n,)
        Finite conductances that enter the equations.
    """

    source: Floats
    ground: Floats
    finite: Floats


def resolve_conflicts(source: ArrayLike, ground: ArrayLike, conflicts: str = "keep_all") -> Terminals:
    """Apply the rule for nodes that have both a source and a ground.

    ``remove_source`` drops the source, ``remove_ground`` the ground, ``keep_all`` neither.  Afterwards an
    ideal ground at a node whose source is still positive is dropped.  Two peculiarities of Circuitscape are
    kept because its own tests assert them: ``remove_all`` drops the source only; and finite conductances
    enter the equations as they were before the rule, so that ``remove_ground`` removes ideal grounds only.

    Parameters
    ----------
    source : array, shape (n,)
        Current that enters each node [A].
    ground : array, shape (n,)
        Conductance of each node to ground, ``inf`` = ideal, 0 = none.
    conflicts : {"keep_all", "remove_source", "remove_ground", "remove_all"}

    Returns
    -------
    Terminals

    Raises
    ------
    OptionError
        [C20] unknown rule.

    Examples
    --------
    >>> resolve_conflicts([1.0, 0.0], [np.inf, 2.0]).ground
    array([0., 2.])
    """
    check_choice("conflicts", conflicts, CONFLICTS, code="C20")
    s, g = np.array(source, dtype=np.float64), np.array(ground, dtype=np.float64)
    finite = np.where(np.isinf(g), 0.0, g)
    both = (s != 0) & (g != 0)
    if conflicts in ("remove_source", "remove_all"):
        s[both] = 0.0
    elif conflicts == "remove_ground":
        g[both] = 0.0
    g[np.isinf(g) & (s > 0)] = 0.0
    return Terminals(s, g, finite)


def ground_conductance(values: ArrayLike, *, grounds_are: str = "resistance", ideal: bool = False) -> Floats:
    """Conductance to ground from ground values: ``inf`` = ideal, 0 = none.

    Parameters
    ----------
    values : array
        NaN = no ground.  As resistance 0 is an ideal ground, as conductance 0 is none.
    grounds_are : {"resistance", "conductance"}
    ideal : bool
        Every ground that exists becomes ideal.

    Raises
    ------
    PatchError
        [C25] negative values.
    OptionError
        [C20].

    Examples
    --------
    >>> ground_conductance([0.0, 4.0, np.nan])
    array([ inf, 0.25, 0.  ])
    """
    check_choice("grounds_are", grounds_are, ("resistance", "conductance"), code="C20")
    given = np.array(values, dtype=np.float64)
    if (given < 0).any():
        raise PatchError(
            "C25",
            f"{int((given < 0).sum()):,} ground values are negative.",
            remedy="use 0 for an ideal ground (resistance) or no ground (conductance), NaN elsewhere",
        )
    if grounds_are == "resistance":
        with np.errstate(divide="ignore"):
            given = 1.0 / given
    given = np.nan_to_num(given, nan=0.0, posinf=np.inf)
    return np.where(given > 0, np.inf, 0.0) if ideal else given


def source_currents(values: ArrayLike, *, unit: bool = False) -> Floats:
    """Source currents with NaN as 0; ``unit`` turns every source that is not 0 into 1 A.

    Raises
    ------
    PatchError
        [C25] infinite values.

    Examples
    --------
    >>> source_currents([-2.0, np.nan, 0.0], unit=True)
    array([1., 0., 0.])
    """
    given = np.nan_to_num(np.array(values, dtype=np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)
    if np.isinf(given).any():
        raise PatchError("C25", "a source is infinite.", remedy="give source strengths in amperes")
    return np.where(given != 0, 1.0, 0.0) if unit else given


@dataclass(frozen=True, eq=False)
class AdvancedResult:
    """Voltages and currents of one circuit.

    Attributes
    ----------
    voltage, current : array, shape (rows, cols)
        [V], [A]; 0 without node and in components that were not solved.
    solved : int
        Components solved.
    unsolved : tuple of str
        Components with a source that were not, and why.
    report : SolveReport

    Examples
    --------
    >>> import numpy as np
    >>> source, ground = np.array([[1.0, 0, 0]]), np.array([[np.nan, np.nan, 0.0]])
    >>> found = raster_advanced(np.ones((1, 3)), source, ground)
    >>> found.current.tolist(), found.solved
    ([[1.0, 1.0, 1.0]], 1)
    """

    voltage: Floats
    current: Floats
    solved: int
    unsolved: tuple[str, ...]
    report: SolveReport


def raster_advanced(
    habitat: ArrayLike,
    sources: ArrayLike,
    grounds: ArrayLike,
    *,
    habitat_is: str = "resistance",
    neighbours: int = 8,
    average: str = "resistance",
    mask: ArrayLike | None = None,
    regions: ArrayLike | None = None,
    barriers: EdgeBarriers | None = None,
    grounds_are: str = "resistance",
    unit_sources: bool = False,
    ideal_grounds: bool = False,
    conflicts: str = "keep_all",
    solver: str = "auto",
    rtol: float = 1e-10,
) -> AdvancedResult:
    """Voltages and currents for any sources and any grounds on a raster.

    Parameters
    ----------
    habitat, habitat_is, neighbours, average, mask, regions, barriers, solver, rtol
        As in :func:`permeability.engines.circuit.modes.pairs.raster_pairwise`.
    sources : array, shape (rows, cols)
        Current that enters [A], negative where it is drawn; NaN = none; cells of one node add up.
    grounds : array, shape (rows, cols)
        Resistance (0 = ideal ground) or conductance (0 = none) to ground; NaN = none; cells of one node add
        up.
    grounds_are : {"resistance", "conductance"}
    unit_sources, ideal_grounds : bool
        Every source becomes 1 A; every ground becomes ideal.
    conflicts : {"keep_all", "remove_source", "remove_ground", "remove_all"}
        See :func:`resolve_conflicts`.

    Returns
    -------
    AdvancedResult

    Raises
    ------
    ResistanceError, PatchError, OptionError, SolverError

    Notes
    -----
    Semantics of Circuitscape: each component is solved by itself and only if it has a ground and sources that do
    not sum to exactly 0 (+1 and -1 do); ``unsolved`` tells of the others.

    Examples
    --------
    >>> import numpy as np
    >>> source, ground = np.array([[1.0, 0, 0]]), np.array([[np.nan, np.nan, 0.0]])
    >>> raster_advanced(np.ones((1, 3)), source, ground).voltage
    array([[2., 1., 0.]])
    """
    resistance = cell_resistance(habitat, habitat_is=habitat_is, mask=mask)
    shape = resistance.shape
    shorts = region_labels(regions, resistance.shape)
    amperes = source_currents(same_shape(sources, shape, "sources"), unit=unit_sources)
    conductance = ground_conductance(
        same_shape(grounds, shape, "grounds"), grounds_are=grounds_are, ideal=ideal_grounds
    )
    circuit = RasterCircuit.of(
        resistance, neighbours=neighbours, average=average, regions=shorts, barriers=barriers
    )
    nodes, source = node_sums(circuit, amperes)
    ground_nodes, ground = node_sums(circuit, conductance)
    together = np.union1d(nodes, ground_nodes)
    terminals = resolve_conflicts(
        _expand(source, nodes, together), _expand(ground, ground_nodes, together), conflicts
    )
    return solve_terminals(circuit, together, terminals, solver=solver, rtol=rtol)


def node_sums(circuit: RasterCircuit, plane: Floats) -> tuple[Ints, Floats]:
    """Nodes (owners, ascending) with cells other than 0, and the sums of their cells."""
    cells = np.flatnonzero(plane)
    owner = circuit.owner.reshape(-1)[cells]
    cells, owner = cells[owner >= 0], owner[owner >= 0]
    nodes, inverse = np.unique(owner, return_inverse=True)
    sums = np.bincount(inverse, plane.reshape(-1)[cells], len(nodes))
    return nodes, np.asarray(sums, dtype=np.float64)


def _expand(values: Floats, nodes: Ints, together: Ints) -> Floats:
    out = np.zeros(len(together))
    out[np.searchsorted(together, nodes)] = values
    return out


def solve_terminals(
    circuit: RasterCircuit,
    nodes: Ints,
    terminals: Terminals,
    *,
    solver: str = "auto",
    rtol: float = 1e-10,
) -> AdvancedResult:
    """Solve every component that has a source and a ground.

    Parameters
    ----------
    circuit : RasterCircuit
    nodes : int array, shape (n,)
        Owners of the nodes with a source or a ground.
    terminals : Terminals
    """
    component = circuit.component.reshape(-1)[nodes]
    solve, unsolved = solvable(component, terminals)
    source, leak = np.zeros(circuit.shape), np.zeros(circuit.shape)
    ground = np.zeros(circuit.shape, bool)
    source.reshape(-1)[nodes[solve]] = terminals.source[solve]
    leak.reshape(-1)[nodes] = terminals.finite
    ground.reshape(-1)[nodes[np.isinf(terminals.ground)]] = True
    voltage, report = circuit.solve(source, ground=ground, leak=leak, solver=solver, rtol=rtol)
    voltage = circuit.spread(voltage)
    current = circuit.current(voltage, leak)
    require_currents(current, "map of current", most=float(np.abs(terminals.source[solve]).sum()))
    return AdvancedResult(voltage, current, len(np.unique(component[solve])), unsolved, report)


def solvable(component: Ints, terminals: Terminals) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which nodes lie in a component that is solved, and a note on those that are not."""
    names, inverse = np.unique(component, return_inverse=True)
    live = np.bincount(inverse, terminals.source != 0, len(names)) > 0
    grounded = np.bincount(inverse, terminals.ground != 0, len(names)) > 0
    balanced = live & grounded & (np.bincount(inverse, terminals.source, len(names)) == 0)
    lost, even = int((live & ~grounded).sum()), int(balanced.sum())
    told = []
    if lost:
        told.append(f"{lost:,} component(s) with a source have no ground and were not solved")
    if even:
        told.append(
            f"{even:,} component(s) with a ground have sources that sum to exactly 0 and were not solved, "
            "as in Circuitscape: change one source slightly to see their currents"
        )
    return (live & grounded & ~balanced)[inverse], tuple(told)
