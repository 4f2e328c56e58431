"""Pairwise mode on rasters: resistances and maps between focal points or focal regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.progress import long_job
from permeability.engines.circuit.focal_pairs import pairwise
from permeability.engines.circuit.modes.map_store import Floats, Key, MapOptions, MapStore, OnMap, Progress
from permeability.engines.circuit.modes.pair_selection import PairSelection, wanted_pairs
from permeability.engines.circuit.modes.raster_circuit import (
    FocalCells,
    Ints,
    RasterCircuit,
    cell_resistance,
    focal_cells,
    region_labels,
    require_two,
)
from permeability.engines.circuit.modes.superposition import Potentials, most_nodes
from permeability.engines.circuit.possible import require_currents, require_resistances
from permeability.engines.circuit.solvers.solve_report import SolveReport, merge_reports
from permeability.engines.kernels.edges import EdgeBarriers


@dataclass(frozen=True, eq=False)
class PairsResult:
    """Resistances and maps between focal numbers.

    Attributes
    ----------
    ids : int array, shape (n,)
        Focal numbers, ascending.
    resistance : array, shape (n, n)
        Effective resistance [dimensionless]; ``inf`` = not connected, NaN = not asked for.
    current, voltage : dict
        (a, b) -> map [A], [V for 1 A]; the smaller number is at voltage 0, 1 A enters at the larger.  Empty
        when not asked for or handed to ``on_map``.
    cumulative, maximum : array, shape (rows, cols), or None
    report : SolveReport

    Examples
    --------
    >>> import numpy as np
    >>> raster_pairwise(np.ones((1, 3)), np.array([[1, 0, 2]])).resistance.round(9).tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """

    ids: NDArray[np.int64]
    resistance: Floats
    current: dict[Key, Floats]
    voltage: dict[Key, Floats]
    cumulative: Floats | None
    maximum: Floats | None
    report: SolveReport


@long_job("pairs")
def raster_pairwise(
    habitat: ArrayLike,
    focal: ArrayLike | FocalCells,
    *,
    habitat_is: str = "resistance",
    neighbours: int = 8,
    average: str = "resistance",
    mask: ArrayLike | None = None,
    regions: ArrayLike | None = None,
    barriers: EdgeBarriers | None = None,
    selection: PairSelection | None = None,
    maps: MapOptions | None = None,
    solver: str = "auto",
    rtol: float = 1e-10,
    on_map: OnMap | None = None,
    progress: Any = None,
) -> PairsResult:
    """Effective resistances, current and voltage maps between all pairs of focal nodes of a raster.

    Parameters
    ----------
    habitat : array, shape (rows, cols)
        Resistance or conductance of the cells [dimensionless]; NaN = no node.
    focal : array, shape (rows, cols), or FocalCells
        Focal numbers, whole and positive; NaN, 0 and negative values = none.  A number with several cells
        is a focal region: its cells are one node in the pairs it takes part in and plain cells in all
        others.
    habitat_is : {"resistance", "conductance"}
    neighbours : {8, 4}
    average : {"resistance", "conductance"}
        How a link follows from its two cells.
    mask : array, shape (rows, cols), optional
        Cells not above 0 are no nodes.
    regions : array, shape (rows, cols), optional
        Short-circuit regions: cells of one number are one node.
    barriers : EdgeBarriers, optional
        Resistance in series on single links; ``inf`` removes a link.
    selection : PairSelection, optional
    maps : MapOptions, optional
        Nothing but resistances by default.
    solver : {"auto", "direct", "multigrid", "splu", "cholmod", "pardiso"}
    rtol : float
        Relative residual of every solve.
    on_map : callable, optional
        ``on_map(kind, (a, b), map)`` takes single maps as they are finished.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    PairsResult

    Raises
    ------
    ResistanceError, PatchError, OptionError, SolverError

    Notes
    -----
    Semantics of Circuitscape (McRae et al. 2008, doi:10.1890/07-1861.1), with its peculiarity that under
    ``log_transform`` the cumulative map is a sum of logarithms, and that of :func:`pair_regions`.  One that
    no stored result of it needs is left out: cells of a region without resistance have no links of their own.
    p focal points cost p - 1 solves; every pair of focal regions has a network of its own.

    Examples
    --------
    >>> import numpy as np
    >>> focal = np.array([[1, 0, 2]])
    >>> raster_pairwise(np.ones((1, 3)), focal).resistance
    array([[0., 2.],
           [2., 0.]])
    """
    resistance = cell_resistance(habitat, habitat_is=habitat_is, mask=mask)
    nodes = focal_cells(focal, resistance.shape)
    ids = nodes.ids if selection is None else selection.kept(nodes.ids, always=False)
    require_two(ids)
    nodes = nodes.only(ids)
    shorts = region_labels(regions, resistance.shape)
    circuit = RasterCircuit.of(
        resistance, neighbours=neighbours, average=average, regions=shorts, barriers=barriers
    )
    store = MapStore(circuit.shape, maps or MapOptions(), np.isnan(resistance), on_map)
    run = _Run(circuit, nodes, wanted_pairs(ids, selection), store, solver, rtol, progress)
    run.cells, run.wiring = resistance, {"neighbours": neighbours, "average": average, "barriers": barriers}
    if nodes.are_points:
        run.points()
    else:
        run.focal_regions(shorts)
    require_resistances(run.resistance, ids, missing=True, one_network=nodes.are_points)
    if store.maximum is not None and not store.options.log_transform:
        flown = np.where(np.isnan(store.maximum), 0.0, store.maximum)  # NaN: outside, or no pair with a path
        require_currents(flown, "map of greatest current", most=1.0)
    return PairsResult(
        np.array(ids, dtype=np.int64),
        run.resistance,
        store.current,
        store.voltage,
        store.cumulative,
        store.maximum,
        merge_reports(tuple(run.reports)),
    )


class _Run:
    """State of one pairwise run."""

    def __init__(
        self,
        circuit: RasterCircuit,
        nodes: FocalCells,
        wanted: list[tuple[int, int]],
        store: MapStore,
        solver: str,
        rtol: float,
        progress: Progress | None,
    ) -> None:
        self.circuit, self.nodes, self.store = circuit, nodes, store
        self.solver, self.rtol, self.progress = solver, rtol, progress
        self.wanted, self.done = wanted, 0
        n = len(nodes.ids)
        self.resistance = np.full((n, n), np.nan)
        np.fill_diagonal(self.resistance, 0.0)
        self.reports: list[SolveReport] = []
        self.cells: Floats = np.zeros((0, 0))
        self.wiring: dict[str, Any] = {}

    def _set(self, i: int, j: int, value: float) -> None:
        self.resistance[i, j] = self.resistance[j, i] = value
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, len(self.wanted))

    def points(self) -> None:
        """All numbers have one cell: one network, one solve less than focal nodes."""
        circuit, first = self.circuit, [self.nodes.first(i) for i in self.nodes.ids]
        node = [circuit.node_of(c) for c in first]
        component = [circuit.component_of(c) for c in first]
        solvable: list[tuple[int, int]] = []
        for i in range(len(node)):
            for j in range(i + 1, len(node)):
                if node[i] == node[j] >= 0:
                    self.resistance[i, j] = self.resistance[j, i] = 0.0
        for i, j in self.wanted:
            if node[i] == node[j] >= 0:
                self.done += 1
            elif node[i] < 0 or component[i] != component[j]:
                self._set(i, j, np.inf)
            else:
                solvable.append((i, j))
        if not self.store.options.any and self.circuit.regions is None:
            self._resistances_only(solvable, first)
            return
        for group in _linked_groups(solvable, node):
            maps = self.store.options.any
            for part in _parts(group, node, most_nodes(self.circuit)) if maps else [group]:
                self._group(part, node)

    def _resistances_only(self, pairs: list[tuple[int, int]], first: list[int]) -> None:
        """No maps, no regions: what :func:`permeability.engines.circuit.focal_pairs` does best."""
        for group in _linked_groups(pairs, first):
            members = sorted({k for pair in group for k in pair})
            cells = [divmod(first[k], self.circuit.shape[1]) for k in members]
            found = pairwise(
                self.cells, cells, current=None, solver=self.solver, rtol=self.rtol, **self.wiring
            )
            self.reports.append(found.report)
            row = {k: n for n, k in enumerate(members)}
            for i, j in group:
                self._set(i, j, float(found.resistance[row[i], row[j]]))

    def _group(self, pairs: list[tuple[int, int]], node: list[int]) -> None:
        """Pairs that share nodes: one solve less than nodes, then sums."""
        members = {node[k] for pair in pairs for k in pair}
        maps = self.store.options.any
        found = Potentials(self.circuit, members, solver=self.solver, rtol=self.rtol, planes=maps)
        self.reports.append(found.report)
        for i, j in pairs:
            self._set(i, j, found.resistance(node[i], node[j]))
            if maps:
                self._maps(self.circuit, i, j, found.pair(node[i], node[j]), node[i], node[j])

    def _maps(self, circuit: RasterCircuit, i: int, j: int, plane: Floats, low: int, high: int) -> None:
        """Hand the maps of one solved pair to the store; ``plane`` holds voltages with node ``low`` at 0."""
        key = (self.nodes.ids[i], self.nodes.ids[j])
        self.store.add_voltage(key, plane)
        if self.store.options.currents:
            active = None
            if self.store.options.focal_currents_zero:
                active = np.flatnonzero((circuit.owner == low) | (circuit.owner == high))
            current = circuit.clear_current if self.store.options.log_transform else circuit.current
            self.store.add_current(key, current(plane), active)

    def focal_regions(self, shorts: Ints | None) -> None:
        """Some number has several cells: a network of its own for every pair."""
        for i, j in self.wanted:
            circuit = self.circuit.shorted(pair_regions(self.nodes, i, j, shorts, self.circuit.shape))
            low, high = (circuit.node_of(self.nodes.first(self.nodes.ids[k])) for k in (i, j))
            if low == high >= 0:
                self._set(i, j, 0.0)
                continue
            if min(low, high) < 0 or circuit.component_of(low) != circuit.component_of(high):
                self._set(i, j, np.inf)
                continue
            source, ground = np.zeros(circuit.shape), np.zeros(circuit.shape, bool)
            source.reshape(-1)[high] = 1.0
            ground.reshape(-1)[low] = True
            plane, report = circuit.solve(source, ground=ground, solver=self.solver, rtol=self.rtol)
            self.reports.append(report)
            self._set(i, j, float(plane.reshape(-1)[high]))
            if self.store.options.any:
                self._maps(circuit, i, j, plane, low, high)


def pair_regions(
    nodes: FocalCells, i: int, j: int, shorts: Ints | None, shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Regions of the network of one pair of focal regions.

    Without short-circuit regions the cells of either number are one region.  With them, in the order i, j: a
    single cell changes nothing; several cells outside every region become one region; where two or more of
    them lie on regions, all regions touched become one, and the focal cells outside are **not** joined to it
    (a peculiarity of Circuitscape).  Exactly one cell on a region makes Circuitscape fail: here the others
    join that region.

    Parameters
    ----------
    nodes : FocalCells
    i, j : int
        Positions in ``nodes.ids``.
    shorts : int array, shape (rows, cols), or None
    shape : (int, int)
    """
    if shorts is None:
        out = np.zeros(shape, np.int64)
        for label, k in enumerate((i, j), 1):
            out.reshape(-1)[nodes.cells[nodes.ids[k]]] = label
        return out
    out, given = shorts.copy(), shorts.reshape(-1)
    flat, top = out.reshape(-1), int(out.max())
    for k in (i, j):
        cells = nodes.cells[nodes.ids[k]]
        if len(cells) == 1:
            continue
        top += 1
        touched = given[cells][given[cells] != 0]
        flat[np.isin(given, touched)] = top
        if len(touched) < 2:
            flat[cells] = top
    return out


def _linked_groups(pairs: Sequence[tuple[int, int]], node: list[int]) -> list[list[tuple[int, int]]]:
    """Pairs in groups that share no node: one anchor serves each group."""
    parent = {node[k]: node[k] for pair in pairs for k in pair}

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for i, j in pairs:
        parent[root(node[i])] = root(node[j])
    groups: dict[int, list[tuple[int, int]]] = {}
    for i, j in pairs:
        groups.setdefault(root(node[i]), []).append((i, j))
    return list(groups.values())


def _parts(pairs: list[tuple[int, int]], node: list[int], most: int) -> list[list[tuple[int, int]]]:
    """Pairs in parts of at most ``most`` different nodes: blocks of nodes against blocks of nodes."""
    members = sorted({node[k] for pair in pairs for k in pair})
    if len(members) <= most:
        return [pairs]
    block = {n: k // (most // 2) for k, n in enumerate(members)}
    parts: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in pairs:
        a, b = sorted((block[node[i]], block[node[j]]))
        parts.setdefault((a, b), []).append((i, j))
    return list(parts.values())
