"""Least costs among places, and cells within reach, after a few edges changed: exact, at the price of the cells that change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.kernels.field_update import edge_weights, update_field
from permeability.engines.leastcost.distance import relax
from permeability.engines.leastcost.surface import CostSurface, Floats

Ints = NDArray[np.int64]
FEW = 500  # cells that fall one by one; where a whole side of a barrier falls, tiles of cells are relaxed together


class ChangedFields:
    """Fields from several places on one surface, and what becomes of them when edges change.

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
        free = surface.with_barriers(None).edges
        self._surface, self._free = surface, edge_weights(free, pad)
        self._weight = self._free.copy()
        barriers = EdgeBarriers.empty() if surface.barriers is None else surface.barriers
        at, k, mine = self._edges(barriers.keys)
        self._weight[at, k] = self._free[at, k] + barriers.cost[mine]
        self.fields = [
            np.pad(np.asarray(f, np.float64), pad, constant_values=np.inf).reshape(-1) for f in fields
        ]
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
        upto = np.bincount(np.searchsorted(self._limits, values), minlength=len(self._limits) + 1)
        out = np.empty(len(self._limits), np.int64)
        out[self._order] = np.cumsum(upto[:-1])
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

    def changed_cells(self, keys: Ints, cost: Floats) -> list[tuple[Ints, Floats, Floats]]:
        """Which cells are nearer or farther once some edges cost something else, for every place.

        Parameters
        ----------
        keys, cost
            As for :meth:`after`.

        Returns
        -------
        list of (cells, new, old)
            Flat cells of the grid, and their distances then and now [m of open ground].
        """
        none = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        found = [none] * len(self.fields)
        for i, cells, new, old in self._changes(keys, cost):
            r, c = np.divmod(cells, self._wide)
            found[i] = ((r - self._pad) * self._cols + c - self._pad, new, old.copy())
        return found

    def _changes(self, keys: Ints, cost: Floats) -> Iterator[tuple[int, Ints, Floats, Floats]]:
        """Place, cells on the grid with its rim, distances then and now, where any differs; the fields hold what is then in between."""
        at, k, mine = self._edges(keys)
        before, new = self._weight[at, k], self._free[at, k] + cost[mine]
        differ = before != new
        at, k, before = at[differ], k[differ], before[differ]
        self._weight[at, k] = new[differ]
        most = FEW if (self._weight[at, k] < before).all() else len(self._free)
        opened: CostSurface | None = None
        for i, field in enumerate(self.fields):
            cells, old, done = update_field(self._weight, self._off, field, at, k, before, self._hit, most)
            if not done:
                field[cells] = old
                opened = self._opened(keys, cost) if opened is None else opened
                cells, old = self._fallen(opened, field, at, k)
            if len(cells):
                yield i, cells, field[cells], old
                field[cells] = old
        self._weight[at, k] = before

    def _opened(self, keys: Ints, cost: Floats) -> CostSurface:
        """The surface with other costs on some edges."""
        barriers = EdgeBarriers.empty() if self._surface.barriers is None else self._surface.barriers
        changed = barriers.replaced(keys, cost, cost)  # fields look at costs alone
        return self._surface.with_barriers(changed)

    def _fallen(self, opened: CostSurface, field: Floats, at: Ints, k: Ints) -> tuple[Ints, Floats]:
        """Lower a field whose edges ``at, k`` got cheaper, tile by tile; cells that fell, and their values before."""
        inner = (slice(self._pad, -self._pad),) * 2
        whole = field.reshape(-1, self._wide)
        now = whole.copy()
        flat, ends = now.reshape(-1), np.stack([at, at + self._off[k]])
        np.minimum.at(flat, ends[::-1], field[ends] + self._weight[at, k])
        fell = np.unique(ends[flat[ends] < field[ends]])
        rows, cols = np.divmod(fell, self._wide)
        dist = np.ascontiguousarray(now[inner])
        relax(opened, dist, (rows - self._pad) * self._cols + cols - self._pad)
        now[inner] = dist
        cells = np.flatnonzero(flat != field)
        old = field[cells]
        field[cells] = flat[cells]
        return cells, old
