"""From cuts to edges: crossing costs added up for the least-cost view, one series resistance for the circuit view.

An edge whose cut is open over a share of its stretch is two edges side by side, each with the ground under it: it
conducts ``share / (r + z_open) + (1 - share) / (r + z_closed)`` with the ground's resistance ``r`` and the barriers' ``z``.
What is handed on is the one series resistance that conducts as much.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.cut_costs import CutCosts, CutParts
from permeability.engines.kernels.edges import LENGTH, EdgeBarriers, ground_along

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class EveryEdge(NamedTuple):
    """What barriers add to edges that they cut: least-cost metres, series resistance in the circuit, and whether it is anything."""

    cost: Array
    resistance: Array
    there: NDArray[np.bool_]

    def rows(self, keys: Ints) -> EdgeBarriers:
        """One row per edge that costs anything, from the names of all."""
        cost, resistance, there = self
        mine = keys[there]
        return EdgeBarriers(mine // 8, (mine % 8).astype(np.uint8), cost[there], resistance[there])


def every_edge(edges: tuple[Ints, Ints], costs: CutCosts, weight: Array, resistance: Array) -> EveryEdge:
    """What barriers add to every edge they cut.

    Parameters
    ----------
    edges : (array, array)
        Name of every edge (cell * 8 + direction), ascending, and the number of the edge of every cut.
    costs : CutCosts
    weight : array, shape (cuts,)
        ``(h / length) |v.n|`` [m].
    resistance : array, shape (rows, cols)
        Of the ground [dimensionless].

    Returns
    -------
    EveryEdge
        Of every edge, also those that cost nothing.
    """
    keys, of_cut = edges
    cost, parts = costs.cost_m, costs.parts
    apart = np.zeros(len(cost), bool)
    apart[parts.cut] = True
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where((costs.interface_m > 0) & ~apart, costs.interface_m / weight, 0.0)
    there = np.zeros(len(keys), bool)
    there[of_cut[(cost > 0) | (z > 0) | apart]] = True
    added, series = sums_on(of_cut, cost, len(keys)), sums_on(of_cut, z, len(keys))
    if len(parts.cut):
        edge = of_cut[parts.cut]
        mixed = np.unique(edge)
        ground = ground_resistance(keys[mixed], resistance)
        series[mixed] = side_by_side(np.searchsorted(mixed, edge), parts, weight, ground, series[mixed])
    return EveryEdge(added, series, there)


def sums_on(edge: Ints, values: Array, n: int) -> Array:
    """Sum of the values of the cuts on each of ``n`` edges, in their order."""
    return np.asarray(np.bincount(edge, weights=values, minlength=n), np.float64)


def ground_resistance(edges: Ints, resistance: Array) -> Array:
    """Resistance of the ground under edges given by key (cell * 8 + direction): length times the mean of both cells."""
    a, k = edges // 8, edges % 8
    out = LENGTH[k] * ground_along(resistance, a, k)
    return np.where(np.isfinite(out), out, 1.0)  # edges that lead out of the landscape carry nothing


def side_by_side(edge: Ints, parts: CutParts, weight: Array, ground: Array, rest: Array) -> Array:
    """Series resistance of edges with cuts in pieces.

    Parameters
    ----------
    edge : int array, shape (pieces,)
        Number of the edge of each piece.
    parts : CutParts
    weight : array, shape (cuts,)
    ground, rest : array, shape (edges,)
        Resistance of the ground, and of the whole cuts on the same edge [dimensionless].

    Returns
    -------
    array, shape (edges,)

    Notes
    -----
    Where several lines on one edge are open in part, their openings are taken as facing each other: the most open pieces
    come together, then the next (an animal that meets the one opening meets the other).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(parts.cost > 0, parts.cost / weight[parts.cut], 0.0)
        conductance = np.bincount(edge, parts.share / (ground[edge] + rest[edge] + z), len(ground))
        several = np.flatnonzero(_cuts_on(edge, parts.cut, len(ground)) > 1)
        for e in several:
            mine = edge == e
            conductance[e] = _facing(parts.cut[mine], parts.share[mine], z[mine], ground[e] + rest[e])
        return np.maximum(1.0 / conductance - ground, 0.0)


def _cuts_on(edge: Ints, cut: Ints, n: int) -> Ints:
    """Number of cuts in pieces on every edge."""
    first = np.concatenate([[True], (np.diff(cut) != 0) | (np.diff(edge) != 0)])
    return np.bincount(edge[first], minlength=n)


def _facing(cut: Ints, share: Array, z: Array, base: float) -> float:
    """Conductance of one edge on which several cuts are in pieces, most open pieces together."""
    upto, costs = [], []
    for c in np.unique(cut):
        mine = np.flatnonzero(cut == c)
        mine = mine[np.argsort(z[mine], kind="stable")]
        upto.append(np.cumsum(share[mine]))
        costs.append(z[mine])
    ends = np.unique(np.concatenate([np.minimum(u, 1.0) for u in upto]))
    widths = np.diff(np.concatenate([[0.0], ends]))
    middle = ends - 0.5 * widths
    total = base + sum(c[np.minimum(np.searchsorted(u, middle), len(c) - 1)] for u, c in zip(upto, costs))
    return float((widths / total).sum())
