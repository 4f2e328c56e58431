"""Effective resistances and current maps among focal nodes: p - 1 solves, all pairs by superposition."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError, PatchError, ResistanceError, check_choice
from permeability.engines.circuit.solvers.condensation import condense, network_resistances
from permeability.engines.circuit.solvers.flow import branch_currents
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.registry import (
    LINK_BYTES,
    PreparedSolver,
    Progress,
    check_rtol,
    choose_solver,
    refuse_if_too_large,
)
from permeability.engines.circuit.solvers.solve_report import CircuitEstimate, SolveReport, merge_reports
from permeability.engines.kernels.current import accumulate_pairs, pair_gradient
from permeability.engines.kernels.edges import EdgeBarriers, GridLinks, grid_links

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CURRENTS = ("cumulative", "maximum", "pairs", None)
SHORTING = ("together", "apart")
CONDENSED_ONLY = "condensation without its factor"
CONDENSED_BYTES = 140  # beyond the links, per cell


class FocalNodes(NamedTuple):
    """Focal nodes on a grid: their ids, and the flat cells of each."""

    ids: NDArray[np.int64]
    cells: list[NDArray[np.int64]]


@dataclass(frozen=True, repr=False)
class PairwiseResult(Face):
    """Resistances and currents among focal nodes.

    Attributes
    ----------
    ids : array of int, shape (n,)
        Labels of the focal nodes, ascending (1..n for a list of cells).
    resistance : array, shape (n, n)
        Effective resistance [dimensionless]; 0 on the diagonal, ``inf`` where a pair is not connected.
    current : array, shape (rows, cols) or (pairs, rows, cols), or None
        The map that was asked for [A per A injected]: summed over the pairs, cell-wise largest, or one per
        pair.
    cumulative, maximum : array, shape (rows, cols), or None
        Both maps; one pass gives both.
    pairs : tuple of (int, int)
        Ids of the solved pairs, in the order of ``current`` with ``current="pairs"``.
    gradient : GridLinks or None
        Derivative of the summed resistance of all connected pairs by the conductance of every link.
    potentials : array, shape (n, rows, cols), or None
        ``potentials[i] - potentials[j]`` is the voltage map of 1 A from node i to node j of one component.
    report : SolveReport

    Examples
    --------
    >>> chain = pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)])
    >>> chain.resistance[0, 1].round(6).item()  # two links of 1
    2.0
    >>> chain.current.round(6).tolist()
    [[1.0, 1.0, 1.0]]
    """

    _face: ClassVar[str] = "pairwise"

    ids: NDArray[np.int64]
    resistance: Floats
    current: Floats | None
    cumulative: Floats | None
    maximum: Floats | None
    pairs: tuple[tuple[int, int], ...]
    gradient: GridLinks | None
    potentials: Floats | None
    links: GridLinks
    report: SolveReport

    def __repr__(self) -> str:
        n = len(self.ids)
        apart = int(np.isinf(np.triu(self.resistance)).sum())
        return (
            f"PairwiseResult({n} focal nodes, {len(self.pairs)} pairs solved, {apart} not connected, "
            f"solver {self.report.solver}, {self.report.seconds:.3g} s)"
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per pair: ``a``, ``b``, ``resistance`` [dimensionless]."""
        import pandas as pd

        i, j = np.triu_indices(len(self.ids), 1)
        return pd.DataFrame({"a": self.ids[i], "b": self.ids[j], "resistance": self.resistance[i, j]})

    def voltage(self, a: int, b: int) -> Floats:
        """Voltage map of 1 A that enters at node ``a`` and leaves at ``b``, which is at 0 [V for A].

        Raises
        ------
        OptionError, PatchError
            [C08] without kept potentials; [C09] unknown or unconnected ids.
        """
        if self.potentials is None:
            raise OptionError(
                "C08", "the potentials were not kept.", remedy="call pairwise(..., potentials=True)"
            )
        if not {a, b} <= set(self.ids.tolist()):
            raise PatchError("C09", f"{a} or {b} is not a focal node.", remedy="see .ids")
        i, j = (int(np.flatnonzero(self.ids == k)[0]) for k in (a, b))
        if not np.isfinite(self.resistance[i, j]):
            raise PatchError(
                "C09", f"{a} and {b} are not connected.", remedy="see .resistance for the finite pairs"
            )
        difference: Floats = self.potentials[i] - self.potentials[j]
        return difference

    def branch_currents(self, a: int, b: int) -> GridLinks:
        """Signed current of every link, from its first to its second cell, for 1 A from ``a`` to ``b``
        [A]."""
        return branch_currents(self.links, self.voltage(a, b))


def pairwise(
    resistance: ArrayLike,
    focal_nodes: ArrayLike | Sequence[tuple[int, int]],
    *,
    cell_size: float = 1.0,
    neighbours: int = 8,
    average: str = "resistance",
    solver: str = "auto",
    current: str | None = "cumulative",
    rtol: float = 1e-8,
    barriers: EdgeBarriers | None = None,
    shorting: str = "together",
    gradient: bool = False,
    potentials: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> PairwiseResult:
    """Effective resistance between all pairs of focal nodes, and their current maps.

    Parameters
    ----------
    resistance : array, shape (rows, cols)
        Resistance of every cell [dimensionless], > 0; NaN = no node.
    focal_nodes : int array of the same shape, or sequence of (row, col)
        Labels (0 = none); all cells of one label are shorted into one node, those on NaN cells included.
    cell_size : float
        Plays no part in circuit resistances (open ground has resistance 1 whatever the cell size); checked
        only.
    neighbours : {8, 4}
    average : {"resistance", "conductance"}
        How a link averages its two cells (McRae et al. 2008, doi:10.1890/07-1861.1).
    solver : str
        See :func:`permeability.engines.circuit.solve_grid`.
    current : {"cumulative", "maximum", "pairs", None}
        Map to return; ``None`` = resistances only. The current of a cell is the larger of its inflow and
        outflow.
    rtol : float
        Relative residual of every solve.
    barriers : EdgeBarriers, optional
        Resistance in series on single links; ``inf`` removes a link.
    shorting : {"together", "apart"}
        ``together``: every focal label with several cells is one node in one common network, p - 1 solves.
        ``apart``: only the two labels of a pair are shorted while the others stay plain cells, as
        Circuitscape does;
        one solve per pair where a label has several cells.
    gradient : bool
        Also return the derivative of the summed resistance by every link's conductance.
    potentials : bool
        Keep the n potential maps, for ``.voltage(a, b)`` and ``.branch_currents(a, b)``.
    workers : int
        Threads among which multigrid spreads its solves; the result has the same bits for any number.
    progress : callable, optional
        Called as ``progress(done, total)`` after each solve.

    Returns
    -------
    PairwiseResult

    Raises
    ------
    ResistanceError
        [C01] wrong shape; [C10] zero, negative or infinite resistances.
    PatchError
        [C09] fewer than two focal nodes, nodes outside the grid, negative labels.
    OptionError, MemoryLimitError, SolverError
        See :func:`permeability.engines.circuit.solve_grid`.

    Examples
    --------
    >>> import numpy as np
    >>> result = pairwise(np.ones((1, 4)), [(0, 0), (0, 3)])
    >>> float(round(result.resistance[0, 1], 9))
    3.0
    """
    started = time.perf_counter()
    _check_options(cell_size, neighbours, average, current, shorting, rtol)
    surface = check_resistance(resistance)
    focal = read_focal(focal_nodes, surface)
    links = grid_links(surface, neighbours=neighbours, average=average, barriers=barriers)
    job = _Job(links, focal, surface, current, gradient, potentials, solver, rtol, workers, progress)
    if shorting == "apart" and any(len(c) > 1 for c in focal.cells):
        job.solve_apart()
    else:
        job.solve_together()
    return job.result(started)


def estimate_pairwise(
    shape: tuple[int, int],
    n_focal: int,
    *,
    current: str | None = "cumulative",
    gradient: bool = False,
    potentials: bool = False,
    solver: str = "auto",
    available: int | None = None,
    workers: int = 1,
) -> CircuitEstimate:
    """Cells, solves, bytes and expected seconds of :func:`pairwise`, before running it.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    n_focal : int
        Focal nodes in one component.
    current, gradient, potentials, solver
        As for :func:`pairwise`.
    available : int, optional
        Free memory [bytes]; what the machine has by default.
    workers : int
        Threads.

    Returns
    -------
    CircuitEstimate
        Cells, solves, bytes and seconds.

    Examples
    --------
    >>> estimate_pairwise((1000, 1000), 20, available=8 * 10**9).solves
    19
    """
    check_choice("current", current, CURRENTS, code="C04")
    cells = shape[0] * shape[1]
    estimate = choose_pairwise(
        cells,
        n_focal,
        solver=solver,
        fields=current is not None or gradient or potentials,
        result_bytes=8 * cells * field_planes(n_focal, current, gradient=gradient, potentials=potentials),
        available=available,
        workers=workers,
    )
    return replace(estimate, solver="condensation") if estimate.solver == CONDENSED_ONLY else estimate


def field_planes(p: int, current: str | None, *, gradient: bool, potentials: bool) -> int:
    """(rows, cols) planes of float64 that a pairwise job with ``p`` nodes holds at once."""
    fields = current is not None or gradient or potentials
    maps = {"pairs": p * (p - 1) // 2 + 2, None: 0}.get(current, 2)
    return (p + 2 if fields else 2) + maps + (4 if gradient else 0) + (p if potentials else 0)


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


class _Job:
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
        n = len(self.focal.ids)
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
            v -= v.reshape(-1)[cells[-1]] * active
            among[k] = v.reshape(-1)[cells]
            if self.wants_fields:
                x[k] = v
            reports[k] = report
            self._count(1)

        prepared.solve_all(p - 1, source, take, workers=self.workers)
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

    def result(self, started: float) -> PairwiseResult:
        """The frozen result, with its report."""
        ids = self.focal.ids
        n = len(ids)
        upper = [(i, j) for i in range(n) for j in range(i + 1, n)]
        apart = [(int(ids[i]), int(ids[j])) for i, j in upper if not np.isfinite(self.resistance[i, j])]
        if apart:
            named = ", ".join(f"{a}-{b}" for a, b in apart[:10]) + (" ..." if len(apart) > 10 else "")
            self.notes.append(
                f"{len(apart)} of {len(upper)} pairs are not connected (resistance inf): {named}"
            )
        report = merge_reports(tuple(self.reports), tuple(self.notes))
        current: Floats | None = {"cumulative": self.cumulative, "maximum": self.maximum}.get(
            self.current or ""
        )
        pairs = [(i, j) for i, j in upper if 0.0 < self.resistance[i, j] < np.inf]
        if self.current == "pairs":
            current = np.array([self.pair_maps[p] for p in pairs]).reshape(-1, *self.links.shape)
        return PairwiseResult(
            ids,
            self.resistance,
            current,
            self.cumulative,
            self.maximum,
            tuple((int(ids[i]), int(ids[j])) for i, j in pairs),
            self.gradient,
            self.potentials,
            self.links,
            replace(report, seconds=time.perf_counter() - started),
        )


def check_resistance(resistance: ArrayLike) -> Floats:
    """The surface as float64, refused when a value cannot be a resistance.

    Raises
    ------
    ResistanceError
        [C01] not two-dimensional or empty; [C10] zero, negative or infinite cells.
    """
    surface = np.ascontiguousarray(resistance, dtype=np.float64)
    if surface.ndim != 2 or surface.size == 0:
        raise ResistanceError(
            "C01",
            f"resistance has shape {surface.shape}.",
            remedy="give a (rows, cols) array with at least one cell",
        )
    bad = (surface <= 0) | np.isinf(surface)
    if bad.any():
        raise ResistanceError(
            "C10",
            f"{int(bad.sum()):,} cells have a zero, negative or infinite resistance.",
            rows=[(int(r), int(c)) for r, c in np.argwhere(bad)[:11]],
            remedy="use NaN for cells that cannot be entered, and a positive number elsewhere",
        )
    return surface


def read_focal(focal_nodes: ArrayLike | Sequence[tuple[int, int]], surface: Floats) -> FocalNodes:
    """Focal nodes from a label raster or from cells.

    Raises
    ------
    PatchError
        [C09] fewer than two nodes, cells outside the grid, negative or fractional labels.
    """
    array = np.asarray(focal_nodes)
    if array.shape == surface.shape and not (array.ndim == 2 and isinstance(focal_nodes, list | tuple)):
        labels = np.where(np.isfinite(array), array, 0)
        if (labels < 0).any() or (labels != np.floor(labels)).any():
            raise PatchError(
                "C09", "focal labels must be whole numbers, 0 = none.", remedy="use positive integer labels"
            )
        flat = labels.reshape(-1).astype(np.int64)
        at = np.flatnonzero(flat)
        ids = np.unique(flat[at])
        cells = [at[flat[at] == k] for k in ids]
    elif array.ndim == 2 and array.shape[1] == 2 and np.issubdtype(array.dtype, np.integer):
        outside = (array < 0).any(axis=1) | (array >= np.array(surface.shape)).any(axis=1)
        if outside.any():
            raise PatchError(
                "C09",
                f"{int(outside.sum())} focal node(s) lie outside the grid of {surface.shape}.",
                rows=[tuple(int(i) for i in rc) for rc in array[outside]],
                remedy="give (row, col) with row 0 in the north",
            )
        ids = np.arange(1, len(array) + 1)
        cells = [np.array([r * surface.shape[1] + c]) for r, c in array.tolist()]
    else:
        raise PatchError(
            "C09",
            f"focal nodes of shape {array.shape} do not fit a grid of {surface.shape}.",
            remedy="give an integer label array of the grid's shape, or a list of (row, col)",
        )
    if len(ids) < 2:
        raise PatchError("C09", f"{len(ids)} focal node(s) given.", remedy="give at least two different ones")
    return FocalNodes(ids, cells)


def _check_options(
    cell_size: float, neighbours: int, average: str, current: str | None, shorting: str, rtol: float
) -> None:
    check_choice("neighbours", neighbours, (8, 4), code="C04")
    check_choice("average", average, ("resistance", "conductance"), code="C04")
    check_choice("current", current, CURRENTS, code="C04")
    check_choice("shorting", shorting, SHORTING, code="C04")
    check_rtol(rtol)
    if not (np.isfinite(cell_size) and cell_size > 0):
        raise OptionError("C04", f"cell_size = {cell_size!r}.", remedy="give the cell size in metres")
