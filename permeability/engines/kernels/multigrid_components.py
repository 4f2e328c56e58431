"""Connected components of a link grid: which cells can exchange current at all."""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.small_loops import largest


@inner(cache=True, nogil=True)
def find_root(parent, i):
    """Root of ``i``; halves the path to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@inner(cache=True, nogil=True)
def join_roots(parent, i, j):
    """One tree of two; the smaller index stays root, so a tree's root is its first member."""
    a, b = find_root(parent, i), find_root(parent, j)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@njit(cache=True, nogil=True)
def component_roots(e, s, se, sw, regions):
    """Flat index of the first cell of every cell's component, (rows, cols) int32.

    ``regions`` is an integer label raster (cells of one positive label are joined) or has size 0.
    A cell without any link is a component of its own.
    """
    rows, cols = e.shape
    parent = np.empty(rows * cols, np.int32)
    for i in range(rows * cols):
        parent[i] = i
    for r in range(rows):
        for c in range(cols):
            i = r * cols + c
            if e[r, c] > 0.0:
                join_roots(parent, i, i + 1)
            if s[r, c] > 0.0:
                join_roots(parent, i, i + cols)
            if se[r, c] > 0.0:
                join_roots(parent, i, i + cols + 1)
            if sw[r, c] > 0.0:
                join_roots(parent, i, i + cols - 1)
    if regions.size > 0:
        first = np.full(largest(regions) + 1, -1, dtype=np.int64)
        for r in range(rows):
            for c in range(cols):
                label = regions[r, c]
                if label > 0:
                    if first[label] < 0:
                        first[label] = r * cols + c
                    else:
                        join_roots(parent, first[label], r * cols + c)
    for i in range(parent.size):
        parent[i] = parent[parent[i]]  # the root is the smallest index, so one step suffices in this order
    return parent.reshape((rows, cols))
