"""What moves the ranking most: first-order indices of the uncertain numbers, from draws made for another purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from permeability.ranking.rank_statistics import ranks


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
    >>> from permeability.ranking.drawing import quantiles
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
    >>> from permeability.ranking.drawing import quantiles
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
    >>> from permeability.ranking.drawing import quantiles
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
