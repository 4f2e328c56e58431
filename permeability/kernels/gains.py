"""Effective resistances of small dense networks, by additions of non-negative numbers only."""

from __future__ import annotations

import numpy as np
from numba import njit

from permeability.kernels.dissection import reduce_front


@njit(cache=True, nogil=True)
def small_resistances(g):
    """All pairwise effective resistances of a network of conductances ``g`` (upper half read), O(n^4).

    Node after node serves as the ground of those behind it and is eliminated afterwards, so no resistance is
    the difference of two larger ones.  ``inf`` between components.
    """
    n = g.shape[0]
    out = np.zeros((n, n))
    net = g.copy()
    low = np.empty((n, n))
    x = np.empty((n, n))
    for ground in range(n - 1):
        _grounded(net, ground, low, x)
        for i in range(ground + 1, n):
            out[ground, i] = out[i, ground] = x[i, i]
        d = 0.0
        for j in range(ground + 1, n):
            d += net[ground, j]
        if d > 0.0:
            for i in range(ground + 1, n):
                a = net[ground, i] / d
                for j in range(i + 1, n):
                    net[i, j] += a * net[ground, j]
    return out


@njit(cache=True, nogil=True)
def _grounded(net, ground, low, x):
    """Diagonal of the inverse of the Laplacian of ``net[ground:, ground:]`` grounded at its first node."""
    n = net.shape[0]
    for i in range(ground, n):
        for j in range(i + 1, n):
            low[i, j] = net[i, j]
    # eliminate from the last node to the first; low[i, k] (i < k) becomes g / d and the ground stays
    for k in range(n - 1, ground, -1):
        d = 0.0
        for i in range(ground, k):
            d += low[i, k]
        x[k, k] = d
        if d > 0.0:
            for i in range(ground, k):
                a = low[i, k]
                if a > 0.0:
                    for j in range(i + 1, k):
                        low[i, j] += a * low[j, k] / d
            for i in range(ground, k):
                low[i, k] /= d
    for k in range(ground + 1, n):
        d = x[k, k]
        if d == 0.0:
            for j in range(ground + 1, k):
                x[k, j] = x[j, k] = 0.0
            x[k, k] = np.inf
            continue
        for j in range(ground + 1, k):
            total = 0.0
            for i in range(ground + 1, k):
                if low[i, k] > 0.0 and x[i, j] > 0.0:
                    total += low[i, k] * x[i, j]
            x[k, j] = x[j, k] = total
        total = 1.0 / d
        for i in range(ground + 1, k):
            if low[i, k] > 0.0:
                total += low[i, k] * x[i, k]
        x[k, k] = total


@njit(cache=True, nogil=True)
def reduce_onto(g, drop, keep):
    """The network ``g`` (symmetric, non-negative) seen from the nodes ``keep`` after eliminating ``drop``."""
    ne, nb = len(drop), len(keep)
    w = np.empty((ne, ne + nb))
    for i in range(ne):
        row = g[drop[i]]
        for j in range(i, ne):
            w[i, j] = row[drop[j]]
        for j in range(i):
            w[i, j] = 0.0
        for j in range(nb):
            w[i, ne + j] = row[keep[j]]
    rest = np.empty((nb, nb))
    for i in range(nb):
        row = g[keep[i]]
        for j in range(nb):
            rest[i, j] = row[keep[j]]
    none = np.empty(0)
    reduce_front(w, rest, none, none)
    for i in range(nb):
        rest[i, i] = 0.0
        for j in range(i):
            rest[i, j] = rest[j, i]
    return rest
