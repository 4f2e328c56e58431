"""Reversible chains on a grid: a circuit with leaks, solved by the solvers of the house.

A chain that walks from cell i to cell j with chance ``g_ij / D_i`` and ends with chance ``h_i / D_i``, ``g`` the same both ways,
obeys ``D (I - W) = L_g + diag(h)``: its fundamental matrix ``Z = (I - W)^-1`` is that of a leaky circuit times ``D``,
symmetric and positive definite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core import memory
from permeability.engines.circuit.solvers.condensation import Condensed, condense
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.registry import choose_solver, solve_grid
from permeability.engines.kernels.current import true_residual
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

RTOL = 1e-11
FLOOR_TIMES = 100.0  # a value counts as right when it is that many times the size of the error that was seen


class Reached(NamedTuple):
    """Chance of reaching some cells from every cell.

    ``chance``, shape (rows, cols); ``floor``: values below it are not right in any digit that matters; ``solver``: who
    answered; ``handed_over``: whether multigrid's floor was too high for what was asked and a direct solver took over.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import grid_links
    >>> links, leak = grid_links(np.ones((1, 2))), np.array([[1.0, 0.0]])
    >>> chain = GridChain(links, degree(links) + leak, leak)
    >>> chain.reaches(np.array([[False, True]])).chance.round(9).tolist()
    [[0.5, 1.0]]
    """

    chance: Floats
    floor: float
    solver: str
    handed_over: bool


@dataclass(frozen=True, eq=False)
class GridChain:
    """A reversible chain on a grid.

    Attributes
    ----------
    links : GridLinks
        ``g``: walks that get across alive, the same both ways.
    outflow : array, shape (rows, cols)
        ``D``: all that happens in a step from a cell (links and leak, and staying where a convention has it).
    leak : array, shape (rows, cols)
        ``h``: what ends in a step from a cell, for any reason.
    regions : array of int, shape (rows, cols), optional
        Cells of one positive label are one place: within it, walking costs and loses nothing.
    solver, rtol, workers
        As for :func:`permeability.engines.circuit.solve_grid`.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.kernels.edges import grid_links
    >>> links = grid_links(np.ones((1, 3)))
    >>> leak = np.array([[0.0, 0.0, 1.0]])  # from the last cell half of the steps end
    >>> chain = GridChain(links, degree(links) + leak, leak)
    >>> chain.time_to_end().round(9).tolist()
    [[9.0, 8.0, 5.0]]
    """

    links: GridLinks
    outflow: Floats
    leak: Floats
    regions: NDArray[np.int64] | None = None
    solver: str = "auto"
    rtol: float = RTOL
    workers: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.links.shape

    def solve(self, sources: ArrayLike, *, ground: Mask | None = None, solver: str | None = None) -> Floats:
        """``(L + h)^-1`` times one source raster or several."""
        found = solve_grid(
            self.links, sources, leak=self.leak, ground=ground, regions=self.regions,
            solver=solver or self.solver, rtol=self.rtol, workers=self.workers,
        )  # fmt: skip
        return found.voltage

    def visits(self, start: ArrayLike) -> Floats:
        """Expected visits of every cell by walkers that start as given: a row of Z, one solve."""
        return np.asarray(self.outflow * self.solve(start))

    def fundamental(self, targets: ArrayLike) -> Floats:
        """Columns of Z: expected visits of target cells (flat indices) from every cell, (targets, rows, cols)."""
        cells = np.atleast_1d(np.asarray(targets, np.int64))
        sources = np.zeros((len(cells), *self.shape))
        sources.reshape(len(cells), -1)[np.arange(len(cells)), cells] = self.outflow.ravel()[cells]
        return self.solve(sources)

    def time_to_end(self) -> Floats:
        """Expected steps until the end, from every cell."""
        return self.solve(self.outflow)

    def ended(self, start: ArrayLike) -> Floats:
        """Share of the walkers that ends in each cell."""
        return np.asarray(self.leak * self.solve(start))

    def after(self, start: ArrayLike, steps: int) -> Floats:
        """Where walkers are after some steps: ``p Q^t``."""
        now = np.asarray(start, np.float64)
        for _ in range(steps):
            now = self._stepped(now)
        return now

    def visits_within(self, start: ArrayLike, steps: int) -> Floats:
        """Visits in the first ``steps`` states that are seen, the start among them."""
        now = np.asarray(start, np.float64)
        total = np.zeros(self.shape)
        for _ in range(steps):
            total += now
            now = self._stepped(now)
        return total

    def _stepped(self, now: Floats) -> Floats:
        """``p Q = p - (L + h) (p / D)``."""
        share = np.divide(now, self.outflow, out=np.zeros(self.shape), where=self.outflow > 0)
        out = np.empty(self.shape)
        true_residual(*self.links, self.leak, now, share, out)
        return out

    @cached_property
    def labels(self) -> Ints:
        """Labels of the regions, in order."""
        if self.regions is None:
            return np.zeros(0, np.int64)
        return np.unique(self.regions[self.regions > 0]).astype(np.int64)

    # ---------------------------------------------------------------- reaching places
    def reaches(self, goal: Mask, at: Mask | None = None) -> Reached:
        """Chance to get to some cells before the end, from every cell (times the weight of the ways, where theta bends them).

        Multigrid is right to a share of the largest value.  Where a smaller one is asked for (``at``: the cells that matter), the
        error that it left is looked at, and condensation takes over, which has no subtraction and no such floor.

        Parameters
        ----------
        goal : bool array, shape (rows, cols)
        at : bool array, shape (rows, cols), optional

        Returns
        -------
        Reached
        """
        goal = self._whole_regions(goal)
        source = links_into(self.links, goal)
        cells = int(np.count_nonzero(self.outflow > 0))
        name = choose_solver(max(cells, 1), 1, solver=self.solver).solver
        chance = self.solve(source, ground=goal, solver=name)
        chance[goal] = 1.0
        if name != "multigrid" or at is None:
            floor = self._error(chance, source, goal, name) if name == "multigrid" else 0.0
            return Reached(chance, floor, name, False)
        floor = FLOOR_TIMES * self._error(chance, source, goal, name)
        wanted = chance[at & (self.outflow > 0)]
        if not len(wanted) or float(wanted.min()) > floor:
            return Reached(chance, floor, name, False)
        if choose_solver(cells, 1, solver="condensation").bytes > memory.available():
            return Reached(chance, floor, name, False)
        chance = self.solve(source, ground=goal, solver="condensation")
        chance[goal] = 1.0
        return Reached(chance, 0.0, "condensation", True)

    def _error(self, chance: Floats, source: Floats, goal: Mask, name: str) -> float:
        """Size of the error of a solution, by solving for its residual."""
        free = np.where(goal, 0.0, chance)
        left = GridSystem(self.links, leak=self.leak, ground=goal, regions=self.regions).residual(
            source, free
        )
        if not left.any():
            return 0.0
        return float(np.abs(self.solve(left, ground=goal, solver=name)).max())

    def _whole_regions(self, mask: Mask) -> Mask:
        if self.regions is None:
            return mask
        touched = np.unique(self.regions[mask & (self.regions > 0)])
        return np.asarray(mask | (np.isin(self.regions, touched) & (self.regions > 0)))

    def onto_regions(self) -> Condensed:
        """The chain seen from its regions alone, without any subtraction."""
        return condense(self.links, leak=self.leak, regions=self.regions)

    def region_chances(self) -> Floats:
        """Chance to get from each region to each other before the end, each pair by itself, (P, P), 1 on the diagonal.

        The other regions on the way are places like any: they neither stop nor lose a walker.  Full relative accuracy
        whatever their size, 1e-150 included.
        """
        seen = self.onto_regions()
        return reach_chances(seen.conductance, seen.leak)


def reach_chances(conductance: Floats, leak: Floats) -> Floats:
    """Chance to get from each node of a small network to each other before it leaks away, (n, n), 1 on the diagonal.

    All other nodes are eliminated, two are left at a time: ``c / (c + leak)``, sums and products only.

    >>> net = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> reach_chances(net, np.array([0.0, 1.0, 0.0])).round(9).tolist()
    [[1.0, 1.0, 0.5], [0.5, 1.0, 0.5], [0.5, 1.0, 1.0]]
    """
    n = len(conductance)
    out = np.eye(n)
    _pairs(np.array(conductance, np.float64), np.array(leak, np.float64), np.arange(n), out)
    return out


def _pairs(g: Floats, leak: Floats, names: Ints, out: Floats) -> None:
    """Halve the nodes until two are left; each pair of halves goes on without the rest."""
    n = len(names)
    if n < 2:
        return
    if n == 2:
        for i, j in ((0, 1), (1, 0)):
            total = g[i, j] + leak[i]
            out[names[i], names[j]] = g[i, j] / total if total > 0 else 0.0
        return
    groups = np.array_split(np.arange(n), min(n, 4))
    for a in range(len(groups)):
        for b in range(a + 1, len(groups)):
            keep = np.concatenate((groups[a], groups[b]))
            small, rest = eliminated(g, leak, keep)
            _pairs(small, rest, names[keep], out)


def eliminated(g: Floats, leak: Floats, keep: Ints) -> tuple[Floats, Floats]:
    """A network and its leaks seen from some of its nodes (Grassmann, Taksar & Heyman 1985, doi:10.1287/opre.33.5.1107).

    >>> eliminated(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.0, 1.0]), np.array([0]))[1].tolist()
    [0.5]
    """
    drop = np.setdiff1d(np.arange(len(g)), keep)
    order = np.concatenate((drop, keep))
    a, h = g[np.ix_(order, order)].copy(), leak[order].copy()
    np.fill_diagonal(a, 0.0)
    for k in range(len(drop)):
        row = a[k, k + 1 :]
        total = float(row.sum()) + h[k]
        if total > 0:
            share = row / total
            a[k + 1 :, k + 1 :] += np.outer(share, row)
            h[k + 1 :] += share * h[k]
    rest = a[len(drop) :, len(drop) :]
    np.fill_diagonal(rest, 0.0)
    return np.ascontiguousarray(0.5 * (rest + rest.T)), h[len(drop) :]


def degree(links: GridLinks) -> Floats:
    """Sum of the links of every cell.

    >>> from permeability.engines.kernels.edges import grid_links
    >>> degree(grid_links(np.ones((1, 3)))).tolist()
    [[1.0, 2.0, 1.0]]
    """
    out = np.zeros(links.shape)
    for k, plane in enumerate(links):
        a, b = both_ends(links.shape, k)
        out[a] += plane[a]
        out[b] += plane[a]
    return out


def links_into(links: GridLinks, goal: Mask) -> Floats:
    """What every cell outside some cells sends into them."""
    out = np.zeros(links.shape)
    for k, plane in enumerate(links):
        a, b = both_ends(links.shape, k)
        out[a] += np.where(goal[b] & ~goal[a], plane[a], 0.0)
        out[b] += np.where(goal[a] & ~goal[b], plane[a], 0.0)
    return out


def both_ends(shape: tuple[int, int], k: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the first and the second cells of all links of direction ``k`` (0..3) stand.

    >>> both_ends((1, 3), 0)
    ((slice(None, 1, None), slice(0, 2, None)), (slice(0, None, None), slice(1, 3, None)))
    """
    rows, cols = shape
    dr, dc = int(D_ROW[k]), int(D_COL[k])
    c0, c1 = max(0, -dc), cols - max(0, dc)
    return np.s_[: rows - dr, c0:c1], np.s_[dr:, c0 + dc : c1 + dc]
