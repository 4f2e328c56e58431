"""Uncertain numbers drawn: quasi-random quantiles, reproducible bit by bit from one seed, and their values.

The first n of more draws are the same draws.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

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
    seed = np.random.default_rng(rng)
    from scipy.stats import qmc  # a fifth of a second, which whoever draws nothing need not wait for

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
