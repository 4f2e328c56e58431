"""Least costs among places, and cells within reach, after a few edges changed: exact, at the price of the cells that change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.kernels.field_update import edge_weights, update_field
from permeability.engines.leastcost.distance import relax
from permeability.engines.leastcost.surface import CostSurface, Floats

Ints = NDArray[np.int64]
FEW = 500  # cells that fall one by one; where a whole side of a barrier falls, tiles of cells are relaxed together
PART = 50  # cells that rise one by one, of so many in all; where more do, a fresh run is quicker
NEAR = 20 * FEW  # the same where only cells within a limit count: the tiles know none
SAME = 1 - 1e-13  # a cost that falls by less fell by rounding


class ChangedFields:
    """Fields from several places on one surface, and what becomes of them when edges change.

    All has the bits of a fresh run, but for the costs of :meth:`after_opening`.

    Parameters
    ----------
    surface : CostSurface
        Without directed steps.
    fields : sequence of arrays, shape (rows, cols)
        Its fields, one from each place; 0 where they start [m of open ground].
    masks : sequence of bool arrays, shape (rows, cols)
        Cells of each place.
    limit : float or array
        Largest distance that counts as within reach [m of open ground]; of several, cells are counted for each.

    Examples
    --------
    >>> from permeability.engines.leastcost.distance import cost_distance, cost_surface
    >>> strip = cost_surface([[1.0, 1.0, 1.0]], cell_size=10)
    >>> ends = [np.array([[True, False, False]]), np.array([[False, False, True]])]
    >>> fields = ChangedFields(strip, [cost_distance(strip, m) for m in ends], ends, 25.0)
    >>> cost, reach = fields.after(np.array([8]), np.array([900.0]))
    >>> cost[0, 1].item(), reach.tolist(), fields.cost[0, 1].item(), fields.reach.tolist()
    (920.0, [2, 1], 20.0, [3, 3])
    """

    def __init__(
        self,
        surface: CostSurface,
        fields: Sequence[Floats],
        masks: Sequence[NDArray[np.bool_]],
        limit: ArrayLike,
    ) -> None:
        n = N_DIRECTIONS[surface.neighbours]
        pad = 2 if n > 4 else 1
        self._pad, self._wide = pad, surface.shape[1] + 2 * pad
        self._cols, self._n = surface.shape[1], n
        self._off = D_ROW[:n].astype(np.int64) * self._wide + D_COL[:n]
        weights: Any = edge_weights
        self._surface, self._free = surface, weights(surface.edges, pad)
        self._weight = self._free.copy()
        barriers = EdgeBarriers.empty() if surface.barriers is None else surface.barriers
        at, k, mine = self._edges(barriers.keys)
        self._weight[at, k] = self._free[at, k] + barriers.cost[mine]
        padded = np.full((len(fields), surface.shape[0] + 2 * pad, self._wide), np.inf)
        for whole, f in zip(padded, fields):
            whole[pad:-pad, pad:-pad] = f
        self._all = padded.reshape(len(fields), len(self._free))
        self.fields = list(self._all)
        self.limit = np.asarray(limit, np.float64)
        self._order = np.argsort(self.limit, axis=None, kind="stable")
        self._limits = self.limit.ravel()[self._order]
        cells = [np.flatnonzero(np.pad(m, pad)) for m in masks]
        self._cells = np.concatenate([np.zeros(0, np.int64), *cells])
        self._first = np.cumsum([0, *(len(c) for c in cells[:-1])])
        self._hit, self._owner = np.zeros(len(self._free), bool), np.zeros(len(self._free), bool)
        self._owner[self._cells] = True
        self.one_way = np.array([self._to_each(f) for f in self.fields])
        self.reach = np.array([self._within(f) for f in self.fields], np.int64)

    @property
    def cost(self) -> Floats:
        """Least costs among the places before any change, (places, places) [m of open ground]."""
        return np.minimum(self.one_way, self.one_way.T)

    def _edges(self, keys: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """First cell (on the grid with its rim) and direction of edges in the neighbourhood, and which these are."""
        mine = keys % 8 < self._n
        r, c = np.divmod(keys[mine] // 8, self._cols)
        return (r + self._pad) * self._wide + c + self._pad, keys[mine] % 8, mine

    def _to_each(self, field: Floats) -> Floats:
        return np.asarray(np.minimum.reduceat(field[self._cells], self._first), np.float64)

    def _within(self, values: Floats) -> Ints:
        """Number of values within each limit, in the shape of the limits."""
        near = values[values <= self._limits[-1]]
        upto = np.bincount(np.searchsorted(self._limits, near), minlength=len(self._limits))
        out = np.empty(len(self._limits), np.int64)
        out[self._order] = np.cumsum(upto)
        return out.reshape(self.limit.shape)

    def after(self, keys: Ints, cost: Floats) -> tuple[Floats, Ints]:
        """Least costs among the places and cells within reach, once some edges cost something else.

        Parameters
        ----------
        keys : int array
            Edges (cell * 8 + direction), no duplicates.
        cost : array, same shape
            The *whole* barrier cost on each, ``inf`` = no passage [m of open ground].

        Returns
        -------
        (array, array)
            (places, places) [m of open ground], and number of cells by place (and by limit, where there are several).
        """
        one_way, reach = self.one_way.copy(), self.reach.copy()
        for i, cells, new, old in self._changes(keys, cost):
            reach[i] += self._within(new) - self._within(old)
            if self._owner[cells].any():
                one_way[i] = self._to_each(self.fields[i])
        return np.minimum(one_way, one_way.T), reach

    def after_opening(self, keys: Ints, cost: Floats) -> tuple[Floats, Ints]:
        """The same as :meth:`after`, costs up to rounding (1e-13 of themselves); much quicker where a few edges only get cheaper.

        Costs are read off the fields before the change then, and only cells within the largest limit are followed.

        Parameters
        ----------
        keys, cost
            As for :meth:`after`.

        Returns
        -------
        (array, array)
            As of :meth:`after`; a cost that falls by rounding alone stays as it was.
        """
        among = self._opened_costs(keys, cost)
        if among is None:
            return self.after(keys, cost)
        reach = self.reach.copy()
        for i, _, new, old in self._changes(keys, cost, self._limits[-1]):
            reach[i] += self._within(new) - self._within(old)
        return among, reach

    def _opened_costs(self, keys: Ints, cost: Floats) -> Floats | None:
        """Least costs among the places once some edges are cheaper; None where that takes the fields after the change.

        A way over one of the edges is an old way to it and an old way on.  No old way between two cells is shorter than their values
        differ in any field; with that as the way from edge to edge, ways over several are too long, or the fields tell.
        """
        at, k, mine = self._edges(keys)
        before, new = self._weight[at, k], self._free[at, k] + cost[mine]
        if (new > before).any():
            return None
        lower = new < before
        at, k, new = at[lower], k[lower], new[lower]
        today = self.cost
        if not len(at):
            return today
        if 2 * len(at) * max(2 * len(at), len(self.fields)) > len(self._free) // 4:  # looking is dear, too
            return None
        ends = np.concatenate([at, at + self._off[k]])
        to = self._all[:, ends]
        step, on = np.concatenate([new, new]), np.roll(to, len(at), axis=1)
        once = _least_sum(to + step, on)
        found = np.minimum(today, np.minimum(once, once.T))
        apart = np.zeros((len(ends), len(ends)))
        with np.errstate(invalid="ignore"):
            for x, y in zip(on, to):  # NaN where a field comes to neither end
                np.fmax(apart, np.abs(x[:, None] - y), out=apart)
        hop, left = apart + step, on
        while True:  # once for every edge on the longest way that may pay
            less = np.minimum(left, _least_sum(left, hop))
            if np.array_equal(less, left):
                break
            left = less
        if not (_least_sum(to + step, left) >= found * SAME).all():
            return None
        return np.where(found < today * SAME, found, today)

    def changed_cells(
        self, keys: Ints, cost: Floats, limit: float = np.inf
    ) -> list[tuple[Ints, Floats, Floats]]:
        """Which cells are nearer or farther once some edges cost something else, for every place.

        Parameters
        ----------
        keys, cost
            As for :meth:`after`.
        limit : float
            Distance from which on it does not matter how far a cell is [m of open ground].

        Returns
        -------
        list of (cells, new, old)
            Flat cells of the grid, and their distances then and now [m of open ground].  With a limit, all that are within it then
            or now, maybe others too; a distance beyond the limit says only that.
        """
        none = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        found = [none] * len(self.fields)
        for i, cells, new, old in self._changes(keys, cost, limit):
            r, c = np.divmod(cells, self._wide)
            found[i] = ((r - self._pad) * self._cols + c - self._pad, new, old.copy())
        return found

    def _changes(
        self, keys: Ints, cost: Floats, limit: float = np.inf
    ) -> Iterator[tuple[int, Ints, Floats, Floats]]:
        """Place, cells on the grid with its rim, distances then and now, where any differs; the fields hold what is then in between.

        With a limit, at least all cells that are within it now or then, and any value beyond it for those that leave it.
        """
        at, k, mine = self._edges(keys)
        before, new = self._weight[at, k], self._free[at, k] + cost[mine]
        differ = before != new
        at, k, before = at[differ], k[differ], before[differ]
        self._weight[at, k] = new[differ]
        falls = bool((self._weight[at, k] < before).all())
        most = len(self._free) // PART if not falls else NEAR if limit < np.inf else FEW
        opened: CostSurface | None = None
        for i, field in enumerate(self.fields):
            cells, old, done = update_field(
                self._weight, self._off, field, at, k, before, self._hit, most, limit
            )
            if not done:
                field[cells] = old
                opened = self._opened(keys, cost) if opened is None else opened
                cells, old = self._fallen(opened, field, at, k) if falls else self._afresh(opened, i)
            if len(cells):
                yield i, cells, field[cells], old
                field[cells] = old
        self._weight[at, k] = before

    def _opened(self, keys: Ints, cost: Floats) -> CostSurface:
        """The surface with other costs on some edges."""
        barriers = EdgeBarriers.empty() if self._surface.barriers is None else self._surface.barriers
        changed = barriers.replaced(keys, cost, cost)  # fields look at costs alone
        return self._surface.with_barriers(changed)

    def _afresh(self, opened: CostSurface, place: int) -> tuple[Ints, Floats]:
        """Make the field of a place anew; cells that changed, and their values before."""
        field, own = self.fields[place], np.split(self._cells, self._first[1:])[place]
        own, now = own[field[own] == 0], np.full(len(field), np.inf)
        now[own] = 0.0
        self._relax(opened, now, own)
        return self._taken(field, now)

    def _relax(self, surface: CostSurface, flat: Floats, cells: Ints) -> None:
        """Lower a field on the grid with its rim, starting from cells that have just fallen."""
        inner = (slice(self._pad, -self._pad),) * 2
        whole = flat.reshape(-1, self._wide)
        rows, cols = np.divmod(cells, self._wide)
        dist = np.ascontiguousarray(whole[inner])
        relax(surface, dist, (rows - self._pad) * self._cols + cols - self._pad)
        whole[inner] = dist

    @staticmethod
    def _taken(field: Floats, now: Floats) -> tuple[Ints, Floats]:
        """Bring a field to new values; cells that changed, and their values before."""
        cells = np.flatnonzero(now != field)
        old = field[cells]
        field[cells] = now[cells]
        return cells, old

    def _fallen(self, opened: CostSurface, field: Floats, at: Ints, k: Ints) -> tuple[Ints, Floats]:
        """Lower a field whose edges ``at, k`` got cheaper, tile by tile; cells that fell, and their values before."""
        now, ends = field.copy(), np.stack([at, at + self._off[k]])
        np.minimum.at(now, ends[::-1], field[ends] + self._weight[at, k])
        self._relax(opened, now, np.unique(ends[now[ends] < field[ends]]))
        return self._taken(field, now)


def _least_sum(a: Floats, b: Floats) -> Floats:
    """Least sum over the last axis of every row of one with every row of the other, (rows of a, rows of b)."""
    return np.array([(row + b).min(axis=-1) for row in a])
