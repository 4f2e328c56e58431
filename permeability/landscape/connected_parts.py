"""Connected parts of a grid on whose edges barriers stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels.edges import N_DIRECTIONS, EdgeBarriers, ground_along, pair_views

__all__ = ["connected_parts"]


def connected_parts(valid: NDArray[np.bool_], barriers: EdgeBarriers, neighbours: int) -> NDArray[np.int32]:
    """Connected parts of the movement graph, labels 1..n by falling number of cells (ties: first cell).

    Parameters
    ----------
    valid : bool array
        Cells of the landscape, shape (rows, cols).
    barriers : EdgeBarriers
        Edges with their cost; inf = removed.
    neighbours : {4, 8, 16}

    Returns
    -------
    int array
        Shape (rows, cols), 0 outside.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> parts = connected_parts(land.valid, land.edge_barriers(), 8)
    >>> parts[0, 0] == parts[0, 11]  # on the two sides of the fence
    np.False_
    """
    shut = np.isinf(barriers.cost)
    walls = [barriers.cell[shut & (barriers.direction == k)] for k in range(N_DIRECTIONS[neighbours])]
    label = _joined_by_links(valid, walls) if len(walls) <= 4 else _joined_by_moves(valid, walls)
    size = np.bincount(label)
    order = np.argsort(-size, kind="stable")
    rank = np.empty(len(size), np.int32)
    rank[order] = np.arange(1, len(size) + 1)
    parts = np.zeros(valid.shape, np.int32)
    parts[valid] = rank[label]
    return parts


def _joined_by_links(valid: NDArray[np.bool_], walls: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Component of every valid cell over edges to its neighbours, by the first cells of those that are shut in each direction."""
    from permeability.engines.kernels.multigrid_components import component_roots

    planes = [np.zeros(valid.shape) for _ in range(4)]
    for k, wall in enumerate(walls):
        np.logical_and(*pair_views(valid, k), out=pair_views(planes[k], k)[0])
        planes[k].reshape(-1)[wall] = 0.0
    roots = component_roots(*planes, np.zeros((0, 0), np.int32))[valid]
    own = (np.cumsum(valid.ravel()) - 1)[
        roots
    ]  # first cell of the component of every valid one, by its number among them
    is_first = own == np.arange(len(own))
    return np.asarray((np.cumsum(is_first) - 1)[own], np.int64)


def _joined_by_moves(valid: NDArray[np.bool_], walls: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """:func:`_joined_by_links` with knight's moves."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = int(valid.sum())
    node = np.full(valid.shape, -1, np.int64)
    node[valid] = np.arange(n)
    ground, cells = np.where(valid, 1.0, np.nan), np.arange(valid.size).reshape(valid.shape)
    first, second = [], []
    for k, wall in enumerate(walls):
        a, b = (x.ravel() for x in pair_views(node, k))
        cell = pair_views(cells, k)[0].ravel()
        join = (a >= 0) & (b >= 0)
        if k >= 4:  # a knight's move runs through two cells more
            join &= np.isfinite(ground_along(ground, cell, np.full(len(cell), k)))
        there = np.zeros(valid.size, bool)
        there[wall] = True
        join &= ~there[cell]
        first.append(a[join])
        second.append(b[join])
    i, j = np.concatenate(first), np.concatenate(second)
    graph = coo_matrix((np.ones(len(i), np.int8), (i, j)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
