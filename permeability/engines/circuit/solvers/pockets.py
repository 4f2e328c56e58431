"""Pockets behind tight barriers: their mean potentials solved exactly around the multigrid cycle.

A pocket that a barrier cuts off almost, too small or too crooked to keep cells of its own on the coarse levels, is
tied there to the ground on the other side; its mean potential then converges at the rate of the ratio of the
conductances.  A grid has a few hundred of them per million cells.  Their means alone make a small network, which
is factorised once and solved before and after the cycle (balancing: Mandel 1993, doi:10.1002/cnm.1640090307), so
that the preconditioner stays symmetric and positive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from permeability.engines.circuit.solvers.direct import symmetric_lu
from permeability.engines.kernels import multigrid_pockets as kernels

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Plane = NDArray[Any]
Four = tuple[Plane, Plane, Plane, Plane]

WEAK = 0.01  # share of a cell's links below which a link does not hold its two cells together
TIGHT = 1.0  # a pocket's links to the outside together, relative to the mean diagonal inside
MOST = 0.01  # pockets per cell; the tightest are kept


class Pockets:
    """The pockets of a finest level.

    Parameters
    ----------
    links : four arrays, shape (rows + 3, cols + 3)
        Padded float64 link planes.
    leak : array, same shape or size 0
    inv : array, same shape
        Inverse diagonal, 0 = no equation.
    """

    def __init__(self, links: Four, leak: Plane, inv: Plane) -> None:
        part, count = kernels.strong_parts(*links, inv, WEAK)
        size, diagonal, out = kernels.part_sums(*links, leak, inv, part, count)
        number, cells = _tightest(size, diagonal, out, inv.size)
        self.count = int(number.max(initial=-1)) + 1
        self._solve: Callable[[Floats], Floats] | None = None
        if self.count == 0:
            return
        self.cells: tuple[Ints, Ints] = kernels.pocket_cells(part, number, cells)
        self.links: tuple[Ints, Ints, Ints, Ints, Floats] = kernels.pocket_links(
            *links, leak, part, number, inv.shape[1], self.cells[0]
        )
        self._hold()
        matrix = self._network()
        scale = 1.0 / np.sqrt(matrix.diagonal())
        lu = symmetric_lu((sparse.diags(scale) @ matrix @ sparse.diags(scale)).tocsc())
        if (lu.U.diagonal() > 0).all():  # else beyond what doubles resolve: better without
            self._solve = lambda b: scale * lu.solve(scale * b)

    def _hold(self) -> None:
        """Let go of the largest pocket of every group that has nothing around it, so that potentials have a zero."""
        first, second, here, there, links = self.links
        n = self.count + 1
        graph = sparse.coo_array((np.ones(len(here)), (here, there)), shape=(n, n))
        group = connected_components(graph, directed=False)[1]
        cells, pocket = self.cells
        size = np.bincount(pocket, minlength=n)
        order = np.argsort(-size, kind="stable")
        _, at = np.unique(group[order], return_index=True)
        largest = order[at]
        gone = largest[group[largest] != group[-1]]
        if not len(gone):
            return
        new = np.full(n, self.count - len(gone), np.int32)
        new[np.setdiff1d(np.arange(n - 1), gone)] = np.arange(self.count - len(gone))
        self.count -= len(gone)
        keep = new[pocket] < self.count
        self.cells = cells[keep], new[pocket[keep]]
        self.links = first, second, new[here], new[there], links

    def _network(self) -> sparse.csr_array:
        """``Z' A Z``: the pockets and their conductances to each other and to what is around."""
        *_, a, b, g = self.links
        n = self.count + 1
        rows, cols = np.concatenate([a, b, a, b]), np.concatenate([b, a, a, b])
        whole = sparse.coo_array((np.concatenate([-g, -g, g, g]), (rows, cols)), shape=(n, n)).tocsr()
        return whole[:-1, :-1]

    def before(self, b: Plane) -> Floats:
        """Take what drives the pockets' means out of ``b``; what entered each pocket, for :meth:`after`."""
        entered = np.zeros(self.count + 1)
        if self._solve is not None:
            flat = b.reshape(-1)
            kernels.gather(*self.cells, flat, entered)
            kernels.take_flow(*self.links, self._potential(entered), flat)
        return entered

    def after(self, entered: Floats, x: Plane) -> None:
        """Set the pockets' means in ``x``."""
        if self._solve is not None:
            flat = x.reshape(-1)
            kernels.take_outflow(*self.links, flat, entered)
            kernels.lift(*self.cells, self._potential(entered), flat)

    def _potential(self, entered: Floats) -> Floats:
        assert self._solve is not None
        out = np.zeros(self.count + 1)
        out[:-1] = self._solve(entered[:-1])
        return out


def _tightest(
    size: NDArray[np.int64], diagonal: Floats, out: Floats, cells: int
) -> tuple[NDArray[np.int32], int]:
    """Number of every part that is a pocket, -1 for the others, and the cells of all pockets."""
    tightness = out * size / np.where(size > 0, diagonal, 1.0)
    pockets = np.flatnonzero((out > 0.0) & (tightness <= TIGHT))
    most = max(1000, int(MOST * cells))
    if len(pockets) > most:
        pockets = np.sort(pockets[np.argsort(tightness[pockets], kind="stable")[:most]])
    number = np.full(len(size), -1, np.int32)
    number[pockets] = np.arange(len(pockets), dtype=np.int32)
    return number, int(size[pockets].sum())
