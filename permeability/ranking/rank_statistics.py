"""From drawn gains to ranks: their ranges, what cannot be told apart, and whether the ranges hold what they say.

Works on plain tables of gains: draws (rows) and candidates (columns).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.9  # share of the draws inside a rank range
TINY = 1e-9  # of the largest gain; what is below it is rounding
TIE_DIGITS = 12  # gains that agree to this many digits of the largest are equal


def middle(values: ArrayLike, level: float = LEVEL, weights: ArrayLike | None = None) -> tuple[float, float]:
    """Low and high end of the middle ``level`` of drawn values, NaN left out; NaN when nothing is left.

    Parameters
    ----------
    values : array
        Drawn values, any shape.
    level : float
        Share of the values inside [0..1].
    weights : array, optional
        Of the values; all alike by default.

    Returns
    -------
    tuple[float, float]
        [unit of the values]

    Examples
    --------
    >>> middle(np.arange(101.0))
    (5.0, 95.0)
    """
    seen = np.asarray(values, dtype=np.float64).ravel()
    there = ~np.isnan(seen)
    if not there.any():
        return float("nan"), float("nan")
    heavy = None if weights is None else np.asarray(weights, dtype=np.float64).ravel()[there]
    low, high = _quantiles(seen[there, None], ((1 - level) / 2, (1 + level) / 2), heavy)[:, 0]
    return float(low), float(high)


def _quantiles(values: Floats, shares: tuple[float, ...], weights: Floats | None) -> Floats:
    """Quantiles of every column: the first value at which the weights below and at it reach a share."""
    if weights is None:
        found: Floats = np.quantile(values, shares, axis=0, method="inverted_cdf")
        return found
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    reached /= reached[-1]
    at = np.stack([np.argmax(reached >= share - 1e-12, axis=0) for share in shares])
    return np.take_along_axis(np.take_along_axis(values, order, axis=0), at, axis=0)


def ranks(gains: ArrayLike) -> Ints:
    """Ranks by falling gain in every draw (row); 1 = best, ties share the lower rank.

    Gains that agree to twelve digits of the largest are ties; NaN ranks last.

    Parameters
    ----------
    gains : array
        Shape (draws, candidates); more is better.

    Returns
    -------
    array
        Same shape, 1 = best.

    Examples
    --------
    >>> ranks([[0.5, 2.0, 0.5]]).tolist()
    [[2, 1, 2]]
    """
    g: NDArray[np.float64] = np.atleast_2d(np.asarray(gains, dtype=np.float64))
    finite = np.where(np.isfinite(g), np.abs(g), 0.0)
    scale = finite.max(axis=1, keepdims=True, initial=0.0)
    rounded = np.round(g / np.where(scale > 0, scale, 1.0), TIE_DIGITS)
    key = np.where(np.isnan(rounded), np.inf, -rounded)
    return np.array([1 + np.searchsorted(np.sort(row), row, side="left") for row in key], dtype=np.int64)


def rank_table(
    gains: ArrayLike,
    *,
    top: int = 10,
    cost: ArrayLike | None = None,
    worth: float = 0.0,
    weights: ArrayLike | None = None,
) -> pd.DataFrame:
    """How sure every candidate's rank is.

    Parameters
    ----------
    gains : array, shape (draws, K)
    top : int
        Size of the top.
    cost : array, shape (K,) or (draws, K), optional
        Cost of every candidate [money].
    worth : float
        Gain per money from which a candidate is worth its cost.
    weights : array, shape (draws,), optional
        How much every draw counts; all alike by default.

    Returns
    -------
    DataFrame
        ``rank_low``, ``rank_median``, ``rank_high`` (5, 50, 95 % of the draws), ``share_in_top``, ``share_first``,
        ``share_gains`` (draws with a gain above zero),
        ``gain_expected`` (mean), ``gain_low``, ``gain_median``, ``gain_high``, with cost ``share_worth_it``; one row per candidate.

    Examples
    --------
    >>> table = rank_table([[3, 1, 2], [3, 2, 1]], top=1)
    >>> table.rank_median.tolist(), table.share_in_top.tolist()
    ([1, 2, 2], [1.0, 0.0, 0.0])
    """
    g = np.atleast_2d(np.asarray(gains, dtype=np.float64))
    r = ranks(g)
    w = None if weights is None else shares_of(weights, len(g))
    low, middle, high = rank_range(r, weights=w)
    gain = _quantiles(g, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2), w)
    table = pd.DataFrame(
        {
            "rank_low": low,
            "rank_median": middle,
            "rank_high": high,
            "share_in_top": mean_of((r <= top), w),
            "share_first": mean_of((r == 1), w),
            "share_gains": mean_of((g > TINY * np.abs(g).max(initial=0.0)), w),
            "gain_expected": mean_of(g, w),
            "gain_low": gain[0],
            "gain_median": gain[1],
            "gain_high": gain[2],
        }
    )
    if cost is not None:
        money = np.broadcast_to(np.asarray(cost, dtype=np.float64), g.shape)
        table["share_worth_it"] = mean_of(g >= worth * money, w)
    return table


def shares_of(weights: ArrayLike, draws: int) -> Floats:
    """Weights of draws as shares that sum to one.

    Parameters
    ----------
    weights : array
    draws : int
        How many there must be.

    Returns
    -------
    array, shape (draws,)

    Raises
    ------
    ValueError
        When there are not as many, one is negative, or none is above zero.

    Examples
    --------
    >>> shares_of([1.0, 3.0], 2).tolist()
    [0.25, 0.75]
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (draws,) or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
        raise ValueError(f"weights of {draws} draws must be finite, not negative, and not all zero")
    return np.asarray(w / w.sum())


def mean_of(values: ArrayLike, weights: Floats | None = None) -> Floats:
    """Mean of every column, with weights or without.

    Parameters
    ----------
    values : array, shape (draws, K)
    weights : array, shape (draws,), optional
        Shares that sum to one, of :func:`shares_of`.

    Returns
    -------
    array, shape (K,)

    Examples
    --------
    >>> mean_of([[1.0], [5.0]], np.array([0.75, 0.25])).tolist()
    [2.0]
    """
    drawn = np.asarray(values, dtype=np.float64)
    return np.asarray(drawn.mean(axis=0) if weights is None else weights @ drawn)


def share_in_budget(
    gains: ArrayLike, cost: ArrayLike, budget: float, weights: ArrayLike | None = None
) -> Floats:
    """Share of the draws in which a candidate is bought when the budget goes to the best gain per money first.

    A measure of single candidates; which set is best together is another question (:mod:`permeability.planning.budget_choice`).

    Parameters
    ----------
    gains : array, shape (draws, K)
    cost : array, shape (K,) or (draws, K)
    budget : float
    weights : array, shape (draws,), optional
        How much every draw counts; all alike by default.

    Returns
    -------
    array, shape (K,)
        0..1.

    Examples
    --------
    >>> share_in_budget([[3.0, 2.0, 2.0], [3.0, 1.0, 2.0]], [1.0, 1.0, 1.0], 2.0).tolist()
    [1.0, 0.5, 0.5]
    """
    g = np.atleast_2d(np.asarray(gains, dtype=np.float64))
    money = np.broadcast_to(np.asarray(cost, dtype=np.float64), g.shape)
    bought = np.zeros(g.shape, dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(g > 0, g / money, -np.inf)
    for d, order in enumerate(np.argsort(-worth, axis=1, kind="stable")):
        left = budget
        for k in order:
            if worth[d, k] > -np.inf and money[d, k] <= left:
                bought[d, k] = True
                left -= money[d, k]
    return mean_of(bought, None if weights is None else shares_of(weights, len(g)))


def rank_range(
    drawn: ArrayLike, level: float = LEVEL, weights: ArrayLike | None = None
) -> tuple[Ints, Ints, Ints]:
    """Low, median and high rank of every candidate: what is left of its ranks when the ends are dropped in balance.

    Ranks are whole numbers, so hardly any range holds exactly a level, and two quantiles of 5 and 95 % hold far more.  This
    range starts with every rank that was drawn; whole ranks are dropped from that end where the share dropped stays the
    smaller one (of two alike the worse rank), as long as the rest holds at least ``level`` of the draws.  Without lumps
    this is the range from 5 to 95 %; ranges of a higher level hold those of a lower one.

    Parameters
    ----------
    drawn : array
        Ranks, shape (draws, candidates).
    level : float
        Least share of the draws inside [0..1].
    weights : array, shape (draws,), optional
        How much every draw counts; all alike by default.  A rank that no draw with weight has does not count.

    Returns
    -------
    tuple[array, array, array]
        Lowest, median and highest rank, each of shape (candidates,).

    Examples
    --------
    >>> [int(x[0]) for x in rank_range([[1]] * 90 + [[2]] * 6 + [[3]] * 4)]
    [1, 1, 1]
    >>> [int(x[0]) for x in rank_range(np.arange(1, 101)[:, None])]
    [6, 50, 95]
    """
    r = np.atleast_2d(np.asarray(drawn, dtype=np.int64))
    w = None if weights is None else shares_of(weights, len(r))
    n = len(r) if w is None else 1.0
    low, high = np.empty(r.shape[1], dtype=np.int64), np.empty(r.shape[1], dtype=np.int64)
    median = np.empty(r.shape[1], dtype=np.int64)
    for k in range(r.shape[1]):
        values, where = np.unique(r[:, k], return_inverse=True)
        count = np.bincount(where.ravel(), weights=w).astype(float)
        values, count = values[count > 0], count[count > 0]
        median[k] = values[np.argmax(np.cumsum(count) >= n / 2 - 1e-12)]
        first, last, below, above = 0, len(values) - 1, 0.0, 0.0
        while first < last:
            lighter = below + count[first] < above + count[last]
            if n - below - above - count[first if lighter else last] < level * n - 1e-9:
                break
            if lighter:
                first, below = first + 1, below + count[first]
            else:
                last, above = last - 1, above + count[last]
        low[k], high[k] = values[first], values[last]
    return low, median, high


def together(gains: ArrayLike, share: float = LEVEL, weights: ArrayLike | None = None) -> list[list[int]]:
    """Groups of candidates that cannot be told apart, best first.

    The candidate with the largest expected gain leads the first group; with it go all that it is not ahead of in more
    than ``share`` of the draws.  The rest is grouped likewise.

    Parameters
    ----------
    gains : array
        Shape (draws, candidates).
    share : float
        Of draws in which one must beat the other to be told apart [0..1].
    weights : array, shape (draws,), optional
        How much every draw counts; all alike by default.

    Returns
    -------
    list of list[int]
        Groups of candidates, best first, each by falling expected gain.

    Examples
    --------
    >>> together([[3.0, 2.9, 1.0], [3.0, 3.2, 1.0]])
    [[1, 0], [2]]
    """
    g = np.atleast_2d(np.asarray(gains, dtype=np.float64))
    r = ranks(g)
    w = None if weights is None else shares_of(weights, len(g))
    left = [int(k) for k in np.lexsort((mean_of(r, w), -mean_of(g, w)))]
    groups: list[list[int]] = []
    while left:
        ahead = mean_of(r[:, [left[0]]] < r[:, left], w)
        groups.append([k for k, a in zip(left, ahead) if a <= share])
        left = [k for k, a in zip(left, ahead) if a > share]
    return groups


@dataclass(frozen=True)
class Coverage:
    """How often rank ranges held the true rank.

    ``share`` over ``cases`` candidates; ``width`` = mean number of ranks in a range.

    Examples
    --------
    >>> gains = np.array([[3.0, 2.0, 1.0]])
    >>> found = coverage(gains, gains[None])  # drawn without error
    >>> found.share, found.width
    (1.0, 1.0)
    """

    share: float
    cases: int
    width: float


def coverage(true_gains: ArrayLike, drawn_gains: ArrayLike, level: float = LEVEL) -> Coverage:
    """Calibration: how often the rank range from draws holds the rank under the truth.

    Parameters
    ----------
    true_gains : array, shape (landscapes, K)
    drawn_gains : array, shape (landscapes, draws, K)
    level : float
        Share of the draws inside a range [0..1].

    Returns
    -------
    Coverage
        Share of candidates whose range held the true rank.

    Examples
    --------
    >>> coverage([[3.0, 2.0, 1.0]], [[[3.0, 2.0, 1.0]] * 10]).share
    1.0
    """
    truth, drawn = np.asarray(true_gains, dtype=np.float64), np.asarray(drawn_gains, dtype=np.float64)
    held, width = [], []
    for true_row, rows in zip(ranks(truth), drawn):
        low, _, high = rank_range(ranks(rows), level)
        held.append((low <= true_row) & (true_row <= high))
        width.append(high - low + 1)
    return Coverage(float(np.mean(held)), int(np.size(held)), float(np.mean(width)))
