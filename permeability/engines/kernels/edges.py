"""The edges of the movement graph as arrays: directions, link planes, barriers on edges.

Every undirected edge of the grid has one name: the flat index of its *first* cell and a direction.

===== ========= ============ =======================
 no.   name      row, column  length [cells]
===== ========= ============ =======================
 0     E         0, +1        1
 1     S         +1, 0        1
 2     SE        +1, +1       sqrt 2
 3     SW        +1, -1       sqrt 2
 4     ESE       +1, +2       sqrt 5 (16 neighbours)
 5     WSW       +1, -2       sqrt 5 (16 neighbours)
 6     SSE       +2, +1       sqrt 5 (16 neighbours)
 7     SSW       +2, -1       sqrt 5 (16 neighbours)
===== ========= ============ =======================

A knight's move (4 to 7) runs through four cells, a quarter of its length in each: its two ends and the two cells
between them.  So its ground is the mean of the four (as in r.cost -k of GRASS GIS), and a cell without passage
between the ends closes it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

D_ROW: NDArray[np.int64] = np.array([0, 1, 1, 1, 1, 1, 2, 2], dtype=np.int64)
D_COL: NDArray[np.int64] = np.array([1, 0, 1, -1, 2, -2, 1, -1], dtype=np.int64)
LENGTH: NDArray[np.float64] = np.sqrt((D_ROW**2 + D_COL**2).astype(np.float64))  # [cells]
N_DIRECTIONS = {4: 2, 8: 4, 16: 8}
#: The two cells that a knight's move passes, seen from its first cell: (8, 2) rows and columns; its own ends elsewhere.
BETWEEN_ROW: NDArray[np.int64] = np.array(
    [[0, 0], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1], [1, 1], [1, 1]], dtype=np.int64
)
BETWEEN_COL: NDArray[np.int64] = np.array(
    [[0, 1], [0, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [0, 1], [0, -1]], dtype=np.int64
)


class EdgeBarriers(NamedTuple):
    """What barriers add to single edges, one row per edge (no duplicates), sorted by (cell, direction).

    ``cost`` is added to the least-cost length of the edge [m of open ground], ``resistance`` in series to
    its circuit resistance [dimensionless]; ``inf`` in either removes the edge.
    """

    cell: NDArray[np.int64]
    direction: NDArray[np.uint8]
    cost: NDArray[np.float64]
    resistance: NDArray[np.float64]

    @classmethod
    def empty(cls) -> EdgeBarriers:
        """No barrier at all."""
        none = np.zeros(0)
        return cls(np.zeros(0, np.int64), np.zeros(0, np.uint8), none, none)

    @property
    def keys(self) -> NDArray[np.int64]:
        """Name of every edge, cell * 8 + direction."""
        return np.asarray(self.cell * 8 + self.direction)

    def at(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``cost`` and ``resistance`` of edges given by key; 0 where there is none."""
        if not len(self.cell):
            return np.zeros(len(keys)), np.zeros(len(keys))
        here = self.keys
        place = np.minimum(np.searchsorted(here, keys), len(here) - 1)
        there = here[place] == keys
        return np.where(there, self.cost[place], 0.0), np.where(there, self.resistance[place], 0.0)

    def replaced(
        self, keys: NDArray[np.int64], cost: NDArray[np.float64], resistance: NDArray[np.float64]
    ) -> EdgeBarriers:
        """The same with other values on some edges (no duplicates)."""
        keep = ~np.isin(self.keys, keys)
        every = np.concatenate([self.keys[keep], keys])
        order = np.argsort(every, kind="stable")
        every = every[order]
        return EdgeBarriers(
            every // 8, (every % 8).astype(np.uint8),
            np.concatenate([self.cost[keep], cost])[order], np.concatenate([self.resistance[keep], resistance])[order],
        )  # fmt: skip


def ground_along(
    resistance: NDArray[np.float64], cell: NDArray[np.int64], direction: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean resistance of the ground under edges: of both ends, of the two cells between as well for a knight's move.

    Parameters
    ----------
    resistance : array, shape (rows, cols)
    cell, direction : int array, shape (edges,)
        Edges; those that leave the grid sideways get what lies where they would wrap, so leave them out before.

    Returns
    -------
    array, shape (edges,)
        NaN or inf where a cell has no passage.

    Examples
    --------
    >>> import numpy as np
    >>> ground = np.array([[1.0, 9.0, 1.0], [1.0, 9.0, 1.0]])
    >>> ground_along(ground, np.array([0, 0]), np.array([0, 4])).tolist()  # one step east; (0, 0) to (1, 2)
    [5.0, 5.0]
    """
    flat, cols = resistance.reshape(-1), resistance.shape[1]
    k = np.asarray(direction, np.int64)
    at = np.asarray(cell, np.int64)

    def value(row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(flat[np.clip(at + row * cols + col, 0, flat.size - 1)], np.float64)

    ends = value(0 * k, 0 * k) + value(D_ROW[k], D_COL[k])
    middle = value(BETWEEN_ROW[k, 0], BETWEEN_COL[k, 0]) + value(BETWEEN_ROW[k, 1], BETWEEN_COL[k, 1])
    return np.where(k < 4, 0.5 * ends, 0.25 * (ends + middle))


class GridLinks(NamedTuple):
    """Conductances of the links of a 4- or 8-neighbour grid, four (rows, cols) float64 planes, 0 = no link.

    ``e[r, c]`` joins (r, c) with (r, c+1), ``s`` with (r+1, c), ``se`` with (r+1, c+1), ``sw`` with (r+1, c-1).

    Examples
    --------
    >>> import numpy as np
    >>> grid_links(np.ones((2, 2)), neighbours=4).e.tolist()  # row by row: a link to the east, none
    [[1.0, 0.0], [1.0, 0.0]]
    """

    e: NDArray[np.float64]
    s: NDArray[np.float64]
    se: NDArray[np.float64]
    sw: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of the grid."""
        return self.e.shape


def grid_links(
    resistance: NDArray[np.float64],
    *,
    neighbours: int = 8,
    average: str = "resistance",
    barriers: EdgeBarriers | None = None,
) -> GridLinks:
    """Link conductances of a resistance raster, barriers in series.

    Parameters
    ----------
    resistance : array, shape (rows, cols)
        Cell resistance [dimensionless]; NaN or inf = no node.
    neighbours : {8, 4}
    average : {"resistance", "conductance"}
        ``resistance``: ``1 / (length (R_a + R_b) / 2)``; ``conductance``: ``(1/R_a + 1/R_b) / (2 length)``,
        with length 1 or sqrt 2 cells (McRae et al. 2008, doi:10.1890/07-1861.1).
    barriers : EdgeBarriers, optional
        Series resistance of single edges.

    Returns
    -------
    GridLinks
        Conductance of every link [dimensionless]; 0 = no link.

    Examples
    --------
    >>> import numpy as np
    >>> grid_links(np.array([[1.0, 3.0]])).e.tolist()  # 1 / mean of 1 and 3
    [[0.5, 0.0]]
    >>> grid_links(np.array([[1.0, 3.0]]), average="conductance").e.round(3).tolist()  # mean of 1 and 1/3
    [[0.667, 0.0]]
    """
    r = np.where(np.isfinite(resistance), resistance, np.inf).astype(np.float64)
    planes = []
    for k in range(4):
        plane = np.zeros(r.shape)
        if k < N_DIRECTIONS[neighbours]:
            first, second = pair_views(r, k)
            link = pair_views(plane, k)[0]
            if average == "resistance":
                np.divide(2.0 / LENGTH[k], first + second, out=link)
            else:
                both = np.isfinite(first) & np.isfinite(second)
                link[both] = ((1.0 / first + 1.0 / second) / (2.0 * LENGTH[k]))[both]
        planes.append(plane)
    if barriers is not None and len(barriers.cell):
        for k in range(4):
            rows = np.flatnonzero(barriers.direction == k)
            flat, at = planes[k].reshape(-1), barriers.cell[rows]
            g, z = flat[at], barriers.resistance[rows]
            with np.errstate(divide="ignore"):
                flat[at] = np.where(g > 0, 1.0 / (1.0 / g + z), 0.0)
    return GridLinks(*planes)


def pair_views(a: NDArray[Any], k: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Views of the first and second cells of all edges of a direction.

    Parameters
    ----------
    a : array, shape (rows, cols)
    k : int
        Direction.

    Returns
    -------
    (array, array)

    Examples
    --------
    >>> import numpy as np
    >>> [v.tolist() for v in pair_views(np.array([[1, 2], [3, 4]]), 3)]  # to the south-west
    [[[2]], [[3]]]
    """
    rows, cols = a.shape
    dr, dc = int(D_ROW[k]), int(D_COL[k])
    c0, c1 = max(0, -dc), cols - max(0, dc)
    return a[: rows - dr, c0:c1], a[dr:, c0 + dc : c1 + dc]
