"""Range cut off in every draw, today and with each candidate: parts of the landscape joined over the edges that are open.

The landscape falls into the finest parts that its barriers could ever make of it.  A draw opens some of the edges
between them, a candidate some more; what is joined then is a small graph of parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from permeability.barriers.cut_links import distinct
from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers, ground_along
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape, connected_parts

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
KEPT = 64  # states that are kept of a landscape


class DrawnPieces:
    """Range that has no path to its largest connected piece, for draws of one landscape.

    Parameters
    ----------
    land : Landscape
    inside : bool array, shape (rows, cols)
        The species' range.
    effects : EdgeEffects
        What the candidates do to the edges of this landscape.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> effects = EdgeEffects(land, [s.interventions for s in pm.candidates(land, "F", length_m=4000)])
    >>> DrawnPieces(land, land.valid, effects).cut_off(land, effects.after(land)[0]).tolist()  # any opening joins it all
    [48.0, 0.0, 0.0]
    """

    def __init__(self, land: Landscape, inside: NDArray[np.bool_], effects: EdgeEffects) -> None:
        cols, valid = land.grid.cols, land.valid.ravel()
        every = distinct(
            np.concatenate([land.cuts.edge_keys[land.chance_of[land.cuts.barrier] > 0], effects.keys])
        )
        cell, k = every // 8, every % 8
        row, col = cell // cols + D_ROW[k], cell % cols + D_COL[k]
        on = (row < land.grid.rows) & (col >= 0) & (col < cols) & (k < N_DIRECTIONS[land.neighbours])
        other = np.where(on, row * cols + col, 0)
        use = on & valid[cell] & valid[other]
        use &= np.isfinite(
            ground_along(land.resistance, cell, k)
        )  # no knight's move over a cell without passage
        self.keys, cell, other = every[use], cell[use], other[use]
        shut = np.full(len(self.keys), np.inf)
        walls = EdgeBarriers(cell, (self.keys % 8).astype(np.uint8), shut, shut)
        parts = connected_parts(land.valid, walls, land.neighbours)
        self.ends = np.column_stack([parts.ravel()[cell], parts.ravel()[other]]).astype(np.int64) - 1
        held = parts[inside & (parts > 0)] - 1
        self.area = np.bincount(held, minlength=int(parts.max())) * land.grid.cell_area_km2
        self.start = effects.start
        self.edge = np.full(len(effects.keys), -1, np.int64)
        at = np.searchsorted(self.keys, effects.keys)
        known = np.append(self.keys, -1)[at] == effects.keys
        self.edge[known] = at[known]
        self._owner = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        name, self._pair_of_edge = np.unique(np.sort(self.ends, axis=1) @ (len(self.area), 1), return_inverse=True)  # fmt: skip
        self._pairs = np.column_stack(np.divmod(name, max(len(self.area), 1)))  # of parts that edges join
        self._among_cut = np.searchsorted(land.cuts.edges[0], self.keys)
        self._known: dict[bytes, Array] = {}  # draws mostly shut the same edges

    def cut_off(self, drawn: Landscape, after: Array) -> Array:
        """Range cut off in one draw: today, and with each candidate.

        Parameters
        ----------
        drawn : Landscape
            The landscape of the draw.
        after : array, shape (edges that the candidates touch,)
            What barriers add to these edges afterwards in the least-cost view, of :meth:`EdgeEffects.after`.

        Returns
        -------
        array, shape (1 + candidates,)
            [km2]
        """
        shut, closed = np.isinf(drawn.every_edge.cost[self._among_cut]), np.isinf(after)
        state = np.packbits(shut).tobytes() + np.packbits(closed).tobytes()
        if (out := self._known.get(state)) is None:
            out = self._cut_off(shut, closed)
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[state] = out
        return out.copy()

    def _cut_off(self, shut: NDArray[np.bool_], closed: NDArray[np.bool_]) -> Array:
        """:meth:`cut_off` by which edges are shut, and which the candidates shut or leave so."""
        label = self._label(shut)
        area = np.bincount(label, weights=self.area)
        out = np.full(len(self.start), _beside_largest(area))
        touched = self.edge >= 0
        a, b = label[self.ends[self.edge]].T
        opens = touched & ~closed & (a != b)
        closes = touched & closed & ~shut[self.edge]
        pair = np.minimum(a, b) * len(area) + np.maximum(a, b)
        known: dict[bytes, float] = {}  # most candidates join the same few pieces
        for k in np.unique(self._owner[opens | closes]).tolist():
            mine = slice(self.start[k], self.start[k + 1])
            if closes[mine].any():
                now, use = shut.copy(), touched[mine]
                now[self.edge[mine][use]] = closed[mine][use]
                out[1 + k] = _beside_largest(np.bincount(self._label(now), weights=self.area))
                continue
            joins = np.unique(pair[mine][opens[mine]])
            name = joins.tobytes()
            if name not in known:
                whole = _joined(len(area), np.column_stack(np.divmod(joins, len(area))))
                known[name] = _beside_largest(np.bincount(whole, weights=area))
            out[1 + k] = known[name]
        return out

    def _label(self, shut: NDArray[np.bool_]) -> Ints:
        """Piece that each of the finest parts is of while some edges are shut."""
        open_pair = np.zeros(len(self._pairs), bool)
        open_pair[self._pair_of_edge[~shut]] = True
        return _joined(len(self.area), self._pairs[open_pair])


def _joined(nodes: int, pairs: Ints) -> Ints:
    """Label of every node once the pairs are joined."""
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _beside_largest(area: NDArray[Any]) -> float:
    return float(area.sum() - area.max(initial=0.0))
