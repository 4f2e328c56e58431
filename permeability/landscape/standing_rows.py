"""What barriers add to edges when other rows of the layer stand: worked out for the edges that the rows touch, not for all.

What a piece of line costs does not depend on the rows of other lines, so it is worked out once; a row that does not stand costs
nothing.  Only which crossings cancel depends on others (:mod:`permeability.barriers.cut_links`), and only on the edges listed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.cut_costs import (
    Pieces,
    acts_of,
    costs_of_pieces,
    mouths_of,
    nearest_mouths,
    pieces_of,
    places_met,
)
from permeability.landscape.edge_series import every_edge
from permeability.landscape.landscape import Landscape

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class EdgeSums(NamedTuple):
    """What barriers add to some edges: ``keys`` (cell * 8 + direction), least-cost metres, series resistance, (edges,) each."""

    keys: Ints
    cost: Array
    series: Array


class StandingRows:
    """A landscape of which some rows are taken away, or stand alone.

    Parameters
    ----------
    land : Landscape

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> rows = StandingRows(land)
    >>> without = rows.without(land.barriers.rows_of("F"))
    >>> edges = land.without_lines(["F"]).edge_barriers()
    >>> bool((edges.at(without.keys)[0] == without.cost).all())
    True
    """

    def __init__(self, land: Landscape) -> None:
        self.land, cuts, model = land, land.cuts, land.cost_model
        acts = acts_of(land.barriers, cuts.chains, land.scenario.interventions)
        self.plain = model.plain.sum(axis=1)[cuts.barrier] if len(cuts) else np.zeros(0)
        self.pieces = pieces_of(cuts, acts, reach_m=model.reach_m)
        mouths = mouths_of(acts)
        self.worth = model.traced(
            model.piece_costs(self.pieces, acts), self.pieces.row,
            nearest_mouths(self.pieces, mouths, model.reach_m), mouths,
        )  # fmt: skip
        self.places = places_met(cuts, cuts.links)
        self.free = model.piece_costs(self.places, acts) == 0
        self.first_piece = np.searchsorted(self.pieces.cut, np.arange(len(cuts) + 1))
        owner = np.concatenate([cuts.barrier.astype(np.int64), self.pieces.row])
        cut = np.concatenate([np.arange(len(cuts)), self.pieces.cut])
        linked = cuts.links.first[self.places.cut] if len(cuts.links) else np.zeros(0, np.int64)
        owner, cut = np.concatenate([owner, self.places.row]), np.concatenate([cut, linked])
        order = np.argsort(owner, kind="stable")
        self.cut_by_row, self.row_start = (
            cut[order],
            np.searchsorted(owner[order], np.arange(len(land.barriers) + 1)),
        )

    def touched(self, rows: Ints) -> Ints:
        """Edges that some rows cut, or on which crossings hang on whether they stand; ascending keys."""
        found = [
            self.cut_by_row[self.row_start[r] : self.row_start[r + 1]] for r in np.asarray(rows).tolist()
        ]
        return np.unique(self.land.cuts.edge_keys[np.concatenate([np.zeros(0, np.int64), *found])])

    def without(self, rows: Ints, keys: Ints | None = None) -> EdgeSums:
        """The touched edges with some rows taken away and all others as they are.

        Parameters
        ----------
        rows : int array
            Of the barrier table.
        keys : int array, optional
            The edges asked for, ascending; by default those that these rows touch.

        Returns
        -------
        EdgeSums
        """
        standing = self.land.standing.copy()
        standing[rows] = False
        return self.sums(standing, self.touched(rows) if keys is None else keys)

    def only(self, rows: Ints, keys: Ints | None = None) -> EdgeSums:
        """The touched edges with some rows standing as they are and no other; parameters as for :meth:`without`."""
        standing = np.zeros(len(self.land.standing), bool)
        standing[rows] = self.land.standing[rows]
        return self.sums(standing, self.touched(rows) if keys is None else keys)

    def sums(self, standing: Mask, keys: Ints) -> EdgeSums:
        """What barriers add to some edges.

        Parameters
        ----------
        standing : bool array, shape (rows of the table,)
            No row more than stands in the landscape.
        keys : int array, shape (edges,)
            Ascending.

        Returns
        -------
        EdgeSums
        """
        cuts = self.land.cuts
        which = cuts.on_edges(keys)
        cost = np.where(standing[cuts.barrier[which]], self.plain[which], 0.0)
        count = self.first_piece[which + 1] - self.first_piece[which]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        mine = np.repeat(self.first_piece[which], count) + within
        number = np.repeat(np.arange(len(which)), count)
        pieces = Pieces(number, *(column[mine] for column in self.pieces[1:]))
        worth = np.where(standing[pieces.row], self.worth[mine], 0.0)
        costs = costs_of_pieces(cost, pieces, worth, self._cancelled(which, standing))
        edges = keys, np.searchsorted(keys, cuts.edge_keys[which])
        sums = every_edge(edges, costs, self.land.weight[which], self.land.resistance)
        return EdgeSums(keys, sums.cost, sums.resistance)

    def _cancelled(self, which: Ints, standing: Mask) -> Ints:
        """Places in ``which`` of the cuts that cancel."""
        links = self.land.cuts.links
        if not len(links):
            return np.zeros(0, np.int64)
        here = links.only(np.flatnonzero(np.isin(links.first, which)))
        places = np.isin(self.places.cut, np.flatnonzero(np.isin(links.first, which)))
        free = self.free[places] | ~standing[self.places.row[places]]
        return np.searchsorted(which, here.cancelled(free)).astype(np.int64)
