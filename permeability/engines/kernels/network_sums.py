"""Sums over all that a node of a network reaches within a length: one bounded search from every node, sparse in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import njit
from permeability.engines.kernels.shortest_update import drop, push

__all__ = ["network_sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _sums(first, to, length, weight, mean, limit, out, reached):
    n = len(first) - 1
    best = np.full(n, np.inf)
    touched = np.empty(n, np.int64)
    keys = np.empty(len(to) + 1)
    nodes = np.empty(len(to) + 1, np.int64)
    for source in range(n):
        if not weight[source] > 0:
            continue
        best[source] = 0.0
        touched[0] = source
        count = 1
        keys[0] = 0.0
        nodes[0] = source
        size = 1
        total = 0.0
        seen = 0.0
        while size > 0:
            d = keys[0]
            node = nodes[0]
            size = drop(keys, nodes, size)
            if d > best[node]:
                continue
            total += weight[node] * np.exp(-d / mean)
            seen += weight[node]
            for k in range(first[node], first[node + 1]):
                e = d + length[k]
                other = to[k]
                if e <= limit and e < best[other]:
                    if best[other] == np.inf:
                        touched[count] = other
                        count += 1
                    best[other] = e
                    keys, nodes, size = push(keys, nodes, size, e, other)
        out[source] = total
        reached[source] = seen
        for k in range(count):
            best[touched[k]] = np.inf


def network_sums(
    first: Ints, to: NDArray[np.int32], length: Floats, weight: Floats, mean: float, limit: float
) -> tuple[Floats, Floats]:
    """For every node ``sum_j w_j exp(-d_ij / mean)`` over the nodes within a length, and the weight of those.

    Parameters
    ----------
    first : array of int64, shape (n + 1,)
        Where the links of each node begin (CSR; every link stands under both of its nodes).
    to : array of int32, shape (links,)
    length : array, shape (links,)
        0 or more.
    weight : array, shape (n,)
        0 or more; nodes of weight 0 are passed but never set out from.
    mean : float
        Of the kernel.
    limit : float
        Longest way; ``inf`` for all.

    Returns
    -------
    sums, reached : arrays, shape (n,)
        0 at nodes of weight 0.

    Examples
    --------
    >>> first, to = np.array([0, 1, 2]), np.array([1, 0], np.int32)
    >>> sums, reached = network_sums(first, to, np.array([np.log(2), np.log(2)]), np.array([3.0, 4.0]), 1.0, np.inf)
    >>> sums.tolist(), reached.tolist()  # 3 + 4 / 2, 4 + 3 / 2
    ([5.0, 5.5], [7.0, 7.0])
    """
    out, reached = np.zeros(len(weight)), np.zeros(len(weight))
    _sums(first, to, length, weight, float(mean), float(limit), out, reached)
    return out, reached
