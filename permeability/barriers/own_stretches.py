"""Which stretch of a line each cut stands for, so that an opening is shared out over the cuts it meets.

A cut stands for ``(h / length) |v.n| / (1 + sqrt 2)`` metres of its line (DESIGN 3.4).  Laid end to end along the line in the
order of the cuts these lengths fill it, up to the drift of a line that winds; the drift is evened out over a few cells.
The stretches of a line touch each other and cover it where it lies on the grid, so the shares of an opening over its
cuts add up to its drawn length wherever the grid begins, and a wider opening never has a smaller share of any cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EVEN_OUT_CELLS = 16.0  # the drift is evened out over this much of the line on both sides [cells]
REACH_CELLS = (
    1.5  # a line is on the grid up to here beyond its first and last cut, and between cuts up to twice this
)
SMALLEST = 0.05  # no stretch becomes shorter than this share of what its cut stands for

Array = NDArray[np.float64]


def own_stretches(
    chain: NDArray[np.int64], along: Array, length: Array, chain_length: Array, cell_size: float
) -> tuple[Array, Array]:
    """The stretch of its chain that every cut stands for.

    Parameters
    ----------
    chain : int array, shape (cuts,)
    along : array, shape (cuts,)
        Place of each cut on its chain [m].
    length : array, shape (cuts,)
        Length of line that it stands for [m]; 0 for edges that are no link of the circuit: theirs is one cell about
        their place, and they take nothing from the others.
    chain_length : array, shape (chains,)
        [m]
    cell_size : float
        [m]

    Returns
    -------
    (array, array), shape (cuts,)
        From and to, distances along the chain [m].

    Examples
    --------
    Two cuts that stand for a kilometre each, on a chain of two kilometres:

    >>> low, high = own_stretches(np.zeros(2, int), np.array([400.0, 1500.0]), np.full(2, 1000.0), np.array([2000.0]), 1000.0)
    >>> low.tolist(), high.tolist()
    ([0.0, 950.0], [950.0, 2000.0])
    """
    half = 0.5 * cell_size
    end = chain_length[chain] if len(chain) else np.zeros(0)
    low, high = np.clip(along - half, 0.0, end), np.clip(along + half, 0.0, end)
    order = np.lexsort((length, along, chain))
    order = order[length[order] > 0]
    apart = (np.diff(chain[order]) != 0) | (np.diff(along[order]) > 2 * REACH_CELLS * cell_size)
    runs = [run for run in np.split(order, np.flatnonzero(apart) + 1) if len(run)]
    laid = [np.concatenate([[0.0], np.cumsum(length[run])]) for run in runs]
    drift = [along[run] - 0.5 * (x[1:] + x[:-1]) for run, x in zip(runs, laid)]
    for run, x, even in zip(runs, laid, _evened(along, drift, length, runs, EVEN_OUT_CELLS * cell_size)):
        edges = _edges(along[run], x, even, length[run], float(chain_length[chain[run[0]]]), cell_size)
        low[run], high[run] = edges[:-1], edges[1:]
    return low, high


def _edges(s: Array, laid: Array, even: Array, length: Array, end: float, cell_size: float) -> Array:
    """Where the stretches of the cuts of one run touch, shape (cuts + 1,)."""
    reach = REACH_CELLS * cell_size
    first, last = max(0.0, float(s[0]) - reach), min(end, float(s[-1]) + reach)
    edges = laid + np.concatenate([[even[0]], 0.5 * (even[1:] + even[:-1]), [even[-1]]])
    # a line that begins or ends on the grid is covered to its very end; one that comes from outside to its first cut
    edges[0] = first if first == 0.0 else max(first, min(edges[0], s[0]))
    edges[-1] = last if last == end else min(last, max(edges[-1], s[-1]))
    return _rising(edges, SMALLEST * length)


def _evened(
    along: Array, drifts: list[Array], length: Array, runs: list[NDArray[np.int64]], reach: float
) -> list[Array]:
    """Mean of the drift of every run by weight, less and less of it up to ``reach`` on both sides of every cut, so that nothing jumps.

    All runs at once: what lies on another run is beyond all reach.
    """
    if not runs:
        return []
    every, count = np.concatenate(runs), np.array([len(run) for run in runs])
    of, end = np.repeat(np.arange(len(runs)), count), np.cumsum(count)
    s, drift, weight = along[every], np.concatenate(drifts), length[every]
    # the same reach on both sides, also at the ends of the run
    to_first, to_last = s - s[end - count][of], s[end - 1][of] - s
    span = np.maximum(np.minimum(reach, np.minimum(to_first, to_last)), 1e-9 * reach)
    top, sums = weight * drift, weight.copy()
    for k in range(1, len(s)):
        gap = np.where(of[k:] == of[:-k], s[k:] - s[:-k], np.inf)
        if gap.min() >= reach:
            break  # cuts of a run lie one behind the other: from here on all are too far
        for here, there in ((slice(None, -k), slice(k, None)), (slice(k, None), slice(None, -k))):
            near = np.maximum(1.0 - gap / span[here], 0.0) * weight[there]
            top[here] += near * drift[there]
            sums[here] += near
    return np.split(top / sums, end[:-1])


def _rising(edges: Array, least: Array) -> Array:
    """Edges pushed apart until every stretch has its least length; the ends are held."""
    least = least * min(1.0, 0.5 * (edges[-1] - edges[0]) / max(float(least.sum()), 1e-300))
    before = np.concatenate([[0.0], np.cumsum(least)])
    pushed = np.maximum.accumulate(edges - before) + before
    return np.minimum(pushed, edges[-1] - (before[-1] - before))
