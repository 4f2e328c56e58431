"""What a solve did and what it will cost: the records every solver of the circuit engine fills in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Solved(NamedTuple):
    """What a prepared solver gives back for one source raster.

    Attributes
    ----------
    voltage : array, shape (rows, cols)
    iterations : int
        Iterations, or refinement steps of a direct solver.
    fallbacks : tuple of str
        Changes of method on the way.
    """

    voltage: NDArray[np.float64]
    iterations: int
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class SolveReport:
    """How one system was solved.

    Attributes
    ----------
    solver : str
        Solver that gave the answer: ``"multigrid"``, ``"splu"``, ``"cholmod"``, ``"pardiso"``,
        ``"condensation"``.
    reason : str
        Why it was chosen.
    iterations : int
        Iterations of an iterative solver, refinement steps of a direct one.
    residual : float
        Norm of the true residual, recomputed in float64 after the solve, relative to the norm of the sources.
    seconds : float
        Wall time of the solve [s]; a shared set-up counts in the first report that used it.
    bytes : int
        Estimated peak memory of the solver, links included [bytes].
    cells : int
        Cells of the grid.
    solves : int
        Right-hand sides.
    fallbacks : tuple of str
        Every change of method on the way, in order; empty when the first choice did it.
    notes : tuple of str
        What else the reader must know: components dropped, pairs not connected.

    Examples
    --------
    >>> from permeability.engines.circuit import pairwise
    >>> report = pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)]).report
    >>> report.residual < 1e-8, report.fallbacks
    (True, ())
    """

    solver: str
    reason: str
    iterations: int
    residual: float
    seconds: float
    bytes: int
    cells: int = 0
    solves: int = 1
    fallbacks: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())


def merge_reports(reports: tuple[SolveReport, ...], notes: tuple[str, ...] = ()) -> SolveReport:
    """One report for many solves: worst residual, largest iteration count, summed seconds and solves.

    >>> one = SolveReport("splu", "small", 1, 1e-15, 0.5, 100)
    >>> merge_reports((one, one)).seconds
    1.0
    """
    if not reports:
        return SolveReport("none", "nothing to solve", 0, 0.0, 0.0, 0, solves=0, notes=notes)
    worst = max(reports, key=lambda r: r.residual)
    kept = [n for r in reports for n in r.notes] + list(notes)
    return SolveReport(
        solver=" + ".join(dict.fromkeys(r.solver for r in reports)),
        reason=reports[0].reason,
        iterations=max(r.iterations for r in reports),
        residual=worst.residual,
        seconds=sum(r.seconds for r in reports),
        bytes=max(r.bytes for r in reports),
        cells=max(r.cells for r in reports),
        solves=sum(r.solves for r in reports),
        fallbacks=tuple(dict.fromkeys(f for r in reports for f in r.fallbacks)),
        notes=tuple(dict.fromkeys(kept)),
    )


@dataclass(frozen=True)
class CircuitEstimate:
    """What a circuit job will need, before anything is computed.

    Attributes
    ----------
    cells, solves : int
    solver, reason : str
        The solver that would be used, and why.
    bytes : int
        Peak memory, links and results included [bytes].
    seconds : float
        Expected wall time on one core, compilation excluded [s]; within a factor of about two.
    available : int
        Memory that is free now [bytes].

    Examples
    --------
    >>> from permeability.engines.circuit import estimate_pairwise
    >>> estimate_pairwise((100, 100), 3).cells
    10000
    """

    cells: int
    solves: int
    solver: str
    reason: str
    bytes: int
    seconds: float
    available: int

    @property
    def fits(self) -> bool:
        """Whether the job fits into the free memory."""
        return self.bytes <= self.available
