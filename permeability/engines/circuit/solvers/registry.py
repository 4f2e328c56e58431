"""The common door of all grid solvers: the registry, the automatic choice, ``solve_grid``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core import memory
from permeability.core.errors import MemoryLimitError, OptionError, ResistanceError, SolverError, check_choice
from permeability.core.tasks import in_threads
from permeability.engines.circuit.solvers import direct
from permeability.engines.circuit.solvers.condensed import CondensedSolver
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.multigrid import MultigridSolver, StalledError
from permeability.engines.circuit.solvers.solve_report import CircuitEstimate, Solved, SolveReport
from permeability.engines.kernels.edges import GridLinks

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

LINK_BYTES = 32  # four float64 planes, the caller's
WORKER_BYTES = 55  # per cell, for every further thread of multigrid: its vectors


class Backend(Protocol):
    """A prepared solver of one system; ``concurrent``: whether several threads may solve at once."""

    concurrent: bool

    def solve(self, source: Floats, rtol: float) -> Solved:
        """Voltages, iterations and changes of method for one source raster."""


@dataclass(frozen=True)
class SolverInfo:
    """What is known of a solver before it runs; the automatic choice reads nothing else.

    Attributes
    ----------
    name : str
    available : callable
        Whether it can be used here.
    build : callable
        ``build(system, active) -> Backend``.
    bytes_per_cell : float
        Peak memory beyond the links and the results [bytes].
    setup_seconds, solve_seconds : callable
        Expected seconds as a function of the number of cells, one core.
    concurrent : bool
        Whether threads can share its set-up.
    """

    name: str
    available: Callable[[], bool]
    build: Callable[[GridSystem, NDArray[np.bool_]], Backend]
    bytes_per_cell: float
    setup_seconds: Callable[[float], float]
    solve_seconds: Callable[[float], float]
    concurrent: bool = False

    def seconds(self, cells: int, solves: int) -> float:
        """Expected seconds of set-up and ``solves`` right-hand sides."""
        return self.setup_seconds(cells) + solves * self.solve_seconds(cells)


def _build_direct(kind: str) -> Callable[[GridSystem, NDArray[np.bool_]], Backend]:
    return lambda system, active: direct.DirectSolver(system, active, kind)


REGISTRY: dict[str, SolverInfo] = {
    info.name: info
    for info in (
        SolverInfo(
            "multigrid",
            lambda: True,
            MultigridSolver,
            100.0,
            lambda n: 2e-2 + 2e-7 * n,
            lambda n: 4e-3 + 1.0e-6 * n * max(1.0, n / 1e6) ** 0.2,
            concurrent=True,
        ),
        SolverInfo(
            "condensation",
            lambda: True,
            CondensedSolver,
            850.0,
            lambda n: 5e-2 + 1.8 * (n / 1e6) ** 1.4,
            lambda n: 1e-2 + 0.3 * (n / 1e6) ** 1.15,
        ),
        SolverInfo(
            "splu",
            lambda: True,
            _build_direct("splu"),
            1700.0,
            lambda n: 2e-3 + 2.0 * (n / 2.5e5) ** 1.6,
            lambda n: 2e-4 + 0.06 * (n / 2.5e5) ** 1.2,
        ),
        SolverInfo(
            "cholmod",
            direct.cholmod_available,
            _build_direct("cholmod"),
            800.0,
            lambda n: 2e-3 + 0.9 * (n / 2.5e5) ** 1.3,
            lambda n: 2e-4 + 0.04 * (n / 2.5e5) ** 1.15,
        ),
        SolverInfo(
            "pardiso",
            direct.pardiso_available,
            _build_direct("pardiso"),
            1100.0,
            lambda n: 2e-2 + 1.8 * (n / 2.5e5) ** 1.1,
            lambda n: 1e-3 + 0.08 * (n / 2.5e5) ** 1.1,
        ),
    )
}

SOLVERS = ("auto", "direct", *REGISTRY)


@dataclass(frozen=True)
class GridSolution:
    """Voltages of one or many source rasters and how they were found.

    Attributes
    ----------
    voltage : array, shape of the sources
        Potential [V for A]; 0 on ideal grounds, on cells without a node and in components without current.
        A component without any ground floats: its voltages average to zero over its cells.
    reports : tuple of SolveReport
        One per source raster.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.circuit import grid_links, solve_grid
    >>> links = grid_links(np.ones((1, 3)))
    >>> ground = np.array([[False, False, True]])
    >>> solve_grid(links, np.array([[1.0, 0.0, 0.0]]), ground=ground).voltage.round(6).tolist()
    [[2.0, 1.0, 0.0]]
    """

    voltage: Floats
    reports: tuple[SolveReport, ...]


def choose_solver(
    cells: int,
    solves: int,
    *,
    solver: str = "auto",
    result_bytes: int = 0,
    available: int | None = None,
    workers: int = 1,
) -> CircuitEstimate:
    """The solver to use for a job, why, and what it will need.

    Parameters
    ----------
    cells : int
        Cells of the grid that carry current.
    solves : int
        Right-hand sides.
    solver : str
        ``"auto"``, ``"direct"`` (the quickest direct solver that is installed) or a solver's name.
    result_bytes : int
        Memory of the results [bytes].
    available : int, optional
        Free memory [bytes]; asked from the system by default.
    workers : int
        Threads over which multigrid spreads its right-hand sides.

    Raises
    ------
    OptionError
        [C04] unknown solver, one whose library is not installed, fewer than one worker.

    Examples
    --------
    >>> choose_solver(100, 1, available=10**9).solver
    'splu'
    """
    check_choice("solver", solver, SOLVERS, code="C04")
    if workers < 1:
        raise OptionError("C04", f"workers = {workers}: at least one is needed.", remedy="workers=1 or more")
    free = memory.available() if available is None else available
    names = {"auto": list(REGISTRY), "direct": [n for n in REGISTRY if n != "multigrid"]}.get(
        solver, [solver]
    )
    infos = [REGISTRY[n] for n in names if n in REGISTRY and REGISTRY[n].available()]
    if not infos:
        raise OptionError(
            "C04",
            f"solver = {solver!r} is not installed.",
            remedy=f'pip install "landscape-permeability[{solver}]", or use solver="auto"',
        )

    threads = max(1, min(workers, solves - 1))  # the first right-hand side runs alone

    def need(info: SolverInfo) -> int:
        beside = WORKER_BYTES * (threads - 1) if info.concurrent else 0
        return int(cells * (info.bytes_per_cell + LINK_BYTES + beside)) + result_bytes

    def seconds(info: SolverInfo) -> float:
        return info.seconds(cells, 1 + -(-(solves - 1) // threads) if info.concurrent else solves)

    fitting = [i for i in infos if need(i) <= free]
    pool = fitting or [min(infos, key=need)]
    best = min(pool, key=seconds)
    if solver not in ("auto", "direct"):
        reason = f"asked for: {solver}"
    else:
        times = ", ".join(
            f"{i.name} {seconds(i):.2g} s {need(i) / 1e6:,.0f} MB" + ("" if i in fitting else " (too large)")
            for i in infos
        )
        reason = f"{cells:,} cells, {solves} right-hand side(s), {free / 1e6:,.0f} MB free: {times}"
    return CircuitEstimate(cells, solves, best.name, reason, need(best), seconds(best), available=free)


def refuse_if_too_large(estimate: CircuitEstimate) -> None:
    """Refuse a job that cannot fit.

    Raises
    ------
    MemoryLimitError
        [C06] with what it needs, what is free and the remedy.
    """
    if estimate.fits:
        return
    raise MemoryLimitError(
        "C06",
        f"{estimate.cells:,} cells with {estimate.solver} need {estimate.bytes / 1e9:.2f} GB; "
        f"{estimate.available / 1e9:.2f} GB are free.",
        details={
            "solves": estimate.solves,
            "expected": f"{estimate.seconds:,.0f} s",
            "memory": memory.told(),
        },
        remedy='use solver="multigrid" (the least memory), ask for fewer maps at once (current="cumulative" '
        "instead of pairs), or use larger cells",
    )


class PreparedSolver:
    """A system whose set-up is kept, for many right-hand sides.

    Parameters
    ----------
    system : GridSystem
    estimate : CircuitEstimate
        The choice made by :func:`choose_solver`.
    active : array of bool, shape (rows, cols)
        Cells whose components carry current in any of the coming right-hand sides.
    rtol : float
        Residual to reach, relative to the norm of the sources.
    """

    def __init__(
        self, system: GridSystem, estimate: CircuitEstimate, active: NDArray[np.bool_], rtol: float
    ) -> None:
        self.system, self.estimate, self.active, self.rtol = system, estimate, active, rtol
        self.name, self.need = estimate.solver, estimate.bytes
        self._history: tuple[str, ...] = ()
        self._spare: tuple[Backend, CircuitEstimate] | None = None
        self._begun = False
        self._lock = threading.Lock()
        started = time.perf_counter()
        self.backend = REGISTRY[self.name].build(system, active)
        self._setup = time.perf_counter() - started

    def solve_all(
        self,
        count: int,
        source: Callable[[int], tuple[Floats, NDArray[np.int32]]],
        take: Callable[[int, Floats, SolveReport], None],
        *,
        workers: int = 1,
    ) -> None:
        """Solve ``source(0) .. source(count - 1)`` and hand each result to ``take`` as it is finished.

        The first one runs alone: what it needs (single or double precision, or another solver) holds for all others,
        whose results then do not depend on the number of workers.

        Parameters
        ----------
        count : int
        source : callable
            A checked source raster and the roots of its components.
        take : callable
            ``take(k, voltage, report)``, one at a time but in any order.
        workers : int
            Threads; solvers that cannot share their factor between threads take one after another.
        """
        turn = threading.Lock()

        def one(k: int) -> None:
            try:
                voltage, report = self.solve(*source(k))
                with turn:
                    take(k, voltage, report)
            except BaseException as error:
                if not isinstance(error, Exception):
                    self._stop()
                raise

        if count:
            one(0)
        try:
            in_threads(one, range(1, count), workers if self.backend.concurrent else 1)
        except KeyboardInterrupt:
            self._stop()
            raise

    def _stop(self) -> None:
        stop = getattr(self.backend, "stop", None)
        if stop is not None:
            stop.set()

    def solve(self, source: Floats, roots: NDArray[np.int32]) -> tuple[Floats, SolveReport]:
        """Voltages of one checked source raster (see ``GridSystem.checked_sources``)."""
        started = time.perf_counter() - self._setup
        self._setup = 0.0
        first, self._begun = not self._begun, True
        name, need, history = self.name, self.need, self._history
        try:
            voltage, iterations, changes = self.backend.solve(source, self.rtol)
        except StalledError as stalled:
            backend, estimate = self._direct()
            name, need = estimate.solver, estimate.bytes
            history += (*stalled.history, f"multigrid stalled: {name}")
            voltage, iterations, changes = backend.solve(source, self.rtol)
            if first:  # all others then take the same way
                self.backend, self.name, self.need, self._history = backend, name, need, history
        history += changes
        self.system.centre(voltage, roots)
        residual = self.system.residual_norm(source, voltage)
        notes: tuple[str, ...] = ()
        if not residual <= max(self.rtol, 1e-12):
            floor = self.system.rounding_floor(voltage) / float(np.linalg.norm(source))
            notes = (
                f"residual {residual:.1e}: rounding of voltages up to {np.abs(voltage).max():.1e} allows no less",
            )
            if not residual <= floor:
                raise self._missed(name, residual, history)
        report = SolveReport(
            name,
            self.estimate.reason,
            iterations,
            residual,
            time.perf_counter() - started,
            need,
            cells=self.estimate.cells,
            fallbacks=history,
            notes=notes,
        )
        return voltage, report

    def _missed(self, name: str, residual: float, history: tuple[str, ...]) -> SolverError:
        return SolverError(
            "C07",
            f"{name} reached a residual of {residual:.1e}, asked for {self.rtol:.1e}.",
            details={"tried": "; ".join((*history, name))},
            remedy="raise rtol, or lower the contrast of the resistances",
        )

    def _direct(self) -> tuple[Backend, CircuitEstimate]:
        """The quickest direct solver, for sources on which multigrid stalls."""
        with self._lock:
            if self._spare is None:
                estimate = choose_solver(self.estimate.cells, self.estimate.solves, solver="direct")
                refuse_if_too_large(estimate)
                backend = REGISTRY[estimate.solver].build(self.system, self.active)
                self._spare = _OneByOne(backend), estimate
            return self._spare


class _OneByOne:
    """A solver that takes one source after another, whatever thread they come from."""

    concurrent = False

    def __init__(self, backend: Backend) -> None:
        self._backend, self._lock = backend, threading.Lock()

    def solve(self, source: Floats, rtol: float) -> Solved:
        with self._lock:
            return self._backend.solve(source, rtol)


def solve_grid(
    links: GridLinks,
    sources: ArrayLike,
    *,
    leak: ArrayLike | None = None,
    ground: ArrayLike | None = None,
    regions: ArrayLike | None = None,
    solver: str = "auto",
    rtol: float = 1e-8,
    workers: int = 1,
    progress: Progress | None = None,
) -> GridSolution:
    """Potentials of a grid circuit for given source currents.

    Parameters
    ----------
    links : GridLinks
        Conductances, four (rows, cols) planes, 0 = no link.
    sources : array, shape (rows, cols) or (k, rows, cols)
        Current that enters each cell [A], negative where it leaves.
    leak : array, shape (rows, cols), optional
        Finite conductance of every cell to ground, 0 = none.
    ground : array of bool, shape (rows, cols), optional
        Ideal grounds: cells held at voltage 0.
    regions : array of int, shape (rows, cols), optional
        Cells of one positive label are shorted into one node, touching or not; their cells without links
        carry the
        voltage of the node; sources, leaks and grounds of their cells add up.
    solver : {"auto", "multigrid", "condensation", "direct", "splu", "cholmod", "pardiso"}
        ``auto`` chooses by cells, right-hand sides and free memory and records why.
    rtol : float
        Norm of the true residual relative to the norm of the sources.
    workers : int
        Threads among which multigrid spreads the source rasters; the result has the same bits for any number.
    progress : callable, optional
        Called as ``progress(done, total)`` after each right-hand side.

    Returns
    -------
    GridSolution

    Raises
    ------
    ResistanceError, PatchError, OptionError, MemoryLimitError, SolverError
        [C01] bad planes, [C02] NaN sources, [C03] sources of a component without ground that do not sum to
        zero,
        [C04] unknown solver, [C05] failed factorisation, [C06] too large, [C07] tolerance missed.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.kernels.edges import grid_links
    >>> source = np.array([[1.0, 0.0, -1.0]])
    >>> v = solve_grid(grid_links(np.ones((1, 3))), source).voltage
    >>> float(v[0, 0] - v[0, 2])
    2.0
    """
    check_rtol(rtol)
    system = GridSystem(links, leak=leak, ground=ground, regions=regions)
    stack = np.asarray(sources, dtype=np.float64)
    single = stack.ndim == 2
    stack = stack[None] if single else stack
    if stack.ndim != 3 or stack.shape[1:] != system.shape:
        raise ResistanceError(
            "C01",
            f"sources have shape {np.shape(sources)}, the links have {system.shape}.",
            remedy="give amperes per cell, (rows, cols) or (k, rows, cols)",
        )
    checked = [system.checked_sources(s) for s in stack]
    roots = np.unique(np.concatenate([r for _, r in checked])) if checked else np.zeros(0, np.int32)
    active = system.active(roots)
    estimate = choose_solver(
        max(1, int(np.count_nonzero(active))),
        len(stack),
        solver=solver,
        result_bytes=stack.nbytes,
        workers=workers,
    )
    refuse_if_too_large(estimate)
    prepared = PreparedSolver(system, estimate, active, rtol)
    voltage, done = np.zeros(stack.shape), 0
    reports = [SolveReport("none", "no sources", 0, 0.0, 0.0, 0, cells=stack[0].size) for _ in checked]
    live = [k for k, (_, own) in enumerate(checked) if len(own)]

    def take(i: int, found: Floats, report: SolveReport) -> None:
        nonlocal done
        voltage[live[i]], reports[live[i]] = found, report
        done += 1
        if progress is not None:
            progress(done + len(stack) - len(live), len(stack))

    prepared.solve_all(len(live), lambda i: checked[live[i]], take, workers=workers)
    return GridSolution(voltage[0] if single else voltage, tuple(reports))


def check_rtol(rtol: float) -> None:
    """Refuse a tolerance outside 1e-14 .. 1e-2.

    Raises
    ------
    OptionError
        [C04].
    """
    if not 1e-14 <= rtol <= 1e-2:
        raise OptionError("C04", f"rtol = {rtol!r} is out of range.", remedy="use a value from 1e-14 to 1e-2")
