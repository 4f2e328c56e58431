"""One pairwise run at work: component by component, pair by pair, sums kept as it goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.circuit.solvers.condensation import condense, network_resistances
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.registry import (
    LINK_BYTES,
    PreparedSolver,
    Progress,
    choose_solver,
    refuse_if_too_large,
)
from permeability.engines.circuit.solvers.solve_report import CircuitEstimate, SolveReport
from permeability.engines.kernels.current import accumulate_pairs, pair_gradient
from permeability.engines.kernels.edges import GridLinks

Floats = NDArray[np.float64]

CONDENSED_ONLY = "condensation without its factor"
CONDENSED_BYTES = 140  # beyond the links, per cell
SOLVER_PLANES = 12  # of float64 that the least solver holds


class FocalNodes(NamedTuple):
    """Focal nodes on a grid: their ids, and the flat cells of each."""

    ids: NDArray[np.int64]
    cells: list[NDArray[np.int64]]


def field_planes(
    p: int, current: str | None, *, gradient: bool, potentials: bool, begun: bool = False
) -> int:
    """(rows, cols) planes of float64 that a pairwise job with ``p`` nodes holds beside the links and a solver.

    Maps are written when the solver is gone, and take no memory before; those of components that were solved before
    (``begun``) are there from the start.
    """
    fields = current is not None or gradient or potentials
    maps = {"pairs": p * (p - 1) // 2 + 4, None: 0}.get(current, 2)
    results = maps + (4 if gradient else 0) + (p if potentials else 0)
    solving = (p if fields else 2) + (results if begun else 0)
    return max(solving, p + results - SOLVER_PLANES)


def choose_pairwise(
    cells: int,
    p: int,
    *,
    solver: str,
    fields: bool,
    result_bytes: int,
    available: int | None = None,
    workers: int = 1,
) -> CircuitEstimate:
    """The way to all pairs of ``p`` nodes: p - 1 solves, or one condensation when no map is wanted."""
    estimate = choose_solver(
        cells,
        max(1, p - 1),
        solver=solver,
        result_bytes=result_bytes,
        available=available,
        workers=workers,
    )
    if fields or solver not in ("auto", "condensation"):
        return estimate
    need = cells * (CONDENSED_BYTES + LINK_BYTES)
    millions = cells / 1e6
    seconds = 5e-2 + 1.0 * millions + 0.8 * millions**1.5
    if solver == "auto" and (need > estimate.available or (estimate.fits and seconds > estimate.seconds)):
        return estimate
    reason = f"{estimate.reason}; no maps wanted: condensation onto the focal nodes {seconds:.2g} s {need / 1e6:,.0f} MB"
    return replace(estimate, solver=CONDENSED_ONLY, solves=0, reason=reason, bytes=int(need), seconds=seconds)


class PairJob:
    """The state of one pairwise run: what was asked, what has been summed so far."""

    def __init__(
        self,
        links: GridLinks,
        focal: FocalNodes,
        surface: Floats,
        current: str | None,
        gradient: bool,
        potentials: bool,
        solver: str,
        rtol: float,
        workers: int,
        progress: Progress | None,
    ) -> None:
        self.links, self.focal, self.current = links, focal, current
        self.solver, self.rtol, self.workers, self.progress = solver, rtol, workers, progress
        self.live = np.isfinite(surface).reshape(-1)
        n = len(focal.ids)
        self.resistance = np.full((n, n), np.inf)
        np.fill_diagonal(self.resistance, 0.0)
        shape = links.shape
        want = current is not None
        self.cumulative = np.zeros(shape) if want else None
        self.maximum = np.zeros(shape) if want else None
        self.pair_maps: dict[tuple[int, int], Floats] = {}
        self.gradient = GridLinks(*(np.zeros(shape) for _ in range(4))) if gradient else None
        self.potentials = np.zeros((n, *shape)) if potentials else None
        self.reports: list[SolveReport] = []
        self.notes: list[str] = []
        self.one_network = True
        self.done, self.total = 0, max(1, n - 1)

    @property
    def wants_fields(self) -> bool:
        return self.current is not None or self.gradient is not None or self.potentials is not None

    def solve_together(self) -> None:
        """All labels shorted in one network; one component after the other."""
        system = GridSystem(self.links, regions=self._regions(range(len(self.focal.ids))))
        for members in self._components(system):
            self._solve_component(system, members)

    def solve_apart(self) -> None:
        """A network of its own for every pair."""
        n, self.one_network = len(self.focal.ids), False
        self.total = n * (n - 1) // 2
        for i in range(n):
            for j in range(i + 1, n):
                system = GridSystem(self.links, regions=self._regions((i, j)))
                for members in self._components(system, (i, j)):
                    self._solve_component(system, members)

    def _regions(self, members: Sequence[int] | range) -> NDArray[np.int32] | None:
        several = [k for k in members if len(self.focal.cells[k]) > 1]
        if not several:
            return None
        regions = np.zeros(self.links.shape, np.int32)
        for k in several:
            regions.reshape(-1)[self.focal.cells[k]] = k + 1
        return regions

    def _components(self, system: GridSystem, among: Sequence[int] | None = None) -> list[list[int]]:
        """Focal nodes that can exchange current, component by component, at least two in each."""
        roots = system.roots.reshape(-1)
        groups: dict[int, list[int]] = {}
        for k in range(len(self.focal.ids)) if among is None else among:
            if self.live[self.focal.cells[k]].any():
                groups.setdefault(int(roots[self.focal.cells[k][0]]), []).append(k)
        return [members for members in groups.values() if len(members) > 1]

    def _solve_component(self, system: GridSystem, members: list[int]) -> None:
        """Potentials against the last distinct node, then every pair by superposition."""
        first_cell = np.array([self.focal.cells[k][0] for k in members])
        cells, node_of, weight = np.unique(first_cell, return_inverse=True, return_counts=True)
        p = len(cells)
        if p == 1:
            self.resistance[np.ix_(members, members)] = 0.0
            return
        root = system.roots.reshape(-1)[cells[:1]]
        active = system.active(root)
        estimate = choose_pairwise(
            int(np.count_nonzero(active)),
            p,
            solver=self.solver,
            fields=self.wants_fields,
            result_bytes=8 * active.size * self._planes(p),
            workers=self.workers,
        )
        refuse_if_too_large(estimate)
        if estimate.solver == CONDENSED_ONLY:
            among = self._condense(system, cells, estimate)
            self.resistance[np.ix_(members, members)] = among[np.ix_(node_of, node_of)]
            return
        prepared = PreparedSolver(system, estimate, active, self.rtol)
        x = np.zeros((p if self.wants_fields else 1, *self.links.shape))
        among = np.zeros((p, p))
        reports: dict[int, SolveReport] = {}

        def source(k: int) -> tuple[Floats, NDArray[np.int32]]:
            amperes = np.zeros(self.links.shape)
            amperes.reshape(-1)[cells[k]], amperes.reshape(-1)[cells[-1]] = 1.0, -1.0
            return amperes, root

        def take(k: int, v: Floats, report: SolveReport) -> None:
            np.subtract(v, v.reshape(-1)[cells[-1]], out=v, where=active)
            among[k] = v.reshape(-1)[cells]
            if self.wants_fields:
                x[k] = v
            reports[k] = report
            self._count(1)

        prepared.solve_all(p - 1, source, take, workers=self.workers)
        del prepared  # its memory is needed no longer, that of the maps is
        self.reports += [reports[k] for k in range(p - 1)]
        among = 0.5 * (among + among.T)
        diagonal = np.diag(among)
        r = diagonal[:, None] + diagonal[None, :] - 2.0 * among
        np.fill_diagonal(r, 0.0)
        self.resistance[np.ix_(members, members)] = r[np.ix_(node_of, node_of)]
        if self.wants_fields:
            self._fields(system, members, node_of, weight, cells, x)

    def _condense(self, system: GridSystem, cells: NDArray[np.int64], estimate: CircuitEstimate) -> Floats:
        """All resistances of one component from the network condensed onto its focal nodes."""
        started = time.perf_counter()
        land = condense(system.links, cells, regions=system.regions if system.regions.size else None)
        index = land.index_of(cells)
        among: Floats = network_resistances(land.conductance, land.leak)[np.ix_(index, index)]
        report = SolveReport(
            "condensation",
            estimate.reason,
            0,
            land.report.residual,
            time.perf_counter() - started,
            land.report.peak_bytes + LINK_BYTES * system.roots.size,
            cells=estimate.cells,
            solves=0,
        )
        self.reports.append(report)
        self._count(len(cells) - 1)
        return among

    def _count(self, solves: int) -> None:
        self.done += solves
        if self.progress is not None:
            self.progress(self.done, self.total)

    def _planes(self, p: int) -> int:
        """Planes of float64 that hold potentials and results."""
        return field_planes(
            p,
            self.current,
            gradient=self.gradient is not None,
            potentials=self.potentials is not None,
            begun=self.done > 0,
        )

    def _fields(
        self,
        system: GridSystem,
        members: list[int],
        node_of: NDArray[np.intp],
        weight: NDArray[np.intp],
        cells: NDArray[np.int64],
        x: Floats,
    ) -> None:
        if self.potentials is not None:
            for k, member in enumerate(members):
                self.potentials[member] = x[node_of[k]]
        if self.gradient is not None:
            pair_gradient(x, weight.astype(np.float64), *self.gradient)
        if self.current is None:
            return
        owner = np.full(self.links.shape, -1, np.int32)
        for k, member in enumerate(members):
            owner.reshape(-1)[self.focal.cells[member]] = node_of[k]
        ends = [
            (members[a], members[b], int(node_of[a]), int(node_of[b]))
            for a in range(len(members))
            for b in range(a + 1, len(members))
            if node_of[a] != node_of[b]
        ]
        if self.current != "pairs":
            self._accumulate(x, ends, owner, self.cumulative, self.maximum)
            return
        for end in ends:
            plane = np.zeros(self.links.shape)
            self._accumulate(x, [end], owner, plane, np.zeros(self.links.shape))
            self.pair_maps[end[0], end[1]] = plane
            assert self.cumulative is not None
            assert self.maximum is not None
            self.cumulative += plane
            np.maximum(self.maximum, plane, out=self.maximum)

    def _accumulate(
        self,
        x: Floats,
        ends: list[tuple[int, int, int, int]],
        owner: NDArray[np.int32],
        cumulative: Floats | None,
        maximum: Floats | None,
    ) -> None:
        """One pass over the grid for all pairs; then the focal nodes, whose cells show their node's
        current."""
        assert cumulative is not None
        assert maximum is not None
        first = np.array([a for *_, a, _ in ends], np.int64)
        second = np.array([b for *_, b in ends], np.int64)
        sums = np.zeros((len(ends), len(x)))
        before = [(k, cumulative[owner == k], maximum[owner == k]) for k in range(len(x))]
        accumulate_pairs(*self.links, x, first, second, owner, cumulative, maximum, sums)
        for k, old_sum, old_max in before:
            ended = (first == k) | (second == k)
            node_current = 0.5 * (sums[:, k] + ended)
            cumulative[owner == k] = old_sum + node_current.sum()
            maximum[owner == k] = np.maximum(old_max, node_current.max())
