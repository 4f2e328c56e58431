"""What moves the ranking most: first-order indices of the uncertain numbers, from draws made for another purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from permeability.ranking.rank_statistics import ranks

Floats = NDArray[np.float64]


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
    return float(first_orders(x[:, None], y[:, None], bins)[0, 0])


def first_orders(quantiles: ArrayLike, outputs: ArrayLike, bins: int | None = None) -> Floats:
    """:func:`first_order` of every number for every output at once.

    Parameters
    ----------
    quantiles : array, shape (draws, numbers)
    outputs : array, shape (draws, K)
    bins : int, optional
        As for :func:`first_order`.

    Returns
    -------
    array, shape (numbers, K)

    Examples
    --------
    >>> from permeability.ranking.drawing import quantiles
    >>> u = quantiles(["a", "b"], 2000, 1)
    >>> first_orders(u, np.stack((u.a, u.b), axis=1)).round(1).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    x, y = np.asarray(quantiles, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    found = np.zeros((x.shape[1], y.shape[1]))
    alike: dict[
        bytes, list[int]
    ] = {}  # numbers that are shared by the same draws, such as those of landscapes made anew
    for c in range(x.shape[1]):
        world = np.unique(x[:, c], return_inverse=True)[1]
        first = np.unique(world, return_index=True)[1]
        shared = np.argsort(np.argsort(first))[world] if len(first) < len(x) else np.zeros(0, np.int64)
        alike.setdefault(shared.astype(np.int64).tobytes(), []).append(c)
    for shared_by, columns in alike.items():
        mine = x[:, columns]
        if not shared_by:
            found[columns] = _distinct(mine, y, bins)
            continue
        world = np.frombuffer(shared_by, np.int64)
        count = np.bincount(world)
        means = np.stack([np.bincount(world, weights=v) for v in y.T], axis=1) / count[:, None]
        first = np.unique(world, return_index=True)[1]
        total = y.var(axis=0)
        held = np.divide(means.var(axis=0), total, out=np.zeros(len(total)), where=total > 0)
        found[columns] = _distinct(mine[first], means, bins) * held  # they say no more than their mean
    return found


def _distinct(x: Floats, y: Floats, bins: int | None) -> Floats:
    """First-order indices, (numbers, K), of numbers that differ in every draw."""
    n, m = len(x), bins or bins_of(len(x))
    total, found = y.var(axis=0), np.zeros((x.shape[1], y.shape[1]))
    if n <= m:
        return found
    centred = y - y.mean(axis=0)
    group = np.argsort(np.argsort(x, axis=0, kind="stable"), axis=0, kind="stable") * m // n
    count = np.bincount(np.arange(n) * m // n, minlength=m)[:, None]
    for c in range(x.shape[1]):
        inside = (group[:, c] == np.arange(m)[:, None]).astype(np.float64)
        between = ((inside @ centred) ** 2 / count).sum(axis=0) / n
        share = np.divide(between, total, out=np.zeros(len(total)), where=total > 0)
        found[c] = np.where(total > 0, (share * (n - 1) - (m - 1)) / (n - m), 0.0)
    return np.clip(found, 0.0, 1.0)


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
    each = dict(zip(map(str, drawn.columns), first_orders(drawn.to_numpy(float), r)))
    wanted = groups if groups is not None else {c: (c,) for c in each}
    found = [np.minimum(sum(each[c] for c in parts), 1.0) for parts in wanted.values()]
    return pd.DataFrame(np.array(found).reshape(len(wanted), r.shape[1]), index=list(wanted))


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
    return of_shares(shares_by_number(drawn, gains, groups), gains)


def of_shares(shares: pd.DataFrame, gains: ArrayLike) -> pd.DataFrame:
    """:func:`influence` from what :func:`shares_by_number` found.

    Parameters
    ----------
    shares : DataFrame, shape (numbers, K)
    gains : array, shape (draws, K)

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> of_shares(pd.DataFrame([[0.5, 0.0]], index=["fence"]), [[1.0, 2.0], [2.0, 1.0]]).share.tolist()
    [0.25]
    """
    spread = ranks(gains).astype(np.float64).var(axis=0)
    rows = []
    for name, index in zip(shares.index, shares.to_numpy(float)):
        moved = index * spread
        share = float(moved.sum() / spread.sum()) if spread.sum() > 0 else 0.0
        most = int(np.argmax(moved)) if share > 0 else -1
        rows.append({"number": str(name), "share": share, "most_moved": most})
    table = pd.DataFrame(rows, columns=["number", "share", "most_moved"])
    return table.sort_values(["share", "number"], ascending=[False, True], ignore_index=True)
