"""Does the interface agree with the edited grid itself?  A sample of what it hands out, solved afresh.

A fresh solve is voltages on the whole edited grid.  They count only where the currents of every single cell balance (1e-9), and the
resistance is then the power that they dissipate, an error of theirs squared: it does not matter by whom they were found, so the quickest
solver begins, and another one follows where its voltages do not balance.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import MemoryLimitError, SolverError
from permeability.engines.circuit.solvers.registry import solve_grid
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 1e-7  # largest relative difference that passes
EVERY = 100  # the first answer is checked, the 100th, the 10,000th: by count, so that no clock decides what is checked
SMALL_CELLS = 20_000  # cells up to which a sparse factorisation takes no time, and no kernels to compile
DIRECT_CELLS = 200_000  # cells up to which the whole edited grid is eliminated


@dataclass(frozen=True)
class Check:
    """One answer solved afresh.

    ``what`` was checked, for which ``pair`` of patches, by which ``solver``; both resistances, their relative
    ``difference`` (NaN where the other solver gave no answer: ``note`` says why) and the ``seconds`` it took.
    """

    what: str
    pair: tuple[int, int]
    resistance: float
    fresh: float
    difference: float
    solver: str
    seconds: float
    note: str = ""


class Agreement:
    """Checks of one interface: the first answer, the 100th, the 10,000th and so on.

    Parameters
    ----------
    links : GridLinks
        Without barriers on edges.
    edges : (cells, directions)
    regions : array of int, shape (rows, cols), optional
    patches : array of int, shape (P,)
        One cell of every patch.
    wanted : bool
        False: never check.
    """

    def __init__(
        self,
        links: GridLinks,
        edges: tuple[Ints, Ints],
        regions: ArrayLike | None,
        patches: Ints,
        wanted: bool,
    ) -> None:
        self.links, self.edges, self.regions, self.patches = links, edges, regions, patches
        self.wanted = wanted
        self.checks: list[Check] = []
        self.answers = 0
        self._busy = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: the lock stays."""
        return {k: v for k, v in vars(self).items() if k != "_busy"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _busy=threading.Lock())

    def due(self) -> bool:
        """Whether a check is in order now."""
        if not self.wanted or len(self.patches) < 2:
            return False
        return self.answers >= EVERY ** len(self.checks)

    def look(self, sample: Callable[[], tuple[str, Floats, Floats, Floats] | None]) -> None:
        """Count an answer, and check a sample of it if that is due.

        Parameters
        ----------
        sample : callable
            What is checked, the conductances of all barrier edges in that state (E,), the resistances handed
            out for it (P, P) and those to choose the pair by: the one that differs most.

        Raises
        ------
        SolverError
            [S24] the answers differ.
        """
        with self._busy:
            self.answers += 1
            if self.due():
                self._sample(sample)

    def _sample(self, sample: Callable[[], tuple[str, Floats, Floats, Floats] | None]) -> None:
        begun = time.perf_counter()
        chosen = sample()
        if chosen is None:
            return
        what, conductance, answer, other = chosen
        pair = _telling_pair(answer, other)
        if pair is None:
            return
        self.checks.append(self._check(what, conductance, pair, float(answer[pair]), begun))
        found = self.checks[-1]
        if found.difference > TOLERANCE:
            raise SolverError(
                "S24",
                f"the interface and a fresh solve differ by {found.difference:.1e} ({what}).",
                details={"interface": f"{found.resistance:.12g}", found.solver: f"{found.fresh:.12g}"},
                remedy="report this with the input; meanwhile re-solve each landscape with connect()",
            )

    def _check(
        self, what: str, conductance: Floats, pair: tuple[int, int], answer: float, begun: float
    ) -> Check:
        planes = [np.array(p, dtype=np.float64, order="C") for p in self.links]
        for k, plane in enumerate(planes):
            here = self.edges[1] == k
            plane.ravel()[self.edges[0][here]] = conductance[here]
        links = GridLinks(*planes)
        source = np.zeros(links.shape)
        source.ravel()[self.patches[list(pair)]] = 1.0, -1.0
        fresh, note, solver = np.nan, "", ""
        for solver in _solvers(links.e.size):
            try:
                v = solve_grid(links, source, regions=self.regions, solver=solver, rtol=1e-9).voltage
            except (SolverError, MemoryLimitError) as error:
                note = str(error)
                continue
            flat = v.ravel()[self.patches]
            fresh = 2.0 * float(flat[pair[0]] - flat[pair[1]]) - _power(links, v)  # error of v enters squared
            note = ""
            break
        difference = abs(fresh / answer - 1.0) if answer > 0 else abs(fresh)
        return Check(what, pair, answer, fresh, difference, solver, time.perf_counter() - begun, note)


def _solvers(cells: int) -> tuple[str, ...]:
    """Solvers that may answer, the first that does."""
    if cells > DIRECT_CELLS:
        return ("multigrid",)
    return ("splu",) if cells <= SMALL_CELLS else ("condensation", "splu")


def _power(links: GridLinks, v: Floats) -> float:
    """``sum g (v_a - v_b)^2``."""
    rows, cols = links.shape
    total = 0.0
    for k, plane in enumerate(links):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        c0, c1 = max(0, -dc), cols - max(0, dc)
        drop: Any = v[: rows - dr, c0:c1] - v[dr:, c0 + dc : c1 + dc]
        total += float(np.einsum("ij,ij,ij->", plane[: rows - dr, c0:c1], drop, drop))
    return total


def _telling_pair(answer: Floats, other: Floats) -> tuple[int, int] | None:
    """The connected pair whose resistance differs most from another state's, None where no pair is connected."""
    i, j = np.triu_indices(len(answer), 1)
    finite = np.isfinite(answer[i, j])
    if not finite.any():
        return None
    i, j = i[finite], j[finite]
    with np.errstate(divide="ignore"):
        change = np.abs(1.0 / np.where(other[i, j] > 0, other[i, j], 1.0) - 1.0 / answer[i, j]) * answer[i, j]
    at = int(np.argmax(change))
    return int(i[at]), int(j[at])
