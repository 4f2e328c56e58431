"""One-to-all and all-to-one on rasters: each focal node against all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import PatchError
from permeability.core.progress import long_job
from permeability.engines.circuit.modes.map_store import Floats, Key, MapOptions, MapStore, OnMap, Progress
from permeability.engines.circuit.modes.pair_selection import PairSelection
from permeability.engines.circuit.modes.raster_circuit import (
    FocalCells,
    Ints,
    RasterCircuit,
    cell_resistance,
    down_the_columns,
    focal_cells,
    region_labels,
    require_two,
)
from permeability.engines.circuit.modes.superposition import Potentials, most_nodes
from permeability.engines.circuit.possible import require_resistances
from permeability.engines.circuit.solvers.solve_report import SolveReport, merge_reports
from permeability.engines.kernels.edges import EdgeBarriers


@dataclass(frozen=True, eq=False)
class EachResult:
    """One run for every focal number.

    Attributes
    ----------
    ids : int array, shape (n,)
        Focal numbers, ascending.
    resistance : array, shape (n,)
        One-to-all: voltage at the number divided by its strength [dimensionless]; all-to-one: 0 where it
        was solved. NaN where it was not.
    solved : bool array, shape (n,)
    current, voltage : dict
        (number,) -> map [A], [V]; empty when not asked for or handed to ``on_map``.
    cumulative, maximum : array, shape (rows, cols), or None
    report : SolveReport

    Examples
    --------
    >>> import numpy as np
    >>> raster_one_to_all(np.ones((1, 3)), np.array([[1, 0, 2]])).ids.tolist()
    [1, 2]
    """

    ids: NDArray[np.int64]
    resistance: Floats
    solved: NDArray[np.bool_]
    current: dict[Key, Floats]
    voltage: dict[Key, Floats]
    cumulative: Floats | None
    maximum: Floats | None
    report: SolveReport


@long_job("nodes")
def raster_one_to_all(
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
    strengths: Mapping[int, float] | None = None,
    maps: MapOptions | None = None,
    solver: str = "auto",
    rtol: float = 1e-10,
    on_map: OnMap | None = None,
    progress: Any = None,
) -> EachResult:
    """For each focal number: current enters there, all other numbers are ideal grounds.

    Parameters
    ----------
    habitat, focal, habitat_is, neighbours, average, mask, regions, barriers, maps, solver, rtol, on_map,
    progress
        As in :func:`permeability.engines.circuit.modes.pairs.raster_pairwise`; the log and null options do not apply.
    selection : PairSelection, optional
        Numbers it does not name are dropped; numbers not to be paired with the source are not grounded.
    strengths : mapping, optional
        Number -> source strength [A]; 1 A without an entry.

    Returns
    -------
    EachResult

    Raises
    ------
    ResistanceError, PatchError, OptionError, SolverError

    Notes
    -----
    Semantics of Circuitscape: one network for all runs (:func:`joint_regions`), the current enters at the
    first cell of the number, only its component is solved, a ground on the source's own node is dropped.

    Examples
    --------
    >>> import numpy as np
    >>> focal = np.array([[1, 0, 2, 0, 3]])
    >>> raster_one_to_all(np.ones((1, 5)), focal).resistance
    array([2., 1., 2.])
    """
    run = _Run(
        *(habitat, focal, habitat_is, neighbours, average, mask, regions, barriers),
        *(selection, strengths, maps, solver, rtol, on_map, progress),
    )
    return run.all(run.one_to_all)


@long_job("nodes")
def raster_all_to_one(
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
    strengths: Mapping[int, float] | None = None,
    maps: MapOptions | None = None,
    solver: str = "auto",
    rtol: float = 1e-10,
    on_map: OnMap | None = None,
    progress: Any = None,
) -> EachResult:
    """For each focal number: its cells are ideal grounds, current enters at all other numbers.

    Parameters
    ----------
    habitat, focal, habitat_is, neighbours, average, mask, regions, barriers, maps, solver, rtol, on_map,
    progress
        As in :func:`permeability.engines.circuit.modes.pairs.raster_pairwise`; the log and null options do not apply.
    selection : PairSelection, optional
        Numbers it does not name are dropped.  Numbers that are not to be paired with the ground **still
        inject exactly 1 A**, whatever their strength: a peculiarity of Circuitscape that its stored results
        show.
    strengths : mapping, optional
        Number -> source strength [A]; 1 A without an entry.

    Returns
    -------
    EachResult

    Raises
    ------
    ResistanceError, PatchError, OptionError, SolverError

    Examples
    --------
    >>> import numpy as np
    >>> focal = np.array([[1, 0, 2, 0, 3]])
    >>> each = raster_all_to_one(np.ones((1, 5)), focal, maps=MapOptions(current=True))
    >>> each.current[(1,)]
    array([[2., 2., 2., 1., 1.]])
    """
    run = _Run(
        *(habitat, focal, habitat_is, neighbours, average, mask, regions, barriers),
        *(selection, strengths, maps, solver, rtol, on_map, progress),
    )
    return run.all(run.all_to_one)


def joint_regions(nodes: FocalCells, shorts: Ints | None, shape: tuple[int, int]) -> Ints:
    """Regions of the one network of all runs, by the rules of Circuitscape.

    Without short-circuit regions the cells of each number are a region.  With them single cells change
    nothing.  As soon as any number has several cells, the focal cells are taken down the columns, first
    column first: one outside every region joins the others of its number that are outside too, one inside a
    region gives the whole region its own number.  Parts of a focal region inside and outside short-circuit
    regions are therefore not joined (a peculiarity of Circuitscape), and a short-circuit region that bears
    the number by chance is.

    Parameters
    ----------
    nodes : FocalCells
    shorts : int array, shape (rows, cols), or None
    shape : (int, int)
    """
    focal = np.zeros(shape, np.int64)
    for number, cells in nodes.cells.items():
        focal.reshape(-1)[cells] = number
    if shorts is None:
        return focal
    if nodes.are_points:
        return shorts
    top = int(max(shorts.max(), focal.max()))
    out = np.where((shorts == 0) & (focal > 0), top + focal, shorts)
    now = {int(p): int(p) for p in np.unique(shorts)}  # what each short-circuit region is called by now
    inside = down_the_columns((shorts != 0) & (focal > 0))
    for region, number in zip(shorts.reshape(-1)[inside], focal.reshape(-1)[inside], strict=True):
        before = now[int(region)]
        if before != number:
            now.update({p: int(number) for p, name in now.items() if name == before})
    old = np.array(list(now), np.int64)
    new = np.array(list(now.values()), np.int64)
    return np.where(shorts != 0, new[np.searchsorted(old, shorts)], out)


class _Run:
    """State of one one-to-all or all-to-one run."""

    def __init__(
        self,
        habitat: ArrayLike,
        focal: ArrayLike | FocalCells,
        habitat_is: str,
        neighbours: int,
        average: str,
        mask: ArrayLike | None,
        regions: ArrayLike | None,
        barriers: EdgeBarriers | None,
        selection: PairSelection | None,
        strengths: Mapping[int, float] | None,
        maps: MapOptions | None,
        solver: str,
        rtol: float,
        on_map: OnMap | None,
        progress: Progress | None,
    ) -> None:
        resistance = cell_resistance(habitat, habitat_is=habitat_is, mask=mask)
        shape = resistance.shape
        nodes = focal_cells(focal, shape)
        shorts = region_labels(regions, resistance.shape)
        self.ids = nodes.ids if selection is None else selection.kept(nodes.ids, always=True)
        require_two(self.ids)
        self.nodes, self.selection = nodes.only(self.ids), selection
        self.circuit = RasterCircuit.of(
            resistance,
            neighbours=neighbours,
            average=average,
            regions=joint_regions(self.nodes, shorts, resistance.shape),
            barriers=barriers,
        )
        self.strength = _checked_strengths(strengths or {}, self.ids)
        self.store = MapStore(shape, maps or MapOptions(), np.isnan(resistance), on_map, transform=False)
        self.solver, self.rtol, self.progress = solver, rtol, progress
        self.reports: list[SolveReport] = []
        self.potentials: dict[int, Potentials | None] = {}

    def all(self, one: object) -> EachResult:
        """Run every number through ``one`` and collect."""
        assert callable(one)
        values = np.full(len(self.ids), np.nan)
        for k, number in enumerate(self.ids):
            if self._partners(number):
                values[k] = one(number)
            if self.progress is not None:
                self.progress(k + 1, len(self.ids))
        store = self.store
        require_resistances(values, missing=True)
        return EachResult(
            np.array(self.ids, dtype=np.int64),
            values,
            ~np.isnan(values),
            store.current,
            store.voltage,
            store.cumulative,
            store.maximum,
            merge_reports(tuple(self.reports)),
        )

    def _partners(self, number: int) -> list[int]:
        return [
            i
            for i in self.ids
            if i != number and (self.selection is None or self.selection.allows(number, i))
        ]

    def _owners(self, numbers: list[int]) -> Ints:
        """Nodes of all cells of some numbers."""
        cells = np.concatenate([self.nodes.cells[i] for i in numbers])
        owner = np.unique(self.circuit.owner.reshape(-1)[cells])
        return owner[owner >= 0]

    def one_to_all(self, number: int) -> float:
        """Voltage per ampere of the run of one number, NaN when it cannot be solved."""
        source = self.circuit.node_of(self.nodes.first(number))
        grounds = self._owners(self._partners(number))
        grounds = grounds[grounds != source]
        strength = self.strength[number]
        injected = {source: strength} if source >= 0 else {}
        voltage, solved = self._solve(number, source, injected, grounds)
        return float(voltage.reshape(-1)[source]) / strength if solved else np.nan

    def all_to_one(self, number: int) -> float:
        """0 when the run of one number is solved, NaN when not."""
        grounds = self._owners([number])
        partners = set(self._partners(number))
        injected: dict[int, float] = {}
        for other in self.ids:
            node = self.circuit.node_of(self.nodes.first(other))
            if other != number and node >= 0 and node not in grounds:
                amperes = self.strength[other] if other in partners else 1.0
                injected[node] = injected.get(node, 0.0) + amperes
        node = self.circuit.node_of(self.nodes.first(number))
        _, solved = self._solve(number, node, injected, grounds)
        return 0.0 if solved else np.nan

    def _solve(
        self, number: int, node: int, injected: dict[int, float], grounds: Ints
    ) -> tuple[Floats, bool]:
        """Solve the component of ``node`` and hand its maps on."""
        circuit = self.circuit
        name = circuit.component_of(node) if node >= 0 else -2
        amperes = {n: a for n, a in injected.items() if a != 0 and circuit.component_of(n) == name}
        held = grounds[circuit.component.reshape(-1)[grounds] == name]
        solved = bool(amperes) and len(held) > 0
        voltage = self._voltage(name, amperes, held) if solved else np.zeros(circuit.shape)
        self.store.add_voltage((number,), voltage)
        if self.store.options.currents:
            active = np.flatnonzero(np.isin(circuit.owner, [*injected, *grounds.tolist()]))
            self.store.add_current((number,), circuit.current(voltage), active)
        return voltage, solved

    def _voltage(self, name: int, injected: dict[int, float], grounds: Ints) -> Floats:
        """By superposition, or where memory does not allow it by a solve of its own."""
        if name not in self.potentials:
            owners = self._owners(self.ids)
            members = owners[self.circuit.component.reshape(-1)[owners] == name]
            if len(members) > most_nodes(self.circuit):
                self.potentials[name] = None
            else:
                found = Potentials(self.circuit, members, solver=self.solver, rtol=self.rtol)
                self.reports.append(found.report)
                self.potentials[name] = found
        shared = self.potentials[name]
        if shared is not None:
            return shared.grounded(injected, grounds)
        source, ground = np.zeros(self.circuit.shape), np.zeros(self.circuit.shape, bool)
        source.reshape(-1)[list(injected)] = list(injected.values())
        ground.reshape(-1)[grounds] = True
        voltage, report = self.circuit.solve(source, ground=ground, solver=self.solver, rtol=self.rtol)
        self.reports.append(report)
        return voltage


def _checked_strengths(strengths: Mapping[int, float], ids: list[int]) -> dict[int, float]:
    broken = [i for i, value in strengths.items() if not np.isfinite(value)]
    if broken:
        raise PatchError(
            "C25", "source strengths must be finite numbers.", rows=broken, remedy="give amperes"
        )
    return {i: float(strengths.get(i, 1.0)) for i in ids}
