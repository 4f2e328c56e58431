"""What the draws of a ranking hold: gains and ranks of every candidate in each, and how sure a rank is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.ranking import influence, rank_statistics
from permeability.ranking.rank_statistics import middle
from permeability.ranking.unknown_numbers import LIMITS, Unknown

__all__ = ["RankDraws"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankDraws:
    """Gains and ranks of all candidates over draws of the uncertain numbers.

    Attributes
    ----------
    quantiles : pandas.DataFrame
        One row per draw, one column per uncertain number (two for a position): its quantile 0..1.
    gains : array, shape (draws, candidates)
        Gain in mean conductance between patches.
    ranks : array of int, shape (draws, candidates)
        1 = best; ties share the lower rank.
    unknowns : list of Unknown
        What was drawn.
    costs : array, shape (draws, candidates), or None
        Cost of every candidate [USD].
    index_gains : dict
        ``pairs_apart``, ``range_cut_off_km2``, ``reachable_km2``, ``eca_km2`` -> gain of every candidate in every draw
        (positive = better), shape (draws, candidates).
    today : pandas.DataFrame
        Those indices and ``mean_conductance`` before any opening, one row per draw.
    together_gains : array, shape (draws, sets)
        Gain in mean conductance of the sets of candidates that were asked for beside the single ones.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> drawn = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20).draws
    >>> drawn.gains.shape, sorted(drawn.table(top=1).columns)[:3]
    ((20, 4), ['alike', 'gain_eca_km2_expected', 'gain_eca_km2_high'])
    """

    quantiles: pd.DataFrame
    gains: Array = field(repr=False)
    ranks: NDArray[np.int64] = field(repr=False)
    unknowns: list[Unknown] = field(default_factory=list, repr=False)
    costs: Array | None = field(default=None, repr=False)
    index_gains: dict[str, Array] = field(default_factory=dict, repr=False)
    today: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    together_gains: Array = field(default_factory=lambda: np.empty((0, 0)), repr=False)

    def table(
        self,
        top: int = 10,
        *,
        worth_usd_per_gain: float | None = None,
        budget_usd: float | None = None,
        weights: Array | None = None,
    ) -> pd.DataFrame:
        """How sure every candidate's rank is, one row per candidate.

        Parameters
        ----------
        top : int
        worth_usd_per_gain : float, optional
            What one unit of gain in mean conductance is worth [USD]; adds ``share_worth_it``.
        budget_usd : float, optional
            Adds ``share_in_budget``, see :func:`permeability.ranking.rank_statistics.share_in_budget`.
        weights : array, shape (draws,), optional
            How much every draw counts, as after a pilot (:mod:`permeability.monitoring.pilot_update`); then without ``moved_by``.

        Returns
        -------
        DataFrame
            Columns of :func:`permeability.ranking.rank_statistics.rank_table`; ``gain_<index>_expected / _low / _high`` (mean, 5 and
            95 % of the draws) of the further indices; ``share_joins``: the share of draws in which it joins range or
            patches that were apart; ``alike``: number of the group of candidates that cannot be told apart, 1 = the
            best; ``moved_by``: the unknown number that moves its rank most.
        """
        known = worth_usd_per_gain is not None and self.costs is not None
        table = rank_statistics.rank_table(
            self.gains, top=top, cost=self.costs if known else None, worth=1.0 / worth_usd_per_gain if worth_usd_per_gain else 0.0,
            weights=weights,
        )  # fmt: skip
        w = None if weights is None else rank_statistics.shares_of(weights, len(self.gains))
        for index, gains in self.index_gains.items():
            ends = np.array([middle(column, weights=w) for column in gains.T]).reshape(-1, 2)
            table[f"gain_{index}_expected"] = rank_statistics.mean_of(gains, w)
            table[f"gain_{index}_low"], table[f"gain_{index}_high"] = ends[:, 0], ends[:, 1]
        if self.index_gains:
            joins = (self.index_gains["pairs_apart"] > 0) | (self.index_gains["range_cut_off_km2"] > 0)
            table["share_joins"] = rank_statistics.mean_of(joins, w)
        if budget_usd is not None and self.costs is not None:
            table["share_in_budget"] = rank_statistics.share_in_budget(self.gains, self.costs, budget_usd, w)
        for number, group in enumerate(rank_statistics.together(self.gains, weights=w), start=1):
            table.loc[group, "alike"] = number
        table["alike"] = table["alike"].astype(int)
        if weights is None:
            table["moved_by"] = self.moved_by()
        return table

    def today_table(self, best: Mapping[str, float]) -> dict[str, dict[str, float]]:
        """Today's indices over the draws: ``expected``, ``low``, ``high`` (5 and 95 %) and ``share_at_least_half``.

        ``best`` holds the indices at best values; the share is that of the draws with at least half of them.
        """
        found = {}
        for index in map(str, self.today):
            values = self.today[index].to_numpy(float)
            low, high = middle(values)
            half = float((values >= 0.5 * best[index]).mean())
            found[index] = {
                "expected": float(values.mean()),
                "low": low,
                "high": high,
                "share_at_least_half": half,
            }
        return found

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Unknown number -> its columns among the quantiles; without those that no gain in conductance depends on."""
        return {u.key: u.columns for u in self.unknowns if u.kind not in LIMITS}

    def influence(self) -> pd.DataFrame:
        """Which unknown number moves the ranking most; see :func:`permeability.ranking.influence.influence`."""
        return influence.of_shares(self._shares, self.gains)

    @cached_property
    def _shares(self) -> pd.DataFrame:
        """Share of every number in the movement of every candidate's rank, (numbers, candidates)."""
        return influence.shares_by_number(self.quantiles, self.gains, self.groups)

    def moved_by(self) -> list[str]:
        """For every candidate the unknown number that moves its rank most, in words; empty where none does."""
        shares = self._shares.to_numpy(float)
        if not len(shares):
            return [""] * self.gains.shape[1]
        words, least = {u.key: u.words for u in self.unknowns}, self.least_shares()
        names = [str(self._shares.index[i]) for i in shares.argmax(axis=0)]
        return [words.get(n, n) if s > least[n] else "" for n, s in zip(names, shares.max(axis=0))]

    def least_shares(self) -> dict[str, float]:
        """Share of rank movement that each number must exceed to stand out from chance.

        Numbers of landscapes made anew have as many values as there are landscapes, not draws.
        """
        return {k: influence.least_share(self.quantiles[c[0]].nunique()) for k, c in self.groups.items()}

    def together(self) -> list[list[int]]:
        """Groups of candidates that cannot be told apart, best first; see :func:`permeability.ranking.rank_statistics.together`."""
        return rank_statistics.together(self.gains)
