"""From uncertain numbers to uncertain ranks: draws, rank ranges, what cannot be told apart, what matters most.

Everything here works on plain tables: uncertain numbers (columns) over draws (rows), and gains of candidates
(columns) over the same draws.  The draws are quasi-random and reproducible bit by bit from one seed; the first
n of more draws are the same draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import qmc

from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.9  # share of the draws inside a rank range
TIE_DIGITS = 12  # gains that agree to this many digits of the largest are equal


def quantiles(names: ArrayLike, draws: int, rng: int | np.random.Generator = 1) -> pd.DataFrame:
    """Quasi-random quantiles in (0, 1), one row per draw, one column per uncertain number.

    Scrambled Halton points (Owen 2017, doi:10.48550/arXiv.1706.02808), which need no particular number of draws.

    Parameters
    ----------
    names : array
        Uncertain numbers.
    draws : int
        At least 1.
    rng : int | numpy.random.Generator

    Returns
    -------
    DataFrame
        Values in (0, 1).

    Raises
    ------
    OptionError
        O51 when two numbers have one name.

    Examples
    --------
    >>> a, b = quantiles(["p", "q"], 4, 1), quantiles(["p", "q"], 9, 1)
    >>> a.equals(b.head(4))
    True
    """
    labels = [str(n) for n in np.asarray(names).ravel()]
    if len(set(labels)) < len(labels):
        raise OptionError(
            "O51", "two uncertain numbers have one name.", rows=labels, remedy="give each number its own name"
        )
    if not labels:
        return pd.DataFrame(index=range(draws))
    seed = np.random.default_rng(rng)
    u = qmc.Halton(len(labels), scramble=True, seed=seed).random(draws)
    return pd.DataFrame(np.clip(u, 1e-12, 1 - 1e-12), columns=labels)


def draw(
    estimates: Mapping[str, Estimate], draws: int, rng: int | np.random.Generator = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draws of uncertain numbers from their stated distributions, by inverse transform.

    Parameters
    ----------
    estimates : mapping of name to Estimate
        Crossing chances, trace lengths, traffic, habitat factors, costs, weights: anything with low, best, high.
    draws : int
    rng : int or Generator

    Returns
    -------
    (DataFrame, DataFrame)
        Quantiles and values, (draws, numbers).

    Examples
    --------
    >>> u, values = draw({"p": Estimate(0.1, 0.2, 0.6)}, 200, rng=1)
    >>> bool(values.p.between(0.1, 0.6).all())
    True
    """
    u = quantiles(list(estimates), draws, rng)
    values = {name: np.asarray(e.draw(u[str(name)].to_numpy())) for name, e in estimates.items()}
    return u, pd.DataFrame(values, index=u.index)


def middle(values: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Low and high end of the middle ``level`` of drawn values, NaN left out; NaN when nothing is left.

    Parameters
    ----------
    values : array
        Drawn values, any shape.
    level : float
        Share of the values inside [0..1].

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
    seen = seen[~np.isnan(seen)]
    if not len(seen):
        return float("nan"), float("nan")
    low, high = np.quantile(seen, ((1 - level) / 2, (1 + level) / 2), method="inverted_cdf")
    return float(low), float(high)


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
    gains: ArrayLike, *, top: int = 10, cost: ArrayLike | None = None, worth: float = 0.0
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

    Returns
    -------
    DataFrame
        ``rank_low``, ``rank_median``, ``rank_high`` (5, 50, 95 % of the draws), ``share_in_top``, ``share_first``,
        ``gain_low``, ``gain_median``, ``gain_high``, with cost ``share_worth_it``; one row per candidate.

    Examples
    --------
    >>> table = rank_table([[3, 1, 2], [3, 2, 1]], top=1)
    >>> table.rank_median.tolist(), table.share_in_top.tolist()
    ([1, 2, 2], [1.0, 0.0, 0.0])
    """
    g = np.atleast_2d(np.asarray(gains, dtype=np.float64))
    r = ranks(g)
    low, middle, high = rank_range(r)
    probabilities = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
    gain = np.quantile(g, probabilities, axis=0, method="inverted_cdf")
    table = pd.DataFrame(
        {
            "rank_low": low,
            "rank_median": middle,
            "rank_high": high,
            "share_in_top": (r <= top).mean(axis=0),
            "share_first": (r == 1).mean(axis=0),
            "gain_low": gain[0],
            "gain_median": gain[1],
            "gain_high": gain[2],
        }
    )
    if cost is not None:
        money = np.broadcast_to(np.asarray(cost, dtype=np.float64), g.shape)
        table["share_worth_it"] = (g >= worth * money).mean(axis=0)
    return table


def share_in_budget(gains: ArrayLike, cost: ArrayLike, budget: float) -> Floats:
    """Share of the draws in which a candidate is bought when the budget goes to the best gain per money first.

    A measure of single candidates; which set is best together is another question (:mod:`permeability.planning.budget_choice`).

    Parameters
    ----------
    gains : array, shape (draws, K)
    cost : array, shape (K,) or (draws, K)
    budget : float

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
    return np.asarray(bought.mean(axis=0))


def rank_range(drawn: ArrayLike, level: float = LEVEL) -> tuple[Ints, Ints, Ints]:
    """Low, median and high rank of every candidate: the middle ``level`` of its draws.

    Ranks are whole numbers; the usual quantiles would keep more than their level.  A rank belongs to the range when
    the share of draws below it and half the share on it lie within the level (mid-P, Lancaster 1961,
    doi:10.1080/01621459.1961.10482105).

    Parameters
    ----------
    drawn : array
        Ranks, shape (draws, candidates).
    level : float
        Share of the draws inside [0..1].

    Returns
    -------
    tuple[array, array, array]
        Lowest, median and highest rank, each of shape (candidates,).

    Examples
    --------
    >>> [int(x[0]) for x in rank_range(np.arange(1, 101)[:, None])]
    [6, 50, 95]
    """
    r = np.sort(np.atleast_2d(np.asarray(drawn, dtype=np.int64)), axis=0)
    tail = (1 - level) / 2
    n = len(r)
    low, high = np.empty(r.shape[1], dtype=np.int64), np.empty(r.shape[1], dtype=np.int64)
    for k in range(r.shape[1]):
        values, count = np.unique(r[:, k], return_counts=True)
        middle = (np.cumsum(count) - 0.5 * count) / n
        inside = values[(middle >= tail) & (middle <= 1 - tail)]
        if not len(inside):  # only below a level of one half
            inside = r[(n - 1) // 2, k : k + 1]
        low[k], high[k] = inside[0], inside[-1]
    return low, r[(n - 1) // 2].astype(np.int64), high


def together(gains: ArrayLike, share: float = LEVEL) -> list[list[int]]:
    """Groups of candidates that cannot be told apart, best first.

    In the order of the median rank, a candidate joins the group as long as the group's first is not ahead of it
    in more than ``share`` of the draws.

    Parameters
    ----------
    gains : array
        Shape (draws, candidates).
    share : float
        Of draws in which one must beat the other to be told apart [0..1].

    Returns
    -------
    list of list[int]
        Groups of candidates, best first.

    Examples
    --------
    >>> together([[3.0, 2.9, 1.0], [3.0, 3.1, 1.0]])
    [[0, 1], [2]]
    """
    g = np.atleast_2d(np.asarray(gains, dtype=np.float64))
    r = ranks(g)
    order = np.lexsort((r.mean(axis=0), np.median(r, axis=0)))
    groups: list[list[int]] = []
    for k in order:
        if groups and float(np.mean(r[:, groups[-1][0]] < r[:, k])) <= share:
            groups[-1].append(int(k))
        else:
            groups.append([int(k)])
    return groups


def first_order(quantile: ArrayLike, output: ArrayLike, bins: int | None = None) -> float:
    """First-order (Sobol) index of one uncertain number for one output, from draws made for another purpose.

    The variance of the output's mean over equally filled bins of the number, as a share of all variance, less
    what as many bins would show by chance (Plischke 2012, doi:10.1016/j.ress.2011.12.021).

    Parameters
    ----------
    quantile, output : array, shape (draws,)
    bins : int, optional
        Default: about the square root of the draws over 1.5, at most 20.

    Returns
    -------
    float
        0 = no influence by itself .. 1 = decides alone.

    Examples
    --------
    >>> u = quantiles(["a", "b"], 2000, 1)
    >>> round(first_order(u.a, u.a + u.b), 1), round(first_order(u.a, u.b), 1)
    (0.5, 0.0)
    """
    x, y = np.asarray(quantile, dtype=np.float64), np.asarray(output, dtype=np.float64)
    n = len(x)
    total = float(y.var())
    distinct, world = np.unique(x, return_inverse=True)
    if len(distinct) < n and total > 0:  # values that several draws share say no more than their mean
        means = np.bincount(world, weights=y) / np.bincount(world)
        return first_order(distinct, means, bins) * float(means.var()) / total
    m = bins or bins_of(n)
    if total <= 0 or n <= m:
        return 0.0
    group = np.argsort(np.argsort(x, kind="stable"), kind="stable") * m // n
    count = np.bincount(group, minlength=m)
    mean = np.bincount(group, weights=y, minlength=m) / count
    between = float(((mean - y.mean()) ** 2 * count).sum() / n) / total
    return float(np.clip((between * (n - 1) - (m - 1)) / (n - m), 0.0, 1.0))


def bins_of(draws: int) -> int:
    """Bins that a number is cut into for its first-order index.

    Parameters
    ----------
    draws : int

    Returns
    -------
    int
        About the square root of the draws over 1.5, 2 to 20.

    Examples
    --------
    >>> bins_of(25), bins_of(500), bins_of(10_000)
    (3, 14, 20)
    """
    return int(np.clip(np.sqrt(draws) / 1.5, 2, 20))


def least_share(draws: int) -> float:
    """Share of rank movement that a number without any influence rarely shows in so many draws.

    Two standard deviations of the estimate of :func:`first_order`, ``2 sqrt(2 (m - 1)) / n`` with ``m`` bins: the
    variance of a chi-squared sum over the bins (Plischke 2012, doi:10.1016/j.ress.2011.12.021).

    Parameters
    ----------
    draws : int

    Returns
    -------
    float

    Examples
    --------
    >>> round(least_share(500), 3), round(least_share(25), 2)
    (0.02, 0.16)
    """
    return float(2.0 * np.sqrt(2.0 * (bins_of(draws) - 1)) / draws)


def shares_by_number(
    drawn: pd.DataFrame, gains: ArrayLike, groups: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """First-order index of every number for the rank of every candidate, (numbers, candidates).

    Parameters
    ----------
    drawn : DataFrame, shape (draws, columns)
    gains : array, shape (draws, K)
    groups : mapping, optional
        Number -> its columns, whose indices are added up; by default every column is a number.

    Returns
    -------
    DataFrame
        Indices 0..1, one row per number.

    Examples
    --------
    >>> u = quantiles(["fence", "road"], 400, 1)
    >>> table = shares_by_number(u, np.stack((u.fence, 0.5 + 0 * u.fence), axis=1))
    >>> table.round(1).loc["fence"].tolist(), table.shape
    ([0.9, 0.9], (2, 2))
    """
    r = ranks(gains).astype(np.float64)
    moves = r.var(axis=0) > 0
    columns = {
        str(c): np.array([first_order(drawn[c], r[:, k]) if moves[k] else 0.0 for k in range(r.shape[1])])
        for c in drawn.columns
    }
    wanted = groups if groups is not None else {c: (c,) for c in columns}
    found = {name: np.minimum(sum(columns[c] for c in parts), 1.0) for name, parts in wanted.items()}
    return pd.DataFrame(found, index=range(r.shape[1])).T


def influence(
    drawn: pd.DataFrame, gains: ArrayLike, groups: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Which uncertain number moves the ranking most: the list of what to find out first.

    The first-order index of every number for every candidate's rank, averaged with the variance of the ranks as
    weight: the share of all rank movement that goes when the number is known.

    Parameters
    ----------
    drawn : DataFrame, shape (draws, numbers)
        Quantiles or values.
    gains : array, shape (draws, K)
    groups : mapping, optional
        As for :func:`shares_by_number`.

    Returns
    -------
    DataFrame
        ``number``, ``share``, ``most_moved`` (candidate whose rank it moves most), by falling share.

    Examples
    --------
    >>> u = quantiles(["fence", "road"], 400, 1)
    >>> influence(u, np.stack((u.fence, 0.5 + 0 * u.fence), axis=1)).number.tolist()
    ['fence', 'road']
    """
    spread = ranks(gains).astype(np.float64).var(axis=0)
    rows = []
    for name, index in shares_by_number(drawn, gains, groups).iterrows():
        moved = index.to_numpy(float) * spread
        share = float(moved.sum() / spread.sum()) if spread.sum() > 0 else 0.0
        most = int(np.argmax(moved)) if share > 0 else -1
        rows.append({"number": str(name), "share": share, "most_moved": most})
    table = pd.DataFrame(rows, columns=["number", "share", "most_moved"])
    return table.sort_values(["share", "number"], ascending=[False, True], ignore_index=True)


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
