"""In which order ranked candidates stand, and which of them gain at all."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.linkage.index_table import MAIN

__all__ = ["SORT_BY", "has_gain", "order", "ordered_by"]

SORT_BY = MAIN


def ordered_by(table: pd.DataFrame, sort_by: str = SORT_BY) -> str:
    """The column that a ranking goes by: the expected gain over the draws where there is one, else the gain at best values.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`~permeability.ranking.ranking.Ranking`.
    sort_by : str

    Returns
    -------
    str

    Examples
    --------
    >>> ordered_by(pd.DataFrame({"gain_mean_conductance": [1.0]}))
    'gain_mean_conductance'
    """
    drawn = "gain_expected" if sort_by == SORT_BY else f"gain_{sort_by}_expected"
    return drawn if drawn in table.columns else f"gain_{sort_by}"


def order(table: gpd.GeoDataFrame, sort_by: str = SORT_BY) -> gpd.GeoDataFrame:
    """Candidates by falling expected gain (:func:`ordered_by`), with ``rank`` and, beside draws, ``rank_best_values``.

    Parameters
    ----------
    table : GeoDataFrame
        Gains, costs and kilometres of the candidates.
    sort_by : str

    Returns
    -------
    GeoDataFrame

    Examples
    --------
    >>> sites = gpd.GeoDataFrame({
    ...     "gain_mean_conductance": [3.0, 2.0], "gain_expected": [1.0, 2.0], "gain_reachable_km2": 0.0, "cost_usd": 1.0,
    ...     "km_from": [0.0, 1.0], "geometry": [None, None]})
    >>> order(sites)[["rank", "rank_best_values"]].values.tolist()
    [[1, 2], [2, 1]]
    """
    best, drawn = f"gain_{sort_by}", ordered_by(table, sort_by)

    def by(column: str) -> NDArray[np.int64]:
        keys = (table["km_from"], table["cost_usd"], -table["gain_reachable_km2"], -table[column])
        return np.lexsort(keys).astype(np.int64)

    places = np.empty(len(table), np.int64)
    places[by(best)] = np.arange(1, len(table) + 1)
    first = by(drawn)
    table = table.iloc[first].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    if drawn != best:
        table.insert(1, "rank_best_values", places[first])
    return table


def has_gain(table: pd.DataFrame, today: float) -> NDArray[np.bool_]:
    """Whether a candidate gains: expected gain above zero and a 90 % range that does not lie at zero.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`~permeability.ranking.ranking.Ranking`.
    today : float
        Mean conductance before; what is below 1e-9 of it is rounding.

    Returns
    -------
    bool array

    Examples
    --------
    >>> has_gain(pd.DataFrame({"gain_expected": [0.1, -0.1, 0.1], "gain_high": [0.2, 0.3, 0.0]}), 1.0).tolist()
    [True, False, False]
    """
    gain = table[ordered_by(table)].to_numpy(float)
    least = 1e-9 * max(float(today), float(np.abs(gain[np.isfinite(gain)]).max(initial=0.0)))
    above = gain > least
    return above & (table["gain_high"].to_numpy(float) > least) if "gain_high" in table.columns else above
