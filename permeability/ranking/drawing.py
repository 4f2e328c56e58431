"""Uncertain numbers drawn: quasi-random quantiles, reproducible bit by bit from one seed, and their values.

The first n of more draws are the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate


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
    u = scrambled_halton(len(labels), draws, np.random.default_rng(rng))
    return pd.DataFrame(np.clip(u, 1e-12, 1 - 1e-12), columns=labels)


def scrambled_halton(dimensions: int, points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Scrambled Halton points, shape (points, dimensions): those of ``scipy.stats.qmc.Halton``, which takes longer to import than to run.

    Coordinate i of a point are the digits of its number to the i-th prime as base, each digit permuted by a permutation of its own
    (Owen 2017, algorithm 1, doi:10.48550/arXiv.1706.02808).

    Parameters
    ----------
    dimensions, points : int
    rng : numpy.random.Generator

    Returns
    -------
    array
        Numbers in [0, 1).

    Examples
    --------
    >>> from scipy.stats import qmc
    >>> same = qmc.Halton(3, scramble=True, seed=np.random.default_rng(5)).random(4)
    >>> bool((scrambled_halton(3, 4, np.random.default_rng(5)) == same).all())
    True
    """
    own = rng.spawn(1)[0]
    out = np.empty((points, dimensions))
    for column, base in zip(out.T, first_primes(dimensions)):
        count = math.ceil(54 / math.log2(base)) - 1  # digits that a double tells apart
        permutations = np.repeat(np.arange(base)[None], count, axis=0)
        for permutation in permutations:
            own.shuffle(permutation)
        left, found, unit = np.arange(points), np.zeros(points), 1.0 / base
        for permutation in permutations:
            digit: NDArray[np.int64] | int = 0
            if left.size and left[-1]:  # the last point has the most digits
                left, digit = np.divmod(left, base)
            found += permutation[digit] * unit
            unit /= base
        column[:] = found
    return out


def first_primes(n: int) -> list[int]:
    """The first prime numbers.

    Parameters
    ----------
    n : int

    Returns
    -------
    list of int

    Examples
    --------
    >>> first_primes(5)
    [2, 3, 5, 7, 11]
    """
    most = max(15, math.ceil(n * (math.log(max(n, 2)) + math.log(math.log(max(n, 3))) + 1)))
    is_prime = np.ones(most + 1, bool)
    is_prime[:2] = False
    for k in range(2, math.isqrt(most) + 1):
        is_prime[k * k :: k] &= not is_prime[k]
    return [int(p) for p in np.flatnonzero(is_prime)[:n]]


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
