"""Connected pieces of a range after a few edges changed: old parts joined, or found anew where a way is closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from permeability.engines.kernels.edges import D_COL, D_ROW, ground_along
from permeability.landscape.landscape import Landscape, connected_parts
from permeability.linkage.landscape_indices import range_pieces

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class RangeAfter:
    """Pieces of the range after a few edges changed.

    Parameters
    ----------
    land : Landscape
        Before.
    inside : bool array, shape (rows, cols)
        The range.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> edges = land.edge_barriers()
    >>> RangeAfter(land, land.valid).after(edges.keys, np.zeros(len(edges.keys))).tolist()  # all gone: one piece
    [96.0]
    """

    def __init__(self, land: Landscape, inside: NDArray[np.bool_]) -> None:
        self.land, self.inside = land, inside
        self.edges, parts = land.edge_barriers(), land.parts
        self.pieces = range_pieces(parts, inside, land.grid.cell_area_km2)
        self.part = parts.ravel()
        self.cells = np.bincount(parts[self.inside & (parts > 0)], minlength=int(parts.max()) + 1)

    def after(self, keys: Ints, cost: Array) -> Array:
        """Areas of the connected pieces, largest first [km2], once some edges cost something else.

        Parameters
        ----------
        keys : int array
            Edges (cell * 8 + direction), no duplicates.
        cost : array, same shape
            The *whole* barrier cost on each, ``inf`` = no passage [m of open ground].

        Returns
        -------
        array
        """
        before, _ = self.edges.at(keys)
        if (np.isinf(cost) & ~np.isinf(before)).any():
            return self._anew(keys, cost)
        opened = keys[np.isinf(before) & ~np.isinf(cost)]
        first, second = _cells(self.land, opened)
        a, b = self.part[first], self.part[second]
        if not (a != b).any():
            return self.pieces
        n = len(self.cells)
        _, joined = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(n, n)), directed=False)
        return self._areas(np.bincount(joined[1:], weights=self.cells[1:]))

    def _anew(self, keys: Ints, cost: Array) -> Array:
        edges = self.edges.replaced(keys, cost, cost)
        parts = connected_parts(self.land.valid, edges, self.land.neighbours)
        return self._areas(np.bincount(parts[self.inside & (parts > 0)]))

    def _areas(self, cells: NDArray[np.float64] | Ints) -> Array:
        return np.asarray(np.sort(cells[cells > 0])[::-1] * self.land.grid.cell_area_km2, np.float64)


def _cells(land: Landscape, keys: Ints) -> tuple[Ints, Ints]:
    """Both cells of the edges that lie in the landscape."""
    a, k = keys // 8, keys % 8
    keep = np.isfinite(ground_along(land.resistance, a, k))
    a, k = a[keep], k[keep]
    return a, a + D_ROW[k] * land.grid.cols + D_COL[k]
